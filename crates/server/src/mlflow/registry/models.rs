//! Registered models.

use axum::extract::State as Shared;
use axum::http::HeaderMap;
use serde_json::{Value, json};
use steward_capabilities::registry::{self, Stage};

use super::super::{Answer, Asked, answer};
use super::{author, rules, shapes, tag_map, tell};
use crate::State;

/// `POST registered-models/create`.
pub async fn create(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let name = asked.required("name")?;
    let tags = asked.pairs("tags")?;
    let description = asked.text("description")?.map(str::to_owned);
    let told = json!({
        "name": name,
        "tags": tag_map(&tags, &[]),
        "description": description.clone().unwrap_or_default(),
    });
    let actor = author(&headers, &asked);
    let model = state
        .registry()
        .create_model(&actor, name, description, tags.clone())
        .await?;
    let mut told = told;
    if model.is_prompt() {
        told["tags"] = tag_map(&tags, &[registry::PROMPT, "_mlflow_prompt_type"]);
    }
    tell(&state, model.is_prompt(), "registered_model", "created", told).await;
    answer(&json!({ "registered_model": shapes::model(&model) }))
}

/// `GET registered-models/get`.
pub async fn get(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let registered = state.registry().now().await?;
    let model = registered.model(asked.required("name")?)?;
    answer(&json!({ "registered_model": shapes::model(model) }))
}

/// `PATCH registered-models/update`.
pub async fn update(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let name = asked.required("name")?;
    let description = Some(asked.text("description")?.unwrap_or_default().to_owned());
    let actor = author(&headers, &asked);
    let model = state.registry().change_model(&actor, name, description).await?;
    answer(&json!({ "registered_model": shapes::model(&model) }))
}

/// `POST registered-models/rename`.
pub async fn rename(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let (name, to) = (asked.required("name")?, asked.required("new_name")?);
    let actor = author(&headers, &asked);
    let rules = rules(&state).await?;
    let model = state.registry().rename_model(&actor, name, to, &rules).await?;
    answer(&json!({ "registered_model": shapes::model(&model) }))
}

/// `DELETE registered-models/delete`.
pub async fn delete(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let name = asked.required("name")?;
    let rules = rules(&state).await?;
    state
        .registry()
        .delete_model(&author(&headers, &asked), name, &rules)
        .await?;
    answer(&json!({}))
}

/// `GET` or `POST registered-models/get-latest-versions`.
pub async fn latest(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let name = asked.required("name")?;
    let stages = asked.texts("stages")?;
    let stages = stages
        .into_iter()
        .map(registry::stage)
        .collect::<Result<Vec<Stage>, _>>()?;
    let registered = state.registry().now().await?;
    let model = registered.model(name)?;
    let wanted = model
        .latest()
        .into_iter()
        .filter(|v| stages.is_empty() || stages.contains(&v.stage));
    let versions: Vec<Value> = wanted.map(|v| shapes::version(model, v, true)).collect();
    answer(&match versions.is_empty() {
        true => json!({}),
        false => json!({ "model_versions": versions }),
    })
}

/// `POST registered-models/set-tag`.
pub async fn tag(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let (name, key) = (asked.required("name")?, asked.required("key")?);
    let value = asked.text("value")?.unwrap_or_default();
    let actor = author(&headers, &asked);
    let model = state.registry().tag_model(&actor, name, key, value).await?;
    if model.is_prompt() {
        let told = json!({ "name": name, "key": key, "value": value });
        super::webhooks::tell(&state, "prompt_tag.set", told).await;
    }
    answer(&json!({}))
}

/// `DELETE registered-models/delete-tag`.
pub async fn untag(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let (name, key) = (asked.required("name")?, asked.required("key")?);
    let actor = author(&headers, &asked);
    let model = state.registry().untag_model(&actor, name, key).await?;
    if model.is_prompt() {
        let told = json!({ "name": name, "key": key });
        super::webhooks::tell(&state, "prompt_tag.deleted", told).await;
    }
    answer(&json!({}))
}
