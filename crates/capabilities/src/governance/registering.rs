//! Plans, frozen by a person.

use super::deciding::{ATTEMPTS, accountable, refused, subject};
use super::holding::last_about;
use crate::experiments::{self, PlanReport};
use crate::{CapabilityError, Context};

/// Freezes the plan of an experiment: its definition as the folder has it, with what it is expected to find. It may be
/// registered anew until its start; after that only if nothing binds it yet.
pub async fn register(context: &Context, name: &str, actor: &str, reason: &str) -> Result<PlanReport, CapabilityError> {
    let (actor, reason) = (actor.trim(), reason.trim());
    accountable(&context.project, actor, reason)?;
    for _ in 0..ATTEMPTS {
        let subject = subject(context, name)?;
        let name = subject.split_once('/').map_or(name, |(_, n)| n);
        let last = last_about(&context.ledger, &subject).await?;
        let draft = experiments::draft(context, name).await?;
        if let Some(bound) = draft.bound.filter(|_| draft.started) {
            let how = if bound.registered { "registered" } else { "applied" };
            return refused(format!(
                "{name} has begun, and is bound to its plan as {how} by {} (event {}, frozen on {}): a plan written with \
                 the data at hand is none; start a new experiment, or let the readout show the departure",
                bound.actor, bound.sequence, bound.frozen_on
            ));
        }
        let event = experiments::registered(actor, &draft.payload, reason)?;
        if context.ledger.append_if(&subject, last, vec![event]).await?.is_some() {
            return experiments::plan(context, name).await;
        }
    }
    refused(format!(
        "others keep deciding on {name} at this moment; look at their decisions first"
    ))
}
