//! Which of a unit's facts count, relative to its exposure, and when they are all known.

use serde::{Deserialize, Serialize};
use steward_definitions::{Experiment, Metric, MetricUse, Project};

/// Which facts count. Seconds; lower ends inclusive, upper ends exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Those after exposure (or activation, if the experiment has a trigger).
    After {
        /// From so long after it.
        delay: u64,
        /// For so long from there; `None` is as far as the experiment's data go.
        window: Option<u64>,
    },
    /// Those before exposure, for so long.
    Before {
        /// Seconds.
        seconds: u64,
    },
}

impl Period {
    /// Seconds after exposure at which the period is over, or has begun if it has no end.
    pub fn closes(self) -> u64 {
        match self {
            Period::After { delay, window } => delay.saturating_add(window.unwrap_or(0)),
            Period::Before { .. } => 0,
        }
    }

    /// Whether it has an end of its own after exposure.
    pub fn is_bounded(self) -> bool {
        matches!(self, Period::After { window: Some(_), .. })
    }
}

/// How an experiment uses a metric: its own word over the metric's.
pub fn used(experiment: &Experiment, metric: &Metric) -> MetricUse {
    let own = &metric.experiment.measured;
    match experiment.uses.get(&metric.meta.name) {
        Some(anew) => anew.over(own),
        None => own.clone(),
    }
}

/// The period of a metric in an experiment.
pub fn period(experiment: &Experiment, metric: &Metric) -> Period {
    if let Some(r) = metric.experiment.retention {
        return Period::After {
            delay: r.from_seconds,
            window: Some(r.to_seconds.saturating_sub(r.from_seconds)),
        };
    }
    let used = used(experiment, metric);
    match used.lookback_seconds {
        Some(seconds) => Period::Before { seconds },
        None => Period::After {
            delay: used.delay_seconds.unwrap_or(0),
            window: used.window_seconds.or(experiment.window_seconds),
        },
    }
}

/// Seconds after the last exposure until which the facts of some metric count.
pub fn reach(project: &Project, experiment: &Experiment) -> u64 {
    experiment
        .metrics()
        .filter_map(|name| project.metrics.get(name))
        .map(|metric| period(experiment, metric))
        .filter(|period| period.is_bounded())
        .map(Period::closes)
        .chain(experiment.window_seconds)
        .max()
        .unwrap_or(0)
}
