//! A key result: the metric by period, where it stands between baseline and target, where it is heading.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use steward_definitions::{Direction, KeyResult, Objective};

use super::forecast::forecast;
use super::lay_out::{Layout, definitions, tables};
use super::periods::Grain;
use super::status::{KeyResultState, KeyResultStatus, SeriesPoint};
use crate::experiments::significant;
use crate::metrics::{self, ColumnKind, MetricRequest};
use crate::{CapabilityError, Context};

/// At least this probability is on track.
pub const ON_TRACK: f64 = 0.70;
/// At least this probability is at risk; below is off track.
pub const AT_RISK: f64 = 0.30;

/// Values of the metric by period, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Series {
    points: Vec<(Date, Option<f64>)>,
}

/// Evaluates a key result, from evidence where nothing it depends on has changed.
pub async fn key_result(
    context: &Context,
    objective: &Objective,
    result: &KeyResult,
    today: Date,
) -> (KeyResultStatus, bool) {
    match conclude(context, objective, result, today).await {
        Ok(found) => found,
        // One key result that cannot be computed says so; the objective shows the others.
        Err(e) => {
            let mut status = empty(context, result);
            status.verdict = format!("{} cannot be told: {e}.", result.name);
            status.problem = Some(e.to_string());
            (status, false)
        }
    }
}

async fn conclude(
    context: &Context,
    objective: &Objective,
    result: &KeyResult,
    today: Date,
) -> Result<(KeyResultStatus, bool), CapabilityError> {
    let layout = Layout::new(objective, result, today)?;
    let subject = format!("key_result/{}.{}", objective.meta.name, result.name);
    // Until the next period is complete, nothing changes but the data.
    let parameters = json!({
        "before": layout.complete.last().map(|d| layout.grain.next(*d).to_string()),
        "time_zone": context.project.settings.time_zone,
    });
    let definitions = definitions(context, &objective.meta, &result.metric);
    let tables = tables(context, &result.metric);
    let concluded = crate::evidence::conclude(context, &subject, definitions, &tables, parameters, || async {
        let (series, provenance) = series(context, result, &layout).await?;
        Ok((judge(context, result, &layout, &series), provenance))
    })
    .await?;
    let mut status = concluded.value;
    status.evidence = Some(concluded.evidence.id);
    Ok((status, concluded.reused))
}

/// The metric over the periods before and since the objective's start, complete ones only.
async fn series(context: &Context, result: &KeyResult, layout: &Layout) -> Result<(Series, Json), CapabilityError> {
    let wanted: Vec<Date> = layout.before.iter().chain(&layout.complete).copied().collect();
    let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
        return Ok((
            Series { points: Vec::new() },
            json!({ "engine": context.engine.name(), "sql": [] }),
        ));
    };
    let through = layout.grain.next(*last).saturating_sub(1.day());
    let request = MetricRequest {
        metrics: vec![result.metric.clone()],
        by: vec![format!("time:{}", result.grain)],
        filter: result.filter.clone(),
        from: Some(first.to_string()),
        to: Some(through.to_string()),
        fill: true,
        ..MetricRequest::default()
    };
    let table = metrics::query(context, &request).await?;
    let at = |kind: ColumnKind| table.columns.iter().position(|c| c.kind == kind);
    let (Some(time), Some(value)) = (at(ColumnKind::Time), at(ColumnKind::Metric)) else {
        return Err(CapabilityError::Invalid(format!(
            "metric {} answered without time or value",
            result.metric
        )));
    };
    let mut points: Vec<(Date, Option<f64>)> = wanted.into_iter().map(|d| (d, None)).collect();
    for row in &table.rows {
        let Some(day) = row.get(time).and_then(metrics::date) else {
            continue;
        };
        if let Some(point) = points.iter_mut().find(|(d, _)| *d == day) {
            point.1 = row.get(value).and_then(metrics::number).filter(|x| x.is_finite());
        }
    }
    let provenance = json!({ "engine": context.engine.name(), "sql": [table.provenance.ran], "request": request });
    Ok((Series { points }, provenance))
}

/// A metric's value for people: money (minor units) in whole units of the currency, percent as such.
fn value(x: f64, unit: Option<&str>, currency: Option<&str>) -> String {
    match unit {
        Some("currency") => {
            let digits = format!("{:.0}", (x / 100.0).abs());
            let mut grouped = String::new();
            for (i, c) in digits.chars().enumerate() {
                if i > 0 && (digits.len() - i) % 3 == 0 {
                    grouped.push(',');
                }
                grouped.push(c);
            }
            let sign = if x < 0.0 { "−" } else { "" };
            format!("{sign}{grouped} {}", currency.unwrap_or_default())
                .trim_end()
                .to_string()
        }
        Some("percent") => format!("{}%", significant(x * 100.0, 3)),
        _ => significant(x, 4),
    }
}

fn empty(context: &Context, result: &KeyResult) -> KeyResultStatus {
    let metric = context.project.metrics.get(&result.metric);
    KeyResultStatus {
        name: result.name.clone(),
        metric: result.metric.clone(),
        label: metric.and_then(|m| m.meta.label.clone()),
        unit: metric.and_then(|m| m.unit.clone()),
        grain: result.grain.clone(),
        baseline: result.baseline,
        baseline_given: result.baseline.is_some(),
        target: result.target,
        current: None,
        progress: None,
        state: KeyResultState::NotEstimable,
        verdict: String::new(),
        series: Vec::new(),
        forecast: None,
        probability: None,
        problem: None,
        evidence: None,
    }
}

/// Reads the series against baseline and target. Pure: the same series gives the same status.
fn judge(context: &Context, result: &KeyResult, layout: &Layout, series: &Series) -> KeyResultStatus {
    let mut status = empty(context, result);
    let start = layout.first;
    status.series = series
        .points
        .iter()
        .map(|(d, v)| SeriesPoint {
            start: d.to_string(),
            value: *v,
            before: *d < start,
        })
        .collect();
    let before: Vec<f64> = series
        .points
        .iter()
        .filter(|(d, _)| *d < start)
        .filter_map(|(_, v)| *v)
        .collect();
    if status.baseline.is_none() && !before.is_empty() {
        status.baseline = Some(before.iter().sum::<f64>() / before.len() as f64);
    }
    let since: Vec<(Date, Option<f64>)> = series.points.iter().filter(|(d, _)| *d >= start).copied().collect();
    status.current = since.iter().rev().find_map(|(_, v)| *v);
    let direction = match status.baseline {
        Some(b) if result.target < b => Direction::Decrease,
        Some(b) if result.target > b => Direction::Increase,
        _ => context
            .project
            .metrics
            .get(&result.metric)
            .map(|m| m.experiment.direction)
            .unwrap_or_default(),
    };
    let meets = |x: f64| match direction {
        Direction::Increase => x >= result.target,
        Direction::Decrease => x <= result.target,
    };
    if let (Some(b), Some(c)) = (status.baseline, status.current)
        && result.target != b
    {
        status.progress = Some((c - b) / (result.target - b));
    }
    let name = &result.name;
    let unit = status.unit.clone();
    let currency = context.project.settings.currency.clone();
    let shown = |x: f64| value(x, unit.as_deref(), currency.as_deref());
    let Some(last) = layout.periods.last().copied() else {
        status.problem = Some(format!("no whole {} lies within the objective's period", result.grain));
        status.verdict = format!(
            "{name} cannot be told: no whole {} lies within the objective's period.",
            result.grain
        );
        return status;
    };
    if layout.complete.last() == Some(&last) {
        match since.iter().find(|(d, _)| *d == last).and_then(|(_, v)| *v) {
            Some(value) if meets(value) => {
                status.state = KeyResultState::Hit;
                status.verdict = format!(
                    "{name} is hit: {} against a target of {}.",
                    shown(value),
                    shown(result.target)
                );
            }
            Some(value) => {
                status.state = KeyResultState::Missed;
                status.verdict = format!(
                    "{name} is missed: {} against a target of {}.",
                    shown(value),
                    shown(result.target)
                );
            }
            None => {
                status.problem = Some("the last period has no value".into());
                status.verdict = format!("{name} cannot be told: its last {} has no value.", result.grain);
            }
        }
        return status;
    }
    // Periods are equally spaced steps from the first one before the objective to its last.
    let values: Vec<Option<f64>> = series.points.iter().map(|(_, v)| *v).collect();
    let at = layout.before.len() + layout.periods.len() - 1;
    let season = (layout.grain == Grain::Day).then_some(7);
    match forecast(&values, at, result.target, direction, season) {
        Ok(found) => {
            let p = found.probability;
            status.state = if p >= ON_TRACK {
                KeyResultState::OnTrack
            } else if p >= AT_RISK {
                KeyResultState::AtRisk
            } else {
                KeyResultState::OffTrack
            };
            let now = status.current.map_or("no value yet".to_string(), shown);
            status.verdict = format!(
                "{name} is {}: {now} now, {} expected in the last {} ({} to {}), target {}; probability to hit {:.0}%.",
                status.state.words(),
                shown(found.estimate.point),
                result.grain,
                shown(found.estimate.low),
                shown(found.estimate.high),
                shown(result.target),
                p * 100.0
            );
            status.forecast = Some(found.estimate);
            status.probability = Some(p);
        }
        Err(e) => {
            status.verdict = format!("{name} cannot be told yet: {}; {}.", e.detail, e.fix);
            status.problem = Some(e.to_string());
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn values_for_people() {
        assert_eq!(value(27_295_264.0, Some("currency"), Some("EUR")), "272,953 EUR");
        assert_eq!(value(-12_300.0, Some("currency"), None), "−123");
        assert_eq!(value(0.04243, Some("percent"), None), "4.24%");
        assert_eq!(value(4.4512, None, None), "4.451");
    }
}
