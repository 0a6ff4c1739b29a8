//! Runs as MLflow's clients log and find them.

use serde_json::json;

use super::ask;
use crate::world::{World, words};

#[tokio::test]
async fn a_run_from_its_beginning_to_its_end() {
    let world = World::new().await;
    let (status, made) = ask(&world, "POST", "experiments/create", &json!({ "name": "churn" })).await;
    assert_eq!((status, &made["experiment_id"]), (200, &json!("1")));
    let start = json!({ "experiment_id": "1", "start_time": "100", "user_id": "ada", "run_name": "first",
                        "tags": [{ "key": "team", "value": "growth" }] });
    let (_, made) = ask(&world, "POST", "runs/create", &start).await;
    let info = &made["run"]["info"];
    let id = info["run_id"].as_str().unwrap().to_owned();
    assert_eq!(
        info["artifact_uri"],
        json!(format!("mlflow-artifacts:/1/{id}/artifacts"))
    );
    assert_eq!(
        (&info["status"], &info["lifecycle_stage"]),
        (&json!("RUNNING"), &json!("active"))
    );
    let batch = json!({ "run_id": id,
        "metrics": [{ "key": "auc", "value": 0.5, "timestamp": 1, "step": 1 },
                    { "key": "auc", "value": "NaN", "timestamp": "2", "step": "2" }],
        "params": [{ "key": "depth", "value": "3" }], "tags": [{ "key": "note", "value": "x" }] });
    assert_eq!(ask(&world, "POST", "runs/log-batch", &batch).await, (200, json!({})));
    let metric = json!({ "run_id": id, "key": "auc", "value": "0.75", "timestamp": 3, "step": 3 });
    assert_eq!(ask(&world, "POST", "runs/log-metric", &metric).await.0, 200);
    let end = json!({ "run_id": id, "status": "FINISHED", "end_time": 200 });
    let (_, ended) = ask(&world, "POST", "runs/update", &end).await;
    assert_eq!(ended["run_info"]["end_time"], json!(200));
    let (_, run) = ask(&world, "GET", &format!("runs/get?run_id={id}"), &json!({})).await;
    let data = &run["run"]["data"];
    assert_eq!(
        data["metrics"],
        json!([{ "key": "auc", "value": 0.75, "timestamp": 3, "step": 3 }])
    );
    assert_eq!(data["params"], json!([{ "key": "depth", "value": "3" }]));
    let (_, history) = ask(
        &world,
        "GET",
        &format!("metrics/get-history?run_id={id}&metric_key=auc&max_results=2"),
        &json!({}),
    )
    .await;
    let values: Vec<_> = history["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["value"].clone())
        .collect();
    assert_eq!(values, [json!(0.5), json!("NaN")]);
    let token = history["next_page_token"].as_str().unwrap();
    let next = format!("metrics/get-history?run_id={id}&metric_key=auc&max_results=2&page_token={token}");
    assert_eq!(
        ask(&world, "GET", &next, &json!({})).await.1["metrics"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    for path in ["/api/2.0/mlflow/runs/search", "/ajax-api/2.0/mlflow/runs/search"] {
        let search = json!({ "experiment_ids": ["1"], "filter": "metrics.auc > 0.7 and params.depth = '3' and tags.team = 'growth'",
                             "order_by": ["metrics.auc DESC"] });
        let (_, found) = ask(&world, "POST", path, &search).await;
        assert_eq!(found["runs"][0]["info"]["run_id"], json!(id), "{found}");
    }
}

#[tokio::test]
async fn a_curve_says_which_of_its_points_are_no_number() {
    let world = World::new().await;
    let (_, made) = ask(
        &world,
        "POST",
        "runs/create",
        &json!({ "start_time": 0, "run_name": "odd" }),
    )
    .await;
    let id = made["run"]["info"]["run_id"].as_str().unwrap().to_owned();
    for (step, some, none) in [
        (1, json!(0.5), "NaN"),
        (2, json!("NaN"), "NaN"),
        (3, json!(0.25), "NaN"),
    ] {
        let metrics = json!([{ "key": "some", "value": some, "timestamp": 1, "step": step },
                             { "key": "none", "value": none, "timestamp": 1, "step": step }]);
        ask(
            &world,
            "POST",
            "runs/log-batch",
            &json!({ "run_id": id, "metrics": metrics }),
        )
        .await;
    }
    let page = words(&world.page(&format!("/runs/{id}")).await);
    assert!(page.contains("started 1970-01-01 00:00 UTC"), "{page}");
    assert!(
        page.contains("between 0.25 and 0.5; 1 of 3 points are no number and left out"),
        "{page}"
    );
    assert!(page.contains("None of its 3 points is a number"), "{page}");
}

#[tokio::test]
async fn what_makes_no_sense_is_said_in_mlflows_words() {
    let world = World::new().await;
    let (_, made) = ask(&world, "POST", "runs/create", &json!({ "start_time": 1 })).await;
    let id = made["run"]["info"]["run_id"].as_str().unwrap().to_owned();
    let metrics = |n: usize| {
        (0..n)
            .map(|i| json!({ "key": format!("m{i}"), "value": 1, "timestamp": 1 }))
            .collect::<Vec<_>>()
    };
    let log = |key: &str| json!({ "run_id": id, "key": key, "value": "1", "timestamp": 1 });
    for (path, document, code, says) in [
        (
            "runs/log-metric",
            json!({ "key": "a" }),
            "INVALID_PARAMETER_VALUE",
            "Missing value for required parameter 'run_id'",
        ),
        (
            "runs/log-metric",
            log("../a"),
            "INVALID_PARAMETER_VALUE",
            "This name would resolve to '../a'",
        ),
        (
            "runs/log-metric",
            log("a\u{0}b"),
            "INVALID_PARAMETER_VALUE",
            "Names may only contain alphanumerics",
        ),
        (
            "runs/log-metric",
            log(&"k".repeat(251)),
            "INVALID_PARAMETER_VALUE",
            "'Metric name' exceeds the maximum length of 250",
        ),
        (
            "runs/log-metric",
            json!({ "run_id": id, "key": "a", "value": "one", "timestamp": 1 }),
            "INVALID_PARAMETER_VALUE",
            "Invalid value \"one\" for parameter 'value' supplied",
        ),
        (
            "runs/log-metric",
            json!({ "run_id": id, "key": "a", "value": 1, "timestamp": 1, "step": 9.3e18 }),
            "INVALID_PARAMETER_VALUE",
            "for parameter 'step' supplied",
        ),
        (
            "runs/log-metric",
            json!({ "run_id": id, "key": "a", "value": 1, "timestamp": -1 }),
            "INVALID_PARAMETER_VALUE",
            "Timestamp must be a nonnegative long",
        ),
        (
            "runs/log-batch",
            json!({ "run_id": id, "metrics": metrics(1001) }),
            "INVALID_PARAMETER_VALUE",
            "can contain at most 1000 metrics",
        ),
        (
            "runs/log-batch",
            json!({ "run_id": id, "metrics": [{ "key": "a", "value": 1 }] }),
            "INVALID_PARAMETER_VALUE",
            "Missing value for required parameter 'metrics[0].timestamp'",
        ),
        (
            "runs/log-batch",
            json!({ "run_id": id, "params": [{ "key": "a", "value": "1" }, { "key": "a", "value": "2" }] }),
            "INVALID_PARAMETER_VALUE",
            "Duplicate parameter keys have been submitted: ['a']",
        ),
        (
            "runs/update",
            json!({ "run_id": id, "status": "NEARLY" }),
            "INVALID_PARAMETER_VALUE",
            "for parameter 'status' supplied",
        ),
        (
            "runs/search",
            json!({ "experiment_ids": ["0"], "filter": "metrix.a > 1" }),
            "INVALID_PARAMETER_VALUE",
            "did you mean 'metric'?",
        ),
        (
            "runs/search",
            json!({ "experiment_ids": ["x"] }),
            "INVALID_PARAMETER_VALUE",
            "must be a valid integer",
        ),
        (
            "runs/search",
            json!({ "experiment_ids": "0" }),
            "INVALID_PARAMETER_VALUE",
            "Hint: Value was of type 'str'",
        ),
        (
            "runs/search",
            json!({ "experiment_ids": ["0"], "page_token": "%" }),
            "INVALID_PARAMETER_VALUE",
            "could not base64-decode",
        ),
        (
            "runs/search",
            json!({ "experiment_ids": ["0"], "max_results": 50001 }),
            "INVALID_PARAMETER_VALUE",
            "at most 50000",
        ),
        (
            "runs/log-metric",
            json!({ "run_id": "none", "key": "a", "value": 1, "timestamp": 1 }),
            "RESOURCE_DOES_NOT_EXIST",
            "Run with id=none not found",
        ),
        (
            "experiments/create",
            json!({ "name": "Default" }),
            "RESOURCE_ALREADY_EXISTS",
            "already exists",
        ),
        (
            "experiments/create",
            json!({ "name": "a", "artifact_location": "s3://b/%2E%2e/c" }),
            "INVALID_PARAMETER_VALUE",
            "must not lead back",
        ),
        (
            "experiments/create",
            json!({ "name": true }),
            "INVALID_PARAMETER_VALUE",
            "Invalid value true for parameter 'name' supplied:  Hint: Value was of type 'bool'.",
        ),
        (
            "experiments/delete",
            json!({ "experiment_id": "7" }),
            "RESOURCE_DOES_NOT_EXIST",
            "No Experiment with id=7 exists",
        ),
    ] {
        let (status, error) = ask(&world, "POST", path, &document).await;
        assert_eq!(error["error_code"], json!(code), "{path} {document}: {error}");
        assert_eq!(status, if code == "RESOURCE_DOES_NOT_EXIST" { 404 } else { 400 });
        assert!(error["message"].as_str().unwrap().contains(says), "{path}: {error}");
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    use axum::body::Body;
    use axum::http::{Request, header};
    let world = World::new().await;
    let deep = "[".repeat(100_000);
    for (kind, body, says) in [
        (Some("application/json"), "{not json", "the body is no JSON"),
        (Some("application/json"), deep.as_str(), "the body is no JSON"),
        (Some("application/json"), "[1]", "must be a JSON object"),
        (Some("text/plain"), "{}", "Content-Type must be one of"),
        (None, "{}", "Content-Type header is missing"),
    ] {
        let request = Request::post("/api/2.0/mlflow/runs/search");
        let request = match kind {
            Some(kind) => request.header(header::CONTENT_TYPE, kind),
            None => request,
        };
        let answer = world.ask(request.body(Body::from(body.to_owned())).unwrap()).await;
        assert_eq!(answer.status, 400, "{body:.20}");
        assert!(answer.text.contains(says), "{}", answer.text);
    }
    // Clients of old send their JSON as a JSON string; names may be in camelCase.
    let twice = json!(json!({ "experimentIds": ["0"] }).to_string());
    assert_eq!(ask(&world, "POST", "runs/search", &twice).await, (200, json!({})));
    let both = json!({ "experiment_ids": ["0"], "experimentIds": ["0"] });
    assert_eq!(ask(&world, "POST", "runs/search", &both).await.0, 400);
}

#[tokio::test]
async fn a_server_keeps_what_it_has_unless_a_test_may_empty_it() {
    let world = World::new().await;
    assert_eq!(world.post_json("/api/v1/testing/reset", &json!({})).await.status, 403);
}
