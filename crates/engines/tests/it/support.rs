//! Tables and engines for tests.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use parquet::arrow::ArrowWriter;
use steward_compute::{Engine, EngineError, Query, Rows, RunControl, TableFormat, TableSource, Value};
use steward_engines::{DataFusionEngine, Options};

pub fn engine(folder: &Path, threads: usize) -> DataFusionEngine {
    engine_with(folder, threads, 256)
}

pub fn engine_with(folder: &Path, threads: usize, memory_mib: usize) -> DataFusionEngine {
    DataFusionEngine::new(Options {
        memory_mib,
        temp_dir: folder.join("tmp"),
        threads,
        cache_dir: None,
    })
    .unwrap()
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(future)
}

pub fn write_parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

pub fn source(name: &str, format: TableFormat, location: impl AsRef<Path>) -> TableSource {
    TableSource {
        name: name.into(),
        format,
        location: location.as_ref().display().to_string(),
        columns: vec![],
    }
}

pub fn csv() -> TableFormat {
    TableFormat::Csv {
        delimiter: ',',
        encoding: None,
    }
}

pub fn query(sql: &str, parameters: Vec<Value>) -> Query {
    Query {
        label: "test".into(),
        sql: sql.into(),
        parameters,
    }
}

pub fn register(engine: &dyn Engine, source: &TableSource) -> Result<SchemaRef, EngineError> {
    block_on(engine.register(source))
}

pub fn run(engine: &dyn Engine, sql: &str) -> Rows {
    block_on(engine.run(&query(sql, vec![]), &RunControl::default())).unwrap()
}

pub fn failure(engine: &dyn Engine, sql: &str) -> EngineError {
    block_on(engine.run(&query(sql, vec![]), &RunControl::default())).unwrap_err()
}

/// Reproducible doubles in [0, 1).
pub fn noise(n: usize, seed: u64) -> Vec<f64> {
    (0..n as u64)
        .map(|i| {
            let mut z = (i + seed * 1_000_003).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        })
        .collect()
}

pub fn doubles(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}
