//! A metric over time or by a dimension; one drawing per metric, since units differ.

use std::collections::BTreeMap;

use maud::{Markup, html};
use steward_capabilities::metrics::{ColumnKind, MetricColumn};
use steward_capabilities::reports::Chart;
use steward_compute::Value;

use super::values::{Links, as_number, cell, in_unit, plain, source};
use crate::charts::{Bar, Line, Point, Series, bars, figure, line, unfinished};

const DAY: i64 = 86_400_000_000;

/// The chart with its table.
pub fn render(chart: &Chart, currency: Option<&str>, as_of_us: i64, links: Links) -> Markup {
    let columns = &chart.table.columns;
    let heads: Vec<String> = columns
        .iter()
        .map(|c| c.label.clone().unwrap_or_else(|| c.name.clone()))
        .collect();
    let metrics: Vec<usize> = positions(columns, ColumnKind::Metric);
    html! {
        div.card {
            @for (k, metric) in metrics.iter().enumerate() {
                @let caption = if metrics.len() > 1 { format!("{}: {}", chart.title, heads[*metric]) } else { chart.title.clone() };
                @let rows = if k == 0 { table(chart, currency) } else { Vec::new() };
                @if k == 0 { (figure(&caption, picture(chart, *metric, &caption, currency, as_of_us), &heads, &rows)) }
                @else { p { strong { (caption) } } div.scroll tabindex="0" role="region" aria-label=(caption) { (picture(chart, *metric, &caption, currency, as_of_us)) } }
            }
            @if chart.mark != "bar" && open_period(chart, as_of_us).is_some() { p.note { "Dotted: the last period is not over." } }
            (source("Chart", &chart.evidence, links))
        }
    }
}

fn positions(columns: &[MetricColumn], kind: ColumnKind) -> Vec<usize> {
    columns
        .iter()
        .enumerate()
        .filter(|(_, c)| c.kind == kind)
        .map(|(i, _)| i)
        .collect()
}

/// The start of the last period, if it was not over when the pack was built.
fn open_period(chart: &Chart, as_of_us: i64) -> Option<i64> {
    let time = positions(&chart.table.columns, ColumnKind::Time).first().copied()?;
    let grain = chart.table.columns.get(time)?.grain.as_deref()?;
    let starts = chart.table.rows.iter().filter_map(|r| moment(r.get(time)?));
    unfinished(starts.max()?, grain, as_of_us)
}

/// When a period starts, microseconds since 1970 UTC.
fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::Date(days) => Some(i64::from(*days) * DAY),
        Value::Timestamp(us) => Some(*us),
        _ => None,
    }
}

fn table(chart: &Chart, currency: Option<&str>) -> Vec<Vec<String>> {
    let columns = &chart.table.columns;
    let print = |row: &Vec<Value>| {
        row.iter()
            .zip(columns)
            .map(|(v, c)| cell(v, c.unit.as_deref(), currency))
            .collect()
    };
    chart.table.rows.iter().map(print).collect()
}

fn picture(chart: &Chart, metric: usize, caption: &str, currency: Option<&str>, as_of_us: i64) -> Markup {
    let columns = &chart.table.columns;
    let unit = columns.get(metric).and_then(|c| c.unit.as_deref());
    let time = positions(columns, ColumnKind::Time).first().copied();
    let groups = positions(columns, ColumnKind::Dimension);
    let name = |row: &Vec<Value>| {
        groups
            .iter()
            .filter_map(|i| row.get(*i))
            .map(plain)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let value = |row: &Vec<Value>| row.get(metric).and_then(as_number);
    match time {
        Some(time) if chart.mark != "bar" => {
            let mut series: BTreeMap<String, Vec<Point>> = BTreeMap::new();
            for row in &chart.table.rows {
                let Some(at_us) = row.get(time).and_then(moment) else {
                    continue;
                };
                let point = Point {
                    at_us,
                    value: value(row).unwrap_or(f64::NAN),
                    band: None,
                };
                series.entry(name(row)).or_default().push(point);
            }
            let series = series.into_iter().map(|(name, mut points)| {
                points.sort_by_key(|p| p.at_us);
                Series {
                    name,
                    points,
                    dashed: false,
                }
            });
            let drawn = Line {
                title: caption.to_string(),
                series: series.collect(),
                from_zero: chart.mark == "area",
                unfinished_from: open_period(chart, as_of_us),
                ..Line::default()
            };
            line(&drawn, &|v| in_unit(v, unit, currency))
        }
        _ => {
            let label = |row: &Vec<Value>| {
                let when = time.and_then(|t| row.get(t)).map(plain);
                [when, Some(name(row))]
                    .into_iter()
                    .flatten()
                    .filter(|t| !t.is_empty())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let drawn: Vec<Bar> = chart
                .table
                .rows
                .iter()
                .filter_map(|row| {
                    let value = value(row)?;
                    Some(Bar {
                        label: label(row),
                        value,
                        text: in_unit(value, unit, currency),
                    })
                })
                .take(40)
                .collect();
            bars(caption, &drawn)
        }
    }
}
