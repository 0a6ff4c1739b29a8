//! What the room answers about teams.

use serde::{Deserialize, Serialize};

/// A team as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TeamStatus {
    /// Team.
    pub team: String,
    /// Human title.
    pub label: Option<String>,
    /// Accountable.
    pub owner: String,
    /// First day of the horizon.
    pub from: String,
    /// First day after it.
    pub until: String,
    /// Members.
    pub members: Vec<Member>,
    /// Skills with who has them, scarcest first.
    pub skills: Vec<SkillStatus>,
    /// Person-weeks for initiatives in the horizon, without holidays.
    pub supply_weeks: f64,
    /// Person-weeks that initiatives ask for in the horizon: 10th, 50th and 90th percentile.
    pub demand_weeks: [f64; 3],
    /// Probability that all of it is more than there is.
    pub shortage: f64,
    /// Positions to fill.
    pub openings: Vec<OpeningStatus>,
    /// Growth plans against levels as they are.
    pub growth: Vec<GrowthStatus>,
    /// Coming events.
    pub learning: Vec<LearningStatus>,
    /// What could not be taken into account, in words.
    pub gaps: Vec<String>,
}

/// A member of a team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Handle.
    pub person: String,
    /// Part of the team.
    pub part: Option<String>,
    /// Country.
    pub country: Option<String>,
    /// Hours a week.
    pub hours: f64,
    /// Working days in the horizon without weekends and holidays.
    pub working_days: u32,
    /// Skills with their level.
    pub skills: Vec<(String, u64)>,
}

/// A skill of a team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkillStatus {
    /// Skill.
    pub skill: String,
    /// Who can be relied upon for it.
    pub able: Vec<String>,
    /// Who has it at a lower level.
    pub learning: Vec<String>,
    /// How many must be away until nobody can do it.
    pub bus_factor: usize,
    /// Person-weeks for it in the horizon.
    pub supply_weeks: f64,
    /// Person-weeks asked of it: 10th, 50th and 90th percentile.
    pub demand_weeks: [f64; 3],
    /// Probability that more is asked than there is; `None` where nothing is asked.
    pub shortage: Option<f64>,
    /// Ways to close the gap, where the probability is at least 0.2.
    pub remedies: Vec<RemedyStatus>,
}

/// What a remedy would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemedyStatus {
    /// `hire`, `train` or `contract`.
    pub remedy: String,
    /// Person-weeks that one more person brings within the horizon, expected.
    pub weeks: f64,
    /// Probability of shortage with it.
    pub shortage: f64,
    /// Expected cost within the horizon, minor units.
    pub cost_minor: i64,
}

/// A position to fill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpeningStatus {
    /// Name.
    pub opening: String,
    /// Stage.
    pub stage: String,
    /// Skills that it brings.
    pub skills: Vec<String>,
    /// Days since it was opened.
    pub days: Option<i64>,
    /// Wanted by.
    pub by: Option<String>,
    /// Past that day, and not filled.
    pub late: bool,
}

/// A growth plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GrowthStatus {
    /// Person.
    pub person: String,
    /// Skill.
    pub skill: String,
    /// Level now; `None` if the table of skills does not say.
    pub now: Option<u64>,
    /// Level to reach, with its name on the ladder.
    pub level: u64,
    /// Its name.
    pub name: Option<String>,
    /// By when.
    pub by: Option<String>,
    /// How.
    pub how: Option<String>,
    /// The level is reached.
    pub reached: bool,
}

/// A coming event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearningStatus {
    /// What.
    pub event: String,
    /// When.
    pub date: String,
    /// Who.
    pub people: Vec<String>,
    /// Skill.
    pub skill: Option<String>,
}
