//! From per-unit metrics to queries: one scan of each fact table for all metrics and all breakdowns.
//!
//! ```text
//! x  exposure rows: unit, arm, time          p0 … per unit: sums over the facts of one table, in the window
//! g  first exposure per unit                 dm … per unit: dimensions from the unit's own table
//! e  with the ends of its windows            →  cells (arm, day), (arm, dimension): moments of the units
//! ```
//!
//! Arms are numbers: 0 … n−1 in the order of the definition, −1 an unknown variant, −2 several variants.

use std::fmt::Write as _;

use steward_compute::{Query, Value};
use steward_definitions::{Dataset, Experiment};

use super::dimensions::UnitDimension;
use super::expression::quote;
use super::measures::UnitMetric;
use super::readout::Limits;
use super::triggers::UnitTrigger;
use super::window::Window;
use super::writer::{Writer, arguments};
use crate::CapabilityError;

/// Arm of units whose variant is none of the experiment's.
pub const UNKNOWN_ARM: i64 = -1;
/// Arm of units that were exposed in several variants.
pub const SEVERAL_ARMS: i64 = -2;
/// Relative accuracy of percentile caps.
pub const CAP_ACCURACY: f64 = 0.001;
/// The value of a dimension where it is missing.
pub const NO_VALUE: &str = "(none)";

/// What the queries of one experiment have in common.
pub struct Layout<'a> {
    /// The experiment.
    pub experiment: &'a Experiment,
    /// Its exposures' dataset.
    pub dataset: &'a Dataset,
    /// Which rows count.
    pub window: &'a Window,
    /// Breakdowns.
    pub dimensions: &'a [UnitDimension],
    /// What makes an exposed unit count.
    pub trigger: Option<&'a UnitTrigger>,
    /// `day`, `hour` or `minute`: the bucket of exposure time that days of the project's zone are made of.
    pub grain: &'static str,
}

/// A metric with its caps resolved to values.
#[derive(Clone, Debug)]
pub struct Capped<'a> {
    /// The metric.
    pub metric: &'a UnitMetric,
    /// Limits of the unit's value by variable; none where it is shorter.
    pub limits: Vec<Limits>,
}

/// Splits metrics into groups that share fact tables; each group is one query.
pub fn groups(metrics: &[UnitMetric]) -> Vec<Vec<usize>> {
    type Sources = Vec<(String, String)>;
    let mut groups: Vec<(Sources, Vec<usize>)> = Vec::new();
    for (i, metric) in metrics.iter().enumerate() {
        let mut sources: Vec<(String, String)> = metric.reads().map(|v| (v.dataset.clone(), v.key.clone())).collect();
        let mut members = vec![i];
        let (joined, apart): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|(known, _)| known.iter().any(|s| sources.contains(s)));
        for (known, others) in joined {
            sources.extend(known);
            members.extend(others);
        }
        sources.sort();
        sources.dedup();
        members.sort_unstable();
        groups = apart;
        groups.push((sources, members));
    }
    let mut groups: Vec<Vec<usize>> = groups.into_iter().map(|(_, members)| members).collect();
    groups.sort();
    groups
}

/// What the moment of exposure is cut into, for [`crossed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// Nothing: there is no column `day`.
    None,
    /// The layout's grain.
    Grain,
}

/// The query that answers one row per cell: columns `arm`, `day` (if exposures have a time), `s0` … (dimensions),
/// `units`, `ripe` (units whose window has closed), `m0` … (moments of the metrics).
pub fn cells(layout: &Layout, metrics: &[Capped]) -> Result<Query, CapabilityError> {
    let timed = layout.experiment.exposures.time.is_some();
    select(layout, metrics, if timed { Bucket::Grain } else { Bucket::None }, false)
}

/// As [`cells`], one row for each arm, bucket and combination of all dimensions' values.
pub fn crossed(layout: &Layout, metrics: &[Capped], bucket: Bucket) -> Result<Query, CapabilityError> {
    select(layout, metrics, bucket, true)
}

fn select(layout: &Layout, metrics: &[Capped], bucket: Bucket, crossed: bool) -> Result<Query, CapabilityError> {
    let mut w = Writer::new(layout, metrics.iter().map(|m| m.metric));
    let mut columns = vec!["arm".to_string()];
    let mut outer = String::from("SELECT arm");
    if bucket != Bucket::None {
        outer.push_str(", day");
        columns.push("day".into());
    }
    for i in 0..layout.dimensions.len() {
        let _ = write!(outer, ", s{i}");
    }
    outer.push_str(", count(*) AS units, count(ripe) AS ripe");
    let mut inner: Vec<String> = Vec::new();
    for (i, m) in metrics.iter().enumerate() {
        let mut numbers = Vec::new();
        for (at, argument) in arguments(m.metric).into_iter().enumerate() {
            // A covariate is capped as the value that it stands for.
            let limits = m.limits.get(at % m.metric.variables.len().max(1)).copied();
            let value = w.value(&argument, m.metric.compared, limits.unwrap_or_default());
            // One NULL leaves a unit out, so that the first argument carries the condition for all.
            let value = if numbers.is_empty() {
                w.counted(m.metric, &value)
            } else {
                value
            };
            let at = inner.iter().position(|known| *known == value).unwrap_or_else(|| {
                inner.push(value);
                inner.len() - 1
            });
            numbers.push(format!("v{at}"));
        }
        let _ = write!(outer, ", moments({}) AS m{i}", numbers.join(", "));
    }
    let body = w.body(&inner, bucket)?;
    let grouping = if layout.dimensions.is_empty() {
        format!("GROUP BY {}", columns.join(", "))
    } else if crossed {
        columns.extend((0..layout.dimensions.len()).map(|i| format!("s{i}")));
        format!("GROUP BY {}", columns.join(", "))
    } else {
        let mut sets = vec![format!("({})", columns.join(", "))];
        sets.extend((0..layout.dimensions.len()).map(|i| format!("(arm, s{i})")));
        format!("GROUP BY GROUPING SETS ({})", sets.join(", "))
    };
    let sql = w.assemble(&format!("{outer}\nFROM (\n{body}\n) AS q\n{grouping}"))?;
    let names: Vec<&str> = metrics.iter().map(|m| m.metric.name.as_str()).collect();
    let label = format!(
        "experiment {}: {}",
        layout.experiment.meta.name,
        if names.is_empty() {
            "units".into()
        } else {
            names.join(", ")
        }
    );
    Ok(w.finish(label, sql))
}

/// The query that counts units by logarithmic bucket of the uncapped value of variables of metrics: columns `g0`, `i0` … (sign and
/// bucket; NULL in the rows of another metric) and `units`. Only closed units of known arms. The layout has no
/// dimensions.
pub fn buckets(layout: &Layout, metrics: &[(&UnitMetric, usize)], log_gamma: f64) -> Result<Query, CapabilityError> {
    let mut w = Writer::new(layout, metrics.iter().map(|(m, _)| *m));
    let mut inner = Vec::new();
    for (m, variable) in metrics {
        if let Some(own) = arguments(m).into_iter().nth(*variable) {
            let value = w.value(&own, m.compared, Limits::default());
            inner.push(w.counted(m, &value));
        }
    }
    let body = w.body(&inner, Bucket::None)?;
    let gamma = w.bind(Value::Number(log_gamma));
    let mut columns = Vec::new();
    let mut sets = Vec::new();
    for i in 0..inner.len() {
        columns.push(format!(
            "CASE WHEN v{i} > 0 THEN 1 WHEN v{i} < 0 THEN -1 WHEN v{i} = 0 THEN 0 END AS g{i}, \
             CASE WHEN v{i} = 0 THEN 0 ELSE CAST(ceil(ln(abs(v{i})) / {gamma}) AS BIGINT) END AS i{i}"
        ));
        sets.push(format!("(g{i}, i{i})"));
    }
    let names: Vec<String> = (0..inner.len()).map(|i| format!("g{i}, i{i}")).collect();
    let grouping = match sets.as_slice() {
        [one] => format!("GROUP BY {}", one.trim_matches(['(', ')'])),
        _ => format!("GROUP BY GROUPING SETS ({})", sets.join(", ")),
    };
    let sql = w.assemble(&format!(
        "SELECT {}, count(*) AS units\nFROM (\nSELECT {}\nFROM (\n{body}\n) AS q WHERE arm >= 0\n) AS b\n{grouping}",
        names.join(", "),
        columns.join(", "),
    ))?;
    let label = format!("experiment {}: percentiles for caps", layout.experiment.meta.name);
    Ok(w.finish(label, sql))
}

/// The query that counts exposure rows by variant as written: columns `variant`, `n`.
pub fn variants(layout: &Layout) -> Result<Query, CapabilityError> {
    let mut w = Writer::new(layout, std::iter::empty());
    let conditions = w.exposure_conditions()?;
    let variant = w.variant()?;
    let sql = format!(
        "SELECT CAST({variant} AS VARCHAR) AS variant, count(*) AS n\nFROM {}{conditions}\nGROUP BY CAST({variant} AS VARCHAR)",
        quote(&layout.dataset.meta.name)
    );
    let label = format!("experiment {}: variants", layout.experiment.meta.name);
    Ok(w.finish(label, sql))
}
