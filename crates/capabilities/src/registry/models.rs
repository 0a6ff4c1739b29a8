//! Registered models: names.

use std::sync::Arc;

use super::events::{Change, model_subject};
use super::guard::{Rule, strictest};
use super::types::{Model, PROMPT, Pointer, is_true};
use super::{Registry, names};
use crate::CapabilityError;

impl Registry {
    /// Registers a name.
    pub async fn create_model(
        &self,
        actor: &str,
        name: &str,
        description: Option<String>,
        tags: Vec<(String, String)>,
    ) -> Result<Arc<Model>, CapabilityError> {
        names::model_name(name)?;
        for (key, value) in &tags {
            names::tag(key, value)?;
        }
        let prompt = is_true(tags.iter().rev().find(|(key, _)| key == PROMPT).map(|(_, value)| value));
        let subject = model_subject(name);
        let change = Change::ModelCreated { description, tags };
        let (state, ()) = self
            .change(&subject, |state| {
                if let Some(model) = state.models.get(name) {
                    return Err(CapabilityError::Exists(taken(name, model.is_prompt(), prompt)));
                }
                Ok((vec![change.event(&subject, actor, None)?], ()))
            })
            .await?;
        state.model(name).cloned()
    }

    /// Says what a model is.
    pub async fn change_model(
        &self,
        actor: &str,
        name: &str,
        description: Option<String>,
    ) -> Result<Arc<Model>, CapabilityError> {
        let subject = model_subject(name);
        let change = Change::ModelChanged { description };
        let (state, ()) = self
            .change(&subject, |state| {
                state.model(name)?;
                Ok((vec![change.event(&subject, actor, None)?], ()))
            })
            .await?;
        state.model(name).cloned()
    }

    /// Gives a model another name.
    pub async fn rename_model(
        &self,
        actor: &str,
        name: &str,
        to: &str,
        rules: &[Rule],
    ) -> Result<Arc<Model>, CapabilityError> {
        if to.trim().is_empty() {
            let detail = "Missing value for required parameter 'new_name'.";
            return Err(CapabilityError::Invalid(detail.into()));
        }
        names::model_name(to)?;
        let subject = model_subject(name);
        let change = Change::ModelRenamed { to: to.to_owned() };
        let (state, ()) = self
            .change(&subject, |state| {
                let model = state.model(name)?;
                if name == to {
                    return Ok((Vec::new(), ()));
                }
                if state.models.contains_key(to) {
                    let detail = format!("Registered Model (name={to}) already exists.");
                    return Err(CapabilityError::Exists(detail));
                }
                stays(model, rules, None, "renamed")?;
                Ok((vec![change.event(&subject, actor, None)?], ()))
            })
            .await?;
        state.model(to).cloned()
    }

    /// Deletes a model with its versions; the ledger keeps what they were.
    pub async fn delete_model(&self, actor: &str, name: &str, rules: &[Rule]) -> Result<(), CapabilityError> {
        let subject = model_subject(name);
        let change = self
            .change(&subject, |state| {
                stays(state.model(name)?, rules, None, "deleted")?;
                Ok((vec![Change::ModelDeleted {}.event(&subject, actor, None)?], ()))
            })
            .await;
        change.map(|_| ())
    }

    /// Tags a model. The tag that it has already changes nothing.
    pub async fn tag_model(
        &self,
        actor: &str,
        name: &str,
        key: &str,
        value: &str,
    ) -> Result<Arc<Model>, CapabilityError> {
        names::tag(key, value)?;
        let subject = model_subject(name);
        let change = Change::ModelTagSet {
            key: key.to_owned(),
            value: value.to_owned(),
        };
        let (state, ()) = self
            .change(&subject, |state| {
                let events = match state.model(name)?.tags.get(key) {
                    Some(known) if known == value => Vec::new(),
                    _ => vec![change.event(&subject, actor, None)?],
                };
                Ok((events, ()))
            })
            .await?;
        state.model(name).cloned()
    }

    /// Takes a tag off a model. One that is not there changes nothing.
    pub async fn untag_model(&self, actor: &str, name: &str, key: &str) -> Result<Arc<Model>, CapabilityError> {
        names::tag_key(key)?;
        let subject = model_subject(name);
        let change = Change::ModelTagRemoved { key: key.to_owned() };
        let (state, ()) = self
            .change(&subject, |state| {
                let events = match state.model(name)?.tags.contains_key(key) {
                    true => vec![change.event(&subject, actor, None)?],
                    false => Vec::new(),
                };
                Ok((events, ()))
            })
            .await?;
        state.model(name).cloned()
    }
}

/// Refuses what would take a protected pointer's version away without anybody's approval.
pub(super) fn stays(model: &Model, rules: &[Rule], version: Option<u64>, verb: &str) -> Result<(), CapabilityError> {
    let concerned = |at: u64| version.is_none_or(|v| v == at);
    let aliases = model
        .aliases
        .iter()
        .map(|(alias, at)| (Pointer::Alias(alias.clone()), *at));
    let stages = model.versions.values().map(|v| (Pointer::Stage(v.stage), v.version));
    for (pointer, at) in aliases.chain(stages).filter(|(_, at)| concerned(*at)) {
        if let Some(rule) = strictest(rules, &model.name, &pointer) {
            return Err(CapabilityError::Refused(format!(
                "{pointer} of model {} points at version {at} and is protected by policy {}: it cannot be {verb} before \
                 {pointer} is moved or taken away, with {} approval(s)",
                model.name, rule.policy, rule.approvals
            )));
        }
    }
    Ok(())
}

/// Why a name cannot be registered again.
fn taken(name: &str, is_prompt: bool, wanted_prompt: bool) -> String {
    let word = |prompt| if prompt { "prompt" } else { "registered model" };
    let title = |prompt| if prompt { "Prompt" } else { "Registered Model" };
    match is_prompt == wanted_prompt {
        true => format!("{} (name={name}) already exists.", title(is_prompt)),
        false => format!(
            "Tried to create a {} with name '{name}', but the name is already taken by a {}. MLflow does not allow \
             creating a model and a prompt with the same name.",
            word(wanted_prompt),
            word(is_prompt)
        ),
    }
}
