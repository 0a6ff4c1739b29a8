//! What a moment changes: schedules and the steps of ramps.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use steward_definitions::{Ramp, Settings};

use crate::{CapabilityError, experiments};

/// A moment, and the changes before and after it that came into sight.
pub(super) struct Clock {
    zone: TimeZone,
    now_us: i64,
    since_us: Option<i64>,
    until_us: Option<i64>,
}

impl Clock {
    pub(super) fn new(settings: &Settings, now_us: i64) -> Result<Clock, CapabilityError> {
        Ok(Clock {
            zone: experiments::zone(settings)?,
            now_us,
            since_us: None,
            until_us: None,
        })
    }

    /// The last change up to the moment.
    pub(super) fn since_us(&self) -> Option<i64> {
        self.since_us
    }

    /// The first change after the moment.
    pub(super) fn until_us(&self) -> Option<i64> {
        self.until_us
    }

    /// Whether a moment has come; it is remembered as a change.
    fn passed(&mut self, text: &str) -> Result<(bool, i64), CapabilityError> {
        let at = experiments::moment(text, &self.zone)?;
        let passed = at <= self.now_us;
        if passed {
            self.since_us = self.since_us.max(Some(at));
        } else {
            self.until_us = Some(self.until_us.map_or(at, |u| u.min(at)));
        }
        Ok((passed, at))
    }

    /// Where a schedule stands.
    pub(super) fn schedule(&mut self, from: Option<&str>, until: Option<&str>) -> Result<Schedule, CapabilityError> {
        let from = from.map(|t| self.passed(t)).transpose()?;
        let until = until.map(|t| self.passed(t)).transpose()?;
        Ok(match (from, until) {
            (Some((false, at)), _) => Schedule::Waiting { from_us: at },
            (_, Some((true, at))) => Schedule::Ended { until_us: at },
            (_, until) => Schedule::Live {
                until_us: until.map(|(_, at)| at),
            },
        })
    }

    /// Where a ramp stands by its steps alone.
    pub(super) fn ramp(&mut self, ramp: &Ramp) -> Result<RampState, CapabilityError> {
        let mut state = RampState::default();
        for (at, step) in ramp.steps.iter().enumerate() {
            let (passed, at_us) = self.passed(&step.at)?;
            if passed {
                state.step = Some(at);
                state.coverage = step.coverage;
            } else if state.next_us.is_none() {
                state.next_us = Some(at_us);
                state.next_coverage = Some(step.coverage);
            }
        }
        Ok(state)
    }
}

/// Where a rule's schedule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Schedule {
    /// Its time has not come.
    Waiting {
        /// When it comes, microseconds since 1970 UTC.
        from_us: i64,
    },
    /// It is in force.
    Live {
        /// When it ends, if it does.
        until_us: Option<i64>,
    },
    /// Its time is over.
    Ended {
        /// When it ended.
        until_us: i64,
    },
}

/// Where a ramp stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RampState {
    /// The step reached, from 0; `None` before the first.
    pub step: Option<usize>,
    /// Share of units that the steps include now, 0 to 1.
    pub coverage: f64,
    /// When the next step comes, microseconds since 1970 UTC.
    pub next_us: Option<i64>,
    /// The share that it brings.
    pub next_coverage: Option<f64>,
}
