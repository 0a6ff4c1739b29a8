//! One interval on a common scale: a cell of a forest plot whose words stay in the table.

use maud::{Markup, html};

use super::axis::{Scale, px};

/// The common scale of a forest plot's cells; always holds zero.
#[derive(Clone, Copy, Debug)]
pub struct IntervalScale {
    low: f64,
    high: f64,
}

impl IntervalScale {
    /// Wide enough for all intervals (low, high) and for zero; non-finite ends are ignored.
    pub fn over(intervals: impl IntoIterator<Item = (f64, f64)>) -> IntervalScale {
        let (mut low, mut high) = (0f64, 0f64);
        for (l, h) in intervals {
            if l.is_finite() && h.is_finite() {
                low = low.min(l);
                high = high.max(h);
            }
        }
        if low == high {
            high = low + 1.0;
        }
        let pad = (high - low) * 0.04;
        IntervalScale {
            low: low - pad,
            high: high + pad,
        }
    }
}

/// A bar from `low` to `high` with a dot at `point`, zero as a line. `tone` is a CSS class: `good`, `bad`, `quiet`.
pub fn interval(scale: IntervalScale, point: f64, low: f64, high: f64, tone: &str, words: &str) -> Markup {
    let x = Scale::new(scale.low, scale.high, 2.0, 218.0);
    html! {
        svg.interval viewBox="0 0 220 20" role="img" aria-label=(words) preserveAspectRatio="none" {
            line.zero x1=(px(x.at(0.0))) x2=(px(x.at(0.0))) y1="0" y2="20" {}
            rect class={ "range " (tone) } x=(px(x.at(low))) y="7" width=(px((x.at(high) - x.at(low)).max(1.0))) height="6" rx="3" {}
            rect class={ "point " (tone) } x=(px(x.at(point) - 2.0)) y="3" width="4" height="14" rx="2" {}
        }
    }
}
