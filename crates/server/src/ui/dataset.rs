//! `/k/dataset/{name}`: what is promised, whether it is kept, and what rests on it.

use axum::extract::{Path, Query, State as Shared};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use steward_capabilities::governance::{self, DecisionFilter};
use steward_capabilities::quality::{
    self, CheckOptions, CheckResult, CheckStatus, DatasetInfo, PastReport, QualityReport,
};
use steward_compute::TableFacts;
use steward_definitions::{Column, Dataset, Kind, Reference};

use super::data::{difference, standing, tone};
use super::layout::{badge, nouns, page};
use super::lineage;
use super::parts::{self, AsOf, Form};
use crate::State;
use crate::charts;
use crate::error::ErrorPage;
use crate::format;

/// Reports of the past that a page shows.
const PAST: usize = 24;

/// The page, JSON or CSV. As of a moment the contract is judged anew, over the rows of before; else the newest report
/// is shown, and nothing is computed.
pub async fn show(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let context = &loaded.context;
    let (name, form) = parts::form(&loaded, Kind::Dataset, &segment);
    let Some(dataset) = context.project.datasets.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Dataset, &name).into());
    };
    let as_of = parts::as_of(&loaded, asked.text())?;
    let info = quality::describe(context, dataset).await?;
    let mut past = quality::history(context, &name, as_of).await?;
    past.retain(|p| p.report.day.is_none());
    let mut failure = None;
    let latest = match as_of {
        None => info.last.clone(),
        Some(_) => {
            let options = CheckOptions {
                as_of_us: as_of,
                ..CheckOptions::default()
            };
            match quality::conclude(context, &name, &options).await {
                Ok(c) => Some(PastReport {
                    evidence: c.evidence.id,
                    computed_us: c.evidence.computed_us,
                    report: c.value,
                }),
                Err(e) => {
                    failure = Some(e.to_string());
                    None
                }
            }
        }
    };
    let reference = Reference::new(Kind::Dataset, &name);
    match form {
        Form::Json => {
            let graph = lineage::data(&loaded, &reference, as_of).await?;
            return Ok(parts::json(&serde_json::json!({
                "dataset": info, "contract": dataset, "report": latest, "history": past, "lineage": graph,
            }))?);
        }
        Form::Csv => return Ok(parts::csv(csv(dataset, latest.as_ref().map(|l| &l.report)))),
        Form::Page => {}
    }
    let filter = DecisionFilter {
        subject: Some(reference.to_string()),
        ..DecisionFilter::default()
    };
    let decisions = governance::decisions(context, &filter, as_of).await?;
    let force = parts::in_force(&loaded, &reference, as_of).await?;
    let lineage = lineage::section(&loaded, &reference, as_of).await?;
    let facts = context.engine.facts(&name).await.ok();
    let report = latest.as_ref().map(|l| &l.report);
    Ok(page(
        &loaded,
        "/data",
        dataset.meta.label.as_deref().unwrap_or(&name),
        html! {
            (parts::heading(("/data", "Data"), Kind::Dataset, &dataset.meta, &asked.query(), parts::as_of_form(asked.text())))
            (verdict(&info, latest.as_ref(), failure.as_deref(), as_of.is_some()))
            (nouns(
                promised(dataset, force),
                found(&info, latest.as_ref(), &past),
                html! {
                    (parts::decisions(&decisions, "No decision on it yet."))
                    form method="post" action={ (parts::address(Kind::Dataset, &name)) "/check" } { button.plain type="submit" { "Check now" } }
                },
            ))
            h2 #checks { "Checks" }
            (checks(report, &past))
            h2 #columns { "Columns" }
            div.card {
                (columns(dataset, facts.as_ref(), report))
                @if as_of.is_some() { p.note { "Types, nulls and ranges are those of the files as they are now." } }
            }
            h2 #schema { "Schema changes" }
            div.card { (schema(report, &past)) }
            (lineage)
        },
    )
    .into_response())
}

/// Checks the contract now, and shows the page.
pub async fn check(Shared(state): Shared<State>, Path(name): Path<String>) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    quality::conclude(&loaded.context, &name, &CheckOptions::default()).await?;
    Ok(Redirect::to(&format!("{}#checks", parts::address(Kind::Dataset, &name))).into_response())
}

fn verdict(info: &DatasetInfo, latest: Option<&PastReport>, failure: Option<&str>, then: bool) -> Markup {
    let (tone, word) = match (then, latest) {
        (false, _) => standing(info),
        (true, Some(l)) if l.report.ok => ("good", "kept"),
        (true, Some(_)) => ("bad", "broken"),
        (true, None) => ("warn", "not judged"),
    };
    html! { div class={ "card verdict " (tone) } {
        (badge(tone, word)) " "
        @if let Some(failure) = failure { (failure) }
        @else if let Some(problem) = info.problem.as_deref().filter(|_| !then) { (problem) }
        @else if let Some(l) = latest { (l.report.verdict) " " (parts::why(&l.evidence)) }
        @else { "Nobody has looked at it yet. Check it below, or with " code { "steward run dataset/" (info.name) } "." }
    } }
}

fn promised(dataset: &Dataset, force: Markup) -> Markup {
    let levels: Vec<String> = dataset
        .service_levels
        .iter()
        .map(|s| format!("{} {}{}", s.property, s.value, s.unit.as_deref().unwrap_or("")))
        .collect();
    let key: Vec<&str> = {
        let mut key: Vec<&Column> = dataset.columns.iter().filter(|c| c.primary_key.is_some()).collect();
        key.sort_by_key(|c| c.primary_key);
        key.into_iter().map(|c| c.name.as_str()).collect()
    };
    parts::definition(
        &dataset.meta,
        &[
            (
                "Contract",
                html! { code { (dataset.contract_id) } " " (dataset.version) ", " (dataset.status) },
            ),
            (
                "Rows lie in",
                html! { code { (dataset.location.path) } " (" (dataset.location.format) ")" },
            ),
            (
                "Key",
                html! { @if key.is_empty() { span.soft { "none" } } @else { (key.join(", ")) } },
            ),
            (
                "Promises",
                html! { @if levels.is_empty() { span.soft { "no service level" } } @else { (levels.join(", ")) } },
            ),
            ("In force", force),
        ],
    )
}

fn found(info: &DatasetInfo, latest: Option<&PastReport>, past: &[PastReport]) -> Markup {
    html! {
        dl.facts {
            dt { "Rows" } dd { @match latest.and_then(|l| l.report.rows).or(info.rows) { Some(rows) => (format::grouped(rows as i64)), None => span.soft { "not counted" } } }
            @if let Some(bytes) = info.bytes { dt { "Size" } dd { (size(bytes)) } }
            @if let Some(at) = info.modified_us { dt { "Written" } dd { (format::minute(at)) } }
            @if let Some(l) = latest {
                dt { "Checked" } dd { time { (format::minute(l.computed_us)) } " " (parts::why(&l.evidence)) }
                dt { "Judged as of" } dd { (format::minute(l.report.as_of_us)) }
                dt { "Data" } dd { code title=(l.report.data) { (parts::short(&l.report.data)) } }
            }
            dt { "Reports" } dd { (past.len()) " recorded" }
        }
        @let rows: Vec<(i64, u64)> = past.iter().filter_map(|p| Some((p.computed_us, p.report.rows?))).collect();
        @if rows.len() > 1 { (growth(&rows)) }
    }
}

fn growth(rows: &[(i64, u64)]) -> Markup {
    let points = rows.iter().map(|(at_us, rows)| charts::Point {
        at_us: *at_us,
        value: *rows as f64,
        band: None,
    });
    let line = charts::Line {
        title: "Rows at each check".into(),
        series: vec![charts::Series {
            name: "rows".into(),
            points: points.collect(),
            dashed: false,
        }],
        ..charts::Line::default()
    };
    let table: Vec<Vec<String>> = rows
        .iter()
        .map(|(at, rows)| vec![format::minute(*at), format::grouped(*rows as i64)])
        .collect();
    charts::figure(
        "Rows at each check",
        charts::line(&line, &format::number),
        &["When".into(), "Rows".into()],
        &table,
    )
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

fn word(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Passed => "passed",
        CheckStatus::Failed => "failed",
        CheckStatus::Error => "not testable",
    }
}

/// Checks, what is wrong first, each with how it came out before.
fn checks(report: Option<&QualityReport>, past: &[PastReport]) -> Markup {
    let Some(report) = report else {
        return html! { div.card { p.soft { "There is no report yet." } } };
    };
    let recent = &past[past.len().saturating_sub(PAST)..];
    let mut sorted: Vec<&CheckResult> = report.checks.iter().collect();
    sorted.sort_by_key(|c| c.status == CheckStatus::Passed);
    html! {
        div.card {
            @if report.checks.is_empty() { p.soft { "The contract promises nothing that can be checked." } }
            @else { div.scroll tabindex="0" role="region" aria-label="Checks" { table.stack.dense {
                thead { tr { th scope="col" { "Check" } th scope="col" { "Result" } th scope="col" { "Promised" } th scope="col" { "Found" }
                    th scope="col" { "Lately" } th scope="col" { "Defined in" } } }
                tbody { @for c in sorted { tr {
                    th scope="row" { (c.name) @if c.severity != "error" { br; span.soft { (c.severity) } } }
                    td data-l="Result" { (badge(tone(c.status), word(c.status))) }
                    td data-l="Promised" { (c.expected) }
                    td data-l="Found" { (c.message) }
                    td.nowrap data-l="Lately" { (lately(&c.name, recent)) }
                    td.place data-l="Defined in" { @if !c.span.file.is_empty() { code { (c.span.file) ":" (c.span.line) } } }
                } } }
            } } }
        }
        @if !past.is_empty() { details.card { summary { "History: " (past.len()) " reports" } (history(recent)) } }
    }
}

fn lately(name: &str, recent: &[PastReport]) -> Markup {
    let found: Vec<CheckStatus> = recent
        .iter()
        .filter_map(|p| p.report.checks.iter().find(|c| c.name == name))
        .map(|c| c.status)
        .collect();
    let passed = found.iter().filter(|s| **s == CheckStatus::Passed).count();
    let tones: Vec<&str> = found.iter().map(|s| tone(*s)).collect();
    html! { @if found.is_empty() { span.soft { "new" } } @else {
        (charts::strip(&tones, &format!("passed {passed} of the last {}", found.len())))
        span.soft { (passed) " of " (found.len()) }
    } }
}

fn history(recent: &[PastReport]) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label="History" { table {
        thead { tr { th scope="col" { "Checked" } th scope="col" { "Judged as of" } th scope="col" { "Contract" } th scope="col" { "Verdict" } th.num scope="col" { "Rows" } } }
        tbody { @for p in recent.iter().rev() { tr {
            th scope="row" { (format::minute(p.computed_us)) }
            td { (format::minute(p.report.as_of_us)) }
            td { (badge(if p.report.ok { "good" } else { "bad" }, if p.report.ok { "kept" } else { "broken" })) " " span.soft { (p.report.version) } }
            td { (p.report.verdict) " " (parts::why(&p.evidence)) }
            td.num { (p.report.rows.map_or("not counted".into(), |r| format::grouped(r as i64))) }
        } } }
    } } }
}

fn columns(dataset: &Dataset, facts: Option<&TableFacts>, report: Option<&QualityReport>) -> Markup {
    let known = |name: &str| facts.and_then(|f| f.columns.iter().find(|c| c.name == name));
    let failing = |name: &str| {
        let checks = report.into_iter().flat_map(|r| &r.checks);
        checks
            .filter(|c| c.column.as_deref() == Some(name) && c.status != CheckStatus::Passed)
            .count()
    };
    html! { div.scroll tabindex="0" role="region" aria-label="Columns" { table.stack.dense {
        thead { tr { th scope="col" { "Column" } th scope="col" { "Promised" } th scope="col" { "Is" } th scope="col" { "Meaning" }
            th.num scope="col" { "Nulls" } th scope="col" { "From" } th scope="col" { "To" } } }
        tbody { @for c in &dataset.columns { @let fact = known(&c.name); tr {
            th scope="row" { code { (c.name) } @if failing(&c.name) > 0 { " " (badge("bad", "failing")) } }
            td data-l="Promised" { (c.logical_type) br; span.soft { (qualities(c)) } }
            td data-l="Is" { @match fact { Some(f) => (f.data_type), None => span.soft { (if facts.is_some() { "missing" } else { "unread" }) } } }
            td data-l="Meaning" { (c.description.as_deref().unwrap_or("")) @if let Some(class) = &c.classification { " " (badge(if class == "public" || class == "internal" { "" } else { "warn" }, class)) } }
            td.num data-l="Nulls" { @match fact.and_then(|f| f.nulls) { Some(n) => (format::grouped(n as i64)), None => span.soft { "–" } } }
            td data-l="From" { (fact.and_then(|f| f.min.as_deref()).unwrap_or("–")) }
            td data-l="To" { (fact.and_then(|f| f.max.as_deref()).unwrap_or("–")) }
        } } }
    } } }
}

fn qualities(c: &Column) -> String {
    let mut all = Vec::new();
    if c.primary_key.is_some() {
        all.push("key");
    }
    if c.required {
        all.push("required");
    }
    if c.unique {
        all.push("unique");
    }
    all.join(", ")
}

/// Where the rows' columns left the contract now, and every time that this changed.
fn schema(report: Option<&QualityReport>, past: &[PastReport]) -> Markup {
    let mut changes = Vec::new();
    let mut before: Option<&PastReport> = None;
    for p in past {
        let moved = before.is_some_and(|b| b.report.schema != p.report.schema);
        if moved || (before.is_none() && !p.report.schema.is_empty()) {
            changes.push(p);
        }
        before = Some(p);
    }
    let now = report.map_or(&[][..], |r| &r.schema);
    html! {
        @if report.is_none() { p.soft { "The columns were not compared with the contract yet." } }
        @else if now.is_empty() { p { (badge("good", "as promised")) " Every column is there with its promised type." } }
        @else { ul.plain { @for d in now { li { (badge("bad", "differs")) " " (difference(d)) } } } }
        @if !changes.is_empty() {
            h3 { "When it changed" }
            ul.plain { @for p in changes.iter().rev() { li {
                time { (format::minute(p.computed_us)) } " " (parts::why(&p.evidence)) br;
                @if p.report.schema.is_empty() { span.soft { "as promised again" } }
                @for (i, d) in p.report.schema.iter().enumerate() { @if i > 0 { "; " } span.soft { (difference(d)) } }
            } } }
        }
    }
}

fn csv(dataset: &Dataset, report: Option<&QualityReport>) -> String {
    let mut out = format::csv_line([
        "part", "name", "promised", "status", "found", "measured", "severity", "file", "line",
    ]);
    for c in &dataset.columns {
        let promised = [c.logical_type.clone(), qualities(c)].join(" ");
        let line = c.span.line.to_string();
        let cells = [
            "column",
            &c.name,
            promised.trim_end(),
            "",
            "",
            "",
            "",
            &c.span.file,
            &line,
        ];
        out.push_str(&format::csv_line(cells));
    }
    for d in report.into_iter().flat_map(|r| &r.schema) {
        let text = difference(d);
        out.push_str(&format::csv_line(["schema", "", "", "differs", &text, "", "", "", ""]));
    }
    for c in report.into_iter().flat_map(|r| &r.checks) {
        let (measured, line) = (
            c.measured.map_or(String::new(), |m| m.to_string()),
            c.span.line.to_string(),
        );
        let status = word(c.status);
        out.push_str(&format::csv_line([
            "check",
            &c.name,
            &c.expected,
            status,
            &c.message,
            &measured,
            &c.severity,
            &c.span.file,
            &line,
        ]));
    }
    out
}
