//! `/runs`: what runs logged, by run group; a run with its parameters, metrics and curves.

use std::collections::BTreeSet;

use axum::extract::{Path, Query, State as Shared};
use maud::{Markup, html};
use serde::Deserialize;
use steward_capabilities::CapabilityError;
use steward_runs::grammar::{RUNS, parse_filter, parse_order};
use steward_runs::{Group, HistoryPoint, Run, RunSearch, RunStore, RunsError, View};

use super::layout::{badge, page};
use super::parts;
use crate::State;
use crate::error::ErrorPage;
use crate::format;

/// Runs of a page.
const PAGE: usize = 50;
/// Points of a curve.
const POINTS: i64 = 400;
/// Curves of a run.
const CURVES: usize = 12;

/// What is shown; all of it in the address.
#[derive(Debug, Deserialize)]
pub struct Asked {
    #[serde(default)]
    group: String,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    from: usize,
}

impl Asked {
    fn group(&self) -> Option<i64> {
        self.group.parse().ok()
    }
}

async fn store(state: &State) -> Result<&RunStore, ErrorPage> {
    state.tracking().store().await.map_err(room)
}

fn room(e: RunsError) -> ErrorPage {
    ErrorPage(CapabilityError::Runs(e))
}

/// `GET /runs`.
pub async fn list(Shared(state): Shared<State>, Query(asked): Query<Asked>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let store = store(&state).await?;
    let groups = store.groups().await.map_err(room)?;
    let groups: Vec<&Group> = groups.iter().filter(|g| g.deleted_ms.is_none()).collect();
    let chosen: Vec<i64> = match asked.group() {
        Some(id) => vec![id],
        None => groups.iter().map(|g| g.id).collect(),
    };
    let read = || -> Result<RunSearch, RunsError> {
        Ok(RunSearch {
            groups: chosen.clone(),
            filter: parse_filter(&RUNS, &asked.filter)?,
            view: View::Active,
            orders: match asked.sort.is_empty() {
                true => Vec::new(),
                false => vec![parse_order(&RUNS, &asked.sort)?],
            },
            offset: asked.from,
            limit: PAGE,
        })
    };
    let (runs, more, problem) = match read() {
        Ok(search) => {
            let found = store.search_runs(search).await.map_err(room)?;
            (found.items, found.more, None)
        }
        Err(e) => (Vec::new(), false, Some(e.to_string())),
    };
    let content = html! {
        h1 { "Runs" }
        form.filters action="/runs" {
            label { "Run group " select name="group" {
                option value="" { "all" }
                @for g in &groups { option value=(g.id) selected[asked.group() == Some(g.id)] { (g.name) } }
            } }
            label { "Filter " input name="filter" size="40" value=(asked.filter) placeholder="metrics.rmse < 1 AND params.model = 'tree'"; }
            label { "Order " input name="sort" value=(asked.sort) placeholder="metrics.rmse DESC"; }
            button { "Show" }
        }
        @if let Some(problem) = &problem { p { (badge("bad", "filter")) " " (problem) } }
        @else if runs.is_empty() { p.soft { "No run is here. Set MLFLOW_TRACKING_URI to this server's address, and log one." } }
        @else { (table(&groups, &runs)) }
        @if more { p { a href=(next(&asked)) { "Further runs" } } }
    };
    Ok(page(&loaded, "/runs", "Runs", content))
}

fn next(asked: &Asked) -> String {
    let from = (asked.from + PAGE).to_string();
    format!(
        "/runs{}",
        parts::query(&[
            ("group", &asked.group),
            ("filter", &asked.filter),
            ("sort", &asked.sort),
            ("from", &from)
        ])
    )
}

/// Names that most of the runs have, at most so many.
fn common<'a>(names: impl Iterator<Item = &'a String>, most: usize) -> Vec<&'a str> {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let mut all: Vec<(&str, usize)> = counts.into_iter().collect();
    all.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let chosen: BTreeSet<&str> = all.into_iter().take(most).map(|(name, _)| name).collect();
    chosen.into_iter().collect()
}

fn table(groups: &[&Group], runs: &[Run]) -> Markup {
    let metrics = common(runs.iter().flat_map(|r| r.metrics.keys()), 6);
    let params = common(runs.iter().flat_map(|r| r.params.keys()), 6);
    let group = |id: i64| groups.iter().find(|g| g.id == id).map_or("", |g| g.name.as_str());
    html! {
        div.card.wide { table {
            thead { tr {
                th { "Run" } th { "Group" } th { "Status" } th { "Started" }
                @for m in &metrics { th.num { (m) } }
                @for p in &params { th { (p) } }
            } }
            tbody { @for run in runs { tr {
                td { a href=(address(&run.id)) { (run.name) } }
                td { a href={ "/runs?group=" (run.group) } { (group(run.group)) } }
                td { (status(run)) }
                td { (format::minute(run.start_ms.saturating_mul(1000))) }
                @for m in &metrics { td.num { @if let Some(latest) = run.metrics.get(*m) { (number(latest.0)) } } }
                @for p in &params { td { (run.params.get(*p).map_or("", String::as_str)) } }
            } } }
        } }
    }
}

fn address(id: &str) -> String {
    format!("/runs/{}", parts::encode(id))
}

fn status(run: &Run) -> Markup {
    let tone = match run.status.name() {
        "FINISHED" => "good",
        "FAILED" | "KILLED" => "bad",
        _ => "",
    };
    badge(tone, &run.status.name().to_lowercase())
}

pub fn number(value: f64) -> String {
    match value {
        v if v.is_nan() => "NaN".into(),
        v if v != 0.0 && (v.abs() < 1e-4 || v.abs() >= 1e9) => format!("{v:.4e}"),
        v => format!("{}", (v * 1e6).round() / 1e6),
    }
}

/// `GET /runs/{id}`.
pub async fn show(Shared(state): Shared<State>, Path(id): Path<String>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let store = store(&state).await?;
    let run = store.run(&id).await.map_err(room)?;
    let group = store.group(run.group).await.map_err(room)?;
    let mut curves = Vec::new();
    for key in run.metrics.keys().take(CURVES) {
        let points = store.sampled(&run.id, key, None, POINTS).await.map_err(room)?;
        if points.len() > 1 {
            curves.push((key.as_str(), points));
        }
    }
    let content = html! {
        h1 { (run.name) " " (status(&run)) }
        p.lede {
            "Run of " a href={ "/runs?group=" (run.group) } { (group.name) } " · started " (format::minute(run.start_ms.saturating_mul(1000)))
            @if let Some(end) = run.end_ms { " · ended " (format::minute(end.saturating_mul(1000))) }
            @if !run.user.is_empty() { " · by " (run.user) }
            @if run.deleted_ms.is_some() { " · " (badge("warn", "deleted")) }
        }
        div.grid {
            section.card { h2 { "Metrics" } @if run.metrics.is_empty() { p.soft { "None." } } @else { table {
                thead { tr { th { "Metric" } th.num { "Last value" } th.num { "Step" } } }
                tbody { @for (key, latest) in &run.metrics { tr { td { (key) } td.num { (number(latest.0)) } td.num { (latest.1) } } } }
            } } }
            section.card { h2 { "Parameters" } (pairs(run.params.iter())) }
            section.card { h2 { "Tags" } (pairs(run.tags.iter())) }
            @if !run.datasets.is_empty() { section.card { h2 { "Datasets" } ul.plain {
                @for d in &run.datasets { li { (d.name) " " code { (d.digest) } @if let Some(c) = d.context() { " · " (c) } } }
            } } }
        }
        @if !curves.is_empty() {
            h2 { "Curves" }
            div.grid { @for (key, points) in &curves { section.card { h3 { (key) } (curve(key, points)) } } }
        }
        p.soft { "Files: " code { (run.artifacts) } " · id " code { (run.id) } }
    };
    Ok(page(&loaded, "/runs", &run.name, content))
}

fn pairs<'a>(all: impl ExactSizeIterator<Item = (&'a String, &'a String)>) -> Markup {
    html! {
        @if all.len() == 0 { p.soft { "None." } }
        @else { table { tbody { @for (key, value) in all { tr { th scope="row" { (key) } td { (value) } } } } } }
    }
}

/// A metric by step, as a line.
fn curve(key: &str, points: &[HistoryPoint]) -> Markup {
    let (width, height) = (300.0, 100.0);
    let there = || points.iter().filter(|p| p.value.is_finite());
    let (low, high) = there().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| {
        (l.min(p.value), h.max(p.value))
    });
    let (first, last) = (points[0].step as f64, points[points.len() - 1].step as f64);
    let along = |p: &HistoryPoint| match last > first {
        true => (p.step as f64 - first) / (last - first) * width,
        false => 0.0,
    };
    let up = |p: &HistoryPoint| match high > low {
        true => height - (p.value - low) / (high - low) * height,
        false => height / 2.0,
    };
    let odd = points.len() - there().count();
    if odd == points.len() {
        return html! { p.soft { "None of its " (odd) " points is a number: there is nothing to draw." } };
    }
    let line: Vec<String> = there().map(|p| format!("{:.1},{:.1}", along(p), up(p))).collect();
    let title = format!(
        "{key} by step, from {} to {}; between {} and {}",
        points[0].step,
        points[points.len() - 1].step,
        number(low),
        number(high)
    );
    html! {
        svg viewBox="-4 -4 308 108" role="img" aria-label=(title) width="100%" {
            polyline points=(line.join(" ")) fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke" {}
        }
        p.soft { (title) @if odd > 0 { "; " (odd) " of " (points.len()) " points are no number and left out" } }
    }
}
