//! New weights, set in the name of a policy.

use serde::{Deserialize, Serialize};
use steward_ledger::Filter;

use super::events::{WeighedPayload, weighed};
use super::projection::{Weighing, weighings};
use super::readout::readout;
use super::types::{Readout, State};
use crate::{CapabilityError, Context};

/// What an update did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// The bandit.
    pub bandit: String,
    /// Weights were set.
    pub updated: bool,
    /// Why, or why not.
    pub because: String,
    /// The weights that are served from now on; none while the even split is.
    pub weighing: Option<Weighing>,
    /// What they rest on; none where it was not due.
    pub readout: Option<Readout>,
    /// Evidence cited.
    pub evidence: Option<String>,
    /// Earliest next update, microseconds since 1970 UTC.
    pub next_us: i64,
}

/// Reads plays and sets new weights. Nothing is set before the time between two updates has passed (unless `early`), when
/// plays do not follow the weights, or when weights cannot be had.
pub async fn update(context: &Context, name: &str, early: bool) -> Result<Update, CapabilityError> {
    let bandit = super::find(&context.project, name)?;
    let subject = format!("bandit/{name}");
    let about = Filter {
        subject: Some(subject.clone()),
        last: Some(1),
        ..Filter::default()
    };
    let expected = context.ledger.read(&about).await?.last().map(|e| e.sequence);
    let latest =
        |mut all: std::collections::BTreeMap<String, Vec<Weighing>>| all.remove(name).and_then(|mut w| w.pop());
    let last = latest(weighings(&context.ledger, None).await?);
    let every = i64::try_from(bandit.every_seconds).unwrap_or(i64::MAX / 2_000_000) * 1_000_000;
    let due = last.as_ref().map_or(i64::MIN, |w| w.from_us.saturating_add(every));
    let mut answer = Update {
        bandit: name.to_owned(),
        updated: false,
        because: String::new(),
        weighing: last,
        readout: None,
        evidence: None,
        next_us: due.max(context.now_us),
    };
    if due > context.now_us && !early {
        answer.because = "not due yet".into();
        return Ok(answer);
    }
    if answer.weighing.as_ref().is_some_and(|w| w.from_us >= context.now_us) {
        answer.because = "weights of this very moment, or of later, are set already".into();
        return Ok(answer);
    }
    let concluded = readout(context, name, None).await?;
    let found = concluded.value;
    answer.evidence = Some(concluded.evidence.id.clone());
    let weights = match &found.next.weights {
        Some(weights) if found.recommendation.state != State::Broken => weights.clone(),
        _ => {
            answer.because = match found.recommendation.state {
                State::Broken => found.recommendation.summary.clone(),
                _ => found.next.because.clone(),
            };
            answer.readout = Some(found);
            return Ok(answer);
        }
    };
    let payload = WeighedPayload {
        arms: bandit.arms.clone(),
        from_us: context.now_us,
        weights,
        cells: found.next.cells.clone(),
        plays: found.plays,
        stop: (found.recommendation.state == State::Stop)
            .then(|| found.recommendation.arm.clone())
            .flatten(),
        because: found.next.because.clone(),
        definition: bandit.meta.digest.clone(),
        evidence: vec![concluded.evidence.citation()],
    };
    let event = weighed(name, &payload)?;
    if context
        .ledger
        .append_if(&subject, expected, vec![event])
        .await?
        .is_none()
    {
        return Err(CapabilityError::Refused(format!(
            "others updated the bandit {name} at this moment; look at it again"
        )));
    }
    answer.updated = true;
    answer.because = payload.because;
    answer.weighing = latest(weighings(&context.ledger, None).await?);
    answer.next_us = context.now_us.saturating_add(every);
    answer.readout = Some(found);
    Ok(answer)
}
