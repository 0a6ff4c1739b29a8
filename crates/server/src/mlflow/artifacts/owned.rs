//! Files of a run, a logged model or a version, by the path below its own folder.

use axum::body::Bytes;
use axum::extract::{Path, Query, State as Shared};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::json;
use steward_artifacts::Name;

use super::super::{Answer, Asked, MlflowError, answer};
use super::files::entries;
use super::{name, place, send};
use crate::State;

/// Largest file that a page of MLflow sends.
const LARGEST: usize = 10 << 20;

/// The folder of what keeps its files at an address.
async fn folder(state: &State, uri: &str) -> Result<Name, MlflowError> {
    let store = state.loaded().await.context.artifacts;
    place(uri, &store.place()).ok_or_else(|| {
        MlflowError::invalid(format!(
            "The files lie on {uri:?}, which this server does not serve: read them there, or make it the place of \
             `artifacts` in steward.yaml"
        ))
    })
}

/// The folder's files below a path, named from the folder.
async fn listed(state: &State, uri: &str, path: Option<&str>) -> Answer {
    let root = folder(state, uri).await?;
    let below = name(path.unwrap_or_default())?;
    let found = state
        .loaded()
        .await
        .context
        .artifacts
        .list(&root.join(below.as_str())?)
        .await?;
    let files = entries(&found, |name| name.below(&root).unwrap_or_default().to_owned());
    answer(&match found.is_empty() {
        true => json!({ "root_uri": uri }),
        false => json!({ "root_uri": uri, "files": files }),
    })
}

/// One of the folder's files.
async fn file(state: &State, uri: &str, path: &str, headers: &HeaderMap) -> Answer {
    let root = folder(state, uri).await?;
    let below = super::files::file(path)?;
    send(
        &state.loaded().await.context.artifacts,
        &root.join(below.as_str())?,
        headers,
    )
    .await
}

/// `GET artifacts/list?run_id=…&path=…`.
pub async fn of_run(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let run = state.tracking().store().await?.run(asked.run_id()?).await?;
    listed(&state, &run.artifacts, asked.text("path")?).await
}

/// `GET logged-models/ID/artifacts/directories`.
pub async fn of_model(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let model = state.tracking().store().await?.model(&id).await?;
    listed(&state, &model.artifacts, asked.text("artifact_directory_path")?).await
}

/// What stands behind the question mark.
#[derive(Deserialize)]
pub struct Which {
    run_id: Option<String>,
    run_uuid: Option<String>,
    path: Option<String>,
    artifact_file_path: Option<String>,
}

fn required<'a>(value: Option<&'a String>, what: &str) -> Result<&'a str, MlflowError> {
    let value = value.map(String::as_str).filter(|v| !v.is_empty());
    value.ok_or_else(|| MlflowError::invalid(format!("Request must specify {what}.")))
}

/// `GET get-artifact?run_id=…&path=…`.
pub async fn run_file(Shared(state): Shared<State>, Query(which): Query<Which>, headers: HeaderMap) -> Answer {
    let id = required(which.run_id.as_ref().or(which.run_uuid.as_ref()), "run_id")?;
    let run = state.tracking().store().await?.run(id).await?;
    file(&state, &run.artifacts, required(which.path.as_ref(), "path")?, &headers).await
}

/// `GET logged-models/ID/artifacts/files?artifact_file_path=…`.
pub async fn model_file(
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Answer {
    let model = state.tracking().store().await?.model(&id).await?;
    let path = required(which.artifact_file_path.as_ref(), "artifact_file_path")?;
    file(&state, &model.artifacts, path, &headers).await
}

/// `POST upload-artifact?run_uuid=…&path=…`: a small file of a run.
pub async fn upload(Shared(state): Shared<State>, Query(which): Query<Which>, body: axum::body::Body) -> Answer {
    let id = required(which.run_uuid.as_ref(), "run_uuid")?;
    let path = super::files::file(required(which.path.as_ref(), "path")?)?;
    let large = || MlflowError::invalid("Artifact size is too large. Max size is 10MB.");
    let bytes: Bytes = axum::body::to_bytes(body, LARGEST).await.map_err(|_| large())?;
    if bytes.is_empty() {
        return Err(MlflowError::invalid("Request must specify data."));
    }
    let run = state.tracking().store().await?.run(id).await?;
    let root = folder(&state, &run.artifacts).await?;
    let store = state.loaded().await.context.artifacts;
    store.write(&root.join(path.as_str())?, bytes).await?;
    answer(&json!({}))
}
