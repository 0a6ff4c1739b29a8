//! What every room works with.

use std::path::PathBuf;
use std::sync::Arc;

use steward_artifacts::ArtifactStore;
use steward_compute::{Engine, RunControl, TableFormat, TableSource};
use steward_definitions::{Dataset, Project};
use steward_ledger::Ledger;

use crate::{CapabilityError, Facts, Tracking};

/// A project at work: its definitions, its engine, its ledger and the time.
#[derive(Clone)]
pub struct Context {
    /// Definitions, checked.
    pub project: Arc<Project>,
    /// Where queries run; every dataset that could be read is registered under its name.
    pub engine: Arc<dyn Engine>,
    /// What was decided, and evidence.
    pub ledger: Ledger,
    /// Facts that Steward collects itself.
    pub facts: Facts,
    /// What runs logged.
    pub tracking: Tracking,
    /// Files of runs and models.
    pub artifacts: ArtifactStore,
    /// The project folder.
    pub folder: PathBuf,
    /// "Now" for questions about data, microseconds since 1970 UTC: the wall clock, or `as_of` of `steward.yaml`.
    pub now_us: i64,
    /// Cancellation and progress of what runs under it.
    pub control: RunControl,
}

/// The table behind a dataset, as an engine registers it.
pub fn table_source(dataset: &Dataset, folder: &std::path::Path) -> TableSource {
    let location = &dataset.location;
    let format = match location.format.as_str() {
        "csv" => TableFormat::Csv {
            delimiter: location.delimiter.unwrap_or(','),
            encoding: location.encoding.clone(),
        },
        "json" => TableFormat::Json,
        "table" => TableFormat::Table,
        _ => TableFormat::Parquet,
    };
    let place = match format {
        TableFormat::Table => location.path.clone(),
        _ => folder.join(&location.path).to_string_lossy().into_owned(),
    };
    TableSource {
        name: dataset.meta.name.clone(),
        format,
        location: place,
        columns: dataset
            .columns
            .iter()
            .map(|c| (c.name.clone(), c.logical_type.clone()))
            .collect(),
    }
}

impl Context {
    /// Registers every dataset with the engine. Those that cannot be read are answered with the reason;
    /// the rest of the project works without them.
    pub async fn register(&self) -> Vec<(String, CapabilityError)> {
        let mut failed = Vec::new();
        for (name, dataset) in &self.project.datasets {
            let source = table_source(dataset, &self.folder);
            let registered = match self.facts.seal(name).await {
                Ok(()) => self.engine.register(&source).await.map_err(CapabilityError::from),
                Err(e) => Err(e),
            };
            if let Err(e) = registered {
                failed.push((name.clone(), e));
            }
        }
        failed
    }
}
