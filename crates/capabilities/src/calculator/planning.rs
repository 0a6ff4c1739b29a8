//! Power, units, days and the chance of a good end.

use serde_json::{Value, json};
use steward_stats::NotEstimable;
use steward_stats::design::{self, Plan, Size};
use steward_stats::power;

use super::input::Input;
use super::kind::{Field, Kind, NUMBERS, Object};
use super::plan::{PLAN_MDE, PLAN_POWER, PLAN_SIZE, effect, plan, units};
use super::sequential::{SIDES, sides};
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
