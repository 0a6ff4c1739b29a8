//! Switchback experiments: whole regions switch between treatment and control in time.
//!
//! **Question.** What would the treatment do if everyone had it, when units share a market and cannot be split?
//!
//! **Estimand.** The mean of a period's value with the whole region treated minus untreated.
//!
//! **Assumptions.** What a period inherits from the one before lasts at most the burn-in; regions do not disturb each other.
//!
//! **Formula.** Blocks are runs of periods of a region with one assignment. The first `burn_in` periods of each block after a
//! switch are left out. Then value ~ treatment + regions + seasons by least squares, with errors clustered by block (CR2,
//! Bell–McCaffrey degrees of freedom) or Newey–West along each region. Carry-over: the coefficient of the previous period's
//! treatment, over all periods that have one.
//!
//! **Reference.** Bojinov, Simchi-Levi & Zhao 2023; Hu & Wager 2022 (burn-in).
//!
//! **Golden source.** `tests/golden/designs.py` (statsmodels).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cluster::{Correction, clustered};
use crate::hac::hac;
use crate::{Estimate, NotEstimable, Reason};

/// One period of one region.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Period {
    /// The region.
    pub region: u64,
    /// Position in time; periods of a region are a step of 1 apart.
    pub time: i64,
    /// What the whole region had.
    pub treated: bool,
    /// The metric over the period.
    pub value: f64,
}

/// How errors may hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Errors {
    /// Anything inside a block.
    Blocks,
    /// Along each region, up to so many periods.
    NeweyWest {
        /// Periods.
        lags: usize,
    },
}

/// How a switchback is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Periods left out after each switch.
    pub burn_in: usize,
    /// Periods in a season (24 for hourly periods), as fixed effects by time modulo this; `None` is none.
    pub season: Option<u32>,
    /// Errors.
    pub errors: Errors,
}

/// What a switchback found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Switchback {
    /// Treated minus untreated, after burn-in.
    pub effect: Estimate,
    /// Without burn-in, for comparison.
    pub naive: Result<Estimate, NotEstimable>,
    /// Effect of the previous period's treatment: away from 0, the burn-in is needed.
    pub carry_over: Result<Estimate, NotEstimable>,
    /// Blocks that count, treated and untreated.
    pub blocks: (u64, u64),
    /// Periods used.
    pub used: u64,
    /// Periods left out by burn-in.
    pub left_out: u64,
}

/// Reads a switchback. Periods in any order.
///
/// Refused: a region's time given twice, values that are not finite, fewer than two blocks of either kind after burn-in.
pub fn switchback(periods: &[Period], plan: &Plan, level: f64) -> Result<Switchback, NotEstimable> {
    let mut sorted = periods.to_vec();
    sorted.sort_by_key(|p| (p.region, p.time));
    if let Some(w) = sorted
        .windows(2)
        .find(|w| (w[0].region, w[0].time) == (w[1].region, w[1].time))
    {
        return Err(NotEstimable::out_of_domain(
            format!("region {} has period {} twice", w[0].region, w[0].time),
            "sum the rows of a period first",
        ));
    }
    if let Some(p) = sorted.iter().find(|p| !p.value.is_finite()) {
        return Err(NotEstimable::not_finite(format!(
            "period {} of region {} is {}",
            p.time, p.region, p.value
        )));
    }
    // Block and age in it, by period; a gap in time starts a block that needs no burn-in of ours but may inherit: it gets one.
    let mut marked: Vec<(Period, u64, usize, Option<bool>)> = Vec::with_capacity(sorted.len());
    let mut block = 0;
    for p in &sorted {
        match marked.last() {
            Some((before, b, age, _)) if before.region == p.region => {
                let next = before.time + 1 == p.time;
                if next && before.treated == p.treated {
                    let (b, age) = (*b, *age + 1);
                    marked.push((*p, b, age, Some(before.treated)));
                } else {
                    block += 1;
                    let last = next.then_some(before.treated);
                    marked.push((*p, block, 0, last));
                }
            }
            _ => {
                block += 1;
                // A region's first period follows no switch.
                marked.push((*p, block, plan.burn_in, None));
            }
        }
    }
    let kept: Vec<_> = marked.iter().filter(|m| m.2 >= plan.burn_in).copied().collect();
    let mut kinds: BTreeMap<u64, bool> = BTreeMap::new();
    kept.iter().for_each(|m| {
        kinds.insert(m.1, m.0.treated);
    });
    let treated = kinds.values().filter(|t| **t).count();
    let untreated = kinds.len() - treated;
    if treated < 2 || untreated < 2 {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!("{treated} treated and {untreated} untreated blocks are left after burn-in"),
            "switch more often, run longer, or shorten the burn-in",
        ));
    }
    let lagged: Vec<_> = marked.iter().filter(|m| m.3.is_some()).copied().collect();
    Ok(Switchback {
        effect: regress(&kept, plan, level, false)?,
        naive: regress(&marked, plan, level, false),
        carry_over: regress(&lagged, plan, level, true),
        blocks: (treated as u64, untreated as u64),
        used: kept.len() as u64,
        left_out: (marked.len() - kept.len()) as u64,
    })
}

/// Coefficient of treatment, or of the previous period's treatment.
fn regress(
    rows: &[(Period, u64, usize, Option<bool>)],
    plan: &Plan,
    level: f64,
    lagged: bool,
) -> Result<Estimate, NotEstimable> {
    let indicator = |b: bool| f64::from(u8::from(b));
    let mut regions: Vec<u64> = rows.iter().map(|r| r.0.region).collect();
    regions.dedup();
    let season = |p: &Period| plan.season.filter(|s| *s > 1).map(|s| p.time.rem_euclid(i64::from(s)));
    let mut seasons: Vec<i64> = rows.iter().filter_map(|r| season(&r.0)).collect();
    seasons.sort_unstable();
    seasons.dedup();
    let x: Vec<Vec<f64>> = rows
        .iter()
        .map(|(p, _, _, last)| {
            let mut row = vec![indicator(p.treated)];
            if lagged {
                row.insert(0, indicator(last.unwrap_or(false)));
            }
            row.extend(regions.iter().skip(1).map(|r| indicator(p.region == *r)));
            row.extend(seasons.iter().skip(1).map(|s| indicator(season(p) == Some(*s))));
            row
        })
        .collect();
    let y: Vec<f64> = rows.iter().map(|r| r.0.value).collect();
    match plan.errors {
        Errors::Blocks => {
            let blocks: Vec<u64> = rows.iter().map(|r| r.1).collect();
            let found = clustered(&y, &x, true, &blocks, Correction::Cr2, level)?;
            found
                .coefficients
                .into_iter()
                .nth(1)
                .unwrap_or_else(|| Err(NotEstimable::too_few("no coefficient")))
        }
        Errors::NeweyWest { lags } => {
            let series: Vec<u64> = rows.iter().map(|r| r.0.region).collect();
            hac(&y, &x, true, &series, lags)?.coefficient(1, level)
        }
    }
}
