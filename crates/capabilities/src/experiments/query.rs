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

use super::dimensions::{DimensionSource, UnitDimension};
use super::expression::{over_columns, quote};
use super::measures::{Compared, Fold, ROW_UNIT, UnitMetric, Variable, as_time};
use super::period::Period;
use super::readout::Limits;
use super::triggers::UnitTrigger;
use super::window::{Window, micros};
use crate::CapabilityError;

/// Arm of units whose variant is none of the experiment's.
pub const UNKNOWN_ARM: i64 = -1;
/// Arm of units that were exposed in several variants.
pub const SEVERAL_ARMS: i64 = -2;
/// Relative accuracy of percentile caps.
pub const CAP_ACCURACY: f64 = 0.001;
/// The value of a dimension where it is missing.
pub const NO_VALUE: &str = "(none)";

const ZERO: &str = "CAST(0 AS DOUBLE)";
pub(super) const ONE: &str = "CAST(1 AS DOUBLE)";

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
        let mut sources: Vec<(String, String)> = metric
            .variables
            .iter()
            .map(|v| (v.dataset.clone(), v.key.clone()))
            .collect();
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

/// A unit's value over a period.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Aggregate {
    pub variable: Variable,
    pub period: Period,
}

/// The column that says whether a period is known whole.
fn ripe_column(seconds: u64, period: Period) -> String {
    format!("{}{seconds}", if period.is_bounded() { 'r' } else { 'o' })
}

/// Writes one query.
pub(super) struct Writer<'a> {
    pub layout: &'a Layout<'a>,
    parameters: Vec<Value>,
    pub aggregates: Vec<Aggregate>,
    /// Fact tables by dataset and unit's key; each is read once.
    pub sources: Vec<(String, String)>,
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
        let mut arguments = Vec::new();
        for (at, aggregate) in w.arguments(m.metric).into_iter().enumerate() {
            // A covariate is capped as the value that it stands for.
            let limits = m.limits.get(at % m.metric.variables.len().max(1)).copied();
            let value = w.value(&aggregate, m.metric.compared, limits.unwrap_or_default());
            // One NULL leaves a unit out, so that the first argument carries the condition for all.
            let value = if arguments.is_empty() {
                format!("CASE WHEN {} THEN {value} END", w.ripe(m.metric.period))
            } else {
                value
            };
            let at = inner.iter().position(|known| *known == value).unwrap_or_else(|| {
                inner.push(value);
                inner.len() - 1
            });
            arguments.push(format!("v{at}"));
        }
        let _ = write!(outer, ", moments({}) AS m{i}", arguments.join(", "));
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
    Ok(Query {
        label,
        sql,
        parameters: w.parameters,
    })
}

/// The query that counts units by logarithmic bucket of the uncapped value of variables of metrics: columns `g0`, `i0` … (sign and
/// bucket; NULL in the rows of another metric) and `units`. Only closed units of known arms. The layout has no
/// dimensions.
pub fn buckets(layout: &Layout, metrics: &[(&UnitMetric, usize)], log_gamma: f64) -> Result<Query, CapabilityError> {
    let mut w = Writer::new(layout, metrics.iter().map(|(m, _)| *m));
    let mut inner = Vec::new();
    for (m, variable) in metrics {
        if let Some(own) = w.arguments(m).into_iter().nth(*variable) {
            let value = w.value(&own, m.compared, Limits::default());
            inner.push(format!("CASE WHEN {} THEN {value} END", w.ripe(m.period)));
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
    Ok(Query {
        label,
        sql,
        parameters: w.parameters,
    })
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
    Ok(Query {
        label,
        sql,
        parameters: w.parameters,
    })
}

impl<'a> Writer<'a> {
    pub(super) fn new<'m>(layout: &'a Layout<'a>, metrics: impl Iterator<Item = &'m UnitMetric>) -> Writer<'a> {
        let mut w = Writer {
            layout,
            parameters: Vec::new(),
            aggregates: Vec::new(),
            sources: Vec::new(),
        };
        for metric in metrics {
            for variable in &metric.variables {
                w.sources.push((variable.dataset.clone(), variable.key.clone()));
            }
            w.aggregates.extend(w.arguments(metric));
        }
        w.sources.sort();
        w.sources.dedup();
        w.aggregates.sort();
        w.aggregates.dedup();
        w
    }

    /// The query with what was bound.
    pub(super) fn finish(self, label: String, sql: String) -> Query {
        Query {
            label,
            sql,
            parameters: self.parameters,
        }
    }

    /// Values in the order of the moments' variables: the metric's own, then the covariates alike.
    fn arguments(&self, metric: &UnitMetric) -> Vec<Aggregate> {
        let own = |period: Period| {
            metric.variables.iter().map(move |v| Aggregate {
                variable: v.clone(),
                period,
            })
        };
        let mut all: Vec<Aggregate> = own(metric.period).collect();
        if metric.cuped_days > 0 {
            let seconds = u64::from(metric.cuped_days) * 86_400;
            all.extend(own(Period::Before { seconds }));
        }
        all
    }

    fn rows_are_units(&self) -> bool {
        self.layout.experiment.exposures.unit == ROW_UNIT
    }

    pub(super) fn bind(&mut self, value: Value) -> String {
        let at = self
            .parameters
            .iter()
            .position(|known| *known == value)
            .unwrap_or_else(|| {
                self.parameters.push(value);
                self.parameters.len() - 1
            });
        format!("${}", at + 1)
    }

    fn invalid(&self, cause: String) -> CapabilityError {
        CapabilityError::Invalid(format!("experiment {}: {cause}", self.layout.experiment.meta.name))
    }

    pub(super) fn column(&self, name: &str) -> Result<String, CapabilityError> {
        over_columns(&quote(name), self.layout.dataset).map_err(|cause| self.invalid(cause))
    }

    fn variant(&self) -> Result<String, CapabilityError> {
        self.column(&self.layout.experiment.exposures.variant)
    }

    pub(super) fn exposure_time(&self) -> Result<Option<String>, CapabilityError> {
        match &self.layout.experiment.exposures.time {
            Some(name) => Ok(Some(as_time(&self.column(name)?, name, self.layout.dataset))),
            None => Ok(None),
        }
    }

    pub(super) fn exposure_conditions(&mut self) -> Result<String, CapabilityError> {
        let mut all = Vec::new();
        if !self.rows_are_units() {
            all.push(format!(
                "{} IS NOT NULL",
                self.column(&self.layout.experiment.exposures.unit)?
            ));
        }
        if let Some(time) = self.exposure_time()? {
            if let Some(from) = self.layout.window.from {
                all.push(format!("{time} >= {}", self.bind(Value::Timestamp(from))));
            }
            if let Some(before) = self.layout.window.before {
                all.push(format!("{time} < {}", self.bind(Value::Timestamp(before))));
            }
        }
        if let Some(filter) = self
            .layout
            .experiment
            .exposures
            .filter
            .as_ref()
            .filter(|f| !f.trim().is_empty())
        {
            all.push(over_columns(filter, self.layout.dataset).map_err(|cause| self.invalid(cause))?);
        }
        Ok(if all.is_empty() {
            String::new()
        } else {
            format!("\nWHERE {}", all.join(" AND "))
        })
    }

    pub(super) fn arm(&mut self) -> Result<String, CapabilityError> {
        if self.layout.experiment.variants.is_empty() {
            return Ok("0".into());
        }
        let variant = self.variant()?;
        let is_text = self
            .layout
            .dataset
            .columns
            .iter()
            .any(|c| c.name == self.layout.experiment.exposures.variant && c.logical_type == "string");
        let subject = if is_text {
            variant
        } else {
            format!("CAST({variant} AS VARCHAR)")
        };
        let names: Vec<String> = self.layout.experiment.variants.iter().map(|v| v.name.clone()).collect();
        let mut text = String::from("CASE");
        for (i, name) in names.into_iter().enumerate() {
            let _ = write!(text, " WHEN {subject} = {} THEN {i}", self.bind(Value::Text(name)));
        }
        let _ = write!(text, " ELSE {UNKNOWN_ARM} END");
        Ok(text)
    }

    /// Dimensions on the exposure's row: position and expression.
    pub(super) fn exposure_dimensions(&self) -> Vec<(usize, String)> {
        let all = self.layout.dimensions.iter().enumerate();
        all.filter_map(|(i, d)| match &d.source {
            DimensionSource::Exposure { value } => Some((i, format!("CAST({value} AS VARCHAR)"))),
            DimensionSource::Unit { .. } => None,
        })
        .collect()
    }

    /// Whether all facts of a unit's period are known; it is never NULL.
    fn ripe(&self, period: Period) -> String {
        match self.closing(period) {
            None => "TRUE".into(),
            Some(_) if self.is_of_the_experiment(period) => "ripe = 1".into(),
            Some((seconds, _)) => format!("{} = 1", ripe_column(seconds, period)),
        }
    }

    fn is_of_the_experiment(&self, period: Period) -> bool {
        period.is_bounded() && Some(period.closes()) == self.layout.window.seconds && self.has_window()
    }

    /// Seconds after its start at which a unit's period is known whole, and the last such start; `None` if it always is.
    fn closing(&self, period: Period) -> Option<(u64, i64)> {
        let seconds = period.closes();
        let window = self.layout.window;
        let known = if period.is_bounded() { window.data } else { window.cut };
        match known {
            Some(known) if seconds > 0 && !self.rows_are_units() => {
                Some((seconds, known.saturating_sub(micros(seconds))))
            }
            _ => None,
        }
    }

    pub(super) fn has_window(&self) -> bool {
        self.layout.window.seconds.is_some() && self.layout.window.cut.is_some() && !self.rows_are_units()
    }

    fn position(&self, aggregate: &Aggregate) -> usize {
        self.aggregates.iter().position(|a| a == aggregate).unwrap_or_default()
    }

    /// A unit's final value: missing is zero, then capped or made binary.
    fn value(&mut self, aggregate: &Aggregate, compared: Compared, limits: Limits) -> String {
        let value = format!("y{}", self.position(aggregate));
        if compared == Compared::Proportion {
            return format!("CASE WHEN {value} > 0 THEN {ONE} ELSE {ZERO} END");
        }
        let mut text = String::from("CASE");
        for (sign, limit) in [('>', limits.high), ('<', limits.low)] {
            if let Some(limit) = limit {
                let limit = self.bind(Value::Number(limit));
                let _ = write!(text, " WHEN {value} {sign} {limit} THEN {limit}");
            }
        }
        match text.as_str() {
            "CASE" => value,
            _ => format!("{text} ELSE {value} END"),
        }
    }

    /// One row per unit: `arm`, `day`, `s0` …, `ripe`, and the given values as `v0` ….
    fn body(&mut self, values: &[String], bucket: Bucket) -> Result<String, CapabilityError> {
        let mut outer = vec!["arm".to_string()];
        match bucket {
            Bucket::None => {}
            Bucket::Grain => outer.push(format!("date_trunc('{}', t0) AS day", self.layout.grain)),
        }
        for i in 0..self.layout.dimensions.len() {
            outer.push(format!("coalesce(s{i}, '{NO_VALUE}') AS s{i}"));
        }
        outer.push("CASE WHEN ripe = 1 THEN 1 END AS ripe".to_string());
        outer.extend(values.iter().enumerate().map(|(i, v)| format!("{v} AS v{i}")));
        let from = if self.rows_are_units() {
            self.row_units()?
        } else {
            self.joined_units()?
        };
        Ok(format!("SELECT {}\nFROM (\n{from}\n) AS w", outer.join(", ")))
    }

    /// Rows of the exposures as units.
    fn row_units(&mut self) -> Result<String, CapabilityError> {
        let mut columns = vec![format!("{} AS arm", self.arm()?)];
        if let Some(time) = self.exposure_time()? {
            columns.push(format!("{time} AS t0"));
        }
        for (i, value) in self.exposure_dimensions() {
            columns.push(format!("{value} AS s{i}"));
        }
        columns.push("1 AS ripe".to_string());
        for (i, a) in self.aggregates.iter().enumerate() {
            columns.push(format!("coalesce({}, {ZERO}) AS y{i}", a.variable.value));
        }
        let conditions = self.exposure_conditions()?;
        Ok(format!(
            "SELECT {}\nFROM {}{conditions}",
            columns.join(", "),
            quote(&self.layout.dataset.meta.name)
        ))
    }

    /// Units of the CTEs `p0` …, joined, with the dimensions of the units' own tables.
    fn joined_units(&mut self) -> Result<String, CapabilityError> {
        let mut columns = vec!["p0.arm AS arm".to_string()];
        if self.layout.experiment.exposures.time.is_some() {
            columns.push("p0.t0 AS t0".to_string());
        }
        let mut tables: Vec<(String, String, bool)> = Vec::new();
        for (i, d) in self.layout.dimensions.iter().enumerate() {
            match &d.source {
                DimensionSource::Exposure { .. } => columns.push(format!("p0.s{i} AS s{i}")),
                DimensionSource::Unit {
                    dataset, key, keyed, ..
                } => {
                    let table = (dataset.clone(), key.clone(), *keyed);
                    let at = tables.iter().position(|t| *t == table).unwrap_or_else(|| {
                        tables.push(table);
                        tables.len() - 1
                    });
                    columns.push(format!("dm{at}.s{i} AS s{i}"));
                }
            }
        }
        let own = Period::After {
            delay: 0,
            window: self.layout.window.seconds,
        };
        match self.closing(own) {
            Some((_, last)) => {
                let last = self.bind(Value::Timestamp(last));
                columns.push(format!("CASE WHEN p0.t0 <= {last} THEN 1 ELSE 0 END AS ripe"));
            }
            None => columns.push("1 AS ripe".to_string()),
        }
        let mut periods: Vec<Period> = self.aggregates.iter().map(|a| a.period).collect();
        periods.retain(|p| !self.is_of_the_experiment(*p));
        periods.sort_by_key(|p| (p.closes(), p.is_bounded()));
        periods.dedup_by_key(|p| (p.closes(), p.is_bounded()));
        for period in periods {
            if let Some((seconds, last)) = self.closing(period) {
                let last = self.bind(Value::Timestamp(last));
                columns.push(format!(
                    "CASE WHEN p0.t0 <= {last} THEN 1 ELSE 0 END AS {}",
                    ripe_column(seconds, period)
                ));
            }
        }
        for (i, a) in self.aggregates.iter().enumerate() {
            let source = (a.variable.dataset.clone(), a.variable.key.clone());
            let at = self.sources.iter().position(|s| *s == source).unwrap_or_default();
            let value = match a.variable.fold {
                Fold::Distinct => format!("CAST(p{at}.y{i} AS DOUBLE)"),
                Fold::Sum | Fold::Any => format!("p{at}.y{i}"),
            };
            columns.push(format!("coalesce({value}, {ZERO}) AS y{i}"));
        }
        let mut from = String::from("FROM p0");
        for i in 1..self.sources.len() {
            let _ = write!(from, "\nJOIN p{i} ON p{i}.u = p0.u");
        }
        for (i, (dataset, key, keyed)) in tables.iter().enumerate() {
            let mut values = Vec::new();
            for (j, d) in self.layout.dimensions.iter().enumerate() {
                if let DimensionSource::Unit {
                    dataset: of,
                    key: by,
                    value,
                    sole,
                    ..
                } = &d.source
                    && of == dataset
                    && by == key
                {
                    let text = format!("CAST({value} AS VARCHAR)");
                    // Several rows for a unit must not multiply it.
                    values.push(if *keyed {
                        format!("{text} AS s{j}")
                    } else if *sole {
                        format!("CASE WHEN min({text}) = max({text}) THEN min({text}) END AS s{j}")
                    } else {
                        format!("min({text}) AS s{j}")
                    });
                }
            }
            let group = if *keyed {
                String::new()
            } else {
                format!(" GROUP BY {key}")
            };
            let _ = write!(
                from,
                "\nLEFT JOIN (SELECT {key} AS u, {} FROM {}{group}) AS dm{i} ON dm{i}.u = p0.u",
                values.join(", "),
                quote(dataset)
            );
        }
        Ok(format!("SELECT {}\n{from}", columns.join(", ")))
    }

    /// Puts the CTEs before the query over them.
    fn assemble(&mut self, over: &str) -> Result<String, CapabilityError> {
        if self.rows_are_units() {
            return Ok(over.to_string());
        }
        let mut ctes = vec![self.exposures()?];
        if self.sources.is_empty() {
            ctes.push("p0 AS (SELECT * FROM e)".to_string());
        }
        for i in 0..self.sources.len() {
            ctes.push(self.per_unit(i));
        }
        Ok(format!("WITH {}\n{over}", ctes.join(",\n")))
    }
}
