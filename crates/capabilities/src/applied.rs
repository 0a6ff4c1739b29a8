//! The event that brings definitions into force. Governance writes it; rooms below governance read what it froze.

/// Kind of an application of definitions; its payload holds the whole `project`.
pub const APPLIED: &str = "definitions.applied";
