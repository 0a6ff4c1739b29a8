//! One row a metric: values, lifts, and the interval on a common scale.

use maud::{Markup, html};
use steward_capabilities::experiments::{Answer, MetricReadout, Role};
use steward_definitions::Kind;

use crate::charts::{self, IntervalScale};
use crate::format;
use crate::pack::values::difference;
use crate::state::Loaded;
use crate::ui::experiments::tone;
use crate::ui::parts;

/// A metric in one variant.
pub(super) fn metric_row(
    loaded: &Loaded,
    m: &MetricReadout,
    scale: IntervalScale,
    currency: Option<&str>,
    several: bool,
) -> Markup {
    // A share of units is read as per cent, whatever unit the metric has as a total.
    let unit = if m.statistic == "proportion" {
        Some("percent")
    } else {
        m.unit.as_deref()
    };
    let point = |a: &Answer| match a.estimate() {
        Some(e) => format::in_unit(e.point, unit, currency),
        None => "not estimable".to_string(),
    };
    let role = match m.role {
        Role::Primary => "primary",
        Role::Secondary => "secondary",
        Role::Guardrail => "guardrail",
        Role::Exploratory => "exploratory, added after the start",
    };
    let tone = tone(&m.relative, m.significant, &m.direction);
    let p = m.adjusted_p.or_else(|| m.absolute.estimate().and_then(|e| e.p));
    html! { tr {
        th scope="row" { (parts::link(loaded, Kind::Metric, &m.metric)) br; span.soft { (role) } }
        @if several { td data-l="Variant" { (m.variant) } }
        td.num data-l="Control" { (point(&m.control_value)) }
        td.num data-l="Variant" { (point(&m.variant_value)) }
        td.num data-l="Difference" { @match m.absolute.estimate() {
            Some(e) => { (difference(e.point, unit, currency)) br; span.soft { (difference(e.low, unit, currency)) " to " (difference(e.high, unit, currency)) } },
            None => (parts::answer(&m.absolute, &format::number)),
        } }
        td.num data-l="Relative lift" {
            @match m.relative.estimate() {
                Some(e) => strong class=(format!("{tone}-ink")) { (format::change(e.point)) },
                None => (parts::answer(&m.relative, &format::change)),
            }
            @if let Some(v) = m.variance_reduction {
                br; span.soft title=[m.raw.as_ref().map(|raw| format!("without adjustment {}", parts::answer_text(&raw.relative, &format::change)))] {
                    (if m.adjustment.is_some() { "adjusted " } else { "CUPED " }) (format::change(-v)) " variance"
                }
            }
        }
        td.forest { @if let Some(e) = m.relative.estimate() {
            (charts::interval(scale, e.point, e.low, e.high, tone, &parts::answer_text(&m.relative, &format::change)))
            span.soft { (format::change(e.low)) " to " (format::change(e.high)) }
        } }
        td.num data-l="p" { (p.map_or("none".to_string(), format::p_value)) }
    } }
}
