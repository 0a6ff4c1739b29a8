//! A portfolio of 200 initiatives and 40 skills, and 500 redraws of it: time and distance to the optimum.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::Instant;

use steward_stats::Rng;
use steward_stats::selection::{Choice, Effort, Resource, select};

/// A world: each initiative needs three skills, a third of all fits, and one in five waits for another.
fn choice(redraw: u64) -> Choice {
    let (items, skills) = (200, 40);
    let mut fixed = Rng::keyed(1, &[]);
    let mut drawn = Rng::keyed(2, &[redraw]);
    let mut noise = |spread: f64| (spread * drawn.normal()).exp();
    let mut resources = vec![
        Resource {
            capacity: 0.0,
            uses: Vec::new()
        };
        skills + 1
    ];
    let mut values = Vec::new();
    let mut total = vec![0.0; skills + 1];
    for i in 0..items {
        for _ in 0..3 {
            let skill = fixed.below(skills as u64) as usize;
            let weeks = 1.0 + 10.0 * fixed.uniform();
            total[skill] += weeks;
            match resources[skill].uses.iter_mut().find(|u| u.0 == i) {
                Some(u) => u.1 += weeks * noise(0.3),
                None => resources[skill].uses.push((i, weeks * noise(0.3))),
            }
        }
        let cost = 20.0 + 100.0 * fixed.uniform();
        total[skills] += cost;
        resources[skills].uses.push((i, cost * noise(0.2)));
        values.push(cost * (0.5 + 2.0 * fixed.uniform()) * noise(0.4));
    }
    for (resource, total) in resources.iter_mut().zip(&total) {
        resource.capacity = 0.35 * total;
    }
    Choice {
        values,
        resources,
        needs: (0..40).map(|i| (i, i + 100)).collect(),
        fixed: Vec::new(),
    }
}

fn main() {
    for (name, redraws, effort) in [
        (
            "one portfolio",
            1,
            Effort {
                gap: 0.001,
                nodes: 4_000,
            },
        ),
        ("500 redraws", 500, Effort { gap: 0.01, nodes: 40 }),
    ] {
        let start = Instant::now();
        let found: Vec<_> = (0..redraws).map(|r| select(&choice(r), effort).unwrap()).collect();
        let seconds = start.elapsed().as_secs_f64();
        let mut gaps: Vec<f64> = found.iter().map(|f| f.gap()).collect();
        gaps.sort_by(f64::total_cmp);
        let nodes: usize = found.iter().map(|f| f.nodes).sum();
        println!(
            "{name}: {seconds:.2} s, {nodes} nodes, gap median {:.3}% most {:.3}%",
            100.0 * gaps[gaps.len() / 2],
            100.0 * gaps[gaps.len() - 1]
        );
    }
}
