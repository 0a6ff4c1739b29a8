//! Quantiles of units and of events.

use serde_json::json;
use steward_stats::quantile::{self, Error, Events};

use super::comparison::{LIFT, answer};
use super::input::Input;
use super::kind::{COUNTS, Field, Kind, NUMBERS, Object};
use super::sequential::SIDES;
use super::{LEVEL, Method, ONE, Problem, estimate, sample};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "quantile",
        doc: "Quantile of one group of units; interval of order statistics with exact binomial coverage.",
        source: "Hyndman & Fan 1996 (type 7); Woodruff 1952; Price & Bonett 2001",
        input: &Object::of(
            "One group",
            &[
                Field::required("values", NUMBERS, "One value per unit"),
                Q,
                ERROR,
                LEVEL,
            ],
        ),
        output: &ONE,
        compute: |i| {
            let found = quantile::one(&i.numbers("values")?, i.number("q")?, i.number("level")?, error(i)?)?;
            Ok(json!({ "estimate": estimate(&found) }))
        },
    },
    Method {
        name: "quantile_difference",
        doc: "Difference of a quantile between two groups of units, absolute and relative to |control|.",
        source: "Woodruff 1952; Price & Bonett 2002; Deng, Knoblich & Lu 2018",
        input: &Object::of(
            "Two groups",
            &[sample::CONTROL_VALUES, sample::TREATMENT_VALUES, Q, ERROR, SIDES, LEVEL],
        ),
        output: &LIFT,
        compute: |i| {
            let (c, t) = (i.numbers("control")?, i.numbers("treatment")?);
            answer(
                i,
                quantile::difference(&c, &t, i.number("q")?, i.number("level")?, error(i)?),
            )
        },
    },
    Method {
        name: "event_quantile_difference",
        doc: "Difference of a quantile of events that are clustered in units (latencies, order values).",
        source: "Deng, Knoblich & Lu 2018",
        input: &Object::of(
            "Two groups of events",
            &[
                Field::required("control", Kind::Object(&EVENTS), "The control's events"),
                Field::required("treatment", Kind::Object(&EVENTS), "The treatment's events"),
                Q,
                SIDES,
                LEVEL,
            ],
        ),
        output: &LIFT,
        compute: |i| {
            let (c, t) = (events(&i.object("control")?)?, events(&i.object("treatment")?)?);
            answer(
                i,
                quantile::difference_of_events(of(&c), of(&t), i.number("q")?, i.number("level")?),
            )
        },
    },
];

const Q: Field = Field::default("q", Kind::Number, "0.5", "Which quantile, between 0 and 1");
const ERROR: Field = Field::default(
    "error",
    Kind::Choice(&["woodruff", "price_bonett", "kernel"]),
    "\"woodruff\"",
    "How the standard error is found",
);

const EVENTS: Object = Object::of(
    "Events of units",
    &[
        Field::required("values", NUMBERS, "One value per event"),
        Field::required("units", COUNTS, "The unit of each event, as a number"),
    ],
);

fn of((values, units): &(Vec<f64>, Vec<u64>)) -> Events<'_> {
    Events { values, units }
}

fn events(input: &Input<'_>) -> Result<(Vec<f64>, Vec<u64>), Problem> {
    let values = input.numbers("values")?;
    let units = input.numbers_like("units", values.len(), "values")?;
    Ok((values, units.into_iter().map(|u| u as u64).collect()))
}

fn error(input: &Input<'_>) -> Result<Error, Problem> {
    Ok(match input.text("error")?.as_str() {
        "price_bonett" => Error::PriceBonett,
        "kernel" => Error::Kernel,
        _ => Error::Woodruff,
    })
}
