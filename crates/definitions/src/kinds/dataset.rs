//! A dataset and its contract, read from the Open Data Contract Standard (3.0 to 3.2).

use serde::{Deserialize, Serialize};

use crate::Span;
use crate::project::Meta;

/// A data asset with its promised schema, quality and service level: one ODCS schema object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dataset {
    /// Name (the schema object's name), owner (from `team`, or the project), place, digest.
    pub meta: Meta,
    /// ODCS contract id and version.
    pub contract_id: String,
    /// Contract version.
    pub version: String,
    /// `proposed`, `draft`, `active`, `deprecated`, `retired`.
    pub status: String,
    /// Where the rows are.
    pub location: Location,
    /// Columns in order.
    pub columns: Vec<Column>,
    /// Checks on the table.
    pub checks: Vec<Check>,
    /// Promised service levels.
    pub service_levels: Vec<ServiceLevel>,
}

/// Where rows are found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// `parquet`, `csv`, `json` (lines), or `table` (a name in the engine).
    pub format: String,
    /// Path or glob relative to the project folder, or the table's name.
    pub path: String,
    /// CSV delimiter, if not a comma.
    pub delimiter: Option<char>,
    /// Text encoding, if not UTF-8 (`latin1`, `windows-1252`, …).
    pub encoding: Option<String>,
    /// Where the location is written.
    pub span: Span,
}

/// A promised column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Name.
    pub name: String,
    /// ODCS logical type: `string`, `integer`, `number`, `boolean`, `date`, `timestamp`, `time`, `object`, `array`.
    pub logical_type: String,
    /// Type as the store names it.
    pub physical_type: Option<String>,
    /// Meaning.
    pub description: Option<String>,
    /// Never null.
    pub required: bool,
    /// No value twice.
    pub unique: bool,
    /// Position in the primary key, from 1.
    pub primary_key: Option<u32>,
    /// `public`, `internal`, `confidential`, `personal`, ….
    pub classification: Option<String>,
    /// Checks on the column.
    pub checks: Vec<Check>,
    /// Where it is defined.
    pub span: Span,
}

/// One testable expectation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Name; generated as `column.rule` when the contract gives none.
    pub name: String,
    /// What is tested.
    pub rule: Rule,
    /// `error` or `warning`.
    pub severity: String,
    /// Where it is defined.
    pub span: Span,
}

/// What a check tests. `bound` holds for what is measured: the number of rows that fail (nulls, invalid values, values
/// out of range, duplicates, late rows), or with `percent` their share of all rows in per cent (0 to 100); the number of
/// rows for `Volume`; the query's answer for `Sql`.
#[allow(missing_docs, reason = "each variant says what its fields mean")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "rule")]
pub enum Rule {
    /// At most so many (or this share of) nulls in a column.
    Nulls {
        column: String,
        bound: Bound,
        percent: bool,
    },
    /// Values that fail: not in `values`, not matching `pattern`, shorter or longer than allowed.
    Invalid {
        column: String,
        values: Option<Vec<String>>,
        pattern: Option<String>,
        min_length: Option<u64>,
        max_length: Option<u64>,
        bound: Bound,
        percent: bool,
    },
    /// Values outside [min, max].
    Range {
        column: String,
        min: Option<f64>,
        max: Option<f64>,
        bound: Bound,
        percent: bool,
    },
    /// Duplicated combinations of columns.
    Duplicates {
        columns: Vec<String>,
        bound: Bound,
        percent: bool,
    },
    /// Number of rows; with `by_day` the rows of each day of that timestamp column.
    Volume { bound: Bound, by_day: Option<String> },
    /// Every value exists in another dataset's column.
    References {
        column: String,
        dataset: String,
        target: String,
    },
    /// The newest value of a time column is at most so old, in seconds.
    Freshness { column: String, max_age_seconds: u64 },
    /// Rows whose delay between two time columns is longer than so many seconds are late; `bound` holds for the late
    /// ones ("99.5% within 2 h" is at most 0.5 per cent).
    Delay {
        from: String,
        to: String,
        max_seconds: u64,
        bound: Bound,
        percent: bool,
    },
    /// A SQL query returning one number.
    Sql { query: String, bound: Bound },
    /// Mean of a column per day stays within a factor of its median over the previous days.
    Shift {
        column: String,
        time: String,
        max_factor: f64,
    },
}

/// Inclusive bounds on a measured number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// At least.
    pub min: Option<f64>,
    /// At most.
    pub max: Option<f64>,
    /// Strictly: the bounds themselves fail.
    pub exclusive: bool,
}

/// A promised service level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceLevel {
    /// ODCS property: `freshness`, `latency`, `retention`, `frequency`, ….
    pub property: String,
    /// Value.
    pub value: String,
    /// Unit: `d`, `h`, `m`, ….
    pub unit: Option<String>,
    /// The column concerned, as `table.column`.
    pub element: Option<String>,
}
