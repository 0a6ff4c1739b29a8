//! Sequential methods: numbers against `tests/golden/sequential.py` and printed tables; error under peeking.

use serde_json::Value;
use steward_stats::confidence_sequence::confidence_sequence;
use steward_stats::group_sequential::{self, Design, Sides, Spending};
use steward_stats::msprt::msprt;
use steward_stats::sequential_srm::sequential_sample_ratio;
use steward_stats::{Reason, Rng};

use crate::numbers::{close, load, num, nums};

fn spending(case: &Value) -> Spending {
    let parameter = case["parameter"].as_f64();
    match case["spending"].as_str().unwrap() {
        "obrien_fleming" => Spending::ObrienFleming,
        "pocock" => Spending::Pocock,
        "kim_demets" => Spending::KimDemets {
            power: parameter.unwrap(),
        },
        _ => Spending::HwangShihDecani {
            gamma: parameter.unwrap(),
        },
    }
}

fn design(fractions: &[f64], spending: Spending, sides: Sides) -> Design {
    Design {
        fractions: fractions.to_vec(),
        alpha: 0.05,
        spending,
        sides,
        last_is_final: true,
    }
}

fn z(design: &Design) -> Vec<f64> {
    group_sequential::boundaries(design)
        .unwrap()
        .iter()
        .map(|l| l.z)
        .collect()
}

#[test]
fn boundaries_and_crossing_chances() {
    for case in load("sequential")["boundaries"].as_array().unwrap() {
        let two = case["two_sided"].as_bool().unwrap();
        let design = Design {
            fractions: nums(&case["fractions"]),
            alpha: num(&case["alpha"]),
            spending: spending(case),
            sides: if two { Sides::Two } else { Sides::Greater },
            last_is_final: false,
        };
        let ours = z(&design);
        let what = format!("{} {:?}", case["spending"], design.fractions);
        for (a, b) in ours.iter().zip(nums(&case["z"])) {
            close(&what, *a, b, 1e-8);
        }
        let chances = group_sequential::crossing(&design.fractions, &ours, two, 2.5);
        for (a, b) in chances.iter().zip(nums(&case["crossing_at_drift_2.5"])) {
            close(&what, *a, b, 1e-6);
        }
        if case["spotify"].is_array() {
            for (a, b) in ours.iter().zip(nums(&case["spotify"])) {
                close("spotify-confidence", *a, b, 2e-3);
            }
        }
    }
}

/// R's ldbounds prints these, good to 1e-4, for five even looks, two-sided 0.05 (also Jennison & Turnbull, table 7.2-7.3).
#[test]
fn printed_tables() {
    let even = [0.2, 0.4, 0.6, 0.8, 1.0];
    let table = [
        (Spending::ObrienFleming, [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        (Spending::Pocock, [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
    ];
    for (spending, expected) in table {
        for (a, b) in z(&design(&even, spending, Sides::Two)).iter().zip(expected) {
            assert!((a - b).abs() < 2e-4, "{spending:?}: {a} {b}");
        }
    }
}

#[test]
fn a_design_without_looks_is_the_fixed_test() {
    let fixed = design(&[1.0], Spending::ObrienFleming, Sides::Two);
    close("z", z(&fixed)[0], 1.959_963_984_540_054, 1e-12);
    close(
        "inflation",
        group_sequential::inflation(&fixed, 0.8).unwrap(),
        1.0,
        1e-9,
    );
    // Normal theory: the drift of a one-sided test is the sum of two quantiles.
    let one = design(&[1.0], Spending::Pocock, Sides::Greater);
    let drift = group_sequential::required_drift(&one, 0.8).unwrap();
    close("drift", drift, 1.644_853_626_951_472_2 + 0.841_621_233_572_914_2, 1e-9);
    let stage = group_sequential::analyse(&fixed, &[(2.0, 0.8)], 100).unwrap();
    close("p", stage.adjusted.p.unwrap(), 0.012_419_330_651_552_318, 1e-9);
    close("point", stage.adjusted.point, 2.0, 1e-9);
    close("low", stage.adjusted.low, 2.0 - 0.8 * 1.959_963_984_540_054, 1e-9);
    close("high", stage.repeated.high, 2.0 + 0.8 * 1.959_963_984_540_054, 1e-9);
}

#[test]
fn the_direction_of_a_one_sided_test() {
    let looks = [(-0.9, 0.5), (-1.1, 0.3)];
    let less = group_sequential::analyse(&design(&[0.5, 1.0], Spending::Pocock, Sides::Less), &looks, 10).unwrap();
    assert_eq!(less.crossed_at, Some(1));
    assert!(less.adjusted.high < 0.0 && less.adjusted.low == f64::NEG_INFINITY && less.adjusted.p.unwrap() < 0.05);
    assert!(less.repeated.high < 0.0);
    let greater =
        group_sequential::analyse(&design(&[0.5, 1.0], Spending::Pocock, Sides::Greater), &looks, 10).unwrap();
    assert!(greater.crossed_at.is_none() && greater.adjusted.p.unwrap() > 0.95);
    let mirrored = group_sequential::analyse(
        &design(&[0.5, 1.0], Spending::Pocock, Sides::Greater),
        &[(0.9, 0.5), (1.1, 0.3)],
        10,
    )
    .unwrap();
    close("mirror", mirrored.adjusted.low, -less.adjusted.high, 1e-12);
    close("mirror", mirrored.adjusted.point, -less.adjusted.point, 1e-12);
}

#[test]
fn the_p_value_agrees_with_the_boundary() {
    let plan = design(&[0.3, 0.7, 1.0], Spending::ObrienFleming, Sides::Two);
    let bounds = z(&plan);
    for k in 0..3 {
        for (nudge, crosses) in [(1e-6, true), (-1e-6, false)] {
            let estimates: Vec<(f64, f64)> = (0..3)
                .map(|i| (if i == k { bounds[k] + nudge } else { 0.0 }, 1.0))
                .collect();
            let stage = group_sequential::analyse(&plan, &estimates, 1).unwrap();
            assert_eq!(stage.crossed_at, crosses.then_some(k));
            assert_eq!(stage.repeated.low > 0.0, crosses);
            if crosses || k == 2 {
                assert_eq!(stage.adjusted.p.unwrap() < 0.05, crosses, "look {k}");
                assert_eq!(stage.adjusted.low > 0.0, crosses, "look {k}");
            }
        }
    }
}

#[test]
fn designs_that_cannot_be() {
    for fractions in [
        vec![],
        vec![0.0, 1.0],
        vec![0.5, 0.5],
        vec![0.9, 0.4],
        vec![f64::NAN],
        vec![f64::INFINITY],
    ] {
        let refused = group_sequential::boundaries(&design(&fractions, Spending::Pocock, Sides::Two)).unwrap_err();
        assert_eq!(refused.reason, Reason::OutOfDomain);
    }
    let flat = Spending::KimDemets { power: 0.0 };
    assert!(group_sequential::boundaries(&design(&[1.0], flat, Sides::Two)).is_err());
    // Beyond the planned information everything is spent; the next look cannot stop.
    let overrun = design(&[0.5, 1.2], Spending::ObrienFleming, Sides::Two);
    assert!(z(&overrun)[1] < 2.0);
}

#[test]
fn confidence_sequences() {
    for case in load("sequential")["confidence_sequences"].as_array().unwrap() {
        let f = |name: &str| num(&case[name]);
        let n = case["n"].as_u64().unwrap();
        let run = |sides| confidence_sequence(f("point"), f("se"), n, 0.95, f("tuned_for"), sides).unwrap();
        let two = run(Sides::Two);
        close("low", two.low, f("low"), 1e-9);
        close("high", two.high, f("high"), 1e-9);
        close("p", two.p.unwrap(), f("p"), 1e-9);
        let greater = run(Sides::Greater);
        close("greater", greater.low, f("greater_low"), 1e-9);
        close("greater p", greater.p.unwrap(), f("greater_p"), 1e-9);
        assert_eq!(greater.p.unwrap() <= 0.05, greater.low >= 0.0);
        assert_eq!(two.p.unwrap() <= 0.05, two.low >= 0.0 || two.high <= 0.0);
        let less = run(Sides::Less);
        close("less", less.high, f("less_high"), 1e-9);
        assert!(less.high > less.point && less.p.unwrap() == 1.0);
    }
}

#[test]
fn mixture_tests() {
    for case in load("sequential")["mixtures"].as_array().unwrap() {
        let f = |name: &str| num(&case[name]);
        let m = msprt(&[(f("effect"), f("se"))], f("tau"), 10, 0.95).unwrap();
        close("ln ratio", m.log_likelihood_ratio[0], f("log_likelihood_ratio"), 1e-9);
        close("p", m.estimate.p.unwrap(), f("p"), 1e-9);
        close("low", m.estimate.low, f("low"), 1e-9);
        close("high", m.estimate.high, f("high"), 1e-9);
    }
    let path = msprt(&[(3.0, 1.0), (0.0, 0.9), (4.0, 0.8)], 1.0, 10, 0.95).unwrap();
    assert!(path.p.windows(2).all(|w| w[1] <= w[0]));
}

#[test]
fn the_split_watched() {
    for case in load("sequential")["splits"].as_array().unwrap() {
        let looks: Vec<Vec<u64>> = case["looks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| nums(row).into_iter().map(|x| x as u64).collect())
            .collect();
        let found = sequential_sample_ratio(&looks, &nums(&case["weights"]), num(&case["concentration"])).unwrap();
        for (a, b) in found.log_bayes_factor.iter().zip(nums(&case["log_bayes_factor"])) {
            assert!((a.unwrap() - b).abs() < 1e-8, "{a:?} {b}");
        }
        close("p", found.p, num(&case["p"]), 1e-7);
    }
    let intruders = sequential_sample_ratio(&[vec![5, 5, 1]], &[1.0, 1.0, 0.0], 100.0).unwrap();
    assert_eq!(intruders.p, 0.0);
    assert!(sequential_sample_ratio(&[vec![5, 5], vec![4, 9]], &[1.0, 1.0], 100.0).is_err());
    assert!(sequential_sample_ratio(&[vec![0, 0]], &[1.0, 1.0], 100.0).is_err());
}

/// A look after every tenth unit of 1000: the naive test is wrong in a third of the runs, these in at most alpha.
#[test]
fn error_under_continuous_peeking() {
    const RUNS: u64 = 1500;
    let fractions: Vec<f64> = (1..=20).map(|k| f64::from(k) / 20.0).collect();
    let bounds = z(&design(&fractions, Spending::Pocock, Sides::Two));
    let (mut naive, mut sequence, mut mixture, mut spending) = (0, 0, 0, 0);
    for run in 0..RUNS {
        let mut rng = Rng::keyed(31, &[run]);
        let (mut n, mut sum) = (0u64, 0.0);
        let mut found = [false; 4];
        for look in 1..=100u64 {
            for _ in 0..10 {
                sum += rng.normal();
                n += 1;
            }
            let (point, se) = (sum / n as f64, 1.0 / (n as f64).sqrt());
            found[0] |= (point / se).abs() > 1.96;
            found[1] |= confidence_sequence(point, se, n, 0.95, 300.0, Sides::Two)
                .unwrap()
                .p
                .unwrap()
                <= 0.05;
            found[2] |= msprt(&[(point, se)], 0.1, n, 0.95).unwrap().rejected_at.is_some();
            if look % 5 == 0 {
                found[3] |= (point / se).abs() >= bounds[look as usize / 5 - 1];
            }
        }
        naive += u32::from(found[0]);
        sequence += u32::from(found[1]);
        mixture += u32::from(found[2]);
        spending += u32::from(found[3]);
    }
    let share = |count: u32| f64::from(count) / RUNS as f64;
    let slack = 4.0 * (0.05f64 * 0.95 / RUNS as f64).sqrt();
    assert!(share(naive) > 0.3, "{}", share(naive));
    assert!(share(sequence) < 0.05 + slack, "{}", share(sequence));
    assert!(share(mixture) < 0.05 + slack, "{}", share(mixture));
    // Spending is exact: neither above nor below.
    assert!((share(spending) - 0.05).abs() < slack, "{}", share(spending));
}

#[test]
fn stage_wise_intervals_cover_and_the_split_alarms_rarely() {
    const RUNS: u64 = 300;
    let plan = design(&[0.25, 0.5, 0.75, 1.0], Spending::ObrienFleming, Sides::Two);
    let (mut missed, mut above, mut alarms) = (0, 0, 0);
    for run in 0..RUNS {
        let mut rng = Rng::keyed(37, &[run]);
        // A true effect of 2.5 standard errors of the end.
        let (mut sum, mut estimates) = (0.0, Vec::new());
        for k in 1..=4 {
            sum += 2.5 * 0.25 + 0.5 * rng.normal();
            let t = 0.25 * f64::from(k);
            estimates.push((sum / t, 1.0 / t.sqrt()));
        }
        let stage = group_sequential::analyse(&plan, &estimates, 100).unwrap();
        missed += u32::from(stage.adjusted.low > 2.5 || stage.adjusted.high < 2.5);
        above += u32::from(stage.adjusted.point > 2.5);
        let mut counts = vec![0u64; 3];
        let mut looks = Vec::new();
        for _ in 0..40 {
            (0..25).for_each(|_| counts[rng.weighted(&[0.5, 0.3, 0.2])] += 1);
            looks.push(counts.clone());
        }
        alarms += u32::from(sequential_sample_ratio(&looks, &[5.0, 3.0, 2.0], 50.0).unwrap().p < 0.05);
    }
    let share = |count: u32| f64::from(count) / RUNS as f64;
    let slack = 4.0 * (0.05f64 * 0.95 / RUNS as f64).sqrt();
    assert!((share(missed) - 0.05).abs() < slack, "{}", share(missed));
    assert!(
        (share(above) - 0.5).abs() < 4.0 * (0.25 / RUNS as f64).sqrt(),
        "{}",
        share(above)
    );
    assert!(share(alarms) < 0.05 + slack, "{}", share(alarms));
}
