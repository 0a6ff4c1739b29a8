//! A pack as plain parts: what slides, sheets and pages are made of.

use std::collections::BTreeMap;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use steward_capabilities::experiments::Answer;
use steward_capabilities::metrics::ColumnKind;
use steward_capabilities::reports::{Chart, Figure, Pack, SectionContent};
use steward_compute::Value;

use super::values::{as_number, cell, difference, in_unit, plain, short};
use super::{currency, what};
use crate::format;

/// A pack in parts.
#[derive(Clone, Debug)]
pub struct Outline {
    /// Title.
    pub title: String,
    /// Who answers for it, and as of when it speaks.
    pub byline: String,
    /// Parts in order.
    pub parts: Vec<Part>,
    /// Place of each block and the evidence that it rests on.
    pub sources: Vec<(String, String)>,
}

/// A piece of a pack.
#[derive(Clone, Debug)]
pub enum Part {
    /// A heading; level 1 is the title's.
    Heading(u8, String),
    /// A paragraph.
    Text(String),
    /// A list.
    Bullets(Vec<String>),
    /// Figures that stand side by side.
    Figures(Vec<Fact>),
    /// A chart.
    Chart(Drawing),
    /// A table.
    Grid(Grid),
}

/// One figure.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What.
    pub label: String,
    /// Of when.
    pub period: String,
    /// As printed.
    pub text: String,
    /// The number in whole units, and those around it.
    pub value: Option<f64>,
    /// Lower and upper end, with their coverage.
    pub interval: Option<(f64, f64, f64)>,
    /// Value of the period before.
    pub before: Option<f64>,
    /// Value in the previous pack.
    pub previous: Option<f64>,
    /// Interval in words, or why there is none.
    pub certainty: String,
    /// Change in words.
    pub change: String,
    /// As of, owner and evidence in words.
    pub source: String,
    /// How spreadsheets print it.
    pub number_format: &'static str,
    /// Evidence id.
    pub evidence: String,
}

/// A chart's numbers.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// Title.
    pub title: String,
    /// `line`, `bar` or `area`.
    pub mark: String,
    /// What stands on the axis.
    pub categories: Vec<String>,
    /// Series by name, one value per category, in whole units.
    pub series: Vec<(String, Vec<Option<f64>>)>,
    /// How spreadsheets print it.
    pub number_format: &'static str,
    /// What values are in: `EUR`, `%` or nothing.
    pub unit: String,
    /// Where it comes from, in words.
    pub source: String,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Title.
    pub title: String,
    /// Columns.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<Entry>>,
    /// Where it comes from, in words.
    pub source: String,
}

/// A cell.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As printed.
    pub text: String,
    /// The number, if it is one.
    pub number: Option<f64>,
}

impl Entry {
    fn text(text: impl Into<String>) -> Entry {
        Entry {
            text: text.into(),
            number: None,
        }
    }
}

/// Minor units of one, by a metric's unit.
fn scale(unit: Option<&str>, currency: Option<&str>) -> f64 {
    match (unit, currency) {
        (Some("currency"), Some(currency)) => 10f64.powi(steward_definitions::minor_digits(Some(currency)) as i32),
        _ => 1.0,
    }
}

fn number_format(unit: Option<&str>) -> &'static str {
    match unit {
        Some("percent") => "0.0%",
        Some("currency") => "#,##0.00",
        Some("count") => "#,##0",
        _ => "General",
    }
}

/// The parts of a pack.
pub fn outline(pack: &Pack) -> Outline {
    let money = currency(pack);
    let mut parts: Vec<Part> = Vec::new();
    for section in &pack.sections {
        match &section.content {
            SectionContent::Prose { markdown } => prose(markdown, &pack.title, &mut parts),
            SectionContent::Figure(figure) => match parts.last_mut() {
                Some(Part::Figures(row)) if row.len() < 4 => row.push(fact(figure)),
                _ => parts.push(Part::Figures(vec![fact(figure)])),
            },
            SectionContent::Chart(chart) => drawings(chart, money).into_iter().for_each(|d| parts.push(d)),
            SectionContent::Table(table) => parts.push(Part::Grid(Grid {
                title: table.title.clone().unwrap_or_else(|| "Result of a query".into()),
                columns: table.columns.clone(),
                rows: table
                    .rows
                    .iter()
                    .map(|r| {
                        r.iter()
                            .map(|v| Entry {
                                text: plain(v),
                                number: as_number(v),
                            })
                            .collect()
                    })
                    .collect(),
                source: format!("Query: evidence {}", short(&table.evidence)),
            })),
            SectionContent::Experiment { readout } => {
                let title = readout.label.clone().unwrap_or_else(|| readout.experiment.clone());
                parts.push(Part::Heading(3, format!("Experiment: {title}")));
                parts.push(Part::Text(readout.verdict.clone()));
                let rows = readout.metrics.iter().map(|m| {
                    let lift = match &m.relative {
                        Answer::Estimate(e) => format!(
                            "{} [{}, {}]",
                            format::change(e.point),
                            format::change(e.low),
                            format::change(e.high)
                        ),
                        Answer::Refused { not_estimable } => format!("not estimable: {}", not_estimable.detail),
                    };
                    vec![
                        Entry::text(m.metric.clone()),
                        Entry::text(m.variant.clone()),
                        Entry::text(lift),
                    ]
                });
                parts.push(Part::Grid(Grid {
                    title: format!("Lifts of {title}"),
                    columns: ["Metric", "Variant", "Relative lift"].map(str::to_owned).into(),
                    rows: rows.collect(),
                    source: format!("Readout: evidence {}", short(&readout.provenance.evidence)),
                }));
            }
            SectionContent::Objective { status } => {
                let title = status.label.clone().unwrap_or_else(|| status.objective.clone());
                parts.push(Part::Heading(3, format!("Objective: {title}")));
                parts.push(Part::Text(status.verdict.clone()));
                let rows = status.key_results.iter().map(|k| {
                    let show = |v: Option<f64>| v.map_or_else(|| "–".into(), |v| in_unit(v, k.unit.as_deref(), money));
                    let expected = k.forecast.as_ref().map_or_else(
                        || "–".into(),
                        |e| {
                            format!(
                                "{} [{}, {}]",
                                show(Some(e.point)),
                                show(Some(e.low)),
                                show(Some(e.high))
                            )
                        },
                    );
                    vec![
                        Entry::text(k.name.clone()),
                        Entry::text(k.state.words()),
                        Entry::text(show(k.current)),
                        Entry::text(show(Some(k.target))),
                        Entry::text(expected),
                        Entry::text(k.probability.map_or_else(|| "–".into(), format::probability)),
                    ]
                });
                parts.push(Part::Grid(Grid {
                    title: format!("Key results of {title}"),
                    columns: ["Key result", "State", "Now", "Target", "Expected, 80%", "Probability"]
                        .map(str::to_owned)
                        .into(),
                    rows: rows.collect(),
                    source: format!("{} to {}, owner {}", status.start, status.end, status.owner),
                }));
            }
            SectionContent::Summary { summary } => {
                parts.push(Part::Bullets(super::summary::sentences(pack, summary)));
            }
            SectionContent::Decisions { decisions } => parts.push(Part::Grid(Grid {
                title: "Decisions".into(),
                columns: ["When", "What", "Who", "Why"].map(str::to_owned).into(),
                rows: decisions
                    .iter()
                    .map(|d| {
                        vec![
                            Entry::text(format::day(d.at_us)),
                            Entry::text(what(d)),
                            Entry::text(d.actor.clone()),
                            Entry::text(d.reason.clone().unwrap_or_else(|| "(erased)".into())),
                        ]
                    })
                    .collect(),
                source: "Ledger".into(),
            })),
        }
    }
    Outline {
        title: pack.title.clone(),
        byline: byline(pack),
        parts,
        sources: super::evidence(pack),
    }
}

fn byline(pack: &Pack) -> String {
    let previous = pack
        .previous_as_of_us
        .map(|at| format!(" · previous pack as of {}", format::day(at)))
        .unwrap_or_default();
    format!(
        "Owner {} · data before {}{previous}",
        pack.owner,
        format::minute(pack.as_of_us)
    )
}

fn fact(figure: &Figure) -> Fact {
    let (unit, money) = (figure.unit.as_deref(), figure.currency.as_deref());
    let by = scale(unit, money);
    let number = |v: &Value| as_number(v).map(|v| v / by);
    let certainty = match (&figure.estimate, &figure.no_estimate) {
        (Some(e), _) => format!(
            "{} interval {} to {}, n {}",
            format::percent(e.level),
            in_unit(e.low, unit, money),
            in_unit(e.high, unit, money),
            format::grouped(i64::try_from(e.n).unwrap_or(i64::MAX))
        ),
        (None, Some(why)) => format!("No interval: {}", why.detail),
        (None, None) => "A total: counted, not sampled".into(),
    };
    let mut change = match figure.change {
        Some(change) => {
            let relative = figure
                .relative_change
                .map(|r| format!(" ({})", format::change(r)))
                .unwrap_or_default();
            format!("{}{relative} on the period before", difference(change, unit, money))
        }
        None => "No period before to compare with".into(),
    };
    if let Some(previous) = &figure.previous_pack {
        let moved = as_number(&figure.value)
            .zip(as_number(previous))
            .map(|(now, then)| now - then);
        let moved = moved
            .map(|m| format!(" ({})", difference(m, unit, money)))
            .unwrap_or_default();
        change.push_str(&format!("; previous pack {}{moved}", cell(previous, unit, money)));
    }
    Fact {
        label: figure.label.clone(),
        period: figure.period.clone(),
        text: cell(&figure.value, unit, money),
        value: number(&figure.value),
        interval: figure.estimate.as_ref().map(|e| (e.low / by, e.high / by, e.level)),
        before: figure.before.as_ref().and_then(number),
        previous: figure.previous_pack.as_ref().and_then(number),
        certainty,
        change,
        source: format!(
            "As of {} · owner {} · evidence {}",
            format::minute(figure.as_of_us),
            figure.owner,
            short(&figure.evidence)
        ),
        number_format: number_format(unit),
        evidence: figure.evidence.clone(),
    }
}

/// One drawing per metric: units differ.
fn drawings(chart: &Chart, money: Option<&str>) -> Vec<Part> {
    let columns = &chart.table.columns;
    let of = |kind: ColumnKind| -> Vec<usize> {
        columns
            .iter()
            .enumerate()
            .filter(|(_, c)| c.kind == kind)
            .map(|(i, _)| i)
            .collect()
    };
    let (metrics, times, groups) = (of(ColumnKind::Metric), of(ColumnKind::Time), of(ColumnKind::Dimension));
    let name = |row: &Vec<Value>| {
        groups
            .iter()
            .filter_map(|i| row.get(*i))
            .map(plain)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let time = times.first().copied();
    let mut all = Vec::new();
    for metric in &metrics {
        let column = &columns[*metric];
        let unit = column.unit.as_deref();
        let by = scale(unit, money);
        let label = column.label.clone().unwrap_or_else(|| column.name.clone());
        let (mut categories, mut series): (Vec<String>, BTreeMap<String, BTreeMap<String, f64>>) =
            (Vec::new(), BTreeMap::new());
        for row in &chart.table.rows {
            let (category, line) = match time.and_then(|t| row.get(t)) {
                Some(at) => (moment(at), if groups.is_empty() { label.clone() } else { name(row) }),
                None => (name(row), label.clone()),
            };
            if !categories.contains(&category) {
                categories.push(category.clone());
            }
            if let Some(v) = row.get(*metric).and_then(as_number) {
                series.entry(line).or_default().insert(category, v / by);
            }
        }
        if time.is_some() {
            categories.sort();
        }
        let title = if metrics.len() > 1 {
            format!("{}: {label}", chart.title)
        } else {
            chart.title.clone()
        };
        all.push(Part::Chart(Drawing {
            title,
            mark: chart.mark.clone(),
            series: series
                .into_iter()
                .map(|(name, values)| (name, categories.iter().map(|c| values.get(c).copied()).collect()))
                .collect(),
            categories,
            number_format: number_format(unit),
            unit: match unit {
                Some("currency") => money.unwrap_or_default().to_owned(),
                Some("percent") => "%".into(),
                _ => String::new(),
            },
            source: format!("Chart: evidence {}", short(&chart.evidence)),
        }));
    }
    all
}

fn moment(value: &Value) -> String {
    match value {
        Value::Date(days) => format::day(i64::from(*days) * 86_400_000_000),
        Value::Timestamp(us) => format::day(*us),
        other => plain(other),
    }
}

/// Markdown as headings, paragraphs and lists of plain text.
fn prose(markdown: &str, title: &str, parts: &mut Vec<Part>) {
    let mut text = String::new();
    let mut list: Option<Vec<String>> = None;
    for event in Parser::new_ext(markdown, Options::empty()) {
        match event {
            Event::Text(t) | Event::Code(t) => text.push_str(&t),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            Event::Start(Tag::List(_)) => list = Some(Vec::new()),
            Event::End(TagEnd::List(_)) => {
                if let Some(items) = list.take() {
                    parts.push(Part::Bullets(items));
                }
            }
            Event::End(TagEnd::Item) => {
                if let Some(items) = &mut list {
                    items.push(std::mem::take(&mut text).trim().to_owned());
                }
            }
            Event::End(TagEnd::Paragraph | TagEnd::CodeBlock) if list.is_none() => {
                parts.push(Part::Text(std::mem::take(&mut text).trim().to_owned()));
            }
            Event::End(TagEnd::Heading(level)) => {
                let heading = std::mem::take(&mut text);
                // The title stands above already.
                if heading.trim() != title {
                    parts.push(Part::Heading(level as u8, heading.trim().to_owned()));
                }
            }
            _ => {}
        }
    }
}
