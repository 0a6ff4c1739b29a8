//! Inference and planning for a synthetic control: the interval that its placebos allow, and what a test would have found.
//!
//! **Question.** Which effects do the placebos leave possible? If this market were treated for so many periods, how large must
//! the effect be to be found?
//!
//! **Estimand.** Interval of the mean effect, the same in every period after the treatment. Power: share of past windows in
//! which an injected relative effect has p ≤ alpha.
//!
//! **Assumptions.** Under no effect the treated market's rank among all is uniform. Past windows are like the one to come.
//!
//! **Formula.** The placebo test of effect τ ranks the ratio of √mean((g_t − τ)²) after to the fit before; with J placebos kept
//! and c = ⌊α(J + 1)⌋, τ is kept unless its ratio exceeds the c-th largest, q: m ± √((q·fit)² − s²), m and s² the mean and
//! variance (divisor periods) of the gaps after. *Power*: each past window is treated as the test; an effect δ adds δ·y_t to the
//! gaps, and is found from the root of the same quadratic on. The detectable effect is the power's quantile of these roots.
//!
//! **Reference.** Abadie, Diamond & Hainmueller 2010; Firpo & Possebom 2018 (the interval).
//!
//! **Golden source.** `tests/it/geo.rs`: the placebo test itself, at the ends of the interval and at the roots.

use serde::{Deserialize, Serialize};

use crate::estimate::check_level;
use crate::synthetic_control::{Match, Panel, Placebo, placebo_test};
use crate::{NotEstimable, Reason};

/// An interval from placebos.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Mean gap after the treatment.
    pub effect: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Coverage.
    pub level: f64,
}

/// What a test in this market would find.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// Past windows tried.
    pub windows: u64,
    /// Share of them in which the effect asked for is found.
    pub power: Option<f64>,
    /// Share of them in which an effect is found though there is none.
    pub false_positives: f64,
    /// Smallest relative rise found in the wanted share of windows; `None` where no rise is.
    pub detectable: Option<f64>,
    /// Smallest p there can be: one over the markets.
    pub smallest_p: f64,
    /// Mean over windows of the root mean squared gap before, over the market's mean: how well it is followed.
    pub fit: f64,
}

/// The c-th largest ratio of the placebos, which the treated market's must exceed; refused with too few of them.
fn critical(placebo: &Placebo, alpha: f64) -> Result<f64, NotEstimable> {
    let mut ratios: Vec<f64> = placebo
        .placebos
        .iter()
        .flatten()
        .map(|s| s.ratio.unwrap_or(f64::INFINITY))
        .collect();
    let c = (alpha * (ratios.len() + 1) as f64 + 1e-9).floor() as usize;
    if c == 0 {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!(
                "with {} placebos the smallest p is {:.3}, above {alpha:.3}",
                ratios.len(),
                1.0 / (ratios.len() + 1) as f64
            ),
            format!(
                "give at least {} donors, or a lower level",
                (1.0 / alpha - 1e-9).ceil() as u64 - 1
            ),
        ));
    }
    ratios.sort_by(|a, b| b.total_cmp(a));
    Ok(ratios.get(c - 1).copied().unwrap_or(f64::INFINITY))
}

/// The effects, alike in every period after the treatment, that the placebo test does not reject. `before` as in the panel.
///
/// Refused: too few placebos for the level; gaps that vary more than any placebo's, so that no constant effect is kept.
pub fn placebo_interval(placebo: &Placebo, before: usize, level: f64) -> Result<Interval, NotEstimable> {
    check_level(level)?;
    let q = critical(placebo, 1.0 - level)?;
    let gaps = placebo.treated.gaps.get(before..).unwrap_or(&[]);
    let n = gaps.len() as f64;
    let effect = placebo.treated.effect;
    let variance = gaps.iter().map(|g| (g - effect).powi(2)).sum::<f64>() / n;
    let room = (q * placebo.treated.fit_before).powi(2) - variance;
    if room < 0.0 {
        return Err(NotEstimable::new(
            Reason::OutOfDomain,
            "every effect that is alike in all periods is rejected: the gaps after the treatment vary more than placebos'",
            "read the gaps period by period",
        ));
    }
    let half = room.sqrt();
    Ok(Interval {
        effect,
        low: effect - half,
        high: effect + half,
        level,
    })
}

/// Tries past windows of `duration` periods of a panel without treatment: `treated` is the market to be treated, `donors` the
/// others; windows with fewer than `least` periods before them are not tried. `effect` is relative, such as 0.05.
///
/// Refused: as [`placebo_test`], too few donors for `alpha`, no window.
pub fn placebo_power(
    treated: &[f64],
    donors: &[Vec<f64>],
    (duration, least): (usize, usize),
    effect: Option<f64>,
    (alpha, power): (f64, f64),
) -> Result<Power, NotEstimable> {
    check_level(1.0 - alpha)?;
    check_level(power)?;
    let periods = treated.len();
    if duration == 0 || least < 2 || least + duration > periods {
        return Err(NotEstimable::too_few(format!(
            "{periods} periods leave no window of {duration} after {least} periods"
        )));
    }
    if donors.iter().any(|d| d.len() != periods) {
        return Err(NotEstimable::out_of_domain(
            format!("not every donor has {periods} periods"),
            "leave out donors with missing periods",
        ));
    }
    if effect.is_some_and(|e| !e.is_finite()) {
        return Err(NotEstimable::not_finite("the effect is not finite"));
    }
    let mut roots = Vec::new();
    let mut fit = 0.0;
    let mut smallest = 1.0f64;
    let mut quadratics = Vec::new();
    for end in least + duration..=periods {
        let before = end - duration;
        let panel = Panel {
            treated: treated[..end].to_vec(),
            donors: donors.iter().map(|d| d[..end].to_vec()).collect(),
            before,
        };
        let found = placebo_test(&panel, &Match::Outcomes, None)?;
        let limit = (critical(&found, alpha)? * found.treated.fit_before).powi(2);
        let pairs = found.treated.gaps[before..].iter().zip(&panel.treated[before..]);
        let n = duration as f64;
        let (mut a, mut b, mut c) = (0.0, 0.0, -limit);
        for (g, y) in pairs {
            a += y * y / n;
            b += g * y / n;
            c += g * g / n;
        }
        // Found where aδ² + 2bδ + c > 0.
        let root = if c > 0.0 {
            0.0
        } else if a > 0.0 {
            ((b * b - a * c).sqrt() - b) / a
        } else {
            f64::INFINITY
        };
        roots.push(root);
        quadratics.push((a, b, c));
        smallest = smallest.min(1.0 / found.ranked as f64);
        let mean = panel.treated.iter().sum::<f64>() / end as f64;
        fit += found.treated.fit_before / mean.abs();
    }
    let windows = roots.len() as f64;
    roots.sort_by(f64::total_cmp);
    let wanted = ((power * windows - 1e-9).ceil() as usize).clamp(1, roots.len()) - 1;
    let share = |delta: f64| {
        let found = quadratics
            .iter()
            .filter(|(a, b, c)| (a * delta + 2.0 * b) * delta + c > 0.0)
            .count();
        found as f64 / windows
    };
    Ok(Power {
        windows: roots.len() as u64,
        power: effect.map(share),
        false_positives: share(0.0),
        detectable: roots.get(wanted).copied().filter(|r| r.is_finite()),
        smallest_p: smallest,
        fit: fit / windows,
    })
}
