//! What is asked of metrics, and what comes back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steward_compute::Value;
use steward_definitions::{Aggregation, Direction, Reference};

/// A question to the semantic layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricRequest {
    /// Names of metrics; at least one.
    pub metrics: Vec<String>,
    /// What to group by: `time:week` (also `metric_time__week`), `user__country`, `order__status`,
    /// `order__ordered_at:month`, or an entity (`user`). A bare dimension name is accepted where it is unambiguous.
    pub by: Vec<String>,
    /// SQL condition over dimensions, e.g. `user__country in ('DE', 'AT') and order__status <> 'refunded'`.
    pub filter: Option<String>,
    /// First moment counted, inclusive: a date (in the time zone) or RFC 3339.
    pub from: Option<String>,
    /// Last moment counted: a date is inclusive (the whole day counts), a moment exclusive.
    pub to: Option<String>,
    /// Columns to order by, `name` or `name desc`; by default the `by` columns in order.
    pub order_by: Vec<String>,
    /// Most rows to answer.
    pub limit: Option<u64>,
    /// IANA time zone of days, weeks and months; the project's by default.
    pub time_zone: Option<String>,
    /// Also answer periods without rows (with `fill_nulls_with` where the metric says so, else NULL).
    pub fill: bool,
}

/// What a column of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Start of a period: a date in the time zone, or for `hour` a moment.
    Time,
    /// Value of a dimension or entity.
    Dimension,
    /// Value of a metric.
    Metric,
}

/// Type of a column's values; NULL can stand anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// [`Value::Boolean`].
    Boolean,
    /// [`Value::Integer`].
    Integer,
    /// [`Value::Number`].
    Number,
    /// [`Value::Text`].
    Text,
    /// [`Value::Timestamp`].
    Timestamp,
    /// [`Value::Date`].
    Date,
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricColumn {
    /// As asked for: `time:week`, `user__country`, `revenue`.
    pub name: String,
    /// Human title.
    pub label: Option<String>,
    /// What it is.
    pub kind: ColumnKind,
    /// Type of its values.
    pub data_type: ColumnType,
    /// Unit of a metric: `currency`, `percent`, `count`, or free text. Currency is in minor units.
    pub unit: Option<String>,
    /// Grain of a time column.
    pub grain: Option<String>,
    /// Which way is good, for a metric.
    pub direction: Option<Direction>,
}

/// An answer: one row per group, ordered, with where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricTable {
    /// Columns: those of `by` in order, then the metrics in order.
    pub columns: Vec<MetricColumn>,
    /// Rows; each as long as `columns`.
    pub rows: Vec<Vec<Value>>,
    /// The query in the canonical dialect.
    pub sql: String,
    /// Where the numbers come from.
    pub provenance: QueryProvenance,
}

/// Where the numbers of a query come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryProvenance {
    /// Engine that ran it.
    pub engine: String,
    /// The query as it ran, in the engine's dialect.
    pub ran: String,
    /// Table → digest of its data.
    pub data: BTreeMap<String, String>,
    /// Newest modification of the data read, microseconds since 1970 UTC.
    pub modified_us: Option<i64>,
    /// Definition (`metric/revenue`) → digest.
    pub definitions: BTreeMap<String, String>,
    /// Time zone of days, weeks and months.
    pub time_zone: String,
}

/// The answer to an ad-hoc SQL query.
#[derive(Clone, Debug)]
pub struct SqlAnswer {
    /// Result.
    pub rows: steward_compute::Rows,
    /// Where it comes from.
    pub provenance: QueryProvenance,
}

/// A metric in the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricInfo {
    /// Name.
    pub name: String,
    /// Human title.
    pub label: Option<String>,
    /// Accountable.
    pub owner: String,
    /// What it means, in Markdown.
    pub description: Option<String>,
    /// `simple`, `ratio`, `derived`, `cumulative`, `conversion`.
    pub shape: String,
    /// How it is computed, in a line: `sum of amount over orders, where …`.
    pub formula: String,
    /// Unit for people.
    pub unit: Option<String>,
    /// Which way is good.
    pub direction: Direction,
    /// Semantic models that it reads.
    pub models: Vec<String>,
    /// Datasets that it reads.
    pub datasets: Vec<String>,
    /// Metrics that it is computed from.
    pub inputs: Vec<String>,
    /// Dimensions that it can be grouped and filtered by.
    pub dimensions: Vec<DimensionInfo>,
    /// What uses it: metrics, experiments, objectives, bets, reports.
    pub used_by: Vec<Reference>,
    /// Why it cannot be computed, if so.
    pub problem: Option<String>,
}

/// A dimension that a metric can be grouped by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimensionInfo {
    /// Name to ask with: `user__country`, `time`.
    pub name: String,
    /// Human title.
    pub label: Option<String>,
    /// Whether it takes a grain (`time:week`).
    pub time: bool,
    /// The semantic model that defines it; empty for `time`.
    pub model: String,
}

/// How a metric compiles to values per unit, for experiments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitMetric {
    /// Metric.
    pub metric: String,
    /// What is compared.
    pub value: UnitValue,
    /// Definitions it rests on (`metric/revenue`, `semantic_model/orders`) → digest.
    pub definitions: BTreeMap<String, String>,
}

/// The value of a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitValue {
    /// One aggregate per unit.
    Aggregate(UnitMeasure),
    /// Sum over units of one aggregate over the sum over units of another.
    Ratio {
        /// Above.
        numerator: UnitMeasure,
        /// Below.
        denominator: UnitMeasure,
    },
}

/// An aggregate over a unit's rows of a fact table.
///
/// All SQL here is rendered from parsed expressions, with every column qualified and quoted. The fact table is to
/// stand in the query as `FROM "<dataset>" AS "fact"` followed by `joins`. Measures with equal `dataset` and `joins`
/// can share one scan: `SELECT <unit>, <aggregate over CASE WHEN <window over time> THEN <input> END> … GROUP BY 1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitMeasure {
    /// Semantic model.
    pub model: String,
    /// The dataset (table) it reads.
    pub dataset: String,
    /// `LEFT JOIN "users" AS "fact__user" ON …`, many-to-one, for units or filters that live in other models; else empty.
    pub joins: String,
    /// Datasets that `joins` reads.
    pub joined: Vec<String>,
    /// The unit's key.
    pub unit: String,
    /// The row's time (a timestamp without zone in UTC, or a date).
    pub time: Option<String>,
    /// Whether `time` is a date by its dataset's contract.
    pub time_is_date: bool,
    /// How rows of a unit aggregate.
    pub aggregation: Aggregation,
    /// Percentile in (0, 1), for [`Aggregation::Percentile`].
    pub percentile: Option<f64>,
    /// What is aggregated; NULL for rows that the metric's filters leave out. A boolean for `SumBoolean`.
    pub input: String,
    /// Value of a unit without rows: 0 for sums and counts; `None` (no value) for means and extremes.
    pub empty: Option<f64>,
}

impl UnitMeasure {
    /// The aggregate over an expression that stands for `input` (e.g. `input` under a condition on time), as SQL.
    pub fn aggregate(&self, input: &str) -> String {
        super::measures::aggregate_sql(self.aggregation, self.percentile, input)
    }
}
