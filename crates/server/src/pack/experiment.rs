//! An experiment inside a pack: verdict, health, lifts.

use maud::{Markup, html};
use steward_capabilities::experiments::{Answer, MetricReadout, Outcome, Readout};
use steward_stats::Estimate;

use super::values::{Links, difference, source};
use crate::charts::{IntervalScale, interval};
use crate::format::{change, grouped, minute, p_value, percent};

/// The readout's conclusion with its lifts.
pub fn render(readout: &Readout, currency: Option<&str>, links: Links) -> Markup {
    let title = readout.label.as_deref().unwrap_or(&readout.experiment);
    let finite = |e: &&Estimate| e.low.is_finite() && e.high.is_finite();
    let scale = IntervalScale::over(
        readout
            .metrics
            .iter()
            .filter_map(|m| m.relative.estimate())
            .filter(finite)
            .map(|e| (e.low, e.high)),
    );
    let tone = match (&readout.outcome, readout.health.ok) {
        (_, false) => "bad",
        (Outcome::Better, _) => "good",
        (Outcome::Worse | Outcome::GuardrailHarmed | Outcome::DoNotTrust, _) => "bad",
        (Outcome::Mixed, _) => "warn",
        _ => "",
    };
    html! {
        section.card aria-label=(title) {
            p.soft { "Experiment " @match links {
                Links::Pages => a href={ "/k/experiment/" (readout.experiment) } { (title) },
                Links::None => strong { (title) },
            } }
            p class={ "verdict " (tone) } style="padding-left:12px" { (readout.verdict) }
            p.note {
                (grouped(i64::try_from(readout.health.units).unwrap_or(i64::MAX))) " units · sample ratio "
                @match readout.health.srm.p { Some(p) => { "p " (p_value(p)) }, None => "not testable" }
                @if readout.health.srm.broken { " (broken: the groups are not comparable)" }
                @if let Some(before) = readout.window.facts_before { " · data before " (minute(before)) }
                " · owner " (readout.owner)
            }
            @if !readout.metrics.is_empty() {
                div.scroll tabindex="0" role="region" aria-label={ (title) ", lifts" } {
                    table {
                        thead { tr {
                            th scope="col" { "Metric" } th scope="col" { "Variant" } th.num scope="col" { "Difference" }
                            th.num scope="col" { "Relative" } th scope="col" { "Interval" } th.num scope="col" { "p" }
                        } }
                        tbody { @for m in &readout.metrics { (row(m, scale, currency)) } }
                    }
                }
            }
            (source("Readout", &readout.provenance.evidence, links))
        }
    }
}

fn row(m: &MetricReadout, scale: IntervalScale, currency: Option<&str>) -> Markup {
    let unit = if m.statistic == "proportion" {
        Some("percent")
    } else {
        m.unit.as_deref()
    };
    let name = m.label.as_deref().unwrap_or(&m.metric);
    let shown = |a: &Answer, print: &dyn Fn(f64) -> String| match a {
        Answer::Estimate(e) => print(e.point),
        Answer::Refused { .. } => "not estimable".to_string(),
    };
    html! {
        tr {
            th scope="row" { (name) }
            td { (m.variant) " against " (m.control) }
            td.num { (shown(&m.absolute, &|x| difference(x, unit, currency))) }
            td.num { (shown(&m.relative, &change)) }
            td { @match &m.relative {
                Answer::Estimate(e) => {
                    @let words = format!("{}: {} ({} interval {} to {})", name, change(e.point), percent(e.level), change(e.low), change(e.high));
                    @let good = (e.point > 0.0) == (m.direction != "decrease");
                    (interval(scale, e.point, e.low, e.high, if !m.significant { "quiet" } else if good { "good" } else { "bad" }, &words))
                    span.note { (change(e.low)) " to " (change(e.high)) }
                },
                Answer::Refused { not_estimable } => span.note { (not_estimable.detail) "; " (not_estimable.fix) },
            } }
            td.num { @match m.adjusted_p.or_else(|| m.absolute.estimate().and_then(|e| e.p)) { Some(p) => (p_value(p)), None => "–" } }
        }
    }
}
