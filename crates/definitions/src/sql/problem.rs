use serde::{Deserialize, Serialize};

/// Why a text is no SQL that a definition may hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct SqlProblem {
    /// What is wrong; lower case, no full stop; reads well after the text that it speaks of.
    pub message: String,
    /// Line in the text, from 1.
    pub line: u32,
    /// Column in the text, from 1.
    pub column: u32,
}

impl SqlProblem {
    pub(crate) fn at_start(message: impl Into<String>) -> SqlProblem {
        SqlProblem {
            message: message.into(),
            line: 1,
            column: 1,
        }
    }
}
