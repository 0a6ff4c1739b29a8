//! Compiling a request, running it, and reading the result.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use steward_compute::arrow::datatypes::DataType;
use steward_compute::{Query, Rows, Value};
use steward_definitions::Project;

use super::compile::{Compiler, Scan, ScanSql, Touched};
use super::graph::Graph;
use super::plan::{Key, Plan, time_dimension};
use super::sql::ident;
use super::tables::{Times, verify_keys};
use super::time::{Grain, Range, Zone, date_from_days};
use super::{ColumnKind, ColumnType, MetricColumn, MetricRequest, MetricTable, QueryProvenance};
use crate::evidence::Concluded;
use crate::{CapabilityError, Context};

/// A request as SQL, with what it rests on.
pub(crate) struct Compiled {
    /// The query in the canonical dialect.
    pub sql: String,
    /// Datasets read.
    pub tables: BTreeSet<String>,
    /// Definitions it rests on → digest.
    pub definitions: BTreeMap<String, String>,
    keys: BTreeSet<(String, String)>,
    zone: String,
}

/// Compiles a request.
pub(crate) async fn compile(context: &Context, request: &MetricRequest) -> Result<Compiled, CapabilityError> {
    let project = context.project.as_ref();
    let zone = Zone::named(request.time_zone.as_deref().unwrap_or(&project.settings.time_zone))?;
    let plan = Plan::new(project, request)?;
    let range = Range::parse(request.from.as_deref(), request.to.as_deref(), &zone)?;
    let times = Times::load(context).await;
    let mut compiler = Compiler {
        graph: Graph { project },
        plan: &plan,
        filter: request.filter.as_deref().filter(|f| !f.trim().is_empty()),
        range,
        zone: &zone,
        times: &times,
        bounds: None,
    };
    let scans = compiler.scans()?;
    if compiler.needs_bounds() {
        compiler.bounds = bounds(context, &compiler, &scans).await?;
    }
    let mut touched = Touched::default();
    let mut parts = Vec::new();
    for (at, scan) in scans.iter().enumerate() {
        parts.push(compiler.scan_sql(at, scan, &mut touched)?);
    }
    let several = parts.len() > 1 || plan.fill;
    let types = if several {
        types(context, &parts).await?
    } else {
        BTreeMap::new()
    };
    let sql = compiler.query_sql(&parts, &types, &request.order_by, request.limit)?;
    let mut definitions = BTreeMap::new();
    for name in &plan.used {
        if let Some(m) = project.metrics.get(name) {
            definitions.insert(format!("metric/{name}"), m.meta.digest.clone());
        }
    }
    let mut tables = BTreeSet::new();
    for name in &touched.models {
        tables.extend(model_definitions(project, name, &mut definitions));
    }
    Ok(Compiled {
        sql,
        tables,
        definitions,
        keys: touched.keys,
        zone: zone.name.clone(),
    })
}

/// Adds a model and its dataset to the definitions used; answers the dataset.
pub(crate) fn model_definitions(
    project: &Project,
    model: &str,
    definitions: &mut BTreeMap<String, String>,
) -> Option<String> {
    let model = project.semantic_models.get(model)?;
    definitions.insert(format!("semantic_model/{}", model.meta.name), model.meta.digest.clone());
    if let Some(d) = project.datasets.get(&model.dataset) {
        definitions.insert(format!("dataset/{}", d.meta.name), d.meta.digest.clone());
    }
    Some(model.dataset.clone())
}

/// First and last day with rows, over all scans.
async fn bounds(
    context: &Context,
    compiler: &Compiler<'_>,
    scans: &[Scan<'_>],
) -> Result<Option<(Date, Date)>, CapabilityError> {
    let mut seen = BTreeSet::new();
    let mut all: Option<(Date, Date)> = None;
    for scan in scans {
        let Some(time) = scan.time else { continue };
        if !seen.insert((&scan.model.meta.name, &time.name)) {
            continue;
        }
        let expr = compiler.graph.columns_sql(scan.model, "t", &time.expr, &time.name)?;
        let date = compiler.times.is_date(&compiler.graph, scan.model, time)?;
        let cast = |aggregate: &str| compiler.zone.day_sql(&format!("{aggregate}({expr})"), date);
        let query = Query {
            label: format!("first and last day of {}", scan.model.meta.name),
            sql: format!(
                "SELECT {} AS \"first\", {} AS \"last\" FROM {} AS \"t\"",
                cast("MIN"),
                cast("MAX"),
                ident(&scan.model.dataset)
            ),
            parameters: Vec::new(),
        };
        let rows = context.engine.run(&query, &context.control).await?;
        let day = |column: &str| -> Result<Option<Date>, CapabilityError> {
            Ok(match rows.value(0, column)? {
                Value::Date(days) => date_from_days(days),
                _ => None,
            })
        };
        if let (Some(first), Some(last)) = (day("first")?, day("last")?) {
            all = Some(match all {
                None => (first, last),
                Some((a, b)) => (a.min(first), b.max(last)),
            });
        }
    }
    Ok(all)
}

/// See [`super::newest`].
pub(crate) async fn newest(context: &Context, metric: &str) -> Result<Option<i64>, CapabilityError> {
    let project = context.project.as_ref();
    let graph = Graph { project };
    let zone = Zone::named(&project.settings.time_zone)?;
    let request = MetricRequest {
        metrics: vec![metric.to_owned()],
        ..MetricRequest::default()
    };
    let mut oldest: Option<i64> = None;
    for leaf in &Plan::new(project, &request)?.leaves {
        let (model, measure) = graph.measure(&leaf.measure)?;
        let Ok(time) = time_dimension(model, measure) else {
            continue;
        };
        let expr = graph.columns_sql(model, "t", &time.expr, &time.name)?;
        let query = Query {
            label: format!("end of {}", model.meta.name),
            sql: format!(
                "SELECT MAX({expr}) AS \"newest\" FROM {} AS \"t\"",
                ident(&model.dataset)
            ),
            parameters: Vec::new(),
        };
        let rows = context.engine.run(&query, &context.control).await?;
        let end = match rows.value(0, "newest")? {
            Value::Timestamp(us) => match time.time_granularity.as_deref().and_then(Grain::from_word) {
                Some(grain) if grain >= Grain::Day => {
                    let start = grain.start(zone.day_of(us)?);
                    zone.start_of(grain.next(start))?
                }
                _ => us,
            },
            Value::Date(days) => {
                let grain = time
                    .time_granularity
                    .as_deref()
                    .and_then(Grain::from_word)
                    .unwrap_or(Grain::Day);
                match date_from_days(days) {
                    Some(day) => zone.start_of(grain.next(grain.start(day)))?,
                    None => continue,
                }
            }
            _ => continue,
        };
        oldest = Some(oldest.map_or(end, |o| o.min(end)));
    }
    Ok(oldest)
}

/// SQL types of the columns of scans, so that what one lacks can be a NULL of the type that another has.
async fn types(context: &Context, parts: &[ScanSql]) -> Result<BTreeMap<String, String>, CapabilityError> {
    let mut types = BTreeMap::new();
    for part in parts {
        let with: Vec<String> = part.tables.iter().map(|(n, sql)| format!("{n} AS ({sql})")).collect();
        let query = Query {
            label: "types of a metric query".into(),
            sql: format!("WITH {} {}", with.join(", "), part.select),
            parameters: Vec::new(),
        };
        let schema = context.engine.plan(&query).await?;
        for field in schema.fields() {
            if let Some(t) = sql_type(field.data_type()) {
                types.insert(field.name().clone(), t);
            }
        }
    }
    Ok(types)
}

fn sql_type(data_type: &DataType) -> Option<String> {
    Some(match data_type {
        t if t.is_integer() => "BIGINT".into(),
        t if t.is_floating() => "DOUBLE".into(),
        DataType::Decimal128(p, s) | DataType::Decimal256(p, s) => format!("DECIMAL({p}, {s})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "VARCHAR".into(),
        DataType::Date32 | DataType::Date64 => "DATE".into(),
        DataType::Timestamp(..) => "TIMESTAMP".into(),
        DataType::Boolean => "BOOLEAN".into(),
        _ => return None,
    })
}

/// Runs a request.
pub(crate) async fn query(context: &Context, request: &MetricRequest) -> Result<MetricTable, CapabilityError> {
    let compiled = compile(context, request).await?;
    run(context, request, compiled).await
}

/// Runs a request, or answers it from evidence.
pub(crate) async fn conclude(
    context: &Context,
    subject: &str,
    request: &MetricRequest,
) -> Result<Concluded<MetricTable>, CapabilityError> {
    let compiled = compile(context, request).await?;
    let tables: Vec<String> = compiled.tables.iter().cloned().collect();
    let parameters = serde_json::json!({ "request": request, "time_zone": compiled.zone });
    let definitions = compiled.definitions.clone();
    crate::evidence::conclude(context, subject, definitions, &tables, parameters, || async {
        let table = run(context, request, compiled).await?;
        let provenance = serde_json::json!({
            "engine": table.provenance.engine,
            "queries": [{ "label": label(request), "sql": table.provenance.ran }],
        });
        Ok((table, provenance))
    })
    .await
}

fn label(request: &MetricRequest) -> String {
    let mut label = format!("metrics {}", request.metrics.join(", "));
    if !request.by.is_empty() {
        label.push_str(&format!(" by {}", request.by.join(", ")));
    }
    label
}

async fn run(context: &Context, request: &MetricRequest, compiled: Compiled) -> Result<MetricTable, CapabilityError> {
    let project = context.project.as_ref();
    verify_keys(context, &compiled.keys).await?;
    let query = Query {
        label: label(request),
        sql: compiled.sql,
        parameters: Vec::new(),
    };
    let rows = context.engine.run(&query, &context.control).await?;
    let plan = Plan::new(project, request)?;
    let mut columns = Vec::new();
    for (name, key) in &plan.keys {
        let (kind, grain) = match key {
            Key::Time(grain) => (ColumnKind::Time, Some(*grain)),
            Key::Attribute(_, Some(grain)) => (ColumnKind::Time, Some(*grain)),
            Key::Attribute(_, None) => (ColumnKind::Dimension, None),
        };
        columns.push(MetricColumn {
            name: name.clone(),
            label: None,
            kind,
            data_type: ColumnType::Text,
            unit: None,
            grain: grain.map(|g: Grain| g.word().to_owned()),
            direction: None,
        });
    }
    for (metric, _) in &plan.metrics {
        columns.push(MetricColumn {
            name: metric.meta.name.clone(),
            label: metric.meta.label.clone(),
            kind: ColumnKind::Metric,
            data_type: ColumnType::Number,
            unit: metric.unit.clone(),
            grain: None,
            direction: Some(metric.experiment.direction),
        });
    }
    for c in &mut columns {
        let at = rows.column_index(&c.name)?;
        c.data_type = column_type(rows.schema.field(at).data_type());
    }
    let provenance = provenance(context, &compiled.tables, compiled.definitions, &rows, compiled.zone).await?;
    let mut cells = cells(&rows, columns.iter().map(|c| c.name.as_str()))?;
    if request.order_by.is_empty() && request.limit.is_none() {
        // The engine was asked for this order; holding it here makes an answer the same bytes on every engine.
        cells.sort_by(|a, b| {
            let keys = a.iter().zip(b).take(plan.keys.len());
            keys.map(|(a, b)| order(a, b))
                .find(|o| o.is_ne())
                .unwrap_or(Ordering::Equal)
        });
    }
    Ok(MetricTable {
        rows: cells,
        columns,
        sql: query.sql,
        provenance,
    })
}

/// Where a result comes from.
pub(crate) async fn provenance(
    context: &Context,
    tables: &BTreeSet<String>,
    definitions: BTreeMap<String, String>,
    rows: &Rows,
    time_zone: String,
) -> Result<QueryProvenance, CapabilityError> {
    let mut data = BTreeMap::new();
    let mut modified_us = None;
    for table in tables {
        let snapshot = context.engine.snapshot(table).await?;
        modified_us = modified_us.max(snapshot.modified_us);
        data.insert(table.clone(), snapshot.digest);
    }
    Ok(QueryProvenance {
        engine: context.engine.name().to_owned(),
        ran: rows.sql.clone(),
        data,
        modified_us,
        definitions,
        time_zone,
    })
}

/// A result row by row. Numbers that are not finite are missing: they come from undefined arithmetic.
pub(crate) fn cells<'a>(
    rows: &Rows,
    columns: impl Iterator<Item = &'a str>,
) -> Result<Vec<Vec<Value>>, CapabilityError> {
    let mut all: Vec<Vec<Value>> = vec![Vec::new(); rows.len()];
    for name in columns {
        for (row, value) in all.iter_mut().zip(rows.values(name)?) {
            row.push(match value {
                Value::Number(x) if !x.is_finite() => Value::Null,
                other => other,
            });
        }
    }
    Ok(all)
}

/// Order of two values of one column: NULL last, text by bytes.
fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Greater,
        (_, Value::Null) => Ordering::Less,
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) | (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.total_cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

fn column_type(data_type: &DataType) -> ColumnType {
    match data_type {
        DataType::Boolean => ColumnType::Boolean,
        t if t.is_integer() => ColumnType::Integer,
        t if t.is_floating() => ColumnType::Number,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            ColumnType::Number
        }
        DataType::Timestamp(..) => ColumnType::Timestamp,
        DataType::Date32 | DataType::Date64 => ColumnType::Date,
        _ => ColumnType::Text,
    }
}
