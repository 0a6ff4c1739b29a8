//! What things cost.

use axum::Json;
use axum::extract::{Path, State as Shared};
use steward_capabilities::finance::{self, Allocation, Anomaly, BudgetStatus, ContractStatus, ModelStatement};

use super::extract::{Failure, ProblemDocument};
use crate::State;

/// A bill by who bears it: what is allocated and what is not adds up to the whole.
#[utoipa::path(get, operation_id = "bill_allocation", path = "/api/v1/bills/{name}/allocation", tag = "money",
    params(("name" = String, Path, description = "Bill")), responses(
    (status = 200, description = "By month, vendor, service and model", body = serde_json::Value),
    (status = 404, description = "No such bill", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "A currency has no rate", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 500, description = "The charges cannot be read", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn allocation(Shared(state): Shared<State>, Path(name): Path<String>) -> Result<Json<Allocation>, Failure> {
    Ok(Json(finance::allocation(&state.loaded().await.context, &name).await?))
}

/// Profit and loss of a bill's models in the last complete month.
#[utoipa::path(get, operation_id = "bill_models", path = "/api/v1/bills/{name}/models", tag = "money",
    params(("name" = String, Path, description = "Bill")), responses(
    (status = 200, description = "Cost, benefit, net value, cost per 1,000 predictions, break-even", body = serde_json::Value),
    (status = 404, description = "No such bill", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "A currency has no rate", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 500, description = "The charges cannot be read", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn models(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
) -> Result<Json<Vec<ModelStatement>>, Failure> {
    Ok(Json(finance::models(&state.loaded().await.context, &name).await?))
}

/// Resources whose cost is out of line with the four weeks before.
#[utoipa::path(get, operation_id = "bill_anomalies", path = "/api/v1/bills/{name}/anomalies", tag = "money",
    params(("name" = String, Path, description = "Bill")), responses(
    (status = 200, description = "Largest excess first", body = serde_json::Value),
    (status = 404, description = "No such bill", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "A currency has no rate", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 500, description = "The charges cannot be read", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn anomalies(Shared(state): Shared<State>, Path(name): Path<String>) -> Result<Json<Vec<Anomaly>>, Failure> {
    Ok(Json(finance::anomalies(&state.loaded().await.context, &name).await?))
}

/// Budgets against actual and forecast.
#[utoipa::path(get, operation_id = "budgets", path = "/api/v1/budgets", tag = "money", responses(
    (status = 200, description = "By name", body = serde_json::Value),
    (status = 422, description = "A currency has no rate", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 500, description = "The charges cannot be read", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn budgets(Shared(state): Shared<State>) -> Result<Json<Vec<BudgetStatus>>, Failure> {
    Ok(Json(finance::budgets(&state.loaded().await.context).await?))
}

/// Contracts with their terms, notice dates, usage and what to do.
#[utoipa::path(get, operation_id = "contracts", path = "/api/v1/contracts", tag = "money", responses(
    (status = 200, description = "The nearest notice first", body = serde_json::Value),
    (status = 422, description = "A contract's days are none", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 500, description = "The ledger failed", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn contracts(Shared(state): Shared<State>) -> Result<Json<Vec<ContractStatus>>, Failure> {
    Ok(Json(finance::contracts(&state.loaded().await.context).await?))
}
