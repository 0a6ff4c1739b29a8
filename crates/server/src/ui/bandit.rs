//! `/k/bandit`: what each arm is worth, how often it is served, whether the best is known.

use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use maud::{Markup, html};
use steward_capabilities::bandits::{self, Readout, State as Stage};
use steward_definitions::Kind;

use super::entities::answer;
use super::layout::badge;
use super::parts::{self, AsOf};
use crate::State;
use crate::charts::{IntervalScale, interval};
use crate::error::ErrorPage;
use crate::format;

/// A bandit.
pub async fn show(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Bandit, &segment);
    let Some(bandit) = loaded.context.project.bandits.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Bandit, &name).into());
    };
    let as_of = parts::as_of(&loaded, asked.text())?;
    let read = bandits::readout(&loaded.context, &name, as_of).await;
    let facts = vec![
        ("Arms", html! { (bandit.arms.join(", ")) }),
        (
            "Plays",
            html! { (parts::link(&loaded, Kind::Dataset, &bandit.plays.dataset)) ": " code { (bandit.plays.reward) } },
        ),
        (
            "Exploration",
            html! { (format::percent(bandit.floor)) " of the traffic, spread evenly" },
        ),
        (
            "Updated",
            html! { "every " (span(bandit.every_seconds)) @if bandit.delay_seconds > 0 { ", rewards complete after " (span(bandit.delay_seconds)) } },
        ),
    ];
    let (view, evidence) = match &read {
        Ok(found) => (
            serde_json::to_value(&found.value).unwrap_or_default(),
            html! { (evidence(&found.value)) (parts::why(&found.evidence.id)) },
        ),
        Err(e) => (
            serde_json::json!({ "definition": bandit, "error": e.to_string() }),
            html! { p { (badge("bad", "not read")) " " (e) } },
        ),
    };
    answer(
        &loaded,
        Kind::Bandit,
        &bandit.meta,
        form,
        &asked,
        &view,
        facts,
        evidence,
    )
    .await
}

fn span(seconds: u64) -> String {
    let count = |n: u64, unit: &str| format!("{n} {unit}{}", if n == 1 { "" } else { "s" });
    match seconds {
        s if s % 86_400 == 0 => count(s / 86_400, "day"),
        s if s % 3600 == 0 => count(s / 3600, "hour"),
        s if s % 60 == 0 => count(s / 60, "minute"),
        s => count(s, "second"),
    }
}

fn evidence(read: &Readout) -> Markup {
    let (tone, word) = match read.recommendation.state {
        Stage::KeepRunning => ("quiet", "keep running"),
        Stage::Stop => ("good", "stop"),
        Stage::Broken => ("bad", "broken"),
    };
    let show = |x: f64| {
        if read.reward == "bernoulli" {
            format::percent(x)
        } else {
            format::number(x)
        }
    };
    let differences = read.arms.iter().filter_map(|a| a.difference.as_ref()?.estimate());
    let scale = IntervalScale::over(differences.map(|e| (e.low, e.high)));
    let good = |x: f64| if read.lower_is_better { x < 0.0 } else { x > 0.0 };
    html! {
        p { (badge(tone, word)) " " (read.recommendation.summary) }
        div.scroll tabindex="0" role="region" aria-label="Arms" { table {
            thead { tr {
                th scope="col" { "Arm" } th.num scope="col" { "Served" } th.num scope="col" { "Plays" }
                th.num scope="col" { "Value" } th.num scope="col" { "Against control" } th scope="col" { "95% interval" }
                th.num scope="col" { "Best with" } th.num scope="col" { "Plain mean" }
            } }
            tbody { @for arm in &read.arms { tr {
                th scope="row" { (arm.arm) @if arm.control { " " span.soft { "control" } } }
                td.num data-l="Served" { (format::percent(arm.weight)) }
                td.num data-l="Plays" { (format::number(arm.plays as f64)) }
                td.num data-l="Value" { (parts::answer(&arm.value, &show)) }
                td.num data-l="Against control" { @match &arm.difference { Some(d) => { (parts::answer(d, &show)) }, None => "–" } }
                td data-l="95% interval" { @if let Some(e) = arm.difference.as_ref().and_then(|d| d.estimate()) {
                    @let tone = if e.low <= 0.0 && e.high >= 0.0 { "quiet" } else if good(e.point) { "good" } else { "bad" };
                    (interval(scale, e.point, e.low, e.high, tone, &format!("{}: {} [{}, {}]", arm.arm, show(e.point), show(e.low), show(e.high))))
                } }
                td.num data-l="Best with" { @match arm.best { Some(b) => { (format::percent(b)) }, None => "–" } }
                td.num data-l="Plain mean" { @match arm.mean { Some(m) => { (show(m)) }, None => "–" } }
            } } }
        } }
        p.soft {
            (format::number(read.plays as f64)) " plays in " (read.batches) " batch" (if read.batches == 1 { "" } else { "es" })
            " until " (format::minute(read.cut_us)) ". Values are weighted by the probabilities with which arms were served; plain means are biased downwards for arms that were dropped after bad luck."
            @if let Some(split) = &read.split { " Plays follow the weights with p " (format::number(split.p)) "." }
            @if read.missing.unknown_arms > 0 { " " (read.missing.unknown_arms) " plays of unknown arms are left out." }
            @if read.missing.rewards > 0 { " " (read.missing.rewards) " plays have no reward." }
        }
        @if let Some(last) = read.weighings.last() {
            h3 { "Weights" }
            div.scroll tabindex="0" role="region" aria-label="Weights that were set" { table {
                thead { tr { th scope="col" { "Served from" } @for arm in &last.arms { th.num scope="col" { (arm) } } th.num scope="col" { "Plays" } th scope="col" { "Because" } } }
                tbody { @for w in read.weighings.iter().rev().take(20) { tr {
                    th scope="row" { a href={ "/ledger/" (w.sequence) } { (format::minute(w.from_us)) } }
                    @for (arm, share) in w.arms.iter().zip(&w.weights) { td.num data-l=(arm) { (format::percent(*share)) } }
                    td.num data-l="Plays" { (format::number(w.plays as f64)) }
                    td data-l="Because" { (w.because) }
                } } }
            } }
            @if !last.cells.is_empty() {
                h3 { "By context" }
                div.scroll tabindex="0" role="region" aria-label="Weights by context" { table {
                    thead { tr { th scope="col" { "Context" } @for arm in &last.arms { th.num scope="col" { (arm) } } } }
                    tbody { @for cell in &last.cells { tr {
                        th scope="row" { (cell.context.iter().map(|(a, v)| format!("{a} = {v}")).collect::<Vec<_>>().join(", ")) }
                        @for (arm, share) in last.arms.iter().zip(&cell.weights) { td.num data-l=(arm) { (format::percent(*share)) } }
                    } } }
                } }
            }
        }
        @else { p.soft { "No weights were set yet: arms are split evenly. Run " code { "steward bandit update " (read.bandit) } "." } }
    }
}
