//! Answers and refusals as OFREP words them.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use steward_capabilities::flags::{Answer, Live, Value};
use steward_definitions::FlagType;

/// Why there is no value.
#[derive(Debug)]
pub enum Refusal {
    /// The body is no request.
    Parse(String),
    /// The context cannot be used.
    Context(String),
    /// Nobody is named whose value it would be.
    KeyMissing,
    /// No such flag.
    Unknown(String),
    /// Nothing is live yet.
    NotReady(String),
    /// More requests than are answered; one is in so much time.
    Busy(Duration),
    /// Something else.
    General(String),
}

impl Refusal {
    /// As an answer to a request about a flag, or about all.
    pub fn answer(self, key: Option<&str>) -> Response {
        let mut wait = None;
        let (status, code, details) = match self {
            Refusal::Parse(details) => (StatusCode::BAD_REQUEST, "PARSE_ERROR", details),
            Refusal::Context(details) => (StatusCode::BAD_REQUEST, "INVALID_CONTEXT", details),
            Refusal::KeyMissing => {
                let details =
                    "the context has no `targetingKey`: the unit whose value is asked for, as text".to_owned();
                (StatusCode::BAD_REQUEST, "TARGETING_KEY_MISSING", details)
            }
            Refusal::Unknown(details) => (StatusCode::NOT_FOUND, "FLAG_NOT_FOUND", details),
            Refusal::NotReady(details) => {
                wait = Some(10);
                (StatusCode::SERVICE_UNAVAILABLE, "PROVIDER_NOT_READY", details)
            }
            Refusal::Busy(after) => {
                // Whole seconds, as the header has them; never too early.
                let seconds = (after.as_secs_f64().ceil() as u64).max(1);
                wait = Some(seconds);
                let details =
                    format!("more requests than `ofrep_rate` of steward.yaml allows: ask again in {seconds} s");
                (StatusCode::TOO_MANY_REQUESTS, "GENERAL", details)
            }
            Refusal::General(details) => (StatusCode::INTERNAL_SERVER_ERROR, "GENERAL", details),
        };
        let mut body = json!({ "errorCode": code, "errorDetails": details });
        if let Some(key) = key {
            body["key"] = key.into();
        }
        let mut response = (status, axum::Json(body)).into_response();
        if let Some(seconds) = wait {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

fn quoted(text: &mut String, name: &str, value: &str) {
    text.push('"');
    text.push_str(name);
    text.push_str("\":");
    Value::text(value).write_json(text);
}

/// Writes an evaluation.
pub fn write(text: &mut String, live: &Live, answer: &Answer) {
    text.push('{');
    quoted(text, "key", &answer.flag.name);
    text.push_str(",\"value\":");
    value(text, answer.value, answer.flag.value_type);
    text.push(',');
    quoted(text, "variant", answer.variant);
    text.push(',');
    quoted(text, "reason", answer.reason.as_str());
    text.push_str(",\"metadata\":{");
    let owner = live
        .project()
        .flags
        .get(&*answer.flag.name)
        .map_or("", |f| f.meta.owner.as_str());
    let experiment = answer.evaluation.assigned.as_ref().map_or("", |a| a.experiment);
    let mut first = true;
    for (name, value) in [("owner", owner), ("rule", answer.rule), ("experiment", experiment)] {
        if !value.is_empty() {
            if !std::mem::take(&mut first) {
                text.push(',');
            }
            quoted(text, name, value);
        }
    }
    text.push_str("}}");
}

/// A number flag's value always has a point or an exponent: typed clients tell 1.0 from 1.
fn value(text: &mut String, value: &Value, value_type: FlagType) {
    let start = text.len();
    value.write_json(text);
    let written = text.get(start..).unwrap_or_default();
    if value_type == FlagType::Number && matches!(value, Value::Number(_)) && !written.contains(['.', 'e', 'E']) {
        text.push_str(".0");
    }
}
