//! `/models`, `/k/model/{name}` and `/k/model/{name}/{version}`: which models are there, what is live, and why?

mod approval;
mod version;

use axum::extract::{Path, Query, State as Shared};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use steward_capabilities::CapabilityError;
use steward_capabilities::registry::{Model, Move, Pointer, Registered, Registry, Standing};

use super::layout::{badge, page};
use super::parts::{self, AsOf};
use crate::State;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

pub use approval::{answer, list as approvals, show as approval};
pub use version::show as version;

/// The registry now, or as of a moment.
async fn registered(
    state: &State,
    loaded: &Loaded,
    asked: &AsOf,
) -> Result<std::sync::Arc<Registered>, CapabilityError> {
    match parts::as_of(loaded, asked.text())? {
        Some(at) => Ok(std::sync::Arc::new(Registry::as_of(&loaded.context.ledger, at).await?)),
        None => state.registry().now().await,
    }
}

/// The address of a model.
fn address(name: &str) -> String {
    format!("/k/model/{}", parts::encode(name))
}

fn not_json(segment: &str) -> (&str, bool) {
    match segment.strip_suffix(".json") {
        Some(name) => (name, true),
        None => (segment, false),
    }
}

/// All models.
pub async fn list(Shared(state): Shared<State>, Query(asked): Query<AsOf>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let registered = registered(&state, &loaded, &asked).await?;
    let models: Vec<&Model> = registered
        .models
        .values()
        .map(std::convert::AsRef::as_ref)
        .filter(|m| !m.is_prompt())
        .collect();
    let now = state.registry().now_us();
    let waiting = registered
        .requests
        .values()
        .filter(|r| r.standing(now) == Standing::Waiting)
        .count();
    Ok(page(
        &loaded,
        "/models",
        "Models",
        html! {
            h1 { "Models" }
            p.lede { "What is registered, what its aliases point at, and who moved them." }
            (parts::as_of_form(asked.text()))
            @if waiting > 0 { p { a href="/approvals" { (waiting) " move(s) wait for approval" } } }
            @if models.is_empty() {
                p { "No model is registered yet. Set " code { "MLFLOW_TRACKING_URI" } " to this server's address and register one with MLflow's client." }
            } @else {
                div.scroll { table {
                    thead { tr { th { "Model" } th.num { "Latest" } th { "Aliases" } th { "In production" } th { "Registered by" } th { "Changed" } } }
                    tbody { @for m in &models { tr {
                        td { a href={ (address(&m.name)) (asked.query()) } { (m.name) } }
                        td.num { @match m.versions.keys().next_back() { Some(v) => { (v) }, None => { "none" } } }
                        td { (aliases(m)) }
                        td { (in_use(m)) }
                        td { (m.author) }
                        td { (format::minute(m.updated_us)) }
                    } } }
                } }
            }
        },
    ))
}

fn aliases(m: &Model) -> Markup {
    html! { @for (at, (alias, version)) in m.aliases.iter().enumerate() {
        @if at > 0 { ", " }
        (alias) " → " a href={ (address(&m.name)) "/" (version) } { (version) }
    } @if m.aliases.is_empty() { "none" } }
}

fn in_use(m: &Model) -> String {
    let staged = m
        .versions
        .values()
        .filter(|v| v.stage == steward_capabilities::registry::Stage::Production);
    let all: Vec<String> = staged.map(|v| v.version.to_string()).collect();
    if all.is_empty() { "none".into() } else { all.join(", ") }
}

/// One model.
pub async fn show(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let registered = registered(&state, &loaded, &asked).await?;
    let (name, json) = not_json(&segment);
    let model = registered.model(name)?;
    if json {
        return Ok(parts::json(model.as_ref())?);
    }
    let versions: Vec<_> = model.versions.values().rev().collect();
    Ok(page(
        &loaded,
        "/models",
        name,
        html! {
            p.crumbs { a href="/models" { "Models" } }
            h1 { (name) }
            @if let Some(description) = model.description.as_deref().filter(|d| !d.is_empty()) { (parts::prose(description)) }
            (parts::as_of_form(asked.text()))
            dl.facts {
                dt { "Registered" } dd { (format::minute(model.created_us)) " by " (model.author) }
                dt { "Aliases" } dd { (aliases(model)) }
                @if !model.tags.is_empty() { dt { "Tags" } dd { (tags(&model.tags)) } }
                dt { "As data" } dd { a href={ (address(name)) ".json" (asked.query()) } { "JSON" } }
            }
            h2 { "Versions" }
            @if versions.is_empty() { p { "No version yet." } } @else {
                div.scroll { table {
                    thead { tr { th.num { "Version" } th { "Aliases" } th { "Stage" } th { "Made" } th { "By" } th { "Run" } th { "Digest" } } }
                    tbody { @for v in &versions { tr {
                        td.num { a href={ (address(name)) "/" (v.version) (asked.query()) } { (v.version) } }
                        td { @for alias in model.aliases_of(v.version) { (badge("good", alias)) " " } }
                        td { (v.stage.word()) }
                        td { (format::minute(v.created_us)) }
                        td { (v.author) }
                        td { (run(v.run_id.as_deref())) }
                        td { @if let Some(digest) = &v.digest { code { (parts::short(digest)) } } }
                    } } }
                } }
            }
            h2 { "What pointed where" }
            (moves(&registered, &model.moves))
        },
    )
    .into_response())
}

/// A run, by the first digits of its id.
fn run(id: Option<&str>) -> Markup {
    html! { @match id.filter(|id| !id.is_empty()) {
        Some(id) => { a href={ "/runs/" (id) } title=(id) { code { (id.chars().take(12).collect::<String>()) } } }
        None => { "none" }
    } }
}

fn tags(tags: &std::collections::BTreeMap<String, String>) -> Markup {
    html! { ul.plain { @for (key, value) in tags { li { code { (key) } " " (value.chars().take(200).collect::<String>()) } } } }
}

/// Moves of aliases and stages, newest first.
fn moves(registered: &Registered, moves: &[Move]) -> Markup {
    let version = |v: Option<u64>| v.map_or("none".to_owned(), |v| v.to_string());
    html! {
        @if moves.is_empty() { p { "Nothing has moved yet." } } @else {
            div.scroll { table {
                thead { tr { th { "When" } th { "What" } th.num { "From" } th.num { "To" } th { "By" } th { "On" } th.num { "Event" } } }
                tbody { @for m in moves.iter().rev() { tr {
                    td { (format::minute(m.at_us)) }
                    td { @match &m.pointer { Pointer::Alias(alias) => { (alias) }, Pointer::Stage(stage) => { "stage " (stage.word()) } } }
                    td.num { (version(m.from)) }
                    td.num { (version(m.to)) }
                    td { (m.actor) }
                    td {
                        @if let Some(request) = m.request.as_ref().and_then(|id| registered.requests.get(id)) {
                            a href={ "/approvals/" (request.id) } { "approval of " (request.approvers().join(", ")) }
                        }
                        @for id in m.evidence.iter().filter_map(|e| e.get("id")?.as_str()) { " " (parts::why(id)) }
                    }
                    td.num { a href={ "/ledger/" (m.sequence) } { (m.sequence) } }
                } } }
            } }
        }
    }
}
