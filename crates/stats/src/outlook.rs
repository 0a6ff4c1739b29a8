//! Will a running experiment show its effect at one of the looks that are still to come?
//!
//! **Question.** With what is known at information fraction t, how likely does the experiment yet cross a boundary for the
//! effect: if the effect is the one planned for, if things go on as so far, if there is none, and on the average of what the
//! data leave possible?
//!
//! **Estimand.** Conditional power (Lan, Simon & Halperin 1982) at those effects, and predictive power (Spiegelhalter,
//! Freedman & Blackburn 1986) under a flat prior; effects against the direction of the test do not count.
//!
//! **Assumptions.** The estimate is near normal with standard error se now, and se·√(t/s) at fraction s. No boundary was
//! crossed yet.
//!
//! **Formula.** B(s) = Z(s)√s is Brownian motion with drift θ, the mean of the final z. Given B(t) = z√t, the looks at
//! s_k > t are crossed as a process from 0 at fractions s_k − t with boundaries (c_k√s_k − z√t)/√(s_k − t); the chance is that
//! of [`crate::group_sequential::crossing`]. θ is δ/(se√t) for an effect δ, z/√t for the trend, 0 for none; predictive power
//! averages over θ ~ N(z/√t, 1/t), in closed form for one look, by the trapezoidal rule over ±6 standard deviations else.
//!
//! **Reference.** Lan, Simon & Halperin 1982; Spiegelhalter, Freedman & Blackburn 1986; Jennison & Turnbull 2000, chapter 10;
//! promising zone: Chen, DeMets & Lan 2004; Mehta & Pocock 2011.
//!
//! **Golden source.** `tests/golden/outlook.py` (scipy's multivariate normal distribution for two looks to come,
//! [`crate::design::conditional_power`]'s closed form for one).

use serde::{Deserialize, Serialize};

use crate::group_sequential::crossing;
use crate::{NotEstimable, dist};

/// Steps of the average over the effect, and its half width in standard deviations.
const STEPS: i32 = 24;
const WIDTH: f64 = 6.0;

/// Chances that the effect is yet shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// If the effect from now on is the planned one.
    pub planned: Option<f64>,
    /// If it goes on as so far.
    pub trend: f64,
    /// If there is none.
    pub null: f64,
    /// Averaged over what the data leave possible.
    pub predictive: f64,
}

/// Conditional power: the chance of crossing at one of the looks to come, given the z statistic at information fraction `t`,
/// if the final one (at fraction 1) has the mean `drift`.
pub fn conditional(z: f64, t: f64, looks: &[(f64, f64)], drift: f64) -> f64 {
    let here = z * t.sqrt();
    let fractions: Vec<f64> = looks.iter().map(|(s, _)| s - t).collect();
    let bounds: Vec<f64> = looks
        .iter()
        .map(|(s, c)| (c * s.sqrt() - here) / (s - t).sqrt())
        .collect();
    let chances = crossing(&fractions, &bounds, false, drift);
    chances.iter().sum::<f64>().clamp(0.0, 1.0)
}

/// The outlook of an estimate `(effect, se)` at information fraction `t`, in the direction in which effects are positive.
/// `looks` are those to come: (fraction, boundary of z), rising, beyond `t`; the last may lie beyond 1 (a longer experiment).
pub fn outlook(
    (effect, se): (f64, f64),
    t: f64,
    looks: &[(f64, f64)],
    planned: Option<f64>,
) -> Result<Outlook, NotEstimable> {
    if !effect.is_finite() || !se.is_finite() || planned.is_some_and(|p| !p.is_finite()) {
        return Err(NotEstimable::not_finite(format!(
            "the effect is {effect} with standard error {se}"
        )));
    }
    if se <= 0.0 {
        return Err(NotEstimable::zero_variance(format!("the standard error is {se}")));
    }
    let rises = |all: &[(f64, f64)]| {
        let mut before = t;
        all.iter().all(|(s, c)| {
            let ok = *s >= before + 1e-4 && !c.is_nan();
            before = *s;
            ok
        })
    };
    if !(t > 0.0 && t.is_finite()) || looks.is_empty() || !rises(looks) {
        return Err(NotEstimable::out_of_domain(
            format!("at information fraction {t} there is no look to come, or the looks do not rise"),
            "give looks beyond the present information fraction; at the end read the result",
        ));
    }
    let z = effect / se;
    let with = |drift: f64| conditional(z, t, looks, drift);
    let trend = z / t.sqrt();
    let predictive = match looks {
        [(s, c)] => {
            let left = s - t;
            let bound = (c * s.sqrt() - z * t.sqrt()) / left.sqrt();
            dist::normal_sf((bound - trend * left.sqrt()) / (1.0 + left / t).sqrt())
        }
        _ => {
            let (mut sum, mut weights) = (0.0, 0.0);
            for i in -STEPS..=STEPS {
                let x = WIDTH * f64::from(i) / f64::from(STEPS);
                let weight = (-0.5 * x * x).exp();
                sum += weight * with(trend + x / t.sqrt());
                weights += weight;
            }
            sum / weights
        }
    };
    Ok(Outlook {
        planned: planned.map(|p| with(p / (se * t.sqrt()))),
        trend: with(trend),
        null: with(0.0),
        predictive,
    })
}
