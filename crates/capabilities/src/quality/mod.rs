//! Does the data keep its promises?
//!
//! All row checks of a table run in one pass: one aggregate over the table. Duplicates, references and daily
//! comparisons need groups of their own and stand beside it in the same statement; SQL checks are their own queries.

pub mod types;

pub use types::*;

use crate::evidence::Concluded;
use crate::{CapabilityError, Context};

/// Checks a dataset against its contract: schema, keys, nulls, ranges, volume, freshness, references, SQL.
pub async fn check(context: &Context, dataset: &str, options: &CheckOptions) -> Result<QualityReport, CapabilityError> {
    Ok(conclude(context, dataset, options).await?.value)
}

/// As [`check`], with the evidence record (subject `dataset/<name>`) and whether it had been computed before.
pub async fn conclude(
    context: &Context,
    dataset: &str,
    options: &CheckOptions,
) -> Result<Concluded<QualityReport>, CapabilityError> {
    let _ = (context, dataset, options);
    todo!()
}

/// Past reports of a dataset, oldest first.
pub async fn history(
    context: &Context,
    dataset: &str,
    as_of_us: Option<i64>,
) -> Result<Vec<PastReport>, CapabilityError> {
    let _ = (context, dataset, as_of_us);
    todo!()
}

/// Every dataset in the catalogue, by name, with its newest report if it was ever checked.
pub async fn catalogue(context: &Context) -> Result<Vec<DatasetInfo>, CapabilityError> {
    let _ = context;
    todo!()
}
