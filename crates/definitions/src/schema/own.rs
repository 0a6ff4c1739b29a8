//! Kinds of Steward's own.

use serde_json::{Value, json};

use super::{boolean, either, free, list, number, object, text, texts, words};

/// `steward.yaml`.
pub(super) fn settings() -> Value {
    let engine = object(
        &[],
        vec![
            ("kind", words("Where queries run.", &["datafusion", "postgres"])),
            (
                "memory_mib",
                json!({"type": "integer", "minimum": 0, "description": "Memory limit of the embedded engine, in MiB."}),
            ),
            (
                "url",
                text("Reference to a secret that holds the connection address: `env:NAME` or `file:PATH`."),
            ),
        ],
    );
    let person = object(
        &["name"],
        vec![
            ("name", text("Handle, as used in `owner`.")),
            ("label", text("Full name.")),
            ("email", text("E-mail address.")),
            ("team", text("Team.")),
        ],
    );
    let mut keys = vec![
        ("project", text("Name of the project.")),
        ("label", text("Shown in the header of the user interface.")),
        ("owner", text("Owner of every definition that names none.")),
        (
            "time_zone",
            text("IANA time zone in which days, weeks and months begin; UTC by default."),
        ),
        (
            "currency",
            json!({"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 currency of money."}),
        ),
        ("as_of", text("What counts as now (RFC 3339), for demos and tests.")),
        (
            "alpha",
            json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "description": "Significance level of experiments that name none."}),
        ),
        (
            "attributes",
            json!({"type": "object", "additionalProperties": {"enum": crate::flags::ATTRIBUTE_TYPES}, "description": "Attributes that flags may ask for, with their type; anything without the list."}),
        ),
        (
            "sdk",
            list(
                object(
                    &["key"],
                    vec![
                        ("key", text("Client key, `sdk-…`: part of the address.")),
                        (
                            "encryption",
                            text(
                                "Secret under which the payload is encrypted: env:NAME or file:PATH; 16 bytes in base64.",
                            ),
                        ),
                        (
                            "remote",
                            boolean("Flags are evaluated by the server alone: the rules are not given out."),
                        ),
                    ],
                ),
                "Client keys under which applications get flags through a GrowthBook SDK.",
            ),
        ),
        (
            "flags",
            object(
                &[],
                vec![
                    (
                        "guard_every",
                        text("Time between two looks at the experiments that guard rollouts; `5m` by default."),
                    ),
                    (
                        "ofrep_rate",
                        json!({"type": "number", "exclusiveMinimum": 0, "description": "Requests a second that the OFREP door answers; all without it."}),
                    ),
                ],
            ),
        ),
        ("allow_outside", boolean("Datasets may lie outside the project folder.")),
        ("engine", either(vec![words("", &["datafusion", "postgres"]), engine])),
        (
            "people",
            list(
                either(vec![json!({"type": "string"}), person]),
                "Who may own and decide; without the list, anyone.",
            ),
        ),
    ];
    keys.extend(free(&["description", "version"]));
    object(&["project"], keys)
}

/// Keys that every definition of Steward's own carries.
pub(super) fn common(kind: &'static str) -> Vec<(&'static str, Value)> {
    vec![
        (
            kind,
            json!({"type": ["string", "number"], "pattern": "^[A-Za-z][A-Za-z0-9_.-]*$", "description": "Name, unique within the kind."}),
        ),
        (
            "owner",
            text("The accountable person or team; the project's owner by default."),
        ),
        ("label", text("Human title.")),
        ("description", text("What it means, in Markdown.")),
        ("tags", texts("Free tags.")),
    ]
}

pub(super) fn moment(description: &str) -> Value {
    json!({"type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}", "description": description})
}

/// `objectives/`.
pub(super) fn objective() -> Value {
    let mut key_result = vec![
        ("name", text("Name, unique in the objective; the metric's by default.")),
        ("metric", text("The metric.")),
        ("filter", text("Extra condition over dimensions.")),
        (
            "grain",
            words("Grain at which the metric is read.", &["day", "week", "month"]),
        ),
        ("baseline", number("Value at the start; computed when absent.")),
        ("target", number("Value wanted by the end.")),
    ];
    key_result.extend(free(&["label", "description", "owner"]));
    let period = object(
        &["start", "end"],
        vec![("start", moment("First day.")), ("end", moment("Last day."))],
    );
    let mut keys = common("objective");
    keys.extend([
        ("parent", text("The objective that it serves.")),
        (
            "period",
            either(vec![
                json!({"type": ["string", "integer"], "description": "`2025`, `2025-H1`, `2025-Q4` or `2025-10`."}),
                period,
            ]),
        ),
        (
            "key_results",
            list(
                object(&["metric", "target"], key_result),
                "How it is measured; status is computed, never typed.",
            ),
        ),
    ]);
    object(&["objective", "period"], keys)
}

/// The 10th, 50th and 90th percentile.
fn range(description: &str) -> Value {
    let named = object(
        &["p10", "p50", "p90"],
        vec![("p10", number("")), ("p50", number("")), ("p90", number(""))],
    );
    json!({"anyOf": [{"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}, named], "description": description})
}

/// `initiatives/`.
pub(super) fn initiative() -> Value {
    let mut keys = common("initiative");
    keys.extend([
        ("objectives", texts("The objectives that it serves.")),
        ("problem", text("The problem, in a sentence.")),
        ("decision", text("The decision that it changes.")),
        ("start", moment("First day.")),
        ("due", moment("Wanted by.")),
        (
            "effort_weeks",
            range("Effort in person-weeks: 10th, 50th and 90th percentile."),
        ),
        ("depends_on", texts("Initiatives that must come first.")),
        ("team", texts("People on it.")),
    ]);
    object(&["initiative"], keys)
}

/// `bets/`.
pub(super) fn bet() -> Value {
    let money = json!({"anyOf": [{"type": "number", "minimum": 0}, {"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 1, "maxItems": 2}]});
    let mut keys = common("bet");
    keys.extend([
        ("initiative", text("The initiative.")),
        ("metric", text("The metric that resolves it.")),
        ("probability", text("Stated probability of success: 0.35 or 35%.")),
        (
            "effect",
            range("Stated relative effect if it succeeds: 10th, 50th and 90th percentile."),
        ),
        ("cost", money.clone()),
        ("cost_minor", money),
        ("kill_criterion", text("When it is stopped.")),
        ("experiment", text("Experiment that resolves it.")),
        ("resolve_by", moment("Day by which it is resolved.")),
    ]);
    object(&["bet", "initiative", "metric", "probability", "effect"], keys)
}
