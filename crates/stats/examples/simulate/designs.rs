//! Designs: factors, clusters, switchbacks, markets, interleaving.

use steward_stats::factorial::factorial;
use steward_stats::geo::placebo_interval;
use steward_stats::interleaving::preference;
use steward_stats::switchback::{Errors, Period, Plan, switchback};
use steward_stats::synthetic_control::{Match, Panel, placebo_test};
use steward_stats::wild_bootstrap::{self, Weights, wild_cluster_bootstrap};
use steward_stats::{Moments, Rng};

use crate::{FEW, Held, Report, covers, sample, significant};

/// Cells of two factors that interact.
fn cells(r: &mut Rng, first: f64) -> Vec<Moments> {
    let cell = |r: &mut Rng, mean: f64| sample(40, r, |r| vec![mean + 2.0 * r.normal()]);
    // The second factor adds 1, and 1 more together with the first; the first adds `first` on average.
    vec![
        cell(r, 5.0),
        cell(r, 6.0),
        cell(r, 5.0 + first - 0.5),
        cell(r, 6.0 + first + 0.5),
    ]
}

/// Two regions whose errors hang together within blocks of four periods.
fn periods(r: &mut Rng, effect: f64) -> Vec<Period> {
    let mut all = Vec::new();
    for region in 0..2u64 {
        let mut noise = 0.0;
        for block in 0..24i64 {
            let treated = r.bernoulli(0.5);
            let own = 0.5 * r.normal();
            for step in 0..4 {
                noise = 0.5 * noise + r.normal();
                let time = 4 * block + step;
                all.push(Period {
                    region,
                    time,
                    treated,
                    value: 10.0 + 2.0 * region as f64 + own + noise + if treated { effect } else { 0.0 },
                });
            }
        }
    }
    all
}

fn panel(r: &mut Rng, effect: f64) -> Panel {
    let shared: Vec<f64> = (0..40)
        .scan(0.0, |level, _| {
            *level += r.normal();
            Some(*level)
        })
        .collect();
    let mut market = |effect: f64| -> Vec<f64> {
        let size = 1.0 + 0.3 * r.uniform();
        let moves = shared.iter().enumerate();
        moves
            .map(|(t, s)| 50.0 + size * s + r.normal() + if t >= 30 { effect } else { 0.0 })
            .collect()
    };
    Panel {
        treated: market(effect),
        donors: (0..19).map(|_| market(0.0)).collect(),
        before: 30,
    }
}

/// Few clusters of unlike sizes.
fn wild(r: &mut Rng, effect: f64) -> Option<wild_bootstrap::Wild> {
    let (mut y, mut x, mut clusters) = (Vec::new(), Vec::new(), Vec::new());
    for g in 0..10u64 {
        let (own, treated) = (r.normal(), (g % 2) as f64);
        for _ in 0..4 + r.below(8) {
            y.push(3.0 + own + r.normal() + effect * treated);
            x.push(vec![treated]);
            clusters.push(g);
        }
    }
    let plan = wild_bootstrap::Plan {
        weights: Weights::Rademacher,
        draws: 1024,
        seed: 1,
        level: 0.95,
    };
    wild_cluster_bootstrap(&y, &x, true, &clusters, 0, plan).ok()
}

pub fn designs(report: &mut Report) {
    report.head("Designs without effect: false positives", "rejected");
    let main = |r: &mut Rng| {
        let found = factorial(&[2, 2], &cells(r, 0.0), 0, 0.95).ok()?;
        found.main.into_iter().next()?.effect.ok()
    };
    report.row(
        "factorial",
        "a main effect of 0 beside an interaction",
        Held::At(0.05),
        &|r| main(r).map(|e| significant(&e)),
    );
    let plan = Plan {
        burn_in: 0,
        season: None,
        errors: Errors::Blocks,
    };
    report.row(
        "switchback",
        "two regions, 48 blocks of four periods, correlated noise",
        Held::At(0.05),
        &|r| Some(significant(&switchback(&periods(r, 0.0), &plan, 0.95).ok()?.effect)),
    );
    report.rows_of(
        1000,
        "wild_cluster_bootstrap",
        "five clusters an arm of 4 to 11 rows, ICC 0.5",
        Held::AtMost(0.05),
        &|r| Some(significant(&wild(r, 0.0)?.estimate)),
    );
    report.rows_of(
        FEW,
        "synthetic_control",
        "20 markets with a common random walk, p at most 0.1",
        Held::At(0.1),
        &|r| Some(placebo_test(&panel(r, 0.0), &Match::Outcomes, None).ok()?.p <= 0.1 + 1e-12),
    );
    report.row(
        "interleaving",
        "200 sessions, a third of them ties",
        Held::AtMost(0.05),
        &|r| {
            let mut wins = [0u64; 3];
            (0..200).for_each(|_| wins[r.below(3) as usize] += 1);
            Some(significant(&preference(wins[0], wins[1], wins[2], 0.95).ok()?.share))
        },
    );

    report.head("Designs with an effect: coverage of their intervals", "covered");
    report.row("factorial", "a main effect of 0.8", Held::At(0.95), &|r| {
        let found = factorial(&[2, 2], &cells(r, 0.8), 0, 0.95).ok()?;
        Some(covers(found.main.first()?.effect.as_ref().ok()?, 0.8))
    });
    report.row("factorial", "an interaction of 1", Held::At(0.95), &|r| {
        let found = factorial(&[2, 2], &cells(r, 0.8), 0, 0.95).ok()?;
        Some(covers(found.interactions.first()?.effect.as_ref().ok()?, 1.0))
    });
    report.row("switchback", "an effect of 1", Held::At(0.95), &|r| {
        Some(covers(&switchback(&periods(r, 1.0), &plan, 0.95).ok()?.effect, 1.0))
    });
    report.rows_of(
        FEW,
        "wild_cluster_bootstrap",
        "an effect of 2, ten clusters",
        Held::AtLeast(0.95),
        &|r| Some(covers(&wild(r, 2.0)?.estimate, 2.0)),
    );
    report.rows_of(
        FEW,
        "synthetic_control, interval of placebos",
        "an effect of 3 at 90%",
        Held::AtLeast(0.9),
        &|r| {
            let found = placebo_test(&panel(r, 3.0), &Match::Outcomes, None).ok()?;
            let i = placebo_interval(&found, 0.9).ok()?;
            Some(i.low <= 3.0 && 3.0 <= i.high)
        },
    );
}
