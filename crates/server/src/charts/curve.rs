//! A value over the quantiles of a distribution, with its interval at each.

use maud::{Markup, html};

use super::axis::{Scale, px};

/// A value at a quantile in (0, 1), with its interval.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Quantile.
    pub quantile: f64,
    /// Value.
    pub value: f64,
    /// Lower and upper end.
    pub band: (f64, f64),
}

const WIDE: f64 = 700.0;
const TALL: f64 = 240.0;
const BOTTOM: f64 = 26.0;
const TOP: f64 = 10.0;
/// About as wide as a letter on the axis.
const LETTER: f64 = 7.2;

/// Draws the curve; `label` prints a value on the axis. Quantiles stand where they are between 0 and 1.
pub fn curve(title: &str, points: &[At], label: &dyn Fn(f64) -> String) -> Markup {
    let ends = points
        .iter()
        .flat_map(|p| [p.value, p.band.0, p.band.1])
        .filter(|v| v.is_finite());
    let (low, high) = ends.fold((0f64, 0f64), |(low, high), v| (low.min(v), high.max(v)));
    let pad = if high > low { (high - low) * 0.06 } else { 1.0 };
    let y = Scale::new(low - pad, high + pad, TALL - BOTTOM, TOP);
    let ticks: Vec<(f64, String)> = y.ticks(4).into_iter().map(|t| (t, label(t))).collect();
    let letters = ticks.iter().map(|(_, text)| text.chars().count()).max().unwrap_or(0);
    let left = (letters as f64 * LETTER + 14.0).clamp(34.0, 150.0);
    let x = Scale::new(0.0, 1.0, left, WIDE - 14.0);
    let place = |p: &At, v: f64| format!("{} {}", px(x.at(p.quantile)), px(y.at(v)));
    let line: Vec<String> = points.iter().map(|p| place(p, p.value)).collect();
    let upper = points.iter().map(|p| place(p, p.band.1));
    let band: Vec<String> = upper.chain(points.iter().rev().map(|p| place(p, p.band.0))).collect();
    html! {
        svg.plot viewBox={ "0 0 " (px(WIDE)) " " (px(TALL)) } role="img" aria-label=(title) {
            @for (tick, text) in &ticks {
                line.grid.axis[*tick == 0.0] x1=(px(left)) x2=(px(WIDE - 14.0)) y1=(px(y.at(*tick))) y2=(px(y.at(*tick))) {}
                text.tick x=(px(left - 8.0)) y=(px(y.at(*tick) + 4.0)) text-anchor="end" { (text) }
            }
            @for at in [0.1, 0.25, 0.5, 0.75, 0.9, 0.99] {
                text.tick x=(px(x.at(at))) y=(px(TALL - 8.0)) text-anchor="middle" { "p" (at * 100.0) }
            }
            @if points.len() > 1 {
                path class="band s1" d={ "M" (band.join("L")) "Z" } {}
                path class="series s1" d={ "M" (line.join("L")) } {}
            }
            @for p in points { circle class="dot s1" cx=(px(x.at(p.quantile))) cy=(px(y.at(p.value))) r="3" {} }
        }
    }
}
