//! Exposures over HTTP: kept once, refused by name, and read out.

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::world::World;

const PATH: &str = "/api/v1/exposures";

async fn send(world: &World, kind: &str, body: String) -> (StatusCode, Value) {
    let request = Request::post(PATH)
        .header(header::CONTENT_TYPE, kind)
        .body(Body::from(body));
    let response: Response<Body> = world.send(request.unwrap()).await;
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

async fn post(world: &World, body: &Value) -> (StatusCode, Value) {
    send(world, "application/json", body.to_string()).await
}

fn exposure(id: &str, unit: Value, variant: &str) -> Value {
    json!({ "id": id, "experiment": "checkout", "unit": unit, "variant": variant, "ts": "2025-06-19T10:00:00Z" })
}

#[tokio::test]
async fn each_is_kept_once_in_every_form_of_a_batch() {
    let world = World::new().await;
    let (a, b, c) = (
        exposure("a", json!(1), "control"),
        exposure("b", json!("2"), "treatment"),
        exposure("c", json!("Zoë \"3\""), "control"),
    );
    let (status, answer) = post(&world, &json!([a, b])).await;
    assert_eq!(
        (status, &answer["stored"], &answer["known"]),
        (StatusCode::OK, &json!(2), &json!(0)),
        "{answer}"
    );
    let (_, answer) = post(&world, &json!({ "exposures": [b, c] })).await;
    assert_eq!(
        (&answer["stored"], &answer["known"]),
        (&json!(1), &json!(1)),
        "{answer}"
    );
    let lines = format!("{a}\n\n{}\n", exposure("d", json!(4), "control"));
    let (status, answer) = send(&world, "application/x-ndjson; charset=utf-8", lines).await;
    assert_eq!(
        (status, &answer["stored"], &answer["known"]),
        (StatusCode::OK, &json!(1), &json!(1)),
        "{answer}"
    );
    let (status, answer) = post(&world, &json!([])).await;
    assert_eq!((status, &answer["stored"]), (StatusCode::OK, &json!(0)), "{answer}");
}

#[tokio::test]
async fn what_cannot_be_kept_is_named_and_the_rest_is_kept() {
    let world = World::new().await;
    let with = |field: &str, value: Value| {
        let mut e = exposure(&format!("of {field}"), json!(1), "control");
        e[field] = value;
        e
    };
    let mut lacking = exposure("lacking", json!(1), "control");
    lacking.as_object_mut().unwrap().remove("unit");
    let cases = [
        (
            with("experiment", json!("chekout")),
            "experiment",
            "did you mean \"checkout\"?",
        ),
        (with("id", json!(7)), "id", "no text"),
        (with("id", json!("")), "id", "empty"),
        (with("id", json!("x".repeat(201))), "id", "at most 200"),
        (with("unit", json!(1.5)), "unit", "neither text nor a whole number"),
        (with("unit", json!("a\u{0}b")), "unit", "control characters"),
        (lacking, "unit", "there is no `unit`"),
        (with("variant", json!(null)), "variant", "no"),
        (with("ts", json!("yesterday")), "ts", "no moment"),
        (
            with("ts", json!("2025-06-20T00:06:00Z")),
            "ts",
            "ahead of the server's clock",
        ),
        (with("ts", json!(1_750_300_000_000_i64)), "ts", "before the year 2000"),
        (with("attributes", json!([1])), "attributes", "no object"),
        (
            with("attributes", json!({ "a": "x".repeat(5000) })),
            "attributes",
            "at most 4096",
        ),
        (json!("checkout"), "", "no object"),
    ];
    let mut batch: Vec<Value> = cases.iter().map(|(e, _, _)| e.clone()).collect();
    batch.push(exposure("good", json!(1), "control"));
    let (status, answer) = post(&world, &json!(batch)).await;
    assert_eq!((status, &answer["stored"]), (StatusCode::OK, &json!(1)), "{answer}");
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), cases.len(), "{answer}");
    for (index, (error, (_, field, message))) in errors.iter().zip(&cases).enumerate() {
        assert_eq!(
            (&error["index"], &error["field"]),
            (&json!(index), &json!(field)),
            "{error}"
        );
        assert!(
            error["message"].as_str().unwrap().contains(message),
            "{error} does not say {message}"
        );
    }
    // Nothing that can be kept: the answer is no.
    let (status, _) = post(&world, &json!([cases[0].0])).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn what_looks_wrong_is_kept_and_remarked_on() {
    let world = World::new().await;
    let mut late = exposure("late", json!(1), "control");
    late["ts"] = json!("2025-06-01T00:00:00+02:00");
    let (status, answer) = post(&world, &json!([late, exposure("odd", json!(2), "tretment")])).await;
    assert_eq!((status, &answer["stored"]), (StatusCode::OK, &json!(2)), "{answer}");
    let warnings = answer["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 2, "{answer}");
    assert!(
        warnings[0]["message"].as_str().unwrap().contains("19 days late"),
        "{answer}"
    );
    assert!(
        warnings[1]["message"].as_str().unwrap().contains("\"treatment\""),
        "{answer}"
    );
}

#[tokio::test]
async fn what_is_no_batch_is_refused_as_a_whole() {
    let world = World::new().await;
    let json = "application/json";
    for (kind, body, status, says) in [
        (json, "[{", 400, "body"),
        (json, "7", 422, "send a list"),
        (json, "{\"exposure\": []}", 422, "exposures"),
        ("text/plain", "[]", 415, "x-ndjson"),
        ("application/x-ndjson", "{}\n{\n", 400, "line 2"),
    ] {
        let (found, answer) = send(&world, kind, body.to_owned()).await;
        assert_eq!(found.as_u16(), status, "{kind} {body}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains(says), "{answer}");
    }
    let many: Vec<Value> = (0..10_001)
        .map(|n| exposure(&n.to_string(), json!(n), "control"))
        .collect();
    let (status, answer) = post(&world, &json!(many)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer["detail"].as_str().unwrap().contains("at most 10000"), "{answer}");
}

#[tokio::test]
async fn applications_pages_of_other_sites_may_send_them_and_ask_before() {
    let world = World::new().await;
    let asks = Request::options(PATH)
        .header(header::ORIGIN, "https://shop.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .body(Body::empty());
    let response = world.send(asks.unwrap()).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert!(
        response.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS]
            .to_str()
            .unwrap()
            .contains("content-type")
    );
    let sends = Request::post(PATH)
        .header(header::ORIGIN, "https://shop.example")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json!([exposure("x", json!(1), "control")]).to_string()));
    let response = world.send(sends.unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert_eq!(response.headers()["cross-origin-resource-policy"], "cross-origin");
    // Anything else is still this server's own.
    let elsewhere = Request::options("/api/v1/run")
        .header(header::ORIGIN, "https://shop.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .body(Body::empty());
    let response = world.send(elsewhere.unwrap()).await;
    assert!(!response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
}

/// The shop's experiment, reading what is collected.
async fn collecting() -> World {
    World::changed(|path, text| {
        if path != "experiments/checkout.yaml" {
            return text;
        }
        let mut lines: Vec<String> = Vec::new();
        let mut inside = false;
        for line in text.lines() {
            inside = match line.starts_with("exposures:") {
                true => {
                    lines.push("exposures: {dataset: steward_exposures, entity: user}".into());
                    true
                }
                false => inside && line.starts_with(' '),
            };
            if !inside && !line.starts_with("exposures:") {
                lines.push(line.into());
            }
        }
        lines.join("\n")
    })
    .await
}

#[tokio::test]
async fn a_readout_counts_first_exposures_and_leaves_out_units_of_several_variants() {
    let world = collecting().await;
    let read = async || {
        let request = Request::get("/api/v1/experiments/checkout/readout").body(Body::empty());
        let response = world.send(request.unwrap()).await;
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(status, StatusCode::OK, "{value}");
        value
    };
    // Before the first exposure there is a table already.
    assert_eq!(read().await["health"]["units"], 0);
    let own =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/project/data/exposures.csv")).unwrap();
    let header: Vec<&str> = own.lines().next().unwrap().split(',').collect();
    let at = |name: &str| {
        header
            .iter()
            .position(|h| *h == name)
            .unwrap_or_else(|| panic!("{name} in {header:?}"))
    };
    let (unit, variant, ts) = (at("user_id"), at("variant"), at("ts"));
    let mut batch = Vec::new();
    for (n, line) in own.lines().skip(1).enumerate() {
        let fields: Vec<&str> = line.split(',').collect();
        let moment = fields[ts].replace(' ', "T");
        let moment = if moment.ends_with('Z') { moment } else { moment + "Z" };
        batch.push(
            json!({ "id": format!("e{n}"), "experiment": "checkout", "unit": fields[unit],
            "variant": fields[variant], "ts": moment }),
        );
    }
    let (status, answer) = post(&world, &json!(batch)).await;
    assert_eq!((status, &answer["errors"]), (StatusCode::OK, &json!([])), "{answer}");
    let collected = read().await;
    // The same numbers as from the shop's own table.
    let warehouse = World::new().await;
    let request = Request::get("/api/v1/experiments/checkout/readout").body(Body::empty());
    let response = warehouse.send(request.unwrap()).await;
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let expected: Value = serde_json::from_slice(&bytes).unwrap();
    for part in ["health", "metrics", "verdict"] {
        let (mut found, mut wanted) = (collected[part].clone(), expected[part].clone());
        for value in [&mut found, &mut wanted] {
            if part == "health" {
                value["problems"] = Value::Null;
            }
        }
        assert_eq!(found, wanted, "{part}");
    }
    // A unit that is exposed again counts once; one that saw both variants is left out, counted and reported.
    let first = batch[0].clone();
    let mut again = first.clone();
    again["id"] = json!("again");
    let mut both = batch[1].clone();
    both["id"] = json!("both");
    both["variant"] = json!(if both["variant"] == "control" {
        "treatment"
    } else {
        "control"
    });
    post(&world, &json!([again, both])).await;
    let after = read().await;
    let units = |r: &Value| r["health"]["units"].as_u64().unwrap();
    assert_eq!(units(&after), units(&collected) - 1, "{}", after["health"]);
    assert!(
        after["health"]["problems"].to_string().contains("several"),
        "{}",
        after["health"]
    );
}
