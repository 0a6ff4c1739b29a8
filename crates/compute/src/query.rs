//! What to compute.

use serde::{Deserialize, Serialize};

/// A value bound to a query's placeholder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// NULL.
    Null,
    /// Boolean.
    Boolean(bool),
    /// 64-bit integer.
    Integer(i64),
    /// Double.
    Number(f64),
    /// Text.
    Text(String),
    /// Microseconds since 1970-01-01 UTC.
    Timestamp(i64),
    /// Days since 1970-01-01.
    Date(i32),
}

/// A query in the canonical dialect: DataFusion's SQL plus one aggregate of ours.
///
/// `moments(x1, …, xk)` over doubles returns one list of doubles `[count, means…, cross…]` as in
/// [`crate::Moments::from_flat`]; rows with a null in any argument are left out. Each engine runs it
/// natively or writes it out in its own dialect. Tables are named as registered. `$1` … `$n` stand for
/// `parameters`, never pasted into the text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// For logs, progress and provenance, e.g. `experiment checkout: visits, revenue`.
    pub label: String,
    /// SQL text in the canonical dialect.
    pub sql: String,
    /// Bound values.
    pub parameters: Vec<Value>,
}

/// SQL dialects that a query can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Embedded, canonical.
    DataFusion,
    /// PostgreSQL.
    Postgres,
    /// Spark and Databricks.
    Spark,
    /// Snowflake.
    Snowflake,
    /// BigQuery.
    BigQuery,
    /// Redshift.
    Redshift,
}

/// A table that an engine can read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableSource {
    /// Name in queries.
    pub name: String,
    /// How its rows are stored.
    pub format: TableFormat,
    /// Absolute path or glob of files, or the name in the remote database.
    pub location: String,
    /// Columns with their logical types (ODCS words), as the contract promises; used to type text files.
    pub columns: Vec<(String, String)>,
}

/// How rows are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "format")]
pub enum TableFormat {
    /// Parquet files.
    Parquet,
    /// CSV with a header line.
    Csv {
        /// One byte, usually a comma.
        delimiter: char,
        /// Encoding label of the WHATWG standard; `None` is UTF-8 (a BOM is skipped).
        encoding: Option<String>,
    },
    /// JSON lines.
    Json,
    /// A table of the engine's own database.
    Table,
}
