//! Teams and what they are asked.

use axum::Json;
use axum::extract::State as Shared;
use steward_capabilities::people::{self, QuestionStatus, TeamStatus};

use super::extract::{Failure, ProblemDocument};
use crate::State;

/// Teams: skills, coverage, capacity against what initiatives ask, openings, growth. No score of a person.
#[utoipa::path(get, operation_id = "teams", path = "/api/v1/teams", tag = "people", responses(
    (status = 200, description = "By name", body = serde_json::Value),
    (status = 422, description = "A table of people does not fit", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 500, description = "A table cannot be read", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn teams(Shared(state): Shared<State>) -> Result<Json<Vec<TeamStatus>>, Failure> {
    Ok(Json(people::teams(&state.loaded().await.context).await?))
}

/// Ad-hoc questions with their state.
#[utoipa::path(get, operation_id = "questions", path = "/api/v1/questions", tag = "people", responses(
    (status = 200, description = "Overdue first", body = serde_json::Value)))]
pub async fn questions(Shared(state): Shared<State>) -> Result<Json<Vec<QuestionStatus>>, Failure> {
    Ok(Json(people::questions(&state.loaded().await.context)?))
}
