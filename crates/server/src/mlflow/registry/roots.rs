//! Where runs and logged models keep their files.

use serde_json::{Value, json};
use steward_capabilities::{CapabilityError, Context};
use steward_runs::RunsError;

use super::super::MlflowError;
use super::super::artifacts::place;
use crate::State;

/// Tag of a logged model with the versions that are made of it.
const VERSIONS: &str = "mlflow.modelVersions";

/// Where a run's or a logged model's files lie, and the run that it comes of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The address of its folder.
    pub uri: String,
    /// The run.
    pub run_id: Option<String>,
}

/// What is there, or nothing.
fn found<T>(asked: Result<T, RunsError>) -> Result<Option<T>, MlflowError> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(RunsError::Missing { .. }) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Of a run; `None` if there is none of that id.
pub async fn of_run(state: &State, id: &str) -> Result<Option<Root>, MlflowError> {
    let run = found(state.tracking().store().await?.run(id).await)?;
    Ok(run.map(|run| Root {
        uri: run.artifacts,
        run_id: Some(run.id),
    }))
}

/// Of a logged model; `None` if there is none of that id.
pub async fn of_model(state: &State, id: &str) -> Result<Option<Root>, MlflowError> {
    let model = found(state.tracking().store().await?.model(id).await)?;
    Ok(model.filter(|m| m.deleted_ms.is_none()).map(|model| Root {
        uri: model.artifacts,
        run_id: model.run,
    }))
}

/// Notes at a logged model that a version is made of it.
pub async fn note_version(state: &State, id: &str, name: &str, version: u64) -> Result<(), MlflowError> {
    let made = json!({ "name": name, "version": version });
    let change = move |model: &mut steward_runs::Model| {
        let known = model
            .tags
            .get(VERSIONS)
            .map(|text| serde_json::from_str::<Vec<Value>>(text));
        let mut all = known.and_then(Result::ok).unwrap_or_default();
        if !all.contains(&made) {
            all.push(made);
        }
        model.tags.insert(VERSIONS.to_owned(), Value::Array(all).to_string());
        Ok(())
    };
    state.tracking().store().await?.change_model(id, change).await?;
    Ok(())
}

/// SHA-256 over the files at an address, if they lie in the store and there are any.
pub async fn digest(context: &Context, storage: &str) -> Result<Option<String>, CapabilityError> {
    let store = &context.artifacts;
    let address = address(context, storage).await?;
    let failed = |e: steward_artifacts::ArtifactError| CapabilityError::File {
        path: address.clone(),
        cause: e.to_string(),
    };
    match place(&address, &store.place()).filter(|folder| !folder.is_root()) {
        Some(folder) => store.folder_sha256(&folder).await.map_err(failed),
        None => Ok(None),
    }
}

/// The address of files behind `runs:/ID/path`; any other address is what it is.
pub async fn address(context: &Context, storage: &str) -> Result<String, CapabilityError> {
    let Some(rest) = storage.strip_prefix("runs:/") else {
        return Ok(storage.to_owned());
    };
    let rest = rest.trim_start_matches('/');
    let (id, path) = rest.split_once('/').unwrap_or((rest, ""));
    match context.tracking.store().await?.run(id).await {
        Ok(run) => Ok(steward_runs::below(&run.artifacts, &[path])),
        Err(RunsError::Missing { .. }) => Ok(storage.to_owned()),
        Err(e) => Err(e.into()),
    }
}
