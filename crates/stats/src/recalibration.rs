//! Whether stated probabilities mean what they say, and what to read instead.
//!
//! **Question.** When this team says 80%, how often does it happen?
//!
//! **Estimand.** Intercept a and slope b of logit P(success) = a + b·logit p over stated p: (0, 1) is perfect; b < 1 is too
//! bold, a < 0 too hopeful. For groups (teams, people): how far each one's intercept lies from the common one.
//!
//! **Assumptions.** Bets resolve independently given p; one line describes all forecasters up to their group's shift, and
//! shifts are N(0, τ²).
//!
//! **Formula.** Logistic regression by Newton's method; Wald intervals from the inverse information; the likelihood-ratio
//! test of (0, 1) has two degrees of freedom. A group's shift is one Newton step from the common fit, δ = Σ(y − μ)/Σμ(1 − μ)
//! with standard error (Σμ(1 − μ))^−½: finite also for a group that won or lost everything. Shifts are then shrunk towards
//! 0 with τ averaged over ([`crate::shrinkage`], DuMouchel's prior).
//!
//! **Reference.** Cox 1958 (recalibration); Steyerberg 2019 ch. 15; Yusuf et al. 1985 (one-step estimates).
//!
//! **Golden source.** `tests/golden/value.py` (statsmodels `Logit`).

use serde::{Deserialize, Serialize};

use crate::estimate::check_level;
use crate::shrinkage::{Prior, Shrunk, shrink};
use crate::{Estimate, NotEstimable, Reason, dist};

/// Fewest resolved forecasts that calibration is judged on.
pub const FEWEST: usize = 30;

/// The line from stated to observed log odds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recalibration {
    /// a: below 0 says too hopeful, at even odds.
    pub intercept: Estimate,
    /// b: below 1 says too bold.
    pub slope: Estimate,
    /// Covariance of the two.
    pub covariance: f64,
    /// p-value of a = 0 and b = 1 together (likelihood ratio).
    pub p_calibrated: f64,
    /// Forecasts used.
    pub n: u64,
}

/// Refuses what no statement about probabilities can be based on; answers log odds.
pub(crate) fn log_odds(probabilities: &[f64], outcomes: &[bool]) -> Result<Vec<f64>, NotEstimable> {
    if probabilities.len() != outcomes.len() {
        return Err(NotEstimable::out_of_domain(
            format!("{} probabilities, {} outcomes", probabilities.len(), outcomes.len()),
            "give one outcome per probability",
        ));
    }
    if let Some(p) = probabilities.iter().find(|p| !(**p > 0.0 && **p < 1.0)) {
        return Err(NotEstimable::out_of_domain(
            format!("a stated probability is {p}"),
            "state probabilities above 0 and below 1",
        ));
    }
    Ok(probabilities.iter().map(|p| (p / (1.0 - p)).ln()).collect())
}

/// Refuses too few resolved forecasts, and outcomes that are all alike.
pub(crate) fn enough(outcomes: &[bool]) -> Result<(), NotEstimable> {
    if outcomes.len() < FEWEST {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!("insufficient: {} forecasts are resolved", outcomes.len()),
            format!("wait until {FEWEST} are"),
        ));
    }
    let successes = outcomes.iter().filter(|y| **y).count();
    if successes == 0 || successes == outcomes.len() {
        return Err(NotEstimable::new(
            Reason::ZeroVariance,
            format!("all {} outcomes are alike", outcomes.len()),
            "calibration shows only where some succeed and some fail",
        ));
    }
    Ok(())
}

fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        x.exp() / (1.0 + x.exp())
    }
}

fn log_likelihood(x: &[f64], y: &[bool], a: f64, b: f64) -> f64 {
    let one = |(x, y): (&f64, &bool)| {
        let eta = if *y { a + b * x } else { -(a + b * x) };
        // ln σ(η), without overflow.
        eta.min(0.0) - (-eta.abs()).exp().ln_1p()
    };
    x.iter().zip(y).map(one).sum()
}

/// Fits the line. `probabilities` in (0, 1), one outcome each.
///
/// Refused: under [`FEWEST`] forecasts, outcomes all alike, probabilities all alike or outside (0, 1), outcomes that the
/// probabilities separate perfectly.
pub fn recalibrate(probabilities: &[f64], outcomes: &[bool], level: f64) -> Result<Recalibration, NotEstimable> {
    check_level(level)?;
    let x = log_odds(probabilities, outcomes)?;
    enough(outcomes)?;
    let (mut a, mut b) = (0.0, 1.0);
    let mut now = log_likelihood(&x, outcomes, a, b);
    let start = now;
    let mut inverse = None;
    for _ in 0..100 {
        let (mut g, mut h) = ([0.0; 2], [0.0; 3]);
        for (x, y) in x.iter().zip(outcomes) {
            let mu = sigmoid(a + b * x);
            let residual = f64::from(u8::from(*y)) - mu;
            let w = mu * (1.0 - mu);
            g = [g[0] + residual, g[1] + residual * x];
            h = [h[0] + w, h[1] + w * x, h[2] + w * x * x];
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        if determinant <= 1e-10 * h[0] * h[2] || !determinant.is_finite() {
            break;
        }
        let (da, db) = (
            (h[2] * g[0] - h[1] * g[1]) / determinant,
            (h[0] * g[1] - h[1] * g[0]) / determinant,
        );
        let mut step = 1.0;
        let mut next = log_likelihood(&x, outcomes, a + da, b + db);
        while next < now - 1e-12 && step > 1e-6 {
            step *= 0.5;
            next = log_likelihood(&x, outcomes, a + step * da, b + step * db);
        }
        (a, b, now) = (a + step * da, b + step * db, next);
        if da.abs() + db.abs() < 1e-10 {
            inverse = Some([h[2] / determinant, -h[1] / determinant, h[0] / determinant]);
            break;
        }
    }
    let Some([var_a, covariance, var_b]) = inverse.filter(|_| a.abs() < 30.0 && b.abs() < 30.0) else {
        return Err(NotEstimable::new(
            Reason::Singular,
            "the stated probabilities are all alike, or separate successes from failures perfectly",
            "collect forecasts that differ, with both outcomes among the high and the low ones",
        ));
    };
    let n = x.len() as u64;
    let estimate = |point: f64, variance: f64| {
        Estimate::new(point, variance.sqrt(), None, n, level, "logistic recalibration").map(Estimate::without_p)
    };
    Ok(Recalibration {
        intercept: estimate(a, var_a)?,
        slope: estimate(b, var_b)?,
        covariance,
        p_calibrated: dist::chi_square_sf((2.0 * (now - start)).max(0.0), 2.0),
        n,
    })
}

impl Recalibration {
    /// What a stated probability has meant; `shift` is the group's, 0 for everyone's.
    pub fn correct(&self, stated: f64, shift: f64) -> f64 {
        sigmoid(self.intercept.point + shift + self.slope.point * (stated / (1.0 - stated)).ln())
    }

    /// The same with an interval for the line itself (not for the outcome), at the level of the estimates.
    pub fn corrected(&self, stated: f64) -> (f64, f64, f64) {
        let x = (stated / (1.0 - stated)).ln();
        let eta = self.intercept.point + self.slope.point * x;
        let variance = self.intercept.se.powi(2) + 2.0 * x * self.covariance + (x * self.slope.se).powi(2);
        let half = dist::normal_isf((1.0 - self.slope.level) / 2.0) * variance.max(0.0).sqrt();
        (sigmoid(eta - half), sigmoid(eta), sigmoid(eta + half))
    }
}

/// Each group's shift of log odds against the common line, shrunk towards 0. `groups[i]` numbers the group of forecast i,
/// from 0 without gaps. With one group its shift is exactly 0.
///
/// Refused: unlike lengths, a group without a forecast.
pub fn shifts(
    line: &Recalibration,
    probabilities: &[f64],
    outcomes: &[bool],
    groups: &[usize],
    level: f64,
) -> Result<Vec<Shrunk>, NotEstimable> {
    let x = log_odds(probabilities, outcomes)?;
    let count = groups.iter().max().map_or(0, |m| m + 1);
    if groups.len() != x.len() || count == 0 {
        return Err(NotEstimable::out_of_domain(
            format!("{} groups for {} forecasts", groups.len(), x.len()),
            "name the group of each forecast",
        ));
    }
    let mut sums = vec![(0.0, 0.0); count];
    for ((x, y), g) in x.iter().zip(outcomes).zip(groups) {
        let mu = sigmoid(line.intercept.point + line.slope.point * x);
        if let Some((residual, information)) = sums.get_mut(*g) {
            *residual += f64::from(u8::from(*y)) - mu;
            *information += mu * (1.0 - mu);
        }
    }
    if let Some(g) = sums.iter().position(|s| s.1 <= 0.0) {
        return Err(NotEstimable::too_few(format!("group {g} has no forecast")));
    }
    if count == 1 {
        let nothing = Shrunk {
            point: 0.0,
            sd: 0.0,
            low: 0.0,
            high: 0.0,
            positive: 0.5,
            pull: 1.0,
        };
        return Ok(vec![nothing]);
    }
    let effects: Vec<f64> = sums.iter().map(|(r, i)| r / i).collect();
    let errors: Vec<f64> = sums.iter().map(|(_, i)| i.powf(-0.5)).collect();
    Ok(shrink(&effects, &errors, Prior::DuMouchel, level)?.effects)
}
