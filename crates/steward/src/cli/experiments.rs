//! What is asked of experiments and bandits.

use clap::{Args, Subcommand};

use super::Who;

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
