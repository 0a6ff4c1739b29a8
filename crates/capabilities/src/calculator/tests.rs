use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Method, find, methods, parse};

fn method(name: &str) -> &'static Method {
    find(name).map_err(|e| e.to_string()).unwrap()
}

#[test]
fn names_are_unique_words_in_snake_case() {
    let names: BTreeSet<&str> = methods().iter().map(|m| m.name).collect();
    assert_eq!(names.len(), methods().len());
    for m in methods() {
        assert!(
            m.name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
            "{}",
            m.name
        );
        assert!(m.doc.ends_with('.') && !m.source.is_empty(), "{}", m.name);
        assert_eq!(m.input_schema()["type"], "object", "{}", m.name);
        // Every default is JSON and of its kind.
        for field in m.input.fields {
            if let Some(text) = field.default {
                let value: Value = serde_json::from_str(text).unwrap();
                let alone = json!({ field.name: value });
                if let Err(e) = m.answer(&alone) {
                    assert!(!e.path.starts_with(&format!("$.{}", field.name)), "{}: {e}", m.name);
                }
            }
        }
    }
}

#[test]
fn other_names_lead_to_one_method_each() {
    let mut seen = BTreeSet::new();
    for (method, others) in super::synonyms::SYNONYMS {
        assert_eq!(find(method).unwrap().name, *method);
        for other in *others {
            assert!(
                seen.insert(*other) && !methods().iter().any(|m| m.name == *other),
                "{other}"
            );
            assert_eq!(find(other).unwrap().name, *method);
        }
    }
    assert_eq!(find("Z-Test").unwrap().name, "proportions_z");
    let error = find("mspr").err().unwrap().to_string();
    assert!(error.contains("msprt"), "{error}");
}

#[test]
fn schemas_say_where_null_may_stand() {
    let schema = method("capped_mean").input_schema();
    assert_eq!(schema["properties"]["high"]["type"], json!(["number", "null"]));
    assert!(
        schema["properties"]["kind"]["enum"]
            .as_array()
            .unwrap()
            .contains(&Value::Null)
    );
    let arms = json!({ "control": [1, 2, 3, 9], "treatment": [2, 3, 4, 9], "high": null, "low": 0, "kind": null });
    assert!(method("capped_mean").answer(&arms).unwrap().estimated);
}

/// Numbers, words and lists thrown at every method: an answer of the declared shape, a refusal or a path; never a panic.
#[test]
fn random_input_is_answered_or_refused() {
    fn value(kind: super::Kind, rng: &mut steward_stats::Rng, length: usize) -> Value {
        use super::Kind;
        let wild = [
            0.0, 1.0, -1.0, 0.5, 2.0, 1e-300, 1e300, -1e8, 1e8, 0.05, 0.95, 3.0, 17.0,
        ];
        let number = |rng: &mut steward_stats::Rng| match rng.below(4) {
            0 => wild[rng.below(wild.len() as u64) as usize],
            1 => rng.normal(),
            2 => rng.uniform(),
            _ => 10.0 + rng.normal(),
        };
        match kind {
            Kind::Number => json!(number(rng)),
            Kind::Count => {
                let most = [2, 3, 10, 1000][rng.below(4) as usize];
                json!(rng.below(most))
            }
            Kind::Flag => json!(rng.bernoulli(0.5)),
            Kind::Text => json!(["a", "b", ""][rng.below(3) as usize]),
            Kind::Choice(words) => json!(words[rng.below(words.len() as u64) as usize]),
            Kind::Maybe(inner) => value(*inner, rng, length),
            Kind::List(item) => (0..length).map(|_| value(*item, rng, length)).collect(),
            Kind::Object(object) => fields(object, rng, length),
        }
    }
    fn fields(object: &super::Object, rng: &mut steward_stats::Rng, length: usize) -> Value {
        let form = match object.forms.len() {
            0 => None,
            n => Some(object.forms[rng.below(n as u64) as usize]),
        };
        let mut out = serde_json::Map::new();
        for field in object.fields {
            let wanted = field.required || form.is_some_and(|f| f.contains(&field.name));
            let length = if rng.bernoulli(0.05) {
                rng.below(4) as usize
            } else {
                length
            };
            if wanted || (field.default.is_some() && rng.bernoulli(0.3)) || rng.bernoulli(0.08) {
                out.insert(field.name.into(), value(field.kind, rng, length));
            }
        }
        Value::Object(out)
    }
    let mut estimated = 0;
    for (stream, m) in methods().into_iter().enumerate() {
        for run in 0..12 {
            let mut rng = steward_stats::Rng::keyed(41, &[stream as u64, run]);
            let length = 1 + rng.below(9) as usize;
            let input = fields(m.input, &mut rng, length);
            let Ok(answer) = m.answer(&input) else { continue };
            assert_eq!(
                answer,
                m.answer(&input).unwrap(),
                "{}: not the same twice: {input}",
                m.name
            );
            if answer.estimated {
                estimated += 1;
                let shape = super::kind::check(m.output, &answer.value, "$");
                assert!(shape.is_ok(), "{}: {shape:?} from {input}", m.name);
            }
        }
    }
    assert!(estimated > 100, "{estimated}");
}

#[test]
fn an_empty_input_is_never_an_estimate() {
    for m in methods() {
        let answer = m.answer(&json!({}));
        assert!(answer.is_err() || !answer.unwrap().estimated, "{}", m.name);
    }
}

#[test]
fn forms_of_one_sample_agree() {
    let welch = method("welch_t");
    let values = [1.0, 2.5, 4.0, 4.5];
    let raw = json!({ "values": values });
    let moments = json!({ "n": 4, "mean": 3.0, "variance": 2.5 });
    let sd = json!({ "n": 4, "mean": 3.0, "sd": 2.5f64.sqrt() });
    let sums = json!({ "n": 4, "sum": 12.0, "sum_squares": 43.5 });
    let other = json!({ "n": 10, "mean": 5.0, "variance": 3.0 });
    let expected = welch.answer(&json!({ "control": raw, "treatment": other })).unwrap();
    assert!(expected.estimated);
    let close = |a: &Value, b: &Value| (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-12;
    for form in [moments, sd, sums] {
        let answer = welch.answer(&json!({ "control": form, "treatment": other })).unwrap();
        for field in ["point", "se", "low", "high", "p", "df"] {
            let (a, b) = (&answer.value["absolute"][field], &expected.value["absolute"][field]);
            assert!(close(a, b), "{form} {field}: {a} {b}");
        }
    }
}

#[test]
fn malformed_input_is_refused_with_its_path() {
    let welch = method("welch_t");
    let good = json!({ "n": 10, "mean": 5.0, "variance": 3.0 });
    for (input, path) in [
        (json!([]), "$"),
        (json!({ "control": good }), "$.treatment"),
        (json!({ "control": good, "treatment": { "n": 3 } }), "$.treatment"),
        (
            json!({ "control": good, "treatment": { "values": [1, "two"] } }),
            "$.treatment.values[1]",
        ),
        (
            json!({ "control": good, "treatment": { "n": -3, "mean": 1, "variance": 1 } }),
            "$.treatment.n",
        ),
        (
            json!({ "control": good, "treatment": { "n": 2.5, "mean": 1, "variance": 1 } }),
            "$.treatment.n",
        ),
        (json!({ "control": good, "treatment": good, "levle": 0.9 }), "$.levle"),
    ] {
        let error = welch.answer(&input).unwrap_err();
        assert_eq!(error.path, path, "{error}");
    }
    let error = welch
        .answer(&json!({ "control": good, "treatment": good, "levle": 0.9 }))
        .unwrap_err();
    assert!(error.message.contains("level"), "{error}");
}

#[test]
fn what_cannot_be_estimated_says_why() {
    let good = json!({ "n": 10, "mean": 5.0, "variance": 3.0 });
    for (treatment, reason) in [
        (r#"{"n": 1, "mean": 5, "variance": 0}"#, "too_few"),
        (r#"{"values": [1, NaN]}"#, "not_finite"),
        (r#"{"values": [1, null]}"#, "not_finite"),
        (r#"{"n": 9, "mean": -Infinity, "variance": 2}"#, "not_finite"),
        (r#"{"n": 9, "mean": 1, "variance": -2}"#, "out_of_domain"),
        (
            r#"{"n": 100, "sum": 1e10, "sum_squares": 1000000000000000100}"#,
            "out_of_domain",
        ),
    ] {
        let input = json!({ "control": good, "treatment": parse(treatment).unwrap() });
        let answer = method("welch_t").answer(&input).unwrap();
        assert!(!answer.estimated);
        assert_eq!(
            answer.value["not_estimable"]["reason"], reason,
            "{treatment}: {}",
            answer.value
        );
        assert!(!answer.value["not_estimable"]["remedy"].as_str().unwrap().is_empty());
    }
    let constant = json!({ "n": 10, "mean": 5.0, "variance": 0.0 });
    let answer = method("welch_t")
        .answer(&json!({ "control": constant, "treatment": constant }))
        .unwrap();
    assert_eq!(answer.value["not_estimable"]["reason"], "zero_variance");
}

#[test]
fn text_that_says_nan_stays_text() {
    let value = parse(r#"{"a": "NaN \" Infinity", "b": [NaN, 1, -Infinity]}"#).unwrap();
    assert_eq!(value, json!({ "a": "NaN \" Infinity", "b": ["NaN", 1, "-Infinity"] }));
    assert_eq!(parse("{").unwrap_err().path, "$");
}

/// Method, input, where to look, what stands there (references: see the golden files of steward-stats and the formulas
/// named).
#[test]
fn worked_answers() {
    let arm = |n: u64, mean: f64| json!({ "n": n, "mean": mean, "sd": 2.0 });
    let even = json!([0.2, 0.4, 0.6, 0.8, 1.0]);
    let plays = json!([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]);
    let contexts = json!([{ "contexts": [[1], [1]], "rewards": [1, 3] }, { "contexts": [[1]], "rewards": [0] }]);
    let cases = [
        // R's ldbounds, two-sided 0.05.
        (
            "group_sequential_boundaries",
            json!({ "information_fractions": even }),
            "/looks/4/z",
            2.0310,
            1e-4,
        ),
        (
            "group_sequential_test",
            json!({ "information_fractions": [1.0], "effects": [2.0], "ses": [0.8] }),
            "/adjusted/p",
            0.012_419_330_651_552,
            1e-9,
        ),
        // √r·exp(−z²nρ²/2r) with ρ² for 5000 units.
        (
            "confidence_sequence",
            json!({ "point": 0.0, "se": 1.0, "n": 100 }),
            "/estimate/p",
            1.0,
            1e-12,
        ),
        (
            "msprt",
            json!({ "effects": [0.0], "ses": [1.0], "tau": 1.0 }),
            "/log_likelihood_ratio/0",
            -0.5 * 2f64.ln(),
            1e-12,
        ),
        // A uniform alternative: 1/((n + 1)·C(n, k)·2^-n) for 1 of 2 units is ln(2/3).
        (
            "sequential_srm",
            json!({ "looks": [[1, 1]], "weights": [1, 1], "concentration": 2 }),
            "/log_bayes_factor/0",
            (2f64 / 3.0).ln(),
            1e-12,
        ),
        (
            "bayes_normal",
            json!({ "point": 1.0, "se": 1.0, "prior": { "sd": 1.0 } }),
            "/estimate/point",
            0.5,
            1e-12,
        ),
        (
            "bayes_means",
            json!({ "control": arm(100, 5.0), "treatment": arm(100, 5.0), "difference": "absolute" }),
            "/chance_to_win",
            0.5,
            1e-12,
        ),
        (
            "beta_binomial",
            json!({ "control": { "n": 1, "successes": 0 }, "treatment": { "n": 1, "successes": 1 } }),
            "/chance_to_win",
            // P(Beta(2, 1) > Beta(1, 2)) = 5/6.
            5.0 / 6.0,
            1e-9,
        ),
        (
            "fieller",
            json!({ "control": arm(100, 5.0), "treatment": arm(100, 6.0) }),
            "/estimate/point",
            0.2,
            1e-12,
        ),
        (
            "fieller_ratio",
            json!({ "control": { "numerators": [8, 11, 10, 9, 12], "denominators": [4, 5, 5, 4, 6] },
                    "treatment": { "numerators": [9, 12, 10, 9, 14], "denominators": [4, 5, 5, 4, 6] } }),
            "/estimate/point",
            0.08,
            1e-12,
        ),
        (
            "bayes_ratio",
            json!({ "control": { "numerators": [8, 11, 10, 9, 12], "denominators": [4, 5, 5, 4, 6] },
                    "treatment": { "numerators": [8, 11, 10, 9, 12], "denominators": [4, 5, 5, 4, 6] } }),
            "/chance_to_win",
            0.5,
            1e-6,
        ),
        // Jennison & Turnbull, table 2.1.
        (
            "classical_boundaries",
            json!({ "information_fractions": even, "shape": "pocock" }),
            "/constant",
            2.413,
            5e-4,
        ),
        // gsDesign's manual.
        (
            "futility_boundaries",
            json!({ "information_fractions": [1.0 / 3.0, 2.0 / 3.0, 1.0], "power": 0.9,
                    "spending": "hwang_shih_decani", "beta_spending": "hwang_shih_decani", "beta_spending_parameter": -2 }),
            "/looks/1/futility_z",
            0.94,
            5e-3,
        ),
        (
            "one_sided",
            json!({ "point": 1.0, "se": 1.0, "alternative": "less" }),
            "/estimate/p",
            0.841_344_746_068_543,
            1e-12,
        ),
        (
            "non_inferiority",
            json!({ "point": 0.0, "se": 1.0, "margin": 1.0 }),
            "/estimate/p",
            0.158_655_253_931_457,
            1e-12,
        ),
        (
            "serial_gatekeeping",
            json!({ "families": [[0.04], [0.01]] }),
            "/adjusted_p/1/0",
            0.04,
            1e-12,
        ),
        (
            "graphical_gatekeeping",
            json!({ "p": [0.01, 0.03], "weights": [0.5, 0.5], "transitions": [[0, 1], [1, 0]] }),
            "/adjusted_p/1",
            0.03,
            1e-12,
        ),
        // One treatment: Dunnett's is the t test. scipy 1.17.1 ttest_ind(equal_var=True).
        (
            "dunnett",
            json!({ "control": { "values": [1, 2, 3, 4] }, "treatments": [{ "values": [3, 4, 5, 7] }] }),
            "/estimates/0/p",
            0.080_261_326_219,
            1e-6,
        ),
        (
            "many_to_one",
            json!({ "effects": [1.959_963_984_540_054], "ses": [1], "control_variance": 0.5 }),
            "/estimates/0/p",
            0.05,
            1e-8,
        ),
        (
            "adjusted_intervals",
            json!({ "points": [1, 2], "ses": [1, 1] }),
            "/estimates/0/p",
            0.317_310_507_862_914,
            1e-12,
        ),
        // statsmodels 0.15.0, NormalIndPower: 392.443…
        (
            "sample_size",
            json!({ "metric": { "mean": 5, "sd": 1 }, "effect": 0.2, "daily_units": [100] }),
            "/total",
            786.0,
            1e-12,
        ),
        (
            "power",
            json!({ "metric": { "proportion": 0.1 }, "effect": 0.0, "n_total": 1000 }),
            "/power",
            0.05,
            1e-9,
        ),
        (
            "minimum_detectable_effect",
            json!({ "metric": { "mean": 5, "sd": 1 }, "n_control": 392.443_315 }),
            "/absolute",
            0.2,
            1e-5,
        ),
        (
            "duration",
            json!({ "units": 100, "daily_units": [10], "whole_weeks": false }),
            "/days",
            10.0,
            0.0,
        ),
        (
            "conditional_power",
            json!({ "effect": 0.0, "se": 1.0, "information_fraction": 0.5, "alternative": "greater" }),
            "/null",
            // Φ̄(1.6449/√0.5).
            0.010_004_626_859,
            1e-5,
        ),
        (
            "thompson_bernoulli",
            json!({ "successes": [0, 1], "plays": [1, 1] }),
            "/best/1",
            5.0 / 6.0,
            1e-9,
        ),
        (
            "thompson_gaussian",
            json!({ "arms": [arm(9, 1.0), arm(9, 1.0)] }),
            "/allocation/0",
            0.5,
            1e-12,
        ),
        (
            "adaptive_readout",
            json!({ "arms": [0, 1, 0, 1], "rewards": [1, 2, 3, 5], "propensities": plays, "weighting": "ipw" }),
            "/differences/0/point",
            // (2 + 5 − 1 − 3)/0.5/4.
            1.5,
            1e-12,
        ),
        (
            "linear_bandit",
            json!({ "arms": contexts, "context": [1] }),
            "/expected/0",
            4.0 / 3.0,
            1e-12,
        ),
        (
            "off_policy",
            json!({ "rewards": [1, 2, 3], "logging": [0.5, 0.5, 0.5], "target": [1, 0, 1] }),
            "/snips/point",
            2.0,
            1e-12,
        ),
    ];
    for (name, input, pointer, expected, tolerance) in cases {
        let answer = method(name).answer(&input).map_err(|e| format!("{name}: {e}")).unwrap();
        let shape = super::kind::check(method(name).output, &answer.value, "$");
        assert!(shape.is_ok(), "{name}: {shape:?}");
        let found = answer.value.pointer(pointer).and_then(Value::as_f64);
        let close = found.is_some_and(|x| (x - expected).abs() <= tolerance);
        assert!(
            close,
            "{name} {pointer}: {found:?} is not {expected} in {}",
            answer.value
        );
    }
}
