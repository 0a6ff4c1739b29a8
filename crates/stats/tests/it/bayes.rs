//! Bayesian comparisons: numbers against `tests/golden/bayes.py`, calibration, refusals.

use steward_stats::bayes::{Better, NormalPrior, beta_binomial, normal};
use steward_stats::lift::{Comparison, Statistic, lift};
use steward_stats::{Moments, Reason, Rng, bayes};

use crate::numbers::{cases, close, load, num, nums};

#[test]
fn normal_posteriors_are_gbstats() {
    for case in cases(&load("bayes")["normal"]) {
        let (n, mean, sd) = (nums(&case["n"]), nums(&case["mean"]), num(&case["sd"]));
        let arm = |i: usize| Moments::from_parts(n[i] as u64, vec![mean[i]], vec![(n[i] - 1.0) * sd * sd]).unwrap();
        let comparison = Comparison {
            statistic: Statistic::Mean { y: 0 },
            covariates: vec![],
            level: 0.95,
        };
        let l = lift(&arm(0), &arm(1), &comparison);
        let relative = case["difference"] == "relative";
        let e = if relative {
            l.relative.unwrap()
        } else {
            l.absolute.unwrap()
        };
        let factor = match (relative, case["scale"] == "relative") {
            (true, false) => 1.0 / mean[0],
            (false, true) => mean[0],
            _ => 1.0,
        };
        let prior = NormalPrior { mean: 0.01, sd: 0.3 }.rescaled(factor);
        let inverse = case["inverse"].as_bool().unwrap();
        let better = if inverse { Better::Lower } else { Better::Higher };
        let prior = case["proper"].as_bool().unwrap().then_some(prior);
        let ours = normal(e.point, e.se, e.n, prior, 0.95, better).unwrap();
        close("point", ours.estimate.point, num(&case["point"]), 1e-9);
        close("low", ours.estimate.low, num(&case["low"]), 1e-8);
        close("high", ours.estimate.high, num(&case["high"]), 1e-8);
        close("win", ours.chance_to_win, num(&case["chance_to_win"]), 1e-8);
        let risk = nums(&case["risk"]);
        let (keep, ship) = (risk[0], risk[1]);
        close("ship", ours.risk_ship, ship, 1e-7);
        close("keep", ours.risk_keep, keep, 1e-7);
    }
}

#[test]
fn expected_losses_far_in_the_tail() {
    for pair in cases(&load("bayes")["far"]) {
        let pair = nums(pair);
        let ours = normal(pair[0], 1.0, 10, None, 0.95, Better::Higher).unwrap();
        // At −40 the density itself is no number any more.
        let tolerance = if pair[0] < -38.0 { 1.0 } else { 1e-10 };
        close(&format!("{}", pair[0]), ours.risk_keep, pair[1], tolerance);
    }
}

#[test]
fn shares() {
    let golden = load("bayes");
    for case in cases(&golden["shares"]) {
        let pair = |name: &str| (nums(&case[name])[0] as u64, nums(&case[name])[1] as u64);
        let prior = nums(&case["prior"]);
        let prior = bayes::Beta {
            alpha: prior[0],
            beta: prior[1],
        };
        let run = |better| beta_binomial(pair("control"), pair("treatment"), prior, 0.95, better).unwrap();
        let ours = run(Better::Higher);
        let a = &ours.absolute;
        close("win", a.chance_to_win, num(&case["chance_to_win"]), 1e-8);
        close("ship", a.risk_ship, num(&case["risk_ship"]), 1e-7);
        close("keep", a.risk_keep, num(&case["risk_keep"]), 1e-7);
        close("point", a.estimate.point, num(&case["point"]), 1e-10);
        close("se", a.estimate.se, num(&case["se"]), 1e-10);
        assert!(
            (a.estimate.low - num(&case["low"])).abs() < 1e-8,
            "{} {case}",
            a.estimate.low
        );
        assert!((a.estimate.high - num(&case["high"])).abs() < 1e-8);
        let less = run(Better::Lower).absolute;
        close("complement", less.chance_to_win + a.chance_to_win, 1.0, 1e-9);
        assert_eq!((less.risk_ship, less.risk_keep), (a.risk_keep, a.risk_ship));
    }
    for case in cases(&golden["relative"]) {
        let pair = |name: &str| (nums(&case[name])[0] as u64, nums(&case[name])[1] as u64);
        let one = bayes::Beta { alpha: 1.0, beta: 1.0 };
        let ours = beta_binomial(pair("control"), pair("treatment"), one, 0.95, Better::Higher).unwrap();
        let r = ours.relative.unwrap();
        for (field, value) in [("point", r.point), ("se", r.se), ("low", r.low), ("high", r.high)] {
            assert!(
                (value - num(&case[field])).abs() < 1e-8,
                "{field} {value} {}",
                case[field]
            );
        }
    }
}

#[test]
fn what_is_refused() {
    let one = bayes::Beta { alpha: 1.0, beta: 1.0 };
    assert_eq!(
        beta_binomial((0, 0), (1, 2), one, 0.95, Better::Higher)
            .unwrap_err()
            .reason,
        Reason::TooFew
    );
    assert_eq!(
        beta_binomial((3, 2), (1, 2), one, 0.95, Better::Higher)
            .unwrap_err()
            .reason,
        Reason::OutOfDomain
    );
    let improper = bayes::Beta { alpha: 0.0, beta: 1.0 };
    assert!(beta_binomial((1, 2), (1, 2), improper, 0.95, Better::Higher).is_err());
    // No successes at all: the difference can be had, the ratio cannot.
    let none = beta_binomial((0, 50), (0, 50), one, 0.95, Better::Higher).unwrap();
    close("even", none.absolute.chance_to_win, 0.5, 1e-9);
    assert_eq!(none.relative.unwrap_err().reason, Reason::ZeroBaseline);
    let flat = NormalPrior { mean: 0.0, sd: 0.0 };
    assert!(normal(1.0, 1.0, 5, Some(flat), 0.95, Better::Higher).is_err());
    assert_eq!(
        normal(1.0, 0.0, 5, None, 0.95, Better::Higher).unwrap_err().reason,
        Reason::ZeroVariance
    );
    assert_eq!(
        normal(f64::NAN, 1.0, 5, None, 0.95, Better::Higher).unwrap_err().reason,
        Reason::NotFinite
    );
}

/// Effects drawn from the prior: intervals cover, chances to win come true, whatever was decided on.
#[test]
fn posteriors_are_calibrated() {
    const RUNS: u64 = 4000;
    let prior = NormalPrior { mean: 0.1, sd: 0.5 };
    let (mut covered, mut expected, mut won) = (0.0, 0.0, 0.0);
    for run in 0..RUNS {
        let mut rng = Rng::keyed(41, &[run]);
        let truth = prior.mean + prior.sd * rng.normal();
        let posterior = normal(truth + 0.4 * rng.normal(), 0.4, 100, Some(prior), 0.9, Better::Higher).unwrap();
        covered += f64::from(u8::from(
            posterior.estimate.low < truth && truth < posterior.estimate.high,
        ));
        expected += posterior.chance_to_win;
        won += f64::from(u8::from(truth > 0.0));
    }
    let runs = RUNS as f64;
    assert!((covered / runs - 0.9).abs() < 4.0 * (0.09 / runs).sqrt(), "{covered}");
    assert!(
        ((won - expected) / runs).abs() < 4.0 * (0.25 / runs).sqrt(),
        "{won} {expected}"
    );
}
