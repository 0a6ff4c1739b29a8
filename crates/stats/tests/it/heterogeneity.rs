//! Meta-analysis, shrinkage and programmes against statsmodels, metafor and quadrature, and on known worlds.

use crate::numbers::{agrees, cases, close, load, num, nums};
use steward_stats::meta::{Between, combine, heterogeneity};
use steward_stats::programme::programme;
use steward_stats::shrinkage::{Prior, shrink};
use steward_stats::{Reason, Rng};

const PLUGIN: Prior = Prior::Plugin(Between::PauleMandel);

#[test]
fn combined_effects() {
    for case in cases(&load("heterogeneity")["meta"]) {
        let (y, s, name) = (
            nums(&case["effects"]),
            nums(&case["errors"]),
            case["name"].as_str().unwrap(),
        );
        for (key, method) in [
            ("der_simonian_laird", Between::DerSimonianLaird),
            ("paule_mandel", Between::PauleMandel),
        ] {
            let m = combine(&y, &s, method, false, 0.95).unwrap();
            assert!(
                (m.tau2 - num(&case[key]["tau2"])).abs() < 1e-10,
                "{name} {key} {}",
                m.tau2
            );
            agrees(name, &m.effect, &case[key]["normal"], 1e-9);
            let hk = combine(&y, &s, method, true, 0.95).unwrap();
            agrees(name, &hk.effect, &case[key]["hartung_knapp"], 1e-9);
            assert_eq!(hk.effect.df, Some(y.len() as f64 - 1.0));
            close("weights", m.weights.iter().sum(), 1.0, 1e-12);
        }
        let fixed = combine(&y, &s, Between::Fixed, false, 0.95).unwrap();
        agrees(name, &fixed.effect, &case["fixed"], 1e-10);
        let q = heterogeneity(&y, &s).unwrap();
        close("q", q.q, num(&case["q"]), 1e-10);
        close("p", q.p, num(&case["q_p"]), 1e-9);
        assert!((q.i2 - num(&case["i2"])).abs() < 1e-10);
    }
}

#[test]
fn the_vaccine_trials_as_metafor_prints_them() {
    let golden = load("heterogeneity");
    let (bcg, printed) = (&golden["meta"][0], &golden["metafor"]);
    let (y, s) = (nums(&bcg["effects"]), nums(&bcg["errors"]));
    let four = |x: f64| format!("{x:.4}");
    for (key, method) in [
        ("der_simonian_laird", Between::DerSimonianLaird),
        ("fixed", Between::Fixed),
    ] {
        let m = combine(&y, &s, method, false, 0.95).unwrap();
        assert_eq!(four(m.effect.point), four(num(&printed[key]["point"])));
        assert_eq!(four(m.effect.se), four(num(&printed[key]["se"])));
        if method != Between::Fixed {
            assert_eq!(four(m.tau2), four(num(&printed[key]["tau2"])));
        }
        assert_eq!(four(m.heterogeneity.q), four(num(&printed["q"])));
    }
}

#[test]
fn shrunk_effects_are_the_integrals() {
    for case in cases(&load("heterogeneity")["shrink"]) {
        let found = shrink(&nums(&case["effects"]), &nums(&case["errors"]), Prior::DuMouchel, 0.95).unwrap();
        let scale = num(&case["errors"][0]);
        for (ours, theirs) in found.effects.iter().zip(cases(&case["shrunk"])) {
            for (mine, key) in [(ours.point, "point"), (ours.sd, "sd"), (ours.low, "low")] {
                let gap = (mine - num(&theirs[key])).abs() / scale;
                assert!(gap < 2e-5, "{} {key}: {mine} is not {}", case["name"], theirs[key]);
            }
            assert!((ours.positive - num(&theirs["positive"])).abs() < 2e-5);
        }
    }
}

#[test]
fn shift_scale_and_order() {
    let (y, s) = (vec![0.1, 0.5, -0.2, 0.4], vec![0.2, 0.1, 0.3, 0.15]);
    for prior in [Prior::DuMouchel, Prior::Plugin(Between::PauleMandel)] {
        let a = shrink(&y, &s, prior, 0.9).unwrap();
        let moved: Vec<f64> = y.iter().rev().map(|v| 10.0 * v + 100.0).collect();
        let wide: Vec<f64> = s.iter().rev().map(|v| 10.0 * v).collect();
        let b = shrink(&moved, &wide, prior, 0.9).unwrap();
        for (x, z) in a.effects.iter().zip(b.effects.iter().rev()) {
            close("point", z.point, 10.0 * x.point + 100.0, 1e-11);
            close("sd", z.sd, 10.0 * x.sd, 1e-10);
            close("high", z.high, 10.0 * x.high + 100.0, 1e-9);
        }
    }
}

/// Few segments, no or some true spread: honest intervals, less error than the raw ones, and a best segment not overrated.
#[test]
fn shrinkage_covers_and_the_best_segment_is_not_overrated() {
    for spread in [0.0, 0.5] {
        let (mut covered, mut total, mut raw, mut ours, mut best_raw, mut best_ours) = (0, 0, 0.0, 0.0, 0.0, 0.0);
        for run in 0..300 {
            let mut rng = Rng::keyed(97, &[run]);
            let s = [0.4, 0.6, 0.5, 0.8];
            let truth: Vec<f64> = s.iter().map(|_| 1.0 + spread * rng.normal()).collect();
            let y: Vec<f64> = truth.iter().zip(&s).map(|(t, s)| t + s * rng.normal()).collect();
            let found = shrink(&y, &s, Prior::DuMouchel, 0.95).unwrap().effects;
            for i in 0..4 {
                covered += u32::from((found[i].low..=found[i].high).contains(&truth[i]));
                total += 1;
                raw += (y[i] - truth[i]).powi(2);
                ours += (found[i].point - truth[i]).powi(2);
            }
            let best = (0..4).max_by(|a, b| y[*a].total_cmp(&y[*b])).unwrap();
            best_raw += (y[best] - truth[best]) / 300.0;
            best_ours += (found[best].point - truth[best]) / 300.0;
        }
        let share = f64::from(covered) / f64::from(total);
        assert!(share > 0.94, "spread {spread}: covered {share}");
        assert!(ours < 0.8 * raw, "spread {spread}: {ours} against {raw}");
        assert!(
            best_raw > 0.3 && best_ours.abs() < 0.5 * best_raw,
            "{best_raw} {best_ours}"
        );
    }
}

#[test]
fn a_programme() {
    let golden = load("heterogeneity");
    let case = &golden["programme"];
    let p = programme(
        &nums(&case["effects"]),
        &nums(&case["errors"]),
        None,
        PLUGIN,
        0.05,
        0.95,
    )
    .unwrap();
    close("mean", p.mean, num(&case["mean"]), 1e-8);
    close("tau", p.tau, num(&case["tau"]), 1e-8);
    close("naive", p.naive, num(&case["naive"]), 1e-12);
    agrees("cumulative", p.cumulative.as_ref().unwrap(), &case["cumulative"], 1e-8);
    close("wins", p.win_rate, num(&case["win_rate"]), 1e-12);
    close("positive", p.positive_rate, num(&case["positive_rate"]), 1e-8);
    close("power", p.mean_power, num(&case["mean_power"]), 1e-8);
    assert!(p.overstatement.unwrap() > 1.0);
    assert_eq!(
        programme(&[1.0, 2.0], &[1.0, 1.0], None, PLUGIN, 0.05, 0.95)
            .unwrap_err()
            .reason,
        Reason::TooFew
    );
    let nothing = programme(&[0.1, 0.0, -0.1], &[1.0; 3], None, PLUGIN, 0.05, 0.95).unwrap();
    assert!(nothing.cumulative.is_none() && nothing.overstatement.is_none() && nothing.win_rate == 0.0);
}

/// Winners summed overstate what they did; shrunk, the sum covers it.
#[test]
fn winners_curse() {
    const RUNS: u64 = 300;
    let (mut naive, mut shrunk, mut truth_sum, mut covered, mut counted) = (0.0, 0.0, 0.0, 0u64, 0u64);
    for run in 0..RUNS {
        let mut rng = Rng::keyed(101, &[run]);
        let truth: Vec<f64> = (0..60).map(|_| 0.1 + 0.5 * rng.normal()).collect();
        let s = vec![0.6; 60];
        let y: Vec<f64> = truth.iter().map(|t| t + 0.6 * rng.normal()).collect();
        let p = programme(&y, &s, None, Prior::DuMouchel, 0.05, 0.95).unwrap();
        let won: f64 = (0..60).filter(|i| y[*i] > 1.959_964 * s[*i]).map(|i| truth[i]).sum();
        if let Some(c) = p.cumulative {
            naive += p.naive;
            shrunk += c.point;
            truth_sum += won;
            counted += 1;
            covered += u64::from((c.low..=c.high).contains(&won));
        }
    }
    assert!(naive > 1.7 * truth_sum, "{naive} against {truth_sum}");
    assert!((shrunk / truth_sum - 1.0).abs() < 0.08, "{shrunk} against {truth_sum}");
    assert!(covered as f64 / counted as f64 > 0.91, "{covered} of {counted}");
}
