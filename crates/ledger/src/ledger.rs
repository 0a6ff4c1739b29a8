//! Append, read, project.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Event, Evidence, EvidenceKey, NewEvent};

/// What went wrong in the ledger.
#[derive(Debug, thiserror::Error)]
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
}

/// Which events to read; all conditions hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    /// This kind, or kinds with this prefix when it ends in `.`.
    pub kind: Option<String>,
    /// This subject.
    pub subject: Option<String>,
    /// At or before, microseconds since 1970 UTC.
    pub as_of_us: Option<i64>,
    /// After this sequence number.
    pub after: Option<u64>,
    /// The last so many, still oldest first.
    pub last: Option<u64>,
}

/// A fold over events; the same events give the same bytes.
pub trait Projection: Default + Serialize + for<'de> Deserialize<'de> + Send {
    /// Name under which its state is cached.
    const NAME: &'static str;
    /// Raise when `apply` changes, so that it is rebuilt from nothing.
    const VERSION: u32;
    /// Takes one event in order.
    fn apply(&mut self, event: &Event);
}

/// Outcome of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Events verified.
    pub events: u64,
    /// Hash of the last event; what to save elsewhere.
    pub head: String,
    /// Private payloads that were erased.
    pub erased: u64,
}

/// Tells the time, microseconds since 1970 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// An open ledger; cheap to clone, safe to share between tasks and processes.
#[derive(Clone)]
pub struct Ledger {}

#[allow(unused_variables)]
impl Ledger {
    /// Opens (and creates) the ledger `ledger.db` in a folder.
    pub async fn open(folder: &Path, clock: Clock) -> Result<Ledger, LedgerError> {
        todo!()
    }

    /// Appends events, all or none; durable when it returns. Concurrent calls share one commit.
    pub async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<Event>, LedgerError> {
        todo!()
    }

    /// Appends events only if the last event about `subject` still is `expected` (`None`: there is none).
    /// Answers `None`, having appended nothing, if it is not: read again and decide anew.
    pub async fn append_if(&self, subject: &str, expected: Option<u64>, events: Vec<NewEvent>) -> Result<Option<Vec<Event>>, LedgerError> {
        todo!()
    }

    /// Reads events in order.
    pub async fn read(&self, filter: &Filter) -> Result<Vec<Event>, LedgerError> {
        todo!()
    }

    /// The state of a projection now (from its cache, caught up), or as of a time (folded anew).
    pub async fn project<P: Projection>(&self, as_of_us: Option<i64>) -> Result<P, LedgerError> {
        todo!()
    }

    /// Verifies the whole chain and every commitment; with `head`, also that the chain still contains that hash
    /// (nothing was truncated).
    pub async fn verify(&self, head: Option<&str>) -> Result<Verification, LedgerError> {
        todo!()
    }

    /// Writes all events, one JSON document a line, whole or not at all.
    pub async fn export(&self, path: &Path) -> Result<Verification, LedgerError> {
        todo!()
    }

    /// Verifies an exported file without any store.
    pub fn verify_export(path: &Path, head: Option<&str>) -> Result<Verification, LedgerError> {
        todo!()
    }

    /// Erases the private payload of an event, and records that as an event. The chain still verifies.
    pub async fn erase(&self, sequence: u64, actor: &str, reason: &str) -> Result<Event, LedgerError> {
        todo!()
    }

    /// The evidence under a key, if it was computed before.
    pub async fn evidence(&self, key: &EvidenceKey) -> Result<Option<Evidence>, LedgerError> {
        todo!()
    }

    /// The evidence with an id (or a unique prefix of at least eight digits).
    pub async fn evidence_by_id(&self, id: &str) -> Result<Option<Evidence>, LedgerError> {
        todo!()
    }

    /// Stores evidence; a second call with the same key keeps the first.
    pub async fn record_evidence(&self, evidence: &Evidence) -> Result<(), LedgerError> {
        todo!()
    }

    /// Evidence about a subject, oldest first; `as_of_us` by time of computation.
    pub async fn evidence_about(&self, subject: &str, as_of_us: Option<i64>) -> Result<Vec<Evidence>, LedgerError> {
        todo!()
    }
}
