//! Files of runs and models: kept whole or not at all, by name, in a folder or a bucket.
//!
//! A name is a relative path of plain segments ([`Name`]); what is kept under it has a size and a SHA-256. Files
//! stream in and out in pieces, so that their size does not matter to memory.

mod digest;
mod error;
mod local;
mod name;
mod place;
mod remote;
mod store;
mod uploads;

pub use error::ArtifactError;
pub use name::Name;
pub use place::Place;
pub use store::{ArtifactStore, Chunks, Content, Entry, Part, Span, Stored};
