//! Stopping for futility: alpha is spent on finding the effect, beta on giving it up.
//!
//! **Question.** At which looks may the experiment stop because it works, and at which because it no longer will?
//!
//! **Estimand.** Two boundaries for the z statistic of each look, meeting at the last; the information they take, and how
//! early they stop.
//!
//! **Assumptions.** As [`crate::group_sequential`], with one direction: the effect planned for is positive (for
//! [`Sides::Less`] all signs are turned). Non-binding: alpha holds also if the futility boundary is overruled. Binding: it
//! must be obeyed, and gives a lower efficacy boundary in return.
//!
//! **Formula.** With drift θ the mean of the final z under the planned effect: u_k solves P₀(first above u_k) = alpha's
//! increment, l_k solves P_θ(first below l_k) = beta's increment, beta spent as alpha is; θ is where l_K = u_K. Power is then
//! 1 − β. Information over that of one test without looks: (θ/(z_α + z_β))².
//!
//! **Reference.** Pampallona, Tsiatis & Kim 2001; Lan & DeMets 1983; Jennison & Turnbull 2000, chapter 7.
//!
//! **Golden source.** `tests/golden/additions.py` (own recursion in numpy), and the worked design of the gsDesign manual
//! (three looks, alpha 0.025, beta 0.1, Hwang–Shih–DeCani −4 and −2).

use serde::{Deserialize, Serialize};

use super::path::{Path, increasing};
use super::{Design, Sides, Spending, check, check_power};
use crate::{NotEstimable, dist};

/// Boundaries of one look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FutilityLook {
    /// Information fraction.
    pub fraction: f64,
    /// Stop for the effect at or beyond this z, in the direction of the test; infinite while nothing is spent (JSON null).
    pub efficacy_z: f64,
    /// Stop for futility at or below this z, in the direction of the test; −infinite while nothing is spent (JSON null).
    pub futility_z: f64,
    /// Alpha spent up to and with this look.
    pub alpha_spent: f64,
    /// Beta spent up to and with this look.
    pub beta_spent: f64,
    /// Chance of stopping here for the effect when there is none.
    pub efficacy_under_null: f64,
    /// Chance of stopping here for futility when there is no effect.
    pub futility_under_null: f64,
    /// Chance of stopping here for the effect when it is the planned one.
    pub efficacy_under_effect: f64,
    /// Chance of stopping here for futility when the effect is the planned one.
    pub futility_under_effect: f64,
}

/// A design that may stop either way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Futility {
    /// Boundaries.
    pub looks: Vec<FutilityLook>,
    /// Mean of the final z statistic under the planned effect.
    pub drift: f64,
    /// Information needed at the end, over that of one test without looks.
    pub inflation: f64,
    /// Mean information fraction at the stop without an effect.
    pub expected_fraction_null: f64,
    /// Mean information fraction at the stop under the planned effect.
    pub expected_fraction_effect: f64,
}

/// Boundaries for the effect and for futility. `design.fractions` end at the final look, which spends what is left of alpha
/// and beta; `beta` is spent as `beta_spending` says.
///
/// Refused as [`super::boundaries`]; two-sided designs; a power 1 − `beta` at or below alpha.
pub fn futility(design: &Design, beta: f64, beta_spending: Spending, binding: bool) -> Result<Futility, NotEstimable> {
    check(design)?;
    check(&Design {
        spending: beta_spending,
        ..design.clone()
    })?;
    check_power(1.0 - beta, design.alpha)?;
    if design.sides == Sides::Two {
        return Err(NotEstimable::out_of_domain(
            "a two-sided design has no one direction to give up",
            "ask for the alternative greater or less, with half of the two-sided alpha",
        ));
    }
    let bounds = |drift: f64| Bounds::at(design, beta, beta_spending, binding, drift);
    let drift = increasing(
        |drift| {
            let b = bounds(drift);
            b.low.last().zip(b.high.last()).map_or(f64::NAN, |(l, u)| l - u)
        },
        0.0,
        1e-3,
        20.0,
    );
    let mut found = bounds(drift);
    // The last look decides: the two boundaries are one.
    if let (Some(l), Some(u)) = (found.low.last_mut(), found.high.last()) {
        *l = *u;
    }
    let null = found.chances(&design.fractions, 0.0);
    let effect = found.chances(&design.fractions, drift);
    let (mut alpha_spent, mut beta_spent) = (0.0, 0.0);
    let looks = design.fractions.iter().enumerate().map(|(k, &fraction)| {
        alpha_spent += found.alpha[k];
        beta_spent += found.beta[k];
        FutilityLook {
            fraction,
            efficacy_z: found.high[k],
            futility_z: found.low[k],
            alpha_spent,
            beta_spent,
            efficacy_under_null: null[k].0,
            futility_under_null: null[k].1,
            efficacy_under_effect: effect[k].0,
            futility_under_effect: effect[k].1,
        }
    });
    let looks = looks.collect();
    let expected = |chances: &[(f64, f64)]| design.fractions.iter().zip(chances).map(|(t, c)| t * (c.0 + c.1)).sum();
    let end = design.fractions.last().copied().unwrap_or(1.0);
    let fixed = dist::normal_isf(design.alpha) + dist::normal_isf(beta);
    Ok(Futility {
        looks,
        drift,
        inflation: (drift / fixed).powi(2) * end,
        expected_fraction_null: expected(&null),
        expected_fraction_effect: expected(&effect),
    })
}

/// Boundaries at one drift; the last pair need not meet.
struct Bounds {
    low: Vec<f64>,
    high: Vec<f64>,
    /// Increments of alpha and of beta.
    alpha: Vec<f64>,
    beta: Vec<f64>,
}

impl Bounds {
    fn at(design: &Design, beta: f64, beta_spending: Spending, binding: bool, drift: f64) -> Bounds {
        let mut found = Bounds {
            low: Vec::new(),
            high: Vec::new(),
            alpha: Vec::new(),
            beta: Vec::new(),
        };
        let (mut null, mut effect) = (Path::start(0.0), Path::start(drift));
        let (mut alpha_spent, mut beta_spent) = (0.0, 0.0);
        let last = design.fractions.len() - 1;
        for (k, &t) in design.fractions.iter().enumerate() {
            let target = |spending: Spending, all: f64| if k == last { all } else { spending.spent(t, all) };
            let alpha = target(design.spending, design.alpha) - alpha_spent;
            let beta = target(beta_spending, beta) - beta_spent;
            null.advance(t);
            effect.advance(t);
            // Increments below this are rounding of the spending function: such a look cannot stop.
            let high = if alpha > 1e-15 {
                null.boundary(alpha)
            } else {
                f64::INFINITY
            };
            let mut low = if beta > 1e-15 {
                effect.floor(beta)
            } else {
                f64::NEG_INFINITY
            };
            if k < last {
                low = low.min(high);
            }
            if high.is_finite() {
                alpha_spent += alpha;
            }
            if low.is_finite() {
                beta_spent += beta;
            }
            found.alpha.push(if high.is_finite() { alpha } else { 0.0 });
            found.beta.push(if low.is_finite() { beta } else { 0.0 });
            null.stop(if binding { low } else { f64::NEG_INFINITY }, high);
            effect.stop(low, high);
            found.low.push(low);
            found.high.push(high);
        }
        found
    }

    /// Chances of stopping at each look for the effect and for futility.
    fn chances(&self, fractions: &[f64], drift: f64) -> Vec<(f64, f64)> {
        let mut path = Path::start(drift);
        fractions
            .iter()
            .zip(self.low.iter().zip(&self.high))
            .map(|(&t, (&low, &high))| {
                path.advance(t);
                let root = t.sqrt();
                let stops = (path.above(high * root), path.below(low * root));
                path.stop(low, high);
                stops
            })
            .collect()
    }
}
