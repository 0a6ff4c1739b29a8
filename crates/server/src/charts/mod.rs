//! Charts as SVG, drawn from plain numbers. Colours are CSS variables, so that one drawing serves light, dark
//! and print; every figure carries its data as a table behind a disclosure.

mod axis;
mod bars;
mod curve;
mod graph;
mod heat;
mod heatmap;
mod interval;
mod line;
mod ramp;
mod reliability;
mod roadmap;
mod sankey;
mod steps;
mod strip;
mod waterfall;

pub use bars::{Bar, bars};
pub use curve::{At, Curves, curve, curves};
pub use graph::{Graph, Node, graph};
pub use heat::{Cell, heat};
pub use heatmap::heatmap;
pub use interval::{IntervalScale, interval};
pub use line::{Line, Point, Series, line, unfinished};
pub use ramp::{Rollout, rollout};
pub use reliability::reliability;
pub use roadmap::{Row, roadmap};
pub use sankey::{Flow, sankey};
pub use steps::{Step, steps};
pub use strip::strip;
pub use waterfall::{Amount, waterfall};

use maud::{Markup, html};

/// A figure with its caption and the table behind the picture.
pub fn figure(caption: &str, picture: Markup, columns: &[String], rows: &[Vec<String>]) -> Markup {
    let table = html! {
        table {
            thead { tr { @for (i, c) in columns.iter().enumerate() { th.num[i > 0] scope="col" { (c) } } } }
            tbody { @for row in rows { tr { @for (i, cell) in row.iter().enumerate() {
                @if i == 0 { th scope="row" { (cell) } } @else { td.num { (cell) } }
            } } } }
        }
    };
    figure_over(caption, picture, table)
}

/// A figure over a table of its own.
pub fn figure_over(caption: &str, picture: Markup, table: Markup) -> Markup {
    html! {
        figure.chart {
            figcaption { (caption) }
            div.scroll tabindex="0" role="region" aria-label=(caption) { (picture) }
            details.data {
                summary { "Data" }
                div.scroll tabindex="0" role="region" aria-label={ (caption) ", data" } { (table) }
            }
        }
    }
}
