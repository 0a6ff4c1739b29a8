//! Regression with robust errors, and adjustment for covariates and strata.

use serde_json::{Value, json};
use steward_stats::adjustment::{self, Adjusted, Stratum};
use steward_stats::hac::hac;
use steward_stats::regression::{Covariance, Fit, ols};

use super::comparison::{sided_or_refused, two};
use super::input::Input;
use super::kind::{COUNTS, Field, Kind, NUMBERS, Object, TABLE};
use super::sequential::SIDES;
use super::{ESTIMATE, LEVEL, Method, Problem, either, sample};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "ols",
        doc: "Least squares with classical or heteroskedasticity-robust errors (HC0 to HC3), t intervals.",
        source: "White 1980; MacKinnon & White 1985",
        input: &Object::of(
            "Rows",
            &[
                Y,
                X,
                INTERCEPT,
                Field::default(
                    "covariance",
                    Kind::Choice(&["classical", "hc0", "hc1", "hc2", "hc3"]),
                    "\"hc2\"",
                    "How errors are found",
                ),
                LEVEL,
            ],
        ),
        output: &COEFFICIENTS,
        compute: |i| {
            let (y, x) = design(i)?;
            let covariance = match i.text("covariance")?.as_str() {
                "classical" => Covariance::Classical,
                "hc0" => Covariance::Hc0,
                "hc1" => Covariance::Hc1,
                "hc3" => Covariance::Hc3,
                _ => Covariance::Hc2,
            };
            let fit = ols(&y, &x, i.flag("intercept"), covariance)?;
            Ok(coefficients(&fit, i.number("level")?))
        },
    },
    Method {
        name: "newey_west",
        doc: "Least squares on series in time order, errors robust to autocorrelation (Newey–West, Bartlett weights).",
        source: "Newey & West 1987",
        input: &Object::of(
            "Rows in time order",
            &[
                Y,
                X,
                INTERCEPT,
                Field::required("lags", Kind::Count, "Periods that correlation lasts"),
                Field::optional(
                    "series",
                    COUNTS,
                    "The series of each row, as a number; left out: one series",
                ),
                Field::default(
                    "small_sample",
                    Kind::Flag,
                    "true",
                    "Whether the covariance is multiplied by n/(n − k)",
                ),
                LEVEL,
            ],
        ),
        output: &COEFFICIENTS,
        compute: |i| {
            let (y, x) = design(i)?;
            let series = if i.has("series") {
                i.counts("series")?
            } else {
                vec![0; y.len()]
            };
            let mut fit = hac(&y, &x, i.flag("intercept"), &series, i.count("lags")? as usize)?;
            if !i.flag("small_sample") {
                let factor = fit.df / fit.n as f64;
                fit.covariance.iter_mut().flatten().for_each(|v| *v *= factor);
            }
            Ok(coefficients(&fit, i.number("level")?))
        },
    },
    Method {
        name: "lin",
        doc: "Treatment effect by regression with covariates interacted with treatment (Lin), HC2, from unit rows.",
        source: "Lin 2013",
        input: &Object::of(
            "Units",
            &[
                Field::required("y", NUMBERS, "Outcome per unit"),
                Field::required("treated", COUNTS, "0 or 1 per unit"),
                Field::required("covariates", TABLE, "One list per covariate, a value per unit each"),
                SIDES,
                LEVEL,
            ],
        ),
        output: &ADJUSTED,
        compute: |i| {
            let y = i.numbers("y")?;
            let treated: Vec<bool> = i
                .numbers_like("treated", y.len(), "y")?
                .iter()
                .map(|t| *t != 0.0)
                .collect();
            let x = rows(i, "covariates", y.len())?;
            adjusted(i, adjustment::lin(&y, &treated, &x, i.number("level")?)?)
        },
    },
    Method {
        name: "regression_adjustment",
        doc: "Treatment effect adjusted for several covariates, slopes of each arm's own, from sufficient statistics.",
        source: "Lin 2013",
        input: &Object::of(
            "Two groups with an outcome and covariates",
            &[sample::JOINT_CONTROL, sample::JOINT_TREATMENT, SIDES, LEVEL],
        ),
        output: &ADJUSTED,
        compute: |i| {
            let (c, t) = two(i, sample::with_covariates)?;
            let covariates: Vec<usize> = (1..c.dimension()).collect();
            let found = adjustment::interacted(&c, &t, 0, &covariates, i.number("level")?)?;
            adjusted(i, found)
        },
    },
    Method {
        name: "ancova",
        doc: "Effects of arms against the first by analysis of covariance, from sufficient statistics.",
        source: "Fisher 1932",
        input: &Object::of(
            "Arms with an outcome and covariates",
            &[
                Field::required(
                    "arms",
                    Kind::List(&Kind::Object(&sample::JOINT)),
                    "Each arm: outcome, covariates; the control first",
                ),
                SIDES,
                LEVEL,
            ],
        ),
        output: &Object::of(
            "Effects",
            &[Field::required(
                "effects",
                Kind::List(&ESTIMATE),
                "Each arm after the first, against the first",
            )],
        ),
        compute: |i| {
            let arms = i
                .objects("arms")?
                .iter()
                .map(sample::with_covariates)
                .collect::<Result<Vec<_>, _>>()?;
            let k = arms.first().map_or(0, steward_stats::Moments::dimension);
            let found = adjustment::ancova(&arms, 0, &(1..k).collect::<Vec<_>>(), i.number("level")?)?;
            let effects = found
                .into_iter()
                .map(|e| sided_or_refused(i, Ok(e)))
                .collect::<Result<Vec<_>, _>>()?;
            Ok(json!({ "effects": effects }))
        },
    },
    Method {
        name: "post_stratification",
        doc: "Treatment effect averaged over strata by their share of units, or by weights given.",
        source: "Miratrix, Sekhon & Yu 2013",
        input: &Object::of(
            "Strata",
            &[
                Field::required("strata", Kind::List(&Kind::Object(&STRATUM)), "Each stratum"),
                SIDES,
                LEVEL,
            ],
        ),
        output: &ADJUSTED,
        compute: |i| {
            let strata = i
                .objects("strata")?
                .iter()
                .map(|s| {
                    let (control, treatment) = two(s, sample::mean)?;
                    let weight = s.maybe_number("weight");
                    Ok(Stratum {
                        control,
                        treatment,
                        weight,
                    })
                })
                .collect::<Result<Vec<_>, Problem>>()?;
            adjusted(i, adjustment::post_stratified(&strata, 0, i.number("level")?)?)
        },
    },
];

/// Outcome of a regression.
pub const Y: Field = Field::required("y", NUMBERS, "Outcome per row");
/// Columns of a regression.
pub const X: Field = Field::required("x", TABLE, "One list per column, a value per row each");
/// Whether a regression has an intercept.
pub const INTERCEPT: Field = Field::default("intercept", Kind::Flag, "true", "Whether a column of ones comes first");

const COEFFICIENTS: Object = Object::of(
    "Coefficients",
    &[
        Field::required(
            "coefficients",
            Kind::List(&ESTIMATE),
            "The intercept first, if there is one",
        ),
        Field::required("covariance", TABLE, "Their covariance matrix"),
        Field::required("r_squared", Kind::Number, "Share of the variance explained"),
        Field::required("residual_variance", Kind::Number, "Residual variance, divisor n − k"),
    ],
);

const ADJUSTED: Object = Object::of(
    "The effect with and without adjustment",
    &[
        Field::required("adjusted", ESTIMATE, "After adjustment"),
        Field::required("raw", ESTIMATE, "Difference of means"),
        Field::required("variance_reduction", Kind::Number, "1 − Var(adjusted) / Var(raw)"),
    ],
);

const STRATUM: Object = Object::of(
    "A stratum",
    &[
        Field::required("control", Kind::Object(&sample::MEAN), "Its control"),
        Field::required("treatment", Kind::Object(&sample::MEAN), "Its treatment"),
        Field::optional(
            "weight",
            Kind::Number,
            "Its share of the population, for all or for none",
        ),
    ],
);

fn coefficients(fit: &Fit, level: f64) -> Value {
    let all: Vec<Value> = (0..fit.coefficients.len())
        .map(|j| either(&fit.coefficient(j, level)))
        .collect();
    json!({
        "coefficients": all, "covariance": fit.covariance,
        "r_squared": fit.r_squared, "residual_variance": fit.residual_variance,
    })
}

fn adjusted(input: &Input<'_>, found: Adjusted) -> Result<Value, Problem> {
    Ok(json!({
        "adjusted": sided_or_refused(input, Ok(found.adjusted))?, "raw": sided_or_refused(input, Ok(found.raw))?,
        "variance_reduction": found.variance_reduction,
    }))
}

/// Outcome and rows of a regression.
pub fn design(input: &Input<'_>) -> Result<(Vec<f64>, Vec<Vec<f64>>), Problem> {
    let y = input.numbers("y")?;
    let x = rows(input, "x", y.len())?;
    Ok((y, x))
}

/// Rows of columns of `n` values each.
fn rows(input: &Input<'_>, name: &str, n: usize) -> Result<Vec<Vec<f64>>, Problem> {
    let columns = input.table(name)?;
    if let Some(i) = columns.iter().position(|c| c.len() != n) {
        let message = format!(
            "column {i} has {} values for {n} rows; give one per row",
            columns[i].len()
        );
        return Err(input.wrong(name, message).into());
    }
    Ok((0..n).map(|i| columns.iter().map(|c| c[i]).collect()).collect())
}
