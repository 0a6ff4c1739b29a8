//! Asymptotic confidence sequences: an interval that holds at every moment at once, so that one may look at any time.
//!
//! **Question.** What is the effect, when we look as often as we like and stop when we like?
//!
//! **Estimand.** That of the estimate and standard error given: a difference, a relative lift, a mean.
//!
//! **Assumptions.** The estimate is near normal from the first look on, and its standard error shrinks as 1/√n.
//!
//! **Formula.** With n units, r = nρ² + 1 and a = 1 − level: estimate ± se·√(r/(nρ²)·ln(r/a²)); one-sided
//! se·√(2r/(nρ²)·ln(1 + √r/(2a))). ρ² = (−2 ln a + ln(1 − 2 ln a))/N makes it tightest near N units (one-sided: at 2a).
//! The p-value is the smallest a at which the sequence of this ρ excludes the null: two-sided
//! √r·exp(−z²nρ²/(2r)), valid at every moment.
//!
//! **Reference.** Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2021 (arXiv:2103.06476), theorem 2.2, proposition B.1,
//! appendix on ρ.
//!
//! **Golden source.** `tests/golden/sequential.py` (gbstats 0.8.0 two-sided; the formula in mpmath one-sided, where
//! gbstats errs).

use crate::estimate::check_level;
use crate::group_sequential::Sides;
use crate::{Estimate, NotEstimable};

/// The sequence at `n` units, from the estimate `point` and its standard error `se`, tightest near `tuned_for` units.
///
/// Refused: numbers that are not finite, a standard error or a tuning that is not positive, no units.
pub fn confidence_sequence(
    point: f64,
    se: f64,
    n: u64,
    level: f64,
    tuned_for: f64,
    sides: Sides,
) -> Result<Estimate, NotEstimable> {
    check_level(level)?;
    if !point.is_finite() || !se.is_finite() {
        return Err(NotEstimable::not_finite(format!(
            "the estimate is {point} with standard error {se}"
        )));
    }
    if se <= 0.0 {
        return Err(NotEstimable::zero_variance(format!("the standard error is {se}")));
    }
    if n == 0 {
        return Err(NotEstimable::too_few("there are no units"));
    }
    if !(tuned_for > 0.0 && tuned_for.is_finite()) {
        return Err(NotEstimable::out_of_domain(
            format!("the sequence is tuned for {tuned_for} units"),
            "give the units at which to decide, such as 5000",
        ));
    }
    let alpha = 1.0 - level;
    let for_rho = if sides == Sides::Two {
        alpha
    } else {
        (2.0 * alpha).min(0.999)
    };
    let log = -2.0 * for_rho.ln();
    let mixed = n as f64 * (log + log.ln_1p()) / tuned_for;
    let r = mixed + 1.0;
    let z = point / se;
    let exponent = |z: f64| z * z * mixed / (2.0 * r);
    let method = format!("asymptotic confidence sequence, tuned for {tuned_for} units");
    let (low, high, p) = match sides {
        Sides::Two => {
            let width = se * (r / mixed * (r.ln() - 2.0 * alpha.ln())).sqrt();
            (
                point - width,
                point + width,
                (0.5 * r.ln() - exponent(z)).exp().min(1.0),
            )
        }
        Sides::Greater | Sides::Less => {
            let width = se * (2.0 * r / mixed * (r.sqrt() / (2.0 * alpha)).ln_1p()).sqrt();
            let towards = if sides == Sides::Greater { z } else { -z };
            let p = if towards > 0.0 {
                // √r / (2(e^x − 1)) without overflow.
                let x = exponent(towards);
                (0.5 * r.sqrt() * (-x).exp() / -(-x).exp_m1()).min(1.0)
            } else {
                1.0
            };
            if sides == Sides::Greater {
                (point - width, f64::INFINITY, p)
            } else {
                (f64::NEG_INFINITY, point + width, p)
            }
        }
    };
    Ok(Estimate {
        point,
        se,
        low,
        high,
        level,
        df: None,
        p: Some(p),
        n,
        method,
    })
}
