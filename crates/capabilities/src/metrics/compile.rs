//! A plan as SQL: scans, put together by their keys, then formulas.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use steward_definitions::{Dimension, Measure, SemanticModel};

use super::graph::Graph;
use super::measures::{additive_over_rows, aggregate_again, aggregate_sql, is_count};
use super::plan::{Conversion, Key, Leaf, Node, Plan, time_dimension};
use super::sql::{Expression, column, ident, text};
use super::tables::{Table, Times};
use super::time::{Days, Grain, Range, Shift, Zone, date_sql, periods, window_sql};
use crate::CapabilityError;

/// Everything that turns a plan into SQL.
pub(crate) struct Compiler<'p> {
    /// Models.
    pub graph: Graph<'p>,
    /// What is asked.
    pub plan: &'p Plan<'p>,
    /// The request's condition.
    pub filter: Option<&'p str>,
    /// The request's range.
    pub range: Range,
    /// The request's zone.
    pub zone: &'p Zone,
    /// Types of time dimensions.
    pub times: &'p Times,
    /// First and last day with data, where they were needed.
    pub bounds: Option<(Date, Date)>,
}

/// Leaves that one pass over a table answers.
#[derive(Clone, Debug)]
pub(crate) struct Scan<'p> {
    /// The model.
    pub model: &'p SemanticModel,
    /// Its time dimension, if time matters.
    pub time: Option<&'p Dimension>,
    /// How periods are moved.
    pub shifts: Vec<Shift>,
    /// Indices of leaves, with their measures.
    pub leaves: Vec<(usize, &'p Measure)>,
}

/// A scan as SQL.
pub(crate) struct ScanSql {
    /// Common table expressions it stands on.
    pub tables: Vec<(String, String)>,
    /// Leaves it answers, as columns `m<index>`.
    pub leaves: Vec<usize>,
    /// `SELECT` of its keys and leaves.
    pub select: String,
}

/// What compiling touched.
#[derive(Default)]
pub(crate) struct Touched {
    /// Models read.
    pub models: BTreeSet<String>,
    /// Keys that must be unique: dataset, expression.
    pub keys: BTreeSet<(String, String)>,
}

impl Touched {
    fn table(&mut self, table: &Table<'_>) {
        self.models.insert(table.model.meta.name.clone());
        self.models.extend(table.joined.iter().map(|m| m.meta.name.clone()));
        self.keys.extend(table.keys.iter().cloned());
    }
}

impl<'p> Compiler<'p> {
    /// The scans of a plan: leaves that share model, time and shift share a pass.
    pub fn scans(&self) -> Result<Vec<Scan<'p>>, CapabilityError> {
        let mut scans: Vec<Scan<'p>> = Vec::new();
        for (i, leaf) in self.plan.leaves.iter().enumerate() {
            let (model, measure) = self.graph.measure(&leaf.measure)?;
            let matters = self.plan.grain().is_some()
                || self.range != Range::default()
                || !leaf.shifts.is_empty()
                || leaf.conversion.is_some();
            let time = match (matters, time_dimension(model, measure)) {
                (true, time) => Some(time?),
                // Without it, filters may still speak of `time`.
                (false, Ok(time)) if self.speaks_of_time(leaf) => Some(time),
                (false, _) => None,
            };
            let shared = scans.iter_mut().find(|s| {
                s.model.meta.name == model.meta.name
                    && s.time.map(|t| &t.name) == time.map(|t| &t.name)
                    && s.shifts == leaf.shifts
                    && leaf.conversion.is_none()
                    && s.leaves.iter().all(|(l, _)| self.plan.leaves[*l].conversion.is_none())
            });
            match shared {
                Some(scan) => scan.leaves.push((i, measure)),
                None => scans.push(Scan {
                    model,
                    time,
                    shifts: leaf.shifts.clone(),
                    leaves: vec![(i, measure)],
                }),
            }
        }
        Ok(scans)
    }

    fn speaks_of_time(&self, leaf: &Leaf) -> bool {
        leaf.filters.iter().map(String::as_str).chain(self.filter).any(|f| {
            Expression::parse(f, "filter").is_ok_and(|e| {
                e.names().iter().any(|n| {
                    let name = n.join("__");
                    name == "time"
                        || name == "metric_time"
                        || name.starts_with("time__")
                        || name.starts_with("metric_time__")
                })
            })
        })
    }

    /// Whether periods must be listed.
    pub fn needs_spine(&self) -> bool {
        self.plan.grain().is_some() && (self.plan.fill || self.plan.leaves.iter().any(|l| !l.shifts.is_empty()))
    }

    /// Whether the first and last day of the data must be known.
    pub fn needs_bounds(&self) -> bool {
        let open = self.range.from.is_none() || self.range.to.is_none();
        let trailing = self.plan.leaves.iter().any(|l| {
            l.shifts
                .iter()
                .any(|s| matches!(s, Shift::Trailing(_) | Shift::GrainToDate(_)))
        });
        (self.needs_spine() && open) || (self.plan.grain().is_none() && trailing && self.range.to.is_none())
    }

    /// The days that the answer speaks of.
    fn days(&self) -> Option<Days> {
        let low = self.range.from.map(|(_, d)| d).or(self.bounds.map(|(first, _)| first));
        let high = self.range.to.map(|(_, d)| d).or(self
            .bounds
            .map(|(_, last)| last.saturating_add(jiff::Span::new().days(1))));
        high.map(|high| Days { low, high })
    }

    /// The periods that the answer speaks of; none if there is no data.
    pub fn spine(&self) -> Result<Vec<Date>, CapabilityError> {
        let (Some(grain), Some(Days { low: Some(low), high })) = (self.plan.grain(), self.days()) else {
            return Ok(Vec::new());
        };
        if grain == Grain::Hour {
            return Err(CapabilityError::Invalid(
                "missing hours, and windows and offsets by the hour, are not answered; use `time:day` or coarser"
                    .to_owned(),
            ));
        }
        periods(grain, low, high)
    }

    fn apply(shifts: &[Shift], days: Days, grain: Grain) -> Result<Days, CapabilityError> {
        shifts.iter().try_fold(days, |days, shift| shift.apply(days, grain))
    }

    /// A scan as SQL; `at` numbers it.
    pub fn scan_sql(&self, at: usize, scan: &Scan<'p>, touched: &mut Touched) -> Result<ScanSql, CapabilityError> {
        if let [(leaf, measure)] = scan.leaves.as_slice()
            && let Some(conversion) = &self.plan.leaves[*leaf].conversion
        {
            return self.conversion_sql(at, *leaf, scan, measure, conversion, touched);
        }
        let mut table = Table::new(self.graph, scan.model, "t");
        let time = self.time_of(scan, &table)?;
        let shifted = !scan.shifts.is_empty();
        let spine = shifted && self.plan.grain().is_some();

        let mut columns = self.key_columns(&mut table, time.as_ref(), spine)?;
        let mut conditions = self.time_conditions(scan, time.as_ref())?;
        if let Some(filter) = self.filter {
            conditions.push(format!(
                "({})",
                table.condition(filter, scan.time, self.zone, self.times)?
            ));
        }
        if let (true, Some((expr, date))) = (spine, &time) {
            columns.push(format!("{} AS \"day\"", self.zone.day_sql(expr, *date)));
        }
        let hoisted = self.hoisted(scan);
        if hoisted {
            for filter in &self.plan.leaves[scan.leaves[0].0].filters {
                conditions.push(format!(
                    "({})",
                    table.condition(filter, scan.time, self.zone, self.times)?
                ));
            }
        }
        let mut lasting = Vec::new();
        for (i, measure) in &scan.leaves {
            let input = table.own(&measure.expr, &format!("measure {}", measure.name))?;
            let condition = if hoisted {
                None
            } else {
                let filters: Result<Vec<String>, CapabilityError> = self.plan.leaves[*i]
                    .filters
                    .iter()
                    .map(|f| Ok(format!("({})", table.condition(f, scan.time, self.zone, self.times)?)))
                    .collect();
                Some(filters?.join(" AND ")).filter(|c| !c.is_empty())
            };
            let under = |value: &str| match &condition {
                Some(c) => format!("CASE WHEN {c} THEN {value} END"),
                None => value.to_owned(),
            };
            columns.push(format!("{} AS \"x{i}\"", under(&input)));
            if is_count(measure.aggregation) && condition.is_some() {
                columns.push(format!("{} AS \"n{i}\"", under("1")));
            }
            if let Some(rule) = &measure.non_additive {
                let (expr, resolved) = table.attribute(&rule.dimension)?;
                if !resolved.path.is_empty() {
                    return Err(CapabilityError::Invalid(format!(
                        "measure {}: its non-additive dimension {} must be of its own model",
                        measure.name, rule.dimension
                    )));
                }
                columns.push(format!("{} AS \"t{i}\"", under(&expr)));
                let mut groups = Vec::new();
                for (j, group) in rule.window_groupings.iter().enumerate() {
                    let (expr, _) = table.attribute(group)?;
                    columns.push(format!("{expr} AS \"g{i}_{j}\""));
                    groups.push(format!("\"g{i}_{j}\""));
                }
                let choice = match rule.window_choice.as_str() {
                    "min" => "MIN",
                    "max" => "MAX",
                    other => {
                        return Err(CapabilityError::Invalid(format!(
                            "measure {}: window_choice {other:?} is neither min nor max",
                            measure.name
                        )));
                    }
                };
                lasting.push((*i, choice, groups));
            }
        }
        touched.table(&table);

        if columns.is_empty() {
            columns.push("1 AS \"one\"".to_owned());
        }
        let mut tables = Vec::new();
        let mut from = format!("r{at}");
        tables.push((from.clone(), select(&columns, &table.from_sql(), &conditions)));

        let keys: Vec<String> = (0..self.plan.keys.len()).map(|k| format!("\"k{k}\"")).collect();
        let time_key = self.plan.keys.iter().position(|(_, k)| matches!(k, Key::Time(_)));
        if spine {
            let low_high = format!("p{at}");
            tables.push((low_high.clone(), self.spine_sql(&scan.shifts)?));
            let others: Vec<String> = keys
                .iter()
                .enumerate()
                .filter(|(k, _)| Some(*k) != time_key)
                .map(|(_, n)| n.clone())
                .collect();
            let additive = lasting.is_empty() && scan.leaves.iter().all(|(_, m)| additive_over_rows(m.aggregation));
            if additive {
                // Days first: then each period adds up days, not rows.
                let mut columns = vec!["\"day\"".to_owned()];
                columns.extend(others.iter().cloned());
                let groups = columns.join(", ");
                columns.extend(
                    scan.leaves
                        .iter()
                        .map(|(i, m)| format!("{} AS \"x{i}\"", self.leaf_sql(*i, m, hoisted))),
                );
                tables.push((
                    format!("d{at}"),
                    format!("SELECT {} FROM {from} GROUP BY {groups}", columns.join(", ")),
                ));
                from = format!("d{at}");
            }
            let mut columns = vec![format!("\"p\".\"period\" AS {}", keys[time_key.unwrap_or(0)])];
            columns.push("\"d\".*".to_owned());
            let window = format!(
                "SELECT {} FROM {low_high} AS \"p\" JOIN {from} AS \"d\" ON \"d\".\"day\" >= \"p\".\"low\" AND \"d\".\"day\" < \"p\".\"high\"",
                columns.join(", ")
            );
            tables.push((format!("w{at}"), window));
            from = format!("w{at}");
            if additive {
                let mut columns = keys.clone();
                columns.extend(
                    scan.leaves
                        .iter()
                        .map(|(i, m)| format!("{} AS \"m{i}\"", aggregate_again(m.aggregation, &format!("\"x{i}\"")))),
                );
                return Ok(ScanSql {
                    tables,
                    leaves: scan.leaves.iter().map(|(i, _)| *i).collect(),
                    select: grouped(&columns, &from, &keys),
                });
            }
        }
        if !lasting.is_empty() {
            let mut columns = vec!["*".to_owned()];
            for (i, choice, groups) in &lasting {
                let mut groups = groups.clone();
                groups.extend(time_key.map(|k| keys[k].clone()));
                let partition = if groups.is_empty() {
                    String::new()
                } else {
                    format!("PARTITION BY {}", groups.join(", "))
                };
                columns.push(format!("{choice}(\"t{i}\") OVER ({partition}) AS \"l{i}\""));
            }
            tables.push((format!("l{at}"), format!("SELECT {} FROM {from}", columns.join(", "))));
            from = format!("l{at}");
        }
        let mut columns = keys.clone();
        columns.extend(
            scan.leaves
                .iter()
                .map(|(i, m)| format!("{} AS \"m{i}\"", self.leaf_sql(*i, m, hoisted))),
        );
        Ok(ScanSql {
            tables,
            leaves: scan.leaves.iter().map(|(i, _)| *i).collect(),
            select: grouped(&columns, &from, &keys),
        })
    }

    /// Whether all leaves of a scan have the same conditions, so that rows can be left out altogether.
    fn hoisted(&self, scan: &Scan<'p>) -> bool {
        let first = &self.plan.leaves[scan.leaves[0].0].filters;
        scan.leaves.iter().all(|(i, _)| self.plan.leaves[*i].filters == *first)
    }

    /// The time expression of a scan, and whether it is a date.
    fn time_of(&self, scan: &Scan<'p>, table: &Table<'p>) -> Result<Option<(String, bool)>, CapabilityError> {
        scan.time
            .map(|d| {
                let date = self.times.is_date(&self.graph, scan.model, d)?;
                Ok((table.own(&d.expr, &d.name)?, date))
            })
            .transpose()
    }

    /// `<expression> AS "k<i>"` for every key; the time key is left to the spine if there is one.
    fn key_columns(
        &self,
        table: &mut Table<'p>,
        time: Option<&(String, bool)>,
        spine: bool,
    ) -> Result<Vec<String>, CapabilityError> {
        let mut columns = Vec::new();
        for (k, (name, key)) in self.plan.keys.iter().enumerate() {
            let sql = match key {
                Key::Time(_) if spine => continue,
                Key::Time(grain) => {
                    let (expr, date) = time.ok_or_else(|| {
                        CapabilityError::Invalid(format!("{name}: {} has no time dimension", table.model.meta.name))
                    })?;
                    if *date && *grain == Grain::Hour {
                        return Err(CapabilityError::Invalid(format!(
                            "{name}: the time of {} is a date, which has no hours",
                            table.model.meta.name
                        )));
                    }
                    self.zone.period_sql(expr, *date, *grain)
                }
                Key::Attribute(attribute, grain) => table.key(attribute, *grain, self.zone, self.times)?,
            };
            columns.push(format!("{sql} AS \"k{k}\""));
        }
        Ok(columns)
    }

    /// Which rows can count at all, by their time.
    fn time_conditions(&self, scan: &Scan<'p>, time: Option<&(String, bool)>) -> Result<Vec<String>, CapabilityError> {
        let Some((expr, date)) = time else {
            return Ok(Vec::new());
        };
        if scan.shifts.is_empty() {
            return Ok(self.range.conditions(expr, *date));
        }
        let days = match self.plan.grain() {
            Some(grain) => {
                let mut reach: Option<Days> = None;
                for period in self.spine()? {
                    let days = Days {
                        low: Some(period),
                        high: grain.next(period),
                    };
                    let days = Self::apply(&scan.shifts, days, grain)?;
                    reach = Some(match reach {
                        None => days,
                        Some(r) => Days {
                            low: r.low.zip(days.low).map(|(a, b)| a.min(b)),
                            high: r.high.max(days.high),
                        },
                    });
                }
                reach
            }
            None => {
                let days = match self.days() {
                    Some(days) => days,
                    None if scan.shifts.iter().all(|s| matches!(s, Shift::AllTime)) => return Ok(Vec::new()),
                    None => {
                        return Err(CapabilityError::Invalid(
                            "an offset needs a period to be taken from: group by `time:…`, or give `from` and `to`"
                                .to_owned(),
                        ));
                    }
                };
                let offset = |s: &Shift| matches!(s, Shift::Offset(_) | Shift::ToGrain(_));
                if days.low.is_none() && scan.shifts.iter().any(offset) {
                    return Err(CapabilityError::Invalid(
                        "an offset needs a period to be taken from: group by `time:…`, or give `from` and `to`"
                            .to_owned(),
                    ));
                }
                Some(Self::apply(&scan.shifts, days, Grain::Day)?)
            }
        };
        let Some(Days { low, high }) = days else {
            return Ok(Vec::new());
        };
        let range = Range {
            from: low
                .map(|d| Ok::<_, CapabilityError>((self.zone.start_of(d)?, d)))
                .transpose()?,
            to: Some((self.zone.start_of(high)?, high)),
        };
        Ok(range.conditions(expr, *date))
    }

    fn leaf_sql(&self, leaf: usize, measure: &Measure, hoisted: bool) -> String {
        let mut input = format!("\"x{leaf}\"");
        if measure.non_additive.is_some() {
            input = format!("CASE WHEN \"t{leaf}\" = \"l{leaf}\" THEN \"x{leaf}\" END");
        }
        let aggregate = aggregate_sql(measure.aggregation, measure.percentile, &input);
        let conditional = !hoisted && !self.plan.leaves[leaf].filters.is_empty();
        if is_count(measure.aggregation) && conditional && !self.plan.keys.is_empty() {
            // A group that the condition leaves empty is missing, as it is when the metric is asked for alone.
            return format!("CASE WHEN COUNT(\"n{leaf}\") > 0 THEN {aggregate} END");
        }
        aggregate
    }

    /// Rows (period, low, high).
    fn spine_sql(&self, shifts: &[Shift]) -> Result<String, CapabilityError> {
        let grain = self.plan.grain().unwrap_or(Grain::Day);
        let mut rows = Vec::new();
        for period in self.spine()? {
            let days = Days {
                low: Some(period),
                high: grain.next(period),
            };
            let Days { low, high } = Self::apply(shifts, days, grain)?;
            let low = low.unwrap_or(Date::constant(1, 1, 1));
            rows.push(format!("({}, {}, {})", date_sql(period), date_sql(low), date_sql(high)));
        }
        let columns = "\"v\"(\"period\", \"low\", \"high\")";
        if rows.is_empty() {
            let nothing = "(DATE '1970-01-01', DATE '1970-01-01', DATE '1970-01-01')";
            return Ok(format!("SELECT * FROM (VALUES {nothing}) AS {columns} WHERE 1 = 0"));
        }
        Ok(format!("SELECT * FROM (VALUES {}) AS {columns}", rows.join(", ")))
    }

    /// Conversions: each event that follows counts for the latest base event of the same entity before it.
    fn conversion_sql(
        &self,
        at: usize,
        leaf: usize,
        scan: &Scan<'p>,
        base_measure: &Measure,
        conversion: &Conversion,
        touched: &mut Touched,
    ) -> Result<ScanSql, CapabilityError> {
        let keys: Vec<String> = (0..self.plan.keys.len()).map(|k| format!("\"k{k}\"")).collect();
        let mut base = Table::new(self.graph, scan.model, "t");
        let time = self.time_of(scan, &base)?;
        let mut columns = self.key_columns(&mut base, time.as_ref(), false)?;
        let (time_sql, _) = time.clone().ok_or_else(|| {
            CapabilityError::Invalid(format!(
                "measure {} has no time, which a conversion needs",
                base_measure.name
            ))
        })?;
        let (entity, _) = base.attribute(&conversion.entity)?;
        columns.push(format!("{entity} AS \"e\""));
        columns.push(format!("{time_sql} AS \"t\""));
        for (j, (property, _)) in conversion.constant.iter().enumerate() {
            columns.push(format!(
                "{} AS \"c{j}\"",
                base.key(property, None, self.zone, self.times)?
            ));
        }
        let mut conditions = self.time_conditions(scan, time.as_ref())?;
        for filter in self.plan.leaves[leaf]
            .filters
            .iter()
            .map(String::as_str)
            .chain(self.filter)
        {
            conditions.push(format!(
                "({})",
                base.condition(filter, scan.time, self.zone, self.times)?
            ));
        }
        conditions.push(event_sql(
            base_measure,
            &base.own(&base_measure.expr, &base_measure.name)?,
        ));
        touched.table(&base);
        let base_rows = select(&columns, &base.from_sql(), &conditions);

        let (model, measure) = self.graph.measure(&conversion.measure)?;
        let followed_time = time_dimension(model, measure)?;
        let mut followed = Table::new(self.graph, model, "t");
        let input = followed.own(&measure.expr, &format!("measure {}", measure.name))?;
        let followed_at = followed.own(&followed_time.expr, &followed_time.name)?;
        let (entity, _) = followed.attribute(&conversion.entity)?;
        let mut columns = vec![
            format!("{entity} AS \"e\""),
            format!("{followed_at} AS \"t\""),
            format!("{input} AS \"x\""),
            format!("ROW_NUMBER() OVER (ORDER BY {followed_at}, {entity}) AS \"id\""),
        ];
        for (j, (_, property)) in conversion.constant.iter().enumerate() {
            columns.push(format!(
                "{} AS \"c{j}\"",
                followed.key(property, None, self.zone, self.times)?
            ));
        }
        let mut conditions = Vec::new();
        for filter in &conversion.filters {
            conditions.push(format!(
                "({})",
                followed.condition(filter, Some(followed_time), self.zone, self.times)?
            ));
        }
        touched.table(&followed);
        let followed_rows = select(&columns, &followed.from_sql(), &conditions);

        let mut on = vec![
            "\"f\".\"e\" = \"b\".\"e\"".to_owned(),
            "\"b\".\"t\" <= \"f\".\"t\"".to_owned(),
        ];
        if let Some(window) = &conversion.window {
            on.push(format!("\"f\".\"t\" < \"b\".\"t\" + {}", window_sql(window)?));
        }
        on.extend((0..conversion.constant.len()).map(|j| format!("\"f\".\"c{j}\" = \"b\".\"c{j}\"")));
        let mut columns: Vec<String> = keys.iter().map(|k| format!("\"b\".{k} AS {k}")).collect();
        let mut order = vec!["\"b\".\"t\" DESC".to_owned()];
        order.extend(keys.iter().map(|k| format!("\"b\".{k}")));
        columns.push("\"f\".\"x\" AS \"x\"".to_owned());
        columns.push(format!(
            "ROW_NUMBER() OVER (PARTITION BY \"f\".\"id\" ORDER BY {}) AS \"n\"",
            order.join(", ")
        ));
        let attributed = format!(
            "SELECT {} FROM f{at} AS \"f\" JOIN b{at} AS \"b\" ON {}",
            columns.join(", "),
            on.join(" AND ")
        );
        let mut columns = keys.clone();
        columns.push(format!(
            "{} AS \"m{leaf}\"",
            aggregate_sql(measure.aggregation, measure.percentile, "\"x\"")
        ));
        let counted = format!("SELECT * FROM a{at} WHERE \"n\" = 1");
        Ok(ScanSql {
            tables: vec![
                (format!("b{at}"), base_rows),
                (format!("f{at}"), followed_rows),
                (format!("a{at}"), attributed),
                (format!("c{at}"), counted),
            ],
            leaves: vec![leaf],
            select: grouped(&columns, &format!("c{at}"), &keys),
        })
    }

    /// The whole query. `types` are SQL types of the columns `k<i>` and `m<i>`, needed with several scans.
    pub fn query_sql(
        &self,
        scans: &[ScanSql],
        types: &BTreeMap<String, String>,
        order_by: &[String],
        limit: Option<u64>,
    ) -> Result<String, CapabilityError> {
        let mut tables: Vec<(String, String)> = scans.iter().flat_map(|s| s.tables.iter().cloned()).collect();
        let keys: Vec<String> = (0..self.plan.keys.len()).map(|k| format!("k{k}")).collect();
        let time_key = self.plan.keys.iter().position(|(_, k)| matches!(k, Key::Time(_)));
        let fill = self.plan.fill && time_key.is_some();
        let leaves: Vec<usize> = (0..self.plan.leaves.len()).collect();
        let from = if let ([only], false) = (scans, fill) {
            tables.push(("g".into(), only.select.clone()));
            "g"
        } else {
            let missing = |name: &str| match types.get(name) {
                Some(t) => format!("CAST(NULL AS {t}) AS \"{name}\""),
                None => format!("NULL AS \"{name}\""),
            };
            let mut parts = Vec::new();
            for (at, scan) in scans.iter().enumerate() {
                tables.push((format!("s{at}"), scan.select.clone()));
                let mut columns: Vec<String> = keys.iter().map(|k| format!("\"{k}\"")).collect();
                columns.extend(leaves.iter().map(|i| {
                    if scan.leaves.contains(i) {
                        format!("\"m{i}\"")
                    } else {
                        missing(&format!("m{i}"))
                    }
                }));
                parts.push(format!("SELECT {} FROM s{at}", columns.join(", ")));
            }
            tables.push(("u".into(), parts.join(" UNION ALL ")));
            let mut from = "u".to_owned();
            if fill {
                tables.push(("spine".into(), self.spine_sql(&[])?));
                let others: Vec<String> = keys
                    .iter()
                    .enumerate()
                    .filter(|(k, _)| Some(*k) != time_key)
                    .map(|(_, k)| format!("\"{k}\""))
                    .collect();
                let mut columns: Vec<String> = keys
                    .iter()
                    .enumerate()
                    .map(|(k, name)| {
                        if Some(k) == time_key {
                            format!("\"p\".\"period\" AS \"{name}\"")
                        } else {
                            format!("\"o\".\"{name}\" AS \"{name}\"")
                        }
                    })
                    .collect();
                columns.extend(leaves.iter().map(|i| missing(&format!("m{i}"))));
                let others = if others.is_empty() {
                    String::new()
                } else {
                    format!(" CROSS JOIN (SELECT DISTINCT {} FROM u) AS \"o\"", others.join(", "))
                };
                tables.push((
                    "filled".into(),
                    format!(
                        "SELECT * FROM u UNION ALL SELECT {} FROM spine AS \"p\"{others}",
                        columns.join(", ")
                    ),
                ));
                from = "filled".to_owned();
            }
            let mut columns: Vec<String> = keys.iter().map(|k| format!("\"{k}\"")).collect();
            columns.extend(leaves.iter().map(|i| format!("MAX(\"m{i}\") AS \"m{i}\"")));
            let groups: Vec<String> = keys.iter().map(|k| format!("\"{k}\"")).collect();
            tables.push(("g".into(), grouped(&columns, &from, &groups)));
            "g"
        };
        let mut columns: Vec<String> = self
            .plan
            .keys
            .iter()
            .enumerate()
            .map(|(k, (name, _))| format!("\"k{k}\" AS {}", ident(name)))
            .collect();
        for (metric, node) in &self.plan.metrics {
            columns.push(format!("{} AS {}", formula(node)?, ident(&metric.meta.name)));
        }
        let with: Vec<String> = tables.iter().map(|(name, sql)| format!("{name} AS ({sql})")).collect();
        let mut sql = format!("WITH {} SELECT {} FROM {from}", with.join(", "), columns.join(", "));
        let order = self.order(order_by)?;
        if !order.is_empty() {
            // Around the whole, so that it speaks of the answer's columns.
            sql = format!("SELECT * FROM ({sql}) AS \"answer\" ORDER BY {}", order.join(", "));
        }
        if let Some(limit) = limit {
            sql.push_str(&format!(" LIMIT {limit}"));
        }
        Ok(sql)
    }

    fn order(&self, order_by: &[String]) -> Result<Vec<String>, CapabilityError> {
        let keys = self.plan.keys.iter().map(|(n, _)| n.as_str());
        let names: Vec<&str> = keys
            .chain(self.plan.metrics.iter().map(|(m, _)| m.meta.name.as_str()))
            .collect();
        let mut order = Vec::new();
        for item in order_by {
            let item = item.trim();
            let (name, direction) = match item.rsplit_once(char::is_whitespace) {
                Some((name, word)) if word.eq_ignore_ascii_case("desc") => (name.trim(), "DESC"),
                Some((name, word)) if word.eq_ignore_ascii_case("asc") => (name.trim(), "ASC"),
                _ => match item.strip_prefix('-') {
                    Some(name) => (name, "DESC"),
                    None => (item, "ASC"),
                },
            };
            if !names.contains(&name) {
                return Err(CapabilityError::Invalid(format!(
                    "cannot order by {name:?}: the answer has {}",
                    names.join(", ")
                )));
            }
            order.push(format!("{} {direction} NULLS LAST", column("answer", name)));
        }
        // Ties are broken by the keys, so that the order is always the same.
        for (name, _) in &self.plan.keys {
            let sql = column("answer", name);
            if !order.iter().any(|o| o.starts_with(&format!("{sql} "))) {
                order.push(format!("{sql} ASC NULLS LAST"));
            }
        }
        Ok(order)
    }
}

/// Rows that are events at all: a measure that counts them yields something.
fn event_sql(measure: &Measure, input: &str) -> String {
    match measure.aggregation {
        steward_definitions::Aggregation::SumBoolean => input.to_owned(),
        steward_definitions::Aggregation::Sum => format!("{input} <> 0"),
        _ => format!("{input} IS NOT NULL"),
    }
}

/// A metric's formula over the columns `m<leaf>`.
fn formula(node: &Node) -> Result<String, CapabilityError> {
    Ok(match node {
        Node::Leaf { leaf, fill } => match fill {
            Some(value) => format!("COALESCE(\"m{leaf}\", {})", number_sql(*value)),
            None => format!("\"m{leaf}\""),
        },
        Node::Ratio {
            numerator,
            denominator,
            additive,
        } => {
            let mut above = formula(numerator)?;
            if *additive {
                // No rows above a denominator that has some: the sum or count is zero.
                above = format!("COALESCE({above}, 0)");
            }
            format!(
                "CAST({above} AS DOUBLE) / NULLIF(CAST({} AS DOUBLE), 0)",
                formula(denominator)?
            )
        }
        Node::Derived { expr, inputs } => {
            let divides = expr.divides();
            expr.guarded().render(|name| {
                let input = name
                    .first()
                    .and_then(|n| inputs.get(n))
                    .ok_or_else(|| CapabilityError::Invalid(format!("{} is no input", text(&name.join(".")))))?;
                let sql = formula(input)?;
                // Integers would be divided with the remainder dropped.
                Ok(if divides { format!("CAST({sql} AS DOUBLE)") } else { sql })
            })?
        }
    })
}

fn number_sql(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        format!("{}", value as i64)
    } else {
        format!("{value:?}")
    }
}

fn select(columns: &[String], from: &str, conditions: &[String]) -> String {
    let mut sql = format!("SELECT {} FROM {from}", columns.join(", "));
    if !conditions.is_empty() {
        sql.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
    }
    sql
}

fn grouped(columns: &[String], from: &str, keys: &[String]) -> String {
    let mut sql = format!("SELECT {} FROM {from}", columns.join(", "));
    if !keys.is_empty() {
        sql.push_str(&format!(" GROUP BY {}", keys.join(", ")));
    }
    sql
}
