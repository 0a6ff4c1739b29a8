//! Amounts side by side from a common zero, each with its interval: plan, naive, shrunk, holdout.

use maud::{Markup, html};

use super::axis::{Scale, px};

/// One amount.
#[derive(Clone, Debug)]
pub struct Amount {
    /// Under the column.
    pub name: String,
    /// Where the column begins: 0, or where the one before ended.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Interval of where it ends.
    pub interval: Option<(f64, f64)>,
    /// `s1` to `s8`.
    pub tone: &'static str,
}

/// The columns; `show` prints an amount.
pub fn waterfall(title: &str, amounts: &[Amount], show: &dyn Fn(f64) -> String) -> Markup {
    let (width, height, left, top, bottom) = (720.0, 280.0, 92.0, 14.0, 44.0);
    let ends = amounts.iter().flat_map(|a| {
        let (low, high) = a.interval.unwrap_or((a.to, a.to));
        [a.from, a.to, low, high]
    });
    let (low, high) = ends.fold((0f64, 0f64), |(l, h), x| (l.min(x), h.max(x)));
    let pad = 0.06 * (high - low).max(1.0);
    let y = Scale::new(
        low - if low < 0.0 { pad } else { 0.0 },
        high + pad,
        height - bottom,
        top,
    );
    let slot = (width - left) / amounts.len().max(1) as f64;
    html! {
        svg.plot viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(title) {
            @for t in y.ticks(4) {
                line.grid x1=(px(left)) x2=(px(width)) y1=(px(y.at(t))) y2=(px(y.at(t))) {}
                text.tick x=(px(left - 8.0)) y=(px(y.at(t) + 4.0)) text-anchor="end" { (show(t)) }
            }
            line.axis x1=(px(left)) x2=(px(width)) y1=(px(y.at(0.0))) y2=(px(y.at(0.0))) {}
            @for (i, a) in amounts.iter().enumerate() {
                @let x = left + slot * (i as f64 + 0.22);
                @let (from, to) = (y.at(a.from), y.at(a.to));
                @let middle = x + slot * 0.28;
                rect class={ "dot " (a.tone) } x=(px(x)) width=(px(slot * 0.56)) y=(px(from.min(to))) height=(px((from - to).abs().max(1.0))) rx="2" opacity="0.8" {}
                @if let Some((l, h)) = a.interval {
                    line.axis x1=(px(middle)) x2=(px(middle)) y1=(px(y.at(l))) y2=(px(y.at(h))) {}
                    line.axis x1=(px(middle - 6.0)) x2=(px(middle + 6.0)) y1=(px(y.at(l))) y2=(px(y.at(l))) {}
                    line.axis x1=(px(middle - 6.0)) x2=(px(middle + 6.0)) y1=(px(y.at(h))) y2=(px(y.at(h))) {}
                }
                text x=(px(middle)) y=(px(height - 24.0)) text-anchor="middle" { (a.name) }
                text.tick x=(px(middle)) y=(px(height - 8.0)) text-anchor="middle" { (show(a.to - a.from)) }
            }
        }
    }
}
