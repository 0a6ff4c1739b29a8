//! How metrics name measures and metrics: by name alone, or as a map with conditions.

use super::common::{filter, window};
use crate::decode::{Decoder, MapReader};
use crate::yaml::{Node, Value};
use crate::{MeasureInput, MetricInput};

/// A measure, under a key that must be there; an empty name if it was reported.
pub(super) fn required_measure(map: &mut MapReader<'_>, key: &str) -> MeasureInput {
    let what = format!("`{key}` of {}", map.what());
    match map.required(key) {
        Some(node) => measure(map.decoder(), node, &what),
        None => MeasureInput::default(),
    }
}

pub(super) fn measure(decoder: &Decoder, node: &Node, what: &str) -> MeasureInput {
    if !matches!(node.value, Value::Map(_)) {
        return MeasureInput {
            name: decoder.text(node, what).unwrap_or_default(),
            ..MeasureInput::default()
        };
    }
    let Some(mut map) = decoder.map(node, what) else {
        return MeasureInput::default();
    };
    let input = MeasureInput {
        name: map.required_text("name"),
        filter: filter(&mut map),
        fill_nulls_with: map.number("fill_nulls_with"),
        join_to_timespine: map.boolean("join_to_timespine").unwrap_or(false),
    };
    map.ignore(&["alias"]);
    map.finish();
    input
}

/// A metric, under a key that must be there; an empty name if it was reported.
pub(super) fn required_metric(map: &mut MapReader<'_>, key: &str) -> MetricInput {
    let what = format!("`{key}` of {}", map.what());
    match map.required(key) {
        Some(node) => metric(map.decoder(), node, &what),
        None => MetricInput::default(),
    }
}

/// Metrics in a list that must be there.
pub(super) fn metrics(map: &mut MapReader<'_>, key: &str) -> Vec<MetricInput> {
    let what = format!("an item of `{key}` of {}", map.what());
    if map.required(key).is_none() {
        return Vec::new();
    }
    let decoder = map.decoder();
    map.list(key).iter().map(|node| metric(decoder, node, &what)).collect()
}

fn metric(decoder: &Decoder, node: &Node, what: &str) -> MetricInput {
    if !matches!(node.value, Value::Map(_)) {
        return MetricInput {
            name: decoder.text(node, what).unwrap_or_default(),
            ..MetricInput::default()
        };
    }
    let Some(mut map) = decoder.map(node, what) else {
        return MetricInput::default();
    };
    let input = MetricInput {
        name: map.required_text("name"),
        alias: map.text("alias"),
        filter: filter(&mut map),
        offset_window: window(&mut map, "offset_window"),
        offset_to_grain: super::common::grain(&mut map, "offset_to_grain"),
    };
    if input.offset_window.is_some() && input.offset_to_grain.is_some() {
        map.error(
            "bad-value",
            "offset_to_grain",
            format!("{what} has both `offset_window` and `offset_to_grain`"),
        );
    }
    map.finish();
    input
}

/// A metric input where a measure is meant (latest dialect): the name is a metric's, resolved later.
pub(super) fn metric_as_measure(map: &mut MapReader<'_>, key: &str) -> MeasureInput {
    let input = required_metric(map, key);
    if input.offset_window.is_some() || input.offset_to_grain.is_some() {
        map.error("bad-value", key, format!("`{key}` of {} cannot be offset", map.what()));
    }
    MeasureInput {
        name: if input.name.is_empty() {
            String::new()
        } else {
            format!("{}{}", super::BY_METRIC, input.name)
        },
        filter: input.filter,
        ..MeasureInput::default()
    }
}

/// Pairs of properties that base and conversion events must share.
pub(super) fn constant_properties(map: &mut MapReader<'_>) -> Vec<(String, String)> {
    map.maps("constant_properties")
        .into_iter()
        .map(|mut pair| {
            let found = (
                pair.required_text("base_property"),
                pair.required_text("conversion_property"),
            );
            pair.finish();
            found
        })
        .collect()
}
