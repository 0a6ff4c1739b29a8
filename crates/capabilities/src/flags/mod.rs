//! Who gets what, and why? Flags evaluated bit for bit as the GrowthBook JavaScript SDK evaluates them.

mod condition;
mod evaluate;
mod hash;
mod parse;
mod payload;
mod sticky;
mod value;
mod version;

pub use evaluate::{Assigned, Evaluation, Observer, Silent, Source, Subject};
pub use parse::{JsonError, parse as parse_json};
pub use payload::{FeatureSet, PayloadError};
pub use sticky::Sticky;
pub use value::{Value, number_text};

#[cfg(test)]
mod tests;
