//! Sets of examples.

use serde_json::{Map, Value, json};
use steward_runs::RunsError;

use crate::stores::all;

fn records(told: Value) -> Vec<Map<String, Value>> {
    serde_json::from_value(told).unwrap()
}

#[tokio::test]
async fn an_example_is_told_apart_by_what_is_asked() {
    for tried in all().await {
        let store = &tried.store;
        let tags = json!({ "mlflow.user": "ada" }).as_object().unwrap().clone();
        let set = store
            .create_examples("qa".into(), tags, vec!["0".into()])
            .await
            .unwrap();
        assert_eq!(set.created_by.as_deref(), Some("ada"));
        let first = json!([
            { "inputs": { "a": 1, "b": "x" }, "expectations": { "answer": "yes" } },
            { "inputs": { "a": 2 }, "outputs": "plain" }
        ]);
        assert_eq!(
            store.put_examples(&set.id, records(first)).await.unwrap(),
            (2, 0),
            "{}",
            tried.name
        );
        // The same question with its fields in another order.
        let again = json!([{ "inputs": { "b": "x", "a": 1 }, "expectations": { "tone": "kind" }, "tags": { "mlflow.user": "bob" } }]);
        assert_eq!(store.put_examples(&set.id, records(again)).await.unwrap(), (0, 1));
        let examples = store.examples(&set.id, 0, 10).await.unwrap();
        assert_eq!(
            json!(examples[0].expectations),
            json!({ "answer": "yes", "tone": "kind" })
        );
        assert_eq!(examples[1].outputs, Some(json!("plain")));
        let known = store.example_set(&set.id).await.unwrap();
        assert_eq!((known.examples, known.updated_by.as_deref()), (Some(2), Some("bob")));
        assert_ne!(known.digest, set.digest);
        let schema = known.schema.unwrap();
        assert_eq!(schema["inputs"], json!({ "a": "integer", "b": "string" }));
        assert_eq!(schema["outputs"], json!("string"));
        assert_eq!(store.examples(&set.id, 1, 10).await.unwrap().len(), 1);
        let ids = vec![examples[0].id.clone(), "none".into()];
        assert_eq!(store.delete_examples(&set.id, ids).await.unwrap(), 1);
        assert_eq!(store.example_set(&set.id).await.unwrap().examples, Some(1));
        store.delete_example_set(&set.id).await.unwrap();
        assert!(matches!(
            store.example_set(&set.id).await,
            Err(RunsError::Missing { .. })
        ));
        assert!(store.put_examples(&set.id, Vec::new()).await.is_err());
    }
}
