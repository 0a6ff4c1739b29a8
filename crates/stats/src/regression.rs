//! Ordinary least squares with standard errors that survive unequal variances.
//!
//! **Question.** How does a value change with several others at once, and how sure are we of each coefficient?
//!
//! **Estimand.** The coefficients β of the best linear predictor of y from the columns of x.
//!
//! **Assumptions.** Rows are independent ([`crate::cluster`] for rows that are not). [`Covariance::Classical`] also wants
//! one variance for all rows; the others do not.
//!
//! **Formula.** β = (X'X)⁻¹X'y by Householder QR, columns centred first when there is an intercept, so that a mean of 1e8
//! costs no digits. Var β = (X'X)⁻¹·X'ΩX·(X'X)⁻¹ with Ω diagonal: classical e'e/(n−k); HC0 e²; HC1 e²·n/(n−k); HC2
//! e²/(1−h); HC3 e²/(1−h)², h the leverage. Intervals are t with n − k degrees of freedom.
//!
//! **Reference.** White 1980; MacKinnon & White 1985.
//!
//! **Golden source.** `tests/golden/regression.py` (statsmodels `OLS`).

use serde::{Deserialize, Serialize};

use crate::matrix::{Matrix, dot, least_squares};
use crate::{Estimate, NotEstimable, Reason};

/// How the variance of coefficients is estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covariance {
    /// One variance for all rows.
    Classical,
    /// White's, without correction.
    Hc0,
    /// Times n/(n − k).
    Hc1,
    /// Residuals by √(1 − leverage): unbiased when variances are in fact equal.
    #[default]
    Hc2,
    /// Residuals by (1 − leverage): conservative.
    Hc3,
}

/// A fitted regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Coefficients; the intercept first if there is one.
    pub coefficients: Vec<f64>,
    /// Their covariance, square.
    pub covariance: Vec<Vec<f64>>,
    /// Rows − columns.
    pub df: f64,
    /// Rows.
    pub n: u64,
    /// Residual variance e'e/(n − k).
    pub residual_variance: f64,
    /// Share of the variance of y explained (about the mean, or about 0 without an intercept).
    pub r_squared: f64,
    /// In a few words.
    pub method: String,
}

impl Fit {
    /// Coefficient `j` (0 is the intercept if there is one), with p-value that it is 0. Refused: no such coefficient.
    pub fn coefficient(&self, j: usize, level: f64) -> Result<Estimate, NotEstimable> {
        let mut weights = vec![0.0; self.coefficients.len()];
        match weights.get_mut(j) {
            Some(w) => *w = 1.0,
            None => {
                return Err(NotEstimable::out_of_domain(
                    format!("coefficient {j} is asked of {}", self.coefficients.len()),
                    "name a column of the design",
                ));
            }
        }
        self.combination(&weights, level)
    }

    /// Σ wⱼ·βⱼ, with p-value that it is 0. Refused: as many weights as coefficients are wanted.
    pub fn combination(&self, weights: &[f64], level: f64) -> Result<Estimate, NotEstimable> {
        if weights.len() != self.coefficients.len() {
            return Err(NotEstimable::out_of_domain(
                format!("{} weights for {} coefficients", weights.len(), self.coefficients.len()),
                "give one weight per coefficient, the intercept first",
            ));
        }
        let point = dot(weights, &self.coefficients);
        let variance: f64 = self
            .covariance
            .iter()
            .zip(weights)
            .map(|(row, w)| w * dot(row, weights))
            .sum();
        Estimate::new(
            point,
            variance.max(0.0).sqrt(),
            Some(self.df),
            self.n,
            level,
            self.method.as_str(),
        )
    }
}

/// Regresses `y` (n values) on the rows of `x` (n rows of k columns), with an intercept in front if asked.
///
/// Refused: unlike lengths, NaN or infinite values, no more rows than columns, a column that repeats others, a row that
/// alone determines a coefficient (HC2 and HC3).
pub fn ols(y: &[f64], x: &[Vec<f64>], intercept: bool, covariance: Covariance) -> Result<Fit, NotEstimable> {
    let fitted = fit(y, x, intercept)?;
    let (n, k) = (fitted.design.rows, fitted.design.cols);
    let df = (n - k) as f64;
    let square = dot(&fitted.residuals, &fitted.residuals);
    let classical = square / df;
    let centred = match covariance {
        Covariance::Classical => {
            let mut v = fitted.bread.clone();
            (0..k).for_each(|i| (0..k).for_each(|j| v[(i, j)] *= classical));
            v
        }
        _ => {
            let mut meat = Matrix::zeros(k, k);
            for i in 0..n {
                let row = fitted.design.row(i);
                let rest = 1.0 - fitted.bread.form(row, row);
                let e2 = fitted.residuals[i] * fitted.residuals[i];
                let weight = match covariance {
                    Covariance::Hc1 => e2 * n as f64 / df,
                    Covariance::Hc2 | Covariance::Hc3 if rest <= 1e-10 => return Err(leverage(i)),
                    Covariance::Hc2 => e2 / rest,
                    Covariance::Hc3 => e2 / (rest * rest),
                    _ => e2,
                };
                meat.add_outer(weight, row, row);
            }
            fitted.bread.times(&meat).times(&fitted.bread)
        }
    };
    let total: f64 = if intercept {
        let mean = y.iter().sum::<f64>() / n as f64;
        y.iter().map(|v| (v - mean).powi(2)).sum()
    } else {
        dot(y, y)
    };
    Ok(Fit {
        coefficients: fitted.coefficients(),
        covariance: fitted.original(&centred).to_rows(),
        df,
        n: n as u64,
        residual_variance: classical,
        r_squared: if total > 0.0 { 1.0 - square / total } else { 0.0 },
        method: format!("ols, {}", label(covariance)),
    })
}

fn label(covariance: Covariance) -> &'static str {
    match covariance {
        Covariance::Classical => "equal variances",
        Covariance::Hc0 => "hc0",
        Covariance::Hc1 => "hc1",
        Covariance::Hc2 => "hc2",
        Covariance::Hc3 => "hc3",
    }
}

fn leverage(i: usize) -> NotEstimable {
    NotEstimable::new(
        Reason::Singular,
        format!("row {i} alone determines a coefficient, so its residual is 0 whatever its error"),
        "leave out the column that only this row has, or use hc1",
    )
}

/// A regression on centred columns, and the way back to the columns as given.
#[derive(Debug)]
pub(crate) struct Fitted {
    /// Columns as fitted, the intercept first if there is one.
    pub design: Matrix,
    pub beta: Vec<f64>,
    pub residuals: Vec<f64>,
    /// (X'X)⁻¹ of the design as fitted.
    pub bread: Matrix,
    /// Means taken off: of y, and of each column of x; `None` without an intercept.
    means: Option<(f64, Vec<f64>)>,
}

impl Fitted {
    /// Coefficients of the columns as given.
    pub fn coefficients(&self) -> Vec<f64> {
        let mut beta = self.beta.clone();
        if let Some((y, x)) = &self.means {
            beta[0] += y - dot(&beta[1..], x);
        }
        beta
    }

    /// Weights on the coefficients as given, as weights on those fitted (transpose of the back-transformation).
    pub fn centred_weights(&self, weights: &[f64]) -> Vec<f64> {
        let mut w = weights.to_vec();
        if let Some((_, x)) = &self.means {
            for (j, mean) in x.iter().enumerate() {
                w[j + 1] -= weights[0] * mean;
            }
        }
        w
    }

    /// Covariance of the coefficients as given from that of those fitted.
    pub fn original(&self, covariance: &Matrix) -> Matrix {
        let k = covariance.rows;
        let mut back = Matrix::identity(k);
        if let Some((_, x)) = &self.means {
            x.iter().enumerate().for_each(|(j, mean)| back[(0, j + 1)] = -mean);
        }
        back.times(covariance).times(&back.transpose())
    }
}

/// Checks the input and solves.
pub(crate) fn fit(y: &[f64], x: &[Vec<f64>], intercept: bool) -> Result<Fitted, NotEstimable> {
    let n = y.len();
    let columns = x.first().map_or(0, Vec::len);
    if x.len() != n || x.iter().any(|row| row.len() != columns) {
        return Err(NotEstimable::out_of_domain(
            format!("{n} values of y, {} rows of x, not all of {columns} columns", x.len()),
            "give one row of x per value of y, all of the same length",
        ));
    }
    if let Some(i) = (0..n).find(|&i| !y[i].is_finite() || x[i].iter().any(|v| !v.is_finite())) {
        return Err(NotEstimable::not_finite(format!(
            "row {i} holds NaN or infinite values"
        )));
    }
    let k = columns + usize::from(intercept);
    if k == 0 || n <= k {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!("{n} rows for {k} coefficients"),
            "give more rows than columns",
        ));
    }
    let means = intercept.then(|| {
        let mean = |f: &dyn Fn(usize) -> f64| {
            let first = f(0);
            first + (0..n).map(|i| f(i) - first).sum::<f64>() / n as f64
        };
        let x_means: Vec<f64> = (0..columns).map(|j| mean(&|i| x[i][j])).collect();
        (mean(&|i| y[i]), x_means)
    });
    let mut design = Matrix::zeros(n, k);
    let mut centred = y.to_vec();
    for i in 0..n {
        match &means {
            Some((y_mean, x_means)) => {
                design[(i, 0)] = 1.0;
                centred[i] -= y_mean;
                (0..columns).for_each(|j| design[(i, j + 1)] = x[i][j] - x_means[j]);
            }
            None => (0..columns).for_each(|j| design[(i, j)] = x[i][j]),
        }
    }
    if let Some((_, x_means)) = &means {
        for (j, mean) in x_means.iter().enumerate() {
            let norm = (0..n).map(|i| design[(i, j + 1)].powi(2)).sum::<f64>().sqrt();
            // A constant column leaves only rounding after its mean is taken off.
            if norm <= 4.0 * f64::EPSILON * mean.abs() * (n as f64).sqrt() {
                return Err(crate::matrix::singular(j + 1));
            }
        }
    }
    let (beta, residuals, bread) = least_squares(&design, &centred)?;
    Ok(Fitted {
        design,
        beta,
        residuals,
        bread,
        means,
    })
}
