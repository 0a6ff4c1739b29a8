//! Errors as HTTP: a page for people, a problem document for programs.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::html;
use steward_capabilities::CapabilityError;
use steward_facts::FactError;
use steward_ledger::LedgerError;
use steward_runs::RunsError;

/// What keeps a server from serving.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be had.
    #[error(
        "cannot listen on {address}: {cause}; is another server running? choose another with --listen ADDRESS:PORT"
    )]
    Bind {
        /// Address.
        address: SocketAddr,
        /// Cause.
        cause: String,
    },
    /// The server stopped.
    #[error("the server stopped: {0}")]
    Serve(String),
}

/// The HTTP status of a room's error.
pub fn status(error: &CapabilityError) -> StatusCode {
    match error {
        CapabilityError::Unknown { .. } | CapabilityError::Missing(_) => StatusCode::NOT_FOUND,
        CapabilityError::Invalid(_) | CapabilityError::Definitions(_) => StatusCode::UNPROCESSABLE_ENTITY,
        CapabilityError::Refused(_) | CapabilityError::Protected { .. } => StatusCode::FORBIDDEN,
        CapabilityError::NotApplied | CapabilityError::Exists(_) => StatusCode::CONFLICT,
        CapabilityError::Engine(steward_compute::EngineError::Plan { .. }) => StatusCode::UNPROCESSABLE_ENTITY,
        CapabilityError::Ledger(LedgerError::Ambiguous { .. } | LedgerError::Invalid { .. }) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        CapabilityError::Facts(FactError::Busy { .. }) => StatusCode::TOO_MANY_REQUESTS,
        CapabilityError::Facts(_) | CapabilityError::Moved(_) => StatusCode::SERVICE_UNAVAILABLE,
        CapabilityError::Runs(RunsError::Missing { .. }) => StatusCode::NOT_FOUND,
        CapabilityError::Runs(RunsError::Store { .. }) => StatusCode::INTERNAL_SERVER_ERROR,
        CapabilityError::Runs(_) => StatusCode::UNPROCESSABLE_ENTITY,
        CapabilityError::Engine(_) | CapabilityError::Ledger(_) | CapabilityError::File { .. } => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// A problem document (RFC 9457).
pub fn problem(status: StatusCode, detail: &str) -> Response {
    let body = crate::api::ProblemDocument {
        title: status.canonical_reason().unwrap_or("error").to_string(),
        status: status.as_u16(),
        detail: detail.to_string(),
    };
    (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
}

/// A room's error as a problem document (RFC 9457), for the API.
pub struct Problem(pub CapabilityError);

impl From<CapabilityError> for Problem {
    fn from(e: CapabilityError) -> Self {
        Problem(e)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = status(&self.0);
        let mut body = serde_json::json!({
            "title": status.canonical_reason().unwrap_or("error"), "status": status.as_u16(), "detail": self.0.to_string(),
        });
        if let CapabilityError::Definitions(diagnostics) = &self.0 {
            body["diagnostics"] = serde_json::json!(diagnostics);
        }
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
    }
}

/// A room's error as a page, for the UI.
pub struct ErrorPage(pub CapabilityError);

impl From<CapabilityError> for ErrorPage {
    fn from(e: CapabilityError) -> Self {
        ErrorPage(e)
    }
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        let status = status(&self.0);
        let page = crate::ui::layout::bare(
            status.canonical_reason().unwrap_or("Error"),
            html! {
                p.lede { @match &self.0 {
                    CapabilityError::Unknown { kind, name, .. } => { "There is no " (kind) " named " code { (name) } "." },
                    other => (other.to_string()),
                } }
                @if let Some((href, name)) = near(&self.0) { p { "Did you mean " a href=(href) { (name) } "?" } }
                @if let CapabilityError::Definitions(diagnostics) = &self.0 {
                    ul { @for d in diagnostics { li { code { (d.span.file) ":" (d.span.line) } " " (d.message) } } }
                }
            },
        );
        let mut response = (status, page).into_response();
        response.extensions_mut().insert(Arc::new(Problem(self.0)));
        response
    }
}

/// The page of what was probably meant.
fn near(error: &CapabilityError) -> Option<(String, &str)> {
    let CapabilityError::Unknown {
        kind, near: Some(near), ..
    } = error
    else {
        return None;
    };
    let kind = steward_definitions::Kind::ALL.into_iter().find(|k| k.noun() == kind)?;
    Some((crate::ui::parts::address(kind, near), near))
}

/// Errors of `.json` and `.csv` addresses as problem documents: their readers are programs.
pub async fn for_programs(request: Request, next: Next) -> Response {
    let program = [".json", ".csv"].iter().any(|s| request.uri().path().ends_with(s));
    let mut response = next.run(request).await;
    match response
        .extensions_mut()
        .remove::<Arc<Problem>>()
        .and_then(Arc::into_inner)
    {
        Some(problem) if program => problem.into_response(),
        _ => response,
    }
}

/// Answers for addresses that nothing serves.
pub async fn not_found(request: Request) -> Response {
    let path = request.uri().path().to_string();
    if path.starts_with("/api/") {
        let detail = format!("nothing is served at {path}; see /api/v1/openapi.json");
        return problem(StatusCode::NOT_FOUND, &detail);
    }
    let page = crate::ui::layout::bare(
        "Not found",
        html! {
            p.lede { "Nothing is at " code { (path) } "." }
        },
    );
    (StatusCode::NOT_FOUND, page).into_response()
}
