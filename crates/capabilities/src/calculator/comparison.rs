//! One treatment against the control, and single groups.

use serde_json::{Value, json};
use steward_stats::group_sequential::Sides;
use steward_stats::lift::{Comparison, Lift, Statistic, lift};
use steward_stats::one_sided::one_sided;
use steward_stats::{Estimate, Moments, NotEstimable, one_sample};

use super::input::Input;
use super::kind::{Field, Kind, Object};
use super::sequential::{SIDES, sides};
use super::{ESTIMATE, LEVEL, Method, Problem, either, estimate, sample};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "welch_t",
        doc: "Difference of two means by Welch's t, absolute and relative to |control|.",
        source: "Welch 1947; Deng, Knoblich & Lu 2018 (relative)",
        input: &Object::of("Two groups", &[MEAN_C, MEAN_T, SIDES, LEVEL]),
        output: &LIFT,
        compute: |i| {
            let (c, t) = two(i, sample::mean)?;
            answer(i, lift(&c, &t, &plain(Statistic::Mean { y: 0 }, i)?))
        },
    },
    Method {
        name: "proportions_z",
        doc: "Difference of two proportions by z with unpooled variance, absolute and relative.",
        source: "Fleiss, Levin & Paik 2003; Wilson 1927 (each arm)",
        input: &Object::of(
            "Two groups of zeros and ones",
            &[
                sample::control(&sample::PROPORTION),
                sample::treatment(&sample::PROPORTION),
                SIDES,
                LEVEL,
            ],
        ),
        output: &LIFT,
        compute: |i| {
            let (c, t) = two(i, sample::proportion)?;
            answer(i, lift(&c, &t, &plain(Statistic::Proportion { y: 0 }, i)?))
        },
    },
    Method {
        name: "ratio_delta",
        doc: "Difference of two ratios of sums by the delta method over units, absolute and relative.",
        source: "Deng, Knoblich & Lu 2018",
        input: &Object::of(
            "Two groups with a numerator and a denominator per unit",
            &[
                sample::control(&sample::RATIO),
                sample::treatment(&sample::RATIO),
                SIDES,
                LEVEL,
            ],
        ),
        output: &LIFT,
        compute: |i| {
            let (c, t) = two(i, sample::ratio)?;
            answer(i, lift(&c, &t, &plain(RATIO, i)?))
        },
    },
    Method {
        name: "cuped",
        doc: "Difference of two means adjusted for pre-period covariates (CUPED), with the raw one beside it.",
        source: "Deng, Xu, Kohavi & Walker 2013",
        input: &Object::of(
            "Two groups with an outcome and covariates",
            &[sample::JOINT_CONTROL, sample::JOINT_TREATMENT, LEVEL],
        ),
        output: &ADJUSTED,
        compute: |i| adjusted(i, Statistic::Mean { y: 0 }, 1),
    },
    Method {
        name: "cuped_ratio",
        doc: "Difference of two ratios adjusted for the same ratio before the experiment, with the raw one beside it.",
        source: "Deng, Xu, Kohavi & Walker 2013; Deng, Knoblich & Lu 2018",
        input: &Object::of(
            "Two groups with numerator, denominator, and both before the experiment, as `columns` or `means` and `covariances`",
            &[
                Field::required(
                    "control",
                    Kind::Object(&sample::JOINT),
                    "The control: numerator, denominator, earlier numerator, earlier denominator",
                ),
                sample::JOINT_TREATMENT,
                LEVEL,
            ],
        ),
        output: &ADJUSTED,
        compute: |i| adjusted(i, RATIO, 2),
    },
    Method {
        name: "mean",
        doc: "Mean of one group with its t interval.",
        source: "Student 1908",
        input: &Object::of(
            "One group",
            &[
                Field::required("sample", Kind::Object(&sample::MEAN), "The group"),
                LEVEL,
            ],
        ),
        output: &ONE,
        compute: |i| {
            let m = sample::mean(&i.object("sample")?)?;
            Ok(json!({ "estimate": estimate(&one_sample::mean(&m, 0, i.number("level")?)?) }))
        },
    },
    Method {
        name: "proportion",
        doc: "Share of one group with Wilson's score interval.",
        source: "Wilson 1927",
        input: &Object::of(
            "One group of zeros and ones",
            &[
                Field::required("sample", Kind::Object(&sample::PROPORTION), "The group"),
                LEVEL,
            ],
        ),
        output: &ONE,
        compute: |i| {
            let m = sample::proportion(&i.object("sample")?)?;
            Ok(json!({ "estimate": estimate(&one_sample::proportion(&m, 0, i.number("level")?)?) }))
        },
    },
    Method {
        name: "ratio",
        doc: "Ratio of sums in one group with its delta-method interval.",
        source: "Deng, Knoblich & Lu 2018",
        input: &Object::of(
            "One group with a numerator and a denominator per unit",
            &[
                Field::required("sample", Kind::Object(&sample::RATIO), "The group"),
                LEVEL,
            ],
        ),
        output: &ONE,
        compute: |i| {
            let m = sample::ratio(&i.object("sample")?)?;
            Ok(json!({ "estimate": estimate(&one_sample::ratio(&m, 0, 1, i.number("level")?)?) }))
        },
    },
];

const RATIO: Statistic = Statistic::Ratio {
    numerator: 0,
    denominator: 1,
};

const MEAN_C: Field = sample::control(&sample::MEAN);
const MEAN_T: Field = sample::treatment(&sample::MEAN);

const ONE: Object = Object::of("The estimate", &[Field::required("estimate", ESTIMATE, "The estimate")]);

/// What a comparison answers.
pub const LIFT: Object = Object::of(
    "The comparison; parts that cannot be had say why",
    &[
        Field::required("absolute", ESTIMATE, "Treatment − control"),
        Field::required("relative", ESTIMATE, "(Treatment − control) / |control|"),
        Field::required("control", ESTIMATE, "The control's value"),
        Field::required("treatment", ESTIMATE, "The treatment's value"),
    ],
);

const ADJUSTED: Object = Object::of(
    "The adjusted comparison, and the raw one",
    &[
        Field::required("absolute", ESTIMATE, "Treatment − control, adjusted"),
        Field::required("relative", ESTIMATE, "(Treatment − control) / |control|, adjusted"),
        Field::required("control", ESTIMATE, "The control's adjusted value"),
        Field::required("treatment", ESTIMATE, "The treatment's adjusted value"),
        Field::optional("variance_reduction", Kind::Number, "1 − Var(adjusted) / Var(raw)"),
        Field::required("raw", Kind::Object(&LIFT), "The comparison without adjustment"),
    ],
);

/// Both groups of a comparison.
pub fn two(input: &Input<'_>, read: fn(&Input<'_>) -> Result<Moments, Problem>) -> Result<(Moments, Moments), Problem> {
    Ok((read(&input.object("control")?)?, read(&input.object("treatment")?)?))
}

fn plain(statistic: Statistic, input: &Input<'_>) -> Result<Comparison, Problem> {
    Ok(Comparison {
        statistic,
        covariates: Vec::new(),
        level: input.number("level")?,
    })
}

/// A comparison as JSON, on the sides asked for; refused as a whole when its absolute part is.
fn answer(input: &Input<'_>, lift: Lift) -> Result<Value, Problem> {
    if let Err(e) = lift.absolute {
        return Err(e.into());
    }
    let sides = sides(input)?;
    let sided = |e: Result<Estimate, NotEstimable>| match sides {
        Sides::Two => e,
        _ => e.and_then(|e| one_sided(&e, sides)),
    };
    Ok(written(&Lift {
        absolute: sided(lift.absolute),
        relative: sided(lift.relative),
        ..lift
    }))
}

fn written(lift: &Lift) -> Value {
    json!({
        "absolute": either(&lift.absolute), "relative": either(&lift.relative),
        "control": either(&lift.control), "treatment": either(&lift.treatment),
    })
}

fn adjusted(input: &Input<'_>, statistic: Statistic, own: usize) -> Result<Value, Problem> {
    let (c, t) = two(input, sample::with_covariates)?;
    let k = c.dimension();
    if t.dimension() != k || k <= own {
        let message = format!(
            "the control has {k} variables, the treatment {}; give the same to both, outcome first and at least one covariate",
            t.dimension()
        );
        return Err(input.wrong("treatment", message).into());
    }
    let level = input.number("level")?;
    let compare = |covariates: Vec<usize>| {
        lift(
            &c,
            &t,
            &Comparison {
                statistic,
                covariates,
                level,
            },
        )
    };
    let (with, without) = (compare((own..k).collect()), compare(Vec::new()));
    let reduction = with.variance_reduction;
    let mut out = answer(input, with)?;
    out["variance_reduction"] = json!(reduction);
    // An adjustment can save what the raw comparison cannot say: it is shown as far as it goes.
    out["raw"] = answer(input, without.clone()).unwrap_or_else(|_| written(&without));
    Ok(out)
}
