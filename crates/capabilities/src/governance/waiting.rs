//! What needs someone today. It reads evidence and decisions, and computes nothing: `run` brings evidence up to date.

use jiff::ToSpan;
use serde::de::DeserializeOwned;
use steward_ledger::EvidenceKey;

use super::events::PROJECT;
use super::planning;
use super::types::{Choice, Decision, Waiting};
use crate::experiments::{self, ExperimentStatus, Outcome, Readout};
use crate::finance::Terms;
use crate::portfolio::{KeyResultState, KeyResultStatus};
use crate::quality::QualityReport;
use crate::{CapabilityError, Context};

/// Days after its end by which an experiment is to be decided on.
pub const DAYS_TO_DECIDE: i64 = 14;

/// Days before notice of a contract is due from which it waits for a decision.
const DAYS_TO_NOTICE: i64 = 45;

/// The conclusion about a subject that speaks of the latest moment.
async fn newest<T: DeserializeOwned>(context: &Context, subject: &str) -> Result<Option<T>, CapabilityError> {
    let newest = crate::evidence::newest(&context.ledger, subject, |_| true).await?;
    Ok(newest.and_then(|e| serde_json::from_value(e.value).ok()))
}

/// Everything that waits, most urgent first.
pub async fn waiting(context: &Context) -> Result<Vec<Waiting>, CapabilityError> {
    let mut all = Vec::new();
    plan(context, &mut all).await?;
    experiments(context, &mut all).await?;
    rollouts(context, &mut all).await?;
    contracts(context, &mut all).await?;
    key_results(context, &mut all).await?;
    bets(context, &mut all)?;
    notices(context, &mut all)?;
    questions(context, &mut all)?;
    let rank = |urgency: &str| {
        ["urgent", "soon", "note"]
            .iter()
            .position(|u| *u == urgency)
            .unwrap_or(9)
    };
    all.sort_by(|a, b| {
        let key = |w: &Waiting| {
            (
                rank(&w.urgency),
                w.deadline.clone().unwrap_or("9999".into()),
                w.kind.clone(),
                w.name.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    Ok(all)
}

fn today(context: &Context) -> Result<jiff::civil::Date, CapabilityError> {
    let zone = experiments::zone(&context.project.settings)?;
    experiments::day(context.now_us, &zone)
        .ok_or_else(|| CapabilityError::Invalid(format!("{} is no moment of the calendar", context.now_us)))
}

/// Contracts of which notice is due soon.
fn notices(context: &Context, all: &mut Vec<Waiting>) -> Result<(), CapabilityError> {
    let today = today(context)?;
    for (name, contract) in &context.project.contracts {
        // A contract whose days are none is told by `check`.
        let Ok(terms) = Terms::of(contract) else { continue };
        let Some(next) = terms.next_notice(today).filter(|_| terms.tacit()) else {
            continue;
        };
        let left = i64::from((next.notice_by - today).get_days());
        if left > DAYS_TO_NOTICE {
            continue;
        }
        let title = contract.meta.label.as_deref().unwrap_or(name);
        all.push(Waiting {
            what: format!("Keep \"{title}\", or give {} notice", contract.supplier),
            why: format!("without notice it renews on {}; {left} days are left", next.end),
            urgency: if left <= 14 { "urgent".into() } else { "soon".into() },
            deadline: Some(next.notice_by.to_string()),
            owner: Some(contract.meta.owner.clone()),
            kind: "contract".into(),
            name: name.clone(),
        });
    }
    Ok(())
}

/// Questions without an answer past the day that it was wanted by.
fn questions(context: &Context, all: &mut Vec<Waiting>) -> Result<(), CapabilityError> {
    let today = today(context)?;
    for (name, question) in &context.project.questions {
        let due = question
            .due
            .as_deref()
            .and_then(|d| d.parse::<jiff::civil::Date>().ok());
        if let Some(due) = due.filter(|due| question.query.is_none() && today >= *due) {
            all.push(Waiting {
                what: format!("Answer {}: {}", question.asked_by, question.asks),
                why: format!("it was wanted by {due} and has no query yet"),
                urgency: "note".into(),
                deadline: Some(due.to_string()),
                owner: Some(question.meta.owner.clone()),
                kind: "question".into(),
                name: name.clone(),
            });
        }
    }
    Ok(())
}

async fn plan(context: &Context, all: &mut Vec<Waiting>) -> Result<(), CapabilityError> {
    let applied = super::applied(&context.ledger, None).await?;
    let plan = planning::compare(applied.as_ref(), &context.project);
    if plan.empty || plan.changes.is_empty() {
        return Ok(());
    }
    let breaks = match plan.breaks.len() {
        0 => String::new(),
        n => format!(", and {n} downstream break"),
    };
    all.push(Waiting {
        what: "Apply the folder's definitions".into(),
        why: format!(
            "{} definitions differ from what is in force{breaks}",
            plan.changes.len()
        ),
        urgency: if plan.breaks.is_empty() {
            "note".into()
        } else {
            "soon".into()
        },
        deadline: None,
        owner: context.project.settings.owner.clone(),
        kind: "plan".into(),
        name: PROJECT.into(),
    });
    Ok(())
}

async fn experiments(context: &Context, all: &mut Vec<Waiting>) -> Result<(), CapabilityError> {
    let decisions = context.ledger.project::<super::Record>(None).await?.decisions;
    for (name, experiment) in &context.project.experiments {
        let subject = format!("experiment/{name}");
        let title = experiment.meta.label.as_deref().unwrap_or(name);
        let status = experiments::status(context, name)?;
        let readout: Option<Readout> = newest(context, &subject).await?;
        let last = decisions
            .iter()
            .rev()
            .find(|d: &&Decision| d.subject == subject && !d.choice.settles_nothing());
        let closed = last.is_some_and(|d| {
            matches!(
                d.choice,
                Choice::Ship | Choice::Stop | Choice::Redesign | Choice::RollBack
            )
        });
        let wait = |what: String, why: String, urgency: &str, deadline| Waiting {
            what,
            why,
            urgency: urgency.into(),
            deadline,
            owner: Some(experiment.meta.owner.clone()),
            kind: "experiment".into(),
            name: name.clone(),
        };
        match status {
            _ if closed => {}
            ExperimentStatus::Ended => {
                let zone = experiments::zone(&context.project.settings)?;
                let today = experiments::day(context.now_us, &zone);
                let by = experiment
                    .end
                    .as_deref()
                    .and_then(|e| experiments::moment(e, &zone).ok())
                    .and_then(|us| experiments::day(us, &zone))
                    .and_then(|d| d.checked_add(DAYS_TO_DECIDE.days()).ok());
                let late = matches!((by, today), (Some(by), Some(today)) if today > by);
                let extended = last.is_some_and(|d| d.choice == Choice::Extend);
                let why = match (&readout, extended) {
                    (Some(r), false) => r.verdict.clone(),
                    (Some(r), true) => format!("It was extended, and its end has passed. {}", r.verdict),
                    (None, _) => "It has ended and was never read out: run it.".into(),
                };
                let urgency = if late { "urgent" } else { "soon" };
                all.push(wait(
                    format!("Decide on {title}"),
                    why,
                    urgency,
                    by.map(|d| d.to_string()),
                ));
            }
            ExperimentStatus::Running => {
                if let Some(r) = readout.filter(|r| r.outcome == Outcome::DoNotTrust) {
                    let what = if r.health.srm.broken {
                        format!("Find what breaks the split of {title}")
                    } else {
                        format!("Find why {title} cannot be trusted")
                    };
                    all.push(wait(what, r.verdict, "urgent", experiment.end.clone()));
                }
            }
            ExperimentStatus::NotStarted => {}
        }
    }
    Ok(())
}

/// Rollouts that were stopped wait for someone to take them back for good, or let them go on.
async fn rollouts(context: &Context, all: &mut Vec<Waiting>) -> Result<(), CapabilityError> {
    for ((name, rule), held) in super::held(&context.ledger, None).await? {
        let flag = context.project.flags.get(&name);
        let Some(flag) = flag.filter(|f| held.hold.coverage.is_some() && f.rules.iter().any(|r| r.name == rule)) else {
            continue;
        };
        let title = flag.meta.label.as_deref().unwrap_or(&name);
        all.push(Waiting {
            what: format!("Decide on the rollout {rule} of {title}, which was stopped"),
            why: held.decision.verdict.unwrap_or_default(),
            urgency: "urgent".into(),
            deadline: None,
            owner: Some(flag.meta.owner.clone()),
            kind: "flag".into(),
            name,
        });
    }
    Ok(())
}

async fn contracts(context: &Context, all: &mut Vec<Waiting>) -> Result<(), CapabilityError> {
    for (name, dataset) in &context.project.datasets {
        // A day's rows by themselves do not tell how the whole stands.
        let whole = |key: &EvidenceKey| key.parameters.get("day").is_none_or(|day| day.is_null());
        let subject = format!("dataset/{name}");
        let newest = crate::evidence::newest(&context.ledger, &subject, whole).await?;
        let report: Option<QualityReport> = newest.and_then(|e| serde_json::from_value(e.value).ok());
        let Some(report) = report.filter(|r| !r.ok) else {
            continue;
        };
        all.push(Waiting {
            what: format!("Mend {}", dataset.meta.label.as_deref().unwrap_or(name)),
            why: report.verdict,
            urgency: "urgent".into(),
            deadline: None,
            owner: Some(dataset.meta.owner.clone()),
            kind: "dataset".into(),
            name: name.clone(),
        });
    }
    Ok(())
}

async fn key_results(context: &Context, all: &mut Vec<Waiting>) -> Result<(), CapabilityError> {
    for (name, objective) in &context.project.objectives {
        for result in &objective.key_results {
            let subject = format!("key_result/{name}.{}", result.name);
            let Some(status) = newest::<KeyResultStatus>(context, &subject).await? else {
                continue;
            };
            let urgency = match status.state {
                KeyResultState::OffTrack => "soon",
                KeyResultState::AtRisk | KeyResultState::NotEstimable => "note",
                KeyResultState::Missed | KeyResultState::OnTrack | KeyResultState::Hit => continue,
            };
            all.push(Waiting {
                what: format!(
                    "Bring {} of {} back on track",
                    result.name,
                    objective.meta.label.as_deref().unwrap_or(name)
                ),
                why: status.verdict,
                urgency: urgency.into(),
                deadline: Some(objective.end.clone()),
                owner: Some(objective.meta.owner.clone()),
                kind: "objective".into(),
                name: name.clone(),
            });
        }
    }
    Ok(())
}

fn bets(context: &Context, all: &mut Vec<Waiting>) -> Result<(), CapabilityError> {
    for bet in crate::portfolio::bets(context) {
        if bet.overdue {
            all.push(Waiting {
                what: format!("Resolve the bet {}", bet.label.as_deref().unwrap_or(&bet.name)),
                why: format!(
                    "it was to be resolved by {}",
                    bet.resolve_by.as_deref().unwrap_or_default()
                ),
                urgency: "note".into(),
                deadline: bet.resolve_by.clone(),
                owner: Some(bet.owner.clone()),
                kind: "bet".into(),
                name: bet.name.clone(),
            });
        }
    }
    Ok(())
}
