//! Decisions and the policy they are checked against at the moment of deciding.
//!
//! | rule | demands |
//! |---|---|
//! | `reason` | a decision says why |
//! | `actor` | it is made by a named person; one of `people` of `steward.yaml`, if that lists any |
//! | `evidence` | it cites evidence that exists; about an experiment, its current readout |
//! | `sample-ratio` | an experiment whose split is broken is decided on only with a waiver |
//! | `health` | so is one that another check forbids to trust: arms unlike before exposure, or on other days |
//! | `recommendation` | whoever decides against the decision rule says why: it is recorded as an override |
//! | `separation-of-duties` | approvals and waivers are not given by the owner of the subject, if the project lists at least two people |

use steward_definitions::Project;
use steward_ledger::{Evidence, NewEvent};

use super::events::{DECIDED, DecidedPayload, WAIVED, decided};
use super::holding::last_about;
use super::projection::Record;
use super::types::{Choice, Decision, NewDecision, PolicyCheck};
use crate::experiments::{self, ExperimentStatus, Outcome, Readout, ReadoutOptions, Recommendation};
use crate::{CapabilityError, Context};

/// Races lost before giving up.
pub(super) const ATTEMPTS: usize = 8;

pub fn check(rule: &str, outcome: &str, detail: impl Into<String>) -> PolicyCheck {
    PolicyCheck {
        rule: rule.into(),
        outcome: outcome.into(),
        detail: detail.into(),
    }
}

pub(super) fn refused<T>(why: impl Into<String>) -> Result<T, CapabilityError> {
    Err(CapabilityError::Refused(why.into()))
}

/// Checks policy and records the decision; a waiver is recorded before it, in the same append.
pub async fn decide(context: &Context, new: &NewDecision) -> Result<Decision, CapabilityError> {
    for _ in 0..ATTEMPTS {
        let subject = subject(context, &new.subject)?;
        let last = last_about(&context.ledger, &subject).await?;
        let events = judge(context, new, &subject).await?;
        // Whoever decides on the same thing at the same moment makes this decision stale: it is checked anew.
        if let Some(appended) = context.ledger.append_if(&subject, last, events).await? {
            let record: Record = context.ledger.project(None).await?;
            let sequence = appended.last().map(|e| e.sequence);
            let found = record.decisions.into_iter().find(|d| Some(d.sequence) == sequence);
            return found.ok_or_else(|| CapabilityError::Invalid("the decision was recorded but not read back".into()));
        }
    }
    refused(format!(
        "others keep deciding on {} at this moment; look at their decisions first",
        new.subject
    ))
}

/// `kind/name` of what is decided on; a bare name is an experiment.
pub(super) fn subject(context: &Context, text: &str) -> Result<String, CapabilityError> {
    let (kind, name) = text.split_once('/').unwrap_or(("experiment", text));
    let kind = kind.replace('-', "_");
    match super::lineage::owner(&context.project, &kind, name) {
        Some(_) => Ok(format!("{kind}/{name}")),
        None => Err(CapabilityError::Unknown {
            near: super::lineage::nearest(&context.project, &kind, name),
            kind,
            name: name.to_string(),
        }),
    }
}

/// Who decides, and why, is said and known.
pub fn accountable(project: &Project, actor: &str, reason: &str) -> Result<[PolicyCheck; 2], CapabilityError> {
    if reason.is_empty() {
        return refused("a decision needs a reason (rule `reason`): say in a sentence why");
    }
    let people = &project.settings.people;
    if actor.is_empty() {
        return refused("a decision needs a named person (rule `actor`): give a handle");
    }
    if !people.is_empty() && !people.iter().any(|p| p.name == actor) {
        let names: Vec<&str> = people.iter().map(|p| p.name.as_str()).collect();
        return refused(format!(
            "{actor:?} is not among the people of steward.yaml (rule `actor`): decide as one of {}, or add them",
            names.join(", ")
        ));
    }
    let named = if people.is_empty() {
        "named"
    } else {
        "listed in steward.yaml"
    };
    Ok([check("reason", "met", "given"), check("actor", "met", named)])
}

async fn judge(context: &Context, new: &NewDecision, subject: &str) -> Result<Vec<NewEvent>, CapabilityError> {
    let (kind, name) = subject.split_once('/').unwrap_or(("experiment", subject));
    let mut policy = Vec::new();

    let reason = new.reason.trim();
    let actor = new.actor.trim();
    policy.extend(accountable(&context.project, actor, reason)?);
    if new.choice == Choice::Register {
        return Err(CapabilityError::Invalid(format!(
            "a plan is registered by itself: steward experiment plan {name} --register"
        )));
    }

    let owner = super::lineage::owner(&context.project, kind, name).unwrap_or_default();
    let waiver = new.waiver.as_deref().map(str::trim).filter(|w| !w.is_empty());
    if new.waiver.is_some() && waiver.is_none() {
        return refused("a waiver needs a reason: say why the broken rule may be passed over this once");
    }
    let sensitive = waiver.is_some() || matches!(new.choice, Choice::Approve | Choice::Waive);
    if sensitive && owner == actor && context.project.settings.people.len() > 1 {
        return refused(format!(
            "{actor} owns {subject} and cannot approve or waive for it (rule `separation-of-duties`): ask someone else"
        ));
    }
    policy.push(if owner == actor {
        check("separation-of-duties", "noted", format!("{actor} owns {subject}"))
    } else {
        check("separation-of-duties", "met", format!("owned by {owner}"))
    });

    let (evidence, readout) = evidence(context, new, subject, kind, name).await?;
    policy.push(check("evidence", "met", format!("{} cited, current", evidence.len())));

    let mut waived = false;
    let mut variant = None;
    let mut overrides = None;
    if let Some(readout) = &readout {
        let broken = readout.outcome == Outcome::DoNotTrust;
        // Taking back is always allowed: it restores what is known.
        let needs = broken && !matches!(new.choice, Choice::Waive | Choice::RollBack);
        if needs && waiver.is_none() {
            let what = if readout.health.srm.broken {
                format!("the split of {name} is broken (rule `sample-ratio`)")
            } else {
                format!("{name} cannot be trusted (rule `health`)")
            };
            return refused(format!(
                "{what}: {} Decide with an explicit waiver and its reason, or find the cause and read out again",
                readout.verdict
            ));
        }
        if waiver.is_some() && !needs {
            return Err(CapabilityError::Invalid(format!(
                "no rule is broken by this decision on {name}: leave the waiver out"
            )));
        }
        waived = needs;
        let p = readout
            .health
            .srm
            .p
            .map_or("not testable".to_string(), experiments::p_value);
        let met = |broken: bool| match (broken, needs) {
            (false, _) => "met",
            (true, true) => "waived",
            (true, false) => "noted",
        };
        policy.push(check("sample-ratio", met(readout.health.srm.broken), p));
        if broken && !readout.health.srm.broken {
            policy.push(check("health", met(true), readout.verdict.clone()));
        }
        if new.choice == Choice::Ship {
            if matches!(readout.outcome, Outcome::NotStarted | Outcome::NoData) {
                return refused(format!(
                    "there is nothing to ship on (rule `evidence`): {}",
                    readout.verdict
                ));
            }
            variant = Some(shipped(readout, new)?);
            if readout.status == ExperimentStatus::Running {
                policy.push(check("evidence", "noted", "decided before the experiment's end"));
            }
        } else if new.variant.is_some() {
            return Err(CapabilityError::Invalid(format!(
                "only `ship` names a variant, not `{}`",
                new.choice.word()
            )));
        }
        overrides = overridden(readout, new.choice, variant.as_deref());
        if !new.choice.settles_nothing() && new.choice != Choice::RollBack {
            let said = readout.decision.recommendation.word();
            let (outcome, detail) = match overrides {
                None => ("met", format!("the decision rule recommends: {said}")),
                Some(_) => (
                    "overridden",
                    format!("the decision rule recommends: {said}. {}", readout.decision.explanation),
                ),
            };
            policy.push(check("recommendation", outcome, detail));
        }
        if let Some(plan) = readout.plan.as_ref().filter(|p| !p.departures.is_empty()) {
            policy.push(check("plan", "noted", plan.summary.clone()));
        }
    } else if matches!(
        new.choice,
        Choice::Ship | Choice::Stop | Choice::Extend | Choice::Redesign
    ) {
        return Err(CapabilityError::Invalid(format!(
            "`{}` is for experiments; on {subject} use `approve`, `waive` or `roll_back`",
            new.choice.word()
        )));
    } else if waiver.is_some() {
        return Err(CapabilityError::Invalid(format!(
            "to waive a rule for {subject}, decide `waive` with the reason"
        )));
    }

    let citations: Vec<_> = evidence.iter().map(Evidence::citation).collect();
    let verdict = readout.map(|r| r.verdict);
    let mut events = Vec::new();
    if let (true, Some(why)) = (waived, waiver) {
        let payload = DecidedPayload {
            choice: Choice::Waive,
            variant: None,
            evidence: citations.clone(),
            verdict: verdict.clone(),
            waived: false,
            overrides: None,
            policy: vec![check("sample-ratio", "waived", "for the decision that follows")],
            hold: None,
        };
        events.push(decided(WAIVED, subject, actor, &payload, why)?);
    }
    let kind = if new.choice == Choice::Waive { WAIVED } else { DECIDED };
    let payload = DecidedPayload {
        choice: new.choice,
        variant,
        evidence: citations,
        verdict,
        waived,
        overrides,
        policy,
        hold: None,
    };
    events.push(decided(kind, subject, actor, &payload, reason)?);
    Ok(events)
}

/// The evidence cited, and the current readout of an experiment.
async fn evidence(
    context: &Context,
    new: &NewDecision,
    subject: &str,
    kind: &str,
    name: &str,
) -> Result<(Vec<Evidence>, Option<Readout>), CapabilityError> {
    let current = match kind {
        "experiment" => Some(experiments::conclude(context, name, &ReadoutOptions::default()).await?),
        _ => None,
    };
    let mut cited = Vec::new();
    for id in &new.evidence {
        let Some(found) = context.ledger.evidence_by_id(id).await? else {
            return refused(format!(
                "there is no evidence {id} (rule `evidence`): cite an id that `why` knows"
            ));
        };
        if let Some(current) = &current
            && found.key.subject == subject
            && found.id != current.evidence.id
        {
            return refused(format!(
                "evidence {id} is not current (rule `evidence`): definitions, data or time have moved on; read \
                 {name} out again and cite {}",
                current.evidence.id
            ));
        }
        cited.push(found);
    }
    match current {
        Some(current) => {
            if cited.is_empty() {
                cited.push(current.evidence.clone());
            } else if !cited.iter().any(|e| e.id == current.evidence.id) {
                return refused(format!(
                    "a decision on an experiment cites its current readout (rule `evidence`): add {}",
                    current.evidence.id
                ));
            }
            Ok((cited, Some(current.value)))
        }
        None => {
            if cited.is_empty() {
                cited.extend(
                    context
                        .ledger
                        .evidence_about(subject, None)
                        .await?
                        .into_iter()
                        .next_back(),
                );
            }
            if cited.is_empty() {
                return refused(format!(
                    "there is no evidence about {subject} yet (rule `evidence`): run it first, or cite some"
                ));
            }
            Ok((cited, None))
        }
    }
}

/// What the decision rule recommended, if the choice goes against it.
fn overridden(readout: &Readout, choice: Choice, variant: Option<&str>) -> Option<Recommendation> {
    let said = readout.decision.recommendation;
    let follows = match choice {
        Choice::Ship => said == Recommendation::Ship && variant == readout.decision.variant.as_deref(),
        Choice::Stop => matches!(said, Recommendation::DoNotShip | Recommendation::Redesign),
        Choice::Extend => matches!(said, Recommendation::Extend | Recommendation::KeepRunning),
        Choice::Redesign => said == Recommendation::Redesign,
        Choice::Approve | Choice::Waive | Choice::RollBack | Choice::Register | Choice::Freeze | Choice::Resume => true,
    };
    (!follows).then_some(said)
}

/// The variant to ship: named, or the verdict's, or the only treatment.
fn shipped(readout: &Readout, new: &NewDecision) -> Result<String, CapabilityError> {
    let known: Vec<&str> = readout.arms.iter().map(|a| a.variant.as_str()).collect();
    if let Some(named) = &new.variant {
        return if known.contains(&named.as_str()) {
            Ok(named.clone())
        } else {
            Err(CapabilityError::Invalid(format!(
                "{named:?} is no variant: choose one of {}",
                known.join(", ")
            )))
        };
    }
    let treatments: Vec<&str> = readout
        .arms
        .iter()
        .filter(|a| !a.control)
        .map(|a| a.variant.as_str())
        .collect();
    match (treatments.as_slice(), &readout.variant) {
        ([only], _) => Ok((*only).to_string()),
        (_, Some(best)) => Ok(best.clone()),
        _ => Err(CapabilityError::Invalid(format!(
            "which variant is to be shipped? The verdict favours none of {}",
            treatments.join(", ")
        ))),
    }
}
