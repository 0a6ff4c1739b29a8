//! Flags as they are live, and what a unit gets of them.

use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use steward_capabilities::flags;
use utoipa::ToSchema;

use super::extract::{Body, Failure, ProblemDocument};
use crate::State;

/// Largest set of attributes, in bytes of JSON.
const CONTEXT_LIMIT: usize = 256 << 10;

/// Every flag that is live: state of its rules, staleness, last change.
#[utoipa::path(get, operation_id = "list_flags", path = "/api/v1/flags", tag = "flags", responses(
    (status = 200, description = "Flags by name", body = Vec<Value>),
    (status = 409, description = "Nothing was applied yet", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn list(Shared(state): Shared<State>) -> Result<Json<Value>, Failure> {
    let live = state.live().await?;
    let ledger = state.loaded().await.context.ledger;
    let all = flags::statuses(&ledger, &live, state.now_us()).await?;
    Ok(Json(json!(all)))
}

/// One flag that is live.
#[utoipa::path(get, operation_id = "flag", path = "/api/v1/flags/{name}", tag = "flags",
    params(("name" = String, Path, description = "Name")), responses(
    (status = 200, description = "State of its rules, staleness, last change", body = Value),
    (status = 404, description = "Not live", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "Nothing was applied yet", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn one(Shared(state): Shared<State>, Path(name): Path<String>) -> Result<Json<Value>, Failure> {
    let live = state.live().await?;
    let ledger = state.loaded().await.context.ledger;
    let found = flags::status(&ledger, &live, &name, state.now_us()).await?;
    Ok(Json(json!(found)))
}

/// Who is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluationBody {
    /// Attributes of the unit: `{"id": "u1", "country": "DE"}`.
    #[schema(value_type = Object)]
    attributes: serde_json::Map<String, Value>,
}

/// What a unit gets of a flag, and why: every rule that was passed over with the reason.
#[utoipa::path(post, operation_id = "evaluate_flag", path = "/api/v1/flags/{name}/eval", tag = "flags",
    params(("name" = String, Path, description = "Name")), request_body = EvaluationBody, responses(
    (status = 200, description = "`value`, `variant`, `reason`, `rule`, `passed_over`", body = Value),
    (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "Not live", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "Nothing was applied yet", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "The body does not fit", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn evaluate(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(body): Body<EvaluationBody>,
) -> Result<Json<Value>, Failure> {
    let live = state.live().await?;
    let text = Value::Object(body.attributes).to_string();
    if text.len() > CONTEXT_LIMIT {
        let detail = format!("attributes have at most {CONTEXT_LIMIT} bytes: send those that flags ask for");
        return Err(Failure::Request(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let attributes = flags::parse_json(&text).map_err(|e| Failure::bad(format!("attributes: {e}")))?;
    Ok(Json(json!(flags::explain(&live, &name, &attributes)?)))
}
