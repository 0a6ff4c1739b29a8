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
