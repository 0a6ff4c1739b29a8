//! Bets, what they earned, and whether forecasts can be believed.

use axum::Json;
use axum::extract::{Path, State as Shared};
use serde::Deserialize;
use steward_capabilities::value::{self, BetCase, Calibration, Frozen, ProgressSplit, Realised, Resolved};
use utoipa::ToSchema;

use super::extract::{Body, Failure, ProblemDocument};
use crate::State;

/// Who approves, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeBody {
    /// A person's handle; not the bet's owner, where the project lists several people.
    actor: String,
    /// Why.
    reason: String,
}

/// Who resolves.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveBody {
    /// A person's handle.
    actor: String,
    /// Give it up, with the reason: it counts as failed.
    #[serde(default)]
    abandon: Option<String>,
}

/// Every bet with its frozen versions.
#[utoipa::path(get, operation_id = "bets", path = "/api/v1/bets", tag = "decisions", responses(
    (status = 200, description = "Bets by name", body = serde_json::Value),
    (status = 500, description = "The ledger failed", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn bets(Shared(state): Shared<State>) -> Result<Json<Vec<BetCase>>, Failure> {
    Ok(Json(value::bets(&state.loaded().await.context).await?))
}

/// One bet: its case, its frozen versions, how they ended.
#[utoipa::path(get, operation_id = "bet", path = "/api/v1/bets/{name}", tag = "decisions",
    params(("name" = String, Path, description = "Bet")), responses(
    (status = 200, description = "The bet", body = serde_json::Value),
    (status = 404, description = "No such bet", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn bet(Shared(state): Shared<State>, Path(name): Path<String>) -> Result<Json<BetCase>, Failure> {
    Ok(Json(value::bet(&state.loaded().await.context, &name).await?))
}

/// Approves a bet: what it says now is kept for good, as a new version after an edit.
#[utoipa::path(post, operation_id = "freeze_bet", path = "/api/v1/bets/{name}/freeze", tag = "decisions", request_body = FreezeBody,
    params(("name" = String, Path, description = "Bet")), responses(
    (status = 200, description = "The frozen version, and whether anything was recorded", body = serde_json::Value),
    (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, description = "Refused by policy, or the case is not complete", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such bet", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "The body does not fit", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn freeze(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(body): Body<FreezeBody>,
) -> Result<Json<Frozen>, Failure> {
    let frozen = value::freeze(&state.loaded().await.context, &name, &body.actor, &body.reason).await?;
    state.appended();
    Ok(Json(frozen))
}

/// Resolves the frozen versions of a bet by what each says resolves it.
#[utoipa::path(post, operation_id = "resolve_bet", path = "/api/v1/bets/{name}/resolve", tag = "decisions", request_body = ResolveBody,
    params(("name" = String, Path, description = "Bet")), responses(
    (status = 200, description = "All versions, and which stay open and why", body = serde_json::Value),
    (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, description = "Refused: nobody named, or never frozen", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such bet", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "The body does not fit, or the query does not answer yes or no", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn resolve(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(body): Body<ResolveBody>,
) -> Result<Json<Resolved>, Failure> {
    let context = state.loaded().await.context;
    let resolved = value::resolve(&context, &name, &body.actor, body.abandon.as_deref()).await?;
    state.appended();
    Ok(Json(resolved))
}

/// What shipped bets earned: plan, naive sum, shrunk, holdout.
#[utoipa::path(get, operation_id = "realised_value", path = "/api/v1/value", tag = "evidence", responses(
    (status = 200, description = "By bet and metric, with 80% intervals; money in minor units", body = serde_json::Value),
    (status = 500, description = "The ledger failed", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn realised(Shared(state): Shared<State>) -> Result<Json<Realised>, Failure> {
    Ok(Json(value::realised(&state.loaded().await.context).await?.value))
}

/// What stated probabilities have meant, by team; never by person.
#[utoipa::path(get, operation_id = "calibration", path = "/api/v1/value/calibration", tag = "evidence", responses(
    (status = 200, description = "Scores, recalibration, coverage of ranges", body = serde_json::Value),
    (status = 500, description = "The records cannot be read", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn calibration(Shared(state): Shared<State>) -> Result<Json<Calibration>, Failure> {
    Ok(Json(value::calibration(&state.loaded().await.context, None).await?))
}

/// Where the progress of an objective's key results comes from: shipped effects, trend, unexplained.
#[utoipa::path(get, operation_id = "progress_split", path = "/api/v1/objectives/{name}/progress", tag = "evidence",
    params(("name" = String, Path, description = "Objective")), responses(
    (status = 200, description = "By key result", body = serde_json::Value),
    (status = 404, description = "No such objective", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn progress(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
) -> Result<Json<Vec<ProgressSplit>>, Failure> {
    Ok(Json(value::progress(&state.loaded().await.context, &name, None).await?))
}
