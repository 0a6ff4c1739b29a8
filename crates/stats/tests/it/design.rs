//! Planning: numbers against `tests/golden/design.py`, and power that comes true in simulation.

use steward_stats::design::{
    Clusters, Looks, Metric, Plan, Sharing, Test, conditional_power, duration, noncentral_t_sf,
};
use steward_stats::group_sequential::{Sides, Spending};
use steward_stats::lift::{Comparison, Statistic, lift};
use steward_stats::{Moments, Reason, Rng};

use crate::numbers::{cases, close, load, num, nums};

const STANDARD: Metric = Metric::Mean { mean: 10.0, sd: 1.0 };

#[test]
fn means_are_statsmodels() {
    for case in cases(&load("design")["plain"]) {
        let f = |name: &str| num(&case[name]);
        let mut plan = Plan::new(STANDARD, f("alpha"));
        plan.ratio = f("ratio");
        plan.sides = if case["side"] == "two" {
            Sides::Two
        } else {
            Sides::Greater
        };
        let n = plan.required(f("effect"), f("power")).unwrap().n_control;
        close("z", n, f("n_z"), 1e-6);
        close(
            "power z",
            plan.power(f("effect"), 30.0).unwrap(),
            f("power_z_at_30"),
            1e-9,
        );
        close(
            "mde",
            plan.minimum_detectable(n, f("power")).unwrap(),
            f("effect"),
            1e-7,
        );
        plan.test = Test::T;
        close(
            "t",
            plan.required(f("effect"), f("power")).unwrap().n_control,
            f("n_t"),
            1e-6,
        );
        close(
            "power t",
            plan.power(f("effect"), 30.0).unwrap(),
            f("power_t_at_30"),
            1e-7,
        );
    }
    for case in cases(&load("design")["noncentral"]) {
        let c = nums(case);
        close("nct", noncentral_t_sf(c[0], c[1], c[2]), c[3], 1e-6);
    }
}

#[test]
fn factors_multiply_the_units() {
    let plan = Plan::new(STANDARD, 0.05);
    let n = plan.required(0.1, 0.8).unwrap().n_control;
    let with = |change: fn(&mut Plan)| {
        let mut other = plan.clone();
        change(&mut other);
        other.required(0.1, 0.8).unwrap()
    };
    // CUPED with a correlation of 0.6.
    close("cuped", with(|p| p.variance_reduction = 0.36).n_control, n * 0.64, 1e-9);
    // 20 per cluster at 0.05: 1.95; with varying sizes more.
    let even = |p: &mut Plan| {
        p.clusters = Some(Clusters {
            size: 20.0,
            icc: 0.05,
            cv: 0.0,
        });
    };
    let clustered = with(even);
    close("clusters", clustered.n_control, n * 1.95, 1e-9);
    assert_eq!(clustered.clusters.unwrap(), 2 * (n * 1.95 / 20.0).ceil() as u64);
    let uneven = with(|p| {
        p.clusters = Some(Clusters {
            size: 20.0,
            icc: 0.05,
            cv: 0.5,
        });
    });
    close("sizes", uneven.n_control, n * (1.0 + (1.25 * 20.0 - 1.0) * 0.05), 1e-9);
    // Three treatments: (z at alpha/3 plus z at power) squared, Dunnett below that and above no correction.
    let many = |sharing: Sharing| {
        let mut other = plan.clone();
        other.treatments = 3;
        other.sharing = sharing;
        other.required(0.1, 0.8).unwrap().n_control
    };
    close("none", many(Sharing::None), n, 1e-9);
    let bonferroni = ((2.393_979_798_185_1f64 + 0.841_621_233_572_914_2)
        / (1.959_963_984_540_054 + 0.841_621_233_572_914_2))
        .powi(2);
    close("bonferroni", many(Sharing::Bonferroni), n * bonferroni, 1e-5);
    assert!(many(Sharing::Dunnett) < many(Sharing::Bonferroni) && many(Sharing::Dunnett) > n * 1.2);
    // Looks cost little by O'Brien–Fleming, more by Pocock.
    let looks = |spending: Spending| {
        let mut other = plan.clone();
        other.looks = Some(Looks {
            fractions: vec![0.2, 0.4, 0.6, 0.8, 1.0],
            spending,
        });
        other.required(0.1, 0.9).unwrap().n_control / plan.required(0.1, 0.9).unwrap().n_control
    };
    for case in cases(&load("design")["looks"]) {
        let spending = if case["spending"] == "pocock" {
            Spending::Pocock
        } else {
            Spending::ObrienFleming
        };
        close("looks", looks(spending), num(&case["inflation"]), 1e-5);
    }
}

#[test]
fn ratios_and_shares() {
    // A ratio whose denominator is 1 for all is a mean.
    let ratio = Metric::Ratio {
        numerator_mean: 10.0,
        numerator_variance: 1.0,
        denominator_mean: 1.0,
        denominator_variance: 0.0,
        covariance: 0.0,
    };
    let n = Plan::new(ratio, 0.05).required(0.2, 0.8).unwrap();
    assert_eq!(n, Plan::new(STANDARD, 0.05).required(0.2, 0.8).unwrap());
    // Shares of 10% and 12%, unpooled: (z + z)²·(0.09 + 0.1056)/0.02².
    let shares = Plan::new(Metric::Proportion { share: 0.1 }, 0.05);
    let expected = (1.959_963_984_540_054f64 + 0.841_621_233_572_914_2).powi(2) * (0.09 + 0.1056) / 0.0004;
    // The formula leaves out the far tail, a chance of 1e-6.
    close("shares", shares.required(0.02, 0.8).unwrap().n_control, expected, 1e-5);
    close("mde", shares.minimum_detectable(expected, 0.8).unwrap(), 0.02, 1e-5);
    let mut fewer = shares.clone();
    fewer.sides = Sides::Less;
    assert!(fewer.minimum_detectable(expected, 0.8).unwrap() < 0.0);
    assert_eq!(shares.required(0.95, 0.8).unwrap_err().reason, Reason::OutOfDomain);
    // No change of a share of 10% can be found downwards by four units.
    assert_eq!(fewer.minimum_detectable(4.0, 0.99).unwrap_err().reason, Reason::TooFew);
}

#[test]
fn non_inferiority_plans() {
    let mut plan = Plan::new(STANDARD, 0.05);
    plan.sides = Sides::Greater;
    let superiority = plan.required(0.1, 0.8).unwrap();
    plan.margin = 0.1;
    assert_eq!(plan.required(0.0, 0.8).unwrap(), superiority);
    plan.sides = Sides::Two;
    assert!(plan.required(0.0, 0.8).is_err());
}

#[test]
fn days() {
    let week = [100.0, 100.0, 100.0, 100.0, 100.0, 50.0, 50.0];
    assert_eq!(duration(100.0, &week, false).unwrap(), 1);
    assert_eq!(duration(101.0, &week, false).unwrap(), 2);
    assert_eq!(duration(600.0, &week, false).unwrap(), 7);
    assert_eq!(duration(601.0, &week, false).unwrap(), 8);
    assert_eq!(duration(601.0, &week, true).unwrap(), 14);
    assert_eq!(duration(1850.0, &week, false).unwrap(), 22);
    assert!(duration(5.0, &[0.0, 0.0], false).is_err());
    assert!(duration(1e12, &week, false).is_err());
    assert!(duration(5.0, &[f64::NAN], false).is_err());
}

#[test]
fn the_chance_of_a_good_end() {
    for case in cases(&load("design")["conditional"]) {
        let f = |name: &str| num(&case[name]);
        let now = (f("effect"), f("se"));
        let ours = conditional_power(now, f("t"), Some(f("planned")), 0.05, Sides::Two, None).unwrap();
        close("trend", ours.current_trend, f("current_trend"), 1e-9);
        close("planned", ours.planned_effect.unwrap(), f("planned_effect"), 1e-9);
        close("null", ours.null, f("null"), 1e-9);
        close("predictive", ours.predictive, f("predictive"), 1e-5);
        let mirrored =
            conditional_power((-now.0, now.1), f("t"), Some(-f("planned")), 0.05, Sides::Less, None).unwrap();
        let greater = conditional_power(now, f("t"), Some(f("planned")), 0.05, Sides::Greater, None).unwrap();
        assert_eq!(mirrored, greater);
    }
    assert!(conditional_power((1.0, 1.0), 1.0, None, 0.05, Sides::Two, None).is_err());
}

#[test]
fn what_is_refused() {
    let plan = Plan::new(Metric::Mean { mean: 1.0, sd: 0.0 }, 0.05);
    assert_eq!(plan.required(0.1, 0.8).unwrap_err().reason, Reason::ZeroVariance);
    let plan = Plan::new(STANDARD, 0.05);
    assert_eq!(plan.required(0.0, 0.8).unwrap_err().reason, Reason::OutOfDomain);
    assert_eq!(plan.required(f64::NAN, 0.8).unwrap_err().reason, Reason::NotFinite);
    assert!(plan.required(0.1, 0.01).is_err() && plan.power(0.1, 0.0).is_err());
    assert!(Plan::new(STANDARD, 1.5).power(0.1, 10.0).is_err());
}

/// Share of significant runs with the units that a plan asks for.
#[test]
fn planned_power_comes_true() {
    const RUNS: u64 = 800;
    let slack = 4.0 * (0.16f64 / RUNS as f64).sqrt();
    // CUPED: a covariate with correlation 0.7.
    let mut plan = Plan::new(STANDARD, 0.05);
    plan.variance_reduction = 0.49;
    let size = plan.required(0.4, 0.8).unwrap();
    let found = (0..RUNS)
        .filter(|&run| {
            let mut rng = Rng::keyed(53, &[run]);
            let mut arm = |effect: f64, n: u64| {
                let mut m = Moments::empty(2);
                for _ in 0..n {
                    let x = rng.normal();
                    m.push(&[10.0 + effect + 0.7 * x + 0.51f64.sqrt() * rng.normal(), x]);
                }
                m
            };
            let (c, t) = (arm(0.0, size.control), arm(0.4, size.treatment));
            let comparison = Comparison {
                statistic: Statistic::Mean { y: 0 },
                covariates: vec![1],
                level: 0.95,
            };
            lift(&c, &t, &comparison).absolute.unwrap().p.unwrap() < 0.05
        })
        .count();
    let share = found as f64 / RUNS as f64;
    assert!((share - 0.8).abs() < slack, "cuped {share}");
    // Clusters of 10 with correlation 0.2, compared by their means.
    let mut plan = Plan::new(STANDARD, 0.05);
    plan.test = Test::T;
    plan.clusters = Some(Clusters {
        size: 10.0,
        icc: 0.2,
        cv: 0.0,
    });
    let size = plan.required(0.4, 0.8).unwrap();
    let found = (0..RUNS)
        .filter(|&run| {
            let mut rng = Rng::keyed(59, &[run]);
            let mut arm = |effect: f64| {
                let mut m = Moments::empty(1);
                for _ in 0..size.clusters.unwrap() / 2 {
                    let common = effect + 0.2f64.sqrt() * rng.normal();
                    let sum: f64 = (0..10).map(|_| common + 0.8f64.sqrt() * rng.normal()).sum();
                    m.push(&[sum / 10.0]);
                }
                m
            };
            let comparison = Comparison {
                statistic: Statistic::Mean { y: 0 },
                covariates: vec![],
                level: 0.95,
            };
            let (c, t) = (arm(0.0), arm(0.4));
            lift(&c, &t, &comparison).absolute.unwrap().p.unwrap() < 0.05
        })
        .count();
    let share = found as f64 / RUNS as f64;
    assert!((share - 0.8).abs() < slack + 0.01, "clusters {share}");
}
