//! The plan of an experiment: the documents of `steward experiment plan --json`.

use axum::Json;
use axum::extract::{Path, State as Shared};
use serde::Deserialize;
use steward_capabilities::experiments::{self, PlanReport};
use steward_capabilities::governance;
use utoipa::ToSchema;

use super::extract::{Body, Failure, ProblemDocument};
use crate::State;

/// What an experiment promised, what it is expected to find, and what departs from that since.
#[utoipa::path(get, operation_id = "plan_of_experiment", path = "/api/v1/experiments/{name}/plan", tag = "evidence",
    params(("name" = String, Path, description = "Experiment")),
    responses((status = 200, description = "Terms, registration, departures, expectation", body = serde_json::Value),
        (status = 404, description = "No such experiment", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn planned(Shared(state): Shared<State>, Path(name): Path<String>) -> Result<Json<PlanReport>, Failure> {
    Ok(Json(experiments::plan(&state.loaded().await.context, &name).await?))
}

/// Who freezes the plan, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterBody {
    /// Who: a person's handle.
    actor: String,
    /// Why; `as defined` by default.
    #[serde(default)]
    reason: Option<String>,
}

/// Freezes the plan as the folder defines it: a decision.
#[utoipa::path(post, operation_id = "register_plan", path = "/api/v1/experiments/{name}/plan", tag = "decisions",
    request_body = RegisterBody, params(("name" = String, Path, description = "Experiment")),
    responses((status = 200, description = "The plan, registered", body = serde_json::Value),
        (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "Refused: it has begun under another plan, or nobody is named", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such experiment", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn register(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(body): Body<RegisterBody>,
) -> Result<Json<PlanReport>, Failure> {
    let reason = body.reason.as_deref().unwrap_or("as defined");
    let plan = governance::register(&state.loaded().await.context, &name, &body.actor, reason).await?;
    state.appended();
    Ok(Json(plan))
}
