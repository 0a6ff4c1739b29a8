//! A checked query in the words of another database.

use steward_compute::{Dialect, EngineError, Query};

/// The query's text in a dialect. The query must have been checked before.
pub(crate) fn write(query: &Query, dialect: Dialect) -> Result<String, EngineError> {
    if dialect == Dialect::DataFusion {
        return Ok(query.sql.clone());
    }
    Err(EngineError::Plan { label: query.label.clone(), cause: format!("cannot be written for {dialect:?}") })
}
