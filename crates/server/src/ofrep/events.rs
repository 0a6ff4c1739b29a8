//! When to ask again.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::stream;

use crate::State;

/// How often a line is sent when nothing changes, so that nobody on the way takes the connection for dead.
const ALIVE: Duration = Duration::from_secs(15);

/// Says `refetchEvaluation` whenever other flags are live than before; ends when the server does.
pub async fn stream(Shared(state): Shared<State>) -> Response {
    let closing = state.closing();
    let first = state.live().await.map(|live| live.digest.clone()).unwrap_or_default();
    let changes = stream::unfold((state, first), async |(state, known)| {
        let live = state.live_after(&known).await;
        let data = serde_json::json!({
            "type": "refetchEvaluation",
            "etag": live.digest,
            "lastModified": live.since_us / 1_000_000,
        });
        let event = Event::default().id(&live.digest).data(data.to_string());
        Some((Ok::<_, Infallible>(event), (state, live.digest.clone())))
    });
    let changes = Box::pin(changes).take_until(closing.cancelled_owned());
    let answer = Sse::new(changes).keep_alive(KeepAlive::new().interval(ALIVE));
    ([(header::CACHE_CONTROL, "no-store")], answer).into_response()
}
