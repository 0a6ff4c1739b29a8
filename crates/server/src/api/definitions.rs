//! Definitions: what the folder says, what is wrong with it, what applying it would change.

use axum::Json;
use axum::extract::{Path, State as Shared};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use steward_capabilities::CapabilityError;
use steward_capabilities::governance;
use steward_definitions::{Kind, Meta, Project, Reference, Severity};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Failure, Params, ProblemDocument, moment, moment_schema};
use crate::State;

/// A definition in a list.
#[derive(Serialize, ToSchema)]
pub struct Listed {
    /// `dataset`, `semantic_model`, `metric`, `experiment`, `objective`, `initiative`, `bet`, `report`.
    kind: String,
    /// Name, unique within the kind.
    name: String,
    /// Accountable.
    owner: String,
    /// Human title.
    label: Option<String>,
    /// File, relative to the project folder.
    file: String,
    /// Line.
    line: u32,
    /// SHA-256 (hex) of its canonical form.
    digest: String,
}

fn listed(reference: Reference, meta: &Meta) -> Listed {
    Listed {
        kind: reference.kind.to_string(),
        name: reference.name,
        owner: meta.owner.clone(),
        label: meta.label.clone(),
        file: meta.span.file.clone(),
        line: meta.span.line,
        digest: meta.digest.clone(),
    }
}

/// Every definition of the project, by kind and name.
#[utoipa::path(get, operation_id = "list_definitions", path = "/api/v1/definitions", tag = "definitions", responses(
    (status = 200, description = "Definitions", body = Vec<Listed>)))]
pub async fn list(Shared(state): Shared<State>) -> Json<Vec<Listed>> {
    let loaded = state.loaded().await;
    let project = &loaded.context.project;
    let all = project.definitions().into_iter();
    Json(
        all.filter_map(|r| project.meta(&r).map(|m| listed(r.clone(), m)))
            .collect(),
    )
}

/// One definition as it was understood.
#[utoipa::path(get, operation_id = "definition", path = "/api/v1/definitions/{kind}/{name}", tag = "definitions",
    params(("kind" = String, Path, description = "Kind: `metric`"), ("name" = String, Path, description = "Name")),
    responses((status = 200, description = "The definition", body = Value),
        (status = 404, description = "Not defined", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn one(
    Shared(state): Shared<State>,
    Path((kind, name)): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    let loaded = state.loaded().await;
    let project = &loaded.context.project;
    let reference = known(project, &kind, name)?;
    let name = reference.name.as_str();
    let value = match reference.kind {
        Kind::Dataset => json!(project.datasets.get(name)),
        Kind::SemanticModel => json!(project.semantic_models.get(name)),
        Kind::Metric => json!(project.metrics.get(name)),
        Kind::Experiment => json!(project.experiments.get(name)),
        Kind::Objective => json!(project.objectives.get(name)),
        Kind::Initiative => json!(project.initiatives.get(name)),
        Kind::Bet => json!(project.bets.get(name)),
        Kind::Report => json!(project.reports.get(name)),
        Kind::Segment => json!(project.segments.get(name)),
        Kind::Layer => json!(project.layers.get(name)),
        Kind::Flag => json!(project.flags.get(name)),
        Kind::Holdout => json!(project.holdouts.get(name)),
        Kind::Bill => json!(project.bills.get(name)),
        Kind::Budget => json!(project.budgets.get(name)),
        Kind::Contract => json!(project.contracts.get(name)),
        Kind::Team => json!(project.teams.get(name)),
        Kind::Question => json!(project.questions.get(name)),
        Kind::Bandit => json!(project.bandits.get(name)),
    };
    Ok(Json(value))
}

fn known(project: &Project, kind: &str, name: String) -> Result<Reference, Failure> {
    let kind: Kind = kind
        .parse()
        .map_err(|e| Failure::Request(axum::http::StatusCode::NOT_FOUND, format!("kind: {e}")))?;
    let reference = Reference::new(kind, name);
    if project.contains(&reference) {
        return Ok(reference);
    }
    let near = project.suggest(kind, &reference.name);
    Err(CapabilityError::Unknown {
        kind: kind.noun().into(),
        name: reference.name,
        near,
    }
    .into())
}

/// Every problem of the folder, with file, line and column.
#[utoipa::path(get, path = "/api/v1/check", tag = "definitions", responses(
    (status = 200, description = "`errors`, `warnings`, `problems`, and `unreadable` datasets", body = Value)))]
pub async fn check(Shared(state): Shared<State>) -> Json<Value> {
    let loaded = state.loaded().await;
    let mut answer = steward_definitions::diagnostic::to_json(&loaded.diagnostics);
    let unreadable = loaded
        .unreadable
        .iter()
        .map(|(dataset, cause)| json!({ "dataset": dataset, "cause": cause }));
    answer["unreadable"] = unreadable.collect();
    Json(answer)
}

/// What applying the folder would change, and what would break.
#[utoipa::path(get, path = "/api/v1/plan", tag = "definitions", responses(
    (status = 200, description = "Added, changed and removed definitions; breaks downstream", body = Value),
    (status = 500, description = "The ledger failed", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn plan(Shared(state): Shared<State>) -> Result<Json<governance::PlanView>, Failure> {
    Ok(Json(governance::plan(&state.loaded().await.context).await?))
}

/// Who applies, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyBody {
    /// A person's handle.
    actor: String,
    /// Why.
    message: String,
    /// Commit that the folder stands at.
    #[serde(default)]
    git_commit: Option<String>,
}

/// Applies the folder's definitions as one decision.
#[utoipa::path(post, path = "/api/v1/apply", tag = "definitions", request_body = ApplyBody, responses(
    (status = 200, description = "What changed; nothing if it was in force already", body = Value),
    (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, description = "Refused by policy", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "The definitions have errors, or the body does not fit", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn apply(
    Shared(state): Shared<State>,
    Body(body): Body<ApplyBody>,
) -> Result<Json<governance::Applied>, Failure> {
    let loaded = state.loaded().await;
    let errors: Vec<_> = loaded
        .diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .cloned()
        .collect();
    if !errors.is_empty() {
        return Err(CapabilityError::Definitions(errors).into());
    }
    let applied = governance::apply(&loaded.context, &body.actor, &body.message, body.git_commit).await?;
    state.appended();
    Ok(Json(applied))
}

/// As of when.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AsOf {
    /// A date (the whole day counts) or an RFC 3339 moment; now by default.
    #[param(schema_with = moment_schema)]
    pub as_of: Option<String>,
}

/// What a definition stands on, and what stands on it.
#[utoipa::path(get, path = "/api/v1/lineage/{kind}/{name}", tag = "definitions",
    params(("kind" = String, Path, description = "Kind: `metric`"), ("name" = String, Path, description = "Name"), AsOf),
    responses((status = 200, description = "Nodes and edges, from what is used to what uses it", body = Value),
        (status = 400, description = "Bad parameter", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "Not defined", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn lineage(
    Shared(state): Shared<State>,
    Path((kind, name)): Path<(String, String)>,
    Params(params): Params<AsOf>,
) -> Result<Json<governance::Graph>, Failure> {
    let as_of = moment("as_of", params.as_of.as_deref())?;
    let context = state.loaded().await.context;
    Ok(Json(
        governance::lineage(&context, Some(&format!("{kind}/{name}")), as_of).await?,
    ))
}
