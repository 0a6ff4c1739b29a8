//! What the calibration of the forecasters says.

use serde::{Deserialize, Serialize};
use steward_stats::brier::Brier;
use steward_stats::recalibration::Recalibration;
use steward_stats::shrinkage::Shrunk;
use steward_stats::{Estimate, NotEstimable};

/// How the forecasters did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// In a few sentences.
    pub summary: String,
    /// Forecasts that came true or did not.
    pub resolved: u64,
    /// Forecasts that are open, shown and not scored.
    pub unresolved: u64,
    /// Rows that are no forecast (a probability outside (0, 1)), left out.
    pub left_out: u64,
    /// Everyone together.
    pub all: Scores,
    /// By team, by name.
    pub teams: Vec<TeamScores>,
    /// How often stated 10% to 90% ranges held what came; 80% is right.
    pub ranges: Option<Estimate>,
    /// Why there is no coverage.
    pub no_ranges: Option<NotEstimable>,
    /// The scores of the person who asks.
    pub own: Option<OwnScores>,
    /// Evidence id.
    pub evidence: String,
}

impl Calibration {
    /// What a stated probability has meant, for a forecaster of this team; as stated while that cannot be told.
    pub fn correct(&self, stated: f64, team: Option<&str>) -> f64 {
        let Some(line) = &self.all.line else { return stated };
        let team = self.teams.iter().find(|t| Some(t.team.as_str()) == team);
        line.correct(stated, team.and_then(|t| t.shift).map_or(0.0, |s| s.point))
    }

    /// Stated probabilities are corrected.
    pub fn corrects(&self) -> bool {
        self.all.line.is_some()
    }
}

/// Scores of some forecasts; `insufficient` under 30.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Brier score, skill against the base rate, reliability by bins.
    pub brier: Option<Brier>,
    /// From stated to observed log odds.
    pub line: Option<Recalibration>,
    /// Why something is missing.
    pub refused: Option<NotEstimable>,
}

/// A team's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TeamScores {
    /// Team.
    pub team: String,
    /// Its resolved forecasts.
    pub resolved: u64,
    /// Skill against the base rate, if there are 30.
    pub skill: Option<Estimate>,
    /// Its shift of log odds against everyone's line, shrunk; `None` while there is no line.
    pub shift: Option<Shrunk>,
    /// What 80% has meant when this team said it.
    pub eighty: Option<f64>,
    /// Why something is missing.
    pub refused: Option<NotEstimable>,
}

/// A person's, for that person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnScores {
    /// Who asks.
    pub person: String,
    /// Resolved forecasts.
    pub resolved: u64,
    /// Scores.
    pub scores: Scores,
}
