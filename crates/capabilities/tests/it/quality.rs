//! Contracts: every rule finds what breaks it, and nothing else.

use std::sync::Arc;

use steward_capabilities::quality::{self, CheckOptions, CheckStatus, SchemaDifference};
use steward_definitions::*;

use crate::places::Place;
use crate::shop::{self, Ground, dataset};

const ORDERS: &str = "order_id,user_id,ts,ingest_ts,cents,status,email\n\
1,1,2025-03-01T10:00:00Z,2025-03-01T10:05:00Z,1000,paid,a@example.org\n\
2,1,2025-03-02T10:00:00Z,2025-03-02T10:05:00Z,1100,paid,b@example.org\n\
3,2,2025-03-03T10:00:00Z,2025-03-03T10:05:00Z,900,refunded,c@example.org\n\
3,3,2025-03-04T10:00:00Z,2025-03-04T10:05:00Z,1000,paid,d@example.org\n\
5,9,2025-03-05T10:00:00Z,2025-03-06T20:00:00Z,10,lost,e@example.org\n\
6,,2025-03-06T10:00:00Z,2025-03-06T10:05:00Z,12,paid,f@example.org\n";

fn check(name: &str, rule: Rule) -> Check {
    Check {
        name: name.into(),
        rule,
        severity: "error".into(),
        span: Span::default(),
    }
}

fn at_most(n: f64) -> Bound {
    Bound {
        max: Some(n),
        ..Bound::default()
    }
}

fn project() -> Project {
    let mut p = Project::default();
    p.settings.time_zone = "UTC".into();
    let mut orders = dataset(
        "orders",
        &[
            ("order_id", "integer"),
            ("user_id", "integer"),
            ("ts", "timestamp"),
            ("ingest_ts", "timestamp"),
            ("cents", "integer"),
            ("status", "string"),
            ("email", "string"),
        ],
    );
    orders.columns[0].primary_key = Some(1);
    orders.columns[6].classification = Some("personal".into());
    let column = |c: &str| c.to_owned();
    orders.checks = vec![
        check(
            "users",
            Rule::Nulls {
                column: column("user_id"),
                bound: at_most(0.0),
                percent: false,
            },
        ),
        check(
            "few_nulls",
            Rule::Nulls {
                column: column("user_id"),
                bound: at_most(20.0),
                percent: true,
            },
        ),
        check(
            "states",
            Rule::Invalid {
                column: column("status"),
                values: Some(vec!["paid".into(), "refunded".into()]),
                pattern: None,
                min_length: None,
                max_length: None,
                bound: at_most(0.0),
                percent: false,
            },
        ),
        check(
            "mails",
            Rule::Invalid {
                column: column("email"),
                values: None,
                pattern: Some("^[^@]+@[^@]+$".into()),
                min_length: Some(3),
                max_length: Some(40),
                bound: at_most(0.0),
                percent: false,
            },
        ),
        check(
            "amounts",
            Rule::Range {
                column: column("cents"),
                min: Some(100.0),
                max: None,
                bound: at_most(0.0),
                percent: false,
            },
        ),
        check(
            "known_users",
            Rule::References {
                column: column("user_id"),
                dataset: column("users"),
                target: column("user_id"),
            },
        ),
        check(
            "in_time",
            Rule::Delay {
                from: column("ts"),
                to: column("ingest_ts"),
                max_seconds: 6 * 3600,
                bound: at_most(0.2),
                percent: true,
            },
        ),
        check(
            "size",
            Rule::Volume {
                bound: Bound {
                    min: Some(5.0),
                    ..Bound::default()
                },
                by_day: None,
            },
        ),
        check(
            "daily",
            Rule::Volume {
                bound: Bound {
                    min: Some(1.0),
                    ..Bound::default()
                },
                by_day: Some(column("ts")),
            },
        ),
        check(
            "fresh",
            Rule::Freshness {
                column: column("ts"),
                max_age_seconds: 86_400,
            },
        ),
        check(
            "steady",
            Rule::Shift {
                column: column("cents"),
                time: column("ts"),
                max_factor: 1.5,
            },
        ),
        check(
            "by_sql",
            Rule::Sql {
                query: "select count(*) from orders where cents < 0".into(),
                bound: at_most(0.0),
            },
        ),
        check(
            "by_bad_sql",
            Rule::Sql {
                query: "select count(*) from orders where nothing < 0".into(),
                bound: at_most(0.0),
            },
        ),
    ];
    p.datasets.insert("orders".into(), orders);
    p.datasets
        .insert("users".into(), dataset("users", &[("user_id", "integer")]));
    p
}

pub async fn ground(place: Place) -> Ground {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("orders.csv"), ORDERS).unwrap();
    std::fs::write(data.join("users.csv"), "user_id\n1\n2\n3\n").unwrap();
    place.over(folder, project()).await
}

fn day(d: i64) -> i64 {
    shop::START + d * shop::DAY
}

async fn every_rule_counts_what_breaks_it(place: Place) {
    let g = ground(place).await;
    let options = CheckOptions {
        as_of_us: Some(day(6)),
        time_column: Some("ts".into()),
        sample: 2,
        ..CheckOptions::default()
    };
    let report = quality::check(&g.context, "orders", &options).await.unwrap();
    let of = |name: &str| {
        report
            .checks
            .iter()
            .find(|c| c.name == name)
            .unwrap_or_else(|| panic!("{name}: {report:#?}"))
    };
    let failing = |name: &str| (of(name).status, of(name).failing_rows);
    assert_eq!(failing("order_id.required"), (CheckStatus::Passed, Some(0)));
    assert_eq!(failing("order_id.unique"), (CheckStatus::Failed, Some(1)));
    assert_eq!(failing("users"), (CheckStatus::Failed, Some(1)));
    assert_eq!(failing("few_nulls"), (CheckStatus::Passed, Some(1)));
    assert_eq!(failing("states"), (CheckStatus::Failed, Some(1)));
    assert_eq!(failing("mails"), (CheckStatus::Passed, Some(0)));
    assert_eq!(failing("amounts"), (CheckStatus::Failed, Some(2)));
    assert_eq!(failing("known_users"), (CheckStatus::Failed, Some(1)));
    assert_eq!(failing("in_time"), (CheckStatus::Failed, Some(1)));
    assert_eq!(of("size").measured, Some(6.0));
    assert_eq!(of("daily").status, CheckStatus::Passed);
    assert_eq!(of("fresh").status, CheckStatus::Passed, "14 hours old");
    assert_eq!(of("steady").status, CheckStatus::Failed, "1000 → 10");
    assert_eq!(of("by_sql").status, CheckStatus::Passed);
    assert_eq!(of("by_bad_sql").status, CheckStatus::Error);
    assert!(!report.ok && report.rows == Some(6));
    let sample = &of("amounts").sample;
    assert_eq!(sample.len(), 2);
    assert!(sample[0].contains(&("email".into(), "•••".into())) && sample[0].contains(&("cents".into(), "10".into())));
    // Row checks, duplicates and references: one statement.
    assert_eq!(
        report.sql.iter().filter(|s| s.starts_with("WITH")).count(),
        1,
        "{:#?}",
        report.sql
    );
}

async fn a_day_is_judged_by_itself_and_once(place: Place) {
    let g = ground(place).await;
    let options = |day: &str| CheckOptions {
        day: Some(day.into()),
        time_column: Some("ts".into()),
        as_of_us: Some(shop::START + 7 * shop::DAY),
        ..CheckOptions::default()
    };
    let clean = quality::check(&g.context, "orders", &options("2025-03-02"))
        .await
        .unwrap();
    let failed: Vec<&str> = clean
        .failed()
        .map(|c| c.name.as_str())
        .filter(|n| !matches!(*n, "size" | "fresh"))
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(clean.rows, Some(1));
    let broken = quality::conclude(&g.context, "orders", &options("2025-03-05"))
        .await
        .unwrap();
    let failed: Vec<&str> = broken.value.failed().map(|c| c.name.as_str()).collect();
    for name in ["states", "amounts", "known_users", "in_time", "steady"] {
        assert!(failed.contains(&name), "{name}: {failed:?}");
    }
    let again = quality::conclude(&g.context, "orders", &options("2025-03-05"))
        .await
        .unwrap();
    assert!(again.reused && again.value == broken.value);
    assert_eq!(quality::history(&g.context, "orders", None).await.unwrap().len(), 2);
    let catalogue = quality::catalogue(&g.context).await.unwrap();
    assert!(catalogue.iter().any(|d| d.name == "orders" && d.last.is_some()));
}

async fn schema_drift_is_named_with_the_probable_new_name(place: Place) {
    let g = ground(place).await;
    let mut changed = (*g.context.project).clone();
    let orders = changed.datasets.get_mut("orders").unwrap();
    orders.columns[4].name = "cents_minor".into();
    orders.columns[5].logical_type = "integer".into();
    orders.meta.digest = "changed".into();
    let mut context = g.with(changed);
    context.project = Arc::clone(&context.project);
    let report = quality::check(&context, "orders", &CheckOptions::default())
        .await
        .unwrap();
    assert!(!report.ok);
    assert!(
        report.schema.iter().any(|d| matches!(d,
        SchemaDifference::Missing { column, renamed_to: Some(to), .. } if column == "cents_minor" && to == "cents")),
        "{:?}",
        report.schema
    );
    assert!(
        report.schema.iter().any(|d| matches!(d,
        SchemaDifference::Type { column, found, .. } if column == "status" && found == "string")),
        "{:?}",
        report.schema
    );
    assert!(
        quality::check(&context, "order", &CheckOptions::default())
            .await
            .unwrap_err()
            .to_string()
            .contains("did you mean \"orders\"")
    );
}

on_both_engines!(
    every_rule_counts_what_breaks_it,
    a_day_is_judged_by_itself_and_once,
    schema_drift_is_named_with_the_probable_new_name,
);
