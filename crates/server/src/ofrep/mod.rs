//! The OpenFeature Remote Evaluation Protocol (OFREP 0.3): one flag, all flags, and a stream that says when to ask again.

mod answer;
mod context;
mod events;
mod limit;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use steward_capabilities::CapabilityError;
use steward_capabilities::flags::{Live, Subject};
use steward_ledger::canonical;

use crate::State;
use answer::Refusal;
pub use limit::Limit;

/// Where the stream of changes is.
const EVENTS: &str = "/ofrep/v1/events";

/// All of `/ofrep`.
pub fn router() -> Router<State> {
    Router::new()
        .route("/ofrep/v1/evaluate/flags", post(all))
        .route("/ofrep/v1/evaluate/flags/{key}", post(one))
        .route(EVENTS, get(events::stream))
}

const JSON: [(header::HeaderName, HeaderValue); 1] =
    [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];

/// What is live, for a request that is let in: the rate is that of the settings in force.
async fn live(state: &State) -> Result<Arc<Live>, Refusal> {
    let live = state.live().await.map_err(|e| match e {
        CapabilityError::NotApplied => Refusal::NotReady(e.to_string()),
        other => Refusal::General(other.to_string()),
    })?;
    if let Some(rate) = live.project().settings.flags.ofrep_rate {
        state.limit().take(rate, Instant::now()).map_err(Refusal::Busy)?;
    }
    Ok(live)
}

/// What one unit gets of one flag.
async fn one(Shared(state): Shared<State>, Path(key): Path<String>, body: Result<Bytes, BytesRejection>) -> Response {
    match evaluate(&state, &key, body).await {
        Ok(text) => (JSON, text).into_response(),
        Err(refusal) => refusal.answer(Some(&key)),
    }
}

async fn evaluate(state: &State, key: &str, body: Result<Bytes, BytesRejection>) -> Result<String, Refusal> {
    let body = body.map_err(|e| Refusal::Parse(e.body_text()))?;
    let asked = context::read(&body)?;
    let live = live(state).await?;
    let flag = live
        .flag(key)
        .ok_or_else(|| Refusal::Unknown(live.unknown(key).to_string()))?;
    // Without rules everyone gets the same: whoever asks need not be known.
    if !asked.keyed && !flag.states.is_empty() {
        return Err(Refusal::KeyMissing);
    }
    let mut text = String::with_capacity(192);
    let answer = live.answer(key, &mut Subject::new(&asked.attributes));
    let answer = answer.ok_or_else(|| Refusal::Unknown(live.unknown(key).to_string()))?;
    answer::write(&mut text, &live, &answer);
    Ok(text)
}

/// What one unit gets of every flag; nothing but "the same" to whoever holds the same already.
async fn all(Shared(state): Shared<State>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    match evaluate_all(&state, body).await {
        Ok(text) => tagged(&headers, text),
        Err(refusal) => refusal.answer(None),
    }
}

async fn evaluate_all(state: &State, body: Result<Bytes, BytesRejection>) -> Result<String, Refusal> {
    let body = body.map_err(|e| Refusal::Parse(e.body_text()))?;
    let asked = context::read(&body)?;
    if !asked.keyed {
        return Err(Refusal::KeyMissing);
    }
    let live = live(state).await?;
    let mut text = String::with_capacity(256 * live.flags().len() + 128);
    text.push_str(r#"{"flags":["#);
    for (at, flag) in live.flags().iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        if let Some(answer) = live.answer(&flag.name, &mut Subject::new(&asked.attributes)) {
            answer::write(&mut text, &live, &answer);
        }
    }
    text.push_str(r#"],"eventStreams":[{"type":"sse","endpoint":{"requestUri":""#);
    text.push_str(EVENTS);
    text.push_str(r#""}}]}"#);
    Ok(text)
}

/// With a tag over the content; not sent to whoever names it.
fn tagged(headers: &HeaderMap, text: String) -> Response {
    let tag = format!(
        "\"{}\"",
        canonical::digest(text.as_bytes()).get(..32).unwrap_or_default()
    );
    let held = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let same = held
        .split(',')
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == "*" || one == tag || one.trim_matches('"') == tag.trim_matches('"'));
    let mut response = match same {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => (JSON, text).into_response(),
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    // What is said is said to one unit.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}
