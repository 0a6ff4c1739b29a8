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
//! Sorted values are not needed whole: [`ranks`] names the order statistics that an estimate asks for, and [`of_ordered`]
//! and [`difference_of_ordered`] work from those alone.
//!
//! **Reference.** Woodruff 1952; Price & Bonett 2001, 2002; Deng, Knoblich & Lu 2018; Hyndman & Fan 1996.
//!
//! **Golden source.** `tests/golden/quantile.py` (numpy, scipy `quantile_test`, statsmodels `KDEUnivariate`, gbstats), and
//! the worked example of R statpsych's `ci.median2`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Estimate, Lift, Moments, NotEstimable, Reason, binomial, dist, estimate};

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
    let n = sorted.len() as u64;
    let mut e = Estimate::new(point, se, None, n, level, name(error))?.without_p();
    if let Some((low, high)) = exact(n, q, level) {
        e.low = sorted[low as usize - 1];
        e.high = sorted[high as usize - 1];
    }
    Ok(e)
}

/// Ranks of the order statistics of exact binomial coverage, where the sample reaches that far.
fn exact(n: u64, q: f64, level: f64) -> Option<(u64, u64)> {
    let tail = (1.0 - level) / 2.0;
    let (low, high) = (binomial::quantile(tail, n, q), binomial::upper_quantile(tail, n, q));
    (low >= 1 && high < n).then_some((low, high + 1))
}

/// A sorted sample of which only some values are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ordered {
    /// Its size.
    pub n: u64,
    /// Values by rank, 1 … n.
    pub values: BTreeMap<u64, f64>,
    /// For events: standard error of the share of events at or below the quantile, units being independent. `None` for
    /// units.
    pub spread: Option<f64>,
}

/// Standard error of the share of `n` independent units at or below their `q`-quantile.
pub fn spread(n: u64, q: f64) -> f64 {
    (q * (1.0 - q) / n as f64).sqrt()
}

/// The two ranks between which the sample quantile lies.
pub fn middle(n: u64, q: f64) -> [u64; 2] {
    let below = (q.clamp(0.0, 1.0) * n.saturating_sub(1) as f64).floor() as u64 + 1;
    [below, (below + 1).min(n)]
}

/// The ranks that [`of_ordered`] asks for: around the quantile, Woodruff's for a share known with `spread`, and for units
/// those of exact coverage. Ranks outside the sample are left out.
pub fn ranks(n: u64, q: f64, level: f64, spread: f64, units: bool) -> Vec<u64> {
    let z = dist::normal_isf((1.0 - level) / 2.0);
    let mut all = middle(n, q).to_vec();
    let (low, high) = woodruff_ranks(n, q, z * spread);
    all.extend(
        [low, high]
            .into_iter()
            .filter(|r| *r >= 1.0 && *r <= n as f64)
            .map(|r| r as u64),
    );
    if units && let Some((low, high)) = exact(n, q, level) {
        all.extend([low, high]);
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// The `q`-quantile of one arm from order statistics, with Woodruff's standard error: as [`one`] for units, as [`events`]
/// for events. Refused likewise, and where a rank is missing.
pub fn of_ordered(arm: &Ordered, q: f64, level: f64) -> Result<Estimate, NotEstimable> {
    let (point, se) = ordered_point(arm, q, level)?;
    let mut e = Estimate::new(point, se, None, arm.n, level, ordered_name(arm))?.without_p();
    if arm.spread.is_none()
        && let Some((low, high)) = exact(arm.n, q, level)
    {
        e.low = at_rank(arm, low)?;
        e.high = at_rank(arm, high)?;
    }
    Ok(e)
}

/// Quantile of the treatment against the control's, from order statistics; normal interval and p-value.
pub fn difference_of_ordered(control: &Ordered, treatment: &Ordered, q: f64, level: f64) -> QuantileLift {
    let raw = |arm: &Ordered| ordered_point(arm, q, level).map(|(x, se)| (x, se, arm.n));
    let arms = (of_ordered(control, q, level), of_ordered(treatment, q, level));
    compare(raw(control), raw(treatment), level, ordered_name(control), arms)
}

fn ordered_name(arm: &Ordered) -> &'static str {
    match arm.spread {
        Some(_) => CLUSTERED,
        None => "woodruff",
    }
}

fn at_rank(arm: &Ordered, rank: u64) -> Result<f64, NotEstimable> {
    match arm.values.get(&rank) {
        Some(v) if v.is_finite() => Ok(*v),
        Some(v) => Err(NotEstimable::not_finite(format!("the value at rank {rank} is {v}"))),
        None => Err(NotEstimable::out_of_domain(
            format!("the value at rank {rank} of {} is not known", arm.n),
            "give the order statistics that `ranks` names",
        )),
    }
}

fn ordered_point(arm: &Ordered, q: f64, level: f64) -> Result<(f64, f64), NotEstimable> {
    check_quantile(q, level)?;
    if arm.n < 2 {
        return Err(NotEstimable::too_few(format!("there are {} values", arm.n)));
    }
    let [below, above] = middle(arm.n, q);
    let at = q * (arm.n - 1) as f64;
    let (low, high) = (at_rank(arm, below)?, at_rank(arm, above)?);
    let point = low + (at - at.floor()) * (high - low);
    let z = dist::normal_isf((1.0 - level) / 2.0);
    let half = z * arm.spread.unwrap_or_else(|| spread(arm.n, q));
    let (low, high) = woodruff_ranks(arm.n, q, half);
    if low < 1.0 || high > arm.n as f64 || half.is_nan() {
        return Err(unreachable(arm.n as usize, q));
    }
    let se = (at_rank(arm, high as u64)? - at_rank(arm, low as u64)?) / (2.0 * z);
    if se > 0.0 { Ok((point, se)) } else { Err(heap(point)) }
}

/// Ranks of the order statistics that lie `half` of the share away from the quantile; below 1 or above n if outside.
fn woodruff_ranks(n: u64, q: f64, half: f64) -> (f64, f64) {
    let n = n as f64;
    ((n * (q - half)).floor(), (n * (q + half)).floor() + 1.0)
}

const CLUSTERED: &str = "woodruff, events clustered in units";

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
    Ok(Estimate::new(point, se, None, n, level, CLUSTERED)?.without_p())
}

/// Quantile of the treatment's events against the control's, clustered in units; normal interval and p-value.
pub fn difference_of_events(control: Events, treatment: Events, q: f64, level: f64) -> QuantileLift {
    let arms = (events(control, q, level), events(treatment, q, level));
    compare(
        clustered(control, q, level),
        clustered(treatment, q, level),
        level,
        CLUSTERED,
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

fn check_quantile(q: f64, level: f64) -> Result<(), NotEstimable> {
    estimate::check_level(level)?;
    if !(q > 0.0 && q < 1.0) {
        return Err(NotEstimable::out_of_domain(
            format!("the quantile is {q}"),
            "give a quantile between 0 and 1, such as 0.9",
        ));
    }
    Ok(())
}

fn prepare(values: &[f64], q: f64, level: f64) -> Result<Vec<f64>, NotEstimable> {
    check_quantile(q, level)?;
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
    let point = sample(sorted, q);
    let se = match error {
        Error::Woodruff => {
            let z = dist::normal_isf((1.0 - level) / 2.0);
            woodruff(sorted, q, z * spread(sorted.len() as u64, q), z)?
        }
        Error::PriceBonett => price_bonett(sorted, q)?,
        Error::Kernel => spread(sorted.len() as u64, q) / density(sorted, point)?,
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
    let (low, high) = woodruff_ranks(n as u64, q, half);
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

/// Standard error of the share of events at or below the quantile: a ratio of sums over units, by the delta method.
/// `below` and `all` number the variables that count, per unit, the events at or below it and all events.
pub fn clustered_spread(counts: &Moments, below: usize, all: usize) -> Result<f64, NotEstimable> {
    let k = counts.count() as f64;
    if counts.count() < 2 || counts.mean(all) <= 0.0 {
        return Err(NotEstimable::too_few(format!(
            "the events belong to {} unit(s)",
            counts.count()
        )));
    }
    let share = counts.mean(below) / counts.mean(all);
    // Scores (below − share·count)/mean count sum to 0, so their squares are centred.
    let squares =
        counts.cross(below, below) - 2.0 * share * counts.cross(below, all) + share * share * counts.cross(all, all);
    Ok((squares.max(0.0) / (k - 1.0) / k).sqrt() / counts.mean(all))
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
    let mut counts = Moments::empty(2);
    for (below, count) in by_unit.values() {
        counts.push(&[*below, *count]);
    }
    let spread = clustered_spread(&counts, 0, 1)?;
    let z = dist::normal_isf((1.0 - level) / 2.0);
    let se = woodruff(&sorted, q, z * spread, z)?;
    if se > 0.0 {
        Ok((point, se, events.values.len() as u64))
    } else {
        Err(heap(point))
    }
}
