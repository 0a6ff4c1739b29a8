//! `/data`: every dataset, and whether it keeps its promises.

use axum::extract::{Query, State as Shared};
use maud::{Markup, html};
use serde::Deserialize;
use steward_capabilities::quality::{self, CheckStatus, DatasetInfo, QualityReport, SchemaDifference};
use steward_definitions::Kind;

use super::layout::{badge, page};
use super::parts;
use crate::State;
use crate::error::ErrorPage;
use crate::format;

/// `?show=problems`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    show: String,
}

/// Where a dataset stands: the tone and word of its badge.
pub fn standing(info: &DatasetInfo) -> (&'static str, &'static str) {
    match (&info.problem, &info.last) {
        (Some(_), _) => ("bad", "unreadable"),
        (None, None) => ("", "never checked"),
        (None, Some(last)) if !last.report.ok => ("bad", "broken"),
        (None, Some(last)) if !problems(&last.report).is_empty() => ("warn", "warnings"),
        (None, Some(_)) => ("good", "kept"),
    }
}

/// Everything that a report finds wrong, in sentences.
pub fn problems(report: &QualityReport) -> Vec<String> {
    let checks = report.checks.iter().filter(|c| c.status != CheckStatus::Passed);
    report
        .schema
        .iter()
        .map(difference)
        .chain(checks.map(|c| format!("{}: {}", c.name, c.message)))
        .collect()
}

/// A difference between promised and actual columns in a sentence.
pub fn difference(d: &SchemaDifference) -> String {
    match d {
        SchemaDifference::Missing {
            column,
            expected,
            renamed_to,
            ..
        } => match renamed_to {
            Some(now) => format!("column {column} ({expected}) is missing; it was probably renamed to {now}"),
            None => format!("column {column} ({expected}) is missing"),
        },
        SchemaDifference::Extra { column, found } => format!("column {column} ({found}) is there, but not promised"),
        SchemaDifference::Type {
            column,
            expected,
            found,
            ..
        } => format!("column {column} is {found}, promised was {expected}"),
    }
}

/// How fresh the newest report found the rows, else when the files changed.
fn freshness(info: &DatasetInfo) -> Markup {
    let check = info
        .last
        .iter()
        .flat_map(|l| &l.report.checks)
        .find(|c| c.rule == "freshness");
    html! {
        @if let Some(c) = check {
            (badge(tone(c.status), if c.status == CheckStatus::Passed { "fresh" } else { "stale" }))
            br; span.soft { (c.message) }
        } @else if let Some(at) = info.modified_us {
            span.soft { "written " (format::day(at)) }
        } @else { span.soft { "not promised" } }
    }
}

/// The tone of a check.
pub fn tone(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Passed => "good",
        CheckStatus::Failed => "bad",
        CheckStatus::Error => "warn",
    }
}

/// The catalogue.
pub async fn list(Shared(state): Shared<State>, Query(asked): Query<Asked>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let all = quality::catalogue(&loaded.context).await?;
    let count = |wanted: &[&str]| all.iter().filter(|i| wanted.contains(&standing(i).1)).count();
    let (open, never) = (count(&["unreadable", "broken", "warnings"]), count(&["never checked"]));
    let only = asked.show == "problems";
    let mut shown: Vec<&DatasetInfo> = all
        .iter()
        .filter(|i| !only || !matches!(standing(i).1, "kept" | "never checked"))
        .collect();
    shown.sort_by_key(|i| (matches!(standing(i).1, "kept" | "never checked"), i.name.clone()));
    Ok(page(
        &loaded,
        "/data",
        "Data",
        html! {
            h1 { "Data" }
            p.lede { "What do we have, who answers for it, and does it keep its promises?" }
            @if all.is_empty() {
                div.card { p { "No datasets are defined. " code { "steward init --from FILE" } " writes the first ones into " code { "datasets/" } "." } }
            } @else {
                nav.tabs aria-label="Which datasets" {
                    a href="/data" aria-current=[(!only).then_some("true")] { "All " (all.len()) }
                    a href="/data?show=problems" aria-current=[only.then_some("true")] { "With open problems " (open) }
                    @if never > 0 { span.soft { (never) " never checked: " code { "steward run" } } }
                }
                @if shown.is_empty() { div.card { p { "No dataset has an open problem." } } }
                @else { div.card { div.scroll tabindex="0" role="region" aria-label="Datasets" { table.stack {
                    thead { tr {
                        th scope="col" { "Dataset" } th scope="col" { "Contract" } th scope="col" { "Open problems" }
                        th scope="col" { "Freshness" } th.num scope="col" { "Rows" } th.num scope="col" { "Checks" } th scope="col" { "Owner" }
                        th.num scope="col" { "Used by" }
                    } }
                    tbody { @for info in shown { (row(&loaded, info)) } }
                } } } }
            }
        },
    ))
}

fn row(loaded: &crate::state::Loaded, info: &DatasetInfo) -> Markup {
    let (tone, word) = standing(info);
    let found = info.last.as_ref().map_or(Vec::new(), |l| problems(&l.report));
    html! { tr {
        th scope="row" { (parts::link(loaded, Kind::Dataset, &info.name))
            @if info.label.is_some() { br; code.soft { (info.name) } } }
        td.nowrap data-l="Contract" { (badge(tone, word)) @if let Some(last) = &info.last { br; span.soft { (format::day(last.computed_us)) } " " (parts::why(&last.evidence)) } }
        td data-l="Open problems" { @match (&info.problem, found.split_first()) {
            (Some(problem), _) => { (problem) },
            (None, Some((first, rest))) => { (first) @if !rest.is_empty() { " " a href={ (parts::address(Kind::Dataset, &info.name)) "#checks" } { "and " (rest.len()) " more" } } },
            (None, None) => { span.soft { "none" } },
        } }
        td data-l="Freshness" { (freshness(info)) }
        td.num data-l="Rows" { @match info.rows.or(info.last.as_ref().and_then(|l| l.report.rows)) { Some(rows) => (format::grouped(rows as i64)), None => span.soft { "not counted" } } }
        td.num.minor data-l="Checks" { (info.checks) }
        td data-l="Owner" { (info.owner) }
        td.num.minor data-l="Used by" { (info.used_by.len()) }
    } }
}
