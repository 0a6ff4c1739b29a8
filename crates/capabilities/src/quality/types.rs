//! What a quality report says.

use serde::{Deserialize, Serialize};
use steward_definitions::{Reference, Span};

/// How to check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckOptions {
    /// Judge freshness, and count rows, as of this moment (microseconds since 1970 UTC); `None` is now, or the
    /// end of `day` once it is past.
    pub as_of_us: Option<i64>,
    /// Only rows of this day (ISO date, UTC) of `time_column`.
    pub day: Option<String>,
    /// The time column of day slices; by default the one that volume, delay or freshness checks name, else the only
    /// timestamp column.
    pub time_column: Option<String>,
    /// Failing rows shown per check; personal data is masked.
    pub sample: u32,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// The promise is kept.
    Passed,
    /// The promise is broken.
    Failed,
    /// It could not be tested: `message` says why.
    Error,
}

/// One check's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// Name, unique in the report.
    pub name: String,
    /// Column, if it is about one.
    pub column: Option<String>,
    /// Rule: `nulls`, `invalid`, `range`, `duplicates`, `volume`, `references`, `freshness`, `delay`, `sql`, `shift`.
    pub rule: String,
    /// How it came out.
    pub status: CheckStatus,
    /// Measured number, in the unit of `expected`.
    pub measured: Option<f64>,
    /// What was promised, in words: `at most 0 nulls`.
    pub expected: String,
    /// In a sentence: what was found.
    pub message: String,
    /// Rows that break the promise, where rows do.
    pub failing_rows: Option<u64>,
    /// Failing rows, printed; personal data masked.
    pub sample: Vec<Vec<(String, String)>>,
    /// `error` or `warning`.
    pub severity: String,
    /// Where it is defined.
    pub span: Span,
}

/// A difference between the promised and the actual columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum SchemaDifference {
    /// A promised column is missing.
    Missing {
        /// Column.
        column: String,
        /// Promised type.
        expected: String,
        /// The unpromised column that it was probably renamed to.
        renamed_to: Option<String>,
        /// Where it is promised.
        span: Span,
    },
    /// A column that nobody promised.
    Extra {
        /// Column.
        column: String,
        /// Actual type.
        found: String,
    },
    /// A column of another type.
    Type {
        /// Column.
        column: String,
        /// Promised logical type.
        expected: String,
        /// Actual type.
        found: String,
        /// Where it is promised.
        span: Span,
    },
}

/// Whether a dataset keeps its contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QualityReport {
    /// Dataset.
    pub dataset: String,
    /// Accountable.
    pub owner: String,
    /// Contract version.
    pub version: String,
    /// No failed or untestable check of severity `error`, no missing column and no changed type.
    pub ok: bool,
    /// In a sentence.
    pub verdict: String,
    /// Rows looked at.
    pub rows: Option<u64>,
    /// Day that was looked at, if only one.
    pub day: Option<String>,
    /// As of, microseconds since 1970 UTC.
    pub as_of_us: i64,
    /// Checks in the order of the contract.
    pub checks: Vec<CheckResult>,
    /// Differences between promised and actual columns.
    pub schema: Vec<SchemaDifference>,
    /// Queries run, in the canonical dialect.
    pub sql: Vec<String>,
    /// Digest of the data.
    pub data: String,
    /// Digest of the contract.
    pub definition: String,
}

impl QualityReport {
    /// Failed checks.
    pub fn failed(&self) -> impl Iterator<Item = &CheckResult> {
        self.checks.iter().filter(|c| c.status == CheckStatus::Failed)
    }
}

/// A report of the past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastReport {
    /// Evidence id.
    pub evidence: String,
    /// When it was computed, microseconds since 1970 UTC.
    pub computed_us: i64,
    /// The report.
    pub report: QualityReport,
}

/// A dataset in the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetInfo {
    /// Name.
    pub name: String,
    /// Human title.
    pub label: Option<String>,
    /// Accountable.
    pub owner: String,
    /// What it means.
    pub description: Option<String>,
    /// Contract version.
    pub version: String,
    /// Contract status.
    pub status: String,
    /// Where the rows are, as written.
    pub location: String,
    /// Columns promised.
    pub columns: u64,
    /// Checks promised.
    pub checks: u64,
    /// Rows, where file metadata says so.
    pub rows: Option<u64>,
    /// Bytes on disk.
    pub bytes: Option<u64>,
    /// Newest modification, microseconds since 1970 UTC.
    pub modified_us: Option<i64>,
    /// Newest report.
    pub last: Option<PastReport>,
    /// What stands on it: semantic models, experiments.
    pub used_by: Vec<Reference>,
    /// Why it cannot be read, if so.
    pub problem: Option<String>,
}
