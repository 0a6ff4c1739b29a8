//! Verifications of the ledger, recorded in it: who looked, when, and up to which head it held.

use serde_json::json;
use steward_ledger::{Event, Filter, NewEvent, Verification};

use super::types::VerifiedLedger;
use crate::{CapabilityError, Context};

/// Kind of a verification.
const VERIFIED: &str = "ledger.verified";
/// Subject of verifications.
const LEDGER: &str = "ledger";

/// Verifies and records.
pub async fn verify(context: &Context, actor: &str, head: Option<&str>) -> Result<VerifiedLedger, CapabilityError> {
    let actor = actor.trim();
    if actor.is_empty() {
        return Err(CapabilityError::Refused(
            "a ledger is verified by a named person: give a handle".into(),
        ));
    }
    let found = context.ledger.verify(head).await?;
    let event = NewEvent {
        kind: VERIFIED.into(),
        subject: LEDGER.into(),
        actor: actor.into(),
        payload: json!({ "events": found.events, "head": found.head, "erased": found.erased }),
        private: None,
    };
    let appended = context.ledger.append(vec![event]).await?;
    let recorded = appended.first().and_then(read);
    recorded.ok_or_else(|| CapabilityError::Invalid("the verification was not recorded as it was written".into()))
}

/// The last so many.
pub async fn verifications(context: &Context, last: u64) -> Result<Vec<VerifiedLedger>, CapabilityError> {
    let filter = Filter {
        kind: Some(VERIFIED.into()),
        last: Some(last),
        ..Filter::default()
    };
    Ok(context.ledger.read(&filter).await?.iter().filter_map(read).collect())
}

fn read(event: &Event) -> Option<VerifiedLedger> {
    let found: Verification = serde_json::from_value(event.payload.clone()).ok()?;
    Some(VerifiedLedger {
        sequence: event.sequence,
        at_us: event.at_us,
        actor: event.actor.clone(),
        events: found.events,
        head: found.head,
        erased: found.erased,
    })
}
