//! Words that are markup stay words.

use crate::crawl::everything;
use crate::world::{World, words};

const SCRIPT: &str = "<script>alert(1)</script>";
const QUOTE: &str = "x\\\" onmouseover=\\\"alert(2)";

/// The shop whose texts try to be markup: titles, owners, meanings, tags, and a value in the data.
async fn hostile() -> World {
    World::changed(|name, text| match name {
        "data/users.csv" => text.replace(",NL", &format!(",{SCRIPT}")),
        "steward.yaml" => text.replace("label: Corner shop", &format!("label: \"{SCRIPT}\"")),
        "datasets/orders.yaml" => text
            .replace("username: bela", &format!("username: \"{SCRIPT}\""))
            .replace(
                "One row per order.",
                &format!("\"{SCRIPT} <img src=x onerror=alert(3)>\""),
            ),
        "reports/monthly.md" => text
            .replace("label: Monthly review", &format!("label: \"{SCRIPT}\""))
            .replace("Nothing in it is typed.", &format!("{SCRIPT} [a](javascript:alert(4))")),
        "metrics/shop.yaml" => text.replace("label: Revenue", &format!("label: \"{SCRIPT}{QUOTE}\"")),
        _ if name.ends_with(".yaml") => text
            .replace(
                "owner: cleo",
                &format!("owner: \"{SCRIPT}\"\ntags: [\"{SCRIPT}\", \"{QUOTE}\"]"),
            )
            .replace("label: One-page checkout", &format!("label: \"{SCRIPT}{QUOTE}\""))
            .replace(
                "hypothesis: A checkout",
                &format!("hypothesis: {SCRIPT}{QUOTE} A checkout"),
            ),
        _ => text,
    })
    .await
}

fn harmless(address: &str, page: &str) {
    let lower = page.to_lowercase();
    assert!(!lower.contains("<script>"), "{address} runs a script: {page}");
    assert!(!lower.contains("<img"), "{address} loads a picture");
    assert!(!lower.contains("href=\"javascript:"), "{address} links a script");
    assert!(
        !page.contains("\" onmouseover=\""),
        "{address} lets a text become an attribute: {page}"
    );
}

#[tokio::test]
async fn texts_of_definitions_data_and_decisions_stay_texts() {
    let world = hostile().await.evaluated().await;
    let form = "choice=ship&variant=treatment&actor=%3Cscript%3Ealert(1)%3C%2Fscript%3E&reason=%3Cscript%3Ealert(5)%3C%2Fscript%3E";
    assert_eq!(world.post("/k/experiment/checkout/decide", form).await.status, 303);
    let pages = everything(&world).await;
    let mut tried = 0;
    for (address, page) in &pages {
        if page.starts_with("<!DOCTYPE html>") {
            harmless(address, page);
            // The project's own name stands on every page.
            assert!(page.contains("&lt;script&gt;"), "{address} was not tried");
            tried += 1;
        }
    }
    assert!(tried > 35, "{tried} pages");
    let experiment = words(&pages["/k/experiment/checkout"]);
    assert!(experiment.contains("by <script>alert(1)</script>"), "{experiment}");
    assert!(experiment.contains("<script>alert(5)</script>"), "{experiment}");
    assert!(
        experiment.contains("<script>alert(1)</script> Orders 2"),
        "{experiment}"
    );
    let dataset = words(&pages["/k/dataset/orders"]);
    assert!(dataset.contains("Owner <script>alert(1)</script>"), "{dataset}");
}

#[tokio::test]
async fn what_is_typed_into_addresses_stays_text() {
    let world = World::new().await;
    let typed = "%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%20onmouseover%3D%22x";
    for address in [
        format!("/search?q={typed}"),
        format!("/ledger?kind={typed}&subject={typed}&actor={typed}"),
        format!("/ledger?from={typed}"),
        format!("/ledger/{typed}"),
        format!("/why/{typed}"),
        format!("/data?show={typed}"),
        format!("/k/dataset/{typed}"),
        format!("/k/dataset/orders?as_of={typed}"),
        format!("/k/metric/revenue?by={typed}&from={typed}&to={typed}&grain={typed}"),
        format!("/k/{typed}/{typed}"),
        format!("/{typed}"),
    ] {
        let answer = world.answer(&address).await;
        assert!(answer.status.as_u16() < 500, "{address}: {}", answer.text);
        harmless(&address, &answer.text);
    }
}
