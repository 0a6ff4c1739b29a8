//! Definitions: what should be. A project folder's YAML, SQL and Markdown text becomes typed,
//! cross-checked [`Project`]s, with every problem reported at once as a [`Diagnostic`].
//!
//! No files, clock, network or async runtime in here: callers hand over [`Source`] texts.

mod billed;
mod check;
mod collected;
pub mod decode;
pub mod diagnostic;
pub mod draft;
pub mod edit;
pub mod flags;
pub mod kinds;
pub mod nearest;
pub mod plan;
pub mod project;
mod read;
mod references;
pub mod schema;
pub mod semantic;
pub mod sql;
pub mod yaml;

pub use billed::{BILL_COLUMNS, BILLS, BILLS_FOLDER};
pub use collected::{COLLECTED, COLLECTED_COLUMNS, COLLECTED_FOLDER};
pub use diagnostic::{Diagnostic, Severity, Span};
pub use kinds::*;
pub use project::{Kind, Meta, Project, Reference, ReferenceError, Source};
