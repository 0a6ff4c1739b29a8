//! Several results at once.

use serde_json::{Value, json};
use steward_stats::{NotEstimable, multiplicity};

use super::input::Input;
use super::kind::{Field, Kind, NUMBERS, Object};
use super::{ALPHA, Method, Problem};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "holm",
        doc: "p-values adjusted by Holm's step-down procedure (family-wise error).",
        source: "Holm 1979",
        input: &INPUT,
        output: &OUTPUT,
        compute: |i| corrected(i, multiplicity::holm),
    },
    Method {
        name: "bonferroni",
        doc: "p-values adjusted by Bonferroni (family-wise error).",
        source: "Bonferroni 1936",
        input: &INPUT,
        output: &OUTPUT,
        compute: |i| corrected(i, multiplicity::bonferroni),
    },
    Method {
        name: "benjamini_hochberg",
        doc: "p-values adjusted by Benjamini and Hochberg's step-up procedure (false discovery rate).",
        source: "Benjamini & Hochberg 1995",
        input: &INPUT,
        output: &OUTPUT,
        compute: |i| corrected(i, multiplicity::benjamini_hochberg),
    },
];

const INPUT: Object = Object::of(
    "p-values of the tests",
    &[Field::required("p", NUMBERS, "p-values, in any order"), ALPHA],
);

const OUTPUT: Object = Object::of(
    "Adjusted p-values, in the order given",
    &[
        Field::required("adjusted_p", NUMBERS, "Adjusted p-values: compare with alpha as it is"),
        Field::required("rejected", Kind::List(&Kind::Flag), "Whether each is at most alpha"),
    ],
);

fn corrected(input: &Input<'_>, adjust: fn(&[f64]) -> Result<Vec<f64>, NotEstimable>) -> Result<Value, Problem> {
    let adjusted = adjust(&input.numbers("p")?)?;
    let alpha = input.number("alpha")?;
    let rejected: Vec<bool> = adjusted.iter().map(|&p| p <= alpha).collect();
    Ok(json!({ "adjusted_p": adjusted, "rejected": rejected }))
}
