//! A group of units as its input gives it, into [`Moments`].

use steward_stats::{Moments, NotEstimable, Reason};

use super::Problem;
use super::input::Input;
use super::kind::{Field, Kind, NUMBERS, Object, TABLE};

/// Units with one number each.
pub const MEAN: Object = Object {
    doc: "Units with one number each: moments, sums or raw values",
    fields: &[
        Field::optional("n", Kind::Count, "Units"),
        Field::optional("mean", Kind::Number, "Mean per unit"),
        Field::optional("variance", Kind::Number, "Sample variance (divisor n − 1)"),
        Field::optional("sd", Kind::Number, "Sample standard deviation (divisor n − 1)"),
        Field::optional("sum", Kind::Number, "Sum over units"),
        Field::optional("sum_squares", Kind::Number, "Sum of squares over units"),
        Field::optional("values", NUMBERS, "One value per unit"),
    ],
    forms: &[
        &["n", "mean", "variance"],
        &["n", "mean", "sd"],
        &["n", "sum", "sum_squares"],
        &["values"],
    ],
};

/// Units that are 0 or 1.
pub const PROPORTION: Object = Object {
    doc: "Units that each did or did not: counts or raw zeros and ones",
    fields: &[
        Field::optional("n", Kind::Count, "Units"),
        Field::optional("successes", Kind::Count, "Units with value 1"),
        Field::optional("values", NUMBERS, "0 or 1 per unit"),
    ],
    forms: &[&["n", "successes"], &["values"]],
};

/// Units with a numerator and a denominator.
pub const RATIO: Object = Object {
    doc: "Units with a numerator and a denominator each: moments, sums or raw columns",
    fields: &[
        Field::optional("n", Kind::Count, "Units"),
        Field::optional("numerator_mean", Kind::Number, "Mean of the numerator per unit"),
        Field::optional("numerator_variance", Kind::Number, "Sample variance of the numerator"),
        Field::optional("denominator_mean", Kind::Number, "Mean of the denominator per unit"),
        Field::optional(
            "denominator_variance",
            Kind::Number,
            "Sample variance of the denominator",
        ),
        Field::optional(
            "covariance",
            Kind::Number,
            "Sample covariance of numerator and denominator",
        ),
        Field::optional("numerator_sum", Kind::Number, "Sum of the numerator"),
        Field::optional("numerator_sum_squares", Kind::Number, "Sum of squares of the numerator"),
        Field::optional("denominator_sum", Kind::Number, "Sum of the denominator"),
        Field::optional(
            "denominator_sum_squares",
            Kind::Number,
            "Sum of squares of the denominator",
        ),
        Field::optional("sum_products", Kind::Number, "Sum of numerator × denominator"),
        Field::optional("numerators", NUMBERS, "Numerator per unit"),
        Field::optional("denominators", NUMBERS, "Denominator per unit, same order"),
    ],
    forms: &[
        &[
            "n",
            "numerator_mean",
            "numerator_variance",
            "denominator_mean",
            "denominator_variance",
            "covariance",
        ],
        &[
            "n",
            "numerator_sum",
            "numerator_sum_squares",
            "denominator_sum",
            "denominator_sum_squares",
            "sum_products",
        ],
        &["numerators", "denominators"],
    ],
};

/// Units with several numbers each: the outcome, then what goes with it.
pub const JOINT: Object = Object {
    doc: "Units with several numbers each, outcome first (for a ratio: numerator, denominator), then covariates",
    fields: &[
        Field::optional("n", Kind::Count, "Units"),
        Field::optional("mean", Kind::Number, "Mean of the outcome"),
        Field::optional("variance", Kind::Number, "Sample variance of the outcome"),
        Field::optional("covariate_mean", Kind::Number, "Mean of the one covariate"),
        Field::optional(
            "covariate_variance",
            Kind::Number,
            "Sample variance of the one covariate",
        ),
        Field::optional("covariance", Kind::Number, "Sample covariance of outcome and covariate"),
        Field::optional("sum", Kind::Number, "Sum of the outcome"),
        Field::optional("sum_squares", Kind::Number, "Sum of squares of the outcome"),
        Field::optional("covariate_sum", Kind::Number, "Sum of the one covariate"),
        Field::optional(
            "covariate_sum_squares",
            Kind::Number,
            "Sum of squares of the one covariate",
        ),
        Field::optional("sum_products", Kind::Number, "Sum of outcome × covariate"),
        Field::optional("values", NUMBERS, "Outcome per unit"),
        Field::optional("covariates", TABLE, "One list per covariate, a value per unit each"),
        Field::optional("means", NUMBERS, "Means of all variables, outcome first"),
        Field::optional(
            "covariances",
            TABLE,
            "Sample covariance matrix of all variables, same order",
        ),
        Field::optional("columns", TABLE, "One list per variable, outcome first"),
    ],
    forms: &[
        &[
            "n",
            "mean",
            "variance",
            "covariate_mean",
            "covariate_variance",
            "covariance",
        ],
        &[
            "n",
            "sum",
            "sum_squares",
            "covariate_sum",
            "covariate_sum_squares",
            "sum_products",
        ],
        &["values", "covariates"],
        &["n", "means", "covariances"],
        &["columns"],
    ],
};

/// The control of two groups, each described so.
pub const fn control(of: &'static Object) -> Field {
    Field::required("control", Kind::Object(of), "The control")
}

/// The treatment of two groups, each described so.
pub const fn treatment(of: &'static Object) -> Field {
    Field::required("treatment", Kind::Object(of), "The treatment")
}

/// The control as raw values.
pub const CONTROL_VALUES: Field = Field::required("control", NUMBERS, "One value per unit of the control");
/// The treatment as raw values.
pub const TREATMENT_VALUES: Field = Field::required("treatment", NUMBERS, "One value per unit of the treatment");

/// The control with an outcome and covariates.
pub const JOINT_CONTROL: Field = Field::required("control", Kind::Object(&JOINT), "The control: outcome, covariates");
/// The treatment with the same variables.
pub const JOINT_TREATMENT: Field = Field::required("treatment", Kind::Object(&JOINT), "The treatment, same variables");

/// Moments of a [`MEAN`] input.
pub fn mean(input: &Input<'_>) -> Result<Moments, Problem> {
    if input.has("values") {
        return Ok(columns(&[input.numbers("values")?]));
    }
    let n = input.count("n")?;
    if input.has("sum_squares") && input.has("sum") && !input.has("mean") {
        let (s, q) = (input.number("sum")?, input.number("sum_squares")?);
        return centred(n, &[s], &[vec![q]]);
    }
    let variance = match input.maybe_number("variance") {
        Some(v) => v,
        None => {
            let sd = input.number("sd")?;
            not_negative("the standard deviation", sd)?;
            sd * sd
        }
    };
    joint(n, vec![input.number("mean")?], &[vec![variance]])
}

/// Moments of a [`PROPORTION`] input.
pub fn proportion(input: &Input<'_>) -> Result<Moments, Problem> {
    if input.has("values") {
        return Ok(columns(&[input.numbers("values")?]));
    }
    let (n, successes) = (input.count("n")?, input.count("successes")?);
    if successes > n {
        return Err(NotEstimable::new(
            Reason::OutOfDomain,
            format!("{successes} successes among {n} units"),
            "count units, not events: each unit succeeds at most once",
        )
        .into());
    }
    let p = if n == 0 { 0.0 } else { successes as f64 / n as f64 };
    Ok(parts(n, vec![p], vec![n as f64 * p * (1.0 - p)]))
}

/// Moments (numerator, denominator) of a [`RATIO`] input.
pub fn ratio(input: &Input<'_>) -> Result<Moments, Problem> {
    if input.has("numerators") {
        let a = input.numbers("numerators")?;
        let b = input.numbers_like("denominators", a.len(), "numerators")?;
        return Ok(columns(&[a, b]));
    }
    let n = input.count("n")?;
    if input.has("numerator_sum") {
        let product = input.number("sum_products")?;
        return centred(
            n,
            &[input.number("numerator_sum")?, input.number("denominator_sum")?],
            &[
                vec![input.number("numerator_sum_squares")?, product],
                vec![product, input.number("denominator_sum_squares")?],
            ],
        );
    }
    let covariance = input.number("covariance")?;
    joint(
        n,
        vec![input.number("numerator_mean")?, input.number("denominator_mean")?],
        &[
            vec![input.number("numerator_variance")?, covariance],
            vec![covariance, input.number("denominator_variance")?],
        ],
    )
}

/// Moments (outcome, covariates) of a [`JOINT`] input.
pub fn with_covariates(input: &Input<'_>) -> Result<Moments, Problem> {
    if input.has("columns") {
        let all = input.table("columns")?;
        return same_length(input, "columns", all);
    }
    if input.has("values") {
        let mut all = vec![input.numbers("values")?];
        all.extend(input.table("covariates")?);
        return same_length(input, "covariates", all);
    }
    let n = input.count("n")?;
    if input.has("means") {
        let means = input.numbers("means")?;
        let matrix = input.table("covariances")?;
        if matrix.len() != means.len() || matrix.iter().any(|row| row.len() != means.len()) {
            let k = means.len();
            return Err(input
                .wrong("covariances", format!("expected {k} rows of {k}, one per mean"))
                .into());
        }
        return joint(n, means, &matrix);
    }
    if input.has("sum") {
        let product = input.number("sum_products")?;
        return centred(
            n,
            &[input.number("sum")?, input.number("covariate_sum")?],
            &[
                vec![input.number("sum_squares")?, product],
                vec![product, input.number("covariate_sum_squares")?],
            ],
        );
    }
    let covariance = input.number("covariance")?;
    joint(
        n,
        vec![input.number("mean")?, input.number("covariate_mean")?],
        &[
            vec![input.number("variance")?, covariance],
            vec![covariance, input.number("covariate_variance")?],
        ],
    )
}

fn same_length(input: &Input<'_>, name: &str, all: Vec<Vec<f64>>) -> Result<Moments, Problem> {
    let first = all.first().map_or(0, Vec::len);
    match all.iter().position(|c| c.len() != first) {
        Some(i) => Err(input
            .wrong(
                name,
                format!(
                    "variable {i} has {} values, the outcome {first}; give one per unit",
                    all[i].len()
                ),
            )
            .into()),
        None => Ok(columns(&all)),
    }
}

/// Moments of columns of equal length.
pub fn columns(all: &[Vec<f64>]) -> Moments {
    let mut m = Moments::empty(all.len());
    let n = all.first().map_or(0, Vec::len);
    let mut row = vec![0.0; all.len()];
    for i in 0..n {
        row.iter_mut().zip(all).for_each(|(r, column)| *r = column[i]);
        m.push(&row);
    }
    m
}

/// Moments from means and sample covariances.
pub fn joint(n: u64, means: Vec<f64>, covariances: &[Vec<f64>]) -> Result<Moments, Problem> {
    let k = means.len();
    let scale = n.saturating_sub(1) as f64;
    let mut cross = Vec::with_capacity(k * (k + 1) / 2);
    for (i, row) in covariances.iter().enumerate() {
        not_negative("a variance", row[i])?;
        for (j, c) in row.iter().enumerate().skip(i) {
            let bound = (covariances[i][i] * covariances[j][j]).sqrt();
            if c.abs() > bound * (1.0 + 1e-9) {
                return Err(NotEstimable::new(
                    Reason::OutOfDomain,
                    format!("a covariance is {c}, but the two variances allow at most {bound}"),
                    "check the variances and the covariance: same units, same divisor n − 1",
                )
                .into());
            }
            cross.push(c * scale);
        }
    }
    Ok(parts(n, means, cross))
}

/// Moments from sums and sums of products. Refused where the subtraction leaves no digits: Σx² − (Σx)²/n at a mean far
/// from 0 is lost in the rounding of the sums themselves.
fn centred(n: u64, sums: &[f64], products: &[Vec<f64>]) -> Result<Moments, Problem> {
    let count = n as f64;
    if n == 0 {
        return Ok(Moments::empty(sums.len()));
    }
    let mut cross = Vec::new();
    for (i, row) in products.iter().enumerate() {
        for (j, &product) in row.iter().enumerate().skip(i) {
            // Σxy − ΣxΣy/n with one rounding at the end.
            let share = sums[j] / count;
            let residual = (-share).mul_add(count, sums[j]);
            let value = (-sums[i]).mul_add(share, product) - sums[i] * (residual / count);
            if i != j {
                cross.push(value);
                continue;
            }
            cross.push(value.max(0.0));
            if value < -1e-12 * product.abs() || product < 0.0 {
                return Err(NotEstimable::new(
                    Reason::OutOfDomain,
                    format!(
                        "the sum of squares {product} is below the sum squared over n, {}",
                        sums[i] * share
                    ),
                    "check that sum and sum of squares are of the same units",
                )
                .into());
            }
            if value > 0.0 && value < 1e-9 * product {
                return Err(NotEstimable::new(
                    Reason::OutOfDomain,
                    format!("a sum of squares of {product} leaves {value} around the mean: the digits of the variance are lost"),
                    "give n, mean and variance, or the values",
                )
                .into());
            }
        }
    }
    let means = sums.iter().map(|s| s / count).collect();
    Ok(parts(n, means, cross))
}

fn parts(n: u64, means: Vec<f64>, cross: Vec<f64>) -> Moments {
    let k = means.len();
    // The lengths agree by construction.
    Moments::from_parts(n, means, cross).unwrap_or_else(|| Moments::empty(k))
}

fn not_negative(what: &str, x: f64) -> Result<(), Problem> {
    if x >= 0.0 {
        Ok(())
    } else {
        let fix = "give a number of 0 or more";
        Err(NotEstimable::new(Reason::OutOfDomain, format!("{what} is {x}"), fix).into())
    }
}
