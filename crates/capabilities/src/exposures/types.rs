//! What a batch may be, and what is answered.

use serde::Serialize;

/// Bounds of a batch and its fields.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Rows in a batch.
    pub rows: usize,
    /// Bytes of `id`, `experiment` and `variant`.
    pub name: usize,
    /// Bytes of `unit`.
    pub unit: usize,
    /// Bytes of `attributes`.
    pub attributes: usize,
    /// How far ahead of the server's clock a sender's may be, microseconds.
    pub ahead_us: i64,
    /// Exposures older than this when they arrive are remarked on, microseconds.
    pub late_us: i64,
}

/// The bounds.
pub const LIMITS: Limits = Limits {
    rows: 10_000,
    name: 200,
    unit: 400,
    attributes: 4096,
    ahead_us: 5 * 60 * 1_000_000,
    late_us: 7 * 86_400 * 1_000_000,
};

/// What became of a batch.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Collected {
    /// Exposures that are on disk now.
    pub stored: usize,
    /// Exposures that were on disk before: their id is known.
    pub known: usize,
    /// Exposures that were refused; the others are kept.
    pub errors: Vec<Remark>,
    /// Exposures that are kept and look wrong.
    pub warnings: Vec<Remark>,
}

/// What is wrong with one exposure of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// Its position in the batch, from 0.
    pub index: usize,
    /// The field; empty if the whole is no exposure.
    pub field: String,
    /// What is wrong, and what was expected.
    pub message: String,
}
