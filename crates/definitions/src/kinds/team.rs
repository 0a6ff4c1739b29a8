//! Teams and questions: who can do what, what is needed of them, and what they are asked.

use serde::{Deserialize, Serialize};

use crate::project::Meta;

/// A team: its people, skills, calendar, ladder and what it plans to change about them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Team {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// Who belongs to it.
    pub people: PeopleTable,
    /// Who can do what.
    pub skills: Option<SkillTable>,
    /// Days off.
    pub holidays: Option<HolidayTable>,
    /// Levels of skill, ascending.
    pub ladder: Vec<Rung>,
    /// From this level on a skill can be relied upon.
    pub able_from: u64,
    /// Share of working time that goes into initiatives, 0 to 1.
    pub available: f64,
    /// What initiatives ask of skills.
    pub demand: Vec<SkillDemand>,
    /// What closes a gap: weeks until it does, and minor units.
    pub remedies: Vec<Remedy>,
    /// Positions to fill.
    pub openings: Vec<Opening>,
    /// Who is to grow into what.
    pub growth: Vec<Growth>,
    /// Talks, trainings, conferences.
    pub learning: Vec<Learning>,
}

/// Columns of a table of people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PeopleTable {
    /// Dataset.
    pub dataset: String,
    /// Column with the person's handle.
    pub person: String,
    /// Column with the country, to find holidays.
    pub country: Option<String>,
    /// Column with hours a week.
    pub hours: Option<String>,
    /// Column with the part of the team.
    pub part: Option<String>,
}

/// Columns of a table of skills.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SkillTable {
    /// Dataset.
    pub dataset: String,
    /// Column with the person.
    pub person: String,
    /// Column with the skill.
    pub skill: String,
    /// Column with the level.
    pub level: String,
}

/// Columns of a table of holidays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HolidayTable {
    /// Dataset.
    pub dataset: String,
    /// Column with the day.
    pub date: String,
    /// Column with the country.
    pub country: String,
}

/// A level of skill.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// Number, as tables of skills have it.
    pub level: u64,
    /// Its name.
    pub name: String,
    /// What someone at this level does.
    pub means: Option<String>,
}

/// Which skill an initiative needs, and how much of its effort.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SkillDemand {
    /// Initiative.
    pub initiative: String,
    /// Skill.
    pub skill: String,
    /// Share of the initiative's effort, 0 to 1.
    pub share: f64,
}

/// A way to close a gap.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Remedy {
    /// `hire`, `train` or `contract`.
    pub remedy: String,
    /// Weeks until it helps: 10th, 50th and 90th percentile.
    pub weeks: [f64; 3],
    /// Minor units once.
    pub once_minor: i64,
    /// Minor units a week of work.
    pub weekly_minor: i64,
}

/// A position to fill.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    /// Name.
    pub opening: String,
    /// Skills that it brings.
    pub skills: Vec<String>,
    /// `approved`, `sourcing`, `interviews`, `offer`, `filled` or `closed`.
    pub stage: String,
    /// Since when (ISO date).
    pub since: Option<String>,
    /// Wanted by (ISO date).
    pub by: Option<String>,
}

/// A growth plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// Person.
    pub person: String,
    /// Skill.
    pub skill: String,
    /// Level to reach.
    pub level: u64,
    /// By when (ISO date).
    pub by: Option<String>,
    /// How.
    pub how: Option<String>,
}

/// An event to learn at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Learning {
    /// What.
    pub event: String,
    /// First day (ISO date).
    pub date: String,
    /// Who goes, or speaks.
    pub people: Vec<String>,
    /// What it teaches.
    pub skill: Option<String>,
}

/// A question that somebody asked; its answer is a query that anyone can run again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// As it was asked.
    pub asks: String,
    /// Who asked.
    pub asked_by: String,
    /// When (ISO date).
    pub asked_on: String,
    /// Wanted by (ISO date).
    pub due: Option<String>,
    /// The decision that the answer changes.
    pub decision: Option<String>,
    /// SQL over the datasets that answers it; open without.
    pub query: Option<String>,
    /// From this day on the answer must be looked at again (ISO date).
    pub expires: Option<String>,
}
