//! What can go wrong in the ledger. Messages name places, kinds and numbers, never the content of events.

/// What went wrong in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The store cannot be opened, read or written.
    #[error("ledger {location}: {cause}")]
    Store {
        /// Where.
        location: String,
        /// Cause and what to do.
        cause: String,
    },
    /// Written by a newer program.
    #[error("ledger {location} has format {found}, this program knows up to {known}: use a newer steward")]
    Newer {
        /// Where.
        location: String,
        /// Its format.
        found: i64,
        /// The newest known.
        known: i64,
    },
    /// The chain is broken.
    #[error("ledger is broken at event {sequence}: {cause}")]
    Broken {
        /// First event that does not verify.
        sequence: u64,
        /// What does not fit.
        cause: String,
    },
    /// Stored evidence is not what was recorded.
    #[error("evidence {id} is broken: {cause}")]
    BrokenEvidence {
        /// Its id, or as much of it as is left.
        id: String,
        /// What does not fit.
        cause: String,
    },
    /// A prefix that fits the ids of several evidences.
    #[error("evidence {prefix} is ambiguous: several ids start so; give more digits")]
    Ambiguous {
        /// The prefix asked for.
        prefix: String,
    },
    /// The call makes no sense; nothing was changed.
    #[error("{what}: {cause}")]
    Invalid {
        /// The argument.
        what: String,
        /// Why not, and what was expected.
        cause: String,
    },
}

impl LedgerError {
    pub(crate) fn invalid(what: impl Into<String>, cause: impl Into<String>) -> LedgerError {
        LedgerError::Invalid {
            what: what.into(),
            cause: cause.into(),
        }
    }

    pub(crate) fn broken(sequence: u64, cause: impl Into<String>) -> LedgerError {
        LedgerError::Broken {
            sequence,
            cause: cause.into(),
        }
    }

    pub(crate) fn store(location: impl std::fmt::Display, cause: impl Into<String>) -> LedgerError {
        LedgerError::Store {
            location: location.to_string(),
            cause: cause.into(),
        }
    }
}
