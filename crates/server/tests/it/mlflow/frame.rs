//! What clients ask first, and how errors are said.

use serde_json::json;

use super::ask;
use crate::world::World;

#[tokio::test]
async fn clients_learn_what_is_spoken() {
    let world = World::new().await;
    assert_eq!(world.page("/health").await, "OK");
    assert!(world.page("/version").await.starts_with("3."));
    for path in ["/api/3.0/mlflow/server-info", "/ajax-api/3.0/mlflow/server-info"] {
        let (status, info) = ask(&world, "GET", path, &json!({})).await;
        assert_eq!((status, &info["store_type"]), (200, &json!("SqlStore")));
        assert_eq!(info["workspaces_enabled"], json!(false));
    }
}

#[tokio::test]
async fn an_address_that_is_not_served_is_said_in_mlflows_words() {
    let world = World::new().await;
    for path in ["/api/2.0/mlflow/nothing", "/ajax-api/3.0/mlflow/gateway/secrets/list"] {
        let (status, error) = ask(&world, "GET", path, &json!({})).await;
        assert_eq!((status, &error["error_code"]), (404, &json!("ENDPOINT_NOT_FOUND")));
        assert!(error["message"].as_str().unwrap().contains(path), "{error}");
    }
}
