//! Registered models, versions, aliases and webhooks.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use steward_ledger::Filter;

use super::{ask, read};
use crate::world::{World, words};

async fn made(world: &World, name: &str, versions: u64) {
    let (status, model) = ask(world, "POST", "registered-models/create", &json!({ "name": name })).await;
    assert_eq!(status, 200, "{model}");
    for _ in 0..versions {
        let new = json!({ "name": name, "source": "s3://bucket/model" });
        let (status, version) = ask(world, "POST", "model-versions/create", &new).await;
        assert_eq!(status, 200, "{version}");
    }
}

#[tokio::test]
async fn models_and_versions_are_registered_changed_and_deleted() {
    let world = World::new().await;
    let new = json!({ "name": "churn", "description": "who leaves", "tags": [{ "key": "team", "value": "crm" }] });
    let (_, created) = ask(&world, "POST", "registered-models/create", &new).await;
    assert_eq!(created["registered_model"]["tags"], new["tags"]);
    let (status, error) = ask(&world, "POST", "registered-models/create", &new).await;
    assert_eq!((status, &error["error_code"]), (400, &json!("RESOURCE_ALREADY_EXISTS")));
    assert_eq!(error["message"], "Registered Model (name=churn) already exists.");
    for number in ["1", "2"] {
        let new = json!({ "name": "churn", "source": "s3://bucket/model", "tags": [{ "key": "a", "value": "b" }] });
        let (_, version) = ask(&world, "POST", "model-versions/create", &new).await;
        assert_eq!(version["model_version"]["version"], number);
        assert_eq!(version["model_version"]["status"], "READY");
    }
    let staged = json!({ "name": "churn", "version": "1", "stage": "production" });
    let (_, version) = ask(&world, "POST", "model-versions/transition-stage", &staged).await;
    assert_eq!(version["model_version"]["current_stage"], "Production");
    let archiving =
        json!({ "name": "churn", "version": "2", "stage": "Production", "archive_existing_versions": true });
    ask(&world, "POST", "model-versions/transition-stage", &archiving).await;
    let (_, first) = ask(&world, "GET", "model-versions/get?name=churn&version=1", &json!({})).await;
    assert_eq!(first["model_version"]["current_stage"], "Archived");
    let (_, latest) = ask(
        &world,
        "GET",
        "registered-models/get-latest-versions?name=churn&stages=Production",
        &json!({}),
    )
    .await;
    assert_eq!(latest["model_versions"][0]["version"], "2");
    let (_, renamed) = ask(
        &world,
        "POST",
        "registered-models/rename",
        &json!({ "name": "churn", "new_name": "leavers" }),
    )
    .await;
    assert_eq!(renamed["registered_model"]["name"], "leavers");
    let (status, _) = ask(&world, "GET", "registered-models/get?name=churn", &json!({})).await;
    assert_eq!(status, 404);
    ask(
        &world,
        "DELETE",
        "model-versions/delete",
        &json!({ "name": "leavers", "version": "2" }),
    )
    .await;
    let (status, error) = ask(&world, "GET", "model-versions/get?name=leavers&version=2", &json!({})).await;
    assert_eq!(
        (status, &error["message"]),
        (404, &json!("Model Version (name=leavers, version=2) not found"))
    );
    let (_, third) = ask(
        &world,
        "POST",
        "model-versions/create",
        &json!({ "name": "leavers", "source": "s3://b/m" }),
    )
    .await;
    assert_eq!(third["model_version"]["version"], "3", "a number is given once");
    ask(
        &world,
        "DELETE",
        "registered-models/delete",
        &json!({ "name": "leavers" }),
    )
    .await;
    let (status, _) = ask(&world, "GET", "registered-models/get?name=leavers", &json!({})).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn every_change_is_an_event_with_its_author_and_what_changes_nothing_is_none() {
    let world = World::new().await;
    made(&world, "churn", 1).await;
    // `ada:secret`
    let request = |body: Value| {
        Request::post("/api/2.0/mlflow/registered-models/alias")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, "Basic YWRhOnNlY3JldA==")
            .body(Body::from(body.to_string()))
            .unwrap()
    };
    for _ in 0..2 {
        let body = json!({ "name": "churn", "alias": "champion", "version": "1" });
        assert_eq!(read(world.ask(request(body)).await).0, 200);
    }
    let filter = Filter {
        kind: Some("registry.".into()),
        ..Filter::default()
    };
    let events = world.context.ledger.read(&filter).await.unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|e| (e.kind.as_str(), e.subject.as_str(), e.actor.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("registry.model_created", "model/churn", "anonymous"),
            ("registry.version_created", "model/churn", "anonymous"),
            ("registry.alias_set", "model/churn", "ada"),
        ]
    );
    let (_, version) = ask(
        &world,
        "GET",
        "registered-models/alias?name=churn&alias=champion",
        &json!({}),
    )
    .await;
    assert_eq!(version["model_version"]["aliases"], json!(["champion"]));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_mlflows_words() {
    let world = World::new().await;
    made(&world, "churn", 1).await;
    let long = "x".repeat(256);
    for (method, path, body, status, message) in [
        (
            "POST",
            "registered-models/create",
            json!({}),
            400,
            "Missing value for required parameter 'name'.",
        ),
        (
            "POST",
            "registered-models/create",
            json!({ "name": "a/b" }),
            400,
            "Names cannot contain '/' or ':'.",
        ),
        (
            "POST",
            "registered-models/create",
            json!({ "name": 3 }),
            400,
            "Invalid value 3 for parameter 'name' supplied",
        ),
        (
            "POST",
            "registered-models/alias",
            json!({ "name": "churn", "alias": "latest", "version": "1" }),
            400,
            "reserved",
        ),
        (
            "POST",
            "registered-models/alias",
            json!({ "name": "churn", "alias": "v7", "version": "1" }),
            400,
            "reserved",
        ),
        (
            "POST",
            "registered-models/alias",
            json!({ "name": "churn", "alias": "a b", "version": "1" }),
            400,
            "Invalid alias name",
        ),
        (
            "POST",
            "registered-models/alias",
            json!({ "name": "churn", "alias": long, "version": "1" }),
            400,
            "maximum length of 255",
        ),
        (
            "POST",
            "registered-models/alias",
            json!({ "name": "churn", "alias": "a", "version": "9" }),
            404,
            "not found",
        ),
        (
            "POST",
            "model-versions/create",
            json!({ "name": "churn", "source": "/etc/passwd" }),
            400,
            "local path",
        ),
        (
            "POST",
            "model-versions/create",
            json!({ "name": "churn", "source": "s3://b/../x" }),
            400,
            "absolute path",
        ),
        (
            "POST",
            "model-versions/create",
            json!({ "name": "no", "source": "s3://b/x" }),
            404,
            "name=no",
        ),
        (
            "GET",
            "model-versions/get?name=churn&version=one",
            json!({}),
            400,
            "must be an integer, got 'one'",
        ),
        (
            "POST",
            "model-versions/transition-stage",
            json!({ "name": "churn", "version": "1", "stage": "Live" }),
            400,
            "Invalid Model Version stage: Live",
        ),
        (
            "POST",
            "webhooks",
            json!({ "name": "w", "url": "ftp://a", "events": [] }),
            400,
            "Invalid webhook URL scheme",
        ),
        (
            "POST",
            "webhooks",
            json!({ "name": "w", "url": "https://127.0.0.1/x", "events": [{ "entity": "MODEL_VERSION", "action": "CREATED" }] }),
            400,
            "non-public",
        ),
        (
            "POST",
            "webhooks",
            json!({ "name": "w", "url": "https://example.com", "events": [{ "entity": "MODEL_VERSION", "action": "EATEN" }] }),
            400,
            "Invalid action",
        ),
    ] {
        let (got, error) = ask(&world, method, path, &body).await;
        assert_eq!(got, status, "{path} {body}: {error}");
        assert!(
            error["message"].as_str().unwrap().contains(message),
            "{path} {body}: {error}"
        );
    }
}

#[tokio::test]
async fn secrets_of_webhooks_are_kept_encrypted_and_never_shown() {
    let world = World::new().await;
    let new = json!({
        "name": "w", "url": "https://example.com/hook", "secret": "hush-hush",
        "events": [{ "entity": "MODEL_VERSION", "action": "CREATED" }],
    });
    let (status, created) = ask(&world, "POST", "webhooks", &new).await;
    assert_eq!(status, 200, "{created}");
    let id = created["webhook"]["webhook_id"].as_str().unwrap();
    let (_, listed) = ask(&world, "GET", "webhooks", &json!({})).await;
    assert_eq!(listed["webhooks"][0]["status"], "ACTIVE");
    let events = world.context.ledger.read(&Filter::default()).await.unwrap();
    let text = serde_json::to_string(&events).unwrap();
    assert!(
        !text.contains("hush-hush") && !listed.to_string().contains("hush"),
        "{text}"
    );
    ask(&world, "DELETE", &format!("webhooks/{id}"), &json!({})).await;
    let (status, _) = ask(&world, "GET", &format!("webhooks/{id}"), &json!({})).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn what_is_protected_moves_once_the_page_behind_the_link_has_the_approvals() {
    let protect = |name: &str, text: String| match name {
        "steward.yaml" => format!("{text}\nprotected: [{{policy: champions, aliases: [champion], approvals: 2}}]\n"),
        _ => text,
    };
    let world = World::changed(protect).await;
    steward_capabilities::governance::apply(&world.context, "ada", "protected", None)
        .await
        .unwrap();
    made(&world, "churn", 1).await;
    let alias = json!({ "name": "churn", "alias": "champion", "version": "1" });
    let (status, error) = ask(&world, "POST", "registered-models/alias", &alias).await;
    assert_eq!(
        (status, &error["error_code"]),
        (403, &json!("PERMISSION_DENIED")),
        "{error}"
    );
    let message = error["message"].as_str().unwrap();
    let id = message
        .split("/approvals/")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    let path = format!("/approvals/{id}");
    assert!(words(&world.page(&path).await).contains("Move alias champion of churn waiting"));
    let nobody = world.post(&path, "choice=approve&actor=&comment=").await;
    assert_eq!(nobody.status, 422, "{}", nobody.text);
    for person in ["ada", "dora"] {
        let answer = world
            .post(&path, &format!("choice=approve&actor={person}&comment=fine"))
            .await;
        assert_eq!(answer.location.as_deref(), Some(path.as_str()), "{}", answer.text);
    }
    assert!(words(&world.page("/approvals").await).contains("2 of 2 granted"));
    assert_eq!(ask(&world, "POST", "registered-models/alias", &alias).await.0, 200);
    let page = words(&world.page("/k/model/churn").await);
    assert!(
        page.contains("champion none 1 anonymous approval of ada, dora"),
        "{page}"
    );
    assert!(words(&world.page("/models").await).contains("churn 1 champion → 1"));
    let page = words(&world.page("/k/model/churn/1").await);
    assert!(
        page.contains("churn version 1 champion") && page.contains("Model card"),
        "{page}"
    );
    let document: Value = serde_json::from_str(&world.page("/k/model/churn.json").await).unwrap();
    assert_eq!(document["aliases"]["champion"], 1);
    assert_eq!(world.answer("/k/model/none").await.status, 404);
    assert_eq!(world.answer("/k/model/churn/9").await.status, 404);
    assert_eq!(world.answer("/approvals/none").await.status, 404);
}
