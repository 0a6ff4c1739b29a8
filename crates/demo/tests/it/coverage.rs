//! Over seeds, intervals of the statistics crate cover the truth of the paired worlds, and the null is seldom rejected.

use std::collections::BTreeMap;

use steward_stats::srm::sample_ratio;
use steward_stats::{Comparison, Moments, Statistic, lift};

use crate::table::{Made, make, midnight, shared};

const WINDOWS: [(&str, i64); 5] = [("E1", 200), ("E2", 59), ("E4", 120), ("E5", 151), ("E6", 231)];

/// Orders per exposed unit by arm: from exposure to the end of the experiment.
fn arms(made: &Made, id: &str, start: i64) -> [Moments; 2] {
    let exposures = made.data("exposures");
    let (ids, variants) = (exposures.texts("exp_id"), exposures.texts("variant"));
    let mut units: BTreeMap<i64, (usize, i64, f64)> = BTreeMap::new();
    for (n, unit) in exposures.longs("unit_id").into_iter().enumerate() {
        if ids[n] == id {
            units.insert(
                unit,
                (usize::from(variants[n] == "treatment"), exposures.longs("ts")[n], 0.0),
            );
        }
    }
    let orders = made.data("orders");
    for (user, ts) in orders.longs("user_id").iter().zip(orders.longs("ts")) {
        if let Some(unit) = units.get_mut(user)
            && ts >= unit.1
            && ts < midnight(start + 28)
        {
            unit.2 += 1.0;
        }
    }
    let mut arms = [Moments::empty(1), Moments::empty(1)];
    for (arm, _, orders) in units.into_values() {
        arms[arm].push(&[orders]);
    }
    arms
}

#[test]
fn intervals_cover_the_truth_and_the_null_stands() {
    let (mut covered, mut all, mut rejected, mut nulls) = (0, 0, 0, 0);
    for seed in 0..24 {
        let made = make(1_000 + seed, 0.006, 1);
        let effects = made.truth("effects");
        let (causes, metrics, absolute) = (
            effects.texts("cause"),
            effects.texts("metric"),
            effects.numbers("absolute"),
        );
        for (id, start) in WINDOWS {
            let [control, treatment] = arms(&made, id, start);
            let how = Comparison {
                statistic: Statistic::Mean { y: 0 },
                covariates: Vec::new(),
                level: 0.95,
            };
            let estimate = lift(&control, &treatment, &how).absolute.unwrap();
            let at = (0..causes.len())
                .find(|&n| causes[n] == id && metrics[n] == "orders_per_user")
                .unwrap();
            covered += u32::from(estimate.low <= absolute[at] && absolute[at] <= estimate.high);
            all += 1;
            if id == "E4" {
                rejected += u32::from(estimate.low > 0.0 || estimate.high < 0.0);
                nulls += 1;
            }
        }
    }
    // Binomial with four standard deviations: 120 intervals at 0.95, 24 nulls at 0.05.
    assert!(covered >= 104, "{covered} of {all} cover");
    assert!(rejected <= 5, "{rejected} of {nulls} nulls rejected");
}

#[test]
fn sample_ratios_hold_where_nothing_was_lost() {
    let exposures = shared().data("exposures");
    let (ids, variants) = (exposures.texts("exp_id"), exposures.texts("variant"));
    for id in ["E1", "E2", "E3", "E4", "E5", "E6"] {
        let count = |arm: &str| (0..ids.len()).filter(|&n| ids[n] == id && variants[n] == arm).count() as u64;
        let test = sample_ratio(&[count("control"), count("treatment")], &[1.0, 1.0]).unwrap();
        assert!(test.p > 0.001, "{id}: p = {}", test.p);
    }
}
