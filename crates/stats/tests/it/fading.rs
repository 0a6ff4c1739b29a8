//! The fading of a lift: its size under none, its coverage, and what it finds.

use steward_stats::novelty::{Fading, Pattern, fading};
use steward_stats::{Moments, Reason, Rng};

const RUNS: u64 = 1000;

/// An experiment of 28 days in which units come at any time and each has events at its own rate, more on the first day;
/// the treatment's come (1 + lasting + fading·e^(−t/6)) as often. The test supposes a decay of 7 days.
fn world(run: u64, units: usize, lasting: f64, fades: f64) -> Fading {
    let mut rng = Rng::keyed(20_260_101, &[run]);
    let mut arms = [Moments::empty(3), Moments::empty(3)];
    for _ in 0..units {
        let treated = rng.uniform() < 0.5;
        let followed = 28.0 * rng.uniform();
        let rate = 0.4 * rng.normal().exp();
        let mut sums = [0.0; 3];
        let mut event = |t: f64| {
            let f = (-(t.floor() + 0.5) / 7.0).exp();
            sums[0] += 1.0;
            sums[1] += f;
            sums[2] += f * f;
        };
        let factor = |t: f64| {
            if treated {
                1.0 + lasting + fades * (-t / 6.0f64).exp()
            } else {
                1.0
            }
        };
        if rng.uniform() < 0.3 * factor(0.0) {
            event(0.0);
        }
        // Thinning at the highest factor.
        let most = 1.0 + lasting.max(0.0) + fades.max(0.0);
        let mut t = 0.0;
        loop {
            t -= (1.0 - rng.uniform()).ln() / (rate * most);
            if t >= followed {
                break;
            }
            if rng.uniform() < factor(t) / most {
                event(t);
            }
        }
        arms[usize::from(treated)].push(&sums);
    }
    fading(&arms[0], &arms[1], 0.95).unwrap()
}

fn share(found: impl Fn(&Fading) -> bool, units: usize, lasting: f64, fades: f64) -> f64 {
    (0..RUNS)
        .filter(|run| found(&world(*run, units, lasting, fades)))
        .count() as f64
        / RUNS as f64
}

#[test]
fn a_lift_that_lasts_or_none_is_called_fading_as_often_as_the_level_says() {
    // Four binomial standard errors around 5%.
    let within = 4.0 * (0.05f64 * 0.95 / RUNS as f64).sqrt();
    for lasting in [0.0, 0.3] {
        let wrong = share(|f| f.pattern != Pattern::Stable, 400, lasting, 0.0);
        assert!((wrong - 0.05).abs() < within, "{lasting}: {wrong}");
    }
}

#[test]
fn a_lift_that_fades_is_found_as_often_as_its_detectable_size_says() {
    let sizes: Vec<f64> = (0..40).map(|run| world(run, 400, 0.0, 0.0).detectable).collect();
    let size = sizes.iter().sum::<f64>() / sizes.len() as f64;
    let power = share(|f| f.pattern == Pattern::Novelty, 400, 0.0, size);
    // The lift itself adds to the variance, and decays faster than the test supposes.
    assert!((0.65..0.9).contains(&power), "{size}: {power}");
    let covered = share(|f| f.last.low <= 0.1 && 0.1 <= f.last.high, 400, 0.1, size);
    assert!(covered > 0.92, "{covered}");
}

#[test]
fn refusals_have_reasons() {
    let two = Moments::from_parts(10, vec![1.0, 0.5], vec![3.0, 1.0, 2.0]).unwrap();
    assert_eq!(fading(&two, &two, 0.95).unwrap_err().reason, Reason::OutOfDomain);
    let none = Moments::from_parts(10, vec![0.0; 3], vec![0.0; 6]).unwrap();
    assert_eq!(fading(&none, &none, 0.95).unwrap_err().reason, Reason::ZeroBaseline);
    let mut same = Moments::empty(3);
    (0..20).for_each(|i| {
        let y = f64::from(i % 3);
        same.push(&[y, 0.5 * y, 0.25 * y]);
    });
    assert_eq!(fading(&same, &same, 0.95).unwrap_err().reason, Reason::ZeroVariance);
}
