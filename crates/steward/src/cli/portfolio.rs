//! What is asked of bets, their value and the portfolio.

use clap::Subcommand;
use steward_capabilities::roadmap::REDRAWS;

use super::Who;

/// About bets.
#[derive(Debug, Subcommand)]
pub enum BetCommand {
    /// Every bet with its state.
    List,
    /// One bet: its case, its frozen versions, how they ended.
    Show {
        /// Bet.
        name: String,
    },
    /// Approve a bet: what it says now is kept for good, and scored.
    Freeze {
        /// Bet.
        name: String,
        /// Why it is approved.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Who,
    },
    /// Resolve a frozen bet by its experiment or its query.
    #[command(
        after_help = "Exit code 1: it stays open.\n\nExamples:\n  steward bet resolve checkout_lifts_orders --as mara\n  steward bet resolve checkout_lifts_orders --abandon 'the supplier left' --as mara"
    )]
    Resolve {
        /// Bet.
        name: String,
        /// Give it up, with the reason: it counts as failed.
        #[arg(long, value_name = "WHY")]
        abandon: Option<String>,
        #[command(flatten)]
        who: Who,
    },
}

/// About value.
#[derive(Debug, Subcommand)]
pub enum ValueCommand {
    /// What shipped bets earned: plan, naive sum, shrunk, holdout.
    Realised,
    /// What stated probabilities have meant; with --as, also your own scores.
    Calibration {
        #[command(flatten)]
        who: Who,
    },
    /// Where the progress of an objective's key results comes from.
    Progress {
        /// Objective.
        objective: String,
    },
}

/// About the portfolio.
#[derive(Debug, Subcommand)]
pub enum PortfolioCommand {
    /// Initiatives by RICE, WSJF, cost of delay and expected net value, side by side.
    Priorities,
    /// The best set of initiatives under budget and capacities.
    #[command(
        after_help = "Examples:\n  steward portfolio optimise\n  steward portfolio optimise --scenario lean --redraws 200\n  steward portfolio optimise --budget 300000"
    )]
    Optimise {
        /// Scenario of steward.yaml.
        #[arg(long)]
        scenario: Option<String>,
        /// Another budget, in whole units of the currency.
        #[arg(long, allow_negative_numbers = true)]
        budget: Option<f64>,
        /// Draws of what nobody knows.
        #[arg(long, default_value_t = REDRAWS)]
        redraws: usize,
    },
    /// Every scenario's best set, side by side.
    Scenario {
        /// Draws of what nobody knows.
        #[arg(long, default_value_t = 100)]
        redraws: usize,
    },
    /// By when initiatives are done, from throughput.
    #[command(
        after_help = "Examples:\n  steward portfolio forecast\n  steward portfolio forecast --drop delivery_slots"
    )]
    Forecast {
        /// Without this initiative; may be given several times.
        #[arg(long, value_name = "INITIATIVE")]
        drop: Vec<String>,
    },
}
