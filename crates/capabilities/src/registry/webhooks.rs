//! Webhooks: whom to tell about what.

use std::sync::Arc;

use uuid::Uuid;

use super::Registry;
use super::events::{Change, Private, webhook_subject};
use super::types::Webhook;
use crate::CapabilityError;

/// What there is to be told: `entity.action`.
pub const EVENTS: [&str; 15] = [
    "registered_model.created",
    "model_version.created",
    "model_version_tag.set",
    "model_version_tag.deleted",
    "model_version_alias.created",
    "model_version_alias.deleted",
    "prompt.created",
    "prompt_version.created",
    "prompt_tag.set",
    "prompt_tag.deleted",
    "prompt_version_tag.set",
    "prompt_version_tag.deleted",
    "prompt_alias.created",
    "prompt_alias.deleted",
    "budget_policy.exceeded",
];

/// A new webhook.
#[derive(Clone, Debug, Default)]
pub struct NewWebhook {
    /// Its name.
    pub name: String,
    /// Where to.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// `entity.action`.
    pub events: Vec<String>,
    /// Whether it is told.
    pub active: bool,
    /// The secret, encrypted.
    pub secret: Option<String>,
}

/// What changes about a webhook; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    /// Its name.
    pub name: Option<String>,
    /// Where to.
    pub url: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// `entity.action`.
    pub events: Option<Vec<String>>,
    /// Whether it is told.
    pub active: Option<bool>,
    /// The secret, encrypted.
    pub secret: Option<String>,
}

fn name(text: &str) -> Result<(), CapabilityError> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let inner = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    match inner && text.len() <= 63 && edge(text.chars().next()) && edge(text.chars().next_back()) {
        true => Ok(()),
        false => Err(CapabilityError::Invalid(format!(
            "Webhook name '{text}' is invalid. It must start and end with a letter or digit, be less than 63 characters \
             long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-)."
        ))),
    }
}

fn known_events(events: &[String]) -> Result<(), CapabilityError> {
    if events.is_empty() {
        let detail = "Webhook events must be a non-empty list of WebhookEvent objects: [].";
        return Err(CapabilityError::Invalid(detail.into()));
    }
    let Some(other) = events.iter().find(|e| !EVENTS.contains(&e.as_str())) else {
        return Ok(());
    };
    let (entity, action) = other.split_once('.').unwrap_or((other, ""));
    let valid = EVENTS.iter().filter_map(|e| e.strip_prefix(entity)?.strip_prefix('.'));
    Err(CapabilityError::Invalid(format!(
        "Invalid action '{action}' for entity '{entity}'. Valid actions are: {:?}",
        valid.collect::<Vec<_>>()
    )))
}

impl Registry {
    /// Tells somebody from now on. Whether the address may be reached is for the door to say.
    pub async fn create_webhook(&self, actor: &str, new: NewWebhook) -> Result<Arc<Webhook>, CapabilityError> {
        name(&new.name)?;
        known_events(&new.events)?;
        let id = Uuid::now_v7().to_string();
        let subject = webhook_subject(&id);
        let private = new.secret.map(|secret| Private {
            comment: None,
            secret: Some(secret),
        });
        let change = Change::WebhookCreated {
            name: new.name,
            url: new.url,
            description: new.description,
            events: new.events,
            active: new.active,
        };
        let event = |_: &super::Registered| Ok((vec![change.event(&subject, actor, private.clone())?], ()));
        let (state, ()) = self.change(&subject, event).await?;
        state.webhook(&id).cloned()
    }

    /// Changes a webhook.
    pub async fn change_webhook(
        &self,
        actor: &str,
        id: &str,
        to: WebhookChange,
    ) -> Result<Arc<Webhook>, CapabilityError> {
        to.name.as_deref().map_or(Ok(()), name)?;
        to.events.as_deref().map_or(Ok(()), known_events)?;
        let subject = webhook_subject(id);
        let private = to.secret.clone().map(|secret| Private {
            comment: None,
            secret: Some(secret),
        });
        let change = Change::WebhookChanged {
            name: to.name,
            url: to.url,
            description: to.description,
            events: to.events,
            active: to.active,
            secret: to.secret.is_some(),
        };
        let (state, ()) = self
            .change(&subject, |state| {
                state.webhook(id)?;
                Ok((vec![change.event(&subject, actor, private.clone())?], ()))
            })
            .await?;
        state.webhook(id).cloned()
    }

    /// Tells somebody no more.
    pub async fn delete_webhook(&self, actor: &str, id: &str) -> Result<(), CapabilityError> {
        let subject = webhook_subject(id);
        let change = self
            .change(&subject, |state| {
                state.webhook(id)?;
                Ok((vec![Change::WebhookDeleted {}.event(&subject, actor, None)?], ()))
            })
            .await;
        change.map(|_| ())
    }
}

impl super::Registered {
    /// A webhook by id.
    pub fn webhook(&self, id: &str) -> Result<&Arc<Webhook>, CapabilityError> {
        let missing = || CapabilityError::Missing(format!("Webhook with ID {id} not found."));
        self.webhooks.get(id).ok_or_else(missing)
    }

    /// Webhooks, newest first.
    pub fn newest_webhooks(&self) -> Vec<&Arc<Webhook>> {
        let mut all: Vec<&Arc<Webhook>> = self.webhooks.values().collect();
        all.sort_by(|a, b| (b.created_us, &b.id).cmp(&(a.created_us, &a.id)));
        all
    }
}
