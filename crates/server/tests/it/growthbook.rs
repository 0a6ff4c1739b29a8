//! The protocol of the GrowthBook SDKs; the SDKs themselves ask in `tests/growthbook`.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use futures::StreamExt;
use serde_json::{Value, json};
use steward_capabilities::governance;

use crate::world::World;

const KEYS: &str = "sdk: [{key: sdk-web}, {key: sdk-app, remote: true}, {key: sdk-hidden, encryption: env:FLAG_KEY}]\n";

async fn shop() -> World {
    let world = World::changed(|name, text| match name {
        "steward.yaml" => text + KEYS,
        _ => text,
    });
    world.await
}

async fn applied() -> World {
    let world = shop().await;
    let done = steward_capabilities::governance::apply(&world.context, "ada", "opening", None).await;
    assert!(done.unwrap().changed);
    world
}

async fn json_of(world: &World, path: &str) -> Value {
    serde_json::from_str(&world.page(path).await).unwrap()
}

#[tokio::test]
async fn nothing_is_served_before_it_is_applied() {
    let answer = shop().await.answer("/api/features/sdk-web").await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text.contains("steward apply"), "{}", answer.text);
}

#[tokio::test]
async fn features_have_a_tag_and_are_not_sent_again() {
    let world = applied().await;
    let body = json_of(&world, "/api/features/sdk-web").await;
    assert_eq!(body["features"]["new_checkout"]["defaultValue"], false);
    assert_eq!(body["savedGroups"]["staff"], json!(["ada@larkspur.example"]));
    let ask = |tag: &str| {
        let request = Request::get("/api/features/sdk-web").header(header::IF_NONE_MATCH, tag);
        request
            .header(header::ORIGIN, "https://shop.example")
            .body(Body::empty())
            .unwrap()
    };
    let first = world.send(ask("W/\"other\"")).await;
    let tag = first.headers()[header::ETAG].to_str().unwrap().to_string();
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(first.headers()["x-sse-support"], "enabled");
    assert_eq!(first.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert_eq!(world.send(ask(&tag)).await.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn keys_open_what_they_are_for() {
    let world = applied().await;
    for (path, status) in [
        ("/api/features/sdk-none", StatusCode::NOT_FOUND),
        ("/sub/sdk-none", StatusCode::NOT_FOUND),
        ("/api/features/sdk-app", StatusCode::FORBIDDEN),
    ] {
        assert_eq!(world.answer(path).await.status, status, "{path}");
    }
    let hidden = json_of(&world, "/api/features/sdk-hidden").await;
    assert_eq!(hidden["features"], json!({}));
    assert!(hidden.get("savedGroups").is_none());
    let (iv, sealed) = hidden["encryptedFeatures"].as_str().unwrap().split_once('.').unwrap();
    assert!(iv.len() == 24 && sealed.len() > 100);
}

#[tokio::test]
async fn remote_evaluation_gives_values_and_keeps_the_rules() {
    let world = applied().await;
    let asked =
        json!({ "attributes": { "id": "u1", "email": "ada@larkspur.example" }, "forcedFeatures": [], "url": "" });
    let answer = world.post_json("/api/eval/sdk-app", &asked).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(!answer.text.contains("savedGroups") && !answer.text.contains("$inGroup"));
    let body: Value = serde_json::from_str(&answer.text).unwrap();
    let feature = &body["features"]["new_checkout"];
    // The unit is outside the holdout, or it would get the default.
    let held = feature["rules"][0]["tracks"][0]["result"]["key"] == "held_back";
    assert_eq!(feature["defaultValue"], !held);
    for (body, status) in [
        ("{".to_string(), 400),
        ("[]".to_string(), 400),
        (r#"{"attributes": 1}"#.to_string(), 400),
        (
            format!(r#"{{"attributes": {{"id": "{}"}}}}"#, "x".repeat(300 << 10)),
            413,
        ),
    ] {
        let request = Request::post("/api/eval/sdk-app").header(header::ORIGIN, "https://shop.example");
        let answer = world.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status().as_u16(), status);
    }
}

#[tokio::test]
async fn subscribers_are_told_at_once() {
    let world = applied().await;
    let request = Request::get("/sub/sdk-web").body(Body::empty()).unwrap();
    let response = world.send(request).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut body = response.into_body().into_data_stream();
    let first = String::from_utf8(body.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(first.starts_with("event: features\ndata: {"), "{first}");
}

#[tokio::test]
async fn remote_evaluation_keeps_units_in_the_variant_that_whoever_asks_has_kept() {
    let split = |weight: u32| {
        format!(
            "flag: colour\ndefault: none\nrules: [{{rule: r, key: colour, sticky: true, split: [{{name: a, value: a, weight: {weight}%}}, {{name: b, value: b, weight: {}%}}]}}]\n",
            100 - weight
        )
    };
    let world = World::changed(|name, text| match name {
        "steward.yaml" => text + KEYS,
        "flags/new_checkout.yaml" => format!("{text}---\n{}", split(100)),
        "holdouts/nothing_new.yaml" => text + "flags: [new_checkout]\n",
        _ => text,
    })
    .await;
    governance::apply(&world.context, "ada", "opening", None).await.unwrap();
    let ask = async |docs: Value| {
        let asked = json!({ "attributes": { "id": "u1" }, "stickyBucketAssignmentDocs": docs });
        let answer = world.post_json("/api/eval/sdk-app", &asked).await;
        (answer.status, serde_json::from_str::<Value>(&answer.text).unwrap())
    };
    let (_, first) = ask(json!({})).await;
    assert_eq!(first["features"]["colour"]["defaultValue"], "a");
    let docs = first["stickyBucketAssignmentDocs"].clone();
    assert_eq!(docs["id||u1"]["assignments"], json!({ "colour__0": "a" }));
    let (_, again) = ask(docs).await;
    assert_eq!(again["features"]["colour"]["defaultValue"], "a");
    assert_eq!(again["stickyBucketAssignmentDocs"], json!({}), "nothing has changed");
    // Kept in b, where the weights of today would put nobody.
    let kept =
        json!({ "id||u1": { "attributeName": "id", "attributeValue": "u1", "assignments": { "colour__0": "b" } } });
    let (_, other) = ask(kept).await;
    assert_eq!(other["features"]["colour"]["defaultValue"], "b");
    assert_eq!(ask(json!([1])).await.0, StatusCode::BAD_REQUEST);
}
