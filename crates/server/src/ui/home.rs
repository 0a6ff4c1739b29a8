//! `/`: what needs someone today.

use axum::extract::State as Shared;
use maud::{Markup, html};
use steward_capabilities::experiments::ExperimentStatus;
use steward_capabilities::governance::{self, DecisionFilter, Waiting};
use steward_capabilities::portfolio;
use steward_definitions::Kind;

use super::layout::{badge, page};
use super::parts;
use crate::State;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// Home.
pub async fn home(Shared(state): Shared<State>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let context = &loaded.context;
    let recent = DecisionFilter {
        last: Some(6),
        ..DecisionFilter::default()
    };
    let (waiting, objectives, decisions, readouts) = tokio::join!(
        governance::waiting(context),
        portfolio::objectives(context, None),
        governance::decisions(context, &recent, None),
        super::experiments::latest(context),
    );
    let (waiting, objectives, decisions) = (waiting?, objectives?, decisions?);
    let running = readouts
        .iter()
        .filter(|r| r.status == Some(ExperimentStatus::Running))
        .count();
    Ok(page(
        &loaded,
        "/",
        "Home",
        html! {
            h1 { "Decisions needed today" }
            p.lede { (waiting.len()) " waiting · " (running) (if running == 1 { " experiment running" } else { " experiments running" }) " · data as of " (format::day(context.now_us)) }
            @if waiting.is_empty() { div.card { p { "Nothing waits for a decision." } } }
            @else { div.card { ul.plain.waiting { @for w in &waiting { li { (row(w)) } } } } }
            @if !loaded.diagnostics.is_empty() || !loaded.unreadable.is_empty() { (problems(&loaded)) }
            h2 { a href="/objectives" { "Objectives" } }
            @if objectives.is_empty() { p.soft { "No objectives are defined." } }
            div.grid { @for o in &objectives { (super::objectives::card(o)) } }
            h2 { a href="/experiments" { "Experiments" } }
            @if readouts.is_empty() { p.soft { "No experiments are defined." } }
            @else { div.card { (super::experiments::table(&loaded, &readouts, false)) } }
            h2 { a href="/ledger?kind=decision." { "Recent decisions" } }
            div.card {
                @if decisions.is_empty() { p.soft { "No decisions yet." } }
                @else { ul.plain { @for d in &decisions { li { (parts::subject(&loaded, &d.subject)) ": " (parts::decision(d)) } } } }
            }
        },
    ))
}

fn row(w: &Waiting) -> Markup {
    let tone = match w.urgency.as_str() {
        "urgent" => "bad",
        "soon" => "warn",
        _ => "",
    };
    let href = match w.kind.parse::<Kind>() {
        Ok(kind) => parts::address(kind, &w.name),
        Err(_) if w.kind == "plan" => "/plan".to_string(),
        Err(_) => "/ledger".to_string(),
    };
    html! {
        span.urgency { (badge(tone, &w.urgency)) }
        div { a href=(href) { (w.what) } br; span.soft { (w.why) } }
        span.soft.who {
            @if let Some(owner) = &w.owner { (owner) }
            @if let Some(day) = &w.deadline { br; "by " time { (day) } }
        }
    }
}

fn problems(loaded: &Loaded) -> Markup {
    html! {
        h2 { "Problems" }
        div.card { ul.plain {
            @for (name, why) in loaded.unreadable.iter() {
                li { (badge("bad", "unreadable")) " " (parts::link(loaded, Kind::Dataset, name)) br; span.soft { (why) } }
            }
            @for d in loaded.diagnostics.iter() {
                @let tone = if d.severity == steward_definitions::Severity::Error { "bad" } else { "warn" };
                li { (badge(tone, &d.code)) " " code { (d.span.file) ":" (d.span.line) } br; span.soft { (d.message)
                    @if let Some(expected) = &d.expected { "; expected " (expected) }
                    @if let Some(hint) = &d.hint { "; " (hint) } } }
            }
        } }
    }
}
