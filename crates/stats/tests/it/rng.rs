//! Random numbers: reproducible, independent of order, with the distributions they claim.

use steward_stats::dist::{normal_isf, normal_quantile};
use steward_stats::{Moments, Rng};

fn sample(n: u64, mut draw: impl FnMut(&mut Rng) -> f64) -> (f64, f64) {
    let mut rng = Rng::new(7, 3);
    let mut m = Moments::empty(1);
    for _ in 0..n {
        m.push(&[draw(&mut rng)]);
    }
    (m.mean(0), m.variance(0).unwrap())
}

/// Mean within 5 standard errors, variance within 8%.
fn check(name: &str, (mean, variance): (f64, f64), expected_mean: f64, expected_variance: f64, n: u64) {
    assert!(
        (mean - expected_mean).abs() < 5.0 * (expected_variance / n as f64).sqrt(),
        "{name}: mean {mean}"
    );
    assert!(
        (variance / expected_variance - 1.0).abs() < 0.08,
        "{name}: variance {variance}"
    );
}

#[test]
fn a_draw_is_a_function_of_seed_stream_and_index() {
    let mut forwards = Rng::new(42, 9);
    let all: Vec<u64> = (0..100).map(|_| forwards.next_u64()).collect();
    for i in (0..100).rev() {
        assert_eq!(Rng::new(42, 9).at(i).next_u64(), all[i as usize]);
    }
    let mut distinct: Vec<u64> = (0..64)
        .flat_map(|s| (0..64).map(move |t| Rng::new(s, t).next_u64()))
        .collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 64 * 64);
    assert_ne!(Rng::keyed(1, &[2, 3]), Rng::keyed(1, &[3, 2]));
}

#[test]
fn neighbouring_streams_are_uncorrelated() {
    let mut m = Moments::empty(2);
    for stream in 0..20_000 {
        m.push(&[Rng::new(1, stream).uniform(), Rng::new(1, stream + 1).uniform()]);
    }
    let r = m.cross(0, 1) / (m.cross(0, 0) * m.cross(1, 1)).sqrt();
    assert!(r.abs() < 5.0 / 20_000f64.sqrt(), "{r}");
    assert!((m.mean(0) - 0.5).abs() < 0.011, "{}", m.mean(0));
}

#[test]
fn samplers_have_their_mean_and_variance() {
    let n = 40_000;
    check("uniform", sample(n, |r| r.uniform()), 0.5, 1.0 / 12.0, n);
    check("normal", sample(n, |r| r.normal()), 0.0, 1.0, n);
    check("exponential", sample(n, |r| r.exponential()), 1.0, 1.0, n);
    check("gamma 0.3", sample(n, |r| r.gamma(0.3)), 0.3, 0.3, n);
    check("gamma 4.5", sample(n, |r| r.gamma(4.5)), 4.5, 4.5, n);
    check(
        "beta 2,5",
        sample(n, |r| r.beta(2.0, 5.0)),
        2.0 / 7.0,
        10.0 / (49.0 * 8.0),
        n,
    );
    check("poisson 0.7", sample(n, |r| r.poisson(0.7) as f64), 0.7, 0.7, n);
    check("poisson 11.9", sample(n, |r| r.poisson(11.9) as f64), 11.9, 11.9, n);
    check("poisson 40", sample(n, |r| r.poisson(40.0) as f64), 40.0, 40.0, n);
    check("below 6", sample(n, |r| r.below(6) as f64), 2.5, 35.0 / 12.0, n);
    check(
        "weighted",
        sample(n, |r| r.weighted(&[1.0, 0.0, 3.0]) as f64),
        1.5,
        0.75,
        n,
    );
}

#[test]
fn normal_quantiles_match_tables_on_both_sides() {
    // scipy 1.17.1 stats.norm.isf.
    let table = [
        (0.2, 0.841_621_233_572_914_2),
        (0.0749, 1.440_238_267_527_963_5),
        (0.025, 1.959_963_984_540_054_5),
        (1e-10, 6.361_340_902_404_056),
        (1e-30, 11.464_024_688_443_613),
        (1e-300, 37.047_096_299_361_2),
    ];
    for (p, z) in table {
        assert!((normal_isf(p) / z - 1.0).abs() < 1e-13, "{p}: {}", normal_isf(p));
    }
    assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-14);
    assert_eq!(normal_quantile(0.3), -normal_quantile(0.7));
    assert!(normal_quantile(1.2).is_nan() && normal_quantile(f64::NAN).is_nan());
    assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
}
