//! `/traces/…`: what applications did to answer.

use std::collections::BTreeMap;

use axum::extract::{Path, State as Shared};
use serde_json::{Map, Value, json};
use steward_capabilities::tracking as limits;
use steward_runs::grammar::{self, TRACES};
use steward_runs::{RunsError, Trace, TraceCull, TraceSearch, below};

use super::asked::absent;
use super::assessments;
use super::experiments::{number, store};
use super::shapes::Number;
use super::{Answer, Asked, MlflowError, answer, paging};
use crate::State;

/// Traces of an answer where nobody says, and most of them.
const USUAL: i64 = 100;
const MOST: i64 = 50_000;
/// Most traces that are linked at once.
const LINKS: usize = 100;
/// The tag that says where a trace's files are.
const PLACE: &str = "mlflow.artifactLocation";
/// Tags that the server sets alone.
const OWN: [&str; 3] = [
    "mlflow.trace.spansLocation",
    "mlflow.trace.archiveLocation",
    "mlflow.trace.archivalFailure",
];

/// A moment in words, from milliseconds since 1970 UTC.
pub fn moment(ms: i64) -> Value {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(at) => json!(at.to_string()),
        Err(_) => Value::Null,
    }
}

/// Milliseconds since 1970 UTC, of a moment in words or of a number.
pub fn millis(name: &str, value: &Value) -> Result<i64, MlflowError> {
    let told = match value {
        Value::String(text) => text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond()),
        _ => None,
    };
    told.ok_or_else(|| MlflowError::value(name, value, "expected a moment such as 2025-04-15T08:49:18.699Z"))
}

/// `1.5s`.
fn duration(ms: i64) -> Value {
    let (sign, ms) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs());
    match ms % 1000 {
        0 => json!(format!("{sign}{}s", ms / 1000)),
        rest => json!(format!("{sign}{}.{rest:03}s", ms / 1000)),
    }
}

fn duration_ms(value: &Value) -> Result<i64, MlflowError> {
    let read = || value.as_str()?.strip_suffix('s')?.parse::<f64>().ok();
    let seconds =
        read().ok_or_else(|| MlflowError::value("execution_duration", value, "expected seconds such as 1.5s"))?;
    Ok((seconds * 1000.0).round() as i64)
}

/// `TraceInfoV3`.
pub fn shape(trace: &Trace) -> Value {
    let mut info = json!({
        "trace_id": trace.id,
        "trace_location": {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": { "experiment_id": trace.group.to_string() },
        },
        "request_time": moment(trace.at_ms),
        "state": trace.state,
    });
    for (name, value) in [
        ("client_request_id", &trace.client_id),
        ("request_preview", &trace.asked),
        ("response_preview", &trace.answered),
    ] {
        if let Some(value) = value {
            info[name] = json!(value);
        }
    }
    if let Some(took) = trace.took_ms {
        info["execution_duration"] = duration(took);
    }
    if !trace.tags.is_empty() {
        info["tags"] = json!(trace.tags);
    }
    if !trace.metadata.is_empty() {
        info["trace_metadata"] = json!(trace.metadata);
    }
    if !trace.assessments.is_empty() {
        let all = trace.assessments.iter().map(|a| assessments::shape(&trace.id, a));
        info["assessments"] = all.collect();
    }
    info
}

/// `TraceInfo` of the second version.
fn shape_v2(trace: &Trace) -> Value {
    let pairs = |all: &BTreeMap<String, String>| -> Value {
        all.iter()
            .map(|(key, value)| json!({ "key": key, "value": value }))
            .collect()
    };
    let mut info = json!({
        "request_id": trace.id,
        "experiment_id": trace.group.to_string(),
        "timestamp_ms": trace.at_ms,
        "status": if trace.state == "STATE_UNSPECIFIED" { "TRACE_STATUS_UNSPECIFIED" } else { &trace.state },
        "request_metadata": pairs(&trace.metadata),
        "tags": pairs(&trace.tags),
    });
    if let Some(took) = trace.took_ms {
        info["execution_time_ms"] = json!(took);
    }
    info
}

fn texts(asked: &Asked, name: &str) -> Result<BTreeMap<String, String>, MlflowError> {
    let mut found = BTreeMap::new();
    let Some(Value::Object(all)) = asked.get(name)? else {
        return Ok(found);
    };
    for (key, value) in all {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        found.insert(key.clone(), text);
    }
    Ok(found)
}

/// `POST /traces`.
pub async fn start(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let told = asked.object("trace")?.ok_or_else(|| absent("trace"))?;
    let info = told.object("trace_info")?.ok_or_else(|| absent("trace.trace_info"))?;
    let place = info.object("trace_location")?.unwrap_or_default();
    let place = place
        .object("mlflow_experiment")?
        .ok_or_else(|| absent("trace_location.mlflow_experiment"))?;
    let group = number(place.required("experiment_id")?)?;
    let id = info.required("trace_id")?.to_owned();
    let store = store(&state).await?;
    let known = store.group(group).await?;
    let mut tags = texts(&info, "tags")?;
    tags.insert(PLACE.to_owned(), below(&known.artifacts, &["traces", &id, "artifacts"]));
    let mut all = Vec::new();
    for told in info.objects("assessments")? {
        all.push(assessments::read(&Asked::of(told.clone()), now_ms())?);
    }
    let trace = Trace {
        at_ms: info
            .get("request_time")?
            .map_or(Ok(now_ms()), |v| millis("request_time", v))?,
        took_ms: info.get("execution_duration")?.map(duration_ms).transpose()?,
        state: info.text("state")?.unwrap_or("STATE_UNSPECIFIED").to_owned(),
        client_id: info.text("client_request_id")?.map(str::to_owned),
        asked: info.text("request_preview")?.map(str::to_owned),
        answered: info.text("response_preview")?.map(str::to_owned),
        tags,
        metadata: texts(&info, "trace_metadata")?,
        assessments: all,
        ..Trace::begun(id, group)
    };
    let trace = store.put_trace(trace).await?;
    answer(&json!({ "trace": { "trace_info": shape(&trace) } }))
}

/// Now, milliseconds since 1970 UTC.
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// `GET /traces/{id}`.
pub async fn get(Shared(state): Shared<State>, Path(id): Path<String>) -> Answer {
    let trace = store(&state).await?.trace(&id).await?;
    answer(&json!({ "trace": { "trace_info": shape(&trace) } }))
}

/// `GET /traces/get`: with its spans.
pub async fn with_spans(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = asked.required("trace_id")?;
    let partial = asked.flag("allow_partial")?.unwrap_or_default();
    let store = store(&state).await?;
    let trace = match store.trace(id).await {
        Err(RunsError::Missing { .. }) => {
            return Err(MlflowError::missing(format!("Trace with ID {id} is not found.")));
        }
        other => other?,
    };
    let spans = store.spans(id).await?;
    if spans.is_empty() && !partial {
        return Err(MlflowError::missing(format!(
            "Trace with ID {id} is not fully exported yet, please try again later."
        )));
    }
    answer(&json!({ "trace": whole(&trace, &spans) }))
}

fn whole(trace: &Trace, spans: &[steward_runs::Span]) -> Value {
    let mut document = json!({ "trace_info": shape(trace) });
    if !spans.is_empty() {
        document["spans"] = spans.iter().map(super::otlp::span_shape).collect();
    }
    document
}

/// `GET /traces/batchGet`: those that have spans.
pub async fn batch(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let ids = trace_ids(&asked)?;
    let store = store(&state).await?;
    let mut all = Vec::new();
    for trace in store.traces(&ids).await? {
        let spans = store.spans(&trace.id).await?;
        if !spans.is_empty() {
            all.push(whole(&trace, &spans));
        }
    }
    listed("traces", all)
}

/// `POST /traces/batchGetInfos`.
pub async fn batch_infos(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let ids = trace_ids(&asked)?;
    let found = store(&state).await?.traces(&ids).await?;
    listed("trace_infos", found.iter().map(shape).collect())
}

fn listed(name: &str, all: Vec<Value>) -> Answer {
    let mut document = Map::new();
    if !all.is_empty() {
        document.insert(name.to_owned(), Value::Array(all));
    }
    answer(&Value::Object(document))
}

fn trace_ids(asked: &Asked) -> Result<Vec<String>, MlflowError> {
    if !asked.has("trace_ids") {
        return Err(absent("trace_ids"));
    }
    Ok(asked.texts("trace_ids")?.into_iter().map(str::to_owned).collect())
}

async fn find(state: &State, asked: &Asked, groups: Vec<i64>, of: fn(&Trace) -> Value) -> Answer {
    let limit = paging::most(asked.int("max_results")?, USUAL, MOST)?;
    if limit > 500 {
        let value = asked.get("max_results")?.cloned().unwrap_or_default();
        return Err(super::asked::wrong("max_results", &value));
    }
    let offset = paging::offset(asked.text("page_token")?)?;
    let filter = grammar::parse_filter(&TRACES, asked.text("filter")?.unwrap_or_default())?;
    let orders = asked.texts("order_by")?;
    let orders = orders
        .into_iter()
        .map(|text| grammar::parse_order(&TRACES, text))
        .collect::<Result<_, _>>()?;
    let search = TraceSearch {
        groups,
        filter,
        orders,
        offset,
        limit,
    };
    let found = store(state).await?.search_traces(search).await?;
    let mut document = json!({});
    if !found.items.is_empty() {
        document["traces"] = found.items.iter().map(of).collect();
    }
    // As MLflow's server: a full page is followed by another, which may be empty.
    if found.items.len() == limit {
        document["next_page_token"] = json!(paging::token(offset + limit));
    }
    answer(&document)
}

/// `POST /traces/search`.
pub async fn search(Shared(state): Shared<State>, asked: Asked) -> Answer {
    if !asked.has("locations") {
        return Err(absent("locations"));
    }
    let mut groups = Vec::new();
    for place in asked.objects("locations")? {
        if let Some(place) = Asked::of(place.clone()).object("mlflow_experiment")? {
            groups.push(number(place.required("experiment_id")?)?);
        }
    }
    find(&state, &asked, groups, shape).await
}

/// `GET /traces` of the second version.
pub async fn search_v2(Shared(state): Shared<State>, asked: Asked) -> Answer {
    if !asked.has("experiment_ids") {
        return Err(absent("experiment_ids"));
    }
    let groups = asked
        .texts("experiment_ids")?
        .into_iter()
        .map(number)
        .collect::<Result<_, _>>()?;
    find(&state, &asked, groups, shape_v2).await
}

/// `POST /traces` of the second version.
pub async fn start_v2(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let group = number(asked.required("experiment_id")?)?;
    let store = store(&state).await?;
    let known = store.group(group).await?;
    let id = format!("tr-{}", steward_runs::new_id());
    let mut tags: BTreeMap<String, String> = asked.pairs("tags")?.into_iter().collect();
    tags.insert(PLACE.to_owned(), below(&known.artifacts, &["traces", &id, "artifacts"]));
    let trace = Trace {
        at_ms: asked.int("timestamp_ms")?.unwrap_or_else(now_ms),
        tags,
        metadata: asked.pairs("request_metadata")?.into_iter().collect(),
        ..Trace::begun(id, group)
    };
    let trace = store.put_trace(trace).await?;
    answer(&json!({ "trace_info": shape_v2(&trace) }))
}

/// `PATCH /traces/{id}` of the second version.
pub async fn end_v2(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let end = asked.int("timestamp_ms")?.unwrap_or_else(now_ms);
    let status = match asked.get("status")? {
        Some(Value::String(name)) => name
            .strip_prefix("TRACE_STATUS_")
            .map_or(name.clone(), |_| "STATE_UNSPECIFIED".into()),
        Some(Value::Number(n)) => ["STATE_UNSPECIFIED", "OK", "ERROR", "IN_PROGRESS"]
            .get(n.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0))
            .unwrap_or(&"STATE_UNSPECIFIED")
            .to_string(),
        _ => "STATE_UNSPECIFIED".into(),
    };
    let (tags, metadata) = (asked.pairs("tags")?, asked.pairs("request_metadata")?);
    let change = move |trace: &mut Trace| {
        trace.took_ms = Some(end.saturating_sub(trace.at_ms));
        trace.state = status;
        trace.tags.extend(tags);
        trace.metadata.extend(metadata);
        Ok(trace.clone())
    };
    let trace = store(&state).await?.change_trace(&id, change).await?;
    answer(&json!({ "trace_info": shape_v2(&trace) }))
}

/// `GET /traces/{id}/info` of the second version.
pub async fn info_v2(Shared(state): Shared<State>, Path(id): Path<String>) -> Answer {
    let trace = store(&state).await?.trace(&id).await?;
    answer(&json!({ "trace_info": shape_v2(&trace) }))
}

/// `PATCH /traces/{id}/tags`.
pub async fn set_tag(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let key = asked.required("key")?.to_owned();
    let mut value = asked.text("value")?.unwrap_or_default().to_owned();
    if OWN.contains(&key.as_str()) {
        return Err(MlflowError::invalid(format!(
            "Tag '{key}' is immutable and cannot be set on a trace."
        )));
    }
    limits::check_tag(&key, &mut value, "")?;
    let change = move |trace: &mut Trace| {
        trace.tags.insert(key, value);
        Ok(())
    };
    store(&state).await?.change_trace(&id, change).await?;
    answer(&json!({}))
}

/// `DELETE /traces/{id}/tags`.
pub async fn delete_tag(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let key = asked.required("key")?.to_owned();
    if OWN[..2].contains(&key.as_str()) {
        return Err(MlflowError::invalid(format!(
            "Tag '{key}' is immutable and cannot be deleted on a trace."
        )));
    }
    let told = key.clone();
    let change = move |trace: &mut Trace| Ok(trace.tags.remove(&key).is_some());
    let gone = store(&state).await?.change_trace(&id, change).await?;
    match gone {
        true => answer(&json!({})),
        false => Err(MlflowError::missing(format!(
            "No trace tag with key '{told}' for trace with ID '{id}'"
        ))),
    }
}

/// `POST /traces/delete-traces`.
pub async fn delete(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let group = number(asked.required("experiment_id")?)?;
    let ids = match asked.has("trace_ids") {
        true => asked.texts("trace_ids")?,
        false => asked.texts("request_ids")?,
    };
    let cull = TraceCull {
        group,
        until_ms: asked.int("max_timestamp_millis")?,
        limit: asked.int("max_traces")?,
        ids: ids.into_iter().map(str::to_owned).collect(),
    };
    if cull.until_ms.is_none() && cull.ids.is_empty() {
        return Err(MlflowError::invalid(
            "Either `max_timestamp_millis` or `trace_ids` must be specified.",
        ));
    }
    if cull.until_ms.is_some() && !cull.ids.is_empty() {
        return Err(MlflowError::invalid(
            "Only one of `max_timestamp_millis` and `trace_ids` can be specified.",
        ));
    }
    if let Some(limit) = cull.limit.filter(|n| *n <= 0) {
        return Err(MlflowError::invalid(format!(
            "`max_traces` must be a positive integer, received {limit}."
        )));
    }
    let deleted = store(&state).await?.delete_traces(cull).await?;
    answer(&json!({ "traces_deleted": deleted }))
}

/// `POST /traces/link-to-run`.
pub async fn link(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let ids = trace_ids(&asked)?;
    let run = asked.required("run_id")?.to_owned();
    if ids.len() > LINKS {
        return Err(MlflowError::invalid(format!(
            "Cannot link more than {LINKS} traces to a run in a single request. Provided {} traces.",
            ids.len()
        )));
    }
    store(&state).await?.link_traces(ids, run).await?;
    answer(&json!({}))
}

/// `POST /traces/link-prompts`.
pub async fn link_prompts(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = asked.required("trace_id")?;
    let mut prompts = Vec::new();
    for prompt in asked.objects("prompt_versions")? {
        let prompt = Asked::of(prompt.clone());
        let version = prompt
            .get("version")?
            .map(|v| v.as_str().map_or(v.to_string(), str::to_owned));
        prompts.push(format!("{}/{}", prompt.required("name")?, version.unwrap_or_default()));
    }
    let change = move |trace: &mut Trace| {
        for prompt in prompts {
            if !trace.prompts.contains(&prompt) {
                trace.prompts.push(prompt);
            }
        }
        Ok(())
    };
    store(&state).await?.change_trace(id, change).await?;
    answer(&json!({}))
}

/// `POST /traces/calculate-filter-correlation`: the normalised pointwise mutual information of two filters.
pub async fn correlation(Shared(state): Shared<State>, asked: Asked) -> Answer {
    if !asked.has("experiment_ids") {
        return Err(absent("experiment_ids"));
    }
    let groups: Vec<i64> = asked
        .texts("experiment_ids")?
        .into_iter()
        .map(number)
        .collect::<Result<_, _>>()?;
    let filter = |text: &str| grammar::parse_filter(&TRACES, text);
    let first = filter(asked.required("filter_string1")?)?;
    let second = filter(asked.required("filter_string2")?)?;
    let base = filter(asked.text("base_filter")?.unwrap_or_default())?;
    let counts = store(&state)
        .await?
        .trace_counts(&groups, &base, &first, &second)
        .await?;
    let (npmi, smoothed) = match counts.total == 0 || counts.first == 0 || counts.second == 0 {
        true => (f64::NAN, f64::NAN),
        false => {
            let both = counts.both as f64;
            let cells = [
                both,
                counts.first as f64 - both,
                counts.second as f64 - both,
                counts.total as f64 - counts.first as f64 - counts.second as f64 + both,
            ];
            let plain = if counts.both == 0 {
                -1.0
            } else {
                shared_information(cells, 0.0)
            };
            // Jeffreys' prior.
            (plain, shared_information(cells, 0.5))
        }
    };
    answer(&json!({
        "npmi": Number(npmi),
        "npmi_smoothed": Number(smoothed),
        "filter1_count": counts.first,
        "filter2_count": counts.second,
        "joint_count": counts.both,
        "total_count": counts.total,
    }))
}

/// Normalised pointwise mutual information of a table `[both, first only, second only, neither]`: Bouma (2009),
/// "Normalized (Pointwise) Mutual Information in Collocation Extraction".
fn shared_information(cells: [f64; 4], prior: f64) -> f64 {
    if cells[1..] == [0.0; 3] {
        return 1.0;
    }
    let [both, first, second, neither] = cells.map(|c| c + prior);
    let all = both + first + second + neither;
    let information = (both * all / ((both + first) * (both + second))).ln();
    (information / -(both / all).ln()).clamp(-1.0, 1.0)
}
