//! Truncation, parts and arithmetic of times.

use sqlparser::ast::{Expr, Interval, Value as SqlValue};
use steward_compute::Dialect;

use super::{Writer, written};

/// Units of `date_trunc` and intervals.
const UNITS: [&str; 9] = [
    "microsecond",
    "second",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "quarter",
    "year",
];

fn unit(text: &str) -> Result<&'static str, String> {
    let text = text.trim_matches('\'').to_lowercase();
    let text = text.strip_suffix('s').unwrap_or(&text);
    UNITS
        .into_iter()
        .find(|u| *u == text)
        .ok_or_else(|| format!("the unit {text} is not portable; use {}", UNITS.join(", ")))
}

impl Writer<'_> {
    /// The time on a zone's clock, without a zone.
    pub(super) fn local_time(&self, instant: &Expr, zone: &Expr) -> String {
        match self.dialect {
            Dialect::Spark => format!("FROM_UTC_TIMESTAMP({instant}, {zone})"),
            Dialect::Snowflake | Dialect::Redshift => format!("CONVERT_TIMEZONE('UTC', {zone}, {instant})"),
            Dialect::BigQuery => format!("DATETIME({instant}, {zone})"),
            _ => format!("({instant} AT TIME ZONE {zone})"),
        }
    }

    /// The start of the unit that holds a time.
    pub(super) fn start(&self, what: &Expr, time: &str, is_local: bool) -> Result<String, String> {
        let unit = unit(&what.to_string())?;
        Ok(match self.dialect {
            Dialect::BigQuery => {
                let part = if unit == "week" {
                    "WEEK(MONDAY)".to_owned()
                } else {
                    unit.to_uppercase()
                };
                if is_local {
                    format!("DATETIME_TRUNC({time}, {part})")
                } else {
                    format!("TIMESTAMP_TRUNC(CAST({time} AS TIMESTAMP), {part})")
                }
            }
            _ => format!("DATE_TRUNC('{unit}', {time})"),
        })
    }

    /// The instant at which the unit starts on a zone's clock.
    pub(super) fn local_start(&self, what: &Expr, instant: &Expr, zone: &Expr) -> Result<String, String> {
        let start = self.start(what, &self.local_time(instant, zone), true)?;
        Ok(match self.dialect {
            Dialect::Spark => format!("TO_UTC_TIMESTAMP({start}, {zone})"),
            Dialect::Snowflake | Dialect::Redshift => format!("CONVERT_TIMEZONE({zone}, 'UTC', {start})"),
            Dialect::BigQuery => format!("TIMESTAMP({start}, {zone})"),
            _ => format!("({start} AT TIME ZONE {zone})"),
        })
    }

    /// A part of a time as a number: `date_part('hour', t)`.
    pub(super) fn date_part(&self, field: &str, time: &Expr) -> Result<Expr, String> {
        let field = field.trim_matches('\'').to_lowercase();
        let known = [
            "year", "quarter", "month", "week", "day", "hour", "minute", "second", "dow", "doy", "epoch", "isodow",
        ];
        if !known.contains(&field.as_str()) {
            return Err(format!("the part {field} of a time is not portable"));
        }
        let text = match (self.dialect, field.as_str()) {
            (Dialect::BigQuery, "epoch") => format!("(UNIX_MICROS({time}) / 1000000.0)"),
            (Dialect::BigQuery, "dow") => format!("(EXTRACT(DAYOFWEEK FROM {time}) - 1)"),
            (Dialect::BigQuery, "isodow") => format!("(MOD(EXTRACT(DAYOFWEEK FROM {time}) + 5, 7) + 1)"),
            (Dialect::BigQuery, "doy") => format!("EXTRACT(DAYOFYEAR FROM {time})"),
            (Dialect::BigQuery, "week") => format!("EXTRACT(ISOWEEK FROM {time})"),
            (Dialect::Spark, "epoch") => format!("CAST({time} AS DOUBLE)"),
            (Dialect::Spark, "dow") => format!("(DAYOFWEEK({time}) - 1)"),
            (Dialect::Spark, "isodow") => format!("(WEEKDAY({time}) + 1)"),
            (Dialect::Spark, "doy") => format!("DAYOFYEAR({time})"),
            (Dialect::Snowflake, "epoch") => format!("(DATE_PART('epoch_microsecond', {time}) / 1000000.0)"),
            (Dialect::Snowflake, "dow") => format!("(DATE_PART('dayofweekiso', {time}) % 7)"),
            (Dialect::Snowflake, "isodow") => format!("DATE_PART('dayofweekiso', {time})"),
            (Dialect::Snowflake, "doy") => format!("DATE_PART('dayofyear', {time})"),
            (Dialect::Snowflake, "week") => format!("DATE_PART('weekiso', {time})"),
            (Dialect::Redshift, "isodow") => format!("(MOD(CAST(EXTRACT(DOW FROM {time}) AS INTEGER) + 6, 7) + 1)"),
            (_, field) => format!("EXTRACT({} FROM {time})", field.to_uppercase()),
        };
        Ok(written(text))
    }

    /// `INTERVAL '7 days'`.
    pub(super) fn interval(&self, interval: &Interval) -> Result<Expr, String> {
        let value = match interval.value.as_ref() {
            // Written already: a quoted text.
            Expr::Identifier(text) => text.value.trim_matches('\'').to_owned(),
            Expr::Value(v) => match &v.value {
                SqlValue::Number(n, _) => n.clone(),
                other => return Err(format!("the interval {other} is not portable")),
            },
            other => return Err(format!("the interval {other} is not a constant")),
        };
        let mut words = value.split_whitespace();
        let (count, part, rest) = (words.next().unwrap_or_default(), words.next(), words.next());
        let part = match (part, &interval.leading_field, rest) {
            (Some(part), None, None) => part.to_owned(),
            (None, Some(field), None) => field.to_string(),
            _ => return Err(format!("{interval}: write one count and one unit")),
        };
        let count: i64 = count
            .parse()
            .map_err(|_| format!("{interval}: the count is not whole"))?;
        let unit = unit(&part)?;
        Ok(written(match self.dialect {
            // Times with a zone take no months there, and weeks and quarters are no parts of an interval.
            Dialect::BigQuery => match unit {
                "month" | "quarter" | "year" => {
                    return Err(format!("{interval}: BigQuery adds no months to a timestamp"));
                }
                "week" => format!("INTERVAL {} DAY", count * 7),
                unit => format!("INTERVAL {count} {}", unit.to_uppercase()),
            },
            Dialect::Spark => match unit {
                "quarter" => format!("INTERVAL {} MONTH", count * 3),
                "week" => format!("INTERVAL {} DAY", count * 7),
                unit => format!("INTERVAL {count} {}", unit.to_uppercase()),
            },
            Dialect::Postgres | Dialect::Redshift if unit == "quarter" => format!("INTERVAL '{} months'", count * 3),
            _ => format!("INTERVAL '{count} {unit}s'"),
        }))
    }
}
