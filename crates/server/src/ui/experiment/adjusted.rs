//! Lifts with and without adjustment, side by side.

use maud::{Markup, html};
use steward_capabilities::experiments::{AdjustmentReadout, Answer, MetricReadout, Readout};

use super::title;
use crate::charts::{self, IntervalScale};
use crate::format;
use crate::state::Loaded;
use crate::ui::parts;

/// A row for each metric that has both, on one scale.
pub(super) fn adjusted(loaded: &Loaded, r: &Readout) -> Markup {
    let all: Vec<&MetricReadout> = r.metrics.iter().filter(|m| m.raw.is_some()).collect();
    let ends = |a: &Answer| a.estimate().map(|e| (e.low, e.high));
    let raws = all.iter().filter_map(|m| ends(&m.raw.as_ref()?.relative));
    let scale = IntervalScale::over(raws.chain(all.iter().filter_map(|m| ends(&m.relative))));
    let several = r.arms.len() > 2;
    let lift = |a: &Answer| {
        html! { @match a.estimate() {
            Some(e) => { (format::change(e.point)) " " span.soft { (format::change(e.low)) " to " (format::change(e.high)) } },
            None => (parts::answer(a, &format::change)),
        } }
    };
    let drawn = |a: &Answer, tone: &str| {
        html! { @if let Some(e) = a.estimate() { (charts::interval(scale, e.point, e.low, e.high, tone, &parts::answer_text(a, &format::change))) } }
    };
    html! { @if !all.is_empty() {
        details.card { summary { "With and without adjustment" }
            div.scroll tabindex="0" role="region" aria-label="With and without adjustment" { table.stack {
                thead { tr { th scope="col" { "Metric" } @if several { th scope="col" { "Variant" } }
                    th.num scope="col" { "Raw" } th.num scope="col" { "Adjusted" } th.num scope="col" { "Variance removed" } th.forest scope="col" { "Raw above adjusted" } } }
                tbody { @for m in &all { @if let Some(raw) = &m.raw { tr {
                    th scope="row" { (title(loaded, &m.metric)) }
                    @if several { td data-l="Variant" { (m.variant) } }
                    td.num data-l="Raw" { (lift(&raw.relative)) }
                    td.num data-l="Adjusted" { (lift(&m.relative)) }
                    td.num data-l="Variance removed" { (m.variance_reduction.map_or("none".to_string(), format::percent)) }
                    td.forest { (drawn(&raw.relative, "quiet")) (drawn(&m.relative, "good")) }
                } } } }
            } }
            @match r.metrics.iter().find_map(|m| m.adjustment.as_ref()) {
                Some(by) => p.note { (words(by)) },
                None => p.note { "Adjusted for each metric's own past (CUPED)." },
            }
        }
    } }
}

/// What lifts were adjusted for, in a sentence.
fn words(by: &AdjustmentReadout) -> String {
    let mut parts = Vec::new();
    if !by.covariates.is_empty() {
        parts.push(by.covariates.join(", "));
    }
    if !by.strata.is_empty() {
        parts.push(format!("{} strata of {}", by.strata_used, by.strata.join(" × ")));
    }
    format!("Regression with interactions on {}; variance {}.", parts.join("; "), by.variance)
}
