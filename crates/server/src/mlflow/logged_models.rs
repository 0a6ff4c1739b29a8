//! `/logged-models/…`: models that runs made.

use axum::extract::{Path, State as Shared};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use steward_capabilities::tracking as limits;
use steward_runs::grammar::{self, Kind, MODELS};
use steward_runs::{Model, ModelOrder, ModelSearch, ModelStatus, NewModel, OnDataset, RunsError};

use super::asked::{absent, as_int};
use super::experiments::{number, store};
use super::runs::random_name;
use super::shapes::Number;
use super::{Answer, Asked, MlflowError, answer};
use crate::State;

/// Models of an answer where nobody says.
const USUAL: i64 = 100;

/// `LoggedModel`.
fn shape(model: &Model) -> Value {
    let pairs = |all: &std::collections::BTreeMap<String, String>| -> Vec<Value> {
        all.iter()
            .map(|(key, value)| json!({ "key": key, "value": value }))
            .collect()
    };
    let mut info = json!({
        "model_id": model.id,
        "experiment_id": model.group.to_string(),
        "name": model.name,
        "creation_timestamp_ms": model.created_ms,
        "last_updated_timestamp_ms": model.updated_ms,
        "artifact_uri": model.artifacts,
        "status": match model.status {
            ModelStatus::Unspecified => "LOGGED_MODEL_STATUS_UNSPECIFIED",
            ModelStatus::Pending => "LOGGED_MODEL_PENDING",
            ModelStatus::Ready => "LOGGED_MODEL_READY",
            ModelStatus::Failed => "LOGGED_MODEL_UPLOAD_FAILED",
        },
    });
    if let Some(kind) = &model.kind {
        info["model_type"] = json!(kind);
    }
    if let Some(run) = &model.run {
        info["source_run_id"] = json!(run);
    }
    if !model.tags.is_empty() {
        info["tags"] = Value::Array(pairs(&model.tags));
    }
    let mut data = json!({});
    if !model.params.is_empty() {
        data["params"] = Value::Array(pairs(&model.params));
    }
    if !model.metrics.is_empty() {
        let metrics = model.metrics.iter().map(|m| {
            let mut metric = json!({
                "key": m.key, "value": Number(m.at.0), "timestamp": m.at.2, "step": m.at.1,
                "model_id": model.id, "run_id": m.run,
            });
            if let Some((name, digest)) = &m.dataset {
                metric["dataset_name"] = json!(name);
                metric["dataset_digest"] = json!(digest);
            }
            metric
        });
        data["metrics"] = Value::Array(metrics.collect());
    }
    json!({ "info": info, "data": data })
}

fn one(model: &Model) -> Answer {
    answer(&json!({ "model": shape(model) }))
}

/// `POST /logged-models`.
pub async fn create(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let group = number(asked.required("experiment_id")?)?;
    let name = asked.text("name")?;
    if let Some(name) = name.filter(|n| !n.is_empty()) {
        limits::check_model_name(name)?;
    }
    let told = |name| Ok::<_, MlflowError>(asked.text(name)?.filter(|t| !t.is_empty()).map(str::to_owned));
    let new = NewModel {
        group,
        name: told("name")?.unwrap_or_else(random_name),
        kind: told("model_type")?,
        run: told("source_run_id")?,
        params: asked.pairs("params")?,
        tags: asked.pairs("tags")?,
    };
    one(&store(&state).await?.create_model(new).await?)
}

/// `GET /logged-models/{id}`.
pub async fn get(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let deleted = asked
        .text("allow_deleted")?
        .is_some_and(|t| t.eq_ignore_ascii_case("true"));
    let model = store(&state).await?.model(&id).await?;
    if model.deleted_ms.is_some() && !deleted {
        return Err(RunsError::Missing {
            what: "model",
            name: id,
            within: String::new(),
        }
        .into());
    }
    one(&model)
}

/// `PATCH /logged-models/{id}`.
pub async fn finish(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let told = asked.get("status")?.ok_or_else(|| absent("status"))?;
    let status = match (as_int(told), told.as_str()) {
        (Some(0), _) | (_, Some("LOGGED_MODEL_STATUS_UNSPECIFIED")) => ModelStatus::Unspecified,
        (Some(1), _) | (_, Some("LOGGED_MODEL_PENDING")) => ModelStatus::Pending,
        (Some(2), _) | (_, Some("LOGGED_MODEL_READY")) => ModelStatus::Ready,
        (Some(3), _) | (_, Some("LOGGED_MODEL_UPLOAD_FAILED")) => ModelStatus::Failed,
        _ => return Err(MlflowError::invalid(format!("Unknown model status: {told}"))),
    };
    one(&store(&state).await?.finish_model(&id, status).await?)
}

/// `DELETE /logged-models/{id}`.
pub async fn delete(Shared(state): Shared<State>, Path(id): Path<String>) -> Answer {
    store(&state).await?.delete_model(&id).await?;
    answer(&json!({}))
}

/// `PATCH /logged-models/{id}/tags`.
pub async fn set_tags(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let tags = asked.pairs("tags")?;
    let change = move |model: &mut Model| {
        model.tags.extend(tags);
        Ok(())
    };
    store(&state).await?.change_model(&id, change).await?;
    answer(&json!({}))
}

/// `DELETE /logged-models/{id}/tags/{key}`.
pub async fn delete_tag(Shared(state): Shared<State>, Path((id, key)): Path<(String, String)>) -> Answer {
    let of = id.clone();
    let change = move |model: &mut Model| match model.tags.remove(&key) {
        Some(_) => Ok(()),
        None => Err(RunsError::Missing {
            what: "tag",
            name: key,
            within: format!("model {of}"),
        }),
    };
    match store(&state).await?.change_model(&id, change).await {
        Err(RunsError::Missing { what: "tag", name, .. }) => Err(MlflowError::missing(format!(
            "No tag with key '{name}' found for model with ID '{id}'."
        ))),
        other => {
            other?;
            answer(&json!({}))
        }
    }
}

/// `POST /logged-models/{id}/params`.
pub async fn log_params(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let params = asked.pairs("params")?;
    let change = move |model: &mut Model| {
        let taken = params
            .iter()
            .find(|(key, value)| model.params.get(key).is_some_and(|v| v != value));
        if let Some((key, _)) = taken {
            return Err(RunsError::Invalid(format!(
                "Changing param values is not allowed: '{key}' of the model was logged already"
            )));
        }
        model.params.extend(params);
        Ok(())
    };
    store(&state).await?.change_model(&id, change).await?;
    answer(&json!({}))
}

/// `POST /logged-models/search`.
pub async fn search(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let groups = asked.texts("experiment_ids")?;
    let filter = asked.text("filter")?.filter(|f| !f.is_empty());
    let token = asked.text("page_token")?.filter(|t| !t.is_empty());
    let mut orders = Vec::new();
    let mut told = Vec::new();
    for order in asked.objects("order_by")? {
        let order = Asked::of(order.clone());
        let field = order.required("field_name")?;
        let ascending = order.flag("ascending")?.unwrap_or(true);
        let on = OnDataset {
            name: order.text("dataset_name")?.filter(|t| !t.is_empty()).map(str::to_owned),
            digest: order
                .text("dataset_digest")?
                .filter(|t| !t.is_empty())
                .map(str::to_owned),
        };
        told.push(json!({ "field_name": field, "ascending": ascending, "dataset_name": on.name, "dataset_digest": on.digest }));
        orders.push((ordered(field, on)?, ascending));
    }
    let mut datasets = Vec::new();
    for dataset in asked.objects("datasets")? {
        let dataset = Asked::of(dataset.clone());
        let name = dataset.text("dataset_name")?.filter(|t| !t.is_empty());
        let name =
            name.ok_or_else(|| MlflowError::invalid("`dataset_name` in the `datasets` clause must be specified."))?;
        datasets.push(OnDataset {
            name: Some(name.to_owned()),
            digest: dataset
                .text("dataset_digest")?
                .filter(|t| !t.is_empty())
                .map(str::to_owned),
        });
    }
    let page = Token {
        groups: groups.iter().map(|g| (*g).to_owned()).collect(),
        filter: filter.map(str::to_owned),
        orders: (!told.is_empty()).then_some(told),
    };
    let offset = token.map_or(Ok(0), |token| page.offset(token))?;
    let limit = asked.int("max_results")?.filter(|n| *n > 0).unwrap_or(USUAL);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let search = ModelSearch {
        groups: groups.into_iter().map(number).collect::<Result<_, _>>()?,
        filter: grammar::parse_filter(&MODELS, filter.unwrap_or_default()).map_err(in_its_words)?,
        datasets,
        orders,
        offset,
        limit,
    };
    let found = store(&state).await?.search_models(search).await?;
    let mut document = json!({});
    if !found.items.is_empty() {
        document["models"] = Value::Array(found.items.iter().map(shape).collect());
    }
    if found.more {
        document["next_page_token"] = json!(page.token(offset + limit));
    }
    answer(&document)
}

fn ordered(field: &str, on: OnDataset) -> Result<ModelOrder, MlflowError> {
    let wrong = || {
        MlflowError::invalid(format!(
            "Invalid order by field name: {field}. Only metrics are supported."
        ))
    };
    match field.split_once('.') {
        Some(("metrics", key)) => Ok(ModelOrder::Metric(key.trim_matches('`').to_owned(), on)),
        Some(_) => Err(wrong()),
        None => {
            let order = grammar::parse_order(&MODELS, field)
                .ok()
                .filter(|o| o.kind == Kind::Attribute)
                .ok_or_else(|| MlflowError::invalid(format!("Invalid order by field name: {field}")))?;
            Ok(ModelOrder::Attribute(order.key))
        }
    }
}

/// What clients of this address look for in messages.
fn in_its_words(e: RunsError) -> MlflowError {
    match e {
        RunsError::Invalid(message) if message.contains("Invalid comparator") => {
            MlflowError::invalid(message.replace("Invalid comparator", "Invalid comparison operator"))
        }
        RunsError::Invalid(message) if message.contains("Invalid entity type") => MlflowError::invalid(message),
        RunsError::Invalid(message) => MlflowError::invalid(format!("Invalid filter string: {message}")),
        other => other.into(),
    }
}

/// A page token of this address also says what was searched.
struct Token {
    groups: Vec<String>,
    filter: Option<String>,
    orders: Option<Vec<Value>>,
}

impl Token {
    fn token(&self, offset: usize) -> String {
        let document = json!({
            "experiment_ids": self.groups, "filter_string": self.filter, "order_by": self.orders, "offset": offset,
        });
        STANDARD.encode(document.to_string())
    }

    fn offset(&self, token: &str) -> Result<usize, MlflowError> {
        let read = || -> Option<Value> { serde_json::from_slice(&STANDARD.decode(token).ok()?).ok() };
        let told = read().ok_or_else(|| MlflowError::invalid(format!("Invalid page token: {token}")))?;
        for (field, asked, what) in [
            (
                "experiment_ids",
                json!(self.groups),
                "Experiment IDs in the page token do not match the requested experiment IDs",
            ),
            (
                "filter_string",
                json!(self.filter),
                "Filter string in the page token does not match the requested filter string",
            ),
            (
                "order_by",
                json!(self.orders),
                "Order by in the page token does not match the requested order by",
            ),
        ] {
            let found = &told[field];
            if *found != asked {
                return Err(MlflowError::invalid(format!(
                    "{what}. Expected: {asked}. Found: {found}"
                )));
            }
        }
        Ok(told["offset"]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(0))
    }
}
