//! `/reports` and `/k/report/{name}`: packs, or what keeps them from being built.

use axum::extract::{Path, Query, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use steward_capabilities::CapabilityError;
use steward_capabilities::governance::{self, DecisionFilter};
use steward_capabilities::reports::{self, PastPack, SectionContent};
use steward_definitions::{BlockContent, Diagnostic, Kind, Reference, Report};

use super::layout::{badge, nouns, page};
use super::parts::{self, AsOf, Form};
use super::{lineage, metrics};
use crate::State;
use crate::error::ErrorPage;
use crate::format;
use crate::pack;
use crate::state::Loaded;

/// All reports with their newest packs.
pub async fn list(Shared(state): Shared<State>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let mut all = Vec::new();
    for (name, report) in &loaded.context.project.reports {
        all.push((report, newest(&loaded, name, None).await?));
    }
    Ok(page(
        &loaded,
        "/reports",
        "Reports",
        html! {
            h1 { "Reports" }
            p.lede { "What the organisation shows its executives. A figure that is stale, missing or unowned fails the build." }
            @if all.is_empty() { div.card { p { "No reports are defined. They are Markdown files in " code { "reports/" } "." } } }
            @else { div.card { div.scroll tabindex="0" role="region" aria-label="Reports" { table.stack {
                thead { tr { th scope="col" { "Report" } th scope="col" { "Pack" } th scope="col" { "Built" } th scope="col" { "Data before" } th.num scope="col" { "Blocks" } th scope="col" { "Owner" } } }
                tbody { @for (report, pack) in &all { tr {
                    th scope="row" { (parts::link(&loaded, Kind::Report, &report.meta.name)) }
                    td data-l="Pack" { (standing(report, pack.as_ref())) }
                    td data-l="Built" { @match pack { Some(p) => { (format::minute(p.computed_us)) " " (parts::why(&p.evidence)) }, None => span.soft { "never" } } }
                    td data-l="Data before" { @match pack { Some(p) => (format::minute(p.pack.as_of_us)), None => span.soft { "–" } } }
                    td.num data-l="Blocks" { (figures(report)) }
                    td data-l="Owner" { (report.meta.owner) }
                } } }
            } } } }
        },
    ))
}

/// Blocks that are no prose.
fn figures(report: &Report) -> usize {
    let all = report.blocks.iter();
    all.filter(|b| !matches!(b.content, BlockContent::Prose { .. })).count()
}

fn standing(report: &Report, pack: Option<&PastPack>) -> Markup {
    match pack {
        None => badge("", "not built"),
        Some(p) if p.pack.definition == report.meta.digest => badge("good", "built"),
        Some(_) => badge("warn", "changed since"),
    }
}

/// The pack that speaks of the latest moment, or of the latest up to one.
async fn newest(loaded: &Loaded, name: &str, as_of: Option<i64>) -> Result<Option<PastPack>, CapabilityError> {
    let all = reports::history(&loaded.context, name, None).await?;
    Ok(all
        .into_iter()
        .filter(|p| as_of.is_none_or(|at| p.pack.as_of_us <= at))
        .max_by_key(|p| (p.pack.as_of_us, p.computed_us)))
}

/// The page, JSON, CSV, or with `.html` the pack as one document. A pack of the report as it is written now is shown
/// as it was built; else it is built.
pub async fn show(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let reports = &loaded.context.project.reports;
    let alone = segment
        .strip_suffix(".html")
        .filter(|_| !reports.contains_key(&segment));
    let (name, form) = match alone {
        Some(name) => (name.to_string(), Form::Page),
        None => parts::form(&loaded, Kind::Report, &segment),
    };
    let Some(report) = reports.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Report, &name).into());
    };
    let as_of = parts::as_of(&loaded, asked.text())?;
    let mut pack = newest(&loaded, &name, as_of).await?;
    let mut problems = Vec::new();
    if as_of.is_none() && pack.as_ref().is_none_or(|p| p.pack.definition != report.meta.digest) {
        match reports::conclude(&loaded.context, &name).await {
            Ok(c) => {
                pack = Some(PastPack {
                    evidence: c.evidence.id,
                    computed_us: c.evidence.computed_us,
                    pack: c.value,
                });
            }
            Err(CapabilityError::Definitions(found)) => problems = found,
            Err(e) => return Err(e.into()),
        }
    }
    if alone.is_some() {
        return Ok(match pack {
            Some(p) => (
                [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
                pack::html(&p.pack),
            )
                .into_response(),
            None => ErrorPage(CapabilityError::Definitions(problems)).into_response(),
        });
    }
    match form {
        Form::Json => {
            return Ok(parts::json(
                &serde_json::json!({ "report": report.meta, "pack": pack, "problems": problems }),
            )?);
        }
        Form::Csv => return Ok(parts::csv(csv(pack.as_ref(), &problems))),
        Form::Page => {}
    }
    Ok(render(&loaded, report, pack.as_ref(), &problems, &asked)
        .await?
        .into_response())
}

/// Builds the pack from the data of now; problems stay on the page.
pub async fn build(Shared(state): Shared<State>, Path(name): Path<String>) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    match reports::conclude(&loaded.context, &name).await {
        Ok(_) => Ok(Redirect::to(&parts::address(Kind::Report, &name)).into_response()),
        Err(CapabilityError::Definitions(problems)) => {
            let Some(report) = loaded.context.project.reports.get(&name) else {
                return Err(parts::unknown(&loaded, Kind::Report, &name).into());
            };
            let pack = newest(&loaded, &name, None).await?;
            let body = render(&loaded, report, pack.as_ref(), &problems, &AsOf::default()).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, body).into_response())
        }
        Err(e) => Err(e.into()),
    }
}

async fn render(
    loaded: &Loaded,
    report: &Report,
    pack: Option<&PastPack>,
    problems: &[Diagnostic],
    asked: &AsOf,
) -> Result<Markup, CapabilityError> {
    let name = &report.meta.name;
    let reference = Reference::new(Kind::Report, name);
    let as_of = parts::as_of(loaded, asked.text())?;
    let filter = DecisionFilter {
        subject: Some(reference.to_string()),
        ..DecisionFilter::default()
    };
    let decisions = governance::decisions(&loaded.context, &filter, as_of).await?;
    let force = parts::in_force(loaded, &reference, as_of).await?;
    let lineage = lineage::section(loaded, &reference, as_of).await?;
    let shown: Vec<&str> = ["metric", "chart", "table", "experiment", "objective", "decisions"]
        .into_iter()
        .filter(|kind| report.blocks.iter().any(|b| block(&b.content) == *kind))
        .collect();
    let facts = parts::definition(
        &report.meta,
        &[
            ("Blocks", html! { (figures(report)) " (" (shown.join(", ")) ")" }),
            (
                "Data no older than",
                html! { @match report.max_age_hours { Some(h) => { (format::number(h)) " h" }, None => span.soft { "any age" } } },
            ),
            ("In force", force),
        ],
    );
    let evidence = html! { dl.facts {
        dt { "Pack" } dd { (standing(report, pack)) @if let Some(p) = pack { " " (parts::why(&p.evidence)) } }
        @if let Some(p) = pack {
            dt { "Built" } dd { time { (format::minute(p.computed_us)) } }
            dt { "Data before" } dd { (format::minute(p.pack.as_of_us)) }
            dt { "Sections" } dd { (p.pack.sections.len()) }
            dt { "On its own" } dd { a href={ (parts::address(Kind::Report, name)) ".html" } { "one document" } " that needs no server" }
        }
    } };
    let decision = html! {
        (parts::decisions(&decisions, "No decision on it yet."))
        form method="post" action={ (parts::address(Kind::Report, name)) "/build" } { button.plain type="submit" { "Build now" } }
    };
    Ok(page(
        loaded,
        "/reports",
        report.meta.label.as_deref().unwrap_or(name),
        html! {
            (parts::heading(("/reports", "Reports"), Kind::Report, &report.meta, &asked.query(), parts::as_of_form(asked.text())))
            @if !problems.is_empty() { (failed(problems)) }
            (nouns(facts, evidence, decision))
            @match pack {
                Some(p) => article.pack aria-label=(p.pack.title) { h2 { (p.pack.title) } (pack::byline(&p.pack)) (pack::sections(&p.pack, pack::values::Links::Pages)) },
                None if as_of.is_some() => div.card { p { "No pack speaks of that time: the first was built as of a later day." } },
                None => {},
            }
            (lineage)
        },
    ))
}

fn failed(problems: &[Diagnostic]) -> Markup {
    html! { div.card.verdict.bad role="alert" {
        (badge("bad", "not built")) " " (problems.len()) " " (if problems.len() == 1 { "problem keeps" } else { "problems keep" }) " this pack from being built"
        ul.plain.problems { @for d in problems { li {
            code { (d.span.file) ":" (d.span.line) } " " (d.message)
            @if let Some(expected) = &d.expected { "; expected " (expected) }
            @if let Some(hint) = &d.hint { br; span.soft { (hint) } }
        } } }
    } }
}

fn block(content: &BlockContent) -> &'static str {
    match content {
        BlockContent::Prose { .. } => "prose",
        BlockContent::Metric { .. } => "metric",
        BlockContent::Chart { .. } => "chart",
        BlockContent::Sql { .. } => "table",
        BlockContent::Experiment { .. } => "experiment",
        BlockContent::Objective { .. } => "objective",
        BlockContent::Decisions { .. } => "decisions",
        BlockContent::Money { .. } => "money",
        BlockContent::Summary => "summary",
    }
}

/// One line for each figure and each problem, with the place of its block.
fn csv(pack: Option<&PastPack>, problems: &[Diagnostic]) -> String {
    let mut out = format::csv_line([
        "section", "name", "period", "value", "low", "high", "change", "evidence", "problem", "file", "line",
    ]);
    for section in pack.iter().flat_map(|p| &p.pack.sections) {
        let (file, line) = (section.span.file.clone(), section.span.line.to_string());
        let blank = String::new;
        let mut row = |kind: &str, name: &str, evidence: &str| {
            out.push_str(&format::csv_line([
                kind.to_string(),
                name.to_string(),
                blank(),
                blank(),
                blank(),
                blank(),
                blank(),
                evidence.to_string(),
                blank(),
                file.clone(),
                line.clone(),
            ]));
        };
        match &section.content {
            SectionContent::Prose { .. } | SectionContent::Summary { .. } => {}
            SectionContent::Chart(c) => row("chart", &c.title, &c.evidence),
            SectionContent::Table(t) => row("table", t.title.as_deref().unwrap_or_default(), &t.evidence),
            SectionContent::Experiment { readout } => {
                row("experiment", &readout.experiment, &readout.provenance.evidence);
            }
            SectionContent::Objective { status } => row("objective", &status.objective, ""),
            SectionContent::Decisions { decisions } => {
                for d in decisions {
                    row(
                        "decision",
                        &pack::what(d),
                        d.evidence.first().map_or("", |c| c.id.as_str()),
                    );
                }
            }
            SectionContent::Figure(f) => {
                let number = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
                let estimate = f.estimate.as_ref();
                out.push_str(&format::csv_line([
                    "figure".to_string(),
                    f.metric.clone(),
                    f.period.clone(),
                    metrics::text(&f.value),
                    number(estimate.map(|e| e.low)),
                    number(estimate.map(|e| e.high)),
                    number(f.change),
                    f.evidence.clone(),
                    blank(),
                    file,
                    line,
                ]));
            }
        }
    }
    for d in problems {
        let line = d.span.line.to_string();
        out.push_str(&format::csv_line([
            "problem",
            &d.code,
            "",
            "",
            "",
            "",
            "",
            "",
            &d.message,
            &d.span.file,
            &line,
        ]));
    }
    out
}
