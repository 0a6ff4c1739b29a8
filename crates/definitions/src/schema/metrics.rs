//! dbt's semantic YAML in both dialects.

use serde_json::{Value, json};

use super::{boolean, either, free, list, number, object, text, texts, words};
use crate::semantic::{COLUMN_KEYS, MODEL_KEYS, OTHER_KEYS, jinja::GRAINS};

const AGGREGATIONS: [&str; 9] = [
    "sum",
    "count",
    "count_distinct",
    "average",
    "min",
    "max",
    "median",
    "percentile",
    "sum_boolean",
];
const ENTITIES: [&str; 4] = ["primary", "unique", "foreign", "natural"];
const METRICS: [&str; 5] = ["simple", "ratio", "derived", "cumulative", "conversion"];

/// dbt takes its words in capitals too.
fn any_case(description: &str, list: &[&str]) -> Value {
    let all: Vec<String> = list
        .iter()
        .map(|w| (*w).to_owned())
        .chain(list.iter().map(|w| w.to_uppercase()))
        .collect();
    json!({"enum": all, "description": description})
}

fn grain(description: &str) -> Value {
    any_case(description, &GRAINS)
}

fn name() -> Value {
    json!({"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]*$", "description": "Letters, digits and single `_`."})
}

fn window() -> Value {
    json!({"type": "string", "pattern": "^\\d+ [A-Za-z]+$", "description": "`14 days`, `1 month`."})
}

/// `metrics/`.
pub(super) fn file() -> Value {
    let mut keys = vec![
        (
            "semantic_models",
            list(
                semantic_model(),
                "Legacy dialect: tables with entities, dimensions and measures.",
            ),
        ),
        (
            "models",
            list(model(), "Latest dialect: models with their columns and metrics."),
        ),
        (
            "metrics",
            list(
                either(vec![legacy_metric(), latest_metric(false)]),
                "Metrics of either dialect.",
            ),
        ),
    ];
    keys.extend(free(&OTHER_KEYS));
    object(&[], keys)
}

fn config() -> Value {
    let mut keys = super::measured::metric_use();
    keys.extend(super::measured::kinds());
    keys.extend([
            ("owner", text("The accountable person or team.")),
            ("unit", text("`currency`, `percent`, `count`, or free text.")),
            ("direction", words("Which way is good.", &["increase", "decrease"])),
            (
                "cuped_days",
                json!({"type": "integer", "minimum": 0, "maximum": 365, "description": "Days before exposure used as covariate."}),
            ),
            (
                "binary",
                boolean("A unit's value is 1 if the aggregate is positive, else 0."),
            ),
        ]);
    let steward = object(&[], keys);
    json!({
        "type": "object",
        "properties": {
            "enabled": boolean("Whether the definition counts."),
            "meta": {
                "type": "object",
                "properties": {"owner": text("The accountable person or team."), "unit": text("Unit for people."), "steward": steward},
            },
        },
    })
}

fn semantic_model() -> Value {
    let keys = vec![
        ("name", name()),
        ("model", text("The dataset: ref('orders').")),
        ("description", text("What a row is.")),
        ("label", text("Human title.")),
        ("config", config()),
        ("meta", json!({"type": "object"})),
        ("tags", texts("Free tags.")),
        (
            "defaults",
            object(
                &[],
                vec![("agg_time_dimension", text("Time dimension of measures that name none."))],
            ),
        ),
        ("primary_entity", text("The primary entity.")),
        ("entities", list(entity(), "Join keys.")),
        ("dimensions", list(dimension(), "Grouping attributes.")),
        ("measures", list(measure(), "Aggregated expressions.")),
    ];
    object(&["name", "model"], keys)
}

fn entity() -> Value {
    let mut keys = vec![
        ("name", name()),
        ("type", any_case("How its values occur in the table.", &ENTITIES)),
        ("expr", text("SQL expression; the name by default.")),
    ];
    keys.extend(free(&[
        "description",
        "label",
        "role",
        "entity",
        "config",
        "meta",
        "metadata",
    ]));
    object(&["name", "type"], keys)
}

fn dimension() -> Value {
    let params = object(
        &[],
        vec![
            ("time_granularity", grain("Finest grain.")),
            ("validity_params", json!({})),
        ],
    );
    let mut keys = vec![
        ("name", name()),
        ("type", any_case("", &["categorical", "time"])),
        ("type_params", params),
        ("expr", text("SQL expression; the name by default.")),
        ("label", text("Human title.")),
    ];
    keys.extend(free(&["description", "is_partition", "config", "meta", "metadata"]));
    object(&["name", "type"], keys)
}

fn measure() -> Value {
    let params = object(
        &[],
        vec![
            ("percentile", number("In (0, 1).")),
            ("use_discrete_percentile", json!({})),
            ("use_approximate_percentile", json!({})),
        ],
    );
    let non_additive = object(
        &["name"],
        vec![
            ("name", text("The time dimension.")),
            ("window_choice", any_case("Which row counts.", &["min", "max"])),
            ("window_groupings", texts("Entities per which it is taken.")),
        ],
    );
    object(
        &["name", "agg"],
        vec![
            ("name", name()),
            ("agg", any_case("How rows are aggregated.", &AGGREGATIONS)),
            ("agg_params", params),
            ("expr", text("SQL expression; the name by default.")),
            ("agg_time_dimension", text("Its time dimension, if not the model's.")),
            ("non_additive_dimension", non_additive),
            ("label", text("Human title.")),
            ("description", text("Meaning.")),
            ("create_metric", boolean("Make it a metric too.")),
            ("create_metric_display_name", text("Title of that metric.")),
            ("config", config()),
            ("meta", json!({"type": "object"})),
            ("tags", texts("Free tags.")),
        ],
    )
}

fn measure_input() -> Value {
    let keys = vec![
        ("name", name()),
        ("filter", texts("Extra condition.")),
        ("alias", json!({})),
        ("join_to_timespine", boolean("Show missing periods.")),
        ("fill_nulls_with", number("Value of missing periods.")),
    ];
    either(vec![json!({"type": "string"}), object(&["name"], keys)])
}

fn metric_input() -> Value {
    let keys = vec![
        ("name", name()),
        ("alias", text("Name in the expression.")),
        ("filter", texts("Extra condition.")),
        ("offset_window", window()),
        ("offset_to_grain", grain("The value at the start of the grain.")),
    ];
    either(vec![json!({"type": "string"}), object(&["name"], keys)])
}

fn constant_properties() -> Value {
    let pair = vec![("base_property", text("")), ("conversion_property", text(""))];
    list(
        object(&["base_property", "conversion_property"], pair),
        "Properties that both events share.",
    )
}

/// Keys that metrics of both dialects carry.
fn metric_keys() -> Vec<(&'static str, Value)> {
    vec![
        ("name", name()),
        ("type", any_case("", &METRICS)),
        ("label", text("Human title.")),
        ("description", text("Meaning.")),
        (
            "filter",
            texts("Conditions over dimensions: {{ Dimension('user__country') }} = 'DE'."),
        ),
        ("time_granularity", json!({})),
        ("config", config()),
        ("meta", json!({"type": "object"})),
        ("tags", texts("Free tags.")),
    ]
}

fn legacy_metric() -> Value {
    let conversion = object(
        &["entity", "base_measure", "conversion_measure"],
        vec![
            ("entity", text("Who converts.")),
            ("base_measure", measure_input()),
            ("conversion_measure", measure_input()),
            ("window", window()),
            ("calculation", any_case("", &["conversion_rate", "conversions"])),
            ("constant_properties", constant_properties()),
        ],
    );
    let cumulative = object(
        &[],
        vec![
            ("window", window()),
            ("grain_to_date", grain("Since the start of the grain.")),
            ("period_agg", json!({})),
        ],
    );
    let mut params = vec![
        ("measure", measure_input()),
        ("fill_nulls_with", number("Value of missing periods.")),
        ("join_to_timespine", boolean("Show missing periods.")),
        ("numerator", metric_input()),
        ("denominator", metric_input()),
        ("expr", text("Expression over the inputs.")),
        ("metrics", list(metric_input(), "Inputs of a derived metric.")),
        ("window", window()),
        ("grain_to_date", grain("Since the start of the grain.")),
        ("cumulative_type_params", cumulative),
        ("conversion_type_params", conversion),
    ];
    params.extend(free(&["is_private", "input_measures"]));
    let mut keys = metric_keys();
    keys.push(("metadata", json!({})));
    keys.push(("type_params", object(&[], params)));
    object(&["name", "type", "type_params"], keys)
}

/// `inside` a model, a metric may aggregate by itself.
fn latest_metric(inside: bool) -> Value {
    let non_additive = object(
        &["name"],
        vec![
            ("name", text("The time dimension.")),
            ("window_agg", any_case("Which row counts.", &["min", "max"])),
            ("group_by", texts("Entities per which it is taken.")),
        ],
    );
    let mut keys = metric_keys();
    keys.extend([
        ("hidden", json!({})),
        (
            "expr",
            text("SQL expression over columns (simple) or inputs (derived)."),
        ),
        ("numerator", metric_input()),
        ("denominator", metric_input()),
        ("input_metrics", list(metric_input(), "Inputs of a derived metric.")),
        ("input_metric", metric_input()),
        ("window", window()),
        ("grain_to_date", grain("Since the start of the grain.")),
        ("period_agg", json!({})),
        ("entity", text("Who converts.")),
        ("base_metric", metric_input()),
        ("conversion_metric", metric_input()),
        ("calculation", any_case("", &["conversion_rate", "conversions"])),
        ("constant_properties", constant_properties()),
    ]);
    if inside {
        keys.extend([
            ("agg", any_case("How rows are aggregated.", &AGGREGATIONS)),
            ("percentile", number("In (0, 1).")),
            ("percentile_type", words("", &["discrete", "continuous"])),
            ("agg_time_dimension", text("Its time dimension, if not the model's.")),
            ("non_additive_dimension", non_additive),
            ("fill_nulls_with", number("Value of missing periods.")),
            ("join_to_timespine", boolean("Show missing periods.")),
        ]);
    }
    object(&["name"], keys)
}

fn model() -> Value {
    let own = object(
        &[],
        vec![
            ("name", name()),
            ("enabled", boolean("Whether it counts.")),
            ("group", json!({})),
            ("config", config()),
            ("meta", json!({"type": "object"})),
            ("tags", texts("Free tags.")),
        ],
    );
    let derived = object(
        &[],
        vec![
            ("entities", list(derived_entity(), "Entities that are no column.")),
            (
                "dimensions",
                list(derived_dimension(), "Dimensions that are no column."),
            ),
        ],
    );
    let mut keys = vec![
        ("name", text("The dataset.")),
        ("description", text("What a row is.")),
        ("config", config()),
        ("meta", json!({"type": "object"})),
        ("tags", texts("Free tags.")),
        (
            "semantic_model",
            either(vec![boolean("Whether the model is a semantic model."), own]),
        ),
        ("agg_time_dimension", text("Time dimension of metrics that name none.")),
        ("primary_entity", text("The primary entity.")),
        ("columns", list(column(), "Columns that are entities or dimensions.")),
        ("derived_semantics", derived),
        ("metrics", list(latest_metric(true), "Metrics over the model.")),
    ];
    keys.extend(free(&MODEL_KEYS));
    object(&["name"], keys)
}

fn column() -> Value {
    let mut entity = vec![("name", name()), ("type", any_case("How its values occur.", &ENTITIES))];
    entity.extend(free(&["description", "label", "config"]));
    let mut dimension = vec![
        ("name", name()),
        ("type", any_case("", &["categorical", "time"])),
        ("label", text("Human title.")),
        ("validity_params", json!({})),
    ];
    dimension.extend(free(&["description", "is_partition", "config"]));
    let mut keys = vec![
        ("name", text("The column.")),
        ("description", text("Meaning.")),
        ("granularity", grain("Finest grain of a time dimension.")),
        (
            "entity",
            either(vec![
                any_case("How its values occur.", &ENTITIES),
                object(&["type"], entity),
            ]),
        ),
        (
            "dimension",
            either(vec![
                any_case("", &["categorical", "time"]),
                object(&["type"], dimension),
            ]),
        ),
    ];
    keys.extend(free(&COLUMN_KEYS));
    object(&["name"], keys)
}

fn derived_entity() -> Value {
    let mut keys = vec![
        ("name", name()),
        ("type", any_case("How its values occur.", &ENTITIES)),
        ("expr", text("SQL expression.")),
    ];
    keys.extend(free(&["description", "label", "config"]));
    object(&["name", "type", "expr"], keys)
}

fn derived_dimension() -> Value {
    let mut keys = vec![
        ("name", name()),
        ("type", any_case("", &["categorical", "time"])),
        ("expr", text("SQL expression.")),
        ("granularity", grain("Finest grain of a time dimension.")),
        ("label", text("Human title.")),
        ("validity_params", json!({})),
    ];
    keys.extend(free(&["description", "is_partition", "config"]));
    object(&["name", "type", "expr"], keys)
}
