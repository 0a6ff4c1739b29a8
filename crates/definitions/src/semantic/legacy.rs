//! The legacy dialect: `semantic_models:` and `metrics:` with `type_params`.

use super::common::{
    AGGREGATIONS, ENTITY_TYPES, config, expression, filter, grain, meta, name, not_followed, reference, window, word,
};
use super::{Collector, inputs};
use crate::decode::MapReader;
use crate::{Dimension, Entity, EntityType, Measure, MeasureInput, Metric, MetricShape, NonAdditive, SemanticModel};

/// One of `semantic_models:`.
pub(super) fn semantic_model(found: &mut Collector<'_>, mut map: MapReader<'_>) {
    let name = name(&mut map);
    map.rename(format!("semantic model `{name}`"));
    let dataset = map.required_text("model");
    let dataset = reference(&dataset).unwrap_or_else(|| {
        if !dataset.is_empty() {
            map.error(
                "bad-value",
                "model",
                format!("`model` of semantic model `{name}` is `{dataset}`; write ref('DATASET')"),
            );
        }
        String::new()
    });
    let settings = config(&mut map);
    let time_dimension = map.map("defaults").and_then(|mut defaults| {
        let time = defaults.text("agg_time_dimension");
        defaults.finish();
        time
    });
    let (description, label) = (map.text("description"), map.text("label"));
    let entities: Vec<Entity> = map.maps("entities").into_iter().filter_map(entity).collect();
    let dimensions = map.maps("dimensions").into_iter().filter_map(dimension).collect();
    primary_entity(&mut map, &entities);
    let mut measures = Vec::new();
    for item in map.maps("measures") {
        if let Some((measure, metric)) = measure(found, item) {
            measures.push(measure);
            if settings.enabled {
                found.metrics.extend(metric);
            }
        }
    }
    let meta = meta(&mut map, found.settings, &name, description, label, &settings);
    map.finish();
    if settings.enabled {
        found.models.push(SemanticModel {
            meta,
            dataset,
            time_dimension,
            entities,
            dimensions,
            measures,
        });
    }
}

/// `primary_entity` names an entity of the table; dbt also lets it stand for none, which nothing can be joined to.
pub(super) fn primary_entity(map: &mut MapReader<'_>, entities: &[Entity]) {
    let Some(primary) = map.text("primary_entity") else {
        return;
    };
    if !entities.iter().any(|e| e.name == primary) {
        let message = format!(
            "`primary_entity` of {} is `{primary}`, which no column holds",
            map.what()
        );
        let problem = crate::Diagnostic::warning("not-followed", map.value_span("primary_entity"), message);
        map.decoder()
            .report(problem.hint(format!("filter by the bare name of a dimension, without `{primary}__`")));
    }
}

fn entity(mut map: MapReader<'_>) -> Option<Entity> {
    let name = name(&mut map);
    map.rename(format!("entity `{name}`"));
    let found = Entity {
        entity_type: word(&mut map, "type", &ENTITY_TYPES).unwrap_or_else(|| {
            map.required("type");
            EntityType::Foreign
        }),
        expr: expression(&mut map, "expr").unwrap_or_else(|| name.clone()),
        span: map.span(),
        name,
    };
    map.ignore(&["description", "label", "role", "entity", "config", "meta", "metadata"]);
    map.finish();
    (!found.name.is_empty()).then_some(found)
}

fn dimension(mut map: MapReader<'_>) -> Option<Dimension> {
    let name = name(&mut map);
    map.rename(format!("dimension `{name}`"));
    let time = dimension_type(&mut map);
    let mut time_granularity = None;
    if let Some(mut params) = map.map("type_params") {
        time_granularity = grain(&mut params, "time_granularity");
        if time && !params.has("time_granularity") {
            params.required("time_granularity");
        }
        validity(&mut params);
        params.finish();
    } else if time {
        map.required("type_params");
    }
    if !time && time_granularity.is_some() {
        map.error(
            "bad-value",
            "type_params",
            format!("dimension `{name}` is categorical and has a time granularity"),
        );
    }
    let found = Dimension {
        time_granularity: time.then(|| time_granularity.unwrap_or_else(|| "day".to_owned())),
        expr: expression(&mut map, "expr").unwrap_or_else(|| name.clone()),
        label: map.text("label"),
        span: map.span(),
        name,
    };
    map.ignore(&["description", "is_partition", "config", "meta", "metadata"]);
    map.finish();
    (!found.name.is_empty()).then_some(found)
}

/// Whether it is a time dimension.
pub(super) fn dimension_type(map: &mut MapReader<'_>) -> bool {
    map.required("type");
    word(map, "type", &[("categorical", false), ("time", true)]).unwrap_or(false)
}

/// A table with several rows per key would repeat facts in every join.
pub(super) fn validity(map: &mut MapReader<'_>) {
    if map.get("validity_params").is_some() {
        map.error(
            "unsupported",
            "validity_params",
            format!(
                "{} has `validity_params`: tables with several versions of a row cannot be joined",
                map.what()
            ),
        );
    }
}

fn measure(found: &Collector<'_>, mut map: MapReader<'_>) -> Option<(Measure, Option<Metric>)> {
    let name = name(&mut map);
    map.rename(format!("measure `{name}`"));
    map.required("agg");
    let aggregation = word(&mut map, "agg", &AGGREGATIONS)?;
    let mut percentile = None;
    if let Some(mut params) = map.map("agg_params") {
        percentile = params.number("percentile");
        params.ignore(&["use_discrete_percentile", "use_approximate_percentile"]);
        params.finish();
    }
    check_percentile(&map, aggregation, percentile, "agg_params");
    let measure = Measure {
        aggregation,
        percentile,
        expr: expression(&mut map, "expr").unwrap_or_else(|| name.clone()),
        time_dimension: map.text("agg_time_dimension"),
        non_additive: map.map("non_additive_dimension").map(|mut non_additive| {
            let read = NonAdditive {
                dimension: non_additive.required_text("name"),
                window_choice: word(&mut non_additive, "window_choice", &[("min", "min"), ("max", "max")])
                    .unwrap_or("min")
                    .to_owned(),
                window_groupings: non_additive.texts("window_groupings"),
            };
            non_additive.finish();
            read
        }),
        label: map.text("label"),
        span: map.span(),
        name: name.clone(),
    };
    let settings = config(&mut map);
    let create = map.boolean("create_metric").unwrap_or(false);
    let title = map.text("create_metric_display_name").or_else(|| measure.label.clone());
    let description = map.text("description");
    let metric = create.then(|| Metric {
        meta: meta(&mut map, found.settings, &name, description, title, &settings),
        shape: MetricShape::Simple {
            measure: MeasureInput {
                name: name.clone(),
                ..MeasureInput::default()
            },
        },
        filter: None,
        experiment: settings.experiment,
        unit: settings.unit,
    });
    map.finish();
    (!measure.name.is_empty()).then_some((measure, metric))
}

/// A percentile aggregation needs one in (0, 1); others have none.
pub(super) fn check_percentile(
    map: &MapReader<'_>,
    aggregation: crate::Aggregation,
    percentile: Option<f64>,
    key: &str,
) {
    let wanted = aggregation == crate::Aggregation::Percentile;
    match percentile {
        Some(p) if wanted && p > 0.0 && p < 1.0 => {}
        None if !wanted => {}
        Some(p) if wanted => map.error(
            "bad-value",
            key,
            format!("the percentile {p} of {} lies outside (0, 1)", map.what()),
        ),
        Some(_) => map.error(
            "bad-value",
            key,
            format!("{} has a percentile, but does not aggregate by one", map.what()),
        ),
        None => map.error(
            "missing-key",
            key,
            format!("{} aggregates by percentile and names none", map.what()),
        ),
    }
}

/// One of `metrics:` that has `type_params`.
pub(super) fn metric(found: &mut Collector<'_>, mut map: MapReader<'_>) {
    let name = name(&mut map);
    map.rename(format!("metric `{name}`"));
    map.required("type");
    let kind = word(&mut map, "type", &super::common::METRIC_TYPES);
    let settings = config(&mut map);
    let (description, label) = (map.text("description"), map.text("label"));
    let filter = filter(&mut map);
    map.ignore(&["time_granularity", "metadata"]);
    let shape = map.map("type_params").and_then(|params| match kind {
        Some(kind) => shape(params, kind, &name),
        None => None,
    });
    let meta = meta(&mut map, found.settings, &name, description, label, &settings);
    map.finish();
    if let Some(shape) = shape
        && settings.enabled
    {
        found.metrics.push(Metric {
            meta,
            shape,
            filter,
            experiment: settings.experiment,
            unit: settings.unit,
        });
    }
}

fn shape(mut params: MapReader<'_>, kind: &str, metric: &str) -> Option<MetricShape> {
    params.rename(format!("`type_params` of the {kind} metric `{metric}`"));
    params.ignore(&["is_private", "input_measures"]);
    let shape = match kind {
        "simple" => {
            let mut measure = inputs::required_measure(&mut params, "measure");
            measure.fill_nulls_with = measure.fill_nulls_with.or(params.number("fill_nulls_with"));
            measure.join_to_timespine |= params.boolean("join_to_timespine").unwrap_or(false);
            params.ignore(&["expr"]);
            MetricShape::Simple { measure }
        }
        "ratio" => MetricShape::Ratio {
            numerator: inputs::required_metric(&mut params, "numerator"),
            denominator: inputs::required_metric(&mut params, "denominator"),
        },
        "derived" => {
            params.required("expr");
            MetricShape::Derived {
                expr: expression(&mut params, "expr").unwrap_or_default(),
                inputs: inputs::metrics(&mut params, "metrics"),
            }
        }
        "cumulative" => cumulative(&mut params),
        _ => {
            let mut conversion = params.required("conversion_type_params").and_then(|node| {
                let what = format!("`conversion_type_params` of metric `{metric}`");
                params.decoder().map(node, &what)
            })?;
            let shape = MetricShape::Conversion {
                entity: conversion.required_text("entity"),
                base: inputs::required_measure(&mut conversion, "base_measure"),
                conversion: inputs::required_measure(&mut conversion, "conversion_measure"),
                window: window(&mut conversion, "window"),
                calculation: calculation(&mut conversion),
                constant_properties: inputs::constant_properties(&mut conversion),
            };
            conversion.finish();
            shape
        }
    };
    params.finish();
    Some(shape)
}

/// `conversion_rate` unless `conversions` is asked for.
pub(super) fn calculation(map: &mut MapReader<'_>) -> String {
    let words = [("conversion_rate", "conversion_rate"), ("conversions", "conversions")];
    word(map, "calculation", &words).unwrap_or("conversion_rate").to_owned()
}

fn cumulative(params: &mut MapReader<'_>) -> MetricShape {
    let measure = inputs::required_measure(params, "measure");
    let (mut span, mut since) = (window(params, "window"), grain(params, "grain_to_date"));
    if let Some(mut inner) = params.map("cumulative_type_params") {
        span = window(&mut inner, "window").or(span);
        since = grain(&mut inner, "grain_to_date").or(since);
        not_followed(&mut inner, "period_agg", PERIOD_AGG);
        inner.finish();
    }
    both(params, &span, &since);
    MetricShape::Cumulative {
        measure,
        window: span,
        grain_to_date: since,
    }
}

/// Why `period_agg` changes nothing.
pub(super) const PERIOD_AGG: &str = "a period shows the value at its end";

/// A trailing window and a start of a grain exclude each other.
pub(super) fn both(map: &MapReader<'_>, window: &Option<crate::TimeWindow>, since: &Option<String>) {
    if window.is_some() && since.is_some() {
        let key = if map.has("window") {
            "window"
        } else {
            "cumulative_type_params"
        };
        map.error(
            "bad-value",
            key,
            format!("{} has both `window` and `grain_to_date`; keep one", map.what()),
        );
    }
}
