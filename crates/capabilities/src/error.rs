//! What can go wrong in a room. Doors map it to HTTP and exit codes.

use steward_compute::EngineError;
use steward_definitions::Diagnostic;
use steward_facts::FactError;
use steward_ledger::LedgerError;
use steward_runs::RunsError;

/// An error of a room.
#[derive(Debug, thiserror::Error)]
pub enum CapabilityError {
    /// There is no definition of that name.
    #[error("there is no {kind} named {name:?}{}", near.as_ref().map(|n| format!("; did you mean {n:?}?")).unwrap_or_default())]
    Unknown {
        /// Kind of definition.
        kind: String,
        /// Name asked for.
        name: String,
        /// Nearest name.
        near: Option<String>,
    },
    /// The request does not make sense; says what was expected.
    #[error("{0}")]
    Invalid(String),
    /// No definitions are in force.
    #[error(
        "no definitions are in force yet: run `steward apply` (what the folder says is not live until it is applied)"
    )]
    NotApplied,
    /// There is nothing of that name.
    #[error("{0}")]
    Missing(String),
    /// The name is taken.
    #[error("{0}")]
    Exists(String),
    /// Others must approve first; says who, and names the request.
    #[error("refused: {what}; request {request} waits for approval: `steward model approve {request}`")]
    Protected {
        /// What is protected, by which policy, and what is missing.
        what: String,
        /// The request that waits.
        request: String,
    },
    /// A policy forbids it; says which and what would satisfy it.
    #[error("refused: {0}")]
    Refused(String),
    /// Definitions have errors.
    #[error("the project has {} problem(s): run `steward check`", .0.len())]
    Definitions(Vec<Diagnostic>),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Facts arrived while they were read.
    #[error("facts arrived while {0} was computed, again and again; ask once more in a moment")]
    Moved(String),
    /// Facts could not be kept.
    #[error(transparent)]
    Facts(#[from] FactError),
    /// The run store refuses or failed.
    #[error(transparent)]
    Runs(#[from] RunsError),
    /// A file could not be read or written.
    #[error("{path}: {cause}")]
    File {
        /// Path.
        path: String,
        /// Cause and what to do.
        cause: String,
    },
}

/// The known name nearest to the one asked for.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a String>) -> Option<String> {
    steward_definitions::nearest::nearest(name, names.map(String::as_str)).map(str::to_string)
}
