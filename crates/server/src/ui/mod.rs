//! The web UI: server-rendered, works without JavaScript, all state in the address.

mod assets;
pub mod layout;

use axum::Router;
use axum::routing::get;

use crate::State;

/// All pages.
pub fn router() -> Router<State> {
    Router::new().route("/assets/{name}", get(assets::asset))
}
