//! A pack as a tagged PDF: text that can be selected and read aloud in order, charts as vectors with their words.

mod chart;
mod font;
mod page;
mod write;

use super::outline::{Fact, Grid, Outline, Part};
use font::Face;
use page::{LEFT, Paper, WIDTH};

const INK: [f64; 3] = [0.11, 0.118, 0.13];
const SOFT: [f64; 3] = [0.337, 0.361, 0.396];

/// A pack as a PDF (A4). The same pack gives the same bytes.
pub fn pdf(outline: &Outline) -> Vec<u8> {
    let mut paper = Paper::new(&outline.title);
    paper.block("H1", |p| p.paragraph(&outline.title, Face::Bold, 22.0, INK));
    paper.block("P", |p| p.paragraph(&outline.byline, Face::Plain, 9.5, SOFT));
    for (number, part) in outline.parts.iter().enumerate() {
        match part {
            Part::Heading(level, text) => {
                // A heading stays with what it is of.
                paper.room(match outline.parts.get(number + 1) {
                    Some(Part::Chart(_)) => 300.0,
                    Some(Part::Figures(_)) => 150.0,
                    _ => 80.0,
                });
                paper.gap(if *level <= 2 { 12.0 } else { 7.0 });
                let (tag, size) = match level {
                    1 | 2 => ("H2", 15.0),
                    _ => ("H3", 12.0),
                };
                paper.block(tag, |p| p.paragraph(text, Face::Bold, size, INK));
            }
            Part::Text(text) => paper.block("P", |p| p.paragraph(text, Face::Plain, 10.5, INK)),
            Part::Bullets(items) => items
                .iter()
                .for_each(|i| paper.block("P", |p| p.paragraph(&format!("• {i}"), Face::Plain, 10.5, INK))),
            Part::Figures(facts) => figures(&mut paper, facts),
            Part::Chart(drawing) => {
                paper.room(250.0);
                paper.block("P", |p| p.paragraph(&drawing.title, Face::Bold, 11.0, INK));
                chart::draw(&mut paper, drawing);
                paper.block("P", |p| p.paragraph(&drawing.source, Face::Plain, 8.0, SOFT));
            }
            Part::Grid(grid) => table(&mut paper, grid),
        }
    }
    if !outline.sources.is_empty() {
        let grid = Grid {
            title: "Sources".into(),
            columns: vec!["Block".into(), "Evidence".into()],
            rows: outline
                .sources
                .iter()
                .map(|(p, e)| {
                    [p, e]
                        .map(|t| super::outline::Entry {
                            text: t.clone(),
                            number: None,
                        })
                        .into()
                })
                .collect(),
            source: "Each id: steward why ID shows SQL, data and definitions.".into(),
        };
        table(&mut paper, &grid);
    }
    paper.finish()
}

/// Figures side by side.
fn figures(paper: &mut Paper, facts: &[Fact]) {
    let wide = WIDTH / facts.len().max(1) as f64;
    let lines = |fact: &Fact| -> Vec<(String, Face, f64, [f64; 3])> {
        vec![
            (format!("{}, {}", fact.label, fact.period), Face::Plain, 9.0, SOFT),
            (fact.text.clone(), Face::Bold, 17.0, INK),
            (fact.certainty.clone(), Face::Plain, 8.0, SOFT),
            (fact.change.clone(), Face::Plain, 8.0, SOFT),
            (fact.source.clone(), Face::Plain, 7.0, SOFT),
        ]
    };
    let height = facts
        .iter()
        .map(|f| {
            lines(f)
                .iter()
                .map(|(t, face, size, _)| font::wrap(t, *face, *size, wide - 12.0).len() as f64 * size * 1.3)
                .sum::<f64>()
        })
        .fold(0.0, f64::max);
    paper.room(height + 10.0);
    paper.gap(4.0);
    let top = paper.y();
    for (n, fact) in facts.iter().enumerate() {
        paper.set_y(top);
        paper.block("P", |p| {
            for (text, face, size, colour) in lines(fact) {
                p.column(&text, face, size, colour, LEFT + wide * n as f64, wide - 12.0);
            }
        });
    }
    paper.set_y(top - height - 8.0);
}

fn table(paper: &mut Paper, grid: &Grid) {
    if grid.columns.is_empty() {
        return;
    }
    let size = if grid.columns.len() > 6 { 7.0 } else { 8.5 };
    let widths = widths(grid, size);
    paper.room(60.0);
    paper.gap(4.0);
    paper.block("P", |p| p.paragraph(&grid.title, Face::Bold, 11.0, INK));
    paper.open("Table");
    let head: Vec<(&str, bool)> = grid.columns.iter().map(|c| (c.as_str(), false)).collect();
    paper.row("TH", &head, &widths, Face::Bold, size, SOFT);
    for row in &grid.rows {
        let cells: Vec<(&str, bool)> = row.iter().map(|e| (e.text.as_str(), e.number.is_some())).collect();
        paper.row("TD", &cells, &widths, Face::Plain, size, INK);
    }
    paper.close();
    paper.block("P", |p| p.paragraph(&grid.source, Face::Plain, 8.0, SOFT));
}

/// Columns as wide as their longest words need, shrunk together to the page.
fn widths(grid: &Grid, size: f64) -> Vec<f64> {
    let natural: Vec<f64> = (0..grid.columns.len())
        .map(|c| {
            let head = font::width(&grid.columns[c], Face::Bold, size);
            let cells = grid
                .rows
                .iter()
                .filter_map(|r| r.get(c))
                .map(|e| font::width(&e.text, Face::Plain, size));
            (cells.fold(head, f64::max) + 10.0).clamp(30.0, 260.0)
        })
        .collect();
    let all: f64 = natural.iter().sum();
    let by = if all > WIDTH { WIDTH / all } else { 1.0 };
    natural.into_iter().map(|w| w * by).collect()
}
