//! Large files in parts, and addresses that a bucket itself serves.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use steward_artifacts::{Name, Part};

use super::super::{Answer, Asked, Code, MlflowError, answer, origin};
use super::files::{arriving, file};
use super::name;
use crate::State;
use crate::ui::parts::encode;

/// Most parts of an upload.
const MOST: i64 = 10_000;
/// How long a signed address works.
const SIGNED: Duration = Duration::from_secs(900);

/// The name of the file whose folder stands in the address and whose name stands in the body, as clients say it.
fn target(folder: Option<&Path<String>>, asked: &Asked) -> Result<Name, MlflowError> {
    let path = asked.required("path")?;
    // Clients name the file as it lies on their disk.
    let last = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let folder = name(folder.map_or("", |Path(folder)| folder.as_str()))?;
    Ok(folder.join(file(last)?.as_str())?)
}

/// `POST …/mpu/create/FOLDER`.
pub async fn create(
    Shared(state): Shared<State>,
    folder: Option<Path<String>>,
    headers: HeaderMap,
    asked: Asked,
) -> Answer {
    let name = target(folder.as_ref(), &asked)?;
    let count = asked.int("num_parts")?.unwrap_or(1);
    if !(1..=MOST).contains(&count) {
        return Err(MlflowError::invalid(format!(
            "num_parts must be between 1 and {MOST}, not {count}"
        )));
    }
    let id = state.loaded().await.context.artifacts.create_upload(&name).await?;
    let base = origin(&headers);
    let path: Vec<String> = name.segments().map(encode).collect();
    let (coded_id, coded_name) = (encode(&id), path.join("/"));
    let credential = |number: i64| {
        let url = format!("{base}/api/2.0/mlflow-artifacts/mpu/part/{coded_id}/{number}/{coded_name}");
        json!({ "url": url, "part_number": number, "headers": {} })
    };
    let credentials: Vec<Value> = (1..=count).map(credential).collect();
    answer(&json!({ "upload_id": id, "credentials": credentials }))
}

/// `PUT …/mpu/part/UPLOAD/NUMBER/FILE`: one part; its tag comes as `ETag`.
pub async fn put(
    Shared(state): Shared<State>,
    Path((id, number, path)): Path<(String, u64, String)>,
    body: Body,
) -> Answer {
    let name = file(&path)?;
    let store = state.loaded().await.context.artifacts;
    let tag = store.put_part(&name, &id, number, arriving(body)).await?;
    Ok([(header::ETAG, format!("\"{}\"", tag.trim_matches('"')))].into_response())
}

/// `POST …/mpu/complete/FOLDER`.
pub async fn complete(Shared(state): Shared<State>, folder: Option<Path<String>>, asked: Asked) -> Answer {
    let name = target(folder.as_ref(), &asked)?;
    let mut parts = Vec::new();
    for fields in asked.objects("parts")? {
        let part = Asked::of(fields.clone());
        let number = u64::try_from(part.required_int("part_number")?).unwrap_or_default();
        let tag = part.required("etag")?.trim_matches('"').to_owned();
        parts.push(Part { number, tag });
    }
    let store = state.loaded().await.context.artifacts;
    store
        .complete_upload(&name, asked.required("upload_id")?, &parts)
        .await?;
    answer(&json!({}))
}

/// `POST …/mpu/abort/FOLDER`.
pub async fn abort(Shared(state): Shared<State>, folder: Option<Path<String>>, asked: Asked) -> Answer {
    let name = target(folder.as_ref(), &asked)?;
    let store = state.loaded().await.context.artifacts;
    store.abort_upload(&name, asked.required("upload_id")?).await?;
    answer(&json!({}))
}

/// `GET …/presigned/FILE`.
pub async fn presigned(Shared(state): Shared<State>, Path(path): Path<String>) -> Answer {
    let name = file(&path)?;
    let store = state.loaded().await.context.artifacts;
    if !store.signs() {
        let detail = "Presigned download is not supported for the current artifact repository";
        return Err(MlflowError::new(Code::NotImplemented, detail));
    }
    let size = store.size(&name).await?;
    let url = store.presigned(&name, SIGNED).await?;
    answer(&json!({ "url": url, "headers": {}, "file_size": size }))
}
