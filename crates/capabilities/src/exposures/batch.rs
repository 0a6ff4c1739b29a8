//! Exposures as rows of the fact log.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use steward_definitions::COLLECTED_COLUMNS;

use super::check::Exposure;

/// Columns of the log, as the dataset `steward_exposures` promises them.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let fields = COLLECTED_COLUMNS.map(|(name, logical_type, _)| {
            let data_type = match logical_type {
                "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                _ => DataType::Utf8,
            };
            Field::new(name, data_type, name == "attributes")
        });
        Arc::new(Schema::new(Vec::from(fields)))
    });
    SCHEMA.clone()
}

/// One batch, received at one moment.
pub(super) fn of(rows: &[Exposure], received_us: i64) -> Result<RecordBatch, ArrowError> {
    fn text<'a>(rows: &'a [Exposure], field: impl Fn(&'a Exposure) -> &'a str) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(field)))
    }
    let time =
        |values: Vec<i64>| -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC")) };
    let attributes: StringArray = rows.iter().map(|e| e.attributes).collect();
    let columns = vec![
        text(rows, |e| &e.id),
        text(rows, |e| &e.experiment),
        text(rows, |e| &e.unit),
        text(rows, |e| &e.variant),
        time(rows.iter().map(|e| e.ts_us).collect()),
        time(vec![received_us; rows.len()]),
        Arc::new(attributes),
    ];
    RecordBatch::try_new(schema(), columns)
}
