//! Each lift four ways: by the method, as one look without adjustment, corrected, and what adjustment took off.

use maud::{Markup, html};
use steward_capabilities::experiments::{Answer, MetricReadout, Readout};

use super::title;
use crate::charts::{self, IntervalScale};
use crate::format;
use crate::state::Loaded;
use crate::ui::parts;

/// Lifts of one metric in one variant, by how they were reached.
fn ways(r: &Readout, m: &MetricReadout) -> Vec<(String, Answer)> {
    let mut all = vec![(method(r).to_string(), m.relative.clone())];
    if let Some(nominal) = &m.inference.nominal {
        all.push(("as the only look".into(), nominal.relative.clone()));
    }
    if let Some(raw) = &m.raw {
        all.push(("without adjustment".into(), raw.relative.clone()));
    }
    if let Some(corrected) = &m.adjusted_interval {
        all.push((
            format!("corrected by {}", corrected.correction),
            corrected.relative.clone(),
        ));
    }
    all
}

fn method(r: &Readout) -> &'static str {
    match r.inference.method.as_str() {
        "group_sequential" => "repeated interval",
        "always_valid" => "confidence sequence",
        "msprt" => "mSPRT",
        "bayesian" => "credible interval",
        _ => "interval",
    }
}

/// A table of all ways, where there is more than one.
pub(super) fn concluded(loaded: &Loaded, r: &Readout) -> Markup {
    let all: Vec<(&MetricReadout, Vec<(String, Answer)>)> = r.metrics.iter().map(|m| (m, ways(r, m))).collect();
    let all: Vec<_> = all.into_iter().filter(|(_, ways)| ways.len() > 1).collect();
    if all.is_empty() {
        return html! {};
    }
    let lifts = all.iter().flat_map(|(_, ways)| ways).filter_map(|(_, a)| a.estimate());
    let scale = IntervalScale::over(lifts.map(|e| (e.low, e.high)));
    let several = r.arms.len() > 2;
    html! {
        h2 #ways { "Adjusted, raw and corrected" }
        div.card {
            div.scroll tabindex="0" role="region" aria-label="Adjusted, raw and corrected lifts" { table.stack {
                thead { tr { th scope="col" { "Metric" } @if several { th scope="col" { "Variant" } } th scope="col" { "Read as" }
                    th.num scope="col" { "Relative lift" } th.forest scope="col" { "Interval" } th.num scope="col" { "Variance" } } }
                tbody { @for (m, ways) in &all { @for (i, (name, lift)) in ways.iter().enumerate() { tr {
                    @if i == 0 { th scope="row" { (title(loaded, &m.metric)) } } @else { th scope="row" { span.soft { (title(loaded, &m.metric)) } } }
                    @if several { td data-l="Variant" { (m.variant) } }
                    td data-l="Read as" { (name) }
                    td.num data-l="Relative lift" { @match lift.estimate() {
                        Some(e) => { (format::change(e.point)) " " span.soft { (format::change(e.low)) " to " (format::change(e.high)) } },
                        None => (parts::answer(lift, &format::change)),
                    } }
                    td.forest { @if let Some(e) = lift.estimate() { (charts::interval(scale, e.point, e.low, e.high, "quiet", &parts::answer_text(lift, &format::change))) } }
                    td.num data-l="Variance" { @if i == 0 { @match m.variance_reduction {
                        Some(v) => { "−" (format::percent(v)) },
                        None => span.soft { "not adjusted" },
                    } } }
                } } } }
            } }
            p.note { "The decision is the corrected interval's: it excludes 0 exactly when the adjusted p is below " (r.alpha) ". Variance is that of the lift, less what covariates explain. " (parts::why(&r.provenance.evidence)) }
        }
    }
}
