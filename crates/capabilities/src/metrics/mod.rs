//! What is the value of a metric, by which dimensions, and where does it come from?
//!
//! A request compiles to one query: one scan per semantic model (and per shifted or trailing window), measures
//! aggregated at the requested grain, the scans put together by their keys. Joins to the dimensions of other models
//! go through entities, many-to-one only; a join that would repeat rows, or that could go two ways, is refused with
//! the paths named.

mod adhoc;
mod answer;
mod catalogue;
mod compile;
mod graph;
mod measures;
mod plan;
mod sql;
mod table;
mod tables;
mod time;
mod types;
mod unit;

pub use types::*;

pub(crate) use answer::cells;
pub(crate) use sql::ident;
pub(crate) use table::{date, number};

use steward_definitions::Project;

use crate::evidence::Concluded;
use crate::{CapabilityError, Context};

/// Answers metrics by dimensions.
pub async fn query(context: &Context, request: &MetricRequest) -> Result<MetricTable, CapabilityError> {
    answer::query(context, request).await
}

/// As [`query`], stored as evidence under `subject` (e.g. `metric/revenue`); not computed again for the same
/// definitions, data and request.
pub async fn conclude(
    context: &Context,
    subject: &str,
    request: &MetricRequest,
) -> Result<Concluded<MetricTable>, CapabilityError> {
    answer::conclude(context, subject, request).await
}

/// The query that a request compiles to, in the canonical dialect, without running it.
pub async fn compile(context: &Context, request: &MetricRequest) -> Result<String, CapabilityError> {
    Ok(answer::compile(context, request).await?.sql)
}

/// Runs one `SELECT` over the registered datasets.
pub async fn sql_query(context: &Context, sql: &str, limit: Option<u64>) -> Result<SqlAnswer, CapabilityError> {
    adhoc::sql_query(context, sql, limit).await
}

/// Every metric, by name, with what it can be grouped by and what uses it.
pub fn catalogue(project: &Project) -> Vec<MetricInfo> {
    catalogue::catalogue(project)
}

/// What a metric can be grouped and filtered by.
pub fn dimensions(project: &Project, metric: &str) -> Result<Vec<DimensionInfo>, CapabilityError> {
    catalogue::dimensions(project, metric)
}

/// How a metric compiles to values per unit of `entity`. Refused, with the reason, for metrics that have no value
/// per unit (derived, cumulative and conversion metrics, measures that do not add up over time).
pub fn unit_measures(project: &Project, metric: &str, entity: &str) -> Result<UnitMetric, CapabilityError> {
    unit::unit_measures(project, metric, entity)
}

/// The end of the data that a metric reads, by its measures' time dimensions (a date counts to its end, a month to the
/// month's), microseconds since 1970 UTC: the oldest of several tables'. `None` if it has no time or no rows.
pub async fn newest(context: &Context, metric: &str) -> Result<Option<i64>, CapabilityError> {
    answer::newest(context, metric).await
}

/// A checked SELECT over datasets, rendered again, and the datasets that it reads.
pub(crate) fn select(
    project: &Project,
    sql: &str,
    limit: Option<u64>,
) -> Result<(String, Vec<String>), CapabilityError> {
    let select = adhoc::parse(project, sql, limit, "query")?;
    Ok((select.sql, select.tables.into_iter().collect()))
}
