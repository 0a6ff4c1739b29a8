//! What the pages of data, reports, ledger and evidence say.

use std::sync::atomic::Ordering;

use steward_ledger::Filter;

use crate::world::{CLOCK, DAY, World, links, words};

/// The last column of the orders' amounts, in the rows that fit.
fn cents(fits: impl Fn(&str) -> bool) -> i64 {
    let text = include_str!("../project/data/orders.csv");
    let amounts = text
        .lines()
        .skip(1)
        .filter(|l| fits(l))
        .map(|l| l.split(',').nth(3).unwrap());
    amounts.map(|a| a.parse::<i64>().unwrap()).sum()
}

#[tokio::test]
async fn the_catalogue_says_owner_rows_and_state_of_every_dataset() {
    let world = World::new().await;
    let never = words(&world.page("/data").await);
    assert_eq!(never.matches("never checked").count(), 7, "{never}");
    assert!(
        never.contains("All 6") && never.contains("With open problems 0"),
        "{never}"
    );
    let world = world.evaluated().await;
    let text = words(&world.page("/data").await);
    assert_eq!(text.matches("kept").count(), 6, "{text}");
    // Orders: no count in a CSV's metadata, so the check's. The newest order is of 18:47 on the last day.
    assert!(text.contains("fresh the newest row is 5.2 h old 350 11 bela"), "{text}");
    assert!(text.contains("exposures kept 2025-06-20 why? none"), "{text}");
    assert!(text.contains("With open problems 0"), "{text}");
    let none = words(&world.page("/data?show=problems").await);
    assert!(none.contains("No dataset has an open problem."), "{none}");
}

#[tokio::test]
async fn a_dataset_that_was_never_checked_says_so_and_is_checked_by_its_button() {
    let world = World::new().await;
    let text = words(&world.page("/k/dataset/orders").await);
    assert!(text.contains("never checked Nobody has looked at it yet."), "{text}");
    assert!(text.contains("There is no report yet."), "{text}");
    assert!(text.contains("nothing was applied yet"), "{text}");
    let answer = world.post("/k/dataset/orders/check", "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.location.as_deref()),
        (303, Some("/k/dataset/orders#checks"))
    );
    let text = words(&world.page("/k/dataset/orders").await);
    assert!(text.contains("kept All 11 checks passed."), "{text}");
    assert!(text.contains("Rows 350"), "{text}");
    let unknown = world.post("/k/dataset/orderz/check", "").await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_datasets_page_shows_contract_columns_and_lineage_down_to_the_decision() {
    let world = World::new().await.evaluated().await;
    world.ship("It+works.").await;
    let page = world.page("/k/dataset/orders").await;
    let text = words(&page);
    for part in [
        "Contract shop-orders 1.2.0, active",
        "Rows lie in data/orders.csv (csv)",
        "Key order_id",
        "Promises freshness 48h",
        "In force yes, as the folder says",
        "Every column is there with its promised type.",
        "amount_cents integer required Int64 What was paid, in cents.",
        // Upstream users; downstream a model, three metrics, experiment, key result, initiative, bet, objective,
        // report and decision.
        "Stands on 1, carries 17",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let lineage = page.split("id=\"lineage\"").nth(1).unwrap();
    for address in [
        "/k/dataset/users",
        "/k/semantic_model/orders",
        "/k/metric/order_value",
        "/k/experiment/checkout",
        "/k/bet/checkout_lifts_orders",
        "/k/initiative/faster_checkout",
        "/k/report/monthly",
        "/ledger/2",
    ] {
        let count = links(lineage, "/").iter().filter(|l| *l == address).count();
        assert_eq!(count, 2, "{address} stands in the picture and in the table");
    }
    assert!(
        lineage.contains("href=\"/k/objective/grow#weekly_orders\""),
        "{lineage}"
    );
    let objective = world.page("/k/objective/grow").await;
    assert!(objective.contains("id=\"weekly_orders\""), "{objective}");
    // Of what carries it, users shows orders; of what it carries, nothing leads back to users' own model.
    assert!(!words(lineage).contains("semantic model users"), "{lineage}");
}

#[tokio::test]
async fn as_of_a_day_a_contract_is_judged_over_the_rows_of_before() {
    let world = World::new().await.evaluated().await;
    world.clock.store(CLOCK + DAY, Ordering::Relaxed);
    let earlier = world.page("/k/dataset/orders?as_of=2025-05-01").await;
    let earlier = words(&earlier);
    let before = include_str!("../project/data/orders.csv");
    let rows = before
        .lines()
        .skip(1)
        .filter(|l| l.split(',').nth(2).unwrap() < "2025-05-01")
        .count();
    assert!(earlier.contains(&format!("Rows {rows} ")), "{rows}: {earlier}");
    assert!(earlier.contains("Judged as of 2025-05-01 00:00 UTC"), "{earlier}");
    assert!(earlier.contains("It was not in force then"), "{earlier}");
    // Looking back is no news: the page of now still speaks of now.
    let now = words(&world.page("/k/dataset/orders").await);
    assert!(
        now.contains("Rows 350") && now.contains("Judged as of 2025-07-01 00:00 UTC"),
        "{now}"
    );
}

#[tokio::test]
async fn a_report_shows_its_pack_with_numbers_from_the_data() {
    let world = World::new().await.evaluated().await;
    let list = words(&world.page("/reports").await);
    assert!(
        list.contains("Monthly review built 2025-06-20 00:00 UTC why? 2025-07-01 00:00 UTC 6 ada"),
        "{list}"
    );
    let page = world.page("/k/report/monthly").await;
    let june = cents(|l| l.split(',').nth(2).unwrap().starts_with("2025-06-"));
    let text = words(&page);
    let whole = (june as f64 / 100.0).round() as i64;
    let printed = format!("{},{:03} EUR", whole / 1000, whole % 1000);
    assert!(
        text.contains(&format!("Revenue , June 2025 {printed}")),
        "{printed}: {text}"
    );
    assert!(
        text.contains("Built 2025-06-20 00:00 UTC") && text.contains("Data before 2025-07-01 00:00 UTC"),
        "{text}"
    );
    assert!(page.contains("href=\"/why/"), "{page}");
    let alone = world.answer("/k/report/monthly.html").await;
    assert!(
        alone.kind.starts_with("text/html") && words(&alone.text).contains(&printed),
        "{}",
        alone.text
    );
    assert!(!alone.text.contains("href=\"/"), "the document needs no server");
    let early = words(&world.page("/k/report/monthly?as_of=2025-03-01").await);
    assert!(early.contains("No pack speaks of that time"), "{early}");
}

#[tokio::test]
async fn a_report_that_cannot_be_built_says_where_and_why() {
    // The newest order is 5.2 h old: with an hour's patience the figure is stale.
    let world = World::changed(|name, text| match name {
        "reports/monthly.md" => text.replace("max_age: 72h", "max_age: 1h"),
        _ => text,
    })
    .await;
    let text = words(&world.page("/k/report/monthly").await);
    assert!(text.contains("not built"), "{text}");
    let source = include_str!("../project/reports/monthly.md");
    let line = source.lines().position(|l| l == "```metric").unwrap() + 1;
    assert!(text.contains(&format!("reports/monthly.md:{line}")), "{line}: {text}");
    let answer = world.post("/k/report/monthly/build", "").await;
    assert_eq!(answer.status, 422);
    assert!(
        words(&answer.text).contains(&format!("reports/monthly.md:{line}")),
        "{}",
        answer.text
    );
    let csv = world.page("/k/report/monthly.csv").await;
    assert!(
        csv.lines()
            .any(|l| l.starts_with("problem,") && l.contains("reports/monthly.md")),
        "{csv}"
    );
    let list = words(&world.page("/reports").await);
    assert!(list.contains("Monthly review not built never"), "{list}");
}

#[tokio::test]
async fn the_ledger_is_paged_newest_first_and_filtered() {
    let world = World::new().await;
    for n in 0..120_i64 {
        world.clock.store(CLOCK + n * DAY / 10, Ordering::Relaxed);
        let event = steward_ledger::NewEvent {
            kind: if n % 2 == 0 {
                "test.even".into()
            } else {
                "test.odd".into()
            },
            subject: "metric/revenue".into(),
            actor: if n < 60 { "ada".into() } else { "bela".into() },
            payload: serde_json::json!({ "n": n }),
            private: None,
        };
        world.context.ledger.append(vec![event]).await.unwrap();
    }
    let events = |page: &str| -> Vec<u64> {
        let body = page.split("<tbody").nth(1).unwrap_or("");
        let all = links(body, "/ledger").into_iter();
        all.filter_map(|l| l.strip_prefix("/ledger/")?.parse().ok()).collect()
    };
    let mut address = "/ledger".to_string();
    let mut seen = Vec::new();
    loop {
        let page = world.page(&address).await;
        seen.extend(events(&page));
        let Some(next) = page.split("<a href=\"").find(|p| p.contains("rel=\"next\"")) else {
            break;
        };
        address = next.split('"').next().unwrap().replace("&amp;", "&");
    }
    assert_eq!(seen, (1..=120).rev().collect::<Vec<u64>>());
    let odd_by_bela = events(&world.page("/ledger?kind=test.odd&actor=bela").await);
    assert_eq!(
        odd_by_bela,
        (61..=120).rev().filter(|n| n % 2 == 0).collect::<Vec<u64>>()
    );
    // Ten events a day from 20 June: the 22nd has the events 21 to 30.
    let day = events(&world.page("/ledger?from=2025-06-22&until=2025-06-22").await);
    assert_eq!(day, (21..=30).rev().collect::<Vec<u64>>());
    let about = events(&world.page("/ledger?subject=metric/other").await);
    assert!(about.is_empty());
    assert_eq!(world.answer("/ledger?before=x").await.status, 422);
}

#[tokio::test]
async fn an_event_stands_between_its_neighbours() {
    let world = World::new().await.evaluated().await;
    world.ship("It+works.").await;
    let events = world.context.ledger.read(&Filter::default()).await.unwrap();
    assert_eq!(events.len(), 2);
    let first = world.page("/ledger/1").await;
    let text = words(&first);
    assert!(
        text.contains(&format!(
            "{} added, 0 changed, 0 removed",
            world.context.project.definitions().len()
        )),
        "{text}"
    );
    assert!(text.contains("The chain begins here"), "{text}");
    assert!(first.contains(&events[0].hash) && first.contains(&events[1].hash));
    let second = words(&world.page("/ledger/2").await);
    for part in [
        "ship treatment by dora",
        "The verdict then: No difference shown.",
        "reason met",
        "The newest event",
        &events[0].hash,
        &events[1].hash,
    ] {
        assert!(second.contains(part), "{part}: {second}");
    }
    for missing in ["/ledger/0", "/ledger/3", "/ledger/x", "/ledger/18446744073709551615"] {
        assert_eq!(world.answer(missing).await.status, 404, "{missing}");
    }
    let json: serde_json::Value = serde_json::from_str(&world.page("/ledger/2.json").await).unwrap();
    assert_eq!(json["hash"], events[1].hash.as_str());
}

#[tokio::test]
async fn why_leads_from_a_number_to_sql_data_definition_and_decision() {
    let world = World::new().await.evaluated().await;
    world.ship("It+works.").await;
    let experiment = world.page("/k/experiment/checkout").await;
    let why = links(&experiment, "/")
        .into_iter()
        .find(|l| l.starts_with("/why/"))
        .unwrap();
    let page = world.page(&why).await;
    let text = words(&page);
    let project = &world.context.project;
    for part in [
        "current No difference shown.",
        "Seed 0",
        "Engine datafusion",
        "Program steward",
        "SELECT",
        "ship treatment by dora",
        "metrics/shop.yaml:",
        &project.experiments["checkout"].meta.digest[..12],
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let snapshot = world.context.engine.snapshot("orders").await.unwrap();
    assert!(page.contains(&snapshot.digest), "the data's digest stands on the page");
    assert!(
        links(&page, "/").contains(&"/k/report/monthly".to_string()),
        "the pack cites it"
    );
    assert_eq!(world.answer("/why/00000000").await.status, 404);
    assert_eq!(world.answer("/why/xyz").await.status, 422);
}

#[tokio::test]
async fn a_metrics_page_shows_the_last_whole_period_and_when_it_was_computed() {
    let world = World::new().await;
    let page = world.page("/k/metric/revenue?grain=month").await;
    let (may, june) = ("2025-05-", "2025-06-");
    let of = |month: &str| cents(|l| l.split(',').nth(2).unwrap().starts_with(month)) as f64;
    let change = (of(june) / of(may) - 1.0) * 100.0;
    let text = words(&page);
    let sign = if change > 0.0 { "+" } else { "−" };
    let digits = if change.abs() >= 10.0 { 1 } else { 2 };
    let printed = format!("{:.*}", digits, change.abs());
    let printed = printed.trim_end_matches('0').trim_end_matches('.');
    // June is over on the first of July: nothing is dotted.
    assert!(
        text.contains(&format!("{sign}{printed}% on the month before")),
        "{change}: {text}"
    );
    assert!(!text.contains("Dotted"), "{text}");
    assert!(text.contains("Computed 2025-06-20 00:00 UTC"), "{text}");
    let weeks = words(&world.page("/k/metric/revenue").await);
    assert!(weeks.contains("Dotted: the last week is not over."), "{weeks}");
    assert!(weeks.contains("week of 2025-06-23"), "{weeks}");
}

#[tokio::test]
async fn an_experiments_page_says_what_its_rule_says_and_compares_segments() {
    let world = World::new().await.evaluated().await;
    let text = words(&world.page("/k/experiment/checkout").await);
    let readout: serde_json::Value =
        serde_json::from_str(&world.answer("/k/experiment/checkout.json").await.text).unwrap();
    let decision = &readout["decision"];
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        decision["explanation"].as_str().unwrap(),
        decision["conditions"][0]["asks"].as_str().unwrap(),
        "What the rule says",
        "Cochran's Q",
    ] {
        assert!(text.contains(&plain(said)), "{said} in {text}");
    }
}

#[tokio::test]
async fn an_experiments_page_sets_its_plan_against_what_came() {
    let world = World::new().await.evaluated().await;
    let before = words(&world.page("/k/experiment/checkout").await);
    for said in [
        "Plan against actual",
        "not pre-registered",
        "Nothing departs from it.",
        "Compute it from what was known at its start",
        "Everything that was promised",
        "History of decisions",
        "Adjusted, raw and corrected",
        "counts on the last day alone",
    ] {
        assert!(before.contains(said), "{said} in {before}");
    }
    // Whoever looks at its power has its expectation on the page.
    let report = world.answer("/k/experiment/checkout/power.json").await;
    let report: serde_json::Value = serde_json::from_str(&report.text).unwrap();
    let text = words(&world.page("/k/experiment/checkout").await);
    if let Some(summary) = report["summary"].as_str() {
        assert!(text.contains(summary), "{summary} in {text}");
        assert!(text.contains("Units a day") && text.contains("Computed from what was known at its start"));
    }
    let body = serde_json::json!({ "choice": "redesign", "reason": "Too dear.", "actor": "dora" });
    let decided = world.post_json("/api/v1/experiments/checkout/decisions", &body).await;
    assert_eq!(decided.status, 200);
    let history = words(&world.page("/k/experiment/checkout").await);
    assert!(
        history.contains("redesign by dora") && history.contains("override: the rule said"),
        "{history}"
    );
}

#[tokio::test]
async fn the_power_page_draws_durations_and_keeps_its_state_in_the_address() {
    let world = World::new().await.evaluated().await;
    let address = "/k/experiment/gift_wrap/power?effect=10%25&method=group-sequential";
    let page = world.page(address).await;
    let text = words(&page);
    for said in [
        "Smallest lift found with 80% power, by duration",
        "two-sided group sequential",
        "Wanted: 10%, asked for",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
    assert!(
        page.contains("<svg") && page.contains("power.csv?effect=10%25&amp;method=group-sequential"),
        "{page}"
    );
    let csv = world.answer("/k/experiment/gift_wrap/power.csv?effect=10%25").await;
    assert!(csv.kind.starts_with("text/csv") && csv.text.starts_with("metric,role,days,units"));
    for (wrong, said) in [
        ("/k/experiment/gift_wrap/power?effect=much", "effect"),
        ("/k/experiment/gift_wrap/power?looks=x", "looks"),
        ("/k/experiment/gift_wrap/powr", "powr"),
        ("/k/experiment/gift_wrp/power", "gift_wrap"),
    ] {
        let answer = world.answer(wrong).await;
        assert!(
            answer.status.is_client_error() && answer.text.contains(said),
            "{wrong}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn the_programme_is_searched_by_its_address() {
    let world = World::new().await.evaluated().await;
    let text = words(&world.page("/programme").await);
    assert!(
        text.contains("1 experiments that ended") || text.contains("of 1 experiments"),
        "{text}"
    );
    assert!(
        text.contains("One-page checkout") && text.contains("Gift wrapping"),
        "{text}"
    );
    assert!(text.contains("Nothing is summed yet"), "{text}");
    let some = words(&world.page("/programme?search=gift&owner=cleo").await);
    let library = some.split("Library").last().unwrap();
    assert!(
        library.contains("Gift wrapping") && !library.contains("One-page checkout"),
        "{library}"
    );
    assert!(words(&world.page("/programme?outcome=better&search=gift").await).contains("No experiment fits."));
    let json = world.answer("/programme.json?search=gift").await;
    let json: serde_json::Value = serde_json::from_str(&json.text).unwrap();
    assert_eq!(json["experiments"].as_array().unwrap().len(), 1);
    assert_eq!(json["programme"]["ended"], 1);
    let csv = world.answer("/programme.csv?search=gift").await;
    assert!(
        csv.kind.starts_with("text/csv") && csv.text.lines().count() == 2,
        "{}",
        csv.text
    );
}
