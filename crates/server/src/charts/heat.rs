//! Signed values over two lists of names: a heat map whose words stand in its cells.

use maud::{Markup, html};

use super::axis::px;

/// A cell.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Row and column.
    pub at: (usize, usize),
    /// Value: its sign gives the colour, its size over the largest the strength.
    pub value: f64,
    /// What stands in it.
    pub text: String,
}

const TALL: f64 = 34.0;
const HEAD: f64 = 26.0;
/// About as wide as a letter.
const LETTER: f64 = 7.2;
const MOST_LETTERS: usize = 16;

/// Draws the map. Cells that are not given stay empty.
pub fn heat(title: &str, rows: &[String], columns: &[String], cells: &[Cell]) -> Markup {
    let cut = |text: &str| -> String {
        if text.chars().count() <= MOST_LETTERS {
            return text.to_string();
        }
        let kept: String = text.chars().take(MOST_LETTERS - 1).collect();
        format!("{kept}…")
    };
    let letters = |all: &mut dyn Iterator<Item = usize>| all.max().unwrap_or(0).min(MOST_LETTERS) as f64;
    let left = letters(&mut rows.iter().map(|r| r.chars().count())) * LETTER + 16.0;
    let inside = cells.iter().map(|c| c.text.chars().count());
    let wide = (letters(&mut columns.iter().map(|c| c.chars().count()).chain(inside)) * LETTER + 18.0).max(64.0);
    let (width, height) = (left + wide * columns.len() as f64, HEAD + TALL * rows.len() as f64);
    let most = cells
        .iter()
        .map(|c| c.value.abs())
        .filter(|v| v.is_finite())
        .fold(0.0, f64::max);
    let strength = |value: f64| {
        if most > 0.0 {
            0.08 + 0.42 * (value.abs() / most).min(1.0)
        } else {
            0.0
        }
    };
    html! {
        svg.heat viewBox={ "0 0 " (px(width)) " " (px(height)) } style={ "width:" (px(width)) "px" } role="img" aria-label=(title) {
            @for (i, name) in columns.iter().enumerate() {
                text.tick x=(px(left + wide * (i as f64 + 0.5))) y=(px(HEAD - 9.0)) text-anchor="middle" { (cut(name)) }
            }
            @for (i, name) in rows.iter().enumerate() {
                text.tick x=(px(left - 10.0)) y=(px(HEAD + TALL * (i as f64 + 0.5) + 4.0)) text-anchor="end" { (cut(name)) }
            }
            @for cell in cells.iter().filter(|c| c.value.is_finite()) {
                @let (x, y) = (left + wide * cell.at.1 as f64, HEAD + TALL * cell.at.0 as f64);
                rect class={ "cell " (if cell.value < 0.0 { "low" } else { "high" }) } x=(px(x + 1.0)) y=(px(y + 1.0)) width=(px(wide - 2.0)) height=(px(TALL - 2.0)) rx="3" fill-opacity=(format!("{:.2}", strength(cell.value))) {}
                text.words x=(px(x + wide / 2.0)) y=(px(y + TALL / 2.0 + 4.0)) text-anchor="middle" { (cell.text) }
            }
        }
    }
}
