//! One treatment against the control, and single groups.

use serde_json::{Value, json};
use steward_stats::group_sequential::Sides;
use steward_stats::lift::{Comparison, Lift, Slopes, Statistic, lift, lift_with};
use steward_stats::one_sided::one_sided;
use steward_stats::pooled::pooled;
use steward_stats::{Estimate, Moments, NotEstimable, one_sample};

use super::input::Input;
use super::kind::{Field, Kind, NUMBERS, Object};
use super::sequential::{SIDES, sides};
use super::{ESTIMATE, LEVEL, Method, ONE, Problem, either, estimate, sample};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "welch_t",
        doc: "Difference of two means by Welch's t (or Student's, with one variance), absolute and relative to |control|.",
        source: "Welch 1947; Student 1908; Deng, Knoblich & Lu 2018 (relative)",
        input: &Object::of(
            "Two groups",
            &[
                sample::control(&sample::MEAN),
                sample::treatment(&sample::MEAN),
                Field::default(
                    "variance",
                    Kind::Choice(&["welch", "pooled"]),
                    "\"welch\"",
                    "Each group its own variance (Welch), or one for both (Student's t)",
                ),
                SIDES,
                LEVEL,
            ],
        ),
        output: &LIFT,
        compute: |i| {
            let (c, t) = two(i, sample::mean)?;
            if i.text("variance")? == "pooled" {
                return answer(i, pooled(&c, &t, 0, false, i.number("level")?));
            }
            answer(i, lift(&c, &t, &plain(Statistic::Mean { y: 0 }, i)?))
        },
    },
    Method {
        name: "proportions_z",
        doc: "Difference of two proportions by z, unpooled (default) or pooled variance, absolute and relative to |control|.",
        source: "Fleiss, Levin & Paik 2003; Wilson 1927 (each arm)",
        input: &Object::of(
            "Two groups of zeros and ones",
            &[
                sample::control(&sample::PROPORTION),
                sample::treatment(&sample::PROPORTION),
                Field::default(
                    "variance",
                    Kind::Choice(&["unpooled", "pooled"]),
                    "\"unpooled\"",
                    "p(1 − p)/n of each group, or of both as one (the null's; its z² is Pearson's chi-square)",
                ),
                SIDES,
                LEVEL,
            ],
        ),
        output: &LIFT,
        compute: |i| {
            let (c, t) = two(i, sample::proportion)?;
            if i.text("variance")? == "pooled" {
                return answer(i, pooled(&c, &t, 0, true, i.number("level")?));
            }
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
            &[
                sample::JOINT_CONTROL,
                sample::JOINT_TREATMENT,
                SLOPES,
                THETA,
                SIDES,
                LEVEL,
            ],
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
                SLOPES,
                THETA,
                SIDES,
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

/// Sum of variable 0 over sum of variable 1.
pub const RATIO: Statistic = Statistic::Ratio {
    numerator: 0,
    denominator: 1,
};

const SLOPES: Field = Field::default(
    "coefficient",
    Kind::Choice(&["within", "pooled"]),
    "\"within\"",
    "θ from the regression within the arms (analysis of covariance), or Cov(y, x)/Var(x) of all units as one sample",
);
const THETA: Field = Field::optional(
    "theta",
    NUMBERS,
    "θ of each covariate where it is known beforehand, instead of `coefficient`",
);

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
        Field::required(
            "theta",
            NUMBERS,
            "Coefficient of each covariate; 0: left out, it does not vary",
        ),
        Field::required(
            "relative_to_raw",
            ESTIMATE,
            "The adjusted lift / |control without adjustment|, with the covariance of the two",
        ),
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
pub fn answer(input: &Input<'_>, lift: impl Into<Lift>) -> Result<Value, Problem> {
    let lift = lift.into();
    match &lift.absolute {
        Err(e) => Err(e.clone().into()),
        Ok(_) => written(input, &lift),
    }
}

/// A comparison as JSON, on the sides asked for; parts that cannot be had say why.
pub fn written(input: &Input<'_>, lift: &Lift) -> Result<Value, Problem> {
    Ok(json!({
        "absolute": sided(input, &lift.absolute)?, "relative": sided(input, &lift.relative)?,
        "control": either(&lift.control), "treatment": either(&lift.treatment),
    }))
}

/// An estimate (or its refusal) as JSON, on the sides asked for.
pub fn sided(input: &Input<'_>, e: &Result<Estimate, NotEstimable>) -> Result<Value, Problem> {
    let sides = sides(input)?;
    Ok(match (sides, e) {
        (Sides::Two, _) | (_, Err(_)) => either(e),
        (_, Ok(e)) => either(&one_sided(e, sides)),
    })
}

/// The same of one that stands for the whole answer.
pub fn sided_or_refused(input: &Input<'_>, e: Result<Estimate, NotEstimable>) -> Result<Value, Problem> {
    sided(input, &Ok(e?))
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
    let comparison = |covariates: Vec<usize>| Comparison {
        statistic,
        covariates,
        level,
    };
    let slopes = if input.has("theta") {
        Slopes::Given(input.numbers("theta")?)
    } else if input.text("coefficient")? == "pooled" {
        Slopes::Pooled
    } else {
        Slopes::Within
    };
    let with = lift_with(&c, &t, &comparison((own..k).collect()), &slopes)?;
    let without = lift(&c, &t, &comparison(Vec::new()));
    let reduction = with.lift.variance_reduction;
    let mut out = answer(input, with.lift)?;
    out["variance_reduction"] = json!(reduction);
    out["theta"] = json!(with.slopes);
    out["relative_to_raw"] = sided(input, &with.relative_to_raw)?;
    // An adjustment can save what the raw comparison cannot say: it is shown as far as it goes.
    out["raw"] = written(input, &without)?;
    Ok(out)
}
