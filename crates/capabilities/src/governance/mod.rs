//! What is in force, who decided, on which evidence?

mod deciding;
mod events;
mod explaining;
mod holding;
mod lineage;
mod planning;
mod projection;
mod registering;
mod running;
mod types;
mod verifying;
mod waiting;

pub use deciding::accountable;
pub use holding::{POLICY, Rollouts};
pub use types::*;

use steward_definitions::{Person, Project};
use steward_ledger::{Event, Filter, Ledger};

use crate::experiments::PlanReport;
use crate::{CapabilityError, Context};
use events::{AppliedPayload, AppliedPrivate};
use projection::Record;

/// Races lost before giving up.
const ATTEMPTS: usize = 8;

/// What applying the folder would change against what is applied, and what would break.
pub async fn plan(context: &Context) -> Result<PlanView, CapabilityError> {
    Ok(planned(context).await?.0)
}

/// The plan, and the application that it starts from.
async fn planned(context: &Context) -> Result<(PlanView, Option<Event>, bool), CapabilityError> {
    let last = last_application(&context.ledger, None).await?;
    let mut before = last.as_ref().map(read_applied).transpose()?;
    if let (Some((_, project)), true) = (&mut before, last.as_ref().is_some_and(|e| e.private.is_none())) {
        known_again(project, &context.project);
    }
    let same = before
        .as_ref()
        .is_some_and(|(p, _)| p.digest == planning::digest(&context.project));
    let mut view = planning::compare(before.as_ref().map(|(_, project)| project), &context.project);
    if let Some((_, applied)) = before {
        view.refusals = running::refusals(context, applied).await?;
    }
    view.applied_at_us = last.as_ref().map(|e| e.at_us);
    view.applied_by = last.as_ref().map(|e| e.actor.clone());
    Ok((view, last, same))
}

async fn last_application(ledger: &Ledger, as_of: Option<i64>) -> Result<Option<Event>, CapabilityError> {
    let filter = Filter {
        kind: Some(events::APPLIED.into()),
        subject: Some(events::PROJECT.into()),
        as_of_us: as_of,
        last: Some(1),
        ..Filter::default()
    };
    Ok(ledger.read(&filter).await?.pop())
}

/// The payload of an application and its project, people's names and addresses put back unless they were erased.
fn read_applied(event: &Event) -> Result<(AppliedPayload, Project), CapabilityError> {
    let payload: AppliedPayload = serde_json::from_value(event.payload.clone()).map_err(|e| {
        CapabilityError::Invalid(format!(
            "the definitions applied in event {} cannot be read: {e}; use the program that wrote them, or newer",
            event.sequence
        ))
    })?;
    let mut project = payload.project.clone();
    if let Some(private) = &event.private
        && let Ok(private) = serde_json::from_value::<AppliedPrivate>(private.clone())
    {
        project.settings.people = private.people;
    }
    Ok((payload, project))
}

/// Names and addresses that were erased from an application cannot be compared: they count as the folder's.
fn known_again(applied: &mut Project, folder: &Project) {
    for person in &mut applied.settings.people {
        if let Some(same) = folder.settings.people.iter().find(|p| p.name == person.name) {
            *person = Person {
                team: person.team.take(),
                ..same.clone()
            };
        }
    }
}

/// Applies the folder's definitions as one decision. Applying what is in force already appends nothing.
pub async fn apply(
    context: &Context,
    actor: &str,
    message: &str,
    git_commit: Option<String>,
) -> Result<Applied, CapabilityError> {
    if actor.trim().is_empty() {
        return Err(CapabilityError::Refused(
            "definitions are applied by a named person: give a handle".into(),
        ));
    }
    let digest = planning::digest(&context.project);
    for _ in 0..ATTEMPTS {
        let about = Filter {
            subject: Some(events::PROJECT.into()),
            last: Some(1),
            ..Filter::default()
        };
        let expected = context.ledger.read(&about).await?.last().map(|e| e.sequence);
        let (plan, _, same) = planned(context).await?;
        if same {
            return Ok(Applied {
                changed: false,
                sequence: None,
                plan,
                digest,
            });
        }
        if !plan.refusals.is_empty() {
            let all: Vec<String> = plan.refusals.iter().map(ToString::to_string).collect();
            return Err(CapabilityError::Refused(all.join("\n")));
        }
        let payload = AppliedPayload {
            digest: digest.clone(),
            git_commit: git_commit.clone(),
            plan: plan.clone(),
            project: context.project.as_ref().clone(),
        };
        let event = events::applied(actor.trim(), payload, message)?;
        // Someone applied between reading and writing: plan anew against what they applied.
        if let Some(appended) = context.ledger.append_if(events::PROJECT, expected, vec![event]).await? {
            let sequence = appended.last().map(|e| e.sequence);
            return Ok(Applied {
                changed: true,
                sequence,
                plan,
                digest,
            });
        }
    }
    Err(CapabilityError::Refused(
        "others keep applying at this moment; look at `steward plan` and try again".into(),
    ))
}

/// The project in force: now, or as of a moment (microseconds since 1970 UTC). `None` if nothing was applied yet.
pub async fn applied(ledger: &Ledger, as_of: Option<i64>) -> Result<Option<Project>, CapabilityError> {
    let last = last_application(ledger, as_of).await?;
    Ok(last.as_ref().map(read_applied).transpose()?.map(|(_, project)| project))
}

/// The definitions in force and the application that they come from: now, or as of a moment. `None` if nothing was
/// applied yet.
pub async fn in_force(ledger: &Ledger, as_of: Option<i64>) -> Result<Option<InForce>, CapabilityError> {
    let Some(event) = last_application(ledger, as_of).await? else {
        return Ok(None);
    };
    let (payload, project) = read_applied(&event)?;
    Ok(Some(InForce {
        project,
        digest: payload.digest,
        sequence: event.sequence,
        at_us: event.at_us,
        actor: event.actor,
    }))
}

/// Every application of definitions, oldest first.
pub async fn applications(ledger: &Ledger, as_of: Option<i64>) -> Result<Vec<Application>, CapabilityError> {
    Ok(ledger.project::<Record>(as_of).await?.applications)
}

/// Who changed which definition last, by `kind/name`.
pub async fn last_changes(ledger: &Ledger) -> Result<std::collections::BTreeMap<String, LastChange>, CapabilityError> {
    Ok(ledger.project::<projection::LastChanges>(None).await?.0)
}

/// Records a decision after checking policy at this moment; [`CapabilityError::Refused`] says what would satisfy it.
pub async fn decide(context: &Context, decision: &NewDecision) -> Result<Decision, CapabilityError> {
    deciding::decide(context, decision).await
}

/// What was decided last on each rollout (flag and rule) that was ever stopped: now, or as of a moment.
pub async fn held(ledger: &Ledger, as_of: Option<i64>) -> Result<Rollouts, CapabilityError> {
    holding::held(ledger, as_of).await
}

/// Stops the rollout of a flag's rule on evidence of harm, in the name of [`POLICY`]. The event; `None` if it is stopped
/// already, or somebody decided at the same moment.
pub async fn hold(
    ledger: &Ledger,
    flag: &str,
    choice: Choice,
    hold: Hold,
    because: &str,
    evidence: &steward_ledger::Evidence,
) -> Result<Option<u64>, CapabilityError> {
    holding::hold(ledger, flag, choice, hold, because, evidence).await
}

/// Lets a rollout go on that was stopped, as a person's decision.
pub async fn resume(context: &Context, new: &NewResume) -> Result<Decision, CapabilityError> {
    holding::resume(context, new).await
}

/// Freezes the plan of an experiment, as the folder defines it, with what it is expected to find.
pub async fn register(
    context: &Context,
    experiment: &str,
    actor: &str,
    reason: &str,
) -> Result<PlanReport, CapabilityError> {
    registering::register(context, experiment, actor, reason).await
}

/// Decisions and waivers, newest first.
pub async fn decisions(
    context: &Context,
    filter: &DecisionFilter,
    as_of: Option<i64>,
) -> Result<Vec<Decision>, CapabilityError> {
    let mut all = context.ledger.project::<Record>(as_of).await?.decisions;
    all.retain(|d| {
        filter.subject.as_ref().is_none_or(|s| *s == d.subject) && filter.actor.as_ref().is_none_or(|a| *a == d.actor)
    });
    all.reverse();
    if let Some(last) = filter.last {
        all.truncate(usize::try_from(last).unwrap_or(usize::MAX));
    }
    Ok(all)
}

/// What needs someone today, most urgent first. Reads the ledger only: run what is due first.
pub async fn waiting(context: &Context) -> Result<Vec<Waiting>, CapabilityError> {
    waiting::waiting(context).await
}

/// Why a number is what it is: SQL, data versions, definition versions, owners, decisions that cite it.
/// `evidence` is an id or a unique prefix of at least eight digits.
pub async fn why(context: &Context, evidence: &str) -> Result<Why, CapabilityError> {
    explaining::why(context, evidence).await
}

/// What a definition stands on and what stands on it: dataset → semantic model → metric → experiment, objective,
/// report → decision. `reference` is `kind/name`; `None` is the whole project. As of a moment: the definitions in
/// force and the decisions taken by then.
pub async fn lineage(context: &Context, reference: Option<&str>, as_of: Option<i64>) -> Result<Graph, CapabilityError> {
    let decisions = context.ledger.project::<Record>(as_of).await?.decisions;
    match as_of {
        None => lineage::graph(&context.project, reference, &decisions),
        Some(_) => {
            let project = applied(&context.ledger, as_of).await?.unwrap_or_default();
            lineage::graph(&project, reference, &decisions)
        }
    }
}

/// Verifies the ledger, against a head saved before if one is given, and records that it held, by whom and when.
/// A ledger that does not hold is answered with [`steward_ledger::LedgerError::Broken`], and nothing is appended to it.
pub async fn verify(context: &Context, actor: &str, head: Option<&str>) -> Result<VerifiedLedger, CapabilityError> {
    verifying::verify(context, actor, head).await
}

/// The last so many recorded verifications, oldest first.
pub async fn verifications(context: &Context, last: u64) -> Result<Vec<VerifiedLedger>, CapabilityError> {
    verifying::verifications(context, last).await
}
