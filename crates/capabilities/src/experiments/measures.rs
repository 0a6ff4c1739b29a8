//! What is summed for each unit, and what is compared.

use std::collections::BTreeSet;

use steward_definitions::{Cap, Dataset};
use steward_stats::{NotEstimable, Reason};

use super::period::Period;
use super::sequences::Order;

/// The unit that is each row of the exposures itself.
pub const ROW_UNIT: &str = "*";

/// How the rows of a unit become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fold {
    /// Sum of a double.
    Sum,
    /// Number of different values.
    Distinct,
    /// 1 if there is any, else 0.
    Any,
}

/// When a fact happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactTime {
    /// A timestamp or date.
    pub value: String,
    /// A date: the fact counts as after the exposure from the exposure's day on.
    pub is_date: bool,
}

/// One number per unit, from the rows of one dataset. Expressions are over the dataset's columns, already rewritten.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variable {
    /// Dataset of the facts.
    pub dataset: String,
    /// The unit's key; empty when each row is a unit.
    pub key: String,
    /// Time of the fact, if there is one.
    pub time: Option<FactTime>,
    /// What is folded: a double for `Sum` and `Any`.
    pub value: String,
    /// How.
    pub fold: Fold,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Mean per unit.
    Mean,
    /// Share of units.
    Proportion,
    /// Sum over sum.
    Ratio,
    /// Quantile of units or events.
    Quantile,
}

impl Compared {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Compared::Mean => "mean",
            Compared::Proportion => "proportion",
            Compared::Ratio => "ratio",
            Compared::Quantile => "quantile",
        }
    }
}

/// A metric as an experiment measures it.
#[derive(Clone, Debug)]
pub struct UnitMetric {
    /// Metric.
    pub name: String,
    /// What is compared.
    pub compared: Compared,
    /// One variable, or numerator and denominator.
    pub variables: Vec<Variable>,
    /// Which facts count.
    pub period: Period,
    /// Cap of the unit's value by variable.
    pub caps: Vec<Option<Cap>>,
    /// Days before exposure used as covariate; 0 is none.
    pub cuped_days: u32,
    /// Definitions used, as `kind/name`.
    pub uses: BTreeSet<String>,
    /// Where the value comes from the order of the unit's facts: a funnel, whose variables are its steps, or conversions,
    /// whose variables are what follows and, for a rate, what it follows.
    pub order: Option<Order>,
    /// The quantile compared.
    pub quantile: Option<UnitQuantile>,
}

/// A quantile of units, or of their events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitQuantile {
    /// Which, in (0, 1).
    pub at: f64,
    /// Only values other than 0 count.
    pub ignore_zeros: bool,
    /// Of the rows' values, clustered in units; else of the units' sums.
    pub of_events: bool,
}

impl UnitMetric {
    /// All variables that are read.
    pub fn reads(&self) -> impl Iterator<Item = &Variable> {
        let base = match &self.order {
            Some(Order::Conversion(c)) => Some(&c.base),
            _ => None,
        };
        self.variables.iter().chain(base)
    }
}

/// A refusal for a metric that cannot be measured per unit.
pub fn refuse(detail: impl Into<String>, fix: impl Into<String>) -> NotEstimable {
    NotEstimable {
        reason: Reason::OutOfDomain,
        detail: detail.into(),
        fix: fix.into(),
    }
}

/// Type of a column as its contract promises; `None` for anything but a column.
pub(super) fn logical_type<'a>(expr: &str, dataset: &'a Dataset) -> Option<&'a str> {
    let name = expr.trim().trim_matches('"');
    let mut columns = dataset.columns.iter();
    columns
        .find(|c| c.name.eq_ignore_ascii_case(name))
        .map(|c| c.logical_type.as_str())
}

/// A time expression; a column of text is cast.
pub fn as_time(rewritten: &str, original: &str, dataset: &Dataset) -> String {
    if logical_type(original, dataset) == Some("string") {
        format!("CAST({rewritten} AS TIMESTAMP)")
    } else {
        rewritten.to_string()
    }
}
