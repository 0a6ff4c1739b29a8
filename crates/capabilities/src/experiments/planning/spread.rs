//! From moments of the past to the variance of a planned comparison.

use std::collections::BTreeMap;

use steward_stats::design::{Clusters, Metric};
use steward_stats::{Estimate, Lift, Moments, NotEstimable, Reason, lift};

use super::too_few;
use crate::experiments::analyse::comparison;
use crate::experiments::cells::{Cell, Cells};
use crate::experiments::designs::OF;
use crate::experiments::measures::{Compared, UnitMetric};

/// A metric per unit, as it was.
#[derive(Clone, Debug)]
pub struct Spread {
    /// For planning.
    pub metric: Metric,
    /// Its value.
    pub baseline: Estimate,
    /// Standard deviation between units.
    pub sd: f64,
    /// Share of the variance that CUPED takes away.
    pub reduction: Option<f64>,
}

/// The spread of a metric: the past compared with itself, as a readout would compare its arms.
pub fn spread(moments: &Moments, metric: &UnitMetric, alpha: f64) -> Result<Spread, NotEstimable> {
    if moments.count() < 2 {
        return Err(too_few(format!(
            "the history of {} has {} unit(s)",
            metric.name,
            moments.count()
        )));
    }
    let raw = lift(moments, moments, &comparison(metric, false, alpha));
    let (baseline, difference) = (raw.control?, raw.absolute?);
    let sd = difference.se * (moments.count() as f64 / 2.0).sqrt();
    let reduction = (metric.cuped_days > 0)
        .then(|| lift(moments, moments, &comparison(metric, true, alpha)).variance_reduction)
        .flatten()
        .map(|r| r.clamp(0.0, 0.999_999));
    Ok(Spread {
        metric: match metric.compared {
            Compared::Proportion => Metric::Proportion { share: baseline.point },
            _ => Metric::Mean {
                mean: baseline.point,
                sd,
            },
        },
        baseline,
        sd,
        reduction,
    })
}

/// Units of arm 0 day by day, each day left out in turn.
pub fn without_a_day(cells: &Cells, metric: usize) -> Vec<Moments> {
    let days: Vec<&Moments> = cells
        .days
        .iter()
        .filter(|((_, arm), _)| *arm == 0)
        .filter_map(|(_, cell)| cell.moments.get(&metric))
        .filter(|m| m.count() > 0)
        .collect();
    let Some(first) = days.first() else {
        return Vec::new();
    };
    // Everything before a day, and everything after it: linear in the days.
    let mut after = vec![Moments::empty(first.dimension())];
    for day in days.iter().rev() {
        let mut next = after
            .last()
            .cloned()
            .unwrap_or_else(|| Moments::empty(first.dimension()));
        next.merge(day);
        after.push(next);
    }
    let mut before = Moments::empty(first.dimension());
    let mut all = Vec::with_capacity(days.len());
    for (i, day) in days.iter().enumerate() {
        let mut rest = before.clone();
        if let Some(later) = after.get(days.len() - 1 - i) {
            rest.merge(later);
        }
        all.push(rest);
        before.merge(day);
    }
    all
}

/// A quantile, as it was: the past compared with itself, its variance spread over the units whose windows have closed.
pub fn of_quantile(lift: &Lift, units: u64) -> Result<Spread, NotEstimable> {
    let (baseline, difference) = (lift.control.clone()?, lift.absolute.clone()?);
    let sd = difference.se * (units as f64 / 2.0).sqrt();
    Ok(Spread {
        metric: Metric::Mean {
            mean: baseline.point,
            sd,
        },
        baseline,
        sd,
        reduction: None,
    })
}

/// Mean size, variation of sizes and intraclass correlation of the clusters of a segment's cells (analysis of variance,
/// with the standard error of Swiger et al. 1964). Blocks of a switchback are compared within their regions.
pub fn clusters(
    segments: &BTreeMap<(String, i64), Cell>,
    metric: usize,
    unit: &UnitMetric,
) -> Result<(Clusters, f64), NotEstimable> {
    let named: Vec<(&str, &Moments)> = segments
        .iter()
        .filter(|((_, arm), _)| *arm == 0)
        .filter_map(|((name, _), cell)| Some((name.split(OF).next()?, cell.moments.get(&metric)?)))
        .filter(|(_, m)| m.count() > 0)
        .collect();
    let blocks = segments.keys().any(|(name, _)| name.contains(OF));
    let parts: Vec<&Moments> = named.iter().map(|(_, m)| *m).collect();
    // Regions, within which blocks are compared; clusters by themselves are all of one.
    let mut strata: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, (name, _)) in named.iter().enumerate() {
        strata.entry(if blocks { name } else { "" }).or_default().push(i);
    }
    let k = parts.len() as f64;
    let free = (parts.len().saturating_sub(strata.len())) as f64;
    if free < 2.0 {
        return Err(too_few(format!(
            "the history holds {} cluster(s) with units",
            parts.len()
        )));
    }
    let mut total = Moments::empty(parts.first().map_or(1, |m| m.dimension()));
    for part in &parts {
        total.merge(part);
    }
    // Scores (a − R·b)/b̄ of a ratio have the variance of its delta method.
    let ratio = unit.compared == Compared::Ratio;
    let (r, scale) = if ratio {
        (total.mean(0) / total.mean(1), total.mean(1))
    } else {
        (0.0, 1.0)
    };
    let score = |m: &Moments| {
        let b = |f: &dyn Fn() -> f64| if ratio { f() } else { 0.0 };
        let mean = (m.mean(0) - r * b(&|| m.mean(1))) / scale;
        let square = (m.cross(0, 0) - 2.0 * r * b(&|| m.cross(0, 1)) + r * r * b(&|| m.cross(1, 1))) / (scale * scale);
        (m.count() as f64, mean, square)
    };
    let scored: Vec<(f64, f64, f64)> = parts.iter().map(|m| score(m)).collect();
    let n: f64 = scored.iter().map(|s| s.0).sum();
    let (mut between, mut squares) = (0.0, 0.0);
    for members in strata.values() {
        let of = || members.iter().filter_map(|&i| scored.get(i));
        let size = of().map(|s| s.0).sum::<f64>();
        let mean = of().map(|s| s.0 * s.1).sum::<f64>() / size;
        between += of().map(|s| s.0 * (s.1 - mean).powi(2)).sum::<f64>();
        squares += of().map(|s| s.0 * s.0).sum::<f64>() / size;
    }
    let between = between / free;
    let within = scored.iter().map(|s| s.2).sum::<f64>() / (n - k).max(1.0);
    let n0 = (n - squares) / free;
    let raw = (between - within) / (between + (n0 - 1.0) * within);
    if !raw.is_finite() {
        return Err(NotEstimable::new(
            Reason::ZeroVariance,
            "the metric does not vary between clusters or within them",
            "check the metric and the cluster's dimension",
        ));
    }
    let icc = raw.clamp(0.0, 1.0);
    let factor = (1.0 - icc) * (1.0 + (n0 - 1.0) * icc);
    let se = (2.0 * (n - 1.0) / (n0 * n0 * (n - k).max(1.0) * free)).sqrt() * factor;
    let size = n / k;
    let cv = (scored.iter().map(|s| (s.0 - size).powi(2)).sum::<f64>() / (k - 1.0)).sqrt() / size;
    Ok((Clusters { size, icc, cv }, se))
}
