//! Work on a time axis: when each piece is done, with its uncertainty.

use maud::{Markup, html};

use super::axis::{Scale, px};

/// A row of a roadmap; days as microseconds since 1970 UTC.
#[derive(Clone, Debug)]
pub struct Row {
    /// What.
    pub name: String,
    /// Done at the earliest (15%), at even odds, likely (85%), late (95%).
    pub done: [i64; 4],
    /// Wanted by.
    pub due: Option<i64>,
    /// `good`, `warn`, `bad` or empty.
    pub tone: &'static str,
}

/// The rows from `from` on, with a line at each first of a month.
pub fn roadmap(title: &str, from: i64, rows: &[Row], months: &[(i64, String)]) -> Markup {
    let ends = rows.iter().flat_map(|r| r.done.into_iter().chain(r.due));
    let last = ends.fold(from + 1, i64::max);
    let (left, width) = (190.0, 900.0);
    let x = Scale::new(from as f64, last as f64, left, width - 16.0);
    let height = 26.0 * rows.len() as f64 + 34.0;
    let at = |us: i64| x.at(us.max(from) as f64);
    html! {
        svg.plot viewBox={ "0 0 " (width) " " (px(height)) } role="img" aria-label=(title) {
            @for (us, name) in months.iter().filter(|m| m.0 >= from && m.0 <= last) {
                line.grid x1=(px(at(*us))) x2=(px(at(*us))) y1="4" y2=(px(height - 24.0)) {}
                text.tick x=(px(at(*us))) y=(px(height - 8.0)) text-anchor="middle" { (name) }
            }
            @for (i, r) in rows.iter().enumerate() {
                @let y = 26.0 * i as f64 + 8.0;
                @let [early, half, likely, late] = r.done.map(at);
                text x="0" y=(px(y + 12.0)) { (shortened(&r.name)) }
                rect class={ "range " (r.tone) } x=(px(early)) width=(px((late - early).max(2.0))) y=(px(y + 5.0)) height="6" rx="3" opacity="0.35" {}
                rect class={ "range " (r.tone) } x=(px(early)) width=(px((likely - early).max(2.0))) y=(px(y + 3.0)) height="10" rx="3" {}
                rect class={ "point " (r.tone) } x=(px(half - 2.0)) width="4" y=(px(y)) height="16" rx="2" {}
                @if let Some(due) = r.due { line.target x1=(px(at(due))) x2=(px(at(due))) y1=(px(y - 3.0)) y2=(px(y + 19.0)) {} }
            }
        }
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= 27 {
        return name.to_string();
    }
    name.chars().take(26).chain(['…']).collect()
}
