//! What a pack's figures say, in sentences made of its own numbers.

use maud::{Markup, html};
use steward_capabilities::reports::{Figure, Pack, SectionContent, Summary};

use super::values::{cell, difference};
use crate::format;

/// The sentences: what moved (worst first), what did not, verdicts, what to decide.
pub fn sentences(pack: &Pack, summary: &Summary) -> Vec<String> {
    let figure = |section: usize| match pack.sections.get(section).map(|s| &s.content) {
        Some(SectionContent::Figure(figure)) => Some(figure),
        _ => None,
    };
    let mut all: Vec<String> = summary
        .moved
        .iter()
        .filter_map(|m| figure(m.section).map(|f| moved(f, m.good)))
        .collect();
    let steady: Vec<&str> = summary
        .steady
        .iter()
        .filter_map(|s| figure(*s))
        .map(|f| f.label.as_str())
        .collect();
    if !steady.is_empty() {
        all.push(format!("No move beyond noise: {}.", steady.join(", ")));
    }
    for section in &summary.verdicts {
        match pack.sections.get(*section).map(|s| &s.content) {
            Some(SectionContent::Objective { status }) => {
                all.push(format!(
                    "{}: {}",
                    status.label.as_deref().unwrap_or(&status.objective),
                    status.verdict
                ));
            }
            Some(SectionContent::Experiment { readout }) => all.push(readout.verdict.clone()),
            _ => {}
        }
    }
    all.extend(summary.decide.iter().map(|w| {
        let who = w.owner.as_deref().map(|o| format!(", {o}")).unwrap_or_default();
        let day = w.deadline.as_deref().map(|d| format!(", by {d}")).unwrap_or_default();
        format!("To decide{who}{day}: {}. {}", w.what.trim_end_matches('.'), w.why)
    }));
    if all.is_empty() {
        all.push("Nothing moved, and nothing waits for a decision.".into());
    }
    all
}

fn moved(figure: &Figure, good: bool) -> String {
    let (unit, currency) = (figure.unit.as_deref(), figure.currency.as_deref());
    let change = figure.change.unwrap_or_default();
    let relative = figure
        .relative_change
        .map(|r| format!(" ({})", format::change(r)))
        .unwrap_or_default();
    let why = match &figure.estimate {
        Some(_) => "beyond its noise",
        None => "a total of which every row was counted",
    };
    format!(
        "{} {} by {}{relative} to {} in {}, {why}: {}.",
        figure.label,
        if change > 0.0 { "rose" } else { "fell" },
        difference(change.abs(), unit, currency).trim_start_matches('+'),
        cell(&figure.value, unit, currency),
        figure.period,
        if good { "good" } else { "bad" },
    )
}

/// As a list.
pub fn render(pack: &Pack, summary: &Summary) -> Markup {
    html! { section.card aria-label="Summary" { ul { @for sentence in sentences(pack, summary) { li { (sentence) } } } } }
}
