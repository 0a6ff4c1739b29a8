//! Where a key result is heading: the trend of its periods, read at the objective's last one.

use steward_definitions::Direction;
use steward_stats::NotEstimable;
use steward_stats::trend::{self, Aggregation, Forecast, Goal};

/// Coverage of the prediction interval.
const LEVEL: f64 = 0.8;

/// Forecasts the value at step `at` from equally spaced values (step 0 first; `None` where there is none). After a gap
/// only what follows it counts: a trend across a gap would be a guess.
pub fn forecast(
    values: &[Option<f64>],
    at: usize,
    target: f64,
    direction: Direction,
    season: Option<usize>,
) -> Result<Forecast, NotEstimable> {
    let end = values.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let known = values.get(..end).unwrap_or_default();
    let start = known.iter().rposition(Option::is_none).map_or(0, |gap| gap + 1);
    let series: Vec<f64> = known.iter().skip(start).filter_map(|v| *v).collect();
    let goal = Goal {
        horizon: (at + 1).saturating_sub(end),
        season,
        aggregation: Aggregation::Level,
        direction: match direction {
            Direction::Increase => trend::Direction::AtLeast,
            Direction::Decrease => trend::Direction::AtMost,
        },
        target,
        level: LEVEL,
    };
    trend::probability_to_hit(&series, &goal)
}
