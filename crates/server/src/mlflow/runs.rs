//! `/runs/…`: what a run logs, and finding runs.

use axum::extract::State as Shared;
use axum::response::Response;
use serde_json::Value;
use steward_capabilities::tracking::{self as limits, run_name};
use steward_runs::grammar::{self, RUNS};
use steward_runs::{DEFAULT_GROUP, Dataset, Logged, NAME_TAG, NewRun, Point, Run, RunSearch, RunUpdate, RunsError};

use super::asked::{absent, as_float, as_int, wrong};
use super::experiments::{done, number, store, view};
use super::shapes::{Datasets, InfoShape, RunShape, status};
use super::{Answer, Asked, MlflowError, answer, paging};
use crate::State;

/// Most runs of an answer.
const MOST: i64 = 50_000;
/// Runs of an answer where nobody says.
const USUAL: i64 = 1000;

#[derive(serde::Serialize)]
struct One<'a> {
    run: RunShape<'a>,
}

fn one(run: &Run, datasets: &Datasets) -> Answer {
    answer(&One {
        run: RunShape { run, datasets },
    })
}

/// `POST /runs/create`.
pub async fn create(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let group = match asked.text("experiment_id")?.filter(|id| !id.is_empty()) {
        Some(id) => number(id)?,
        None => DEFAULT_GROUP,
    };
    let start_ms = asked.int("start_time")?.unwrap_or_default();
    let named = asked.text("run_name")?.filter(|n| !n.is_empty());
    let mut tags = asked.pairs("tags")?;
    for (at, (key, value)) in tags.iter_mut().enumerate() {
        limits::check_tag(key, value, &format!("tags[{at}]"))?;
    }
    let tagged = tags.iter().find(|(key, value)| key == NAME_TAG && !value.is_empty());
    if let (Some(name), Some((_, tag))) = (named, tagged)
        && name != tag
    {
        return Err(MlflowError::invalid(format!(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values \
             (run_name='{name}', mlflow.runName='{tag}')."
        )));
    }
    let name = named.or(tagged.map(|(_, tag)| tag.as_str())).map(str::to_owned);
    tags.retain(|(key, value)| key != NAME_TAG || !value.is_empty());
    let new = NewRun {
        group,
        name: name.unwrap_or_else(random_name),
        user: asked.text("user_id")?.unwrap_or_default().to_owned(),
        start_ms,
        tags,
    };
    let run = store(&state).await?.create_run(new).await?;
    one(&run, &Datasets::new())
}

/// A name for a run that nobody named.
pub fn random_name() -> String {
    use std::hash::{BuildHasher, RandomState};
    let draw = |salt: u8| u128::from(RandomState::new().hash_one(salt));
    run_name(draw(0) << 64 | draw(1))
}

/// `GET /runs/get`.
pub async fn get(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let store = store(&state).await?;
    let run = store.run(asked.run_id()?).await?;
    let datasets = match run.datasets.is_empty() {
        true => Datasets::new(),
        false => store.datasets(std::slice::from_ref(&run)).await?,
    };
    one(&run, &datasets)
}

/// `POST /runs/update`.
pub async fn update(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = asked.run_id()?;
    let told = asked.get("status")?;
    let known = told.map(|value| {
        status(value)
            .ok_or_else(|| MlflowError::value("status", value, "one of RUNNING, SCHEDULED, FINISHED, FAILED, KILLED"))
    });
    let update = RunUpdate {
        status: known.transpose()?,
        end_ms: asked.int("end_time")?,
        name: asked.text("run_name")?.map(str::to_owned),
    };
    let run = store(&state).await?.update_run(id, update).await?;
    #[derive(serde::Serialize)]
    struct Updated<'a> {
        run_info: InfoShape<'a>,
    }
    answer(&Updated {
        run_info: InfoShape(&run),
    })
}

/// `POST /runs/delete`.
pub async fn delete(Shared(state): Shared<State>, asked: Asked) -> Answer {
    done(store(&state).await?.mark_run(asked.run_id()?, true).await)
}

/// `POST /runs/restore`.
pub async fn restore(Shared(state): Shared<State>, asked: Asked) -> Answer {
    done(store(&state).await?.mark_run(asked.run_id()?, false).await)
}

/// `POST /runs/log-metric`.
pub async fn log_metric(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = asked.run_id()?;
    let point = Point {
        key: asked.required("key")?.to_owned(),
        value: asked.required_float("value")?,
        at_ms: asked.required_int("timestamp")?,
        step: asked.int("step")?.unwrap_or_default(),
        model: asked.text("model_id")?.filter(|m| !m.is_empty()).map(str::to_owned),
        dataset: dataset_of(&asked)?,
    };
    limits::check_point(&point, "")?;
    let logged = Logged {
        points: vec![point],
        ..Logged::default()
    };
    done(store(&state).await?.log(id, logged).await)
}

fn dataset_of(asked: &Asked) -> Result<Option<(String, String)>, MlflowError> {
    let name = asked.text("dataset_name")?.filter(|n| !n.is_empty());
    let digest = asked.text("dataset_digest")?.unwrap_or_default();
    Ok(name.map(|n| (n.to_owned(), digest.to_owned())))
}

/// `POST /runs/log-parameter`.
pub async fn log_param(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = asked.run_id()?;
    let key = asked.required("key")?.to_owned();
    let mut value = asked.text("value")?.unwrap_or_default().to_owned();
    limits::check_param(&key, &mut value, "")?;
    let logged = Logged {
        params: vec![(key, value)],
        ..Logged::default()
    };
    match store(&state).await?.log(id, logged).await {
        Err(RunsError::ParamChanged { run, changes }) if changes.len() == 1 => {
            let change = &changes[0];
            Err(MlflowError::invalid(format!(
                "Changing param values is not allowed. Param with key='{}' was already logged with value='{}' for run \
                 ID='{run}'. Attempted logging new value '{}'.",
                change.key, change.old, change.new
            )))
        }
        other => done(other),
    }
}

/// `POST /runs/set-tag`.
pub async fn set_tag(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = asked.run_id()?;
    let key = asked.required("key")?.to_owned();
    let mut value = asked.text("value")?.unwrap_or_default().to_owned();
    limits::check_tag(&key, &mut value, "")?;
    let logged = Logged {
        tags: vec![(key, value)],
        ..Logged::default()
    };
    done(store(&state).await?.log(id, logged).await)
}

/// `POST /runs/delete-tag`.
pub async fn delete_tag(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let (id, key) = (asked.run_id()?, asked.required("key")?);
    done(store(&state).await?.untag_run(id, key).await)
}

/// `POST /runs/log-batch`.
pub async fn log_batch(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = asked.required("run_id")?;
    let mut points = Vec::new();
    let all = asked.list("metrics")?;
    points.reserve(all.len());
    for (at, metric) in all.iter().enumerate() {
        points.push(point(at, metric, all)?);
    }
    let (mut params, mut tags) = (asked.pairs("params")?, asked.pairs("tags")?);
    limits::check_run_id(id)?;
    for (at, point) in points.iter().enumerate() {
        limits::check_point(point, &format!("metrics[{at}]"))?;
    }
    for (at, (key, value)) in params.iter_mut().enumerate() {
        limits::check_param(key, value, &format!("params[{at}]"))?;
    }
    for (at, (key, value)) in tags.iter_mut().enumerate() {
        limits::check_tag(key, value, &format!("tags[{at}]"))?;
    }
    limits::check_batch(&points, &params, &tags)?;
    done(store(&state).await?.log(id, Logged { points, params, tags }).await)
}

/// A metric of a batch.
fn point(at: usize, metric: &Value, all: &[Value]) -> Result<Point, MlflowError> {
    let whole = || wrong("metrics", &Value::Array(all.to_vec()));
    let fields = metric.as_object().ok_or_else(whole)?;
    let field = |name: &str| fields.get(name).filter(|v| !v.is_null() && v.as_str() != Some(""));
    let required = |name: &str| field(name).ok_or_else(|| absent(&format!("metrics[{at}].{name}")));
    let text = |name: &str| match field(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(whole()),
    };
    let (key, value, at_ms) = (required("key")?, required("value")?, required("timestamp")?);
    let number = |value: &Value| as_int(value).ok_or_else(whole);
    Ok(Point {
        key: key.as_str().ok_or_else(whole)?.to_owned(),
        value: as_float(value).ok_or_else(whole)?,
        at_ms: number(at_ms)?,
        step: field("step").map_or(Ok(0), number)?,
        model: text("model_id")?,
        dataset: match text("dataset_name")? {
            Some(name) => Some((name, text("dataset_digest")?.unwrap_or_default())),
            None => None,
        },
    })
}

/// `POST /runs/log-inputs`.
pub async fn log_inputs(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = asked.required("run_id")?;
    let mut datasets = Vec::new();
    for input in asked.objects("datasets")? {
        let input = Asked::of(input.clone());
        let tags = input.pairs("tags")?;
        let told = input
            .object("dataset")?
            .ok_or_else(|| MlflowError::invalid("Dataset input must have a dataset associated with it."))?;
        let must = |name: &'static str| {
            let text = told.text(name)?;
            text.map(str::to_owned)
                .ok_or_else(|| MlflowError::invalid(format!("Dataset {name} cannot be None")))
        };
        let dataset = Dataset {
            name: must("name")?,
            digest: must("digest")?,
            source_type: must("source_type")?,
            source: must("source")?,
            schema: told.text("schema")?.map(str::to_owned),
            profile: told.text("profile")?.map(str::to_owned),
        };
        limits::check_dataset(&dataset, &tags)?;
        datasets.push((dataset, tags));
    }
    let models = model_ids(&asked)?.into_iter().map(|(id, _)| id).collect();
    limits::check_run_id(id)?;
    done(store(&state).await?.log_inputs(id, datasets, models).await)
}

fn model_ids(asked: &Asked) -> Result<Vec<(String, i64)>, MlflowError> {
    let mut found = Vec::new();
    for model in asked.objects("models")? {
        let model = Asked::of(model.clone());
        found.push((
            model.required("model_id")?.to_owned(),
            model.int("step")?.unwrap_or_default(),
        ));
    }
    Ok(found)
}

/// `POST /runs/outputs`.
pub async fn log_outputs(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = asked.required("run_id")?;
    if !asked.has("models") {
        return Err(absent("models"));
    }
    done(store(&state).await?.log_outputs(id, model_ids(&asked)?).await)
}

/// `POST /runs/log-model`.
pub async fn log_model(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = asked.required("run_id")?;
    let text = asked.required("model_json")?;
    let model: Value = serde_json::from_str(text)
        .map_err(|_| MlflowError::invalid(format!("Malformed model info. \n {text} \n is not a valid JSON.")))?;
    let missing: Vec<String> = ["artifact_path", "flavors", "utc_time_created", "run_id"]
        .into_iter()
        .filter(|field| model.get(field).is_none())
        .map(|field| format!("'{field}'"))
        .collect();
    if !missing.is_empty() {
        return Err(MlflowError::invalid(format!(
            "Model json is missing mandatory fields: {{{}}}",
            missing.join(", ")
        )));
    }
    // How to load it in Python is not repeated there.
    let mut kept = model;
    if let Some(config) = kept
        .pointer_mut("/flavors/python_function")
        .and_then(Value::as_object_mut)
    {
        config.remove("config");
    }
    done(store(&state).await?.record_model(id, kept).await)
}

/// `POST /runs/search`.
pub async fn search(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let groups = asked.texts("experiment_ids")?;
    let filter = asked.text("filter")?.unwrap_or_default();
    let given = asked.int("max_results")?;
    if let Some(given) = given.filter(|n| *n > MOST) {
        return Err(MlflowError::invalid(format!(
            "Invalid value {given} for parameter 'max_results' supplied. It must be at most {MOST}"
        )));
    }
    let limit = paging::most(given, USUAL, MOST)?;
    let orders = asked.texts("order_by")?;
    let offset = paging::offset(asked.text("page_token")?)?;
    let search = RunSearch {
        groups: groups.into_iter().map(number).collect::<Result<_, _>>()?,
        filter: grammar::parse_filter(&RUNS, filter)?,
        view: view(&asked, "run_view_type")?,
        orders: orders
            .into_iter()
            .map(|text| grammar::parse_order(&RUNS, text))
            .collect::<Result<_, _>>()?,
        offset,
        limit,
    };
    let store = store(&state).await?;
    let page = store.search_runs(search).await?;
    let datasets = match page.items.iter().any(|r| !r.datasets.is_empty()) {
        true => store.datasets(&page.items).await?,
        false => Datasets::new(),
    };
    found(&page.items, &datasets, page.more.then(|| paging::token(offset + limit)))
}

fn found(runs: &[Run], datasets: &Datasets, next_page_token: Option<String>) -> Result<Response, MlflowError> {
    #[derive(serde::Serialize)]
    struct Found<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        runs: Vec<RunShape<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_page_token: Option<String>,
    }
    answer(&Found {
        runs: runs.iter().map(|run| RunShape { run, datasets }).collect(),
        next_page_token,
    })
}
