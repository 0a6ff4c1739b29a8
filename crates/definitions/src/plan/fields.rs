//! Two definitions as JSON, field by field.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::FieldChange;

/// JSON of a definition without what formatting and moving change.
pub(super) fn bare<T: Serialize>(definition: &T) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.remove("span");
                map.remove("digest");
                map.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(definition).unwrap_or(Value::Null);
    strip(&mut value);
    value
}

/// Fields that differ; lists of named things are compared by name.
pub(super) fn differences(before: Option<&Value>, after: Option<&Value>) -> Vec<FieldChange> {
    let mut all = Vec::new();
    compare(String::new(), before, after, &mut all);
    all
}

fn compare(path: String, before: Option<&Value>, after: Option<&Value>, out: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    let members = match (before, after) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => Some((
            a.iter().map(|(k, v)| (k.as_str(), v)).collect::<BTreeMap<_, _>>(),
            b.iter().map(|(k, v)| (k.as_str(), v)).collect::<BTreeMap<_, _>>(),
        )),
        (Some(Value::Array(a)), Some(Value::Array(b))) => named(a).zip(named(b)),
        _ => None,
    };
    let given = |v: Option<&Value>| v.filter(|v| !v.is_null()).cloned();
    let Some((a, b)) = members else {
        out.push(FieldChange {
            path: path.strip_prefix("meta.").map(str::to_owned).unwrap_or(path),
            before: given(before),
            after: given(after),
        });
        return;
    };
    let found = out.len();
    for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
        let below = if path.is_empty() {
            (*key).to_owned()
        } else {
            format!("{path}.{key}")
        };
        compare(below, a.get(key).copied(), b.get(key).copied(), out);
    }
    if out.len() == found {
        // The same members in another order.
        let order = |m: Option<&Value>| {
            let names = m?.as_array()?.iter().filter_map(|v| v.get("name").cloned()).collect();
            Some(Value::Array(names))
        };
        out.push(FieldChange {
            path: format!("{path} (order)"),
            before: order(before),
            after: order(after),
        });
    }
}

/// Members of a list by their name, if each has its own.
fn named(list: &[Value]) -> Option<BTreeMap<&str, &Value>> {
    let all: BTreeMap<&str, &Value> = list
        .iter()
        .filter_map(|v| Some((v.get("name")?.as_str()?, v)))
        .collect();
    (all.len() == list.len()).then_some(all)
}
