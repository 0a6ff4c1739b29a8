//! `/api/v1`: every route answers as its document says, and errors are problem documents that say what to do.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

use steward_capabilities::governance;

use crate::world::{Answer, World};

fn value(answer: &Answer) -> Value {
    serde_json::from_str(&answer.text).unwrap_or_else(|e| panic!("{e}: {}", answer.text))
}

fn problem(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(answer.kind, "application/problem+json", "{}", answer.text);
    let document = value(answer);
    assert_eq!(document["status"], status, "{document}");
    assert!(document["title"].as_str().is_some_and(|t| !t.is_empty()), "{document}");
    let detail = document["detail"].as_str().unwrap();
    assert!(!detail.is_empty());
    detail.to_string()
}

/// Every route, as (method, path of the document, path asked, body).
async fn calls(world: &World) -> Vec<(&'static str, &'static str, String, Value)> {
    let run = value(&world.post_json("/api/v1/run", &json!({ "names": ["checkout"] })).await);
    let evidence = run["items"][0]["evidence"][0].as_str();
    let evidence = evidence.unwrap_or_else(|| panic!("{run}"));
    // A rollout that is stopped, to be resumed.
    let cited = world.context.ledger.evidence_by_id(evidence).await.unwrap().unwrap();
    let hold = governance::Hold {
        rule: "germany".into(),
        coverage: Some(0.0),
        ..governance::Hold::default()
    };
    let choice = governance::Choice::Freeze;
    let stopped = governance::hold(&world.context.ledger, "new_checkout", choice, hold, "harm", &cited).await;
    assert!(stopped.unwrap().is_some());
    let get = |template, path: &str| ("get", template, path.to_string(), Value::Null);
    let post = |template, path: &str, body| ("post", template, path.to_string(), body);
    vec![
        get("/api/v1/definitions", "/api/v1/definitions"),
        get(
            "/api/v1/definitions/{kind}/{name}",
            "/api/v1/definitions/metric/revenue",
        ),
        get("/api/v1/check", "/api/v1/check"),
        get("/api/v1/bills/{name}/allocation", "/api/v1/bills/cloud/allocation"),
        get("/api/v1/bills/{name}/models", "/api/v1/bills/cloud/models"),
        get("/api/v1/bills/{name}/anomalies", "/api/v1/bills/cloud/anomalies"),
        get("/api/v1/budgets", "/api/v1/budgets"),
        get("/api/v1/contracts", "/api/v1/contracts"),
        get("/api/v1/teams", "/api/v1/teams"),
        get("/api/v1/questions", "/api/v1/questions"),
        get("/api/v1/plan", "/api/v1/plan"),
        post(
            "/api/v1/apply",
            "/api/v1/apply",
            json!({ "actor": "ada", "message": "again" }),
        ),
        get(
            "/api/v1/lineage/{kind}/{name}",
            "/api/v1/lineage/dataset/orders?as_of=2025-06-25",
        ),
        post(
            "/api/v1/query",
            "/api/v1/query",
            json!({ "metrics": ["revenue"], "by": ["time:month"] }),
        ),
        post("/api/v1/sql", "/api/v1/sql", json!({ "sql": "SELECT 1 AS one" })),
        get(
            "/api/v1/datasets/{name}/quality",
            "/api/v1/datasets/orders/quality?day=2025-06-01&time_column=ts",
        ),
        post(
            "/api/v1/exposures",
            "/api/v1/exposures",
            json!([{ "id": "1", "experiment": "checkout", "unit": 7, "variant": "control", "ts": "2025-06-19T10:00:00Z" }]),
        ),
        get("/api/v1/experiments", "/api/v1/experiments"),
        get(
            "/api/v1/experiments/{name}/readout",
            "/api/v1/experiments/checkout/readout",
        ),
        get(
            "/api/v1/experiments/{name}/power",
            "/api/v1/experiments/checkout/power?effect=0.1",
        ),
        post(
            "/api/v1/experiments/{name}/power",
            "/api/v1/experiments/checkout/power",
            json!({ "effect": 0.1 }),
        ),
        get("/api/v1/experiments/{name}/plan", "/api/v1/experiments/checkout/plan"),
        post(
            "/api/v1/experiments/{name}/plan",
            "/api/v1/experiments/gift_wrap/plan",
            json!({ "actor": "cleo", "reason": "Agreed." }),
        ),
        post(
            "/api/v1/experiments/{name}/decisions",
            "/api/v1/experiments/checkout/decisions",
            json!({ "choice": "stop", "reason": "Too dear.", "actor": "dora" }),
        ),
        get("/api/v1/interactions", "/api/v1/interactions"),
        get("/api/v1/bandits", "/api/v1/bandits"),
        get("/api/v1/bandits/{name}", "/api/v1/bandits/checkout_page"),
        post(
            "/api/v1/bandits/{name}/update",
            "/api/v1/bandits/checkout_page/update",
            json!({ "early": true }),
        ),
        post(
            "/api/v1/bandits/{name}/evaluate",
            "/api/v1/bandits/checkout_page/evaluate",
            json!({ "weights": { "control": 0.5, "treatment": 0.5 } }),
        ),
        get("/api/v1/programme", "/api/v1/programme"),
        get(
            "/api/v1/programme/experiments",
            "/api/v1/programme/experiments?search=checkout",
        ),
        get("/api/v1/objectives/{name}", "/api/v1/objectives/grow"),
        get("/api/v1/objectives/{name}/progress", "/api/v1/objectives/grow/progress"),
        get("/api/v1/bets", "/api/v1/bets"),
        get("/api/v1/bets/{name}", "/api/v1/bets/checkout_lifts_orders"),
        post(
            "/api/v1/bets/{name}/freeze",
            "/api/v1/bets/checkout_lifts_orders/freeze",
            json!({ "actor": "dora", "reason": "The case is sound." }),
        ),
        post(
            "/api/v1/bets/{name}/resolve",
            "/api/v1/bets/checkout_lifts_orders/resolve",
            json!({ "actor": "dora" }),
        ),
        get("/api/v1/value", "/api/v1/value"),
        get("/api/v1/value/calibration", "/api/v1/value/calibration"),
        get("/api/v1/portfolio/priorities", "/api/v1/portfolio/priorities"),
        get(
            "/api/v1/portfolio/optimise",
            "/api/v1/portfolio/optimise?scenario=lean&redraws=5",
        ),
        get("/api/v1/portfolio/scenarios", "/api/v1/portfolio/scenarios"),
        get("/api/v1/portfolio/forecast", "/api/v1/portfolio/forecast"),
        get("/api/v1/reports/{name}", "/api/v1/reports/monthly"),
        post("/api/v1/run", "/api/v1/run", json!({ "names": ["orders"] })),
        get("/api/v1/evidence/{id}", &format!("/api/v1/evidence/{evidence}")),
        get("/api/v1/decisions", "/api/v1/decisions?last=1"),
        get("/api/v1/waiting", "/api/v1/waiting"),
        get("/api/v1/ledger/events", "/api/v1/ledger/events?limit=2"),
        get("/api/v1/ledger/verify", "/api/v1/ledger/verify"),
        get("/api/v1/flags", "/api/v1/flags"),
        get("/api/v1/flags/{name}", "/api/v1/flags/new_checkout"),
        post(
            "/api/v1/flags/{name}/eval",
            "/api/v1/flags/new_checkout/eval",
            json!({ "attributes": { "id": "u1", "country": "DE" } }),
        ),
        post(
            "/api/v1/flags/{name}/plan",
            "/api/v1/flags/new_checkout/plan",
            json!({ "changes": { "rules.germany.rollout": "50%" } }),
        ),
        post(
            "/api/v1/flags/{name}/apply",
            "/api/v1/flags/new_checkout/apply",
            json!({ "changes": { "rules.germany.rollout": "50%" }, "actor": "dora", "reason": "It works." }),
        ),
        post(
            "/api/v1/flags/{name}/resume",
            "/api/v1/flags/new_checkout/resume",
            json!({ "actor": "dora", "reason": "Accepted." }),
        ),
        get("/api/v1/stats", "/api/v1/stats"),
        post(
            "/api/v1/stats/{method}",
            "/api/v1/stats/welch_t",
            json!({ "control": { "values": [1, 2, 3] }, "treatment": { "values": [2, 3, 4] } }),
        ),
    ]
}

#[tokio::test]
async fn every_route_of_the_document_answers() {
    let world = World::new().await.evaluated().await;
    let document = value(&world.answer("/api/v1/openapi.json").await);
    let calls = calls(&world).await;
    for (method, _, path, body) in &calls {
        let answer = match *method {
            "get" => world.answer(path).await,
            _ => world.post_json(path, body).await,
        };
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        assert_eq!(answer.kind, "application/json", "{path}");
        value(&answer);
    }
    let tried: BTreeSet<String> = calls.iter().map(|(m, t, _, _)| format!("{m} {t}")).collect();
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |m| format!("{m} {path}")))
        // One more path for each method, the same handler.
        .filter(|d| !d.starts_with("post /api/v1/stats/") || d.contains('{'))
        // Refused unless the server was started for tests; `mlflow/runs.rs` tries it.
        .filter(|d| d != "post /api/v1/testing/reset")
        .collect();
    assert_eq!(tried, described);
}

#[tokio::test]
async fn operations_have_names_of_their_own() {
    let document = steward_server::api::document();
    let paths = document["paths"].as_object().unwrap().values();
    let mut seen = BTreeSet::new();
    for operation in paths.flat_map(|methods| methods.as_object().unwrap().values()) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(seen.insert(id.to_string()), "{id} is there twice");
    }
    assert!(seen.len() > 30);
}

#[tokio::test]
async fn unknown_names_are_answered_with_the_nearest() {
    let world = World::new().await;
    for (path, near) in [
        ("/api/v1/definitions/metric/revenu", "revenue"),
        ("/api/v1/definitions/metrik/revenue", "metric"),
        ("/api/v1/lineage/dataset/ordrs", "orders"),
        ("/api/v1/datasets/ordrs/quality", "orders"),
        ("/api/v1/experiments/chekout/readout", "checkout"),
        ("/api/v1/objectives/gro", "grow"),
        ("/api/v1/reports/montly", "monthly"),
    ] {
        let detail = problem(&world.answer(path).await, 404);
        assert!(detail.contains(near), "{path}: {detail}");
    }
    for (path, body, near) in [
        ("/api/v1/query", json!({ "metrics": ["revenu"] }), "revenue"),
        ("/api/v1/run", json!({ "names": ["chekout"] }), "checkout"),
        ("/api/v1/stats/welsh_t", json!({}), "welch_t"),
        (
            "/api/v1/experiments/chekout/decisions",
            json!({ "choice": "stop", "reason": "No.", "actor": "ada" }),
            "checkout",
        ),
    ] {
        let detail = problem(&world.post_json(path, &body).await, 404);
        assert!(detail.contains(near), "{path}: {detail}");
    }
    let none = format!("/api/v1/evidence/{}", "ab".repeat(32));
    assert!(problem(&world.answer(&none).await, 404).contains("abab"));
    assert!(problem(&world.answer("/api/v1/nowhere").await, 404).contains("openapi.json"));
}

#[tokio::test]
async fn bad_parameters_are_named_with_what_was_expected() {
    let world = World::new().await;
    for (path, words) in [
        ("/api/v1/experiments/checkout/readout?as_of=yesterday", "as_of"),
        ("/api/v1/experiments/checkout/readout?asof=2025-01-01", "asof"),
        ("/api/v1/ledger/events?limit=0", "limit: 0"),
        ("/api/v1/ledger/events?limit=1001", "1 to 1000"),
        ("/api/v1/ledger/events?limit=many", "limit"),
        ("/api/v1/ledger/events?after=-1", "after"),
        ("/api/v1/ledger/events?after=18446744073709551615", "after"),
        ("/api/v1/decisions?last=0", "last: 0"),
        ("/api/v1/lineage/dataset/orders?as_of=2025-02-30", "2025-02-30"),
        ("/api/v1/ledger/verify?tail=1", "tail"),
    ] {
        let detail = problem(&world.answer(path).await, 400);
        assert!(detail.contains(words), "{path}: {detail}");
    }
    for (path, words) in [
        ("/api/v1/evidence/12", "8 to 64"),
        ("/api/v1/ledger/verify?head=12", "64 hex digits"),
        ("/api/v1/datasets/orders/quality?day=soon&time_column=ts", "soon"),
    ] {
        let detail = problem(&world.answer(path).await, 422);
        assert!(detail.contains(words), "{path}: {detail}");
    }
}

#[tokio::test]
async fn bodies_that_do_not_fit_are_refused_and_say_where() {
    let world = World::new().await;
    for (path, body, words) in [
        ("/api/v1/query", json!({ "metric": ["revenue"] }), "metric"),
        ("/api/v1/query", json!({ "metrics": [] }), "at least one"),
        (
            "/api/v1/query",
            json!({ "metrics": ["revenue"], "by": ["user__contry"] }),
            "user__country",
        ),
        ("/api/v1/sql", json!({ "sql": "SELECT nothing FROM orders" }), "nothing"),
        ("/api/v1/run", json!([]), "object"),
        (
            "/api/v1/experiments/checkout/decisions",
            json!({ "choice": "maybe", "reason": "?", "actor": "ada" }),
            "ship, stop",
        ),
        ("/api/v1/stats/welch_t", json!({ "control": 1 }), "$."),
    ] {
        let detail = problem(&world.post_json(path, &body).await, 422);
        assert!(detail.contains(words), "{path}: {detail}");
    }
    let send = async |path: &str, kind: &str, body: &'static [u8]| {
        let request = Request::post(path).header(header::CONTENT_TYPE, kind);
        let response = world.send(request.body(Body::from(body)).unwrap()).await;
        (
            response.status().as_u16(),
            response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_string(),
        )
    };
    for (path, kind, body, status) in [
        ("/api/v1/query", "application/json", &b"{\"metrics\":"[..], 400),
        ("/api/v1/query", "text/plain", b"{\"metrics\":[\"revenue\"]}", 415),
        ("/api/v1/stats/welch_t", "application/json", b"\xff", 400),
    ] {
        assert_eq!(
            send(path, kind, body).await,
            (status, "application/problem+json".into()),
            "{path}"
        );
    }
    assert_eq!(world.context.ledger.count().await.unwrap(), 0, "nothing was recorded");
}

#[tokio::test]
async fn a_method_that_an_address_does_not_take_is_refused_with_those_it_takes() {
    let world = World::new().await;
    let request = Request::delete("/api/v1/definitions").body(Body::empty()).unwrap();
    let response = world.send(request).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[header::ALLOW], "GET,HEAD");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
}

#[tokio::test]
async fn a_query_answers_in_the_form_asked_for() {
    let world = World::new().await;
    let june: i64 = include_str!("../project/data/orders.csv")
        .lines()
        .filter(|l| l.contains(",2025-06-"))
        .map(|l| l.split(',').nth(3).unwrap().parse::<i64>().unwrap())
        .sum();
    let ask = async |accept: &str, format: Value| {
        let body = json!({ "metrics": ["revenue"], "by": ["time:month"], "from": "2025-06-01", "to": "2025-06-30", "format": format });
        let request = Request::post("/api/v1/query").header(header::CONTENT_TYPE, "application/json");
        let request = request.header(header::ACCEPT, accept);
        let response = world.send(request.body(Body::from(body.to_string())).unwrap()).await;
        let kind = response
            .headers()
            .get(header::CONTENT_TYPE)
            .map(|v| v.to_str().unwrap().to_string());
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, kind.unwrap_or_default(), bytes)
    };
    let (_, kind, bytes) = ask("*/*", Value::Null).await;
    assert_eq!(kind, "application/json");
    assert!(String::from_utf8_lossy(&bytes).contains(&june.to_string()), "{june}");
    for (accept, format) in [("text/csv", Value::Null), ("*/*", json!("csv"))] {
        let (_, kind, bytes) = ask(accept, format).await;
        assert_eq!(kind, "text/csv");
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.trim_end().ends_with(&format!(",{june}")), "{june}: {text}");
    }
    let (_, kind, bytes) = ask("application/vnd.apache.arrow.stream", Value::Null).await;
    assert_eq!(kind, "application/vnd.apache.arrow.stream");
    let reader = arrow::ipc::reader::StreamReader::try_new(&bytes[..], None).unwrap();
    let rows: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(rows, 1);
    assert_eq!(ask("image/png", Value::Null).await.0, 406);
}

#[tokio::test]
async fn decisions_events_and_verification_tell_one_story() {
    let world = World::new().await.evaluated().await;
    let path = "/api/v1/experiments/checkout/decisions";
    let body = json!({ "choice": "ship", "variant": "treatment", "reason": "It works.", "actor": "dora" });
    let decision = value(&world.post_json(path, &body).await);
    assert_eq!(decision["actor"], "dora", "{decision}");
    let listed = value(&world.answer("/api/v1/decisions?subject=experiment/checkout").await);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed[0]["sequence"], decision["sequence"]);
    let cited = decision["evidence"][0]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{decision}"));
    let why = value(&world.answer(&format!("/api/v1/evidence/{cited}")).await);
    assert!(why.to_string().to_lowercase().contains("select"), "{why}");
    // Pages of one event each.
    let (mut after, mut found) = (0, Vec::new());
    loop {
        let page = value(
            &world
                .answer(&format!("/api/v1/ledger/events?limit=1&after={after}"))
                .await,
        );
        found.extend(
            page["events"]
                .as_array()
                .unwrap()
                .iter()
                .map(|e| e["sequence"].as_u64().unwrap()),
        );
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(found, [1, 2]);
    let verified = value(&world.answer("/api/v1/ledger/verify").await);
    assert_eq!(verified["events"], 2, "{verified}");
    let head = verified["head"].as_str().unwrap();
    let again = world.answer(&format!("/api/v1/ledger/verify?head={head}")).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    let other = world
        .answer(&format!("/api/v1/ledger/verify?head={}", "ab".repeat(32)))
        .await;
    problem(&other, 409);
}
