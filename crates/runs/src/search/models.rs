//! Searching models.

use std::cmp::Ordering;

use super::Page;
use super::matching::{TextMatch, number_fits};
use crate::RunsError;
use crate::grammar::{Clause, Kind};
use crate::models::{Measure, Model};
use crate::store::RunStore;

/// A dataset that a measurement is looked for on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnDataset {
    /// Name, if it matters.
    pub name: Option<String>,
    /// Digest, if it matters.
    pub digest: Option<String>,
}

impl OnDataset {
    fn is_of(&self, measure: &Measure) -> bool {
        let (name, digest) = match &measure.dataset {
            Some((name, digest)) => (Some(name), Some(digest)),
            None => (None, None),
        };
        let same = |asked: &Option<String>, there: Option<&String>| asked.is_none() || asked.as_ref() == there;
        same(&self.name, name) && same(&self.digest, digest)
    }
}

/// What models are ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelOrder {
    /// An attribute of [`MODELS`](crate::grammar::MODELS).
    Attribute(String),
    /// The last measurement of a metric, possibly on a dataset.
    Metric(String, OnDataset),
}

/// A search of models that are not deleted.
#[derive(Clone, Debug)]
pub struct ModelSearch {
    /// In these groups.
    pub groups: Vec<i64>,
    /// That fit all of these.
    pub filter: Vec<Clause>,
    /// Measured on any of these datasets, if any are given.
    pub datasets: Vec<OnDataset>,
    /// In this order, smallest first where true; then newest first, then by id.
    pub orders: Vec<(ModelOrder, bool)>,
    /// Left out at the beginning.
    pub offset: usize,
    /// At most so many.
    pub limit: usize,
}

impl RunStore {
    /// Finds models.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn search_models(&self, search: ModelSearch) -> Result<Page<Model>, RunsError> {
        let mut models = self.models(&search.groups).await?;
        let asks: Vec<TextMatch<'_>> = search.filter.iter().map(TextMatch::new).collect();
        models.retain(|m| fits(m, &search, &asks));
        models.sort_by(|a, b| compare(a, b, &search.orders));
        let more = models.len() > search.offset.saturating_add(search.limit);
        let items = models.into_iter().skip(search.offset).take(search.limit).collect();
        Ok(Page { items, more })
    }
}

fn fits(model: &Model, search: &ModelSearch, asks: &[TextMatch<'_>]) -> bool {
    let on = |measure: &Measure| search.datasets.is_empty() || search.datasets.iter().any(|d| d.is_of(measure));
    let by_metric = search.filter.iter().any(|c| c.kind == Kind::Metric);
    let measured = by_metric || search.datasets.is_empty() || model.metrics.iter().any(on);
    measured
        && asks.iter().all(|ask| {
            let clause = ask.clause;
            match clause.kind {
                Kind::Metric => model
                    .metrics
                    .iter()
                    .any(|m| m.key == clause.key && number_fits(clause, m.at.0) && on(m)),
                Kind::Param => ask.holds(model.params.get(&clause.key).map(String::as_str)),
                Kind::Tag => ask.holds(model.tags.get(&clause.key).map(String::as_str)),
                _ => match attribute(model, &clause.key) {
                    Attribute::Number(number) => number_fits(clause, number as f64),
                    Attribute::Text(value) => ask.holds(value),
                },
            }
        })
}

enum Attribute<'a> {
    Number(i64),
    Text(Option<&'a str>),
}

fn attribute<'a>(model: &'a Model, key: &str) -> Attribute<'a> {
    match key {
        "creation_timestamp" => Attribute::Number(model.created_ms),
        "last_updated_timestamp" => Attribute::Number(model.updated_ms),
        "name" => Attribute::Text(Some(&model.name)),
        "model_type" => Attribute::Text(model.kind.as_deref()),
        "source_run_id" => Attribute::Text(model.run.as_deref()),
        "artifact_location" => Attribute::Text(Some(&model.artifacts)),
        "status" => Attribute::Text(Some(model.status.name())),
        _ => Attribute::Text(Some(&model.id)),
    }
}

fn compare(a: &Model, b: &Model, orders: &[(ModelOrder, bool)]) -> Ordering {
    let mut by_time = false;
    for (order, ascending) in orders {
        let turned = |by: Ordering| if *ascending { by } else { by.reverse() };
        let by = match order {
            ModelOrder::Attribute(key) => {
                by_time |= key == "creation_timestamp";
                match (attribute(a, key), attribute(b, key)) {
                    (Attribute::Number(a), Attribute::Number(b)) => turned(a.cmp(&b)),
                    (Attribute::Text(Some(a)), Attribute::Text(Some(b))) => turned(a.cmp(b)),
                    (Attribute::Text(a), Attribute::Text(b)) => a.is_none().cmp(&b.is_none()),
                    _ => Ordering::Equal,
                }
            }
            ModelOrder::Metric(key, on) => match (last(a, key, on), last(b, key, on)) {
                (Some(a), Some(b)) => turned(a.total_cmp(&b)),
                (a, b) => a.is_none().cmp(&b.is_none()),
            },
        };
        if by.is_ne() {
            return by;
        }
    }
    let newest = if by_time {
        Ordering::Equal
    } else {
        b.created_ms.cmp(&a.created_ms)
    };
    newest.then_with(|| a.id.cmp(&b.id))
}

/// The last measurement of a metric: by time, then step.
fn last(model: &Model, key: &str, on: &OnDataset) -> Option<f64> {
    let of = model.metrics.iter().filter(|m| m.key == key && on.is_of(m));
    of.max_by(|a, b| (a.at.2, a.at.1).cmp(&(b.at.2, b.at.1)).then_with(|| b.run.cmp(&a.run)))
        .map(|m| m.at.0)
}
