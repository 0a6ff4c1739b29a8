//! `/flags` and what belongs to it: who gets what, and why.

mod change;
mod page;
mod targets;
mod tester;
mod words;

use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use steward_capabilities::CapabilityError;
use steward_capabilities::flags::{self, FlagStatus, RuleState, Schedule};
use steward_definitions::Kind;

pub use change::{apply, plan, resume};
pub use page::flag;
pub use targets::{holdout, layer, segment};

use super::layout::{badge, page as laid_out};
use super::parts;
use crate::State;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// All flags with the state of their rollout, and those that should be gone.
pub async fn list(Shared(state): Shared<State>) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let live = match state.live().await {
        Ok(live) => flags::statuses(&loaded.context.ledger, &live, state.now_us()).await?,
        Err(CapabilityError::NotApplied) => Vec::new(),
        Err(e) => return Err(e.into()),
    };
    let project = &loaded.context.project;
    let waiting: Vec<&str> = project
        .flags
        .keys()
        .map(String::as_str)
        .filter(|name| !live.iter().any(|s| s.flag == **name))
        .collect();
    let stale: Vec<&FlagStatus> = live.iter().filter(|s| s.stale.is_some()).collect();
    let others = [
        (Kind::Segment, "Segments", "named groups of units"),
        (Kind::Layer, "Layers", "slices exclude each other"),
        (Kind::Holdout, "Holdouts", "units held back"),
        (Kind::Bandit, "Bandits", "splits that follow what arms have earned"),
    ];
    Ok(laid_out(
        &loaded,
        "/flags",
        "Flags",
        html! {
            h1 { "Flags" }
            p.lede { "Who gets what at run time. Applications ask through OpenFeature or a GrowthBook SDK." }
            @if project.flags.is_empty() && live.is_empty() { div.card { p { "No flags are defined. They are files in " code { "flags/" } "." } } }
            @if !live.is_empty() { div.card { div.scroll tabindex="0" role="region" aria-label="Flags" { table.stack {
                thead { tr { th scope="col" { "Flag" } th scope="col" { "State" } th scope="col" { "Who gets something else than the default" } th scope="col" { "Default" } th scope="col" { "Last change" } th scope="col" { "Owner" } } }
                tbody { @for status in &live { (row(&loaded, status)) } }
            } } } }
            @if !waiting.is_empty() { div.card { h2 { "Not in force" } p.soft { "In the folder, but not served: " a href="/plan" { "apply" } " them first." } (parts::links(&loaded, Kind::Flag, &waiting, "none")) } }
            @if !stale.is_empty() { div.card { h2 { "Flags that should be gone" }
                ul { @for s in &stale { li { (parts::link(&loaded, Kind::Flag, &s.flag)) ": " (s.stale.as_deref().unwrap_or_default()) " " span.soft { "(" (s.owner) ")" } } } }
            } }
            @for (kind, title, what) in others {
                @let names = project.names(kind);
                @if !names.is_empty() { div.card { h2 { (title) } p.soft { (what) } (parts::links(&loaded, kind, &names, "none")) } }
            }
        },
    )
    .into_response())
}

fn row(loaded: &Loaded, status: &FlagStatus) -> Markup {
    html! { tr {
        th scope="row" { (parts::link(loaded, Kind::Flag, &status.flag)) }
        td data-l="State" { (standing(status)) @if status.stale.is_some() { " " (badge("warn", "stale")) } }
        td data-l="Rules" { @if status.enabled { @for rule in &status.rules { div { (rule.rule) ": " (shares(rule)) } } } @if !status.enabled || status.rules.is_empty() { span.soft { "nobody" } } }
        td data-l="Default" { code { (status.default.to_json()) } }
        td data-l="Last change" { @match &status.changed {
            Some(c) => { a href={ "/ledger/" (c.sequence) } { time { (format::day(c.at_us)) } } " by " (c.actor) @if let Some(why) = &status.because { br; span.soft { (why) } } },
            None => span.soft { "none" },
        } }
        td data-l="Owner" { (status.owner) }
    } }
}

/// Whether it is on, and for how many.
fn standing(status: &FlagStatus) -> Markup {
    let held = status.rules.iter().any(|r| r.hold.is_some());
    let grows = |r: &RuleState| r.ramp.as_ref().is_some_and(|ramp| ramp.next_us.is_some());
    if !status.enabled {
        badge("bad", "switched off")
    } else if held {
        badge("bad", "stopped by its guard")
    } else if status.rules.is_empty() {
        badge("", "default for all")
    } else if status.rules.iter().any(|r| r.variants.len() > 1 && r.coverage > 0.0) {
        badge("good", "testing")
    } else if status.rules.iter().any(grows) {
        badge("good", "growing")
    } else {
        badge("good", "targeted")
    }
}

/// What a rule serves now, in shares.
fn shares(rule: &RuleState) -> Markup {
    html! { @match rule.schedule {
        Schedule::Waiting { from_us } => span.soft { "from " (format::minute(from_us)) },
        Schedule::Ended { until_us } => span.soft { "ended " (format::minute(until_us)) },
        Schedule::Live { .. } => { @for (at, v) in rule.variants.iter().enumerate() { @if at > 0 { ", " } (v.variant) " " (format::percent(v.share)) } },
    } }
}
