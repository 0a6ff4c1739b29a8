//! What clients ask before anything else.

use serde_json::json;

use super::{Answer, answer};

/// The version of MLflow whose protocol is spoken here.
pub const SPOKEN: &str = "3.17.2";

/// `GET /health`.
pub async fn health() -> &'static str {
    "OK"
}

/// `GET /version`.
pub async fn version() -> &'static str {
    SPOKEN
}

/// `GET /server-info`: what this server can do.
pub async fn server_info() -> Answer {
    answer(&json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "trace_archival_enabled": false,
        "multipart_uploads_enabled": false,
        "multipart_downloads_enabled": false,
        "presigned_upload_run_id_supported": false,
        "presigned_upload_model_id_supported": false,
        "features_enabled": { "gateway": false },
    }))
}
