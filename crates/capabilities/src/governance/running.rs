//! What may not change under units that are being assigned: variants and weights of a split or an experiment that runs.

use std::sync::Arc;

use steward_definitions::plan::{self, Move};
use steward_definitions::{FlagRule, Project};

use super::projection::Record;
use super::types::{Choice, Refusal};
use crate::experiments::{self, ExperimentStatus};
use crate::{CapabilityError, Context};

/// Changes of the folder against what is applied that would move units while they are assigned.
pub async fn refusals(context: &Context, applied: Project) -> Result<Vec<Refusal>, CapabilityError> {
    let moves = plan::moves(&applied, &context.project);
    if moves.is_empty() {
        return Ok(Vec::new());
    }
    let record: Record = context.ledger.project(None).await?;
    let before = Context {
        project: Arc::new(applied),
        ..context.clone()
    };
    let mut all = Vec::new();
    for found in moves {
        let runs = match &found.experiment {
            Some(experiment) => runs(&before, experiment, &record)? && assigns(&before, &found)?,
            None => assigns(&before, &found)?,
        };
        if runs && !begins_anew(context, &found)? {
            all.push(Refusal {
                reference: found.reference.to_string(),
                place: format!("{}:{}", found.span.file, found.span.line),
                because: found.what,
                remedy: found.hint,
            });
        }
    }
    Ok(all)
}

/// Whether an experiment counts exposures now: nobody has ended it by a decision either.
fn runs(before: &Context, experiment: &str, record: &Record) -> Result<bool, CapabilityError> {
    if !before.project.experiments.contains_key(experiment) {
        return Ok(false);
    }
    let subject = format!("experiment/{experiment}");
    let mut decisions = record.decisions.iter().rev();
    let last = decisions.find(|d| d.subject == subject && !d.choice.settles_nothing());
    let closed = last.is_some_and(|d| {
        matches!(
            d.choice,
            Choice::Ship | Choice::Stop | Choice::Redesign | Choice::RollBack
        )
    });
    Ok(!closed && experiments::status(before, experiment)? == ExperimentStatus::Running)
}

/// Whether the rule that changes assigns units now; an experiment without one is assigned elsewhere.
fn assigns(before: &Context, found: &Move) -> Result<bool, CapabilityError> {
    let Some(name) = &found.rule else { return Ok(true) };
    let flag = before.project.flags.get(&found.reference.name).filter(|f| f.enabled);
    let rule = flag.and_then(|f| f.rules.iter().find(|r| r.name == *name));
    rule.map_or(Ok(false), |r| open(before, r))
}

fn open(before: &Context, rule: &FlagRule) -> Result<bool, CapabilityError> {
    let zone = experiments::zone(&before.project.settings)?;
    let passed = |text: &Option<String>| -> Result<Option<bool>, CapabilityError> {
        let at = text.as_deref().map(|t| experiments::moment(t, &zone)).transpose()?;
        Ok(at.map(|at| at <= before.now_us))
    };
    let (from, until) = (passed(&rule.from)?, passed(&rule.until)?);
    Ok(from != Some(false) && until != Some(true) && rule.coverage != Some(0.0))
}

/// Whether the experiment starts again, so that nothing of before is counted.
fn begins_anew(context: &Context, found: &Move) -> Result<bool, CapabilityError> {
    let Some(start) = &found.start else { return Ok(false) };
    let zone = experiments::zone(&context.project.settings)?;
    Ok(experiments::moment(start, &zone)? >= context.now_us)
}
