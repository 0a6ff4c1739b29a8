//! Units that were exposed in several variants.
//!
//! **Question.** So many units saw more than one variant: is assignment broken, or is it an accident?
//!
//! **Estimand.** The share of exposed units that saw several variants.
//!
//! **Assumptions.** Units are independent. Those that saw several are left out of the comparison: while few, that costs units;
//! many are no random part, and what is left is not comparable.
//!
//! **Formula.** Wilson's interval of the share; exact one-sided binomial p that it is above the accepted one. Assignment is
//! called broken when that p is at most alpha.
//!
//! **Reference.** Wilson 1927; Fabijan et al. 2019 (its place among causes of a broken split).
//!
//! **Golden source.** `tests/golden/rates.py` (statsmodels `proportion_confint`, scipy `binomtest`).

use serde::{Deserialize, Serialize};

use crate::{Estimate, Moments, NotEstimable, binomial, one_sample};

/// How many units saw several variants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Several {
    /// Their share.
    pub share: Estimate,
    /// p-value of a share at or below the accepted one.
    pub p: f64,
    /// The share is shown to be above the accepted one.
    pub broken: bool,
    /// Units left for the comparison.
    pub left: u64,
}

/// Judges `several` of `units` (those included) against an accepted share.
pub fn several_variants(
    several: u64,
    units: u64,
    accepted: f64,
    alpha: f64,
    level: f64,
) -> Result<Several, NotEstimable> {
    crate::estimate::check_level(1.0 - alpha)?;
    if units == 0 {
        return Err(NotEstimable::too_few("no unit was exposed"));
    }
    if several > units {
        return Err(NotEstimable::out_of_domain(
            format!("{several} of {units} units saw several variants"),
            "give all exposed units, those included",
        ));
    }
    if !(accepted > 0.0 && accepted < 1.0) {
        return Err(NotEstimable::out_of_domain(
            format!("the accepted share is {accepted}"),
            "give a share between 0 and 1, such as 0.01",
        ));
    }
    let (n, x) = (units as f64, several as f64 / units as f64);
    let moments = Moments::from_parts(units, vec![x], vec![n * x * (1.0 - x)])
        .ok_or_else(|| NotEstimable::not_finite("the share is not finite"))?;
    let p = binomial::upper(several as i64, units, accepted);
    Ok(Several {
        share: one_sample::proportion(&moments, 0, level)?,
        p,
        broken: p <= alpha,
        left: units - several,
    })
}
