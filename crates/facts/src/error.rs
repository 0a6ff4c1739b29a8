//! What can go wrong in a fact log.

use std::path::Path;

/// What went wrong in a fact log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// More rows wait than the log takes; nothing of the batch was kept.
    #[error("{waiting} rows wait to be written; send the batch again in a moment")]
    Busy {
        /// Rows that wait.
        waiting: usize,
    },
    /// The files cannot be read or written. What was acknowledged before is safe; nothing of the batch was acknowledged.
    #[error("{path}: {cause}")]
    Store {
        /// File or folder.
        path: String,
        /// Cause and what to do.
        cause: String,
    },
    /// A file holds something else than what was written. It is left as it is.
    #[error(
        "{path} is damaged at byte {at}: {cause}; nothing is written to it: restore it from a copy, or move it away"
    )]
    Damaged {
        /// File.
        path: String,
        /// Where.
        at: u64,
        /// What does not fit.
        cause: String,
    },
    /// The rows are not of the log's schema.
    #[error("facts {log}: {cause}")]
    Schema {
        /// The log.
        log: String,
        /// What differs.
        cause: String,
    },
}

impl FactError {
    pub(crate) fn store(path: &Path, cause: impl std::fmt::Display) -> FactError {
        FactError::Store {
            path: path.display().to_string(),
            cause: cause.to_string(),
        }
    }
}
