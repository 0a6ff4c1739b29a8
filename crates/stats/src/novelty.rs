//! Does the effect fade or grow with the days since exposure?
//!
//! **Question.** Is the lift a novelty that wears off, or still being learned (primacy)?
//!
//! **Estimand.** The slope β of the effect over days since exposure, effect(d) = α + β·(d − d̄); the effect on the last day
//! on that line; the mean effect of the last third of days minus that of the first third.
//!
//! **Assumptions.** Each unit is observed on every day given (a balanced panel: use units exposed early enough), so that
//! days differ by time since exposure and not by who is in them. Days of the same units are correlated; that is in the
//! covariance.
//!
//! **Formula.** Daily effects e and their covariance V = S_C/n_C + S_T/n_T over units (from moments whose variables are
//! the days), or V = D·R·D with R_ij = ρ^|i−j| from standard errors; generalised least squares (X'V⁻¹X)⁻¹X'V⁻¹e with known
//! V, normal intervals. *Novelty*: the slope is significant and points towards 0 from the side of the mean effect;
//! *primacy*: significant and away from 0.
//!
//! *Fading* ([`fading`]): the relative lift at time t after exposure is c + a·f(t), f falling from 1 (such as e^(−t/τ)).
//! With, per unit, the sums of y, y·f and y·f², the relative lifts R₀ of y and R₁ of y·f have the expectations c + a·f̄ and
//! c + a·(f²)̄/f̄, means over the control's y; so a = (R₁ − R₀)/((f²)̄/f̄ − f̄) and c = R₀ − a·f̄, with the delta method over
//! units. One degree of freedom, and every unit counts for as long as it was followed: both arms alike.
//!
//! **Golden source.** `tests/golden/health.py` (statsmodels `GLS`, fixed scale); fading by simulation, `tests/it/fading.rs`.

use serde::{Deserialize, Serialize};

use crate::matrix::Matrix;
use crate::{Estimate, Moments, NotEstimable, Reason, estimate};

/// How the effect moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// No significant slope.
    Stable,
    /// Fades towards 0, or through it.
    Novelty,
    /// Grows away from 0.
    Primacy,
}

/// The effect over days since exposure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Novelty {
    /// Effect of each day.
    pub daily: Vec<Estimate>,
    /// Mean effect over the days, on the line.
    pub level: Estimate,
    /// Change of the effect a day.
    pub slope: Estimate,
    /// Effect of the last third of days minus the first third, from the plain means.
    pub late_minus_early: Estimate,
    /// Effect on the last day, on the line: nearer to what will remain than the mean.
    pub last: Estimate,
    /// What it looks like.
    pub pattern: Pattern,
}

/// How a relative lift fades.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fading {
    /// What fades, a: the lift at exposure minus the lasting one.
    pub fades: Estimate,
    /// The lift at exposure, c + a.
    pub first: Estimate,
    /// The lasting lift, c.
    pub last: Estimate,
    /// What it looks like.
    pub pattern: Pattern,
    /// |a| that is found four times in five.
    pub detectable: f64,
}

/// From unit-level moments of y, y·f and y·f² (variables 0, 1, 2), f the share of a fading lift that is left at the time of
/// each fact since its unit's exposure, in (0, 1].
///
/// Refused: other moments, fewer than two units in an arm, a control that is not above 0, f without variation.
pub fn fading(control: &Moments, treatment: &Moments, level: f64) -> Result<Fading, NotEstimable> {
    estimate::check_level(level)?;
    if control.dimension() != 3 || treatment.dimension() != 3 {
        return Err(NotEstimable::out_of_domain(
            format!(
                "moments of {} and {} variables",
                control.dimension(),
                treatment.dimension()
            ),
            "give the sums of y, y·f and y·f² of each unit",
        ));
    }
    let least = control.count().min(treatment.count());
    if least < 2 {
        return Err(NotEstimable::too_few(format!("the smaller arm has {least} units")));
    }
    let c = [control.mean(0), control.mean(1), control.mean(2)];
    let t = [treatment.mean(0), treatment.mean(1)];
    if c.iter().chain(&t).any(|x| !x.is_finite()) {
        return Err(NotEstimable::not_finite("the moments hold NaN or infinite values"));
    }
    if c.iter().any(|x| *x <= 0.0) {
        return Err(NotEstimable::new(
            Reason::ZeroBaseline,
            format!("the control's sums are {c:?}"),
            "wait for more facts, or follow a metric that is above 0",
        ));
    }
    let (mean, weighted) = (c[1] / c[0], c[2] / c[1]);
    let apart = weighted - mean;
    if apart <= 1e-9 {
        return Err(NotEstimable::zero_variance("all facts are equally long after exposure"));
    }
    let n = control.count() + treatment.count();
    let line = |w: [f64; 2], what: &str| -> Result<Estimate, NotEstimable> {
        let point = w[0] * (t[0] / c[0] - 1.0) + w[1] * (t[1] / c[1] - 1.0);
        let of = |m: &Moments, g: [f64; 2]| {
            let form = g[0] * g[0] * m.cross(0, 0) + 2.0 * g[0] * g[1] * m.cross(0, 1) + g[1] * g[1] * m.cross(1, 1);
            form.max(0.0) / (m.count() as f64 - 1.0) / m.count() as f64
        };
        let above = of(treatment, [w[0] / c[0], w[1] / c[1]]);
        let below = of(control, [w[0] * t[0] / (c[0] * c[0]), w[1] * t[1] / (c[1] * c[1])]);
        let method = format!("fading lift, {what}");
        Estimate::new(point, (above + below).sqrt(), None, n, level, method)
    };
    let fades = line([-1.0 / apart, 1.0 / apart], "what fades")?;
    let last = line([1.0 + mean / apart, -mean / apart], "what lasts")?;
    let first = line([1.0 + (mean - 1.0) / apart, (1.0 - mean) / apart], "at exposure")?;
    let significant = fades.low > 0.0 || fades.high < 0.0;
    let pattern = match significant {
        false => Pattern::Stable,
        true if first.point.abs() > last.point.abs() => Pattern::Novelty,
        true => Pattern::Primacy,
    };
    let reach = crate::dist::normal_isf((1.0 - level) / 2.0) + crate::dist::normal_isf(0.2);
    Ok(Fading {
        detectable: reach * fades.se,
        fades,
        first,
        last,
        pattern,
    })
}

/// From unit-level moments: variable i of both is the metric on the i-th day of `days` (days since exposure, rising).
///
/// Refused: fewer than three days, unlike lengths, fewer than five units a day in an arm, days without variation.
pub fn panel(control: &Moments, treatment: &Moments, days: &[f64], level: f64) -> Result<Novelty, NotEstimable> {
    let k = days.len();
    if control.dimension() != k || treatment.dimension() != k {
        return Err(NotEstimable::out_of_domain(
            format!(
                "{k} days, moments of {} and {} variables",
                control.dimension(),
                treatment.dimension()
            ),
            "give one variable per day",
        ));
    }
    let least = control.count().min(treatment.count());
    if least < 5 * k as u64 {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!("the smaller arm has {least} units for {k} days"),
            "wait for five units a day in each arm, or take weeks",
        ));
    }
    let mut v = Matrix::zeros(k, k);
    for i in 0..k {
        for j in 0..k {
            let of = |m: &Moments| m.cross(i, j) / (m.count() as f64 - 1.0) / m.count() as f64;
            v[(i, j)] = of(control) + of(treatment);
        }
    }
    let effects: Vec<f64> = (0..k).map(|i| treatment.mean(i) - control.mean(i)).collect();
    analyse(&effects, &v, days, control.count() + treatment.count(), level)
}

/// From daily effects and standard errors; `correlation` in [0, 1) is that of adjacent days (0: independent days, as with
/// different units each day).
pub fn from_effects(
    effects: &[f64],
    errors: &[f64],
    days: &[f64],
    correlation: f64,
    level: f64,
) -> Result<Novelty, NotEstimable> {
    let k = days.len();
    if effects.len() != k || errors.len() != k {
        return Err(NotEstimable::out_of_domain(
            format!("{k} days, {} effects, {} standard errors", effects.len(), errors.len()),
            "give one effect and one standard error per day",
        ));
    }
    if !(0.0..1.0).contains(&correlation) {
        return Err(NotEstimable::out_of_domain(
            format!("the correlation is {correlation}"),
            "give a number from 0 to below 1",
        ));
    }
    let mut v = Matrix::zeros(k, k);
    for i in 0..k {
        for j in 0..k {
            v[(i, j)] = errors[i] * errors[j] * correlation.powi((i as i32 - j as i32).abs());
        }
    }
    analyse(effects, &v, days, k as u64, level)
}

fn analyse(effects: &[f64], v: &Matrix, days: &[f64], n: u64, level: f64) -> Result<Novelty, NotEstimable> {
    estimate::check_level(level)?;
    let k = days.len();
    if k < 3 {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!("there are {k} days"),
            "a trend wants at least three days since exposure",
        ));
    }
    if effects.iter().chain(days).any(|x| !x.is_finite()) || days.windows(2).any(|w| w[0] >= w[1]) {
        return Err(NotEstimable::out_of_domain(
            format!("the days are {days:?}, the effects {effects:?}"),
            "give finite effects and rising days",
        ));
    }
    let weights = v.inverse_spd().map_err(|j| {
        NotEstimable::new(
            Reason::Singular,
            format!("day {} has no variation, or repeats the days before it", days[j]),
            "leave that day out, or take weeks",
        )
    })?;
    let mean_day = days.iter().sum::<f64>() / k as f64;
    let x = [vec![1.0; k], days.iter().map(|d| d - mean_day).collect::<Vec<f64>>()];
    let mut normal = Matrix::zeros(2, 2);
    for a in 0..2 {
        (0..2).for_each(|b| normal[(a, b)] = weights.form(&x[a], &x[b]));
    }
    let covariance = normal.inverse_spd().map_err(crate::matrix::singular)?;
    let right: Vec<f64> = x.iter().map(|column| weights.form(column, effects)).collect();
    let beta = covariance.times_vector(&right);
    let line = |w: [f64; 2], what: &str| {
        let point = w[0] * beta[0] + w[1] * beta[1];
        Estimate::new(
            point,
            covariance.form(&w, &w).sqrt(),
            None,
            n,
            level,
            format!("gls over days, {what}"),
        )
    };
    let third = k.div_ceil(3);
    let contrast: Vec<f64> = (0..k)
        .map(|i| f64::from(u8::from(i + third >= k)) / third as f64 - f64::from(u8::from(i < third)) / third as f64)
        .collect();
    let moved: f64 = contrast.iter().zip(effects).map(|(w, e)| w * e).sum();
    let level_estimate = line([1.0, 0.0], "mean effect")?;
    let slope = line([0.0, 1.0], "slope a day")?;
    let significant = slope.low > 0.0 || slope.high < 0.0;
    let pattern = match significant {
        false => Pattern::Stable,
        true if slope.point * level_estimate.point < 0.0 => Pattern::Novelty,
        true => Pattern::Primacy,
    };
    Ok(Novelty {
        daily: (0..k)
            .map(|i| Estimate::new(effects[i], v[(i, i)].sqrt(), None, n, level, "effect of the day"))
            .collect::<Result<_, _>>()?,
        last: line([1.0, days[k - 1] - mean_day], "last day")?,
        late_minus_early: Estimate::new(
            moved,
            v.form(&contrast, &contrast).sqrt(),
            None,
            n,
            level,
            "last third of days minus first third",
        )?,
        level: level_estimate,
        slope,
        pattern,
    })
}
