//! One direction only, accepted harm, and the relative lift over a noisy baseline.

use serde_json::json;
use steward_stats::fieller::fieller;
use steward_stats::lift::{Comparison, Statistic};
use steward_stats::one_sided::{non_inferiority, one_sided};
use steward_stats::{Estimate, Moments};

use super::input::Input;
use super::kind::{Field, Kind, Object};
use super::sequential::{SIDES, sides};
use super::{BETTER, ESTIMATE, LEVEL, Method, ONE, Problem, better, estimate, sample};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "fieller",
        doc: "Relative lift of a mean with Fieller's interval, for a noisy baseline.",
        source: "Fieller 1954",
        input: &Object::of(
            "Two groups",
            &[
                sample::control(&sample::MEAN),
                sample::treatment(&sample::MEAN),
                SIDES,
                LEVEL,
            ],
        ),
        output: &ONE,
        compute: |i| relative(i, sample::mean, Statistic::Mean { y: 0 }, 1),
    },
    Method {
        name: "fieller_proportions",
        doc: "Relative lift of a proportion with Fieller's interval.",
        source: "Fieller 1954",
        input: &Object::of(
            "Two groups of zeros and ones",
            &[
                sample::control(&sample::PROPORTION),
                sample::treatment(&sample::PROPORTION),
                SIDES,
                LEVEL,
            ],
        ),
        output: &ONE,
        compute: |i| relative(i, sample::proportion, Statistic::Proportion { y: 0 }, 1),
    },
    Method {
        name: "fieller_cuped",
        doc: "Relative lift of a mean adjusted for pre-period covariates, with Fieller's interval.",
        source: "Fieller 1954; Deng, Xu, Kohavi & Walker 2013",
        input: &Object::of(
            "Two groups with an outcome and covariates",
            &[sample::JOINT_CONTROL, sample::JOINT_TREATMENT, SIDES, LEVEL],
        ),
        output: &ONE,
        compute: |i| relative(i, sample::with_covariates, Statistic::Mean { y: 0 }, 1),
    },
    Method {
        name: "fieller_ratio",
        doc: "Relative lift of a ratio of sums with Fieller's interval, delta method within the arms.",
        source: "Fieller 1954; Deng, Knoblich & Lu 2018",
        input: &Object::of(
            "Two groups with a numerator and a denominator per unit",
            &[
                sample::control(&sample::RATIO),
                sample::treatment(&sample::RATIO),
                SIDES,
                LEVEL,
            ],
        ),
        output: &ONE,
        compute: |i| relative(i, sample::ratio, super::comparison::RATIO, 2),
    },
    Method {
        name: "one_sided",
        doc: "One-sided bound and p-value of an estimate, from t or the normal.",
        source: "Casella & Berger 2002, section 9.2",
        input: &Object::of("An estimate", &[POINT, SE, DF, N, SIDES, LEVEL]),
        output: &ONE,
        compute: |i| Ok(json!({ "estimate": estimate(&one_sided(&given(i)?, sides(i)?)?) })),
    },
    Method {
        name: "non_inferiority",
        doc: "Whether the harm of an estimate is shown to be smaller than an accepted margin, and whether it is superior.",
        source: "Rothmann, Wiens & Chan 2011",
        input: &Object::of(
            "An estimate and a margin in its unit",
            &[
                POINT,
                SE,
                DF,
                N,
                Field::required(
                    "margin",
                    Kind::Number,
                    "Accepted harm, 0 or more, in the unit of the estimate",
                ),
                BETTER,
                LEVEL,
            ],
        ),
        output: &Object::of(
            "The test, at one-sided error 1 − level",
            &[
                Field::required(
                    "estimate",
                    ESTIMATE,
                    "Estimate with its one-sided bound; p tests the margin",
                ),
                Field::required("non_inferior", Kind::Flag, "The harm is smaller than the margin"),
                Field::required("superior", Kind::Flag, "The effect is good"),
                Field::required("inferior", Kind::Flag, "The harm is larger than the margin"),
                Field::required("superiority_p", Kind::Number, "p-value of superiority"),
            ],
        ),
        compute: |i| {
            let found = non_inferiority(&given(i)?, i.number("margin")?, better(i)?)?;
            Ok(json!({
                "estimate": estimate(&found.estimate), "non_inferior": found.non_inferior, "superior": found.superior,
                "inferior": found.inferior, "superiority_p": found.superiority_p,
            }))
        },
    },
];

const POINT: Field = Field::required("point", Kind::Number, "Estimate");
const SE: Field = Field::required("se", Kind::Number, "Its standard error");
const DF: Field = Field::optional("df", Kind::Number, "Degrees of freedom of t; the normal when left out");
const N: Field = Field::default("n", Kind::Count, "0", "Units");

/// The estimate given by point, standard error and degrees of freedom.
pub fn given(input: &Input<'_>) -> Result<Estimate, Problem> {
    let level = input.maybe_number("level").unwrap_or(0.95);
    let (point, se) = (input.number("point")?, input.number("se")?);
    Ok(Estimate::new(
        point,
        se,
        input.maybe_number("df"),
        input.maybe_count("n").unwrap_or(0),
        level,
        "given",
    )?)
}

fn relative(
    input: &Input<'_>,
    read: fn(&Input<'_>) -> Result<Moments, Problem>,
    statistic: Statistic,
    own: usize,
) -> Result<serde_json::Value, Problem> {
    let (c, t) = super::comparison::two(input, read)?;
    if c.dimension() != t.dimension() {
        return Err(input.wrong("treatment", "has other variables than the control").into());
    }
    let comparison = Comparison {
        statistic,
        covariates: (own..c.dimension()).collect(),
        level: input.number("level")?,
    };
    Ok(json!({ "estimate": estimate(&fieller(&c, &t, &comparison, sides(input)?)?) }))
}
