//! All experiments together.

use axum::Json;
use axum::extract::State as Shared;
use serde::Deserialize;
use steward_capabilities::programme::{self, Entry, LibraryFilter, Programme};
use utoipa::IntoParams;

use super::extract::{Failure, Params, ProblemDocument};
use crate::State;

/// Which experiments; all given conditions hold.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LibraryParams {
    /// Words that name, title, hypothesis, verdict, owner, initiative or tags hold, each somewhere.
    search: Option<String>,
    /// First primary metric.
    metric: Option<String>,
    /// Owner.
    owner: Option<String>,
    /// Outcome as in a readout: `better`, `no_difference`, ….
    outcome: Option<String>,
}

/// What all experiments taught: win rate, mean and shrunk effects by metric, sums of what was shipped.
#[utoipa::path(get, operation_id = "programme", path = "/api/v1/programme", tag = "evidence", responses(
    (status = 200, description = "By metric: effects, mean, naive and shrunk sums", body = serde_json::Value),
    (status = 500, description = "The ledger failed", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn learnt(Shared(state): Shared<State>) -> Result<Json<Programme>, Failure> {
    Ok(Json(programme::learn(&state.loaded().await.context).await?.value))
}

/// The library of experiments: what each showed and what was decided.
#[utoipa::path(get, operation_id = "library", path = "/api/v1/programme/experiments", tag = "evidence",
    params(LibraryParams), responses(
    (status = 200, description = "Experiments by name", body = serde_json::Value),
    (status = 400, description = "Bad parameter", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 500, description = "The ledger failed", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn library(
    Shared(state): Shared<State>,
    Params(params): Params<LibraryParams>,
) -> Result<Json<Vec<Entry>>, Failure> {
    let filter = LibraryFilter {
        search: params.search,
        metric: params.metric,
        owner: params.owner,
        outcome: params.outcome,
    };
    Ok(Json(programme::library(&state.loaded().await.context, &filter).await?))
}
