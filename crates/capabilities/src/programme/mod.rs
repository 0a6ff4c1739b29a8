//! What have all our experiments taught, and what did the shipped ones add up to?
//!
//! The library is every readout with the decision taken on it; from it, by metric, the mean effect over experiments, each
//! effect shrunk towards it, and the sum of what was shipped, naive beside shrunk.

mod learning;
mod types;

pub use types::*;

use std::collections::BTreeMap;

use serde_json::json;
use steward_definitions::{Design, Experiment, Project};

use crate::evidence::Concluded;
use crate::experiments::{self, Outcome, Readout, ReadoutOptions, Role};
use crate::governance::{self, Decision, DecisionFilter};
use crate::{CapabilityError, Context};

/// The tag of an experiment that measures the sum of launches though its design is none, and so is no part of it.
pub const HOLDOUT: &str = "holdout";

/// Every experiment with what it showed and what was decided, by name; those that fit the filter.
pub async fn library(context: &Context, filter: &LibraryFilter) -> Result<Vec<Entry>, CapabilityError> {
    let read = readouts(context).await?;
    Ok(entries(context, &read)
        .await?
        .into_iter()
        .filter(|e| filter.fits(e))
        .collect())
}

/// What the whole programme taught; evidence over all readouts and decisions.
pub async fn learn(context: &Context) -> Result<Concluded<Programme>, CapabilityError> {
    let read = readouts(context).await?;
    let entries = entries(context, &read).await?;
    let mut definitions = BTreeMap::new();
    let mut evidence = BTreeMap::new();
    for (name, found) in &read {
        if let Ok(readout) = found {
            definitions.extend(readout.provenance.definitions.clone());
            evidence.insert(name.clone(), readout.provenance.evidence.clone());
        }
    }
    let decisions: BTreeMap<&str, Option<u64>> = entries
        .iter()
        .map(|e| (e.experiment.as_str(), e.decided.as_ref().map(|d| d.sequence)))
        .collect();
    let alpha = context.project.settings.alpha;
    let parameters = json!({ "readouts": evidence, "decisions": decisions, "alpha": alpha });
    let mut concluded = crate::evidence::conclude(context, "programme/all", definitions, &[], parameters, || {
        let programme = learning::programme(&context.project, &read, &entries, alpha);
        let provenance = json!({ "engine": context.engine.name(), "sql": [], "readouts": evidence });
        async move { Ok((programme, provenance)) }
    })
    .await?;
    concluded.value.evidence = concluded.evidence.id.clone();
    Ok(concluded)
}

/// A readout, or why there is none.
type Read = BTreeMap<String, Result<Readout, String>>;

async fn readouts(context: &Context) -> Result<Read, CapabilityError> {
    let mut all = BTreeMap::new();
    for name in context.project.experiments.keys() {
        let found = match experiments::readout(context, name, &ReadoutOptions::default()).await {
            Ok(readout) => Ok(readout),
            Err(e @ CapabilityError::Ledger(_)) => return Err(e),
            // One experiment that cannot be read must not hide the others.
            Err(e) => Err(e.to_string()),
        };
        all.insert(name.clone(), found);
    }
    Ok(all)
}

async fn entries(context: &Context, read: &Read) -> Result<Vec<Entry>, CapabilityError> {
    let decisions = governance::decisions(context, &DecisionFilter::default(), None).await?;
    let project: &Project = &context.project;
    let of = |(name, experiment): (&String, &Experiment)| {
        let subject = format!("experiment/{name}");
        // Newest first.
        let decided = decisions
            .iter()
            .find(|d| d.subject == subject && !d.choice.settles_nothing());
        let found = read.get(name);
        entry(
            experiment,
            found.and_then(|r| r.as_ref().ok()),
            decided,
            match found {
                Some(Err(problem)) => Some(problem.clone()),
                _ => None,
            },
        )
    };
    Ok(project.experiments.iter().map(of).collect())
}

fn entry(
    experiment: &Experiment,
    readout: Option<&Readout>,
    decided: Option<&Decision>,
    problem: Option<String>,
) -> Entry {
    let first = readout.and_then(|r| {
        let mut primary = r.metrics.iter().filter(|m| m.role == Role::Primary);
        let chosen = r.variant.as_deref();
        primary
            .clone()
            .find(|m| chosen.is_none_or(|v| v == m.variant))
            .or_else(|| primary.next())
    });
    let harmed = readout.map_or(0, |r| {
        let harmed = |m: &&experiments::MetricReadout| m.guardrail == Some(experiments::GuardrailState::Harmed);
        r.metrics.iter().filter(harmed).count() as u64
    });
    Entry {
        experiment: experiment.meta.name.clone(),
        label: experiment.meta.label.clone(),
        owner: experiment.meta.owner.clone(),
        hypothesis: experiment.hypothesis.clone(),
        initiative: experiment.initiative.clone(),
        tags: experiment.meta.tags.clone(),
        holdout: matches!(experiment.design, Design::Holdout(_)) || experiment.meta.tags.iter().any(|t| t == HOLDOUT),
        start: experiment.start.clone(),
        end: experiment.end.clone(),
        status: readout.map(|r| r.status),
        outcome: readout.map(|r| r.outcome),
        verdict: readout.map(|r| r.verdict.clone()),
        metric: first.map(|m| m.metric.clone()),
        variant: first.map(|m| m.variant.clone()),
        direction: first.map(|m| m.direction.clone()),
        relative: first.map(|m| m.relative.clone()),
        detectable_relative: first.and_then(|m| m.detectable_relative),
        guardrails_harmed: harmed,
        split_broken: readout.is_some_and(|r| r.health.srm.broken),
        trusted: readout.is_some_and(|r| r.outcome != Outcome::DoNotTrust),
        units: readout.map_or(0, |r| r.health.units),
        decided: decided.map(|d| Decided {
            choice: d.choice,
            variant: d.variant.clone(),
            by: d.actor.clone(),
            at_us: d.at_us,
            sequence: d.sequence,
        }),
        evidence: readout.map(|r| r.provenance.evidence.clone()),
        problem,
    }
}
