//! Statistical methods as a calculator.

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use serde_json::{Value, json};
use steward_capabilities::calculator;

use super::extract::{Failure, ProblemDocument};

/// Every method with the JSON Schema of its input and output.
#[utoipa::path(get, operation_id = "stats", path = "/api/v1/stats", tag = "statistics", responses(
    (status = 200, description = "Methods by name: `name`, `doc`, `source`, `input`, `output`")))]
pub async fn list() -> Json<Vec<Value>> {
    Json(
        calculator::methods()
            .into_iter()
            .map(calculator::Method::describe)
            .collect(),
    )
}

/// Computes a method on numbers. An input that cannot be estimated answers `not_estimable` with a reason and a remedy.
#[utoipa::path(post, operation_id = "compute_stats", path = "/api/v1/stats/{method}", tag = "statistics",
    params(("method" = String, Path, description = "Name of the method, such as welch_t")),
    request_body(content_type = "application/json", description = "The method's input"), responses(
    (status = 200, description = "The answer, or `not_estimable`"),
    (status = 400, description = "No UTF-8 text", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "Unknown method", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "Not the method's input; says where", body = ProblemDocument, content_type = "application/problem+json")))]
pub async fn compute(Path(name): Path<String>, body: Result<Bytes, BytesRejection>) -> Result<Json<Value>, Failure> {
    let method = calculator::find(&name)?;
    let body = body.map_err(|e| Failure::Request(e.status(), format!("body: {}", e.body_text())))?;
    let body =
        String::from_utf8(body.into()).map_err(|_| Failure::bad("the body is no UTF-8 text: send JSON in UTF-8"))?;
    // Large raw columns take a while; the runtime's threads are for waiting.
    let answer = tokio::task::spawn_blocking(move || calculator::parse(&body).and_then(|value| method.answer(&value)))
        .await
        .map_err(|e| {
            Failure::Request(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("the computation stopped: {e}"),
            )
        })?;
    match answer {
        Ok(answer) => Ok(Json(answer.value)),
        Err(e) => Err(Failure::Request(StatusCode::UNPROCESSABLE_ENTITY, e.to_string())),
    }
}

/// Adds one path per method, with its schemas, to an OpenAPI document.
pub fn describe(document: &mut Value) {
    let problem = json!({ "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/ProblemDocument" } } },
        "description": "Not the method's input; says where" });
    for method in calculator::methods() {
        document["paths"][format!("/api/v1/stats/{}", method.name)] = json!({ "post": {
            "tags": ["statistics"], "operationId": format!("stats_{}", method.name),
            "summary": method.doc, "description": format!("Source: {}.", method.source),
            "requestBody": { "required": true, "content": { "application/json": { "schema": method.input_schema() } } },
            "responses": {
                "200": { "description": "The answer, or `not_estimable`",
                    "content": { "application/json": { "schema": method.output_schema() } } },
                "400": problem, "422": problem,
            },
        } });
    }
}

#[cfg(test)]
mod tests {
    use steward_capabilities::calculator;

    #[test]
    fn the_document_describes_every_method() {
        let document = super::super::document();
        for method in calculator::methods() {
            let post = &document["paths"][format!("/api/v1/stats/{}", method.name)]["post"];
            let schema = &post["requestBody"]["content"]["application/json"]["schema"];
            assert_eq!(*schema, method.input_schema(), "{}", method.name);
        }
    }
}
