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
    /// Points from this moment on cover periods that are not over: they are drawn dotted.
    pub unfinished_from: Option<i64>,
    /// Half as wide, to stand beside others.
    pub compact: bool,
}

const BOTTOM: f64 = 26.0;
/// About as wide as a letter on the axis.
const LETTER: f64 = 7.2;
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
    let (wide, tall) = if chart.compact { (430.0, 190.0) } else { (700.0, 240.0) };
    let y = Scale::new(bottom, high + pad, tall - BOTTOM, TOP);
    let ticks: Vec<(f64, String)> = y.ticks(4).into_iter().map(|t| (t, label(t))).collect();
    let letters = ticks.iter().map(|(_, text)| text.chars().count()).max().unwrap_or(0);
    let left = (letters as f64 * LETTER + 14.0).clamp(34.0, 150.0);
    let first = points().map(|p| p.at_us).min().unwrap_or(0);
    let last = points().map(|p| p.at_us).max().unwrap_or(0);
    let x = Scale::new(first as f64, last as f64, left, wide - 14.0);
    html! {
        svg.plot.compact[chart.compact] viewBox={ "0 0 " (px(wide)) " " (px(tall)) } role="img" aria-label=(chart.title) {
            @for (tick, text) in &ticks {
                line.grid.axis[*tick == 0.0] x1=(px(left)) x2=(px(wide - 14.0)) y1=(px(y.at(*tick))) y2=(px(y.at(*tick))) {}
                text.tick x=(px(left - 8.0)) y=(px(y.at(*tick) + 4.0)) text-anchor="end" { (text) }
            }
            @for (at, text) in time_ticks(first, last, if chart.compact { 4 } else { 6 }) {
                @let at = x.at(at as f64);
                // A date at the very edge would be cut.
                @let anchor = if at < left + 20.0 { "start" } else if at > wide - 40.0 { "end" } else { "middle" };
                text.tick x=(px(at)) y=(px(tall - 8.0)) text-anchor=(anchor) { (text) }
            }
            @if let Some(target) = chart.target {
                line.target x1=(px(left)) x2=(px(wide - 14.0)) y1=(px(y.at(target))) y2=(px(y.at(target))) {}
                text.tick.target x=(px(wide - 16.0)) y=(px(y.at(target) - 5.0)) text-anchor="end" { "target " (label(target)) }
            }
            @for (i, series) in shown.iter().enumerate() {
                @if let Some(d) = band_path(&series.points, &x, &y) { path class={ "band s" (i + 1) } d=(d) {} }
                @let done = finished(&series.points, chart.unfinished_from);
                path class={ "series s" (i + 1) @if series.dashed { " dashed" } } d=(line_path(&series.points[..done], &x, &y)) {}
                @if done < series.points.len() {
                    path class={ "series dotted s" (i + 1) } d=(line_path(&series.points[done.saturating_sub(1)..], &x, &y)) {}
                }
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

/// The start of the last period if it is not over at a moment; `grain` is `day`, `week`, `month`, `quarter` or `year`.
/// Microseconds since 1970 UTC.
pub fn unfinished(last_start_us: i64, grain: &str, until_us: i64) -> Option<i64> {
    let start = date(last_start_us)?;
    let next = match grain {
        "day" => start.checked_add(jiff::Span::new().days(1)),
        "week" => start.checked_add(jiff::Span::new().days(7)),
        "month" => start.checked_add(jiff::Span::new().months(1)),
        "quarter" => start.checked_add(jiff::Span::new().months(3)),
        "year" => start.checked_add(jiff::Span::new().years(1)),
        _ => return None,
    };
    let end = jiff::tz::TimeZone::UTC.to_timestamp(next.ok()?.at(0, 0, 0, 0)).ok()?;
    (end.as_microsecond() > until_us).then_some(last_start_us)
}

/// How many points cover periods that are over.
fn finished(points: &[Point], unfinished_from: Option<i64>) -> usize {
    match unfinished_from {
        Some(from) => points.iter().take_while(|p| p.at_us < from).count(),
        None => points.len(),
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

/// Up to about `most` dates between two times, with the year only where it changes: days, or firsts of months where
/// the time is long.
fn time_ticks(first: i64, last: i64, most: i64) -> Vec<(i64, String)> {
    const DAY: i64 = 86_400_000_000;
    let days = ((last - first) / DAY).max(1);
    if days > 75 {
        return month_ticks(first, last, most);
    }
    let step = [1, 2, 7, 14, 28].into_iter().find(|s| days / s <= most).unwrap_or(28);
    let mut ticks = Vec::new();
    let mut year = None;
    let mut at = first.div_euclid(DAY) * DAY;
    if at < first {
        at += DAY;
    }
    while at <= last && ticks.len() < 12 {
        if let Some(date) = date(at) {
            let form = if year == Some(date.year()) {
                "%-d %b"
            } else {
                "%-d %b %Y"
            };
            year = Some(date.year());
            ticks.push((at, date.strftime(form).to_string()));
        }
        at += step * DAY;
    }
    ticks
}

fn month_ticks(first: i64, last: i64, most: i64) -> Vec<(i64, String)> {
    let months = (last - first) / (30 * 86_400_000_000);
    let step = [1, 2, 3, 6, 12, 24, 60]
        .into_iter()
        .find(|s| months / s <= most)
        .unwrap_or(120);
    let mut ticks = Vec::new();
    let mut year = None;
    let mut next = date(first).map(|d| d.first_of_month());
    while let Some(day) = next {
        let Ok(at) = jiff::tz::TimeZone::UTC
            .to_timestamp(day.at(0, 0, 0, 0))
            .map(Timestamp::as_microsecond)
        else {
            break;
        };
        if at > last || ticks.len() > 24 {
            break;
        }
        let number = i64::from(day.year()) * 12 + i64::from(day.month()) - 1;
        if at >= first && number % step == 0 {
            let form = if year == Some(day.year()) { "%b" } else { "%b %Y" };
            year = Some(day.year());
            ticks.push((at, day.strftime(form).to_string()));
        }
        next = day.checked_add(jiff::Span::new().months(1)).ok();
    }
    ticks
}

fn date(at_us: i64) -> Option<jiff::civil::Date> {
    let at = Timestamp::from_microsecond(at_us).ok()?;
    Some(at.to_zoned_datetime(jiff::tz::TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[f64]) -> Line {
        let points = values.iter().enumerate().map(|(i, value)| Point {
            at_us: i as i64 * 86_400_000_000,
            value: *value,
            band: None,
        });
        Line {
            title: "t".into(),
            series: vec![Series {
                name: "s".into(),
                points: points.collect(),
                dashed: false,
            }],
            ..Line::default()
        }
    }

    #[test]
    fn long_labels_push_the_axis_so_that_none_is_cut() {
        let label = |v: f64| format!("{v:.0} thousand euros");
        let text = line(&chart(&[10.0, 20.0, 40.0]), &label).into_string();
        let start: f64 = text
            .split("<line class=\"grid\" x1=\"")
            .nth(1)
            .unwrap_or("")
            .split('"')
            .next()
            .unwrap_or("")
            .parse()
            .unwrap_or(0.0);
        assert!(start > 15.0 * LETTER, "{start}: {text}");
    }

    #[test]
    fn periods_that_are_not_over_are_dotted() {
        let mut drawn = chart(&[1.0, 2.0, 3.0, 1.0]);
        assert!(!line(&drawn, &|v| v.to_string()).into_string().contains("dotted"));
        drawn.unfinished_from = Some(3 * 86_400_000_000);
        let text = line(&drawn, &|v| v.to_string()).into_string();
        let dotted = text
            .split("series dotted s1\" d=\"")
            .nth(1)
            .unwrap_or("")
            .split('"')
            .next()
            .unwrap_or("");
        // From the last whole period to the unfinished one.
        assert_eq!(
            (dotted.matches('M').count(), dotted.matches('L').count()),
            (1, 1),
            "{dotted}"
        );
    }

    #[test]
    fn a_period_is_over_when_the_next_begins() {
        let at = |text: &str| text.parse::<Timestamp>().map(Timestamp::as_microsecond).unwrap_or(0);
        let start = at("2025-02-01T00:00:00Z");
        let (before, end) = (at("2025-02-28T23:59:59Z"), at("2025-03-01T00:00:00Z"));
        assert_eq!(unfinished(start, "month", before), Some(start));
        assert_eq!(unfinished(start, "month", end), None);
        assert_eq!(unfinished(start, "week", at("2025-02-08T00:00:00Z")), None);
        assert_eq!(unfinished(start, "fortnight", before), None);
    }

    #[test]
    fn long_times_are_marked_by_months_and_the_year_where_it_changes() {
        let at = |text: &str| text.parse::<Timestamp>().map(Timestamp::as_microsecond).unwrap_or(0);
        let ticks = time_ticks(at("2024-11-20T00:00:00Z"), at("2025-12-29T00:00:00Z"), 6);
        let words: Vec<&str> = ticks.iter().map(|(_, w)| w.as_str()).collect();
        assert_eq!(words, ["Jan 2025", "Mar", "May", "Jul", "Sep", "Nov"]);
        let ticks = time_ticks(at("2025-07-20T00:00:00Z"), at("2025-08-16T00:00:00Z"), 4);
        let words: Vec<&str> = ticks.iter().map(|(_, w)| w.as_str()).collect();
        assert_eq!(words, ["20 Jul 2025", "27 Jul", "3 Aug", "10 Aug"]);
    }
}
