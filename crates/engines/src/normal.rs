//! One Arrow type per kind of value, so that a query's result has the same types whatever engine ran it.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::error::ArrowError;

/// All times are microseconds in UTC.
pub(crate) fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn map_nested(data_type: &DataType, map: fn(&DataType) -> DataType) -> DataType {
    let field = |f: &Arc<Field>| Arc::new(f.as_ref().clone().with_data_type(map(f.data_type())));
    match data_type {
        DataType::List(f) | DataType::LargeList(f) | DataType::FixedSizeList(f, _) => DataType::List(field(f)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect::<Fields>()),
        other => other.clone(),
    }
}

/// The type of a result's column: integers `Int64`, other numbers `Float64`, text `Utf8`, times microseconds UTC.
pub(crate) fn result_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, value) => result_type(value),
        t if t.is_integer() => DataType::Int64,
        t if t.is_floating() || t.is_decimal() => DataType::Float64,
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Timestamp(..) => timestamp(),
        DataType::Date64 => DataType::Date32,
        other => map_nested(other, result_type),
    }
}

/// The type that a file's column is read as: text as views, times in microseconds UTC, numbers as they are.
pub(crate) fn scan_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, value) => scan_type(value),
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Timestamp(..) => timestamp(),
        DataType::Date64 => DataType::Date32,
        other => other.clone(),
    }
}

/// The type that a table is said to have: as stored, but for text encodings and time units.
pub(crate) fn table_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        other => other.clone(),
    }
}

/// A schema with each type mapped; no metadata.
pub(crate) fn map_schema(schema: &Schema, map: fn(&DataType) -> DataType) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|f| Field::new(f.name(), map(f.data_type()), f.is_nullable()))
        .collect();
    Arc::new(Schema::new(fields))
}

/// A result's batch in the types of [`result_type`].
pub(crate) fn result_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(array, field)| cast_with_options(array, field.data_type(), &options))
        .collect::<Result<Vec<ArrayRef>, _>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns)
}
