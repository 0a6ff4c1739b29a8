//! One-sided statements, margins and Fieller's interval: numbers against `tests/golden/sided.py`, and coverage.

use steward_stats::bayes::Better;
use steward_stats::fieller::fieller;
use steward_stats::group_sequential::Sides;
use steward_stats::lift::{Comparison, Statistic, lift};
use steward_stats::one_sided::{non_inferiority, one_sided};
use steward_stats::{Moments, Reason, Rng};

use crate::numbers::{agrees, cases, close, load, num, nums};

const MEAN: Statistic = Statistic::Mean { y: 0 };

fn comparison() -> Comparison {
    Comparison {
        statistic: MEAN,
        covariates: vec![],
        level: 0.95,
    }
}

fn sample(values: &[f64]) -> Moments {
    let mut m = Moments::empty(1);
    values.iter().for_each(|v| m.push(&[*v]));
    m
}

#[test]
fn bounds_margins_and_fieller() {
    for case in cases(&load("sided")["cases"]) {
        let name = case["name"].as_str().unwrap();
        let (c, t) = (sample(&nums(&case["control"])), sample(&nums(&case["treatment"])));
        let absolute = lift(&c, &t, &comparison()).absolute.unwrap();
        let greater = one_sided(&absolute, Sides::Greater).unwrap();
        close(name, greater.p.unwrap(), num(&case["greater"]["p"]), 1e-9);
        close(name, greater.low, num(&case["greater"]["bound"]), 1e-9);
        assert_eq!(greater.high, f64::INFINITY);
        let less = one_sided(&absolute, Sides::Less).unwrap();
        close(name, less.p.unwrap(), num(&case["less"]["p"]), 1e-9);
        close(name, less.high, num(&case["less"]["bound"]), 1e-9);
        assert_eq!(less.low, f64::NEG_INFINITY);
        let margin = num(&case["margin"]);
        for (better, field) in [(Better::Higher, "margin_p_higher"), (Better::Lower, "margin_p_lower")] {
            let test = non_inferiority(&absolute, margin, better).unwrap();
            let p = test.estimate.p.unwrap();
            close(name, p, num(&case[field]), 1e-9);
            assert_eq!(test.non_inferior, p < 0.05);
            assert_eq!(test.superior, test.superiority_p < 0.05);
            assert!(!(test.superior && !test.non_inferior));
        }
        let f = fieller(&c, &t, &comparison(), Sides::Two).unwrap();
        agrees(name, &f, &case["fieller"], 1e-9);
        assert_eq!(f.p.unwrap() < 0.05, f.low > 0.0 || f.high < 0.0);
        close(name, f.p.unwrap(), absolute.p.unwrap(), 1e-12);
    }
}

#[test]
fn a_one_sided_fieller_bound_is_the_two_sided_one_at_twice_the_error() {
    let c = sample(&[4.0, 5.0, 7.0, 6.0, 5.5]);
    let t = sample(&[6.0, 7.5, 8.0, 6.5]);
    let wide = Comparison {
        level: 0.9,
        ..comparison()
    };
    let two = fieller(&c, &t, &wide, Sides::Two).unwrap();
    let greater = fieller(&c, &t, &comparison(), Sides::Greater).unwrap();
    close("low", greater.low, two.low, 1e-10);
    let less = fieller(&c, &t, &comparison(), Sides::Less).unwrap();
    close("high", less.high, two.high, 1e-10);
    close("p", greater.p.unwrap() + less.p.unwrap(), 1.0, 1e-12);
}

#[test]
fn a_baseline_not_told_from_zero_is_refused() {
    let c = sample(&[-3.0, 4.0, 1.0, -1.5, 2.0]);
    let t = sample(&[2.0, 3.0, 4.0]);
    assert_eq!(
        fieller(&c, &t, &comparison(), Sides::Two).unwrap_err().reason,
        Reason::ZeroBaseline
    );
    let e = lift(&c, &t, &comparison()).absolute.unwrap();
    assert!(non_inferiority(&e, -1.0, Better::Higher).is_err());
    assert!(non_inferiority(&e, f64::NAN, Better::Higher).is_err());
}

/// A baseline three standard errors from 0: the delta method is off, Fieller covers.
#[test]
fn fieller_covers_over_a_noisy_baseline() {
    const RUNS: u64 = 2000;
    let mut missed = 0;
    for run in 0..RUNS {
        let mut rng = Rng::keyed(43, &[run]);
        let arm = |mean: f64, rng: &mut Rng| {
            let mut m = Moments::empty(1);
            (0..200).for_each(|_| m.push(&[mean + 3.0 * rng.normal()]));
            m
        };
        let (c, t) = (arm(1.0, &mut rng), arm(1.5, &mut rng));
        // An interval that is refused is one without end on either side: it covers.
        missed += u32::from(fieller(&c, &t, &comparison(), Sides::Two).is_ok_and(|e| e.low > 0.5 || e.high < 0.5));
    }
    let share = f64::from(missed) / RUNS as f64;
    assert!(
        (share - 0.05).abs() < 4.0 * (0.05f64 * 0.95 / RUNS as f64).sqrt(),
        "{share}"
    );
}
