//! Doors: protocols in their own words, and the web UI. They translate; rooms decide.

pub mod api;
pub mod charts;
mod cross_origin;
pub mod error;
pub mod format;
pub mod growthbook;
mod guard;
pub mod mail;
pub mod mlflow;
mod ofrep;
pub mod pack;
pub mod state;
pub mod ui;
mod watching;

use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Extensions, HeaderMap, StatusCode, Version, header};
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate, SizeAbove};

pub use error::ServerError;
pub use mlflow::version_digest;
pub use state::{Loader, State};
pub use watching::{look, watch};

/// Largest request body, in bytes.
const BODY_LIMIT: usize = 8 << 20;

/// Answers up to so many bytes are sent as they are: packing them takes longer than sending them.
const SMALL: u16 = 1024;

/// Everything that answers: UI, API, health.
pub fn router(state: State) -> Router {
    Router::new()
        .merge(ui::router())
        .merge(api::router())
        .merge(growthbook::router())
        .merge(mlflow::router())
        .merge(ofrep::router())
        .fallback(error::not_found)
        .method_not_allowed_fallback(guard::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(axum::middleware::from_fn(guard::same_origin))
        .layer(axum::middleware::from_fn(cross_origin::answer))
        .layer(axum::middleware::from_fn_with_state(state.clone(), guard::known_host))
        .layer(axum::middleware::from_fn(guard::headers))
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(SizeAbove::new(SMALL)).and(whole)))
        .with_state(state)
}

/// What is served in ranges too is sent as it is: packed, its bytes would not be those that ranges count.
fn whole(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    !headers.contains_key(header::ACCEPT_RANGES)
}

/// Listens on an address. A port in use or an address that is not ours is said so.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address).await.map_err(|e| ServerError::Bind {
        address,
        cause: e.to_string(),
    })
}

/// Serves until `shutdown` resolves, then lets running requests finish.
pub async fn serve(
    listener: TcpListener,
    state: State,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServerError> {
    use axum::serve::ListenerExt;
    // Small answers must not wait for the peer's delayed acknowledgement.
    let listener = listener.tap_io(|stream| {
        if let Err(e) = stream.set_nodelay(true) {
            tracing::debug!("TCP_NODELAY: {e}");
        }
    });
    let watching = tokio::spawn(watch(state.clone()));
    let closing = state.closing();
    let shutdown = async move {
        shutdown.await;
        closing.cancel();
    };
    let served = axum::serve(listener, router(state))
        .with_graceful_shutdown(shutdown)
        .await;
    // What it appends is whole or not there.
    watching.abort();
    served.map_err(|e| ServerError::Serve(e.to_string()))
}
