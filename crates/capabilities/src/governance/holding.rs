//! Rollouts that a policy stops by itself, and that a person lets go on.

use std::collections::BTreeMap;

use steward_ledger::{Evidence, Filter, Ledger};

use super::deciding::{accountable, check};
use super::events::{DECIDED, DecidedPayload, decided};
use super::projection::Record;
use super::types::{Choice, Decision, Held, Hold, NewResume};
use crate::{CapabilityError, Context};

/// In whose name rollouts are stopped.
pub const POLICY: &str = "policy/guarded_by";

/// By flag and rule.
pub type Rollouts = BTreeMap<(String, String), Held>;

/// What was decided last on each rule of each flag that was ever stopped, and the harm that was accepted since.
pub async fn held(ledger: &Ledger, as_of: Option<i64>) -> Result<Rollouts, CapabilityError> {
    let record: Record = ledger.project(as_of).await?;
    let mut all = Rollouts::new();
    for decision in record.decisions {
        let flag = decision.subject.strip_prefix("flag/").map(str::to_owned);
        let (Some(flag), Some(hold)) = (flag, decision.hold.clone()) else {
            continue;
        };
        let key = (flag, hold.rule.clone());
        // Harm that was accepted stays accepted, as long as it is about the same exposures.
        let same = |h: &Held| (&h.hold.experiment, &h.hold.start) == (&hold.experiment, &hold.start);
        let mut accepted = all.remove(&key).filter(same).map_or_else(Vec::new, |h| h.accepted);
        if hold.coverage.is_none() {
            accepted.extend(hold.metrics.iter().cloned());
        }
        all.insert(
            key,
            Held {
                decision,
                hold,
                accepted,
            },
        );
    }
    Ok(all)
}

/// The last event about a subject.
pub(super) async fn last_about(ledger: &Ledger, subject: &str) -> Result<Option<u64>, CapabilityError> {
    let filter = Filter {
        subject: Some(subject.into()),
        last: Some(1),
        ..Filter::default()
    };
    Ok(ledger.read(&filter).await?.last().map(|e| e.sequence))
}

/// Stops the rollout of a rule on evidence of harm. `None` if it is stopped already, or somebody decided at the same
/// moment: then it is judged anew.
pub async fn hold(
    ledger: &Ledger,
    flag: &str,
    choice: Choice,
    hold: Hold,
    because: &str,
    evidence: &Evidence,
) -> Result<Option<u64>, CapabilityError> {
    let subject = format!("flag/{flag}");
    let last = last_about(ledger, &subject).await?;
    let known = held(ledger, None).await?;
    let key = (flag.to_owned(), hold.rule.clone());
    if known.get(&key).is_some_and(|h| h.hold.coverage.is_some()) {
        return Ok(None);
    }
    let payload = DecidedPayload {
        choice,
        variant: None,
        evidence: vec![evidence.citation()],
        verdict: Some(because.to_owned()),
        waived: false,
        overrides: None,
        policy: vec![check(
            "guarded-by",
            "met",
            format!("the rule {} is guarded by {}", hold.rule, hold.experiment),
        )],
        hold: Some(hold),
    };
    let event = decided(DECIDED, &subject, POLICY, &payload, because)?;
    let appended = ledger.append_if(&subject, last, vec![event]).await?;
    Ok(appended.and_then(|events| events.last().map(|e| e.sequence)))
}

/// Lets the rollout of a rule go on; the harm that stopped it is accepted.
pub async fn resume(context: &Context, new: &NewResume) -> Result<Decision, CapabilityError> {
    let (actor, reason) = (new.actor.trim(), new.reason.trim());
    let policy = accountable(&context.project, actor, reason)?.into();
    let subject = format!("flag/{}", new.flag);
    let last = last_about(&context.ledger, &subject).await?;
    let key = (new.flag.clone(), new.rule.clone());
    let stopped = held(&context.ledger, None).await?.remove(&key);
    let Some(Held { decision, hold, .. }) = stopped.filter(|h| h.hold.coverage.is_some()) else {
        return Err(CapabilityError::Refused(format!(
            "the rule `{}` of the flag `{}` is not stopped: there is nothing to resume",
            new.rule, new.flag
        )));
    };
    let evidence = decision.evidence.iter();
    let payload = DecidedPayload {
        choice: Choice::Resume,
        variant: None,
        evidence: evidence
            .map(|c| serde_json::json!({ "id": c.id, "value_digest": c.value_digest }))
            .collect(),
        verdict: decision.verdict.clone(),
        waived: false,
        overrides: None,
        policy,
        hold: Some(Hold { coverage: None, ..hold }),
    };
    let event = decided(DECIDED, &subject, actor, &payload, reason)?;
    let appended = context.ledger.append_if(&subject, last, vec![event]).await?;
    let sequence = appended.and_then(|events| events.last().map(|e| e.sequence));
    let record: Record = context.ledger.project(None).await?;
    let found = record.decisions.into_iter().find(|d| Some(d.sequence) == sequence);
    found.ok_or_else(|| {
        CapabilityError::Refused(format!(
            "others decided on the flag `{}` at this moment; look at it again",
            new.flag
        ))
    })
}
