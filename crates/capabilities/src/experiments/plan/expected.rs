//! What a power analysis promises for the planned days.

use super::{Expected, ExpectedMetric};
use crate::experiments::PowerReport;

/// Days that are shown where no end is planned.
const USUAL: i64 = 28;

/// The row of the planned days.
pub fn expected(report: &PowerReport, afterwards: bool) -> Expected {
    let days = report.planned_days.unwrap_or(USUAL);
    let metrics: Vec<ExpectedMetric> = report
        .metrics
        .iter()
        .map(|m| {
            let row = m.rows.iter().find(|r| r.days == days);
            ExpectedMetric {
                metric: m.metric.clone(),
                role: m.role,
                baseline: row.and_then(|r| r.baseline.estimate()).map(|e| e.point),
                detectable_relative: row.and_then(|r| r.detectable_relative),
                power: row.and_then(|r| r.power),
                units_needed: row.and_then(|r| r.units_needed),
                problem: m.not_estimable.as_ref().map(ToString::to_string),
            }
        })
        .collect();
    let first = report.metrics.iter().find(|m| !m.rows.is_empty());
    let rows = || first.iter().flat_map(|m| &m.rows).filter(|r| r.days <= days);
    let row = rows().find(|r| r.days == days);
    let units = row.map(|r| r.units);
    Expected {
        afterwards,
        days,
        units,
        units_per_day: units.map(|u| u / days.max(1) as f64),
        arrivals: rows().map(|r| (r.days, r.units)).collect(),
        effect: report.effect,
        effect_from: report.effect_from.clone(),
        power: report.power,
        recommended_weeks: report.recommended_weeks,
        underpowered: report.underpowered,
        source: report.source.reference.clone(),
        summary: report.summary.clone(),
        metrics,
        evidence: report.provenance.evidence.clone(),
    }
}
