//! Several results at once.

use serde_json::{Value, json};
use steward_stats::multiplicity::Correction;
use steward_stats::{Estimate, NotEstimable, dunnett, gatekeeping, multiplicity};

use super::input::Input;
use super::kind::{Field, Kind, NUMBERS, Object, TABLE};
use super::sequential::{SIDES, sides};
use super::{ALPHA, ESTIMATE, LEVEL, Method, Problem, sample};

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
    Method {
        name: "serial_gatekeeping",
        doc: "Families of tests in order (primary, secondary, …): Holm within each, each opened when all of the one before are rejected.",
        source: "Dmitrienko & Tamhane 2007",
        input: &Object::of(
            "p-values by family",
            &[
                Field::required(
                    "families",
                    TABLE,
                    "One list of p-values per family, most important first",
                ),
                ALPHA,
            ],
        ),
        output: &Object::of(
            "Adjusted p-values by family",
            &[
                Field::required("adjusted_p", TABLE, "Adjusted p-values, in the order given"),
                Field::required(
                    "rejected",
                    Kind::List(&Kind::List(&Kind::Flag)),
                    "Whether each is at most alpha",
                ),
            ],
        ),
        compute: |i| {
            let adjusted = gatekeeping::serial(&i.table("families")?)?;
            let alpha = i.number("alpha")?;
            let rejected: Vec<Vec<bool>> = adjusted
                .iter()
                .map(|f| f.iter().map(|&p| p <= alpha).collect())
                .collect();
            Ok(json!({ "adjusted_p": adjusted, "rejected": rejected }))
        },
    },
    Method {
        name: "graphical_gatekeeping",
        doc: "Tests with shares of alpha that are passed on when a hypothesis is rejected (fixed sequence, fallback, parallel gatekeeping).",
        source: "Bretz, Maurer, Brannath & Posch 2009",
        input: &Object::of(
            "p-values and a graph",
            &[
                Field::required("p", NUMBERS, "p-values"),
                Field::required("weights", NUMBERS, "Share of alpha of each, summing to at most 1"),
                Field::required(
                    "transitions",
                    TABLE,
                    "Row i: shares of i's alpha that go to each when i is rejected",
                ),
                ALPHA,
            ],
        ),
        output: &OUTPUT,
        compute: |i| {
            let p = i.numbers("p")?;
            let (weights, transitions) = (i.numbers("weights")?, i.table("transitions")?);
            decided(i, gatekeeping::graph(&p, &weights, &transitions)?)
        },
    },
    Method {
        name: "dunnett",
        doc: "Several treatments against one control: p-values and intervals of the means that hold together.",
        source: "Dunnett 1955",
        input: &Object::of(
            "A control and treatments",
            &[
                sample::control(&sample::MEAN),
                Field::required("treatments", Kind::List(&Kind::Object(&sample::MEAN)), "The treatments"),
                Field::default(
                    "variance",
                    Kind::Choice(&["pooled", "unpooled"]),
                    "\"pooled\"",
                    "One variance for all groups (exact), or each its own (conservative degrees of freedom)",
                ),
                SIDES,
                LEVEL,
            ],
        ),
        output: &ESTIMATES,
        compute: |i| {
            let control = sample::mean(&i.object("control")?)?;
            let treatments = i
                .objects("treatments")?
                .iter()
                .map(sample::mean)
                .collect::<Result<Vec<_>, _>>()?;
            let pooled = i.text("variance")? == "pooled";
            let found = dunnett::dunnett(&control, &treatments, pooled, i.number("level")?, sides(i)?)?;
            Ok(json!({ "estimates": found }))
        },
    },
    Method {
        name: "many_to_one",
        doc: "Dunnett's procedure on any estimates that share a control: proportions, ratios, CUPED.",
        source: "Dunnett 1955; Hochberg & Tamhane 1987",
        input: &Object::of(
            "Effects against one control",
            &[
                Field::required("effects", NUMBERS, "Effect of each treatment"),
                Field::required("ses", NUMBERS, "Standard error of each effect"),
                Field::required(
                    "control_variance",
                    Kind::Number,
                    "Variance of the control's value (its standard error squared)",
                ),
                Field::optional("df", Kind::Number, "Degrees of freedom; the normal when left out"),
                Field::default("n", Kind::Count, "0", "Units"),
                SIDES,
                LEVEL,
            ],
        ),
        output: &ESTIMATES,
        compute: |i| {
            let points = i.numbers("effects")?;
            let ses = i.numbers_like("ses", points.len(), "effects")?;
            let n = i.count("n")?;
            let effects: Vec<(f64, f64, u64)> = points.into_iter().zip(ses).map(|(p, s)| (p, s, n)).collect();
            let v = i.number("control_variance")?;
            let found = dunnett::many_to_one(&effects, v, i.maybe_number("df"), i.number("level")?, sides(i)?)?;
            Ok(json!({ "estimates": found }))
        },
    },
    Method {
        name: "adjusted_intervals",
        doc: "Estimates with corrected p-values and intervals that exclude 0 exactly when the corrected decision rejects.",
        source: "Holm 1979; Benjamini & Yekutieli 2005",
        input: &Object::of(
            "Estimates tested together",
            &[
                Field::required("points", NUMBERS, "Estimates"),
                Field::required("ses", NUMBERS, "Their standard errors"),
                Field::optional("df", Kind::Number, "Degrees of freedom; the normal when left out"),
                Field::default("n", Kind::Count, "0", "Units"),
                Field::default(
                    "correction",
                    Kind::Choice(&["holm", "bonferroni", "benjamini_hochberg", "none"]),
                    "\"holm\"",
                    "Procedure",
                ),
                ALPHA,
            ],
        ),
        output: &ESTIMATES,
        compute: |i| {
            let points = i.numbers("points")?;
            let ses = i.numbers_like("ses", points.len(), "points")?;
            let (alpha, n, df) = (i.number("alpha")?, i.count("n")?, i.maybe_number("df"));
            let estimates = points
                .iter()
                .zip(&ses)
                .map(|(&p, &s)| Estimate::new(p, s, df, n, 1.0 - alpha, if df.is_some() { "t" } else { "z" }))
                .collect::<Result<Vec<_>, _>>()?;
            let correction = match i.text("correction")?.as_str() {
                "bonferroni" => Correction::Bonferroni,
                "benjamini_hochberg" => Correction::BenjaminiHochberg,
                "none" => Correction::None,
                _ => Correction::Holm,
            };
            Ok(json!({ "estimates": multiplicity::adjusted_estimates(&estimates, correction, alpha)? }))
        },
    },
];

const ESTIMATES: Object = Object::of(
    "The estimates, in the order given",
    &[Field::required(
        "estimates",
        Kind::List(&ESTIMATE),
        "Estimates with adjusted p-values and intervals",
    )],
);

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
    decided(input, adjust(&input.numbers("p")?)?)
}

fn decided(input: &Input<'_>, adjusted: Vec<f64>) -> Result<Value, Problem> {
    let alpha = input.number("alpha")?;
    let rejected: Vec<bool> = adjusted.iter().map(|&p| p <= alpha).collect();
    Ok(json!({ "adjusted_p": adjusted, "rejected": rejected }))
}
