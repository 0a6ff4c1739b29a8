//! Traces.

use serde_json::json;
use steward_runs::grammar::{TRACES, parse_filter, parse_order};
use steward_runs::{Assessment, Judgement, RunStore, RunsError, Span, Trace, TraceCull, TraceSearch};

use crate::stores::all;

fn trace(id: &str, at_ms: i64, state: &str) -> Trace {
    let mut made = Trace {
        at_ms,
        took_ms: Some(at_ms * 10),
        state: state.into(),
        ..Trace::begun(id.into(), 0)
    };
    made.tags.insert("mlflow.traceName".into(), format!("name-{id}"));
    made
}

fn thought(name: &str, value: serde_json::Value) -> Assessment {
    Assessment {
        id: format!("a-{name}"),
        name: name.into(),
        kind: Judgement::Feedback,
        value,
        error: None,
        source: ("HUMAN".into(), "bob".into()),
        rationale: None,
        metadata: serde_json::Map::new(),
        span: None,
        created_ms: 1,
        updated_ms: 1,
        overrides: None,
        valid: true,
    }
}

async fn found(store: &RunStore, filter: &str, orders: &[&str]) -> Vec<String> {
    let search = TraceSearch {
        groups: vec![0],
        filter: parse_filter(&TRACES, filter).unwrap(),
        orders: orders.iter().map(|o| parse_order(&TRACES, o).unwrap()).collect(),
        offset: 0,
        limit: 100,
    };
    store
        .search_traces(search)
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|t| t.id)
        .collect()
}

#[tokio::test]
async fn traces_are_found_by_what_they_say_and_what_was_thought() {
    for tried in all().await {
        let store = &tried.store;
        for (id, at, state) in [("t1", 1, "OK"), ("t2", 2, "ERROR"), ("t3", 3, "OK")] {
            store.put_trace(trace(id, at, state)).await.unwrap();
        }
        let judge = |value: serde_json::Value| {
            move |trace: &mut Trace| {
                trace.assessments.push(thought("good", value));
                Ok(())
            }
        };
        store.change_trace("t1", judge(json!(0.9))).await.unwrap();
        store.change_trace("t2", judge(json!("no"))).await.unwrap();
        store
            .link_traces(vec!["t3".into(), "none".into()], "run1".into())
            .await
            .unwrap();
        for (filter, expected) in [
            ("", &["t3", "t2", "t1"] as &[&str]),
            ("status = 'OK'", &["t3", "t1"]),
            ("name LIKE 'name-%' AND timestamp_ms > 1", &["t3", "t2"]),
            ("name RLIKE '[12]$'", &["t2", "t1"]),
            ("execution_time_ms <= 20", &["t2", "t1"]),
            ("end_time > 30", &["t3"]),
            ("feedback.good > 0.5", &["t1"]),
            ("feedback.good = 'no'", &["t2"]),
            ("feedback.good IS NULL", &["t3"]),
            ("run_id = 'run1'", &["t3"]),
            ("tags.none IS NULL AND request_id IN ('t1', 't3')", &["t3", "t1"]),
        ] {
            assert_eq!(found(store, filter, &[]).await, expected, "{}: {filter}", tried.name);
        }
        assert_eq!(found(store, "", &["name ASC"]).await, ["t1", "t2", "t3"]);
        let both = (
            parse_filter(&TRACES, "status = 'OK'").unwrap(),
            parse_filter(&TRACES, "timestamp_ms < 2").unwrap(),
        );
        let counts = store.trace_counts(&[0], &[], &both.0, &both.1).await.unwrap();
        assert_eq!((counts.total, counts.first, counts.second, counts.both), (3, 2, 1, 1));
    }
}

#[tokio::test]
async fn spans_begin_a_trace_and_go_with_it() {
    for tried in all().await {
        let store = &tried.store;
        let span = |id: &str, started: i64| Span {
            trace: "t1".into(),
            id: id.into(),
            started_ns: started,
            doc: json!({ "name": format!("span {id}"), "status": { "code": "STATUS_CODE_OK" },
                         "attributes": { "mlflow.spanType": "LLM", "model": "gpt" } }),
        };
        let told = |trace: &mut Trace, spans: &[&Span]| trace.at_ms = spans.len() as i64;
        store
            .put_spans(0, vec![span("b", 2), span("a", 1)], told)
            .await
            .unwrap();
        store.put_spans(0, vec![span("a", 1)], told).await.unwrap();
        let ids: Vec<String> = store.spans("t1").await.unwrap().into_iter().map(|s| s.id).collect();
        assert_eq!(ids, ["a", "b"], "{}", tried.name);
        assert_eq!(store.trace("t1").await.unwrap().state, "IN_PROGRESS");
        assert_eq!(
            found(store, "span.name = 'span a' AND span.type = 'LLM'", &[]).await,
            ["t1"]
        );
        assert_eq!(found(store, "span.attributes.model LIKE 'gp%'", &[]).await, ["t1"]);
        assert_eq!(found(store, "trace.text LIKE '%nothing%'", &[]).await, [""; 0]);
        let cull = TraceCull {
            until_ms: Some(i64::MAX),
            ..TraceCull::default()
        };
        assert_eq!(store.delete_traces(cull).await.unwrap(), 1);
        assert!(store.spans("t1").await.unwrap().is_empty());
        assert!(matches!(
            store.trace("t1").await,
            Err(RunsError::Missing { what: "trace", .. })
        ));
    }
}

#[tokio::test]
async fn traces_are_deleted_by_id_or_oldest_first() {
    for tried in all().await {
        let store = &tried.store;
        for (id, at_ms) in [("t1", 3), ("t2", 2), ("t3", 1), ("t4", 4)] {
            store.put_trace(trace(id, at_ms, "OK")).await.unwrap();
        }
        let left = async || {
            let mut found = Vec::new();
            for id in ["t1", "t2", "t3", "t4"] {
                found.extend(store.trace(id).await.map(|t| t.id));
            }
            found
        };
        let named = TraceCull {
            ids: vec!["t4".into(), "none".into()],
            ..TraceCull::default()
        };
        let elsewhere = TraceCull {
            group: 7,
            ..named.clone()
        };
        assert_eq!(store.delete_traces(elsewhere).await.unwrap(), 0, "{}", tried.name);
        assert_eq!(store.delete_traces(named).await.unwrap(), 1);
        assert_eq!(left().await, ["t1", "t2", "t3"]);
        let oldest = TraceCull {
            until_ms: Some(2),
            limit: Some(1),
            ..TraceCull::default()
        };
        assert_eq!(store.delete_traces(oldest).await.unwrap(), 1);
        assert_eq!(left().await, ["t1", "t2"]);
    }
}

#[tokio::test]
async fn without_a_wish_the_newest_traces_come_first_page_by_page() {
    for tried in all().await {
        let store = &tried.store;
        let other = crate::stores::group(store, "other").await;
        for (id, at_ms, group) in [("a", 1, 0), ("b", 3, 0), ("c", 3, other), ("d", 2, other), ("e", 4, 0)] {
            let mut made = trace(id, at_ms, "OK");
            made.group = group;
            store.put_trace(made).await.unwrap();
        }
        let page = async |groups: Vec<i64>, offset| {
            let search = TraceSearch {
                groups,
                filter: Vec::new(),
                orders: Vec::new(),
                offset,
                limit: 2,
            };
            let found = store.search_traces(search).await.unwrap();
            (found.items.into_iter().map(|t| t.id).collect::<String>(), found.more)
        };
        assert_eq!(page(vec![0, other], 0).await, ("eb".into(), true), "{}", tried.name);
        assert_eq!(page(vec![0, other], 2).await, ("cd".into(), true));
        assert_eq!(page(vec![0, other], 4).await, ("a".into(), false));
        assert_eq!(page(vec![0], 1).await, ("ba".into(), false));
    }
}
