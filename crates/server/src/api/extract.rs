//! Requests as the API takes them: what does not fit is answered with a problem document that says where.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use steward_capabilities::CapabilityError;
use utoipa::ToSchema;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type};

use crate::error::{Problem, problem};

/// A problem document (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProblemDocument {
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, where, and what was expected.
    pub detail: String,
}

/// Why a request is not answered.
pub enum Failure {
    /// A room refuses or fails.
    Room(CapabilityError),
    /// The request cannot be read.
    Request(StatusCode, String),
}

impl From<CapabilityError> for Failure {
    fn from(e: CapabilityError) -> Self {
        Failure::Room(e)
    }
}

impl From<steward_ledger::LedgerError> for Failure {
    fn from(e: steward_ledger::LedgerError) -> Self {
        Failure::Room(e.into())
    }
}

impl From<steward_compute::EngineError> for Failure {
    fn from(e: steward_compute::EngineError) -> Self {
        Failure::Room(e.into())
    }
}

impl Failure {
    /// A request that makes no sense.
    pub fn bad(detail: impl Into<String>) -> Failure {
        Failure::Request(StatusCode::BAD_REQUEST, detail.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Failure::Room(e) => Problem(e).into_response(),
            Failure::Request(status, detail) => problem(status, &detail),
        }
    }
}

/// A JSON body: an object.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state);
        let bytes = bytes
            .await
            .map_err(|e| Failure::Request(e.status(), format!("body: {}", e.body_text())))?;
        // Fields by position would be taken from a list.
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            let detail = "body: a list, where an object with named fields is expected";
            return Err(Failure::Request(StatusCode::UNPROCESSABLE_ENTITY, detail.into()));
        }
        match Json::<T>::from_request(Request::from_parts(parts, bytes.into()), state).await {
            Ok(Json(value)) => Ok(Body(value)),
            Err(rejection) => {
                let detail = match &rejection {
                    JsonRejection::MissingJsonContentType(_) => {
                        "the body must be JSON: send it with Content-Type: application/json".to_string()
                    }
                    other => format!("body: {}", other.body_text()),
                };
                Err(Failure::Request(rejection.status(), detail))
            }
        }
    }
}

/// Parameters behind the question mark.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Params(value)),
            Err(rejection) => Err(Failure::bad(format!("query parameters: {}", rejection.body_text()))),
        }
    }
}

/// A moment: RFC 3339, or a date whose whole day counts (UTC). Microseconds since 1970 UTC.
pub fn moment(name: &str, text: Option<&str>) -> Result<Option<i64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let read = |t: &str| t.parse::<jiff::Timestamp>().map(|at| Some(at.as_microsecond()));
    read(text)
        .or_else(|_| read(&format!("{text}T23:59:59.999999Z")))
        .map_err(|_| {
            Failure::bad(format!(
                "{name}: {text:?} is no time; give 2025-04-01 or 2025-04-01T12:00:00Z"
            ))
        })
}

/// The schema of a parameter that [`moment`] reads.
pub fn moment_schema() -> Schema {
    let form = |format| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(format)))
    };
    OneOfBuilder::new()
        .item(form(KnownFormat::Date))
        .item(form(KnownFormat::DateTime))
        .into()
}
