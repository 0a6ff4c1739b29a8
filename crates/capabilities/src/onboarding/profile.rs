//! Figures of every column, from one aggregate pass per batch of columns.

use steward_compute::arrow::datatypes::{DataType, SchemaRef};
use steward_compute::{Engine, Query, RunControl, TableSource};
use steward_definitions::draft;
use steward_definitions::sql::quote;

use super::{ColumnProfile, TableProfile};
use crate::CapabilityError;

/// Columns measured in one query.
const BATCH: usize = 40;
/// Columns of so few values are shown with them.
const FEW: u64 = 12;
/// Texts looked at to recognise personal data.
const SAMPLES: usize = 50;

/// See [`super::profile`].
pub(crate) async fn profile(engine: &dyn Engine, source: &TableSource) -> Result<TableProfile, CapabilityError> {
    let schema = engine.register(source).await?;
    let table = quote(&source.name);
    let mut queries = Vec::new();
    let control = RunControl::default();
    let label = format!("profile of {}", source.name);
    let mut columns = Vec::new();
    let mut rows = 0u64;
    for (batch, fields) in schema.fields().chunks(BATCH).enumerate() {
        let mut select = vec!["COUNT(*) AS \"rows\"".to_owned()];
        for (j, field) in fields.iter().enumerate() {
            let (c, i) = (quote(field.name()), batch * BATCH + j);
            select.push(format!("COUNT({c}) AS \"f{i}\""));
            if scalar(field.data_type()) {
                select.push(format!("COUNT(DISTINCT {c}) AS \"d{i}\""));
                select.push(format!("MIN({c}) AS \"a{i}\""));
                select.push(format!("MAX({c}) AS \"z{i}\""));
            }
            if number(field.data_type()) {
                select.push(format!("AVG(CAST({c} AS DOUBLE)) AS \"m{i}\""));
                select.push(format!(
                    "SUM(CASE WHEN {c} <> FLOOR({c}) THEN 1 ELSE 0 END) AS \"w{i}\""
                ));
            }
        }
        let query = Query {
            label: label.clone(),
            sql: format!("SELECT {} FROM {table}", select.join(", ")),
            parameters: Vec::new(),
        };
        let answer = engine.run(&query, &control).await?;
        queries.push(query.sql);
        let count = |name: String| -> Result<u64, CapabilityError> {
            let n = answer.integers(&name)?.into_iter().flatten().next().unwrap_or(0);
            Ok(u64::try_from(n).unwrap_or(0))
        };
        rows = count("rows".into())?;
        for (j, field) in fields.iter().enumerate() {
            let i = batch * BATCH + j;
            let scalar = scalar(field.data_type());
            let printed = |name: String| -> Result<Option<String>, CapabilityError> {
                if scalar {
                    Ok(answer.strings(&name)?.into_iter().flatten().next())
                } else {
                    Ok(None)
                }
            };
            let numeric = number(field.data_type());
            let first = |name: String| -> Result<Option<f64>, CapabilityError> {
                if numeric {
                    Ok(answer.numbers(&name)?.into_iter().flatten().next())
                } else {
                    Ok(None)
                }
            };
            let range = first(format!("a{i}"))?.zip(first(format!("z{i}"))?);
            columns.push(Measured {
                nulls: rows.saturating_sub(count(format!("f{i}"))?),
                distinct: if scalar { count(format!("d{i}"))? } else { 0 },
                min: printed(format!("a{i}"))?,
                max: printed(format!("z{i}"))?,
                mean: first(format!("m{i}"))?,
                whole: numeric && first(format!("w{i}"))?.is_none_or(|n| n == 0.0),
                range,
            });
        }
    }
    let samples = samples(engine, &schema, &table, &label, &mut queries).await?;
    let mut profiles = Vec::new();
    for ((field, m), samples) in schema.fields().iter().zip(columns).zip(samples) {
        let logical = logical(field.data_type());
        let guess = draft::guess(&draft::Facts {
            name: field.name(),
            logical_type: logical,
            rows,
            nulls: m.nulls,
            distinct: m.distinct,
            range: m.range,
            whole: m.whole,
            samples: &samples,
        });
        let personal = guess.personal.is_some();
        let mut values = Vec::new();
        if !personal && (1..=FEW).contains(&m.distinct) && !number_with_fraction(field.data_type()) {
            let c = quote(field.name());
            let query = Query {
                label: label.clone(),
                sql: format!(
                    "SELECT {c} AS \"v\", COUNT(*) AS \"n\" FROM {table} WHERE {c} IS NOT NULL GROUP BY {c} ORDER BY \"n\" DESC, \"v\""
                ),
                parameters: Vec::new(),
            };
            let answer = engine.run(&query, &control).await?;
            let counts = answer.integers("n")?;
            for (v, n) in answer.strings("v")?.into_iter().zip(counts) {
                values.push((v.unwrap_or_default(), u64::try_from(n.unwrap_or(0)).unwrap_or(0)));
            }
            queries.push(query.sql);
        }
        profiles.push(ColumnProfile {
            name: field.name().clone(),
            logical_type: logical.to_owned(),
            data_type: field.data_type().to_string(),
            nulls: m.nulls,
            distinct: m.distinct,
            min: m.min.filter(|_| !personal),
            max: m.max.filter(|_| !personal),
            mean: m.mean.filter(|_| !personal),
            values,
            role: guess.role,
            reason: guess.reason,
            personal: guess.personal,
        });
    }
    let first = |role: draft::Role| profiles.iter().find(|c| c.role == role).map(|c| c.name.clone());
    let arms = profiles.iter().filter(|c| c.role == draft::Role::Variant);
    let variant = draft::likeliest_variant(arms.map(|c| {
        (
            c.name.clone(),
            c.values.iter().map(|(value, _)| value.as_str()).collect(),
        )
    }));
    Ok(TableProfile {
        table: source.name.clone(),
        rows,
        key: first(draft::Role::Key),
        unit: first(draft::Role::Unit),
        time: first(draft::Role::Time),
        variant,
        columns: profiles,
        sql: queries,
    })
}

struct Measured {
    nulls: u64,
    distinct: u64,
    min: Option<String>,
    max: Option<String>,
    mean: Option<f64>,
    whole: bool,
    range: Option<(f64, f64)>,
}

/// Some values of every text column, in the order of the columns.
async fn samples(
    engine: &dyn Engine,
    schema: &SchemaRef,
    table: &str,
    label: &str,
    queries: &mut Vec<String>,
) -> Result<Vec<Vec<String>>, CapabilityError> {
    let texts: Vec<&String> = schema
        .fields()
        .iter()
        .filter(|f| logical(f.data_type()) == "string")
        .map(|f| f.name())
        .collect();
    let mut all = vec![Vec::new(); schema.fields().len()];
    if texts.is_empty() {
        return Ok(all);
    }
    let columns: Vec<String> = texts.iter().map(|t| quote(t)).collect();
    let query = Query {
        label: label.to_owned(),
        sql: format!("SELECT {} FROM {table} LIMIT {SAMPLES}", columns.join(", ")),
        parameters: Vec::new(),
    };
    let answer = engine.run(&query, &RunControl::default()).await?;
    for (at, field) in schema.fields().iter().enumerate() {
        if texts.contains(&field.name()) {
            all[at] = answer.strings(field.name())?.into_iter().flatten().collect();
        }
    }
    queries.push(query.sql);
    Ok(all)
}

fn scalar(t: &DataType) -> bool {
    !t.is_nested()
        && !matches!(
            t,
            DataType::Null | DataType::Binary | DataType::LargeBinary | DataType::BinaryView
        )
}

fn number_with_fraction(t: &DataType) -> bool {
    number(t) && !t.is_integer()
}

fn number(t: &DataType) -> bool {
    t.is_numeric()
}

fn logical(t: &DataType) -> &'static str {
    crate::quality::logical_type(t)
}

/// As the drafts take it.
pub(crate) fn drafted(
    profile: &TableProfile,
    format: &str,
    path: &str,
    delimiter: Option<char>,
    encoding: Option<String>,
) -> draft::TableProfile {
    draft::TableProfile {
        name: profile.table.clone(),
        format: format.to_owned(),
        path: path.to_owned(),
        delimiter,
        encoding,
        rows: profile.rows,
        columns: profile
            .columns
            .iter()
            .map(|c| draft::ColumnProfile {
                name: c.name.clone(),
                logical_type: c.logical_type.clone(),
                physical_type: None,
                nulls: c.nulls,
                distinct: c.distinct,
                min: c.min.clone(),
                max: c.max.clone(),
                values: c.values.iter().map(|(v, _)| v.clone()).collect(),
                guess: draft::Guess {
                    role: c.role,
                    reason: c.reason.clone(),
                    personal: c.personal.clone(),
                },
            })
            .collect(),
    }
}
