//! Where the progress of a key result comes from.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use steward_stats::trend::{Aggregation, Direction, Goal, probability_to_hit};
use steward_stats::{Estimate, NotEstimable};

use super::realise;
use crate::programme;
use crate::{CapabilityError, Context, portfolio};

/// Coverage of intervals.
const LEVEL: f64 = 0.8;

/// Current − baseline, in the metric's unit, by where it comes from; the three parts add up to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProgressSplit {
    /// Key result.
    pub key_result: String,
    /// Current − baseline; `None` where either is missing.
    pub total: Option<f64>,
    /// Shrunk lifts of what was shipped within the objective, on this very metric, at the baseline.
    pub shipped: Option<Estimate>,
    /// Experiments behind it.
    pub experiments: Vec<String>,
    /// What the trend of the time before the objective would have brought.
    pub trend: Option<Estimate>,
    /// The rest.
    pub unexplained: Option<f64>,
    /// Why something is missing.
    pub problem: Option<String>,
}

/// Splits the progress of each key result of an objective.
pub async fn progress(
    context: &Context,
    objective: &str,
    as_of: Option<i64>,
) -> Result<Vec<ProgressSplit>, CapabilityError> {
    let status = portfolio::objective_status(context, objective, as_of).await?;
    let learnt = programme::learn(context).await?.value;
    let launches = realise::launches(context).await?;
    let (start, end) = (status.start.parse::<Date>(), status.end.parse::<Date>());
    let mut all = Vec::new();
    for result in &status.key_results {
        let mut split = ProgressSplit {
            key_result: result.name.clone(),
            total: None,
            shipped: None,
            experiments: Vec::new(),
            trend: None,
            unexplained: None,
            problem: result.problem.clone(),
        };
        let (Some(baseline), Some(current)) = (result.baseline, result.current) else {
            all.push(split);
            continue;
        };
        split.total = Some(current - baseline);
        let metric = learnt.metrics.iter().find(|m| m.metric == result.metric);
        let within = |day: Date| start.as_ref().is_ok_and(|s| day >= *s) && end.as_ref().is_ok_and(|e| day <= *e);
        let (mut effect, mut variance) = (0.0, 0.0);
        for m in metric.into_iter() {
            let sign = if m.direction == "decrease" { -1.0 } else { 1.0 };
            for e in &m.effects {
                let launched = launches.get(&e.experiment).is_some_and(|d| within(*d));
                if let (true, Some(s)) = (launched, e.shrunk) {
                    effect += sign * s.point * baseline;
                    variance += (s.sd * baseline).powi(2);
                    split.experiments.push(e.experiment.clone());
                }
            }
        }
        if variance > 0.0 {
            let n = split.experiments.len() as u64;
            split.shipped = Estimate::new(effect, variance.sqrt(), None, n, LEVEL, "shrunk lifts × baseline")
                .ok()
                .map(Estimate::without_p);
        }
        match trend(result, baseline) {
            Ok(found) => split.trend = Some(found),
            Err(e) => split.problem = split.problem.or(Some(format!("no trend: {}; {}", e.detail, e.fix))),
        }
        if let Some(trend) = &split.trend {
            split.unexplained = Some(current - baseline - effect - trend.point);
        }
        all.push(split);
    }
    Ok(all)
}

/// The value that the periods before the objective foretell for its last complete one, less the baseline.
fn trend(result: &portfolio::KeyResultStatus, baseline: f64) -> Result<Estimate, NotEstimable> {
    let before: Vec<f64> = result
        .series
        .iter()
        .filter(|p| p.before)
        .filter_map(|p| p.value)
        .collect();
    let since = result.series.iter().filter(|p| !p.before);
    let horizon = since.clone().count() - since.rev().take_while(|p| p.value.is_none()).count();
    let goal = Goal {
        horizon,
        season: (result.grain == "day").then_some(7),
        aggregation: Aggregation::Level,
        direction: Direction::AtLeast,
        target: result.target,
        level: LEVEL,
    };
    let forecast = probability_to_hit(&before, &goal)?.estimate;
    Ok(Estimate {
        point: forecast.point - baseline,
        low: forecast.low - baseline,
        high: forecast.high - baseline,
        ..forecast
    })
}
