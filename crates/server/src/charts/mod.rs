//! Charts as SVG, drawn from plain numbers. Colours are CSS variables, so that one drawing serves light, dark
//! and print; every figure carries its data as a table behind a disclosure.

mod axis;
mod bars;
mod interval;
mod line;

pub use bars::{Bar, bars};
pub use interval::{IntervalScale, interval};
pub use line::{Line, Point, Series, line};

use maud::{Markup, html};

/// A figure with its caption and the table behind the picture.
pub fn figure(caption: &str, picture: Markup, columns: &[String], rows: &[Vec<String>]) -> Markup {
    html! {
        figure.chart {
            figcaption { (caption) }
            div.scroll tabindex="0" role="region" aria-label=(caption) { (picture) }
            details.data {
                summary { "Data" }
                div.scroll tabindex="0" role="region" aria-label={ (caption) ", data" } {
                    table {
                        thead { tr { @for c in columns { th scope="col" { (c) } } } }
                        tbody { @for row in rows { tr { @for (i, cell) in row.iter().enumerate() {
                            @if i == 0 { th scope="row" { (cell) } } @else { td.num { (cell) } }
                        } } } }
                    }
                }
            }
        }
    }
}
