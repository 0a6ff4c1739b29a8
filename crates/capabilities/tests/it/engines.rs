//! The rooms answer the same digits whichever engine their queries run on.

use serde_json::Value;
use steward_capabilities::experiments::{self, ReadoutOptions};
use steward_capabilities::metrics::{self, MetricRequest};
use steward_capabilities::quality::{self, CheckOptions};

use crate::places::Place;
use crate::shop::{Shop, project};

/// Digits that a database which adds in any order can keep.
const TOLERANCE: f64 = 1e-11;

/// What tells where an answer was computed, and of which rows' digest.
const OF_THE_ENGINE: [&str; 5] = ["provenance", "sql", "ran", "data", "data_type"];

/// The first place at which two answers differ.
fn difference(at: &str, a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            if x.keys().ne(y.keys()) {
                return Some(format!("{at}: {:?} and {:?}", x.keys(), y.keys()));
            }
            x.iter()
                .filter(|(k, _)| !OF_THE_ENGINE.contains(&k.as_str()))
                .find_map(|(k, v)| difference(&format!("{at}.{k}"), v, &y[k]))
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            let pairs = x.iter().zip(y).enumerate();
            pairs
                .into_iter()
                .find_map(|(i, (v, w))| difference(&format!("{at}[{i}]"), v, w))
        }
        (Value::Number(x), Value::Number(y)) if x.is_f64() && y.is_f64() => {
            let (x, y) = (x.as_f64()?, y.as_f64()?);
            let near = (x - y).abs() <= TOLERANCE * x.abs().max(y.abs()).max(1e-3);
            (!near).then(|| format!("{at}: {x:?} and {y:?}"))
        }
        _ => (a != b).then(|| format!("{at}: {a} and {b}")),
    }
}

fn same(what: &str, a: &impl serde::Serialize, b: &impl serde::Serialize) {
    let (a, b) = (serde_json::to_value(a).unwrap(), serde_json::to_value(b).unwrap());
    assert_eq!(difference(what, &a, &b), None);
}

#[test]
fn a_difference_is_found() {
    let of = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let a = of(r#"{"n": 3, "x": [1.5, 2.0], "sql": "a"}"#);
    assert_eq!(
        difference("", &a, &of(r#"{"n": 3, "x": [1.5000000000000002, 2.0], "sql": "b"}"#)),
        None
    );
    for other in [
        r#"{"n": 4, "x": [1.5, 2.0], "sql": "a"}"#,
        r#"{"n": 3, "x": [1.5000001, 2.0], "sql": "a"}"#,
        r#"{"n": 3, "x": [1.5], "sql": "a"}"#,
        r#"{"n": 3, "x": null, "sql": "a"}"#,
    ] {
        assert!(difference("", &a, &of(other)).is_some(), "{other}");
    }
}

#[tokio::test]
async fn a_readout_has_the_same_digits() {
    if !Place::postgres_is_here() {
        return;
    }
    let shop = Shop::new(1500);
    let (here, there) = (
        Place::Embedded.open(&shop, project()).await,
        Place::Postgres.open(&shop, project()).await,
    );
    for as_of in [None, Some(crate::shop::START + 9 * crate::shop::DAY)] {
        let options = ReadoutOptions {
            as_of,
            ..ReadoutOptions::default()
        };
        let embedded = experiments::readout(&here.context, "checkout", &options).await.unwrap();
        let remote = experiments::readout(&there.context, "checkout", &options)
            .await
            .unwrap();
        assert_eq!(
            (embedded.provenance.engine.as_str(), remote.provenance.engine.as_str()),
            ("datafusion", "postgres")
        );
        assert!(embedded.metrics.iter().any(|m| m.absolute.estimate().is_some()));
        same("readout", &embedded, &remote);
    }
}

#[tokio::test]
async fn metrics_have_the_same_digits() {
    if !Place::postgres_is_here() {
        return;
    }
    let shop = Shop::new(800);
    let (here, there) = (
        Place::Embedded.open(&shop, project()).await,
        Place::Postgres.open(&shop, project()).await,
    );
    let all = ["revenue", "orders", "mean_order", "order_value", "revenue_per_session"];
    for (by, zone) in [
        (vec![], "UTC"),
        (vec!["user__country"], "UTC"),
        (vec!["time:week", "user__country"], "Europe/Berlin"),
    ] {
        let request = MetricRequest {
            metrics: all.map(String::from).to_vec(),
            by: by.into_iter().map(String::from).collect(),
            time_zone: Some(zone.into()),
            ..MetricRequest::default()
        };
        let embedded = metrics::query(&here.context, &request).await.unwrap();
        let remote = metrics::query(&there.context, &request).await.unwrap();
        assert!(!embedded.rows.is_empty());
        same("metrics", &embedded, &remote);
    }
}

#[tokio::test]
async fn contracts_find_the_same_rows() {
    if !Place::postgres_is_here() {
        return;
    }
    let (here, there) = (
        crate::quality::ground(Place::Embedded).await,
        crate::quality::ground(Place::Postgres).await,
    );
    for day in [None, Some("2025-03-02"), Some("2025-03-05")] {
        let options = CheckOptions {
            day: day.map(String::from),
            as_of_us: Some(crate::shop::START + 6 * crate::shop::DAY),
            time_column: Some("ts".into()),
            ..CheckOptions::default()
        };
        let embedded = quality::check(&here.context, "orders", &options).await.unwrap();
        let remote = quality::check(&there.context, "orders", &options).await.unwrap();
        assert!(embedded.checks.len() > 10);
        for (a, b) in embedded.checks.iter().zip(&remote.checks) {
            // A query that does not fit the table is refused by both, each in its words.
            if a.status == quality::CheckStatus::Error {
                assert_eq!((a.status, &a.name), (b.status, &b.name));
            } else {
                same(&a.name, a, b);
            }
        }
        assert_eq!(
            (embedded.rows, embedded.ok, &embedded.verdict),
            (remote.rows, remote.ok, &remote.verdict)
        );
    }
}
