//! What did the experiment do, and can we believe it?

pub mod readout;

pub use readout::*;

use crate::evidence::Concluded;
use crate::{CapabilityError, Context};

/// Reads an experiment out: from evidence if nothing it depends on has changed, else computed.
pub async fn readout(context: &Context, name: &str, options: &ReadoutOptions) -> Result<Readout, CapabilityError> {
    Ok(conclude(context, name, options).await?.value)
}

/// As [`readout`], with the evidence record and whether it had been computed before.
pub async fn conclude(
    context: &Context,
    name: &str,
    options: &ReadoutOptions,
) -> Result<Concluded<Readout>, CapabilityError> {
    let _ = (context, name, options);
    todo!()
}
