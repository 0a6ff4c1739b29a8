//! Addresses that applications' own pages call, from whatever site they come. Nothing is read or changed there that
//! rests on who asks: no log-in and no cookie goes along.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Beginnings of such addresses.
const PUBLIC: [&str; 2] = ["/api/v1/exposures", "/ofrep/"];

/// Whether pages of other sites may call an address.
pub fn is_public(path: &str) -> bool {
    PUBLIC.iter().any(|start| path.starts_with(start))
}

/// Answers a browser's question whether it may, and lets pages read the answers.
pub async fn answer(request: Request, next: Next) -> Response {
    if !is_public(request.uri().path()) || !request.headers().contains_key(header::ORIGIN) {
        return next.run(request).await;
    }
    let asks =
        *request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match asks {
        true => StatusCode::NO_CONTENT.into_response(),
        false => next.run(request).await,
    };
    let mut put = |name: HeaderName, value: &'static str| {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    };
    put(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    put(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    if asks {
        put(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
        put(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, cache-control, content-type, if-none-match, last-event-id",
        );
        put(header::ACCESS_CONTROL_MAX_AGE, "7200");
    } else {
        put(header::ACCESS_CONTROL_EXPOSE_HEADERS, "etag, retry-after");
    }
    response
}
