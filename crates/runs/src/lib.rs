//! What runs logged: parameters, metric points, tags, inputs, outputs and traces, on SQLite or PostgreSQL.
//!
//! Everything a run logs is a fact: ordinary data, never an event of the ledger. A [`RunStore`] answers a write when it
//! is on disk; many that wait share one transaction. A run's parameters, tags and last metric values are one document,
//! read by one query; its metric history is a table of points. Searches are answered from columns in memory
//! ([`search`](RunSearch)), which follow the numbers of changes and so see what other processes write.

mod batch;
mod db;
mod error;
mod examples;
pub mod grammar;
mod groups;
mod model;
mod models;
mod place;
mod read;
mod runs;
mod search;
mod store;
mod traces;
mod writer;

pub use error::{ParamChange, RunsError};
pub use examples::{Example, ExampleSet};
pub use model::{
    CONTEXT_TAG, DEFAULT_GROUP, Dataset, DatasetUse, Group, Latest, NAME_TAG, NewGroup, NewRun, Point, Run, Status,
    View,
};
pub use models::{Measure, Model, ModelStatus, NewModel};
pub use place::below;
pub use read::HistoryPoint;
pub use runs::{Logged, RunUpdate};
pub use search::{Counts, DatasetSummary, ModelOrder, ModelSearch, OnDataset, Page, RunSearch, TraceSearch};
pub use store::{RunStore, new_id};
pub use traces::{Assessment, Judgement, Span, Trace, TraceCull};
