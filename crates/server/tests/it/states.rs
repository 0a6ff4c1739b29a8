//! Pages in the states that a project can be in.

use std::sync::atomic::Ordering;

use crate::crawl::everything;
use crate::world::{CLOCK, DAY, World, words};

/// The shop with three orders in a state that the contract does not know.
async fn failing() -> World {
    World::changed(|name, text| match name {
        "data/orders.csv" => text.replacen(",returned", ",lost", 3),
        _ => text,
    })
    .await
    .evaluated()
    .await
}

#[tokio::test]
async fn a_failing_check_is_told_everywhere_it_matters() {
    let world = failing().await;
    let home = words(&world.page("/").await);
    assert!(
        home.contains("urgent Mend orders status.invalid: 3 of 350 rows (promised: exactly 0 invalid values). bela"),
        "{home}"
    );
    let list = words(&world.page("/data?show=problems").await);
    assert!(list.contains("With open problems 1"), "{list}");
    assert!(
        list.contains("orders broken") && list.contains("status.invalid: 3 of 350 rows"),
        "{list}"
    );
    assert!(!list.contains("exposures"), "{list}");
    let page = words(&world.page("/k/dataset/orders").await);
    assert!(
        page.contains("status.invalid failed") && page.contains("0 of 1"),
        "{page}"
    );
    let csv = world.page("/k/dataset/orders.csv").await;
    assert!(
        csv.lines()
            .any(|l| l.starts_with("check,status.invalid,") && l.contains(",failed,")),
        "{csv}"
    );
    everything(&world).await;
}

#[tokio::test]
async fn looking_back_is_no_news() {
    let world = failing().await;
    world.clock.store(CLOCK + DAY, Ordering::Relaxed);
    // Before the first of the three, the contract was kept.
    let orders = include_str!("../project/data/orders.csv");
    let first = orders.lines().find(|l| l.ends_with(",returned")).unwrap();
    let day = &first.split(',').nth(2).unwrap()[..10];
    let then = words(&world.page(&format!("/k/dataset/orders?as_of={day}")).await);
    assert!(then.contains("kept All 11 checks passed."), "{day}: {then}");
    world.page("/k/experiment/checkout?as_of=2025-05-20").await;
    world.page("/k/objective/grow?as_of=2025-05-20").await;
    let home = words(&world.page("/").await);
    assert!(home.contains("urgent Mend orders"), "{home}");
    let list = words(&world.page("/data").await);
    assert!(list.contains("With open problems 1"), "{list}");
}

#[tokio::test]
async fn a_renamed_column_is_a_schema_change() {
    let world = World::changed(|name, text| match name {
        "data/orders.csv" => text.replacen("amount_cents", "amount_cent", 1),
        _ => text,
    })
    .await;
    world.post("/k/dataset/orders/check", "").await;
    let page = words(&world.page("/k/dataset/orders").await);
    assert!(
        page.contains("differs column amount_cents (integer) is missing; it was probably renamed to amount_cent"),
        "{page}"
    );
    assert!(page.contains("When it changed 2025-06-20 00:00 UTC"), "{page}");
}

#[tokio::test]
async fn a_decision_shows_where_it_was_taken_and_from_its_day_on() {
    let world = World::new().await.evaluated().await;
    world.clock.store(CLOCK + 2 * DAY, Ordering::Relaxed);
    let answer = world.ship("More+orders%2C+and+nobody+complained.").await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(answer.location.as_deref(), Some("/k/experiment/checkout#decision"));
    let said = "ship treatment by dora, 2025-06-22 00:00 UTC More orders, and nobody complained.";
    for address in ["/", "/k/experiment/checkout", "/ledger/2"] {
        let page = words(&world.page(address).await);
        assert!(page.contains(said), "{address}: {page}");
    }
    let before = words(&world.page("/k/experiment/checkout?as_of=2025-06-21").await);
    assert!(before.contains("No decision yet."), "{before}");
    let after = words(&world.page("/k/experiment/checkout?as_of=2025-06-23").await);
    assert!(after.contains("ship treatment by dora"), "{after}");
    let lineage = world.page("/k/metric/orders").await;
    assert!(
        lineage.contains("href=\"/ledger/2\""),
        "the decision stands in the lineage"
    );
    let then = world.page("/k/metric/orders?as_of=2025-06-21").await;
    assert!(!then.contains("href=\"/ledger/2\""), "it was not taken yet");
}

#[tokio::test]
async fn a_refused_decision_keeps_what_was_typed() {
    let world = World::new().await.evaluated().await;
    let form = "choice=ship&variant=treatment&actor=&reason=Because+I+can";
    let answer = world.post("/k/experiment/checkout/decide", form).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text.contains(">Because I can</textarea>"), "{}", answer.text);
    assert!(answer.text.contains("role=\"alert\""), "{}", answer.text);
    assert_eq!(world.context.ledger.count().await.unwrap(), 1);
}

#[tokio::test]
async fn what_was_erased_is_on_no_page() {
    let world = World::new().await.evaluated().await;
    world.ship("Customer+Zebulon+asked+for+it.").await;
    let before = everything(&world).await;
    assert!(before.values().any(|p| p.contains("Zebulon")));
    world.context.ledger.erase(2, "ada", "a customer's name").await.unwrap();
    let pages = everything(&world).await;
    for (address, page) in &pages {
        assert!(!page.contains("Zebulon"), "{address} still names the customer");
    }
    let event = words(&pages["/ledger/2"]);
    assert!(
        event.contains("erased The private payload was erased. By ada"),
        "{event}"
    );
    assert!(event.contains("The reason was erased."), "{event}");
    let list = words(&pages["/ledger"]);
    assert!(list.contains("decision.made erased"), "{list}");
}

#[tokio::test]
async fn a_verification_is_recorded_with_who_when_and_how_many() {
    let world = World::new().await.evaluated().await;
    world.ship("It+works.").await;
    let head = world.context.ledger.head().await.unwrap().unwrap().1;
    let before = words(&world.page("/ledger").await);
    assert!(before.contains("Last verified never from here"), "{before}");
    let answer = world.post("/ledger/verify", "actor=ada&head=").await;
    assert_eq!(
        (answer.status.as_u16(), answer.location.as_deref()),
        (303, Some("/ledger#verification"))
    );
    let page = words(&world.page("/ledger").await);
    let said = format!(
        "holds by ada, 2025-06-20 00:00 UTC : 2 events, 0 erased, head {}",
        &head[..12]
    );
    assert!(page.contains(&said), "{said}: {page}");
    // The saved head is still in the chain; another never was.
    assert_eq!(
        world
            .post("/ledger/verify", &format!("actor=ada&head={head}"))
            .await
            .status,
        303
    );
    let other = world
        .post("/ledger/verify", &format!("actor=ada&head={}", "ab".repeat(32)))
        .await;
    assert_eq!(other.status, 409);
    assert!(other.text.contains("role=\"alert\""), "{}", other.text);
    assert_eq!(world.post("/ledger/verify", "actor=+&head=").await.status, 422);
    assert_eq!(world.context.ledger.count().await.unwrap(), 4);
}

#[tokio::test]
async fn another_sites_form_changes_nothing() {
    use axum::http::StatusCode;
    let world = World::new().await;
    let answer = world
        .post_from("https://evil.example", "/ledger/verify", "actor=ada")
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(world.context.ledger.count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_plan_is_shown_and_applied_as_one_decision() {
    let world = World::new().await;
    let home = world.page("/").await;
    assert!(
        home.contains("<a href=\"/plan\">Apply the folder's definitions</a>"),
        "{home}"
    );
    let plan = words(&world.page("/plan").await);
    let added = format!("{} added, 0 changed", world.context.project.definitions().len());
    assert!(
        plan.contains("Nothing has been applied yet.") && plan.contains(&added),
        "{plan}"
    );
    let refused = world.post("/plan", "actor=&message=opening").await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains(">opening</textarea>"), "{}", refused.text);
    let answer = world.post("/plan", "actor=ada&message=opening").await;
    assert_eq!(
        (answer.status.as_u16(), answer.location.as_deref()),
        (303, Some("/ledger/1"))
    );
    let plan = words(&world.page("/plan").await);
    assert!(
        plan.contains("applied by ada") && plan.contains("The folder says what is in force."),
        "{plan}"
    );
    assert_eq!(world.context.ledger.count().await.unwrap(), 1);
}

#[tokio::test]
async fn definitions_with_errors_are_shown_and_not_applied() {
    let world = World::changed(|name, text| match name {
        "metrics/shop.yaml" => text.replace("measure: paid", "measure: paidd"),
        _ => text,
    })
    .await;
    let plan = words(&world.page("/plan").await);
    assert!(
        plan.contains("cannot be applied") && plan.contains("metrics/shop.yaml:"),
        "{plan}"
    );
    let home = words(&world.page("/").await);
    assert!(
        home.contains("Problems") && home.contains("did you mean `paid`?"),
        "{home}"
    );
    assert_eq!(world.post("/plan", "actor=ada&message=x").await.status, 422);
    assert_eq!(world.context.ledger.count().await.unwrap(), 0);
    everything(&world).await;
}
