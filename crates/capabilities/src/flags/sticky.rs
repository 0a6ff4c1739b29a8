//! Sticky buckets: units keep the variant that they were given, whatever happens to weights.

use std::collections::BTreeMap;

use super::value::Value;

/// Assignments by experiment and bucket version (`checkout__0`), in the order in which they were made.
pub type Assignments = Vec<(Box<str>, Box<str>)>;

/// The assignments of a context's units, by attribute and value (`id||u1`).
#[derive(Clone, Debug, Default)]
pub struct Sticky {
    docs: BTreeMap<String, Assignments>,
    changed: Vec<String>,
}

fn doc_key(attribute: &str, value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{attribute}||{text}"),
        other => format!("{attribute}||{}", other.to_json()),
    }
}

fn experiment_key(experiment: &str, version: f64) -> String {
    format!("{experiment}__{}", super::value::number_text(version))
}

impl Sticky {
    /// From documents as the SDKs keep them: `{"id||u1": {attributeName, attributeValue, assignments: {…}}}`.
    pub fn from_docs(docs: &Value) -> Sticky {
        let mut sticky = Sticky::default();
        for (key, doc) in docs.entries() {
            let given = doc.get("assignments").map(Value::entries).unwrap_or_default();
            let all = given.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.into())));
            sticky.docs.insert(key.to_string(), all.collect());
        }
        sticky
    }

    /// Documents changed since, as the SDKs keep them, by key.
    pub fn changed(&self) -> Vec<(String, Value)> {
        let doc = |key: &String| {
            let (name, value) = key.split_once("||")?;
            let all = self
                .docs
                .get(key)?
                .iter()
                .map(|(k, v)| (k.clone(), Value::Text(v.clone())));
            let fields = [
                ("attributeName".into(), Value::text(name)),
                ("attributeValue".into(), Value::text(value)),
                ("assignments".into(), Value::map(all)),
            ];
            Some((key.clone(), Value::map(fields)))
        };
        self.changed.iter().filter_map(doc).collect()
    }

    /// What was assigned to any of the units under an experiment's key: the first unit's assignment wins.
    fn find(&self, units: &[Option<(&str, &Value)>], key: &str) -> Option<&str> {
        units.iter().flatten().find_map(|(attribute, value)| {
            let doc = self.docs.get(&doc_key(attribute, value))?;
            doc.iter().find(|(k, _)| **k == *key).map(|(_, v)| &**v)
        })
    }

    /// The name of the variant assigned before; `Err` if an older, blocked version had assigned any.
    pub(super) fn assigned(
        &self,
        units: &[Option<(&str, &Value)>],
        experiment: &str,
        version: f64,
        least: f64,
    ) -> Result<Option<&str>, ()> {
        let mut old = 0.0;
        while old < least {
            if self.find(units, &experiment_key(experiment, old)).is_some() {
                return Err(());
            }
            old += 1.0;
        }
        Ok(self.find(units, &experiment_key(experiment, version)))
    }

    /// Remembers an assignment.
    pub(super) fn assign(&mut self, attribute: &str, value: &Value, experiment: &str, version: f64, variant: &str) {
        let (doc, key) = (doc_key(attribute, value), experiment_key(experiment, version));
        let assignments = self.docs.entry(doc.clone()).or_default();
        match assignments.iter_mut().find(|(k, _)| **k == *key) {
            Some((_, old)) if **old == *variant => return,
            Some((_, old)) => *old = variant.into(),
            None => assignments.push((key.into(), variant.into())),
        }
        if !self.changed.contains(&doc) {
            self.changed.push(doc);
        }
    }
}
