//! Bandits: the documents of `steward bandit … --json`.

use axum::Json;
use axum::extract::{Path, State as Shared};
use serde::Deserialize;
use serde_json::{Value, json};
use steward_capabilities::bandits::{self, Evaluation, Policy, Readout, Update};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Failure, Params, ProblemDocument, moment, moment_schema};
use crate::State;

/// As of when.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AsOf {
    /// Plays before a date's end or a moment.
    #[param(schema_with = moment_schema)]
    as_of: Option<String>,
}

/// Every bandit with the weights that it is served with.
#[utoipa::path(get, operation_id = "bandits", path = "/api/v1/bandits", tag = "evidence", responses(
    (status = 200, description = "Bandits by name: arms and the last weighing", body = serde_json::Value),
    (status = 500, description = "The ledger failed", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn list(Shared(state): Shared<State>) -> Result<Json<Value>, Failure> {
    let context = state.loaded().await.context;
    let mut set = bandits::weighings(&context.ledger, None).await?;
    let all: Vec<Value> = context
        .project
        .bandits
        .values()
        .map(|b| {
            let last = set.remove(&b.meta.name).and_then(|mut w| w.pop());
            json!({ "bandit": b.meta.name, "label": b.meta.label, "arms": b.arms, "weighing": last })
        })
        .collect();
    Ok(Json(json!(all)))
}

/// What a bandit has shown: unbiased values of its arms, and whether to keep running.
#[utoipa::path(get, operation_id = "bandit_readout", path = "/api/v1/bandits/{name}", tag = "evidence",
    params(("name" = String, Path, description = "Bandit"), AsOf), responses(
    (status = 200, description = "Arms, weights, recommendation", body = serde_json::Value),
    (status = 400, description = "Bad parameter", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such bandit", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "Rewards are not as declared, or arms have changed", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn readout(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Params(asked): Params<AsOf>,
) -> Result<Json<Readout>, Failure> {
    let as_of = moment("as_of", asked.as_of.as_deref())?;
    Ok(Json(
        bandits::readout(&state.loaded().await.context, &name, as_of)
            .await?
            .value,
    ))
}

/// Whether to wait until an update is due.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateBody {
    /// Update though the time between two updates has not passed.
    early: bool,
}

/// Sets new weights from plays so far.
#[utoipa::path(post, operation_id = "bandit_update", path = "/api/v1/bandits/{name}/update", tag = "decisions",
    request_body = UpdateBody, params(("name" = String, Path, description = "Bandit")), responses(
    (status = 200, description = "Whether weights were set, which, and why", body = serde_json::Value),
    (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such bandit", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "Others updated it at this moment", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "Rewards are not as declared, or arms have changed", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn update(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(body): Body<UpdateBody>,
) -> Result<Json<Update>, Failure> {
    Ok(Json(
        bandits::update(&state.loaded().await.context, &name, body.early).await?,
    ))
}

/// What another policy would have earned, from the log.
#[utoipa::path(post, operation_id = "bandit_evaluate", path = "/api/v1/bandits/{name}/evaluate", tag = "evidence",
    request_body = serde_json::Value, params(("name" = String, Path, description = "Bandit"), AsOf), responses(
    (status = 200, description = "IPS, SNIPS, doubly robust", body = serde_json::Value),
    (status = 400, description = "Not JSON, or no policy", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such bandit or arm", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "A policy that cannot be evaluated", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn evaluate(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Params(asked): Params<AsOf>,
    Body(policy): Body<Policy>,
) -> Result<Json<Evaluation>, Failure> {
    let as_of = moment("as_of", asked.as_of.as_deref())?;
    let context = state.loaded().await.context;
    Ok(Json(bandits::evaluate(&context, &name, &policy, as_of).await?.value))
}
