//! What a pack holds.

use serde::{Deserialize, Serialize};
use steward_compute::Value;
use steward_definitions::{Direction, Span};
use steward_stats::{Estimate, NotEstimable};

use super::Summary;
use crate::experiments::Readout;
use crate::governance::Decision;
use crate::metrics::MetricTable;
use crate::portfolio::ObjectiveStatus;

/// A built report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pack {
    /// Report.
    pub report: String,
    /// Title.
    pub title: String,
    /// Accountable.
    pub owner: String,
    /// Data before this moment counted, microseconds since 1970 UTC.
    pub as_of_us: i64,
    /// As of which the pack that changes refer to was built.
    pub previous_as_of_us: Option<i64>,
    /// Sections in order.
    pub sections: Vec<Section>,
    /// Digest of the report's definition.
    pub definition: String,
}

/// A piece of a pack, with the place of its block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Where the block is written.
    pub span: Span,
    /// What it shows.
    pub content: SectionContent,
}

/// What a section shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "section")]
#[allow(clippy::large_enum_variant)]
pub enum SectionContent {
    /// Markdown.
    Prose {
        /// Text.
        markdown: String,
    },
    /// One metric's value.
    Figure(Figure),
    /// A metric over time or by a dimension.
    Chart(Chart),
    /// Result of a SQL query.
    Table(Table),
    /// An experiment.
    Experiment {
        /// Its readout.
        readout: Readout,
    },
    /// An objective.
    Objective {
        /// Its state.
        status: ObjectiveStatus,
    },
    /// What the pack's own figures say.
    Summary {
        /// What moved and what waits.
        summary: Summary,
    },
    /// Recent decisions, newest first.
    Decisions {
        /// The decisions.
        decisions: Vec<Decision>,
    },
}

/// One metric's value for a period, with its uncertainty and change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Metric.
    pub metric: String,
    /// Human title.
    pub label: String,
    /// Accountable for the metric.
    pub owner: String,
    /// Unit: `currency`, `percent`, `count`, ….
    pub unit: Option<String>,
    /// ISO currency, when the unit is `currency`; values are minor units.
    pub currency: Option<String>,
    /// Which way is good.
    pub direction: Direction,
    /// Extra condition, as written.
    pub filter: Option<String>,
    /// First day, inclusive (ISO date); `None` is from the beginning.
    pub from: Option<String>,
    /// Last day, inclusive (ISO date).
    pub to: Option<String>,
    /// In words: `June 2025`, `week of 2 June 2025`, `all time`.
    pub period: String,
    /// The value. Exact integers stay integers.
    pub value: Value,
    /// The value with its sampling uncertainty where the metric is a mean or ratio over units; `None` for totals.
    pub estimate: Option<Estimate>,
    /// Why there is no uncertainty, where one might expect it.
    pub no_estimate: Option<NotEstimable>,
    /// Value of the period before, of the same length.
    pub before: Option<Value>,
    /// value − before.
    pub change: Option<f64>,
    /// (value − before) / |before|.
    pub relative_change: Option<f64>,
    /// Value in the previous pack.
    pub previous_pack: Option<Value>,
    /// As of, microseconds since 1970 UTC.
    pub as_of_us: i64,
    /// Evidence id.
    pub evidence: String,
}

/// A chart's data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// Title.
    pub title: String,
    /// `line`, `bar`, `area`.
    pub mark: String,
    /// The data: `by` columns, then metrics.
    pub table: MetricTable,
    /// Evidence id.
    pub evidence: String,
}

/// A table of an SQL block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Title.
    pub title: Option<String>,
    /// Column names.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<Value>>,
    /// The query, as written.
    pub sql: String,
    /// Evidence id.
    pub evidence: String,
}

/// A pack of the past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastPack {
    /// Evidence id.
    pub evidence: String,
    /// When it was built, microseconds since 1970 UTC.
    pub computed_us: i64,
    /// The pack.
    pub pack: Pack,
}
