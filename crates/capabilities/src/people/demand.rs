//! What initiatives ask of skills: draws from their effort ranges.
//!
//! An initiative's effort is drawn from a lognormal distribution through its 10th and 90th percentile, spread evenly over
//! the days from its start to its due day; what lies before the horizon is taken as done. Draws of an initiative are the
//! same for all its skills.

use std::collections::BTreeMap;

use jiff::civil::Date;
use steward_definitions::Initiative;
use steward_stats::rng::Rng;

use crate::{CapabilityError, Context};

/// Draws of each initiative.
pub(super) const DRAWS: usize = 2_000;
const SEED: u64 = 0x7065_6f70_6c65;
/// 90th percentile of the standard normal distribution.
const Z90: f64 = 1.281_551_565_544_600_4;

/// Person-weeks inside `[from, until)` of each initiative that has an effort range, draw by draw.
pub(super) fn draws(
    context: &Context,
    from: Date,
    until: Date,
    gaps: &mut Vec<String>,
) -> Result<BTreeMap<String, Vec<f64>>, CapabilityError> {
    let mut all = BTreeMap::new();
    for (number, (name, initiative)) in context.project.initiatives.iter().enumerate() {
        let share = inside(initiative, from, until)?;
        if share <= 0.0 {
            continue;
        }
        let Some(range) = initiative.effort_weeks else {
            gaps.push(format!("{name} has no effort range: it is not among what is asked."));
            continue;
        };
        all.insert(
            name.clone(),
            draw(range, number as u64).into_iter().map(|w| w * share).collect(),
        );
    }
    Ok(all)
}

/// The share of an initiative's days that lie in the horizon; one without days lies in it whole.
fn inside(initiative: &Initiative, from: Date, until: Date) -> Result<f64, CapabilityError> {
    let day = |text: &Option<String>| match text {
        Some(text) => text
            .parse::<Date>()
            .map(Some)
            .map_err(|e| CapabilityError::Invalid(format!("{}: {e}", initiative.meta.name))),
        None => Ok(None),
    };
    let (Some(start), Some(due)) = (day(&initiative.start)?, day(&initiative.due)?) else {
        return Ok(1.0);
    };
    let length = f64::from((due - start).get_days() + 1);
    let first = start.max(from);
    let last = due.min(until.yesterday().unwrap_or(until));
    Ok((f64::from((last - first).get_days() + 1) / length).clamp(0.0, 1.0))
}

fn draw([low, middle, high]: [f64; 3], stream: u64) -> Vec<f64> {
    if low <= 0.0 || high <= low {
        return vec![middle; DRAWS];
    }
    // Two halves that meet at the median, so that all three percentiles hold.
    let (below, above) = ((middle / low).ln() / Z90, (high / middle).ln() / Z90);
    (0..DRAWS)
        .map(|n| {
            let z = Rng::keyed(SEED, &[stream, n as u64]).normal();
            middle * (z * if z < 0.0 { below } else { above }).exp()
        })
        .collect()
}

/// The 10th, 50th and 90th percentile.
pub(super) fn percentiles(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [0.1, 0.5, 0.9].map(|p| {
        let at = p * (sorted.len().max(1) - 1) as f64;
        sorted.get(at.round() as usize).copied().unwrap_or_default()
    })
}
