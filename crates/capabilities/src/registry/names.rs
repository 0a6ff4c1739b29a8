//! What names, aliases, tags and stages may look like.

use super::Registered;
use super::types::{Model, Stage, Version};
use crate::CapabilityError;
use std::sync::Arc;

/// Longest name of a model, in characters.
const LONGEST_NAME: usize = 256;
/// Longest alias.
const LONGEST_ALIAS: usize = 255;
/// Longest key of a tag.
const LONGEST_KEY: usize = 250;
/// Tag that holds the text of a prompt.
const TEXT: &str = "mlflow.prompt.text";
/// Longest value of a tag on a model, in characters.
const LONGEST_VALUE: usize = 100_000;

fn invalid<T>(detail: impl Into<String>) -> Result<T, CapabilityError> {
    Err(CapabilityError::Invalid(detail.into()))
}

/// Whether a model may have this name.
pub fn model_name(name: &str) -> Result<(), CapabilityError> {
    if name.trim().is_empty() {
        return invalid("Missing value for required parameter 'name'.");
    }
    if name.contains(['/', ':']) {
        return invalid(format!("Invalid model name '{name}'. Names cannot contain '/' or ':'."));
    }
    if matches!(name, "." | "..") {
        let shown = serde_json::Value::from(name);
        return invalid(format!(
            "Invalid value {shown} for parameter 'name' supplied: Names may be treated as files in certain cases, and \
             must not resolve to other names when treated as such. This name would resolve to {shown}"
        ));
    }
    if name.chars().any(char::is_control) {
        return invalid(format!(
            "Invalid model name {name:?}. Names cannot contain control characters."
        ));
    }
    if name.chars().count() > LONGEST_NAME {
        return invalid(format!(
            "Model name exceeds the maximum length of {LONGEST_NAME} characters"
        ));
    }
    Ok(())
}

/// Whether an alias may have this name; `new` if it is to be given.
pub fn alias_name(alias: &str, new: bool) -> Result<(), CapabilityError> {
    if alias.is_empty() {
        return invalid("Registered model alias name cannot be empty.");
    }
    if !alias.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
        return invalid(format!(
            "Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-)."
        ));
    }
    if alias.chars().count() > LONGEST_ALIAS {
        return invalid(format!(
            "'Registered model alias name' exceeds the maximum length of {LONGEST_ALIAS} characters"
        ));
    }
    if new && alias.eq_ignore_ascii_case("latest") {
        return invalid("'latest' alias name (case insensitive) is reserved.");
    }
    let number = alias.strip_prefix(['v', 'V']);
    if new && number.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit())) {
        return invalid(format!("Version alias name '{alias}' is reserved."));
    }
    Ok(())
}

/// Whether a tag may have this key.
pub fn tag_key(key: &str) -> Result<(), CapabilityError> {
    if key.is_empty() {
        return invalid("Missing value for required parameter 'key'.");
    }
    if !key.chars().all(|c| c.is_alphanumeric() || "_-. :/".contains(c)) {
        let shown = serde_json::Value::from(key);
        return invalid(format!(
            "Invalid value {shown} for parameter 'key' supplied: Names may only contain alphanumerics, underscores (_), \
             dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
        ));
    }
    let unplain = key.starts_with('/') || key.split('/').any(|part| matches!(part, "" | "." | ".."));
    if unplain {
        let shown = serde_json::Value::from(key);
        return invalid(format!(
            "Invalid value {shown} for parameter 'key' supplied: Names may be treated as files in certain cases, and \
             must not resolve to other names when treated as such. This name would resolve to another"
        ));
    }
    if key.chars().count() > LONGEST_KEY {
        return invalid(format!("'key' exceeds the maximum length of {LONGEST_KEY} characters"));
    }
    Ok(())
}

/// Whether a tag may be kept.
pub fn tag(key: &str, value: &str) -> Result<(), CapabilityError> {
    tag_key(key)?;
    if value.chars().count() > LONGEST_VALUE {
        if key == TEXT {
            return invalid(format!("Prompt text exceeds max length of {LONGEST_VALUE} characters."));
        }
        return invalid(format!(
            "'value' exceeds the maximum length of {LONGEST_VALUE} characters"
        ));
    }
    Ok(())
}

/// Reads a stage.
pub fn stage(text: &str) -> Result<Stage, CapabilityError> {
    let unknown = || {
        CapabilityError::Invalid(format!(
            "Invalid Model Version stage: {text}. Value must be one of None, Staging, Production, Archived."
        ))
    };
    Stage::parse(text).ok_or_else(unknown)
}

impl Registered {
    /// A model by name.
    pub fn model(&self, name: &str) -> Result<&Arc<Model>, CapabilityError> {
        model_name(name)?;
        let missing = || CapabilityError::Missing(format!("Registered Model with name={name} not found"));
        self.models.get(name).ok_or_else(missing)
    }

    /// A version of a model by number.
    pub fn version(&self, name: &str, version: u64) -> Result<(&Arc<Model>, &Arc<Version>), CapabilityError> {
        model_name(name)?;
        let missing = || CapabilityError::Missing(format!("Model Version (name={name}, version={version}) not found"));
        let model = self.models.get(name).ok_or_else(missing)?;
        Ok((model, model.versions.get(&version).ok_or_else(missing)?))
    }

    /// The version that an alias points at; `latest` is the highest.
    pub fn by_alias(&self, name: &str, alias: &str) -> Result<(&Arc<Model>, &Arc<Version>), CapabilityError> {
        model_name(name)?;
        alias_name(alias, false)?;
        let model = self.model(name)?;
        if alias.eq_ignore_ascii_case("latest") {
            let missing = || CapabilityError::Missing(format!("Latest version not found for model {name}."));
            return Ok((model, model.versions.values().next_back().ok_or_else(missing)?));
        }
        match model.aliases.get(alias).and_then(|version| model.versions.get(version)) {
            Some(version) => Ok((model, version)),
            None => Err(CapabilityError::Invalid(format!(
                "Registered model alias {alias} not found."
            ))),
        }
    }
}
