//! A quantity of which someone stated the 10th, 50th and 90th percentile.
//!
//! **Question.** What does "between 2 and 9 weeks, probably 4" mean as a distribution?
//!
//! **Estimand.** The distribution with exactly these three percentiles; its mean.
//!
//! **Assumptions.** The statement is honest about its percentiles; between and beyond them the distribution is smooth.
//!
//! **Formula.** X = ξ + s·exp(σZ), Z standard normal: with z = Φ⁻¹(0.9) and r = (p90 − p50)/(p50 − p10), σ = ln r / z,
//! s = (p50 − p10)/(1 − 1/r), ξ = p50 − s; a normal when r = 1. A range that is one-sided (two percentiles alike) or
//! more lopsided than 50 : 1 is piecewise linear between its percentiles and flat beyond.
//!
//! **Reference.** Johnson 1949 (system of distributions, S_L).
//!
//! **Golden source.** `tests/golden/value.py` (scipy).

use serde::{Deserialize, Serialize};

use crate::{NotEstimable, Rng, dist};

/// Three percentiles, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThreePoint {
    /// 10th percentile.
    pub p10: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
}

/// Φ⁻¹(0.9).
const Z: f64 = 1.281_551_565_544_600_4;
/// Beyond this ratio of the two sides the tails would be fantasy.
const LOPSIDED: f64 = 50.0;

impl ThreePoint {
    /// Refused: percentiles that are not finite or not in ascending order.
    pub fn new(p10: f64, p50: f64, p90: f64) -> Result<ThreePoint, NotEstimable> {
        if ![p10, p50, p90].iter().all(|x| x.is_finite()) {
            return Err(NotEstimable::not_finite(format!(
                "the percentiles are {p10}, {p50}, {p90}"
            )));
        }
        if p10 > p50 || p50 > p90 {
            return Err(NotEstimable::out_of_domain(
                format!("the percentiles {p10}, {p50}, {p90} do not ascend"),
                "give the 10th percentile, the median and the 90th in ascending order",
            ));
        }
        Ok(ThreePoint { p10, p50, p90 })
    }

    /// The same value whatever happens.
    pub fn certain(value: f64) -> ThreePoint {
        ThreePoint {
            p10: value,
            p50: value,
            p90: value,
        }
    }

    /// (s, σ) of the shifted lognormal; `None` where the range is no such distribution.
    fn shape(&self) -> Option<(f64, f64)> {
        let (below, above) = (self.p50 - self.p10, self.p90 - self.p50);
        let ratio = above / below;
        let usable = below > 0.0 && above > 0.0 && (1.0 / LOPSIDED..=LOPSIDED).contains(&ratio);
        // Near symmetry s grows without bound while s·σ stays: the normal is the limit.
        (usable && (ratio - 1.0).abs() > 1e-6).then(|| (below / (1.0 - 1.0 / ratio), ratio.ln() / Z))
    }

    fn symmetric(&self) -> bool {
        let (below, above) = (self.p50 - self.p10, self.p90 - self.p50);
        below > 0.0 && (above / below - 1.0).abs() <= 1e-6
    }

    /// The value with probability `p` below it, `p` in (0, 1).
    pub fn quantile(&self, p: f64) -> f64 {
        let z = dist::normal_quantile(p);
        match self.shape() {
            Some((s, sigma)) => self.p50 + s * (sigma * z).exp_m1(),
            None if self.symmetric() => self.p50 + (self.p50 - self.p10) * z / Z,
            None if p <= 0.5 => self.p10 + (self.p50 - self.p10) * ((p - 0.1) / 0.4).max(0.0),
            None => self.p50 + (self.p90 - self.p50) * ((p - 0.5) / 0.4).min(1.0),
        }
    }

    /// A draw.
    pub fn draw(&self, rng: &mut Rng) -> f64 {
        self.quantile(rng.uniform_open())
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        match self.shape() {
            Some((s, sigma)) => self.p50 + s * (0.5 * sigma * sigma).exp_m1(),
            None if self.symmetric() => self.p50,
            // 0.1 of the mass at each end, 0.4 between each pair.
            None => 0.3 * self.p10 + 0.4 * self.p50 + 0.3 * self.p90,
        }
    }
}
