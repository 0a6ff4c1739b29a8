//! Reports: Markdown with metric, chart, SQL, experiment and decision blocks.

use serde::{Deserialize, Serialize};

use crate::Span;
use crate::project::Meta;

/// A pack. Front matter gives name, owner, label; fenced blocks named `metric`, `chart`, `sql`, `experiment`,
/// `objective`, `decisions`, `money`, `summary` are figures; all else is prose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// Blocks in order.
    pub blocks: Vec<Block>,
    /// Data older than so many hours fails the build; `None` is never.
    pub max_age_hours: Option<f64>,
    /// How often it is sent: `day`, `week` or `month`; `None` is never by itself.
    #[serde(default)]
    pub send_every: Option<String>,
    /// E-mail addresses that it is sent to.
    #[serde(default)]
    pub send_to: Vec<String>,
}

/// A piece of a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Where it starts.
    pub span: Span,
    /// What it is.
    pub content: BlockContent,
}

/// What a block shows.
#[allow(missing_docs, reason = "each variant says what its fields mean")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "block")]
pub enum BlockContent {
    /// Markdown.
    Prose { markdown: String },
    /// One metric's value for a period, with its change.
    Metric {
        metric: String,
        period: Option<String>,
        filter: Option<String>,
    },
    /// A metric over time or by a dimension.
    Chart {
        metrics: Vec<String>,
        by: Vec<String>,
        filter: Option<String>,
        title: Option<String>,
        mark: String,
        from: Option<String>,
        to: Option<String>,
    },
    /// A SQL query over the datasets.
    Sql { query: String, title: Option<String> },
    /// An experiment's readout.
    Experiment { name: String },
    /// An objective's status.
    Objective { name: String },
    /// Recent decisions.
    Decisions { last: Option<u32> },
    /// What a bill, budgets or contracts say: `models`, `budgets`, `contracts`, `anomalies`.
    Money { bill: String, show: String },
    /// What the pack's own figures say, by rules.
    Summary,
}
