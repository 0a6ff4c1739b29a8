//! Regression whose errors are correlated in time: heteroskedasticity- and autocorrelation-consistent errors.
//!
//! **Question.** How sure are we of a coefficient when neighbouring periods share their luck?
//!
//! **Estimand.** The coefficients of [`crate::regression`].
//!
//! **Assumptions.** Rows of a series are in time order at equal steps; correlation dies out within `lags`; series are
//! independent of each other.
//!
//! **Formula.** Newey–West: meat Σ_series [Σ_t e_t²x_tx_t' + Σ_{l=1..L} (1 − l/(L + 1))·Σ_t e_te_{t−l}(x_tx_{t−l}' +
//! x_{t−l}x_t')], times n/(n − k); t with n − k degrees of freedom.
//!
//! **Reference.** Newey & West 1987.
//!
//! **Golden source.** `tests/golden/designs.py` (statsmodels `HAC`, `hac-panel`).

use crate::matrix::Matrix;
use crate::regression::{Fit, fit};
use crate::{NotEstimable, Reason};

/// Regresses `y` on the rows of `x` as [`crate::regression::ols`]; `series[i]` names the series of row i, whose rows are in
/// time order. A rule for `lags`: 0.75·T^(1/3), or the periods that a carry-over can last.
///
/// Refused as `ols`, and when `lags` reaches beyond the longest series.
pub fn hac(y: &[f64], x: &[Vec<f64>], intercept: bool, series: &[u64], lags: usize) -> Result<Fit, NotEstimable> {
    if series.len() != y.len() {
        return Err(NotEstimable::out_of_domain(
            format!("{} values have {} series names", y.len(), series.len()),
            "name one series per row",
        ));
    }
    let fitted = fit(y, x, intercept)?;
    let (n, k) = (fitted.design.rows, fitted.design.cols);
    let mut members: std::collections::BTreeMap<u64, Vec<usize>> = std::collections::BTreeMap::new();
    series
        .iter()
        .enumerate()
        .for_each(|(i, s)| members.entry(*s).or_default().push(i));
    let longest = members.values().map(Vec::len).max().unwrap_or(0);
    if lags >= longest {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!("{lags} lags reach beyond the longest series of {longest} periods"),
            "take fewer lags, or wait for more periods",
        ));
    }
    let mut meat = Matrix::zeros(k, k);
    for rows in members.values() {
        for lag in 0..=lags.min(rows.len().saturating_sub(1)) {
            let weight = 1.0 - lag as f64 / (lags as f64 + 1.0);
            for t in lag..rows.len() {
                let (i, j) = (rows[t], rows[t - lag]);
                let product = weight * fitted.residuals[i] * fitted.residuals[j];
                meat.add_outer(product, fitted.design.row(i), fitted.design.row(j));
                if lag > 0 {
                    meat.add_outer(product, fitted.design.row(j), fitted.design.row(i));
                }
            }
        }
    }
    let df = (n - k) as f64;
    let scale = n as f64 / df;
    (0..k).for_each(|i| (0..k).for_each(|j| meat[(i, j)] *= scale));
    let covariance = fitted.bread.times(&meat).times(&fitted.bread);
    let square: f64 = fitted.residuals.iter().map(|e| e * e).sum();
    let mean = if intercept {
        y.iter().sum::<f64>() / n as f64
    } else {
        0.0
    };
    let total: f64 = y.iter().map(|v| (v - mean).powi(2)).sum();
    Ok(Fit {
        coefficients: fitted.coefficients(),
        covariance: fitted.original(&covariance).to_rows(),
        df,
        n: n as u64,
        residual_variance: square / df,
        r_squared: if total > 0.0 { 1.0 - square / total } else { 0.0 },
        method: format!("ols, newey–west with {lags} lags"),
    })
}
