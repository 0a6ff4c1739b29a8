//! Capped and trimmed means, funnels and retention against scipy and statsmodels.

use crate::numbers::{agrees, cases, close, load, moments, num, nums, rows};
use proptest::prelude::*;
use steward_stats::Reason;
use steward_stats::capping::{Cap, cap, capped_lift, trimmed};
use steward_stats::funnel::{funnel, reached};
use steward_stats::retention::{Unit, Window, retention};

#[test]
fn capped_means() {
    let golden = load("metrics");
    let case = &golden["capping"];
    let (c, t) = (nums(&case["control"]), nums(&case["treatment"]));
    let percentile = |ignore_zeros| Cap::Percentile {
        low: None,
        high: Some(0.99),
        ignore_zeros,
    };
    for (name, limits) in [
        (
            "absolute",
            Cap::Absolute {
                low: None,
                high: Some(100.0),
            },
        ),
        ("p99", percentile(false)),
        ("p99 without zeros", percentile(true)),
    ] {
        let l = capped_lift(&c, &t, limits, 0.95).unwrap();
        close(name, l.cap.high.unwrap(), num(&case[name]["limit"]), 1e-14);
        agrees(name, &l.capped.absolute.unwrap(), &case[name], 1e-9);
        agrees("raw", &l.raw.absolute.unwrap(), &case["raw"], 1e-9);
        assert!(l.cap.moved.iter().sum::<u64>() > 0);
    }
}

#[test]
fn yuens_trimmed_means() {
    let golden = load("metrics");
    let case = &golden["trimmed"];
    let e = trimmed(
        &nums(&case["control"]),
        &nums(&case["treatment"]),
        num(&case["trim"]),
        0.95,
    )
    .unwrap();
    agrees("yuen", &e, case, 1e-10);
}

#[test]
fn caps_that_cannot_be() {
    let reason = |c| cap(&[&[0.0, 0.0], &[0.0]], c).unwrap_err().reason;
    assert_eq!(
        reason(Cap::Percentile {
            low: None,
            high: Some(0.9),
            ignore_zeros: true
        }),
        Reason::TooFew
    );
    assert_eq!(
        reason(Cap::Percentile {
            low: None,
            high: Some(99.0),
            ignore_zeros: true
        }),
        Reason::OutOfDomain
    );
    assert_eq!(
        reason(Cap::Absolute {
            low: Some(2.0),
            high: Some(1.0)
        }),
        Reason::OutOfDomain
    );
    assert_eq!(
        trimmed(&[1.0, 1.0, 1.0], &[1.0, 1.0], 0.1, 0.95).unwrap_err().reason,
        Reason::ZeroVariance
    );
    assert_eq!(
        trimmed(&[1.0, f64::NAN], &[1.0, 1.0], 0.1, 0.95).unwrap_err().reason,
        Reason::NotFinite
    );
}

#[test]
fn steps_of_a_funnel() {
    let golden = load("metrics");
    let case = &golden["funnel"];
    let arm = |name: &str| {
        let rows = rows(&case[name]);
        moments(rows.iter().map(Vec::as_slice))
    };
    let steps = funnel(&arm("control"), &arm("treatment"), 0.95).unwrap();
    assert!(steps[0].from_previous.is_none());
    assert_eq!(
        steps[0].overall.absolute.as_ref().unwrap_err().reason,
        Reason::ZeroVariance
    );
    for (ours, theirs) in steps[1..].iter().zip(cases(&case["steps"])) {
        let previous = ours.from_previous.as_ref().unwrap().absolute.as_ref().unwrap();
        agrees("step", previous, &theirs["from_previous"], 1e-9);
        agrees(
            "overall",
            ours.overall.absolute.as_ref().unwrap(),
            &theirs["overall"],
            1e-9,
        );
    }
    let backwards = moments([[0.0, 1.0].as_slice(), &[1.0, 1.0]]);
    assert_eq!(
        funnel(&backwards, &backwards, 0.95).unwrap_err().reason,
        Reason::OutOfDomain
    );
}

#[test]
fn steps_count_in_order_and_in_time() {
    assert_eq!(reached(&[(0, 1.0), (1, 2.0), (2, 3.0)], 3, None), 3);
    assert_eq!(reached(&[(0, 1.0), (2, 2.0), (1, 3.0)], 3, None), 2);
    assert_eq!(reached(&[(1, 1.0), (2, 2.0)], 3, None), 0);
    // The second start leaves time for the last step, the first does not.
    assert_eq!(reached(&[(0, 1.0), (0, 8.0), (1, 9.0), (2, 12.0)], 3, Some(5.0)), 3);
    assert_eq!(reached(&[(0, 1.0), (1, 9.0), (2, 12.0)], 3, Some(5.0)), 1);
    assert_eq!(reached(&[(0, f64::NAN)], 1, None), 0);
}

proptest! {
    #[test]
    fn order_of_events_does_not_matter(mut events in prop::collection::vec((0usize..4, 0.0f64..20.0), 0..14), by in 0usize..14) {
        let before = reached(&events, 4, Some(6.0));
        if !events.is_empty() {
            let middle = by % events.len();
            events.rotate_left(middle);
        }
        prop_assert_eq!(reached(&events, 4, Some(6.0)), before);
        prop_assert!(reached(&events, 4, None) >= before);
    }
}

#[test]
fn retention_counts_only_units_observed_long_enough() {
    let golden = load("metrics");
    let counts = cases(&golden["retention"]["counts"]);
    let of = |w: usize, arm: usize| {
        let pair = nums(&counts[w][arm]);
        (pair[0] as usize, pair[1] as usize)
    };
    // Units of the second window are observed to day 13; the others to day 7 only.
    let build = |arm: usize| -> Vec<Unit> {
        let ((back7, n7), (back13, n13)) = (of(0, arm), of(1, arm));
        (0..n7)
            .map(|i| {
                let mut active = vec![0];
                if i < back7 {
                    active.push(7);
                }
                if i < back13 {
                    active.push(10);
                }
                Unit {
                    observed: if i < n13 { 14 } else { 8 },
                    active,
                }
            })
            .collect()
    };
    let windows = [
        Window { from: 7, to: 7 },
        Window { from: 8, to: 13 },
        Window { from: 20, to: 27 },
    ];
    let found = retention(&build(0), &build(1), &windows, 0.95).unwrap();
    for (r, wanted) in found.iter().zip(cases(&golden["retention"]["shares"])) {
        agrees("retention", r.lift.absolute.as_ref().unwrap(), wanted, 1e-9);
    }
    assert_eq!(found[2].eligible, (0, 0));
    assert_eq!(found[2].lift.absolute.as_ref().unwrap_err().reason, Reason::TooFew);
}
