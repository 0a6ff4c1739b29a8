//! How experiments measure metrics.

use serde_json::{Value, json};

use super::{boolean, either, list, number, object, text, texts};

fn percentile(description: &str) -> Value {
    json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "description": description})
}

fn cap(whose: &str) -> Value {
    either(vec![
        number(&format!("Cap of a unit's {whose}.")),
        object(
            &[],
            vec![
                ("value", number("Values above become this.")),
                ("low_value", number("Values below become this.")),
                ("percentile", percentile("Upper percentile of all units' values.")),
                ("low_percentile", percentile("Lower percentile of all units' values.")),
                (
                    "ignore_zeros",
                    boolean("Percentiles are those of the values other than 0."),
                ),
            ],
        ),
    ])
}

/// What an experiment may say anew of a metric.
pub(super) fn metric_use() -> Vec<(&'static str, Value)> {
    vec![
        (
            "window",
            text("Time in which facts count, from the end of the delay on: `72h`, `14 days`."),
        ),
        ("delay", text("Time after exposure before which no fact counts.")),
        (
            "lookback",
            text("Time before exposure in which facts count, instead of those after it."),
        ),
        ("cap", cap("value; of a ratio, its numerator")),
        ("denominator_cap", cap("denominator, for a ratio")),
        (
            "numerator_filter",
            texts("Condition on the rows of a ratio's numerator alone."),
        ),
    ]
}

/// What a metric is beside a mean, a share or a ratio.
pub(super) fn kinds() -> Vec<(&'static str, Value)> {
    let retention = object(
        &["from", "to"],
        vec![
            ("from", text("Time after exposure, inclusive: `7d`.")),
            ("to", text("Time after exposure, exclusive: `14d`.")),
        ],
    );
    let step = object(
        &["metric"],
        vec![
            (
                "metric",
                text("A simple metric; its rows above 0 are the step's events."),
            ),
            ("within", text("Time after the step before: `1h`.")),
        ],
    );
    let funnel = object(
        &["steps"],
        vec![
            (
                "steps",
                list(
                    either(vec![text("A simple metric."), step]),
                    "Steps in order; the last is this metric.",
                ),
            ),
            (
                "window",
                text("Time after the first step in which the others follow: `1d`."),
            ),
        ],
    );
    let quantile = either(vec![
        percentile("Compare this quantile of the units' values."),
        object(
            &["at"],
            vec![
                ("at", percentile("Which quantile of the units' values.")),
                ("ignore_zeros", boolean("Only units whose value is not 0 count.")),
            ],
        ),
    ]);
    vec![("retention", retention), ("funnel", funnel), ("quantile", quantile)]
}

/// A metric as an experiment names it, with what it says anew.
pub(super) fn experiment_use(metric: &str) -> Vec<(&'static str, Value)> {
    let mut keys = vec![("metric", text(metric))];
    keys.extend(metric_use());
    keys.push((
        "cuped",
        text("Time before exposure used as covariate, in whole days; `false` for none."),
    ));
    keys
}

/// Names of metrics, or maps.
pub(super) fn metrics(description: &str) -> Value {
    let one = object(&["metric"], experiment_use("The metric."));
    either(vec![text(""), list(either(vec![text(""), one]), description)])
}

/// What makes an exposed unit part of the experiment.
pub(super) fn trigger() -> Value {
    object(
        &[],
        vec![
            ("metric", text("The first event of this metric at or after exposure.")),
            ("dataset", text("Or the first row of this dataset.")),
            ("unit", text("Its column of the unit; the exposures' by default.")),
            ("time", text("Its column of the time.")),
            ("filter", text("SQL condition on its rows.")),
        ],
    )
}

/// What lifts are adjusted for.
pub(super) fn adjust() -> Value {
    let metric = object(
        &["metric", "before"],
        vec![
            ("metric", text("A simple metric of a sum or a count.")),
            ("before", text("Time before exposure: `28d`.")),
        ],
    );
    let one = either(vec![text("A numeric attribute of the unit."), metric]);
    object(
        &[],
        vec![
            ("covariates", list(one, "Numbers of the unit before its exposure.")),
            (
                "strata",
                texts("Attributes of the unit whose values crossed are strata."),
            ),
            (
                "variance",
                json!({"enum": ["hc2", "hc3"], "description": "Robust variance; hc2 by default."}),
            ),
        ],
    )
}
