//! A layered graph: what stands on what, from left to right.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::axis::px;

/// A box.
#[derive(Clone, Debug)]
pub struct Node {
    /// Which column, from 0.
    pub column: usize,
    /// Its name.
    pub title: String,
    /// What it is, in small.
    pub caption: String,
    /// Where it leads.
    pub href: Option<String>,
    /// The one that the graph is about.
    pub focus: bool,
    /// The smaller, the sooner it is shown where a column is too long.
    pub rank: u32,
}

/// Boxes in columns, and arrows between them.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Spoken title.
    pub title: String,
    /// Heads of the columns; those without boxes are left out.
    pub columns: Vec<String>,
    /// Boxes.
    pub nodes: Vec<Node>,
    /// From what is used to what uses it, by position in `nodes`.
    pub edges: Vec<(usize, usize)>,
}

const WIDTH: f64 = 132.0;
const HEIGHT: f64 = 38.0;
const ACROSS: f64 = 30.0;
const DOWN: f64 = 10.0;
const HEAD: f64 = 26.0;
/// Boxes of a column; further ones are left to the table.
const MOST: usize = 12;
/// Letters that fit a box.
const LETTERS: usize = 17;

/// Draws the graph at its natural size: what is around it scrolls.
pub fn graph(graph: &Graph) -> Markup {
    let columns = arrange(graph);
    let filled: Vec<usize> = (0..columns.len()).filter(|c| !columns[*c].is_empty()).collect();
    let count = |c: usize| graph.nodes.iter().filter(|n| n.column == c).count();
    let hidden = |c: usize| count(c) - columns[c].len();
    let tallest = filled.iter().map(|c| columns[*c].len()).max().unwrap_or(0);
    let more = filled.iter().any(|c| hidden(*c) > 0);
    let height = HEAD + tallest as f64 * (HEIGHT + DOWN) + if more { 18.0 } else { 0.0 };
    let width = filled.len() as f64 * (WIDTH + ACROSS) - ACROSS + 2.0 + 22.0;
    let mut at: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (place, column) in filled.iter().enumerate() {
        for (row, node) in columns[*column].iter().enumerate() {
            let x = 1.0 + place as f64 * (WIDTH + ACROSS);
            at.insert(*node, (x, HEAD + row as f64 * (HEIGHT + DOWN)));
        }
    }
    html! {
        svg.graph viewBox={ "0 0 " (px(width)) " " (px(height)) } width=(px(width)) height=(px(height)) role="group" aria-label=(graph.title) {
            @for (place, column) in filled.iter().enumerate() {
                @let x = 1.0 + place as f64 * (WIDTH + ACROSS);
                text.tick x=(px(x)) y="14" { (graph.columns.get(*column).map_or("", String::as_str)) }
                @if hidden(*column) > 0 {
                    text.tick x=(px(x)) y=(px(height - 6.0)) { (hidden(*column)) " more in the table" }
                }
            }
            @for (from, to) in &graph.edges {
                @if let (Some(a), Some(b)) = (at.get(from), at.get(to)) {
                    path.edge.near[touches(graph, *from, *to)] d=(curve(*a, *b)) {}
                }
            }
            @for (i, node) in graph.nodes.iter().enumerate() {
                @if let Some((x, y)) = at.get(&i) { (drawn(node, *x, *y)) }
            }
        }
    }
}

/// Whether an arrow begins or ends at what the graph is about.
fn touches(graph: &Graph, from: usize, to: usize) -> bool {
    [from, to].iter().any(|i| graph.nodes.get(*i).is_some_and(|n| n.focus))
}

fn drawn(node: &Node, x: f64, y: f64) -> Markup {
    let inside = html! {
        title { (node.caption) " " (node.title) }
        rect.node.focus[node.focus] x=(px(x)) y=(px(y)) width=(px(WIDTH)) height=(px(HEIGHT)) rx="6" {}
        text.tick x=(px(x + 8.0)) y=(px(y + 15.0)) { (node.caption) }
        text.name x=(px(x + 8.0)) y=(px(y + 30.0)) { (shorten(&node.title)) }
    };
    match &node.href {
        Some(href) => html! { a href=(href) { (inside) } },
        None => html! { g { (inside) } },
    }
}

/// From the right side of a box to the left side of another; within a column, around the right side.
fn curve(from: (f64, f64), to: (f64, f64)) -> String {
    let (y1, y2) = (from.1 + HEIGHT / 2.0, to.1 + HEIGHT / 2.0);
    let x1 = from.0 + WIDTH;
    if to.0 > from.0 {
        let x2 = to.0;
        let bend = (x2 - x1).min(90.0) * 0.55;
        format!(
            "M{} {}C{} {} {} {} {} {}",
            px(x1),
            px(y1),
            px(x1 + bend),
            px(y1),
            px(x2 - bend),
            px(y2),
            px(x2),
            px(y2)
        )
    } else {
        let x2 = to.0 + WIDTH;
        let out = x1.max(x2) + 20.0;
        format!(
            "M{} {}C{} {} {} {} {} {}",
            px(x1),
            px(y1),
            px(out),
            px(y1),
            px(out),
            px(y2),
            px(x2),
            px(y2)
        )
    }
}

/// The boxes of each column from top to bottom: each near the middle of what it is tied to, so that few lines cross.
fn arrange(graph: &Graph) -> Vec<Vec<usize>> {
    let count = graph.nodes.iter().map(|n| n.column + 1).max().unwrap_or(0);
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut order: Vec<usize> = (0..graph.nodes.len()).collect();
    order.sort_by_key(|i| (graph.nodes[*i].rank, graph.nodes[*i].title.clone()));
    for i in order {
        let column = &mut columns[graph.nodes[i].column];
        if column.len() < MOST {
            column.push(i);
        }
    }
    for sweep in 0..4 {
        let forth = sweep % 2 == 0;
        let turns: Vec<usize> = if forth {
            (0..count).collect()
        } else {
            (0..count).rev().collect()
        };
        for c in turns {
            let place: BTreeMap<usize, f64> = columns
                .iter()
                .flat_map(|column| {
                    let middle = column.len() as f64 / 2.0;
                    column.iter().enumerate().map(move |(row, i)| (*i, row as f64 - middle))
                })
                .collect();
            let weight = |i: usize| {
                let ties: Vec<f64> = graph
                    .edges
                    .iter()
                    .filter_map(|(from, to)| match forth {
                        true => (*to == i).then_some(*from),
                        false => (*from == i).then_some(*to),
                    })
                    .filter(|other| graph.nodes[*other].column != c)
                    .filter_map(|other| place.get(&other).copied())
                    .collect();
                match ties.is_empty() {
                    true => place.get(&i).copied().unwrap_or(0.0),
                    false => ties.iter().sum::<f64>() / ties.len() as f64,
                }
            };
            let mut weighed: Vec<(f64, usize)> = columns[c].iter().map(|i| (weight(*i), *i)).collect();
            weighed.sort_by(|a, b| a.0.total_cmp(&b.0));
            columns[c] = weighed.into_iter().map(|(_, i)| i).collect();
        }
    }
    columns
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= LETTERS {
        return text.to_string();
    }
    text.chars().take(LETTERS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(column: usize, title: &str) -> Node {
        Node {
            column,
            title: title.into(),
            caption: "metric".into(),
            href: Some(format!("/k/metric/{title}")),
            focus: false,
            rank: 1,
        }
    }

    #[test]
    fn what_is_tied_lies_on_one_height() {
        let drawn = Graph {
            title: "t".into(),
            columns: vec!["A".into(), "B".into()],
            nodes: vec![node(0, "a1"), node(0, "a2"), node(1, "b1"), node(1, "b2")],
            edges: vec![(0, 3), (1, 2)],
        };
        let columns = arrange(&drawn);
        let row = |i: usize| columns.iter().find_map(|c| c.iter().position(|n| *n == i));
        assert_eq!(row(0), row(3));
        assert_eq!(row(1), row(2));
    }

    #[test]
    fn a_long_column_says_how_many_are_left_out() {
        let drawn = Graph {
            title: "t".into(),
            columns: vec!["A".into()],
            nodes: (0..MOST + 5).map(|i| node(0, &format!("a{i}"))).collect(),
            edges: Vec::new(),
        };
        let text = graph(&drawn).into_string();
        assert!(text.contains("5 more in the table"), "{text}");
        assert_eq!(text.matches("<rect").count(), MOST);
    }

    #[test]
    fn an_empty_graph_is_no_picture_of_nothing() {
        let text = graph(&Graph::default()).into_string();
        assert!(text.starts_with("<svg") && !text.contains("NaN"), "{text}");
    }
}
