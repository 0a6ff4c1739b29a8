//! Are we reaching our objectives?

mod evaluate;
mod forecast;
mod lay_out;
mod periods;
mod status;

pub use status::*;

use steward_definitions::{Kind, Objective, Reference};

use crate::experiments::{day, zone};
use crate::{CapabilityError, Context};

/// The state of an objective: each key result's progress, trend and probability to hit, computed.
/// `as_of`: only data before this moment counts, microseconds since 1970 UTC; `None` is now.
pub async fn objective_status(
    context: &Context,
    name: &str,
    as_of: Option<i64>,
) -> Result<ObjectiveStatus, CapabilityError> {
    Ok(conclude(context, name, as_of).await?.0)
}

/// As [`objective_status`], and whether everything had been computed before.
pub async fn conclude(
    context: &Context,
    name: &str,
    as_of: Option<i64>,
) -> Result<(ObjectiveStatus, bool), CapabilityError> {
    let objective = context
        .project
        .objectives
        .get(name)
        .ok_or_else(|| CapabilityError::Unknown {
            kind: "objective".into(),
            name: name.into(),
            near: crate::error::nearest(name, context.project.objectives.keys()),
        })?;
    let as_of_us = as_of.unwrap_or(context.now_us);
    let zone = zone(&context.project.settings)?;
    let today = day(as_of_us, &zone)
        .ok_or_else(|| CapabilityError::Invalid(format!("{as_of_us} is no moment of the calendar")))?;
    let (first, end) = lay_out::bounds(objective)?;
    let mut status = skeleton(context, objective, as_of_us);
    let length = first.duration_until(end).as_hours() as f64;
    status.elapsed = (first.duration_until(today).as_hours() as f64 / length).clamp(0.0, 1.0);
    let mut reused = true;
    for result in &objective.key_results {
        let (found, known) = evaluate::key_result(context, objective, result, today).await;
        reused &= known;
        status.key_results.push(found);
    }
    let progress: Vec<f64> = status
        .key_results
        .iter()
        .filter_map(|k| k.progress)
        .map(|p| p.clamp(0.0, 1.0))
        .collect();
    status.progress = (!progress.is_empty()).then(|| progress.iter().sum::<f64>() / progress.len() as f64);
    let worst = status.key_results.iter().min_by_key(|k| k.state);
    status.verdict = match worst {
        Some(k) => format!("{}. {}", sentence(k.state), k.verdict),
        None => "It has no key results.".into(),
    };
    status.state = worst.map_or(KeyResultState::NotEstimable, |k| k.state);
    Ok((status, reused))
}

fn sentence(state: KeyResultState) -> String {
    let words = state.words();
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |c| {
        c.to_uppercase().collect::<String>() + letters.as_str()
    })
}

fn skeleton(context: &Context, objective: &Objective, as_of_us: i64) -> ObjectiveStatus {
    let name = &objective.meta.name;
    let serving = context
        .project
        .initiatives
        .values()
        .filter(|i| i.objectives.contains(name));
    ObjectiveStatus {
        objective: name.clone(),
        label: objective.meta.label.clone(),
        owner: objective.meta.owner.clone(),
        parent: objective.parent.clone(),
        start: objective.start.clone(),
        end: objective.end.clone(),
        elapsed: 0.0,
        state: KeyResultState::NotEstimable,
        verdict: String::new(),
        progress: None,
        key_results: Vec::new(),
        initiatives: serving.map(|i| i.meta.name.clone()).collect(),
        problem: None,
        as_of_us,
    }
}

/// Every objective's state, by name. One that fails is answered with its reason in `problem`.
pub async fn objectives(context: &Context, as_of: Option<i64>) -> Result<Vec<ObjectiveStatus>, CapabilityError> {
    let mut all = Vec::new();
    for (name, objective) in &context.project.objectives {
        match objective_status(context, name, as_of).await {
            Ok(status) => all.push(status),
            Err(e) => {
                let mut status = skeleton(context, objective, as_of.unwrap_or(context.now_us));
                status.verdict = format!("It cannot be evaluated: {e}.");
                status.problem = Some(e.to_string());
                all.push(status);
            }
        }
    }
    Ok(all)
}

/// Initiatives with what they serve and what serves them, by name.
pub fn initiatives(context: &Context) -> Vec<InitiativeView> {
    let project = &context.project;
    let view = |i: &steward_definitions::Initiative| {
        let name = &i.meta.name;
        let experiments = project
            .experiments
            .values()
            .filter(|e| e.initiative.as_ref() == Some(name));
        let bets = project.bets.values().filter(|b| b.initiative == *name);
        InitiativeView {
            name: name.clone(),
            label: i.meta.label.clone(),
            owner: i.meta.owner.clone(),
            problem: i.problem.clone(),
            decision: i.decision.clone(),
            start: i.start.clone(),
            due: i.due.clone(),
            objectives: i.objectives.clone(),
            experiments: experiments.map(|e| e.meta.name.clone()).collect(),
            bets: bets.map(|b| b.meta.name.clone()).collect(),
            depends_on: i.depends_on.clone(),
            team: i.team.clone(),
            effort_weeks: i.effort_weeks,
        }
    };
    project.initiatives.values().map(view).collect()
}

/// Bets with their state, by name.
pub fn bets(context: &Context) -> Vec<BetView> {
    let project = &context.project;
    let today = zone(&project.settings).ok().and_then(|zone| day(context.now_us, &zone));
    let view = |b: &steward_definitions::Bet| {
        let due = b
            .resolve_by
            .as_deref()
            .and_then(|d| d.parse::<jiff::civil::Date>().ok());
        let mut links = vec![
            Reference {
                kind: Kind::Initiative,
                name: b.initiative.clone(),
            },
            Reference {
                kind: Kind::Metric,
                name: b.metric.clone(),
            },
        ];
        links.extend(b.experiment.iter().map(|e| Reference {
            kind: Kind::Experiment,
            name: e.clone(),
        }));
        let objectives = project
            .initiatives
            .get(&b.initiative)
            .map(|i| i.objectives.as_slice())
            .unwrap_or_default();
        links.extend(objectives.iter().map(|o| Reference {
            kind: Kind::Objective,
            name: o.clone(),
        }));
        BetView {
            name: b.meta.name.clone(),
            label: b.meta.label.clone(),
            owner: b.meta.owner.clone(),
            initiative: b.initiative.clone(),
            metric: b.metric.clone(),
            probability: b.probability,
            effect: b.effect,
            cost_minor: b.cost_minor,
            kill_criterion: b.kill_criterion.clone(),
            experiment: b.experiment.clone(),
            resolve_by: b.resolve_by.clone(),
            overdue: matches!((due, today), (Some(due), Some(today)) if today > due),
            links,
        }
    };
    project.bets.values().map(view).collect()
}
