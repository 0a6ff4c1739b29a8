//! One metric's value with interval, change, time and source.

use maud::{Markup, html};
use steward_capabilities::reports::Figure;
use steward_definitions::Direction;

use super::values::{Links, as_number, cell, difference, in_unit, source};
use crate::format;

/// A figure as a card.
pub fn card(figure: &Figure, links: Links) -> Markup {
    let (unit, currency) = (figure.unit.as_deref(), figure.currency.as_deref());
    html! {
        div.card role="group" aria-label=(figure.label) {
            p.soft {
                @match links {
                    Links::Pages => a href={ "/k/metric/" (figure.metric) } { (figure.label) },
                    Links::None => (figure.label),
                }
                ", " (figure.period)
            }
            p.big { (cell(&figure.value, unit, currency)) }
            @if let Some(e) = &figure.estimate {
                p.note { (format::percent(e.level)) " interval " (in_unit(e.low, unit, currency)) " to " (in_unit(e.high, unit, currency))
                    ", n " (format::grouped(i64::try_from(e.n).unwrap_or(i64::MAX))) ", " (e.method) }
            } @else if let Some(why) = &figure.no_estimate {
                p.note { "No interval: " (why.detail) "; " (why.fix) }
            } @else {
                p.note { "A total: counted, not sampled" }
            }
            @if let Some(change) = figure.change {
                p class=(tone(change, figure.direction)) {
                    (difference(change, unit, currency))
                    @if let Some(relative) = figure.relative_change { " (" (format::change(relative)) ")" }
                    " on the period before"
                }
            } @else { p.note { "No period before to compare with" } }
            @if let Some(previous) = &figure.previous_pack {
                @let moved = as_number(&figure.value).zip(as_number(previous)).map(|(now, then)| now - then);
                p.note { "Previous pack: " (cell(previous, unit, currency))
                    @if let Some(moved) = moved { " (" (difference(moved, unit, currency)) ")" } }
            }
            @if let Some(filter) = &figure.filter { p.note { "Only " code { (filter) } } }
            p.note { "As of " (format::minute(figure.as_of_us)) " · owner " (figure.owner) }
            (source(&figure.metric, &figure.evidence, links))
        }
    }
}

fn tone(change: f64, direction: Direction) -> &'static str {
    let good = match direction {
        Direction::Increase => change > 0.0,
        Direction::Decrease => change < 0.0,
    };
    match (change == 0.0 || !change.is_finite(), good) {
        (true, _) => "soft",
        (false, true) => "good-ink",
        (false, false) => "bad-ink",
    }
}
