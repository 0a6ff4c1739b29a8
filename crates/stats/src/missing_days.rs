//! Days on which data are missing.
//!
//! **Question.** Was nothing recorded on some days, or on one variant's days, by accident or because a pipeline failed?
//!
//! **Estimand.** For each day and variant, the chance that so few units come, given the other days and the configured split.
//!
//! **Assumptions.** Units of a day are Poisson around that weekday's median over the period (all days' median in less than two
//! weeks); within a day variants share them by weight.
//!
//! **Formula.** A day is missing when its total has a lower Poisson tail at most alpha/days under its weekday's median: a day of
//! zero in 30 expected has e⁻³⁰. A variant is missing on a day when it has none and the chance of none, (1 − w)^total, is at
//! most alpha/(days·variants). Days before the first and after the last with units are outside the period.
//!
//! **Reference.** Poisson tails with Bonferroni's correction (Dunn 1961).
//!
//! **Golden source.** `tests/golden/rates.py` (scipy `poisson`).

use serde::{Deserialize, Serialize};

use crate::{NotEstimable, dist};

/// What is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// Positions of days without any unit, between the first and the last with some.
    pub empty: Vec<usize>,
    /// Days with so few units that chance does not explain it; the empty ones that it does not explain among them.
    pub low: Vec<Low>,
    /// Variants that are missing on a day on which others came.
    pub variants: Vec<Absent>,
    /// Share of the period's days that are empty.
    pub share: f64,
    /// Longest run of empty days.
    pub longest: usize,
}

/// A day with too few units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Low {
    /// Position of the day.
    pub day: usize,
    /// Units of the day.
    pub units: u64,
    /// Median of its weekday.
    pub expected: f64,
    /// Chance of so few.
    pub p: f64,
}

/// A variant that is missing on a day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Absent {
    /// Position of the day.
    pub day: usize,
    /// Position of the variant.
    pub variant: usize,
    /// Chance of none.
    pub p: f64,
}

/// Looks through `units[variant][day]`; `weights` are the configured shares, on any scale.
pub fn missing_days(units: &[Vec<u64>], weights: &[f64], alpha: f64) -> Result<Missing, NotEstimable> {
    crate::estimate::check_level(1.0 - alpha)?;
    let days = units.first().map_or(0, Vec::len);
    if units.is_empty() || units.iter().any(|v| v.len() != days) || weights.len() != units.len() {
        return Err(NotEstimable::out_of_domain(
            format!("{} variants with {days} days, {} weights", units.len(), weights.len()),
            "give each variant its units of the same days, and a weight each",
        ));
    }
    let whole: f64 = weights.iter().sum();
    if weights.iter().any(|w| !(*w >= 0.0 && w.is_finite())) || whole <= 0.0 {
        return Err(NotEstimable::out_of_domain(
            format!("the weights are {weights:?}"),
            "give weights of 0 or more, not all 0",
        ));
    }
    let totals: Vec<u64> = (0..days).map(|d| units.iter().map(|v| v[d]).sum()).collect();
    let (Some(first), Some(last)) = (totals.iter().position(|t| *t > 0), totals.iter().rposition(|t| *t > 0)) else {
        return Err(NotEstimable::too_few("no unit came on any day"));
    };
    let span = last - first + 1;
    let empty: Vec<usize> = (first..=last).filter(|d| totals[*d] == 0).collect();
    let (mut longest, mut run) = (0, 0);
    for d in first..=last {
        run = if totals[d] == 0 { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let weekly = span >= 14;
    let median = |day: usize| {
        let mut alike: Vec<u64> = (first..=last)
            .filter(|d| !weekly || d % 7 == day % 7)
            .map(|d| totals[d])
            .collect();
        alike.sort_unstable();
        let m = alike.len() / 2;
        if alike.len() % 2 == 1 {
            alike[m] as f64
        } else {
            0.5 * (alike[m - 1] + alike[m]) as f64
        }
    };
    // The last day may not be over.
    let low = (first..last)
        .filter_map(|day| {
            let expected = median(day);
            let p = poisson_cdf(totals[day], expected);
            (expected > 0.0 && p <= alpha / span as f64).then_some(Low {
                day,
                units: totals[day],
                expected,
                p,
            })
        })
        .collect();
    let mut variants = Vec::new();
    for day in first..=last {
        for (variant, own) in units.iter().enumerate() {
            let share = weights[variant] / whole;
            let p = (totals[day] as f64 * (-share).ln_1p()).exp();
            if own[day] == 0 && totals[day] > 0 && p <= alpha / (span * units.len()) as f64 {
                variants.push(Absent { day, variant, p });
            }
        }
    }
    Ok(Missing {
        share: empty.len() as f64 / span as f64,
        empty,
        low,
        variants,
        longest,
    })
}

/// P(N ≤ k) of a Poisson: the upper tail of a gamma.
fn poisson_cdf(k: u64, mean: f64) -> f64 {
    dist::chi_square_sf(2.0 * mean, 2.0 * (k as f64 + 1.0))
}
