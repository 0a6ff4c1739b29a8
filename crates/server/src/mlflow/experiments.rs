//! `/experiments/…`: run groups.

use axum::extract::State as Shared;
use serde_json::{Value, json};
use steward_capabilities::tracking as limits;
use steward_runs::grammar::{self, Clause, Kind, Op, Value as Operand};
use steward_runs::{Group, NewGroup, RunStore, RunsError, View};

use super::asked::as_int;
use super::shapes::ExperimentShape;
use super::{Answer, Asked, Code, MlflowError, answer, paging};
use crate::State;

/// Most groups of an answer.
const MOST: i64 = 50_000;
/// Most saved views of a group, which clients keep in its tags.
const VIEWS: usize = 50;
const VIEW_TAG: &str = "mlflow.customView";

/// The number of a group.
pub fn number(text: &str) -> Result<i64, MlflowError> {
    text.trim().parse().map_err(|_| {
        MlflowError::invalid(format!(
            "Invalid experiment ID '{text}'. Experiment ID must be a valid integer."
        ))
    })
}

/// What runs logged.
pub async fn store(state: &State) -> Result<&RunStore, MlflowError> {
    Ok(state.tracking().store().await?)
}

/// `POST /experiments/create`.
pub async fn create(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let name = asked.required("name")?.to_owned();
    let artifacts = asked.text("artifact_location")?.filter(|a| !a.is_empty());
    let tags = asked.pairs("tags")?;
    if tags.iter().filter(|(key, _)| key.starts_with(VIEW_TAG)).count() > VIEWS {
        return Err(too_many_views(""));
    }
    if let Some(address) = artifacts {
        limits::check_address(address)?;
    }
    limits::check_group_name(&name)?;
    for (key, value) in &tags {
        limits::check_group_tag(key, value)?;
    }
    let new = NewGroup {
        name,
        artifacts: artifacts.map(absolute),
        tags,
    };
    let id = store(&state).await?.create_group(new).await?;
    answer(&json!({ "experiment_id": id.to_string() }))
}

/// A path of this machine from its root on.
fn absolute(address: &str) -> String {
    let scheme = address
        .split_once(':')
        .is_some_and(|(scheme, _)| scheme.len() > 1 && !scheme.contains('/'));
    match scheme || address.starts_with('/') {
        true => address.to_owned(),
        false => std::path::absolute(address).map_or_else(|_| address.to_owned(), |p| p.display().to_string()),
    }
}

fn too_many_views(of: &str) -> MlflowError {
    MlflowError::invalid(format!(
        "Unable to create another custom view{of}; the maximum number of custom views per experiment is {VIEWS}. Delete an \
         existing custom view before creating a new one."
    ))
}

/// `GET /experiments/get`.
pub async fn get(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = number(asked.required("experiment_id")?)?;
    let group = store(&state).await?.group(id).await?;
    one(&group)
}

fn one(group: &Group) -> Answer {
    #[derive(serde::Serialize)]
    struct One<'a> {
        experiment: ExperimentShape<'a>,
    }
    answer(&One {
        experiment: ExperimentShape(group),
    })
}

/// `GET /experiments/get-by-name`.
pub async fn by_name(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let name = asked.required("experiment_name")?;
    let group = store(&state).await?.group_named(name).await?;
    let group = group.ok_or_else(|| MlflowError::missing(format!("Could not find experiment with name '{name}'")))?;
    one(&group)
}

/// `POST /experiments/delete`.
pub async fn delete(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = number(asked.required("experiment_id")?)?;
    match store(&state).await?.mark_group(id, true).await {
        Err(RunsError::Deleted { .. }) => Err(MlflowError::missing(format!("No Experiment with id={id} exists"))),
        other => done(other),
    }
}

/// `POST /experiments/restore`.
pub async fn restore(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = number(asked.required("experiment_id")?)?;
    done(store(&state).await?.mark_group(id, false).await)
}

/// `POST /experiments/update`.
pub async fn update(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = number(asked.required("experiment_id")?)?;
    let name = asked.required("new_name")?.to_owned();
    limits::check_group_name(&name)?;
    match store(&state).await?.rename_group(id, name).await {
        Err(RunsError::Deleted { .. }) => Err(MlflowError::new(
            Code::InvalidState,
            "Cannot rename a non-active experiment.",
        )),
        other => done(other),
    }
}

/// `POST /experiments/set-experiment-tag`.
pub async fn set_tag(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = number(asked.required("experiment_id")?)?;
    let key = asked.required("key")?.to_owned();
    let value = asked.text("value")?.unwrap_or_default().to_owned();
    limits::check_group_tag(&key, &value)?;
    let store = store(&state).await?;
    if key.starts_with(VIEW_TAG) {
        let group = store.group(id).await?;
        let views = group.tags.keys().filter(|k| k.starts_with(VIEW_TAG)).count();
        if views >= VIEWS && !group.tags.contains_key(&key) {
            return Err(too_many_views(&format!(" for experiment {id}")));
        }
    }
    done(store.tag_group(id, key, value).await)
}

/// `POST /experiments/delete-experiment-tag`.
pub async fn delete_tag(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let id = number(asked.required("experiment_id")?)?;
    let key = asked.required("key")?.to_owned();
    done(store(&state).await?.untag_group(id, key).await)
}

/// An empty answer where all went well.
pub fn done(outcome: Result<(), RunsError>) -> Answer {
    outcome?;
    answer(&json!({}))
}

/// What a view type stands for, by its name or number.
pub fn view(asked: &Asked, name: &str) -> Result<View, MlflowError> {
    let value = asked.get(name)?;
    let number = value.and_then(as_int);
    let text = value.and_then(Value::as_str);
    match (number, text) {
        (None, None) | (Some(1), _) | (_, Some("ACTIVE_ONLY")) => Ok(View::Active),
        (Some(2), _) | (_, Some("DELETED_ONLY")) => Ok(View::Deleted),
        (Some(3), _) | (_, Some("ALL")) => Ok(View::All),
        _ => Err(super::asked::wrong(name, value.unwrap_or(&Value::Null))),
    }
}

/// `GET` and `POST /experiments/search`.
pub async fn search(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let view = view(&asked, "view_type")?;
    let most = paging::most(asked.int("max_results")?, 0, MOST)?;
    let orders = asked.texts("order_by")?;
    let filter = grammar::parse_filter(&grammar::GROUPS, asked.text("filter")?.unwrap_or_default())?;
    let offset = paging::offset(asked.text("page_token")?)?;
    for clause in &filter {
        check_ids(clause)?;
    }
    let mut order = Vec::new();
    for text in orders {
        let parsed = grammar::parse_order(&grammar::GROUPS, text)?;
        if parsed.kind != Kind::Attribute {
            return Err(MlflowError::invalid(format!(
                "Invalid order_by entity: {}",
                parsed.kind.name()
            )));
        }
        order.push((parsed.key, parsed.ascending));
    }
    if order.is_empty() {
        order = vec![("creation_time".into(), false), ("experiment_id".into(), true)];
    }
    if !order.iter().any(|(key, _)| key == "experiment_id") {
        order.push(("experiment_id".into(), false));
    }
    let mut groups = store(&state).await?.groups().await?;
    groups.retain(|g| view.shows(g.deleted_ms.is_some()) && filter.iter().all(|c| fits(g, c)));
    groups.sort_by(|a, b| {
        let by = order.iter().map(|(key, ascending)| {
            let by = match key.as_str() {
                "name" => a.name.cmp(&b.name),
                "creation_time" => a.created_ms.cmp(&b.created_ms),
                "last_update_time" => a.updated_ms.cmp(&b.updated_ms),
                _ => a.id.cmp(&b.id),
            };
            if *ascending { by } else { by.reverse() }
        });
        by.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    let page: Vec<ExperimentShape<'_>> = groups.iter().skip(offset).take(most).map(ExperimentShape).collect();
    #[derive(serde::Serialize)]
    struct Found<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        experiments: Vec<ExperimentShape<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_page_token: Option<String>,
    }
    answer(&Found {
        experiments: page,
        next_page_token: (groups.len() > offset + most).then(|| paging::token(offset + most)),
    })
}

/// Ids are compared as numbers.
fn check_ids(clause: &Clause) -> Result<(), MlflowError> {
    if clause.kind == Kind::Attribute && clause.key == "experiment_id" {
        if !matches!(clause.op, Op::Eq | Op::Ne | Op::In | Op::NotIn) {
            let message = format!("Invalid comparator for experiment_id: {}", clause.op.text());
            return Err(MlflowError::invalid(message));
        }
        match &clause.value {
            Operand::Text(text) => drop(number(text)?),
            Operand::List(all) => {
                for text in all {
                    number(text)?;
                }
            }
            _ => {}
        }
    } else if matches!(clause.op, Op::In | Op::NotIn) {
        let message = format!("Invalid comparator for string attribute: {}", clause.op.text());
        return Err(MlflowError::invalid(message));
    }
    Ok(())
}

fn fits(group: &Group, clause: &Clause) -> bool {
    use steward_runs::grammar::fits_number as number;
    match (clause.kind, clause.key.as_str()) {
        (Kind::Attribute, "name") => grammar::fits_text(clause, Some(&group.name)),
        (Kind::Attribute, "creation_time") => number(clause, Some(group.created_ms as f64)),
        (Kind::Attribute, "last_update_time") => number(clause, Some(group.updated_ms as f64)),
        (Kind::Attribute, _) => grammar::fits_text(clause, Some(&group.id.to_string())),
        (_, key) => grammar::fits_text(clause, group.tags.get(key).map(String::as_str)),
    }
}

/// `POST /experiments/search-datasets`.
pub async fn search_datasets(Shared(state): Shared<State>, asked: Asked) -> Answer {
    const GROUPS: usize = 20;
    let ids = asked.texts("experiment_ids")?;
    if ids.is_empty() {
        let message = "SearchDatasets request must specify at least one experiment_id.";
        return Err(MlflowError::invalid(message));
    }
    if ids.len() > GROUPS {
        return Err(MlflowError::invalid(format!(
            "SearchDatasets request cannot specify more than {GROUPS} experiment_ids. Received {} experiment_ids.",
            ids.len()
        )));
    }
    let ids = ids.into_iter().map(number).collect::<Result<Vec<_>, _>>()?;
    let found = store(&state).await?.dataset_summaries(&ids).await?;
    let all: Vec<Value> = found
        .iter()
        .take(1000)
        .map(|d| {
            let mut shape = json!({ "experiment_id": d.group.to_string(), "name": d.name, "digest": d.digest });
            if let Some(context) = &d.context {
                shape["context"] = json!(context);
            }
            shape
        })
        .collect();
    answer(&match all.is_empty() {
        true => json!({}),
        false => json!({ "dataset_summaries": all }),
    })
}
