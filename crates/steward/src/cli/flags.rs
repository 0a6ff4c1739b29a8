//! What is asked of flags.

use clap::Subcommand;

use super::Who;

/// About flags.
#[derive(Debug, Subcommand)]
pub enum FlagCommand {
    /// All flags that are live.
    List,
    /// Where a flag's rules stand, and who changed it last.
    Show {
        /// Flag.
        name: String,
    },
    /// What a unit gets, and why.
    #[command(
        after_help = "Examples:\n  steward flag eval checkout --attributes '{\"id\": \"u1\", \"country\": \"DE\"}' --explain\n  steward flag eval checkout --attributes '{\"id\": \"u1\"}' --as-of 2026-03-01 --json"
    )]
    Eval {
        /// Flag.
        name: String,
        /// Attributes of the unit, as a JSON object.
        #[arg(long, value_name = "JSON", default_value = "{}")]
        attributes: String,
        /// As of a time (RFC 3339 or a date): what was applied by then, with schedules and ramps as they stood.
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
        /// Also every rule that was passed over, and why.
        #[arg(long)]
        explain: bool,
    },
    /// Flags that should be gone; exit code 1 if there are any.
    Stale,
    /// Change a flag in its file, keeping comments and formatting, and apply it as one decision; shows what would change
    /// without --apply.
    #[command(
        after_help = "A value is named by its path: keys, and the names of rules and variants. An empty value takes a key out.\n\nExamples:\n  steward flag set checkout enabled=false --apply -m 'payments fail' --as mara\n  steward flag set checkout rules.grow.rollout=50%\n  steward flag set checkout rules.test.split.a.weight=70% rules.test.split.b.weight=30% rules.test.bucket_version=1\n  steward flag set checkout rules.grow.until="
    )]
    Set {
        /// Flag.
        name: String,
        /// What to change.
        #[arg(required = true, value_name = "PATH=VALUE")]
        changes: Vec<String>,
        /// Change it, rather than show what would change.
        #[arg(long, requires = "message")]
        apply: bool,
        /// Why.
        #[arg(short, long)]
        message: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Let a rollout go on that was stopped because its experiment showed harm; that harm is accepted.
    #[command(
        after_help = "Example:\n  steward flag resume checkout --reason 'the complaints came from a broken printer' --as mara"
    )]
    Resume {
        /// Flag.
        name: String,
        /// Rule, where several are stopped.
        #[arg(long)]
        rule: Option<String>,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Who,
    },
}
