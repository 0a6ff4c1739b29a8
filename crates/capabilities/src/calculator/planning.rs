//! Power and size of a comparison of two groups.

use serde_json::json;
use steward_stats::power;

use super::kind::{Field, Kind, Object};
use super::{ALPHA, Method, POWER};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "power",
        doc: "Power of a two-sided test given the true effect and the standard error of the estimate.",
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
        name: "minimum_detectable_effect",
        doc: "Smallest effect that a two-sided test finds with the wanted power, given the standard error.",
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
