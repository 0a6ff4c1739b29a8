//! What is asked of objectives and reports.

use std::path::PathBuf;

use clap::Subcommand;

use super::Who;

/// About objectives.
#[derive(Debug, Subcommand)]
pub enum ObjectiveCommand {
    /// Computed status of one objective, or of all.
    Status {
        /// Objective.
        name: Option<String>,
        /// As of a time (RFC 3339 or a date).
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
    },
}

/// About reports.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// All reports.
    List,
    /// Write a new report from a template.
    #[command(
        after_help = "Templates: monthly, programme, model-risk, budget, decision, business-case, post-mortem, workshop.\n\nExample:\n  steward report new budget_review --template budget --as mara"
    )]
    New {
        /// Name of the new report.
        name: String,
        /// Template.
        #[arg(long)]
        template: String,
        #[command(flatten)]
        who: Who,
    },
    /// Send a pack by e-mail: as its definition says, or now.
    #[command(
        after_help = "The relay is STEWARD_SMTP without --relay. A relay that is not on this machine must offer TLS.\n\nExamples:\n  steward report send monthly_business_review --relay smtp://localhost:25 --from steward@larkspur.example\n  steward report send --due --relay smtps://mail.example.com --from steward@example.com --user steward --password env:SMTP_PASSWORD"
    )]
    Send {
        /// Report; with --due every report whose day has come and that was not sent in its period yet.
        #[arg(required_unless_present = "due")]
        name: Option<String>,
        /// What is due by `send_every`.
        #[arg(long, conflicts_with = "name")]
        due: bool,
        /// smtp://HOST:PORT or smtps://HOST:PORT.
        #[arg(long)]
        relay: Option<String>,
        /// Who sends.
        #[arg(long)]
        from: String,
        /// Who gets it; `send_to` of the report by default.
        #[arg(long)]
        to: Vec<String>,
        /// Login of the relay.
        #[arg(long, requires = "password")]
        user: Option<String>,
        /// Its password: env:NAME or file:PATH.
        #[arg(long, requires = "user")]
        password: Option<String>,
        /// pdf, pptx, xlsx or html.
        #[arg(long, default_value = "pdf", value_parser = ["pdf", "pptx", "xlsx", "html"])]
        format: String,
    },
    /// Build a pack as .html, .pdf, .pptx or .xlsx, by the file's name.
    Build {
        /// Report.
        name: String,
        /// File to write; NAME.html by default.
        #[arg(long, short)]
        out: Option<PathBuf>,
    },
}
