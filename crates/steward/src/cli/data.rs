//! What is asked of metrics and data.

use clap::{Args, Subcommand};

/// A question.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// Metrics, separated by commas.
    #[arg(long, value_delimiter = ',', required_unless_present = "sql")]
    pub metrics: Vec<String>,
    /// Dimensions, separated by commas; time:week is the metrics' time by week.
    #[arg(long, value_delimiter = ',')]
    pub by: Vec<String>,
    /// Condition over dimensions.
    #[arg(long = "where", value_name = "CONDITION")]
    pub filter: Option<String>,
    /// First moment, inclusive.
    #[arg(long)]
    pub from: Option<String>,
    /// Last moment, exclusive.
    #[arg(long)]
    pub to: Option<String>,
    /// Columns to order by; a leading - is descending.
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    pub order: Vec<String>,
    /// At most so many rows.
    #[arg(long)]
    pub limit: Option<u64>,
    /// IANA time zone; the project's by default.
    #[arg(long)]
    pub time_zone: Option<String>,
    /// Show periods without data.
    #[arg(long)]
    pub fill: bool,
    /// A SELECT over the datasets instead of metrics.
    #[arg(long, conflicts_with_all = ["metrics", "by", "filter"])]
    pub sql: Option<String>,
    /// Print the SQL instead of running it.
    #[arg(long, conflicts_with = "sql")]
    pub explain: bool,
    /// How the answer is written.
    #[arg(long, default_value = "table", value_parser = ["table", "csv", "json", "jsonl", "arrow"])]
    pub format: String,
}

/// About metrics.
#[derive(Debug, Subcommand)]
pub enum MetricCommand {
    /// All governed metrics.
    List,
}

/// About datasets.
#[derive(Debug, Subcommand)]
pub enum DatasetCommand {
    /// All datasets with their last check.
    List,
    /// Check a dataset against its contract.
    #[command(
        after_help = "A past day is judged as of its end. Exit code 1: the contract is broken.\n\nExamples:\n  steward dataset check orders\n  steward dataset check event_feed --day 2025-05-12"
    )]
    Check {
        /// Dataset.
        name: String,
        /// Only the rows that arrived on this day (ISO date).
        #[arg(long)]
        day: Option<String>,
        /// Time column for --day.
        #[arg(long)]
        time_column: Option<String>,
    },
    /// Past checks.
    History {
        /// Dataset.
        name: String,
    },
}
