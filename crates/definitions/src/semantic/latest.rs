//! The latest dialect: models with columns that are entities or dimensions, and metrics that aggregate by themselves.

use super::common::{
    AGGREGATIONS, ENTITY_TYPES, METRIC_TYPES, config, expression, filter, grain, meta, name, not_followed, window,
    word, word_of,
};
use super::legacy::{PERIOD_AGG, both, calculation, check_percentile, dimension_type, primary_entity, validity};
use super::{Collector, inputs};
use crate::decode::MapReader;
use crate::yaml::Value;
use crate::{Dimension, Entity, EntityType, Measure, MeasureInput, Metric, MetricShape, NonAdditive, SemanticModel};

/// Keys of a model that are dbt's own business.
pub(crate) const MODEL_KEYS: [&str; 14] = [
    "docs",
    "latest_version",
    "deprecation_date",
    "access",
    "constraints",
    "data_tests",
    "tests",
    "versions",
    "time_spine",
    "data_type",
    "quote_columns",
    "contract",
    "group",
    "freshness",
];

/// Keys of a column that are dbt's own business.
pub(crate) const COLUMN_KEYS: [&str; 10] = [
    "meta",
    "data_type",
    "constraints",
    "docs",
    "config",
    "data_tests",
    "tests",
    "quote",
    "tags",
    "policy_tags",
];

/// One of `models:`; without `semantic_model` it is none.
pub(super) fn model(found: &mut Collector<'_>, mut map: MapReader<'_>) {
    let dataset = map.required_text("name");
    map.rename(format!("model `{dataset}`"));
    let mut settings = config(&mut map);
    let mut name = dataset.clone();
    let enabled = match map.get("semantic_model") {
        None => false,
        Some(node) if matches!(node.value, Value::Map(_)) => {
            let mut own = map.map("semantic_model");
            let mut enabled = true;
            if let Some(own) = &mut own {
                name = own.text("name").unwrap_or(name);
                enabled = own.boolean("enabled").unwrap_or(true);
                let inner = config(own);
                settings.owner = inner.owner.or(settings.owner);
                settings.tags.extend(inner.tags);
                own.ignore(&["group"]);
            }
            if let Some(own) = own {
                own.finish();
            }
            enabled
        }
        Some(node) => map.decoder().boolean(node, "`semantic_model`").unwrap_or(false),
    } && settings.enabled;
    let description = map.text("description");
    let mut read = SemanticModel {
        dataset,
        time_dimension: map.text("agg_time_dimension"),
        ..SemanticModel::default()
    };
    for item in map.maps("columns") {
        column(item, &mut read);
    }
    if let Some(mut derived) = map.map("derived_semantics") {
        for item in derived.maps("entities") {
            read.entities.extend(derived_entity(item));
        }
        for item in derived.maps("dimensions") {
            read.dimensions.extend(derived_dimension(item));
        }
        derived.finish();
    }
    primary_entity(&mut map, &read.entities);
    let mut inline = Collector {
        settings: found.settings,
        models: Vec::new(),
        metrics: Vec::new(),
    };
    let metrics = map.maps("metrics");
    if !enabled && !metrics.is_empty() && !map.has("semantic_model") {
        let problem = crate::Diagnostic::error(
            "missing-key",
            map.value_span("metrics"),
            format!("model `{}` has metrics and no `semantic_model`", read.dataset),
        );
        map.decoder().report(problem.hint("add `semantic_model: true`"));
    }
    for item in metrics {
        metric(&mut inline, item, Some(&mut read));
    }
    map.ignore(&MODEL_KEYS);
    if enabled {
        read.meta = meta(&mut map, found.settings, &name, description, None, &settings);
        found.metrics.extend(inline.metrics);
        found.models.push(read);
    }
    map.finish();
}

fn column(mut map: MapReader<'_>, model: &mut SemanticModel) {
    let column = map.required_text("name");
    map.rename(format!("column `{column}`"));
    let granularity = grain(&mut map, "granularity");
    map.ignore(&COLUMN_KEYS);
    map.ignore(&["description"]);
    if let Some(node) = map.get("entity") {
        if matches!(node.value, Value::Map(_)) {
            if let Some(mut entity) = map.map("entity") {
                let name = entity.text("name").unwrap_or_else(|| column.clone());
                entity.required("type");
                let entity_type = word(&mut entity, "type", &ENTITY_TYPES).unwrap_or(EntityType::Foreign);
                let span = entity.span();
                entity.ignore(&["description", "label", "config"]);
                entity.finish();
                model.entities.push(Entity {
                    name,
                    entity_type,
                    expr: as_name(&column),
                    span,
                });
            }
        } else if let Some(entity_type) = word_of(&map, node, &format!("`entity` of column `{column}`"), &ENTITY_TYPES)
        {
            model.entities.push(Entity {
                name: column.clone(),
                entity_type,
                expr: as_name(&column),
                span: map.span(),
            });
        }
    }
    if let Some(node) = map.get("dimension") {
        let mut found = Dimension {
            name: column.clone(),
            time_granularity: None,
            expr: as_name(&column),
            label: None,
            span: map.span(),
        };
        let time = if matches!(node.value, Value::Map(_)) {
            map.map("dimension").map(|mut own| {
                found.name = own.text("name").unwrap_or_else(|| column.clone());
                found.label = own.text("label");
                found.span = own.span();
                let time = dimension_type(&mut own);
                validity(&mut own);
                own.ignore(&["description", "is_partition", "config"]);
                own.finish();
                time
            })
        } else {
            let words = [("categorical", false), ("time", true)];
            word_of(&map, node, &format!("`dimension` of column `{column}`"), &words)
        };
        if time == Some(true) {
            found.time_granularity = granularity.clone();
            if granularity.is_none() && !map.has("granularity") {
                map.required("granularity");
            }
        }
        if time.is_some() {
            model.dimensions.push(found);
        }
    }
    map.finish();
}

/// A column as an expression, whatever characters its name holds.
fn as_name(column: &str) -> String {
    let plain = column.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && crate::sql::Expression::parse(column).is_ok_and(|e| e.as_column().is_some());
    if plain {
        column.to_owned()
    } else {
        crate::sql::quote(column)
    }
}

fn derived_entity(mut map: MapReader<'_>) -> Option<Entity> {
    let name = name(&mut map);
    map.rename(format!("derived entity `{name}`"));
    map.required("type");
    let entity_type = word(&mut map, "type", &ENTITY_TYPES)?;
    map.required("expr");
    let expr = expression(&mut map, "expr")?;
    let span = map.span();
    map.ignore(&["description", "label", "config"]);
    map.finish();
    Some(Entity {
        name,
        entity_type,
        expr,
        span,
    })
}

fn derived_dimension(mut map: MapReader<'_>) -> Option<Dimension> {
    let name = name(&mut map);
    map.rename(format!("derived dimension `{name}`"));
    let time = dimension_type(&mut map);
    map.required("expr");
    let expr = expression(&mut map, "expr")?;
    let granularity = grain(&mut map, "granularity");
    if time && !map.has("granularity") {
        map.required("granularity");
    }
    validity(&mut map);
    let found = Dimension {
        name,
        time_granularity: granularity.filter(|_| time),
        expr,
        label: map.text("label"),
        span: map.span(),
    };
    map.ignore(&["description", "is_partition", "config"]);
    map.finish();
    Some(found)
}

/// A metric without `type_params`; `model` is the one that it stands in, to which a simple metric adds its measure.
pub(super) fn metric(found: &mut Collector<'_>, mut map: MapReader<'_>, model: Option<&mut SemanticModel>) {
    let name = name(&mut map);
    map.rename(format!("metric `{name}`"));
    let kind = if map.has("type") {
        word(&mut map, "type", &METRIC_TYPES)
    } else {
        map.ignore(&["type"]);
        Some("simple")
    };
    let settings = config(&mut map);
    let (description, label) = (map.text("description"), map.text("label"));
    let filter = filter(&mut map);
    map.ignore(&["time_granularity", "hidden"]);
    let shape = kind.and_then(|kind| match kind {
        "simple" => simple(&mut map, &name, model),
        "ratio" => Some(MetricShape::Ratio {
            numerator: inputs::required_metric(&mut map, "numerator"),
            denominator: inputs::required_metric(&mut map, "denominator"),
        }),
        "derived" => {
            map.required("expr");
            Some(MetricShape::Derived {
                expr: expression(&mut map, "expr").unwrap_or_default(),
                inputs: inputs::metrics(&mut map, "input_metrics"),
            })
        }
        "cumulative" => {
            let measure = inputs::metric_as_measure(&mut map, "input_metric");
            let (span, since) = (window(&mut map, "window"), grain(&mut map, "grain_to_date"));
            both(&map, &span, &since);
            not_followed(&mut map, "period_agg", PERIOD_AGG);
            Some(MetricShape::Cumulative {
                measure,
                window: span,
                grain_to_date: since,
            })
        }
        _ => Some(MetricShape::Conversion {
            entity: map.required_text("entity"),
            base: inputs::metric_as_measure(&mut map, "base_metric"),
            conversion: inputs::metric_as_measure(&mut map, "conversion_metric"),
            window: window(&mut map, "window"),
            calculation: calculation(&mut map),
            constant_properties: inputs::constant_properties(&mut map),
        }),
    });
    let meta = meta(&mut map, found.settings, &name, description, label, &settings);
    if shape.is_some() {
        map.finish();
    }
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

fn simple(map: &mut MapReader<'_>, name: &str, model: Option<&mut SemanticModel>) -> Option<MetricShape> {
    let Some(model) = model else {
        let problem = crate::Diagnostic::error(
            "missing-key",
            map.span(),
            format!("the simple metric `{name}` stands outside a model and has no `type_params`"),
        );
        map.decoder()
            .report(problem.hint("move it to the `metrics:` of its model, or write `type_params:` with a `measure:`"));
        return None;
    };
    map.required("agg");
    let aggregation = word(map, "agg", &AGGREGATIONS)?;
    let percentile = map.number("percentile");
    map.choice("percentile_type", &["discrete", "continuous"]);
    check_percentile(map, aggregation, percentile, "percentile");
    let measure = Measure {
        name: name.to_owned(),
        aggregation,
        percentile,
        expr: expression(map, "expr").unwrap_or_else(|| name.to_owned()),
        time_dimension: map.text("agg_time_dimension"),
        non_additive: map.map("non_additive_dimension").map(|mut non_additive| {
            let read = NonAdditive {
                dimension: non_additive.required_text("name"),
                window_choice: word(&mut non_additive, "window_agg", &[("min", "min"), ("max", "max")])
                    .unwrap_or("min")
                    .to_owned(),
                window_groupings: non_additive.texts("group_by"),
            };
            non_additive.finish();
            read
        }),
        label: None,
        span: map.span(),
    };
    model.measures.push(measure);
    Some(MetricShape::Simple {
        measure: MeasureInput {
            name: name.to_owned(),
            filter: None,
            fill_nulls_with: map.number("fill_nulls_with"),
            join_to_timespine: map.boolean("join_to_timespine").unwrap_or(false),
        },
    })
}
