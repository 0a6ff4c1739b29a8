//! One-sided statements from an estimate, and tests against a margin.
//!
//! **Question.** Is the effect above (or below) zero; is a harm smaller than what we accept?
//!
//! **Estimand.** That of the estimate. Non-inferiority: whether it is above −margin where more is better, below +margin
//! where less is.
//!
//! **Assumptions.** Those of the estimate: t with its degrees of freedom, or normal.
//!
//! **Formula.** `Greater`: bound estimate − q₁₋α·se up to infinity, p = P(T ≥ estimate/se). `Less`: from −infinity to
//! estimate + q₁₋α·se, p = P(T ≤ estimate/se). Non-inferior when the bound lies inside the margin, superior when it lies
//! beyond 0; one bound serves both without correction, since the hypotheses are nested.
//!
//! **Reference.** Rothmann, Wiens & Chan 2011; Schultzberg, Ankargren & Frånberg 2024 (guardrails).
//!
//! **Golden source.** `tests/golden/sided.py` (scipy `ttest_ind(alternative=…)`, also on shifted data).

use serde::{Deserialize, Serialize};

use crate::bayes::Better;
use crate::estimate::check_level;
use crate::group_sequential::Sides;
use crate::{Estimate, NotEstimable, dist};

/// The estimate with interval and p-value of the given sides, at its own level.
pub fn one_sided(estimate: &Estimate, sides: Sides) -> Result<Estimate, NotEstimable> {
    check_level(estimate.level)?;
    let two = Estimate::new(
        estimate.point,
        estimate.se,
        estimate.df,
        estimate.n,
        estimate.level,
        estimate.method.as_str(),
    )?;
    if sides == Sides::Two {
        return Ok(two);
    }
    let q = quantile(1.0 - estimate.level, estimate.df);
    let z = estimate.point / estimate.se;
    let (low, high, p) = match sides {
        Sides::Less => (f64::NEG_INFINITY, estimate.point + q * estimate.se, sf(-z, estimate.df)),
        _ => (estimate.point - q * estimate.se, f64::INFINITY, sf(z, estimate.df)),
    };
    Ok(Estimate {
        low,
        high,
        p: Some(p),
        method: format!("{}, one-sided", estimate.method),
        ..two
    })
}

/// A test against a margin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NonInferiority {
    /// The estimate with its one-sided interval; its p-value tests the margin.
    pub estimate: Estimate,
    /// Accepted harm, as given.
    pub margin: f64,
    /// The harm is shown to be smaller than the margin.
    pub non_inferior: bool,
    /// The effect is shown to be good.
    pub superior: bool,
    /// The effect is shown to be worse than the margin, by the interval of the other side.
    pub inferior: bool,
    /// p-value of superiority.
    pub superiority_p: f64,
}

/// Tests an estimate against an accepted harm `margin` ≥ 0 in its unit, at one-sided error 1 − its level.
pub fn non_inferiority(estimate: &Estimate, margin: f64, better: Better) -> Result<NonInferiority, NotEstimable> {
    if !(margin >= 0.0 && margin.is_finite()) {
        return Err(NotEstimable::out_of_domain(
            format!("the margin is {margin}"),
            "give the accepted harm as a number of 0 or more, in the unit of the estimate",
        ));
    }
    let (good, bad) = match better {
        Better::Higher => (Sides::Greater, Sides::Less),
        Better::Lower => (Sides::Less, Sides::Greater),
    };
    let bound = one_sided(estimate, good)?;
    let other = one_sided(estimate, bad)?;
    let goodness = match better {
        Better::Higher => estimate.point,
        Better::Lower => -estimate.point,
    };
    let p = sf((goodness + margin) / estimate.se, estimate.df);
    let superiority_p = bound.p.unwrap_or(f64::NAN);
    let (non_inferior, superior, inferior) = match better {
        Better::Higher => (bound.low > -margin, bound.low > 0.0, other.high < -margin),
        Better::Lower => (bound.high < margin, bound.high < 0.0, other.low > margin),
    };
    Ok(NonInferiority {
        estimate: Estimate {
            p: Some(p),
            method: format!("{}, non-inferiority", estimate.method),
            ..bound
        },
        margin,
        non_inferior,
        superior,
        inferior,
        superiority_p,
    })
}

fn sf(z: f64, df: Option<f64>) -> f64 {
    match df {
        Some(df) => dist::t_sf(z, df),
        None => dist::normal_sf(z),
    }
}

/// The value exceeded with probability `p`; negative for p above one half.
fn quantile(p: f64, df: Option<f64>) -> f64 {
    match df {
        None => dist::normal_isf(p),
        Some(df) if p < 0.5 => dist::t_two_sided_isf(2.0 * p, df),
        Some(df) if p > 0.5 => -dist::t_two_sided_isf(2.0 * (1.0 - p), df),
        Some(_) => 0.0,
    }
}
