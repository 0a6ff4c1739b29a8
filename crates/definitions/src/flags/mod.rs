//! What flags, segments, layers and holdouts are written in: conditions, regular expressions, attribute types.

pub(crate) mod check;
pub(crate) mod condition;
pub mod pattern;
mod shape;

pub use condition::ATTRIBUTE_TYPES;
