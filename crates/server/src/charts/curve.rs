//! Values over a number: quantiles, days, units; each with its interval, several beside each other.

use maud::{Markup, html};

use super::axis::{Scale, px};

/// A value at a place, with its interval.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Where on the axis.
    pub at: f64,
    /// Value.
    pub value: f64,
    /// Lower and upper end.
    pub band: (f64, f64),
}

/// Curves on one pair of axes.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    /// Spoken title.
    pub title: String,
    /// First and last place of the axis.
    pub range: (f64, f64),
    /// Marks on the axis.
    pub marks: Vec<(f64, String)>,
    /// Name and points, rising; at most eight.
    pub series: Vec<(String, Vec<At>)>,
    /// A place that is marked by an upright line, with its name.
    pub here: Option<(f64, String)>,
}

const WIDE: f64 = 700.0;
const TALL: f64 = 240.0;
const BOTTOM: f64 = 26.0;
const TOP: f64 = 10.0;
/// About as wide as a letter on the axis.
const LETTER: f64 = 7.2;
const MOST_SERIES: usize = 8;

/// Draws one curve over the quantiles of a distribution; `label` prints a value on the axis.
pub fn curve(title: &str, points: &[At], label: &dyn Fn(f64) -> String) -> Markup {
    let marks = [0.1, 0.25, 0.5, 0.75, 0.9, 0.99].map(|at| (at, format!("p{}", at * 100.0)));
    let chart = Curves {
        title: title.into(),
        range: (0.0, 1.0),
        marks: marks.into(),
        series: vec![(String::new(), points.to_vec())],
        here: None,
    };
    curves(&chart, label)
}

/// Draws curves; `label` prints a value on the axis.
pub fn curves(chart: &Curves, label: &dyn Fn(f64) -> String) -> Markup {
    let shown = chart.series.get(..MOST_SERIES).unwrap_or(&chart.series);
    let ends = shown
        .iter()
        .flat_map(|(_, points)| points)
        .flat_map(|p| [p.value, p.band.0, p.band.1])
        .filter(|v| v.is_finite());
    let (low, high) = ends.fold((0f64, 0f64), |(low, high), v| (low.min(v), high.max(v)));
    let pad = if high > low { (high - low) * 0.06 } else { 1.0 };
    let bottom = if low < 0.0 { low - pad } else { low };
    let y = Scale::new(bottom, high + pad, TALL - BOTTOM, TOP);
    let ticks: Vec<(f64, String)> = y.ticks(4).into_iter().map(|t| (t, label(t))).collect();
    let letters = ticks.iter().map(|(_, text)| text.chars().count()).max().unwrap_or(0);
    let left = (letters as f64 * LETTER + 14.0).clamp(34.0, 150.0);
    let x = Scale::new(chart.range.0, chart.range.1, left, WIDE - 14.0);
    let place = |p: &At, v: f64| format!("{} {}", px(x.at(p.at)), px(y.at(v)));
    html! {
        svg.plot viewBox={ "0 0 " (px(WIDE)) " " (px(TALL)) } role="img" aria-label=(chart.title) {
            @for (tick, text) in &ticks {
                line.grid.axis[*tick == 0.0] x1=(px(left)) x2=(px(WIDE - 14.0)) y1=(px(y.at(*tick))) y2=(px(y.at(*tick))) {}
                text.tick x=(px(left - 8.0)) y=(px(y.at(*tick) + 4.0)) text-anchor="end" { (text) }
            }
            @for (at, text) in &chart.marks {
                text.tick x=(px(x.at(*at))) y=(px(TALL - 8.0)) text-anchor="middle" { (text) }
            }
            @if let Some((at, name)) = &chart.here {
                line.target x1=(px(x.at(*at))) x2=(px(x.at(*at))) y1=(px(TOP)) y2=(px(TALL - BOTTOM)) {}
                @let end = x.at(*at) > WIDE * 0.7;
                text.tick.target x=(px(x.at(*at) + if end { -5.0 } else { 5.0 })) y=(px(TOP + 10.0)) text-anchor=(if end { "end" } else { "start" }) { (name) }
            }
            @for (i, (_, points)) in shown.iter().enumerate() {
                @let n = i + 1;
                @let points: Vec<&At> = points.iter().filter(|p| p.value.is_finite()).collect();
                @let banded: Vec<&&At> = points.iter().filter(|p| p.band.0.is_finite() && p.band.1.is_finite() && p.band.0 < p.band.1).collect();
                @if banded.len() > 1 {
                    @let upper = banded.iter().map(|p| place(p, p.band.1));
                    @let band: Vec<String> = upper.chain(banded.iter().rev().map(|p| place(p, p.band.0))).collect();
                    path class={ "band s" (n) } d={ "M" (band.join("L")) "Z" } {}
                }
                @if points.len() > 1 {
                    @let line: Vec<String> = points.iter().map(|p| place(p, p.value)).collect();
                    path class={ "series s" (n) } d={ "M" (line.join("L")) } {}
                }
                @for p in points { circle class={ "dot s" (n) } cx=(px(x.at(p.at))) cy=(px(y.at(p.value))) r="3" {} }
            }
        }
        @if shown.len() > 1 {
            ul.legend { @for (i, (name, _)) in shown.iter().enumerate() { li { span class={ "key s" (i + 1) } {} (name) } } }
        }
        @if chart.series.len() > MOST_SERIES { p.note { (chart.series.len() - MOST_SERIES) " more in the table" } }
    }
}
