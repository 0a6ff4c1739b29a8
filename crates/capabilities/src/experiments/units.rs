//! The common table expressions of a query: first exposure of each unit, and sums per unit over one fact table.

use std::fmt::Write as _;

use steward_compute::Value;

use super::expression::quote;
use super::measures::{FactTime, Fold};
use super::query::{Aggregate, SEVERAL_ARMS, Writer};
use super::window::DAY;
use crate::CapabilityError;

/// From when on a fact counts as after the exposure. A fact known by its day alone counts from the exposure's day on.
fn exposed(time: &FactTime) -> &'static str {
    if time.is_date { "e.t0_day" } else { "e.t0" }
}

impl Writer<'_> {
    /// First exposure of each unit, with the ends of its windows.
    pub(super) fn exposures(&mut self) -> Result<String, CapabilityError> {
        let dimensions = self.exposure_dimensions();
        let time = self.exposure_time()?;
        let arm = self.arm()?;
        let unit = self.column(&self.layout.experiment.exposures.unit)?;
        let mut rows = vec![format!("{unit} AS u"), format!("{arm} AS a")];
        let mut first = vec![
            "u".to_string(),
            format!("CASE WHEN min(a) <> max(a) THEN {SEVERAL_ARMS} ELSE max(a) END AS arm"),
        ];
        let mut ends = vec!["u".to_string(), "arm".to_string()];
        if let Some(time) = &time {
            rows.push(format!("{time} AS t"));
            first.push("min(t) AS t0".to_string());
            ends.push("t0".to_string());
            if let (true, Some(seconds)) = (self.has_window(), self.layout.window.seconds) {
                ends.push(format!("t0 + INTERVAL '{seconds} seconds' AS t1"));
            }
            if self
                .aggregates
                .iter()
                .any(|a| a.variable.time.as_ref().is_some_and(|t| t.is_date))
            {
                ends.push("date_trunc('day', t0) AS t0_day".to_string());
            }
            for days in self.pre_periods() {
                ends.push(format!("t0 - INTERVAL '{days} days' AS b{days}"));
            }
        }
        for (i, value) in &dimensions {
            rows.push(format!("{value} AS s{i}"));
            first.push(match time {
                Some(_) => format!("first_value(s{i} ORDER BY t, s{i}) AS s{i}"),
                None => format!("min(s{i}) AS s{i}"),
            });
            ends.push(format!("s{i}"));
        }
        let conditions = self.exposure_conditions()?;
        Ok(format!(
            "x AS (\nSELECT {}\nFROM {}{conditions}\n),\ng AS (\nSELECT {}\nFROM x GROUP BY u\n),\ne AS (\nSELECT {}\nFROM g\n)",
            rows.join(", "),
            quote(&self.layout.dataset.meta.name),
            first.join(", "),
            ends.join(", "),
        ))
    }

    /// Sums per unit over one fact table.
    pub(super) fn per_unit(&mut self, at: usize) -> String {
        let (dataset, key) = self.sources.get(at).cloned().unwrap_or_default();
        let mine: Vec<(usize, Aggregate)> = self
            .aggregates
            .iter()
            .cloned()
            .enumerate()
            .filter(|(_, a)| a.variable.dataset == dataset && a.variable.key == key)
            .collect();
        let mut times: Vec<FactTime> = mine.iter().filter_map(|(_, a)| a.variable.time.clone()).collect();
        times.sort();
        times.dedup();
        let timed = self.layout.experiment.exposures.time.is_some();
        // With one time for all, rows outside every window are left out by the join and the scan.
        let single = timed && times.len() == 1 && mine.iter().all(|(_, a)| a.variable.time.is_some());
        let longest = mine.iter().filter_map(|(_, a)| a.before).max();
        let start = times.first().map_or("e.t0", exposed);
        let lower = longest.map_or(start.to_string(), |days| format!("e.b{days}"));

        let mut values: Vec<(String, Fold)> = mine
            .iter()
            .map(|(_, a)| (a.variable.value.clone(), a.variable.fold))
            .collect();
        values.sort();
        values.dedup();
        let facts = self.facts(&dataset, &key, &times, &values, single, longest);

        let mut columns = vec!["e.u AS u".to_string()];
        if at == 0 {
            columns.push("max(e.arm) AS arm".to_string());
            if timed {
                columns.push("max(e.t0) AS t0".to_string());
            }
            if self.has_window() {
                columns.push("max(e.t1) AS t1".to_string());
            }
            columns.extend(
                self.exposure_dimensions()
                    .iter()
                    .map(|(i, _)| format!("max(e.s{i}) AS s{i}")),
            );
        }
        for (i, a) in &mine {
            let x = values
                .iter()
                .position(|(v, f)| *v == a.variable.value && *f == a.variable.fold)
                .unwrap_or_default();
            let x = format!("f.x{x}");
            let condition = match &a.variable.time {
                Some(time) if timed => {
                    let t = format!("f.t{}", times.iter().position(|o| o == time).unwrap_or_default());
                    self.inside(&t, exposed(time), a.before, single, longest)
                }
                _ => None,
            };
            let x = match condition {
                Some(c) => format!("CASE WHEN {c} THEN {x} END"),
                None => x,
            };
            columns.push(match a.variable.fold {
                Fold::Sum => format!("sum({x}) AS y{i}"),
                Fold::Any => format!("max({x}) AS y{i}"),
                Fold::Distinct => format!("count(DISTINCT {x}) AS y{i}"),
            });
        }
        let mut on = "f.u = e.u".to_string();
        if single {
            let _ = write!(on, " AND f.t0 >= {lower}");
            if self.has_window() {
                on.push_str(" AND f.t0 < e.t1");
            }
        }
        format!(
            "p{at} AS (\nSELECT {}\nFROM e LEFT JOIN (\n{facts}\n) AS f ON {on}\nGROUP BY e.u\n)",
            columns.join(", "),
        )
    }

    /// Rows of a fact table that hold a value: unit, times, values; with one time for all, only those that any unit's
    /// window can hold.
    pub(super) fn facts(
        &mut self,
        dataset: &str,
        key: &str,
        times: &[FactTime],
        values: &[(String, Fold)],
        single: bool,
        longest: Option<u32>,
    ) -> String {
        let mut columns = vec![format!("{key} AS u")];
        columns.extend(times.iter().enumerate().map(|(i, t)| format!("{} AS t{i}", t.value)));
        columns.extend(values.iter().enumerate().map(|(i, (v, _))| format!("{v} AS x{i}")));
        let mut conditions = Vec::new();
        if single && let Some(FactTime { value, is_date }) = times.first() {
            if let Some(from) = self.layout.window.from {
                let days = i64::from(longest.unwrap_or(0)) + i64::from(*is_date);
                let from = from.saturating_sub(days.saturating_mul(DAY));
                conditions.push(format!("{value} >= {}", self.bind(Value::Timestamp(from))));
            }
            if let Some(cut) = self.layout.window.cut {
                conditions.push(format!("{value} < {}", self.bind(Value::Timestamp(cut))));
            }
        }
        // A row whose every value is NULL adds nothing to any sum, so that it need not meet its unit either.
        let is_constant = |value: &str| value == "1" || value == super::query::ONE;
        if !values.iter().any(|(value, _)| is_constant(value)) {
            let present: Vec<String> = values.iter().map(|(v, _)| format!("({v}) IS NOT NULL")).collect();
            conditions.push(format!("({})", present.join(" OR ")));
        }
        let mut text = format!("SELECT {} FROM {}", columns.join(", "), quote(dataset));
        if !conditions.is_empty() {
            let _ = write!(text, " WHERE {}", conditions.join(" AND "));
        }
        text
    }

    /// The condition that a fact at `t` counts for an aggregate, beyond what the join already asks (`single`).
    fn inside(
        &mut self,
        t: &str,
        exposed: &str,
        before: Option<u32>,
        single: bool,
        longest: Option<u32>,
    ) -> Option<String> {
        let mut all = Vec::new();
        match before {
            Some(days) => {
                if !single || Some(days) != longest {
                    all.push(format!("{t} >= e.b{days}"));
                }
                all.push(format!("{t} < {exposed}"));
            }
            None => {
                if !single || longest.is_some() {
                    all.push(format!("{t} >= {exposed}"));
                }
                if !single {
                    if self.has_window() {
                        all.push(format!("{t} < e.t1"));
                    } else if let Some(cut) = self.layout.window.cut {
                        all.push(format!("{t} < {}", self.bind(Value::Timestamp(cut))));
                    }
                }
            }
        }
        if all.is_empty() { None } else { Some(all.join(" AND ")) }
    }
}
