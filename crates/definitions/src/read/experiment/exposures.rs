//! `exposures` of an experiment: a dataset, or those that Steward collects.

use crate::decode::{MapReader, Target};
use crate::project::Kind;
use crate::yaml::Value;
use crate::{COLLECTED, Exposures};

/// Reads them; left out, they stay empty until it is known whether a flag drives the experiment.
pub(super) fn read(map: &mut MapReader<'_>, experiment: &str) -> Exposures {
    let Some(node) = map.get("exposures") else {
        return Exposures::default();
    };
    let span = map.value_span("exposures");
    if matches!(&node.value, Value::Str(word) if word.trim() == "collected") {
        return crate::collected::exposures(experiment, String::new(), None, span);
    }
    let Some(mut inner) = map.map("exposures") else {
        return Exposures {
            span,
            ..Default::default()
        };
    };
    inner.rename(format!("`exposures` of {}", map.what()));
    let collected = node.get("dataset").and_then(|d| d.as_str()) == Some(COLLECTED);
    let exposures = if collected {
        inner.ignore(&["dataset"]);
        for (key, own) in [("unit", "unit"), ("variant", "variant"), ("time", "ts")] {
            if inner.text(key).is_some_and(|given| given != own) {
                inner.error(
                    "bad-value",
                    key,
                    format!("`{key}` of collected exposures is the column `{own}`; leave it out"),
                );
            }
        }
        let (entity, filter) = (inner.text("entity").unwrap_or_default(), inner.text("filter"));
        crate::collected::exposures(experiment, entity, filter, inner.span())
    } else {
        elsewhere(&mut inner)
    };
    inner.finish();
    exposures
}

/// Exposures in a dataset of the project.
fn elsewhere(inner: &mut MapReader<'_>) -> Exposures {
    let exposures = Exposures {
        dataset: inner.required_name_of("dataset", Kind::Dataset),
        unit: inner.required_text("unit"),
        // Left empty, the cross-checks put in the entity whose key the unit's column is.
        entity: inner.text("entity").unwrap_or_default(),
        variant: inner.required_text("variant"),
        time: inner.text("time"),
        filter: inner.text("filter"),
        span: inner.span(),
    };
    for (key, column) in [
        ("unit", Some(&exposures.unit)),
        ("variant", Some(&exposures.variant)),
        ("time", exposures.time.as_ref()),
    ] {
        // `*` is no column: each row is a unit.
        if let Some(column) = column.filter(|c| !c.is_empty() && (key != "unit" || *c != "*")) {
            inner.mention(
                key,
                Target::Column {
                    dataset: exposures.dataset.clone(),
                    column: column.clone(),
                },
            );
        }
    }
    exposures
}
