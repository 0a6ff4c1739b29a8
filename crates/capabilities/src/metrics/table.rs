//! An answer as an Arrow batch, for writing it as table, CSV, JSON or Arrow.

use std::sync::Arc;

use steward_compute::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use steward_compute::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use steward_compute::{Rows, Value};

use super::{ColumnType, MetricTable};
use crate::CapabilityError;

impl MetricTable {
    /// Position of a column by its name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }

    /// A cell as a double: integers, numbers and booleans.
    pub fn number(&self, row: usize, column: &str) -> Option<f64> {
        let column = self.column(column)?;
        number(self.rows.get(row)?.get(column)?)
    }

    /// As Arrow, for [`steward_compute::Format`].
    pub fn to_rows(&self) -> Result<Rows, CapabilityError> {
        let mut fields = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for (i, column) in self.columns.iter().enumerate() {
            let cells = || self.rows.iter().map(move |r| r.get(i).unwrap_or(&Value::Null));
            let (data_type, array): (DataType, ArrayRef) = match column.data_type {
                ColumnType::Boolean => (
                    DataType::Boolean,
                    Arc::new(BooleanArray::from_iter(cells().map(|v| match v {
                        Value::Boolean(b) => Some(*b),
                        _ => None,
                    }))),
                ),
                ColumnType::Integer => (
                    DataType::Int64,
                    Arc::new(Int64Array::from_iter(cells().map(|v| match v {
                        Value::Integer(i) => Some(*i),
                        _ => None,
                    }))),
                ),
                ColumnType::Number => (
                    DataType::Float64,
                    Arc::new(Float64Array::from_iter(cells().map(number))),
                ),
                ColumnType::Text => (
                    DataType::Utf8,
                    Arc::new(StringArray::from_iter(cells().map(|v| match v {
                        Value::Text(t) => Some(t.as_str()),
                        _ => None,
                    }))),
                ),
                ColumnType::Timestamp => (
                    DataType::Timestamp(TimeUnit::Microsecond, None),
                    Arc::new(TimestampMicrosecondArray::from_iter(cells().map(|v| match v {
                        Value::Timestamp(us) => Some(*us),
                        _ => None,
                    }))),
                ),
                ColumnType::Date => (
                    DataType::Date32,
                    Arc::new(Date32Array::from_iter(cells().map(|v| match v {
                        Value::Date(d) => Some(*d),
                        _ => None,
                    }))),
                ),
            };
            fields.push(Field::new(&column.name, data_type, true));
            arrays.push(array);
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(schema.clone(), arrays)
            .map_err(|e| CapabilityError::Invalid(format!("the answer cannot be written: {e}")))?;
        Ok(Rows {
            schema,
            batches: vec![batch],
            sql: self.sql.clone(),
        })
    }
}

/// A value as a double, if it is a number.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(i) => Some(*i as f64),
        Value::Number(x) => Some(*x),
        Value::Boolean(b) => Some(f64::from(u8::from(*b))),
        _ => None,
    }
}

/// A value as a day, if it is one: a date, or a moment in UTC.
pub(crate) fn date(value: &Value) -> Option<jiff::civil::Date> {
    match value {
        Value::Date(days) => jiff::civil::Date::new(1970, 1, 1)
            .ok()?
            .checked_add(jiff::Span::new().try_days(i64::from(*days)).ok()?)
            .ok(),
        Value::Text(text) => text.get(..10)?.parse().ok(),
        Value::Timestamp(us) => jiff::Timestamp::from_microsecond(*us)
            .ok()
            .map(|at| jiff::tz::TimeZone::UTC.to_datetime(at).date()),
        _ => None,
    }
}
