//! The feature payload of the GrowthBook SDKs, compiled: what the clients evaluate is what the server evaluates.

use std::collections::HashMap;

use super::condition::{Compiler, Condition};
use super::hash::{Hasher, Range, bucket_ranges};
use super::value::Value;

/// A payload that no SDK could evaluate as meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {near}")]
pub struct PayloadError {
    /// What is wrong.
    pub what: String,
    /// The beginning of the JSON in question.
    pub near: String,
}

impl PayloadError {
    pub(super) fn new(what: &str, near: &Value) -> PayloadError {
        PayloadError {
            what: what.to_owned(),
            near: near.to_json().chars().take(120).collect(),
        }
    }
}

/// All features, compiled.
#[derive(Clone, Debug, Default)]
pub struct FeatureSet {
    pub(super) features: Vec<Feature>,
    index: HashMap<Box<str>, usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Feature {
    pub key: Box<str>,
    pub default: Value,
    pub rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub id: Box<str>,
    pub parents: Vec<Parent>,
    pub filters: Vec<Filter>,
    pub condition: Option<Condition>,
    pub action: Action,
}

#[derive(Clone, Debug)]
pub(super) struct Parent {
    pub id: Box<str>,
    /// Its place, if it is a feature of the payload.
    pub feature: Option<usize>,
    pub condition: Condition,
    pub gate: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub attribute: Box<str>,
    pub hasher: Hasher,
    pub ranges: Vec<Range>,
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Force(Force),
    Split(Box<Split>),
    /// Neither a value nor variations: skipped.
    Nothing,
}

#[derive(Clone, Debug)]
pub(super) struct Force {
    pub value: Value,
    pub range: Option<Range>,
    pub coverage: Option<f64>,
    pub by: By,
    pub hasher: Hasher,
}

/// Which attribute is hashed.
#[derive(Clone, Debug)]
pub(super) struct By {
    pub attribute: Box<str>,
    pub fallback: Option<Box<str>>,
    pub sticky: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Split {
    pub key: Box<str>,
    pub by: By,
    pub hasher: Hasher,
    pub arms: Vec<Arm>,
    pub ranges: Vec<Range>,
    pub namespace: Option<(Hasher, Range)>,
    pub bucket_version: f64,
    pub min_bucket_version: f64,
    /// What the payload says, for clients that are told of the assignment.
    pub experiment: Value,
}

#[derive(Clone, Debug)]
pub(super) struct Arm {
    pub value: Value,
    /// The name under which it is tracked, else its index.
    pub key: Box<str>,
    /// Whether `meta` names it: only then is it found again by sticky bucketing.
    pub named: bool,
    pub name: Option<Box<str>>,
    pub passthrough: bool,
}

impl FeatureSet {
    /// Compiles `{features, savedGroups}`.
    ///
    /// # Errors
    /// What is of the wrong type, or a regular expression that cannot be matched in linear time.
    pub fn compile(payload: &Value) -> Result<FeatureSet, PayloadError> {
        static EMPTY: Value = Value::Null;
        let compiler = Compiler {
            groups: payload.get("savedGroups").unwrap_or(&EMPTY),
        };
        let Some(Value::Map(features)) = payload.get("features") else {
            return Err(PayloadError::new("the payload has no map of features", payload));
        };
        let index: HashMap<Box<str>, usize> = features
            .iter()
            .enumerate()
            .map(|(at, (key, _))| (key.clone(), at))
            .collect();
        let mut compiled = Vec::with_capacity(features.len());
        for (key, feature) in features {
            let rules = match feature.get("rules") {
                None | Some(Value::Null) => Vec::new(),
                Some(Value::List(rules)) => rules
                    .iter()
                    .map(|r| rule(key, r, &index, &compiler))
                    .collect::<Result<_, _>>()?,
                Some(other) => return Err(PayloadError::new("rules are no list", other)),
            };
            let default = feature.get("defaultValue").cloned().unwrap_or(Value::Null);
            compiled.push(Feature {
                key: key.clone(),
                default,
                rules,
            });
        }
        Ok(FeatureSet {
            features: compiled,
            index,
        })
    }

    /// The place of a feature.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        self.index.get(key).copied()
    }

    /// Names of all features, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|f| &*f.key)
    }

    /// Whether there is such a feature.
    pub fn contains(&self, key: &str) -> bool {
        self.index.contains_key(key)
    }
}

fn text<'a>(rule: &'a Value, key: &str) -> Result<Option<&'a str>, PayloadError> {
    match rule.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Text(text)) => Ok(Some(&**text).filter(|t| !t.is_empty())),
        Some(other) => Err(PayloadError::new(&format!("`{key}` is no text"), other)),
    }
}

fn number(rule: &Value, key: &str) -> Result<Option<f64>, PayloadError> {
    match rule.get(key) {
        None => Ok(None),
        Some(Value::Number(n)) => Ok(Some(*n)),
        Some(other) => Err(PayloadError::new(&format!("`{key}` is no number"), other)),
    }
}

fn truthy(rule: &Value, key: &str) -> bool {
    rule.get(key).is_some_and(Value::truthy)
}

fn list<'a>(rule: &'a Value, key: &str) -> Result<Option<&'a [Value]>, PayloadError> {
    match rule.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::List(items)) => Ok(Some(items)),
        Some(other) => Err(PayloadError::new(&format!("`{key}` is no list"), other)),
    }
}

fn range(value: &Value) -> Result<Range, PayloadError> {
    match value.items() {
        [Value::Number(low), Value::Number(high), ..] => Ok([*low, *high]),
        _ => Err(PayloadError::new("a range is not two numbers", value)),
    }
}

fn ranges(rule: &Value, key: &str) -> Result<Option<Vec<Range>>, PayloadError> {
    list(rule, key)?.map(|all| all.iter().map(range).collect()).transpose()
}

fn version(rule: &Value, default: f64) -> Result<f64, PayloadError> {
    Ok(number(rule, "hashVersion")?.filter(|v| *v != 0.0).unwrap_or(default))
}

fn rule(
    feature: &str,
    rule: &Value,
    index: &HashMap<Box<str>, usize>,
    compiler: &Compiler<'_>,
) -> Result<Rule, PayloadError> {
    if !matches!(rule, Value::Map(_)) {
        return Err(PayloadError::new("a rule is no map", rule));
    }
    let mut parents = Vec::new();
    for parent in list(rule, "parentConditions")?.unwrap_or_default() {
        let id = text(parent, "id")?.unwrap_or_default();
        let condition = match parent.get("condition") {
            Some(c) if c.truthy() => compiler.condition(c)?,
            _ => Condition::default(),
        };
        parents.push(Parent {
            id: id.into(),
            feature: index.get(id).copied(),
            condition,
            gate: truthy(parent, "gate"),
        });
    }
    let mut filters = Vec::new();
    for filter in list(rule, "filters")?.unwrap_or_default() {
        let seed = text(filter, "seed")?.unwrap_or_default();
        filters.push(Filter {
            attribute: text(filter, "attribute")?.unwrap_or("id").into(),
            hasher: Hasher::new(seed, version(filter, 2.0)?),
            ranges: ranges(filter, "ranges")?.unwrap_or_default(),
        });
    }
    let condition = match rule.get("condition") {
        Some(c) if c.truthy() => Some(compiler.condition(c)?),
        _ => None,
    };
    let by = By {
        attribute: text(rule, "hashAttribute")?.unwrap_or("id").into(),
        fallback: text(rule, "fallbackAttribute")?.map(Box::from),
        sticky: !truthy(rule, "disableStickyBucketing"),
    };
    let action = if let Some(value) = rule.get("force") {
        Action::Force(Force {
            value: value.clone(),
            range: rule.get("range").filter(|r| r.truthy()).map(range).transpose()?,
            coverage: number(rule, "coverage")?,
            by,
            hasher: Hasher::new(text(rule, "seed")?.unwrap_or(feature), version(rule, 1.0)?),
        })
    } else if let Some(variations) = list(rule, "variations")? {
        Action::Split(Box::new(split(feature, rule, variations, by)?))
    } else {
        Action::Nothing
    };
    Ok(Rule {
        id: text(rule, "id")?.unwrap_or_default().into(),
        parents,
        filters,
        condition,
        action,
    })
}

fn split(feature: &str, rule: &Value, variations: &[Value], by: By) -> Result<Split, PayloadError> {
    let key = text(rule, "key")?.unwrap_or(feature);
    let meta = list(rule, "meta")?;
    if meta.is_some_and(|m| m.len() < variations.len()) {
        return Err(PayloadError::new("`meta` is shorter than `variations`", rule));
    }
    let mut arms = Vec::with_capacity(variations.len());
    for (at, value) in variations.iter().enumerate() {
        let meta = meta.and_then(|m| m.get(at));
        let own = meta.map(|m| text(m, "key")).transpose()?.flatten();
        arms.push(Arm {
            value: value.clone(),
            key: own.map_or_else(|| at.to_string().into(), Box::from),
            named: own.is_some(),
            name: meta.map(|m| text(m, "name")).transpose()?.flatten().map(Box::from),
            passthrough: meta.is_some_and(|m| truthy(m, "passthrough")),
        });
    }
    let weights: Option<Vec<f64>> = list(rule, "weights")?
        .map(|all| {
            all.iter()
                .map(|w| {
                    w.as_number()
                        .ok_or_else(|| PayloadError::new("a weight is no number", w))
                })
                .collect()
        })
        .transpose()?;
    let coverage = number(rule, "coverage")?.unwrap_or(1.0);
    let namespace = match list(rule, "namespace")? {
        Some([Value::Text(name), Value::Number(low), Value::Number(high), ..])
            if rule.get("filters").is_none_or(|f| !f.truthy()) =>
        {
            Some((Hasher::new(&format!("__{name}"), 1.0), [*low, *high]))
        }
        Some([Value::Text(_), Value::Number(_), Value::Number(_), ..]) | None => None,
        Some(_) => return Err(PayloadError::new("a namespace is not a name and two numbers", rule)),
    };
    let mut experiment: Vec<(Box<str>, Value)> = vec![
        ("variations".into(), Value::List(variations.to_vec())),
        ("key".into(), Value::text(key)),
    ];
    for name in [
        "coverage",
        "weights",
        "hashAttribute",
        "fallbackAttribute",
        "disableStickyBucketing",
        "bucketVersion",
        "minBucketVersion",
        "namespace",
        "meta",
        "ranges",
        "name",
        "phase",
        "seed",
        "hashVersion",
        "filters",
        "condition",
    ] {
        let always = matches!(name, "coverage" | "bucketVersion" | "minBucketVersion");
        if let Some(value) = rule.get(name).filter(|v| always || v.truthy()) {
            experiment.push((name.into(), value.clone()));
        }
    }
    Ok(Split {
        key: key.into(),
        hasher: Hasher::new(text(rule, "seed")?.unwrap_or(key), version(rule, 1.0)?),
        ranges: ranges(rule, "ranges")?
            .unwrap_or_else(|| bucket_ranges(variations.len(), coverage, weights.as_deref())),
        namespace,
        bucket_version: number(rule, "bucketVersion")?.unwrap_or(0.0),
        min_bucket_version: number(rule, "minBucketVersion")?.unwrap_or(0.0),
        by,
        arms,
        experiment: Value::Map(experiment),
    })
}
