//! The answers of the real SDK (`@growthbook/growthbook` 1.8.0 under node), made by `tests/flags/cases.cjs`.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::value::NULL;
use super::{Assigned, FeatureSet, Observer, Sticky, Subject, Value, parse_json};

#[derive(Default)]
struct Viewed(Vec<Value>);

impl<'a> Observer<'a> for Viewed {
    fn viewed(&mut self, a: &Assigned<'a>) {
        #[allow(clippy::cast_precision_loss)]
        let variation = Value::Number(a.variation as f64);
        let seen = Value::List(vec![
            Value::text(a.experiment),
            variation,
            Value::text(a.attribute),
            a.unit.clone(),
        ]);
        // Told once for each unit and variant, as the SDK's callback.
        if !self.0.contains(&seen) {
            self.0.push(seen);
        }
    }
}

fn entry(key: &str, value: Value) -> (Box<str>, Value) {
    (key.into(), value)
}

/// What we say, in the shape of the driver.
fn answer(case: &Value) -> Result<Value, super::PayloadError> {
    let set = FeatureSet::compile(case.get("payload").unwrap())?;
    let asked = case.get("subject").unwrap();
    let mut sticky = asked.get("sticky").map(Sticky::from_docs);
    let mut subject = Subject {
        attributes: asked.get("attributes").unwrap(),
        url: asked.get("url").and_then(Value::as_str).unwrap_or(""),
        forced_variations: asked.get("forcedVariations").unwrap_or(&NULL),
        forced_values: asked.get("forcedFeatures").unwrap_or(&NULL),
        qa_mode: asked.get("qaMode").is_some_and(Value::truthy),
        enabled: asked.get("enabled").is_none_or(Value::truthy),
        sticky: sticky.as_mut(),
    };
    let mut viewed = Viewed::default();
    let found = set.observe(
        case.get("key").and_then(Value::as_str).unwrap(),
        &mut subject,
        &mut viewed,
    );
    let mut fields = vec![
        entry("value", found.value.clone()),
        entry("on", Value::Bool(found.value.truthy())),
        entry("source", Value::text(found.source.as_str())),
        entry("ruleId", Value::text(found.rule)),
        entry("viewed", Value::List(viewed.0)),
        entry("saved", Value::Null),
    ];
    if let Some(a) = &found.assigned {
        #[allow(clippy::cast_precision_loss)]
        let experiment = [
            entry("experiment", Value::text(a.experiment)),
            entry("key", Value::text(a.key)),
            entry("name", a.name.map_or(Value::Null, Value::text)),
            entry("variationId", Value::Number(a.variation as f64)),
            entry("inExperiment", Value::Bool(a.in_experiment)),
            entry("hashUsed", Value::Bool(a.hash_used)),
            entry("hashAttribute", Value::text(a.attribute)),
            entry("hashValue", a.unit.clone()),
            entry("bucket", a.bucket.map_or(Value::Null, Value::Number)),
            entry("stickyBucketUsed", Value::Bool(a.sticky)),
        ];
        fields.push(entry("experiment", Value::map(experiment)));
    }
    let mut saved: Vec<_> = sticky
        .iter()
        .flat_map(Sticky::changed)
        .map(|(k, v)| (k.into(), v))
        .collect();
    saved.sort_by(|a: &(Box<str>, Value), b| a.0.cmp(&b.0));
    fields[5].1 = Value::map(saved);
    Ok(Value::map(fields))
}

/// Compares every case of a text; says how many there were.
fn compare(text: &str) -> usize {
    let (mut count, mut wrong) = (0, Vec::new());
    for line in text.lines() {
        let case = parse_json(line).unwrap();
        count += 1;
        let mut want = case.get("want").unwrap().clone();
        if let Value::Map(fields) = &mut want
            && let Some((_, Value::Map(docs))) = fields.iter_mut().find(|(k, _)| **k == *"saved")
        {
            docs.sort_by(|a, b| a.0.cmp(&b.0));
        }
        let got = answer(&case).map(|v| v.to_json()).unwrap_or_else(|e| e.to_string());
        if got != want.to_json() {
            wrong.push(format!(
                "case {count}:\n  ours {got}\n  SDK  {}\n  {line}",
                want.to_json()
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} differ\n{}",
        wrong.len(),
        wrong.iter().take(3).cloned().collect::<Vec<_>>().join("\n")
    );
    count
}

#[test]
fn golden_cases_of_the_sdk() {
    assert_eq!(compare(include_str!("../../tests/flags/golden.jsonl")), 150);
}

/// The generated cases, where `./test` has made them.
#[test]
fn generated_cases_of_the_sdk() {
    let Ok(path) = std::env::var("STEWARD_FLAG_CASES") else {
        eprintln!("skipped: STEWARD_FLAG_CASES names no file of cases");
        return;
    };
    let count = compare(&std::fs::read_to_string(path).unwrap());
    assert!(count >= 20_000, "{count} cases");
}
