//! The common table expressions of a query: first exposure of each unit, and sums per unit over one fact table.

use std::fmt::Write as _;

use steward_compute::Value;

use super::expression::quote;
use super::measures::{FactTime, Fold, Variable};
use super::period::Period;
use super::query::SEVERAL_ARMS;
use super::window::{DAY, micros};
use super::writer::{Aggregate, Writer};
use crate::CapabilityError;

/// The moment so many seconds after the start. A fact known by its day alone counts from that moment's day on.
pub(super) fn start(delay: u64, is_date: bool) -> String {
    let day = if is_date { "_day" } else { "" };
    match delay {
        0 => format!("e.t0{day}"),
        delay => format!("e.a{delay}{day}"),
    }
}

/// The longest time before exposure in which facts count.
fn longest<'a>(periods: impl Iterator<Item = &'a Period>) -> Option<u64> {
    let before = |p: &Period| match p {
        Period::Before { seconds } => Some(*seconds),
        Period::After { .. } => None,
    };
    periods.filter_map(before).max()
}

/// The shortest delay after exposure.
fn soonest<'a>(periods: impl Iterator<Item = &'a Period>) -> Option<u64> {
    let delay = |p: &Period| match p {
        Period::After { delay, .. } => Some(*delay),
        Period::Before { .. } => None,
    };
    periods.filter_map(delay).min()
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
            ends.extend(self.ends());
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
        let (triggered, counted) = self.triggered(&dimensions);
        Ok(format!(
            "x AS (\nSELECT {}\nFROM {}{conditions}\n),\ng AS (\nSELECT {}\nFROM x GROUP BY u\n),{triggered}\ne AS (\nSELECT \
             {}\nFROM {counted}\n)",
            rows.join(", "),
            quote(&self.layout.dataset.meta.name),
            first.join(", "),
            ends.join(", "),
        ))
    }

    /// The moments, relative to a unit's start, that its facts are held against.
    fn ends(&self) -> Vec<String> {
        let mut found = Vec::new();
        // With a trigger, what came before exposure is held against the exposure, and what comes after against the trigger.
        let exposed = if self.layout.trigger.is_some() { "x0" } else { "t0" };
        let mut push = |text: String| {
            if !found.contains(&text) {
                found.push(text);
            }
        };
        if self.layout.trigger.is_some() {
            push("x0".into());
        }
        let folded = self
            .aggregates
            .iter()
            .map(|a| (a.period, a.variable.time.as_ref().is_some_and(|t| t.is_date)));
        let ordered = self.sequences.iter().map(|s| (s.period, false));
        for (period, is_date) in folded.chain(ordered) {
            match period {
                Period::After { delay, window } => {
                    let offsets = [Some(delay), window.map(|_| period.closes())];
                    for seconds in offsets.into_iter().flatten().filter(|s| *s > 0) {
                        push(format!("t0 + INTERVAL '{seconds} seconds' AS a{seconds}"));
                    }
                    if is_date && delay > 0 {
                        push(format!(
                            "date_trunc('day', t0 + INTERVAL '{delay} seconds') AS a{delay}_day"
                        ));
                    }
                }
                Period::Before { seconds } => {
                    push(format!("{exposed} - INTERVAL '{seconds} seconds' AS b{seconds}"));
                    if is_date && exposed == "x0" {
                        push("date_trunc('day', x0) AS x0_day".into());
                    }
                }
            }
            if is_date {
                push("date_trunc('day', t0) AS t0_day".into());
            }
        }
        found
    }

    /// With a trigger, the table expressions that keep the units that it holds for, from its moment on; and the name of
    /// the units that count.
    fn triggered(&mut self, dimensions: &[(usize, String)]) -> (String, &'static str) {
        let Some(trigger) = self.layout.trigger else {
            return (String::new(), "g");
        };
        let mut conditions = Vec::new();
        if let Some(from) = self.layout.window.from {
            conditions.push(format!("{} >= {}", trigger.time, self.bind(Value::Timestamp(from))));
        }
        if let Some(cut) = self.layout.window.cut {
            conditions.push(format!("{} < {}", trigger.time, self.bind(Value::Timestamp(cut))));
        }
        conditions.extend(trigger.condition.clone());
        let segments: Vec<String> = dimensions.iter().map(|(i, _)| format!(", g.s{i} AS s{i}")).collect();
        let limits = if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        };
        let text = format!(
            "\nk AS (\nSELECT g.u AS u, min(f.t) AS t0\nFROM g JOIN (\nSELECT {} AS u, {} AS t FROM {}{limits}\n) AS f ON f.u = \
             g.u AND f.t >= g.t0\nGROUP BY g.u\n),\nh AS (\nSELECT g.u AS u, g.arm AS arm, g.t0 AS x0, k.t0 AS t0{}\nFROM g JOIN k \
             ON k.u = g.u\n),",
            trigger.key,
            trigger.time,
            quote(&trigger.dataset),
            segments.concat(),
        );
        (text, "h")
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
        let is_date = times.first().is_some_and(|t| t.is_date);
        let reach = Reach::of(mine.iter().map(|(_, a)| &a.period), single);
        let lower = match reach.longest {
            Some(seconds) => format!("e.b{seconds}"),
            None => start(reach.soonest.unwrap_or(0), is_date),
        };

        let mut values: Vec<(String, Fold)> = mine
            .iter()
            .map(|(_, a)| (a.variable.value.clone(), a.variable.fold))
            .collect();
        values.sort();
        values.dedup();
        let facts = self.facts(&dataset, &key, &times, &values, &reach);

        let mut columns = vec!["e.u AS u".to_string()];
        if at == 0 {
            columns.push("max(e.arm) AS arm".to_string());
            if timed {
                columns.push("max(e.t0) AS t0".to_string());
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
                    self.inside(&t, time.is_date, a.period, &reach)
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
            if let Some(end) = reach.end {
                let _ = write!(on, " AND f.t0 < e.a{end}");
            }
        }
        format!(
            "p{at} AS (\nSELECT {}\nFROM e LEFT JOIN (\n{facts}\n) AS f ON {on}\nGROUP BY e.u\n)",
            columns.join(", "),
        )
    }

    /// Rows of one variable that hold a value: `u`, `t0` if they have a time, `x0`.
    pub(super) fn rows_of(&mut self, variable: &Variable, reach: &Reach) -> String {
        let times: Vec<FactTime> = variable.time.iter().cloned().collect();
        let value = (variable.value.clone(), variable.fold);
        self.facts(&variable.dataset, &variable.key, &times, &[value], reach)
    }

    /// Rows of a fact table that hold a value: unit, times, values; with one time for all, only those that any unit's
    /// window can hold.
    pub(super) fn facts(
        &mut self,
        dataset: &str,
        key: &str,
        times: &[FactTime],
        values: &[(String, Fold)],
        reach: &Reach,
    ) -> String {
        let mut columns = vec![format!("{key} AS u")];
        columns.extend(times.iter().enumerate().map(|(i, t)| format!("{} AS t{i}", t.value)));
        columns.extend(values.iter().enumerate().map(|(i, (v, _))| format!("{v} AS x{i}")));
        let mut conditions = Vec::new();
        if reach.single
            && let Some(FactTime { value, is_date }) = times.first()
        {
            if let Some(from) = self.layout.window.from {
                let before = micros(reach.longest.unwrap_or(0)).saturating_add(i64::from(*is_date) * DAY);
                let from = from.saturating_sub(before);
                conditions.push(format!("{value} >= {}", self.bind(Value::Timestamp(from))));
            }
            let known = if reach.bounded {
                self.layout.window.data
            } else {
                self.layout.window.cut
            };
            if let Some(known) = known {
                conditions.push(format!("{value} < {}", self.bind(Value::Timestamp(known))));
            }
        }
        // A row whose every value is NULL adds nothing to any sum, so that it need not meet its unit either.
        let is_constant = |value: &str| value == "1" || value == super::writer::ONE;
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

    /// The condition that a fact at `t` counts in a period, beyond what the join and the scan already ask.
    pub(super) fn inside(&mut self, t: &str, is_date: bool, period: Period, reach: &Reach) -> Option<String> {
        let mut all = Vec::new();
        match period {
            Period::Before { seconds } => {
                if !reach.single || Some(seconds) != reach.longest {
                    all.push(format!("{t} >= e.b{seconds}"));
                }
                let exposed = match (self.layout.trigger.is_some(), is_date) {
                    (true, true) => "e.x0_day".to_string(),
                    (true, false) => "e.x0".to_string(),
                    (false, _) => start(0, is_date),
                };
                all.push(format!("{t} < {exposed}"));
            }
            Period::After { delay, window } => {
                let end = period.closes();
                if !reach.single || reach.longest.is_some() || Some(delay) != reach.soonest {
                    all.push(format!("{t} >= {}", start(delay, is_date)));
                }
                let window_data = self.layout.window.data;
                match (window, self.layout.window.cut) {
                    (Some(_), _) if reach.end != Some(end) => all.push(format!("{t} < e.a{end}")),
                    (None, Some(cut)) if !reach.single || (reach.bounded && window_data != Some(cut)) => {
                        all.push(format!("{t} < {}", self.bind(Value::Timestamp(cut))));
                    }
                    _ => {}
                }
            }
        }
        if all.is_empty() { None } else { Some(all.join(" AND ")) }
    }
}

/// What the periods over one fact table have in common, so that the join asks it once.
pub(super) struct Reach {
    /// One time serves all: the join and the scan leave out rows outside every period.
    single: bool,
    /// Longest time before exposure.
    longest: Option<u64>,
    /// Shortest delay.
    soonest: Option<u64>,
    /// Seconds after the start at which all periods are over, if the join asks it.
    end: Option<u64>,
    /// Whether some period has an end of its own.
    bounded: bool,
}

impl Reach {
    /// All facts from the exposure on.
    pub(super) fn from_exposure() -> Reach {
        Reach {
            single: true,
            longest: None,
            soonest: Some(0),
            end: None,
            bounded: false,
        }
    }

    /// Nothing in common: each fact is held against its period by itself.
    pub(super) fn apart() -> Reach {
        Reach {
            single: false,
            longest: None,
            soonest: None,
            end: None,
            bounded: false,
        }
    }

    pub(super) fn of<'a>(periods: impl Iterator<Item = &'a Period> + Clone, single: bool) -> Reach {
        let mut after = periods.clone().filter(|p| matches!(p, Period::After { .. })).peekable();
        let some = after.peek().is_some();
        let over = after.clone().all(|p| p.is_bounded());
        Reach {
            single,
            longest: longest(periods.clone()),
            soonest: soonest(periods.clone()),
            end: after.map(|p| p.closes()).max().filter(|_| single && some && over),
            bounded: periods.clone().any(|p| p.is_bounded()),
        }
    }
}
