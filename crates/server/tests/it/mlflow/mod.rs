//! MLflow's protocol, as its clients speak it.

mod artifacts;
mod frame;
mod registry;
mod runs;
mod traces;

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::Value;

use crate::world::{Answer, World};

/// Asks an address below `/api/2.0/mlflow/` with a JSON document; the status and what is answered.
async fn ask(world: &World, method: &str, path: &str, document: &Value) -> (u16, Value) {
    let method: Method = method.parse().unwrap();
    let path = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("/api/2.0/mlflow/{path}"),
    };
    let request = Request::builder().method(&method).uri(path);
    let request = match method {
        Method::GET => request.body(Body::empty()),
        _ => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(document.to_string())),
    };
    read(world.ask(request.unwrap()).await)
}

fn read(answer: Answer) -> (u16, Value) {
    let document = serde_json::from_str(&answer.text).unwrap_or_else(|_| panic!("{}", answer.text));
    (answer.status.as_u16(), document)
}
