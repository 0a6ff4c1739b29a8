//! What can go wrong in a room. Doors map it to HTTP and exit codes.

use steward_compute::EngineError;
use steward_definitions::Diagnostic;
use steward_ledger::LedgerError;

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
    /// A file could not be read or written.
    #[error("{path}: {cause}")]
    File {
        /// Path.
        path: String,
        /// Cause and what to do.
        cause: String,
    },
}

/// The nearest name: a prefix, or at most two edits away.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a String>) -> Option<String> {
    let wanted = name.to_lowercase();
    names
        .map(|n| (distance(&wanted, &n.to_lowercase()), n))
        .filter(|(d, n)| *d <= 2 || n.to_lowercase().starts_with(&wanted))
        .min()
        .map(|(_, n)| n.clone())
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (j, y) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(usize::MAX - 1);
            let cost = corner + usize::from(x != *y);
            left = cost.min(above + 1).min(left + 1);
            corner = above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
