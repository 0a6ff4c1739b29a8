//! Caps at percentiles of the units' values become values, which reads the facts once more.

use steward_compute::Sketch;
use steward_definitions::Cap;

use super::cells::sketches;
use super::measures::UnitMetric;
use super::query::{self, CAP_ACCURACY, Layout};
use super::reading::Runner;
use super::readout::Limits;
use crate::CapabilityError;

/// Puts the limits of some metrics at their places in `caps`, by metric and variable.
pub async fn resolve(
    runner: &mut Runner<'_>,
    layout: &Layout<'_>,
    metrics: &[UnitMetric],
    members: &[usize],
    caps: &mut [Vec<Limits>],
) -> Result<(), CapabilityError> {
    let mut by_percentile: Vec<(usize, usize, Cap)> = Vec::new();
    for &i in members {
        let (Some(metric), Some(limits)) = (metrics.get(i), caps.get_mut(i)) else {
            continue;
        };
        *limits = vec![Limits::default(); metric.caps.len()];
        for (v, (cap, limit)) in metric.caps.iter().zip(limits).enumerate() {
            let Some(cap) = cap else { continue };
            if cap.percentile.is_some() || cap.low_percentile.is_some() {
                by_percentile.push((i, v, *cap));
            }
            *limit = Limits {
                low: cap.low_value,
                high: cap.value,
            };
        }
    }
    if !by_percentile.is_empty() {
        let plain = Layout {
            dimensions: &[],
            ..*layout
        };
        let wanted: Vec<(&UnitMetric, usize)> = by_percentile
            .iter()
            .filter_map(|(i, v, _)| Some((metrics.get(*i)?, *v)))
            .collect();
        let without_zeros: Vec<bool> = by_percentile.iter().map(|(.., cap)| cap.ignore_zeros).collect();
        let query = query::buckets(&plain, &wanted, Sketch::new(CAP_ACCURACY).log_gamma())?;
        let rows = runner.run(&query).await?;
        let found = sketches(&rows, &without_zeros, CAP_ACCURACY)?;
        for ((i, v, cap), sketch) in by_percentile.iter().zip(found) {
            if let Some(limit) = caps.get_mut(*i).and_then(|all| all.get_mut(*v)) {
                *limit = Limits {
                    low: cap.low_percentile.and_then(|q| sketch.quantile(q)),
                    high: cap.percentile.and_then(|q| sketch.quantile(q)),
                };
            }
        }
    }
    Ok(())
}
