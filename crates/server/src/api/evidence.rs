//! Evidence: contracts checked, experiments read out, objectives, reports, runs, and why a number is what it is.

use axum::Json;
use axum::extract::{Path, State as Shared};
use serde::{Deserialize, Serialize};
use steward_capabilities::experiments::{self, ExperimentStatus, Interactions, Readout, ReadoutOptions};
use steward_capabilities::governance::{self, Choice, Decision, NewDecision, Why};
use steward_capabilities::pipelines::{self, RunSummary};
use steward_capabilities::portfolio::{self, ObjectiveStatus};
use steward_capabilities::quality::{self, CheckOptions, QualityReport};
use steward_capabilities::reports::{self, Pack};
use utoipa::{IntoParams, ToSchema};

use super::definitions::AsOf;
use super::extract::{Body, Failure, Params, ProblemDocument, moment, moment_schema};
use crate::State;

/// Which rows a contract is checked on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QualityParams {
    /// Judge freshness and rows as of this date or moment; now by default.
    #[param(schema_with = moment_schema)]
    as_of: Option<String>,
    /// Only rows of this day (ISO date).
    #[param(format = Date)]
    day: Option<String>,
    /// Time column of `day`.
    time_column: Option<String>,
}

/// Checks a dataset against its contract.
#[utoipa::path(get, path = "/api/v1/datasets/{name}/quality", tag = "evidence",
    params(("name" = String, Path, description = "Dataset"), QualityParams),
    responses((status = 200, description = "Checks and schema differences", body = Value),
        (status = 400, description = "Bad parameter", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such dataset", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "No such day or column", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn quality(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Params(params): Params<QualityParams>,
) -> Result<Json<QualityReport>, Failure> {
    let options = CheckOptions {
        as_of_us: moment("as_of", params.as_of.as_deref())?,
        day: params.day,
        time_column: params.time_column,
        sample: 0,
    };
    Ok(Json(
        quality::check(&state.loaded().await.context, &name, &options).await?,
    ))
}

/// An experiment in a list.
#[derive(Serialize, ToSchema)]
pub struct ListedExperiment {
    /// Name.
    experiment: String,
    /// Where it stands in time.
    #[schema(value_type = String)]
    status: ExperimentStatus,
    /// Accountable.
    owner: String,
    /// Human title.
    label: Option<String>,
}

/// Every experiment, by name.
#[utoipa::path(get, path = "/api/v1/experiments", tag = "evidence", responses(
    (status = 200, description = "Experiments", body = Vec<ListedExperiment>),
    (status = 422, description = "A definition has errors", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn experiments(Shared(state): Shared<State>) -> Result<Json<Vec<ListedExperiment>>, Failure> {
    let context = state.loaded().await.context;
    let mut all = Vec::new();
    for (name, experiment) in &context.project.experiments {
        all.push(ListedExperiment {
            experiment: name.clone(),
            status: experiments::status(&context, name)?,
            owner: experiment.meta.owner.clone(),
            label: experiment.meta.label.clone(),
        });
    }
    Ok(Json(all))
}

/// How an experiment is read out.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadoutParams {
    /// As of this date or moment; now by default.
    #[param(schema_with = moment_schema)]
    as_of: Option<String>,
    /// Dimensions to break down by beyond those declared, separated by commas: exploratory.
    by: Option<String>,
    /// Two dimensions, separated by a comma, whose values are crossed to a map of lifts: exploratory.
    map: Option<String>,
    /// Metrics whose lift is asked for over their whole distribution, separated by commas.
    quantiles: Option<String>,
}

/// What an experiment did, and whether it can be believed: the document of `steward experiment readout --json`.
#[utoipa::path(get, path = "/api/v1/experiments/{name}/readout", tag = "evidence",
    params(("name" = String, Path, description = "Experiment"), ReadoutParams),
    responses((status = 200, description = "Verdict, health, lifts, breakdowns, daily path", body = Value),
        (status = 400, description = "Bad parameter", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such experiment", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "No such dimension or metric", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn readout(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Params(params): Params<ReadoutParams>,
) -> Result<Json<Readout>, Failure> {
    let listed = |text: Option<String>| -> Vec<String> {
        let names = text.unwrap_or_default();
        let names = names.split(',').map(str::trim).filter(|n| !n.is_empty());
        names.map(str::to_owned).collect()
    };
    let map = listed(params.map);
    let map = match <[String; 2]>::try_from(map) {
        Ok(pair) => Some(pair),
        Err(none) if none.is_empty() => None,
        Err(some) => {
            return Err(Failure::bad(format!(
                "map: {} dimension(s); give two, such as user__country,user__device",
                some.len()
            )));
        }
    };
    let options = ReadoutOptions {
        as_of: moment("as_of", params.as_of.as_deref())?,
        by: listed(params.by),
        map,
        quantiles: listed(params.quantiles),
    };
    Ok(Json(
        experiments::readout(&state.loaded().await.context, &name, &options).await?,
    ))
}

/// Which experiments are compared.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PairParams {
    /// Experiment whose metric is read; every pair that overlaps without.
    first: Option<String>,
    /// The other experiment.
    second: Option<String>,
}

/// Whether experiments on the same units at the same time disturb each other.
#[utoipa::path(get, path = "/api/v1/interactions", tag = "evidence", params(PairParams),
    responses((status = 200, description = "Pairs with their tests", body = Value),
        (status = 400, description = "Bad parameter", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such experiment", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "One experiment without the other", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn interactions(
    Shared(state): Shared<State>,
    Params(params): Params<PairParams>,
) -> Result<Json<Interactions>, Failure> {
    if params.first.is_some() != params.second.is_some() {
        return Err(Failure::Request(
            axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            "first and second: give both, or neither for every pair".into(),
        ));
    }
    let pair = params.first.as_deref().zip(params.second.as_deref());
    Ok(Json(
        experiments::interactions(&state.loaded().await.context, pair).await?,
    ))
}

/// A decision to take.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionBody {
    /// `ship`, `stop`, `extend`, `redesign`, `approve`, `waive` or `roll_back`; one against the decision rule's
    /// recommendation is recorded as an override.
    #[schema(pattern = "^(ship|stop|extend|redesign|approve|waive|roll_back)$")]
    choice: String,
    /// Which variant, for `ship`; by default the verdict's, or the only treatment.
    #[serde(default)]
    variant: Option<String>,
    /// Why.
    reason: String,
    /// Who: a person's handle.
    actor: String,
    /// Evidence ids; the current readout when empty.
    #[serde(default)]
    evidence: Vec<String>,
    /// Reason for going on although a rule is broken.
    #[serde(default)]
    waiver: Option<String>,
}

/// Decides on an experiment; policy is checked at this moment.
#[utoipa::path(post, path = "/api/v1/experiments/{name}/decisions", tag = "decisions", request_body = DecisionBody,
    params(("name" = String, Path, description = "Experiment")),
    responses((status = 200, description = "The recorded decision", body = Value),
        (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "Refused by policy: says which rule and what would satisfy it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such experiment", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn decide(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(body): Body<DecisionBody>,
) -> Result<Json<Decision>, Failure> {
    let choice = Choice::parse(&body.choice).ok_or_else(|| {
        let detail = format!(
            "choice: {:?} is none; choose ship, stop, extend, redesign, approve, waive or roll_back",
            body.choice
        );
        Failure::Request(axum::http::StatusCode::UNPROCESSABLE_ENTITY, detail)
    })?;
    let new = NewDecision {
        subject: format!("experiment/{name}"),
        choice,
        variant: body.variant,
        reason: body.reason,
        actor: body.actor,
        evidence: body.evidence,
        waiver: body.waiver,
    };
    let decision = governance::decide(&state.loaded().await.context, &new).await?;
    state.appended();
    Ok(Json(decision))
}

/// Whether an objective is being reached: every key result computed.
#[utoipa::path(get, path = "/api/v1/objectives/{name}", tag = "evidence",
    params(("name" = String, Path, description = "Objective"), AsOf),
    responses((status = 200, description = "State, progress, forecast", body = Value),
        (status = 400, description = "Bad parameter", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such objective", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn objective(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Params(params): Params<AsOf>,
) -> Result<Json<ObjectiveStatus>, Failure> {
    let as_of = moment("as_of", params.as_of.as_deref())?;
    Ok(Json(
        portfolio::objective_status(&state.loaded().await.context, &name, as_of).await?,
    ))
}

/// A report, built: the pack as data.
#[utoipa::path(get, path = "/api/v1/reports/{name}", tag = "evidence",
    params(("name" = String, Path, description = "Report")),
    responses((status = 200, description = "The pack", body = Value),
        (status = 404, description = "No such report", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "A figure is stale, missing or unowned: with file and line", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn report(Shared(state): Shared<State>, Path(name): Path<String>) -> Result<Json<Pack>, Failure> {
    Ok(Json(
        reports::conclude(&state.loaded().await.context, &name).await?.value,
    ))
}

/// What to evaluate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunBody {
    /// `kind/name` or bare names; everything when empty.
    #[serde(default)]
    names: Vec<String>,
}

/// Evaluates what is due; goes on past failures.
#[utoipa::path(post, path = "/api/v1/run", tag = "evidence", request_body = RunBody, responses(
    (status = 200, description = "Every step with its outcome", body = Value),
    (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "Unknown name", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "The body does not fit", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn run(Shared(state): Shared<State>, Body(body): Body<RunBody>) -> Result<Json<RunSummary>, Failure> {
    let context = state.loaded().await.context;
    Ok(Json(pipelines::run(&context, &body.names, &|_| {}).await?))
}

/// Why a number is what it is: SQL, data, definitions, decisions that cite it.
#[utoipa::path(get, path = "/api/v1/evidence/{id}", tag = "evidence",
    params(("id" = String, Path, pattern = "^[0-9a-f]{8,64}$", description = "Evidence id, or a unique prefix of at least eight digits")),
    responses((status = 200, description = "The explanation", body = Value),
        (status = 404, description = "No such evidence", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The prefix is too short or ambiguous", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn why(Shared(state): Shared<State>, Path(id): Path<String>) -> Result<Json<Why>, Failure> {
    Ok(Json(governance::why(&state.loaded().await.context, &id).await?))
}
