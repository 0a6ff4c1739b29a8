//! Series over time, with bands for uncertainty and an optional target.

use jiff::Timestamp;
use maud::{Markup, html};

use super::axis::{Scale, px};

/// A value at a time (microseconds since 1970 UTC), with its interval if it has one.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// When.
    pub at_us: i64,
    /// Value; NaN breaks the line.
    pub value: f64,
    /// Lower and upper end.
    pub band: Option<(f64, f64)>,
}

/// A named series.
#[derive(Clone, Debug)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Points in order of time.
    pub points: Vec<Point>,
    /// Drawn dashed, e.g. a forecast.
    pub dashed: bool,
}

/// A line chart.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Spoken title.
    pub title: String,
    /// At most eight series; further ones are left to the table.
    pub series: Vec<Series>,
    /// A horizontal target.
    pub target: Option<f64>,
    /// Whether zero must be on the axis.
    pub from_zero: bool,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 58.0;
const BOTTOM: f64 = 26.0;
const TOP: f64 = 10.0;
const MOST_SERIES: usize = 8;

/// Draws a line chart; `label` prints a value on the axis.
pub fn line(chart: &Line, label: &dyn Fn(f64) -> String) -> Markup {
    let shown = &chart.series[..chart.series.len().min(MOST_SERIES)];
    let points = || shown.iter().flat_map(|s| s.points.iter());
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for p in points() {
        for v in [Some(p.value), p.band.map(|b| b.0), p.band.map(|b| b.1)]
            .into_iter()
            .flatten()
        {
            if v.is_finite() {
                low = low.min(v);
                high = high.max(v);
            }
        }
    }
    for v in [chart.target, chart.from_zero.then_some(0.0)].into_iter().flatten() {
        low = low.min(v);
        high = high.max(v);
    }
    let pad = if high > low { (high - low) * 0.06 } else { 0.0 };
    let bottom = if chart.from_zero && low >= 0.0 { low } else { low - pad };
    let y = Scale::new(bottom, high + pad, HEIGHT - BOTTOM, TOP);
    let first = points().map(|p| p.at_us).min().unwrap_or(0);
    let last = points().map(|p| p.at_us).max().unwrap_or(0);
    let x = Scale::new(first as f64, last as f64, LEFT, WIDTH - 12.0);
    html! {
        svg.plot viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(chart.title) {
            @for tick in y.ticks(4) {
                line.grid x1=(px(LEFT)) x2=(px(WIDTH - 12.0)) y1=(px(y.at(tick))) y2=(px(y.at(tick))) {}
                text.tick x=(px(LEFT - 6.0)) y=(px(y.at(tick) + 4.0)) text-anchor="end" { (label(tick)) }
            }
            @for (at, text) in time_ticks(first, last) {
                text.tick x=(px(x.at(at as f64))) y=(px(HEIGHT - 8.0)) text-anchor="middle" { (text) }
            }
            @if let Some(target) = chart.target {
                line.target x1=(px(LEFT)) x2=(px(WIDTH - 12.0)) y1=(px(y.at(target))) y2=(px(y.at(target))) {}
                text.tick.target x=(px(WIDTH - 14.0)) y=(px(y.at(target) - 5.0)) text-anchor="end" { "target " (label(target)) }
            }
            @for (i, series) in shown.iter().enumerate() {
                @if let Some(d) = band_path(&series.points, &x, &y) { path class={ "band s" (i + 1) } d=(d) {} }
                path class={ "series s" (i + 1) @if series.dashed { " dashed" } } d=(line_path(&series.points, &x, &y)) {}
                @if series.points.len() == 1 {
                    circle class={ "dot s" (i + 1) } cx=(px(x.at(series.points[0].at_us as f64))) cy=(px(y.at(series.points[0].value))) r="3" {}
                }
            }
        }
        @if shown.len() > 1 {
            ul.legend { @for (i, s) in shown.iter().enumerate() { li { span class={ "key s" (i + 1) } {} (s.name) } } }
        }
        @if chart.series.len() > MOST_SERIES { p.note { (chart.series.len() - MOST_SERIES) " more in the table" } }
    }
}

fn line_path(points: &[Point], x: &Scale, y: &Scale) -> String {
    let mut d = String::with_capacity(points.len() * 14);
    let mut pen_down = false;
    for p in points {
        if !p.value.is_finite() {
            pen_down = false;
            continue;
        }
        d.push(if pen_down { 'L' } else { 'M' });
        d.push_str(&px(x.at(p.at_us as f64)));
        d.push(' ');
        d.push_str(&px(y.at(p.value)));
        pen_down = true;
    }
    d
}

fn band_path(points: &[Point], x: &Scale, y: &Scale) -> Option<String> {
    let banded: Vec<_> = points
        .iter()
        .filter_map(|p| {
            p.band
                .filter(|b| b.0.is_finite() && b.1.is_finite())
                .map(|b| (p.at_us as f64, b))
        })
        .collect();
    if banded.len() < 2 {
        return None;
    }
    let mut d = String::new();
    for (i, (at, (_, high))) in banded.iter().enumerate() {
        d.push_str(&format!(
            "{}{} {}",
            if i == 0 { 'M' } else { 'L' },
            px(x.at(*at)),
            px(y.at(*high))
        ));
    }
    for (at, (low, _)) in banded.iter().rev() {
        d.push_str(&format!("L{} {}", px(x.at(*at)), px(y.at(*low))));
    }
    d.push('Z');
    Some(d)
}

/// Up to six dates between two times, with the year only where it changes.
fn time_ticks(first: i64, last: i64) -> Vec<(i64, String)> {
    const DAY: i64 = 86_400_000_000;
    let days = ((last - first) / DAY).max(1);
    let step = [1, 2, 7, 14, 30, 61, 91, 182, 365]
        .into_iter()
        .find(|s| days / s <= 6)
        .unwrap_or(days / 6 + 1);
    let mut ticks = Vec::new();
    let mut year = None;
    let mut at = first.div_euclid(DAY) * DAY;
    if at < first {
        at += DAY;
    }
    while at <= last && ticks.len() < 9 {
        if let Ok(t) = Timestamp::from_microsecond(at) {
            let date = t.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
            let text = if year == Some(date.year()) {
                date.strftime("%-d %b").to_string()
            } else {
                date.strftime("%-d %b %Y").to_string()
            };
            year = Some(date.year());
            ticks.push((at, text));
        }
        at += step * DAY;
    }
    ticks
}
