//! The protocol of MLflow's clients, as of MLflow 3.17: `MLFLOW_TRACKING_URI` set to this server is all that they need.
//!
//! MLflow's "experiment" is a run group everywhere else; the word lives in this door alone. Handlers read a request
//! ([`Asked`]), ask a room, and answer in MLflow's shapes; what goes wrong is an [`MlflowError`].

mod artifacts;
mod asked;
mod assessments;
mod error;
mod evaluation_datasets;
mod experiments;
mod info;
mod logged_models;
mod metrics;
mod otlp;
mod paging;
mod registry;
mod runs;
mod shapes;
mod traces;

use axum::Router;
use axum::extract::OriginalUri;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use serde::Serialize;

use crate::State;

pub use artifacts::place as files_place;
pub use asked::Asked;
pub use error::{Code, MlflowError};
pub use registry::roots::{address as files_address, digest as version_digest};
pub use registry::webhooks::Courier;

/// What a handler answers.
type Answer = Result<Response, MlflowError>;

/// All routes. Browsers' pages of MLflow ask below `/ajax-api`, everybody else below `/api`.
pub fn router() -> Router<State> {
    let second = second().fallback(unknown).method_not_allowed_fallback(unknown);
    let third = third().fallback(unknown).method_not_allowed_fallback(unknown);
    Router::new()
        .route("/health", get(info::health))
        .route("/version", get(info::version))
        .merge(artifacts::router())
        .merge(artifacts::bare())
        .route("/model-versions/get-artifact", get(registry::artifact))
        .route("/v1/traces", post(otlp::export))
        .nest("/api/2.0/mlflow", second.clone())
        .nest("/ajax-api/2.0/mlflow", second)
        .nest("/api/3.0/mlflow", third.clone())
        .nest("/ajax-api/3.0/mlflow", third)
}

/// Routes of the second version of the protocol.
fn second() -> Router<State> {
    Router::new()
        .route("/experiments/create", post(experiments::create))
        .route("/experiments/get", get(experiments::get))
        .route("/experiments/get-by-name", get(experiments::by_name))
        .route(
            "/experiments/search",
            get(experiments::search).post(experiments::search),
        )
        .route("/experiments/update", post(experiments::update))
        .route("/experiments/delete", post(experiments::delete))
        .route("/experiments/restore", post(experiments::restore))
        .route("/experiments/set-experiment-tag", post(experiments::set_tag))
        .route("/experiments/delete-experiment-tag", post(experiments::delete_tag))
        .route("/experiments/search-datasets", post(experiments::search_datasets))
        .route("/runs/create", post(runs::create))
        .route("/runs/get", get(runs::get))
        .route("/runs/update", post(runs::update))
        .route("/runs/delete", post(runs::delete))
        .route("/runs/restore", post(runs::restore))
        .route("/runs/search", post(runs::search))
        .route("/runs/log-metric", post(runs::log_metric))
        .route("/runs/log-parameter", post(runs::log_param))
        .route("/runs/log-batch", post(runs::log_batch))
        .route("/runs/set-tag", post(runs::set_tag))
        .route("/runs/delete-tag", post(runs::delete_tag))
        .route("/runs/log-inputs", post(runs::log_inputs))
        .route("/runs/outputs", post(runs::log_outputs))
        .route("/runs/log-model", post(runs::log_model))
        .route("/logged-models", post(logged_models::create))
        .route("/logged-models/search", post(logged_models::search))
        .route(
            "/logged-models/{id}",
            get(logged_models::get)
                .patch(logged_models::finish)
                .delete(logged_models::delete),
        )
        .route("/logged-models/{id}/tags", patch(logged_models::set_tags))
        .route("/logged-models/{id}/tags/{key}", delete(logged_models::delete_tag))
        .route("/logged-models/{id}/params", post(logged_models::log_params))
        .route("/traces", post(traces::start_v2).get(traces::search_v2))
        .route("/traces/{id}", patch(traces::end_v2))
        .route("/traces/{id}/info", get(traces::info_v2))
        .route("/traces/{id}/tags", patch(traces::set_tag).delete(traces::delete_tag))
        .route("/traces/delete-traces", post(traces::delete))
        .route("/traces/link-to-run", post(traces::link))
        .route("/traces/link-prompts", post(traces::link_prompts))
        .route("/metrics/get-history", get(metrics::history))
        .route("/metrics/get-history-bulk", get(metrics::bulk))
        .route("/metrics/get-history-bulk-interval", get(metrics::interval))
        .merge(artifacts::second())
        .merge(registry::second())
        .route("/model-versions/get-artifact", get(registry::artifact))
}

/// Routes of the third.
fn third() -> Router<State> {
    Router::new()
        .route("/server-info", get(info::server_info))
        .route("/datasets/create", post(evaluation_datasets::create))
        .route(
            "/datasets/search",
            get(evaluation_datasets::search).post(evaluation_datasets::search),
        )
        .route(
            "/datasets/{id}",
            get(evaluation_datasets::get).delete(evaluation_datasets::delete),
        )
        .route("/datasets/{id}/tags", patch(evaluation_datasets::set_tags))
        .route("/datasets/{id}/tags/{key}", delete(evaluation_datasets::delete_tag))
        .route(
            "/datasets/{id}/records",
            get(evaluation_datasets::records)
                .post(evaluation_datasets::put_records)
                .delete(evaluation_datasets::delete_records),
        )
        .route("/datasets/{id}/experiment-ids", get(evaluation_datasets::groups))
        .route("/datasets/{id}/add-experiments", post(evaluation_datasets::add_groups))
        .route(
            "/datasets/{id}/remove-experiments",
            post(evaluation_datasets::remove_groups),
        )
        .route("/traces", post(traces::start))
        .route("/traces/get", get(traces::with_spans))
        .route("/traces/batchGet", get(traces::batch))
        .route("/traces/batchGetInfos", post(traces::batch_infos))
        .route("/traces/search", post(traces::search))
        .route("/traces/delete-traces", post(traces::delete))
        .route("/traces/calculate-filter-correlation", post(traces::correlation))
        .route("/traces/{id}", get(traces::get))
        .route("/traces/{id}/tags", patch(traces::set_tag).delete(traces::delete_tag))
        .route("/traces/{id}/assessments", post(assessments::create))
        .route(
            "/traces/{id}/assessments/{assessment}",
            get(assessments::get)
                .patch(assessments::update)
                .delete(assessments::delete),
        )
}

/// Nothing is served there.
async fn unknown(method: Method, OriginalUri(address): OriginalUri) -> MlflowError {
    let path = address.path();
    let detail = format!(
        "{method} {path} is not served: this server speaks MLflow {}",
        info::SPOKEN
    );
    MlflowError::new(Code::EndpointNotFound, detail)
}

/// An answer's document.
fn answer(document: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(document)
        .map_err(|e| MlflowError::new(Code::InternalError, format!("the answer cannot be written: {e}")))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// This server's address, as the one who asks knows it.
fn origin(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let scheme = text("x-forwarded-proto").filter(|s| *s == "https").unwrap_or("http");
    format!("{scheme}://{}", text("host").unwrap_or("localhost"))
}
