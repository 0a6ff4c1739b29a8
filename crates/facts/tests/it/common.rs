//! A log of two columns, and its rows read as an engine reads them.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use steward_facts::FactLog;

pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("value", DataType::Int64, true),
    ]))
}

pub fn open(folder: &Path) -> FactLog {
    FactLog::open(&folder.join("facts"), schema()).unwrap()
}

pub fn batch<S: AsRef<str>>(keys: &[S]) -> RecordBatch {
    let ids = StringArray::from_iter_values(keys);
    let values = Int64Array::from_iter_values(0..keys.len() as i64);
    RecordBatch::try_new(schema(), vec![Arc::new(ids), Arc::new(values)]).unwrap()
}

/// Files that the list names.
pub fn listed(folder: &Path) -> Vec<String> {
    let list = std::fs::read_to_string(folder.join("facts/_files")).unwrap();
    list.lines()
        .filter(|l| !l.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// Keys and values in the files, in order.
pub fn rows(folder: &Path) -> Vec<(String, i64)> {
    let mut all = Vec::new();
    for name in listed(folder) {
        let file = std::fs::File::open(folder.join("facts").join(name)).unwrap();
        for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            let batch = batch.unwrap();
            let keys = batch.column(0).as_string::<i32>();
            let values = batch.column(1).as_primitive::<Int64Type>();
            all.extend(
                keys.iter()
                    .zip(values.iter())
                    .map(|(k, v)| (k.unwrap().to_owned(), v.unwrap())),
            );
        }
    }
    all
}

/// Keys in the files after a seal.
pub async fn sealed_keys(log: &FactLog, folder: &Path) -> Vec<String> {
    log.seal().await.unwrap();
    rows(folder).into_iter().map(|(key, _)| key).collect()
}
