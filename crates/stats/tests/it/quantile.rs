//! Quantiles against numpy, scipy, statsmodels, gbstats and R statpsych; coverage on a known world.

use crate::numbers::{cases, close, ids, load, num, nums};
use steward_stats::quantile::{
    Error, Events, Ordered, clustered_spread, difference, difference_of_events, difference_of_ordered, events, one,
    ranks, sample, spread,
};
use steward_stats::{Moments, Reason, Rng};

#[test]
fn of_units() {
    for case in cases(&load("quantile")["units"]) {
        let (x, q, name) = (nums(&case["values"]), num(&case["q"]), case["name"].as_str().unwrap());
        let tolerance = if name == "at 1e8" { 1e-6 } else { 1e-11 };
        let woodruff = one(&x, q, 0.95, Error::Woodruff).unwrap();
        close(name, woodruff.point, num(&case["point"]), 1e-14);
        close(name, woodruff.se, num(&case["woodruff"]), tolerance);
        close(
            name,
            one(&x, q, 0.95, Error::Kernel).unwrap().se,
            num(&case["kernel"]),
            tolerance,
        );
        close(name, woodruff.low, num(&case["low"]), 1e-15);
        if case["high"].is_number() && num(&case["high"]).is_finite() {
            close(name, woodruff.high, num(&case["high"]), 1e-15);
        }
    }
}

#[test]
fn price_and_bonetts_medians() {
    for case in cases(&load("quantile")["statpsych"]) {
        let lift = difference(
            &nums(&case["control"]),
            &nums(&case["treatment"]),
            0.5,
            0.95,
            Error::PriceBonett,
        );
        let d = lift.absolute.unwrap();
        // The manual prints seven digits.
        close("point", d.point, num(&case["point"]), 1e-12);
        close("se", d.se, num(&case["se"]), 5e-7);
        close("low", d.low, num(&case["low"]), 5e-7);
        close("high", d.high, num(&case["high"]), 5e-6);
    }
}

#[test]
fn of_events_clustered_in_units() {
    for case in cases(&load("quantile")["events"]) {
        let (values, units) = (nums(&case["values"]), ids(&case["units"]));
        let e = events(
            Events {
                values: &values,
                units: &units,
            },
            num(&case["q"]),
            0.95,
        )
        .unwrap();
        close("point", e.point, num(&case["point"]), 1e-14);
        close("se", e.se, num(&case["se"]), 1e-11);
        let plain = one(&values, num(&case["q"]), 0.95, Error::Woodruff).unwrap();
        assert!(e.se > 1.5 * plain.se, "clustered {} against {}", e.se, plain.se);
    }
}

#[test]
fn shift_and_scale() {
    let x: Vec<f64> = (0..200).map(|i| ((i * 7919) % 1009) as f64).collect();
    let y: Vec<f64> = x.iter().map(|v| 3.0 * v - 50.0).collect();
    for error in [Error::Woodruff, Error::PriceBonett, Error::Kernel] {
        let (a, b) = (one(&x, 0.3, 0.9, error).unwrap(), one(&y, 0.3, 0.9, error).unwrap());
        close("point", b.point, 3.0 * a.point - 50.0, 1e-12);
        close("se", b.se, 3.0 * a.se, 1e-12);
        close("low", b.low, 3.0 * a.low - 50.0, 1e-12);
    }
}

#[test]
fn refusals_have_reasons() {
    let zeros = [vec![0.0; 300], (1..100).map(f64::from).collect()].concat();
    let reason = |values: &[f64], q| one(values, q, 0.95, Error::Woodruff).unwrap_err().reason;
    assert_eq!(reason(&zeros, 0.5), Reason::ZeroVariance);
    assert_eq!(reason(&[1.0, 2.0, 3.0, 4.0], 0.99), Reason::TooFew);
    assert_eq!(reason(&[1.0], 0.5), Reason::TooFew);
    assert_eq!(reason(&[1.0, f64::NAN], 0.5), Reason::NotFinite);
    assert_eq!(reason(&[1.0, 2.0], 1.0), Reason::OutOfDomain);
    let lift = difference(&zeros, &zeros, 0.9, 0.95, Error::Woodruff);
    assert_eq!(lift.absolute.unwrap().point, 0.0);
}

#[test]
fn coverage_of_clustered_differences() {
    const RUNS: u64 = 600;
    let mut missed = 0u64;
    for run in 0..RUNS {
        let arm = |which: u64, shift: f64| {
            let mut rng = Rng::keyed(71, &[run, which]);
            let (mut values, mut units) = (Vec::new(), Vec::new());
            for u in 0..120 {
                let taste = rng.normal();
                for _ in 0..1 + rng.below(8) {
                    values.push(shift + taste + 0.7 * rng.normal());
                    units.push(u);
                }
            }
            (values, units)
        };
        let (c, t) = (arm(0, 10.0), arm(1, 10.5));
        let of = |a: &(Vec<f64>, Vec<u64>)| (a.0.clone(), a.1.clone());
        let ((cv, cu), (tv, tu)) = (of(&c), of(&t));
        let lift = difference_of_events(
            Events {
                values: &cv,
                units: &cu,
            },
            Events {
                values: &tv,
                units: &tu,
            },
            0.75,
            0.95,
        );
        let d = lift.absolute.unwrap();
        missed += u64::from(!(d.low..=d.high).contains(&0.5));
    }
    let share = missed as f64 / RUNS as f64;
    assert!(
        (share - 0.05).abs() < 4.0 * (0.05 * 0.95 / RUNS as f64).sqrt(),
        "{share}"
    );
}

/// A few order statistics say what all values say.
#[test]
fn from_order_statistics_alone() {
    let mut rng = Rng::new(11, 0);
    let mut arm =
        |n: u64, shift: f64| -> (Vec<f64>, Vec<u64>) { (0..n).map(|i| (shift + rng.exponential(), i / 3)).unzip() };
    let (c, t) = (arm(900, 0.0), arm(750, 0.4));
    let (k, m) = (
        Events {
            values: &c.0,
            units: &c.1,
        },
        Events {
            values: &t.0,
            units: &t.1,
        },
    );
    for q in [0.05, 0.5, 0.9, 0.99] {
        let known = |values: &[f64], ranks: &[u64], spread: Option<f64>| {
            let mut sorted = values.to_vec();
            sorted.sort_by(f64::total_cmp);
            let values = ranks.iter().map(|r| (*r, sorted[*r as usize - 1])).collect();
            Ordered {
                n: sorted.len() as u64,
                values,
                spread,
            }
        };
        let units = |values: &[f64]| {
            let n = values.len() as u64;
            known(values, &ranks(n, q, 0.95, spread(n, q), true), None)
        };
        let (found, expected) = (
            difference_of_ordered(&units(&c.0), &units(&t.0), q, 0.95),
            difference(&c.0, &t.0, q, 0.95, Error::Woodruff),
        );
        assert_eq!(found, expected, "{q}");
        assert!(units(&c.0).values.len() <= 6);

        let clustered = |(values, units): &(Vec<f64>, Vec<u64>)| {
            let n = values.len() as u64;
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let point = sample(&sorted, q);
            let mut counts = Moments::empty(2);
            for unit in 0..=units[units.len() - 1] {
                let mine = values.iter().zip(units).filter(|(_, u)| **u == unit);
                let (below, all) = mine.fold((0.0, 0.0), |(b, a), (v, _)| {
                    (b + f64::from(u8::from(*v <= point)), a + 1.0)
                });
                counts.push(&[below, all]);
            }
            let spread = clustered_spread(&counts, 0, 1).unwrap();
            known(values, &ranks(n, q, 0.95, spread, false), Some(spread))
        };
        let (found, expected) = (
            difference_of_ordered(&clustered(&c), &clustered(&t), q, 0.95),
            difference_of_events(k, m, q, 0.95),
        );
        assert_eq!(found, expected, "{q}");
    }
    // A rank that is not there is said, and a heap.
    let none = Ordered {
        n: 100,
        ..Ordered::default()
    };
    let refused = difference_of_ordered(&none, &none, 0.5, 0.95).absolute.unwrap_err();
    assert_eq!(refused.reason, Reason::OutOfDomain);
}
