//! Traces as MLflow's and OpenTelemetry's clients send them.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::{ask, read};
use crate::world::World;

const V3: &str = "/api/3.0/mlflow/traces";

#[tokio::test]
async fn a_trace_and_what_was_thought_of_it() {
    let world = World::new().await;
    let info = json!({ "trace_id": "tr-1", "trace_location": { "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": { "experiment_id": "0" } },
                       "request_time": "2025-04-15T08:49:18.699Z", "execution_duration": "1.5s", "state": "OK",
                       "tags": { "team": "growth" }, "trace_metadata": { "mlflow.sourceRun": "r1" } });
    let (status, made) = ask(&world, "POST", V3, &json!({ "trace": { "trace_info": info } })).await;
    assert_eq!(status, 200, "{made}");
    let (_, back) = ask(&world, "GET", &format!("{V3}/tr-1"), &json!({})).await;
    let back = &back["trace"]["trace_info"];
    assert_eq!(
        (&back["request_time"], &back["execution_duration"]),
        (&info["request_time"], &json!("1.500s"))
    );
    assert_eq!(
        back["tags"]["mlflow.artifactLocation"],
        json!("mlflow-artifacts:/0/traces/tr-1/artifacts")
    );
    let feedback = json!({ "assessment": { "assessment_name": "good", "feedback": { "value": 0.8 },
                           "source": { "source_type": "HUMAN", "source_id": "bob" } } });
    let (_, first) = ask(&world, "POST", &format!("{V3}/tr-1/assessments"), &feedback).await;
    let first = first["assessment"]["assessment_id"].as_str().unwrap().to_owned();
    let mut better = feedback;
    better["assessment"]["overrides"] = json!(first);
    let (_, second) = ask(&world, "POST", &format!("{V3}/tr-1/assessments"), &better).await;
    let second = second["assessment"]["assessment_id"].as_str().unwrap().to_owned();
    let valid = async |id: &str| {
        ask(&world, "GET", &format!("{V3}/tr-1/assessments/{id}"), &json!({}))
            .await
            .1["assessment"]["valid"]
            .clone()
    };
    assert_eq!((valid(&first).await, valid(&second).await), (json!(false), json!(true)));
    ask(&world, "DELETE", &format!("{V3}/tr-1/assessments/{second}"), &json!({})).await;
    assert_eq!(valid(&first).await, json!(true));
    let search = json!({ "locations": [{ "mlflow_experiment": { "experiment_id": "0" } }], "filter": "feedback.good > 0.5 AND run_id = 'r1'" });
    let (_, found) = ask(&world, "POST", &format!("{V3}/search"), &search).await;
    assert_eq!(found["traces"][0]["trace_id"], json!("tr-1"));
    let (status, error) = ask(&world, "GET", &format!("{V3}/none"), &json!({})).await;
    assert_eq!((status, &error["error_code"]), (404, &json!("RESOURCE_DOES_NOT_EXIST")));
}

#[tokio::test]
async fn moments_at_the_end_of_time_are_taken() {
    let world = World::new().await;
    let begun = json!({ "experiment_id": "0", "timestamp_ms": i64::MIN });
    let (status, made) = ask(&world, "POST", "traces", &begun).await;
    assert_eq!(status, 200, "{made}");
    let id = made["trace_info"]["request_id"].as_str().unwrap();
    let end = json!({ "timestamp_ms": i64::MAX, "status": "OK" });
    let (status, ended) = ask(&world, "PATCH", &format!("traces/{id}"), &end).await;
    assert_eq!(
        (status, &ended["trace_info"]["execution_time_ms"]),
        (200, &json!(i64::MAX))
    );
    let search = "traces?experiment_ids=0&filter=attributes.end_time%20%3E%200&order_by=end_time%20DESC";
    assert_eq!(ask(&world, "GET", search, &json!({})).await.0, 200);
    assert_eq!(ask(&world, "GET", &format!("{V3}/{id}"), &json!({})).await.0, 200);
}

async fn export(world: &World, kind: &str, body: Vec<u8>) -> u16 {
    let request = Request::post("/v1/traces")
        .header(header::CONTENT_TYPE, kind)
        .header("x-mlflow-experiment-id", "0");
    world.ask(request.body(Body::from(body)).unwrap()).await.status.as_u16()
}

/// One span in protobuf, written by hand from `opentelemetry/proto/trace/v1/trace.proto`: field numbers and lengths.
fn protobuf() -> Vec<u8> {
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut made = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
        made.extend(bytes);
        made
    }
    fn time(number: u8, ns: u64) -> Vec<u8> {
        let mut made = vec![number << 3 | 1];
        made.extend(ns.to_le_bytes());
        made
    }
    let model = [field(1, b"model"), field(2, &field(1, b"gpt"))].concat();
    let span = [
        field(1, &[7; 16]),
        field(2, &[8; 8]),
        field(5, b"answer"),
        time(7, 1_000_000_000),
        time(8, 3_000_000_000),
        field(9, &model),
        field(15, &[3 << 3, 1]),
    ]
    .concat();
    field(1, &field(2, &field(2, &span)))
}

#[tokio::test]
async fn spans_come_by_opentelemetry_in_either_form() {
    let world = World::new().await;
    assert_eq!(export(&world, "application/x-protobuf", protobuf()).await, 200);
    let id = format!("tr-{}", "07".repeat(16));
    let (_, whole) = ask(&world, "GET", &format!("{V3}/get?trace_id={id}"), &json!({})).await;
    let trace = &whole["trace"];
    assert_eq!(
        (
            &trace["trace_info"]["state"],
            &trace["trace_info"]["execution_duration"]
        ),
        (&json!("OK"), &json!("2s"))
    );
    let span = &trace["spans"][0];
    assert_eq!(
        span["attributes"],
        json!([{ "key": "model", "value": { "string_value": "gpt" } }]),
        "{whole}"
    );
    assert_eq!(
        (&span["name"], &span["span_id"]),
        (&json!("answer"), &json!("CAgICAgICAg="))
    );
    let document = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{
        "traceId": "09".repeat(16), "spanId": "0a".repeat(8), "name": "ask", "startTimeUnixNano": "5000000", "endTimeUnixNano": "9000000",
        "status": { "code": 2, "message": "no" }, "attributes": [{ "key": "tries", "value": { "intValue": "3" } }] }] }] }] });
    assert_eq!(
        export(&world, "application/json", document.to_string().into_bytes()).await,
        200
    );
    let search = json!({ "locations": [{ "mlflow_experiment": { "experiment_id": "0" } }], "filter": "status = 'ERROR' AND name = 'ask'" });
    let (_, found) = ask(&world, "POST", &format!("{V3}/search"), &search).await;
    assert_eq!(
        found["traces"][0]["trace_id"],
        json!(format!("tr-{}", "09".repeat(16))),
        "{found}"
    );
    for (kind, body) in [
        ("text/plain", Vec::new()),
        ("application/x-protobuf", vec![0xff; 40]),
        ("application/x-protobuf", Vec::new()),
        ("application/json", b"{".to_vec()),
    ] {
        assert_eq!(export(&world, kind, body).await, 400);
    }
    let nowhere = Request::post("/v1/traces").header(header::CONTENT_TYPE, "application/x-protobuf");
    let (status, error): (u16, Value) = read(world.ask(nowhere.body(Body::from(protobuf())).unwrap()).await);
    assert_eq!((status, &error["error_code"]), (400, &json!("BAD_REQUEST")));
}
