//! Beside a design's lifts: how they were estimated, and what a comparison of single units would have said.

use maud::{Markup, html};
use steward_capabilities::experiments::{Answer, Readout};

use super::title;
use crate::format;
use crate::state::Loaded;
use crate::ui::parts;

/// The design's method and the naive lifts.
pub(super) fn design(loaded: &Loaded, r: &Readout) -> Markup {
    let Some(design) = &r.design else { return html! {} };
    let lift = |metric: &str, variant: &str| -> Option<&Answer> {
        let found = r.metrics.iter().find(|m| m.metric == metric && m.variant == variant);
        found.map(|m| &m.relative)
    };
    html! {
        h2 #design { "Design: " (design.kind) }
        div.card {
            p { "Estimated by " (design.method) "." }
            @if design.naive.is_empty() { p.note { (design.why) "." } }
            @else {
                div.scroll tabindex="0" role="region" aria-label="The design's lifts beside naive ones" { table.stack {
                    thead { tr { th scope="col" { "Metric" } th scope="col" { "Variant" } th.num scope="col" { "By the design" } th.num scope="col" { "Naive" } } }
                    tbody { @for n in &design.naive { tr {
                        th scope="row" { (title(loaded, &n.metric)) }
                        td data-l="Variant" { (n.variant) }
                        td.num data-l="By the design" { @if let Some(own) = lift(&n.metric, &n.variant) { (parts::answer(own, &format::change)) } @else { span.soft { "none" } } }
                        td.num data-l="Naive" { span.soft { (parts::answer(&n.relative, &format::change)) } }
                    } } }
                } }
                p.note { "The naive lift misleads: " (design.why) ". " (parts::why(&r.provenance.evidence)) }
            }
        }
    }
}
