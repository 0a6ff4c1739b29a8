//! `/metrics` and `/k/metric/{name}`: what a metric means, its values, and who relies on it.

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State as Shared};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use steward_capabilities::CapabilityError;
use steward_capabilities::experiments;
use steward_capabilities::governance;
use steward_capabilities::metrics::{self, MetricInfo, MetricRequest, MetricTable};
use steward_compute::Value;
use steward_definitions::{Direction, Kind, Reference};

use super::layout::{badge, nouns, page};
use super::lineage;
use super::parts::{self, Form};
use crate::State;
use crate::charts;
use crate::error::ErrorPage;
use crate::format;

/// The page's state, all in its address.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    grain: String,
    by: String,
    from: String,
    to: String,
    as_of: String,
}

impl Asked {
    fn query(&self) -> String {
        parts::query(&[
            ("grain", self.grain.as_str()),
            ("by", &self.by),
            ("from", &self.from),
            ("to", &self.to),
            ("as_of", &self.as_of),
        ])
    }
}

/// The catalogue.
pub async fn list(Shared(state): Shared<State>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let all = metrics::catalogue(&loaded.context.project);
    Ok(page(
        &loaded,
        "/metrics",
        "Metrics",
        html! {
            h1 { "Metrics" }
            p.lede { "Named business quantities, defined once." }
            @if all.is_empty() { p { "No metrics are defined. They live in " code { "metrics/" } "." } }
            @else { div.card { div.scroll tabindex="0" role="region" aria-label="Metrics" { table.stack {
                thead { tr { th scope="col" { "Metric" } th scope="col" { "How" } th scope="col" { "Type" } th scope="col" { "Owner" } th.num scope="col" { "Used by" } } }
                tbody { @for m in &all { tr {
                    th scope="row" { (parts::link(&loaded, Kind::Metric, &m.name)) }
                    td data-l="How" { (m.formula) @if let Some(p) = &m.problem { " " (badge("bad", "problem")) " " (p) } }
                    td data-l="Type" { (m.shape) } td data-l="Owner" { (m.owner) } td.num data-l="Used by" { (m.used_by.len()) }
                } } }
            } } } }
        },
    ))
}

/// The end of what counts: the day or moment given, or the moment as of which the page speaks, whichever is earlier.
fn until(to: Option<String>, as_of: Option<i64>) -> Result<Option<String>, CapabilityError> {
    let Some(as_of) = as_of else { return Ok(to) };
    if let Some(to) = to {
        // The day given counts whole, so it must have passed.
        let end = experiments::moment(&to, &jiff::tz::TimeZone::UTC)?;
        if end + 86_400_000_000 <= as_of {
            return Ok(Some(to));
        }
    }
    let at = jiff::Timestamp::from_microsecond(as_of)
        .map_err(|e| CapabilityError::Invalid(format!("as_of: {as_of} is no moment of the calendar: {e}")))?;
    Ok(Some(at.to_string()))
}

/// One metric.
pub async fn show(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let context = &loaded.context;
    let (name, form) = parts::form(&loaded, Kind::Metric, &segment);
    let Some(definition) = context.project.metrics.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Metric, &name).into());
    };
    let info = metrics::catalogue(&context.project)
        .into_iter()
        .find(|m| m.name == name);
    let Some(info) = info else {
        return Err(parts::unknown(&loaded, Kind::Metric, &name).into());
    };
    let given = |t: &str| Some(t.trim().to_string()).filter(|t| !t.is_empty());
    let grain = given(&asked.grain).unwrap_or_else(|| "week".into());
    let mut by = vec![format!("time:{grain}")];
    by.extend(given(&asked.by));
    let as_of = parts::as_of(&loaded, Some(&asked.as_of))?;
    let request = MetricRequest {
        metrics: vec![name.clone()],
        by,
        from: given(&asked.from),
        to: until(given(&asked.to), as_of)?,
        ..MetricRequest::default()
    };
    let subject = format!("metric/{name}");
    let filter = governance::DecisionFilter {
        subject: Some(subject.clone()),
        ..Default::default()
    };
    let (answer, decisions) = tokio::join!(
        metrics::conclude(context, &subject, &request),
        governance::decisions(context, &filter, as_of)
    );
    match (form, &answer) {
        (Form::Page, _) => {}
        (Form::Json, Ok(c)) => return Ok(parts::json(&serde_json::json!({"metric": info, "values": c.value}))?),
        (Form::Csv, Ok(c)) => return Ok(parts::csv(csv(&c.value))),
        (form, Err(e)) => return Ok(parts::problem(form, &info, e)?),
    }
    let currency = context.project.settings.currency.as_deref();
    let open = match &answer {
        Ok(c) => unfinished(
            &c.value,
            &grain,
            as_of.unwrap_or(context.now_us),
            given(&asked.to).as_deref(),
        ),
        Err(_) => None,
    };
    let values = match &answer {
        Ok(c) => chart(&c.value, &info, currency, open, &grain),
        Err(e) => html! { p { (badge("bad", "not computed")) " " (e.to_string()) } },
    };
    let reference = Reference::new(Kind::Metric, &name);
    let force = parts::in_force(&loaded, &reference, as_of).await?;
    let lineage = lineage::section(&loaded, &reference, as_of).await?;
    let facts = parts::definition(
        &definition.meta,
        &[
            ("Type", html! { (info.shape) }),
            ("Expression", html! { code { (info.formula) } }),
            (
                "Filter",
                html! { @match &definition.filter { Some(f) => code { (f) }, None => "none" } },
            ),
            ("Unit", html! { (info.unit.as_deref().unwrap_or("none")) }),
            ("Inputs", parts::links(&loaded, Kind::Metric, &info.inputs, "none")),
            (
                "Models",
                parts::links(&loaded, Kind::SemanticModel, &info.models, "none"),
            ),
            ("Datasets", parts::links(&loaded, Kind::Dataset, &info.datasets, "none")),
            ("In force", force),
        ],
    );
    let latest = match &answer {
        Ok(c) => html! {
            (newest(&c.value, &info, currency, open, &grain))
            dl.facts {
                dt { "Computed" } dd { time { (format::minute(c.evidence.computed_us)) } " " (parts::why(&c.evidence.id)) }
                dt { "Engine" } dd { (c.value.provenance.engine) }
                dt { "Periods" } dd { (c.value.rows.len()) }
            }
        },
        Err(e) => html! { p { (e.to_string()) } },
    };
    Ok(page(&loaded, "/metrics", info.label.as_deref().unwrap_or(&name), html! {
        (parts::heading(("/metrics", "Metrics"), Kind::Metric, &definition.meta, &asked.query(), html! {}))
        h2 { "Values" }
        div.card { (controls(&info, &grain, &asked)) (values) }
        (nouns(facts, latest, parts::decisions(&decisions?, "No decision on it yet.")))
        h2 { "Used by" }
        div.card { @if info.used_by.is_empty() { p.soft { "Nothing uses it." } } @else { dl.facts { @for kind in Kind::ALL {
            @let names: Vec<&String> = info.used_by.iter().filter(|r| r.kind == kind).map(|r| &r.name).collect();
            @if !names.is_empty() { dt { (kind.noun()) (if names.len() > 1 { "s" } else { "" }) } dd { (parts::links(&loaded, kind, &names, "none")) } }
        } } } }
        (lineage)
    }).into_response())
}

fn controls(info: &MetricInfo, grain: &str, asked: &Asked) -> Markup {
    html! { form.asof method="get" {
        label for="grain" { "Grain" }
        select #grain name="grain" { @for g in ["day", "week", "month"] { option value=(g) selected[g == grain] { (g) } } }
        label for="by" { "By" }
        select #by name="by" { option value="" { "nothing" }
            @for d in info.dimensions.iter().filter(|d| !d.time) { option value=(d.name) selected[d.name == asked.by] { (d.label.as_deref().unwrap_or(&d.name)) } } }
        label for="from" { "From" } input #from type="date" name="from" value=(asked.from);
        label for="to" { "To" } input #to type="date" name="to" value=(asked.to);
        label for="as_of" { "As of" } input #as_of type="date" name="as_of" value=(asked.as_of);
        button.plain type="submit" { "Show" }
    } }
}

/// A value as plain text.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Boolean(b) => b.to_string(),
        Value::Integer(i) => i.to_string(),
        Value::Number(x) => x.to_string(),
        Value::Text(t) => t.clone(),
        Value::Timestamp(us) => format::minute(*us),
        Value::Date(d) => format::day(i64::from(*d) * 86_400_000_000),
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Integer(i) => *i as f64,
        Value::Number(x) => *x,
        _ => f64::NAN,
    }
}

fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::Date(d) => Some(i64::from(*d) * 86_400_000_000),
        Value::Timestamp(us) => Some(*us),
        Value::Text(t) => experiments::moment(t, &jiff::tz::TimeZone::UTC).ok(),
        _ => None,
    }
}

/// The start of the last period of an answer if it is not over by `now` or cut by `to`.
fn unfinished(table: &MetricTable, grain: &str, now: i64, to: Option<&str>) -> Option<i64> {
    let last = table.rows.iter().filter_map(|r| moment(r.first()?)).max()?;
    // A day given as the end counts whole.
    let cut = to.and_then(|t| experiments::moment(t, &jiff::tz::TimeZone::UTC).ok());
    let until = cut.map_or(now, |c| now.min(c + 86_400_000_000));
    charts::unfinished(last, grain, until)
}

/// The value of the last whole period, and its change on the one before; only where there is one series.
fn newest(table: &MetricTable, info: &MetricInfo, currency: Option<&str>, open: Option<i64>, grain: &str) -> Markup {
    if table.columns.len() != 2 {
        return html! {};
    }
    let whole = |row: &&Vec<Value>| {
        let at = row.first().and_then(moment);
        at.is_some_and(|at| open.is_none_or(|open| at < open))
    };
    let mut values: Vec<(&Vec<Value>, f64)> = table
        .rows
        .iter()
        .filter(whole)
        .filter_map(|r| Some((r, number(r.last()?))))
        .filter(|(_, v)| v.is_finite())
        .collect();
    let Some((row, value)) = values.pop() else {
        return html! {};
    };
    let before = values.pop().map(|(_, v)| v).filter(|v| *v != 0.0);
    let good = |change: f64| (change > 0.0) == (info.direction == Direction::Increase);
    html! {
        p.soft { (grain) " of " (row.first().map(text).unwrap_or_default()) }
        p.big { (format::in_unit(value, info.unit.as_deref(), currency)) }
        @if let Some(before) = before {
            @let change = (value - before) / before.abs();
            p class=(if change == 0.0 { "soft" } else if good(change) { "good-ink" } else { "bad-ink" }) { (format::change(change)) " on the " (grain) " before" }
        }
    }
}

fn chart(table: &MetricTable, info: &MetricInfo, currency: Option<&str>, open: Option<i64>, grain: &str) -> Markup {
    let show = |v: f64| format::in_unit(v, info.unit.as_deref(), currency);
    let mut series: BTreeMap<String, Vec<charts::Point>> = BTreeMap::new();
    let mut rows = Vec::new();
    for row in &table.rows {
        let (Some(first), Some(last)) = (row.first(), row.last()) else {
            continue;
        };
        let groups: Vec<String> = row.iter().skip(1).take(row.len().saturating_sub(2)).map(text).collect();
        let name = if groups.is_empty() {
            info.name.clone()
        } else {
            groups.join(", ")
        };
        let value = number(last);
        if let Some(at_us) = moment(first) {
            series.entry(name).or_default().push(charts::Point {
                at_us,
                value,
                band: None,
            });
        }
        let mut cells = vec![text(first)];
        cells.extend(groups);
        cells.push(if value.is_finite() {
            show(value)
        } else {
            "no value".into()
        });
        rows.push(cells);
    }
    if rows.is_empty() {
        return html! { p { "There are no rows in this period." } };
    }
    let title = info.label.clone().unwrap_or_else(|| info.name.clone());
    let series = series
        .into_iter()
        .map(|(name, points)| charts::Series {
            name,
            points,
            dashed: false,
        })
        .collect();
    let line = charts::Line {
        title: title.clone(),
        series,
        unfinished_from: open,
        ..charts::Line::default()
    };
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|c| c.label.clone().unwrap_or_else(|| c.name.clone()))
        .collect();
    html! {
        (charts::figure(&title, charts::line(&line, &show), &columns, &rows))
        @if open.is_some() { p.note { "Dotted: the last " (grain) " is not over." } }
    }
}

fn csv(table: &MetricTable) -> String {
    let mut out = format::csv_line(table.columns.iter().map(|c| c.name.as_str()));
    for row in &table.rows {
        out.push_str(&format::csv_line(row.iter().map(text)));
    }
    out
}
