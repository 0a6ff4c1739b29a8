//! Could this comparison have found what was hoped for, and what would a significant result have meant?
//!
//! **Question.** Is a "no difference" evidence of none, and is a significant lift believable in size and sign?
//!
//! **Estimand.** At a plausible true effect: the power; the chance that a significant estimate has the wrong sign (type S);
//! the factor by which significant estimates overstate the effect on average (type M).
//!
//! **Assumptions.** The estimate is normal with the given standard error. The effect comes from outside the data at hand
//! (the plan, earlier experiments): power at the observed lift says nothing that p does not.
//!
//! **Formula.** With λ = |effect|/se and z of the level: power = Φ(λ − z) + Φ(−λ − z); type S = Φ(−λ − z)/power; type M =
//! [φ(λ + z) + φ(λ − z) + λ(Φ(λ + z) + Φ(λ − z) − 1)]/(λ·power).
//!
//! **Reference.** Gelman & Carlin 2014; Lu, Qiu & Deng 2019.
//!
//! **Golden source.** `tests/golden/health.py` (mpmath integrals), and the two examples of Gelman & Carlin.

use serde::{Deserialize, Serialize};

use crate::{NotEstimable, dist, power};

/// What a comparison could find.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Design {
    /// Chance of a significant result.
    pub power: f64,
    /// Chance that a significant result has the wrong sign.
    pub type_s: f64,
    /// Mean overstatement of significant results.
    pub type_m: f64,
    /// Power below the wanted one.
    pub underpowered: bool,
    /// Factor on the number of units that would give the wanted power; 1 or less when there is enough.
    pub units_factor: f64,
}

/// Examines a design: `effect` and `se` in one unit, two-sided `alpha`, `wanted` power such as 0.8.
///
/// Refused: an effect of 0, a standard error that is not positive, `alpha` or `wanted` outside (0, 1).
pub fn design(effect: f64, se: f64, alpha: f64, wanted: f64) -> Result<Design, NotEstimable> {
    let power = power::power(effect, se, alpha)?;
    if effect == 0.0 {
        return Err(NotEstimable::out_of_domain(
            "the effect is 0",
            "give the smallest effect that would matter",
        ));
    }
    let lambda = effect.abs() / se;
    let z = dist::normal_isf(alpha / 2.0);
    let phi = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let wrong = dist::normal_sf(lambda + z);
    // Φ(λ+z) + Φ(λ−z) − 1 = P(Z > z − λ) − P(Z > z + λ).
    let inside = dist::normal_sf(z - lambda) - wrong;
    let needed = power::minimum_detectable(se, alpha, wanted)?;
    Ok(Design {
        power,
        type_s: wrong / power,
        type_m: (phi(lambda + z) + phi(lambda - z) + lambda * inside) / (lambda * power),
        underpowered: power < wanted,
        units_factor: (needed / effect).powi(2),
    })
}
