//! `/ledger/{seq}`: one event, and its place in the chain.

use axum::extract::{Path, State as Shared};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::Value;
use steward_capabilities::CapabilityError;
use steward_capabilities::governance::{self, Decision, DecisionFilter, PlanView};
use steward_ledger::{Event, Filter};

use super::layout::{badge, page};
use super::ledger::erased;
use super::parts;
use crate::State;
use crate::error::ErrorPage;
use crate::format;

/// The page, or JSON.
pub async fn show(Shared(state): Shared<State>, Path(segment): Path<String>) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (number, json) = match segment.strip_suffix(".json") {
        Some(number) => (number, true),
        None => (segment.as_str(), false),
    };
    let ledger = &loaded.context.ledger;
    let unknown = || CapabilityError::Unknown {
        kind: "event".into(),
        name: number.to_string(),
        near: None,
    };
    let sequence: u64 = number.parse().ok().filter(|n| *n > 0).ok_or_else(unknown)?;
    let filter = Filter {
        before: Some(sequence.saturating_add(2)),
        last: Some(3),
        ..Filter::default()
    };
    let around = ledger.read(&filter).await.map_err(CapabilityError::from)?;
    let find = |n: u64| around.iter().find(|e| e.sequence == n);
    let Some(event) = find(sequence) else {
        return Err(unknown().into());
    };
    if json {
        return Ok(parts::json(event)?);
    }
    let erasure = match erased(event) {
        true => {
            let filter = Filter {
                kind: Some("private.erased".into()),
                after: Some(sequence),
                ..Filter::default()
            };
            let all = ledger.read(&filter).await.map_err(CapabilityError::from)?;
            all.into_iter()
                .find(|e| e.payload.get("sequence").and_then(Value::as_u64) == Some(sequence))
        }
        false => None,
    };
    let decisions = governance::decisions(&loaded.context, &DecisionFilter::default(), None).await?;
    let decision = decisions.iter().find(|d| d.sequence == sequence);
    let before = find(sequence - 1);
    let after = find(sequence + 1);
    Ok(page(
        &loaded,
        "/ledger",
        &format!("Event {sequence}"),
        html! {
            div.crumbs { a href="/ledger" { "Ledger" } " / event" }
            h1 { "#" (sequence) " " (event.kind) }
            p.note { "Also as " a href={ "/ledger/" (sequence) ".json" } { "JSON" } }
            div.card { dl.facts {
                dt { "About" } dd { (parts::subject(&loaded, &event.subject)) }
                dt { "Who" } dd { (event.actor) }
                dt { "When" } dd { time { (format::minute(event.at_us)) } }
                dt { "Id" } dd { code { (event.id) } }
            } }
            @if let Some(d) = decision { h2 { "Decision" } (decided(d)) }
            @if let Some(plan) = plan(event) { h2 { "Definitions" } (super::plan::changes(&loaded, &plan)) }
            h2 { "What stands in the chain" }
            div.card { (document("Payload", &event.payload, &format!("/ledger/{sequence}.json"))) }
            h2 { "What stands beside it" }
            div.card { (private(event, erasure.as_ref())) }
            h2 { "Hash chain" }
            (chain(before, event, after))
        },
    )
    .into_response())
}

fn decided(d: &Decision) -> Markup {
    html! { div.card {
        p { (parts::decision(d)) }
        @if let Some(verdict) = &d.verdict { p { span.soft { "The verdict then: " } (verdict) } }
        @if !d.policy.is_empty() { div.scroll tabindex="0" role="region" aria-label="Rules checked" { table {
            thead { tr { th scope="col" { "Rule" } th scope="col" { "Outcome" } th scope="col" { "How" } } }
            tbody { @for p in &d.policy { tr {
                th scope="row" { (p.rule) }
                td { (badge(match p.outcome.as_str() { "met" => "good", "waived" => "warn", _ => "" }, &p.outcome)) }
                td { (p.detail) }
            } } }
        } } }
    } }
}

/// What an application of definitions changed.
fn plan(event: &Event) -> Option<PlanView> {
    serde_json::from_value(event.payload.get("plan")?.clone()).ok()
}

/// JSON under a heading; what is long is folded, and what is longer stands at `whole` only.
pub fn document(title: &str, value: &Value, whole: &str) -> Markup {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let count = format::grouped(text.len() as i64);
    if text.len() > 60_000 {
        return html! { p.note { (title) ": " (count) " characters, in full as " a href=(whole) { "JSON" } } };
    }
    let long = text.len() > 4_000;
    html! { details.data open[!long] {
        summary { (title) @if long { ", " (count) " characters" } }
        pre tabindex="0" { (text) }
    } }
}

fn private(event: &Event, erasure: Option<&Event>) -> Markup {
    html! {
        @match (&event.private, &event.commitment) {
            (Some(value), commitment) => {
                (document("Private payload", value, &format!("/ledger/{}.json", event.sequence)))
                p.note { "It can be erased without breaking the chain, which holds only its commitment"
                    @if let Some(c) = commitment { " " code { (c) } } "." }
            },
            (None, Some(commitment)) => {
                p { (badge("warn", "erased")) " The private payload was erased."
                    @if let Some(e) = erasure { " By " (e.actor) ", " time { (format::minute(e.at_us)) } ": event " a href={ "/ledger/" (e.sequence) } { "#" (e.sequence) } "." } }
                p.note { "Its commitment stays in the chain: " code { (commitment) } }
            },
            (None, None) => { p.soft { "The event has no private payload." } },
        }
    }
}

fn chain(before: Option<&Event>, event: &Event, after: Option<&Event>) -> Markup {
    let link = |e: &Event| {
        html! { div.link { a href={ "/ledger/" (e.sequence) } { "#" (e.sequence) " " (e.kind) } code { (e.hash) } } }
    };
    html! { div.card { div.chain {
        @match before { Some(e) => (link(e)), None => div.link { span.soft { "The chain begins here" } } }
        span.arrow aria-hidden="true" { "→" }
        div.link.here { strong { "#" (event.sequence) " this event" } code { (event.hash) } }
        span.arrow aria-hidden="true" { "→" }
        @match after { Some(e) => (link(e)), None => div.link { span.soft { "The newest event" } } }
    } p.note { "Each hash is SHA-256 over the hash before it and the event's own bytes." } } }
}
