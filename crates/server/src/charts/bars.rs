//! Horizontal bars for shares and totals by category.

use maud::{Markup, html};

use super::axis::{Scale, px};

/// One bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What.
    pub label: String,
    /// How much.
    pub value: f64,
    /// As printed.
    pub text: String,
}

/// Bars in the order given, zero included in the scale.
pub fn bars(title: &str, bars: &[Bar]) -> Markup {
    let height = bars.len() as f64 * 26.0 + 6.0;
    let low = bars
        .iter()
        .map(|b| b.value)
        .filter(|v| v.is_finite())
        .fold(0f64, f64::min);
    let high = bars
        .iter()
        .map(|b| b.value)
        .filter(|v| v.is_finite())
        .fold(0f64, f64::max);
    let x = Scale::new(low, if high == low { low + 1.0 } else { high }, 170.0, 540.0);
    html! {
        svg.plot viewBox={ "0 0 640 " (px(height)) } role="img" aria-label=(title) {
            @for (i, bar) in bars.iter().enumerate() {
                @let y = i as f64 * 26.0 + 4.0;
                @let (a, b) = (x.at(bar.value.min(0.0)), x.at(bar.value.max(0.0)));
                text.label x="162" y=(px(y + 14.0)) text-anchor="end" { (shorten(&bar.label)) }
                rect.bar x=(px(a)) y=(px(y)) width=(px((b - a).max(0.5))) height="18" rx="3" {}
                text.label x=(px(b + 6.0)) y=(px(y + 14.0)) { (bar.text) }
            }
        }
    }
}

fn shorten(label: &str) -> String {
    if label.chars().count() <= 24 {
        return label.to_string();
    }
    label.chars().take(23).chain(['…']).collect()
}
