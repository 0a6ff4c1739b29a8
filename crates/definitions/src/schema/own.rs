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
        (
            "artifacts",
            text(
                "Where files of runs and models are kept: a folder, or s3://, gs:// or az:// with a bucket; the state folder by default.",
            ),
        ),
        (
            "tracking",
            text(
                "The PostgreSQL database that what runs log is kept in: env:NAME or file:PATH of its URL, or the URL without a password; the state folder by default.",
            ),
        ),
        (
            "protected",
            list(
                object(
                    &["policy"],
                    vec![
                        ("policy", text("Name of the policy.")),
                        ("models", texts("Names of models, `*` for anything; all by default.")),
                        ("aliases", texts("Aliases that move only with approval.")),
                        (
                            "stages",
                            texts("Stages that versions enter and leave only with approval."),
                        ),
                        (
                            "approvals",
                            json!({"type": "integer", "minimum": 1, "description": "How many others must approve; 1 by default."}),
                        ),
                        (
                            "approvers",
                            texts("Who may approve; anybody but the author, without it."),
                        ),
                        ("expires", text("How long an approval may be used: `14d` by default.")),
                    ],
                ),
                "Aliases and stages of models that move only when others approve.",
            ),
        ),
        (
            "webhooks",
            object(
                &[],
                vec![
                    (
                        "allow_private",
                        boolean("Webhooks may reach loopback, private and link-local addresses."),
                    ),
                    ("allow_http", boolean("Webhooks may go to http:// addresses.")),
                ],
            ),
        ),
        ("allow_outside", boolean("Datasets may lie outside the project folder.")),
        ("engine", either(vec![words("", &["datafusion", "postgres"]), engine])),
        ("portfolio", portfolio()),
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

/// `portfolio:` of `steward.yaml`.
fn portfolio() -> Value {
    let capacity = || json!({"type": "object", "additionalProperties": {"type": "number", "minimum": 0}, "description": "Person-weeks there are of each skill."});
    let record = |columns: &[(&'static str, &str)]| {
        let mut keys = vec![("dataset", text("The table."))];
        keys.extend(columns.iter().map(|(key, what)| (*key, text(what))));
        let required: Vec<&str> = keys.iter().map(|k| k.0).collect();
        object(&required, keys)
    };
    let scenario = object(
        &[],
        [
            money("budget", "Money to spend; the project's by default.").to_vec(),
            vec![
                ("capacity", capacity()),
                ("require", texts("Initiatives that must be in.")),
                ("exclude", texts("Initiatives that must be out.")),
            ],
        ]
        .concat(),
    );
    let mut keys = money("budget", "Money to spend.").to_vec();
    keys.extend([
        ("capacity", capacity()),
        ("horizon_weeks", number("Weeks over which value counts; 52 by default.")),
        (
            "forecasts",
            record(&[
                ("forecaster", "Column of who forecast."),
                ("probability", "Column of the stated probability."),
                ("outcome", "Column of whether it came true; null while open."),
            ]),
        ),
        (
            "throughput",
            record(&[
                ("initiative", "Column of the initiative that an item belongs to."),
                ("done", "Column of the day on which it was done; null while open."),
            ]),
        ),
        (
            "estimates",
            record(&[
                ("low", "Column of the stated 10th percentile."),
                ("high", "Column of the stated 90th percentile."),
                ("actual", "Column of what it was in the end; null while open."),
            ]),
        ),
        (
            "scenarios",
            json!({"type": "object", "additionalProperties": scenario, "description": "Other budgets and capacities, by name."}),
        ),
    ]);
    object(&[], keys)
}

/// An amount in whole units of the currency, or in minor units.
fn money(key: &'static str, description: &str) -> [(&'static str, Value); 2] {
    let minor: &'static str = match key {
        "budget" => "budget_minor",
        "per_unit" => "per_unit_minor",
        "delay_cost" => "delay_cost_minor",
        "incident_cost" => "incident_cost_minor",
        "retry_cost" => "retry_cost_minor",
        _ => "hour_cost_minor",
    };
    let schema = |unit: &str| json!({"type": "number", "minimum": 0, "description": format!("{description} {unit}")});
    [
        (key, schema("In the project's currency.")),
        (minor, schema("In minor units.")),
    ]
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

/// What a unit of the bet's metric is worth.
fn unit_value() -> Value {
    let mut keys = money("per_unit", "What one unit of the metric is worth.").to_vec();
    keys.extend([
        ("margin", text("Share of it that is kept: 0.32 or 32%; all by default.")),
        (
            "half_life",
            text("Time after which half of the effect is gone: `180d`; it stays by default."),
        ),
        (
            "one_off",
            text("Time after which the effect ends: it is counted once and never annualised."),
        ),
        (
            "signed_by",
            text("The person who answers for it; unsigned, value is told in units only."),
        ),
        (
            "version",
            json!({"type": "integer", "minimum": 1, "description": "Version of the signed value."}),
        ),
    ]);
    object(&[], keys)
}

/// The 10th, 50th and 90th percentile.
pub(super) fn range(description: &str) -> Value {
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
        (
            "work",
            words("What sort of work it is; `feature` by default.", &["feature", "debt", "spike"]),
        ),
        (
            "skills",
            json!({"type": "object", "additionalProperties": {"anyOf": [{"type": "number", "minimum": 0}, range("")]}, "description": "Person-weeks of each skill."}),
        ),
        ("items", range("Work items that are left: 10th, 50th and 90th percentile.")),
        (
            "rice",
            object(
                &["reach", "impact", "confidence"],
                vec![
                    ("reach", number("People reached in a quarter.")),
                    ("impact", number("Impact on each: 0.25 minimal to 3 massive.")),
                    ("confidence", text("Confidence: 0.8 or 80%.")),
                ],
            ),
        ),
        (
            "wsjf",
            object(
                &["value", "urgency", "risk"],
                vec![
                    ("value", number("Value to users and the business.")),
                    ("urgency", number("How fast the value goes.")),
                    ("risk", number("Risk reduced or opportunity enabled.")),
                ],
            ),
        ),
        ("interest", interest()),
        ("informs", text("Of a spike: the initiative that it tells about.")),
        ("kill_by", moment("Of a spike: the day on which it ends whatever it found.")),
    ]);
    keys.extend(money("delay_cost", "What a week of delay costs."));
    object(&["initiative"], keys)
}

/// What debt costs in a month.
fn interest() -> Value {
    let mut keys = vec![
        ("incidents", number("Incidents a month.")),
        ("retries", number("Retried runs a month.")),
        ("toil_hours", number("Hours of toil a month.")),
    ];
    keys.extend(money("incident_cost", "Cost of an incident."));
    keys.extend(money("retry_cost", "Cost of a retry."));
    keys.extend(money("hour_cost", "Cost of an hour."));
    object(&[], keys)
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
        (
            "resolve",
            text("SELECT of one row and one column: true succeeded, false failed, null not yet."),
        ),
        (
            "filter",
            text("Condition over dimensions under which the metric counts."),
        ),
        ("value", unit_value()),
    ]);
    object(&["bet", "initiative", "metric", "probability", "effect"], keys)
}
