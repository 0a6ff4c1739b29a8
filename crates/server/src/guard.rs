//! What keeps other people's pages out: the server has no log-in, so a reader's browser must not be made to speak for them.

use std::any::Any;
use std::net::IpAddr;

use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::State;
use crate::error::problem;

/// Scripts, styles and data come from this server alone; nobody frames a page.
const POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of every answer.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            header::HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Answers only to names that are ours. A page of another site can let its own name point at this address (DNS
/// rebinding), and then reads whatever answers; its name in the Host header gives it away. An address is no such name.
pub async fn known_host(Shared(state): Shared<State>, request: Request, next: Next) -> Response {
    let host = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => request.headers().get(header::HOST).map(|v| v.to_str().unwrap_or("?")),
    };
    match host {
        Some(host) if !ours(host, state.hosts()) => {
            let name = name_of(host);
            let detail = format!(
                "this server does not go by the name {name:?}; open it by its address, or start it with --allow-host {name}"
            );
            refuse(&request, StatusCode::MISDIRECTED_REQUEST, detail)
        }
        _ => next.run(request).await,
    }
}

/// The host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    }
}

fn ours(host: &str, allowed: &[String]) -> bool {
    let name = name_of(host);
    let address = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    address.parse::<IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || allowed.iter().any(|a| a.eq_ignore_ascii_case(&name))
}

/// Refuses changes that another site's page makes in the reader's browser. What is evaluated for applications changes
/// nothing, and is open to their pages.
pub async fn same_origin(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let path = request.uri().path();
    let open = crate::growthbook::open(path) || crate::cross_origin::is_public(path);
    if !reads && !open && foreign(request.headers()) {
        let detail = "the request comes from a page of another site; changes are made from this server's own pages, or by programs";
        return refuse(&request, StatusCode::FORBIDDEN, detail.into());
    }
    next.run(request).await
}

/// Whether a browser says that another site's page sends this. Programs say nothing.
fn foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|v: &HeaderValue| v.to_str().unwrap_or("?"));
    let site = text(header::HeaderName::from_static("sec-fetch-site"));
    let elsewhere = site.is_some_and(|s| !matches!(s, "same-origin" | "none"));
    let host = text(header::HOST).unwrap_or("");
    let origin = text(header::ORIGIN);
    elsewhere || origin.is_some_and(|o| o.split_once("://").map(|(_, rest)| rest) != Some(host))
}

/// A method that the address does not take.
pub async fn method_not_allowed(request: Request) -> Response {
    let detail = format!("{} does not take {}", request.uri().path(), request.method());
    refuse(&request, StatusCode::METHOD_NOT_ALLOWED, detail)
}

/// An answer where a handler panicked: a defect of ours.
pub fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "a defect in Steward; nothing was changed by this answer, and the server's standard error says where it is",
    )
}

fn refuse(request: &Request, status: StatusCode, detail: String) -> Response {
    if request.uri().path().starts_with("/api/") {
        return problem(status, &detail);
    }
    (status, format!("refused: {detail}\n")).into_response()
}

#[cfg(test)]
mod tests {
    use super::ours;

    #[test]
    fn addresses_and_localhost_are_ours_and_names_when_allowed() {
        let allowed = ["steward.corp".to_string()];
        for host in [
            "127.0.0.1",
            "127.0.0.1:8111",
            "[::1]:8111",
            "[::1]",
            "10.0.0.7:80",
            "localhost",
            "LocalHost:8111",
            "localhost.:8111",
            "shop.localhost:1",
            "steward.corp",
            "STEWARD.corp:443",
        ] {
            assert!(ours(host, &allowed), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8111",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "notlocalhost",
            "",
            ":8111",
            "?",
            "127.0.0.1@evil.example",
            "steward.corp.evil.example",
        ] {
            assert!(!ours(host, &allowed), "{host}");
        }
    }
}
