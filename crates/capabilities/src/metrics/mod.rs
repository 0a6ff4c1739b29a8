//! What is the value of a metric, by which dimensions, and where does it come from?
//!
//! A request compiles to one query: one scan per semantic model (and per shifted or trailing window), measures
//! aggregated at the requested grain, the scans put together by their keys. Joins to the dimensions of other models
//! go through entities, many-to-one only; a join that would repeat rows, or that could go two ways, is refused with
//! the paths named.

mod measures;
pub mod types;

pub use types::*;

use steward_definitions::Project;

use crate::evidence::Concluded;
use crate::{CapabilityError, Context};

/// Answers metrics by dimensions.
pub async fn query(context: &Context, request: &MetricRequest) -> Result<MetricTable, CapabilityError> {
    let _ = (context, request);
    todo!()
}

/// As [`query`], stored as evidence under `subject` (e.g. `metric/revenue`); not computed again for the same
/// definitions, data and request.
pub async fn conclude(
    context: &Context,
    subject: &str,
    request: &MetricRequest,
) -> Result<Concluded<MetricTable>, CapabilityError> {
    let _ = (context, subject, request);
    todo!()
}

/// The query that a request compiles to, in the canonical dialect, without running it.
pub async fn compile(context: &Context, request: &MetricRequest) -> Result<String, CapabilityError> {
    let _ = (context, request);
    todo!()
}

/// Runs one `SELECT` over the registered datasets.
pub async fn sql_query(context: &Context, sql: &str, limit: Option<u64>) -> Result<SqlAnswer, CapabilityError> {
    let _ = (context, sql, limit);
    todo!()
}

/// Every metric, by name, with what it can be grouped by and what uses it.
pub fn catalogue(project: &Project) -> Vec<MetricInfo> {
    let _ = project;
    todo!()
}

/// What a metric can be grouped and filtered by.
pub fn dimensions(project: &Project, metric: &str) -> Result<Vec<DimensionInfo>, CapabilityError> {
    let _ = (project, metric);
    todo!()
}

/// How a metric compiles to values per unit of `entity`. Refused, with the reason, for metrics that have no value
/// per unit (derived, cumulative and conversion metrics, measures that do not add up over time).
pub fn unit_measures(project: &Project, metric: &str, entity: &str) -> Result<UnitMetric, CapabilityError> {
    let _ = (project, metric, entity);
    todo!()
}

/// A dimension of the unit (`user__country`) for breakdowns: SQL over the table that holds one row per unit.
pub fn unit_dimension(project: &Project, entity: &str, dimension: &str) -> Result<UnitDimension, CapabilityError> {
    let _ = (project, entity, dimension);
    todo!()
}
