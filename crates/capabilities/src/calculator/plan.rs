//! A planned comparison as its input describes it.

use steward_stats::design::{Clusters, Looks, Metric, Plan, Sharing, Test};
use steward_stats::group_sequential::Spending;
use steward_stats::rule::Rule;

use super::input::Input;
use super::kind::{Field, Kind, NUMBERS, Object};
use super::sequential::{SIDES, sides, spending};
use super::{ALPHA, POWER, Problem};

const METRIC: Field = Field::required(
    "metric",
    Kind::Object(&Object {
        doc: "The metric per unit, from its history: a mean, a proportion or a ratio",
        fields: &[
            Field::optional("mean", Kind::Number, "Mean per unit"),
            Field::optional("sd", Kind::Number, "Standard deviation between units"),
            Field::optional("variance", Kind::Number, "Variance between units"),
            Field::optional("proportion", Kind::Number, "Share of units"),
            Field::optional("numerator_mean", Kind::Number, "Mean of the numerator"),
            Field::optional("numerator_variance", Kind::Number, "Variance of the numerator"),
            Field::optional("denominator_mean", Kind::Number, "Mean of the denominator"),
            Field::optional("denominator_variance", Kind::Number, "Variance of the denominator"),
            Field::optional("covariance", Kind::Number, "Covariance of the two"),
        ],
        forms: &[
            &["mean", "sd"],
            &["mean", "variance"],
            &["proportion"],
            &[
                "numerator_mean",
                "numerator_variance",
                "denominator_mean",
                "denominator_variance",
                "covariance",
            ],
        ],
    }),
    "The metric in the control",
);
const EFFECT: Field = Field::optional("effect", Kind::Number, "Absolute effect");
const RELATIVE: Field = Field::optional("relative_effect", Kind::Number, "Effect over |baseline|");
const UNITS: Field = Field::optional("n_control", Kind::Number, "Units in the control");
const CLUSTERS_N: Field = Field::optional("n_total", Kind::Number, "Units in all arms, instead of n_control");
const TREATMENTS: Field = Field::default("treatments", Kind::Count, "1", "Treatments beside the control");
const SHARING: Field = Field::default(
    "correction",
    Kind::Choice(&["dunnett", "bonferroni", "none"]),
    "\"dunnett\"",
    "How several treatments share alpha",
);
const RATIO: Field = Field::default(
    "ratio",
    Kind::Number,
    "1",
    "Units of each treatment per unit of the control",
);
const REDUCTION: Field = Field::default(
    "variance_reduction",
    Kind::Number,
    "0",
    "Share of the variance that covariates take away",
);
const CORRELATION: Field = Field::optional(
    "cuped_correlation",
    Kind::Number,
    "Correlation with the pre-period covariate, instead of variance_reduction",
);
const SIZE: Field = Field::optional(
    "cluster_size",
    Kind::Number,
    "Mean units per cluster, if clusters are randomised",
);
const ICC: Field = Field::default("icc", Kind::Number, "0", "Correlation of two units of one cluster");
const CV: Field = Field::default(
    "cluster_size_cv",
    Kind::Number,
    "0",
    "Coefficient of variation of the cluster sizes",
);
const FRACTIONS: Field = Field::optional(
    "information_fractions",
    NUMBERS,
    "Looks of a group sequential design, the last being 1; none when left out",
);
const SPENDING: Field = Field::default(
    "spending",
    Kind::Choice(&["obrien_fleming", "pocock", "kim_demets", "hwang_shih_decani"]),
    "\"obrien_fleming\"",
    "How the looks spend alpha",
);
const PARAMETER: Field = Field::optional(
    "spending_parameter",
    Kind::Number,
    "Power of Kim–DeMets, gamma of Hwang–Shih–DeCani",
);
const MARGIN: Field = Field::default(
    "margin",
    Kind::Number,
    "0",
    "Accepted harm, absolute: plans for non-inferiority, with a one-sided alternative",
);
const TEST: Field = Field::default(
    "test",
    Kind::Choice(&["z", "t", "pooled", "arcsine"]),
    "\"z\"",
    "Normal; t with the noncentral t for power; for shares, normal with the null's pooled variance, or 2·asin √p",
);
const RULE: Field = Field::default(
    "rule",
    Kind::Choice(&["fixed", "confidence_sequence", "msprt", "bayesian"]),
    "\"fixed\"",
    "What decides: one test (or the looks given), a confidence sequence, the mSPRT, a posterior chance",
);
const LOOKS: Field = Field::default(
    "looks",
    Kind::Count,
    "20",
    "Equally spaced looks of a confidence sequence or the mSPRT",
);
const TUNED: Field = Field::default(
    "tuned_share",
    Kind::Number,
    "1",
    "Share of the planned units at which the confidence sequence is tightest",
);
const TAU: Field = Field::optional(
    "tau",
    Kind::Number,
    "Standard deviation of plausible effects, for the mSPRT",
);
const CHANCE: Field = Field::default("chance", Kind::Number, "0.95", "Posterior chance to win that decides");
const PRIOR_MEAN: Field = Field::default("prior_mean", Kind::Number, "0", "Mean of the prior, absolute");
const PRIOR_SD: Field = Field::optional("prior_sd", Kind::Number, "Its standard deviation; flat when left out");
const DAILY: Field = Field::optional(
    "daily_units",
    NUMBERS,
    "New units per day, oldest first, whole weeks; for the days needed",
);
const SHARE: Field = Field::default(
    "share",
    Kind::Number,
    "1",
    "Share of the traffic that enters the experiment",
);
const WEEKS: Field = Field::default("whole_weeks", Kind::Flag, "true", "Round days up to whole weeks");

/// Fields of a plan.
pub const PLAN_POWER: Object = Object {
    doc: "A planned comparison with its effect and its units",
    fields: &[
        METRIC,
        EFFECT,
        RELATIVE,
        UNITS,
        CLUSTERS_N,
        ALPHA,
        SIDES,
        TREATMENTS,
        SHARING,
        RATIO,
        REDUCTION,
        CORRELATION,
        SIZE,
        ICC,
        CV,
        FRACTIONS,
        SPENDING,
        PARAMETER,
        MARGIN,
        TEST,
        RULE,
        LOOKS,
        TUNED,
        TAU,
        CHANCE,
        PRIOR_MEAN,
        PRIOR_SD,
    ],
    forms: &[
        &["effect", "n_control"],
        &["relative_effect", "n_control"],
        &["effect", "n_total"],
        &["relative_effect", "n_total"],
    ],
};
/// Fields of a plan.
pub const PLAN_SIZE: Object = Object {
    doc: "A planned comparison with its effect",
    fields: &[
        METRIC,
        EFFECT,
        RELATIVE,
        POWER,
        ALPHA,
        SIDES,
        TREATMENTS,
        SHARING,
        RATIO,
        REDUCTION,
        CORRELATION,
        SIZE,
        ICC,
        CV,
        FRACTIONS,
        SPENDING,
        PARAMETER,
        MARGIN,
        TEST,
        RULE,
        LOOKS,
        TUNED,
        TAU,
        CHANCE,
        PRIOR_MEAN,
        PRIOR_SD,
        DAILY,
        SHARE,
        WEEKS,
    ],
    forms: &[&["effect"], &["relative_effect"]],
};
/// Fields of a plan.
pub const PLAN_MDE: Object = Object {
    doc: "A planned comparison with its units",
    fields: &[
        METRIC,
        UNITS,
        CLUSTERS_N,
        POWER,
        ALPHA,
        SIDES,
        TREATMENTS,
        SHARING,
        RATIO,
        REDUCTION,
        CORRELATION,
        SIZE,
        ICC,
        CV,
        FRACTIONS,
        SPENDING,
        PARAMETER,
        MARGIN,
        TEST,
        RULE,
        LOOKS,
        TUNED,
        TAU,
        CHANCE,
        PRIOR_MEAN,
        PRIOR_SD,
    ],
    forms: &[&["n_control"], &["n_total"]],
};

/// The plan that is described.
pub fn plan(input: &Input<'_>) -> Result<Plan, Problem> {
    let m = input.object("metric")?;
    let metric = if m.has("proportion") {
        Metric::Proportion {
            share: m.number("proportion")?,
        }
    } else if m.has("numerator_mean") {
        Metric::Ratio {
            numerator_mean: m.number("numerator_mean")?,
            numerator_variance: m.number("numerator_variance")?,
            denominator_mean: m.number("denominator_mean")?,
            denominator_variance: m.number("denominator_variance")?,
            covariance: m.number("covariance")?,
        }
    } else {
        let sd = match m.maybe_number("sd") {
            Some(sd) => sd,
            None => m.number("variance")?.max(0.0).sqrt(),
        };
        Metric::Mean {
            mean: m.number("mean")?,
            sd: sd.max(0.0),
        }
    };
    let mut plan = Plan::new(metric, input.number("alpha")?);
    plan.sides = sides(input)?;
    plan.treatments = u32::try_from(input.count("treatments")?).unwrap_or(u32::MAX);
    plan.sharing = match input.text("correction")?.as_str() {
        "bonferroni" => Sharing::Bonferroni,
        "none" => Sharing::None,
        _ => Sharing::Dunnett,
    };
    plan.ratio = input.number("ratio")?;
    plan.variance_reduction = match input.maybe_number("cuped_correlation") {
        Some(rho) => rho * rho,
        None => input.number("variance_reduction")?,
    };
    if input.has("cluster_size") {
        plan.clusters = Some(Clusters {
            size: input.number("cluster_size")?,
            icc: input.number("icc")?,
            cv: input.number("cluster_size_cv")?,
        });
    }
    if input.has("information_fractions") {
        let spending: Spending = spending(input)?;
        plan.looks = Some(Looks {
            fractions: input.numbers("information_fractions")?,
            spending,
        });
    }
    plan.margin = input.number("margin")?;
    plan.test = match input.text("test")?.as_str() {
        "t" => Test::T,
        "pooled" => Test::Pooled,
        "arcsine" => Test::Arcsine,
        _ => Test::Z,
    };
    let looks = u32::try_from(input.count("looks")?).unwrap_or(u32::MAX);
    plan.rule = match input.text("rule")?.as_str() {
        "confidence_sequence" => Some(Rule::ConfidenceSequence {
            looks,
            tuned: input.number("tuned_share")?,
        }),
        "msprt" => Some(Rule::Msprt {
            looks,
            tau: input.number("tau")?,
        }),
        "bayesian" => Some(Rule::Bayesian {
            chance: input.number("chance")?,
            prior_mean: input.number("prior_mean")?,
            prior_sd: input.maybe_number("prior_sd"),
        }),
        _ => None,
    };
    Ok(plan)
}

/// The absolute effect.
pub fn effect(input: &Input<'_>, plan: &Plan) -> Result<f64, Problem> {
    if input.has("effect") {
        return Ok(input.number("effect")?);
    }
    Ok(input.number("relative_effect")? * plan.baseline().abs())
}

/// Units in the control.
pub fn units(input: &Input<'_>) -> Result<f64, Problem> {
    if input.has("n_control") {
        return Ok(input.number("n_control")?);
    }
    Ok(input.number("n_total")? / (1.0 + input.number("ratio")? * input.number("treatments")?))
}
