//! The words of the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
        command: crate::commands::BetCommand,
    },
    /// What was earned, and whether forecasts can be believed.
    #[command(after_help = "Example:\n  steward value realised")]
    Value {
        /// What to ask.
        #[command(subcommand)]
        command: crate::commands::ValueCommand,
    },
    /// What to do next, and by when it is done.
    #[command(after_help = "Example:\n  steward portfolio optimise")]
    Portfolio {
        /// What to ask.
        #[command(subcommand)]
        command: crate::commands::PortfolioCommand,
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

/// About bandits.
#[derive(Debug, Subcommand)]
pub enum BanditCommand {
    /// All bandits with the weights that they are served with.
    #[command(after_help = "Example:\n  steward bandit list --json")]
    List,
    /// Set new weights from plays so far, where an update is due; exit code 1 where none could be set.
    #[command(after_help = "Examples:\n  steward bandit update\n  steward bandit update headline --early")]
    Update {
        /// Bandits; all without.
        names: Vec<String>,
        /// Though the time between two updates has not passed.
        #[arg(long)]
        early: bool,
    },
    /// What each arm is worth, without the bias of adapting, and whether to stop; exit code 1 if plays do not follow the weights.
    #[command(after_help = "Example:\n  steward bandit readout headline --as-of 2026-03-01")]
    Readout {
        /// Bandit.
        name: String,
        /// As of a time (RFC 3339 or a date).
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
    },
    /// What another policy would have earned, from the log.
    #[command(
        after_help = "Examples:\n  steward bandit evaluate headline --always playful\n  steward bandit evaluate headline --policy '{\"plain\": 0.2, \"playful\": 0.8}'\n  steward bandit evaluate headline --policy '{\"weights\": {\"plain\": 1}, \"cells\": [{\"context\": {\"device\": \"mobile\"}, \"weights\": {\"playful\": 1}}]}'"
    )]
    Evaluate {
        /// Bandit.
        name: String,
        /// Shares of arms as JSON, by context where they differ.
        #[arg(long, value_name = "JSON", conflicts_with = "always")]
        policy: Option<String>,
        /// One arm for everybody.
        #[arg(long, value_name = "ARM")]
        always: Option<String>,
        /// As of a time (RFC 3339 or a date).
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
    },
}

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

/// About experiments.
#[derive(Debug, Subcommand)]
pub enum ExperimentCommand {
    /// All experiments.
    List,
    /// What an experiment did, and whether it can be believed.
    #[command(
        after_help = "A relative lift is refused where the control is zero, or within one standard error of it: read the absolute lift there.\n\nExamples:\n  steward experiment readout checkout\n  steward experiment readout checkout --as-of 2025-08-03 --json\n  steward experiment readout checkout --by user__device --map user__country user__device\n  steward experiment readout checkout --quantiles revenue"
    )]
    Readout {
        /// Experiment.
        name: String,
        /// As of a time (RFC 3339 or a date).
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
        /// Dimensions to break down by beyond those declared, separated by commas: exploratory.
        #[arg(long, value_delimiter = ',', value_name = "DIMENSION")]
        by: Vec<String>,
        /// Two dimensions whose values are crossed to a map of lifts: exploratory.
        #[arg(long, num_args = 2, value_name = "DIMENSION")]
        map: Vec<String>,
        /// Metrics whose lift is asked for over their whole distribution, separated by commas.
        #[arg(long, value_delimiter = ',', value_name = "METRIC")]
        quantiles: Vec<String>,
    },
    /// Every experiment with what it showed and what was decided, and what all of them taught together.
    #[command(
        after_help = "Examples:\n  steward experiment library\n  steward experiment library --search 'checkout page' --outcome better\n  steward experiment library --metric orders --owner tomas --json"
    )]
    Library {
        /// Words that name, title, hypothesis, verdict, owner, initiative or tags hold.
        #[arg(long)]
        search: Option<String>,
        /// First primary metric.
        #[arg(long)]
        metric: Option<String>,
        /// Owner.
        #[arg(long)]
        owner: Option<String>,
        /// Outcome as in a readout: better, worse, no_difference, do_not_trust, ….
        #[arg(long)]
        outcome: Option<String>,
    },
    /// What an experiment could find, and how long it would have to run, from the history of its own metrics.
    #[command(
        after_help = "Units are counted where an earlier experiment on the same exposures saw them, else in the semantic model in which most were active; name another with --from. Exit code 1: the planned duration has less than the wanted power.\n\nExamples:\n  steward experiment power checkout --effect 2%\n  steward experiment power checkout --effect 2% --method group-sequential --looks 4\n  steward experiment power checkout --from semantic_model/sessions --share 50% --cluster user__country --json"
    )]
    Power(PowerArgs),
    /// What an experiment promises before its data are seen, what it is expected to find, and what departs from that since.
    #[command(
        after_help = "A plan is frozen by --register before the start, else by the application of definitions in force at the start. Exit code 1: the definition departs from its plan.\n\nExamples:\n  steward experiment plan checkout\n  steward experiment plan checkout --register --reason 'Agreed in the review' --as mara"
    )]
    Plan(PlanArgs),
    /// Whether experiments on the same units at the same time disturb each other.
    #[command(
        after_help = "Without names every pair that overlaps is tested on the first's first primary metric, p by Holm over the pairs.\n\nExamples:\n  steward experiment interactions\n  steward experiment interactions checkout search_rank --json"
    )]
    Interactions {
        /// Experiment whose metric is read.
        #[arg(requires = "second")]
        first: Option<String>,
        /// The other experiment.
        second: Option<String>,
    },
    /// Record a decision.
    #[command(
        after_help = "A decision against what the decision rule recommends is recorded as an override, with its reason.\n\nExample:\n  steward experiment decide checkout ship --reason 'More conversions, no harm' --as mara"
    )]
    Decide {
        /// Experiment.
        name: String,
        /// ship, stop, extend, redesign, roll-back.
        choice: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Variant to ship.
        #[arg(long)]
        variant: Option<String>,
        /// Reason for deciding although a rule is broken.
        #[arg(long)]
        waiver: Option<String>,
        #[command(flatten)]
        who: Who,
    },
}

/// A plan to see or to freeze.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Experiment.
    pub name: String,
    /// Freeze it as the folder has it now: a decision, with its actor.
    #[arg(long)]
    pub register: bool,
    /// Why.
    #[arg(long, requires = "register")]
    pub reason: Option<String>,
    #[command(flatten)]
    pub who: Who,
}

/// A plan to examine.
#[derive(Debug, Args)]
pub struct PowerArgs {
    /// Experiment.
    pub name: String,
    /// Relative improvement wanted, such as 2%; by default the definition's smallest worth having, else the bet's median.
    #[arg(long, value_parser = share)]
    pub effect: Option<f64>,
    /// Wanted power.
    #[arg(long, default_value = "80%", value_parser = share)]
    pub power: f64,
    /// Where units are counted: experiment/NAME or semantic_model/NAME.
    #[arg(long = "from", value_name = "KIND/NAME")]
    pub source: Option<String>,
    /// Share of the traffic that enters.
    #[arg(long, default_value = "100%", value_parser = share)]
    pub share: f64,
    /// Dimension of the unit that names its cluster, if clusters are randomised.
    #[arg(long, value_name = "DIMENSION")]
    pub cluster: Option<String>,
    /// How it is decided; as its definition says by default.
    #[arg(long, value_parser = ["fixed", "group-sequential", "confidence-sequence", "msprt", "bayesian"])]
    pub method: Option<String>,
    /// Looks of a group sequential test.
    #[arg(long, default_value_t = 4)]
    pub looks: u32,
    /// Chance to win that decides (bayesian).
    #[arg(long, default_value = "95%", value_parser = share)]
    pub chance: f64,
    /// Standard deviation of plausible relative effects (msprt, bayesian).
    #[arg(long, default_value = "5%", value_parser = share)]
    pub plausible: f64,
    /// Only improvements count.
    #[arg(long)]
    pub one_sided: bool,
    /// Plan as of a time (RFC 3339 or a date), never later than the experiment's start.
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
}

/// `2%` or `0.02`.
fn share(text: &str) -> Result<f64, String> {
    let (number, scale) = match text.trim().strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    match number.trim().parse::<f64>() {
        Ok(x) if x.is_finite() => Ok(x / scale),
        _ => Err("expected a share such as 2% or 0.02".into()),
    }
}

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

/// About teams.
#[derive(Debug, Subcommand)]
pub enum TeamCommand {
    /// Skills, coverage and capacity over the next 26 weeks.
    Status {
        /// Team; all without.
        name: Option<String>,
        /// Weeks to look ahead; 2 plans a sprint against capacity.
        #[arg(long, default_value_t = 26, value_parser = clap::value_parser!(u32).range(1..=520))]
        weeks: u32,
    },
    /// What a person decided and answers for: facts for a review, no score.
    Review {
        /// Person.
        person: String,
        /// Only since a time (RFC 3339 or a date).
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
    },
}

/// About questions.
#[derive(Debug, Subcommand)]
pub enum QuestionCommand {
    /// The queue: overdue first.
    List,
    /// Run the saved query of a question.
    Answer {
        /// Question.
        name: String,
    },
}

/// About intake.
#[derive(Debug, Subcommand)]
pub enum IntakeCommand {
    /// Write an initiative and its bet from a canvas; refused if `check` would find a problem.
    #[command(
        after_help = "Example:\n  steward intake new fewer_returns --problem 'One in five shoes comes back' --decision 'Whether sizes are advised' --metric returns --effort 4,8,14 --effect=-0.2,-0.1,-0.03 --kill 'No change after six weeks' --as mara"
    )]
    New {
        /// Name of the initiative.
        name: String,
        #[command(flatten)]
        canvas: CanvasArgs,
        #[command(flatten)]
        who: Who,
    },
    /// Show what a file of issues holds (Jira, Linear or GitHub; CSV or JSON), and write it as a table.
    #[command(
        after_help = "Fields: key, title, state, created, closed, initiative, link.\n\nExamples:\n  steward intake preview issues.json\n  steward intake preview jira.csv --map initiative='Epic Link' --out data/work_items.csv"
    )]
    Preview {
        /// File.
        file: PathBuf,
        /// Column of a field: FIELD=COLUMN.
        #[arg(long, value_name = "FIELD=COLUMN")]
        map: Vec<String>,
        /// Write the items as CSV.
        #[arg(long, short)]
        out: Option<PathBuf>,
    },
}

/// A canvas.
#[derive(Debug, Args)]
pub struct CanvasArgs {
    /// Title; the name by default.
    #[arg(long)]
    pub title: Option<String>,
    /// The problem, in a sentence.
    #[arg(long)]
    pub problem: String,
    /// The decision that it changes.
    #[arg(long)]
    pub decision: String,
    /// The metric that would move.
    #[arg(long)]
    pub metric: String,
    /// Objective that it serves.
    #[arg(long)]
    pub objective: Vec<String>,
    /// Effort in person-weeks: 10th, 50th, 90th percentile.
    #[arg(long, value_delimiter = ',')]
    pub effort: Vec<f64>,
    /// Relative effect if it works: 10th, 50th, 90th percentile.
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    pub effect: Vec<f64>,
    /// Probability that it works.
    #[arg(long, default_value_t = 0.3)]
    pub probability: f64,
    /// When it is stopped.
    #[arg(long)]
    pub kill: String,
}

/// About notes.
#[derive(Debug, Subcommand)]
pub enum NoteCommand {
    /// Keep a note; its text from standard input without TEXT.
    #[command(
        after_help = "Example:\n  steward note add --with ines --key env:NOTES_KEY --as tomas 'Wants to lead a study'"
    )]
    Add {
        /// The other person.
        #[arg(long)]
        with: String,
        /// Secret that the two share: env:NAME or file:PATH.
        #[arg(long)]
        key: String,
        /// What it says.
        text: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Read the notes with another person.
    #[command(after_help = "Example:\n  steward note list --with ines --key env:NOTES_KEY --as tomas")]
    List {
        /// The other person.
        #[arg(long)]
        with: String,
        /// Secret that the two share: env:NAME or file:PATH.
        #[arg(long)]
        key: String,
        #[command(flatten)]
        who: Who,
    },
}

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

/// The demo.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder of the demo project; data lie in it, truths beside it.
    #[arg(long, default_value = "larkspur", value_name = "DIR")]
    pub dir: PathBuf,
    /// Seed of every draw.
    #[arg(long, default_value_t = 20_260_101)]
    pub seed: u64,
    /// Size of the company: 1 is 60,000 users.
    #[arg(long, default_value_t = 1.0)]
    pub scale: f64,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8111", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Make and evaluate, but do not serve.
    #[arg(long)]
    pub no_serve: bool,
}
