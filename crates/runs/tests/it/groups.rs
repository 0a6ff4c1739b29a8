//! Run groups.

use steward_runs::{NewGroup, RunsError};

use crate::stores::{all, group, run};

#[tokio::test]
async fn the_default_group_is_there_and_numbers_go_on() {
    for tried in all().await {
        let store = &tried.store;
        let default = store.group(0).await.unwrap();
        assert_eq!(
            (default.name.as_str(), default.artifacts.as_str()),
            ("Default", "mlflow-artifacts:/0")
        );
        assert_eq!(group(store, "a").await, 1, "{}", tried.name);
        assert_eq!(group(store, "b").await, 2);
        let placed = NewGroup {
            name: "c".into(),
            artifacts: Some("s3://bucket/place?x=1".into()),
            tags: vec![("k".into(), "v".into())],
        };
        let id = store.create_group(placed).await.unwrap();
        let of = run(store, id, 1).await;
        assert_eq!(
            store.run(&of).await.unwrap().artifacts,
            format!("s3://bucket/place/{of}/artifacts?x=1")
        );
        assert_eq!(store.group(id).await.unwrap().tags["k"], "v");
    }
}

#[tokio::test]
async fn a_name_is_taken_once_also_by_a_deleted_group() {
    for tried in all().await {
        let store = &tried.store;
        let id = group(store, "taken").await;
        store.mark_group(id, true).await.unwrap();
        let again = NewGroup {
            name: "taken".into(),
            ..NewGroup::default()
        };
        let refused = store.create_group(again).await.unwrap_err();
        assert!(matches!(refused, RunsError::Exists { .. }), "{}: {refused}", tried.name);
        let other = group(store, "other").await;
        assert!(store.rename_group(other, "taken".into()).await.is_err());
        store.rename_group(other, "other still".into()).await.unwrap();
        assert_eq!(store.group_named("other still").await.unwrap().unwrap().id, other);
        assert!(store.group_named("other").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn runs_are_deleted_and_restored_with_their_group() {
    for tried in all().await {
        let store = &tried.store;
        let id = group(store, "g").await;
        let of = run(store, id, 1).await;
        store.mark_group(id, true).await.unwrap();
        assert!(store.run(&of).await.unwrap().deleted_ms.is_some(), "{}", tried.name);
        let late = store
            .log(&of, crate::stores::points(vec![crate::stores::point("m", 1.0, 1, 1)]))
            .await;
        assert!(matches!(late, Err(RunsError::Deleted { .. })));
        assert!(matches!(
            store.mark_group(id, true).await,
            Err(RunsError::Deleted { .. })
        ));
        store.mark_group(id, false).await.unwrap();
        assert!(store.run(&of).await.unwrap().deleted_ms.is_none());
        assert!(matches!(
            store.mark_group(id, false).await,
            Err(RunsError::NotDeleted { .. })
        ));
    }
}

#[tokio::test]
async fn tags_are_set_and_removed() {
    for tried in all().await {
        let store = &tried.store;
        let id = group(store, "g").await;
        store.tag_group(id, "a".into(), "1".into()).await.unwrap();
        store.tag_group(id, "a".into(), "2".into()).await.unwrap();
        assert_eq!(store.group(id).await.unwrap().tags["a"], "2");
        store.untag_group(id, "a".into()).await.unwrap();
        let refused = store.untag_group(id, "a".into()).await.unwrap_err();
        assert!(
            matches!(refused, RunsError::Missing { what: "tag", .. }),
            "{}",
            tried.name
        );
        assert!(matches!(store.group(99).await, Err(RunsError::Missing { .. })));
    }
}
