//! Packs: a report as one self-contained HTML document, as workbook, slides and PDF, and the same sections inside a page.
//!
//! The document makes no request: style and charts are inside it. The same pack gives the same bytes.

mod chart;
mod experiment;
mod figure;
mod objective;
pub mod outline;
pub mod pdf;
pub mod pptx;
mod prose;
mod summary;
pub mod values;
pub mod xlsx;
mod zip;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use steward_capabilities::governance::Decision;
use steward_capabilities::reports::{Pack, SectionContent, Table};

use crate::format::{day, minute};
use crate::ui::assets::STYLE;
use values::Links;

/// What only a document on its own needs.
const ALONE: &str = "body.pack main{margin:0 auto;max-width:960px}body.pack footer{margin-top:36px;border-top:1px solid \
                     var(--line);padding-top:10px}@page{margin:16mm}@media print{body.pack main{padding:0;max-width:none}\
                     body.pack details.data{display:none}svg.plot{min-width:0}.grid{grid-template-columns:repeat(3,1fr)}}";

/// A pack as one HTML document that works offline and prints.
pub fn html(pack: &Pack) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content={ "Steward " (env!("CARGO_PKG_VERSION")) };
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                title { (pack.title) " · " (day(pack.as_of_us)) }
                style { (PreEscaped(STYLE)) (PreEscaped(ALONE)) }
            }
            body.pack {
                main {
                    h1 { (pack.title) }
                    (byline(pack))
                    (sections(pack, Links::None))
                    (sources(pack))
                    footer.note {
                        "Definition " code { (values::short(&pack.definition)) } ". Every figure names its evidence: "
                        code { "steward why ID" } " shows its SQL, data and definitions."
                    }
                }
            }
        }
    };
    document.into_string()
}

/// Who answers for the pack and as of when it speaks.
pub fn byline(pack: &Pack) -> Markup {
    html! {
        p.lede {
            "Owner " (pack.owner) " · data before " (minute(pack.as_of_us))
            @if let Some(previous) = pack.previous_as_of_us { " · previous pack as of " (day(previous)) }
        }
    }
}

/// All sections in order; figures that follow each other stand side by side.
pub fn sections(pack: &Pack, links: Links) -> Markup {
    let currency = currency(pack);
    let mut out = Vec::new();
    let mut row = Vec::new();
    for section in &pack.sections {
        if let SectionContent::Figure(figure) = &section.content {
            row.push(figure::card(figure, links));
            continue;
        }
        flush(&mut out, &mut row);
        out.push(match &section.content {
            SectionContent::Prose { markdown } => prose::render(markdown, &pack.title),
            SectionContent::Figure(_) => continue,
            SectionContent::Chart(chart) => chart::render(chart, currency, pack.as_of_us, links),
            SectionContent::Table(table) => sql_table(table, links),
            SectionContent::Experiment { readout } => experiment::render(readout, currency, links),
            SectionContent::Objective { status } => objective::render(status, currency, links),
            SectionContent::Summary { summary } => summary::render(pack, summary),
            SectionContent::Decisions { decisions } => decided(decisions, links),
        });
    }
    flush(&mut out, &mut row);
    html! { @for part in out { (part) } }
}

fn flush(out: &mut Vec<Markup>, row: &mut Vec<Markup>) {
    if !row.is_empty() {
        let cards = std::mem::take(row);
        out.push(html! { div.grid { @for card in cards { (card) } } });
    }
}

/// The currency that the pack's figures are in.
fn currency(pack: &Pack) -> Option<&str> {
    pack.sections.iter().find_map(|s| match &s.content {
        SectionContent::Figure(f) => f.currency.as_deref(),
        _ => None,
    })
}

fn sql_table(table: &Table, links: Links) -> Markup {
    let title = table.title.as_deref().unwrap_or("Result of a query");
    html! {
        section.card aria-label=(title) {
            p { strong { (title) } }
            div.scroll tabindex="0" role="region" aria-label={ (title) ", table" } {
                table {
                    thead { tr { @for c in &table.columns { th scope="col" { (c) } } } }
                    tbody { @for row in &table.rows { tr { @for v in row {
                        td.num[values::numeric(v)] { (values::plain(v)) }
                    } } } }
                }
            }
            details.data { summary { "SQL" } pre tabindex="0" { (table.sql) } }
            (values::source("Query", &table.evidence, links))
        }
    }
}

fn decided(decisions: &[Decision], links: Links) -> Markup {
    html! {
        @if decisions.is_empty() { p.note { "Nothing was decided yet." } } @else {
            div.card.scroll tabindex="0" role="region" aria-label="Decisions" {
                table {
                    thead { tr { th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "Who" } th scope="col" { "Why" } } }
                    tbody { @for d in decisions { tr {
                        td { (day(d.at_us)) }
                        th scope="row" {
                            @match links {
                                Links::Pages => a href={ "/ledger/" (d.sequence) } { (what(d)) },
                                Links::None => (what(d)),
                            }
                        }
                        td { (d.actor) }
                        td {
                            (d.reason.as_deref().unwrap_or("(erased)"))
                            @for c in &d.evidence { (values::source("Evidence", &c.id, links)) }
                        }
                    } } }
                }
            }
        }
    }
}

/// `Ship treatment: experiment/checkout`.
pub fn what(d: &Decision) -> String {
    let variant = d.variant.as_deref().map(|v| format!(" {v}")).unwrap_or_default();
    format!("{}{variant}: {}", d.choice.word().replace('_', " "), d.subject)
}

/// The place of each block and the whole ids of the evidence that it rests on.
pub(crate) fn evidence(pack: &Pack) -> Vec<(String, String)> {
    let mut rows: Vec<(String, String)> = Vec::new();
    for section in &pack.sections {
        let place = format!("{}:{}", section.span.file, section.span.line);
        let mut add = |evidence: &str| rows.push((place.clone(), evidence.to_string()));
        match &section.content {
            SectionContent::Figure(f) => add(&f.evidence),
            SectionContent::Chart(c) => add(&c.evidence),
            SectionContent::Table(t) => add(&t.evidence),
            SectionContent::Experiment { readout } => add(&readout.provenance.evidence),
            SectionContent::Objective { status } => {
                status
                    .key_results
                    .iter()
                    .filter_map(|k| k.evidence.as_deref())
                    .for_each(&mut add);
            }
            SectionContent::Decisions { decisions } => {
                decisions.iter().flat_map(|d| &d.evidence).for_each(|c| add(&c.id));
            }
            SectionContent::Prose { .. } | SectionContent::Summary { .. } => {}
        }
    }
    rows
}

/// Everything that the pack rests on.
fn sources(pack: &Pack) -> Markup {
    let rows = evidence(pack);
    html! {
        @if !rows.is_empty() {
            h2 { "Sources" }
            div.scroll tabindex="0" role="region" aria-label="Sources" {
                table {
                    thead { tr { th scope="col" { "Block" } th scope="col" { "Evidence" } } }
                    tbody { @for (place, evidence) in rows { tr { td { code { (place) } } td { code { (evidence) } } } } }
                }
            }
        }
    }
}
