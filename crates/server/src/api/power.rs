//! What an experiment could find: the documents of `steward experiment power --json`.

use axum::Json;
use axum::extract::{Path, State as Shared};
use serde::Deserialize;
use steward_capabilities::experiments::{self, PowerOptions, PowerReport};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Failure, Params, ProblemDocument, moment, moment_schema};
use crate::State;

/// How to plan.
#[derive(Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PowerParams {
    /// Plan as of a date (the whole day counts) or moment, never later than the experiment's start.
    #[param(schema_with = moment_schema)]
    #[schema(schema_with = moment_schema)]
    as_of: Option<String>,
    /// Relative improvement wanted, above 0; by default the definition's smallest worth having, else the bet's median.
    effect: Option<f64>,
    /// Wanted power; 0.8 by default.
    power: Option<f64>,
    /// Where units are counted: `experiment/NAME` or `semantic_model/NAME`.
    source: Option<String>,
    /// Share of the traffic that enters; 1 by default.
    share: Option<f64>,
    /// Dimension of the unit that names its cluster.
    cluster: Option<String>,
    /// `fixed`, `group-sequential`, `confidence-sequence`, `msprt` or `bayesian`; as the definition says by default.
    method: Option<String>,
    /// Looks of a group sequential test, 1 to 50.
    #[param(minimum = 1, maximum = 50)]
    #[schema(minimum = 1, maximum = 50)]
    looks: Option<u32>,
    /// Chance to win that decides.
    chance: Option<f64>,
    /// Standard deviation of plausible relative effects.
    plausible: Option<f64>,
    /// Only improvements count.
    one_sided: Option<bool>,
}

impl PowerParams {
    fn options(self) -> Result<PowerOptions, Failure> {
        let plain = PowerOptions::default();
        Ok(PowerOptions {
            as_of: moment("as_of", self.as_of.as_deref())?,
            effect: self.effect,
            power: self.power.unwrap_or(plain.power),
            source: self.source,
            share: self.share.unwrap_or(plain.share),
            cluster: self.cluster,
            method: self.method,
            looks: self.looks.unwrap_or(plain.looks),
            chance: self.chance.unwrap_or(plain.chance),
            plausible: self.plausible.unwrap_or(plain.plausible),
            one_sided: self.one_sided.unwrap_or(false),
        })
    }
}

async fn answer(state: State, name: &str, params: PowerParams) -> Result<Json<PowerReport>, Failure> {
    let options = params.options()?;
    let concluded = experiments::power(&state.loaded().await.context, name, &options).await?;
    Ok(Json(concluded.value))
}

/// What an experiment could find by how long it runs, from the history of its own metrics.
#[utoipa::path(get, operation_id = "power", path = "/api/v1/experiments/{name}/power", tag = "evidence",
    params(("name" = String, Path, description = "Experiment"), PowerParams),
    responses((status = 200, description = "By duration: units, detectable effect, power", body = serde_json::Value),
        (status = 400, description = "Bad parameter", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such experiment", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "No history, or a plan that makes no sense", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn asked(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Params(params): Params<PowerParams>,
) -> Result<Json<PowerReport>, Failure> {
    answer(state, &name, params).await
}

/// The same, with the plan as a body.
#[utoipa::path(post, operation_id = "power_of_plan", path = "/api/v1/experiments/{name}/power", tag = "evidence",
    request_body = PowerParams, params(("name" = String, Path, description = "Experiment")),
    responses((status = 200, description = "By duration: units, detectable effect, power", body = serde_json::Value),
        (status = 400, description = "Not JSON, or a bad moment", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such experiment", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "No history, or a plan that makes no sense", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn posted(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(params): Body<PowerParams>,
) -> Result<Json<PowerReport>, Failure> {
    answer(state, &name, params).await
}
