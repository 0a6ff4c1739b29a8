//! The OpenFeature Remote Evaluation Protocol; the real providers ask in `tests/ofrep`.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use steward_capabilities::governance;

use crate::world::World;

const ONE: &str = "/ofrep/v1/evaluate/flags/new_checkout";
const ALL: &str = "/ofrep/v1/evaluate/flags";

/// Status, Retry-After, and the body.
async fn ask(world: &World, path: &str, body: impl Into<Body>) -> (StatusCode, Option<String>, Value) {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    let response = world.send(request.body(body.into()).unwrap()).await;
    let wait = response
        .headers()
        .get(header::RETRY_AFTER)
        .map(|v| v.to_str().unwrap().to_owned());
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, wait, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn unit() -> String {
    json!({ "context": { "targetingKey": "u1", "country": "DE" } }).to_string()
}

#[tokio::test]
async fn before_anything_is_applied_the_provider_is_not_ready() {
    let world = World::new().await;
    for path in [ONE, ALL] {
        let (status, wait, body) = ask(&world, path, unit()).await;
        assert_eq!(
            (status, wait.as_deref()),
            (StatusCode::SERVICE_UNAVAILABLE, Some("10")),
            "{body}"
        );
        assert_eq!(body["errorCode"], "PROVIDER_NOT_READY");
        assert!(body["errorDetails"].as_str().unwrap().contains("steward apply"));
    }
}

#[tokio::test]
async fn more_requests_than_the_rate_are_told_when_to_come_back() {
    let world = World::changed(|name, text| match name {
        "steward.yaml" => text + "flags: {ofrep_rate: 0.25}\n",
        _ => text,
    })
    .await;
    governance::apply(&world.context, "ada", "opening", None).await.unwrap();
    let (status, wait, body) = ask(&world, ONE, unit()).await;
    assert_eq!((status, wait), (StatusCode::OK, None), "{body}");
    for path in [ONE, ALL] {
        let (status, wait, body) = ask(&world, path, unit()).await;
        assert_eq!(
            (status, wait.as_deref()),
            (StatusCode::TOO_MANY_REQUESTS, Some("4")),
            "{body}"
        );
        assert!(body["errorDetails"].as_str().unwrap().contains("ofrep_rate"), "{body}");
    }
    let free = World::new().await;
    governance::apply(&free.context, "ada", "opening", None).await.unwrap();
    for _ in 0..50 {
        assert_eq!(ask(&free, ONE, unit()).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn odd_and_huge_contexts_are_answered_or_refused() {
    let world = World::new().await;
    governance::apply(&world.context, "ada", "opening", None).await.unwrap();
    // Attributes of any type: what a rule does not understand, it does not match.
    let odd = json!({ "context": {
        "targetingKey": "u1", "country": ["DE", null, { "x": 1e300 }], "email": 7, "deep": { "er": [[[true]]] }, "": "", "日本": "é\u{0}",
    } });
    let (status, _, body) = ask(&world, ONE, odd.to_string()).await;
    assert_eq!((status, &body["value"]), (StatusCode::OK, &json!(false)), "{body}");
    let nested = format!(
        "{{\"context\":{{\"targetingKey\":\"u1\",\"x\":{}1{}}}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let (status, _, body) = ask(&world, ONE, nested).await;
    assert_eq!(
        (status, body["errorCode"].as_str()),
        (StatusCode::BAD_REQUEST, Some("PARSE_ERROR")),
        "{body}"
    );
    let huge = json!({ "context": { "targetingKey": "u1", "x": "y".repeat(9 << 20) } });
    let (status, _, body) = ask(&world, ALL, huge.to_string()).await;
    assert!(
        status.is_client_error() && body["errorCode"].is_string(),
        "{status} {body}"
    );
    for (count, wanted) in [(900, StatusCode::OK), (20_000, StatusCode::BAD_REQUEST)] {
        let many: serde_json::Map<String, Value> = (0..count).map(|n| (format!("a{n}"), json!(n))).collect();
        let mut many = json!({ "context": many });
        many["context"]["targetingKey"] = "u1".into();
        assert_eq!(ask(&world, ALL, many.to_string()).await.0, wanted, "{count}");
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_takes_schedules_back_too() {
    let world = World::changed(|name, text| match name {
        "flags/new_checkout.yaml" => {
            text + "---\nflag: sale\nrules: [{value: true, from: 2025-07-10, until: 2025-07-20}]\n"
        }
        "holdouts/nothing_new.yaml" => text + "flags: [new_checkout]\n",
        _ => text,
    })
    .await;
    governance::apply(&world.context, "ada", "opening", None).await.unwrap();
    let at = async |day: &str| {
        let now: jiff::Timestamp = format!("{day}T12:00:00Z").parse().unwrap();
        world
            .serving
            .store(now.as_microsecond(), std::sync::atomic::Ordering::Relaxed);
        let (status, _, body) = ask(&world, "/ofrep/v1/evaluate/flags/sale", unit()).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["value"].as_bool().unwrap()
    };
    for (day, on) in [
        ("2025-07-09", false),
        ("2025-07-10", true),
        ("2025-07-09", false),
        ("2025-07-21", false),
        ("2025-07-19", true),
        ("2020-01-01", false),
    ] {
        assert_eq!(at(day).await, on, "{day}");
    }
}
