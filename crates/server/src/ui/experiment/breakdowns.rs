//! Lifts by the values of a dimension, and whether they differ at all.

use maud::{Markup, html};
use steward_capabilities::experiments::{self, Readout, Role};

use super::{role, title};
use crate::charts::{self, IntervalScale};
use crate::format;
use crate::state::Loaded;
use crate::ui::experiments::tone;
use crate::ui::layout::badge;
use crate::ui::parts;

/// Primary metrics by a dimension; the others on demand.
pub(super) fn breakdown(loaded: &Loaded, r: &Readout, b: &experiments::Breakdown) -> Markup {
    let name = b
        .dimension
        .rsplit("__")
        .next()
        .unwrap_or(&b.dimension)
        .replace('_', " ");
    let primary = |metric: &str| role(r, metric) == Some(Role::Primary);
    let others = b.segments.iter().any(|s| s.metrics.iter().any(|m| !primary(&m.metric)));
    html! {
        h2 { "By " (name) }
        @if let Some(problem) = &b.problem { div.card { p { (problem) } } }
        @if !b.segments.is_empty() { div.card {
            (segments(loaded, r, b, &name, true))
            @if others { details.data { summary { "Secondary metrics and guardrails" } (segments(loaded, r, b, &name, false)) } }
            (tests(loaded, b, &primary))
            p.note { (if b.exploratory { "Exploratory, asked for afterwards" } else { "Declared beforehand" }) "; p-values of single segments are not corrected. Shrunk lifts are pulled towards the common one as far as their noise says; the best segment is rarely as good as it looks. " (parts::why(&r.provenance.evidence)) }
        } }
    }
}

fn segments(loaded: &Loaded, r: &Readout, b: &experiments::Breakdown, name: &str, primary: bool) -> Markup {
    let shown = |metric: &str| (role(r, metric) == Some(Role::Primary)) == primary;
    let lifts = b.segments.iter().flat_map(|s| &s.metrics).filter(|m| shown(&m.metric));
    let scale = IntervalScale::over(lifts.filter_map(|m| m.relative.estimate().map(|e| (e.low, e.high))));
    let several = r.arms.len() > 2;
    let direction = |metric: &str| {
        let found = r.metrics.iter().find(|m| m.metric == metric);
        found.map_or("increase", |m| m.direction.as_str())
    };
    html! { div.scroll tabindex="0" role="region" aria-label={ "By " (name) @if !primary { ", other metrics" } } { table.stack {
        thead { tr { th scope="col" { (name) } th scope="col" { "Metric" } @if several { th scope="col" { "Variant" } }
            th.num scope="col" { "Units" } th.num scope="col" { "Relative lift" } th.num scope="col" { "Shrunk" } th.forest scope="col" { "Interval" } } }
        tbody { @for s in &b.segments { @for m in s.metrics.iter().filter(|m| shown(&m.metric)) {
            @let significant = m.absolute.estimate().and_then(|e| e.p).is_some_and(|p| p < r.alpha);
            @let tone = tone(&m.relative, significant, direction(&m.metric));
            tr {
                th scope="row" { (s.value) }
                td data-l="Metric" { (title(loaded, &m.metric)) }
                @if several { td data-l="Variant" { (m.variant) } }
                td.num data-l="Units" { (format::grouped(s.units.values().sum::<u64>() as i64)) }
                td.num data-l="Relative lift" { @match m.relative.estimate() {
                    Some(e) => { span class=(format!("{tone}-ink")) { (format::change(e.point)) } " " span.soft { (format::change(e.low)) " to " (format::change(e.high)) } },
                    None => (parts::answer(&m.relative, &format::change)),
                } }
                td.num data-l="Shrunk" { @if let Some(shrunk) = &m.shrunk {
                    @let (show, _) = scale_words(b, &m.metric, &m.variant);
                    (show(shrunk.point)) " " span.soft { (show(shrunk.low)) " to " (show(shrunk.high)) }
                } @else { span.soft { "alone" } } }
                td.forest { @if let Some(e) = m.relative.estimate() { (charts::interval(scale, e.point, e.low, e.high, tone, &parts::answer_text(&m.relative, &format::change))) } }
            }
        } } }
    } } }
}

/// How shrunk lifts of a metric are written: on the scale on which the segments were compared.
fn scale_words(b: &experiments::Breakdown, metric: &str, variant: &str) -> (fn(f64) -> String, &'static str) {
    let found = b.tests.iter().find(|t| t.metric == metric && t.variant == variant);
    match found.map(|t| t.scale.as_str()) {
        Some("absolute") => (format::signed, "absolute"),
        _ => (format::change, "relative"),
    }
}

/// Whether the segments differ at all, in a sentence a metric.
fn tests(loaded: &Loaded, b: &experiments::Breakdown, primary: &dyn Fn(&str) -> bool) -> Markup {
    html! { @for t in b.tests.iter().filter(|t| primary(&t.metric)) {
        @let (show, scale) = scale_words(b, &t.metric, &t.variant);
        p {
            @if t.differ { (badge("warn", "segments differ")) } @else { (badge("", "no difference shown")) }
            " " (title(loaded, &t.metric)) ", " (t.variant) ": Cochran's Q " (format::number(t.q)) " over " (t.segments) " segments, adjusted p "
            (format::p_value(t.adjusted_p)) "; common " (scale) " lift " (show(t.common)) " (sd " (show(t.common_sd).trim_start_matches('+')) "), spread between segments "
            (show(t.tau).trim_start_matches('+')) "."
        }
    } }
}
