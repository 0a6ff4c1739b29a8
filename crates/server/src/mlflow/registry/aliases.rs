//! Aliases.

use axum::extract::State as Shared;
use axum::http::HeaderMap;
use serde_json::json;

use super::super::{Answer, Asked, answer};
use super::refusal::linked;
use super::{author, guard, number, shapes, tell};
use crate::State;

/// `POST registered-models/alias`.
pub async fn set(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let (name, alias) = (asked.required("name")?, asked.required("alias")?);
    let version = number(&asked)?;
    let registered = state.registry().now().await?;
    let model = registered.models.get(name).map(std::convert::AsRef::as_ref);
    let guard = guard(&state, model, Some(version)).await?;
    let actor = author(&headers, &asked);
    let set = state.registry().set_alias(&actor, name, alias, version, &guard).await;
    let (model, _) = set.map_err(|e| linked(e, &headers))?;
    let told = json!({ "name": name, "alias": alias, "version": version.to_string() });
    tell(&state, model.is_prompt(), "model_version_alias", "created", told).await;
    answer(&json!({}))
}

/// `DELETE registered-models/alias`.
pub async fn remove(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let (name, alias) = (asked.required("name")?, asked.required("alias")?);
    let guard = guard(&state, None, None).await?;
    let actor = author(&headers, &asked);
    let removed = state.registry().remove_alias(&actor, name, alias, &guard).await;
    removed.map_err(|e| linked(e, &headers))?;
    let registered = state.registry().now().await?;
    let prompt = registered.models.get(name).is_some_and(|m| m.is_prompt());
    let told = json!({ "name": name, "alias": alias });
    tell(&state, prompt, "model_version_alias", "deleted", told).await;
    answer(&json!({}))
}

/// `GET registered-models/alias`: the version that it points at.
pub async fn get(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let registered = state.registry().now().await?;
    let (model, version) = registered.by_alias(asked.required("name")?, asked.required("alias")?)?;
    answer(&json!({ "model_version": shapes::version(model, version, true) }))
}
