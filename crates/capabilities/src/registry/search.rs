//! Searches of models and versions.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use steward_runs::grammar::{
    Attribute, Clause, Grammar, Kind, Op, Order, Value, fits_number, fits_text, parse_filter, parse_order,
};

use super::projection::Registered;
use super::types::{Model, PROMPT, Version, is_true};
use crate::CapabilityError;

const fn attribute(
    names: &'static [&'static str],
    numeric: bool,
    filtered: bool,
    lists: bool,
    ordered: bool,
) -> Attribute {
    Attribute {
        names,
        numeric,
        filtered,
        lists,
        ordered,
        stands_for: None,
    }
}

const ENTITIES: &[(&str, Kind)] = &[("attribute", Kind::Attribute), ("tag", Kind::Tag), ("tags", Kind::Tag)];

/// Models.
const MODELS: Grammar = Grammar {
    entities: ENTITIES,
    attributes: &[
        attribute(&["name"], false, true, true, true),
        attribute(&["last_updated_timestamp", "timestamp"], true, false, false, true),
    ],
    nullable: &[],
    tag_lists: false,
    patterns: false,
};

/// Versions.
const VERSIONS: Grammar = Grammar {
    entities: ENTITIES,
    attributes: &[
        attribute(&["name"], false, true, true, true),
        attribute(&["version_number"], true, true, false, true),
        attribute(&["run_id"], false, true, true, false),
        attribute(&["source_path"], false, true, false, false),
        attribute(&["creation_timestamp"], true, false, false, true),
        attribute(&["last_updated_timestamp"], true, false, false, true),
    ],
    nullable: &[],
    tag_lists: false,
    patterns: false,
};

/// A version with its model.
pub type Found = (Arc<Model>, Arc<Version>);

/// What is asked for: a filter, and prompts or what is none.
struct Asked {
    clauses: Vec<Clause>,
    prompts: bool,
}

impl Asked {
    fn read(grammar: &Grammar, filter: &str) -> Result<Asked, CapabilityError> {
        let mut clauses = parse_filter(grammar, filter)?;
        let about = |c: &Clause| c.kind == Kind::Tag && c.key == PROMPT;
        let says = |c: &Clause| match &c.value {
            Value::Text(text) => match c.op {
                Op::Eq => text.eq_ignore_ascii_case("true"),
                Op::Ne => text.eq_ignore_ascii_case("false"),
                _ => false,
            },
            _ => false,
        };
        let prompts = clauses.iter().find(|c| about(c)).is_some_and(says);
        if !prompts {
            // What is no prompt has no such tag that could be compared.
            clauses.retain(|c| !about(c));
        }
        Ok(Asked { clauses, prompts })
    }

    fn fits<'a>(
        &self,
        tags: &BTreeMap<String, String>,
        text: impl Fn(&str) -> &'a str,
        number: impl Fn(&str) -> f64,
    ) -> bool {
        self.clauses.iter().all(|clause| match (clause.kind, &clause.value) {
            (Kind::Tag, _) => fits_text(clause, tags.get(&clause.key).map(String::as_str)),
            (_, Value::Number(_)) => fits_number(clause, Some(number(&clause.key))),
            _ => fits_text(clause, Some(text(&clause.key))),
        })
    }
}

fn orders(grammar: &Grammar, given: &[&str]) -> Result<Vec<Order>, CapabilityError> {
    let mut seen = BTreeSet::new();
    let mut orders = Vec::new();
    for text in given {
        let order = parse_order(grammar, text).map_err(|e| unordered(grammar, e.into()))?;
        if order.kind != Kind::Attribute {
            return Err(CapabilityError::Invalid(format!(
                "Invalid order_by entity: {}",
                order.kind.name()
            )));
        }
        if !seen.insert(order.key.clone()) {
            return Err(CapabilityError::Invalid(format!(
                "`order_by` contains duplicate fields: {given:?}"
            )));
        }
        orders.push(order);
    }
    Ok(orders)
}

/// MLflow has its own words for what models cannot be ordered by.
fn unordered(grammar: &Grammar, e: CapabilityError) -> CapabilityError {
    let text = e.to_string();
    match text.strip_prefix("Invalid attribute key") {
        Some(rest) if grammar.attributes.len() == MODELS.attributes.len() => {
            CapabilityError::Invalid(format!("Invalid order by key{rest}"))
        }
        _ => e,
    }
}

fn directed(order: &Order, ordering: Ordering) -> Ordering {
    if order.ascending { ordering } else { ordering.reverse() }
}

impl Registered {
    /// Models that fit a filter, in an order; by name, where that leaves it open. Prompts only if the filter asks for them.
    pub fn search_models(&self, filter: &str, order_by: &[&str]) -> Result<Vec<Arc<Model>>, CapabilityError> {
        let asked = Asked::read(&MODELS, filter)?;
        let orders = orders(&MODELS, order_by)?;
        let fits =
            |m: &&Arc<Model>| (asked.prompts || !m.is_prompt()) && asked.fits(&m.tags, |_| m.name.as_str(), |_| 0.0);
        let mut found: Vec<Arc<Model>> = self.models.values().filter(fits).cloned().collect();
        found.sort_by(|a, b| {
            let by = orders.iter().map(|order| {
                directed(
                    order,
                    match order.key.as_str() {
                        "name" => a.name.cmp(&b.name),
                        _ => (a.updated_us / 1000).cmp(&(b.updated_us / 1000)),
                    },
                )
            });
            by.fold(Ordering::Equal, Ordering::then)
                .then_with(|| a.name.cmp(&b.name))
        });
        Ok(found)
    }

    /// Versions that fit a filter, in an order: the last changed first without one.
    pub fn search_versions(&self, filter: &str, order_by: &[&str]) -> Result<Vec<Found>, CapabilityError> {
        let asked = Asked::read(&VERSIONS, filter)?;
        let order_by = match order_by {
            [] => &["last_updated_timestamp DESC", "name ASC", "version_number DESC"],
            given => given,
        };
        let orders = orders(&VERSIONS, order_by)?;
        let is_prompt = |m: &Model| m.versions.values().any(|v| is_true(v.tags.get(PROMPT)));
        let mut found: Vec<Found> = Vec::new();
        for model in self.models.values().filter(|m| asked.prompts || !is_prompt(m)) {
            let fits = |v: &&Arc<Version>| {
                let text = |key: &str| match key {
                    "name" => model.name.as_str(),
                    "run_id" => v.run_id.as_deref().unwrap_or_default(),
                    _ => v.source.as_str(),
                };
                asked.fits(&v.tags, text, |_| v.version as f64)
            };
            found.extend(model.versions.values().filter(fits).map(|v| (model.clone(), v.clone())));
        }
        found.sort_by(|(am, a), (bm, b)| {
            let by = orders.iter().map(|order| {
                directed(
                    order,
                    match order.key.as_str() {
                        "name" => am.name.cmp(&bm.name),
                        "version_number" => a.version.cmp(&b.version),
                        "creation_timestamp" => (a.created_us / 1000).cmp(&(b.created_us / 1000)),
                        _ => (a.updated_us / 1000).cmp(&(b.updated_us / 1000)),
                    },
                )
            });
            let by = by.fold(Ordering::Equal, Ordering::then);
            by.then_with(|| am.name.cmp(&bm.name))
                .then_with(|| b.version.cmp(&a.version))
        });
        Ok(found)
    }
}
