//! What is known about a file before anything is defined.

use serde::{Deserialize, Serialize};
use steward_compute::TableFormat;
use steward_definitions::draft::Role;

/// What a file is, by its name and bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sniffed {
    /// Format, with delimiter and encoding for text.
    pub format: TableFormat,
    /// It starts with a byte-order mark.
    pub bom: bool,
    /// Header fields of a CSV, decoded.
    pub header: Vec<String>,
    /// What was noticed on the way: blank lines, an encoding guessed.
    pub notes: Vec<String>,
}

/// What is known about a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Name.
    pub name: String,
    /// ODCS logical type.
    pub logical_type: String,
    /// Arrow type, printed.
    pub data_type: String,
    /// Nulls.
    pub nulls: u64,
    /// Different values (exact).
    pub distinct: u64,
    /// Smallest, printed; `None` for personal data and when all are null.
    pub min: Option<String>,
    /// Largest, printed.
    pub max: Option<String>,
    /// Mean of a number.
    pub mean: Option<f64>,
    /// Most frequent values with their rows, for columns of few values; empty for personal data.
    pub values: Vec<(String, u64)>,
    /// What it probably is.
    pub role: Role,
    /// Why it is thought so, in a few words.
    pub reason: String,
    /// Kind of personal data it probably holds: `email`, `name`, `phone`, `address`, `iban`, `birth`, `ip`.
    pub personal: Option<String>,
}

/// What is known about a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableProfile {
    /// Name.
    pub table: String,
    /// Rows.
    pub rows: u64,
    /// Columns in order.
    pub columns: Vec<ColumnProfile>,
    /// Column that identifies a row, if there is one.
    pub key: Option<String>,
    /// Column that is probably the unit.
    pub unit: Option<String>,
    /// Column that is probably the time.
    pub time: Option<String>,
    /// Column that is probably the variant of an experiment.
    pub variant: Option<String>,
    /// Queries run.
    pub sql: Vec<String>,
}

/// What `init` did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Initialised {
    /// The project folder.
    pub folder: String,
    /// Files written, relative to the folder.
    pub written: Vec<String>,
    /// Files copied into the folder: from, to.
    pub copied: Vec<(String, String)>,
    /// Profiles of the files.
    pub profiles: Vec<TableProfile>,
    /// What a person should look at, in sentences.
    pub notes: Vec<String>,
}
