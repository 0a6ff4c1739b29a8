//! What Parquet footers tell: rows, nulls, smallest and largest values.

use std::path::PathBuf;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::ArrowReaderMetadata;
use ::parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue;
use steward_compute::{ColumnFacts, EngineError, TableFacts, TableSource};

use super::{file_error, parquet as footers};
use crate::normal;

/// Facts of a column while files are read; `None` as soon as one file does not tell.
struct Running {
    nulls: Option<u64>,
    min: Option<ScalarValue>,
    max: Option<ScalarValue>,
    bounded: bool,
}

/// Facts of a table from its Parquet files' footers; `counted` is false for files whose rows are not the table's.
pub(crate) fn read(table: &TableSource, files: &[PathBuf], schema: &Schema) -> Result<TableFacts, EngineError> {
    let mut rows = 0;
    let mut columns: Vec<Running> = schema
        .fields()
        .iter()
        .map(|_| Running {
            nulls: Some(0),
            min: None,
            max: None,
            bounded: true,
        })
        .collect();
    for path in files {
        let footer = footers::footer(table, path)?;
        rows += u64::try_from(footer.metadata().file_metadata().num_rows()).unwrap_or_default();
        for (running, field) in columns.iter_mut().zip(schema.fields()) {
            add(running, &footer, field.name()).map_err(|e| file_error(table, path, e))?;
        }
    }
    let columns = columns
        .into_iter()
        .zip(schema.fields())
        .map(|(running, field)| ColumnFacts {
            name: field.name().clone(),
            data_type: normal::table_type(field.data_type()).to_string(),
            nulls: running.nulls,
            min: running.min.filter(|_| running.bounded).and_then(printed),
            max: running.max.filter(|_| running.bounded).and_then(printed),
        })
        .collect();
    Ok(TableFacts {
        rows: Some(rows),
        columns,
    })
}

fn add(running: &mut Running, footer: &ArrowReaderMetadata, column: &str) -> Result<(), String> {
    let groups = footer.metadata().row_groups();
    let Ok(converter) = StatisticsConverter::try_new(column, footer.schema(), footer.parquet_schema()) else {
        (running.nulls, running.bounded) = (None, false);
        return Ok(());
    };
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let nulls = converter
        .with_missing_null_counts_as_zero(false)
        .row_group_null_counts(groups);
    let nulls = nulls.map_err(|e| text(&e))?;
    running.nulls = match running.nulls {
        Some(before) if nulls.null_count() == 0 => Some(before + nulls.values().iter().sum::<u64>()),
        _ => None,
    };
    let Ok(converter) = StatisticsConverter::try_new(column, footer.schema(), footer.parquet_schema()) else {
        return Ok(());
    };
    let (Ok(lows), Ok(highs)) = (converter.row_group_mins(groups), converter.row_group_maxes(groups)) else {
        running.bounded = false;
        return Ok(());
    };
    let column_index = converter.parquet_column_index();
    for (i, group) in groups.iter().enumerate() {
        let statistics = column_index.and_then(|c| group.column(c).statistics());
        let all_null = nulls.is_valid(i) && nulls.value(i) == u64::try_from(group.num_rows()).unwrap_or_default();
        if all_null {
            continue;
        }
        // Long text is cut in the footer: a bound, but no value of the column.
        if !statistics.is_some_and(|s| s.min_is_exact() && s.max_is_exact()) {
            running.bounded = false;
            return Ok(());
        }
        let (low, high) = (scalar(&lows, i)?, scalar(&highs, i)?);
        if low.is_null() || high.is_null() {
            running.bounded = false;
            return Ok(());
        }
        if running.min.as_ref().is_none_or(|m| low < *m) {
            running.min = Some(low);
        }
        if running.max.as_ref().is_none_or(|m| high > *m) {
            running.max = Some(high);
        }
    }
    Ok(())
}

fn scalar(array: &ArrayRef, at: usize) -> Result<ScalarValue, String> {
    let to = normal::table_type(&normal::scan_type(array.data_type()));
    let array = if array.data_type() == &to || to == DataType::Null {
        Arc::clone(array)
    } else {
        cast(array, &to).map_err(|e| e.to_string())?
    };
    ScalarValue::try_from_array(&array, at).map_err(|e| e.to_string())
}

fn printed(value: ScalarValue) -> Option<String> {
    let array = value.to_array().ok()?;
    let formatter = ArrayFormatter::try_new(array.as_ref(), &FormatOptions::new()).ok()?;
    formatter.value(0).try_to_string().ok()
}
