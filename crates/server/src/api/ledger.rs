//! The ledger: decisions, what waits, events, verification.

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use steward_capabilities::governance::{self, Decision, DecisionFilter, Waiting};
use steward_ledger::{Event, Filter, LedgerError};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Failure, Params, ProblemDocument, moment, moment_schema};
use crate::State;

/// Most events in one answer.
const MOST: u64 = 1000;
/// Largest sequence number that JSON carries exactly.
const LAST: u64 = 1 << 53;

fn within(name: &str, value: u64, least: u64, most: u64) -> Result<(), Failure> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Failure::bad(format!(
        "{name}: {value} is out of range; give {least} to {most}"
    )))
}

/// Which decisions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DecisionParams {
    /// About this subject: `experiment/checkout`.
    subject: Option<String>,
    /// By this person.
    actor: Option<String>,
    /// The newest so many, 1 to 1000; all by default.
    #[param(minimum = 1, maximum = 1000)]
    last: Option<u64>,
    /// As of a date (the whole day counts) or moment.
    #[param(schema_with = moment_schema)]
    as_of: Option<String>,
}

/// Decisions and waivers, newest first.
#[utoipa::path(get, path = "/api/v1/decisions", tag = "decisions", params(DecisionParams), responses(
    (status = 200, description = "Decisions with the evidence they cite", body = Value),
    (status = 400, description = "Bad parameter", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn decisions(
    Shared(state): Shared<State>,
    Params(params): Params<DecisionParams>,
) -> Result<Json<Vec<Decision>>, Failure> {
    let as_of = moment("as_of", params.as_of.as_deref())?;
    if let Some(last) = params.last {
        within("last", last, 1, MOST)?;
    }
    let filter = DecisionFilter {
        subject: params.subject,
        actor: params.actor,
        last: params.last,
    };
    Ok(Json(
        governance::decisions(&state.loaded().await.context, &filter, as_of).await?,
    ))
}

/// What needs someone today, most urgent first.
#[utoipa::path(get, path = "/api/v1/waiting", tag = "decisions", responses(
    (status = 200, description = "What waits, why and for whom", body = Value),
    (status = 500, description = "The ledger failed", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn waiting(Shared(state): Shared<State>) -> Result<Json<Vec<Waiting>>, Failure> {
    Ok(Json(governance::waiting(&state.loaded().await.context).await?))
}

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventParams {
    /// Only events after this sequence number.
    #[param(maximum = 9007199254740992u64)]
    after: Option<u64>,
    /// At most so many, 1 to 1000; 100 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// This kind, or kinds with this prefix when it ends in `.`.
    kind: Option<String>,
    /// About this subject.
    subject: Option<String>,
    /// As of a date (the whole day counts) or moment.
    #[param(schema_with = moment_schema)]
    as_of: Option<String>,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub struct Events {
    /// Events, oldest first.
    #[schema(value_type = Vec<Value>)]
    events: Vec<Event>,
    /// `after` of the next page; absent at the end.
    next: Option<u64>,
}

/// Events, oldest first, in pages.
#[utoipa::path(get, path = "/api/v1/ledger/events", tag = "ledger", params(EventParams), responses(
    (status = 200, description = "A page of events", body = Events),
    (status = 400, description = "Bad parameter", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn events(
    Shared(state): Shared<State>,
    Params(params): Params<EventParams>,
) -> Result<Json<Events>, Failure> {
    let limit = params.limit.unwrap_or(100);
    within("limit", limit, 1, MOST)?;
    if let Some(after) = params.after {
        within("after", after, 0, LAST)?;
    }
    let filter = Filter {
        kind: params.kind,
        subject: params.subject,
        as_of_us: moment("as_of", params.as_of.as_deref())?,
        after: params.after,
        ..Filter::default()
    };
    let mut events = state.loaded().await.context.ledger.read(&filter).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = events.len() > limit;
    events.truncate(limit);
    let next = if more { events.last().map(|e| e.sequence) } else { None };
    Ok(Json(Events { events, next }))
}

/// A head to verify against.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerifyParams {
    /// A saved head hash that the chain must hold.
    #[param(pattern = "^[0-9a-f]{64}$")]
    head: Option<String>,
}

/// What a verification found.
#[derive(Serialize, ToSchema)]
pub struct Verified {
    /// Events verified.
    events: u64,
    /// Hash of the last event; what to save elsewhere.
    head: String,
    /// Private payloads that were erased.
    erased: u64,
}

/// Verifies the whole chain.
#[utoipa::path(get, path = "/api/v1/ledger/verify", tag = "ledger", params(VerifyParams), responses(
    (status = 200, description = "The chain holds", body = Verified),
    (status = 400, description = "Bad parameter", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "The chain is broken: where and why", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "The head is none", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn verify(
    Shared(state): Shared<State>,
    Params(params): Params<VerifyParams>,
) -> Result<Json<Verified>, Failure> {
    match state.loaded().await.context.ledger.verify(params.head.as_deref()).await {
        Ok(v) => Ok(Json(Verified {
            events: v.events,
            head: v.head,
            erased: v.erased,
        })),
        Err(e @ (LedgerError::Broken { .. } | LedgerError::BrokenEvidence { .. })) => {
            Err(Failure::Request(StatusCode::CONFLICT, e.to_string()))
        }
        Err(e) => Err(e.into()),
    }
}
