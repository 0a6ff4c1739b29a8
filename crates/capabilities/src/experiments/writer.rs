//! What the queries of an experiment are written with: names, conditions, values of a unit, and the units themselves.

use std::fmt::Write as _;

use steward_compute::{Query, Value};

use super::dimensions::DimensionSource;
use super::expression::{over_columns, quote};
use super::measures::{Compared, Fold, ROW_UNIT, UnitMetric, Variable, as_time};
use super::period::Period;
use super::query::{Bucket, Layout, NO_VALUE, UNKNOWN_ARM};
use super::readout::Limits;
use super::sequences::{Order, Sequence};
use super::window::micros;
use crate::CapabilityError;

pub(super) const ZERO: &str = "CAST(0 AS DOUBLE)";
pub(super) const ONE: &str = "CAST(1 AS DOUBLE)";

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
    /// What is read of units by the order of their facts.
    pub sequences: Vec<Sequence>,
}

/// A number of a unit, of which moments are taken.
#[derive(Clone, Debug)]
pub(super) enum Argument {
    /// Its facts of a period, folded.
    Folded(Aggregate),
    /// 1 if it reached the step of that number (from 1) of a sequence, else 0.
    Reached(Sequence, usize),
    /// Its facts that followed others, summed.
    Followed(Sequence),
}

/// Values in the order of the moments' variables: the metric's own, then the covariates alike.
pub(super) fn arguments(metric: &UnitMetric) -> Vec<Argument> {
    let folded = |variable: &Variable, period: Period| {
        Argument::Folded(Aggregate {
            variable: variable.clone(),
            period,
        })
    };
    let own = |period: Period| -> Vec<Argument> {
        let sequence = |order: &Order| Sequence {
            order: order.clone(),
            period,
        };
        match &metric.order {
            None => metric.variables.iter().map(|v| folded(v, period)).collect(),
            // The last step first: it is the metric's value.
            Some(order @ Order::Funnel(funnel)) => {
                let last = funnel.steps.len();
                let steps = std::iter::once(last).chain(1..last);
                steps.map(|step| Argument::Reached(sequence(order), step)).collect()
            }
            Some(order @ Order::Conversion(_)) => {
                let followed = std::iter::once(Argument::Followed(sequence(order)));
                let below = metric.variables.iter().skip(1).map(|v| folded(v, period));
                followed.chain(below).collect()
            }
        }
    };
    let mut all = own(metric.period);
    if metric.cuped_days > 0 {
        let seconds = u64::from(metric.cuped_days) * 86_400;
        all.extend(own(Period::Before { seconds }));
    }
    all
}

impl<'a> Writer<'a> {
    pub(super) fn new<'m>(layout: &'a Layout<'a>, metrics: impl Iterator<Item = &'m UnitMetric>) -> Writer<'a> {
        let mut w = Writer {
            layout,
            parameters: Vec::new(),
            aggregates: Vec::new(),
            sources: Vec::new(),
            sequences: Vec::new(),
        };
        for argument in metrics.flat_map(arguments) {
            match argument {
                Argument::Folded(aggregate) => {
                    let of = &aggregate.variable;
                    w.sources.push((of.dataset.clone(), of.key.clone()));
                    w.aggregates.push(aggregate);
                }
                Argument::Reached(sequence, _) | Argument::Followed(sequence) => {
                    if !w.sequences.contains(&sequence) {
                        w.sequences.push(sequence);
                    }
                }
            }
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

    /// What was bound so far, in order.
    pub(super) fn parameters(self) -> Vec<Value> {
        self.parameters
    }

    pub(super) fn variant(&self) -> Result<String, CapabilityError> {
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

    /// A unit's value where it counts in the metric, else NULL.
    pub(super) fn counted(&self, metric: &UnitMetric, value: &str) -> String {
        let zeros = match metric.quantile {
            Some(q) if q.ignore_zeros => format!(" AND {value} <> 0"),
            _ => String::new(),
        };
        format!("CASE WHEN {}{zeros} THEN {value} END", self.ripe(metric.period))
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

    /// The condition on `e` that a unit's period is known whole; none if it always is.
    pub(super) fn known(&mut self, period: Period) -> Option<String> {
        let (_, last) = self.closing(period)?;
        Some(format!("e.t0 <= {}", self.bind(Value::Timestamp(last))))
    }

    pub(super) fn has_window(&self) -> bool {
        self.layout.window.seconds.is_some() && self.layout.window.cut.is_some() && !self.rows_are_units()
    }

    /// The column of an argument in the units' table.
    fn column_of(&self, argument: &Argument) -> String {
        match argument {
            Argument::Folded(aggregate) => {
                let at = self.aggregates.iter().position(|a| a == aggregate);
                format!("y{}", at.unwrap_or_default())
            }
            Argument::Reached(sequence, _) | Argument::Followed(sequence) => {
                let at = self.sequences.iter().position(|s| s == sequence);
                format!("q{}", at.unwrap_or_default())
            }
        }
    }

    /// The periods of all that is read.
    pub(super) fn periods(&self) -> impl Iterator<Item = Period> + '_ {
        let of_sequences = self.sequences.iter().map(|s| s.period);
        self.aggregates.iter().map(|a| a.period).chain(of_sequences)
    }

    /// A unit's final value: missing is zero, then capped or made binary.
    pub(super) fn value(&mut self, argument: &Argument, compared: Compared, limits: Limits) -> String {
        let value = self.column_of(argument);
        if let Argument::Reached(_, step) = argument {
            return format!("CASE WHEN {value} >= {step} THEN {ONE} ELSE {ZERO} END");
        }
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
    pub(super) fn body(&mut self, values: &[String], bucket: Bucket) -> Result<String, CapabilityError> {
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
        let mut periods: Vec<Period> = self.periods().collect();
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
        for i in 0..self.sequences.len() {
            columns.push(format!("coalesce(q{i}.y, {ZERO}) AS q{i}"));
            let _ = write!(from, "\nLEFT JOIN q{i} ON q{i}.u = p0.u");
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
    pub(super) fn assemble(&mut self, over: &str) -> Result<String, CapabilityError> {
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
        for i in 0..self.sequences.len() {
            ctes.extend(self.in_order(i));
        }
        Ok(format!("WITH {}\n{over}", ctes.join(",\n")))
    }
}
