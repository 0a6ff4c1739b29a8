//! What is asked of models.

use clap::Subcommand;

use super::Who;

/// About registered models.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// All registered models.
    #[command(after_help = "Examples:\n  steward model list\n  steward model list --as-of 2026-03-01")]
    List {
        /// As of a time (RFC 3339 or a date).
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
    },
    /// A model's versions and aliases, who moved them, on which evidence.
    #[command(after_help = "Example:\n  steward model show churn --as-of 2026-03-01")]
    Show {
        /// Model.
        name: String,
        /// As of a time (RFC 3339 or a date).
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
    },
    /// Every move of aliases and stages: when, from where, to where, by whom, on what.
    #[command(after_help = "Example:\n  steward model history churn --alias champion")]
    History {
        /// Model.
        name: String,
        /// Only this alias.
        #[arg(long)]
        alias: Option<String>,
        /// As of a time (RFC 3339 or a date).
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
    },
    /// Point an alias at a version, or take it away.
    #[command(
        after_help = "Exit code 1: it is protected, and others must approve first.\n\nExamples:\n  steward model alias churn champion 3 --evidence 8c1f22a0 --as mara\n  steward model alias churn challenger"
    )]
    Alias {
        /// Model.
        name: String,
        /// Alias.
        alias: String,
        /// Version; the alias is taken away without one.
        version: Option<u64>,
        /// Evidence that the move stands on.
        #[arg(long, value_name = "ID")]
        evidence: Vec<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Requests to move what is protected.
    #[command(after_help = "Example:\n  steward model requests")]
    Requests,
    /// Approve a request to move what is protected.
    #[command(after_help = "Example:\n  steward model approve 4f9a1c --comment 'Recall holds' --as tomas")]
    Approve {
        /// Request: its id, or at least six digits of its beginning or end.
        request: String,
        /// What there is to say.
        #[arg(long)]
        comment: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Reject a request to move what is protected.
    #[command(after_help = "Example:\n  steward model reject 4f9a1c --comment 'Worse for new users' --as tomas")]
    Reject {
        /// Request: its id, or at least six digits of its beginning or end.
        request: String,
        /// What there is to say.
        #[arg(long)]
        comment: Option<String>,
        #[command(flatten)]
        who: Who,
    },
}
