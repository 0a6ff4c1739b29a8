//! Who was exposed: several variants, missing days, triggers.

use serde_json::{Value, json};
use steward_stats::Estimate;
use steward_stats::group_sequential::Sides;
use steward_stats::lift::{Comparison, Statistic, lift};
use steward_stats::missing_days::missing_days;
use steward_stats::one_sided::one_sided;
use steward_stats::several_variants::several_variants;
use steward_stats::trigger::dilute;

use super::comparison::two;
use super::input::Input;
use super::kind::{COUNTS, Field, Kind, NUMBERS, Object};
use super::sequential::{SIDES, sides};
use super::{ESTIMATE, LEVEL, Method, Problem, either, estimate, sample};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "multiple_exposure",
        doc: "Units that saw several variants: their share, and whether it is more than is accepted.",
        source: "Wilson 1927; Clopper & Pearson 1934; Fabijan et al. 2019",
        input: &Object::of(
            "Exposed units",
            &[
                Field::required(
                    "units",
                    Kind::Count,
                    "Exposed units, those in several variants among them",
                ),
                Field::required("multiple", Kind::Count, "Units exposed in several variants"),
                Field::default("accepted", Kind::Number, "0.01", "Accepted share, between 0 and 1"),
                Field::default("alpha", Kind::Number, "0.001", "False-positive rate of the alarm"),
                LEVEL,
            ],
        ),
        output: &Object::of(
            "What they amount to",
            &[
                Field::required("share", ESTIMATE, "Share of exposed units, Wilson interval"),
                Field::required("p", Kind::Number, "Exact p of a share at or below the accepted one"),
                Field::required("broken", Kind::Flag, "Whether that p is at most alpha"),
                Field::required("left", Kind::Count, "Units left for the comparison"),
            ],
        ),
        compute: |i| {
            let found = several_variants(
                i.count("multiple")?,
                i.count("units")?,
                i.number("accepted")?,
                i.number("alpha")?,
                i.number("level")?,
            )?;
            Ok(json!({
                "share": estimate(&found.share), "p": found.p, "broken": found.broken, "left": found.left,
            }))
        },
    },
    Method {
        name: "missing_days",
        doc: "Days without units, days with fewer than chance explains, and days on which one variant alone has none.",
        source: "Poisson and binomial tails with Bonferroni's correction (Dunn 1961)",
        input: &Object::of(
            "Units by variant and day",
            &[
                Field::required(
                    "units",
                    Kind::List(&COUNTS),
                    "One list per variant: units first exposed on each day, oldest first",
                ),
                Field::optional("weights", NUMBERS, "Configured weight per variant; equal when left out"),
                Field::default("alpha", Kind::Number, "0.01", "False-positive rate over all days"),
            ],
        ),
        output: &Object::of(
            "What is missing; days and variants are positions from 0",
            &[
                Field::required(
                    "empty",
                    COUNTS,
                    "Days without any unit, between the first and the last with some",
                ),
                Field::required("share", Kind::Number, "Their share of the days"),
                Field::required("longest", Kind::Count, "Longest run of them"),
                Field::required(
                    "low",
                    Kind::List(&Kind::Object(&Object::of(
                        "A day with fewer units than chance explains",
                        &[
                            Field::required("day", Kind::Count, "Position"),
                            Field::required("units", Kind::Count, "Units"),
                            Field::required("expected", Kind::Number, "Median of its weekday"),
                            Field::required("p", Kind::Number, "Chance of so few"),
                        ],
                    ))),
                    "Days with too few units; the last day is not judged",
                ),
                Field::required(
                    "variants",
                    Kind::List(&Kind::Object(&Object::of(
                        "A variant without units on a day on which others had theirs",
                        &[
                            Field::required("day", Kind::Count, "Position"),
                            Field::required("variant", Kind::Count, "Position"),
                            Field::required("p", Kind::Number, "Chance of none"),
                        ],
                    ))),
                    "Variants that are missing on a day",
                ),
            ],
        ),
        compute: |i| {
            let mut units = Vec::new();
            for (v, row) in i.table("units")?.iter().enumerate() {
                if row.iter().any(|x| *x < 0.0 || x.fract() != 0.0) {
                    let message = format!("variant {v} holds a count that is no whole number");
                    return Err(i.wrong("units", message).into());
                }
                units.push(row.iter().map(|x| *x as u64).collect::<Vec<u64>>());
            }
            let weights = if i.has("weights") {
                i.numbers("weights")?
            } else {
                vec![1.0; units.len()]
            };
            Ok(json!(missing_days(&units, &weights, i.number("alpha")?)?))
        },
    },
    Method {
        name: "trigger_dilution",
        doc: "The effect over all units of one measured on the triggered: absolute, and relative to all units of the control.",
        source: "Kohavi, Tang & Xu 2020, chapter 20; Deng & Hu 2015",
        input: &Object {
            doc: "The triggered units (groups, or their estimate), and all units",
            fields: &[
                Field::optional("control", Kind::Object(&sample::MEAN), "Triggered units of the control"),
                Field::optional(
                    "treatment",
                    Kind::Object(&sample::MEAN),
                    "Triggered units of the treatment",
                ),
                Field::optional("point", Kind::Number, "Effect per triggered unit"),
                Field::optional("se", Kind::Number, "Its standard error"),
                Field::optional("triggered_units", Kind::Count, "Triggered units, with point and se"),
                Field::required("all_units", Kind::Count, "Units in both groups, triggered or not"),
                Field::optional(
                    "overall_mean",
                    Kind::Number,
                    "Mean over all units of the control, for the relative effect",
                ),
                Field::default(
                    "rate_uncertainty",
                    Kind::Flag,
                    "false",
                    "Whether the share that triggers has an error of its own",
                ),
                SIDES,
                LEVEL,
            ],
            forms: &[&["control", "treatment"], &["point", "se", "triggered_units"]],
        },
        output: &Object::of(
            "The effect, spread over all",
            &[
                Field::required("rate", Kind::Number, "Share of units that trigger"),
                Field::required("triggered", ESTIMATE, "Effect per triggered unit"),
                Field::required("absolute", ESTIMATE, "Effect per unit, over all units"),
                Field::optional("relative", ESTIMATE, "Over |overall mean|"),
            ],
        ),
        compute: dilution,
    },
];

fn dilution(i: &Input<'_>) -> Result<Value, Problem> {
    let level = i.number("level")?;
    let (effect, units) = if i.has("control") {
        let (c, t) = two(i, sample::mean)?;
        let comparison = Comparison {
            statistic: Statistic::Mean { y: 0 },
            covariates: Vec::new(),
            level,
        };
        (lift(&c, &t, &comparison).absolute?, c.count() + t.count())
    } else {
        let units = i.count("triggered_units")?;
        let e = Estimate::new(i.number("point")?, i.number("se")?, None, units, level, "given")?;
        (e, units)
    };
    let found = dilute(
        &effect,
        units,
        i.count("all_units")?,
        i.flag("rate_uncertainty"),
        i.maybe_number("overall_mean"),
    )?;
    let sides = sides(i)?;
    let on_sides = |e: Estimate| {
        if sides == Sides::Two {
            Ok(e)
        } else {
            one_sided(&e, sides)
        }
    };
    Ok(json!({
        "rate": found.rate, "triggered": either(&on_sides(effect)), "absolute": either(&on_sides(found.absolute)),
        "relative": found.relative.map(|r| either(&r.and_then(on_sides))),
    }))
}
