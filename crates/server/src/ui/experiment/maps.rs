//! Lifts over two dimensions at once.

use maud::{Markup, html};
use steward_capabilities::experiments::{EffectMap, MapCell, Readout, Role, SegmentLift};

use super::title;
use crate::charts;
use crate::format;
use crate::state::Loaded;
use crate::ui::layout::badge;
use crate::ui::parts;

/// The maps asked for, and which others may be.
pub(super) fn maps(loaded: &Loaded, r: &Readout, query: &str) -> Markup {
    let names: Vec<&str> = r
        .breakdowns
        .iter()
        .filter(|b| b.problem.is_none())
        .map(|b| b.dimension.as_str())
        .collect();
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for (i, a) in names.iter().enumerate() {
        for b in names.iter().skip(i + 1) {
            if !r.maps.iter().any(|m| m.dimensions == [a.to_string(), b.to_string()]) {
                pairs.push((a, b));
            }
        }
    }
    let address = |a: &str, b: &str| {
        let start = if query.is_empty() { "?" } else { "&" };
        format!("{query}{start}map={},{}#maps", parts::encode(a), parts::encode(b))
    };
    html! { @if !(pairs.is_empty() && r.maps.is_empty()) {
        h2 #maps { "Effect maps" }
        @for map in &r.maps { (one(loaded, r, map)) }
        @if !pairs.is_empty() { p.soft { "Cross " @for (i, (a, b)) in pairs.iter().enumerate() {
            @if i > 0 { ", " } a href=(address(a, b)) { (word(a)) " by " (word(b)) } } "." } }
    } }
}

fn word(dimension: &str) -> String {
    dimension.rsplit("__").next().unwrap_or(dimension).replace('_', " ")
}

fn one(loaded: &Loaded, r: &Readout, map: &EffectMap) -> Markup {
    let [a, b] = [word(&map.dimensions[0]), word(&map.dimensions[1])];
    let axis = |which: usize| {
        let mut all: Vec<String> = Vec::new();
        for cell in &map.cells {
            if !all.contains(&cell.values[which]) {
                all.push(cell.values[which].clone());
            }
        }
        all.sort();
        all
    };
    let (rows, columns) = (axis(0), axis(1));
    let shown: Vec<(&str, &str, &str)> = r
        .metrics
        .iter()
        .filter(|m| m.role == Role::Primary)
        .map(|m| (m.metric.as_str(), m.variant.as_str(), m.direction.as_str()))
        .collect();
    html! {
        @if let Some(problem) = &map.problem { p.note { (problem) } }
        @for (metric, variant, direction) in shown {
            @let lift = |cell: &MapCell| -> Option<SegmentLift> { cell.metrics.iter().find(|m| m.metric == metric && m.variant == variant).cloned() };
            @let good = if direction == "decrease" { -1.0 } else { 1.0 };
            @let cells: Vec<charts::Cell> = map.cells.iter().filter_map(|c| {
                let point = shrunk(&lift(c)?)?;
                let at = (rows.iter().position(|v| *v == c.values[0])?, columns.iter().position(|v| *v == c.values[1])?);
                Some(charts::Cell { at, value: good * point, text: format::change(point) })
            }).collect();
            @let caption = format!("{}, {variant}: lift by {a} and {b}, shrunk towards the common one", title(loaded, metric));
            @if !cells.is_empty() { div.card {
                @let table: Vec<Vec<String>> = map.cells.iter().filter_map(|c| {
                    let m = lift(c)?;
                    Some(vec![
                        format!("{}, {}", c.values[0], c.values[1]),
                        format::grouped(c.units.values().sum::<u64>() as i64),
                        parts::answer_text(&m.relative, &format::change),
                        m.shrunk.as_ref().map_or("alone".into(), |s| format!("{} [{}, {}]", format::change(s.point), format::change(s.low), format::change(s.high))),
                    ])
                }).collect();
                (charts::figure(&caption, charts::heat(&caption, &rows, &columns, &cells), &["Cell".into(), "Units".into(), "Lift".into(), "Shrunk".into()], &table))
                @for t in map.tests.iter().filter(|t| t.metric == metric && t.variant == variant) { p {
                    @if t.differ { (badge("warn", "cells differ")) } @else { (badge("", "no difference shown")) }
                    " Cochran's Q " (format::number(t.q)) " over " (t.segments) " cells, adjusted p " (format::p_value(t.adjusted_p)) "."
                } }
                p.note { "Exploratory: whoever crosses long enough finds a cell that stands out. Green is good. " (parts::why(&r.provenance.evidence)) }
            } }
        }
    }
}

/// The shrunk lift where there is one, else the plain.
fn shrunk(m: &SegmentLift) -> Option<f64> {
    m.shrunk
        .as_ref()
        .map(|s| s.point)
        .or_else(|| m.relative.estimate().map(|e| e.point))
}
