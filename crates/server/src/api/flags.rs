//! Flags as they are live, what a unit gets of them, and changing them.

use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use steward_capabilities::CapabilityError;
use steward_capabilities::flags::{self, By};
use steward_capabilities::governance::Applied;
use steward_definitions::Source;
use steward_definitions::edit::Change;
use utoipa::ToSchema;

use super::extract::{Body, Failure, ProblemDocument};
use crate::State;

/// Largest set of attributes, in bytes of JSON.
const CONTEXT_LIMIT: usize = 256 << 10;

/// Every flag that is live: state of its rules, staleness, last change.
#[utoipa::path(get, operation_id = "list_flags", path = "/api/v1/flags", tag = "flags", responses(
    (status = 200, description = "Flags by name", body = Vec<Value>),
    (status = 409, description = "Nothing was applied yet", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn list(Shared(state): Shared<State>) -> Result<Json<Value>, Failure> {
    let live = state.live().await?;
    let ledger = state.loaded().await.context.ledger;
    let all = flags::statuses(&ledger, &live, state.now_us()).await?;
    Ok(Json(json!(all)))
}

/// One flag that is live.
#[utoipa::path(get, operation_id = "flag", path = "/api/v1/flags/{name}", tag = "flags",
    params(("name" = String, Path, description = "Name")), responses(
    (status = 200, description = "State of its rules, staleness, last change", body = Value),
    (status = 404, description = "Not live", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "Nothing was applied yet", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn one(Shared(state): Shared<State>, Path(name): Path<String>) -> Result<Json<Value>, Failure> {
    let live = state.live().await?;
    let ledger = state.loaded().await.context.ledger;
    let found = flags::status(&ledger, &live, &name, state.now_us()).await?;
    Ok(Json(json!(found)))
}

/// Who is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluationBody {
    /// Attributes of the unit: `{"id": "u1", "country": "DE"}`.
    #[schema(value_type = Object)]
    attributes: serde_json::Map<String, Value>,
}

/// What a unit gets of a flag, and why: every rule that was passed over with the reason.
#[utoipa::path(post, operation_id = "evaluate_flag", path = "/api/v1/flags/{name}/eval", tag = "flags",
    params(("name" = String, Path, description = "Name")), request_body = EvaluationBody, responses(
    (status = 200, description = "`value`, `variant`, `reason`, `rule`, `passed_over`", body = Value),
    (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "Not live", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "Nothing was applied yet", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "The body does not fit", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn evaluate(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(body): Body<EvaluationBody>,
) -> Result<Json<Value>, Failure> {
    let live = state.live().await?;
    let text = Value::Object(body.attributes).to_string();
    if text.len() > CONTEXT_LIMIT {
        let detail = format!("attributes have at most {CONTEXT_LIMIT} bytes: send those that flags ask for");
        return Err(Failure::Request(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let attributes = flags::parse_json(&text).map_err(|e| Failure::bad(format!("attributes: {e}")))?;
    Ok(Json(json!(flags::explain(&live, &name, &attributes)?)))
}

/// What to change of a flag.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangesBody {
    /// New values by path, such as `{"enabled": false, "rules.grow.rollout": "50%"}`; null takes a key out.
    #[schema(value_type = Object)]
    changes: serde_json::Map<String, Value>,
}

/// What to change of a flag, who does it, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyChangesBody {
    /// New values by path, such as `{"enabled": false, "rules.grow.rollout": "50%"}`; null takes a key out.
    #[schema(value_type = Object)]
    changes: serde_json::Map<String, Value>,
    /// A person's handle.
    actor: String,
    /// Why.
    reason: String,
    /// `base` of the plan: refused if the file was changed since.
    #[serde(default)]
    base: Option<String>,
}

/// JSON is YAML; a text stands without quotes where it still reads as the same text.
fn changes(given: serde_json::Map<String, Value>) -> Vec<Change> {
    let written = |value: Value| match value {
        Value::Null => None,
        Value::String(text) if plain(&text) => Some(text),
        other => Some(other.to_string()),
    };
    given
        .into_iter()
        .map(|(path, value)| Change {
            path,
            value: written(value),
        })
        .collect()
}

/// Text of letters, digits and a few signs that YAML takes for text as it is.
fn plain(text: &str) -> bool {
    let (documents, _) = steward_definitions::yaml::parse("", text);
    let simple = text.chars().all(|c| c.is_ascii_alphanumeric() || "%._-".contains(c));
    simple && matches!(documents.as_slice(), [one] if one.as_str() == Some(text))
}

fn sources(state: &State) -> Result<Vec<Source>, CapabilityError> {
    state.loader().sources().map_err(|cause| CapabilityError::File {
        path: "the project folder".into(),
        cause,
    })
}

/// What changing a flag would do: lines of its file, share of units, what refuses it. Nothing is changed.
#[utoipa::path(post, operation_id = "plan_flag", path = "/api/v1/flags/{name}/plan", tag = "flags",
    params(("name" = String, Path, description = "Name")), request_body = ChangesBody, responses(
    (status = 200, description = "`diff`, `effects` with `share`, `plan` with `refusals`, `base`", body = Value),
    (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "Not defined", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "Nothing was applied yet", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "A path or value does not fit", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 500, description = "The folder cannot be read", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn plan(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(body): Body<ChangesBody>,
) -> Result<Json<Value>, Failure> {
    let context = state.loaded().await.context;
    let proposal = flags::propose(&context, &sources(&state)?, &name, &changes(body.changes)).await?;
    Ok(Json(json!(proposal)))
}

/// Changes a flag in its file, comments and formatting kept, and applies it as one decision.
#[utoipa::path(post, operation_id = "apply_flag", path = "/api/v1/flags/{name}/apply", tag = "flags",
    params(("name" = String, Path, description = "Name")), request_body = ApplyChangesBody, responses(
    (status = 200, description = "`proposal` as planned, `applied` with the event", body = Value),
    (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, description = "Refused by policy, or changed since it was planned", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "Not defined", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "Nothing was applied yet", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "A path or value does not fit", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 500, description = "The folder cannot be read or written", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn apply(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(body): Body<ApplyChangesBody>,
) -> Result<Json<Value>, Failure> {
    let by = By {
        actor: body.actor,
        reason: body.reason,
        base: body.base,
    };
    let (proposal, applied) = changed(&state, &name, &changes(body.changes), &by).await?;
    Ok(Json(json!({ "proposal": proposal, "applied": applied })))
}

/// Changes a flag's file and applies it.
pub async fn changed(
    state: &State,
    name: &str,
    changes: &[Change],
    by: &By,
) -> Result<(flags::Proposal, Applied), CapabilityError> {
    let context = state.loaded().await.context;
    let keep = |path: &str, before: &str, after: &str| state.loader().keep(path, before, after);
    let made = flags::change(&context, &sources(state)?, name, changes, by, &keep).await?;
    state.appended();
    Ok(made)
}

/// Who lets a rollout go on, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResumeBody {
    /// The rule, where several are stopped.
    #[serde(default)]
    rule: Option<String>,
    /// A person's handle.
    actor: String,
    /// Why.
    reason: String,
}

/// Lets a rollout go on that was stopped because its experiment showed harm; that harm is accepted.
#[utoipa::path(post, operation_id = "resume_flag", path = "/api/v1/flags/{name}/resume", tag = "flags",
    params(("name" = String, Path, description = "Name")), request_body = ResumeBody, responses(
    (status = 200, description = "The decision", body = Value),
    (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, description = "Nothing is stopped, or refused by policy", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "Not live", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "Nothing was applied yet", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "Several are stopped, or the body does not fit", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn resume(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(body): Body<ResumeBody>,
) -> Result<Json<Value>, Failure> {
    let context = state.loaded().await.context;
    let made = flags::resume(&context, &name, body.rule.as_deref(), &body.actor, &body.reason).await?;
    state.appended();
    Ok(Json(json!(made)))
}
