//! What to do next, and by when it is done.

use axum::Json;
use axum::extract::State as Shared;
use serde::Deserialize;
use steward_capabilities::roadmap::{self, Forecast, OptimiseOptions, Portfolio, Priority};
use utoipa::IntoParams;

use super::extract::{Failure, Params, ProblemDocument};
use crate::State;

/// Most redraws over HTTP.
const MOST: usize = 2_000;

/// What to optimise.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OptimiseParams {
    /// Scenario of `steward.yaml`.
    scenario: Option<String>,
    /// Another budget, in minor units.
    #[param(minimum = 0)]
    budget_minor: Option<i64>,
    /// Draws of what nobody knows; 500 by default, 2,000 at most.
    #[param(minimum = 0, maximum = 2000)]
    redraws: Option<usize>,
}

/// Which initiatives to leave out.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ForecastParams {
    /// Initiatives, separated by commas.
    drop: Option<String>,
}

fn draws(asked: Option<usize>) -> Result<usize, Failure> {
    match asked.unwrap_or(roadmap::REDRAWS) {
        n if n <= MOST => Ok(n),
        n => Err(Failure::bad(format!(
            "redraws: {n} are too many; ask for {MOST} at most"
        ))),
    }
}

/// Initiatives by RICE, WSJF, cost of delay and expected net value, side by side.
#[utoipa::path(get, operation_id = "priorities", path = "/api/v1/portfolio/priorities", tag = "evidence", responses(
    (status = 200, description = "Best net value first; money in minor units", body = serde_json::Value),
    (status = 500, description = "The records cannot be read", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn priorities(Shared(state): Shared<State>) -> Result<Json<Vec<Priority>>, Failure> {
    Ok(Json(roadmap::priorities(&state.loaded().await.context).await?))
}

/// The best set of initiatives under budget and capacities.
#[utoipa::path(get, operation_id = "optimise_portfolio", path = "/api/v1/portfolio/optimise", tag = "evidence", params(OptimiseParams), responses(
    (status = 200, description = "Chosen initiatives, shares of redraws, shadow prices, frontier", body = serde_json::Value),
    (status = 400, description = "Bad parameter", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such scenario", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "No set fits", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn optimise(
    Shared(state): Shared<State>,
    Params(params): Params<OptimiseParams>,
) -> Result<Json<Portfolio>, Failure> {
    let asked = OptimiseOptions {
        scenario: params.scenario,
        budget_minor: params.budget_minor,
        redraws: draws(params.redraws)?,
        frontier: true,
    };
    Ok(Json(roadmap::optimise(&state.loaded().await.context, &asked).await?))
}

/// The project's own portfolio and every scenario's, side by side.
#[utoipa::path(get, operation_id = "portfolio_scenarios", path = "/api/v1/portfolio/scenarios", tag = "evidence", responses(
    (status = 200, description = "Portfolios; the project's own first", body = serde_json::Value),
    (status = 422, description = "No set fits", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn scenarios(Shared(state): Shared<State>) -> Result<Json<Vec<Portfolio>>, Failure> {
    Ok(Json(roadmap::scenarios(&state.loaded().await.context, 100).await?))
}

/// By when initiatives are done, from throughput.
#[utoipa::path(get, operation_id = "forecast_portfolio", path = "/api/v1/portfolio/forecast", tag = "evidence", params(ForecastParams), responses(
    (status = 200, description = "Dates by probability, achieved coverage, what dropping each brings", body = serde_json::Value),
    (status = 400, description = "Bad parameter", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such initiative", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "No record of finished work, or too short a one", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn forecast(
    Shared(state): Shared<State>,
    Params(params): Params<ForecastParams>,
) -> Result<Json<Forecast>, Failure> {
    let drop: Vec<String> = params
        .drop
        .iter()
        .flat_map(|d| d.split(','))
        .map(|d| d.trim().to_string())
        .filter(|d| !d.is_empty())
        .collect();
    Ok(Json(roadmap::forecast(&state.loaded().await.context, &drop).await?))
}
