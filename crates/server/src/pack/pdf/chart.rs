//! Charts drawn on a page.

use super::font::{self, Face};
use super::page::{LEFT, Paper, WIDTH};
use super::{INK, SOFT};
use crate::format;
use crate::pack::outline::Drawing;

const COLOURS: [[f64; 3]; 8] = [
    [0.122, 0.373, 0.682],
    [0.706, 0.329, 0.039],
    [0.09, 0.439, 0.235],
    [0.541, 0.247, 0.627],
    [0.639, 0.11, 0.294],
    [0.051, 0.451, 0.467],
    [0.42, 0.357, 0.0],
    [0.337, 0.361, 0.396],
];
const GRID: [f64; 3] = [0.88, 0.88, 0.85];
const HIGH: f64 = 170.0;
/// Bars of a chart on a page at most.
const MOST: usize = 24;

/// A value with the chart's unit.
fn print(value: f64, drawing: &Drawing) -> String {
    match drawing.unit.as_str() {
        "%" => format::percent(value),
        "" => format::number(value),
        unit => format!("{} {unit}", format::number(value)),
    }
}

/// What a reader who does not see is told.
fn words(drawing: &Drawing) -> String {
    let told: Vec<String> = drawing
        .series
        .iter()
        .map(|(name, values)| {
            let known: Vec<f64> = values.iter().copied().flatten().collect();
            match (known.first(), known.last()) {
                (Some(first), Some(last)) => format!("{name}: {} to {}", print(*first, drawing), print(*last, drawing)),
                _ => format!("{name}: no values"),
            }
        })
        .collect();
    format!("{}. {}", drawing.title, told.join("; "))
}

pub(super) fn draw(paper: &mut Paper, drawing: &Drawing) {
    let told = words(drawing);
    paper.picture(&told, |paper| {
        if drawing.mark == "bar" {
            bars(paper, drawing)
        } else {
            lines(paper, drawing)
        }
    });
}

/// A round step for about four ticks.
fn step(span: f64) -> f64 {
    let raw = (span / 4.0).max(1e-12);
    let power = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|n| n * power)
        .find(|s| raw <= *s * 1.000_001)
        .unwrap_or(power * 10.0)
}

fn lines(paper: &mut Paper, drawing: &Drawing) {
    let values = drawing.series.iter().flat_map(|(_, v)| v.iter().copied().flatten());
    let (mut low, mut high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if !low.is_finite() || !high.is_finite() {
        (low, high) = (0.0, 1.0);
    }
    if drawing.mark == "area" {
        low = low.min(0.0);
    }
    let pad = if high > low {
        (high - low) * 0.06
    } else {
        high.abs().max(1.0) * 0.1
    };
    let (low, high) = (low - pad, high + pad);
    let ticks: Vec<f64> = {
        let by = step(high - low);
        let first = (low / by).ceil() as i64;
        (first..=(high / by).floor() as i64)
            .take(12)
            .map(|i| i as f64 * by)
            .collect()
    };
    let gutter = ticks
        .iter()
        .map(|t| font::width(&print(*t, drawing), Face::Plain, 8.0))
        .fold(20.0, f64::max)
        + 8.0;
    let (x0, x1) = (LEFT + gutter, LEFT + WIDTH);
    let (top, bottom) = (paper.y() - 8.0, paper.y() - HIGH);
    let y = |v: f64| bottom + (v - low) / (high - low) * (top - bottom);
    for tick in &ticks {
        paper.line(x0, y(*tick), x1, y(*tick), 0.5, GRID, false);
        let text = print(*tick, drawing);
        paper.word(
            &text,
            Face::Plain,
            8.0,
            SOFT,
            x0 - 6.0 - font::width(&text, Face::Plain, 8.0),
            y(*tick) - 2.5,
        );
    }
    let count = drawing.categories.len();
    let x = |n: usize| {
        if count < 2 {
            f64::midpoint(x0, x1)
        } else {
            x0 + (x1 - x0) * n as f64 / (count - 1) as f64
        }
    };
    // As many names as fit beside each other.
    let widest = drawing
        .categories
        .iter()
        .map(|c| font::width(c, Face::Plain, 8.0))
        .fold(10.0, f64::max)
        + 14.0;
    let every = ((widest * count as f64) / (x1 - x0)).ceil().max(1.0) as usize;
    for (n, category) in drawing.categories.iter().enumerate().step_by(every) {
        let wide = font::width(category, Face::Plain, 8.0);
        let at = (x(n) - wide / 2.0).clamp(x0 - 10.0, x1 - wide);
        paper.word(category, Face::Plain, 8.0, SOFT, at, bottom - 12.0);
    }
    for (n, (_, values)) in drawing.series.iter().enumerate() {
        let mut run: Vec<(f64, f64)> = Vec::new();
        for (at, value) in values.iter().enumerate() {
            match value {
                Some(v) => run.push((x(at), y(*v))),
                None => stroke(paper, &mut run, n),
            }
        }
        stroke(paper, &mut run, n);
    }
    paper.set_y(bottom - 18.0);
    legend(paper, drawing);
}

fn stroke(paper: &mut Paper, run: &mut Vec<(f64, f64)>, series: usize) {
    let colour = COLOURS[series % COLOURS.len()];
    match run.as_slice() {
        [] => {}
        [(x, y)] => paper.bar(x - 1.5, y - 1.5, 3.0, 3.0, colour),
        points => paper.lines(points, 1.4, colour, series >= COLOURS.len()),
    }
    run.clear();
}

fn legend(paper: &mut Paper, drawing: &Drawing) {
    if drawing.series.len() < 2 {
        return;
    }
    let mut x = LEFT;
    paper.gap(10.0);
    for (n, (name, _)) in drawing.series.iter().enumerate() {
        let wide = font::width(name, Face::Plain, 8.0) + 26.0;
        if x + wide > LEFT + WIDTH {
            x = LEFT;
            paper.gap(11.0);
        }
        let y = paper.y();
        paper.bar(x, y + 1.5, 10.0, 3.0, COLOURS[n % COLOURS.len()]);
        paper.word(name, Face::Plain, 8.0, INK, x + 14.0, y);
        x += wide;
    }
    paper.gap(4.0);
}

fn bars(paper: &mut Paper, drawing: &Drawing) {
    let several = drawing.series.len() > 1;
    let all: Vec<(String, f64, usize)> = drawing
        .categories
        .iter()
        .enumerate()
        .flat_map(|(at, category)| {
            drawing
                .series
                .iter()
                .enumerate()
                .filter_map(move |(n, (name, values))| {
                    let label = if several {
                        format!("{category}, {name}")
                    } else {
                        category.clone()
                    };
                    values.get(at).copied().flatten().map(|v| (label, v, n))
                })
        })
        .take(MOST)
        .collect();
    let (low, high) = all
        .iter()
        .fold((0f64, 0f64), |(l, h), (_, v, _)| (l.min(*v), h.max(*v)));
    let high = if high > low { high } else { low + 1.0 };
    let names = all
        .iter()
        .map(|(l, ..)| font::width(l, Face::Plain, 8.5))
        .fold(30.0, f64::max)
        .min(180.0)
        + 8.0;
    let (x0, x1) = (LEFT + names, LEFT + WIDTH - 70.0);
    let x = |v: f64| x0 + (v - low) / (high - low) * (x1 - x0);
    for (label, value, n) in &all {
        paper.room(16.0);
        paper.gap(15.0);
        let y = paper.y();
        let shown = font::wrap(label, Face::Plain, 8.5, names - 8.0)
            .into_iter()
            .next()
            .unwrap_or_default();
        paper.word(
            &shown,
            Face::Plain,
            8.5,
            INK,
            x0 - 8.0 - font::width(&shown, Face::Plain, 8.5),
            y + 2.5,
        );
        let (a, b) = (x(value.min(0.0)), x(value.max(0.0)));
        paper.bar(a, y, (b - a).max(0.5), 10.0, COLOURS[n % COLOURS.len()]);
        paper.word(&print(*value, drawing), Face::Plain, 8.5, INK, b + 5.0, y + 2.5);
    }
    paper.gap(6.0);
}
