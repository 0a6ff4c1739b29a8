//! What applying the folder would change, and what would break.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use steward_definitions::{Column, Dataset, Project};

use super::lineage;
use super::types::{Break, Change, FieldChange, PlanView};

/// Digest over all definitions and the settings.
pub fn digest(project: &Project) -> String {
    let mut all: BTreeMap<String, Value> = lineage::metas(project)
        .into_iter()
        .map(|(r, m)| (r, Value::from(m.digest.clone())))
        .collect();
    all.insert("settings".into(), bare(&project.settings));
    steward_ledger::canonical::digest(steward_ledger::canonical::text(&Value::from_iter(all)).as_bytes())
}

/// Compares what is in force with what the folder says.
pub fn compare(before: Option<&Project>, after: &Project) -> PlanView {
    let nothing = Project::default();
    let old = before.unwrap_or(&nothing);
    let (was, is) = (definitions(old), definitions(after));
    let (old_metas, new_metas) = (lineage::metas(old), lineage::metas(after));
    let mut changes = Vec::new();
    for reference in was.keys().chain(is.keys()).collect::<BTreeSet<_>>() {
        let meta = new_metas.get(reference).or(old_metas.get(reference));
        let owner = meta.map(|m| m.owner.clone()).unwrap_or_default();
        let change = |action: &str, fields, breaking| Change {
            reference: reference.clone(),
            action: action.into(),
            fields,
            breaking,
            owner: owner.clone(),
        };
        match (was.get(reference), is.get(reference)) {
            (None, Some(_)) => changes.push(change("added", Vec::new(), Vec::new())),
            (Some(_), None) => changes.push(change("removed", Vec::new(), vec!["it is removed".into()])),
            (Some(a), Some(b)) => {
                let same = old_metas.get(reference).map(|m| &m.digest) == new_metas.get(reference).map(|m| &m.digest);
                if same {
                    continue;
                }
                let mut fields = Vec::new();
                differences("", Some(a), Some(b), &mut fields);
                let name = reference.split_once('/').map_or("", |(_, n)| n);
                let breaking = match (old.datasets.get(name), after.datasets.get(name)) {
                    (Some(a), Some(b)) if reference.starts_with("dataset/") => dataset_breaks(a, b),
                    _ => Vec::new(),
                };
                changes.push(change("changed", fields, breaking));
            }
            (None, None) => {}
        }
    }
    let (a, b) = (bare(&old.settings), bare(&after.settings));
    if before.is_some() && a != b {
        let mut fields = Vec::new();
        differences("", Some(&a), Some(&b), &mut fields);
        let owner = after.settings.owner.clone().unwrap_or_default();
        changes.push(Change {
            reference: "settings/steward.yaml".into(),
            action: "changed".into(),
            fields,
            breaking: Vec::new(),
            owner,
        });
    }
    let breaks = breaks(old, after, &changes);
    PlanView {
        first: before.is_none(),
        empty: before.is_some() && changes.is_empty(),
        changes,
        breaks,
        applied_at_us: None,
        applied_by: None,
    }
}

/// What stands downstream of breaking changes and is still defined, with the way there.
fn breaks(old: &Project, new: &Project, changes: &[Change]) -> Vec<Break> {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for edge in lineage::edges(old).into_iter().chain(lineage::edges(new)) {
        uses.entry(edge.from).or_default().insert(edge.to);
    }
    let still = lineage::metas(new);
    let mut all: BTreeMap<(String, String), Break> = BTreeMap::new();
    for change in changes.iter().filter(|c| !c.breaking.is_empty()) {
        let mut seen = BTreeSet::from([change.reference.clone()]);
        let mut ways = vec![vec![change.reference.clone()]];
        while let Some(way) = ways.pop() {
            let Some(at) = way.last() else { continue };
            for next in uses.get(at).into_iter().flatten() {
                if !seen.insert(next.clone()) {
                    continue;
                }
                let mut path = way.clone();
                path.push(next.clone());
                if let Some(meta) = still.get(next) {
                    let b = Break {
                        reference: next.clone(),
                        owner: meta.owner.clone(),
                        because: format!("{}: {}", change.reference, change.breaking.join(", ")),
                        path: path.clone(),
                    };
                    all.insert((next.clone(), change.reference.clone()), b);
                }
                ways.insert(0, path);
            }
        }
    }
    all.into_values().collect()
}

/// Why a dataset's change breaks those who read it.
fn dataset_breaks(old: &Dataset, new: &Dataset) -> Vec<String> {
    let mut all = Vec::new();
    for column in &old.columns {
        let Some(now) = new.columns.iter().find(|c| c.name == column.name) else {
            all.push(format!("column {} is removed", column.name));
            continue;
        };
        if narrows(column, now) {
            all.push(format!(
                "column {} turns from {} to {}",
                column.name, column.logical_type, now.logical_type
            ));
        }
        if column.required && !now.required {
            all.push(format!("column {} may now be null", column.name));
        }
        if column.description != now.description && column.description.is_some() {
            all.push(format!("the meaning of column {} changes", column.name));
        }
    }
    all
}

/// A type that does not hold every value of the old one.
fn narrows(old: &Column, new: &Column) -> bool {
    let widened = matches!(
        (old.logical_type.as_str(), new.logical_type.as_str()),
        ("integer", "number") | ("date", "timestamp")
    );
    old.logical_type != new.logical_type && !widened
}

/// Every definition by reference, as JSON without places and digests.
fn definitions(project: &Project) -> BTreeMap<String, Value> {
    fn put<T: Serialize>(all: &mut BTreeMap<String, Value>, kind: &str, map: &BTreeMap<String, T>) {
        all.extend(map.iter().map(|(name, d)| (format!("{kind}/{name}"), bare(d))));
    }
    let mut all = BTreeMap::new();
    put(&mut all, "dataset", &project.datasets);
    put(&mut all, "semantic_model", &project.semantic_models);
    put(&mut all, "metric", &project.metrics);
    put(&mut all, "experiment", &project.experiments);
    put(&mut all, "objective", &project.objectives);
    put(&mut all, "initiative", &project.initiatives);
    put(&mut all, "bet", &project.bets);
    put(&mut all, "report", &project.reports);
    all
}

/// JSON of a definition without what a reformatting changes.
fn bare<T: Serialize>(definition: &T) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.remove("span");
                map.remove("digest");
                map.values_mut().for_each(strip);
            }
            Value::Array(all) => all.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(definition).unwrap_or(Value::Null);
    strip(&mut value);
    value
}

/// Members of a JSON object, or of a list by name.
type Members<'a> = BTreeMap<String, &'a Value>;

/// Fields that differ. Lists of named things are compared by name.
fn differences(path: &str, before: Option<&Value>, after: Option<&Value>, out: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    let below = |key: &str| {
        if path.is_empty() {
            key.to_string()
        } else {
            format!("{path}.{key}")
        }
    };
    let maps = match (before, after) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => Some((
            a.iter().map(|(k, v)| (k.clone(), v)).collect(),
            b.iter().map(|(k, v)| (k.clone(), v)).collect(),
        )),
        (Some(a), Some(b)) => named(a).zip(named(b)),
        _ => None,
    };
    let Some((a, b)): Option<(Members, Members)> = maps else {
        let known = |v: Option<&Value>| v.filter(|v| !v.is_null()).cloned();
        out.push(FieldChange {
            field: path.to_string(),
            before: known(before),
            after: known(after),
        });
        return;
    };
    for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
        differences(&below(key), a.get(key).copied(), b.get(key).copied(), out);
    }
    // The same members in another order.
    if out.is_empty() && path.is_empty() {
        out.push(FieldChange {
            field: "order".into(),
            before: None,
            after: None,
        });
    }
}

/// Members of a list by their name, if each has its own.
fn named(value: &Value) -> Option<BTreeMap<String, &Value>> {
    let list = value.as_array()?;
    let all: BTreeMap<String, &Value> = list
        .iter()
        .filter_map(|v| Some((v.get("name")?.as_str()?.to_string(), v)))
        .collect();
    (all.len() == list.len() && !list.is_empty()).then_some(all)
}
