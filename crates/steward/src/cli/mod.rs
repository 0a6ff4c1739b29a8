//! The words of the command line: its commands here, what each is asked in the file of its subject.

mod data;
mod demo;
mod experiments;
mod flags;
mod governance;
mod models;
mod money;
mod people;
mod portfolio;
mod reports;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use data::{DatasetCommand, MetricCommand, QueryArgs};
pub use demo::DemoArgs;
pub use experiments::{BanditCommand, ExperimentCommand, PlanArgs, PowerArgs};
pub use flags::FlagCommand;
pub use governance::LedgerCommand;
pub use models::ModelCommand;
pub use money::{BillCommand, BudgetCommand, ContractCommand};
pub use people::{IntakeCommand, NoteCommand, QuestionCommand, TeamCommand};
pub use portfolio::{BetCommand, PortfolioCommand, ValueCommand};
pub use reports::{ObjectiveCommand, ReportCommand};

/// Runs a data science organisation: you define, Steward gathers the evidence, you decide, nothing is forgotten.
#[derive(Debug, Parser)]
#[command(
    name = "steward",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 done, 1 the answer is no (a check failed), 2 the call is wrong, 3 the world is broken.\n\nExamples:\n  steward demo\n  steward init --from orders.csv\n  steward run"
)]
pub struct Cli {
    /// Project folder; otherwise the nearest folder upward that holds steward.yaml.
    #[arg(long, global = true, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// Print one JSON document on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a project, empty or from data files.
    #[command(
        after_help = "Examples:\n  steward init shop\n  steward init --from hillstrom.csv\n  steward init shop --from orders.csv users.parquet"
    )]
    Init {
        /// Folder of the new project.
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// Data files (CSV, Parquet, JSON lines) to profile and write definitions for.
        #[arg(long, num_args = 1.., value_name = "FILE")]
        from: Vec<PathBuf>,
    },
    /// Report every problem in the definitions.
    #[command(after_help = "Examples:\n  steward check\n  steward check --format sarif > steward.sarif")]
    Check {
        /// How problems are printed.
        #[arg(long, default_value = "human")]
        format: CheckFormat,
    },
    /// Write JSON Schemas for editors.
    Schema {
        /// Folder for one file per kind; without it they are printed as one document.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Show what applying would change, and what would break.
    #[command(
        after_help = "Exit code 1: applying would break something, or names are used that nothing defines.\n\nExamples:\n  steward plan\n  steward plan --json > plan.json"
    )]
    Plan,
    /// Put the definitions in force, recorded as one decision.
    #[command(after_help = "Example:\n  steward apply --as mara -m 'Contracts for the new order feed'")]
    Apply {
        #[command(flatten)]
        who: Who,
        /// Why.
        #[arg(long, short, default_value = "")]
        message: String,
    },
    /// Evaluate what is due: contract checks, experiments, key results, reports.
    #[command(after_help = "Examples:\n  steward run\n  steward run orders experiment/checkout")]
    Run {
        /// Names, or kind/name; everything without.
        names: Vec<String>,
    },
    /// Answer a question: metrics by dimensions, or SQL over the datasets.
    #[command(
        after_help = "Examples:\n  steward query --metrics revenue,orders --by time:week\n  steward query --metrics conversion --by user__country --where \"user__device = 'mobile'\"\n  steward query --sql 'SELECT count(*) FROM orders' --format csv"
    )]
    Query(QueryArgs),
    /// Metrics: what there is.
    #[command(after_help = "Example:\n  steward metric list")]
    Metric {
        /// What to do.
        #[command(subcommand)]
        command: MetricCommand,
    },
    /// Datasets: catalogue and contract checks.
    #[command(after_help = "Examples:\n  steward dataset list\n  steward dataset check orders --day 2025-06-03")]
    Dataset {
        /// What to do.
        #[command(subcommand)]
        command: DatasetCommand,
    },
    /// Experiments: list, read out, decide.
    #[command(
        after_help = "Examples:\n  steward experiment readout checkout\n  steward experiment decide checkout ship --reason 'More orders' --as mara"
    )]
    Experiment {
        /// What to do.
        #[command(subcommand)]
        command: ExperimentCommand,
    },
    /// Registered models: what they are, what their aliases point at, who approves.
    #[command(
        after_help = "Examples:\n  steward model list\n  steward model show churn --as-of 2026-03-01\n  steward model approve 4f9a1c --as mara"
    )]
    Model {
        /// What to do.
        #[command(subcommand)]
        command: ModelCommand,
    },
    /// Bandits: set weights, read out, judge other policies.
    #[command(
        after_help = "Examples:\n  steward bandit update\n  steward bandit readout headline\n  steward bandit evaluate headline --always playful"
    )]
    Bandit {
        /// What to do.
        #[command(subcommand)]
        command: BanditCommand,
    },
    /// Flags as they were applied: list, show, evaluate, find what should be gone.
    #[command(
        after_help = "Examples:\n  steward flag list\n  steward flag eval checkout --attributes '{\"id\": \"u1\", \"country\": \"DE\"}' --explain"
    )]
    Flag {
        /// What to do.
        #[command(subcommand)]
        command: FlagCommand,
    },
    /// Compute a statistical method by hand: JSON on standard input, JSON out.
    #[command(
        after_help = "Exit code 1: the input cannot be estimated; 2: it does not have the method's shape.\n\nExamples:\n  steward stats --list\n  echo '{\"control\": {\"n\": 100, \"mean\": 5, \"sd\": 2}, \"treatment\": {\"n\": 100, \"mean\": 6, \"sd\": 2}}' | steward stats welch_t"
    )]
    Stats {
        /// Method, such as welch_t.
        #[arg(required_unless_present = "list")]
        method: Option<String>,
        /// Every method with the JSON Schema of its input and output; of the one named, if any.
        #[arg(long)]
        list: bool,
    },
    /// Objectives and their computed status.
    #[command(after_help = "Example:\n  steward objective status")]
    Objective {
        /// What to do.
        #[command(subcommand)]
        command: ObjectiveCommand,
    },
    /// Bets: business cases, frozen at approval, resolved by query.
    #[command(after_help = "Example:\n  steward bet list")]
    Bet {
        /// What to do.
        #[command(subcommand)]
        command: BetCommand,
    },
    /// What was earned, and whether forecasts can be believed.
    #[command(after_help = "Example:\n  steward value realised")]
    Value {
        /// What to ask.
        #[command(subcommand)]
        command: ValueCommand,
    },
    /// What to do next, and by when it is done.
    #[command(after_help = "Example:\n  steward portfolio optimise")]
    Portfolio {
        /// What to ask.
        #[command(subcommand)]
        command: PortfolioCommand,
    },
    /// Decisions, newest first.
    Decisions {
        /// About this subject, e.g. experiment/checkout.
        #[arg(long)]
        about: Option<String>,
        /// As of a time (RFC 3339 or a date).
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
    },
    /// What waits for a decision today.
    Waiting,
    /// Why a number is what it is.
    Why {
        /// Evidence id, or its first eight or more digits.
        evidence: String,
    },
    /// What a definition stands on, and what stands on it.
    Lineage {
        /// kind/name; the whole project without.
        reference: Option<String>,
        /// As of a time (RFC 3339 or a date).
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
    },
    /// Definitions in force: now, or as of a time.
    #[command(
        after_help = "Exit code 1: nothing was applied by then.\n\nExamples:\n  steward applied\n  steward applied --as-of 2025-09-01"
    )]
    Applied {
        /// As of a time (RFC 3339 or a date).
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
    },
    /// Bills: import FOCUS exports, allocate them to models.
    #[command(after_help = "Examples:\n  steward bill import focus-2025-10.parquet --as priya\n  steward bill models")]
    Bill {
        /// What to do.
        #[command(subcommand)]
        command: BillCommand,
    },
    /// Budgets against actual and forecast.
    #[command(after_help = "Example:\n  steward budget status")]
    Budget {
        /// What to do.
        #[command(subcommand)]
        command: BudgetCommand,
    },
    /// Contracts: terms, notice dates, what the numbers say.
    #[command(after_help = "Examples:\n  steward contract list\n  steward contract calendar --out contracts.ics")]
    Contract {
        /// What to do.
        #[command(subcommand)]
        command: ContractCommand,
    },
    /// Teams: skills, capacity against demand, evidence for reviews.
    #[command(after_help = "Examples:\n  steward team status\n  steward team review ines --since 2025-07-01")]
    Team {
        /// What to do.
        #[command(subcommand)]
        command: TeamCommand,
    },
    /// Ad-hoc questions and their saved answers.
    #[command(after_help = "Examples:\n  steward question list\n  steward question answer why_churn_rose")]
    Question {
        /// What to do.
        #[command(subcommand)]
        command: QuestionCommand,
    },
    /// Intake: a business problem becomes a scoped initiative; other tools' issues become work items.
    #[command(
        after_help = "Examples:\n  steward intake new fewer_returns --problem 'One in five shoes comes back' --decision 'Whether sizes are advised' --metric returns --effort 4,8,14 --effect=-0.2,-0.1,-0.03 --kill 'No change after six weeks' --as mara\n  steward intake preview jira.csv --map initiative='Epic Link'"
    )]
    Intake {
        /// What to do.
        #[command(subcommand)]
        command: IntakeCommand,
    },
    /// Private notes between two people, encrypted.
    #[command(
        after_help = "Examples:\n  steward note add --with ines --key env:NOTES_KEY --as tomas 'Wants to lead a study'\n  steward note list --with ines --key env:NOTES_KEY --as tomas"
    )]
    Note {
        /// What to do.
        #[command(subcommand)]
        command: NoteCommand,
    },
    /// Reports: build an executive pack.
    #[command(
        after_help = "Examples:\n  steward report list\n  steward report build monthly_business_review --out pack.html"
    )]
    Report {
        /// What to do.
        #[command(subcommand)]
        command: ReportCommand,
    },
    /// The ledger: verify, export, list, erase.
    #[command(after_help = "Examples:\n  steward ledger verify\n  steward ledger export ledger.jsonl")]
    Ledger {
        /// What to do.
        #[command(subcommand)]
        command: LedgerCommand,
    },
    /// Serve the UI and the API.
    #[command(
        after_help = "Examples:\n  steward serve\n  steward serve --listen 127.0.0.1:9000\n  steward serve --allow-host steward.example.com   # behind a proxy that has this name"
    )]
    Serve {
        /// Address to listen on.
        #[arg(long, default_value = "127.0.0.1:8111", value_name = "ADDR")]
        listen: SocketAddr,
        /// Answer requests for this host name too; addresses and localhost are always answered.
        #[arg(long, value_name = "NAME")]
        allow_host: Vec<String>,
        /// Let tests empty what runs logged and what was registered (POST /api/v1/testing/reset).
        #[arg(long)]
        allow_reset: bool,
    },
    /// Make the demo company Larkspur, evaluate everything, and serve it.
    Demo(DemoArgs),
    /// Write completions for a shell.
    Completions {
        /// Shell.
        shell: clap_complete::Shell,
    },
}

/// Who acts.
#[derive(Debug, Args)]
pub struct Who {
    /// Handle of the person who decides; otherwise STEWARD_USER, then USER.
    #[arg(long = "as", value_name = "PERSON")]
    pub actor: Option<String>,
}

/// How problems are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people.
    Human,
    /// SARIF 2.1.0, for code hosts.
    Sarif,
}
