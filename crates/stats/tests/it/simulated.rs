//! False-positive rates and coverage, on worlds whose truth is known.

use steward_stats::lift::{Comparison, Lift, Statistic, lift};
use steward_stats::{Moments, Rng, srm};

const RUNS: u64 = 1000;

/// Shares of experiments whose absolute and relative 95% intervals miss the truth.
fn misses(
    statistic: Statistic,
    covariates: &[usize],
    truth: (f64, f64),
    sizes: (u64, u64),
    unit: impl Fn(&mut Rng, bool) -> Vec<f64>,
) -> (f64, f64) {
    let comparison = Comparison {
        statistic,
        covariates: covariates.to_vec(),
        level: 0.95,
    };
    let (mut absolute, mut relative) = (0u64, 0u64);
    for run in 0..RUNS {
        let arm = |treated: bool, n: u64| {
            let mut rng = Rng::keyed(17, &[run, u64::from(treated)]);
            let first = unit(&mut rng, treated);
            let mut m = Moments::empty(first.len());
            m.push(&first);
            (1..n).for_each(|_| m.push(&unit(&mut rng, treated)));
            m
        };
        let l: Lift = lift(&arm(false, sizes.0), &arm(true, sizes.1), &comparison);
        let (a, r) = (l.absolute.unwrap(), l.relative.unwrap());
        absolute += u64::from(truth.0 < a.low || truth.0 > a.high);
        relative += u64::from(truth.1 < r.low || truth.1 > r.high);
    }
    (absolute as f64 / RUNS as f64, relative as f64 / RUNS as f64)
}

/// Within four binomial standard errors of 5%.
#[track_caller]
fn nominal(what: &str, (absolute, relative): (f64, f64)) {
    let tolerance = 4.0 * (0.05f64 * 0.95 / RUNS as f64).sqrt();
    assert!((absolute - 0.05).abs() < tolerance, "{what}, absolute: {absolute}");
    assert!((relative - 0.05).abs() < tolerance, "{what}, relative: {relative}");
}

const MEAN: Statistic = Statistic::Mean { y: 0 };
const RATIO: Statistic = Statistic::Ratio {
    numerator: 0,
    denominator: 1,
};

#[test]
fn welch_with_unequal_variances_and_sizes() {
    let unit = |effect: f64| {
        move |r: &mut Rng, t: bool| {
            vec![if t {
                9.0 + effect + 3.0 * r.normal()
            } else {
                9.0 + r.normal()
            }]
        }
    };
    nominal("null", misses(MEAN, &[], (0.0, 0.0), (60, 25), unit(0.0)));
    nominal("effect", misses(MEAN, &[], (1.8, 0.2), (60, 25), unit(1.8)));
}

#[test]
fn proportions() {
    let unit = |lift: f64| {
        move |r: &mut Rng, t: bool| vec![f64::from(u8::from(r.bernoulli(if t { 0.3 + lift } else { 0.3 })))]
    };
    let statistic = Statistic::Proportion { y: 0 };
    nominal("null", misses(statistic, &[], (0.0, 0.0), (150, 200), unit(0.0)));
    nominal("effect", misses(statistic, &[], (0.06, 0.2), (150, 200), unit(0.06)));
}

#[test]
fn ratios_with_and_without_cuped() {
    // Revenue per order: units of different taste, orders correlated with it, and the same before the experiment.
    let unit = |lift: f64| {
        move |r: &mut Rng, t: bool| {
            let taste = 1.0 + 0.2 * r.normal();
            let orders = 1.0 + r.poisson(3.0) as f64;
            let before = 1.0 + r.poisson(3.0) as f64;
            let price = if t { 10.0 * (1.0 + lift) } else { 10.0 };
            vec![
                orders * price * taste + r.normal(),
                orders,
                before * 10.0 * taste + r.normal(),
                before,
            ]
        }
    };
    nominal("raw null", misses(RATIO, &[], (0.0, 0.0), (80, 80), unit(0.0)));
    nominal("cuped null", misses(RATIO, &[2, 3], (0.0, 0.0), (80, 80), unit(0.0)));
    nominal("cuped effect", misses(RATIO, &[2, 3], (1.0, 0.1), (80, 80), unit(0.1)));
}

#[test]
fn cuped_means() {
    let unit = |effect: f64| {
        move |r: &mut Rng, t: bool| {
            let x = r.gamma(2.0);
            vec![5.0 + 2.0 * x + r.normal() + if t { effect } else { 0.0 }, x]
        }
    };
    nominal("null", misses(MEAN, &[1], (0.0, 0.0), (70, 50), unit(0.0)));
    nominal("effect", misses(MEAN, &[1], (3.0, 3.0 / 9.0), (70, 50), unit(3.0)));
}

#[test]
fn sample_ratio_alarms_at_its_level() {
    let mut alarms = 0u32;
    for run in 0..4000 {
        let mut rng = Rng::keyed(23, &[run]);
        let mut counts = [0u64; 3];
        (0..300).for_each(|_| counts[rng.weighted(&[0.5, 0.3, 0.2])] += 1);
        alarms += u32::from(srm::sample_ratio(&counts, &[0.5, 0.3, 0.2]).unwrap().p < 0.05);
    }
    let share = f64::from(alarms) / 4000.0;
    assert!((share - 0.05).abs() < 4.0 * (0.05f64 * 0.95 / 4000.0).sqrt(), "{share}");
}
