//! Models and versions as clients read them. Times are milliseconds; what is empty is left out.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use steward_capabilities::registry::{Model, Version};

fn tags(tags: &BTreeMap<String, String>) -> Value {
    tags.iter()
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect()
}

/// A version.
pub fn version(model: &Model, version: &Version, aliases: bool) -> Value {
    let mut made = json!({
        "name": model.name,
        "version": version.version.to_string(),
        "creation_timestamp": version.created_us / 1000,
        "last_updated_timestamp": version.updated_us / 1000,
        "current_stage": version.stage.word(),
        "source": version.source,
        "run_id": version.run_id.clone().unwrap_or_default(),
        "run_link": version.run_link.clone().unwrap_or_default(),
        "status": "READY",
    });
    if let Some(made) = made.as_object_mut() {
        put(made, "description", version.description.as_ref().map(|d| json!(d)));
        put(made, "tags", (!version.tags.is_empty()).then(|| tags(&version.tags)));
        let of: Vec<&str> = model.aliases_of(version.version).collect();
        put(made, "aliases", (aliases && !of.is_empty()).then(|| json!(of)));
        put(
            made,
            "user_id",
            (version.author != "anonymous").then(|| json!(version.author)),
        );
    }
    made
}

/// A registered model with the latest version of each stage.
pub fn model(model: &Model) -> Value {
    let mut made = json!({
        "name": model.name,
        "creation_timestamp": model.created_us / 1000,
        "last_updated_timestamp": model.updated_us / 1000,
    });
    if let Some(made) = made.as_object_mut() {
        let described = model.description.as_ref().filter(|d| !d.is_empty());
        put(made, "description", described.map(|d| json!(d)));
        let latest: Vec<Value> = model.latest().into_iter().map(|v| version(model, v, false)).collect();
        put(made, "latest_versions", (!latest.is_empty()).then(|| json!(latest)));
        put(made, "tags", (!model.tags.is_empty()).then(|| tags(&model.tags)));
        let alias = |(alias, version): (&String, &u64)| json!({ "alias": alias, "version": version.to_string() });
        let aliases: Vec<Value> = model.aliases.iter().map(alias).collect();
        put(made, "aliases", (!aliases.is_empty()).then(|| json!(aliases)));
        put(
            made,
            "user_id",
            (model.author != "anonymous").then(|| json!(model.author)),
        );
    }
    made
}

fn put(fields: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        fields.insert(name.to_owned(), value);
    }
}
