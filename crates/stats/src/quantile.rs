//! Quantiles and how much a treatment changes them: of units, and of events clustered in units.
//!
//! **Question.** Does the treatment change the median, or the slowest 1%, of a value?
//!
//! **Estimand.** The q-quantile x_q of the population of units ([`one`], [`difference`]) or of events ([`events`],
//! [`difference_of_events`]); absolute x_q,T − x_q,C, relative by |x_q,C|. Sample quantiles interpolate linearly between
//! order statistics (Hyndman & Fan's type 7).
//!
//! **Assumptions.** Units are independent; for events, units are independent and their events may depend on each other.
//! The distribution has a density near the quantile: a quantile that sits on a heap of equal values has no standard error.
//!
//! **Formula.** With z the normal quantile of the level:
//! - *Woodruff*: the ranks n·q ± z·√(n·q(1−q)) name two order statistics; the standard error is their distance over 2z.
//! - *Price–Bonett*: order statistics near n·q ± 2·√(n·q(1−q)), whose exact binomial coverage says how many standard
//!   errors lie between them; the better choice in small samples, and at q = ½ the published median method.
//! - *Kernel*: √(q(1−q)/n)/f̂(x_q), f̂ a Gaussian kernel density with Silverman's bandwidth 0.9·min(s, IQR/1.349)·n^(−1/5).
//! - *Events*: the share of events at or below x_q is a ratio of sums over units; its delta-method variance σ²/K takes the
//!   place of q(1−q)/n in Woodruff's ranks.
//!
//! The interval of [`one`] holds the order statistics of exact binomial coverage (it need not be symmetric); differences
//! have normal intervals, so that the p-value agrees with them.
//!
//! **Reference.** Woodruff 1952; Price & Bonett 2001, 2002; Deng, Knoblich & Lu 2018; Hyndman & Fan 1996.
//!
//! **Golden source.** `tests/golden/quantile.py` (numpy, scipy `quantile_test`, statsmodels `KDEUnivariate`, gbstats), and
//! the worked example of R statpsych's `ci.median2`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Estimate, Lift, NotEstimable, Reason, binomial, dist, estimate};

/// How the standard error of a quantile is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Error {
    /// Distance of the order statistics at the ranks of the level.
    #[default]
    Woodruff,
    /// Order statistics about two standard errors out, with their exact coverage.
    PriceBonett,
    /// Density at the quantile.
    Kernel,
}

/// A quantile in two arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantileLift {
    /// In the control.
    pub control: Result<Estimate, NotEstimable>,
    /// In the treatment.
    pub treatment: Result<Estimate, NotEstimable>,
    /// Treatment − control.
    pub absolute: Result<Estimate, NotEstimable>,
    /// (Treatment − control) / |control|, delta method.
    pub relative: Result<Estimate, NotEstimable>,
}

impl From<QuantileLift> for Lift {
    fn from(q: QuantileLift) -> Lift {
        Lift {
            control: q.control,
            treatment: q.treatment,
            absolute: q.absolute,
            relative: q.relative,
            variance_reduction: None,
        }
    }
}

/// Events of units: `values[i]` belongs to unit `units[i]`.
#[derive(Clone, Copy, Debug)]
pub struct Events<'a> {
    /// One value per event.
    pub values: &'a [f64],
    /// The unit of each, same length; any numbering.
    pub units: &'a [u64],
}

/// The `q`-quantile of one group of units, with the distribution-free interval of order statistics where the sample reaches
/// that far (else the normal one). Standard error as `error` says. Refused: q outside (0, 1), values that are not finite,
/// too few to reach beyond the quantile on both sides, a heap of equal values at the quantile.
pub fn one(values: &[f64], q: f64, level: f64, error: Error) -> Result<Estimate, NotEstimable> {
    let sorted = prepare(values, q, level)?;
    let (point, se) = point_and_error(&sorted, q, level, error)?;
    let mut e = Estimate::new(point, se, None, sorted.len() as u64, level, name(error))?.without_p();
    let n = sorted.len() as u64;
    let tail = (1.0 - level) / 2.0;
    let low = binomial::quantile(tail, n, q);
    let high = binomial::upper_quantile(tail, n, q);
    if low >= 1 && high < n {
        e.low = sorted[low as usize - 1];
        e.high = sorted[high as usize];
    }
    Ok(e)
}

/// Quantile of the treatment's units against the control's; normal interval and p-value.
pub fn difference(control: &[f64], treatment: &[f64], q: f64, level: f64, error: Error) -> QuantileLift {
    let raw = |values: &[f64]| {
        let sorted = prepare(values, q, level)?;
        point_and_error(&sorted, q, level, error).map(|(x, se)| (x, se, sorted.len() as u64))
    };
    let arms = (one(control, q, level, error), one(treatment, q, level, error));
    compare(raw(control), raw(treatment), level, &name(error), arms)
}

/// The `q`-quantile of events clustered in units; normal interval. Refused as [`one`], and with fewer than two units.
pub fn events(events: Events, q: f64, level: f64) -> Result<Estimate, NotEstimable> {
    let (point, se, n) = clustered(events, q, level)?;
    Ok(Estimate::new(point, se, None, n, level, "woodruff, events clustered in units")?.without_p())
}

/// Quantile of the treatment's events against the control's, clustered in units; normal interval and p-value.
pub fn difference_of_events(control: Events, treatment: Events, q: f64, level: f64) -> QuantileLift {
    let arms = (events(control, q, level), events(treatment, q, level));
    compare(
        clustered(control, q, level),
        clustered(treatment, q, level),
        level,
        "woodruff, events clustered in units",
        arms,
    )
}

/// Sample quantile of sorted values by linear interpolation (type 7), for 0 ≤ q ≤ 1; NaN if there are none.
pub fn sample(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let at = q.clamp(0.0, 1.0) * last as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (at - below as f64) * (sorted[above] - sorted[below])
}

type Found = Result<(f64, f64, u64), NotEstimable>;
type Arm = Result<Estimate, NotEstimable>;

fn compare(control: Found, treatment: Found, level: f64, name: &str, (c, t): (Arm, Arm)) -> QuantileLift {
    let both = control.and_then(|a| treatment.map(|b| (a, b)));
    let (absolute, relative) = match both {
        Err(refusal) => (Err(refusal.clone()), Err(refusal)),
        Ok(((xc, sc, nc), (xt, st, nt))) => {
            let n = nc + nt;
            let absolute = Estimate::new(xt - xc, sc.hypot(st), None, n, level, format!("quantile, {name}"));
            let relative = if xc.abs() <= sc {
                Err(NotEstimable::new(
                    Reason::ZeroBaseline,
                    format!("the control's quantile {xc} is within one standard error ({sc}) of 0"),
                    "read the absolute difference",
                ))
            } else {
                let se = (st / xc).hypot(xt * sc / (xc * xc));
                let method = format!("quantile, {name}, relative by delta method");
                Estimate::new((xt - xc) / xc.abs(), se, None, n, level, method)
            };
            (absolute, relative)
        }
    };
    QuantileLift {
        control: c,
        treatment: t,
        absolute,
        relative,
    }
}

fn name(error: Error) -> String {
    match error {
        Error::Woodruff => "woodruff",
        Error::PriceBonett => "price–bonett",
        Error::Kernel => "kernel density",
    }
    .into()
}

fn prepare(values: &[f64], q: f64, level: f64) -> Result<Vec<f64>, NotEstimable> {
    estimate::check_level(level)?;
    if !(q > 0.0 && q < 1.0) {
        return Err(NotEstimable::out_of_domain(
            format!("the quantile is {q}"),
            "give a quantile between 0 and 1, such as 0.9",
        ));
    }
    if let Some(i) = values.iter().position(|v| !v.is_finite()) {
        return Err(NotEstimable::not_finite(format!("value {i} is {}", values[i])));
    }
    if values.len() < 2 {
        return Err(NotEstimable::too_few(format!("there are {} values", values.len())));
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Ok(sorted)
}

fn point_and_error(sorted: &[f64], q: f64, level: f64, error: Error) -> Result<(f64, f64), NotEstimable> {
    let n = sorted.len() as f64;
    let point = sample(sorted, q);
    let se = match error {
        Error::Woodruff => {
            let z = dist::normal_isf((1.0 - level) / 2.0);
            woodruff(sorted, q, z * (q * (1.0 - q) / n).sqrt(), z)?
        }
        Error::PriceBonett => price_bonett(sorted, q)?,
        Error::Kernel => (q * (1.0 - q) / n).sqrt() / density(sorted, point)?,
    };
    if se > 0.0 { Ok((point, se)) } else { Err(heap(point)) }
}

fn heap(point: f64) -> NotEstimable {
    NotEstimable::new(
        Reason::ZeroVariance,
        format!("the quantile sits on a heap of values equal to {point}"),
        "compare the share of units above a threshold instead, or leave zeros out",
    )
}

fn unreachable(n: usize, q: f64) -> NotEstimable {
    NotEstimable::new(
        Reason::TooFew,
        format!("{n} values do not reach beyond both ends of the interval of quantile {q}"),
        "collect more observations, or ask for a less extreme quantile",
    )
}

/// (x at rank q + half − x at rank q − half) / 2z, with order statistics outside the ranks.
fn woodruff(sorted: &[f64], q: f64, half: f64, z: f64) -> Result<f64, NotEstimable> {
    let n = sorted.len();
    // Ranks 1 … n; a rank at or below 0 or above n lies outside the sample.
    let low = (n as f64 * (q - half)).floor();
    let high = (n as f64 * (q + half)).floor() + 1.0;
    if low < 1.0 || high > n as f64 {
        return Err(unreachable(n, q));
    }
    Ok((sorted[high as usize - 1] - sorted[low as usize - 1]) / (2.0 * z))
}

fn price_bonett(sorted: &[f64], q: f64) -> Result<f64, NotEstimable> {
    let n = sorted.len();
    let count = n as f64;
    let reach = 2.0 * (count * q * (1.0 - q)).sqrt();
    let below = (count * q - reach).round_ties_even().max(1.0);
    let above = (count * (1.0 - q) - reach).round_ties_even().max(1.0);
    let (low, high) = (below as usize, n + 1 - above as usize);
    // P(x_(low) > x_q or x_(high) < x_q): too few, or too many, values below the quantile.
    let outside = binomial::cdf(low as i64 - 1, n as u64, q) + binomial::upper(high as i64, n as u64, q);
    let z = dist::normal_isf(outside / 2.0);
    if low >= high || z.is_nan() || z <= 0.0 {
        return Err(unreachable(n, q));
    }
    Ok((sorted[high - 1] - sorted[low - 1]) / (2.0 * z))
}

fn density(sorted: &[f64], at: f64) -> Result<f64, NotEstimable> {
    let n = sorted.len() as f64;
    let mean = sorted.iter().map(|x| x - at).sum::<f64>() / n;
    let sd = (sorted.iter().map(|x| (x - at - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let range = (sample(sorted, 0.75) - sample(sorted, 0.25)) / 1.349;
    let spread = if range > 0.0 { sd.min(range) } else { sd };
    let width = 0.9 * spread * n.powf(-0.2);
    if width <= 0.0 {
        return Err(heap(at));
    }
    let sum: f64 = sorted.iter().map(|x| (-0.5 * ((x - at) / width).powi(2)).exp()).sum();
    Ok(sum / (n * width * (2.0 * std::f64::consts::PI).sqrt()))
}

fn clustered(events: Events, q: f64, level: f64) -> Found {
    if events.values.len() != events.units.len() {
        return Err(NotEstimable::out_of_domain(
            format!("{} values have {} units", events.values.len(), events.units.len()),
            "name one unit per value",
        ));
    }
    let sorted = prepare(events.values, q, level)?;
    let point = sample(&sorted, q);
    let mut by_unit: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for (value, unit) in events.values.iter().zip(events.units) {
        let (below, count) = by_unit.entry(*unit).or_default();
        *below += f64::from(u8::from(*value <= point));
        *count += 1.0;
    }
    let units = by_unit.len();
    if units < 2 {
        return Err(NotEstimable::too_few(format!("the events belong to {units} unit(s)")));
    }
    let n = sorted.len() as f64;
    let share = by_unit.values().map(|(below, _)| below).sum::<f64>() / n;
    let k = units as f64;
    let per_unit = n / k;
    // Scores (below − share·count)/mean count sum to 0, so their squares are centred.
    let squares: f64 = by_unit
        .values()
        .map(|(below, count)| ((below - share * count) / per_unit).powi(2))
        .sum();
    let spread = (squares / (k - 1.0) / k).sqrt();
    let z = dist::normal_isf((1.0 - level) / 2.0);
    let se = woodruff(&sorted, q, z * spread, z)?;
    if se > 0.0 {
        Ok((point, se, events.values.len() as u64))
    } else {
        Err(heap(point))
    }
}
