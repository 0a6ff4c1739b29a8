//! Lifts: what must hold whatever the numbers, and what is refused.

use steward_stats::lift::{Comparison, Lift, Statistic, lift};
use steward_stats::{Moments, Reason, Rng, one_sample, srm};

fn sample(stream: u64, n: u64, mut unit: impl FnMut(&mut Rng) -> Vec<f64>) -> Moments {
    let mut rng = Rng::new(11, stream);
    let first = unit(&mut rng);
    let mut m = Moments::empty(first.len());
    m.push(&first);
    for _ in 1..n {
        m.push(&unit(&mut rng));
    }
    m
}

/// y and a pre-period x that explains much of it.
fn pair(rng: &mut Rng, base: f64) -> Vec<f64> {
    let x = rng.normal();
    vec![base + 2.0 * x + rng.normal(), x]
}

fn mean(c: &Moments, t: &Moments, covariates: Vec<usize>) -> Lift {
    lift(
        c,
        t,
        &Comparison {
            statistic: Statistic::Mean { y: 0 },
            covariates,
            level: 0.95,
        },
    )
}

fn constant(n: u64, value: f64) -> Moments {
    Moments::from_parts(n, vec![value], vec![0.0]).unwrap()
}

/// Maps every observation x to a·x + b.
fn affine(m: &Moments, a: &[f64], b: &[f64]) -> Moments {
    let k = m.dimension();
    let means = (0..k).map(|i| a[i] * m.mean(i) + b[i]).collect();
    let cross = (0..k)
        .flat_map(|i| (i..k).map(move |j| (i, j)))
        .map(|(i, j)| a[i] * a[j] * m.cross(i, j))
        .collect();
    Moments::from_parts(m.count(), means, cross).unwrap()
}

#[track_caller]
fn near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-10 * (1.0 + b.abs()), "{a} {b}");
}

#[test]
fn shifts_and_scales_carry_over() {
    let (c, t) = (sample(1, 50, |r| pair(r, 10.0)), sample(2, 70, |r| pair(r, 11.0)));
    for covariates in [vec![], vec![1]] {
        let plain = mean(&c, &t, covariates.clone());
        let (absolute, relative) = (plain.absolute.unwrap(), plain.relative.unwrap());
        // The treatment shifted by 3 moves the lift by exactly 3; the covariate's own scale and origin do not matter.
        let shifted = mean(
            &affine(&c, &[1.0, 5.0], &[0.0, 9.0]),
            &affine(&t, &[1.0, 5.0], &[3.0, 9.0]),
            covariates.clone(),
        );
        let shifted = shifted.absolute.unwrap();
        near(shifted.point, absolute.point + 3.0);
        near(shifted.se, absolute.se);
        // Another unit scales the absolute lift and leaves the relative one.
        let scaled = mean(
            &affine(&c, &[100.0, 1.0], &[0.0; 2]),
            &affine(&t, &[100.0, 1.0], &[0.0; 2]),
            covariates.clone(),
        );
        near(scaled.absolute.unwrap().high, 100.0 * absolute.high);
        near(scaled.relative.as_ref().unwrap().point, relative.point);
        near(scaled.relative.unwrap().se, relative.se);
        // Mirrored, both lifts change sign: a rise from a negative baseline is a rise.
        let mirrored = mean(
            &affine(&c, &[-1.0, 1.0], &[0.0; 2]),
            &affine(&t, &[-1.0, 1.0], &[0.0; 2]),
            covariates,
        );
        near(mirrored.absolute.unwrap().point, -absolute.point);
        near(mirrored.relative.as_ref().unwrap().point, -relative.point);
        near(mirrored.relative.unwrap().low, -relative.high);
    }
}

#[test]
fn arms_swap_and_values_add_up() {
    let (c, t) = (sample(1, 50, |r| pair(r, 10.0)), sample(2, 70, |r| pair(r, 11.0)));
    for covariates in [vec![], vec![1]] {
        let (there, back) = (mean(&c, &t, covariates.clone()), mean(&t, &c, covariates));
        let (a, b) = (there.absolute.unwrap(), back.absolute.unwrap());
        near(a.point, -b.point);
        near(a.p.unwrap(), b.p.unwrap());
        let (control, treatment) = (there.control.unwrap(), there.treatment.unwrap());
        near(treatment.point - control.point, a.point);
        near(there.relative.unwrap().point, a.point / control.point);
        near(control.point, back.treatment.as_ref().unwrap().point);
        near(control.se, back.treatment.unwrap().se);
    }
}

#[test]
fn intervals_exclude_zero_exactly_when_p_is_small() {
    for stream in 0..200 {
        let c = sample(stream, 20, |r| pair(r, 5.0));
        let t = sample(1000 + stream, 25, |r| pair(r, 6.5));
        for covariates in [vec![], vec![1]] {
            let l = mean(&c, &t, covariates);
            for e in [l.absolute.unwrap(), l.relative.unwrap()] {
                assert_eq!(e.p.unwrap() < 0.05, e.low > 0.0 || e.high < 0.0);
            }
        }
    }
}

#[test]
fn a_p_of_1e_200_is_a_number() {
    let c = Moments::from_parts(1_000_000, vec![10.0], vec![1_000_000.0]).unwrap();
    let t = Moments::from_parts(1_000_000, vec![10.0434], vec![1_000_000.0]).unwrap();
    let p = mean(&c, &t, vec![]).absolute.unwrap().p.unwrap();
    assert!(p > 1e-210 && p < 1e-200, "{p:e}");
    assert!(format!("{p:e}").contains("e-20"));
}

#[test]
fn a_covariate_without_variation_changes_nothing() {
    let with = |m: &Moments| {
        let cross = vec![m.cross(0, 0), 0.0, 0.0];
        Moments::from_parts(m.count(), vec![m.mean(0), 0.0], cross).unwrap()
    };
    let (c, t) = (sample(1, 50, |r| pair(r, 10.0)), sample(2, 70, |r| pair(r, 11.0)));
    let raw = mean(&c, &t, vec![]).absolute.unwrap();
    let adjusted = mean(&with(&c), &with(&t), vec![1]);
    assert_eq!(adjusted.variance_reduction, Some(0.0));
    let adjusted = adjusted.absolute.unwrap();
    assert_eq!((adjusted.point, adjusted.se), (raw.point, raw.se));
    assert!(adjusted.method.contains("without variation"), "{}", adjusted.method);
    // The same covariate twice adjusts as once.
    let (once, twice) = (
        mean(&c, &t, vec![1]).absolute.unwrap(),
        mean(&c, &t, vec![1, 1]).absolute.unwrap(),
    );
    near(once.point, twice.point);
    near(once.se, twice.se);
    assert!(twice.method.contains("1 of 2"), "{}", twice.method);
}

#[test]
fn what_cannot_be_estimated_says_why() {
    let reason = |c: &Moments, t: &Moments| mean(c, t, vec![]).absolute.unwrap_err().reason;
    let good = sample(1, 50, |r| vec![r.normal()]);
    assert_eq!(reason(&constant(1, 2.0), &good), Reason::TooFew);
    assert_eq!(reason(&Moments::empty(1), &good), Reason::TooFew);
    assert_eq!(reason(&constant(9, 2.0), &constant(9, 3.0)), Reason::ZeroVariance);
    let nan = Moments::from_parts(9, vec![f64::NAN], vec![1.0]).unwrap();
    assert_eq!(reason(&good, &nan), Reason::NotFinite);
    let infinite = Moments::from_parts(9, vec![1.0], vec![f64::INFINITY]).unwrap();
    assert_eq!(reason(&good, &infinite), Reason::NotFinite);
    let negative = Moments::from_parts(9, vec![1.0], vec![-1.0]).unwrap();
    assert_eq!(reason(&good, &negative), Reason::OutOfDomain);
    let other = |statistic, covariates: Vec<usize>, level| {
        lift(
            &good,
            &good,
            &Comparison {
                statistic,
                covariates,
                level,
            },
        )
        .absolute
        .unwrap_err()
    };
    assert_eq!(
        other(Statistic::Mean { y: 3 }, vec![], 0.95).reason,
        Reason::OutOfDomain
    );
    assert_eq!(
        other(Statistic::Mean { y: 0 }, vec![7], 0.95).reason,
        Reason::OutOfDomain
    );
    assert_eq!(
        other(Statistic::Mean { y: 0 }, vec![], 95.0).reason,
        Reason::OutOfDomain
    );
    assert_eq!(
        other(Statistic::Mean { y: 0 }, vec![], f64::NAN).reason,
        Reason::OutOfDomain
    );
    assert_eq!(
        other(Statistic::Proportion { y: 0 }, vec![], 0.95).reason,
        Reason::OutOfDomain
    );
    let odd = other(
        Statistic::Ratio {
            numerator: 0,
            denominator: 0,
        },
        vec![0],
        0.95,
    );
    assert_eq!(odd.reason, Reason::OutOfDomain);
    assert!(odd.to_string().contains("pairs"), "{odd}");
    // Only an arm in trouble is refused; the other keeps its value.
    let l = mean(&good, &constant(1, 2.0), vec![]);
    assert!(l.control.is_ok() && l.treatment.is_err());
}

#[test]
fn a_zero_baseline_forbids_the_relative_lift_only() {
    let zero = Moments::from_parts(4, vec![0.0], vec![4.0]).unwrap();
    let t = Moments::from_parts(50, vec![1.0], vec![50.0]).unwrap();
    let l = mean(&zero, &t, vec![]);
    assert!(l.absolute.is_ok());
    assert_eq!(l.relative.unwrap_err().reason, Reason::ZeroBaseline);
    // No conversions at all in the control.
    let none = constant(1000, 0.0);
    let some = Moments::from_parts(1000, vec![0.05], vec![47.5]).unwrap();
    let comparison = Comparison {
        statistic: Statistic::Proportion { y: 0 },
        covariates: vec![],
        level: 0.95,
    };
    let l = lift(&none, &some, &comparison);
    assert!(l.absolute.unwrap().low > 0.0);
    assert_eq!(l.relative.unwrap_err().reason, Reason::ZeroBaseline);
    assert_eq!(l.control.unwrap().low, 0.0);
    // A baseline drowned in noise.
    let faint = Moments::from_parts(100, vec![0.01], vec![100.0]).unwrap();
    assert_eq!(
        mean(&faint, &t, vec![]).relative.unwrap_err().reason,
        Reason::ZeroBaseline
    );
    // A ratio whose denominator is empty.
    let empty = Moments::from_parts(9, vec![1.0, 0.0], vec![1.0, 0.0, 0.0]).unwrap();
    assert_eq!(
        one_sample::ratio(&empty, 0, 1, 0.95).unwrap_err().reason,
        Reason::ZeroBaseline
    );
}

#[test]
fn sample_ratio_refusals_and_weightless_arms() {
    let reason = |o: &[u64], w: &[f64]| srm::sample_ratio(o, w).unwrap_err().reason;
    assert_eq!(reason(&[1, 2], &[1.0]), Reason::OutOfDomain);
    assert_eq!(reason(&[10, 20], &[1.0, -1.0]), Reason::OutOfDomain);
    assert_eq!(reason(&[10, 20], &[1.0, f64::NAN]), Reason::OutOfDomain);
    assert_eq!(reason(&[10, 20], &[1.0, 0.0]), Reason::OutOfDomain);
    assert_eq!(reason(&[], &[]), Reason::OutOfDomain);
    assert_eq!(reason(&[0, 0], &[1.0, 1.0]), Reason::TooFew);
    assert_eq!(reason(&[1, 0], &[1.0, 1.0]), Reason::TooFew);
    let intruder = srm::sample_ratio(&[100, 100, 1], &[1.0, 1.0, 0.0]).unwrap();
    assert_eq!((intruder.p, intruder.df), (0.0, 1));
    let json = serde_json::to_string(&intruder).unwrap();
    assert_eq!(serde_json::from_str::<srm::SampleRatio>(&json).unwrap(), intruder);
}
