//! `/api/v1`, described by an OpenAPI document.

use axum::Router;

use crate::State;

/// All of `/api/v1`.
pub fn router() -> Router<State> {
    Router::new()
}
