//! Many comparisons: numbers against `tests/golden/multiple.py`, agreement of intervals and decisions, error rates.

use steward_stats::dunnett::{dunnett, many_to_one};
use steward_stats::gatekeeping::{graph, serial};
use steward_stats::group_sequential::Sides;
use steward_stats::multiplicity::{Correction, adjusted_estimates, holm};
use steward_stats::{Estimate, Moments, Reason, Rng};

use crate::numbers::{cases, close, load, num, nums, rows};

#[test]
fn graphs_are_closed_tests() {
    for case in cases(&load("multiple")["graphs"]) {
        let ours = graph(&nums(&case["p"]), &nums(&case["weights"]), &rows(&case["transitions"])).unwrap();
        for (a, b) in ours.iter().zip(nums(&case["adjusted"])) {
            close("graph", *a, b, 1e-9);
        }
    }
}

#[test]
fn families_open_in_order() {
    let adjusted = serial(&[vec![0.01, 0.02], vec![0.001, 0.2], vec![0.0001]]).unwrap();
    assert_eq!(adjusted, vec![vec![0.02, 0.02], vec![0.02, 0.2], vec![0.2]]);
    // Families of one are a fixed sequence, which is a graph too.
    let p = [0.01, 0.04, 0.03];
    let chain = vec![vec![0.0, 1.0, 0.0], vec![0.0, 0.0, 1.0], vec![0.0; 3]];
    let sequence: Vec<f64> = serial(&p.map(|p| vec![p])).unwrap().concat();
    assert_eq!(sequence, graph(&p, &[1.0, 0.0, 0.0], &chain).unwrap());
    assert!(serial(&[vec![0.1], vec![]]).is_err());
    assert!(graph(&p, &[0.9, 0.9, 0.0], &chain).is_err());
    assert!(graph(&[0.5, f64::NAN, 0.1], &[1.0, 0.0, 0.0], &chain).is_err());
}

fn sample(values: &[f64]) -> Moments {
    let mut m = Moments::empty(1);
    values.iter().for_each(|v| m.push(&[*v]));
    m
}

#[test]
fn dunnetts_test() {
    for case in cases(&load("multiple")["dunnett"]) {
        let groups: Vec<Moments> = rows(&case["groups"]).iter().map(|g| sample(g)).collect();
        for (sides, name) in [(Sides::Two, "two_sided"), (Sides::Greater, "greater")] {
            let golden = &case[name];
            let ours = dunnett(&groups[0], &groups[1..], true, 0.95, sides).unwrap();
            for (i, e) in ours.iter().enumerate() {
                assert_eq!(e.df, case["df"].as_f64());
                close(&format!("{name} p"), e.p.unwrap(), nums(&golden["p"])[i], 1e-6);
                assert!(
                    (e.p.unwrap() - nums(&golden["scipy_p"])[i]).abs() < 2e-3,
                    "{name} scipy"
                );
                assert!((e.low - nums(&golden["low"])[i]).abs() < 1e-6, "{name} low");
                if sides == Sides::Two {
                    assert!((e.high - nums(&golden["high"])[i]).abs() < 1e-6);
                }
                assert_eq!(e.p.unwrap() < 0.05, e.low > 0.0 || e.high < 0.0);
            }
        }
        // The lesser side mirrors the greater one.
        let mirrored: Vec<Moments> = rows(&case["groups"])
            .iter()
            .map(|g| sample(&g.iter().map(|x| -x).collect::<Vec<_>>()))
            .collect();
        let greater = dunnett(&groups[0], &groups[1..], true, 0.95, Sides::Greater).unwrap();
        let less = dunnett(&mirrored[0], &mirrored[1..], true, 0.95, Sides::Less).unwrap();
        for (g, l) in greater.iter().zip(&less) {
            close("mirror", l.high, -g.low, 1e-9);
            close("mirror", l.p.unwrap(), g.p.unwrap(), 1e-9);
        }
    }
    for pair in cases(&load("multiple")["normal_criticals"]) {
        let (k, critical) = (pair[0].as_u64().unwrap(), num(&pair[1]));
        let effects = vec![(0.0, 1.0, 10); k as usize];
        let ours = many_to_one(&effects, 0.5, None, 0.95, Sides::Two).unwrap();
        close("critical", ours[0].high, critical, 1e-7);
    }
}

#[test]
fn what_is_refused() {
    let (two, one) = (sample(&[1.0, 2.0]), sample(&[1.0]));
    assert_eq!(
        dunnett(&two, &[], true, 0.95, Sides::Two).unwrap_err().reason,
        Reason::TooFew
    );
    assert_eq!(
        dunnett(&two, std::slice::from_ref(&one), true, 0.95, Sides::Two)
            .unwrap_err()
            .reason,
        Reason::TooFew
    );
    let flat = sample(&[2.0, 2.0]);
    let refused = dunnett(&flat, std::slice::from_ref(&flat), true, 0.95, Sides::Two).unwrap_err();
    assert_eq!(refused.reason, Reason::ZeroVariance);
    assert!(many_to_one(&[(1.0, 1.0, 5)], 2.0, None, 0.95, Sides::Two).is_err());
}

fn estimate(z: f64) -> Estimate {
    Estimate::new(z, 1.0, Some(30.0), 32, 0.95, "t").unwrap()
}

#[test]
fn intervals_agree_with_corrected_decisions() {
    let estimates: Vec<Estimate> = [2.9, 2.2, -3.4, 0.4, 2.1, -2.4].map(estimate).to_vec();
    for correction in [
        Correction::None,
        Correction::Bonferroni,
        Correction::Holm,
        Correction::BenjaminiHochberg,
    ] {
        let adjusted = adjusted_estimates(&estimates, correction, 0.05).unwrap();
        for e in &adjusted {
            assert_eq!(
                e.p.unwrap() <= 0.05,
                e.low > 0.0 || e.high < 0.0,
                "{correction:?} {e:?}"
            );
        }
    }
    let raw: Vec<f64> = estimates.iter().map(|e| e.p.unwrap()).collect();
    let ours = adjusted_estimates(&estimates, Correction::Holm, 0.05).unwrap();
    let p: Vec<f64> = ours.iter().map(|e| e.p.unwrap()).collect();
    assert_eq!(p, holm(&raw).unwrap());
}

/// Four treatments without effect against a shared control: any of them wrong in 5% of runs; the intervals hold together.
#[test]
fn the_family_wise_error_is_held() {
    const RUNS: u64 = 1000;
    let (mut with, mut without) = (0, 0);
    for run in 0..RUNS {
        let mut rng = Rng::keyed(47, &[run]);
        let groups: Vec<Moments> = (0..5)
            .map(|_| {
                let mut m = Moments::empty(1);
                (0..60).for_each(|_| m.push(&[rng.normal()]));
                m
            })
            .collect();
        // Two-sided normal critical value of four treatments and equal arms, as `many_to_one` has it: computed once.
        let v: f64 = 1.0 / 60.0;
        let z: Vec<f64> = groups[1..]
            .iter()
            .map(|m| (m.mean(0) - groups[0].mean(0)) / (2.0 * v).sqrt())
            .collect();
        let largest = z.iter().fold(0.0f64, |a, b| a.max(b.abs()));
        let critical = *CRITICAL;
        with += u32::from(largest > critical);
        without += u32::from(largest > 1.96);
    }
    let share = |count: u32| f64::from(count) / RUNS as f64;
    assert!(
        (share(with) - 0.05).abs() < 4.0 * (0.05f64 * 0.95 / RUNS as f64).sqrt(),
        "{}",
        share(with)
    );
    assert!(share(without) > 0.1);
}

static CRITICAL: std::sync::LazyLock<f64> =
    std::sync::LazyLock::new(|| many_to_one(&[(0.0, 1.0, 10); 4], 0.5, None, 0.95, Sides::Two).unwrap()[0].high);
