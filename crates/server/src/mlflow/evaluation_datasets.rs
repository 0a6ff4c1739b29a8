//! `/datasets/…` of the third version: sets of examples that applications are evaluated on.

use std::cmp::Ordering;

use axum::extract::{Path, State as Shared};
use serde_json::{Map, Value, json};
use steward_runs::grammar::{EXAMPLES, Kind, fits_number, fits_text, parse_filter, parse_order};
use steward_runs::{Example, ExampleSet, RunsError};

use super::experiments::{number, store};
use super::{Answer, Asked, MlflowError, answer, paging};
use crate::State;

const MOST: i64 = 50_000;
const USUAL: i64 = 1000;

fn shape(set: &ExampleSet) -> Value {
    let mut document = json!({
        "dataset_id": set.id,
        "name": set.name,
        "tags": json!(set.tags).to_string(),
        "digest": set.digest,
        "created_time": set.created_ms,
        "last_update_time": set.updated_ms,
    });
    for (name, value) in [("created_by", &set.created_by), ("last_updated_by", &set.updated_by)] {
        if let Some(value) = value {
            document[name] = json!(value);
        }
    }
    if let Some(schema) = &set.schema {
        document["schema"] = json!(schema.to_string());
    }
    if let Some(examples) = set.examples {
        document["profile"] = json!(json!({ "num_records": examples }).to_string());
    }
    document
}

fn example_shape(set: &str, example: &Example) -> Value {
    let mut document = json!({
        "dataset_record_id": example.id,
        "dataset_id": set,
        "inputs": example.inputs,
        "tags": example.tags,
        "created_time": example.created_ms,
        "last_update_time": example.updated_ms,
    });
    if let Some(source) = &example.source {
        let kind = source["source_type"].as_str().unwrap_or("UNSPECIFIED").to_uppercase();
        let data = source.get("source_data").cloned().unwrap_or_else(|| json!({}));
        let id = if kind == "TRACE" {
            &data["trace_id"]
        } else {
            &data["source_id"]
        };
        if !id.is_null() {
            document["source_id"] = id.clone();
        }
        document["source"] = json!({ "source_type": kind, "source_data": data });
        document["source_type"] = json!(kind);
    }
    for (name, value) in [
        ("outputs", example.outputs.clone()),
        ("expectations", example.expectations.clone().map(Value::Object)),
        ("created_by", example.created_by.clone().map(Value::String)),
        ("last_updated_by", example.updated_by.clone().map(Value::String)),
    ] {
        if let Some(value) = value {
            document[name] = value;
        }
    }
    document
}

fn one(set: &ExampleSet) -> Answer {
    answer(&json!({ "dataset": shape(set) }))
}

fn in_its_words(e: RunsError) -> MlflowError {
    match e {
        RunsError::Missing {
            what: "evaluation dataset",
            name,
            ..
        } => MlflowError::missing(format!(
            "Evaluation dataset with id '{name}' not found. Could not find evaluation dataset with ID {name}. Dataset \
             '{name}' not found"
        )),
        other => other.into(),
    }
}

fn read<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T, MlflowError> {
    serde_json::from_str(text).map_err(|e| MlflowError::invalid(format!("'{name}' holds no JSON of its shape: {e}")))
}

fn ids(asked: &Asked) -> Result<Vec<String>, MlflowError> {
    Ok(asked.texts("experiment_ids")?.into_iter().map(str::to_owned).collect())
}

/// `POST /datasets/create`.
pub async fn create(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let name = asked.required("name")?.to_owned();
    let tags: Map<String, Value> = match asked.text("tags")?.filter(|t| !t.is_empty()) {
        Some(text) => read::<Option<_>>("tags", text)?.unwrap_or_default(),
        None => Map::new(),
    };
    let set = store(&state).await?.create_examples(name, tags, ids(&asked)?).await?;
    let mut document = shape(&set);
    // Later answers leave the run groups to be asked for.
    if !set.groups.is_empty() {
        document["experiment_ids"] = json!(set.groups);
    }
    answer(&json!({ "dataset": document }))
}

/// `GET /datasets/{id}`.
pub async fn get(Shared(state): Shared<State>, Path(id): Path<String>) -> Answer {
    one(&store(&state).await?.example_set(&id).await.map_err(in_its_words)?)
}

/// `DELETE /datasets/{id}`: done also where there is none.
pub async fn delete(Shared(state): Shared<State>, Path(id): Path<String>) -> Answer {
    match store(&state).await?.delete_example_set(&id).await {
        Ok(()) | Err(RunsError::Missing { .. }) => answer(&json!({})),
        Err(e) => Err(e.into()),
    }
}

/// `GET` and `POST /datasets/search`.
pub async fn search(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let limit = paging::most(asked.int("max_results")?.filter(|n| *n != 0), USUAL, MOST)?;
    let offset = paging::offset(asked.text("page_token")?)?;
    let groups = ids(&asked)?;
    let filter = parse_filter(&EXAMPLES, asked.text("filter_string")?.unwrap_or_default())?;
    let mut orders = Vec::new();
    for text in asked.texts("order_by")? {
        orders.push(parse_order(&EXAMPLES, text)?);
    }
    if orders.is_empty() {
        orders.push(parse_order(&EXAMPLES, "created_time DESC")?);
    }
    let mut sets = store(&state).await?.example_sets().await?;
    sets.retain(|set| {
        let within = groups.is_empty() || set.groups.iter().any(|g| groups.contains(g));
        within
            && filter.iter().all(|clause| match (clause.kind, clause.key.as_str()) {
                (Kind::Attribute, "name") => fits_text(clause, Some(&set.name)),
                (Kind::Attribute, "created_time") => fits_number(clause, Some(set.created_ms as f64)),
                (Kind::Attribute, "last_update_time") => fits_number(clause, Some(set.updated_ms as f64)),
                (Kind::Attribute, "created_by") => fits_text(clause, set.created_by.as_deref()),
                (Kind::Attribute, _) => fits_text(clause, set.updated_by.as_deref()),
                (_, key) => fits_text(clause, set.tags.get(key).and_then(Value::as_str)),
            })
    });
    sets.sort_by(|a, b| {
        for order in &orders {
            let by = match order.key.as_str() {
                "name" => a.name.cmp(&b.name),
                "created_time" => a.created_ms.cmp(&b.created_ms),
                _ => a.updated_ms.cmp(&b.updated_ms),
            };
            if by != Ordering::Equal {
                return if order.ascending { by } else { by.reverse() };
            }
        }
        b.id.cmp(&a.id)
    });
    let mut document = json!({});
    let page: Vec<Value> = sets.iter().skip(offset).take(limit).map(shape).collect();
    if !page.is_empty() {
        document["datasets"] = Value::Array(page);
    }
    if sets.len() > offset + limit {
        document["next_page_token"] = json!(paging::token(offset + limit));
    }
    answer(&document)
}

/// `PATCH /datasets/{id}/tags`: a tag that is null stays as it is.
pub async fn set_tags(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let told: Map<String, Value> = read("tags", asked.required("tags")?)?;
    let change = move |set: &mut ExampleSet| {
        for (key, value) in told.into_iter().filter(|(_, v)| !v.is_null()) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            set.tags.insert(key, json!(text));
        }
        Ok(())
    };
    store(&state)
        .await?
        .change_examples(&id, change)
        .await
        .map_err(in_its_words)?;
    answer(&json!({}))
}

/// `DELETE /datasets/{id}/tags/{key}`: done also where there is none.
pub async fn delete_tag(Shared(state): Shared<State>, Path((id, key)): Path<(String, String)>) -> Answer {
    let change = move |set: &mut ExampleSet| {
        set.tags.remove(&key);
        Ok(())
    };
    match store(&state).await?.change_examples(&id, change).await {
        Ok(_) | Err(RunsError::Missing { .. }) => answer(&json!({})),
        Err(e) => Err(e.into()),
    }
}

/// `POST /datasets/{id}/records`.
pub async fn put_records(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let told: Vec<Map<String, Value>> = read("records", asked.required("records")?)?;
    let (inserted, updated) = store(&state)
        .await?
        .put_examples(&id, told)
        .await
        .map_err(in_its_words)?;
    answer(&json!({ "inserted_count": inserted, "updated_count": updated }))
}

/// `GET /datasets/{id}/records`.
pub async fn records(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let limit = asked.int("max_results")?.filter(|n| *n > 0).unwrap_or(USUAL);
    let offset = paging::offset(asked.text("page_token")?)?;
    let from = i64::try_from(offset).unwrap_or(i64::MAX);
    let mut found = store(&state)
        .await?
        .examples(&id, from, limit.saturating_add(1))
        .await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > most;
    found.truncate(most);
    let all: Vec<Value> = found.iter().map(|e| example_shape(&id, e)).collect();
    let mut document = json!({ "records": Value::Array(all).to_string() });
    if more {
        document["next_page_token"] = json!(paging::token(offset + most));
    }
    answer(&document)
}

/// `DELETE /datasets/{id}/records`.
pub async fn delete_records(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let ids = asked
        .texts("dataset_record_ids")?
        .into_iter()
        .map(str::to_owned)
        .collect();
    let deleted = store(&state)
        .await?
        .delete_examples(&id, ids)
        .await
        .map_err(in_its_words)?;
    answer(&json!({ "deleted_count": deleted }))
}

/// `GET /datasets/{id}/experiment-ids`.
pub async fn groups(Shared(state): Shared<State>, Path(id): Path<String>) -> Answer {
    let groups = match store(&state).await?.example_set(&id).await {
        Err(RunsError::Missing { .. }) => Vec::new(),
        other => other?.groups,
    };
    answer(&match groups.is_empty() {
        true => json!({}),
        false => json!({ "experiment_ids": groups }),
    })
}

/// `POST /datasets/{id}/add-experiments`.
pub async fn add_groups(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let added = ids(&asked)?;
    let store = store(&state).await?;
    store.example_set(&id).await.map_err(in_its_words)?;
    for group in &added {
        store.group(number(group)?).await?;
    }
    let change = move |set: &mut ExampleSet| {
        for group in added {
            if !set.groups.contains(&group) {
                set.groups.push(group);
            }
        }
        set.updated_ms = super::traces::now_ms().max(set.updated_ms);
        Ok(())
    };
    one(&store.change_examples(&id, change).await.map_err(in_its_words)?)
}

/// `POST /datasets/{id}/remove-experiments`.
pub async fn remove_groups(Shared(state): Shared<State>, Path(id): Path<String>, asked: Asked) -> Answer {
    let removed = ids(&asked)?;
    let change = move |set: &mut ExampleSet| {
        set.groups.retain(|g| !removed.contains(g));
        set.updated_ms = super::traces::now_ms().max(set.updated_ms);
        Ok(())
    };
    one(&store(&state)
        .await?
        .change_examples(&id, change)
        .await
        .map_err(in_its_words)?)
}
