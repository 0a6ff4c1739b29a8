//! Where a metric will be at the end of a period, and how likely it meets its target.
//!
//! **Question.** Given the path so far, will the target be reached by the end of the period?
//!
//! **Estimand.** A future value (or the mean or sum of a period, of which a part is known), and the probability that it
//! is at least, or at most, the target.
//!
//! **Assumptions.** Equally spaced values; a linear trend that goes on, seasonal effects that stay (weekdays), and
//! deviations that are near normal and autocorrelated of first order. Outside the model: a sudden change of level or
//! direction, and a level that wanders without returning to a line. For a random walk the 80% interval holds the value
//! in 55 to 70% of cases only.
//!
//! **Formula.** yₜ = a + b·t + season + eₜ, eₜ = ρ·eₜ₋₁ + vₜ. Generalised least squares at ρ, the residuals' lag-1
//! autocorrelation with the first-order correction (2 + 4ρ)/n for the bias that fitting a trend leaves (Kendall 1954),
//! held in [0, 0.95]. The forecast is the best linear one given the last deviation. Its error has the innovations still
//! to come and the error of the coefficients; t with n − k degrees of freedom, one less for ρ (at least 1). Seasonal
//! effects enter when three whole seasons are there.
//!
//! **Reference.** Prais & Winsten 1954; Goldberger 1962 (prediction in the generalised linear model).
//!
//! **Golden source.** Simulated coverage in `tests/it/trend.rs`; coefficients and standard errors at given ρ from
//! statsmodels `GLS` (`tests/golden/make.py`).

use serde::{Deserialize, Serialize};

use crate::estimate::check_level;
use crate::linear::solve_semidefinite;
use crate::{Estimate, NotEstimable, Reason, dist};

/// Fewest values a trend is fitted to.
pub const FEWEST: usize = 4;
/// Longest horizon, in steps.
pub const FARTHEST: usize = 5_000;

/// What is held against the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// The value of the last step of the period.
    Level,
    /// The mean over the period, of which the last `observed` values of the series are known.
    MeanOfPeriod {
        /// Values of the series that lie inside the period.
        observed: usize,
    },
    /// The sum over the period, of which the last `observed` values of the series are known.
    SumOfPeriod {
        /// Values of the series that lie inside the period.
        observed: usize,
    },
}

/// Which side of the target is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The target or more.
    AtLeast,
    /// The target or less.
    AtMost,
}

/// A target at the end of a period.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// Steps from the last value of the series to the end of the period, at least 1.
    pub horizon: usize,
    /// Steps after which effects repeat: 7 for weekdays in a daily series.
    pub season: Option<usize>,
    /// What is held against the target.
    pub aggregation: Aggregation,
    /// Which side is wanted.
    pub direction: Direction,
    /// The target, in the unit of what is held against it.
    pub target: f64,
    /// Coverage of the prediction interval, e.g. 0.8.
    pub level: f64,
}

/// A forecast for the end of the period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The value at the end with its prediction interval: it covers the value itself, not only its expectation.
    pub estimate: Estimate,
    /// Probability of meeting the target.
    pub probability: f64,
    /// Trend per step.
    pub slope: f64,
    /// First-order autocorrelation of the deviations.
    pub autocorrelation: f64,
}

/// Forecasts the end of a period from a series (oldest first) and gives the probability of meeting the target.
///
/// Refused: under [`FEWEST`] values, NaN or infinite ones, a series exactly on a line, a horizon of 0 (nothing is left
/// to forecast: compare with the target) or beyond [`FARTHEST`].
pub fn probability_to_hit(series: &[f64], goal: &Goal) -> Result<Forecast, NotEstimable> {
    check(series, goal)?;
    let n = series.len();
    // Three whole seasons, so that each effect is seen three times.
    let season = goal.season.filter(|&s| s > 1 && n >= 3 * s);
    let design = |t: usize| row(t, n, season);
    let rows: Vec<Vec<f64>> = (0..n).map(design).collect();
    let k = rows[0].len();

    let mut rho = 0.0;
    let mut fit = Fit::new(series, &rows, rho);
    for _ in 0..2 {
        rho = autocorrelation(&fit.residuals);
        fit = Fit::new(series, &rows, rho);
    }
    let scale = series.iter().fold(0.0f64, |m, y| m.max(y.abs()));
    if fit.sse <= n as f64 * (64.0 * f64::EPSILON * scale).powi(2) {
        return Err(NotEstimable::new(
            Reason::ZeroVariance,
            format!("the {n} values lie exactly on a line, which leaves no measure of their noise"),
            "check that the values are measured, not filled in",
        ));
    }
    let innovation = fit.sse / (n - k) as f64;
    let df = (n - k - 1).max(1) as f64;

    let (weight, known, past) = weights(series, goal);
    let mut point = known * past;
    let mut gradient = vec![0.0; k];
    let last = &rows[n - 1];
    let end = fit.residuals.last().copied().unwrap_or(0.0);
    let mut decay = 1.0;
    for h in 1..=goal.horizon {
        let w = weight(h);
        decay *= rho;
        let x = design(n - 1 + h);
        let expected: f64 = x.iter().zip(&fit.beta).map(|(x, b)| x * b).sum();
        point += w * (expected + decay * end);
        for ((g, x), l) in gradient.iter_mut().zip(&x).zip(last) {
            *g += w * (x - decay * l);
        }
    }
    // Innovation j reaches all later steps: its total weight is w_j + ρ·w_{j+1} + ….
    let mut future = 0.0;
    let mut reach = 0.0;
    for h in (1..=goal.horizon).rev() {
        reach = weight(h) + rho * reach;
        future += reach * reach;
    }
    let (solved, _) = solve_semidefinite(&fit.normal, &gradient);
    let coefficients: f64 = solved.iter().zip(&gradient).map(|(a, b)| a * b).sum();
    let se = (innovation * (future + coefficients)).sqrt();

    let label = season.map_or(String::new(), |s| format!(", season {s}"));
    let method = format!("linear trend{label}, autocorrelation {rho:.2}");
    let estimate = Estimate::new(point, se, Some(df), n as u64, goal.level, method)?.without_p();
    let distance = match goal.direction {
        Direction::AtLeast => goal.target - point,
        Direction::AtMost => point - goal.target,
    };
    let probability = dist::t_sf(distance / se, df);
    let slope = fit.beta.get(1).copied().unwrap_or(0.0) / n as f64;
    Ok(Forecast {
        estimate,
        probability,
        slope,
        autocorrelation: rho,
    })
}

fn check(series: &[f64], goal: &Goal) -> Result<(), NotEstimable> {
    check_level(goal.level)?;
    if series.iter().any(|y| !y.is_finite()) {
        return Err(NotEstimable::not_finite("the series holds NaN or infinite values"));
    }
    if !goal.target.is_finite() {
        return Err(NotEstimable::not_finite(format!("the target is {}", goal.target)));
    }
    if series.len() < FEWEST {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!("{} values so far", series.len()),
            format!("wait for {FEWEST} values, or use shorter steps"),
        ));
    }
    if goal.horizon == 0 || goal.horizon > FARTHEST {
        return Err(NotEstimable::out_of_domain(
            format!("the end is {} steps away", goal.horizon),
            format!("forecast 1 to {FARTHEST} steps; a period that is over is compared with its target"),
        ));
    }
    match goal.aggregation {
        Aggregation::MeanOfPeriod { observed } | Aggregation::SumOfPeriod { observed } if observed > series.len() => {
            Err(NotEstimable::out_of_domain(
                format!("{observed} values of the period are said to be among {}", series.len()),
                "give the whole period so far",
            ))
        }
        _ => Ok(()),
    }
}

/// Weight of the value `h` steps ahead, weight of the known part, and the sum of the known part.
fn weights(series: &[f64], goal: &Goal) -> (impl Fn(usize) -> f64, f64, f64) {
    let horizon = goal.horizon;
    let past = |observed: usize| series.iter().rev().take(observed).sum::<f64>();
    let (only_last, each, sum) = match goal.aggregation {
        Aggregation::Level => (true, 1.0, 0.0),
        Aggregation::MeanOfPeriod { observed } => (false, 1.0 / (observed + horizon) as f64, past(observed)),
        Aggregation::SumOfPeriod { observed } => (false, 1.0, past(observed)),
    };
    (move |h| if only_last && h != horizon { 0.0 } else { each }, each, sum)
}

/// Regressors at step `t`: constant, time in units of the series' length from its middle, seasonal effects as
/// deviations that sum to 0 over a season (so that the trend is not tilted by where the series starts).
fn row(t: usize, n: usize, season: Option<usize>) -> Vec<f64> {
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
struct Fit {
    beta: Vec<f64>,
    /// X'X of the transformed regressors.
    normal: Vec<Vec<f64>>,
    /// Sum of squares of the transformed residuals (innovations).
    sse: f64,
    /// y − Xβ, untransformed.
    residuals: Vec<f64>,
}

impl Fit {
    fn new(series: &[f64], rows: &[Vec<f64>], rho: f64) -> Fit {
        let k = rows[0].len();
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
        let (mut beta, _) = solve_semidefinite(&normal, &right);
        let fitted = |x: &[f64]| x.iter().zip(&beta).map(|(x, b)| x * b).sum::<f64>();
        let residuals: Vec<f64> = rows.iter().zip(series).map(|(x, y)| (y - origin) - fitted(x)).collect();
        let mut sse = (first * residuals[0]).powi(2);
        sse += residuals.windows(2).map(|e| (e[1] - rho * e[0]).powi(2)).sum::<f64>();
        beta[0] += origin;
        Fit {
            beta,
            normal,
            sse,
            residuals,
        }
    }
}

/// Lag-1 autocorrelation of residuals around a trend, corrected for its downward bias, in [0, 0.95].
fn autocorrelation(residuals: &[f64]) -> f64 {
    let n = residuals.len() as f64;
    let total: f64 = residuals.iter().map(|e| e * e).sum();
    if total <= 0.0 {
        return 0.0;
    }
    let raw = residuals.windows(2).map(|e| e[0] * e[1]).sum::<f64>() / total;
    (raw + (2.0 + 4.0 * raw) / n).clamp(0.0, 0.95)
}
