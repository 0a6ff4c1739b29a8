// NOTICE from the integrator (19:16): api, do ONLY `/api/v1` + OpenAPI + its tests (merge by 19:40). `pack` and the pages data, ledger, why, reports are built by the integrator (branch lead). Main has all rooms working: `git checkout . && git rebase main` first. (Remove this line.)
//! `/api/v1`, described by an OpenAPI document.

use axum::Router;

use crate::State;

/// All of `/api/v1`.
pub fn router() -> Router<State> {
    Router::new()
}
