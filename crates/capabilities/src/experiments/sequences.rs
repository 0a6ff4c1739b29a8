//! What is read of a unit by the order of its facts: how far it came in a funnel, and which of its facts followed others.
//!
//! A funnel goes step by step. Where no time limits it, the earliest event that continues is as good as any; otherwise
//! every event of a step is kept with the latest start from which it can be reached, so that the answer is exact whatever
//! limits the steps have.

use std::fmt::Write as _;

use super::measures::{Fold, Variable};
use super::period::Period;
use super::units::{Reach, start};
use super::writer::Writer;

/// Where a unit's number comes from the order of its facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// The furthest step reached.
    Funnel(UnitFunnel),
    /// Facts that followed others.
    Conversion(UnitConversion),
}

/// A funnel of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitFunnel {
    /// In order.
    pub steps: Vec<UnitStep>,
    /// Seconds after the first step in which the others must follow, inclusive.
    pub window: Option<u64>,
}

/// A step of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitStep {
    /// Metric.
    pub name: String,
    /// Its events: rows whose value is not NULL.
    pub events: Variable,
    /// Seconds after the step before, inclusive.
    pub within: Option<u64>,
}

/// Facts of a unit that followed others: each belongs to the latest before it, as in the metric over all units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitConversion {
    /// What follows, summed.
    pub followed: Variable,
    /// What it follows: rows whose value is not NULL.
    pub base: Variable,
    /// An SQL interval after the base event, exclusive.
    pub window: Option<String>,
    /// Values of base and following rows that must be equal.
    pub constant: Vec<(String, String)>,
}

/// An order in a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// What is read.
    pub order: Order,
    /// Which facts count.
    pub period: Period,
}

impl Writer<'_> {
    /// The table expressions of a sequence; the last, `q<at>`, has the unit `u` and its number `y`.
    pub(super) fn in_order(&mut self, at: usize) -> Vec<String> {
        let Some(Sequence { order, period }) = self.sequences.get(at).cloned() else {
            return Vec::new();
        };
        match order {
            Order::Funnel(funnel) => self.funnel(at, &funnel, period),
            Order::Conversion(conversion) => vec![self.conversion(at, &conversion, period)],
        }
    }

    /// The moments of `e` between which facts of a period lie; the upper is exclusive, and none where only the scan ends.
    fn between(&self, period: Period) -> (String, Option<String>) {
        match period {
            Period::After { delay, window } => {
                let end = window.map(|_| format!("e.a{}", period.closes()));
                (start(delay, false), end)
            }
            Period::Before { seconds } => {
                let exposed = if self.layout.trigger.is_some() { "e.x0" } else { "e.t0" };
                (format!("e.b{seconds}"), Some(exposed.into()))
            }
        }
    }

    fn funnel(&mut self, at: usize, funnel: &UnitFunnel, period: Period) -> Vec<String> {
        let limited = funnel.window.is_some() || funnel.steps.iter().any(|s| s.within.is_some());
        let (low, high) = self.between(period);
        let mut tables = Vec::new();
        for (i, step) in funnel.steps.iter().enumerate() {
            let events = self.rows_of(&step.events, &Reach::of([period].iter(), true));
            let mut on = vec!["f.u = p.u".to_string()];
            let (from, end) = if i == 0 {
                on.push(format!("f.t0 >= {}", low.replacen("e.", "p.", 1)));
                ("e".to_string(), high.as_ref().map(|h| h.replacen("e.", "p.", 1)))
            } else {
                // The same rows cannot be two steps at once.
                let repeated = funnel
                    .steps
                    .get(i - 1)
                    .is_some_and(|before| before.events == step.events);
                on.push(format!("f.t0 {} p.t", if repeated { ">" } else { ">=" }));
                if let Some(seconds) = step.within {
                    on.push(format!("f.t0 <= p.t + INTERVAL '{seconds} seconds'"));
                }
                if let Some(seconds) = funnel.window {
                    on.push(format!("f.t0 <= p.s + INTERVAL '{seconds} seconds'"));
                }
                (format!("q{at}_{i}"), high.as_ref().map(|_| "p.h".to_string()))
            };
            let mut columns = vec!["p.u AS u".to_string()];
            let mut group = vec!["p.u"];
            if limited {
                columns.push("f.t0 AS t".into());
                columns.push(if i == 0 {
                    "f.t0 AS s".into()
                } else {
                    "max(p.s) AS s".into()
                });
                group.push("f.t0");
            } else {
                columns.push("min(f.t0) AS t".into());
            }
            if let Some(end) = &end {
                on.push(format!("f.t0 < {end}"));
                columns.push(format!("max({end}) AS h"));
            }
            tables.push(format!(
                "q{at}_{} AS (\nSELECT {}\nFROM {from} AS p JOIN (\n{events}\n) AS f ON {}\nGROUP BY {}\n)",
                i + 1,
                columns.join(", "),
                on.join(" AND "),
                group.join(", ")
            ));
        }
        let steps = 1..=funnel.steps.len();
        let all: Vec<String> = steps.map(|i| format!("SELECT u, {i} AS y FROM q{at}_{i}")).collect();
        tables.push(format!(
            "q{at} AS (\nSELECT u, CAST(max(y) AS DOUBLE) AS y\nFROM (\n{}\n) AS r\nGROUP BY u\n)",
            all.join("\nUNION ALL\n")
        ));
        tables
    }

    fn conversion(&mut self, at: usize, conversion: &UnitConversion, period: Period) -> String {
        let (low, high) = self.between(period);
        let mut rows = Vec::new();
        let constants = |of: fn(&(String, String)) -> &String| -> Vec<String> {
            conversion
                .constant
                .iter()
                .map(|pair| format!("CAST({} AS VARCHAR)", of(pair)))
                .collect()
        };
        for (kind, variable, constants) in [
            (0, &conversion.base, constants(|(base, _)| base)),
            (1, &conversion.followed, constants(|(_, followed)| followed)),
        ] {
            let times: Vec<_> = variable.time.iter().cloned().collect();
            let mut values = vec![(variable.value.clone(), variable.fold)];
            values.extend(constants.into_iter().map(|c| (c, variable.fold)));
            let reach = Reach::of([period].iter(), true);
            let facts = self.facts(&variable.dataset, &variable.key, &times, &values, &reach);
            let value = if kind == 0 {
                "CAST(NULL AS DOUBLE)"
            } else {
                "CAST(f.x0 AS DOUBLE)"
            };
            let mut text = format!("SELECT e.u AS u, f.t0 AS t, {kind} AS k, {value} AS x");
            for i in 0..conversion.constant.len() {
                let _ = write!(text, ", f.x{} AS c{i}", i + 1);
            }
            let _ = write!(text, "\nFROM e JOIN (\n{facts}\n) AS f ON f.u = e.u AND f.t0 >= {low}");
            if let Some(high) = &high {
                let _ = write!(text, " AND f.t0 < {high}");
            }
            text.push_str(" AND f.x0 IS NOT NULL");
            rows.push(text);
        }
        let mut partition = String::from("r.u");
        for i in 0..conversion.constant.len() {
            let _ = write!(partition, ", r.c{i}");
        }
        let known = (0..conversion.constant.len()).map(|i| format!(" AND w.c{i} IS NOT NULL"));
        let within = match &conversion.window {
            Some(interval) => format!("w.t < w.b + {interval}"),
            None => "w.b IS NOT NULL".into(),
        };
        let fold = if conversion.followed.fold == Fold::Any {
            "max"
        } else {
            "sum"
        };
        format!(
            "q{at} AS (\nSELECT w.u AS u, {fold}(w.x) AS y\nFROM (\nSELECT r.*, max(CASE WHEN r.k = 0 THEN r.t END) OVER (PARTITION BY \
             {partition} ORDER BY r.t, r.k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS b\nFROM (\n{}\n) AS r\n) AS w\n\
             WHERE w.k = 1 AND {within}{}\nGROUP BY w.u\n)",
            rows.join("\nUNION ALL\n"),
            known.collect::<String>()
        )
    }
}
