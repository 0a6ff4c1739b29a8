//! Inference and planning for a synthetic control: the interval that its placebos allow, and what a test would have found.
//!
//! **Question.** Which effects do the placebos leave possible? If this market were treated for so many periods, how large must
//! the effect be to be found?
//!
//! **Estimand.** The mean effect over the periods after the treatment, its interval and p. Power: share of past windows in
//! which an injected relative effect has p ≤ alpha.
//!
//! **Assumptions.** Under no effect the treated market's rank among all is uniform. Past windows are like the one to come.
//!
//! **Formula.** The test of a mean effect τ ranks |m − τ|/fit among the placebos' |m_j|/fit_j, m the mean gap after and fit
//! the root mean squared gap before; with J placebos kept and c = ⌊α(J + 1)⌋, τ is kept unless its ratio exceeds the c-th
//! largest, q: m ± q·fit. It asks of the mean alone; the rank of root mean squared gaps ([`placebo_test`]) also sees effects
//! that come and go. *Power*: each past window is treated as the test; an effect δ adds δ·ȳ to the mean gap. The detectable
//! effect is the power's quantile of the smallest δ that are found.
//!
//! **Reference.** Abadie, Diamond & Hainmueller 2010; Firpo & Possebom 2018 (inverting the placebo test).
//!
//! **Golden source.** `tests/it/geo.rs`: the test itself at the ends of the interval and at the roots; simulated coverage.

use serde::{Deserialize, Serialize};

use crate::estimate::check_level;
use crate::synthetic_control::{Match, Panel, Placebo, Synthetic, placebo_test};
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
    /// p of no mean effect: its rank among placebos.
    pub p: f64,
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

/// |mean gap after| over the fit before, of each placebo.
fn ratios(placebo: &Placebo) -> Vec<f64> {
    let of = |s: &Synthetic| {
        if s.fit_before > 0.0 {
            s.effect.abs() / s.fit_before
        } else {
            f64::INFINITY
        }
    };
    placebo.placebos.iter().flatten().map(of).collect()
}

/// The c-th largest ratio of the placebos, which the treated market's must exceed; refused with too few of them.
fn critical(placebo: &Placebo, alpha: f64) -> Result<f64, NotEstimable> {
    let mut ratios = ratios(placebo);
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

/// The mean effects that placebos allow. Refused: too few placebos for the level.
pub fn placebo_interval(placebo: &Placebo, level: f64) -> Result<Interval, NotEstimable> {
    check_level(level)?;
    let q = critical(placebo, 1.0 - level)?;
    let (effect, fit) = (placebo.treated.effect, placebo.treated.fit_before);
    let all = ratios(placebo);
    let above = all.iter().filter(|r| **r >= effect.abs() / fit).count() + 1;
    Ok(Interval {
        effect,
        low: effect - q * fit,
        high: effect + q * fit,
        level,
        p: above as f64 / (all.len() + 1) as f64,
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
    let mut lines = Vec::new();
    for end in least + duration..=periods {
        let before = end - duration;
        let panel = Panel {
            treated: treated[..end].to_vec(),
            donors: donors.iter().map(|d| d[..end].to_vec()).collect(),
            before,
        };
        let found = placebo_test(&panel, &Match::Outcomes, None)?;
        let limit = critical(&found, alpha)? * found.treated.fit_before;
        let level = panel.treated[before..].iter().sum::<f64>() / duration as f64;
        // Found where |m + δȳ| exceeds the limit.
        let gap = found.treated.effect;
        roots.push(if level != 0.0 {
            ((limit - level.signum() * gap) / level.abs()).max(0.0)
        } else {
            f64::INFINITY
        });
        lines.push((gap, level, limit));
        smallest = smallest.min(1.0 / found.ranked as f64);
        let mean = panel.treated.iter().sum::<f64>() / end as f64;
        fit += found.treated.fit_before / mean.abs();
    }
    let windows = roots.len() as f64;
    roots.sort_by(f64::total_cmp);
    let wanted = ((power * windows - 1e-9).ceil() as usize).clamp(1, roots.len()) - 1;
    let share = |delta: f64| {
        let found = lines
            .iter()
            .filter(|(gap, level, limit)| (gap + delta * level).abs() > *limit)
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
