//! Breakdowns read with care: whether segments differ at all, and each segment's lift shrunk towards the common one.

use steward_stats::meta::heterogeneity;
use steward_stats::multiplicity;
use steward_stats::shrinkage::{Prior, shrink};

use super::readout::{Breakdown, SegmentTest};

/// Adds to each breakdown the test of its segments and their shrunk lifts, per metric and treatment; p corrected by Holm
/// over all tests of the experiment.
pub fn shrink_segments(breakdowns: &mut [Breakdown], alpha: f64) {
    for breakdown in breakdowns.iter_mut() {
        let Some(first) = breakdown.segments.first() else {
            continue;
        };
        let keys: Vec<(String, String)> = first
            .metrics
            .iter()
            .map(|m| (m.metric.clone(), m.variant.clone()))
            .collect();
        for (i, (metric, variant)) in keys.into_iter().enumerate() {
            // Relative lifts compare segments of unlike baselines; absolute ones where those cannot be had.
            for scale in ["relative", "absolute"] {
                let lifts: Vec<(usize, f64, f64)> = breakdown
                    .segments
                    .iter()
                    .enumerate()
                    .filter_map(|(at, s)| {
                        let lift = s.metrics.get(i)?;
                        let answer = if scale == "relative" {
                            &lift.relative
                        } else {
                            &lift.absolute
                        };
                        let e = answer.estimate()?;
                        Some((at, e.point, e.se))
                    })
                    .collect();
                let effects: Vec<f64> = lifts.iter().map(|l| l.1).collect();
                let errors: Vec<f64> = lifts.iter().map(|l| l.2).collect();
                let (Ok(test), Ok(shrunk)) = (
                    heterogeneity(&effects, &errors),
                    shrink(&effects, &errors, Prior::DuMouchel, 1.0 - alpha),
                ) else {
                    continue;
                };
                for ((at, ..), effect) in lifts.iter().zip(&shrunk.effects) {
                    if let Some(lift) = breakdown.segments.get_mut(*at).and_then(|s| s.metrics.get_mut(i)) {
                        lift.shrunk = Some(*effect);
                    }
                }
                breakdown.tests.push(SegmentTest {
                    metric: metric.clone(),
                    variant: variant.clone(),
                    scale: scale.to_string(),
                    segments: lifts.len() as u64,
                    q: test.q,
                    p: test.p,
                    adjusted_p: test.p,
                    differ: false,
                    common: shrunk.mean,
                    common_sd: shrunk.mean_sd,
                    tau: shrunk.tau,
                });
                break;
            }
        }
    }
    let p: Vec<f64> = breakdowns.iter().flat_map(|b| b.tests.iter().map(|t| t.p)).collect();
    // p-values of χ² are probabilities; were one not, no difference would be claimed.
    let adjusted = multiplicity::holm(&p).unwrap_or(vec![1.0; p.len()]);
    let tests = breakdowns.iter_mut().flat_map(|b| b.tests.iter_mut());
    for (test, p) in tests.zip(adjusted) {
        test.adjusted_p = p;
        test.differ = p < alpha;
    }
}
