//! `/api/v1`, described by an OpenAPI document. Handlers translate; rooms decide.

mod bandits;
mod definitions;
mod evidence;
mod exposures;
mod extract;
mod finance;
pub mod flags;
mod ledger;
mod metrics;
mod people;
mod planning;
mod portfolio;
mod power;
mod programme;
mod stats;
mod testing;
mod value;

use axum::routing::get;
use axum::{Json, Router};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::State;

pub use extract::ProblemDocument;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Steward",
        description = "Definitions, evidence and decisions of a data science organisation. Errors are problem documents \
                       (RFC 9457, application/problem+json). Times are microseconds since 1970 UTC; `as_of` takes a date \
                       (the whole day counts, UTC) or an RFC 3339 moment. Money is in minor units.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemDocument))
)]
struct Document;

/// The routes with their descriptions.
fn described() -> OpenApiRouter<State> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(definitions::list))
        .routes(routes!(definitions::one))
        .routes(routes!(definitions::check))
        .routes(routes!(definitions::plan))
        .routes(routes!(definitions::apply))
        .routes(routes!(definitions::lineage))
        .routes(routes!(metrics::query))
        .routes(routes!(metrics::sql))
        .routes(routes!(evidence::quality))
        .routes(routes!(evidence::experiments))
        .routes(routes!(evidence::readout))
        .routes(routes!(planning::planned, planning::register))
        .routes(routes!(power::asked, power::posted))
        .routes(routes!(evidence::interactions))
        .routes(routes!(bandits::list))
        .routes(routes!(bandits::readout))
        .routes(routes!(bandits::update))
        .routes(routes!(bandits::evaluate))
        .routes(routes!(programme::learnt))
        .routes(routes!(programme::library))
        .routes(routes!(evidence::decide))
        .routes(routes!(evidence::objective))
        .routes(routes!(evidence::report))
        .routes(routes!(evidence::run))
        .routes(routes!(evidence::why))
        .routes(routes!(exposures::collect))
        .routes(routes!(finance::allocation))
        .routes(routes!(finance::models))
        .routes(routes!(finance::anomalies))
        .routes(routes!(finance::budgets))
        .routes(routes!(finance::contracts))
        .routes(routes!(people::teams))
        .routes(routes!(people::questions))
        .routes(routes!(ledger::decisions))
        .routes(routes!(ledger::waiting))
        .routes(routes!(ledger::events))
        .routes(routes!(ledger::verify))
        .routes(routes!(flags::list))
        .routes(routes!(flags::one))
        .routes(routes!(flags::evaluate))
        .routes(routes!(flags::plan))
        .routes(routes!(flags::apply))
        .routes(routes!(flags::resume))
        .routes(routes!(value::bets))
        .routes(routes!(value::bet))
        .routes(routes!(value::freeze))
        .routes(routes!(value::resolve))
        .routes(routes!(value::realised))
        .routes(routes!(value::calibration))
        .routes(routes!(value::progress))
        .routes(routes!(portfolio::priorities))
        .routes(routes!(portfolio::optimise))
        .routes(routes!(portfolio::scenarios))
        .routes(routes!(portfolio::forecast))
        .routes(routes!(stats::list))
        .routes(routes!(stats::compute))
        .routes(routes!(testing::reset))
}

/// The OpenAPI document.
pub fn document() -> serde_json::Value {
    complete(&described().into_openapi())
}

/// With what is described elsewhere than at handlers: one path per statistical method.
fn complete(document: &utoipa::openapi::OpenApi) -> serde_json::Value {
    let mut document = serde_json::json!(document);
    stats::describe(&mut document);
    describe_bodies(&mut document);
    document
}

/// What any request with a body may be answered.
fn describe_bodies(document: &mut serde_json::Value) {
    let operations = document["paths"].as_object_mut().into_iter().flatten();
    let operations = operations.filter_map(|(_, methods)| methods.as_object_mut()).flatten();
    for (_, operation) in operations.filter(|(_, operation)| operation.get("requestBody").is_some()) {
        for (status, description) in [
            ("403", "From another site's page, or refused by policy"),
            ("413", "More than 8 MiB"),
            ("415", "Not sent as application/json"),
        ] {
            let responses = &mut operation["responses"];
            if responses.get(status).is_none() {
                responses[status] = serde_json::json!({ "description": description, "content": {
                    "application/problem+json": { "schema": { "$ref": "#/components/schemas/ProblemDocument" } } } });
            }
        }
    }
}

/// All of `/api/v1`.
pub fn router() -> Router<State> {
    let (router, document) = described().split_for_parts();
    let document = complete(&document);
    router.route("/api/v1/openapi.json", get(async move || Json(document)))
}
