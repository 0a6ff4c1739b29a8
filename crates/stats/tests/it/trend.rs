//! Forecasts: simulated coverage and calibration of the probability, refusals.

use steward_stats::trend::{Aggregation, Direction, Forecast, Goal, probability_to_hit};
use steward_stats::{NotEstimable, Reason, Rng};

fn goal(horizon: usize) -> Goal {
    Goal {
        horizon,
        season: Some(7),
        aggregation: Aggregation::Level,
        direction: Direction::AtLeast,
        target: 0.0,
        level: 0.8,
    }
}

/// A line with weekday effects and autocorrelated noise.
fn path(rng: &mut Rng, n: usize, rho: f64) -> Vec<f64> {
    let mut e = rng.normal() / (1.0 - rho * rho).sqrt();
    (0..n)
        .map(|t| {
            e = rho * e + rng.normal();
            50.0 + 0.05 * t as f64 + if t % 7 > 4 { -3.0 } else { 1.2 } + e
        })
        .collect()
}

/// Share of 80% intervals that hold the value they forecast, and mean of (probability − outcome).
fn coverage(
    n: usize,
    horizon: usize,
    rho: f64,
    mean_of_period: bool,
    simulate: fn(&mut Rng, usize, f64) -> Vec<f64>,
) -> (f64, f64) {
    let runs = 250;
    let (mut held, mut calibration) = (0, 0.0);
    for run in 0..runs {
        let mut rng = Rng::keyed(5, &[n as u64, horizon as u64, run]);
        let all = simulate(&mut rng, n + horizon, rho);
        let mut goal = goal(horizon);
        let mut truth = all[n + horizon - 1];
        if mean_of_period {
            goal.aggregation = Aggregation::MeanOfPeriod { observed: n / 2 };
            let period = &all[n - n / 2..];
            truth = period.iter().sum::<f64>() / period.len() as f64;
        }
        let f = probability_to_hit(&all[..n], &goal).unwrap();
        // A target half a standard error above the forecast: it must be met as often as is said.
        goal.target = f.estimate.point + 0.5 * f.estimate.se;
        let f = probability_to_hit(&all[..n], &goal).unwrap();
        held += u32::from(f.estimate.low <= truth && truth <= f.estimate.high);
        calibration += f.probability - f64::from(u8::from(truth >= goal.target));
    }
    (f64::from(held) / runs as f64, calibration / runs as f64)
}

#[test]
fn intervals_cover_and_probabilities_are_calibrated() {
    for (n, horizon, autocorrelations) in [(24, 7, [0.0, 0.5]), (90, 40, [0.3, 0.7])] {
        for rho in autocorrelations {
            for mean_of_period in [false, true] {
                let (share, bias) = coverage(n, horizon, rho, mean_of_period, path);
                assert!(
                    share > 0.73 && share < 0.93,
                    "n {n}, {horizon} ahead, rho {rho}, {mean_of_period}: {share}"
                );
                assert!(
                    bias.abs() < 0.09,
                    "n {n}, {horizon} ahead, rho {rho}, {mean_of_period}: {bias}"
                );
            }
        }
    }
}

/// The level may wander without a line to return to: the width must then be a random walk's.
#[test]
fn random_walks_are_covered() {
    let walk = |rng: &mut Rng, n: usize, _: f64| {
        let steps = (0..n).scan(50.0, |level, _| {
            *level += rng.normal();
            Some(*level)
        });
        steps.collect::<Vec<_>>()
    };
    for (n, horizon) in [(24, 7), (90, 40)] {
        let (share, bias) = coverage(n, horizon, 0.0, false, walk);
        assert!(share > 0.73 && share < 0.93, "n {n}, {horizon} ahead: {share}");
        assert!(bias.abs() < 0.09, "n {n}, {horizon} ahead: {bias}");
    }
}

#[test]
fn short_series_still_cover() {
    let flat =
        |rng: &mut Rng, n: usize, _: f64| (0..n).map(|t| 10.0 + 0.3 * t as f64 + rng.normal()).collect::<Vec<_>>();
    for n in [4, 5, 8, 12] {
        let (share, _) = coverage(n, 4, 0.0, false, flat);
        assert!(share > 0.75, "n {n}: {share}");
    }
}

fn refusal(result: Result<Forecast, NotEstimable>) -> Reason {
    result.unwrap_err().reason
}

#[test]
fn refusals_say_why() {
    let line: Vec<f64> = (0..20).map(|t| 3.0 + 0.1 * f64::from(t)).collect();
    let rough: Vec<f64> = (0..20u64).map(|t| Rng::new(1, t).uniform()).collect();
    assert_eq!(refusal(probability_to_hit(&rough[..3], &goal(5))), Reason::TooFew);
    assert_eq!(refusal(probability_to_hit(&line, &goal(5))), Reason::ZeroVariance);
    assert_eq!(refusal(probability_to_hit(&[7.0; 30], &goal(5))), Reason::ZeroVariance);
    assert_eq!(
        refusal(probability_to_hit(&[1.0, f64::NAN, 2.0, 3.0, 4.0], &goal(5))),
        Reason::NotFinite
    );
    assert_eq!(refusal(probability_to_hit(&rough, &goal(0))), Reason::OutOfDomain);
    assert_eq!(
        refusal(probability_to_hit(&rough, &Goal { level: 1.0, ..goal(5) })),
        Reason::OutOfDomain
    );
    let all = Aggregation::SumOfPeriod { observed: 21 };
    assert_eq!(
        refusal(probability_to_hit(
            &rough,
            &Goal {
                aggregation: all,
                ..goal(5)
            }
        )),
        Reason::OutOfDomain
    );
}

#[test]
fn directions_are_complements_and_sums_follow_means() {
    let series = path(&mut Rng::new(3, 3), 40, 0.3);
    let up = probability_to_hit(
        &series,
        &Goal {
            target: 52.5,
            ..goal(10)
        },
    )
    .unwrap();
    let down = probability_to_hit(
        &series,
        &Goal {
            target: 52.5,
            direction: Direction::AtMost,
            ..goal(10)
        },
    )
    .unwrap();
    assert!((up.probability + down.probability - 1.0).abs() < 1e-12);
    let mean = Goal {
        aggregation: Aggregation::MeanOfPeriod { observed: 20 },
        target: 52.5,
        ..goal(10)
    };
    let sum = Goal {
        aggregation: Aggregation::SumOfPeriod { observed: 20 },
        target: 52.5 * 30.0,
        ..goal(10)
    };
    let (mean, sum) = (
        probability_to_hit(&series, &mean).unwrap(),
        probability_to_hit(&series, &sum).unwrap(),
    );
    assert!((mean.probability - sum.probability).abs() < 1e-9);
    assert!((mean.estimate.high * 30.0 - sum.estimate.high).abs() < 1e-9);
}
