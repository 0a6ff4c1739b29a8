//! Flags are changed from a page or by a program: planned, then applied with a person's decision.

use axum::http::StatusCode;
use serde_json::{Value, json};
use steward_capabilities::governance::{self, Choice, Hold};

use crate::world::{World, words};

async fn applied() -> World {
    let world = World::new().await;
    let done = governance::apply(&world.context, "ada", "opening", None).await;
    assert!(done.unwrap().changed);
    world
}

fn text(world: &World) -> String {
    std::fs::read_to_string(world.context.folder.join("flags/new_checkout.yaml")).unwrap()
}

async fn value_for(world: &World, attributes: &Value) -> Value {
    let body = json!({ "attributes": attributes });
    let answer = world.post_json("/api/v1/flags/new_checkout/eval", &body).await;
    serde_json::from_str::<Value>(&answer.text).unwrap()["value"].clone()
}

#[tokio::test]
async fn a_change_is_planned_then_applied_and_served_at_once() {
    let world = applied().await;
    let before = text(&world);
    let staff = json!({ "id": "u1", "email": "ada@larkspur.example" });
    assert_eq!(value_for(&world, &staff).await, true);
    let changes = json!({ "changes": { "enabled": false, "rules.germany.rollout": "75%" } });
    let planned = world.post_json("/api/v1/flags/new_checkout/plan", &changes).await;
    assert_eq!(planned.status, StatusCode::OK, "{}", planned.text);
    let planned: Value = serde_json::from_str(&planned.text).unwrap();
    assert_eq!(text(&world), before, "a plan changes nothing");
    assert_eq!(planned["effects"][0]["what"], "it is switched off: everyone gets false");
    // Of Germany half is in the layer's slice; 50 points more of those are in.
    let grown = &planned["effects"][1];
    assert_eq!((&grown["rule"], &grown["share"]), (&json!("germany"), &json!(0.25)));
    let base = planned["base"].as_str().unwrap();

    let mut body = changes.clone();
    body["actor"] = "dora".into();
    body["reason"] = "Payments fail.".into();
    body["base"] = "0".repeat(64).into();
    let stale = world.post_json("/api/v1/flags/new_checkout/apply", &body).await;
    assert_eq!(stale.status, StatusCode::FORBIDDEN, "{}", stale.text);
    body["base"] = base.into();
    let done = world.post_json("/api/v1/flags/new_checkout/apply", &body).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let after = before.replace("rollout: 25%", "rollout: 75%") + "enabled: false\n";
    assert_eq!(text(&world), after);
    assert_eq!(value_for(&world, &staff).await, false);
    let shown: Value = serde_json::from_str(&world.page("/api/v1/flags/new_checkout").await).unwrap();
    assert_eq!(shown["changed"]["actor"], "dora");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_changes_nothing() {
    let world = applied().await;
    let before = text(&world);
    for (name, changes, status, says) in [
        (
            "new_checkot",
            json!({ "enabled": false }),
            404,
            r#"did you mean \"new_checkout\""#,
        ),
        (
            "new_checkout",
            json!({ "rules.german.rollout": 1 }),
            422,
            "there is staff, germany",
        ),
        (
            "new_checkout",
            json!({ "rules.germany.rollout": "150%" }),
            422,
            "a share from 0 to 1",
        ),
        (
            "new_checkout",
            json!({ "rules.germany.segments": ["nobody"] }),
            422,
            "nobody",
        ),
        ("new_checkout", json!({ "flag": "other" }), 422, "no longer defines"),
        ("new_checkout", json!({}), 422, "nothing is to be changed"),
    ] {
        for door in ["plan", "apply"] {
            let mut body = json!({ "changes": changes });
            if door == "apply" {
                body["actor"] = "dora".into();
                body["reason"] = "x".into();
            }
            let answer = world.post_json(&format!("/api/v1/flags/{name}/{door}"), &body).await;
            assert_eq!(answer.status.as_u16(), status, "{changes} {door}: {}", answer.text);
            assert!(answer.text.contains(says), "{changes}: {}", answer.text);
        }
    }
    let unreasoned = json!({ "changes": { "enabled": false }, "actor": "dora", "reason": " " });
    let answer = world.post_json("/api/v1/flags/new_checkout/apply", &unreasoned).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(text(&world), before);
}

#[tokio::test]
async fn a_rollout_that_was_stopped_is_resumed() {
    let world = World::new().await.evaluated().await;
    let evidence = world
        .context
        .ledger
        .evidence_about("experiment/checkout", None)
        .await
        .unwrap();
    let hold = Hold {
        rule: "germany".into(),
        coverage: Some(0.0),
        experiment: "checkout".into(),
        ..Hold::default()
    };
    let ledger = &world.context.ledger;
    let stopped = governance::hold(
        ledger,
        "new_checkout",
        Choice::RollBack,
        hold.clone(),
        "it harms",
        &evidence[0],
    )
    .await;
    assert!(stopped.unwrap().is_some());
    let again = governance::hold(ledger, "new_checkout", Choice::RollBack, hold, "it harms", &evidence[0]).await;
    assert_eq!(again.unwrap(), None);
    let page = words(&world.page("/k/flag/new_checkout").await);
    assert!(
        page.contains("stopped at 0% by policy/guarded_by") && page.contains("Let germany go on"),
        "{page}"
    );
    let form = "rule=germany&actor=dora&reason=";
    let refused = world.post("/k/flag/new_checkout/resume", form).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    let resume = json!({ "actor": "dora", "reason": "Accepted." });
    let done = world.post_json("/api/v1/flags/new_checkout/resume", &resume).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let done = world.post_json("/api/v1/flags/new_checkout/resume", &resume).await;
    assert_eq!(done.status, StatusCode::FORBIDDEN, "{}", done.text);
}

#[tokio::test]
async fn the_page_says_what_is_live_and_why_a_unit_gets_it() {
    let world = World::new().await;
    let before = words(&world.page("/k/flag/new_checkout").await);
    assert!(before.contains("not live Nothing is served of it"), "{before}");
    assert!(words(&world.page("/flags").await).contains("Not in force"));
    let world = applied().await;
    let page = words(&world.page("/k/flag/new_checkout").await);
    for says in [
        "Changed by ada , 2025-06-20 00:00 UTC : opening",
        // A quarter of the layer's half.
        "germany on 12.5%",
        "the 5% held back by nothing_new : false",
        "germany : true for 25% by id when {\"country\":\"DE\"} in page from 0 to 0.5",
        "it should have been gone after 2025-06-01",
    ] {
        assert!(page.contains(says), "{says}: {page}");
    }
    let staff = "/k/flag/new_checkout?unit=u1&attributes=%7B%22email%22%3A%22ada%40larkspur.example%22%7D";
    let page = words(&world.page(staff).await);
    assert!(
        page.contains("true (on) TARGETING_MATCH by staff") && page.contains("holdout/nothing_new"),
        "{page}"
    );
    let wrong = words(&world.page("/k/flag/new_checkout?attributes=%7B").await);
    assert!(wrong.contains("the attributes are no JSON"), "{wrong}");
    let list = words(&world.page("/flags").await);
    assert!(
        list.contains("Flags that should be gone New checkout : it should have been gone"),
        "{list}"
    );
    let past = words(&world.page("/k/flag/new_checkout?as_of=2025-06-01").await);
    assert!(past.contains("not live"), "{past}");
}

#[tokio::test]
async fn a_change_from_the_page_is_shown_before_it_is_made() {
    let world = applied().await;
    let before = text(&world);
    let address = "/k/flag/new_checkout/change?rules.staff.rollout=100%25&rules.germany.rollout=75%25&more=enabled%3Dfalse%0Alabel%3D";
    let page = world.page(address).await;
    let told = words(&page);
    for says in [
        "it is switched off",
        "25% of its units",
        "- label: New checkout",
        "rollout: 75%",
    ] {
        assert!(told.contains(says), "{says}: {told}");
    }
    let base = page
        .split("name=\"base\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let form = |actor: &str, base: &str| {
        format!(
            "changes=rules.germany.rollout%3D75%25%0Aenabled%3Dfalse%0A&base={base}&actor={actor}&reason=Payments+fail."
        )
    };
    let apply = "/k/flag/new_checkout/apply";
    let foreign = world
        .post_from("https://evil.example", apply, &form("dora", base))
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let stale = world.post(apply, &form("dora", "0")).await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(words(&stale.text).contains("was changed since this was planned") && stale.text.contains("Payments fail."));
    let nobody = world.post(apply, &form("", base)).await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", nobody.text);
    assert_eq!(text(&world), before);
    let done = world.post(apply, &form("dora", base)).await;
    assert_eq!(done.location.as_deref(), Some("/k/flag/new_checkout"));
    assert_eq!(
        text(&world),
        before.replace("rollout: 25%", "rollout: 75%") + "enabled: false\n"
    );
    let page = words(&world.page("/k/flag/new_checkout").await);
    assert!(
        page.contains("switched off") && page.contains("Changed by dora"),
        "{page}"
    );
    let wrong = world.answer("/k/flag/new_checkout/change?more=rules.x.value%3D1").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}
