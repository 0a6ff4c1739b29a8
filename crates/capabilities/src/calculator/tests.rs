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
