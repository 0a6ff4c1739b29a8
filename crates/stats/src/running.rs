//! A comparison on its way: days until its units have come, and the chance that it ends significant.
//!
//! **Question.** How long does it take; will it, as it looks now, end well?
//!
//! **Estimand.** Days; the chance of a significant end given the effect so far (conditional power), also averaged over what
//! the data leave possible (predictive power).
//!
//! **Assumptions.** Traffic repeats its weeks. The estimate moves as a Brownian motion over its information.
//!
//! **Formula.** B(t) = z√t; at the end it has mean B(t) + drift·(1 − t) and variance 1 − t, with the drift of the trend so far
//! (z/√t), of the planned effect, or 0. Predictive: z/√t with variance (1 − t)/t.
//!
//! **Reference.** Lan & Wittes 1988; Spiegelhalter, Freedman & Blackburn 1986.
//!
//! **Golden source.** `tests/golden/design.py` (the formulas in scipy).

use serde::{Deserialize, Serialize};

use crate::group_sequential::Sides;
use crate::{NotEstimable, dist};

/// Days until `units` are reached, when new units arrive as in `daily` (oldest first, repeated as it is: give whole
/// weeks), in whole weeks if asked for. Each unit counts on the day it is first seen.
pub fn duration(units: f64, daily: &[f64], whole_weeks: bool) -> Result<u64, NotEstimable> {
    if daily.iter().any(|d| !d.is_finite() || *d < 0.0) || !units.is_finite() {
        return Err(NotEstimable::not_finite(
            "the units per day hold a number that is negative or not finite",
        ));
    }
    let cycle: f64 = daily.iter().sum();
    if cycle <= 0.0 {
        return Err(NotEstimable::too_few("no units arrive on any day"));
    }
    let cycles = ((units / cycle).ceil() - 1.0).max(0.0);
    if cycles * daily.len() as f64 > 1e6 {
        return Err(NotEstimable::out_of_domain(
            format!("{units} units take more than a million days"),
            "plan for a larger effect or more traffic",
        ));
    }
    let mut days = cycles as u64 * daily.len() as u64;
    let mut reached = cycles * cycle;
    for d in daily {
        if reached >= units * (1.0 - 1e-12) && days > 0 {
            break;
        }
        reached += d;
        days += 1;
    }
    Ok(if whole_weeks { days.div_ceil(7) * 7 } else { days })
}

/// How a running comparison will likely end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionalPower {
    /// If the rest goes on as so far.
    pub current_trend: f64,
    /// If the effect is the one planned for.
    pub planned_effect: Option<f64>,
    /// If there is no effect.
    pub null: f64,
    /// Averaged over what the data leave possible (flat prior).
    pub predictive: f64,
}

/// Chance of a significant end given the effect and standard error now, at information fraction `t` of the plan.
/// `critical` replaces the normal critical value (a sequential design's last boundary).
pub fn conditional_power(
    (effect, se): (f64, f64),
    t: f64,
    planned: Option<f64>,
    alpha: f64,
    sides: Sides,
    critical: Option<f64>,
) -> Result<ConditionalPower, NotEstimable> {
    crate::estimate::check_level(1.0 - alpha)?;
    if !effect.is_finite() || !se.is_finite() || planned.is_some_and(|p| !p.is_finite()) {
        return Err(NotEstimable::not_finite(format!(
            "the effect is {effect} with standard error {se}"
        )));
    }
    if se <= 0.0 {
        return Err(NotEstimable::zero_variance(format!("the standard error is {se}")));
    }
    if !(t > 0.0 && t < 1.0) {
        return Err(NotEstimable::out_of_domain(
            format!("the information fraction is {t}"),
            "give the share of the planned information so far, between 0 and 1; at 1 read the result",
        ));
    }
    let flip = if sides == Sides::Less { -1.0 } else { 1.0 };
    let two = sides == Sides::Two;
    let c = critical.unwrap_or_else(|| dist::normal_isf(if two { alpha / 2.0 } else { alpha }));
    let z = flip * effect / se;
    let at = |mean: f64, sd: f64| {
        dist::normal_sf((c - mean) / sd) + if two { dist::normal_sf((c + mean) / sd) } else { 0.0 }
    };
    // B(t) = z√t, and the end has mean B(t) + drift·(1 − t), variance 1 − t.
    let with_drift = |drift: f64| at(z * t.sqrt() + drift * (1.0 - t), (1.0 - t).sqrt());
    Ok(ConditionalPower {
        current_trend: with_drift(z / t.sqrt()),
        planned_effect: planned.map(|p| with_drift(flip * p / (se * t.sqrt()))),
        null: with_drift(0.0),
        predictive: at(z / t.sqrt(), ((1.0 - t) / t).sqrt()),
    })
}
