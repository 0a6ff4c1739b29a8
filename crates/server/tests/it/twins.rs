//! Every definition's page has its JSON and CSV, as of any moment, and knows what was probably meant.

use steward_definitions::Kind;

use crate::world::World;

/// Cells of a line of CSV.
fn cells(line: &str) -> usize {
    let mut count = 1;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

#[tokio::test]
async fn every_kind_has_twins_now_and_then() {
    let world = World::new().await.evaluated().await;
    for definition in world.context.project.definitions() {
        for asked in [
            "",
            "?as_of=2025-06-01",
            "?as_of=2025-06-01T12:00:00Z",
            "?as_of=",
            "?as_of=2031-01-01",
        ] {
            let page = world.page(&format!("/k/{definition}{asked}")).await;
            let twin = format!("/k/{definition}.csv");
            assert!(page.contains(&twin), "{definition} links its CSV");
            let json = world.answer(&format!("/k/{definition}.json{asked}")).await;
            assert_eq!(json.status, 200, "{definition}{asked}: {}", json.text);
            assert!(json.kind.starts_with("application/json"), "{definition}: {}", json.kind);
            let value: serde_json::Value = serde_json::from_str(&json.text).unwrap();
            assert!(
                value.as_object().is_some_and(|o| !o.is_empty()),
                "{definition}: {}",
                json.text
            );
            let csv = world.answer(&format!("/k/{definition}.csv{asked}")).await;
            assert_eq!(csv.status, 200, "{definition}{asked}: {}", csv.text);
            assert!(csv.kind.starts_with("text/csv"), "{definition}: {}", csv.kind);
            // No text of the shop holds a line feed.
            let width = cells(csv.text.lines().next().unwrap());
            assert!(
                width > 1 && csv.text.lines().all(|l| cells(l) == width),
                "{definition}{asked}: {}",
                csv.text
            );
        }
        let bad = world.answer(&format!("/k/{definition}?as_of=yesterday-ish")).await;
        assert_eq!(bad.status, 422, "{definition}");
    }
}

#[tokio::test]
async fn twins_carry_the_pages_state() {
    let world = World::new().await;
    let page = world
        .page("/k/metric/revenue?grain=month&from=2025-02-01&as_of=2025-05-01")
        .await;
    let twin = "/k/metric/revenue.csv?grain=month&from=2025-02-01&as_of=2025-05-01";
    assert!(page.contains(&twin.replace('&', "&amp;")), "{page}");
    let csv = world.page(twin).await;
    let months: Vec<&str> = csv.lines().skip(1).map(|l| &l[..7]).collect();
    assert_eq!(months, ["2025-02", "2025-03", "2025-04"]);
    let april: i64 = include_str!("../project/data/orders.csv")
        .lines()
        .filter(|l| l.contains(",2025-04-"))
        .map(|l| l.split(',').nth(3).unwrap().parse::<i64>().unwrap())
        .sum();
    assert!(
        csv.lines().last().unwrap().ends_with(&format!(",{april}")),
        "{april}: {csv}"
    );
}

#[tokio::test]
async fn an_unknown_name_is_answered_with_the_nearest() {
    let world = World::new().await;
    let near = |kind: Kind| match kind {
        Kind::Dataset => ("ordes", "orders"),
        Kind::SemanticModel => ("order", "orders"),
        Kind::Metric => ("revenu", "revenue"),
        Kind::Experiment => ("chekout", "checkout"),
        Kind::Objective => ("gro", "grow"),
        Kind::Initiative => ("fast_checkout", "faster_checkout"),
        Kind::Bet => ("checkout_lift_orders", "checkout_lifts_orders"),
        Kind::Report => ("montly", "monthly"),
        Kind::Segment => ("stff", "staff"),
        Kind::Layer => ("pge", "page"),
        Kind::Flag => ("new_chekout", "new_checkout"),
        Kind::Holdout => ("nothing_nw", "nothing_new"),
        Kind::Bill => ("clowd", "cloud"),
        Kind::Budget => ("cloud_202", "cloud_2025"),
        Kind::Contract => ("nimbu", "nimbus"),
        Kind::Team => ("scienc", "science"),
        Kind::Question => ("late_order", "late_orders"),
        Kind::Bandit => ("checkout_pge", "checkout_page"),
    };
    for kind in Kind::ALL {
        let (typed, meant) = near(kind);
        let answer = world.answer(&format!("/k/{kind}/{typed}")).await;
        assert_eq!(answer.status, 404, "{kind}");
        let link = format!("Did you mean <a href=\"/k/{kind}/{meant}\">{meant}</a>?");
        assert!(answer.text.contains(&link), "{kind}: {}", answer.text);
        let json = world.answer(&format!("/k/{kind}/{typed}.json")).await;
        assert_eq!(
            (json.status.as_u16(), json.kind.as_str()),
            (404, "application/problem+json"),
            "{kind}"
        );
        let problem: serde_json::Value = serde_json::from_str(&json.text).unwrap();
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains(&format!("did you mean {meant:?}")),
            "{problem}"
        );
        assert_eq!(world.answer(&format!("/k/{kind}/qqqqqqqqqq")).await.status, 404);
    }
    let nowhere = world.answer("/nowhere").await;
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.text.contains("href=\"/data\""), "a way on: {}", nowhere.text);
}
