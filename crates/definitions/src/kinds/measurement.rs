//! How an experiment turns a unit's facts into the number that is compared: which facts count, caps, what is compared.

use serde::{Deserialize, Serialize};

/// Pulls a unit's value in (winsorisation): above and below, at values in the metric's unit or at percentiles of all
/// units' values. Of a kind, either may be absent; never are both kinds given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cap {
    /// Values above become this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Values below become this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_value: Option<f64>,
    /// Upper percentile in (0, 1), such as 0.99.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentile: Option<f64>,
    /// Lower percentile in (0, 1), such as 0.01.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_percentile: Option<f64>,
    /// Percentiles are those of the values other than 0.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignore_zeros: bool,
}

impl Cap {
    /// Values above become `value`.
    pub fn at(value: f64) -> Cap {
        Cap {
            value: Some(value),
            ..Cap::default()
        }
    }

    /// Values above the percentile, in (0, 1), become it.
    pub fn at_percentile(percentile: f64) -> Cap {
        Cap {
            percentile: Some(percentile),
            ..Cap::default()
        }
    }
}

/// What of a metric's measurement an experiment may say anew for its own use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricUse {
    /// Seconds in which facts count, from the end of the delay on.
    pub window_seconds: Option<u64>,
    /// Seconds after exposure before which no fact counts.
    pub delay_seconds: Option<u64>,
    /// Seconds before exposure in which facts count, instead of those after it.
    pub lookback_seconds: Option<u64>,
    /// Cap of the unit's value; of a ratio, of its numerator.
    pub cap: Option<Cap>,
    /// Cap of the unit's denominator, for a ratio.
    pub denominator_cap: Option<Cap>,
    /// Condition on the rows of a ratio's numerator alone.
    pub numerator_filter: Option<String>,
    /// Days before exposure used for CUPED; `None` leaves it to the experiment.
    pub cuped_days: Option<u32>,
}

impl MetricUse {
    /// These settings, each where it is given, over those of `other`. A new period takes the place of the other's whole:
    /// a lookback has no window, and a window no lookback.
    pub fn over(&self, other: &MetricUse) -> MetricUse {
        let looks_back = self.lookback_seconds.is_some();
        let looks_on = self.window_seconds.is_some() || self.delay_seconds.is_some();
        let keep = |own: Option<u64>, theirs: Option<u64>, drop: bool| own.or(theirs.filter(|_| !drop));
        MetricUse {
            window_seconds: keep(self.window_seconds, other.window_seconds, looks_back),
            delay_seconds: keep(self.delay_seconds, other.delay_seconds, looks_back),
            lookback_seconds: keep(self.lookback_seconds, other.lookback_seconds, looks_on),
            cap: self.cap.or(other.cap),
            denominator_cap: self.denominator_cap.or(other.denominator_cap),
            numerator_filter: self.numerator_filter.clone().or(other.numerator_filter.clone()),
            cuped_days: self.cuped_days.or(other.cuped_days),
        }
    }
}

/// Retention: whether a unit came back between two moments after its exposure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Seconds after exposure, inclusive.
    pub from_seconds: u64,
    /// Seconds after exposure, exclusive.
    pub to_seconds: u64,
}

/// A funnel: a unit counts by the furthest of its steps that it reached in order; the last is the metric itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funnel {
    /// The steps in order, at least two.
    pub steps: Vec<FunnelStep>,
    /// Seconds after the first step in which the others must follow, inclusive; `None` is the metric's period.
    pub window_seconds: Option<u64>,
}

/// A step of a funnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunnelStep {
    /// A simple metric: its rows with a value above 0 are the step's events.
    pub metric: String,
    /// Seconds after the step before, inclusive; `None` is no limit.
    pub within_seconds: Option<u64>,
}

/// A quantile of the unit's value is compared, in place of the mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// Which, in (0, 1).
    pub at: f64,
    /// Only units whose value is not 0 count.
    pub ignore_zeros: bool,
}

/// Where units become part of an experiment only by what they did after their exposure, at that time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The first row at or after exposure.
    Rows {
        /// The dataset.
        dataset: String,
        /// Column of the unit.
        unit: String,
        /// Column of the time.
        time: String,
        /// SQL condition on the rows.
        filter: Option<String>,
    },
    /// The first event of a metric at or after exposure: a row whose value is above 0.
    Metric {
        /// A simple metric.
        metric: String,
    },
}
