//! What an experiment says of its metrics' measurement: how each is used, its trigger.

use crate::decode::{Decoder, MapReader, Target};
use crate::project::{Kind, Reference};
use crate::semantic::measured::{cuped, metric_use};
use crate::yaml::{Node, Value};
use crate::{MetricUse, Trigger};

/// A metric in the experiment's list: its name, or a map with the name and what is said anew.
pub(super) fn metric(decoder: &Decoder, node: &Node, user: &str) -> Option<(String, MetricUse)> {
    if !matches!(node.value, Value::Map(_)) {
        let name = decoder.text(node, "a metric")?;
        let target = Target::Definition(Reference::new(Kind::Metric, name.as_str()));
        decoder.mention(target, node.place, user);
        return Some((name, MetricUse::default()));
    }
    let mut map = decoder.map(node, "a metric")?;
    map.rename(user.to_owned());
    let name = map.required_name_of("metric", Kind::Metric);
    map.rename(format!("the metric `{name}`"));
    let used = use_of(&mut map);
    map.finish();
    (!name.is_empty()).then_some((name, used))
}

/// What a map says anew of a metric's measurement.
pub(super) fn use_of(map: &mut MapReader<'_>) -> MetricUse {
    MetricUse {
        cuped_days: cuped(map),
        ..metric_use(map)
    }
}

/// `trigger: {dataset, unit, time, filter}` or `{metric}`. The unit's column is named as the exposures' by default.
pub(super) fn trigger(map: &mut MapReader<'_>, unit: &str) -> Option<Trigger> {
    let mut inner = map.map("trigger")?;
    inner.rename(format!("`trigger` of {}", map.what()));
    let by_rows = ["dataset", "unit", "time", "filter"];
    inner.ignore(&by_rows);
    inner.ignore(&["metric"]);
    let found = if inner.has("metric") {
        if let Some(key) = by_rows.iter().find(|k| inner.has(k)) {
            inner.error(
                "bad-value",
                key,
                format!("`metric` says where the trigger is read: leave out `{key}`"),
            );
        }
        let metric = inner.required_name_of("metric", Kind::Metric);
        (!metric.is_empty()).then_some(Trigger::Metric { metric })
    } else {
        let dataset = inner.required_name_of("dataset", Kind::Dataset);
        let time = inner.required_text("time");
        let unit = inner.text("unit").unwrap_or_else(|| unit.to_owned());
        for (key, column) in [("unit", &unit), ("time", &time)] {
            if !column.is_empty() && inner.has(key) {
                let (dataset, column) = (dataset.clone(), column.clone());
                inner.mention(key, Target::Column { dataset, column });
            }
        }
        let filter = inner.text("filter").filter(|f| !f.trim().is_empty());
        (!dataset.is_empty() && !time.is_empty()).then_some(Trigger::Rows {
            dataset,
            unit,
            time,
            filter,
        })
    };
    inner.finish();
    found
}
