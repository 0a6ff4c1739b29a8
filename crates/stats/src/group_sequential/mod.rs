//! Group sequential tests: looking several times at fixed error, by alpha spending.
//!
//! **Question.** May the experiment stop at this look, and what is its effect, when it was looked at before?
//!
//! **Estimand.** Boundaries for the z statistic of each look; at the look reached, an effect with an interval and a
//! p-value that allow for the looks before.
//!
//! **Assumptions.** The z statistics of the looks have the joint distribution of a Brownian motion at their information
//! fractions (independent increments): true of means, proportions, ratios and CUPED in large samples. When to look may
//! depend on the calendar, not on the results.
//!
//! **Formula.** With all of alpha on one side, or alpha/2 on each: the error spent by fraction t is O'Brien–Fleming type
//! 2Φ̄(z_{a/2}/√t), Pocock type a·ln(1 + (e − 1)t), Kim–DeMets a·t^ρ, Hwang–Shih–DeCani a(1 − e^{−γt})/(1 − e^{−γ}). The
//! boundary of each look solves P(first crossing there) = increment, the density of the process inside the boundaries
//! being carried from look to look by Gauss–Legendre quadrature (Armitage, McPherson & Rowe 1969). The adjusted p-value
//! orders outcomes by stage; the adjusted interval and median-unbiased estimate invert it. The repeated interval
//! estimate ± boundary·se holds at all looks together.
//!
//! **Reference.** Lan & DeMets 1983; Kim & DeMets 1987; Hwang, Shih & DeCani 1990; Jennison & Turnbull 2000.
//!
//! **Golden source.** `tests/golden/sequential.py` (own recursion in numpy on another grid; spotify-confidence; tables
//! 2.1, 2.3 and 7 of Jennison & Turnbull).

use serde::{Deserialize, Serialize};

mod classical;
mod futility;
mod path;

use crate::estimate::check_level;
use crate::{Estimate, NotEstimable, Reason, dist};

pub use classical::{Shape, classical};
pub use futility::{Futility, FutilityLook, futility};
use path::Path;
pub(crate) use path::increasing;

/// Most looks.
pub const MOST_LOOKS: usize = 100;

/// How the error is spent over information.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spending {
    /// Little early (Lan & DeMets 1983).
    ObrienFleming,
    /// Nearly even boundaries (Lan & DeMets 1983).
    Pocock,
    /// a·t^power (Kim & DeMets 1987); 1 is even spending.
    KimDemets {
        /// ρ > 0.
        power: f64,
    },
    /// Hwang, Shih & DeCani 1990; −4 is near O'Brien–Fleming, 1 near Pocock.
    HwangShihDecani {
        /// γ; 0 is even spending.
        gamma: f64,
    },
}

/// On which side an effect counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sides {
    /// Either direction; alpha is shared.
    Two,
    /// Only a positive effect; all of alpha is there.
    Greater,
    /// Only a negative effect; all of alpha is there.
    Less,
}

impl Spending {
    /// Error spent by information fraction `t` in [0, 1], of `alpha` on one side.
    pub fn spent(&self, t: f64, alpha: f64) -> f64 {
        if t <= 0.0 {
            return 0.0;
        }
        if t >= 1.0 {
            return alpha;
        }
        match *self {
            Spending::ObrienFleming => 2.0 * dist::normal_sf(dist::normal_isf(alpha / 2.0) / t.sqrt()),
            Spending::Pocock => alpha * ((std::f64::consts::E - 1.0) * t).ln_1p(),
            Spending::KimDemets { power } => alpha * t.powf(power),
            Spending::HwangShihDecani { gamma } if gamma == 0.0 => alpha * t,
            Spending::HwangShihDecani { gamma } => alpha * (-gamma * t).exp_m1() / (-gamma).exp_m1(),
        }
    }
}

/// A plan of looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Design {
    /// Information fraction of each look, rising; 1 is the planned end. Beyond 1, everything is spent.
    pub fractions: Vec<f64>,
    /// Error over all looks.
    pub alpha: f64,
    /// How it is spent.
    pub spending: Spending,
    /// Side.
    pub sides: Sides,
    /// The last look is the end, whatever its fraction: it spends what is left.
    pub last_is_final: bool,
}

/// Boundaries of one look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Information fraction.
    pub fraction: f64,
    /// Stop for an effect at or beyond this |z|; infinite while nothing is spent (JSON null).
    pub z: f64,
    /// Nominal p-value of the boundary, of the design's sides.
    pub nominal_p: f64,
    /// Error spent up to and with this look, over both sides.
    pub spent: f64,
}

/// Boundaries of every look of a design.
///
/// Refused: no look or more than [`MOST_LOOKS`], fractions that do not rise by at least 1e-4 from above 0, an alpha
/// outside (0, 1), a Kim–DeMets power that is not positive.
pub fn boundaries(design: &Design) -> Result<Vec<Look>, NotEstimable> {
    check(design)?;
    let side = design.one_side();
    let last = design.fractions.len() - 1;
    let mut path = Path::start(0.0);
    let (mut looks, mut spent) = (Vec::new(), 0.0);
    for (k, &t) in design.fractions.iter().enumerate() {
        let target = if k == last && design.last_is_final {
            side
        } else {
            design.spending.spent(t, side)
        };
        let increment = target - spent;
        path.advance(t);
        // Increments below this are rounding of the spending function: such a look cannot stop.
        let z = if increment > 1e-15 {
            path.boundary(increment)
        } else {
            f64::INFINITY
        };
        if z.is_finite() {
            spent = target;
        }
        path.stop(opposite(z, design.sides == Sides::Two), z);
        let sides = if design.sides == Sides::Two { 2.0 } else { 1.0 };
        looks.push(Look {
            fraction: t,
            z,
            nominal_p: sides * dist::normal_sf(z),
            spent: sides * spent,
        });
    }
    Ok(looks)
}

/// Chance of stopping for an effect at each look, of looks with the given boundaries, when the final z statistic
/// (fraction 1) has the mean `drift` ≥ 0; stopping on the other side does not count.
pub fn crossing(fractions: &[f64], z: &[f64], two_sided: bool, drift: f64) -> Vec<f64> {
    let mut path = Path::start(drift);
    fractions
        .iter()
        .zip(z)
        .map(|(&t, &z)| {
            path.advance(t);
            let upper = path.above(z * t.sqrt());
            path.stop(opposite(z, two_sided), z);
            upper
        })
        .collect()
}

/// The drift (mean of the final z statistic) at which a design stops for the effect with chance `power`.
pub fn required_drift(design: &Design, power: f64) -> Result<f64, NotEstimable> {
    check_power(power, design.alpha)?;
    let looks = boundaries(design)?;
    let z: Vec<f64> = looks.iter().map(|l| l.z).collect();
    let two = design.sides == Sides::Two;
    let chance = |drift: f64| crossing(&design.fractions, &z, two, drift).iter().sum::<f64>();
    Ok(increasing(chance, power, 0.0, 20.0))
}

/// How many times more information a design needs at its end than one test without looks, for the same power.
pub fn inflation(design: &Design, power: f64) -> Result<f64, NotEstimable> {
    let drift = required_drift(design, power)?;
    // One test at the end, counting the one side that `crossing` counts.
    let fixed = Design {
        fractions: vec![1.0],
        last_is_final: true,
        ..design.clone()
    };
    let end = design.fractions.last().copied().unwrap_or(1.0);
    Ok((drift / required_drift(&fixed, power)?).powi(2) * end)
}

/// What a group sequential test says at the look reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Boundaries of the looks so far.
    pub looks: Vec<Look>,
    /// First look (from 0) at which the boundary was crossed.
    pub crossed_at: Option<usize>,
    /// The estimate with its repeated interval, which holds at all looks together; its p-value is that of the stage-wise
    /// ordering.
    pub repeated: Estimate,
    /// Median-unbiased estimate with the interval of the stage-wise ordering, valid once the test has stopped (at a
    /// crossing or at its end).
    pub adjusted: Estimate,
}

/// Analyses the looks so far: `estimates` are (effect, standard error) at each look of the design, oldest first; looks
/// after the first crossing are not used. `n` is the units at the last look.
pub fn analyse(design: &Design, estimates: &[(f64, f64)], n: u64) -> Result<Stage, NotEstimable> {
    let mut design = design.clone();
    if estimates.is_empty() || estimates.len() != design.fractions.len() {
        return Err(NotEstimable::out_of_domain(
            format!("{} estimates and {} looks", estimates.len(), design.fractions.len()),
            "give the effect and standard error of each look so far",
        ));
    }
    if let Some((e, se)) = estimates.iter().find(|(e, s)| !e.is_finite() || !s.is_finite()) {
        return Err(NotEstimable::not_finite(format!(
            "a look has effect {e} and standard error {se}"
        )));
    }
    if estimates.iter().any(|(_, se)| *se <= 0.0) {
        return Err(NotEstimable::zero_variance("the standard error of a look is 0"));
    }
    let all = boundaries(&design)?;
    let flip = if design.sides == Sides::Less { -1.0 } else { 1.0 };
    let two = design.sides == Sides::Two;
    let z = |k: usize| flip * estimates[k].0 / estimates[k].1;
    let crosses = |k: usize| if two { z(k).abs() >= all[k].z } else { z(k) >= all[k].z };
    let crossed_at = (0..all.len()).find(|&k| crosses(k));
    let stage = crossed_at.unwrap_or(all.len() - 1);
    let looks = all[..=stage].to_vec();
    design.fractions.truncate(stage + 1);
    let (point, se) = estimates[stage];
    let bounds: Vec<f64> = looks.iter().map(|l| l.z).collect();
    let observed = z(stage);

    // P(outcome at least this extreme upwards) when the effect is `effect` standard errors of this look.
    let t = design.fractions[stage];
    let upwards = |effect: f64| {
        let mut path = Path::start(effect / t.sqrt());
        let mut sum = 0.0;
        for (k, (&fraction, &bound)) in design.fractions.iter().zip(&bounds).enumerate() {
            path.advance(fraction);
            if k == stage {
                sum += path.above(observed * fraction.sqrt());
            } else {
                sum += path.above(bound * fraction.sqrt());
                path.stop(opposite(bound, two), bound);
            }
        }
        sum
    };
    let upper_p = upwards(0.0);
    let p = if two {
        let downwards = {
            let mut path = Path::start(0.0);
            let mut sum = 0.0;
            for (k, (&fraction, &bound)) in design.fractions.iter().zip(&bounds).enumerate() {
                path.advance(fraction);
                let edge = if k == stage { observed } else { -bound };
                sum += path.below(edge * fraction.sqrt());
                path.stop(opposite(bound, two), bound);
            }
            sum
        };
        (2.0 * upper_p.min(downwards)).min(1.0)
    } else {
        upper_p
    };
    let level = 1.0 - design.alpha;
    let tail = if two { design.alpha / 2.0 } else { design.alpha };
    let at = |share: f64| increasing(upwards, share, observed - 12.0, observed + 12.0);
    let (low, middle, high) = (at(tail), at(0.5), at(1.0 - tail));
    let ordered = |a: f64, b: f64| {
        let (a, b) = (flip * a * se, flip * b * se);
        if flip < 0.0 { (b, a) } else { (a, b) }
    };
    let (adjusted_low, adjusted_high) = match design.sides {
        Sides::Two => ordered(low, high),
        Sides::Greater => (low * se, f64::INFINITY),
        Sides::Less => (f64::NEG_INFINITY, -low * se),
    };
    let boundary = looks[stage].z;
    let (low, high) = match design.sides {
        Sides::Two => (point - boundary * se, point + boundary * se),
        Sides::Greater => (point - boundary * se, f64::INFINITY),
        Sides::Less => (f64::NEG_INFINITY, point + boundary * se),
    };
    let estimate = |point: f64, low: f64, high: f64, method: &str| Estimate {
        point,
        se,
        low,
        high,
        level,
        df: None,
        p: Some(p),
        n,
        method: method.into(),
    };
    Ok(Stage {
        looks,
        crossed_at,
        repeated: estimate(point, low, high, "group sequential, repeated interval"),
        adjusted: estimate(
            flip * middle * se,
            adjusted_low,
            adjusted_high,
            "group sequential, stage-wise ordering",
        ),
    })
}

impl Design {
    fn one_side(&self) -> f64 {
        if self.sides == Sides::Two {
            self.alpha / 2.0
        } else {
            self.alpha
        }
    }
}

/// The boundary on the other side: none in a one-sided test.
fn opposite(z: f64, two_sided: bool) -> f64 {
    if two_sided { -z } else { f64::NEG_INFINITY }
}

fn check(design: &Design) -> Result<(), NotEstimable> {
    check_level(1.0 - design.alpha)?;
    let t = &design.fractions;
    if t.is_empty() || t.len() > MOST_LOOKS {
        return Err(NotEstimable::out_of_domain(
            format!("{} looks", t.len()),
            format!("plan 1 to {MOST_LOOKS} looks"),
        ));
    }
    let steps = std::iter::once(0.0).chain(t.iter().copied()).zip(t);
    if let Some((before, now)) = steps.into_iter().find(|(a, b)| !(**b - a >= 1e-4 && b.is_finite())) {
        return Err(NotEstimable::out_of_domain(
            format!("the information fraction {now} follows {before}"),
            "give rising fractions above 0, at least 0.0001 apart, 1 being the planned end",
        ));
    }
    match design.spending {
        Spending::KimDemets { power } if !(power > 0.0 && power.is_finite()) => Err(NotEstimable::out_of_domain(
            format!("the Kim–DeMets power is {power}"),
            "give a power above 0, such as 1 to 3",
        )),
        Spending::HwangShihDecani { gamma } if !(gamma.abs() <= 100.0) => Err(NotEstimable::out_of_domain(
            format!("gamma is {gamma}"),
            "give a gamma such as -4 to 1",
        )),
        _ => Ok(()),
    }
}

fn check_power(power: f64, alpha: f64) -> Result<(), NotEstimable> {
    if power > alpha && power < 1.0 {
        Ok(())
    } else {
        Err(NotEstimable::new(
            Reason::OutOfDomain,
            format!("power is {power}"),
            "ask for a power above alpha and below 1, such as 0.8",
        ))
    }
}
