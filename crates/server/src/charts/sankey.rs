//! Flows from left to right: how a whole is made of parts and goes into others.

use maud::{Markup, html};

use super::axis::px;

/// A flow through one node in each column, at least two columns.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Names of the nodes, left to right.
    pub path: Vec<String>,
    /// How much, above 0.
    pub value: f64,
}

const WIDE: f64 = 900.0;
const NODE: f64 = 12.0;
const TALL: f64 = 380.0;
const GAP: f64 = 10.0;
/// Room for names at the right.
const MARGIN: f64 = 170.0;
const TOP: f64 = 22.0;

struct Placed {
    name: String,
    value: f64,
    x: f64,
    y: f64,
    height: f64,
}

/// Draws flows; `heads` name the columns, `print` writes a value.
pub fn sankey(title: &str, heads: &[&str], flows: &[Flow], print: &dyn Fn(f64) -> String) -> Markup {
    let columns = heads.len();
    let flows: Vec<&Flow> = flows
        .iter()
        .filter(|f| f.value > 0.0 && f.path.len() == columns)
        .collect();
    let total: f64 = flows.iter().map(|f| f.value).sum();
    let nodes: Vec<Vec<Placed>> = (0..columns).map(|c| place(&flows, c, columns, total)).collect();
    // What has left or entered a node so far, so that its flows lie beside each other.
    let mut left: Vec<Vec<f64>> = nodes.iter().map(|n| vec![0.0; n.len()]).collect();
    let mut entered = left.clone();
    let mut links: Vec<(String, String, f64)> = Vec::new();
    for column in 0..columns.saturating_sub(1) {
        for (a, from) in nodes[column].iter().enumerate() {
            for (b, to) in nodes[column + 1].iter().enumerate() {
                let value: f64 = flows
                    .iter()
                    .filter(|f| f.path[column] == from.name && f.path[column + 1] == to.name)
                    .map(|f| f.value)
                    .sum();
                if value <= 0.0 {
                    continue;
                }
                let (thick_a, thick_b) = (value / from.value * from.height, value / to.value * to.height);
                let thick = thick_a.min(thick_b).max(0.8);
                let y0 = from.y + left[column][a] + thick_a / 2.0;
                let y1 = to.y + entered[column + 1][b] + thick_b / 2.0;
                left[column][a] += thick_a;
                entered[column + 1][b] += thick_b;
                let (x0, x1) = (from.x + NODE, to.x);
                let middle = f64::midpoint(x0, x1);
                links.push((
                    format!(
                        "M{} {}C{} {} {} {} {} {}",
                        px(x0),
                        px(y0),
                        px(middle),
                        px(y0),
                        px(middle),
                        px(y1),
                        px(x1),
                        px(y1)
                    ),
                    format!("{} to {}: {}", from.name, to.name, print(value)),
                    thick,
                ));
            }
        }
    }
    let bottom = nodes
        .iter()
        .flatten()
        .map(|n| n.y + n.height)
        .fold(TOP + 40.0, f64::max)
        + 8.0;
    html! {
        svg.plot.flows viewBox={ "0 0 " (px(WIDE)) " " (px(bottom)) } role="img" aria-label=(title) {
            @for (c, head) in heads.iter().enumerate() {
                text.tick x=(px(at(c, columns))) y="12" { (head) }
            }
            @for (path, words, thick) in &links { path.flow d=(path) stroke-width=(px(*thick)) { title { (words) } } }
            @for node in nodes.iter().flatten() {
                rect.node x=(px(node.x)) y=(px(node.y)) width=(px(NODE)) height=(px(node.height.max(1.0))) { title { (node.name) ": " (print(node.value)) } }
                text.label x=(px(node.x + NODE + 6.0)) y=(px(node.y + node.height / 2.0 + 4.0)) { (shorten(&node.name)) " " tspan.tick { (print(node.value)) } }
            }
        }
    }
}

fn at(column: usize, columns: usize) -> f64 {
    column as f64 * (WIDE - MARGIN) / (columns.max(2) - 1) as f64
}

/// The nodes of a column, largest on top. Heights are in proportion to values but for a floor that keeps names apart.
fn place(flows: &[&Flow], column: usize, columns: usize, total: f64) -> Vec<Placed> {
    let mut sums: Vec<(String, f64)> = Vec::new();
    for flow in flows {
        match sums.iter_mut().find(|(name, _)| *name == flow.path[column]) {
            Some((_, value)) => *value += flow.value,
            None => sums.push((flow.path[column].clone(), flow.value)),
        }
    }
    sums.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut y = TOP;
    sums.into_iter()
        .map(|(name, value)| {
            let height = (value / total * TALL).max(6.0);
            let placed = Placed {
                name,
                value,
                x: at(column, columns),
                y,
                height,
            };
            y += height + GAP;
            placed
        })
        .collect()
}

fn shorten(label: &str) -> String {
    if label.chars().count() <= 22 {
        return label.to_owned();
    }
    label.chars().take(21).chain(['…']).collect()
}
