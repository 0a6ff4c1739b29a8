//! What is asked of bills, budgets and contracts.

use std::path::PathBuf;

use clap::Subcommand;

use super::Who;

/// About bills.
#[derive(Debug, Subcommand)]
pub enum BillCommand {
    /// Keep a delivery: each charge once, each billing period as delivered last.
    #[command(
        after_help = "Files are Parquet or CSV with a header, in FOCUS 1.0 to 1.3; give all files of a delivery in one call. A period that was kept before is replaced.\n\nExamples:\n  steward bill import focus-2025-10.parquet --as priya\n  steward bill import part-1.csv part-2.csv --json"
    )]
    Import {
        /// Files of one delivery.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        who: Who,
    },
    /// Who bears the bill.
    Show {
        /// Bill; the only one by default.
        name: Option<String>,
    },
    /// Profit and loss of models in the last complete month.
    Models {
        /// Bill; the only one by default.
        name: Option<String>,
    },
    /// Costs out of line; exit code 1 if there are any.
    Anomalies {
        /// Bill; the only one by default.
        name: Option<String>,
    },
}

/// About budgets.
#[derive(Debug, Subcommand)]
pub enum BudgetCommand {
    /// Actual and forecast; exit code 1 if one will probably not suffice.
    Status {
        /// Budget; all without.
        name: Option<String>,
    },
}

/// About contracts.
#[derive(Debug, Subcommand)]
pub enum ContractCommand {
    /// All contracts, the nearest notice first.
    List,
    /// Notice dates and ends as iCalendar.
    Calendar {
        /// File; standard output without.
        #[arg(long, short)]
        out: Option<PathBuf>,
    },
}
