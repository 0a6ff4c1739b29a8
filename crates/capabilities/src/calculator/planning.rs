//! Power, units, days and the chance of a good end.

use serde_json::{Value, json};
use steward_stats::NotEstimable;
use steward_stats::design::{self, Clusters, Looks, Metric, Plan, Sharing, Size, Test};
use steward_stats::group_sequential::Spending;
use steward_stats::power;

use super::input::Input;
use super::kind::{Field, Kind, NUMBERS, Object};
use super::sequential::{SIDES, sides, spending};
use super::{ALPHA, Method, POWER, Problem};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "power",
        doc: "Power of a planned comparison of means, proportions or ratios: CUPED, clusters, many arms, looks, non-inferiority.",
        source: "Cohen 1988; Donner & Klar 2000; Jennison & Turnbull 2000",
        input: &PLAN_POWER,
        output: &Object::of(
            "Power",
            &[
                Field::required("power", Kind::Number, "Chance that one treatment's effect is found"),
                SE,
                DESIGN_EFFECT,
                EFFECT_OUT,
            ],
        ),
        compute: |i| {
            let plan = plan(i)?;
            let (effect, n) = (effect(i, &plan)?, units(i)?);
            let power = plan.power(effect, n)?;
            Ok(json!({
                "power": power, "se": plan.se(n, effect), "design_effect": plan.design_effect(), "effect": effect,
            }))
        },
    },
    Method {
        name: "sample_size",
        doc: "Units (and clusters, and days) that a planned comparison needs for its power.",
        source: "Cohen 1988; Donner & Klar 2000; Jennison & Turnbull 2000",
        input: &PLAN_SIZE,
        output: &Object::of(
            "Units",
            &[
                Field::required("n_control", Kind::Number, "Units in the control, not rounded"),
                Field::required("control", Kind::Count, "Units in the control"),
                Field::required("treatment", Kind::Count, "Units in each treatment"),
                Field::required("total", Kind::Count, "Units in all arms"),
                Field::optional("clusters", Kind::Count, "Clusters in all arms"),
                Field::optional("days", Kind::Count, "Days until they have come"),
                DESIGN_EFFECT,
                EFFECT_OUT,
            ],
        ),
        compute: |i| {
            let plan = plan(i)?;
            let effect = effect(i, &plan)?;
            let size = plan.required(effect, i.number("power")?)?;
            Ok(sized(size, &plan, effect, days(i, size.total as f64)?))
        },
    },
    Method {
        name: "minimum_detectable_effect",
        doc: "Smallest effect that the planned units find with the wanted power, absolute and relative.",
        source: "Cohen 1988; Donner & Klar 2000; Jennison & Turnbull 2000",
        input: &PLAN_MDE,
        output: &Object::of(
            "The effect",
            &[
                Field::required("absolute", Kind::Number, "Absolute effect"),
                Field::optional("relative", Kind::Number, "Over |baseline|; null for a baseline of 0"),
                SE,
                DESIGN_EFFECT,
            ],
        ),
        compute: |i| {
            let plan = plan(i)?;
            let n = units(i)?;
            let effect = plan.minimum_detectable(n, i.number("power")?)?;
            let baseline = plan.baseline().abs();
            Ok(json!({
                "absolute": effect, "relative": (baseline > 0.0).then(|| effect / baseline),
                "se": plan.se(n, effect), "design_effect": plan.design_effect(),
            }))
        },
    },
    Method {
        name: "duration",
        doc: "Days until the units have come, from the new units per day of the past.",
        source: "Kohavi, Tang & Xu 2020, chapter 17",
        input: &Object::of(
            "Units and traffic",
            &[
                Field::required("units", Kind::Number, "Units needed in all arms"),
                Field::required(
                    "daily_units",
                    NUMBERS,
                    "New units per day, oldest first, whole weeks; repeated as it is",
                ),
                Field::default(
                    "share",
                    Kind::Number,
                    "1",
                    "Share of the traffic that enters the experiment",
                ),
                Field::default("whole_weeks", Kind::Flag, "true", "Round up to whole weeks"),
            ],
        ),
        output: &Object::of("Days", &[Field::required("days", Kind::Count, "Days")]),
        compute: |i| Ok(json!({ "days": days(i, i.number("units")?)? })),
    },
    Method {
        name: "conditional_power",
        doc: "Chance that a running comparison ends significant: by the trend so far, the planned effect, no effect, and averaged (predictive).",
        source: "Lan & Wittes 1988; Spiegelhalter, Freedman & Blackburn 1986",
        input: &Object::of(
            "The comparison so far",
            &[
                Field::required("effect", Kind::Number, "Estimated effect so far"),
                Field::required("se", Kind::Number, "Its standard error so far"),
                Field::required(
                    "information_fraction",
                    Kind::Number,
                    "Share of the planned information so far",
                ),
                Field::optional("planned_effect", Kind::Number, "Effect planned for"),
                Field::optional(
                    "critical_z",
                    Kind::Number,
                    "Last boundary of a sequential design; the normal when left out",
                ),
                ALPHA,
                SIDES,
            ],
        ),
        output: &Object::of(
            "Chances of a significant end",
            &[
                Field::required("current_trend", Kind::Number, "If it goes on as so far"),
                Field::optional("planned_effect", Kind::Number, "If the effect is the planned one"),
                Field::required("null", Kind::Number, "If there is no effect"),
                Field::required("predictive", Kind::Number, "Averaged over what the data leave possible"),
            ],
        ),
        compute: |i| {
            Ok(json!(design::conditional_power(
                (i.number("effect")?, i.number("se")?),
                i.number("information_fraction")?,
                i.maybe_number("planned_effect"),
                i.number("alpha")?,
                sides(i)?,
                i.maybe_number("critical_z"),
            )?))
        },
    },
    Method {
        name: "power_from_se",
        doc: "Power of a two-sided z test given the true effect and the standard error of the estimate.",
        source: "Cohen 1988",
        input: &Object::of(
            "An effect and its standard error",
            &[
                Field::required("effect", Kind::Number, "True effect"),
                Field::required(
                    "se",
                    Kind::Number,
                    "Standard error of the estimate, in the effect's unit",
                ),
                ALPHA,
            ],
        ),
        output: &Object::of(
            "Power",
            &[Field::required("power", Kind::Number, "Chance that p is below alpha")],
        ),
        compute: |i| Ok(json!({ "power": power::power(i.number("effect")?, i.number("se")?, i.number("alpha")?)? })),
    },
    Method {
        name: "minimum_detectable_effect_from_se",
        doc: "Smallest effect that a two-sided z test finds with the wanted power, given the standard error.",
        source: "Cohen 1988",
        input: &Object::of(
            "A standard error",
            &[
                Field::required("se", Kind::Number, "Standard error of the estimate"),
                ALPHA,
                POWER,
            ],
        ),
        output: &Object::of(
            "The effect",
            &[Field::required(
                "effect",
                Kind::Number,
                "Effect, in the unit of the standard error",
            )],
        ),
        compute: |i| {
            let effect = power::minimum_detectable(i.number("se")?, i.number("alpha")?, i.number("power")?)?;
            Ok(json!({ "effect": effect }))
        },
    },
];

const SE: Field = Field::required("se", Kind::Number, "Standard error of the absolute lift");
const DESIGN_EFFECT: Field = Field::required("design_effect", Kind::Number, "Factor of clusters on the variance");
const EFFECT_OUT: Field = Field::required("effect", Kind::Number, "Absolute effect");

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
    Kind::Choice(&["z", "t"]),
    "\"z\"",
    "Normal, or t with the noncentral t for power",
);
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

const PLAN_POWER: Object = Object {
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
    ],
    forms: &[
        &["effect", "n_control"],
        &["relative_effect", "n_control"],
        &["effect", "n_total"],
        &["relative_effect", "n_total"],
    ],
};
const PLAN_SIZE: Object = Object {
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
        DAILY,
        SHARE,
        WEEKS,
    ],
    forms: &[&["effect"], &["relative_effect"]],
};
const PLAN_MDE: Object = Object {
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
    ],
    forms: &[&["n_control"], &["n_total"]],
};

fn plan(input: &Input<'_>) -> Result<Plan, Problem> {
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
    if input.text("test")? == "t" {
        plan.test = Test::T;
    }
    Ok(plan)
}

fn effect(input: &Input<'_>, plan: &Plan) -> Result<f64, Problem> {
    if input.has("effect") {
        return Ok(input.number("effect")?);
    }
    Ok(input.number("relative_effect")? * plan.baseline().abs())
}

fn units(input: &Input<'_>) -> Result<f64, Problem> {
    if input.has("n_control") {
        return Ok(input.number("n_control")?);
    }
    Ok(input.number("n_total")? / (1.0 + input.number("ratio")? * input.number("treatments")?))
}

fn days(input: &Input<'_>, total: f64) -> Result<Option<u64>, Problem> {
    if !input.has("daily_units") {
        return Ok(None);
    }
    let share = input.number("share")?;
    if !(share > 0.0 && share <= 1.0) {
        return Err(NotEstimable::new(
            steward_stats::Reason::OutOfDomain,
            format!("the share of traffic is {share}"),
            "give a share above 0, at most 1",
        )
        .into());
    }
    let daily: Vec<f64> = input.numbers("daily_units")?.iter().map(|d| d * share).collect();
    Ok(Some(design::duration(total, &daily, input.flag("whole_weeks"))?))
}

fn sized(size: Size, plan: &Plan, effect: f64, days: Option<u64>) -> Value {
    json!({
        "n_control": size.n_control, "control": size.control, "treatment": size.treatment, "total": size.total,
        "clusters": size.clusters, "days": days, "design_effect": plan.design_effect(), "effect": effect,
    })
}
