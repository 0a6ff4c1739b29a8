//! Bills: kept once, allocated to the cent; budgets; contracts; their calendar.

use std::path::{Path, PathBuf};

use steward_capabilities::Context;
use steward_capabilities::finance::{self, Advice, Figure, Rule, Standing};
use steward_definitions::{Project, Source};

use crate::shop::*;

const HEAD: &str = "BillingAccountId,BillingCurrency,BillingPeriodStart,ChargePeriodStart,ChargeCategory,ChargeClass,ProviderName,ServiceName,SubAccountName,ResourceId,ResourceName,Tags,BilledCost,EffectiveCost,x_extra,FutureColumn";

const BILL: &str = "bill: cloud\nmodel_tags: [model]\nmodels:\n  - {model: a, also: [alpha], team: one}\n  - {model: b, team: two}\n  - {model: c}\n\
    meters: [{dataset: meter, resource: resource, time: day, user: user, usage: usage}]\n\
    keys:\n  - {column: SubAccountName, value: shared, shares: [{model: a, weight: 1}, {model: b, weight: 1}, {model: c, weight: 1}]}\n";

const CONTRACTS: &str = "contract: nimbus\nsupplier: Nimbus\nstart: 2020-08-01\nterm_months: 36\nrenewal_months: 12\nnotice_months: 3\nannual_cost: 1000\ncommitment: 100\nbill: cloud\n\
    ---\ncontract: labels\nlabel: \"Labels; annotation, of tickets with a very long name that does not fit into one line of the feed äöü\"\nsupplier: Papyrus\nstart: 2025-03-01\nterm_months: 12\nannual_cost: 500\n\
    ablation: {dataset: ablation, with: with, without: without, units_per_year: 100, value: 10}\n";

fn contract(name: &str, file: &str, columns: &str) -> Source {
    Source {
        path: format!("datasets/{name}.yaml"),
        text: format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: {name}\nname: {name}\nversion: 1.0.0\nstatus: active\nservers: [{{server: p, type: local, path: data/{file}, format: csv}}]\nschema:\n  - name: {name}\n    properties: [{columns}]\n"
        ),
    }
}

fn project(bill: &str) -> Project {
    let source = |path: &str, text: &str| Source {
        path: path.into(),
        text: text.into(),
    };
    let column = |name: &str, kind: &str| format!("{{name: {name}, logicalType: {kind}}}");
    let columns = [
        column("resource", "string"),
        column("day", "date"),
        column("user", "string"),
        column("usage", "integer"),
    ]
    .join(", ");
    let pair = [column("with", "number"), column("without", "number")].join(", ");
    let sources = [
        source("steward.yaml", "project: money\nowner: ada\ncurrency: EUR\n"),
        source("bills/cloud.yaml", bill),
        source(
            "budgets/all.yaml",
            "budget: year\nbill: cloud\namount: 100\nperiod: 2026\n",
        ),
        source("contracts/all.yaml", CONTRACTS),
        contract("meter", "meter.csv", &columns),
        contract("ablation", "ablation.csv", &pair),
    ];
    let (project, problems) = Project::parse(&sources);
    assert!(problems.is_empty(), "{problems:?}");
    project
}

/// A project with nothing imported yet.
async fn open(bill: &str) -> Ground {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    let meter = "resource,day,user,usage\nr-9,2025-10-01,a,50\nr-9,2025-10-01,b,30\nr-9,2025-10-01,nobody,20\n";
    std::fs::write(folder.path().join("data/meter.csv"), meter).unwrap();
    let mut pairs = String::from("with,without\n");
    for n in 0..50 {
        pairs.push_str(&format!("{},{}\n", 2.0 + f64::from(n % 5) * 0.1, 1.0));
    }
    std::fs::write(folder.path().join("data/ablation.csv"), pairs).unwrap();
    let mut project = project(bill);
    // Nothing lies there before the first import.
    let bills = project.datasets.remove("steward_bills").unwrap();
    let ground = Ground::over(folder, project.clone()).await;
    project.datasets.insert("steward_bills".into(), bills);
    let now_us = "2026-01-01T00:00:00Z"
        .parse::<jiff::Timestamp>()
        .unwrap()
        .as_microsecond();
    let context = Context {
        now_us,
        ..ground.with(project)
    };
    Ground { context, ..ground }
}

fn row(day: &str, resource: &str, account: &str, tags: &str, cost: &str) -> String {
    row_of("acc", "EUR", day, "Usage", resource, account, tags, cost)
}

#[allow(clippy::too_many_arguments)]
fn row_of(
    id: &str,
    currency: &str,
    day: &str,
    category: &str,
    resource: &str,
    account: &str,
    tags: &str,
    cost: &str,
) -> String {
    let month = format!("{}-01T00:00:00Z", &day[..7]);
    let tags = if tags.is_empty() {
        String::new()
    } else {
        format!("\"{}\"", tags.replace('"', "\"\""))
    };
    format!(
        "{id},{currency},{month},{day}T00:00:00Z,{category},,Nimbus,Compute,{account},{resource},{resource},{tags},{cost},{cost},9,new"
    )
}

fn write(context: &Context, name: &str, rows: &[String]) -> PathBuf {
    let path = context.folder.join(name);
    std::fs::write(&path, format!("{HEAD}\n{}\n", rows.join("\n"))).unwrap();
    path
}

async fn import(context: &Context, path: &Path) -> finance::ImportReport {
    let report = finance::import(context, &[path.to_owned()], "ada").await.unwrap();
    let failed = context.register().await;
    assert!(failed.is_empty(), "{failed:?}");
    report
}

fn october() -> Vec<String> {
    vec![
        row("2025-10-01", "r-1", "", r#"{"model":"alpha"}"#, "10.004"),
        row("2025-10-01", "r-2", "", r#"{"model":"unheard"}"#, "5.001"),
        row("2025-10-01", "r-9", "shared", "", "7.00"),
        row("2025-10-02", "r-9", "shared", "", "1.00"),
        row("2025-10-03", "r-3", "", "", "0.333"),
        row_of("acc", "EUR", "2025-10-31", "Credit", "", "", "", "-3.00"),
    ]
}

#[tokio::test]
async fn each_rule_finds_who_bears_a_charge_and_nothing_is_lost() {
    let ground = open(BILL).await;
    let context = &ground.context;
    import(context, &write(context, "october.csv", &october())).await;
    let found = finance::allocation(context, "cloud").await.unwrap();
    let cost = |model: Option<&str>, rule: Rule| -> i64 {
        let mine = found
            .lines
            .iter()
            .filter(|l| l.model.as_deref() == model && l.rule == rule);
        mine.map(|l| l.effective_minor).sum()
    };
    // 20.338 is 20.34 whole; parts of an invoice are rounded together.
    assert_eq!((found.effective_minor, found.charges), (2_034, 6));
    // The cent that rounding leaves goes to the largest remainder: 10.004.
    assert_eq!(cost(Some("a"), Rule::Tag), 1_001);
    // 50, 30 and 20 of 100: a fifth was used by someone whom the bill does not name.
    assert_eq!((cost(Some("a"), Rule::Meter), cost(Some("b"), Rule::Meter)), (350, 210));
    // A day without readings falls to the key; its cent goes to the first.
    assert_eq!(
        (
            cost(Some("a"), Rule::Key),
            cost(Some("b"), Rule::Key),
            cost(Some("c"), Rule::Key)
        ),
        (34, 33, 33)
    );
    assert_eq!(found.unallocated_minor, cost(None, Rule::Unallocated));
    let sum: i64 = found.lines.iter().map(|l| l.effective_minor).sum();
    assert_eq!(sum, found.effective_minor);
    assert_eq!(found.unknown_words[0].0, "model: unheard");
    assert!(!found.evidence.is_empty());
}

#[tokio::test]
async fn any_bill_adds_up_to_the_cent() {
    let ground = open(BILL).await;
    let context = &ground.context;
    for round in 0..12u64 {
        let mut rows = Vec::new();
        let mut exact = 0i128;
        for n in 0..60u64 {
            let u = |k: u64| uniform(500 + k, round * 1_000 + n);
            // Ten-billionths, a tenth of them negative.
            let units = ((u(1) * 9e11) as i128) * if u(2) < 0.1 { -1 } else { 1 };
            exact += units;
            let tags = match (u(3) * 4.0) as u64 {
                0 => r#"{"model":"a"}"#,
                1 => r#"{"model":"b"}"#,
                _ => "",
            };
            let resource = if u(4) < 0.3 { "r-9" } else { "r-1" };
            let account = if u(5) < 0.3 { "shared" } else { "" };
            let sign = if units < 0 { "-" } else { "" };
            let cost = format!(
                "{sign}{}.{:010}",
                units.abs() / 10_000_000_000,
                units.abs() % 10_000_000_000
            );
            rows.push(row("2025-10-01", resource, account, tags, &cost));
        }
        import(context, &write(context, "any.csv", &rows)).await;
        let found = finance::allocation(context, "cloud").await.unwrap();
        let cents = (exact as f64 / 1e8).round() as i64;
        assert_eq!(found.effective_minor, cents, "round {round}");
        let allocated: i64 = found
            .lines
            .iter()
            .filter(|l| l.model.is_some())
            .map(|l| l.effective_minor)
            .sum();
        assert_eq!(
            allocated + found.unallocated_minor,
            found.effective_minor,
            "round {round}"
        );
        let billed: i64 = found.lines.iter().map(|l| l.billed_minor).sum();
        assert_eq!(billed, found.billed_minor, "round {round}");
    }
}

#[tokio::test]
async fn a_delivery_is_kept_once_and_a_restated_month_takes_its_place() {
    let ground = open(BILL).await;
    let context = &ground.context;
    let mut rows = october();
    rows.push(rows[0].clone());
    let first = import(context, &write(context, "october.csv", &rows)).await;
    assert_eq!((first.rows, first.duplicates), (7, 1));
    assert_eq!(first.duplicate_cost["EUR"], "10.004");
    assert_eq!(first.unknown_columns, ["FutureColumn"]);
    assert_eq!((first.periods.len(), first.periods[0].standing), (1, Standing::New));
    assert_eq!(first.periods[0].effective, "20.338");
    assert!(first.event.is_some());
    // Again, in another order and under another name: nothing changes, nothing is recorded.
    rows.reverse();
    let again = import(context, &write(context, "copy.csv", &rows)).await;
    assert_eq!((again.periods[0].standing, again.event), (Standing::Same, None));
    let before = finance::allocation(context, "cloud").await.unwrap().effective_minor;
    // A late correction of October, and a November that was not there.
    rows.push(row("2025-10-09", "r-1", "", r#"{"model":"a"}"#, "100.00"));
    rows.push(row("2025-11-01", "r-1", "", r#"{"model":"a"}"#, "1.00"));
    let late = import(context, &write(context, "late.csv", &rows)).await;
    let standings: Vec<Standing> = late.periods.iter().map(|p| p.standing).collect();
    assert_eq!(standings, [Standing::Restated, Standing::New]);
    assert_eq!(late.periods[0].effective_before.as_deref(), Some("20.338"));
    let after = finance::allocation(context, "cloud").await.unwrap().effective_minor;
    assert_eq!(after, before + 10_100);
    let kept = std::fs::read_dir(context.folder.join(".steward/facts/bills-delivered"))
        .unwrap()
        .count();
    assert_eq!(kept, 3, "each delivered file is kept as it came");
}

#[tokio::test]
async fn what_a_bill_must_not_hold_is_refused_with_its_place() {
    let ground = open(BILL).await;
    let context = &ground.context;
    let refused = async |name: &str, rows: &[String]| {
        let path = write(context, name, rows);
        finance::import(context, &[path], "ada").await.unwrap_err().to_string()
    };
    let dollars = row_of("acc", "USD", "2025-10-01", "Usage", "r-1", "", "", "1.00");
    let error = refused("usd.csv", &[row("2025-10-01", "r-1", "", "", "1"), dollars.clone()]).await;
    assert!(
        error.contains("row 2") && error.contains("USD") && error.contains("rates:"),
        "{error}"
    );
    let error = refused("cost.csv", &[row("2025-10-01", "r-1", "", "", "1,2")]).await;
    assert!(error.contains("cost.csv"), "{error}");
    let error = refused("amount.csv", &[row("2025-10-01", "r-1", "", "", "abc")]).await;
    assert!(
        error.contains("BilledCost") && error.contains("\"abc\"") && error.contains("row 1"),
        "{error}"
    );
    let error = refused("day.csv", &[row("2025-13-01", "r-1", "", "", "1")]).await;
    assert!(
        error.contains("BillingPeriodStart") && error.contains("row 1"),
        "{error}"
    );
    let error = refused("none.csv", &[row("2025-10-01", "r-1", "", "", "")]).await;
    assert!(error.contains("row 1: BilledCost is empty"), "{error}");
    std::fs::write(context.folder.join("other.csv"), "a,b\n1,2\n").unwrap();
    let error = finance::import(context, &[context.folder.join("other.csv")], "ada")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("is it a FOCUS export?"), "{error}");
    std::fs::write(context.folder.join("empty.csv"), "").unwrap();
    let error = finance::import(context, &[context.folder.join("empty.csv")], "ada")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("0 bytes"), "{error}");
    assert!(
        !context.folder.join(".steward/facts/bills/_files").exists(),
        "nothing was kept"
    );
    // A cost below 0 that is no credit is kept and told.
    let report = import(
        context,
        &write(context, "below.csv", &[row("2025-10-01", "r-1", "", "", "-4.00")]),
    )
    .await;
    assert_eq!((report.broken.len(), report.broken[0].rows), (1, 1));
    assert!(report.broken[0].rule.contains("below 0") && report.broken[0].first == "below.csv:1");
}

#[tokio::test]
async fn other_currencies_are_converted_by_the_rates_of_the_bill() {
    let ground = open(&format!("{BILL}rates: [{{currency: USD, rate: 0.92}}]\n")).await;
    let context = &ground.context;
    let rows = [
        row("2025-10-01", "r-1", "", r#"{"model":"a"}"#, "1.00"),
        row_of(
            "acc",
            "USD",
            "2025-10-01",
            "Usage",
            "r-1",
            "",
            r#"{"model":"a"}"#,
            "10.01",
        ),
    ];
    import(context, &write(context, "both.csv", &rows)).await;
    let found = finance::allocation(context, "cloud").await.unwrap();
    // 10.01 dollars are 9.2092 euros.
    assert_eq!(found.effective_minor, 100 + 921);
}

#[tokio::test]
async fn contracts_say_what_their_numbers_say() {
    let ground = open(BILL).await;
    let context = &ground.context;
    import(context, &write(context, "october.csv", &october())).await;
    let at = |text: &str| Context {
        now_us: text.parse::<jiff::Timestamp>().unwrap().as_microsecond(),
        ..context.clone()
    };
    let early = finance::contract(&at("2023-05-01T12:00:00Z"), "nimbus").await.unwrap();
    assert_eq!(
        (
            early.notice_by.as_deref(),
            early.notice_end.as_deref(),
            early.days_to_notice
        ),
        (Some("2023-05-01"), Some("2023-08-01"), Some(0))
    );
    let late = finance::contract(&at("2023-05-02T00:00:00Z"), "nimbus").await.unwrap();
    assert_eq!(
        (late.notice_by.as_deref(), late.term_end.as_str()),
        (Some("2024-05-01"), "2023-08-01")
    );
    let now = finance::contract(&at("2025-11-15T00:00:00Z"), "nimbus").await.unwrap();
    // 20.34 of 100 euros.
    assert_eq!((now.used_minor, now.advice), (Some(2_034), Advice::Renegotiate));
    assert!(now.words.starts_with("20% of the commitment"), "{}", now.words);
    let labels = finance::contract(&at("2025-11-15T00:00:00Z"), "labels").await.unwrap();
    let Some(Figure::Estimate(value)) = &labels.value else {
        panic!("{labels:?}")
    };
    // Mean difference 1.2, 100 units, 10 euros each; sd of the differences 0.1429.
    assert!((value.point - 120_000.0).abs() < 1e-6, "{value:?}");
    assert!(
        (value.high - value.point - 2.0096 * 0.142_857_1 / 50f64.sqrt() * 1e5).abs() < 5.0,
        "{value:?}"
    );
    assert_eq!(
        (labels.advice, labels.tacit, labels.notice_by),
        (Advice::Renew, false, None)
    );
    let all = finance::contracts(&at("2025-11-15T00:00:00Z")).await.unwrap();
    assert_eq!(all[0].contract, "nimbus");
    assert!(
        finance::contract(context, "nimbu")
            .await
            .unwrap_err()
            .to_string()
            .contains("did you mean \"nimbus\"")
    );
}

#[tokio::test]
async fn the_calendar_is_folded_escaped_and_the_same_again() {
    let ground = open(BILL).await;
    let context = Context {
        now_us: "2025-11-15T00:00:00Z"
            .parse::<jiff::Timestamp>()
            .unwrap()
            .as_microsecond(),
        ..ground.context.clone()
    };
    let feed = finance::calendar(&context).unwrap();
    assert_eq!(feed, finance::calendar(&context).unwrap());
    assert!(
        feed.lines().count() > 20 && feed.split("\r\n").all(|l| l.len() <= 75 && !l.contains('\n')),
        "{feed}"
    );
    let unfolded = feed.replace("\r\n ", "");
    assert!(unfolded.contains("SUMMARY:Notice due: nimbus\r\n"), "{unfolded}");
    assert!(unfolded.contains("DTSTART;VALUE=DATE:20260501\r\n"), "{unfolded}");
    assert!(unfolded.contains("Labels\\; annotation\\, of tickets"), "{unfolded}");
    assert_eq!(feed.matches("BEGIN:VEVENT").count(), feed.matches("END:VEVENT").count());
}

#[tokio::test]
async fn a_budget_is_held_against_what_was_spent_and_what_will_be() {
    let ground = open(BILL).await;
    let context = &ground.context;
    let mut rows = Vec::new();
    for month in 1..=9 {
        let cost = format!("{:.2}", 9.0 + uniform(77, month) * 2.0);
        rows.push(row(
            &format!("2026-{month:02}-05"),
            "r-1",
            "",
            r#"{"model":"a"}"#,
            &cost,
        ));
    }
    import(context, &write(context, "year.csv", &rows)).await;
    let at = |text: &str| Context {
        now_us: text.parse::<jiff::Timestamp>().unwrap().as_microsecond(),
        ..context.clone()
    };
    // About 10 a month of 100: it ends near 120.
    let status = finance::budget(&at("2026-07-10T00:00:00Z"), "year").await.unwrap();
    let Figure::Estimate(end) = &status.forecast else {
        panic!("{status:?}")
    };
    assert!(
        end.low < 12_000.0 && 12_000.0 < end.high && end.low > 10_500.0,
        "{end:?}"
    );
    assert_eq!(status.months.len(), 6);
    assert!(
        status.probability.unwrap() < 0.05 && status.verdict.contains("not suffice"),
        "{status:?}"
    );
    // Too few months say nothing.
    let early = finance::budget(&at("2026-03-10T00:00:00Z"), "year").await.unwrap();
    assert!(matches!(early.forecast, Figure::Refused { .. }) && early.probability.is_none());
    let over = finance::budget(&at("2027-01-10T00:00:00Z"), "year").await.unwrap();
    assert_eq!(over.probability, Some(1.0));
}
