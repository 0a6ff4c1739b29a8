//! The lift over a metric's distribution.

use maud::{Markup, html};
use steward_capabilities::experiments::{QuantileCurve, Readout, Role};

use super::title;
use crate::state::Loaded;
use crate::ui::parts;
use crate::{charts, format};

/// Curves of the metrics that are quantiles and of the one asked for; `query` is the address's state.
pub(super) fn quantiles(loaded: &Loaded, r: &Readout, query: &str) -> Markup {
    let mut offered: Vec<&str> = r
        .metrics
        .iter()
        .filter(|m| m.statistic == "mean" && m.role != Role::Guardrail)
        .map(|m| m.metric.as_str())
        .filter(|m| !r.quantiles.iter().any(|c| c.metric == *m))
        .collect();
    offered.dedup();
    let more = |metric: &str| match query {
        "" => format!("?quantiles={}#quantiles", parts::encode(metric)),
        query => format!("{query}&quantiles={}#quantiles", parts::encode(metric)),
    };
    html! { @if !(offered.is_empty() && r.quantiles.is_empty()) {
        h2 #quantiles { "Over the distribution" }
        @for curve in &r.quantiles { div.card { (figure(loaded, r, curve)) } }
        @if !offered.is_empty() { p.soft { "Lift at each quantile of " @for (i, m) in offered.iter().enumerate() {
            @if i > 0 { ", " } a href=(more(m)) { (title(loaded, m)) } } "." } }
    } }
}

fn figure(loaded: &Loaded, r: &Readout, curve: &QuantileCurve) -> Markup {
    let currency = loaded.context.project.settings.currency.as_deref();
    let caption = format!(
        "{}, {}: lift at each quantile of {}{}",
        title(loaded, &curve.metric),
        curve.variant,
        curve.of,
        if curve.ignore_zeros { " other than 0" } else { "" }
    );
    if let Some(e) = &curve.not_estimable {
        return html! { p { (title(loaded, &curve.metric)) ": " (e.to_string()) } };
    }
    let points: Vec<charts::At> = curve
        .points
        .iter()
        .filter_map(|p| {
            let e = p.lift.relative.estimate()?;
            Some(charts::At {
                at: p.at,
                value: e.point,
                band: (e.low, e.high),
            })
        })
        .collect();
    let value = |x: f64| format::in_unit(x, curve.unit.as_deref(), currency);
    let signed = |x: f64| format::signed_in_unit(x, curve.unit.as_deref(), currency);
    let rows: Vec<Vec<String>> = curve
        .points
        .iter()
        .map(|p| {
            vec![
                format!("p{}", format::number(p.at * 100.0)),
                parts::answer_text(&p.lift.control, &value),
                parts::answer_text(&p.lift.variant, &value),
                parts::answer_text(&p.lift.absolute, &signed),
                parts::answer_text(&p.lift.relative, &format::change),
            ]
        })
        .collect();
    let columns = ["Quantile", "Control", "Variant", "Difference", "Relative lift"].map(String::from);
    let missing = curve.points.len() - points.len();
    html! {
        @if points.is_empty() { p { (caption) ": not estimable at any quantile; the table says why." } }
        (charts::figure(&caption, charts::curve(&caption, &points, &format::change), &columns, &rows))
        p.note { "Interval at each quantile by itself, at " (format::percent(1.0 - r.alpha)) "."
            @if missing > 0 && !points.is_empty() { " At " (missing) " quantiles there is no relative lift: the table says why." }
            " " (parts::why(&r.provenance.evidence)) }
    }
}
