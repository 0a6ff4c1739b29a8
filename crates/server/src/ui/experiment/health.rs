//! Can it be believed?

use maud::{Markup, html};
use steward_capabilities::experiments::Readout;

use super::title;
use crate::format;
use crate::ui::layout::badge;
use crate::ui::{experiments, parts};

/// Where it stands, how its units were split, and what is wrong.
pub(super) fn summary(r: &Readout) -> Markup {
    let srm = match (r.health.srm.p, &r.health.srm.not_estimable) {
        (Some(p), _) => format!("p = {}", format::p_value(p)),
        (None, Some(n)) => n.to_string(),
        (None, None) => "not tested".to_string(),
    };
    html! {
        dl.facts {
            dt { "State" } dd { (experiments::status(r.status)) }
            dt { "Split" } dd { @if r.health.srm.broken { (badge("bad", "broken")) } @else { (badge(if r.health.srm.p.is_some() { "good" } else { "" }, if r.health.srm.p.is_some() { "as planned" } else { "untested" })) } " " (srm) }
            @for arm in &r.arms { dt { (arm.label.as_deref().unwrap_or(&arm.variant)) } dd { (format::grouped(arm.units as i64)) " units, " (format::grouped(arm.expected.round() as i64)) " planned" } }
            dt { "Days" } dd { (r.window.first_day.as_deref().unwrap_or("none")) " to " (r.window.last_day.as_deref().unwrap_or("none")) }
            dt { "Level" } dd { (r.alpha) ", " (r.correction) }
            dt { "Engine" } dd { (r.provenance.engine) }
        }
        @for p in &r.health.problems {
            p { (badge(if p.severity == "error" { "bad" } else { "warn" }, &p.code)) " " (p.message) }
        }
    }
}

/// Segments that a broken split comes from.
pub(super) fn suspects(r: &Readout) -> Markup {
    let units = |counts: &[u64]| -> String {
        let each = counts.iter().map(|n| format::grouped(*n as i64));
        each.collect::<Vec<_>>().join(" / ")
    };
    html! { @if !r.health.suspects.is_empty() {
        h2 { "Where the split broke" }
        div.card { div.scroll tabindex="0" role="region" aria-label="Where the split broke" { table.stack {
            thead { tr { th scope="col" { "Segment" } th.num scope="col" { "Units by variant" }
                th.num scope="col" { "p of its split" } th.num scope="col" { "p of all others" } th scope="col" { "Says" } } }
            tbody { @for s in &r.health.suspects { tr {
                th scope="row" { (s.dimension) " = " (s.value) }
                td.num data-l="Units" { (units(&s.units)) }
                td.num data-l="p of its split" { (format::p_value(s.adjusted_p)) }
                td.num data-l="p of all others" { (s.p_without.map_or("nobody else".to_string(), format::p_value)) }
                td data-l="Says" { @if s.explains { (badge("bad", "explains it")) } @else { span.soft { "not alone" } } }
            } } }
        } } p.note { "χ² of each segment's split against the planned shares, Holm over all segments tried. " (parts::why(&r.provenance.evidence)) } }
    } }
}

/// Were the variants alike before exposure?
pub(super) fn pre_exposure(loaded: &crate::state::Loaded, r: &Readout) -> Markup {
    html! { @if !r.health.pre_exposure.is_empty() {
        details.card { summary { "Before exposure" }
            div.scroll tabindex="0" role="region" aria-label="Before exposure" { table.stack {
                thead { tr { th scope="col" { "Metric" } th scope="col" { "Variant" } th.num scope="col" { "Difference" } th.num scope="col" { "p, adjusted" } } }
                tbody { @for check in &r.health.pre_exposure { tr {
                    th scope="row" { (title(loaded, &check.metric)) }
                    td data-l="Variant" { (check.variant) }
                    td.num data-l="Difference" { (parts::answer(&check.difference, &format::signed)) }
                    td.num data-l="p, adjusted" { (check.adjusted_p.map_or("none".to_string(), format::p_value)) }
                } } }
            } }
            p.note { "Nothing had been changed yet: below p = 0.001 the assignment is not random, and no lift may be read." }
        }
    } }
}
