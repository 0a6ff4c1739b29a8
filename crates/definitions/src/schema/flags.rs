//! Flags, segments, layers, holdouts.

use serde_json::{Value, json};

use super::own::{common, moment};
use super::{boolean, either, list, object, text, texts, words};

fn condition(description: &str) -> Value {
    json!({"type": "object", "description": description})
}

fn share(description: &str) -> Value {
    json!({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string", "pattern": "^[0-9.]+ ?%?$"}], "description": description})
}

fn range(description: &str) -> Value {
    json!({"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}, "minItems": 2, "maxItems": 2, "description": description})
}

fn any(description: &str) -> Value {
    json!({"description": description})
}

/// `segments/`.
pub(super) fn segment() -> Value {
    let mut keys = common("segment");
    keys.extend([
        ("when", condition("Condition on attributes.")),
        ("attribute", text("Attribute of the list.")),
        ("values", json!({"type": "array", "items": {"type": ["string", "number"]}, "description": "Values of the attribute."})),
    ]);
    object(&["segment"], keys)
}

/// `layers/`.
pub(super) fn layer() -> Value {
    let mut keys = common("layer");
    keys.extend([
        ("by", text("Attribute whose value is hashed; `id` by default.")),
        ("seed", text("Seed of the hash; the layer's name by default.")),
    ]);
    object(&["layer"], keys)
}

/// `holdouts/`.
pub(super) fn holdout() -> Value {
    let mut keys = common("holdout");
    keys.extend([
        ("by", text("Attribute whose value is hashed; `id` by default.")),
        ("seed", text("Seed of the hash; the holdout's name by default.")),
        ("share", share("Share of units held back.")),
        (
            "flags",
            texts("Flags from which they are held back; all without the list."),
        ),
        ("from", moment("First moment, inclusive.")),
        ("until", moment("Last moment, exclusive.")),
    ]);
    object(&["holdout", "share"], keys)
}

/// `flags/`.
pub(super) fn flag() -> Value {
    let prerequisite = object(
        &["flag"],
        vec![
            ("flag", text("The flag.")),
            ("is", any("The value that it must have; true by default.")),
            ("when", condition("Condition on its `value`.")),
        ],
    );
    let prerequisites = list(
        either(vec![json!({"type": "string"}), prerequisite]),
        "Flags that must hold first.",
    );
    let arm = object(
        &["name"],
        vec![
            ("name", text("The experiment's variant.")),
            ("value", any("What its units get.")),
            ("variant", text("Name of the value that its units get.")),
            ("weight", share("Share; all sum to 1. Equal without.")),
        ],
    );
    let slice = |name: &str| {
        object(
            &["name", "range"],
            vec![
                ("name", text(name)),
                ("range", range("From (inclusive) and to (exclusive).")),
            ],
        )
    };
    let step = object(
        &["at", "coverage"],
        vec![
            ("at", moment("Moment.")),
            ("coverage", share("Share of units from then on.")),
        ],
    );
    let guard = object(
        &["experiment"],
        vec![
            ("experiment", text("The experiment whose readout is watched.")),
            (
                "metrics",
                texts("Its metrics that are watched; its guardrails by default."),
            ),
            (
                "action",
                words(
                    "What happens on harm; `roll_back` by default.",
                    &["freeze", "roll_back"],
                ),
            ),
        ],
    );
    let guard = either(vec![text("Experiment whose guardrails stop it."), guard]);
    let ramp = object(
        &["steps"],
        vec![
            ("steps", list(step, "In order of time.")),
            ("guarded_by", guard.clone()),
        ],
    );
    let rule = object(
        &[],
        vec![
            ("rule", text("Name, unique in the flag.")),
            ("when", condition("Condition on attributes.")),
            ("segments", texts("Segments of which the unit must be in all.")),
            ("not_segments", texts("Segments of which the unit must be in none.")),
            ("prerequisites", prerequisites.clone()),
            ("from", moment("First moment, inclusive.")),
            ("until", moment("Last moment, exclusive.")),
            ("value", any("What units get.")),
            ("variant", text("Name of the value that units get.")),
            ("rollout", share("Share of units included.")),
            ("range", range("Slice of hash values included.")),
            ("ramp", ramp),
            ("guarded_by", guard),
            ("experiment", text("The experiment that the split assigns for.")),
            ("bandit", text("The bandit whose live weights are the shares.")),
            ("key", text("Key under which the split is tracked.")),
            ("split", list(arm, "Variants with their values.")),
            (
                "ranges",
                list(
                    range("Slice of hash values."),
                    "One per variant; they replace weights and rollout.",
                ),
            ),
            ("namespace", slice("Namespace of the legacy kind.")),
            ("layer", slice("The layer.")),
            ("by", text("Attribute whose value is hashed; `id` by default.")),
            ("fallback", text("Attribute used where `by` is missing.")),
            ("seed", text("Seed of the hash.")),
            ("hash_version", json!({"enum": [1, 2], "description": "2 by default."})),
            ("sticky", boolean("Units keep their variant when weights change.")),
            (
                "bucket_version",
                json!({"type": "integer", "minimum": 0, "description": "Raised to assign everyone anew."}),
            ),
            (
                "min_bucket_version",
                json!({"type": "integer", "minimum": 0, "description": "Units bucketed by an older version are excluded."}),
            ),
        ],
    );
    let forced = object(
        &["units"],
        vec![
            ("attribute", text("Attribute that identifies testers; `id` by default.")),
            ("units", texts("Its values.")),
            ("value", any("What they get.")),
            ("variant", text("Name of the value that they get.")),
        ],
    );
    let mut keys = common("flag");
    keys.extend([
        (
            "type",
            words(
                "What its values are.",
                &["boolean", "string", "integer", "number", "json"],
            ),
        ),
        ("default", any("Value when no rule applies.")),
        ("variants", json!({"type": "object", "description": "Named values."})),
        ("enabled", boolean("False: everyone gets the default.")),
        ("forced", list(forced, "Values forced for testers.")),
        ("prerequisites", prerequisites),
        ("rules", list(rule, "Tried in order; the first that applies answers.")),
        ("stale_after", moment("Day after which the flag should be gone.")),
    ]);
    object(&["flag"], keys)
}
