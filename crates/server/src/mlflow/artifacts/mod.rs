//! Files through the server: `/api/2.0/mlflow-artifacts`, which every client uses whose run's files lie on
//! `mlflow-artifacts:/…`.

mod files;
mod media;
mod owned;
mod parts;
mod refusal;
mod sending;

use axum::Router;
use axum::routing::{get, post, put};
use steward_artifacts::Name;

use super::MlflowError;
use crate::State;

pub use sending::send;

/// Address below which files are served.
const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts";

/// Routes of the proxy.
pub fn router() -> Router<State> {
    let routes = Router::new()
        .route("/artifacts", get(files::list))
        .route("/artifacts/", get(files::list).delete(files::delete_all))
        .route(
            "/artifacts/{*path}",
            get(files::get).put(files::put).delete(files::delete),
        )
        .route("/mpu/create", post(parts::create))
        .route("/mpu/create/{*path}", post(parts::create))
        .route("/mpu/part/{id}/{number}/{*path}", put(parts::put))
        .route("/mpu/complete", post(parts::complete))
        .route("/mpu/complete/{*path}", post(parts::complete))
        .route("/mpu/abort", post(parts::abort))
        .route("/mpu/abort/{*path}", post(parts::abort))
        .route("/presigned/{*path}", get(parts::presigned))
        .method_not_allowed_fallback(super::unknown)
        .fallback(super::unknown);
    Router::new()
        .nest("/api/2.0/mlflow-artifacts", routes.clone())
        .nest("/ajax-api/2.0/mlflow-artifacts", routes)
}

/// Routes below `/mlflow` of the second version of the protocol: files of runs and logged models.
pub fn second() -> Router<State> {
    Router::new()
        .route("/artifacts/list", get(owned::of_run))
        .route("/get-artifact", get(owned::run_file))
        .route("/upload-artifact", post(owned::upload))
        .route("/logged-models/{model_id}/artifacts/directories", get(owned::of_model))
        .route("/logged-models/{model_id}/artifacts/files", get(owned::model_file))
}

/// Routes of old, below nothing.
pub fn bare() -> Router<State> {
    Router::new().route("/get-artifact", get(owned::run_file))
}

/// A name as clients write it: a slash at its end says nothing.
fn name(text: &str) -> Result<Name, MlflowError> {
    if text.contains('#') {
        return Err(MlflowError::invalid(format!("Invalid path: {text:?} holds a #")));
    }
    Ok(Name::parse(text.trim_end_matches('/'))?)
}

/// Where the files at an address lie in the store, if they lie in it: `mlflow-artifacts:/1/run/artifacts`,
/// `mlflow-artifacts://host/1/…`, this server's own address for them, or an address below that of the store.
pub fn place(uri: &str, store: &str) -> Option<Name> {
    let store = store.trim_end_matches('/');
    let plain = uri.strip_prefix("file://").unwrap_or(uri);
    if let Some(below) = plain
        .strip_prefix(store)
        .filter(|_| !store.is_empty())
        .and_then(|rest| rest.strip_prefix('/'))
    {
        return Name::parse(below.trim_matches('/')).ok();
    }
    let (scheme, rest) = uri.split_once(':')?;
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
        None => rest,
    };
    let path = match scheme {
        "mlflow-artifacts" => path.trim_start_matches('/'),
        "http" | "https" => format!("/{path}")
            .find(FILES)
            .and_then(|at| path.get(at + FILES.len()..))?,
        _ => return None,
    };
    Name::parse(path.trim_matches('/')).ok()
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn addresses_of_the_store_are_names_in_it() {
        let at = |uri| place(uri, "s3://bucket/x/").map(|n| n.to_string());
        for uri in [
            "mlflow-artifacts:/1/r/artifacts",
            "mlflow-artifacts:/1/r/artifacts/",
            "mlflow-artifacts://host:5000/1/r/artifacts",
            "http://host/api/2.0/mlflow-artifacts/artifacts/1/r/artifacts",
            "s3://bucket/x/1/r/artifacts",
            "https://host/prefix/api/2.0/mlflow-artifacts/artifacts/1/r/artifacts",
        ] {
            assert_eq!(at(uri).as_deref(), Some("1/r/artifacts"), "{uri}");
        }
        for uri in [
            "s3://bucket/xy/1",
            "s3://bucket/x/../1",
            "file:///1",
            "/1",
            "http://host/1",
            "mlflow-artifacts:/../1",
            "dbfs:/1",
        ] {
            assert_eq!(at(uri), None, "{uri}");
        }
    }
}
