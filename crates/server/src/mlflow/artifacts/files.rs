//! Files by name.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State as Shared};
use axum::http::HeaderMap;
use futures::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use steward_artifacts::{Entry, Name};

use super::super::{Answer, MlflowError, answer};
use super::{name, send};
use crate::State;

/// Longest that the next bytes of an upload are waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// What stands behind the question mark.
#[derive(Deserialize)]
pub struct Which {
    path: Option<String>,
}

/// A folder's entries as clients read them; `shown` names each.
pub fn entries(found: &[Entry], shown: impl Fn(&Name) -> String) -> Value {
    let one = |entry: &Entry| match entry.folder {
        true => json!({ "path": shown(&entry.name), "is_dir": true }),
        false => json!({ "path": shown(&entry.name), "is_dir": false, "file_size": entry.size }),
    };
    found.iter().map(one).collect()
}

/// `GET …/artifacts?path=FOLDER`.
pub async fn list(Shared(state): Shared<State>, Query(which): Query<Which>) -> Answer {
    let folder = name(which.path.as_deref().unwrap_or_default())?;
    let found = state.loaded().await.context.artifacts.list(&folder).await?;
    let files = entries(&found, |name| name.last().to_owned());
    answer(&match found.is_empty() {
        true => json!({}),
        false => json!({ "files": files }),
    })
}

/// `GET …/artifacts/FILE`.
pub async fn get(Shared(state): Shared<State>, Path(path): Path<String>, headers: HeaderMap) -> Answer {
    send(&state.loaded().await.context.artifacts, &name(&path)?, &headers).await
}

/// `PUT …/artifacts/FILE`.
pub async fn put(Shared(state): Shared<State>, Path(path): Path<String>, body: Body) -> Answer {
    let name = file(&path)?;
    state
        .loaded()
        .await
        .context
        .artifacts
        .put(&name, arriving(body))
        .await?;
    answer(&json!({}))
}

/// `DELETE …/artifacts/NAME`.
pub async fn delete(Shared(state): Shared<State>, Path(path): Path<String>) -> Answer {
    state.loaded().await.context.artifacts.delete(&file(&path)?).await?;
    answer(&json!({}))
}

/// `DELETE …/artifacts/`: the files of everything are not deleted at once.
pub async fn delete_all() -> MlflowError {
    MlflowError::invalid("Invalid path: name what to delete")
}

/// The name of a file: not that of the whole store.
pub fn file(path: &str) -> Result<Name, MlflowError> {
    match name(path)? {
        name if name.is_root() => Err(MlflowError::invalid("Invalid path: it is empty")),
        name => Ok(name),
    }
}

/// A body, piece by piece. One that stops coming ends with an error.
pub fn arriving(body: Body) -> impl Stream<Item = Result<Bytes, String>> + Send {
    futures::stream::unfold(Some(body.into_data_stream()), |body| async move {
        let mut body = body?;
        match tokio::time::timeout(PATIENCE, body.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(body))),
            Ok(Some(Err(e))) => Some((Err(e.to_string()), None)),
            Err(_) => Some((Err(format!("nothing came for {} s", PATIENCE.as_secs())), None)),
        }
    })
}
