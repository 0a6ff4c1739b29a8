//! Metrics by dimensions, and SQL over the datasets.

use axum::Json;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use steward_capabilities::metrics::{self, MetricRequest};
use steward_compute::{Format, Rows};
use utoipa::ToSchema;

use super::extract::{Body, Failure, ProblemDocument};
use crate::State;

const CSV: &str = "text/csv";
const ARROW: &str = "application/vnd.apache.arrow.stream";

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Written {
    /// JSON with columns, rows and provenance.
    Json,
    /// CSV with a header.
    Csv,
    /// Arrow IPC stream.
    Arrow,
}

/// A question to the semantic layer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryBody {
    /// Names of metrics; at least one.
    #[schema(min_items = 1)]
    metrics: Vec<String>,
    /// What to group by: `time:week`, `user__country`.
    #[serde(default)]
    by: Vec<String>,
    /// SQL condition over dimensions.
    #[serde(default)]
    filter: Option<String>,
    /// First moment counted: a date or RFC 3339.
    #[serde(default)]
    from: Option<String>,
    /// Last moment counted: a date is inclusive, a moment exclusive.
    #[serde(default)]
    to: Option<String>,
    /// Columns to order by, `name` or `name desc`.
    #[serde(default)]
    order_by: Vec<String>,
    /// Most rows to answer.
    #[serde(default)]
    limit: Option<u64>,
    /// IANA time zone of days, weeks and months; the project's by default.
    #[serde(default)]
    time_zone: Option<String>,
    /// Also answer periods without rows.
    #[serde(default)]
    fill: bool,
    /// `json`, `csv` or `arrow`; goes before the Accept header.
    #[serde(default)]
    format: Option<Written>,
}

/// One SELECT.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlBody {
    /// The query, over datasets by name.
    #[schema(min_length = 1)]
    sql: String,
    /// Most rows to answer.
    #[serde(default)]
    limit: Option<u64>,
    /// `json`, `csv` or `arrow`; goes before the Accept header.
    #[serde(default)]
    format: Option<Written>,
}

/// The form asked for: the body's, else the first acceptable of the Accept header, else JSON.
fn wanted(asked: Option<Written>, headers: &HeaderMap) -> Result<Written, Failure> {
    if let Some(format) = asked {
        return Ok(format);
    }
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("*/*");
    let quality = |part: &str| {
        let q = part
            .split(';')
            .skip(1)
            .find_map(|p| p.trim().strip_prefix("q="))
            .map(|q| q.parse::<f64>());
        q.and_then(Result::ok).unwrap_or(1.0)
    };
    let mut best: Option<(f64, Written)> = None;
    for part in accept.split(',') {
        let written = match part.split(';').next().unwrap_or("").trim() {
            "application/json" | "application/*" | "*/*" | "" => Written::Json,
            CSV | "text/*" => Written::Csv,
            ARROW => Written::Arrow,
            _ => continue,
        };
        let q = quality(part);
        if q > 0.0 && best.is_none_or(|(b, _)| q > b) {
            best = Some((q, written));
        }
    }
    best.map(|(_, written)| written).ok_or_else(|| {
        let detail = format!("Accept: {accept:?} cannot be served; accept application/json, {CSV} or {ARROW}");
        Failure::Request(StatusCode::NOT_ACCEPTABLE, detail)
    })
}

fn bytes(format: Format, kind: &'static str, rows: &Rows) -> Result<Response, Failure> {
    Ok(([(header::CONTENT_TYPE, kind)], format.to_bytes(rows)?).into_response())
}

/// Answers metrics by dimensions, as JSON, CSV or Arrow.
#[utoipa::path(post, path = "/api/v1/query", tag = "metrics", request_body = QueryBody, responses(
    (status = 200, description = "Columns, rows, SQL and provenance", content(
        (Value = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.apache.arrow.stream"))),
    (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "Unknown metric", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 406, description = "No such form", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "The question makes no sense", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn query(
    Shared(state): Shared<State>,
    headers: HeaderMap,
    Body(body): Body<QueryBody>,
) -> Result<Response, Failure> {
    let form = wanted(body.format, &headers)?;
    let request = MetricRequest {
        metrics: body.metrics,
        by: body.by,
        filter: body.filter,
        from: body.from,
        to: body.to,
        order_by: body.order_by,
        limit: body.limit,
        time_zone: body.time_zone,
        fill: body.fill,
    };
    let table = metrics::query(&state.loaded().await.context, &request).await?;
    match form {
        Written::Json => Ok(Json(table).into_response()),
        Written::Csv => bytes(Format::Csv, CSV, &table.to_rows()?),
        Written::Arrow => bytes(Format::Arrow, ARROW, &table.to_rows()?),
    }
}

/// Runs one SELECT over the datasets.
#[utoipa::path(post, path = "/api/v1/sql", tag = "metrics", request_body = SqlBody, responses(
    (status = 200, description = "`rows` (objects by column) and `provenance`", content(
        (Value = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.apache.arrow.stream"))),
    (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 406, description = "No such form", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "Not one SELECT that runs", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn sql(
    Shared(state): Shared<State>,
    headers: HeaderMap,
    Body(body): Body<SqlBody>,
) -> Result<Response, Failure> {
    let form = wanted(body.format, &headers)?;
    let answer = metrics::sql_query(&state.loaded().await.context, &body.sql, body.limit).await?;
    match form {
        Written::Json => {
            let text = Format::Json.to_bytes(&answer.rows)?;
            let rows: Value = serde_json::from_slice(&text)
                .map_err(|e| Failure::Request(StatusCode::INTERNAL_SERVER_ERROR, format!("the result as JSON: {e}")))?;
            Ok(
                Json(json!({ "columns": answer.rows.columns(), "rows": rows, "provenance": answer.provenance }))
                    .into_response(),
            )
        }
        Written::Csv => bytes(Format::Csv, CSV, &answer.rows),
        Written::Arrow => bytes(Format::Arrow, ARROW, &answer.rows),
    }
}
