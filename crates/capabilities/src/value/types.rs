//! Bets as they stand in the ledger.

use serde::{Deserialize, Serialize};
use steward_definitions::Bet;

/// Where a bet stands; computed, never typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BetState {
    /// Not approved.
    Draft,
    /// Frozen and open.
    Open,
    /// Frozen, open, and past the day by which it was to be resolved.
    Overdue,
    /// It came true.
    Succeeded,
    /// It did not, or was abandoned.
    Failed,
}

impl BetState {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            BetState::Draft => "draft",
            BetState::Open => "open",
            BetState::Overdue => "overdue",
            BetState::Succeeded => "succeeded",
            BetState::Failed => "failed",
        }
    }
}

/// A bet: what is defined now, and what was frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BetCase {
    /// Bet.
    pub name: String,
    /// The definition now; `None` if it is gone.
    pub defined: Option<Bet>,
    /// Frozen versions, oldest first.
    pub versions: Vec<FrozenBet>,
    /// State, by the first version.
    pub state: BetState,
    /// The definition is not what was frozen last.
    pub edited: bool,
    /// What the case still lacks before it can be frozen.
    pub missing: Vec<String>,
}

/// A bet as it was approved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrozenBet {
    /// From 1.
    pub version: u64,
    /// SHA-256 (hex) of the definition.
    pub digest: String,
    /// All that it says.
    pub bet: Bet,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Who approved it.
    pub by: String,
    /// Event.
    pub sequence: u64,
    /// How it ended.
    pub resolution: Option<Resolution>,
}

impl FrozenBet {
    /// (p − outcome)²: 0 is perfect. `None` while it is open.
    pub fn brier(&self) -> Option<f64> {
        let outcome = f64::from(u8::from(self.resolution.as_ref()?.succeeded));
        Some((self.bet.probability - outcome).powi(2))
    }
}

/// How a bet was resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    /// It came true.
    pub succeeded: bool,
    /// By what: `query`, `experiment`, `abandoned`.
    pub by: String,
    /// What was seen, in a sentence; `None` if erased.
    pub detail: Option<String>,
    /// Evidence id.
    pub evidence: Option<String>,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Who asked.
    pub actor: String,
    /// Event.
    pub sequence: u64,
}

/// Outcome of freezing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frozen {
    /// Whether anything was recorded: what is frozen already is not frozen again.
    pub changed: bool,
    /// Bet.
    pub name: String,
    /// The version in force.
    pub version: FrozenBet,
}

/// Outcome of resolving.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resolved {
    /// Bet.
    pub name: String,
    /// All versions as they stand now.
    pub versions: Vec<FrozenBet>,
    /// Versions that stay open, and why.
    pub open: Vec<(u64, String)>,
}
