//! Finding runs, held against a scan in words.

use proptest::prelude::*;
use steward_runs::grammar::{RUNS, parse_filter, parse_order};
use steward_runs::{Logged, NewRun, RunSearch, RunStore, RunUpdate, Status, View};

use crate::stores::{all, group, point, run};

/// Names of runs that fit, in order.
async fn found(store: &RunStore, groups: &[i64], filter: &str, orders: &[&str]) -> Vec<String> {
    let search = RunSearch {
        groups: groups.to_vec(),
        filter: parse_filter(&RUNS, filter).unwrap(),
        view: View::Active,
        orders: orders.iter().map(|o| parse_order(&RUNS, o).unwrap()).collect(),
        offset: 0,
        limit: 1000,
    };
    let page = store.search_runs(search).await.unwrap();
    page.items.into_iter().map(|r| r.name).collect()
}

async fn made(store: &RunStore, group: i64, name: &str, start_ms: i64, logged: Logged) -> String {
    let new = NewRun {
        group,
        name: name.into(),
        user: "ada".into(),
        start_ms,
        tags: Vec::new(),
    };
    let run = store.create_run(new).await.unwrap();
    store.log(&run.id, logged).await.unwrap();
    run.id
}

fn logged(rmse: Option<f64>, kind: Option<&str>) -> Logged {
    Logged {
        points: rmse.map(|v| point("rmse", v, 1, 1)).into_iter().collect(),
        params: kind.map(|k| ("kind".to_string(), k.to_string())).into_iter().collect(),
        tags: Vec::new(),
    }
}

#[tokio::test]
async fn nulls_and_nan_stand_at_the_end_of_either_order() {
    for tried in all().await {
        let store = &tried.store;
        for (name, start, rmse) in [
            ("b", 1, Some(2.0)),
            ("none", 2, None),
            ("nan", 3, Some(f64::NAN)),
            ("a", 4, Some(-1.0)),
            ("inf", 5, Some(f64::INFINITY)),
            ("-inf", 6, Some(f64::NEG_INFINITY)),
        ] {
            made(store, 0, name, start, logged(rmse, None)).await;
        }
        let up = found(store, &[0], "", &["metrics.rmse ASC"]).await;
        assert_eq!(up, ["-inf", "a", "b", "inf", "nan", "none"], "{}", tried.name);
        let down = found(store, &[0], "", &["metrics.rmse DESC"]).await;
        assert_eq!(down, ["inf", "b", "a", "-inf", "nan", "none"]);
        assert_eq!(
            found(store, &[0], "", &[]).await,
            ["-inf", "inf", "a", "nan", "none", "b"]
        );
        assert_eq!(
            found(store, &[0], "", &["start_time"]).await,
            ["b", "none", "nan", "a", "inf", "-inf"]
        );
        assert_eq!(
            found(store, &[0], "metrics.rmse != 2", &["start_time"]).await,
            ["nan", "a", "inf", "-inf"]
        );
        assert_eq!(
            found(store, &[0], "metrics.rmse <= 2", &["start_time"]).await,
            ["b", "a", "-inf"]
        );
    }
}

#[tokio::test]
async fn every_kind_of_field_is_found_by() {
    for tried in all().await {
        let store = &tried.store;
        let other = group(store, "other").await;
        let a = made(store, 0, "alpha", 10, logged(Some(1.0), Some("Tree"))).await;
        made(store, 0, "beta", 20, logged(Some(2.0), Some("linear"))).await;
        made(store, other, "gamma", 30, logged(Some(3.0), None)).await;
        store
            .update_run(
                &a,
                RunUpdate {
                    status: Some(Status::Finished),
                    end_ms: Some(15),
                    name: None,
                },
            )
            .await
            .unwrap();
        let by = async |filter: &str| found(store, &[0, other], filter, &["run_name"]).await;
        for (filter, expected) in [
            ("metrics.rmse < 2.5 AND params.kind = 'linear'", &["beta"] as &[&str]),
            ("params.kind LIKE 'T%'", &["alpha"]),
            ("params.kind LIKE 't%'", &[]),
            ("params.kind ilike 't_ee'", &["alpha"]),
            ("params.kind != 'Tree'", &["beta"]),
            ("params.kind IS NULL", &["gamma"]),
            ("params.`kind` IS NOT NULL", &["alpha", "beta"]),
            ("tags.none IS NULL", &["alpha", "beta", "gamma"]),
            ("attributes.status = 'FINISHED'", &["alpha"]),
            ("status != 'FINISHED' and metrics.rmse >= 3", &["gamma"]),
            ("run_name IN ('alpha')", &[]),
            ("end_time >= 15", &["alpha"]),
            ("start_time > 10 AND start_time < 30", &["beta"]),
            ("attributes.user_id = \"ada\"", &["alpha", "beta", "gamma"]),
            ("artifact_uri LIKE '%/artifacts'", &["alpha", "beta", "gamma"]),
        ] {
            // Only ids are compared with lists.
            if filter.contains("IN (") {
                assert!(parse_filter(&RUNS, filter).is_err());
                continue;
            }
            assert_eq!(by(filter).await, expected, "{}: {filter}", tried.name);
        }
        assert_eq!(by(&format!("run_id IN ('{a}', 'x')")).await, ["alpha"]);
        assert_eq!(by(&format!("run_id NOT IN ('{a}')")).await, ["beta", "gamma"]);
    }
}

#[tokio::test]
async fn what_changes_is_found_as_it_is_now() {
    for tried in all().await {
        let store = &tried.store;
        let of = run(store, 0, 1).await;
        assert_eq!(
            found(store, &[0], "metrics.m > 1", &[]).await.len(),
            0,
            "{}",
            tried.name
        );
        store
            .log(&of, crate::stores::points(vec![point("m", 5.0, 1, 1)]))
            .await
            .unwrap();
        assert_eq!(found(store, &[0], "metrics.m > 1", &[]).await.len(), 1);
        store
            .log(&of, crate::stores::points(vec![point("m", 0.0, 1, 2)]))
            .await
            .unwrap();
        assert_eq!(found(store, &[0], "metrics.m > 1", &[]).await.len(), 0);
        store
            .log(
                &of,
                Logged {
                    tags: vec![("t".into(), "x".into())],
                    ..Logged::default()
                },
            )
            .await
            .unwrap();
        assert_eq!(found(store, &[0], "tags.t = 'x'", &[]).await.len(), 1);
        store.untag_run(&of, "t").await.unwrap();
        assert_eq!(found(store, &[0], "tags.t = 'x'", &[]).await.len(), 0);
        store.mark_run(&of, true).await.unwrap();
        assert_eq!(found(store, &[0], "", &[]).await.len(), 0);
    }
}

#[tokio::test]
async fn another_process_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (
        RunStore::open(folder.path()).await.unwrap(),
        RunStore::open(folder.path()).await.unwrap(),
    );
    let of = made(&one, 0, "shared", 1, logged(Some(1.0), None)).await;
    assert_eq!(found(&two, &[0], "metrics.rmse = 1", &[]).await, ["shared"]);
    // Each writes what the other holds in memory.
    two.log(&of, crate::stores::points(vec![point("rmse", 2.0, 2, 2)]))
        .await
        .unwrap();
    one.log(&of, logged(None, Some("tree"))).await.unwrap();
    two.log(&of, crate::stores::points(vec![point("rmse", 3.0, 3, 3)]))
        .await
        .unwrap();
    let run = one.run(&of).await.unwrap();
    assert_eq!((run.metrics["rmse"].0, run.params["kind"].as_str()), (3.0, "tree"));
    assert_eq!(
        found(&one, &[0], "metrics.rmse = 3 AND params.kind = 'tree'", &[]).await,
        ["shared"]
    );
}

#[tokio::test]
async fn pages_are_parts_of_the_whole() {
    for tried in all().await {
        let store = &tried.store;
        for n in 0..25 {
            made(store, 0, &format!("r{n:02}"), n % 5, logged(Some((n % 3) as f64), None)).await;
        }
        let search = |offset, limit| RunSearch {
            groups: vec![0],
            filter: Vec::new(),
            view: View::Active,
            orders: vec![parse_order(&RUNS, "metrics.rmse").unwrap()],
            offset,
            limit,
        };
        let whole = store.search_runs(search(0, 100)).await.unwrap();
        assert!(!whole.more);
        let mut parts = Vec::new();
        for offset in (0..25).step_by(4) {
            let page = store.search_runs(search(offset, 4)).await.unwrap();
            assert_eq!(page.more, offset + 4 < 25, "{}", tried.name);
            parts.extend(page.items);
        }
        assert_eq!(parts, whole.items);
        assert!(store.search_runs(search(25, 4)).await.unwrap().items.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// What the columns answer is what a scan of the runs answers, whatever was logged in whatever order.
    #[test]
    fn columns_answer_as_a_scan_does(
        values in prop::collection::vec((prop::option::of(-5i32..5), 0u8..4, any::<bool>()), 1..60),
        bound in -5i32..5,
    ) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let store = RunStore::open(folder.path()).await.unwrap();
            let mut expected = Vec::new();
            for (n, (metric, kind, early)) in values.iter().enumerate() {
                let kind = ["tree", "linear", "TREE", "net"][usize::from(*kind)];
                let name = format!("r{n:02}");
                let id = made(&store, 0, &name, n as i64, logged(metric.map(f64::from), Some(kind))).await;
                if *early {
                    // The columns are built before the rest is there.
                    found(&store, &[0], "", &[]).await;
                }
                if n % 7 == 3 {
                    store.mark_run(&id, true).await.unwrap();
                } else if metric.is_some_and(|m| m >= bound) && kind.to_lowercase() == "tree" {
                    expected.push((metric.unwrap(), n, name));
                }
            }
            expected.sort_by_key(|(metric, n, _)| (-metric, -(*n as i64)));
            let names: Vec<String> = expected.into_iter().map(|(_, _, name)| name).collect();
            let filter = format!("metrics.rmse >= {bound} AND params.kind ILIKE 'tree'");
            assert_eq!(found(&store, &[0], &filter, &["metrics.rmse DESC"]).await, names);
        });
    }
}
