//! The chance of a good end, against scipy for looks to come and the closed form for one.

use steward_stats::design::conditional_power;
use steward_stats::dist::normal_isf;
use steward_stats::group_sequential::Sides;
use steward_stats::outlook::{conditional, outlook};
use steward_stats::{Reason, Rng};

use crate::numbers::{cases, close, load, num};

#[test]
fn two_looks_to_come_are_what_the_normal_distribution_says() {
    for case in cases(&load("outlook")["two"]) {
        let f = |name: &str| num(&case[name]);
        let looks: Vec<(f64, f64)> = cases(&case["looks"]).iter().map(|l| (num(&l[0]), num(&l[1]))).collect();
        let ours = outlook((f("effect"), f("se")), f("t"), &looks, Some(f("planned"))).unwrap();
        close("planned", ours.planned.unwrap(), f("at_planned"), 1e-7);
        close("trend", ours.trend, f("trend"), 1e-7);
        close("null", ours.null, f("null"), 1e-7);
        close("predictive", ours.predictive, f("predictive"), 1e-6);
    }
}

#[test]
fn one_look_to_come_is_the_closed_form() {
    for (effect, se, t) in [(0.5, 0.4, 0.5), (-0.2, 0.3, 0.3), (1.5, 0.5, 0.8)] {
        let closed = conditional_power((effect, se), t, Some(1.0), 0.025, Sides::Greater, None).unwrap();
        let ours = outlook((effect, se), t, &[(1.0, normal_isf(0.025))], Some(1.0)).unwrap();
        close("planned", ours.planned.unwrap(), closed.planned_effect.unwrap(), 1e-12);
        close("trend", ours.trend, closed.current_trend, 1e-12);
        close("null", ours.null, closed.null, 1e-12);
        close("predictive", ours.predictive, closed.predictive, 1e-9);
        // A look that cannot be crossed adds nothing.
        let never = outlook((effect, se), t, &[(0.9, f64::INFINITY), (1.0, normal_isf(0.025))], None).unwrap();
        close("trend", never.trend, closed.current_trend, 1e-7);
        close("predictive", never.predictive, closed.predictive, 1e-6);
    }
}

/// Of experiments halfway, as many end well as was said.
#[test]
fn the_chances_come_true() {
    let (looks, drift, runs) = ([(0.75, 2.36), (1.0, 2.01)], 2.0f64, 4000u64);
    let (mut said, mut came, mut variance) = (0.0, 0.0, 0.0);
    for run in 0..runs {
        let mut rng = Rng::keyed(20_260_101, &[17, run]);
        let here = 0.5 * drift + 0.5f64.sqrt() * rng.normal();
        let p = conditional(here / 0.5f64.sqrt(), 0.5, &looks, drift);
        said += p;
        variance += p * (1.0 - p);
        let (mut b, mut s) = (here, 0.5);
        let mut crossed = false;
        for (at, bound) in looks {
            b += drift * (at - s) + (at - s as f64).sqrt() * rng.normal();
            s = at;
            crossed |= b / s.sqrt() >= bound;
        }
        came += f64::from(u8::from(crossed));
    }
    assert!(
        (said - came).abs() < 4.0 * f64::sqrt(variance),
        "{said} expected, {came} came"
    );
}

#[test]
fn what_has_no_outlook_is_refused() {
    assert_eq!(
        outlook((1.0, 0.0), 0.5, &[(1.0, 2.0)], None).unwrap_err().reason,
        Reason::ZeroVariance
    );
    assert_eq!(
        outlook((f64::NAN, 1.0), 0.5, &[(1.0, 2.0)], None).unwrap_err().reason,
        Reason::NotFinite
    );
    for (t, looks) in [
        (1.0, vec![(1.0, 2.0)]),
        (0.5, vec![]),
        (0.5, vec![(0.8, 2.0), (0.7, 2.0)]),
        (0.0, vec![(1.0, 2.0)]),
    ] {
        assert_eq!(
            outlook((1.0, 1.0), t, &looks, None).unwrap_err().reason,
            Reason::OutOfDomain
        );
    }
}
