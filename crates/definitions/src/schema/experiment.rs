//! Experiments.

use serde_json::{Value, json};

use super::own::{common, moment};
use super::{boolean, either, list, object, text, texts, words};
use crate::read::experiment::{ALTERNATIVES, CORRECTIONS, METHODS, SCALES, SPENDINGS};

/// `experiments/`.
pub(super) fn experiment() -> Value {
    let exposures = object(
        &["dataset"],
        vec![
            (
                "dataset",
                text("Dataset of assignments or exposures; `steward_exposures` for those that Steward collects."),
            ),
            ("unit", text("Column of the unit; `*` when each row is its own unit.")),
            ("entity", text("Entity that the unit is in the semantic models.")),
            ("variant", text("Column of the variant.")),
            ("time", text("Column of the time of exposure.")),
            ("filter", text("SQL condition on the rows.")),
        ],
    );
    let variant = object(
        &["name"],
        vec![
            ("name", text("Value in the variant column.")),
            (
                "weight",
                json!({"type": "number", "exclusiveMinimum": 0, "description": "Planned share, relative to the others."}),
            ),
            ("control", boolean("The baseline; the first variant by default.")),
            ("label", text("Human title.")),
        ],
    );
    let mut guardrail = super::measured::experiment_use("The metric that must not get worse.");
    guardrail.push((
        "margin",
        text("Largest harm accepted, as a relative change: 0.02 or 2%."),
    ));
    let guardrail = object(&["metric"], guardrail);
    let metrics = object(
        &["primary"],
        vec![
            ("primary", super::measured::metrics("Metrics that decide.")),
            ("secondary", super::measured::metrics("Metrics that inform.")),
            (
                "guardrails",
                list(
                    either(vec![json!({"type": "string"}), guardrail]),
                    "Metrics that must not get worse.",
                ),
            ),
        ],
    );
    let mut keys = common("experiment");
    keys.extend([
        ("hypothesis", text("What is believed and why.")),
        ("exposures", either(vec![json!({"const": "collected"}), exposures])),
        ("variants", json!({"type": "array", "minItems": 2, "items": either(vec![text(""), variant])})),
        ("start", moment("First moment of exposure counted, inclusive.")),
        ("end", moment("Last moment, exclusive.")),
        ("metrics", either(vec![super::measured::metrics("Metrics that decide."), metrics])),
        ("window", text("Time after exposure in which a unit's facts count: `72h`, `14 days`.")),
        ("cuped", text("Time before exposure used as covariate, in whole days; `false` for none.")),
        ("breakdowns", texts("Dimensions of the unit by which results are broken down.")),
        ("alpha", json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "description": "Significance level."})),
        ("correction", words("Correction for several comparisons.", &CORRECTIONS)),
        ("inference", inference()),
        ("decide", decide()),
        ("initiative", text("The initiative that it belongs to.")),
        ("design", super::design::design()),
        ("trigger", super::measured::trigger()),
        ("adjust", super::measured::adjust()),
    ]);
    object(&["experiment", "variants", "metrics"], keys)
}

/// How it is concluded.
fn inference() -> Value {
    let above_zero = |description: &str| json!({"type": ["number", "string"], "description": description});
    let looks = either(vec![
        json!({"type": "integer", "minimum": 2, "maximum": 20, "description": "So many at even distances."}),
        json!({"type": "array", "minItems": 1, "maxItems": 20, "items": text(""), "description": "Rising shares of the plan, or rising dates."}),
    ]);
    let prior = object(
        &["sd"],
        vec![
            ("scale", words("Unit of the prior; relative by default.", &SCALES)),
            ("mean", above_zero("Its mean; 0 by default.")),
            ("sd", above_zero("Its standard deviation, above 0.")),
        ],
    );
    let units = |description: &str| json!({"type": "integer", "minimum": 1, "description": description});
    let block = object(
        &["method"],
        vec![
            ("method", words("The method.", &METHODS)),
            (
                "alternative",
                words("Effects that count, in the metric's good direction.", &ALTERNATIVES),
            ),
            (
                "planned_units",
                units("Units of all variants that the experiment is planned to end with."),
            ),
            (
                "spending",
                words("How a group sequential test spends its error.", &SPENDINGS),
            ),
            (
                "rho",
                json!({"type": "number", "exclusiveMinimum": 0, "description": "Power of `kim_demets`."}),
            ),
            ("looks", looks),
            (
                "tuned_for",
                units("Units of a treatment and the control at which always-valid intervals are tightest."),
            ),
            (
                "tau",
                above_zero("Standard deviation of plausible effects, for `msprt`."),
            ),
            ("scale", words("Unit of `tau`; relative by default.", &SCALES)),
            ("prior", prior),
        ],
    );
    either(vec![words("A method, with what is usual for it.", &METHODS), block])
}

/// When it is shipped.
fn decide() -> Value {
    let share = |description: &str| json!({"type": ["number", "string"], "description": description});
    let condition = object(
        &["metric"],
        vec![
            ("metric", text("A metric of the experiment.")),
            (
                "better_by",
                share("The whole interval lies at or above this relative lift."),
            ),
            (
                "not_worse_than",
                share("The whole interval lies above this relative harm."),
            ),
            ("chance_to_win", share("The chance to win is at least this.")),
            (
                "risk_below",
                share("The relative expected loss of shipping is at most this."),
            ),
        ],
    );
    object(
        &[],
        vec![
            (
                "primary",
                words("How many primary metrics must be better.", &["any", "all"]),
            ),
            (
                "guardrails",
                words("What is asked of guardrails.", &["not_harmed", "safe"]),
            ),
            ("ship_if", list(condition, "What else must hold, all of it.")),
            ("minimum_effect", share("Smallest relative lift worth having.")),
            ("longest", text("Longest time from the start: `8 weeks`.")),
        ],
    )
}
