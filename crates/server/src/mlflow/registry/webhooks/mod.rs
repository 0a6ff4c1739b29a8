//! Webhooks: who is told about changes, signed, and again if they do not answer.

mod courier;
mod example;
mod reach;
mod seal;

use axum::extract::{Path, State as Shared};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use steward_capabilities::registry::{NewWebhook, Webhook, WebhookChange};

use super::super::{Answer, Asked, Code, MlflowError, answer, paging};
use super::author;
use crate::State;

pub use courier::Courier;

fn shape(webhook: &Webhook) -> Value {
    let event = |event: &String| {
        let (entity, action) = event.split_once('.').unwrap_or((event, ""));
        json!({ "entity": entity.to_uppercase(), "action": action.to_uppercase() })
    };
    let mut made = json!({
        "webhook_id": webhook.id,
        "name": webhook.name,
        "url": webhook.url,
        "events": webhook.events.iter().map(event).collect::<Vec<_>>(),
        "status": if webhook.active { "ACTIVE" } else { "DISABLED" },
        "creation_timestamp": webhook.created_us / 1000,
        "last_updated_timestamp": webhook.updated_us / 1000,
    });
    if let Some(description) = webhook.description.as_ref().filter(|d| !d.is_empty()) {
        made["description"] = json!(description);
    }
    made
}

/// `entity.action` of an event as requests carry it.
fn event(fields: &Asked) -> Result<String, MlflowError> {
    let word = |name: &str| Ok::<_, MlflowError>(fields.text(name)?.unwrap_or_default().to_lowercase());
    Ok(format!("{}.{}", word("entity")?, word("action")?))
}

fn events(asked: &Asked) -> Result<Vec<String>, MlflowError> {
    let all = asked.objects("events")?;
    all.into_iter()
        .map(|fields| event(&Asked::of(fields.clone())))
        .collect()
}

fn active(asked: &Asked) -> Result<Option<bool>, MlflowError> {
    match asked.text("status")? {
        None | Some("") => Ok(None),
        Some("ACTIVE") => Ok(Some(true)),
        Some("DISABLED") => Ok(Some(false)),
        Some(other) => Err(MlflowError::value(
            "status",
            &json!(other),
            "expected ACTIVE or DISABLED",
        )),
    }
}

fn sealed(state: &State, secret: Option<&str>) -> Result<Option<String>, MlflowError> {
    let Some(secret) = secret.filter(|s| !s.is_empty()) else {
        return Ok(None);
    };
    let fail = |cause: String| MlflowError::new(Code::InternalError, format!("the secret cannot be kept: {cause}"));
    let key = state.key("webhooks").map_err(fail)?;
    seal::seal(secret, &key).map(Some).map_err(fail)
}

/// `POST webhooks`.
pub async fn create(Shared(state): Shared<State>, headers: HeaderMap, asked: Asked) -> Answer {
    let (name, url) = (asked.required("name")?, asked.required("url")?);
    reach::check(&state, url).await?;
    let new = NewWebhook {
        name: name.to_owned(),
        url: url.to_owned(),
        description: asked.text("description")?.filter(|d| !d.is_empty()).map(str::to_owned),
        events: events(&asked)?,
        active: active(&asked)?.unwrap_or(true),
        secret: sealed(&state, asked.text("secret")?)?,
    };
    let webhook = state.registry().create_webhook(&author(&headers, &asked), new).await?;
    answer(&json!({ "webhook": shape(&webhook) }))
}

/// `GET webhooks`.
pub async fn list(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let most = asked.int("max_results")?.filter(|n| *n != 0).unwrap_or(100);
    if !(1..=1000).contains(&most) {
        return Err(MlflowError::invalid("max_results must be between 1 and 1000."));
    }
    let most = usize::try_from(most).unwrap_or(100);
    let from = paging::offset(asked.text("page_token")?)?;
    let registered = state.registry().now().await?;
    let all = registered.newest_webhooks();
    let page: Vec<Value> = all.iter().skip(from).take(most).map(|w| shape(w)).collect();
    let mut document = match page.is_empty() {
        true => json!({}),
        false => json!({ "webhooks": page }),
    };
    if all.len() > from + most {
        document["next_page_token"] = json!(paging::token(from + most));
    }
    answer(&document)
}

/// `GET webhooks/ID`.
pub async fn get(Shared(state): Shared<State>, Path(id): Path<String>) -> Answer {
    let registered = state.registry().now().await?;
    answer(&json!({ "webhook": shape(registered.webhook(&id)?) }))
}

/// `PATCH webhooks/ID`.
pub async fn update(Shared(state): Shared<State>, Path(id): Path<String>, headers: HeaderMap, asked: Asked) -> Answer {
    let text = |name: &str| Ok::<_, MlflowError>(asked.text(name)?.filter(|t| !t.is_empty()).map(str::to_owned));
    state.registry().now().await?.webhook(&id)?;
    let url = text("url")?;
    if let Some(url) = &url {
        reach::check(&state, url).await?;
    }
    let events = events(&asked)?;
    let to = WebhookChange {
        name: text("name")?,
        url,
        description: asked.text("description")?.map(str::to_owned),
        events: (!events.is_empty()).then_some(events),
        active: active(&asked)?,
        secret: sealed(&state, asked.text("secret")?)?,
    };
    let webhook = state
        .registry()
        .change_webhook(&author(&headers, &asked), &id, to)
        .await?;
    answer(&json!({ "webhook": shape(&webhook) }))
}

/// `DELETE webhooks/ID`.
pub async fn delete(Shared(state): Shared<State>, Path(id): Path<String>, headers: HeaderMap, asked: Asked) -> Answer {
    state.registry().delete_webhook(&author(&headers, &asked), &id).await?;
    state.courier().forget(&id);
    answer(&json!({}))
}

/// `POST webhooks/ID/test`: tells it of something made up, and says what it answered.
pub async fn test(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let registered = state.registry().now().await?;
    let webhook = registered.webhook(&id)?;
    let named = asked.object("event")?.map(|fields| event(&fields)).transpose()?;
    let event = named.or_else(|| webhook.events.first().cloned()).unwrap_or_default();
    let Some(data) = example::of(&event) else {
        return Err(MlflowError::invalid(format!("Unknown event type: {event}")));
    };
    let result = match state.courier().deliver(&state, webhook, &event, &data).await {
        Ok((status, body)) => {
            json!({ "success": status < 400, "response_status": status, "response_body": body })
        }
        Err(cause) => json!({ "success": false, "error_message": format!("Failed to test webhook: {cause}") }),
    };
    answer(&json!({ "result": result }))
}

/// Tells those who want to know of an event, without waiting for them.
pub async fn tell(state: &State, event: &str, data: Value) {
    let registered = match state.registry().now().await {
        Ok(registered) => registered,
        Err(cause) => {
            tracing::error!("nobody is told of {event}: {cause}");
            return;
        }
    };
    for webhook in registered.webhooks.values() {
        if webhook.active && webhook.events.iter().any(|e| e == event) {
            let errand = courier::Errand {
                state: state.clone(),
                webhook: webhook.clone(),
                event: event.to_owned(),
                data: data.clone(),
            };
            state.courier().send(errand);
        }
    }
}
