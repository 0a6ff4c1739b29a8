//! What is asked of the ledger.

use std::path::PathBuf;

use clap::Subcommand;

use super::Who;

/// About the ledger.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Verify that nothing was edited, dropped, reordered or truncated.
    #[command(
        after_help = "Examples:\n  steward ledger verify\n  steward ledger verify --head 3f2a…\n  steward ledger verify --export ledger.jsonl --head 3f2a…"
    )]
    Verify {
        /// An exported file instead of the project's ledger.
        #[arg(long, value_name = "FILE")]
        export: Option<PathBuf>,
        /// A head saved earlier, which must still be in the chain.
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
    /// Write all events, one JSON document a line.
    #[command(
        after_help = "Prints the head: keep it to verify the file later.\n\nExample:\n  steward ledger export ledger.jsonl"
    )]
    Export {
        /// File.
        file: PathBuf,
    },
    /// Events, oldest first.
    Log {
        /// Only this subject.
        #[arg(long)]
        about: Option<String>,
        /// The last so many.
        #[arg(long, default_value_t = 50)]
        last: u64,
        /// As of a time (RFC 3339 or a date).
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
    },
    /// Erase the private part of an event; the chain still verifies.
    Erase {
        /// Sequence number of the event.
        sequence: u64,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Who,
    },
    /// Rebuild projections from events.
    Rebuild,
}
