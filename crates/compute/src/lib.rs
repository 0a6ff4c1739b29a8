//! Describes computation without doing it: what to compute ([`Query`]), how it is run ([`Engine`]),
//! and the sufficient statistics that come back ([`Moments`], [`Sketch`]).
//!
//! No files, clock, network or async runtime in here.

pub mod engine;
pub mod format;
pub mod query;
pub mod rows;
pub mod sketch;

pub use arrow;
pub use engine::{BoxFuture, Cancel, ColumnFacts, Engine, EngineError, Rows, RunControl, Snapshot, TableFacts};
pub use format::Format;
pub use query::{Dialect, Query, TableFormat, TableSource, Value};
pub use sketch::Sketch;
pub use steward_stats::Moments;
