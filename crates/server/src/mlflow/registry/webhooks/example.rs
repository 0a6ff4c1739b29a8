//! What a webhook is told of when it is tested.

use serde_json::{Value, json};

/// Something made up for an event; `None` for what is no event.
pub fn of(event: &str) -> Option<Value> {
    let (entity, action) = event.split_once('.')?;
    let (kind, rest) = match entity.strip_prefix("prompt") {
        Some(rest) => ("prompt", rest.trim_start_matches('_')),
        None => (
            "model",
            entity
                .trim_start_matches("registered_")
                .trim_start_matches("model")
                .trim_start_matches('_'),
        ),
    };
    let name = format!("example_{kind}");
    let tags = json!({ "example_key": "example_value" });
    Some(match (rest, action) {
        ("", "created") => json!({
            "name": name,
            "tags": tags,
            "description": if kind == "model" { "An example registered model" } else { "An example prompt" },
        }),
        ("version", "created") if kind == "model" => json!({
            "name": name,
            "version": "1",
            "source": "models:/123",
            "run_id": "abcd1234abcd5678",
            "tags": tags,
            "description": "An example model version",
        }),
        ("version", "created") => json!({
            "name": name,
            "version": "1",
            "template": "Hello {{name}}!",
            "tags": tags,
            "description": "An example prompt version",
        }),
        ("tag", "set") => json!({ "name": name, "key": "example_key", "value": "example_value" }),
        ("tag", "deleted") => json!({ "name": name, "key": "example_key" }),
        ("version_tag", "set") => {
            json!({ "name": name, "version": "1", "key": "example_key", "value": "example_value" })
        }
        ("version_tag", "deleted") => json!({ "name": name, "version": "1", "key": "example_key" }),
        ("version_alias" | "alias", "created") => json!({ "name": name, "alias": "example_alias", "version": "1" }),
        ("version_alias" | "alias", "deleted") => json!({ "name": name, "alias": "example_alias" }),
        ("budget_policy", "exceeded") => json!({
            "budget_policy_id": "bp-abc123",
            "budget_unit": "USD",
            "budget_amount": 100.0,
            "current_spend": 105.5,
            "duration_unit": "MONTHS",
            "duration_value": 1,
            "target_scope": "ENDPOINT",
            "workspace": "default",
            "target_value": "ep-abc123",
        }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use steward_capabilities::registry::EVENTS;

    #[test]
    fn every_event_has_an_example() {
        for event in EVENTS {
            assert!(super::of(event).is_some(), "{event}");
        }
        assert!(super::of("model_version.eaten").is_none());
    }
}
