//! The registry in MLflow's words: registered models, versions, aliases, stages, prompts (models with a tag), webhooks.

mod aliases;
mod models;
mod refusal;
pub mod roots;
mod search;
mod shapes;
mod source;
mod versions;
pub mod webhooks;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{delete, get, patch, post};
use base64::Engine as _;
use serde_json::{Value, json};
use steward_capabilities::registry::{Guard, Model, Rule};

use super::{Asked, MlflowError};
use crate::State;

/// Routes below `/mlflow` of the second version of the protocol.
pub fn second() -> Router<State> {
    Router::new()
        .route("/registered-models/create", post(models::create))
        .route("/registered-models/get", get(models::get))
        .route("/registered-models/update", patch(models::update))
        .route("/registered-models/rename", post(models::rename))
        .route("/registered-models/delete", delete(models::delete))
        .route("/registered-models/search", get(search::models))
        .route(
            "/registered-models/get-latest-versions",
            get(models::latest).post(models::latest),
        )
        .route("/registered-models/set-tag", post(models::tag))
        .route("/registered-models/delete-tag", delete(models::untag))
        .route(
            "/registered-models/alias",
            get(aliases::get).post(aliases::set).delete(aliases::remove),
        )
        .route("/model-versions/create", post(versions::create))
        .route("/model-versions/get", get(versions::get))
        .route("/model-versions/update", patch(versions::update))
        .route("/model-versions/transition-stage", post(versions::stage))
        .route("/model-versions/delete", delete(versions::delete))
        .route("/model-versions/search", get(search::versions))
        .route("/model-versions/get-download-uri", get(versions::download_uri))
        .route("/model-versions/set-tag", post(versions::tag))
        .route("/model-versions/delete-tag", delete(versions::untag))
        .route("/webhooks", get(webhooks::list).post(webhooks::create))
        .route(
            "/webhooks/{id}",
            get(webhooks::get).patch(webhooks::update).delete(webhooks::delete),
        )
        .route("/webhooks/{id}/test", post(webhooks::test))
}

/// A version's file, as browsers ask for it: `?name=…&version=…&path=…`.
pub use versions::artifact;

/// Who asks: as an authenticating proxy or the client's log-in says, else as the request's `mlflow.user` tag says.
fn author(headers: &HeaderMap, asked: &Asked) -> String {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let tagged = || {
        let tags = asked.pairs("tags").ok()?;
        tags.into_iter()
            .rev()
            .find(|(key, _)| key == "mlflow.user")
            .map(|(_, user)| user)
    };
    let named = text("x-forwarded-user")
        .or_else(|| text("x-mlflow-user"))
        .or_else(|| basic(headers))
        .or_else(tagged);
    let plain = named.map(|n| n.chars().filter(|c| !c.is_control()).take(128).collect::<String>());
    plain
        .filter(|n| !n.trim().is_empty())
        .unwrap_or_else(|| "anonymous".to_owned())
}

/// The user of `Authorization: Basic …`.
fn basic(headers: &HeaderMap) -> Option<String> {
    let coded = headers.get("authorization")?.to_str().ok()?.strip_prefix("Basic ")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(coded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':').map(|(user, _)| user.to_owned())
}

/// A version's number, as text or number.
fn number(asked: &Asked) -> Result<u64, MlflowError> {
    let text = match asked.get("version")? {
        Some(Value::Number(n)) => n.to_string(),
        _ => asked.required("version")?.to_owned(),
    };
    let parsed = text.trim().parse::<i64>();
    let Ok(number) = parsed else {
        return Err(MlflowError::invalid(format!(
            "Parameter 'version' must be an integer, got '{text}'."
        )));
    };
    // There is none with such a number.
    Ok(u64::try_from(number).unwrap_or_default())
}

/// The rules that protect aliases and stages, as they are in force.
async fn rules(state: &State) -> Result<Vec<Rule>, MlflowError> {
    Ok(state.protections().await?)
}

/// What must be known to judge a move to a version.
async fn guard(state: &State, model: Option<&Model>, version: Option<u64>) -> Result<Guard, MlflowError> {
    let rules = rules(state).await?;
    let storage = model.and_then(|m| m.versions.get(&version?)).map(|v| v.storage.clone());
    let digest = match storage.filter(|_| !rules.is_empty()) {
        Some(storage) => roots::digest(&state.loaded().await.context, &storage).await?,
        None => None,
    };
    Ok(Guard {
        rules,
        digest,
        evidence: Vec::new(),
    })
}

/// Tells those who want to know, without waiting for them.
async fn tell(state: &State, prompt: bool, entity: &str, action: &str, data: Value) {
    let event = match (prompt, entity) {
        (true, "registered_model") => format!("prompt.{action}"),
        (true, entity) => format!(
            "{}.{action}",
            entity
                .replace("model_version", "prompt_version")
                .replace("prompt_version_alias", "prompt_alias")
        ),
        (false, entity) => format!("{entity}.{action}"),
    };
    webhooks::tell(state, &event, data).await;
}

/// Tags as an object, in the way webhooks carry them.
fn tag_map(pairs: &[(String, String)], without: &[&str]) -> Value {
    let kept = pairs.iter().filter(|(key, _)| !without.contains(&key.as_str()));
    Value::Object(kept.map(|(key, value)| (key.clone(), json!(value))).collect())
}
