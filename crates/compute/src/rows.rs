//! Reading a query's result: typed cells and columns, and [`Moments`] from lists of doubles.
//!
//! Every reader takes whatever Arrow type the engine chose for the same logical value (any integer width,
//! dictionaries, string views, any timestamp unit) and answers one Rust type.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::{EngineError, Moments, Rows, Value};

/// How temporal values are printed: RFC 3339, `2025-01-31`.
pub(crate) fn display_options() -> FormatOptions<'static> {
    FormatOptions::new()
}

fn decode(column: &str, cause: impl Into<String>) -> EngineError {
    EngineError::Decode {
        column: column.to_owned(),
        cause: cause.into(),
    }
}

fn cast_strictly(column: &str, array: &ArrayRef, to: &DataType) -> Result<ArrayRef, EngineError> {
    let options = CastOptions {
        safe: false,
        format_options: display_options(),
    };
    cast_with_options(array, to, &options)
        .map_err(|e| decode(column, format!("{} is not {to}: {e}", array.data_type())))
}

/// The one type that a column is read through.
fn canonical(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, value) => canonical(value),
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => DataType::Int64,
        DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => DataType::Float64,
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        other => other.clone(),
    }
}

/// The values of one array.
fn array_values(column: &str, array: &ArrayRef) -> Result<Vec<Value>, EngineError> {
    let to = canonical(array.data_type());
    let array = cast_strictly(column, array, &to)?;
    Ok(match &to {
        DataType::Null => vec![Value::Null; array.len()],
        DataType::Boolean => array
            .as_boolean()
            .iter()
            .map(|v| v.map_or(Value::Null, Value::Boolean))
            .collect(),
        DataType::Int64 => array
            .as_primitive::<Int64Type>()
            .iter()
            .map(|v| v.map_or(Value::Null, Value::Integer))
            .collect(),
        DataType::Float64 => array
            .as_primitive::<Float64Type>()
            .iter()
            .map(|v| v.map_or(Value::Null, Value::Number))
            .collect(),
        DataType::Timestamp(..) => array
            .as_primitive::<TimestampMicrosecondType>()
            .iter()
            .map(|v| v.map_or(Value::Null, Value::Timestamp))
            .collect(),
        DataType::Date32 => array
            .as_primitive::<Date32Type>()
            .iter()
            .map(|v| v.map_or(Value::Null, Value::Date))
            .collect(),
        DataType::Utf8 => array
            .as_string::<i32>()
            .iter()
            .map(|v| v.map_or(Value::Null, |t| Value::Text(t.to_owned())))
            .collect(),
        _ => printed(column, &array)?
            .into_iter()
            .map(|v| v.map_or(Value::Null, Value::Text))
            .collect(),
    })
}

/// Values as text, as they are printed.
fn printed(column: &str, array: &ArrayRef) -> Result<Vec<Option<String>>, EngineError> {
    let options = display_options();
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options).map_err(|e| decode(column, e.to_string()))?;
    (0..array.len())
        .map(|i| {
            if array.is_null(i) {
                return Ok(None);
            }
            let text = formatter
                .value(i)
                .try_to_string()
                .map_err(|e| decode(column, e.to_string()))?;
            Ok(Some(text))
        })
        .collect()
}

impl Rows {
    /// A result of the given batches, which all have `schema`.
    pub fn new(schema: SchemaRef, batches: Vec<RecordBatch>, sql: impl Into<String>) -> Self {
        Rows {
            schema,
            batches,
            sql: sql.into(),
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names of the columns in order.
    pub fn columns(&self) -> Vec<&str> {
        self.schema.fields().iter().map(|f| f.name().as_str()).collect()
    }

    /// Position of a column.
    pub fn column_index(&self, column: &str) -> Result<usize, EngineError> {
        self.schema.index_of(column).map_err(|_| {
            decode(
                column,
                format!("the result has no such column; it has {}", self.columns().join(", ")),
            )
        })
    }

    /// The column's arrays, one per batch.
    fn arrays(&self, column: &str) -> Result<Vec<&ArrayRef>, EngineError> {
        let index = self.column_index(column)?;
        Ok(self.batches.iter().map(|b| b.column(index)).collect())
    }

    /// One cell; `row` counts through all batches.
    pub fn value(&self, row: usize, column: &str) -> Result<Value, EngineError> {
        let index = self.column_index(column)?;
        let mut rest = row;
        for batch in &self.batches {
            if rest < batch.num_rows() {
                let values = array_values(column, &batch.column(index).slice(rest, 1))?;
                return values.into_iter().next().ok_or_else(|| decode(column, "empty cell"));
            }
            rest -= batch.num_rows();
        }
        Err(decode(column, format!("row {row} asked of {} rows", self.len())))
    }

    /// All cells of a column.
    pub fn values(&self, column: &str) -> Result<Vec<Value>, EngineError> {
        let mut all = Vec::with_capacity(self.len());
        for array in self.arrays(column)? {
            all.extend(array_values(column, array)?);
        }
        Ok(all)
    }

    /// A column as text; values of other types as they are printed (times in RFC 3339).
    pub fn strings(&self, column: &str) -> Result<Vec<Option<String>>, EngineError> {
        let mut all = Vec::with_capacity(self.len());
        for array in self.arrays(column)? {
            all.extend(printed(column, array)?);
        }
        Ok(all)
    }

    fn cast_column<T>(
        &self,
        column: &str,
        to: &DataType,
        read: impl Fn(&ArrayRef) -> Vec<Option<T>>,
    ) -> Result<Vec<Option<T>>, EngineError> {
        let mut all = Vec::with_capacity(self.len());
        for array in self.arrays(column)? {
            all.extend(read(&cast_strictly(column, array, to)?));
        }
        Ok(all)
    }

    /// A column of numbers (any width, decimals too) as doubles.
    pub fn numbers(&self, column: &str) -> Result<Vec<Option<f64>>, EngineError> {
        self.cast_column(column, &DataType::Float64, |a| {
            a.as_primitive::<Float64Type>().iter().collect()
        })
    }

    /// A column of integers. A number with a fraction is refused, never cut.
    pub fn integers(&self, column: &str) -> Result<Vec<Option<i64>>, EngineError> {
        self.values(column)?
            .into_iter()
            .map(|v| match v {
                Value::Null => Ok(None),
                Value::Integer(i) => Ok(Some(i)),
                Value::Boolean(b) => Ok(Some(i64::from(b))),
                // 2^53: beyond it a double does not tell neighbouring integers apart.
                Value::Number(x) if x.fract() == 0.0 && x.abs() <= 9_007_199_254_740_992.0 => Ok(Some(x as i64)),
                other => Err(decode(column, format!("{other:?} is not an integer"))),
            })
            .collect()
    }

    /// A column of booleans.
    pub fn booleans(&self, column: &str) -> Result<Vec<Option<bool>>, EngineError> {
        self.cast_column(column, &DataType::Boolean, |a| a.as_boolean().iter().collect())
    }

    /// A column of dates or timestamps, microseconds since 1970 UTC.
    pub fn timestamps(&self, column: &str) -> Result<Vec<Option<i64>>, EngineError> {
        self.values(column)?
            .into_iter()
            .map(|v| match v {
                Value::Null => Ok(None),
                Value::Timestamp(us) => Ok(Some(us)),
                Value::Date(days) => Ok(Some(i64::from(days) * 86_400_000_000)),
                other => Err(decode(column, format!("{other:?} is not a time"))),
            })
            .collect()
    }

    /// A column of `moments(…)`, one per row. NULL (no row with all arguments present) is refused, since only the
    /// query knows how many variables there are: see [`Rows::moments_or_empty`].
    pub fn moments(&self, column: &str) -> Result<Vec<Moments>, EngineError> {
        self.optional_moments(column)?
            .into_iter()
            .map(|m| m.ok_or_else(|| decode(column, "the moments are NULL; moments(…) never returns NULL")))
            .collect()
    }

    /// As [`Rows::moments`], with empty moments of `k` variables where the cell is NULL (an outer join's).
    pub fn moments_or_empty(&self, column: &str, k: usize) -> Result<Vec<Moments>, EngineError> {
        self.optional_moments(column)?
            .into_iter()
            .map(|m| {
                let m = m.unwrap_or_else(|| Moments::empty(k));
                if m.dimension() == k {
                    return Ok(m);
                }
                Err(decode(
                    column,
                    format!("moments of {} variables where {k} were expected", m.dimension()),
                ))
            })
            .collect()
    }

    fn optional_moments(&self, column: &str) -> Result<Vec<Option<Moments>>, EngineError> {
        let list = DataType::new_list(DataType::Float64, true);
        let mut all = Vec::with_capacity(self.len());
        for array in self.arrays(column)? {
            let array = cast_strictly(column, array, &list)?;
            for cell in array.as_list::<i32>().iter() {
                let Some(cell) = cell else {
                    all.push(None);
                    continue;
                };
                let cell = cell.as_primitive::<Float64Type>();
                if cell.null_count() > 0 {
                    return Err(decode(column, "a list of moments holds NULL"));
                }
                let flat = cell.values();
                if let Some(bad) = flat.iter().find(|x| !x.is_finite()) {
                    return Err(decode(
                        column,
                        format!(
                            "the moments hold {bad}: a value is infinite, not a number or too large; filter it out"
                        ),
                    ));
                }
                let moments = Moments::from_flat(flat)
                    .ok_or_else(|| decode(column, format!("a list of {} doubles are no moments", flat.len())))?;
                all.push(Some(moments));
            }
        }
        Ok(all)
    }
}
