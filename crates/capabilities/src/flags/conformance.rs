//! The conformance cases of the SDKs' specification (`packages/sdk-js/test/cases.json` of growthbook/growthbook), where
//! `STEWARD_SDK_CASES` names the file: see `tests/flags/conformance.sh`. The cases are theirs and are not kept here.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use super::evaluate::from_query;
use super::hash::{Hasher, bucket_ranges, choose, in_range};
use super::value::NULL;
use super::{Evaluation, FeatureSet, Silent, Sticky, Subject, Value, parse_json};

/// What the specification has that Steward's payloads never carry.
const ELSEWHERE: [&str; 7] = ["force", "active", "urlPatterns", "url", "groups", "include", "status"];

fn map(entries: &[(&str, Value)]) -> Value {
    Value::map(entries.iter().map(|(k, v)| ((*k).into(), v.clone())))
}

fn number(value: usize) -> Value {
    #[allow(clippy::cast_precision_loss)]
    Value::Number(value as f64)
}

fn ranges(all: &[[f64; 2]]) -> Value {
    Value::List(all.iter().map(|r| Value::List(r.map(Value::Number).into())).collect())
}

fn read_ranges(value: &Value) -> Vec<[f64; 2]> {
    let two = |v: &Value| [v.items()[0].as_number().unwrap(), v.items()[1].as_number().unwrap()];
    value.items().iter().map(two).collect()
}

/// Evaluates a feature in a case's context.
fn evaluated<T>(context: &Value, key: &str, sticky: Option<&mut Sticky>, then: impl FnOnce(&Evaluation<'_>) -> T) -> T {
    let nothing = Value::Map(Vec::new());
    let of = |name: &str| context.get(name).filter(|v| v.truthy()).unwrap_or(&nothing);
    let payload = map(&[
        ("features", of("features").clone()),
        ("savedGroups", of("savedGroups").clone()),
    ]);
    let set = FeatureSet::compile(&payload).unwrap();
    let mut subject = Subject {
        attributes: of("attributes"),
        url: context.get("url").and_then(Value::as_str).unwrap_or(""),
        forced_variations: of("forcedVariations"),
        forced_values: &NULL,
        qa_mode: context.get("qaMode").is_some_and(Value::truthy),
        enabled: context.get("enabled").is_none_or(Value::truthy),
        sticky,
    };
    then(&set.observe(key, &mut subject, &mut Silent))
}

/// The fields of an assignment that the case asks for.
fn assignment(found: &Evaluation<'_>, wanted: &Value) -> Value {
    let Some(a) = &found.assigned else { return Value::Null };
    let of = |name: &str| match name {
        "key" => Value::text(a.key),
        "name" => a.name.map_or(Value::Null, Value::text),
        "featureId" => Value::text(a.feature),
        "value" => a.value.clone(),
        "variationId" => number(a.variation),
        "inExperiment" => Value::Bool(a.in_experiment),
        "hashUsed" => Value::Bool(a.hash_used),
        "hashAttribute" => Value::text(a.attribute),
        "hashValue" => a.unit.clone(),
        "bucket" => a.bucket.map_or(Value::Null, Value::Number),
        "stickyBucketUsed" => Value::Bool(a.sticky),
        "passthrough" => Value::Bool(a.passthrough),
        other => panic!("the case asks for `{other}`"),
    };
    let fields = wanted.entries().iter();
    Value::Map(fields.map(|(k, _)| (k.clone(), of(k))).collect())
}

/// What we say, and what the case says; `None` for what is not ours to say.
fn case(section: &str, case: &Value) -> Option<(Value, Value)> {
    let at = |n: usize| case.items().get(n).cloned().unwrap_or(Value::Null);
    let text = |n: usize| case.items()[n].as_str().unwrap_or_default().to_owned();
    Some(match section {
        "evalCondition" => {
            let rule = map(&[("condition", at(1)), ("force", Value::Bool(true))]);
            let feature = map(&[("defaultValue", Value::Bool(false)), ("rules", Value::List(vec![rule]))]);
            let context = map(&[
                ("features", map(&[("f", feature)])),
                ("attributes", at(2)),
                ("savedGroups", at(4)),
            ]);
            (evaluated(&context, "f", None, |e| e.value.clone()), at(3))
        }
        "hash" => {
            let hasher = Hasher::new(&text(0), at(2).as_number().unwrap());
            (hasher.hash(&at(1)).map_or(Value::Null, Value::Number), at(3))
        }
        "getBucketRange" => {
            let asked = at(1);
            let given = |n: usize| asked.items()[n].clone();
            let weights: Vec<f64> = given(2).items().iter().filter_map(Value::as_number).collect();
            let weights = matches!(given(2), Value::List(_)).then_some(weights.as_slice());
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let count = given(0).as_number().unwrap() as usize;
            let found = bucket_ranges(count, given(1).as_number().unwrap(), weights);
            let rounded = |all: Vec<[f64; 2]>| {
                all.iter()
                    .map(|r| r.map(|x| (x * 1e6).round() / 1e6))
                    .collect::<Vec<_>>()
            };
            (ranges(&rounded(found)), ranges(&rounded(read_ranges(&at(2)))))
        }
        "chooseVariation" => {
            let found = choose(at(1).as_number().unwrap(), &read_ranges(&at(2)));
            (found.map_or(Value::Number(-1.0), number), at(3))
        }
        "getQueryStringOverride" => {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let count = at(3).as_number().unwrap() as usize;
            let found = from_query(&text(1), &text(2), count);
            (found.map_or(Value::Null, number), at(4))
        }
        "inNamespace" => {
            let space = at(2);
            let hasher = Hasher::new(&format!("__{}", space.items()[0].as_str().unwrap()), 1.0);
            let range = [
                space.items()[1].as_number().unwrap(),
                space.items()[2].as_number().unwrap(),
            ];
            let inside = hasher.hash(&at(1)).is_some_and(|n| in_range(n, &range));
            (Value::Bool(inside), at(3))
        }
        "getEqualWeights" => {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let count = at(0).as_number().unwrap().max(0.0) as usize;
            let widths = bucket_ranges(count, 1.0, None)
                .into_iter()
                .map(|[a, b]| ((b - a) * 1e8).round() / 1e8);
            let wanted = at(1)
                .items()
                .iter()
                .filter_map(Value::as_number)
                .map(|w| Value::Number((w * 1e8).round() / 1e8))
                .collect();
            (Value::List(widths.map(Value::Number).collect()), Value::List(wanted))
        }
        "feature" => {
            if at(1).get("contextualBandits").is_some() {
                return None;
            }
            let want = at(3);
            let found = evaluated(&at(1), &text(2), None, |e| {
                let of = |name: &str| match name {
                    "value" => e.value.clone(),
                    "on" => Value::Bool(e.value.truthy()),
                    "off" => Value::Bool(!e.value.truthy()),
                    "source" => Value::text(e.source.as_str()),
                    "ruleId" => Value::text(e.rule),
                    "experimentResult" => assignment(e, want.get("experimentResult").unwrap()),
                    "experiment" => {
                        let known = e.assigned.as_ref().map_or(&NULL, |a| a.definition);
                        let fields = want.get("experiment").unwrap().entries().iter();
                        Value::Map(
                            fields
                                .map(|(k, _)| (k.clone(), known.get(k).cloned().unwrap_or(Value::Null)))
                                .collect(),
                        )
                    }
                    other => panic!("the case asks for `{other}`"),
                };
                Value::Map(want.entries().iter().map(|(k, _)| (k.clone(), of(k))).collect())
            });
            (found, want)
        }
        "run" => {
            let (context, experiment) = (at(1), at(2));
            if ELSEWHERE.iter().any(|key| experiment.get(key).is_some()) {
                return None;
            }
            let default = experiment.get("variations").and_then(|v| v.items().first()).cloned();
            let feature = map(&[
                ("defaultValue", default.unwrap_or(Value::Null)),
                ("rules", Value::List(vec![experiment.clone()])),
            ]);
            let others = context.get("features").map(Value::entries).unwrap_or_default().to_vec();
            let features = Value::map(others.into_iter().chain([("an experiment".into(), feature)]));
            let mut context = context.entries().to_vec();
            context.retain(|(k, _)| **k != *"features");
            context.push(("features".into(), features));
            let found = evaluated(&Value::Map(context), "an experiment", None, |e| {
                let (inside, hashed) = e
                    .assigned
                    .as_ref()
                    .map_or((false, false), |a| (a.in_experiment, a.hash_used));
                Value::List(vec![e.value.clone(), Value::Bool(inside), Value::Bool(hashed)])
            });
            (found, Value::List(vec![at(3), at(4), at(5)]))
        }
        "stickyBucket" => {
            let docs = |all: Vec<Value>| {
                let key = |d: &Value| {
                    let of = |name: &str| d.get(name).map(|v| v.to_text().into_owned()).unwrap_or_default();
                    format!("{}||{}", of("attributeName"), of("attributeValue"))
                };
                Value::map(all.into_iter().map(|d| (key(&d).into(), d)))
            };
            let kept = at(2).items().to_vec();
            let given = at(1)
                .get("stickyBucketAssignmentDocs")
                .map(Value::entries)
                .unwrap_or_default()
                .to_vec();
            let before = docs(given.into_iter().map(|(_, d)| d).chain(kept).collect());
            // A client loads the documents of its own attributes.
            let attributes = at(1).get("attributes").cloned().unwrap_or(Value::Null);
            let own = |key: &str| {
                key.split_once("||")
                    .is_some_and(|(k, v)| attributes.get(k).is_some_and(|a| *a.to_text() == *v))
            };
            let own = Value::map(before.entries().iter().filter(|(k, _)| own(k)).cloned());
            let mut sticky = Sticky::from_docs(&own);
            let want = at(4);
            let found = evaluated(&at(1), &text(3), Some(&mut sticky), |e| match &want {
                Value::Null => e
                    .assigned
                    .as_ref()
                    .filter(|a| a.in_experiment)
                    .map_or(Value::Null, |_| Value::Bool(true)),
                want => assignment(e, want),
            });
            let mut after: Vec<(Box<str>, Value)> = own.entries().to_vec();
            for (key, doc) in sticky.changed() {
                after.retain(|(k, _)| **k != *key);
                after.push((key.into(), doc));
            }
            (
                Value::List(vec![found, canonical(&Value::map(after))]),
                Value::List(vec![want, canonical(&at(5))]),
            )
        }
        "versionCompare" | "decrypt" | "urlRedirect" | "contextualBandit" => return None,
        other => panic!("the specification has a section `{other}` that is not known here"),
    })
}

/// Keys in order.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Map(entries) => {
            let mut all: Vec<_> = entries.iter().map(|(k, v)| (k.clone(), canonical(v))).collect();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Map(all)
        }
        other => other.clone(),
    }
}

#[test]
fn conformance_cases_of_the_specification() {
    let Ok(path) = std::env::var("STEWARD_SDK_CASES") else {
        eprintln!("skipped: STEWARD_SDK_CASES names no file of cases");
        return;
    };
    let all = parse_json(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for (section, cases) in all.entries().iter().filter(|(_, v)| matches!(v, Value::List(_))) {
        for one in cases.items() {
            let count = counts.entry(section).or_default();
            match case(section, one) {
                None => count[2] += 1,
                Some((found, want)) if canonical(&found).same_json(&canonical(&want)) => count[0] += 1,
                Some((found, want)) => {
                    count[1] += 1;
                    wrong.push(format!(
                        "{section}: {}\n  ours {}\n  want {}",
                        one.to_json(),
                        found.to_json(),
                        want.to_json()
                    ));
                }
            }
        }
    }
    for (section, [same, different, elsewhere]) in &counts {
        println!("{section}: {same} the same, {different} different, {elsewhere} not Steward's");
    }
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
    assert!(counts.values().map(|c| c[0]).sum::<usize>() > 300, "{counts:?}");
}
