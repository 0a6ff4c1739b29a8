//! Searches of models and versions.

use axum::extract::State as Shared;
use serde_json::{Value, json};

use super::super::{Answer, Asked, MlflowError, answer, paging};
use super::shapes;
use crate::State;

/// A page of what was found.
fn page<T>(asked: &Asked, found: &[T], default: i64, most: i64, name: &str, shape: impl Fn(&T) -> Value) -> Answer {
    let most = size(asked, default, most)?;
    let from = paging::offset(asked.text("page_token")?)?;
    let items: Vec<Value> = found.iter().skip(from).take(most).map(shape).collect();
    let mut document = json!({});
    if !items.is_empty() {
        document[name] = json!(items);
    }
    if found.len() > from.saturating_add(most) {
        document["next_page_token"] = json!(paging::token(from + most));
    }
    answer(&document)
}

fn size(asked: &Asked, default: i64, most: i64) -> Result<usize, MlflowError> {
    let given = asked.int("max_results")?.unwrap_or(default);
    if given > most {
        let hint = format!("It must be at most {most}, but got value {given}");
        return Err(MlflowError::invalid(format!(
            "Invalid value for request parameter max_results. {hint}"
        )));
    }
    usize::try_from(given).ok().filter(|n| *n > 0).ok_or_else(|| {
        let detail = format!("Invalid value for max_results. It must be a positive integer, but got {given}");
        MlflowError::invalid(detail)
    })
}

/// `GET registered-models/search`.
pub async fn models(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let registered = state.registry().now().await?;
    let found = registered.search_models(asked.text("filter")?.unwrap_or_default(), &asked.texts("order_by")?)?;
    page(&asked, &found, 100, 1000, "registered_models", |m| shapes::model(m))
}

/// `GET model-versions/search`.
pub async fn versions(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let registered = state.registry().now().await?;
    let found = registered.search_versions(asked.text("filter")?.unwrap_or_default(), &asked.texts("order_by")?)?;
    page(&asked, &found, 10_000, 200_000, "model_versions", |(m, v)| {
        shapes::version(m, v, false)
    })
}
