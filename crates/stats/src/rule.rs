//! What a comparison can find under the rule that it will be decided by: one test at the end, planned looks, always-valid
//! looks, or a posterior chance.
//!
//! **Question.** With the standard error that we shall have at the end, how likely is a true effect found, and how small an
//! effect is found with the wanted chance?
//!
//! **Estimand.** Chance that the rule finds an effect, in its direction, by the planned end (at any look up to it).
//!
//! **Assumptions.** The estimate is near normal with standard error se at the end, and se/√t at information fraction t.
//!
//! **Formula.** Each rule finds an effect when z = δ̂/se leaves a boundary: one test z₁₋α/₂; group sequential the boundaries
//! of alpha spending; a confidence sequence √(r/(nρ²)·ln(r/α²)) at each look; mSPRT √((V + τ²)/τ²·(ln((V + τ²)/V) − 2 ln α));
//! a posterior chance c under the prior N(m, s²): se·(z_c/√W − m/s²) with 1/W = 1/se² + 1/s². Chances of crossing at some
//! look come from the recursion of [`crate::group_sequential::crossing`]. Rules that may be looked at always are evaluated
//! at equally spaced looks: more looks than these find slightly more.
//!
//! **Reference.** Jennison & Turnbull 2000; Waudby-Smith et al. 2021; Johari et al. 2017; Spiegelhalter, Abrams & Myles
//! 2004, chapter 6.
//!
//! **Golden source.** `tests/it/rule.rs`: [`crate::design`] (statsmodels) for one test and planned looks; seeded simulation
//! of paths that the methods themselves decide for the others.

use serde::{Deserialize, Serialize};

use crate::design::Looks;
use crate::group_sequential::{self, Sides};
use crate::{NotEstimable, Reason, dist};

/// When an effect counts as found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "rule")]
pub enum Rule {
    /// One test at the end.
    Fixed,
    /// Looks that spend alpha.
    GroupSequential(Looks),
    /// A confidence sequence, looked at so often, tightest at this share of the planned units.
    ConfidenceSequence {
        /// Equally spaced looks.
        looks: u32,
        /// Share of the planned units at which it is tightest.
        tuned: f64,
    },
    /// The mixture sequential probability ratio test, looked at so often.
    Msprt {
        /// Equally spaced looks.
        looks: u32,
        /// Standard deviation of plausible effects, in the effect's unit.
        tau: f64,
    },
    /// A posterior chance at the end.
    Bayesian {
        /// The chance to win that decides, such as 0.95.
        chance: f64,
        /// Mean of the normal prior, in the effect's unit.
        prior_mean: f64,
        /// Its standard deviation; flat without one.
        prior_sd: Option<f64>,
    },
}

/// A rule with its error rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deciding {
    /// The rule.
    pub rule: Rule,
    /// False-positive rate of this comparison; of no account to [`Rule::Bayesian`].
    pub alpha: f64,
    /// Sides.
    pub sides: Sides,
}

/// Looks with the z value that is crossed for the effect, and the one against it.
struct Bounds {
    fractions: Vec<f64>,
    upper: Vec<f64>,
    /// For one look only: the other side, where it is not −upper.
    lower: Option<f64>,
}

impl Deciding {
    /// Chance of finding a `shift` ≥ 0 (an effect in the direction of the test, plus the margin) with standard error `se` at
    /// the end.
    pub fn power(&self, shift: f64, se: f64) -> Result<f64, NotEstimable> {
        self.check(se)?;
        if !shift.is_finite() {
            return Err(NotEstimable::not_finite(format!("the effect is {shift}")));
        }
        Ok(self.at(&self.bounds(se)?, shift, se))
    }

    /// The smallest shift found with chance `power`; `se` is the standard error at the end, given the shift. Shifts beyond
    /// `most` are impossible (a share above 1).
    pub fn detectable(&self, se: &dyn Fn(f64) -> f64, most: f64, power: f64) -> Result<f64, NotEstimable> {
        self.check(se(0.0))?;
        self.check_power(power)?;
        let reached = |shift: f64| -> Result<f64, NotEstimable> {
            let se = se(shift);
            Ok(self.at(&self.bounds(se)?, shift, se))
        };
        let (mut low, mut high) = (0.0, (4.0 * se(0.0)).min(most));
        while reached(high)? < power {
            if high >= most || high > 1e6 * se(0.0) {
                return Err(NotEstimable::new(
                    Reason::TooFew,
                    format!("no possible effect is found with chance {power}"),
                    "plan more units, or a larger share of the traffic",
                ));
            }
            low = high;
            high = (2.0 * high).min(most);
        }
        while high - low > 1e-7 * high {
            let middle = 0.5 * (low + high);
            if reached(middle)? < power {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(high)
    }

    /// The factor on the units (information) with which `shift` is found with chance `power`, when now the standard error
    /// is `se`.
    pub fn units_factor(&self, shift: f64, se: f64, power: f64) -> Result<f64, NotEstimable> {
        self.check(se)?;
        self.check_power(power)?;
        if !(shift > 0.0 && shift.is_finite()) {
            return Err(NotEstimable::out_of_domain(
                format!("an effect of {shift} is nothing that this test could find"),
                "give an effect above 0, in the direction of the test, or a margin",
            ));
        }
        let reached = |factor: f64| -> Result<f64, NotEstimable> {
            let se = se / factor.sqrt();
            Ok(self.at(&self.bounds(se)?, shift, se))
        };
        let (mut low, mut high) = (0.0, 1.0);
        while reached(high)? < power {
            low = high;
            high *= 2.0;
            if high > 1e12 {
                return Err(NotEstimable::out_of_domain(
                    "more than 1e12 times the units are needed",
                    "plan for a larger effect, or a rule that decides on less",
                ));
            }
        }
        while high - low > 1e-7 * high {
            let middle = 0.5 * (low + high);
            if reached(middle)? < power {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(high)
    }

    /// The z value of the last look, beyond which the comparison is found; standard error `se` at the end.
    pub fn critical(&self, se: f64) -> Result<f64, NotEstimable> {
        self.check(se)?;
        Ok(self.bounds(se)?.upper.last().copied().unwrap_or(f64::INFINITY))
    }

    fn at(&self, bounds: &Bounds, shift: f64, se: f64) -> f64 {
        let drift = shift / se;
        match (bounds.upper.as_slice(), bounds.lower) {
            ([z], Some(lower)) => dist::normal_sf(z - drift) + dist::normal_sf(drift - lower),
            ([z], None) if self.sides == Sides::Two => dist::normal_sf(z - drift) + dist::normal_sf(z + drift),
            ([z], None) => dist::normal_sf(z - drift),
            _ => group_sequential::crossing(
                &bounds.fractions,
                &bounds.upper,
                self.sides == Sides::Two,
                drift.max(0.0),
            )
            .iter()
            .sum(),
        }
    }

    fn bounds(&self, se: f64) -> Result<Bounds, NotEstimable> {
        let two = self.sides == Sides::Two;
        let equal = |looks: u32| -> Vec<f64> { (1..=looks).map(|k| f64::from(k) / f64::from(looks)).collect() };
        match &self.rule {
            Rule::Fixed => Ok(Bounds {
                fractions: vec![1.0],
                upper: vec![dist::normal_isf(if two { self.alpha / 2.0 } else { self.alpha })],
                lower: None,
            }),
            Rule::GroupSequential(looks) => {
                let design = group_sequential::Design {
                    fractions: looks.fractions.clone(),
                    alpha: self.alpha,
                    spending: looks.spending,
                    sides: self.sides,
                    last_is_final: true,
                };
                let upper = group_sequential::boundaries(&design)?.iter().map(|l| l.z).collect();
                Ok(Bounds {
                    fractions: design.fractions,
                    upper,
                    lower: None,
                })
            }
            Rule::ConfidenceSequence { looks, tuned } => {
                let fractions = equal(*looks);
                let log = -2.0 * (if two { self.alpha } else { (2.0 * self.alpha).min(0.999) }).ln();
                let per = (log + log.ln_1p()) / tuned;
                let z = |t: &f64| {
                    let mixed = t * per;
                    let r = mixed + 1.0;
                    if two {
                        (r / mixed * (r.ln() - 2.0 * self.alpha.ln())).sqrt()
                    } else {
                        (2.0 * r / mixed * (r.sqrt() / (2.0 * self.alpha)).ln_1p()).sqrt()
                    }
                };
                let upper = fractions.iter().map(z).collect();
                Ok(Bounds {
                    fractions,
                    upper,
                    lower: None,
                })
            }
            Rule::Msprt { looks, tau } => {
                let fractions = equal(*looks);
                let t2 = tau * tau;
                let z = |t: &f64| {
                    let v = se * se / t;
                    ((v + t2) / t2 * ((t2 / v).ln_1p() - 2.0 * self.alpha.ln())).sqrt()
                };
                let upper = fractions.iter().map(z).collect();
                Ok(Bounds {
                    fractions,
                    upper,
                    lower: None,
                })
            }
            Rule::Bayesian {
                chance,
                prior_mean,
                prior_sd,
            } => {
                let z = dist::normal_quantile(*chance);
                let precision = prior_sd.map_or(0.0, |s| s.powi(-2));
                let spread = (1.0 / (se * se) + precision).sqrt();
                let flip = if self.sides == Sides::Less { -1.0 } else { 1.0 };
                let towards = flip * prior_mean * precision;
                Ok(Bounds {
                    fractions: vec![1.0],
                    upper: vec![se * (z * spread - towards)],
                    lower: Some(if two {
                        se * (-z * spread - towards)
                    } else {
                        f64::NEG_INFINITY
                    }),
                })
            }
        }
    }

    fn check(&self, se: f64) -> Result<(), NotEstimable> {
        crate::estimate::check_level(1.0 - self.alpha)?;
        if !se.is_finite() {
            return Err(NotEstimable::not_finite(format!("the standard error is {se}")));
        }
        if se <= 0.0 {
            return Err(NotEstimable::zero_variance(format!("the standard error is {se}")));
        }
        let problem = match &self.rule {
            Rule::ConfidenceSequence { looks, tuned } if !(*looks > 0 && *tuned > 0.0 && tuned.is_finite()) => {
                "a confidence sequence needs at least one look and a tuning above 0"
            }
            Rule::ConfidenceSequence { looks, .. } | Rule::Msprt { looks, .. }
                if *looks as usize > group_sequential::MOST_LOOKS =>
            {
                "at most 100 looks are planned for: more of them find hardly more"
            }
            Rule::Msprt { looks, tau } if !(*looks > 0 && *tau > 0.0 && tau.is_finite()) => {
                "the mSPRT needs at least one look and a tau above 0"
            }
            Rule::Msprt { .. } if self.sides != Sides::Two => "the mSPRT is two-sided",
            Rule::Bayesian { chance, .. } if !(*chance > 0.5 && *chance < 1.0) => {
                "the chance that decides lies between 0.5 and 1"
            }
            Rule::Bayesian {
                prior_mean, prior_sd, ..
            } if !prior_mean.is_finite() || prior_sd.is_some_and(|s| !(s > 0.0 && s.is_finite())) => {
                "the prior has a finite mean and a standard deviation above 0"
            }
            _ => return Ok(()),
        };
        Err(NotEstimable::out_of_domain(problem, "mend the rule of the plan"))
    }

    fn check_power(&self, power: f64) -> Result<(), NotEstimable> {
        if power > self.alpha && power < 1.0 {
            return Ok(());
        }
        Err(NotEstimable::out_of_domain(
            format!("power {power} is not between alpha {} and 1", self.alpha),
            "ask for a power above alpha, such as 0.8",
        ))
    }
}
