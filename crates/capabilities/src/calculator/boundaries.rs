//! Stopping boundaries beyond alpha spending: classical shapes, and futility.

use serde_json::json;
use steward_stats::NotEstimable;
use steward_stats::group_sequential::{self, Design, Shape};

use super::kind::{Field, Kind, Object};
use super::sequential::{FRACTIONS, LOOKS, PARAMETER, SIDES, SPENDING, design, sides, spending_of};
use super::{ALPHA, Method, POWER};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "classical_boundaries",
        doc: "Stopping boundaries of a fixed shape, constants as in printed tables: Pocock, O'Brien–Fleming, Wang–Tsiatis, Haybittle–Peto.",
        source: "Pocock 1977; O'Brien & Fleming 1979; Wang & Tsiatis 1987; Haybittle 1971",
        input: &Object::of(
            "A plan of looks that will not move",
            &[
                FRACTIONS,
                ALPHA,
                Field::default(
                    "shape",
                    Kind::Choice(&["obrien_fleming", "pocock", "wang_tsiatis", "haybittle_peto"]),
                    "\"obrien_fleming\"",
                    "z_k = C/√t_k, C, C·t_k^(delta − ½), or the same z before the end",
                ),
                Field::default("delta", Kind::Number, "0.25", "Exponent of Wang–Tsiatis, from 0 to 0.5"),
                Field::default(
                    "interim_z",
                    Kind::Number,
                    "3",
                    "Haybittle–Peto's z of the looks before the last",
                ),
                SIDES,
            ],
        ),
        output: &Object::of(
            "Boundaries",
            &[
                LOOKS,
                Field::required("constant", Kind::Number, "C: the z of the last look"),
            ],
        ),
        compute: |i| {
            let shape = match i.text("shape")?.as_str() {
                "pocock" => Shape::WangTsiatis { delta: 0.5 },
                "wang_tsiatis" => Shape::WangTsiatis {
                    delta: i.number("delta")?,
                },
                "haybittle_peto" => Shape::HaybittlePeto {
                    z: i.number("interim_z")?,
                },
                _ => Shape::WangTsiatis { delta: 0.0 },
            };
            let fractions = i.numbers("information_fractions")?;
            let looks = group_sequential::classical(&fractions, i.number("alpha")?, shape, sides(i)?)?;
            Ok(json!({ "constant": looks.last().map(|l| l.z), "looks": looks }))
        },
    },
    Method {
        name: "futility_boundaries",
        doc: "Boundaries of each look for the effect (alpha spending) and for giving it up (beta spending), binding or not.",
        source: "Pampallona, Tsiatis & Kim 2001; Lan & DeMets 1983",
        input: &Object::of(
            "A plan of looks in one direction; the last look decides",
            &[
                FRACTIONS,
                Field::default(
                    "alpha",
                    Kind::Number,
                    "0.025",
                    "One-sided false-positive rate, between 0 and 1",
                ),
                POWER,
                SPENDING,
                PARAMETER,
                Field::default(
                    "beta_spending",
                    Kind::Choice(&["obrien_fleming", "pocock", "kim_demets", "hwang_shih_decani"]),
                    "\"obrien_fleming\"",
                    "How 1 − power is spent over information",
                ),
                Field::optional(
                    "beta_spending_parameter",
                    Kind::Number,
                    "Power of Kim–DeMets (2 when left out), gamma of Hwang–Shih–DeCani (−4 when left out)",
                ),
                Field::default(
                    "binding",
                    Kind::Flag,
                    "false",
                    "Whether the futility boundary must be obeyed; false: alpha holds also when it is overruled",
                ),
                Field::default(
                    "alternative",
                    Kind::Choice(&["greater", "less"]),
                    "\"greater\"",
                    "Direction of the effect; z below are in it",
                ),
            ],
        ),
        output: &Object::of(
            "Boundaries, and what they take",
            &[
                Field::required("looks", Kind::List(&Kind::Object(&LOOK)), "By look"),
                Field::required(
                    "drift",
                    Kind::Number,
                    "Mean of the final z statistic under the planned effect",
                ),
                Field::required(
                    "inflation",
                    Kind::Number,
                    "Information needed, over that of one test without looks",
                ),
                Field::required(
                    "expected_fraction_null",
                    Kind::Number,
                    "Mean information fraction at the stop without an effect",
                ),
                Field::required(
                    "expected_fraction_effect",
                    Kind::Number,
                    "Mean information fraction at the stop under the planned effect",
                ),
            ],
        ),
        compute: |i| {
            let plan = Design {
                last_is_final: true,
                ..design(i)?
            };
            let power = i.number("power")?;
            if !(power > 0.0 && power < 1.0) {
                return Err(NotEstimable::new(
                    steward_stats::Reason::OutOfDomain,
                    format!("power is {power}"),
                    "ask for a power above alpha and below 1, such as 0.8",
                )
                .into());
            }
            let beta = spending_of(i, "beta_spending", "beta_spending_parameter")?;
            Ok(json!(group_sequential::futility(
                &plan,
                1.0 - power,
                beta,
                i.flag("binding")
            )?))
        },
    },
];

const LOOK: Object = Object::of(
    "Boundaries of a look",
    &[
        Field::required("fraction", Kind::Number, "Information fraction"),
        Field::optional(
            "efficacy_z",
            Kind::Number,
            "Stop for the effect at or above this z; null: the look cannot",
        ),
        Field::optional(
            "futility_z",
            Kind::Number,
            "Stop for futility at or below this z; null: the look cannot",
        ),
        Field::required("alpha_spent", Kind::Number, "Alpha spent up to and with this look"),
        Field::required("beta_spent", Kind::Number, "Beta spent up to and with this look"),
        Field::required(
            "efficacy_under_null",
            Kind::Number,
            "Chance of stopping here for the effect when there is none",
        ),
        Field::required(
            "futility_under_null",
            Kind::Number,
            "Chance of stopping here for futility when there is none",
        ),
        Field::required(
            "efficacy_under_effect",
            Kind::Number,
            "Chance of stopping here for the effect when it is there",
        ),
        Field::required(
            "futility_under_effect",
            Kind::Number,
            "Chance of stopping here for futility when it is there",
        ),
    ],
);
