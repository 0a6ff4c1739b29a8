//! Facts that arrive one by one: exposures, predictions. High-volume rows, never events of the ledger.
//!
//! A [`FactLog`] takes batches of rows, keeps each row once by its key, and answers when they are on disk. What it holds
//! is a folder of Parquet files that any engine reads, and a tail of rows that no file holds yet:
//!
//! ```text
//! _files                     which Parquet files are the table, how many rows they hold; replaced whole
//! 000000000000-4096.parquet  rows 0 to 4095
//! tail-4096.log              rows from 4096 on: checksummed groups, each flushed before it is acknowledged
//! lock                       held by the process that writes
//! ```
//!
//! What arrives as whole files (bills) is kept as [`Parts`]: a table of which parts are replaced whole.
//!
//! Several processes may write and seal; a lock decides who is next, and each catches up with what the others did.

mod error;
mod files;
mod frame;
mod known;
mod log;
mod parts;
mod source;
mod store;
mod tail;

pub use error::FactError;
pub use log::{Appended, FactLog, WAITING_ROWS};
pub use parts::{Part, PartWriter, Parts};
pub use source::{Batches, Table, read};
pub use store::HORIZON;
