//! Numbers of one variance in common, coefficients of CUPED, maximum likelihood, fixed boundaries, futility, posteriors of
//! ratios and CR3, against `tests/golden/additions.py`; printed tables beside them.

use serde_json::Value;
use steward_stats::bayes::{Better, NormalPrior};
use steward_stats::cluster::{Correction, clustered};
use steward_stats::group_sequential::{Design, Shape, Sides, Spending, classical, futility};
use steward_stats::meta::{Between, between};
use steward_stats::pooled::pooled;
use steward_stats::shrinkage::{Prior, shrink};
use steward_stats::{Comparison, Moments, Slopes, Statistic, bayes_ratio, lift_with};

use crate::numbers::{agrees, cases, close, ids, load, num, nums, rows};

fn one(values: &Value) -> Moments {
    let mut m = Moments::empty(1);
    nums(values).iter().for_each(|x| m.push(&[*x]));
    m
}

fn two(values: &Value) -> Moments {
    let mut m = Moments::empty(2);
    rows(values).iter().for_each(|x| m.push(x));
    m
}

#[test]
fn one_variance_for_both_groups() {
    let golden = load("additions");
    let g = &golden["student"];
    let found = pooled(&one(&g["control"]), &one(&g["treatment"]), 0, false, num(&g["level"]));
    agrees("student", &found.absolute.unwrap(), &g["estimate"], 1e-9);
    let g = &golden["pooled_z"];
    let arm = |counts: &Value| {
        let [successes, n] = nums(counts)[..] else { panic!() };
        let p = successes / n;
        Moments::from_parts(n as u64, vec![p], vec![n * p * (1.0 - p)]).unwrap()
    };
    let found = pooled(&arm(&g["control"]), &arm(&g["treatment"]), 0, true, 0.95)
        .absolute
        .unwrap();
    close("pooled z", found.point / found.se, num(&g["z"]), 1e-9);
    close("pooled p", found.p.unwrap(), num(&g["p"]), 1e-9);
}

#[test]
fn cuped_with_the_coefficient_of_both_arms_as_one_sample() {
    let golden = load("additions");
    let g = &golden["cuped"];
    let comparison = Comparison {
        statistic: Statistic::Mean { y: 0 },
        covariates: vec![1],
        level: 0.95,
    };
    let (c, t) = (two(&g["control"]), two(&g["treatment"]));
    let found = lift_with(&c, &t, &comparison, &Slopes::Pooled).unwrap();
    close("theta", found.slopes[0], num(&g["theta"]), 1e-9);
    agrees("gbstats", &found.lift.absolute.clone().unwrap(), &g["absolute"], 1e-8);
    agrees(
        "over the raw control",
        &found.relative_to_raw.clone().unwrap(),
        &g["relative_to_raw"],
        1e-9,
    );
    let given = lift_with(&c, &t, &comparison, &Slopes::Given(found.slopes.clone())).unwrap();
    assert_eq!(given.lift, found.lift);
    assert!(lift_with(&c, &t, &comparison, &Slopes::Given(vec![])).is_err());
}

#[test]
fn variance_between_effects_of_greatest_likelihood() {
    for case in cases(&load("additions")["likelihood"]) {
        let method = match case["restricted"].as_bool().unwrap() {
            true => Between::Reml,
            false => Between::MaximumLikelihood,
        };
        let found = between(&nums(&case["effects"]), &nums(&case["errors"]), method).unwrap();
        let wanted = num(&case["tau2"]);
        assert!((found - wanted).abs() <= 1e-6 * (1.0 + wanted), "{case}: {found}");
    }
}

#[test]
fn effects_of_a_known_population() {
    let found = shrink(&[3.0], &[1.0], Prior::Known { mean: 1.0, tau: 1.0 }, 0.95).unwrap();
    assert_eq!((found.effects[0].point, found.effects[0].pull), (2.0, 0.5));
    close("sd", found.effects[0].sd, 0.5f64.sqrt(), 1e-12);
}

/// Jennison & Turnbull 2000, tables 2.1, 2.3 and 2.9: constants of five looks, alpha 0.05.
#[test]
fn boundaries_of_a_fixed_shape() {
    for case in cases(&load("additions")["classical"]) {
        let name = case["shape"].as_str().unwrap();
        let shape = match name {
            "pocock" => Shape::WangTsiatis { delta: 0.5 },
            "obrien_fleming" => Shape::WangTsiatis { delta: 0.0 },
            "wang_tsiatis" => Shape::WangTsiatis { delta: 0.25 },
            _ => Shape::HaybittlePeto { z: 3.0 },
        };
        let two = case["two_sided"].as_bool().unwrap();
        let sides = if two { Sides::Two } else { Sides::Greater };
        let looks = classical(&nums(&case["fractions"]), num(&case["alpha"]), shape, sides).unwrap();
        close(name, looks[4].z, num(&case["constant"]), 1e-7);
        close("alpha", looks[4].spent, num(&case["alpha"]), 1e-7);
        let printed = [("pocock", 2.413), ("obrien_fleming", 2.040), ("wang_tsiatis", 2.136)];
        if let Some((_, constant)) = printed.iter().find(|p| p.0 == name && two) {
            close("printed", looks[4].z, *constant, 5e-4);
        }
    }
}

/// The first case is the worked design of the gsDesign manual: upper 3.01, 2.55, 2.00, lower −0.24, 0.94, 2.00, inflation 1.07.
#[test]
fn futility_by_beta_spending() {
    for (i, case) in cases(&load("additions")["futility"]).iter().enumerate() {
        let spending = |gamma: &Value| match gamma.as_f64() {
            Some(gamma) => Spending::HwangShihDecani { gamma },
            None => Spending::ObrienFleming,
        };
        let design = Design {
            fractions: nums(&case["fractions"]),
            alpha: num(&case["alpha"]),
            spending: spending(&case["gamma_alpha"]),
            sides: Sides::Greater,
            last_is_final: true,
        };
        let binding = case["binding"].as_bool().unwrap();
        let found = futility(&design, num(&case["beta"]), spending(&case["gamma_beta"]), binding).unwrap();
        close("drift", found.drift, num(&case["drift"]), 1e-7);
        for (look, (low, high)) in found
            .looks
            .iter()
            .zip(nums(&case["low"]).iter().zip(nums(&case["high"])))
        {
            close("futility", look.futility_z, *low, 2e-6);
            close("efficacy", look.efficacy_z, high, 1e-7);
        }
        let sum =
            |f: &dyn Fn(&steward_stats::group_sequential::FutilityLook) -> f64| found.looks.iter().map(f).sum::<f64>();
        close(
            "power",
            sum(&|l| l.efficacy_under_effect),
            1.0 - num(&case["beta"]),
            1e-6,
        );
        close(
            "all stop",
            sum(&|l| l.efficacy_under_null + l.futility_under_null),
            1.0,
            1e-9,
        );
        if i == 0 {
            for (look, (low, high)) in found.looks.iter().zip([(-0.24, 3.01), (0.94, 2.55), (2.00, 2.00)]) {
                assert!(
                    (look.futility_z - low).abs() < 6e-3 && (look.efficacy_z - high).abs() < 6e-3,
                    "{look:?}"
                );
            }
            assert!((found.inflation - 1.07).abs() < 5e-3, "{}", found.inflation);
        }
    }
    let two = Design {
        fractions: vec![0.5, 1.0],
        alpha: 0.05,
        spending: Spending::Pocock,
        sides: Sides::Two,
        last_is_final: true,
    };
    assert!(futility(&two, 0.2, Spending::Pocock, false).is_err());
}

#[test]
fn posterior_of_a_ratio() {
    let golden = load("additions");
    let g = &golden["ratios"];
    let (c, t) = (two(&g["control"]), two(&g["treatment"]));
    for case in cases(&g["cases"]) {
        let prior = case["prior"].as_array().map(|p| NormalPrior {
            mean: num(&p[0]),
            sd: num(&p[1]),
        });
        let relative = case["relative"].as_bool().unwrap();
        let found = bayes_ratio::ratio((&c, &t), (0, 1), relative, prior, 0.95, Better::Higher).unwrap();
        close("mean", found.estimate.point, num(&case["point"]), 1e-6);
        close("sd", found.estimate.se, num(&case["sd"]), 1e-6);
        close("low", found.estimate.low, num(&case["low"]), 2e-4);
        close("high", found.estimate.high, num(&case["high"]), 2e-4);
        close("win", found.chance_to_win, num(&case["win"]), 1e-6);
        close("risk", found.risk_keep, num(&case["risk_keep"]), 1e-6);
    }
    let mut apart = Moments::empty(2);
    [[1.0, 1.0], [2.0, -1.0], [3.0, 0.5]].iter().for_each(|r| apart.push(r));
    assert!(bayes_ratio::ratio((&apart, &t), (0, 1), false, None, 0.95, Better::Higher).is_err());
}

#[test]
fn clusters_left_out_one_by_one() {
    let golden = load("additions");
    let g = &golden["cr3"];
    let x: Vec<Vec<f64>> = nums(&g["x"]).iter().map(|x| vec![*x]).collect();
    let fit = clustered(&nums(&g["y"]), &x, true, &ids(&g["clusters"]), Correction::Cr3, 0.95).unwrap();
    for (ours, theirs) in fit.coefficients.iter().zip(nums(&g["se"])) {
        close("cr3", ours.as_ref().unwrap().se, theirs, 1e-9);
    }
}
