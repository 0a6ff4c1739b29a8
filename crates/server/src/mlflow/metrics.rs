//! `/metrics/…`: histories.

use axum::extract::State as Shared;
use serde_json::Value;
use steward_runs::HistoryPoint;

use super::asked::absent;
use super::experiments::store;
use super::shapes::{MetricShape, Number};
use super::{Answer, Asked, MlflowError, answer, paging};
use crate::State;

/// Most runs of a request.
const RUNS: usize = 100;
/// Most points of an answer about many runs.
const POINTS: i64 = 25_000;
/// Most points of each run that are drawn.
const DRAWN: i64 = 2500;

#[derive(serde::Serialize)]
struct Points<'a> {
    metrics: Vec<MetricShape<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

fn shape<'a>(key: &'a str, run_id: Option<&'a str>) -> impl Fn(HistoryPoint) -> MetricShape<'a> {
    move |point| MetricShape {
        key,
        value: Number(point.value),
        timestamp: point.at_ms,
        step: point.step,
        run_id,
    }
}

/// `GET /metrics/get-history`.
pub async fn history(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let (run, key) = (asked.run_id()?, asked.required("metric_key")?);
    let offset = paging::offset(asked.text("page_token")?)?;
    let limit = asked.int("max_results")?;
    if let Some(limit) = limit.filter(|n| *n <= 0) {
        return Err(MlflowError::invalid(format!(
            "Invalid value {limit} for parameter 'max_results' supplied. It must be a positive integer."
        )));
    }
    let store = store(&state).await?;
    let asked_for = limit.map_or(i64::MAX, |n| n.saturating_add(1));
    let from = i64::try_from(offset).unwrap_or(i64::MAX);
    let mut points = store.history(run, key, from, asked_for).await?;
    let limit = limit.and_then(|n| usize::try_from(n).ok());
    let next = limit.filter(|n| points.len() > *n).map(|n| paging::token(offset + n));
    points.truncate(limit.unwrap_or(usize::MAX));
    answer(&Points {
        metrics: points.into_iter().map(shape(key, None)).collect(),
        next_page_token: next,
    })
}

/// `GET /metrics/get-history-bulk`.
pub async fn bulk(Shared(state): Shared<State>, asked: Asked) -> Answer {
    let mut runs = asked.texts("run_id")?;
    if runs.is_empty() {
        return Err(MlflowError::invalid(
            "GetMetricHistoryBulk request must specify at least one run_id.",
        ));
    }
    if runs.len() > RUNS {
        return Err(MlflowError::invalid(format!(
            "GetMetricHistoryBulk request cannot specify more than {RUNS} run_ids. Received {} run_ids.",
            runs.len()
        )));
    }
    let key = asked
        .text("metric_key")?
        .ok_or_else(|| MlflowError::invalid("GetMetricHistoryBulk request must specify a metric_key."))?;
    let most = asked.int("max_results")?.unwrap_or(POINTS).clamp(0, POINTS);
    runs.sort_unstable();
    runs.dedup();
    let store = store(&state).await?;
    let mut metrics = Vec::new();
    for run in runs {
        let left = most - i64::try_from(metrics.len()).unwrap_or(most);
        let points = store.history(run, key, 0, left).await?;
        metrics.extend(points.into_iter().map(shape(key, Some(run))));
    }
    answer(&Points {
        metrics,
        next_page_token: None,
    })
}

/// `GET /metrics/get-history-bulk-interval`.
pub async fn interval(Shared(state): Shared<State>, asked: Asked) -> Answer {
    if !asked.has("run_ids") {
        return Err(absent("run_ids"));
    }
    let runs = asked.texts("run_ids")?;
    if runs.len() > RUNS {
        return Err(MlflowError::invalid(format!(
            "GetMetricHistoryBulkInterval request must specify at most {RUNS} run_ids. Received {} run_ids.",
            runs.len()
        )));
    }
    let key = asked.required("metric_key")?;
    let (first, last) = (asked.int("start_step")?, asked.int("end_step")?);
    let most = asked.int("max_results")?.unwrap_or(DRAWN);
    if !(1..=DRAWN).contains(&most) {
        return Err(MlflowError::invalid(format!(
            "max_results must be between 1 and {DRAWN}."
        )));
    }
    let steps = match (first, last) {
        (Some(first), Some(last)) if first > last => {
            return Err(MlflowError::invalid(format!(
                "end_step must be greater than start_step. Found start_step={first} and end_step={last}."
            )));
        }
        (Some(first), Some(last)) => Some((first, last)),
        (None, None) => None,
        _ => {
            return Err(MlflowError::invalid(
                "If either start step or end step are specified, both must be specified.",
            ));
        }
    };
    let store = store(&state).await?;
    let mut metrics = Vec::new();
    for run in runs {
        let points = store.sampled(run, key, steps, most).await?;
        metrics.extend(points.into_iter().map(shape(key, Some(run))));
    }
    match metrics.is_empty() {
        true => answer(&Value::Object(serde_json::Map::new())),
        false => answer(&Points {
            metrics,
            next_page_token: None,
        }),
    }
}
