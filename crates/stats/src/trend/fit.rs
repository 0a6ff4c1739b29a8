//! Generalised least squares at a given autocorrelation, its forecast and its restricted likelihood.

use crate::linear::Factor;

/// Regressors at step `t`: constant, time in units of the series' length from its middle, seasonal effects as
/// deviations that sum to 0 over a season (so that the trend is not tilted by where the series starts).
pub(super) fn row(t: usize, n: usize, season: Option<usize>) -> Vec<f64> {
    let mut x = vec![1.0, (t as f64 - (n as f64 - 1.0) / 2.0) / n as f64];
    if let Some(s) = season {
        let phase = t % s;
        x.extend((0..s - 1).map(|j| {
            if phase == s - 1 {
                -1.0
            } else {
                f64::from(u8::from(phase == j))
            }
        }));
    }
    x
}

/// Generalised least squares with first-order autocorrelated errors at a given ρ.
pub(super) struct Fit {
    /// Coefficients, in the order of [`row`].
    pub beta: Vec<f64>,
    /// Sum of squares of the transformed residuals (innovations).
    pub sse: f64,
    /// Logarithm of the restricted likelihood of ρ, up to a constant that all ρ share.
    pub log_likelihood: f64,
    /// ρ.
    rho: f64,
    /// X'X of the transformed regressors.
    normal: Factor,
    /// Regressors at the last step.
    last: Vec<f64>,
    /// y − Xβ at the last step.
    end: f64,
    /// Values less coefficients.
    df: f64,
}

impl Fit {
    /// Fits values to their regressors, one row a step, at ρ in [0, 1]. At 1 the first value only sets the level.
    pub fn new(series: &[f64], rows: &[Vec<f64>], rho: f64) -> Fit {
        let (n, k) = (rows.len(), rows[0].len());
        // Around the first value, so that a level of 1e8 costs no digits.
        let origin = series[0];
        let (mut normal, mut right) = (vec![vec![0.0; k]; k], vec![0.0; k]);
        let first = (1.0 - rho * rho).sqrt();
        let mut x = vec![0.0; k];
        for (t, row) in rows.iter().enumerate() {
            let mut y = series[t] - origin;
            if t == 0 {
                x.iter_mut().zip(row).for_each(|(x, r)| *x = first * r);
                y *= first;
            } else {
                x.iter_mut()
                    .zip(row.iter().zip(&rows[t - 1]))
                    .for_each(|(x, (r, p))| *x = r - rho * p);
                y -= rho * (series[t - 1] - origin);
            }
            for (i, (sums, xi)) in normal.iter_mut().zip(&x).enumerate() {
                right[i] += xi * y;
                sums.iter_mut().zip(&x).for_each(|(sum, xj)| *sum += xi * xj);
            }
        }
        let normal = Factor::new(&normal);
        let mut beta = normal.solve(&right);
        let fitted = |x: &[f64]| x.iter().zip(&beta).map(|(x, b)| x * b).sum::<f64>();
        let residuals: Vec<f64> = rows.iter().zip(series).map(|(x, y)| (y - origin) - fitted(x)).collect();
        let mut sse = (first * residuals[0]).powi(2);
        sse += residuals.windows(2).map(|e| (e[1] - rho * e[0]).powi(2)).sum::<f64>();
        beta[0] += origin;
        let df = (n - k) as f64;
        // |V⁻¹| is 1 − ρ²; at ρ = 1 it cancels against the level's information, which is then left out of |X'V⁻¹X|.
        let precision = if rho < 1.0 { (1.0 - rho * rho).ln() } else { 0.0 };
        let log_likelihood = 0.5 * (precision - normal.log_determinant()) - 0.5 * df * sse.ln();
        Fit {
            beta,
            sse,
            log_likelihood,
            rho,
            normal,
            last: rows[n - 1].clone(),
            end: residuals[n - 1],
            df,
        }
    }

    /// The weighted sum of the next `horizon` values, h steps ahead with regressors `design(h)`, and its standard error.
    pub fn forecast(
        &self,
        horizon: usize,
        weight: &impl Fn(usize) -> f64,
        design: impl Fn(usize) -> Vec<f64>,
    ) -> (f64, f64) {
        let rho = self.rho;
        let mut point = 0.0;
        let mut gradient = vec![0.0; self.beta.len()];
        let mut decay = 1.0;
        for h in 1..=horizon {
            let w = weight(h);
            decay *= rho;
            let x = design(h);
            let expected: f64 = x.iter().zip(&self.beta).map(|(x, b)| x * b).sum();
            point += w * (expected + decay * self.end);
            for ((g, x), l) in gradient.iter_mut().zip(&x).zip(&self.last) {
                *g += w * (x - decay * l);
            }
        }
        // Innovation j reaches all later steps: its total weight is w_j + ρ·w_{j+1} + ….
        let mut future = 0.0;
        let mut reach = 0.0;
        for h in (1..=horizon).rev() {
            reach = weight(h) + rho * reach;
            future += reach * reach;
        }
        let solved = self.normal.solve(&gradient);
        let coefficients: f64 = solved.iter().zip(&gradient).map(|(a, b)| a * b).sum();
        (point, (self.sse / self.df * (future + coefficients)).sqrt())
    }
}
