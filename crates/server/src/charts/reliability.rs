//! How often it happened against how likely it was called.

use maud::{Markup, html};

use super::axis::{Scale, px};

/// A bin: stated, happened, interval.
pub type Bin = (f64, f64, f64, f64);

/// Bins with intervals, the fitted curve as (stated, happened) pairs, and the diagonal of the calibrated.
pub fn reliability(title: &str, bins: &[Bin], curve: &[(f64, f64)]) -> Markup {
    let (x, y) = (Scale::new(0.0, 1.0, 52.0, 400.0), Scale::new(0.0, 1.0, 300.0, 12.0));
    let path: Vec<String> = curve
        .iter()
        .map(|(p, q)| format!("{},{}", px(x.at(*p)), px(y.at(*q))))
        .collect();
    html! {
        svg.plot.compact viewBox="0 0 420 348" role="img" aria-label=(title) {
            @for t in [0.0, 0.25, 0.5, 0.75, 1.0] {
                line.grid x1=(px(x.at(0.0))) x2=(px(x.at(1.0))) y1=(px(y.at(t))) y2=(px(y.at(t))) {}
                text.tick x="46" y=(px(y.at(t) + 4.0)) text-anchor="end" { (format!("{:.0}%", 100.0 * t)) }
                text.tick x=(px(x.at(t))) y="318" text-anchor="middle" { (format!("{:.0}%", 100.0 * t)) }
            }
            line.zero x1=(px(x.at(0.0))) y1=(px(y.at(0.0))) x2=(px(x.at(1.0))) y2=(px(y.at(1.0))) {}
            polyline class="series s2" points=(path.join(" ")) {}
            @for (stated, happened, low, high) in bins {
                line class="series s1" x1=(px(x.at(*stated))) x2=(px(x.at(*stated))) y1=(px(y.at(*low))) y2=(px(y.at(*high))) {}
                circle class="dot s1" cx=(px(x.at(*stated))) cy=(px(y.at(*happened))) r="4" {}
            }
            text.tick x=(px(x.at(0.5))) y="338" text-anchor="middle" { "stated" }
            text.tick x=(px(x.at(0.02))) y="24" { "happened" }
        }
    }
}
