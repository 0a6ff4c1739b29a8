//! Exposures as applications send them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use steward_capabilities::exposures::{self, Collected, Remark};
use utoipa::ToSchema;

use super::extract::{Failure, ProblemDocument};
use crate::State;

/// What became of a batch.
#[derive(Serialize, ToSchema)]
pub struct CollectedBody {
    /// Exposures that are on disk now.
    stored: usize,
    /// Exposures that were on disk before: their id is known.
    known: usize,
    /// Exposures that were refused; the others are kept.
    errors: Vec<RemarkBody>,
    /// Exposures that are kept and look wrong.
    warnings: Vec<RemarkBody>,
}

/// What is wrong with one exposure of the batch.
#[derive(Serialize, ToSchema)]
pub struct RemarkBody {
    /// Its position in the batch, from 0.
    index: usize,
    /// The field; empty if the whole is no exposure.
    field: String,
    /// What is wrong, and what was expected.
    message: String,
}

impl From<Collected> for CollectedBody {
    fn from(c: Collected) -> Self {
        let remarks = |all: Vec<Remark>| {
            let one = |r: Remark| RemarkBody {
                index: r.index,
                field: r.field,
                message: r.message,
            };
            all.into_iter().map(one).collect()
        };
        CollectedBody {
            stored: c.stored,
            known: c.known,
            errors: remarks(c.errors),
            warnings: remarks(c.warnings),
        }
    }
}

/// One exposure.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the body, which is read field by field")]
pub struct ExposureBody {
    /// Key, up to 200 bytes; an exposure sent again under it is acknowledged and not kept again.
    id: String,
    /// The experiment.
    experiment: String,
    /// The unit, up to 400 bytes; a whole number counts as its digits.
    unit: String,
    /// The variant.
    variant: String,
    /// When it was exposed: RFC 3339, or microseconds since 1970 UTC.
    ts: String,
    /// What else there is to say, up to 4 KiB.
    #[schema(value_type = Option<Object>)]
    attributes: Option<serde_json::Value>,
}

/// Keeps a batch of up to 10,000 exposures: a list, `{"exposures": […]}`, or one object a line as
/// `application/x-ndjson`. Those that can be kept are on disk when the answer comes; the others are named. A batch may be
/// sent again as it is.
#[utoipa::path(post, operation_id = "collect_exposures", path = "/api/v1/exposures", tag = "evidence",
    request_body(content = Vec<ExposureBody>, content_type = "application/json"), responses(
    (status = 200, description = "Kept, but for `errors`", body = CollectedBody),
    (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "Nothing of it can be kept: `errors`, or a problem document with the batch's fault"),
    (status = 429, description = "Too many exposures wait; `Retry-After` says how long to wait", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 503, description = "They cannot be written now; nothing of the batch is acknowledged", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn collect(
    Shared(state): Shared<State>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let body = body.map_err(|e| Failure::Request(e.status(), format!("body: {}", e.body_text())))?;
    let text = std::str::from_utf8(&body).map_err(|_| Failure::bad("the body is no UTF-8 text: send JSON in UTF-8"))?;
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let rows = rows(kind, text)?;
    let collected = match exposures::collect(&state.loaded().await.context, &rows).await {
        Ok(collected) => CollectedBody::from(collected),
        Err(e) => return Ok(wait(Failure::Room(e).into_response())),
    };
    let status = match collected.errors.len() {
        n if n > 0 && n == rows.len() => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    Ok((status, Json(collected)).into_response())
}

/// Says when to come again, where that helps.
fn wait(mut response: Response) -> Response {
    let seconds = match response.status() {
        StatusCode::TOO_MANY_REQUESTS => "1",
        StatusCode::SERVICE_UNAVAILABLE => "10",
        _ => return response,
    };
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
    response
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named<'a> {
    #[serde(borrow)]
    exposures: Vec<&'a RawValue>,
}

fn rows<'a>(kind: &str, text: &'a str) -> Result<Vec<&'a RawValue>, Failure> {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let wrong = |what: String, e: serde_json::Error| Failure::bad(format!("{what}{e}"));
    if matches!(
        kind,
        "application/x-ndjson" | "application/ndjson" | "application/jsonl"
    ) {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        return lines
            .map(|(at, line)| serde_json::from_str(line).map_err(|e| wrong(format!("line {}: ", at + 1), e)))
            .collect();
    }
    if kind != "application/json" {
        let detail =
            "send exposures with Content-Type: application/json, or application/x-ndjson for one object a line";
        return Err(Failure::Request(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail.into()));
    }
    if text.trim_start().starts_with('{') {
        return match serde_json::from_str::<Named>(text) {
            Ok(named) => Ok(named.exposures),
            Err(e) if e.is_data() => Err(Failure::Request(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("body: {e}; send a list of exposures, or {{\"exposures\": […]}}"),
            )),
            Err(e) => Err(wrong("body: ".into(), e)),
        };
    }
    match serde_json::from_str(text) {
        Ok(rows) => Ok(rows),
        Err(e) if e.is_data() => Err(Failure::Request(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("body: {e}; send a list of exposures, or {{\"exposures\": […]}}"),
        )),
        Err(e) => Err(wrong("body: ".into(), e)),
    }
}
