//! Relative lift by Fieller's theorem, for a noisy baseline.
//!
//! **Question.** By how many per cent does the treatment change a metric whose baseline is itself uncertain?
//!
//! **Estimand.** (θ_T − θ_C) / |θ_C|.
//!
//! **Assumptions.** Lift and control are jointly near normal; the control's own interval excludes 0. Unlike the delta
//! method no linearisation is needed, and the interval is not symmetric.
//!
//! **Formula.** All r with (δ − rC)² ≤ q²·(Var δ − 2r·Cov(δ, C) + r²·Var C), q the quantile of the absolute lift. The
//! p-value is that of δ = 0, so that interval and p agree. Refused when C² ≤ q²·Var C: then the set is not an interval.
//!
//! **Reference.** Fieller 1954; Franz 2007.
//!
//! **Golden source.** `tests/golden/sided.py` (the pivot solved by scipy).

use crate::group_sequential::Sides;
use crate::lift::{Comparison, Pair, pair};
use crate::{Estimate, Moments, NotEstimable, Reason, dist};

/// The relative lift with Fieller's interval; one-sided ones put all of 1 − level on their side.
pub fn fieller(
    control: &Moments,
    treatment: &Moments,
    comparison: &Comparison,
    sides: Sides,
) -> Result<Estimate, NotEstimable> {
    let pair = pair(control, treatment, comparison)?;
    let alpha = 1.0 - comparison.level;
    let tails = if sides == Sides::Two { alpha } else { 2.0 * alpha };
    if tails >= 1.0 {
        return Err(NotEstimable::out_of_domain(
            format!("a one-sided level of {}", comparison.level),
            "give a level above 0.5",
        ));
    }
    let q = match pair.df {
        Some(df) => dist::t_two_sided_isf(tails, df),
        None => dist::normal_isf(tails / 2.0),
    };
    of_pair(&pair, comparison.level, q, sides)
}

/// The same with so many standard errors `q` instead of the quantile of the level: for sequential boundaries and
/// corrected decisions. Its p-value is still that of one look.
pub fn fieller_at(
    control: &Moments,
    treatment: &Moments,
    comparison: &Comparison,
    q: f64,
    sides: Sides,
) -> Result<Estimate, NotEstimable> {
    if !(q >= 0.0 && q.is_finite()) {
        return Err(NotEstimable::out_of_domain(
            format!("{q} standard errors"),
            "give a finite number of 0 or more",
        ));
    }
    of_pair(&pair(control, treatment, comparison)?, comparison.level, q, sides)
}

/// Of two arms known by their estimates alone, independent of each other; `q` standard errors wide, else as the level of
/// the lift says. `df` are the lift's.
pub fn of_arms(
    control: &Estimate,
    treatment: &Estimate,
    df: Option<f64>,
    q: Option<f64>,
    sides: Sides,
) -> Result<Estimate, NotEstimable> {
    let pair = Pair {
        delta: treatment.point - control.point,
        control: control.point,
        delta_variance: control.se * control.se + treatment.se * treatment.se,
        control_variance: control.se * control.se,
        covariance: -control.se * control.se,
        df,
        n: control.n + treatment.n,
        method: control.method.clone(),
    };
    match q {
        Some(q) => of_pair(&pair, control.level, q, sides),
        None => of_parts(&pair, control.level),
    }
}

/// The ratio of the parts of a comparison at their own level, two-sided.
pub(crate) fn of_parts(pair: &Pair, level: f64) -> Result<Estimate, NotEstimable> {
    let q = match pair.df {
        Some(df) => dist::t_two_sided_isf(1.0 - level, df),
        None => dist::normal_isf((1.0 - level) / 2.0),
    };
    of_pair(pair, level, q, Sides::Two)
}

fn of_pair(pair: &Pair, level: f64, q: f64, sides: Sides) -> Result<Estimate, NotEstimable> {
    let q2 = q * q;
    let a = pair.control * pair.control - q2 * pair.control_variance;
    if a <= 0.0 || pair.control == 0.0 {
        return Err(NotEstimable::new(
            Reason::ZeroBaseline,
            format!(
                "the control {} (standard error {}) is not told from 0",
                pair.control,
                pair.control_variance.sqrt()
            ),
            "read the absolute lift, or wait until the control's own interval excludes 0",
        ));
    }
    let b = pair.delta * pair.control - q2 * pair.covariance;
    let c = pair.delta * pair.delta - q2 * pair.delta_variance;
    let root = (b * b - a * c).max(0.0).sqrt();
    // The stable pair of roots: c/far keeps the digits of the one near 0.
    let far = if b >= 0.0 { b + root } else { b - root };
    let (r1, r2) = (far / a, if far == 0.0 { 0.0 } else { c / far });
    let sign = pair.control.signum();
    let (mut low, mut high) = ((sign * r1).min(sign * r2), (sign * r1).max(sign * r2));
    let ratio = pair.delta / pair.control;
    let spread = pair.delta_variance - 2.0 * ratio * pair.covariance + ratio * ratio * pair.control_variance;
    let z = pair.delta / pair.delta_variance.sqrt();
    let sf = |z: f64| match pair.df {
        Some(df) => dist::t_sf(z, df),
        None => dist::normal_sf(z),
    };
    let p = match sides {
        Sides::Two => 2.0 * sf(z.abs()),
        Sides::Greater => sf(z),
        Sides::Less => sf(-z),
    };
    match sides {
        Sides::Two => {}
        Sides::Greater => high = f64::INFINITY,
        Sides::Less => low = f64::NEG_INFINITY,
    }
    Ok(Estimate {
        point: pair.delta / pair.control.abs(),
        se: spread.max(0.0).sqrt() / pair.control.abs(),
        low,
        high,
        level,
        df: pair.df,
        p: Some(p),
        n: pair.n,
        method: format!("{}, relative by fieller", pair.method),
    })
}
