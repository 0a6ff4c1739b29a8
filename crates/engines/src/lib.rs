//! Implementations of [`steward_compute::Engine`]: the embedded [`DataFusionEngine`], and databases reached over
//! the network, for which the embedded engine checks every query and writes it in their dialect.

mod datafusion;
mod dialect;
mod files;
mod normal;
mod postgres;

pub use crate::datafusion::{DataFusionEngine, Options};
pub use crate::postgres::{PostgresEngine, PostgresOptions};
