//! The protocol of the GrowthBook SDKs: features by client key, pushed when they change, evaluated here, or encrypted.
//!
//! These addresses are for applications on other sites: any page may ask them, with the client key alone.

mod encrypt;
mod remote;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State as Shared};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::Stream;
use steward_capabilities::flags::Live;
use steward_definitions::SdkConnection;

use crate::State;
use crate::error::{Problem, problem};

/// Largest context that is evaluated here, in bytes.
const CONTEXT_LIMIT: usize = 256 << 10;
/// Longest that an answer is kept without asking again, in seconds.
const KEEP: i64 = 5;

/// All routes.
pub fn router() -> Router<State> {
    Router::new()
        .route("/api/features/{key}", get(features).options(preflight))
        .route("/sub/{key}", get(subscribe).options(preflight))
        .route(
            "/api/eval/{key}",
            post(remote::evaluate)
                .options(preflight)
                .layer(DefaultBodyLimit::max(CONTEXT_LIMIT)),
        )
        .layer(axum::middleware::from_fn(cross_origin))
}

/// Whether pages of other sites may post to an address: evaluation changes nothing.
pub fn open(path: &str) -> bool {
    path.starts_with("/api/eval/")
}

async fn preflight() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// What browsers ask before they let a page of another site read an answer.
async fn cross_origin(request: Request, next: Next) -> Response {
    let asked = (*request.method() == Method::OPTIONS).then(|| {
        let wanted = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        wanted.unwrap_or(HeaderValue::from_static("content-type"))
    });
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "etag, x-sse-support"),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(wanted) = asked {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST"),
        );
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    }
    response
}

/// What is live, and the connection of a client key.
async fn connection(state: &State, key: &str) -> Result<(Arc<Live>, SdkConnection), Response> {
    let live = state.live().await.map_err(|e| Problem(e).into_response())?;
    let known = live.project().settings.sdk.iter().find(|c| c.key == key).cloned();
    let detail = "no SDK connection has this client key: declare it under `sdk` of steward.yaml, and apply";
    known
        .map(|c| (live, c))
        .ok_or_else(|| problem(StatusCode::NOT_FOUND, detail))
}

/// The payload for a connection, encrypted if it says so.
fn payload(state: &State, live: &Live, connection: &SdkConnection) -> Result<String, Response> {
    let updated = updated(live);
    let (features, groups) = (&live.features_json, &live.groups_json);
    let Some(reference) = &connection.encryption else {
        return Ok(format!(
            r#"{{"status":200,"features":{features},"savedGroups":{groups},"dateUpdated":"{updated}"}}"#
        ));
    };
    let fail = |cause: String| {
        tracing::error!("the SDK connection {} cannot be served: {cause}", connection.key);
        let detail = "the payload cannot be encrypted; the server's standard error says why";
        problem(StatusCode::INTERNAL_SERVER_ERROR, detail)
    };
    let key = state.secret(reference).map_err(fail)?;
    let sealed = |text: &str| encrypt::encrypt(text, &key).map_err(fail);
    let (features, groups) = (sealed(features)?, sealed(groups)?);
    Ok(format!(
        r#"{{"status":200,"features":{{}},"dateUpdated":"{updated}","encryptedFeatures":"{features}","encryptedSavedGroups":"{groups}"}}"#
    ))
}

/// Since when it has been live: clients take another payload only with another moment.
fn updated(live: &Live) -> String {
    jiff::Timestamp::from_microsecond(live.since_us).map_or_else(|_| String::new(), |t| t.to_string())
}

/// `GET /api/features/{key}`.
async fn features(Shared(state): Shared<State>, Path(key): Path<String>, headers: HeaderMap) -> Response {
    let (live, connection) = match connection(&state, &key).await {
        Ok(found) => found,
        Err(refused) => return refused,
    };
    if connection.remote {
        let detail = "this client key is for remote evaluation: POST /api/eval/{key}";
        return problem(StatusCode::FORBIDDEN, detail);
    }
    let form = if connection.encryption.is_some() { "e" } else { "p" };
    let tag = format!("W/\"{form}-{}\"", live.digest);
    let left = live.until_us.map_or(KEEP, |until| (until - state.now_us()) / 1_000_000);
    let known = [
        (header::ETAG, tag.clone()),
        (
            header::CACHE_CONTROL,
            format!("max-age={}, stale-if-error=36000", left.clamp(0, KEEP)),
        ),
        (header::HeaderName::from_static("x-sse-support"), "enabled".into()),
    ];
    let same = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|all| all.split(',').any(|t| t.trim() == tag));
    if same {
        return (StatusCode::NOT_MODIFIED, known).into_response();
    }
    match payload(&state, &live, &connection) {
        Ok(body) => (known, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(refused) => refused,
    }
}

/// `GET /sub/{key}`: what is live now, then whatever is live next, until the server or the client goes.
async fn subscribe(Shared(state): Shared<State>, Path(key): Path<String>) -> Response {
    match connection(&state, &key).await {
        Ok((live, _)) => {
            let stream = Sse::new(updates(state, key, live)).keep_alive(KeepAlive::default());
            ([("x-accel-buffering", "no")], stream).into_response()
        }
        Err(refused) => refused,
    }
}

fn updates(state: State, key: String, first: Arc<Live>) -> impl Stream<Item = Result<Event, Infallible>> {
    let closing = state.closing();
    futures::stream::unfold((state, key, first, false), move |(state, key, last, told)| {
        let closing = closing.clone();
        async move {
            let live = if told {
                tokio::select! {
                    live = state.live_after(&last.digest) => live,
                    () = closing.cancelled() => return None,
                }
            } else {
                last
            };
            // A key that is no longer declared ends the stream.
            let connection = live.project().settings.sdk.iter().find(|c| c.key == key)?;
            let event = if connection.remote {
                Event::default().event("features-updated").data("{}")
            } else {
                Event::default()
                    .event("features")
                    .data(payload(&state, &live, connection).ok()?)
            };
            Some((Ok(event), (state, key, live, true)))
        }
    })
}
