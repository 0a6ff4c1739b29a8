//! Every method has a worked input with a number that is known; from it come the inputs that trip statistics: NaN, constants,
//! single units, zeros, means of 1e8.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Answer, find, kind, methods, worked, worked_inference};

fn inputs() -> Vec<(&'static str, Value)> {
    let first = worked::worked().into_iter().map(|w| (w.0, w.1));
    first
        .chain(worked_inference::worked().into_iter().map(|w| (w.0, w.1)))
        .collect()
}

#[test]
fn every_method_has_a_worked_input_whose_answer_is_known() {
    let rough = worked::worked()
        .into_iter()
        .map(|(n, i, at, x)| (n, i, at, x, 5e-4 * f64::abs(x).max(1e-9)));
    let mut seen = BTreeSet::new();
    for (name, input, pointer, expected, tolerance) in rough.chain(worked_inference::worked()) {
        seen.insert(name);
        let method = find(name).unwrap();
        let answer = method.answer(&input).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(answer.estimated, "{name}: {}", answer.value);
        assert!(kind::check(method.output, &answer.value, "$").is_ok(), "{name}");
        let found = answer.value.pointer(pointer).and_then(Value::as_f64);
        let close = found.is_some_and(|x| (x - expected).abs() <= tolerance);
        assert!(
            close,
            "{name} {pointer}: {found:?} is not {expected} in {}",
            answer.value
        );
    }
    let all: BTreeSet<&str> = methods().iter().map(|m| m.name).collect();
    assert_eq!(all.difference(&seen).collect::<Vec<_>>(), Vec::<&&str>::new());
}

/// Every number of a value, by its path.
fn numbers(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(path),
        Value::Array(all) => all
            .iter()
            .enumerate()
            .for_each(|(i, v)| numbers(v, format!("{path}/{i}"), found)),
        Value::Object(all) => all.iter().for_each(|(k, v)| numbers(v, format!("{path}/{k}"), found)),
        _ => {}
    }
}

fn answer(name: &str, input: &Value) -> Option<Answer> {
    let method = find(name).unwrap();
    let answer = method.answer(input).ok()?;
    if answer.estimated {
        assert!(
            kind::check(method.output, &answer.value, "$").is_ok(),
            "{name}: {input}"
        );
        sane(name, &answer.value, input);
    } else {
        let refused = &answer.value["not_estimable"];
        assert!(
            refused["reason"].is_string() && refused["remedy"].is_string(),
            "{name}: {}",
            answer.value
        );
    }
    Some(answer)
}

/// p-values are probabilities, standard errors not negative, intervals hold their estimate.
fn sane(name: &str, value: &Value, input: &Value) {
    match value {
        Value::Array(all) => all.iter().for_each(|v| sane(name, v, input)),
        Value::Object(all) => {
            let number = |k: &str| all.get(k).and_then(Value::as_f64);
            assert!(
                number("p").is_none_or(|p| (0.0..=1.0).contains(&p)),
                "{name}: {value} from {input}"
            );
            assert!(number("se").is_none_or(|se| se >= 0.0), "{name}: {value} from {input}");
            if let (Some(low), Some(high)) = (number("low"), number("high")) {
                assert!(low <= high, "{name}: {value} from {input}");
            }
            all.values().for_each(|v| sane(name, v, input));
        }
        _ => {}
    }
}

#[test]
fn a_number_that_is_none_is_refused_wherever_it_stands() {
    for (name, input) in inputs() {
        let mut paths = Vec::new();
        numbers(&input, String::new(), &mut paths);
        // Long columns are alike: the first, some of the middle and the last tell.
        let step = 1 + paths.len() / 12;
        for path in paths.iter().step_by(step).chain(paths.last()) {
            for word in ["NaN", "-Infinity"] {
                let mut broken = input.clone();
                *broken.pointer_mut(path).unwrap() = json!(word);
                match find(name).unwrap().answer(&broken) {
                    Ok(a) => assert_eq!(
                        a.value["not_estimable"]["reason"], "not_finite",
                        "{name} {path}: {}",
                        a.value
                    ),
                    // A count, or a position, is no place for words.
                    Err(e) => assert!(!e.path.is_empty(), "{name} {path}: {e}"),
                }
            }
        }
    }
}

/// Applies `change` to every list of numbers.
fn each_list(value: &mut Value, change: &dyn Fn(&mut Vec<Value>)) {
    match value {
        Value::Array(all) if all.iter().all(Value::is_number) => change(all),
        Value::Array(all) => all.iter_mut().for_each(|v| each_list(v, change)),
        Value::Object(all) => all.values_mut().for_each(|v| each_list(v, change)),
        _ => {}
    }
}

#[test]
fn zeros_constants_and_single_units_are_answered_or_refused() {
    let zeros = |all: &mut Vec<Value>| all.iter_mut().for_each(|v| *v = json!(0));
    let constant = |all: &mut Vec<Value>| {
        let first = all.first().cloned();
        all.iter_mut().for_each(|v| *v = first.clone().unwrap_or(json!(1)));
    };
    let one = |all: &mut Vec<Value>| all.truncate(1);
    let none = |all: &mut Vec<Value>| all.clear();
    let changes: [&dyn Fn(&mut Vec<Value>); 4] = [&zeros, &constant, &one, &none];
    for (name, input) in inputs() {
        for change in changes {
            let mut changed = input.clone();
            each_list(&mut changed, change);
            answer(name, &changed);
        }
        // Sizes of groups given as moments.
        for (from, to) in [
            ("n", 0),
            ("n", 1),
            ("variance", 0),
            ("sd", 0),
            ("se", 0),
            ("successes", 0),
            ("plays", 0),
        ] {
            let mut changed = input.clone();
            set_all(&mut changed, from, &json!(to));
            if let Some(a) = answer(name, &changed)
                && changed != input
                && from == "se"
            {
                assert!(!a.estimated, "{name} with a standard error of 0: {}", a.value);
            }
        }
    }
}

fn set_all(value: &mut Value, key: &str, to: &Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|v| set_all(v, key, to)),
        Value::Object(all) => {
            for (k, v) in all.iter_mut() {
                if k == key && v.is_number() {
                    *v = to.clone();
                } else {
                    set_all(v, key, to);
                }
            }
        }
        _ => {}
    }
}

/// What does not depend on where values lie says the same at 1e8: f64 leaves about 1e-7 of a spread of 1.
#[test]
fn a_mean_of_1e8_leaves_the_difference_as_it_is() {
    for (name, fields, pointers) in [
        (
            "welch_t",
            ["control", "treatment"],
            ["/absolute/point", "/absolute/se", "/absolute/p"].as_slice(),
        ),
        ("quantile_difference", ["control", "treatment"], &["/absolute/point"]),
        (
            "capped_mean",
            ["control", "treatment"],
            &["/raw/absolute/se", "/capped/absolute/point"],
        ),
        (
            "trimmed_mean",
            ["control", "treatment"],
            &["/estimate/point", "/estimate/se"],
        ),
        (
            "outlier_influence",
            ["control", "treatment"],
            &["/all/point", "/all/se", "/largest_pull"],
        ),
        ("ols", ["y", "y"], &["/coefficients/1/point", "/coefficients/1/se"]),
        (
            "cluster_robust",
            ["y", "y"],
            &["/coefficients/1/point", "/coefficients/1/se"],
        ),
        (
            "wild_cluster_bootstrap",
            ["y", "y"],
            &["/estimate/point", "/estimate/se", "/estimate/p"],
        ),
        (
            "newey_west",
            ["y", "y"],
            &["/coefficients/1/point", "/coefficients/1/se"],
        ),
        ("lin", ["y", "y"], &["/adjusted/point", "/adjusted/se"]),
        ("switchback", ["values", "values"], &["/effect/point", "/effect/se"]),
    ] {
        let a = [3.0, 5.0, 4.0, 6.5, 2.0, 4.5, 7.0, 3.5, 5.5, 4.25, 6.0, 1.0];
        let b = [4.0, 6.0, 4.5, 7.5, 3.0, 4.0, 8.0, 5.5, 6.5, 4.75, 7.0, 2.0];
        let input = |shift: f64| {
            let moved = |v: &[f64]| json!(v.iter().map(|x| x + shift).collect::<Vec<f64>>());
            let raw = |v: &[f64]| {
                if name == "welch_t" {
                    json!({ "values": moved(v) })
                } else {
                    moved(v)
                }
            };
            let mut out = json!({});
            match name {
                "ols" | "cluster_robust" | "newey_west" | "wild_cluster_bootstrap" => {
                    out["x"] = json!([[0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1], b]);
                    if name != "ols" && name != "newey_west" {
                        out["clusters"] = json!([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
                    }
                    if name == "newey_west" {
                        out["lags"] = json!(1);
                    }
                }
                "lin" => {
                    out["treated"] = json!([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]);
                    out["covariates"] = json!([b]);
                }
                "switchback" => {
                    out["regions"] = json!([1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]);
                    out["times"] = json!([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]);
                    out["treated"] = json!([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]);
                }
                "capped_mean" => out["high"] = json!(6.0 + shift),
                _ => {}
            }
            out[fields[0]] = raw(&a);
            if fields[1] != fields[0] {
                out[fields[1]] = raw(&b);
            }
            if name == "quantile_difference" {
                out["q"] = json!(0.5);
            }
            out
        };
        let (near, far) = (answer(name, &input(0.0)).unwrap(), answer(name, &input(1e8)).unwrap());
        for pointer in pointers {
            let (x, y) = (
                near.value.pointer(pointer).and_then(Value::as_f64),
                far.value.pointer(pointer).and_then(Value::as_f64),
            );
            let (Some(x), Some(y)) = (x, y) else {
                panic!("{name} {pointer}: {} {}", near.value, far.value)
            };
            assert!(
                (x - y).abs() <= 1e-6 * x.abs().max(1e-3),
                "{name} {pointer}: {x} and {y}"
            );
        }
    }
}

/// 37 standard errors are about 1e-299; from 39 on the p is below what f64 can hold.
#[test]
fn p_values_far_out_are_numbers() {
    let e = json!({ "point": 37.0, "se": 1.0 });
    for (name, input, pointer) in [
        (
            "one_sided",
            json!({ "point": 37.0, "se": 1.0, "alternative": "greater" }),
            "/estimate/p",
        ),
        (
            "one_sided",
            json!({ "point": -37.0, "se": 1.0, "alternative": "less" }),
            "/estimate/p",
        ),
        ("bayes_normal", e, "/risk_ship"),
        (
            "non_inferiority",
            json!({ "point": 36.0, "se": 1.0, "margin": 1.0 }),
            "/estimate/p",
        ),
        (
            "welch_t",
            json!({ "control": { "n": 1000000, "mean": 0, "sd": 1 },
                            "treatment": { "n": 1000000, "mean": 0.05, "sd": 1 } }),
            "/absolute/p",
        ),
        (
            "proportions_z",
            json!({ "control": { "n": 100000, "successes": 10000 },
                                  "treatment": { "n": 100000, "successes": 15000 } }),
            "/absolute/p",
        ),
        ("cochran_q", json!({ "effects": [0, 37, 0], "errors": [1, 1, 1] }), "/p"),
        ("srm", json!({ "observed": [55000, 45000], "weights": [1, 1] }), "/p"),
        (
            "poisson_rates",
            json!({ "control": { "events": 1000, "exposure": 1 }, "treatment": { "events": 2500, "exposure": 1 } }),
            "/exact/p",
        ),
        (
            "confidence_sequence",
            json!({ "point": 37, "se": 1, "n": 100000 }),
            "/estimate/p",
        ),
        ("msprt", json!({ "effects": [37], "ses": [1], "tau": 1 }), "/p/0"),
        (
            "ratio_delta",
            json!({
            "control": { "n": 100000, "numerator_mean": 1, "numerator_variance": 1, "denominator_mean": 1,
                         "denominator_variance": 0.1, "covariance": 0 },
            "treatment": { "n": 100000, "numerator_mean": 1.15, "numerator_variance": 1, "denominator_mean": 1,
                           "denominator_variance": 0.1, "covariance": 0 } }),
            "/absolute/p",
        ),
    ] {
        let found = answer(name, &input).unwrap();
        let p = found.value.pointer(pointer).and_then(Value::as_f64);
        assert!(
            p.is_some_and(|p| p > 0.0 && p < 1e-100),
            "{name}: {p:?} in {}",
            found.value
        );
    }
}

/// A rise from −10 to −8 is good, and 20%: on every scale that is relative.
#[test]
fn a_rise_from_a_negative_baseline_is_positive() {
    let arms = json!({ "control": { "n": 400, "mean": -10, "sd": 2 }, "treatment": { "n": 400, "mean": -8, "sd": 2 } });
    let joint = |mean: f64| {
        json!({ "n": 400, "mean": mean, "variance": 4, "covariate_mean": -10, "covariate_variance": 4,
                                    "covariance": 2 })
    };
    let ratio = |mean: f64| {
        json!({ "n": 400, "numerator_mean": mean, "numerator_variance": 4, "denominator_mean": 1,
                                    "denominator_variance": 0.1, "covariance": 0 })
    };
    for (name, input, pointer) in [
        ("welch_t", arms.clone(), "/relative/point"),
        ("fieller", arms.clone(), "/estimate/point"),
        ("bayes_means", arms, "/estimate/point"),
        (
            "cuped",
            json!({ "control": joint(-10.0), "treatment": joint(-8.0) }),
            "/relative/point",
        ),
        (
            "fieller_cuped",
            json!({ "control": joint(-10.0), "treatment": joint(-8.0) }),
            "/estimate/point",
        ),
        (
            "ratio_delta",
            json!({ "control": ratio(-10.0), "treatment": ratio(-8.0) }),
            "/relative/point",
        ),
        (
            "fieller_ratio",
            json!({ "control": ratio(-10.0), "treatment": ratio(-8.0) }),
            "/estimate/point",
        ),
        (
            "bayes_ratio",
            json!({ "control": ratio(-10.0), "treatment": ratio(-8.0) }),
            "/estimate/point",
        ),
    ] {
        let found = answer(name, &input).unwrap();
        let lift = found.value.pointer(pointer).and_then(Value::as_f64);
        assert!(
            lift.is_some_and(|l| (l - 0.2).abs() < 1e-3),
            "{name}: {lift:?} in {}",
            found.value
        );
    }
}

/// Both directions, wherever sides can be chosen: the two p-values of a continuous statistic sum to 1.
#[test]
fn one_sided_answers_mirror_each_other() {
    let mut tried = 0;
    for (name, input) in inputs() {
        if !find(name).unwrap().input.fields.iter().any(|f| f.name == "alternative")
            || input.get("alternative").is_some()
        {
            continue;
        }
        let sided = |word: &str| {
            let mut input = input.clone();
            input["alternative"] = json!(word);
            answer(name, &input)
        };
        let (Some(greater), Some(less)) = (sided("greater"), sided("less")) else {
            continue;
        };
        for pointer in [
            "/estimate",
            "/absolute",
            "/adjusted",
            "/difference",
            "/effects/0",
            "/estimates/0",
        ] {
            let end = |a: &Answer, k: &str| a.value.pointer(&format!("{pointer}/{k}")).and_then(Value::as_f64);
            let (Some(up), Some(down)) = (end(&greater, "p"), end(&less, "p")) else {
                continue;
            };
            let exact = !matches!(name, "confidence_sequence" | "dunnett" | "many_to_one");
            assert!(
                !exact || (up + down - 1.0).abs() < 1e-6,
                "{name} {pointer}: {up} and {down}"
            );
            assert_eq!(end(&greater, "high"), None, "{name} {pointer}");
            assert_eq!(end(&less, "low"), None, "{name} {pointer}");
            tried += 1;
        }
    }
    assert!(tried >= 15, "{tried}");
}
