//! What placebos allow: intervals and power, held to the placebo test itself.

use steward_stats::geo::{placebo_interval, placebo_power};
use steward_stats::synthetic_control::{Match, Panel, placebo_test};
use steward_stats::{Reason, Rng};

/// Markets that share weeks and a trend, each with its own noise.
fn markets(count: u64, periods: usize, seed: u64) -> Vec<Vec<f64>> {
    (0..count)
        .map(|m| {
            let mut rng = Rng::keyed(seed, &[m]);
            let size = 50.0 + 10.0 * rng.normal().abs();
            (0..periods)
                .map(|t| size * (1.0 + 0.1 * (t as f64 * 0.9).sin() + 0.002 * t as f64) + rng.normal())
                .collect()
        })
        .collect()
}

fn panel(markets: &[Vec<f64>], before: usize, moved: impl Fn(f64) -> f64) -> Panel {
    let treated = markets[0]
        .iter()
        .enumerate()
        .map(|(t, y)| if t < before { *y } else { moved(*y) })
        .collect();
    Panel {
        treated,
        donors: markets[1..].to_vec(),
        before,
    }
}

#[test]
fn the_interval_holds_what_the_placebo_test_keeps() {
    let (mut covered, runs) = (0, 60);
    for seed in 0..runs {
        let all = markets(20, 40, 100 + seed);
        let moved = |tau: f64| panel(&all, 30, |y| y + 4.0 - tau);
        let found = placebo_test(&moved(0.0), &Match::Outcomes, None).unwrap();
        let interval = placebo_interval(&found, 0.9).unwrap();
        covered += u64::from(interval.low <= 4.0 && 4.0 <= interval.high);
        // Taking τ off the treated market tests it: kept inside, rejected outside.
        let p = |tau: f64| {
            let found = placebo_test(&moved(tau), &Match::Outcomes, None).unwrap();
            placebo_interval(&found, 0.9).unwrap().p
        };
        for end in [interval.low, interval.high].into_iter().filter(|_| seed < 4) {
            let inwards = 1e-6 * (interval.effect - end).signum();
            assert!(p(end + inwards) > 0.1, "{}", p(end + inwards));
            assert!(p(end - inwards) <= 0.1, "{}", p(end - inwards));
        }
        // Nineteen placebos cannot speak at 99%.
        let refused = placebo_interval(&found, 0.99).unwrap_err();
        assert_eq!(refused.reason, Reason::TooFew);
    }
    let (share, n) = (covered as f64 / runs as f64, runs as f64);
    assert!(share >= 0.9 - 4.0 * (0.09 / n).sqrt(), "{share}");
}

#[test]
fn what_a_market_would_have_shown() {
    let all = markets(21, 40, 6);
    let find = |effect| placebo_power(&all[0], &all[1..], (6, 20), Some(effect), (0.1, 0.8)).unwrap();
    let none = find(0.0);
    assert_eq!(none.windows, 15);
    assert_eq!(none.power, Some(none.false_positives));
    let detectable = none.detectable.unwrap();
    assert!((0.005..0.2).contains(&detectable), "{detectable}");
    assert!(find(detectable * 1.001).power.unwrap() >= 0.8);
    assert!(find(detectable * 0.999).power.unwrap() < 0.8);
    assert!((none.smallest_p - 1.0 / 21.0).abs() < 1e-12);
    // One window is the placebo test with the effect put in.
    let one = |effect| placebo_power(&all[0], &all[1..], (6, 34), Some(effect), (0.1, 0.8)).unwrap();
    for effect in [0.3 * detectable, 0.9 * detectable, 1.1 * detectable, 3.0 * detectable] {
        let found = placebo_test(&panel(&all, 34, |y| y * (1.0 + effect)), &Match::Outcomes, None).unwrap();
        assert_eq!(
            one(effect).power.unwrap() == 1.0,
            placebo_interval(&found, 0.9).unwrap().p <= 0.1,
            "{effect}"
        );
    }
    let few = placebo_power(&all[0], &all[1..5], (6, 20), None, (0.1, 0.8));
    assert_eq!(few.unwrap_err().reason, Reason::TooFew);
}
