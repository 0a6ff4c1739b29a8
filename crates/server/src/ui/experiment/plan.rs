//! What was promised before the data were seen, beside what came.

use maud::{Markup, html};
use steward_capabilities::experiments::{self, Arrivals, Expected, PlanReport, Readout, Role};
use steward_capabilities::governance::{Choice, Decision};
use steward_definitions::Kind;

use super::title;
use crate::charts;
use crate::format;
use crate::state::Loaded;
use crate::ui::layout::badge;
use crate::ui::parts;

fn state(plan: &PlanReport) -> Markup {
    match &plan.registration {
        None => badge("", "draft"),
        Some(r) if r.late => badge("warn", "not pre-registered"),
        Some(r) if r.registered => badge("good", "registered"),
        Some(_) => badge("good", "applied before its start"),
    }
}

/// The plan against what came.
pub(super) fn plan(loaded: &Loaded, plan: &PlanReport, r: &Readout) -> Markup {
    let power = format!("{}/power", parts::address(Kind::Experiment, &plan.experiment));
    let departs = !plan.departures.is_empty();
    html! {
        h2 #plan { "Plan against actual" }
        div.card {
            p { (state(plan)) " " (plan.summary) }
            @if departs {
                div.scroll tabindex="0" role="region" aria-label="Departures from the plan" { table.stack {
                    thead { tr { th scope="col" { "Departure" } th scope="col" { "Planned" } th scope="col" { "Now" } th scope="col" { "Since" } th scope="col" { "What follows" } } }
                    tbody { @for d in &plan.departures { tr {
                        th scope="row" { (d.title) @if let Some(m) = &d.metric { ": " (title(loaded, m)) } }
                        td data-l="Planned" { (d.planned) } td data-l="Now" { (d.now) }
                        td data-l="Since" { @match (&d.since, &d.by) { (Some(day), Some(by)) => { (day) ", " (by) }, _ => span.soft { "not applied" } } }
                        td data-l="What follows" { (d.effect) }
                    } } }
                } }
            }
            @match &plan.expected {
                Some(expected) => (against(loaded, expected, r)),
                None => p.soft { "What was it expected to find? " a href=(power) { "Compute it from what was known at its start" } },
            }
            (arrivals(plan.expected.as_ref(), &r.arrivals))
            details.data open[departs] { summary { "Everything that was promised" }
                div.scroll tabindex="0" role="region" aria-label="Everything that was promised" { table {
                    thead { tr { th scope="col" { "Term" } th scope="col" { "Planned" } @if departs { th scope="col" { "Now" } } } }
                    tbody { @for t in &plan.terms { tr { th scope="row" { (t.title) } td { (t.planned) } @if departs { td { @if t.now != t.planned { strong { (t.now) } } @else { span.soft { "as planned" } } } } } } }
                } }
            }
            p.note { a href=(power) { "Power by duration" } @if let Some(e) = &plan.expected { " " (parts::why(&e.evidence)) } }
        }
    }
}

fn against(loaded: &Loaded, expected: &Expected, r: &Readout) -> Markup {
    let whole = |x: f64| format::grouped(x.round() as i64);
    let (units, days) = (r.health.units, r.arrivals.len());
    let daily = if days > 0 { units as f64 / days as f64 } else { 0.0 };
    html! {
        p { (expected.summary) @if expected.afterwards { " " span.soft { "Computed from what was known at its start, after it was frozen." } } }
        div.scroll tabindex="0" role="region" aria-label="Planned and actual" { table.stack {
            thead { tr { th scope="col" { "Quantity" } th.num scope="col" { "Planned" } th.num scope="col" { "Actual" } } }
            tbody {
                tr { th scope="row" { "Days of exposure" } td.num data-l="Planned" { (expected.days) } td.num data-l="Actual" { (days) } }
                tr { th scope="row" { "Units" } td.num data-l="Planned" { (expected.units.map_or("unknown".into(), whole)) } td.num data-l="Actual" { (format::grouped(units as i64)) } }
                tr { th scope="row" { "Units a day" } td.num data-l="Planned" { (expected.units_per_day.map_or("unknown".into(), whole)) } td.num data-l="Actual" { (whole(daily)) } }
                @for m in expected.metrics.iter().filter(|m| m.role == Role::Primary) {
                    @let found = r.metrics.iter().find(|x| x.metric == m.metric);
                    tr {
                        th scope="row" { "Smallest lift of " (title(loaded, &m.metric)) " found with " (format::percent(expected.power)) " power" }
                        td.num data-l="Planned" { (m.detectable_relative.map_or("unknown".into(), format::percent)) }
                        td.num data-l="Actual" { (found.and_then(|x| x.detectable_relative).map_or("not estimable".into(), format::percent)) }
                    }
                    @if let (Some(effect), Some(power)) = (expected.effect, m.power) { tr {
                        th scope="row" { "Power at " (format::percent(effect)) ", " (expected.effect_from.as_deref().unwrap_or("wanted")) }
                        td.num data-l="Planned" { (format::percent(power)) } td.num data-l="Actual" { @match found.and_then(|x| x.inference.outlook.as_ref()).and_then(|o| o.at_planned_effect) {
                            Some(p) => { (format::percent(p)) " " span.soft { "by now" } },
                            None => span.soft { "read the interval" },
                        } }
                    } }
                }
            }
        } }
    }
}

/// Units as they came, beside an even arrival of the planned ones.
fn arrivals(expected: Option<&Expected>, days: &[Arrivals]) -> Markup {
    if days.len() < 2 {
        return html! {};
    }
    let at = |day: &str| experiments::moment(day, &jiff::tz::TimeZone::UTC).ok();
    let (mut came, mut planned, mut rows, mut sum) = (Vec::new(), Vec::new(), Vec::new(), 0u64);
    let first = days.first().and_then(|d| at(&d.day)).unwrap_or(0);
    for d in days {
        let Some(at_us) = at(&d.day) else { continue };
        sum += d.units;
        let point = |value: f64| charts::Point {
            at_us,
            value,
            band: None,
        };
        came.push(point(sum as f64));
        let passed = ((at_us - first) / 86_400_000_000 + 1) as f64;
        let expectation = expected.and_then(|e| by_then(&e.arrivals, passed));
        planned.extend(expectation.map(point));
        let mut row = vec![
            d.day.clone(),
            format::grouped(d.units as i64),
            format::grouped(sum as i64),
        ];
        row.push(expectation.map_or("none".into(), |x| format::grouped(x.round() as i64)));
        rows.push(row);
    }
    let mut series = vec![charts::Series {
        name: "came".into(),
        points: came,
        dashed: false,
    }];
    if !planned.is_empty() {
        series.push(charts::Series {
            name: "planned".into(),
            points: planned,
            dashed: true,
        });
    }
    let chart = charts::Line {
        title: "Units exposed by each day".into(),
        series,
        from_zero: true,
        ..charts::Line::default()
    };
    let columns = ["Day", "Units", "So far", "Planned"].map(str::to_string);
    charts::figure(
        "Units exposed by each day",
        charts::line(&chart, &format::number),
        &columns,
        &rows,
    )
}

/// Planned units after so many days, on the line between the durations that were planned for.
fn by_then(arrivals: &[(i64, f64)], days: f64) -> Option<f64> {
    let mut before = (0.0, 0.0);
    for &(at, units) in arrivals {
        let at = at as f64;
        if days <= at {
            return Some(before.1 + (units - before.1) * (days - before.0) / (at - before.0));
        }
        before = (at, units);
    }
    None
}

/// Something that happened, for the history.
struct Happened {
    at_us: i64,
    what: Markup,
}

/// Plan, departures and decisions in the order of time.
pub(super) fn history(plan: &PlanReport, decisions: &[Decision]) -> Markup {
    let mut all: Vec<Happened> = decisions
        .iter()
        .map(|d| Happened {
            at_us: d.at_us,
            what: html! { (parts::decision(d)) " " a href={ "/ledger/" (d.sequence) } { "event " (d.sequence) } },
        })
        .collect();
    if let Some(r) = plan.registration.as_ref().filter(|r| {
        !decisions
            .iter()
            .any(|d| d.choice == Choice::Register && d.sequence == r.sequence)
    }) {
        all.push(Happened {
            at_us: r.at_us,
            what: html! { strong { "applied" } " by " (r.actor) ", " time { (format::minute(r.at_us)) } br; "The definition that is in force as the plan " a href={ "/ledger/" (r.sequence) } { "event " (r.sequence) } },
        });
    }
    for d in plan.departures.iter().filter_map(|d| Some((d.since_us?, d))) {
        all.push(Happened {
            at_us: d.0,
            what: html! { (badge("warn", "departure")) " " (d.1.sentence()) },
        });
    }
    all.sort_by_key(|h| std::cmp::Reverse(h.at_us));
    html! { @if !all.is_empty() {
        h2 #history { "History of decisions" }
        div.card { ul.plain { @for h in &all { li { (h.what) } } } }
    } }
}
