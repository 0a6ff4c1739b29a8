//! A team against what is asked of it.
//!
//! A person's weeks are split over the skills that they are able in, in proportion to what is asked of each at the
//! median: who is needed for two things cannot do both. Shortage of a skill is then the share of draws in which more is
//! asked than there is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use steward_definitions::{Remedy, Team};
use steward_stats::rng::Rng;

use super::demand::{DRAWS, draws, percentiles};
use super::supply::members;
use super::types::{GrowthStatus, LearningStatus, Member, OpeningStatus, RemedyStatus, SkillStatus, TeamStatus};
use crate::{CapabilityError, Context};

/// Weeks that are looked ahead, unless others are asked for.
pub const HORIZON_WEEKS: u32 = 26;
/// From this probability on, ways to close a gap are compared.
const WORTH_CLOSING: f64 = 0.2;
const SEED: u64 = 0x7265_6d65_6479;

/// Every team, by name.
///
/// # Errors
/// If the tables of one cannot be read.
pub async fn teams(context: &Context) -> Result<Vec<TeamStatus>, CapabilityError> {
    let mut all = Vec::new();
    for name in context.project.teams.keys() {
        all.push(team(context, name, HORIZON_WEEKS).await?);
    }
    Ok(all)
}

/// One team over the next weeks: 26 for skills, two for a sprint.
///
/// # Errors
/// If there is no such team or its tables cannot be read.
pub async fn team(context: &Context, name: &str, weeks: u32) -> Result<TeamStatus, CapabilityError> {
    let team = context
        .project
        .teams
        .get(name)
        .ok_or_else(|| CapabilityError::Unknown {
            kind: "team".into(),
            name: name.into(),
            near: crate::error::nearest(name, context.project.teams.keys()),
        })?;
    let now = Timestamp::from_microsecond(context.now_us).map_err(|e| CapabilityError::Invalid(e.to_string()))?;
    let from = TimeZone::UTC.to_datetime(now).date();
    let until = from.saturating_add(Span::new().weeks(i64::from(weeks.clamp(1, 520))));
    let mut gaps = Vec::new();
    let members = members(context, team, from, until, &mut gaps).await?;
    let asked = draws(context, from, until, &mut gaps)?;
    let skilled = by_skill(team, &asked, &mut gaps);
    let medians: BTreeMap<&str, f64> = skilled.iter().map(|(s, d)| (s.as_str(), percentiles(d)[1])).collect();
    let supply = supply(team, &members, &medians);
    let names: BTreeSet<String> = members
        .iter()
        .flat_map(|m| m.skills.iter().map(|(s, _)| s.clone()))
        .chain(skilled.keys().cloned())
        .collect();
    let mut skills: Vec<SkillStatus> = names
        .into_iter()
        .map(|skill| skill_status(team, &members, skill, &skilled, &supply, weeks))
        .collect();
    skills.sort_by(|a, b| {
        let order = |s: &SkillStatus| (s.shortage.unwrap_or(-1.0), -(s.bus_factor as f64));
        order(b)
            .0
            .total_cmp(&order(a).0)
            .then(order(b).1.total_cmp(&order(a).1))
            .then_with(|| a.skill.cmp(&b.skill))
    });
    let whole: Vec<f64> = (0..DRAWS).map(|n| asked.values().map(|d| d[n]).sum()).collect();
    let supply_weeks = members.iter().map(|m| m.weeks(team.available)).sum();
    let growth = growth(team, &members);
    Ok(TeamStatus {
        team: name.to_owned(),
        label: team.meta.label.clone(),
        owner: team.meta.owner.clone(),
        from: from.to_string(),
        until: until.to_string(),
        supply_weeks,
        demand_weeks: percentiles(&whole),
        shortage: whole.iter().filter(|w| **w > supply_weeks).count() as f64 / DRAWS as f64,
        skills,
        members,
        openings: openings(team, from),
        growth,
        learning: learning(team, from),
        gaps,
    })
}

/// What is asked of each skill, draw by draw.
fn by_skill(team: &Team, asked: &BTreeMap<String, Vec<f64>>, gaps: &mut Vec<String>) -> BTreeMap<String, Vec<f64>> {
    let mut all: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for demand in &team.demand {
        let Some(weeks) = asked.get(&demand.initiative) else {
            continue;
        };
        let sum = all.entry(demand.skill.clone()).or_insert_with(|| vec![0.0; DRAWS]);
        sum.iter_mut().zip(weeks).for_each(|(s, w)| *s += w * demand.share);
    }
    for initiative in asked
        .keys()
        .filter(|i| !team.demand.iter().any(|d| d.initiative == **i))
    {
        gaps.push(format!("{initiative} says no skills that it needs."));
    }
    all
}

/// Person-weeks for each skill.
fn supply(team: &Team, members: &[Member], medians: &BTreeMap<&str, f64>) -> BTreeMap<String, f64> {
    let mut all: BTreeMap<String, f64> = BTreeMap::new();
    for member in members {
        let able: Vec<&str> = member
            .skills
            .iter()
            .filter(|(_, l)| *l >= team.able_from)
            .map(|(s, _)| s.as_str())
            .collect();
        let wanted: f64 = able.iter().filter_map(|s| medians.get(s)).sum();
        for skill in &able {
            let share = match medians.get(skill) {
                Some(weeks) if wanted > 0.0 => weeks / wanted,
                None if wanted > 0.0 => 0.0,
                _ => 1.0 / able.len() as f64,
            };
            *all.entry((*skill).to_owned()).or_default() += share * member.weeks(team.available);
        }
    }
    all
}

fn skill_status(
    team: &Team,
    members: &[Member],
    skill: String,
    skilled: &BTreeMap<String, Vec<f64>>,
    supply: &BTreeMap<String, f64>,
    horizon: u32,
) -> SkillStatus {
    let able: Vec<String> = members
        .iter()
        .filter(|m| m.able(&skill, team.able_from))
        .map(|m| m.person.clone())
        .collect();
    let learning = members
        .iter()
        .filter(|m| m.able(&skill, 1) && !m.able(&skill, team.able_from))
        .map(|m| m.person.clone())
        .collect();
    let supply_weeks = supply.get(&skill).copied().unwrap_or_default();
    let asked = skilled.get(&skill);
    let shortage = asked.map(|d| above(d, |_| supply_weeks));
    let remedies = match (asked, shortage) {
        (Some(draws), Some(p)) if p >= WORTH_CLOSING => team
            .remedies
            .iter()
            .enumerate()
            .map(|(n, r)| remedy(team, r, n as u64, draws, supply_weeks, horizon))
            .collect(),
        _ => Vec::new(),
    };
    SkillStatus {
        bus_factor: able.len(),
        demand_weeks: asked.map_or([0.0; 3], |d| percentiles(d)),
        skill,
        able,
        learning,
        supply_weeks,
        shortage,
        remedies,
    }
}

/// Share of draws in which more is asked than there is.
fn above(draws: &[f64], supply: impl Fn(usize) -> f64) -> f64 {
    draws.iter().enumerate().filter(|(n, d)| **d > supply(*n)).count() as f64 / draws.len().max(1) as f64
}

/// One more person for the skill, from when the remedy helps.
fn remedy(team: &Team, remedy: &Remedy, stream: u64, draws: &[f64], supply: f64, horizon: u32) -> RemedyStatus {
    let [low, middle, high] = remedy.weeks;
    let brings: Vec<f64> = (0..draws.len())
        .map(|n| {
            let u = Rng::keyed(SEED, &[stream, n as u64]).uniform();
            // Straight lines through the percentiles, ends as far out as they are apart.
            let wait = match u {
                u if u < 0.1 => low,
                u if u < 0.5 => low + (middle - low) * (u - 0.1) / 0.4,
                u if u < 0.9 => middle + (high - middle) * (u - 0.5) / 0.4,
                _ => high,
            };
            (f64::from(horizon) - wait).max(0.0) * team.available
        })
        .collect();
    let weeks = brings.iter().sum::<f64>() / brings.len().max(1) as f64;
    RemedyStatus {
        remedy: remedy.remedy.clone(),
        shortage: above(draws, |n| supply + brings[n]),
        cost_minor: remedy
            .once_minor
            .saturating_add((remedy.weekly_minor as f64 * weeks / team.available).round() as i64),
        weeks,
    }
}

fn day(text: &Option<String>) -> Option<Date> {
    text.as_deref().and_then(|t| t.parse().ok())
}

fn openings(team: &Team, today: Date) -> Vec<OpeningStatus> {
    let one = |o: &steward_definitions::Opening| OpeningStatus {
        opening: o.opening.clone(),
        stage: o.stage.clone(),
        skills: o.skills.clone(),
        days: day(&o.since).map(|d| i64::from((today - d).get_days())),
        by: o.by.clone(),
        late: day(&o.by).is_some_and(|d| today > d) && !matches!(o.stage.as_str(), "filled" | "closed"),
    };
    team.openings.iter().map(one).collect()
}

fn growth(team: &Team, members: &[Member]) -> Vec<GrowthStatus> {
    let one = |g: &steward_definitions::Growth| {
        let member = members.iter().find(|m| m.person == g.person);
        let now = member
            .and_then(|m| m.skills.iter().find(|(s, _)| *s == g.skill))
            .map(|(_, level)| *level);
        GrowthStatus {
            person: g.person.clone(),
            skill: g.skill.clone(),
            now,
            level: g.level,
            name: team.ladder.iter().find(|r| r.level == g.level).map(|r| r.name.clone()),
            by: g.by.clone(),
            how: g.how.clone(),
            reached: now.is_some_and(|n| n >= g.level),
        }
    };
    team.growth.iter().map(one).collect()
}

fn learning(team: &Team, today: Date) -> Vec<LearningStatus> {
    let mut coming: Vec<LearningStatus> = team
        .learning
        .iter()
        .filter(|l| l.date.parse::<Date>().is_ok_and(|d| d >= today))
        .map(|l| LearningStatus {
            event: l.event.clone(),
            date: l.date.clone(),
            people: l.people.clone(),
            skill: l.skill.clone(),
        })
        .collect();
    coming.sort_by(|a, b| (&a.date, &a.event).cmp(&(&b.date, &b.event)));
    coming
}
