//! Semantic models: a dataset with its entities, dimensions and measures, in either dialect of dbt's YAML.

use serde::{Deserialize, Serialize};

use crate::Span;
use crate::project::Meta;

/// A table with its entities, dimensions and measures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SemanticModel {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// The dataset it reads.
    pub dataset: String,
    /// Time dimension that measures use unless they name their own.
    pub time_dimension: Option<String>,
    /// Join keys.
    pub entities: Vec<Entity>,
    /// Grouping attributes.
    pub dimensions: Vec<Dimension>,
    /// Aggregated expressions.
    pub measures: Vec<Measure>,
}

/// How an entity's values occur in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityType {
    /// One row per value, every value present.
    Primary,
    /// One row per value.
    Unique,
    /// Any number of rows.
    Foreign,
    /// Columns that identify a row together, not declared as key.
    Natural,
}

/// A join key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// Name shared by the models that join through it.
    pub name: String,
    /// Its type here.
    pub entity_type: EntityType,
    /// SQL expression; the name by default.
    pub expr: String,
    /// Where it is defined.
    pub span: Span,
}

/// A grouping attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dimension {
    /// Name.
    pub name: String,
    /// Finest grain of a time dimension (`second` … `year`); `None` for a categorical one.
    pub time_granularity: Option<String>,
    /// SQL expression; the name by default.
    pub expr: String,
    /// Human title.
    pub label: Option<String>,
    /// Where it is defined.
    pub span: Span,
}

/// How a measure aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// Sum.
    Sum,
    /// Number of non-null values.
    Count,
    /// Number of different values.
    CountDistinct,
    /// Mean.
    Average,
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// Median.
    Median,
    /// A percentile.
    Percentile,
    /// Sum of a boolean.
    SumBoolean,
}

/// An aggregated expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Name, unique in the project.
    pub name: String,
    /// How it aggregates.
    pub aggregation: Aggregation,
    /// Percentile in (0, 1), for `Percentile`.
    pub percentile: Option<f64>,
    /// SQL expression over the dataset's columns.
    pub expr: String,
    /// Its time dimension, if not the model's.
    pub time_dimension: Option<String>,
    /// Dimension over which it does not add up (e.g. a balance): the last (`max`) or first (`min`) row counts.
    pub non_additive: Option<NonAdditive>,
    /// Human title.
    pub label: Option<String>,
    /// Where it is defined.
    pub span: Span,
}

/// A dimension over which a measure does not add up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NonAdditive {
    /// The time dimension.
    pub dimension: String,
    /// `min` or `max`: which row of the window counts.
    pub window_choice: String,
    /// Entities per which it is taken.
    pub window_groupings: Vec<String>,
}
