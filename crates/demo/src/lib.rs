//! Larkspur: a seeded demo company whose true effects are known, so that every estimator can be judged by whether its
//! interval covers the truth. Nothing else in the house depends on this crate.
//!
//! [`generate`] writes Parquet tables; truths go to a folder of their own, which the product never reads.

mod calendar;
mod cloud;
mod columns;
mod customers;
mod draw;
mod faults;
mod feed;
mod generate;
mod marketing;
mod organisation;
mod paired;
mod personal;
mod population;
mod project;
mod rows;
mod shop;
mod subscriptions;
mod tickets;
mod touches;
mod truth;
mod world;
mod write;

use std::path::PathBuf;
use std::time::Duration;

pub use generate::generate;
pub use project::project_files;

/// Which world to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct World {
    /// Seed of every draw.
    pub seed: u64,
    /// Size: 1 is 60,000 users.
    pub scale: f64,
    /// Threads to use; the files do not depend on it.
    pub threads: usize,
}

impl Default for World {
    /// The world of the documentation: seed 20260101, scale 1, all the machine's threads.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        Self {
            seed: 20_260_101,
            scale: 1.0,
            threads,
        }
    }
}

/// How far generation is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// What is being made.
    pub stage: &'static str,
    /// Steps done, of all stages together.
    pub done: u64,
    /// Steps in all.
    pub total: u64,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSummary {
    /// Table, or `landing/events/DAY` and `raw/events/DAY`.
    pub name: String,
    /// Rows.
    pub rows: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// It holds truths and lies in the truth folder.
    pub truth: bool,
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Files by name, data first.
    pub tables: Vec<TableSummary>,
    /// Time of each stage.
    pub stages: Vec<(&'static str, Duration)>,
}

impl Summary {
    /// Rows of a table, if it was written.
    pub fn rows(&self, table: &str) -> Option<u64> {
        self.tables.iter().find(|t| t.name == table).map(|t| t.rows)
    }
}

/// Why a world could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The scale makes no sense.
    #[error("scale {0} is not usable; choose a number from 0.001 to 100")]
    Scale(f64),
    /// A file could not be written.
    #[error("cannot write {}: {error}; choose a folder that exists on a disk with space and may be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Rows could not be encoded.
    #[error("cannot encode table {table}: {reason}")]
    Encode {
        /// The table.
        table: String,
        /// What the encoder said.
        reason: String,
    },
    /// A worker thread ended early.
    #[error("a generator thread ended before its work was done")]
    Thread,
}
