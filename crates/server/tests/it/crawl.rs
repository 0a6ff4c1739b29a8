//! Nothing is dead: every link leads to something.

use std::collections::BTreeMap;

use crate::world::{World, links, words};

/// Every page that can be reached from home, by address.
pub async fn everything(world: &World) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut open = vec![("/".to_string(), "the start".to_string())];
    while let Some((address, from)) = open.pop() {
        if found.contains_key(&address) {
            continue;
        }
        let answer = world.answer(&address).await;
        assert_eq!(answer.status, 200, "{address}, linked on {from}: {}", answer.text);
        assert!(!answer.text.trim().is_empty(), "{address}, linked on {from}, is empty");
        if answer.kind.starts_with("text/html") {
            let (_, content) = answer
                .text
                .split_once("<main")
                .unwrap_or_else(|| panic!("{address} has no content"));
            assert!(words(content).len() > 20, "{address} says nothing: {content}");
            for link in links(&answer.text, &address) {
                open.push((link, address.clone()));
            }
        }
        found.insert(address, answer.text);
    }
    found
}

fn reached(pages: &BTreeMap<String, String>, world: &World) {
    for section in [
        "/objectives",
        "/portfolio",
        "/value",
        "/metrics",
        "/experiments",
        "/programme",
        "/programme.csv",
        "/k/experiment/checkout/power",
        "/data",
        "/flags",
        "/money",
        "/team",
        "/reports",
        "/ledger",
    ] {
        assert!(pages.contains_key(section), "{section} is not reached");
    }
    for definition in world.context.project.definitions() {
        for twin in ["", ".json", ".csv"] {
            let address = format!("/k/{definition}{twin}");
            assert!(pages.contains_key(&address), "{address} is not reached");
        }
    }
}

#[tokio::test]
async fn every_link_leads_somewhere_before_anything_was_evaluated() {
    let world = World::new().await;
    let pages = everything(&world).await;
    reached(&pages, &world);
}

#[tokio::test]
async fn every_link_leads_somewhere_when_all_was_evaluated_and_decided() {
    let world = World::new().await.evaluated().await;
    assert_eq!(world.ship("It+works.").await.status, 303);
    let pages = everything(&world).await;
    reached(&pages, &world);
    assert!(pages.keys().filter(|a| a.starts_with("/why/")).count() > 8);
    assert!(pages.contains_key("/ledger/1") && pages.contains_key("/ledger/2"));
}
