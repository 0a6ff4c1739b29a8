//! Checks as SQL.

use steward_compute::arrow::datatypes::Schema;
use steward_definitions::sql::quote;
use steward_definitions::{Bound, Check, Column, Dataset, Rule, Span};

/// How a check is measured.
pub(crate) enum Measure {
    /// An aggregate over the rows; `failing` is a row's condition.
    Aggregate { sql: String, failing: Option<String> },
    /// A query of its own that answers one row with the column `n`.
    Query(String),
    /// Daily values: rows (day, n).
    Daily(String),
    /// A SQL query as the contract writes it.
    Custom(String),
}

/// All checks of a dataset: those of the table and its columns, and what `required`, `unique` and keys imply.
pub(crate) fn checks(dataset: &Dataset) -> Vec<Check> {
    let mut all: Vec<Check> = Vec::new();
    for column in &dataset.columns {
        all.extend(column.checks.iter().cloned());
    }
    all.extend(dataset.checks.iter().cloned());
    let mut implied = Vec::new();
    for column in &dataset.columns {
        let has_nulls = all
            .iter()
            .any(|c| matches!(&c.rule, Rule::Nulls { column: name, .. } if *name == column.name));
        if (column.required || column.primary_key.is_some()) && !has_nulls {
            implied.push(none_of(
                column,
                "required",
                Rule::Nulls {
                    column: column.name.clone(),
                    bound: none(),
                    percent: false,
                },
            ));
        }
        if column.unique {
            push_unique(&mut implied, &all, column, vec![column.name.clone()]);
        }
    }
    let mut key: Vec<&Column> = dataset.columns.iter().filter(|c| c.primary_key.is_some()).collect();
    key.sort_by_key(|c| c.primary_key);
    if let Some(first) = key.first() {
        push_unique(&mut implied, &all, first, key.iter().map(|c| c.name.clone()).collect());
    }
    implied.extend(all);
    implied
}

fn none() -> Bound {
    Bound {
        min: None,
        max: Some(0.0),
        exclusive: false,
    }
}

fn none_of(column: &Column, word: &str, rule: Rule) -> Check {
    Check {
        name: format!("{}.{word}", column.name),
        rule,
        severity: "error".into(),
        span: column.span.clone(),
    }
}

fn push_unique(implied: &mut Vec<Check>, all: &[Check], column: &Column, columns: Vec<String>) {
    let same = |c: &Check| matches!(&c.rule, Rule::Duplicates { columns: other, .. } if *other == columns);
    if !all.iter().any(same) && !implied.iter().any(same) {
        let word = if columns.len() > 1 { "key" } else { "unique" };
        implied.push(none_of(
            column,
            word,
            Rule::Duplicates {
                columns,
                bound: none(),
                percent: false,
            },
        ));
    }
}

/// Names of rules for machines.
pub(crate) fn rule_name(rule: &Rule) -> &'static str {
    match rule {
        Rule::Nulls { .. } => "nulls",
        Rule::Invalid { .. } => "invalid",
        Rule::Range { .. } => "range",
        Rule::Duplicates { .. } => "duplicates",
        Rule::Volume { .. } => "volume",
        Rule::References { .. } => "references",
        Rule::Freshness { .. } => "freshness",
        Rule::Delay { .. } => "delay",
        Rule::Sql { .. } => "sql",
        Rule::Shift { .. } => "shift",
    }
}

/// Columns that a rule reads.
pub(crate) fn columns(rule: &Rule) -> Vec<&str> {
    match rule {
        Rule::Nulls { column, .. }
        | Rule::Invalid { column, .. }
        | Rule::Range { column, .. }
        | Rule::References { column, .. }
        | Rule::Freshness { column, .. } => vec![column],
        Rule::Duplicates { columns, .. } => columns.iter().map(String::as_str).collect(),
        Rule::Volume { by_day, .. } => by_day.iter().map(String::as_str).collect(),
        Rule::Delay { from, to, .. } => vec![from, to],
        Rule::Shift { column, time, .. } => vec![column, time],
        Rule::Sql { .. } => Vec::new(),
    }
}

/// The bound on what is measured, and whether it is a share of all rows in per cent.
pub(crate) fn bound(rule: &Rule) -> (Bound, bool) {
    match rule {
        Rule::Nulls { bound, percent, .. }
        | Rule::Invalid { bound, percent, .. }
        | Rule::Range { bound, percent, .. }
        | Rule::Duplicates { bound, percent, .. }
        | Rule::Delay { bound, percent, .. } => (*bound, *percent),
        Rule::Volume { bound, .. } | Rule::Sql { bound, .. } => (*bound, false),
        Rule::References { .. } => (none(), false),
        Rule::Freshness { max_age_seconds, .. } => (
            Bound {
                min: None,
                max: Some(*max_age_seconds as f64),
                exclusive: false,
            },
            false,
        ),
        Rule::Shift { max_factor, .. } => (
            Bound {
                min: None,
                max: Some(*max_factor),
                exclusive: false,
            },
            false,
        ),
    }
}

/// How a rule is measured over `FROM <table> AS "t"<where>`.
pub(crate) fn measure(rule: &Rule, table: &str, condition: &str) -> Measure {
    let col = |name: &str| format!("\"t\".{}", quote(name));
    let from = format!("FROM {} AS \"t\"", quote(table));
    let and = |extra: &str| {
        if condition.is_empty() {
            format!(" WHERE {extra}")
        } else {
            format!("{condition} AND {extra}")
        }
    };
    let failing = |row: String| Measure::Aggregate {
        sql: format!("SUM(CASE WHEN {row} THEN 1 ELSE 0 END)"),
        failing: Some(row),
    };
    match rule {
        Rule::Nulls { column, .. } => failing(format!("{} IS NULL", col(column))),
        Rule::Invalid {
            column,
            values,
            pattern,
            min_length,
            max_length,
            ..
        } => {
            let c = format!("CAST({} AS VARCHAR)", col(column));
            let mut wrong = Vec::new();
            if let Some(values) = values {
                let list: Vec<String> = values.iter().map(|v| text(v)).collect();
                wrong.push(if list.is_empty() {
                    "1 = 1".to_owned()
                } else {
                    format!("{c} NOT IN ({})", list.join(", "))
                });
            }
            if let Some(pattern) = pattern {
                wrong.push(format!("NOT regexp_like({c}, {})", text(pattern)));
            }
            if let Some(n) = min_length {
                wrong.push(format!("character_length({c}) < {n}"));
            }
            if let Some(n) = max_length {
                wrong.push(format!("character_length({c}) > {n}"));
            }
            if wrong.is_empty() {
                wrong.push("1 = 0".to_owned());
            }
            failing(format!("({} IS NOT NULL AND ({}))", col(column), wrong.join(" OR ")))
        }
        Rule::Range { column, min, max, .. } => {
            let low = min.map(|m| format!("{} < {}", col(column), number(m)));
            let high = max.map(|m| format!("{} > {}", col(column), number(m)));
            let wrong: Vec<String> = low.into_iter().chain(high).collect();
            failing(if wrong.is_empty() {
                "1 = 0".to_owned()
            } else {
                format!("({})", wrong.join(" OR "))
            })
        }
        Rule::Duplicates { columns, .. } => match columns.as_slice() {
            [one] => Measure::Aggregate {
                sql: format!("COUNT({0}) - COUNT(DISTINCT {0})", col(one)),
                failing: None,
            },
            many => {
                let list: Vec<String> = many.iter().map(|c| col(c)).collect();
                Measure::Query(format!(
                    "SELECT COALESCE(SUM(\"c\" - 1), 0) AS \"n\" FROM (SELECT COUNT(*) AS \"c\" {from}{condition} GROUP BY {}) AS \"g\"",
                    list.join(", ")
                ))
            }
        },
        Rule::Volume { by_day: None, .. } => Measure::Aggregate {
            sql: "COUNT(*)".into(),
            failing: None,
        },
        Rule::Volume { by_day: Some(time), .. } => Measure::Daily(format!(
            "SELECT CAST({0} AS DATE) AS \"day\", COUNT(*) AS \"n\" {from}{1} GROUP BY 1 ORDER BY 1",
            col(time),
            and(&format!("{} IS NOT NULL", col(time)))
        )),
        Rule::References {
            column,
            dataset,
            target,
        } => Measure::Query(format!(
            "SELECT COUNT(*) AS \"n\" {from} LEFT JOIN (SELECT DISTINCT {0} AS \"k\" FROM {1}) AS \"r\" ON {2} = \"r\".\"k\"{3}",
            quote(target),
            quote(dataset),
            col(column),
            and(&format!("{} IS NOT NULL AND \"r\".\"k\" IS NULL", col(column)))
        )),
        Rule::Freshness { column, .. } => Measure::Aggregate {
            sql: format!("MAX({})", col(column)),
            failing: None,
        },
        Rule::Delay {
            from, to, max_seconds, ..
        } => failing(format!(
            "{} > {} + INTERVAL '{max_seconds} seconds'",
            col(to),
            col(from)
        )),
        Rule::Shift { column, time, .. } => Measure::Daily(format!(
            "SELECT CAST({0} AS DATE) AS \"day\", AVG(CAST({1} AS DOUBLE)) AS \"n\" {from}{2} GROUP BY 1 ORDER BY 1",
            col(time),
            col(column),
            and(&format!("{} IS NOT NULL AND {} IS NOT NULL", col(time), col(column)))
        )),
        Rule::Sql { query, .. } => Measure::Custom(query.clone()),
    }
}

/// What was promised, in words.
pub(crate) fn expected(rule: &Rule) -> String {
    let (bound, percent) = bound(rule);
    let what = match rule {
        Rule::Nulls { .. } => "nulls",
        Rule::Invalid { .. } => "invalid values",
        Rule::Range { .. } => "values out of range",
        Rule::Duplicates { .. } => "duplicates",
        Rule::Volume { by_day: None, .. } => "rows",
        Rule::Volume { by_day: Some(_), .. } => "rows a day",
        Rule::References { .. } => "values without a counterpart",
        Rule::Delay { .. } => "late rows",
        Rule::Sql { .. } => "",
        Rule::Freshness { max_age_seconds, .. } => {
            return format!("newest at most {} old", duration(*max_age_seconds as f64));
        }
        Rule::Shift { max_factor, .. } => {
            return format!("daily mean within a factor of {max_factor} of the days before");
        }
    };
    let unit = if percent { "% " } else { " " };
    let words = match (bound.min, bound.max, bound.exclusive) {
        (None, None, _) => return "nothing".into(),
        (None, Some(b), _) if b == 0.0 => format!("no {what}"),
        (None, Some(b), false) => format!("at most {b}{unit}{what}"),
        (None, Some(b), true) => format!("less than {b}{unit}{what}"),
        (Some(a), None, false) => format!("at least {a}{unit}{what}"),
        (Some(a), None, true) => format!("more than {a}{unit}{what}"),
        (Some(a), Some(b), _) if a == b => format!("exactly {a}{unit}{what}"),
        (Some(a), Some(b), false) => format!("from {a} to {b}{unit}{what}"),
        (Some(a), Some(b), true) => format!("between {a} and {b}{unit}{what}"),
    };
    if what.is_empty() && words == "no " {
        "0".into()
    } else {
        words.trim_end().to_owned()
    }
}

/// Whether a measured number keeps a bound.
pub(crate) fn keeps(bound: &Bound, x: f64) -> bool {
    let low = bound.min.is_none_or(|m| if bound.exclusive { x > m } else { x >= m });
    let high = bound.max.is_none_or(|m| if bound.exclusive { x < m } else { x <= m });
    low && high
}

/// Seconds in words: `30 h`.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3_600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}

/// The time column by which a day's slice is taken.
pub(crate) fn time_column(dataset: &Dataset, checks: &[Check], actual: &Schema) -> Option<String> {
    let of = |pick: fn(&Rule) -> Option<&String>| checks.iter().find_map(|c| pick(&c.rule)).cloned();
    of(|r| match r {
        Rule::Shift { time, .. } => Some(time),
        _ => None,
    })
    .or_else(|| {
        of(|r| match r {
            Rule::Freshness { column, .. } => Some(column),
            _ => None,
        })
    })
    .or_else(|| {
        of(|r| match r {
            Rule::Volume { by_day, .. } => by_day.as_ref(),
            _ => None,
        })
    })
    .or_else(|| {
        of(|r| match r {
            Rule::Delay { to, .. } => Some(to),
            _ => None,
        })
    })
    .or_else(|| {
        let mut times = actual
            .fields()
            .iter()
            .filter(|f| matches!(super::schema::logical(f.data_type()), "timestamp" | "date"));
        let first = times.next()?.name().clone();
        let promised = dataset.columns.is_empty() || dataset.columns.iter().any(|c| c.name == first);
        (times.next().is_none() && promised).then_some(first)
    })
}

/// A span for what has none.
pub(crate) fn span_of(check: &Check, dataset: &Dataset) -> Span {
    if check.span.file.is_empty() {
        dataset.meta.span.clone()
    } else {
        check.span.clone()
    }
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        format!("{}", value as i64)
    } else {
        format!("CAST({value:e} AS DOUBLE)")
    }
}
