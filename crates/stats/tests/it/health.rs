//! Health checks against scipy, statsmodels and mpmath, and on known worlds.

use crate::numbers::{agrees, cases, close, ids, load, moments, num, nums, rows};
use steward_stats::assumptions::assumptions;
use steward_stats::novelty::{Pattern, from_effects, panel};
use steward_stats::outliers::influence;
use steward_stats::pre_exposure::balance;
use steward_stats::segment_search::{Segment, search};
use steward_stats::underpowered::design;
use steward_stats::{Moments, Reason, Rng};

fn columns(v: &serde_json::Value) -> Moments {
    let rows = rows(v);
    moments(rows.iter().map(Vec::as_slice))
}

#[test]
fn the_segment_that_explains_a_mismatch_comes_first() {
    let golden = load("health");
    let segments: Vec<Segment> = cases(&golden["search"])
        .iter()
        .map(|s| Segment {
            dimension: s["dimension"].as_str().unwrap().into(),
            value: s["value"].as_str().unwrap().into(),
            units: ids(&s["units"]),
        })
        .collect();
    let found = search(&segments, &[1.0, 1.0], 0.001).unwrap();
    assert_eq!((found[0].value.as_str(), found[0].explains), ("android", true));
    assert_eq!(found.iter().filter(|s| s.explains).count(), 1);
    for s in &found {
        let wanted = cases(&golden["search"])
            .iter()
            .find(|g| g["value"] == s.value.as_str())
            .unwrap();
        close(&s.value, s.p, num(&wanted["p"]), 1e-9);
        close(&s.value, s.adjusted_p, num(&wanted["adjusted_p"]), 1e-9);
        close(&s.value, s.p_without.unwrap(), num(&wanted["p_without"]), 1e-9);
        close(&s.value, s.chi2_removed, num(&wanted["chi2_removed"]), 1e-9);
    }
    assert_eq!(search(&[], &[1.0, 1.0], 0.001).unwrap_err().reason, Reason::TooFew);
}

#[test]
fn balance_before_exposure() {
    let golden = load("health");
    let case = &golden["balance"];
    let b = balance(&columns(&case["control"]), &columns(&case["treatment"]), 0.95).unwrap();
    close("wald", b.wald, num(&case["wald"]), 1e-10);
    close("joint p", b.p, num(&case["joint_p"]), 1e-9);
    for (i, p) in nums(&case["adjusted_p"]).into_iter().enumerate() {
        close("adjusted", b.adjusted_p[i].unwrap(), p, 1e-9);
        close(
            "p",
            b.differences[i].as_ref().unwrap().p.unwrap(),
            num(&case["p"][i]),
            1e-9,
        );
    }
}

#[test]
fn a_variable_that_repeats_another_or_never_varies_adds_nothing_to_balance() {
    let mut rng = Rng::keyed(5, &[1]);
    let mut arm = || {
        let mut m = Moments::empty(3);
        (0..50).for_each(|_| {
            let x = rng.normal();
            m.push(&[x, 2.0 * x, 7.0]);
        });
        m
    };
    let (c, t) = (arm(), arm());
    let (wide, one) = (
        balance(&c, &t, 0.95).unwrap(),
        balance(&c.select(&[0]), &t.select(&[0]), 0.95).unwrap(),
    );
    assert_eq!(wide.df, 1);
    close("wald", wide.wald, one.wald, 1e-10);
    assert!(wide.differences[2].is_err());
    assert!(wide.adjusted_p[2].is_none());
}

#[test]
fn effect_over_days_since_exposure() {
    let golden = load("health");
    let case = &golden["novelty"];
    let days: Vec<f64> = (0..8).map(f64::from).collect();
    let n = panel(&columns(&case["control"]), &columns(&case["treatment"]), &days, 0.95).unwrap();
    let fields = [
        ("level", &n.level),
        ("slope", &n.slope),
        ("last", &n.last),
        ("late_minus_early", &n.late_minus_early),
    ];
    for (name, e) in fields {
        agrees(name, e, &case[name], 1e-8);
    }
    assert_eq!(n.pattern, Pattern::Novelty);
    let case = &golden["summary"];
    let n = from_effects(
        &nums(&case["effects"]),
        &nums(&case["errors"]),
        &days,
        num(&case["correlation"]),
        0.95,
    )
    .unwrap();
    for (name, e) in [("level", &n.level), ("slope", &n.slope), ("last", &n.last)] {
        agrees(name, e, &case[name], 1e-8);
    }
    assert_eq!(n.pattern, Pattern::Stable);
    assert_eq!(
        from_effects(&[1.0, 2.0], &[1.0; 2], &[0.0, 1.0], 0.0, 0.95)
            .unwrap_err()
            .reason,
        Reason::TooFew
    );
    assert_eq!(
        from_effects(&[1.0; 3], &[1.0, 0.0, 1.0], &[0.0, 1.0, 2.0], 0.0, 0.95)
            .unwrap_err()
            .reason,
        Reason::Singular
    );
}

/// Units differ much more than days do: the slope is found false at its level because the days' covariance is used.
#[test]
fn a_steady_effect_is_called_a_trend_at_the_nominal_rate() {
    const RUNS: u64 = 1000;
    let days = [0.0, 1.0, 2.0, 3.0, 4.0];
    let mut called = 0u64;
    for run in 0..RUNS {
        let arm = |which: u64, effect: f64| {
            let mut rng = Rng::keyed(83, &[run, which]);
            let mut m = Moments::empty(5);
            for _ in 0..120 {
                let taste = 3.0 * rng.normal();
                let mut carried = 0.0;
                let row: Vec<f64> = (0..5)
                    .map(|_| {
                        carried = 0.6 * carried + rng.normal();
                        10.0 + effect + taste + carried
                    })
                    .collect();
                m.push(&row);
            }
            m
        };
        let n = panel(&arm(0, 0.0), &arm(1, 1.0), &days, 0.95).unwrap();
        called += u64::from(n.pattern != Pattern::Stable);
    }
    let share = called as f64 / RUNS as f64;
    assert!(
        (share - 0.05).abs() < 4.0 * (0.05 * 0.95 / RUNS as f64).sqrt(),
        "{share}"
    );
}

#[test]
fn influence_of_the_largest_units() {
    let golden = load("health");
    let case = &golden["outliers"];
    let i = influence(&nums(&case["control"]), &nums(&case["treatment"]), &[1, 3, 10], 0.95).unwrap();
    close("pull", i.largest_pull, num(&case["largest_pull"]), 1e-10);
    close("share", i.top_share, num(&case["top_share"]), 1e-12);
    for (w, wanted) in i.without.iter().zip(cases(&case["without"])) {
        agrees("without", w.lift.as_ref().unwrap(), wanted, 1e-8);
    }
    // One unit decides: 100 units of either arm alike but for it.
    let flat: Vec<f64> = (0..100).map(|i| f64::from(i % 7)).collect();
    let mut shifted: Vec<f64> = flat.iter().map(|v| v + 0.55).collect();
    shifted[50] += 3.0;
    let i = influence(&flat, &shifted, &[0], 0.95).unwrap();
    assert_eq!(i.without[0].lift.as_ref().unwrap(), &i.all);
    assert_eq!(i.to_overturn, Some(1), "{i:?}");
}

#[test]
fn assumptions_of_a_skewed_metric() {
    let golden = load("health");
    let case = &golden["assumptions"];
    let a = assumptions(&nums(&case["control"]), &nums(&case["treatment"]), 0.95).unwrap();
    close("skew", a.skewness.0, num(&case["skewness"][0]), 1e-11);
    close("skew", a.skewness.1, num(&case["skewness"][1]), 1e-11);
    close("levene", a.spread_p.unwrap(), num(&case["spread_p"]), 1e-9);
    close("ratio", a.spread_ratio, num(&case["spread_ratio"]), 1e-12);
    close(
        "kohavi",
        a.units_wanted,
        355.0 * num(&case["skewness"][1]).powi(2),
        1e-11,
    );
    assert!(a.doubtful);
    let symmetric: Vec<f64> = (-50..=50).map(f64::from).collect();
    let fine = assumptions(&symmetric, &symmetric, 0.95).unwrap();
    assert!(!fine.doubtful && fine.tail_error < 1e-12);
    assert_eq!(
        assumptions(&[1.0; 5], &symmetric, 0.95).unwrap_err().reason,
        Reason::ZeroVariance
    );
}

/// The Edgeworth term says how often a nominal tail is missed, on exponential units.
#[test]
fn tail_error_is_the_error_that_happens() {
    let (mut low, mut high, mut told) = (0.0, 0.0, 0.0);
    const RUNS: u64 = 4000;
    for run in 0..RUNS {
        let mut rng = Rng::keyed(89, &[run]);
        // Very unlike sizes leave the skewness of the small arm.
        let c: Vec<f64> = (0..800).map(|_| rng.exponential()).collect();
        let t: Vec<f64> = (0..25).map(|_| rng.exponential()).collect();
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let z = (mean(&t) - mean(&c)) / (1.0f64 / 800.0 + 1.0 / 25.0).sqrt();
        low += f64::from(u8::from(z < -1.959_963_985));
        high += f64::from(u8::from(z > 1.959_963_985));
        told += assumptions(&c, &t, 0.95).unwrap().tail_error;
    }
    let (low, high, told) = (low / RUNS as f64, high / RUNS as f64, told / RUNS as f64);
    // The true first term at skewness 2/√25 is 0.0110; samples of 25 underrate their skewness.
    let truth = (high - low) / 2.0;
    assert!((truth - 0.0110).abs() < 0.004, "{truth}");
    assert!(told > 0.5 * truth && told < 1.3 * truth, "told {told}, truth {truth}");
}

#[test]
fn power_type_s_and_type_m() {
    for case in cases(&load("health")["design"]) {
        let d = design(num(&case["effect"]), num(&case["se"]), num(&case["alpha"]), 0.8).unwrap();
        close("power", d.power, num(&case["power"]), 1e-10);
        close("type s", d.type_s, num(&case["type_s"]), 1e-10);
        close("type m", d.type_m, num(&case["type_m"]), 1e-10);
    }
    // Gelman & Carlin 2014: beauty and sex ratio; power 0.05, type S 0.46, exaggeration 77.
    let d = design(0.1, 3.28, 0.05, 0.8).unwrap();
    assert_eq!(
        (format!("{:.2}", d.power), format!("{:.2}", d.type_s)),
        ("0.05".into(), "0.46".into())
    );
    assert!((d.type_m - 77.0).abs() < 0.7 && d.underpowered, "{d:?}");
    // Their second: power 0.06, type S 0.24, exaggeration 9.7.
    let d = design(2.0, 8.1, 0.05, 0.8).unwrap();
    assert_eq!(
        (format!("{:.2}", d.power), format!("{:.2}", d.type_s)),
        ("0.06".into(), "0.24".into())
    );
    assert_eq!(design(0.0, 1.0, 0.05, 0.8).unwrap_err().reason, Reason::OutOfDomain);
}
