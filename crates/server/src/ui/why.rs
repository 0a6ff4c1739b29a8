//! `/why/{evidence}`: why a number is what it is.

use axum::extract::{Path, State as Shared};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::Value;
use steward_capabilities::governance::{self, Why};
use steward_capabilities::reports;
use steward_definitions::Kind;

use super::event::document;
use super::layout::{badge, nouns, page};
use super::parts;
use crate::State;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// The page, or JSON.
pub async fn show(Shared(state): Shared<State>, Path(segment): Path<String>) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (id, json) = match segment.strip_suffix(".json") {
        Some(id) => (id, true),
        None => (segment.as_str(), false),
    };
    let why = governance::why(&loaded.context, id).await?;
    if json {
        return Ok(parts::json(&why)?);
    }
    let packs = citing(&loaded, &why.evidence).await?;
    Ok(page(
        &loaded,
        section(&why.subject),
        "Why?",
        html! {
            div.crumbs { "Why? / " (subject(&loaded, &why.subject)) }
            h1 { "Why this number?" }
            p.note { "Evidence " code { (why.evidence) } " · also as " a href={ "/why/" (why.evidence) ".json" } { "JSON" } }
            div class={ "card verdict " (if why.current { "good" } else { "warn" }) } {
                @if why.current { (badge("good", "current")) " " } @else { (badge("warn", "superseded")) " " }
                @match why.value.get("verdict").and_then(Value::as_str) { Some(verdict) => (verdict), None => { (subject(&loaded, &why.subject)) } }
                @if !why.current { p.note { (outdated(&why)) } }
            }
            (nouns(definitions(&loaded, &why), evidence(&loaded, &why), cited(&loaded, &why, &packs)))
            h2 { "The value" }
            div.card { (scalars(&why.value)) (document("Everything concluded", &why.value, &format!("/why/{}.json", why.evidence))) }
            h2 { "SQL" }
            @if why.sql.is_empty() { div.card { p.soft { "No query stands behind it: it was put together from other evidence." } } }
            @for (i, sql) in why.sql.iter().enumerate() {
                details.card open[i == 0] { summary { "Query " (i + 1) " of " (why.sql.len()) } pre tabindex="0" { (sql) } }
            }
        },
    )
    .into_response())
}

/// The room of what evidence is about.
fn section(subject: &str) -> &'static str {
    match subject.split('/').next().unwrap_or_default() {
        "dataset" => "/data",
        "experiment" => "/experiments",
        "key_result" => "/objectives",
        "report" => "/reports",
        _ => "/metrics",
    }
}

/// A link to what was evaluated.
fn subject(loaded: &Loaded, text: &str) -> Markup {
    if let Some(rest) = text.strip_prefix("key_result/") {
        let objectives = &loaded.context.project.objectives;
        let found = objectives
            .keys()
            .find_map(|o| Some((o, rest.strip_prefix(o.as_str())?.strip_prefix('.')?)));
        if let Some((objective, result)) = found {
            let href = format!(
                "{}#{}",
                parts::address(Kind::Objective, objective),
                parts::encode(result)
            );
            return html! { "key result " a href=(href) { (result) } " of " (parts::link(loaded, Kind::Objective, objective)) };
        }
    }
    html! { (parts::subject(loaded, text)) }
}

fn outdated(why: &Why) -> String {
    let mut changed: Vec<String> = Vec::new();
    let definitions = why
        .definitions
        .iter()
        .filter(|d| !d.current)
        .map(|d| d.reference.clone());
    changed.extend(definitions);
    changed.extend(
        why.data
            .iter()
            .filter(|d| !d.current)
            .map(|d| format!("the data of {}", d.table)),
    );
    if changed.is_empty() {
        return format!("It was computed by {}; this program is newer.", why.program);
    }
    format!("Since then changed: {}.", changed.join(", "))
}

fn definitions(loaded: &Loaded, why: &Why) -> Markup {
    html! {
        @if why.definitions.is_empty() { p.soft { "It rests on no definition." } }
        ul.plain { @for d in &why.definitions { li {
            (parts::subject(loaded, &d.reference)) " " span.soft { (d.reference.split('/').next().unwrap_or_default().replace('_', " ")) }
            @if !d.current { " " (badge("warn", "changed since")) }
            br; code title=(d.digest) { (parts::short(&d.digest)) }
            @if let Some(place) = &d.place { " " code { (place) } }
            @if let Some(owner) = &d.owner { " " span.soft { (owner) } }
        } } }
    }
}

fn evidence(loaded: &Loaded, why: &Why) -> Markup {
    let engine = why.provenance.get("engine").and_then(Value::as_str);
    html! {
        dl.facts {
            dt { "Computed" } dd { time { (format::minute(why.computed_us)) } }
            dt { "Program" } dd { (why.program) }
            dt { "Engine" } dd { (engine.unwrap_or("none")) }
            dt { "Seed" } dd { (why.seed) }
            @for (name, value) in why.parameters.as_object().into_iter().flatten() {
                @if short(value) { dt { (name.replace('_', " ")) } dd { (parameter(name, value)) } }
            }
        }
        h3 { "Data" }
        @if why.data.is_empty() { p.soft { "It read no table." } }
        ul.plain { @for d in &why.data { li {
            (parts::link(loaded, Kind::Dataset, &d.table)) " " code title=(d.digest) { (parts::short(&d.digest)) }
            @if !d.current { " " (badge("warn", "changed since")) }
        } } }
    }
}

/// Whether a parameter is read at a glance; the rest stands in the JSON.
fn short(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(all) => !all.is_empty() && all.len() <= 6 && all.iter().all(|v| v.is_string() || v.is_number()),
        Value::Object(_) => false,
        _ => true,
    }
}

fn parameter(name: &str, value: &Value) -> String {
    match value {
        Value::Number(n) if name.ends_with("_us") => n.as_i64().map_or_else(|| n.to_string(), format::minute),
        other => plain(other),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn cited(loaded: &Loaded, why: &Why, packs: &[String]) -> Markup {
    html! {
        @if why.decisions.is_empty() && packs.is_empty() { p.soft { "No decision and no pack cites it." } }
        @if !why.decisions.is_empty() { ul.plain { @for d in &why.decisions { li {
            (parts::subject(loaded, &d.subject)) ": " (parts::decision(d)) " " a href={ "/ledger/" (d.sequence) } { "#" (d.sequence) }
        } } } }
        @if !packs.is_empty() { h3 { "Packs" } ul.plain { @for name in packs { li { (parts::link(loaded, Kind::Report, name)) } } } }
    }
}

/// Reports whose newest pack shows it.
async fn citing(loaded: &Loaded, id: &str) -> Result<Vec<String>, ErrorPage> {
    let mut found = Vec::new();
    for name in loaded.context.project.reports.keys() {
        let newest = reports::history(&loaded.context, name, None).await?.pop();
        let text = newest.and_then(|p| serde_json::to_string(&p.pack).ok());
        if text.is_some_and(|t| t.contains(id)) {
            found.push(name.clone());
        }
    }
    Ok(found)
}

/// What the conclusion says in single values.
fn scalars(value: &Value) -> Markup {
    let single: Vec<(&String, &Value)> = value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, v)| !matches!(v, Value::Null | Value::Array(_) | Value::Object(_)) && *name != "verdict")
        .filter(|(_, v)| v.as_str().is_none_or(|t| t.len() <= 200))
        .collect();
    html! { @if !single.is_empty() { dl.facts { @for (name, v) in single {
        dt { (name.trim_end_matches("_us").replace('_', " ")) } dd { (parameter(name, v)) }
    } } } }
}
