//! Regression against statsmodels; CR2 against its definition by full matrices; adjustment on a known world.

use serde_json::Value;

use crate::numbers::{agrees, cases, close, flags, ids, load, moments, num, nums, rows};
use steward_stats::adjustment::{Stratum, ancova, interacted, lin, post_stratified};
use steward_stats::cluster::{Correction, clustered};
use steward_stats::regression::{Covariance, ols};
use steward_stats::{Moments, Reason, Rng};

#[test]
fn ols_with_every_covariance() {
    for case in cases(&load("regression")["ols"]) {
        let (y, x, name) = (nums(&case["y"]), rows(&case["x"]), case["name"].as_str().unwrap());
        let slopes_only = case["slopes_only"].as_bool().unwrap();
        let kinds = [
            ("classical", Covariance::Classical),
            ("hc0", Covariance::Hc0),
            ("hc1", Covariance::Hc1),
            ("hc2", Covariance::Hc2),
            ("hc3", Covariance::Hc3),
        ];
        for (kind, covariance) in kinds {
            let fit = ols(&y, &x, true, covariance).unwrap();
            let golden = &case[kind];
            for j in usize::from(slopes_only)..fit.coefficients.len() {
                let what = format!("{name} {kind} {j}");
                let e = fit.coefficient(j, 0.95).unwrap();
                let tolerance = if slopes_only { 1e-9 } else { 1e-10 };
                close(&what, e.point, num(&golden["point"][j]), tolerance);
                close(&what, e.se, num(&golden["se"][j]), tolerance);
                close(&what, e.low, num(&golden["low"][j]), 1e-6);
                close(&what, e.p.unwrap(), num(&golden["p"][j]), 1e-7);
            }
            close(name, fit.r_squared, num(&golden["r2"]), 1e-10);
        }
    }
}

#[test]
fn clusters() {
    for case in cases(&load("regression")["clusters"]) {
        let (y, x, g) = (nums(&case["y"]), rows(&case["x"]), ids(&case["clusters"]));
        let name = case["name"].as_str().unwrap();
        for (kind, correction) in [
            ("cr0", Correction::Cr0),
            ("cr1", Correction::Cr1),
            ("cr2", Correction::Cr2),
        ] {
            let fit = clustered(&y, &x, true, &g, correction, 0.95).unwrap();
            for (j, e) in fit.coefficients.iter().enumerate() {
                let e = e.as_ref().unwrap();
                let what = format!("{name} {kind} {j}");
                close(&what, e.point, num(&case["point"][j]), 1e-10);
                close(&what, e.se, num(&case[kind]["se"][j]), 1e-9);
                if let Some(df) = case[kind].get("df") {
                    close(&what, e.df.unwrap(), num(&df[j]), 1e-8);
                }
                if let Some(p) = case[kind].get("p") {
                    close(&what, e.p.unwrap(), num(&p[j]), 1e-7);
                }
            }
        }
    }
}

#[test]
fn clusters_of_one_row_are_hc2_with_imbens_and_kolesars_degrees_of_freedom() {
    let golden = load("regression");
    let case = &golden["single"];
    let (y, x) = (nums(&case["y"]), rows(&case["x"]));
    let g: Vec<u64> = (0..y.len() as u64).collect();
    let fit = clustered(&y, &x, true, &g, Correction::Cr2, 0.95).unwrap();
    let e = fit.coefficients[1].as_ref().unwrap();
    close("se", e.se, num(&case["se"][1]), 1e-10);
    let (a, b) = (6.0f64, 20.0f64);
    let df = (a + b).powi(2) * (a - 1.0) * (b - 1.0) / (b * b * (b - 1.0) + a * a * (a - 1.0));
    close("df", e.df.unwrap(), df, 1e-9);
}

fn split(case: &Value) -> (Moments, Moments) {
    let (y, t, x) = (nums(&case["y"]), flags(&case["treated"]), rows(&case["x"]));
    let of = |arm: bool| {
        let rows: Vec<Vec<f64>> = (0..y.len())
            .filter(|&i| t[i] == arm)
            .map(|i| [vec![y[i]], x[i].clone()].concat())
            .collect();
        moments(rows.iter().map(Vec::as_slice))
    };
    (of(false), of(true))
}

#[test]
fn lins_regression_and_what_moments_give() {
    for case in cases(&load("regression")["adjusted"]) {
        let (y, t, x) = (nums(&case["y"]), flags(&case["treated"]), rows(&case["x"]));
        let a = lin(&y, &t, &x, 0.95).unwrap();
        agrees("raw", &a.raw, &case["raw"], 1e-10);
        agrees("lin", &a.adjusted, &case["lin"], 1e-9);
        assert!(a.variance_reduction > 0.3);
        let (c, m) = split(case);
        let covariates: Vec<usize> = (1..=x[0].len()).collect();
        agrees(
            "interacted",
            &interacted(&c, &m, 0, &covariates, 0.95).unwrap().adjusted,
            &case["interacted"],
            1e-9,
        );
        agrees(
            "ancova",
            &ancova(&[c, m], 0, &covariates, 0.95).unwrap()[0],
            &case["ancova"],
            1e-9,
        );
    }
}

#[test]
fn ancova_of_three_arms() {
    let golden = load("regression");
    let case = &golden["three"];
    let (y, arm, x) = (nums(&case["y"]), ids(&case["arm"]), rows(&case["x"]));
    let of = |a: u64| {
        let rows: Vec<Vec<f64>> = (0..y.len())
            .filter(|&i| arm[i] == a)
            .map(|i| vec![y[i], x[i][0]])
            .collect();
        moments(rows.iter().map(Vec::as_slice))
    };
    let effects = ancova(&[of(0), of(1), of(2)], 0, &[1], 0.95).unwrap();
    for (ours, theirs) in effects.iter().zip(cases(&case["effects"])) {
        agrees("arm", ours, theirs, 1e-10);
    }
}

#[test]
fn post_stratification_is_the_saturated_regression() {
    let golden = load("regression");
    let case = &golden["strata"];
    let (y, h, t) = (nums(&case["y"]), ids(&case["stratum"]), flags(&case["treated"]));
    let of = |stratum: u64, arm: bool| {
        let rows: Vec<[f64; 1]> = (0..y.len())
            .filter(|&i| h[i] == stratum && t[i] == arm)
            .map(|i| [y[i]])
            .collect();
        moments(rows.iter().map(<[f64; 1]>::as_slice))
    };
    let strata: Vec<Stratum> = (0..3)
        .map(|s| Stratum {
            control: of(s, false),
            treatment: of(s, true),
            weight: None,
        })
        .collect();
    let a = post_stratified(&strata, 0, 0.95).unwrap();
    agrees("post-stratified", &a.adjusted, case, 1e-10);
    assert!(a.variance_reduction > 0.8);
}

#[test]
fn refusals_have_reasons() {
    let y: Vec<f64> = (0..10).map(f64::from).collect();
    let constant = vec![vec![7.0]; 10];
    let twice: Vec<Vec<f64>> = (0..10)
        .map(|i| vec![f64::from(i * i), 2.0 * f64::from(i * i) + 1.0])
        .collect();
    assert_eq!(
        ols(&y, &constant, true, Covariance::Hc2).unwrap_err().reason,
        Reason::Singular
    );
    assert_eq!(
        ols(&y, &twice, true, Covariance::Hc2).unwrap_err().reason,
        Reason::Singular
    );
    assert_eq!(
        ols(&y[..2], &twice[..2], true, Covariance::Hc2).unwrap_err().reason,
        Reason::TooFew
    );
    let alone: Vec<Vec<f64>> = (0..10).map(|i| vec![f64::from(u8::from(i == 3))]).collect();
    assert_eq!(
        ols(&y, &alone, true, Covariance::Hc3).unwrap_err().reason,
        Reason::Singular
    );
    assert_eq!(
        clustered(&y, &alone, true, &[1; 10], Correction::Cr2, 0.95)
            .unwrap_err()
            .reason,
        Reason::TooFew
    );
    let (one, two) = (
        moments([[1.0].as_slice(), &[2.0]]),
        moments([[1.0, 2.0].as_slice(), &[2.0, 5.0]]),
    );
    assert_eq!(
        interacted(&one, &two, 0, &[], 0.95).unwrap_err().reason,
        Reason::OutOfDomain
    );
    assert_eq!(post_stratified(&[], 0, 0.95).unwrap_err().reason, Reason::OutOfDomain);
}

/// Eight clusters of very unlike size, half treated: CR2 with its degrees of freedom keeps the level where CR0 does not.
#[test]
fn few_clusters_keep_the_level() {
    const RUNS: u64 = 600;
    let mut rejected = [0u64; 2];
    for run in 0..RUNS {
        let mut rng = Rng::keyed(43, &[run]);
        let (mut y, mut x, mut g) = (Vec::new(), Vec::new(), Vec::new());
        for (cluster, size) in [40u64, 5, 12, 8, 25, 6, 9, 15].iter().enumerate() {
            let luck = rng.normal();
            for _ in 0..*size {
                y.push(luck + rng.normal());
                x.push(vec![(cluster % 2) as f64]);
                g.push(cluster as u64);
            }
        }
        for (slot, correction) in [Correction::Cr0, Correction::Cr2].into_iter().enumerate() {
            let fit = clustered(&y, &x, true, &g, correction, 0.95).unwrap();
            rejected[slot] += u64::from(fit.coefficients[1].as_ref().unwrap().p.unwrap() < 0.05);
        }
    }
    let share = |k: u64| k as f64 / RUNS as f64;
    assert!(share(rejected[0]) > 0.09, "cr0 {}", share(rejected[0]));
    let margin = 4.0 * (0.05f64 * 0.95 / RUNS as f64).sqrt();
    assert!((share(rejected[1]) - 0.05).abs() < margin, "cr2 {}", share(rejected[1]));
}
