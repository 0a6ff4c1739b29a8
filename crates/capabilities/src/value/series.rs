//! How much of a metric there was, by day.

use jiff::ToSpan;
use jiff::civil::Date;
use steward_definitions::{Aggregation, Bet, MetricShape};

use crate::experiments::{day, zone};
use crate::metrics::{self, ColumnKind, MetricRequest};
use crate::{CapabilityError, Context};

/// A metric's totals by day from `from` to `to`, both inclusive, and the SQL that ran. Days without rows are not there.
pub async fn daily(
    context: &Context,
    metric: &str,
    filter: Option<&str>,
    from: Date,
    to: Date,
) -> Result<(Vec<(Date, f64)>, String), CapabilityError> {
    adds_up(context, metric)?;
    let request = MetricRequest {
        metrics: vec![metric.to_string()],
        by: vec!["time:day".into()],
        filter: filter.map(str::to_string),
        from: Some(from.to_string()),
        to: Some(to.to_string()),
        ..MetricRequest::default()
    };
    let table = metrics::query(context, &request).await?;
    let at = |kind: ColumnKind| table.columns.iter().position(|c| c.kind == kind);
    let (Some(time), Some(value)) = (at(ColumnKind::Time), at(ColumnKind::Metric)) else {
        return Err(CapabilityError::Invalid(format!(
            "metric {metric} answered without time or value"
        )));
    };
    let rows = table.rows.iter().filter_map(|row| {
        let day = row.get(time).and_then(metrics::date)?;
        let value = row.get(value).and_then(metrics::number).filter(|x| x.is_finite())?;
        Some((day, value))
    });
    Ok((rows.collect(), table.provenance.ran))
}

/// Refuses metrics whose total over days is no sum: ratios, means, medians, counts of different things.
pub fn adds_up(context: &Context, metric: &str) -> Result<(), CapabilityError> {
    let project = &context.project;
    let found = project.metrics.get(metric).ok_or_else(|| CapabilityError::Unknown {
        kind: "metric".into(),
        name: metric.into(),
        near: crate::error::nearest(metric, project.metrics.keys()),
    })?;
    let additive = match &found.shape {
        MetricShape::Simple { measure } => project
            .semantic_models
            .values()
            .flat_map(|m| &m.measures)
            .filter(|m| m.name == measure.name)
            .all(|m| {
                matches!(
                    m.aggregation,
                    Aggregation::Sum | Aggregation::Count | Aggregation::SumBoolean
                )
            }),
        _ => false,
    };
    if additive {
        return Ok(());
    }
    Err(CapabilityError::Invalid(format!(
        "metric {metric} does not add up over days (it is no plain sum or count), so that a lift of it has no total: \
         bet on a metric that does, such as its numerator"
    )))
}

/// Today, in the project's time zone.
pub fn today(context: &Context) -> Result<Date, CapabilityError> {
    day(context.now_us, &zone(&context.project.settings)?)
        .ok_or_else(|| CapabilityError::Invalid(format!("{} is no moment of the calendar", context.now_us)))
}

/// A year of a bet's metric before today.
pub async fn yearly(context: &Context, bet: &Bet) -> Result<f64, CapabilityError> {
    let last = today(context)?.saturating_sub(1.day());
    let first = last.saturating_sub(364.days());
    let (days, _) = daily(context, &bet.metric, bet.filter.as_deref(), first, last).await?;
    let Some((begin, _)) = days.first() else {
        return Err(CapabilityError::Invalid(format!(
            "metric {} has no value in the year before {last}",
            bet.metric
        )));
    };
    let covered = (begin.duration_until(last).as_hours() as f64 / 24.0 + 1.0).max(1.0);
    let total: f64 = days.iter().map(|d| d.1).sum();
    Ok(total * 365.0 / covered)
}
