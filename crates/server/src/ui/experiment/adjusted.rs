//! What lifts were adjusted for.

use maud::{Markup, html};
use steward_capabilities::experiments::{AdjustmentReadout, Readout};

/// A sentence, where there is more than each metric's own past.
pub(super) fn adjusted(r: &Readout) -> Markup {
    html! { @if let Some(by) = r.metrics.iter().find_map(|m| m.adjustment.as_ref()) { p.note { (words(by)) } } }
}

fn words(by: &AdjustmentReadout) -> String {
    let mut parts = Vec::new();
    if !by.covariates.is_empty() {
        parts.push(by.covariates.join(", "));
    }
    if !by.strata.is_empty() {
        parts.push(format!("{} strata of {}", by.strata_used, by.strata.join(" × ")));
    }
    format!(
        "Adjusted by regression with interactions on {}; variance {}. Days and segments are adjusted for the metrics' own past alone.",
        parts.join("; "),
        by.variance
    )
}
