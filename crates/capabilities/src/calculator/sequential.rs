//! Looking more than once.

use serde_json::{Value, json};
use steward_stats::confidence_sequence::confidence_sequence;
use steward_stats::group_sequential::{self, Design, Sides, Spending};
use steward_stats::{msprt, sequential_srm};

use super::input::Input;
use super::kind::{Field, Kind, NUMBERS, Object, TABLE};
use super::{ALPHA, ESTIMATE, LEVEL, Method, ONE, POWER, Problem, estimate};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "group_sequential_boundaries",
        doc: "Stopping boundaries of each look by alpha spending (O'Brien–Fleming, Pocock, Kim–DeMets, Hwang–Shih–DeCani).",
        source: "Lan & DeMets 1983; Kim & DeMets 1987; Hwang, Shih & DeCani 1990",
        input: &Object::of(
            "A plan of looks",
            &[FRACTIONS, ALPHA, SPENDING, PARAMETER, SIDES, FINAL, POWER],
        ),
        output: &Object::of(
            "Boundaries, and what looking costs",
            &[
                LOOKS,
                Field::required(
                    "inflation",
                    Kind::Number,
                    "Information needed, over that of one test without looks",
                ),
                Field::required(
                    "drift",
                    Kind::Number,
                    "Mean of the final z statistic at which the power is had",
                ),
                Field::required(
                    "expected_fraction",
                    Kind::Number,
                    "Mean information fraction at the stop, under that drift",
                ),
            ],
        ),
        compute: boundaries,
    },
    Method {
        name: "group_sequential_test",
        doc: "Analysis at the look reached: stop or go on, repeated interval, and p-value, interval and median-unbiased estimate adjusted for the looks before.",
        source: "Jennison & Turnbull 2000, chapters 8 and 9",
        input: &Object::of(
            "A plan of looks and what each has shown",
            &[
                Field::required(
                    "information_fractions",
                    NUMBERS,
                    "Information fraction of each look so far, rising to 1",
                ),
                Field::required("effects", NUMBERS, "Estimated effect at each look so far"),
                Field::required("ses", NUMBERS, "Standard error at each look so far"),
                Field::default("n", Kind::Count, "0", "Units at the last look"),
                ALPHA,
                SPENDING,
                PARAMETER,
                SIDES,
                FINAL,
            ],
        ),
        output: &Object::of(
            "The stage reached",
            &[
                LOOKS,
                Field::required("stop", Kind::Flag, "Whether a boundary was crossed"),
                Field::optional("crossed_at", Kind::Count, "Look of the first crossing, from 1"),
                Field::required(
                    "repeated",
                    ESTIMATE,
                    "Estimate with the interval that holds at all looks together",
                ),
                Field::required(
                    "adjusted",
                    ESTIMATE,
                    "Median-unbiased estimate, stage-wise interval and p; valid once stopped",
                ),
            ],
        ),
        compute: test,
    },
    Method {
        name: "confidence_sequence",
        doc: "Asymptotic confidence sequence: interval and p-value that hold at every moment at once.",
        source: "Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2021 (arXiv:2103.06476)",
        input: &Object::of(
            "An estimate so far",
            &[
                Field::required("point", Kind::Number, "Estimate, such as a difference of means"),
                Field::required("se", Kind::Number, "Its standard error"),
                Field::required("n", Kind::Count, "Units so far, over all groups"),
                Field::default(
                    "tuned_for",
                    Kind::Number,
                    "5000",
                    "Units near which the sequence is tightest",
                ),
                SIDES,
                LEVEL,
            ],
        ),
        output: &ONE,
        compute: |i| {
            let e = confidence_sequence(
                i.number("point")?,
                i.number("se")?,
                i.count("n")?,
                i.number("level")?,
                i.number("tuned_for")?,
                sides(i)?,
            )?;
            Ok(json!({ "estimate": estimate(&e) }))
        },
    },
    Method {
        name: "msprt",
        doc: "Mixture sequential probability ratio test: always-valid p-values and interval.",
        source: "Johari, Koomen, Pekelis & Walsh 2017",
        input: &Object::of(
            "Estimates at the looks so far",
            &[
                Field::required("effects", NUMBERS, "Estimated effect at each look, oldest first"),
                Field::required("ses", NUMBERS, "Standard error at each look"),
                Field::required(
                    "tau",
                    Kind::Number,
                    "Standard deviation of plausible effects, in their unit",
                ),
                Field::default("n", Kind::Count, "0", "Units at the last look"),
                LEVEL,
            ],
        ),
        output: &Object::of(
            "The test",
            &[
                Field::required("estimate", ESTIMATE, "Last estimate, always-valid interval and p"),
                Field::required("p", NUMBERS, "Always-valid p after each look"),
                Field::required(
                    "log_likelihood_ratio",
                    NUMBERS,
                    "ln of the mixture likelihood ratio at each look",
                ),
                Field::optional(
                    "rejected_at",
                    Kind::Count,
                    "First look with p at most 1 − level, from 1",
                ),
            ],
        ),
        compute: |i| {
            let looks = looks(i)?;
            let found = msprt::msprt(&looks, i.number("tau")?, i.count("n")?, i.number("level")?)?;
            Ok(json!({
                "estimate": estimate(&found.estimate), "p": found.p,
                "log_likelihood_ratio": found.log_likelihood_ratio,
                "rejected_at": found.rejected_at.map(|k| k + 1),
            }))
        },
    },
    Method {
        name: "sequential_srm",
        doc: "Sample-ratio mismatch watched all the time: Bayes factor of a Dirichlet alternative, always-valid p.",
        source: "Lindon & Malek 2022",
        input: &Object::of(
            "Cumulative units per variant at each look",
            &[
                Field::required(
                    "looks",
                    TABLE,
                    "One list per look, oldest first: units per variant since the start",
                ),
                Field::required("weights", NUMBERS, "Configured weight per variant, any positive scale"),
                Field::default(
                    "concentration",
                    Kind::Number,
                    "10000",
                    "How firmly the alternative sits around the weights, as a number of units",
                ),
            ],
        ),
        output: &Object::of(
            "The test",
            &[
                Field::required("p", Kind::Number, "Always-valid p over all looks"),
                Field::required("path", NUMBERS, "The same after each look"),
                Field::required(
                    "log_bayes_factor",
                    Kind::List(&Kind::Maybe(&Kind::Number)),
                    "ln of the Bayes factor; null: infinite",
                ),
                Field::required("posterior", NUMBERS, "Posterior mean of each share"),
            ],
        ),
        compute: |i| {
            let rows = i.table("looks")?;
            let mut looks = Vec::new();
            for (k, row) in rows.iter().enumerate() {
                if row.iter().any(|x| *x < 0.0 || x.fract() != 0.0) {
                    return Err(i
                        .wrong("looks", format!("look {k} holds a count that is no whole number"))
                        .into());
                }
                looks.push(row.iter().map(|&x| x as u64).collect());
            }
            let found =
                sequential_srm::sequential_sample_ratio(&looks, &i.numbers("weights")?, i.number("concentration")?)?;
            Ok(json!({
                "p": found.p, "path": found.path, "log_bayes_factor": found.log_bayes_factor, "posterior": found.posterior,
            }))
        },
    },
];

/// Of a plan of looks.
pub const FRACTIONS: Field = Field::required(
    "information_fractions",
    NUMBERS,
    "Information fraction of each look, rising; 1 is the planned end",
);
/// Of a plan of looks.
pub const SPENDING: Field = Field::default(
    "spending",
    Kind::Choice(&["obrien_fleming", "pocock", "kim_demets", "hwang_shih_decani"]),
    "\"obrien_fleming\"",
    "How alpha is spent over information",
);
/// Of a plan of looks.
pub const PARAMETER: Field = Field::optional(
    "spending_parameter",
    Kind::Number,
    "Power of Kim–DeMets (2 when left out), gamma of Hwang–Shih–DeCani (−4 when left out)",
);
/// Sides of a test.
pub const SIDES: Field = Field::default(
    "alternative",
    Kind::Choice(&["two_sided", "greater", "less"]),
    "\"two_sided\"",
    "Which effects count; one-sided tests put all of alpha there",
);
/// Of a plan of looks.
pub const FINAL: Field = Field::default(
    "final",
    Kind::Flag,
    "false",
    "The last look is the end whatever its fraction: it spends what is left of alpha",
);
/// Of a plan of looks.
pub const LOOKS: Field = Field::required(
    "looks",
    Kind::List(&Kind::Object(&Object::of(
        "Boundary of a look",
        &[
            Field::required("fraction", Kind::Number, "Information fraction"),
            Field::optional(
                "z",
                Kind::Number,
                "Stop at or beyond this |z|; null: the look cannot stop",
            ),
            Field::required("nominal_p", Kind::Number, "p-value of the boundary"),
            Field::required("spent", Kind::Number, "Alpha spent up to and with this look"),
        ],
    ))),
    "Boundaries of the looks",
);

/// The sides asked for.
pub fn sides(input: &Input<'_>) -> Result<Sides, Problem> {
    Ok(match input.text("alternative")?.as_str() {
        "greater" => Sides::Greater,
        "less" => Sides::Less,
        _ => Sides::Two,
    })
}

/// How alpha is spent.
pub fn spending(input: &Input<'_>) -> Result<Spending, Problem> {
    spending_of(input, "spending", "spending_parameter")
}

/// How error is spent, by the fields that name the function and its parameter.
pub fn spending_of(input: &Input<'_>, function: &str, parameter: &str) -> Result<Spending, Problem> {
    let parameter = input.maybe_number(parameter);
    Ok(match input.text(function)?.as_str() {
        "pocock" => Spending::Pocock,
        "kim_demets" => Spending::KimDemets {
            power: parameter.unwrap_or(2.0),
        },
        "hwang_shih_decani" => Spending::HwangShihDecani {
            gamma: parameter.unwrap_or(-4.0),
        },
        _ => Spending::ObrienFleming,
    })
}

/// A plan of looks.
pub fn design(input: &Input<'_>) -> Result<Design, Problem> {
    Ok(Design {
        fractions: input.numbers("information_fractions")?,
        alpha: input.number("alpha")?,
        spending: spending(input)?,
        sides: sides(input)?,
        last_is_final: input.flag("final"),
    })
}

fn looks(input: &Input<'_>) -> Result<Vec<(f64, f64)>, Problem> {
    let effects = input.numbers("effects")?;
    let ses = input.numbers_like("ses", effects.len(), "effects")?;
    Ok(effects.into_iter().zip(ses).collect())
}

fn boundaries(input: &Input<'_>) -> Result<Value, Problem> {
    let design = design(input)?;
    let power = input.number("power")?;
    let looks = group_sequential::boundaries(&design)?;
    let drift = group_sequential::required_drift(&design, power)?;
    let z: Vec<f64> = looks.iter().map(|l| l.z).collect();
    let two = design.sides == Sides::Two;
    let chances = group_sequential::crossing(&design.fractions, &z, two, drift);
    let end = design.fractions.last().copied().unwrap_or(1.0);
    // Who never crosses stops at the end; crossings on the wrong side are left to it too, which is below 1e-4 of runs.
    let saved: f64 = chances.iter().zip(&design.fractions).map(|(c, t)| c * (end - t)).sum();
    Ok(json!({
        "looks": looks, "drift": drift, "inflation": group_sequential::inflation(&design, power)?,
        "expected_fraction": end - saved,
    }))
}

fn test(input: &Input<'_>) -> Result<Value, Problem> {
    let design = design(input)?;
    let looks = looks(input)?;
    if looks.len() != design.fractions.len() {
        let message = format!(
            "has {} entries, but information_fractions has {}",
            looks.len(),
            design.fractions.len()
        );
        return Err(input.wrong("effects", message).into());
    }
    let stage = group_sequential::analyse(&design, &looks, input.count("n")?)?;
    Ok(json!({
        "looks": stage.looks, "stop": stage.crossed_at.is_some(), "crossed_at": stage.crossed_at.map(|k| k + 1),
        "repeated": estimate(&stage.repeated), "adjusted": estimate(&stage.adjusted),
    }))
}
