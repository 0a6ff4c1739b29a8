//! Approving a bet, and how bets stand.

use std::collections::BTreeSet;

use steward_definitions::Bet;
use steward_ledger::Filter;
use steward_stats::three_point::ThreePoint;

use super::events::{FROZEN, FrozenPayload, event};
use super::projection::Record;
use super::types::{BetCase, BetState, Frozen, FrozenBet};
use crate::experiments::{day, zone};
use crate::{CapabilityError, Context, governance};

/// Races lost before giving up.
const ATTEMPTS: usize = 8;

/// What a business case lacks before it can be approved.
fn missing(context: &Context, bet: &Bet) -> Vec<String> {
    let initiative = context.project.initiatives.get(&bet.initiative);
    let said = |text: Option<&String>| text.is_some_and(|t| !t.trim().is_empty());
    let checks = [
        (
            said(initiative.and_then(|i| i.problem.as_ref())),
            "`problem` of its initiative",
        ),
        (
            said(initiative.and_then(|i| i.decision.as_ref())),
            "`decision` of its initiative (the decision that it changes)",
        ),
        (bet.cost_minor.is_some(), "`cost`"),
        (said(bet.kill_criterion.as_ref()), "`kill_criterion`"),
        (bet.resolve_by.is_some(), "`resolve_by`"),
        (
            bet.experiment.is_some() || bet.resolve.is_some(),
            "`experiment` or `resolve` (what resolves it)",
        ),
    ];
    let lacking = checks.into_iter().filter(|(there, _)| !there);
    lacking.map(|(_, what)| what.to_string()).collect()
}

/// Numbers that no forecast can have; `check` finds them in files, this in what is built otherwise.
fn sound(bet: &Bet) -> Result<(), CapabilityError> {
    let name = &bet.meta.name;
    if !(bet.probability > 0.0 && bet.probability < 1.0) {
        return Err(CapabilityError::Invalid(format!(
            "bet {name} states the probability {}: give one above 0 and below 1",
            bet.probability
        )));
    }
    let [low, middle, high] = bet.effect;
    ThreePoint::new(low, middle, high)
        .map(drop)
        .map_err(|e| CapabilityError::Invalid(format!("the effect of bet {name}: {}; {}", e.detail, e.fix)))
}

/// Approves.
pub async fn freeze(context: &Context, name: &str, actor: &str, reason: &str) -> Result<Frozen, CapabilityError> {
    let Some(bet) = context.project.bets.get(name) else {
        return Err(CapabilityError::Unknown {
            kind: "bet".into(),
            name: name.into(),
            near: crate::error::nearest(name, context.project.bets.keys()),
        });
    };
    sound(bet)?;
    let (actor, reason) = (actor.trim(), reason.trim());
    governance::accountable(&context.project, actor, reason)?;
    let lacking = missing(context, bet);
    if !lacking.is_empty() {
        return Err(CapabilityError::Refused(format!(
            "the business case of bet {name} is not complete: add {}",
            lacking.join(", ")
        )));
    }
    if bet.meta.owner == actor && context.project.settings.people.len() > 1 {
        return Err(CapabilityError::Refused(format!(
            "{actor} owns bet {name} and cannot approve it (rule `separation-of-duties`): ask someone else"
        )));
    }
    let subject = format!("bet/{name}");
    for _ in 0..ATTEMPTS {
        let about = Filter {
            subject: Some(subject.clone()),
            last: Some(1),
            ..Filter::default()
        };
        let last = context.ledger.read(&about).await?.last().map(|e| e.sequence);
        let mut versions = record(context).await?.0.remove(name).unwrap_or_default();
        if let Some(same) = versions.iter().rposition(|v| v.digest == bet.meta.digest)
            && same + 1 == versions.len()
        {
            return Ok(Frozen {
                changed: false,
                name: name.into(),
                version: versions.swap_remove(same),
            });
        }
        let payload = FrozenPayload {
            version: versions.len() as u64 + 1,
            digest: bet.meta.digest.clone(),
            bet: bet.clone(),
        };
        let new = event(FROZEN, name, actor, &payload, reason)?;
        if context.ledger.append_if(&subject, last, vec![new]).await?.is_some() {
            let mut versions = record(context).await?.0.remove(name).unwrap_or_default();
            let version = versions
                .pop()
                .ok_or_else(|| CapabilityError::Invalid("the bet was frozen but not read back".into()))?;
            return Ok(Frozen {
                changed: true,
                name: name.into(),
                version,
            });
        }
    }
    Err(CapabilityError::Refused(format!(
        "others keep deciding on {subject} at this moment; look at it first"
    )))
}

/// All frozen versions.
pub async fn record(context: &Context) -> Result<Record, CapabilityError> {
    Ok(context.ledger.project(None).await?)
}

/// Past the day by which a bet was to be resolved.
pub fn overdue(context: &Context, bet: &Bet) -> bool {
    let today = zone(&context.project.settings)
        .ok()
        .and_then(|z| day(context.now_us, &z));
    let due = bet
        .resolve_by
        .as_deref()
        .and_then(|d| d.parse::<jiff::civil::Date>().ok());
    matches!((today, due), (Some(today), Some(due)) if today > due)
}

fn one(context: &Context, name: &str, versions: Vec<FrozenBet>) -> BetCase {
    let defined = context.project.bets.get(name).cloned();
    let state = match versions.first() {
        None => BetState::Draft,
        Some(first) => match &first.resolution {
            Some(r) if r.succeeded => BetState::Succeeded,
            Some(_) => BetState::Failed,
            None if overdue(context, &first.bet) => BetState::Overdue,
            None => BetState::Open,
        },
    };
    let frozen = versions.last().map(|v| v.digest.as_str());
    BetCase {
        name: name.into(),
        state,
        edited: frozen.is_some_and(|f| defined.as_ref().is_none_or(|d| d.meta.digest != f)),
        missing: defined.as_ref().map(|d| missing(context, d)).unwrap_or_default(),
        defined,
        versions,
    }
}

/// Every bet.
pub async fn cases(context: &Context) -> Result<Vec<BetCase>, CapabilityError> {
    let mut record = record(context).await?.0;
    let names: BTreeSet<String> = context.project.bets.keys().chain(record.keys()).cloned().collect();
    let all = names
        .iter()
        .map(|n| one(context, n, record.remove(n).unwrap_or_default()));
    Ok(all.collect())
}

/// One bet.
pub async fn case(context: &Context, name: &str) -> Result<BetCase, CapabilityError> {
    let all = cases(context).await?;
    let names: Vec<String> = all.iter().map(|c| c.name.clone()).collect();
    all.into_iter()
        .find(|c| c.name == name)
        .ok_or_else(|| CapabilityError::Unknown {
            kind: "bet".into(),
            name: name.into(),
            near: crate::error::nearest(name, names.iter()),
        })
}
