//! Values, parameters and casts.

use sqlparser::ast::{CastKind, DataType, Expr, TypedString, Value as SqlValue};
use steward_compute::{Dialect, Value};

use super::{Writer, written};
use crate::files::infer;

/// `2025-01-31 12:00:00.000001` in UTC of microseconds since 1970.
pub(super) fn timestamp_text(us: i64) -> String {
    let (days, rest) = (us.div_euclid(86_400_000_000), us.rem_euclid(86_400_000_000));
    let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{} {h:02}:{m:02}:{s:02}.{micros:06}", date_text(days))
}

/// `2025-01-31` of days since 1970 (Hinnant's civil-from-days).
pub(super) fn date_text(days: i64) -> String {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

impl Writer<'_> {
    /// A text literal.
    pub(super) fn text(&self, text: &str) -> String {
        match self.dialect {
            Dialect::BigQuery | Dialect::Spark => {
                let escaped = text
                    .replace('\\', "\\\\")
                    .replace('\'', "\\'")
                    .replace('\n', "\\n")
                    .replace('\r', "\\r");
                format!("'{escaped}'")
            }
            Dialect::Snowflake => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
            _ => format!("'{}'", text.replace('\'', "''")),
        }
    }

    fn double(&self) -> &'static str {
        match self.dialect {
            Dialect::BigQuery => "FLOAT64",
            Dialect::Spark | Dialect::Snowflake => "DOUBLE",
            _ => "DOUBLE PRECISION",
        }
    }

    /// An expression as a double.
    pub(super) fn as_double(&self, expr: impl std::fmt::Display) -> String {
        format!("CAST({expr} AS {})", self.double())
    }

    pub(super) fn timestamp_literal(&self, text: &str) -> String {
        let text = self.text(text);
        match self.dialect {
            Dialect::Postgres => format!("TIMESTAMPTZ {text}"),
            Dialect::Snowflake => format!("CAST({text} AS TIMESTAMP_NTZ)"),
            _ => format!("TIMESTAMP {text}"),
        }
    }

    fn bound(&self, value: &Value) -> String {
        match value {
            Value::Null => "NULL".to_owned(),
            Value::Boolean(true) => "TRUE".to_owned(),
            Value::Boolean(false) => "FALSE".to_owned(),
            Value::Integer(i) if *i < 0 => format!("({i})"),
            Value::Integer(i) => i.to_string(),
            Value::Number(x) => self.as_double(format!("'{x:?}'")),
            Value::Text(text) => self.text(text),
            Value::Timestamp(us) => match self.dialect {
                Dialect::BigQuery | Dialect::Spark => self.timestamp_literal(&format!("{}+00:00", timestamp_text(*us))),
                _ => self.timestamp_literal(&timestamp_text(*us)),
            },
            Value::Date(days) => format!("DATE {}", self.text(&date_text(i64::from(*days)))),
        }
    }

    pub(super) fn literal(&self, value: &SqlValue) -> Result<Option<Expr>, String> {
        match value {
            SqlValue::Placeholder(name) => {
                let at = name
                    .strip_prefix('$')
                    .and_then(|n| n.parse::<usize>().ok())
                    .filter(|n| *n > 0);
                let value = at.and_then(|n| self.parameters.get(n - 1));
                let value = value.ok_or_else(|| format!("the placeholder {name} has no value"))?;
                if self.dialect != Dialect::Postgres || *value == Value::Null {
                    return Ok(Some(written(self.bound(value))));
                }
                let data_type = match value {
                    Value::Null | Value::Text(_) => "TEXT",
                    Value::Boolean(_) => "BOOLEAN",
                    Value::Integer(_) => "BIGINT",
                    Value::Number(_) => "DOUBLE PRECISION",
                    Value::Timestamp(_) => "TIMESTAMPTZ",
                    Value::Date(_) => "DATE",
                };
                Ok(Some(written(format!("CAST({name} AS {data_type})"))))
            }
            SqlValue::SingleQuotedString(text) => Ok(Some(written(self.text(text)))),
            SqlValue::Number(..) | SqlValue::Boolean(_) | SqlValue::Null => Ok(None),
            other => Err(format!("the literal {other} is not portable")),
        }
    }

    /// A type's name.
    fn type_name(&self, data_type: &DataType) -> Result<String, String> {
        use Dialect::{BigQuery, Postgres, Redshift, Snowflake, Spark};
        let d = self.dialect;
        let text = data_type.to_string().to_uppercase();
        let base = text.split(['(', ' ']).next().unwrap_or_default();
        Ok(match base {
            "DOUBLE" | "FLOAT8" | "FLOAT64" => self.double().to_owned(),
            "FLOAT" | "REAL" | "FLOAT4" => match d {
                BigQuery => "FLOAT64",
                Spark | Snowflake => "FLOAT",
                _ => "REAL",
            }
            .to_owned(),
            "VARCHAR" | "TEXT" | "STRING" | "CHAR" if !text.contains('(') => match d {
                Postgres => "TEXT",
                Redshift => "VARCHAR(65535)",
                Snowflake => "VARCHAR",
                _ => "STRING",
            }
            .to_owned(),
            "BIGINT" | "INT8" | "INT64" => if d == BigQuery { "INT64" } else { "BIGINT" }.to_owned(),
            "INT" | "INTEGER" | "INT4" | "INT32" | "SMALLINT" | "TINYINT" => match d {
                BigQuery => "INT64",
                _ if base == "SMALLINT" => "SMALLINT",
                _ => "INTEGER",
            }
            .to_owned(),
            "BOOLEAN" | "BOOL" => if d == BigQuery { "BOOL" } else { "BOOLEAN" }.to_owned(),
            "DATE" => "DATE".to_owned(),
            "TIMESTAMP" | "TIMESTAMPTZ" => match d {
                Postgres => "TIMESTAMPTZ",
                Snowflake => "TIMESTAMP_NTZ",
                _ => "TIMESTAMP",
            }
            .to_owned(),
            "DECIMAL" | "NUMERIC" => match d {
                Postgres | BigQuery => text.replacen("DECIMAL", "NUMERIC", 1),
                _ => text.replacen("NUMERIC", "DECIMAL", 1),
            },
            _ => return Err(format!("the type {data_type} is not portable")),
        })
    }

    pub(super) fn cast(&self, kind: &CastKind, expr: &Expr, data_type: &DataType) -> Result<Expr, String> {
        let target = self.type_name(data_type)?;
        let tries = matches!(kind, CastKind::TryCast | CastKind::SafeCast);
        let word = match (tries, self.dialect) {
            (false, _) => "CAST",
            (true, Dialect::BigQuery) => "SAFE_CAST",
            (true, Dialect::Spark | Dialect::Snowflake) => "TRY_CAST",
            (true, _) => return Err("TRY_CAST is not portable".to_owned()),
        };
        Ok(written(format!("{word}({expr} AS {target})")))
    }

    pub(super) fn typed_string(&self, typed: &TypedString) -> Result<Expr, String> {
        let SqlValue::SingleQuotedString(text) = &typed.value.value else {
            return Err(format!("the literal {typed} is not portable"));
        };
        match &typed.data_type {
            DataType::Date => Ok(written(format!("DATE {}", self.text(text)))),
            // Some databases drop an offset without a word.
            DataType::Timestamp(..) => match infer::timestamp(text) {
                Some(us) => Ok(written(self.bound(&Value::Timestamp(us)))),
                None => Err(format!("{typed} is not a time such as 2025-01-31T12:00:00Z")),
            },
            other => Err(format!("a literal of type {other} is not portable; use CAST")),
        }
    }
}
