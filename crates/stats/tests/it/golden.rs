//! Numbers against scipy, statsmodels and mpmath (`tests/golden/make.py`).

use serde_json::Value;
use steward_stats::lift::{Comparison, Lift, Statistic, lift};
use steward_stats::trend::{Aggregation, Direction, Goal, probability_to_hit};
use steward_stats::{Estimate, Moments, dist, multiplicity, one_sample, power, srm};

fn load(name: &str) -> Value {
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn num(v: &Value) -> f64 {
    v.as_f64().unwrap()
}

fn nums(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(num).collect()
}

#[track_caller]
fn close(what: &str, ours: f64, theirs: f64, tolerance: f64) {
    let scale = theirs.abs().max(1e-300);
    assert!(
        (ours - theirs).abs() <= tolerance * scale,
        "{what}: {ours:e} is not {theirs:e}"
    );
}

fn moments(rows: &Value) -> Moments {
    let rows: Vec<Vec<f64>> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|r| if r.is_array() { nums(r) } else { vec![num(r)] })
        .collect();
    let mut m = Moments::empty(rows[0].len());
    rows.iter().for_each(|r| m.push(r));
    m
}

fn binary(pair: &Value) -> Moments {
    let (ones, n) = (pair[0].as_u64().unwrap(), pair[1].as_u64().unwrap());
    let p = ones as f64 / n as f64;
    Moments::from_parts(n, vec![p], vec![n as f64 * p * (1.0 - p)]).unwrap()
}

#[track_caller]
fn agrees(what: &str, ours: &Estimate, theirs: &Value, tolerance: f64) {
    for (field, value) in theirs.as_object().unwrap() {
        let mine = match field.as_str() {
            "point" => ours.point,
            "se" => ours.se,
            "low" => ours.low,
            "high" => ours.high,
            "df" => ours.df.unwrap(),
            "p" => ours.p.unwrap(),
            other => panic!("unknown field {other}"),
        };
        // A relative error e of t is about t²·e of a far-tail p.
        let slack = if field == "p" {
            tolerance * (1.0 + (ours.point / ours.se).powi(2))
        } else {
            tolerance
        };
        close(&format!("{what}.{field}"), mine, num(value), slack);
    }
}

fn compare(control: &Moments, treatment: &Moments, statistic: Statistic, covariates: Vec<usize>) -> Lift {
    lift(
        control,
        treatment,
        &Comparison {
            statistic,
            covariates,
            level: 0.95,
        },
    )
}

#[test]
fn tails_of_the_reference_distributions() {
    let golden = load("distributions");
    for c in golden["t_two_sided"].as_array().unwrap() {
        let c = nums(c);
        close(&format!("t {c:?}"), dist::t_two_sided(c[0], c[1]), c[2], 1e-11);
    }
    for c in golden["normal_two_sided"].as_array().unwrap() {
        let c = nums(c);
        close(&format!("normal {c:?}"), dist::normal_two_sided(c[0]), c[1], 1e-12);
    }
    for c in golden["chi_square_sf"].as_array().unwrap() {
        let c = nums(c);
        close(&format!("chi2 {c:?}"), dist::chi_square_sf(c[0], c[1]), c[2], 1e-11);
    }
    for c in golden["t_two_sided_isf"].as_array().unwrap() {
        let c = nums(c);
        close(&format!("t isf {c:?}"), dist::t_two_sided_isf(c[0], c[1]), c[2], 1e-11);
    }
}

#[test]
fn welch_on_hard_cases() {
    for case in load("lift")["means"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let l = compare(
            &moments(&case["control"]),
            &moments(&case["treatment"]),
            Statistic::Mean { y: 0 },
            vec![],
        );
        // At mean 1e8 the difference itself is known to 1e-8/0.7 only; everything else to rounding.
        let tolerance = if name == "mean 1e8" { 1e-7 } else { 1e-10 };
        agrees(
            &format!("{name} absolute"),
            &l.absolute.unwrap(),
            &case["absolute"],
            tolerance,
        );
        agrees(
            &format!("{name} relative"),
            &l.relative.unwrap(),
            &case["relative"],
            tolerance,
        );
    }
}

#[test]
fn proportions_and_wilson() {
    for case in load("lift")["proportions"].as_array().unwrap() {
        let (c, t) = (binary(&case["control"]), binary(&case["treatment"]));
        let l = compare(&c, &t, Statistic::Proportion { y: 0 }, vec![]);
        agrees("proportion", &l.absolute.unwrap(), &case["absolute"], 1e-9);
        let own = one_sample::proportion(&c, 0, 0.95).unwrap();
        close("wilson low", own.low, num(&case["wilson_control"][0]), 1e-11);
        close("wilson high", own.high, num(&case["wilson_control"][1]), 1e-11);
        assert_eq!(l.control.unwrap(), own);
    }
}

#[test]
fn cuped_is_the_analysis_of_covariance() {
    for case in load("lift")["adjusted"].as_array().unwrap() {
        let covariates = (1..=case["covariates"].as_u64().unwrap() as usize).collect();
        let l = compare(
            &moments(&case["control"]),
            &moments(&case["treatment"]),
            Statistic::Mean { y: 0 },
            covariates,
        );
        agrees("cuped absolute", l.absolute.as_ref().unwrap(), &case["absolute"], 1e-9);
        agrees("cuped relative", l.relative.as_ref().unwrap(), &case["relative"], 1e-9);
        close("control", l.control.unwrap().point, num(&case["control_value"]), 1e-11);
        assert!(l.variance_reduction.unwrap() > 0.5);
    }
}

#[test]
fn ratios_raw_and_with_cuped() {
    let golden = &load("lift")["ratio"];
    let (c, t) = (moments(&golden["control"]), moments(&golden["treatment"]));
    let statistic = Statistic::Ratio {
        numerator: 0,
        denominator: 1,
    };
    for (name, covariates) in [("raw", vec![]), ("cuped", vec![2, 3])] {
        let l = compare(&c, &t, statistic, covariates);
        agrees(
            &format!("{name} absolute"),
            &l.absolute.unwrap(),
            &golden[name]["absolute"],
            1e-9,
        );
        agrees(
            &format!("{name} relative"),
            &l.relative.unwrap(),
            &golden[name]["relative"],
            1e-9,
        );
    }
}

#[test]
fn sample_ratio_mismatch() {
    for case in load("sample_ratio")["cases"].as_array().unwrap() {
        let observed: Vec<u64> = case["observed"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_u64().unwrap())
            .collect();
        let r = srm::sample_ratio(&observed, &nums(&case["weights"])).unwrap();
        close("chi2", r.chi2, num(&case["chi2"]), 1e-12);
        close("p", r.p, num(&case["p"]), 1e-10);
        assert_eq!(u64::from(r.df), case["df"].as_u64().unwrap());
    }
}

#[test]
fn adjusted_p_values() {
    for case in load("multiplicity")["cases"].as_array().unwrap() {
        let p = nums(&case["p"]);
        let ours = [
            ("holm", multiplicity::holm(&p)),
            ("benjamini_hochberg", multiplicity::benjamini_hochberg(&p)),
            ("bonferroni", multiplicity::bonferroni(&p)),
        ];
        for (name, adjusted) in ours {
            for (a, b) in adjusted.unwrap().iter().zip(nums(&case[name])) {
                close(name, *a, b, 1e-12);
            }
        }
    }
}

#[test]
fn power_and_required_units() {
    for case in load("power")["cases"].as_array().unwrap() {
        let field = |name: &str| num(&case[name]);
        let (effect, alpha, target, ratio) = (field("effect"), field("alpha"), field("power"), field("ratio"));
        let n = power::required_mean(effect, 1.0, alpha, target, ratio).unwrap();
        close("units", n, field("n_control"), 1e-11);
        let se = ((1.0 + 1.0 / ratio) / 60.0).sqrt();
        close(
            "power",
            power::power(-effect, se, alpha).unwrap(),
            field("power_at_60"),
            1e-11,
        );
        let mde = power::minimum_detectable(se, alpha, target).unwrap();
        close("round trip", power::power(mde, se, alpha).unwrap(), target, 1e-12);
    }
}

#[test]
fn forecasts_are_mixtures_of_goldbergers() {
    for case in load("trend")["cases"].as_array().unwrap() {
        let series = nums(&case["series"]);
        let tolerance = if series[0] > 1e7 { 1e-6 } else { 1e-9 };
        let mean_of_period = Aggregation::MeanOfPeriod { observed: 2 };
        for (name, aggregation) in [("level", Aggregation::Level), ("mean_of_period", mean_of_period)] {
            let mut expected = case[name].clone();
            let above = expected.as_object_mut().unwrap().remove("above").unwrap();
            let goal = Goal {
                horizon: case["horizon"].as_u64().unwrap() as usize,
                season: case["season"].as_u64().map(|s| s as usize),
                aggregation,
                direction: Direction::AtLeast,
                target: num(&expected["point"]) + 1.0,
                level: 0.8,
            };
            let forecast = probability_to_hit(&series, &goal).unwrap();
            agrees(name, &forecast.estimate, &expected, tolerance);
            close("probability", forecast.probability, num(&above), tolerance);
            close("slope", forecast.slope, num(&case["slope"]), tolerance);
            assert!((forecast.autocorrelation - num(&case["rho"])).abs() < tolerance);
        }
    }
}
