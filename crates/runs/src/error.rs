//! What can go wrong with the run store.

/// An error of the run store.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RunsError {
    /// The request makes no sense; says what was expected.
    #[error("{0}")]
    Invalid(String),
    /// There is no such thing.
    #[error("there is no {what} {name:?}")]
    Missing {
        /// What was asked for: "run", "run group", "tag", …
        what: &'static str,
        /// Its id or name.
        name: String,
        /// Where it was looked for, if within something.
        within: String,
    },
    /// The name is taken.
    #[error("there is a {what} named {name:?} already")]
    Exists {
        /// What would be named.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// It was deleted: restore it first.
    #[error("the {what} {name:?} was deleted: restore it first")]
    Deleted {
        /// What.
        what: &'static str,
        /// Its id.
        name: String,
    },
    /// It is not deleted.
    #[error("the {what} {name:?} is not deleted")]
    NotDeleted {
        /// What.
        what: &'static str,
        /// Its id.
        name: String,
    },
    /// Parameters do not change once they are logged.
    #[error("parameters do not change: {}", changes.iter().map(|c| format!("{} is {:?}, not {:?}", c.key, c.old, c.new)).collect::<Vec<_>>().join("; "))]
    ParamChanged {
        /// The run.
        run: String,
        /// What would change.
        changes: Vec<ParamChange>,
    },
    /// The database failed.
    #[error("the run store {location}: {cause}")]
    Store {
        /// Which.
        location: String,
        /// Why, and what to do.
        cause: String,
    },
}

/// A parameter that was logged with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamChange {
    /// Its name.
    pub key: String,
    /// What was logged.
    pub old: String,
    /// What would replace it.
    pub new: String,
}

impl RunsError {
    pub(crate) fn missing(what: &'static str, name: impl Into<String>) -> RunsError {
        let (name, within) = (name.into(), String::new());
        RunsError::Missing { what, name, within }
    }
}
