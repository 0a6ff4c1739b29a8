//! People, their skills and their calendars, from the tables that a team names.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Weekday};
use steward_compute::{Query, Value};
use steward_definitions::Team;
use steward_definitions::sql::quote;

use super::types::Member;
use crate::{CapabilityError, Context};

/// Hours of a week of full time.
const FULL: f64 = 40.0;

/// Members with their skills and working days in `[from, until)`; what was not there is told in `gaps`.
pub(super) async fn members(
    context: &Context,
    team: &Team,
    from: Date,
    until: Date,
    gaps: &mut Vec<String>,
) -> Result<Vec<Member>, CapabilityError> {
    let name = &team.meta.name;
    let ask = |what: &str, sql: String| Query {
        label: format!("team {name}: {what}"),
        sql,
        parameters: Vec::new(),
    };
    let text = |column: &Option<String>| match column {
        Some(column) => format!("CAST({} AS VARCHAR)", quote(column)),
        None => "CAST(NULL AS VARCHAR)".to_owned(),
    };
    let hours = match &team.people.hours {
        Some(column) => format!("CAST({} AS DOUBLE)", quote(column)),
        None => {
            gaps.push(format!("Hours are not told: everyone counts {FULL} a week."));
            format!("CAST({FULL} AS DOUBLE)")
        }
    };
    let sql = format!(
        "SELECT CAST({} AS VARCHAR) AS \"person\", {} AS \"part\", {} AS \"country\", {hours} AS \"hours\" FROM {} ORDER BY 1",
        quote(&team.people.person),
        text(&team.people.part),
        text(&team.people.country),
        quote(&team.people.dataset)
    );
    let rows = context.engine.run(&ask("people", sql), &context.control).await?;
    let mut skills: BTreeMap<String, Vec<(String, u64)>> = BTreeMap::new();
    match &team.skills {
        Some(table) => {
            let sql = format!(
                "SELECT CAST({} AS VARCHAR) AS \"person\", CAST({} AS VARCHAR) AS \"skill\", CAST(MAX({}) AS BIGINT) AS \"level\" FROM {} GROUP BY 1, 2 ORDER BY 1, 2",
                quote(&table.person),
                quote(&table.skill),
                quote(&table.level),
                quote(&table.dataset)
            );
            let rows = context.engine.run(&ask("skills", sql), &context.control).await?;
            let (people, names, levels) = (rows.strings("person")?, rows.strings("skill")?, rows.integers("level")?);
            for ((person, skill), level) in people.into_iter().zip(names).zip(levels) {
                if let (Some(person), Some(skill), Some(level)) = (person, skill, level) {
                    skills
                        .entry(person)
                        .or_default()
                        .push((skill, u64::try_from(level).unwrap_or_default()));
                }
            }
        }
        None => gaps.push("No table of skills is named.".into()),
    }
    let mut off: BTreeMap<String, BTreeSet<i32>> = BTreeMap::new();
    match &team.holidays {
        Some(table) => {
            let sql = format!(
                "SELECT CAST({} AS DATE) AS \"day\", CAST({} AS VARCHAR) AS \"country\" FROM {}",
                quote(&table.date),
                quote(&table.country),
                quote(&table.dataset)
            );
            let rows = context.engine.run(&ask("holidays", sql), &context.control).await?;
            for (day, country) in rows.values("day")?.into_iter().zip(rows.strings("country")?) {
                if let (Value::Date(day), Some(country)) = (day, country) {
                    off.entry(country).or_default().insert(day);
                }
            }
        }
        None => gaps.push("No table of holidays is named: only weekends are free.".into()),
    }
    let (people, parts) = (rows.strings("person")?, rows.strings("part")?);
    let (countries, hours) = (rows.strings("country")?, rows.numbers("hours")?);
    let mut all = Vec::new();
    for (((person, part), country), hours) in people.into_iter().zip(parts).zip(countries).zip(hours) {
        let Some(person) = person else { continue };
        let hours = hours.unwrap_or(FULL);
        if !(0.0..=100.0).contains(&hours) {
            return Err(CapabilityError::Invalid(format!(
                "team {name}: {person} works {hours} hours a week; expected 0 to 100"
            )));
        }
        let none = BTreeSet::new();
        let free = country.as_ref().and_then(|c| off.get(c)).unwrap_or(&none);
        all.push(Member {
            working_days: working_days(from, until, free),
            skills: skills.get(&person).cloned().unwrap_or_default(),
            person,
            part,
            country,
            hours,
        });
    }
    Ok(all)
}

fn working_days(from: Date, until: Date, free: &BTreeSet<i32>) -> u32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    let mut day = from;
    let mut count = 0;
    while day < until {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        if !weekend && !free.contains(&(day - epoch).get_days()) {
            count += 1;
        }
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    count
}

impl Member {
    /// Person-weeks of full time for initiatives.
    pub(super) fn weeks(&self, available: f64) -> f64 {
        self.hours / FULL * f64::from(self.working_days) / 5.0 * available
    }

    /// Whether they can be relied upon for a skill.
    pub(super) fn able(&self, skill: &str, from: u64) -> bool {
        self.skills.iter().any(|(s, level)| s == skill && *level >= from)
    }
}
