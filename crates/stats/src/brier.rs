//! How good stated probabilities were.
//!
//! **Question.** Were the forecasts better than saying the base rate every time?
//!
//! **Estimand.** Brier score B = E(p − y)²; skill 1 − B/B₀ against the base rate, B₀ = ȳ(1 − ȳ): 1 is perfect, 0 as good as
//! the base rate, below 0 worse. Reliability: how often it happened, by stated probability. Coverage: how often a stated
//! range held the outcome.
//!
//! **Assumptions.** Forecasts resolve independently.
//!
//! **Formula.** Standard errors by the jackknife, t with n − 1 degrees of freedom; bins of equal counts with Wilson's
//! intervals.
//!
//! **Reference.** Brier 1950; Murphy 1973; Efron & Tibshirani 1993 ch. 11.
//!
//! **Golden source.** `tests/golden/value.py` (numpy jackknife).

use serde::{Deserialize, Serialize};

use crate::estimate::check_level;
use crate::recalibration::{enough, log_odds};
use crate::{Estimate, Moments, NotEstimable, one_sample};

/// Scores of a set of forecasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Brier {
    /// Mean squared error; 0 is perfect, 0.25 what saying 50% always earns.
    pub score: Estimate,
    /// Share that succeeded.
    pub base_rate: f64,
    /// 1 − score / score of the base rate.
    pub skill: Estimate,
    /// By stated probability, from low to high.
    pub bins: Vec<Bin>,
}

/// Forecasts with similar stated probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Mean stated probability.
    pub stated: f64,
    /// Share that succeeded, with Wilson's interval.
    pub happened: Estimate,
}

/// Scores forecasts in (0, 1) by their outcomes. Refused as [`crate::recalibration::recalibrate`] does.
pub fn brier(probabilities: &[f64], outcomes: &[bool], bins: usize, level: f64) -> Result<Brier, NotEstimable> {
    check_level(level)?;
    log_odds(probabilities, outcomes)?;
    enough(outcomes)?;
    let n = outcomes.len() as f64;
    let y: Vec<f64> = outcomes.iter().map(|y| f64::from(u8::from(*y))).collect();
    let losses: Vec<f64> = probabilities.iter().zip(&y).map(|(p, y)| (p - y).powi(2)).collect();
    let (loss, successes) = (losses.iter().sum::<f64>(), y.iter().sum::<f64>());
    let skill = |loss: f64, successes: f64, n: f64| {
        let rate = successes / n;
        1.0 - loss / n / (rate * (1.0 - rate))
    };
    let left_out: Vec<f64> = losses
        .iter()
        .zip(&y)
        .map(|(l, y)| skill(loss - l, successes - y, n - 1.0))
        .collect();
    if left_out.iter().any(|s| !s.is_finite()) {
        return Err(NotEstimable::too_few("all outcomes but one are alike"));
    }
    let mean = left_out.iter().sum::<f64>() / n;
    let spread = left_out.iter().map(|s| (s - mean).powi(2)).sum::<f64>();
    let jackknife = ((n - 1.0) / n * spread).sqrt();
    let score = loss / n;
    let deviation = losses.iter().map(|l| (l - score).powi(2)).sum::<f64>() / (n - 1.0);
    let count = outcomes.len() as u64;
    Ok(Brier {
        score: Estimate::new(
            score,
            (deviation / n).sqrt(),
            Some(n - 1.0),
            count,
            level,
            "brier score",
        )?
        .without_p(),
        base_rate: successes / n,
        skill: Estimate::new(
            skill(loss, successes, n),
            jackknife,
            Some(n - 1.0),
            count,
            level,
            "brier skill, jackknife",
        )?
        .without_p(),
        bins: reliability(probabilities, outcomes, bins, level)?,
    })
}

fn reliability(p: &[f64], y: &[bool], bins: usize, level: f64) -> Result<Vec<Bin>, NotEstimable> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let bins = bins.clamp(1, p.len());
    let one = |part: &[usize]| {
        let mut moments = Moments::empty(1);
        part.iter().for_each(|i| moments.push(&[f64::from(u8::from(y[*i]))]));
        Ok(Bin {
            stated: part.iter().map(|i| p[*i]).sum::<f64>() / part.len() as f64,
            happened: one_sample::proportion(&moments, 0, level)?,
        })
    };
    (0..bins)
        .map(|b| one(&order[b * p.len() / bins..(b + 1) * p.len() / bins]))
        .collect()
}

/// Share of `held` (the outcome lay inside its stated range), with Wilson's interval. Refused below
/// [`crate::recalibration::FEWEST`] ranges.
pub fn coverage(held: &[bool], level: f64) -> Result<Estimate, NotEstimable> {
    check_level(level)?;
    if held.len() < crate::recalibration::FEWEST {
        return Err(NotEstimable::new(
            crate::Reason::TooFew,
            format!("insufficient: {} ranges are resolved", held.len()),
            format!("wait until {} are", crate::recalibration::FEWEST),
        ));
    }
    let mut moments = Moments::empty(1);
    held.iter().for_each(|h| moments.push(&[f64::from(u8::from(*h))]));
    one_sample::proportion(&moments, 0, level)
}
