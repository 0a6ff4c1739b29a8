//! For tests of other programs against this server.

use axum::extract::State as Shared;
use axum::http::StatusCode;

use super::extract::{Failure, ProblemDocument};
use crate::State;

/// Empties what runs logged and what was registered, so that a test begins with nothing. Refused unless the server was
/// started with `--allow-reset`; the ledger records that the registry was emptied.
#[utoipa::path(
    post,
    path = "/api/v1/testing/reset",
    responses(
        (status = 204, description = "All of it is empty"),
        (status = 403, description = "The server was not started with --allow-reset", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 500, description = "The stores failed", body = ProblemDocument,
         content_type = "application/problem+json")
    )
)]
pub async fn reset(Shared(state): Shared<State>) -> Result<StatusCode, Failure> {
    if !state.allows_reset() {
        let detail = "this server keeps what it has: only one that was started with --allow-reset can be emptied";
        return Err(Failure::Request(StatusCode::FORBIDDEN, detail.into()));
    }
    let room = |e| Failure::Room(steward_capabilities::CapabilityError::Runs(e));
    state
        .tracking()
        .store()
        .await
        .map_err(room)?
        .reset()
        .await
        .map_err(room)?;
    state.registry().empty("testing").await.map_err(Failure::Room)?;
    Ok(StatusCode::NO_CONTENT)
}
