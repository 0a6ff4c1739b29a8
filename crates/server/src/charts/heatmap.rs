//! Levels by row and column.

use maud::{Markup, html};

use super::axis::px;

const LEFT: f64 = 130.0;
const TOP: f64 = 78.0;
const CELL: f64 = 30.0;
const ROW: f64 = 22.0;

/// A heatmap: `level` of (row, column) from 0 (nothing) to 5; darker is more. The number stands in the cell, so that it
/// is read without colour.
pub fn heatmap(title: &str, rows: &[String], columns: &[String], level: &dyn Fn(usize, usize) -> u64) -> Markup {
    let wide = LEFT + columns.len() as f64 * CELL + 60.0;
    let tall = TOP + rows.len() as f64 * ROW + 6.0;
    html! {
        svg.plot viewBox={ "0 0 " (px(wide)) " " (px(tall)) } role="img" aria-label=(title) style={ "max-width:" (px(wide * 1.15)) "px" } {
            @for (c, column) in columns.iter().enumerate() {
                @let x = LEFT + c as f64 * CELL + CELL / 2.0 - 2.0;
                text.tick transform={ "translate(" (px(x)) " " (px(TOP - 8.0)) ") rotate(-45)" } { (column) }
            }
            @for (r, row) in rows.iter().enumerate() {
                @let y = TOP + r as f64 * ROW;
                text.label x=(px(LEFT - 8.0)) y=(px(y + 15.0)) text-anchor="end" { (row) }
                @for c in 0..columns.len() {
                    @let n = level(r, c).min(5);
                    rect class={ "skill l" (n) } x=(px(LEFT + c as f64 * CELL)) y=(px(y)) width=(px(CELL)) height=(px(ROW)) {}
                    @if n > 0 { text.tick x=(px(LEFT + c as f64 * CELL + CELL / 2.0)) y=(px(y + 15.0)) text-anchor="middle" { (n) } }
                }
            }
        }
    }
}
