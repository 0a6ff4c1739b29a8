//! Versions of models.

use axum::extract::{Query, State as Shared};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use steward_capabilities::registry::{NewVersion, PROMPT, is_true, stage as parse_stage};

use super::super::artifacts::{place, send};
use super::super::{Answer, Asked, MlflowError, answer};
use super::refusal::linked;
use super::source::{self, Wanted};
use super::{author, guard, number, roots, rules, shapes, tag_map, tell};
use crate::State;

/// The text of a prompt stands in this tag.
const TEXT: &str = "mlflow.prompt.text";

/// `POST model-versions/create`.
pub async fn create(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let name = asked.required("name")?;
    let tags = asked.pairs("tags")?;
    let description = asked.text("description")?.unwrap_or_default().to_owned();
    let prompt = is_true(tags.iter().rev().find(|(key, _)| key == PROMPT).map(|(_, value)| value));
    let registered = state.registry().now().await?;
    let wanted = Wanted {
        source: asked.required("source")?,
        run_id: asked.text("run_id")?,
        model_id: asked.text("model_id")?,
        prompt,
    };
    let found = source::check(&state, &registered, wanted).await?;
    let digest = match prompt {
        true => None,
        false => roots::digest(&state.loaded().await.context, &found.storage).await?,
    };
    let new = NewVersion {
        source: found.source.clone(),
        storage: found.storage,
        run_id: found.run_id.clone(),
        run_link: asked.text("run_link")?.map(str::to_owned),
        model_id: found.model_id.clone(),
        description: Some(description.clone()),
        tags: tags.clone(),
        digest,
    };
    let (model, version) = state
        .registry()
        .create_version(&author(&headers, &asked), name, new)
        .await?;
    if let Some(id) = found.model_id.as_deref().filter(|id| !id.is_empty() && !prompt) {
        roots::note_version(&state, id, name, version.version).await?;
    }
    let described = (!description.is_empty()).then_some(description);
    let told = match prompt {
        true => json!({
            "name": name,
            "version": version.version.to_string(),
            "template": version.tags.get(TEXT),
            "tags": tag_map(&tags, &[PROMPT, TEXT, "_mlflow_prompt_type"]),
            "description": described,
        }),
        false => json!({
            "name": name,
            "version": version.version.to_string(),
            "source": found.source,
            "run_id": found.run_id.filter(|id| !id.is_empty()),
            "tags": tag_map(&tags, &[]),
            "description": described,
        }),
    };
    tell(&state, prompt, "model_version", "created", told).await;
    answer(&json!({ "model_version": shapes::version(&model, &version, true) }))
}

/// `GET model-versions/get`.
pub async fn get(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let registered = state.registry().now().await?;
    let (model, version) = registered.version(asked.required("name")?, number(&asked)?)?;
    answer(&json!({ "model_version": shapes::version(model, version, true) }))
}

/// `PATCH model-versions/update`.
pub async fn update(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let (name, version) = (asked.required("name")?, number(&asked)?);
    let description = asked.text("description")?.map(str::to_owned);
    let actor = author(&headers, &asked);
    let changed = state
        .registry()
        .change_version(&actor, name, version, description)
        .await;
    let (model, version) = changed?;
    answer(&json!({ "model_version": shapes::version(&model, &version, true) }))
}

/// `POST model-versions/transition-stage`.
pub async fn stage(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let (name, version) = (asked.required("name")?, number(&asked)?);
    let stage = parse_stage(asked.required("stage")?)?;
    let archive = asked.flag("archive_existing_versions")?.unwrap_or_default();
    let registered = state.registry().now().await?;
    let model = registered.models.get(name).map(std::convert::AsRef::as_ref);
    let guard = guard(&state, model, Some(version)).await?;
    let actor = author(&headers, &asked);
    let staged = state
        .registry()
        .stage_version(&actor, name, version, stage, archive, &guard)
        .await;
    let (model, version) = staged.map_err(|e| linked(e, &headers))?;
    answer(&json!({ "model_version": shapes::version(&model, &version, true) }))
}

/// `DELETE model-versions/delete`.
pub async fn delete(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let (name, version) = (asked.required("name")?, number(&asked)?);
    let rules = rules(&state).await?;
    let actor = author(&headers, &asked);
    state.registry().delete_version(&actor, name, version, &rules).await?;
    answer(&json!({}))
}

/// `GET model-versions/get-download-uri`.
pub async fn download_uri(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let registered = state.registry().now().await?;
    let (_, version) = registered.version(asked.text("name")?.unwrap_or_default(), number(&asked)?)?;
    answer(&json!({ "artifact_uri": version.storage }))
}

/// `POST model-versions/set-tag`.
pub async fn tag(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let (name, version, key) = (asked.required("name")?, number(&asked)?, asked.required("key")?);
    let value = asked.text("value")?.unwrap_or_default();
    let actor = author(&headers, &asked);
    let (model, _) = state.registry().tag_version(&actor, name, version, key, value).await?;
    let told = json!({ "name": name, "version": version.to_string(), "key": key, "value": value });
    tell(&state, model.is_prompt(), "model_version_tag", "set", told).await;
    answer(&json!({}))
}

/// `DELETE model-versions/delete-tag`.
pub async fn untag(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let (name, version, key) = (asked.required("name")?, number(&asked)?, asked.required("key")?);
    let actor = author(&headers, &asked);
    let (model, _) = state.registry().untag_version(&actor, name, version, key).await?;
    let told = json!({ "name": name, "version": version.to_string(), "key": key });
    tell(&state, model.is_prompt(), "model_version_tag", "deleted", told).await;
    answer(&json!({}))
}

/// What stands behind the question mark.
#[derive(Deserialize)]
pub struct Which {
    name: String,
    version: String,
    path: String,
}

/// `GET model-versions/get-artifact`: one file of a version.
pub async fn artifact(Shared(state): Shared<State>, Query(which): Query<Which>, headers: HeaderMap) -> Answer {
    let mut fields = serde_json::Map::new();
    fields.insert("version".into(), Value::String(which.version));
    let number = number(&Asked::of(fields))?;
    let registered = state.registry().now().await?;
    let (_, version) = registered.version(&which.name, number)?;
    let store = state.loaded().await.context.artifacts;
    let storage = roots::address(&state.loaded().await.context, &version.storage).await?;
    let Some(folder) = place(&storage, &store.place()) else {
        return Err(MlflowError::invalid(format!(
            "the files of version {number} of {} lie on {storage:?}, which this server does not serve",
            which.name
        )));
    };
    send(&store, &folder.join(&which.path)?, &headers).await
}
