//! Where a metric will be at the end of a period, and how likely it meets its target.
//!
//! **Question.** Given the path so far, will the target be reached by the end of the period?
//!
//! **Estimand.** A future value (or the mean or sum of a period, of which a part is known), and the probability that it
//! is at least, or at most, the target.
//!
//! **Assumptions.** Equally spaced values; a linear trend that goes on, seasonal effects that stay (weekdays), and
//! deviations that are near normal and autocorrelated of first order, up to a level that wanders and never returns to
//! its line. Outside the model: a sudden change of level or direction.
//!
//! **Formula.** yₜ = a + b·t + season + eₜ, eₜ = ρ·eₜ₋₁ + vₜ. At each ρ of a grid from 0 to 1, generalised least squares
//! and the best linear forecast given the last deviation; its error has the innovations still to come and the error of
//! the coefficients, and is t distributed with n − k degrees of freedom. The series rarely says which ρ it has, so the
//! forecast is the mixture over the grid, each ρ weighted by its restricted likelihood (flat priors on coefficients and
//! log σ; half the prior on a random walk, half spread over the other ρ): a series that may wander gets the width of one
//! that does, at the price of 85 to 92% coverage at a nominal 80% for two dozen values that do not. `se` is the
//! mixture's spread with each t's variance taken as normal; interval and probability are read off the mixture itself.
//! Seasonal effects enter when three whole seasons are there.
//!
//! **Reference.** Prais & Winsten 1954; Goldberger 1962 (prediction in the generalised linear model); Harville 1974
//! (restricted likelihood as the likelihood of error contrasts).
//!
//! **Golden source.** statsmodels `GLS` with dense covariance at each ρ and scipy's t (`tests/golden/make.py`); simulated
//! coverage, random walks included, in `tests/it/trend.rs`.

mod fit;
mod mixture;

use serde::{Deserialize, Serialize};

use crate::estimate::check_level;
use crate::{Estimate, NotEstimable, Reason};
use fit::Fit;
use mixture::{Mixture, Part};

/// Fewest values a trend is fitted to.
pub const FEWEST: usize = 4;
/// Longest horizon, in steps.
pub const FARTHEST: usize = 5_000;

/// Autocorrelations that are considered; 1 is a random walk with drift.
const GRID: [f64; 21] = [
    0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0,
];

/// Weight of an autocorrelation before the series is seen: half on a random walk, half spread over the others.
fn prior(rho: f64) -> f64 {
    if rho < 1.0 { 0.5 / (GRID.len() - 1) as f64 } else { 0.5 }
}

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
    /// First-order autocorrelation of the deviations: its mean over the mixture.
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
    let design = |t: usize| fit::row(t, n, season);
    let rows: Vec<Vec<f64>> = (0..n).map(design).collect();
    let k = rows[0].len();

    let (weight, known, past) = weights(series, goal);
    let scale = series.iter().fold(0.0f64, |m, y| m.max(y.abs()));
    let mut parts = Vec::with_capacity(GRID.len());
    for rho in GRID {
        let fit = Fit::new(series, &rows, rho);
        if fit.sse <= n as f64 * (64.0 * f64::EPSILON * scale).powi(2) {
            return Err(NotEstimable::new(
                Reason::ZeroVariance,
                format!("the {n} values lie exactly on a line, which leaves no measure of their noise"),
                "check that the values are measured, not filled in",
            ));
        }
        let (ahead, se) = fit.forecast(goal.horizon, &weight, |h| design(n - 1 + h));
        parts.push(Part {
            rho,
            log_weight: fit.log_likelihood + prior(rho).ln(),
            point: known * past + ahead,
            se,
            slope: fit.beta.get(1).copied().unwrap_or(0.0) / n as f64,
        });
    }
    let df = (n - k) as f64;
    let mixture = Mixture::new(parts, df);
    let autocorrelation = mixture.mean(|part| part.rho);
    let label = season.map_or(String::new(), |s| format!(", season {s}"));
    let method = format!("linear trend{label}, autocorrelation {autocorrelation:.2}");
    let estimate = Estimate::new(mixture.point(), mixture.se(), Some(df), n as u64, goal.level, method)?.without_p();
    let tail = (1.0 - goal.level) / 2.0;
    let estimate = Estimate {
        low: mixture.quantile(tail),
        high: mixture.quantile(1.0 - tail),
        ..estimate
    };
    let probability = match goal.direction {
        Direction::AtLeast => mixture.survival(goal.target),
        Direction::AtMost => 1.0 - mixture.survival(goal.target),
    };
    Ok(Forecast {
        estimate,
        probability,
        slope: mixture.mean(|part| part.slope),
        autocorrelation,
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
