//! How does a file of one's own become a project?

mod init;
mod profile;
mod sniff;
mod types;

pub use types::*;

use std::path::{Path, PathBuf};

use steward_compute::{Engine, TableSource};

use crate::CapabilityError;

/// Profiles a table: types, keys, nulls, distinct values, ranges, and what each column probably is.
/// The table is registered under its name.
pub async fn profile(engine: &dyn Engine, source: &TableSource) -> Result<TableProfile, CapabilityError> {
    profile::profile(engine, source).await
}

/// What kind of file this is, from its name and first bytes: format, delimiter, encoding, header.
pub fn sniff(path: &Path) -> Result<Sniffed, CapabilityError> {
    sniff::sniff(path)
}

/// Starts a project in `folder`, which may exist but must not hold `steward.yaml`. With `files` (CSV, Parquet, JSON
/// lines), each becomes a dataset with a draft contract and draft metrics that pass `check`. Files outside the folder
/// are copied to `data/`. Nothing is overwritten: whole files are written, or none.
pub async fn init(folder: &Path, files: &[PathBuf], engine: &dyn Engine) -> Result<Initialised, CapabilityError> {
    init::init(folder, files, engine).await
}
