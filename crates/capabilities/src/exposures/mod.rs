//! Who saw which variant, and when? Exposures as applications send them, kept once and for good before they are
//! acknowledged.

mod batch;
mod check;
mod types;

pub use batch::schema;
pub use types::{Collected, LIMITS, Limits, Remark};

use serde_json::value::RawValue;

use crate::{CapabilityError, Context};

/// Keeps a batch of exposures: those that can be, each once by its id; the answer comes when they are on disk.
/// `rows` are JSON objects.
///
/// # Errors
/// [`CapabilityError::Facts`] if too many wait, or they cannot be written; nothing of the batch was acknowledged then.
pub async fn collect(context: &Context, rows: &[&RawValue]) -> Result<Collected, CapabilityError> {
    if rows.len() > LIMITS.rows {
        return Err(CapabilityError::Invalid(format!(
            "{} exposures in one batch; send at most {} at once",
            rows.len(),
            LIMITS.rows
        )));
    }
    let now_us = context.facts.now_us();
    let mut answer = Collected::default();
    let kept = check::all(&context.project, rows, now_us, &mut answer);
    if kept.is_empty() {
        return Ok(answer);
    }
    let batch = batch::of(&kept, now_us).map_err(|e| CapabilityError::Invalid(format!("exposures: {e}")))?;
    let appended = context.facts.exposures().await?.append(batch).await?;
    answer.stored = appended.stored;
    answer.known = appended.known;
    Ok(answer)
}
