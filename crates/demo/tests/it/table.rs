//! A generated world and its tables as columns.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use steward_demo::{Summary, World, generate};

/// Microseconds of a day, and the first day of 2025 since 1970.
pub const DAY: i64 = 86_400_000_000;
pub const EPOCH_DAY: i64 = 20_089;

/// First microsecond of a day of 2025, counted from 0.
pub fn midnight(day: i64) -> i64 {
    (EPOCH_DAY + day) * DAY
}

pub struct Made {
    pub dir: PathBuf,
    pub summary: Summary,
    _keep: tempfile::TempDir,
}

pub fn make(seed: u64, scale: f64, threads: usize) -> Made {
    let keep = tempfile::tempdir().unwrap();
    let dir = keep.path().to_path_buf();
    let world = World { seed, scale, threads };
    let summary = generate(&world, &dir.join("data"), &dir.join("truth"), &|_| {}).unwrap();
    Made {
        dir,
        summary,
        _keep: keep,
    }
}

/// The world that most tests look at.
pub fn shared() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| make(20_260_101, 0.075, 2))
}

/// A table's columns by name.
pub struct Table {
    batch: RecordBatch,
}

pub fn read(path: &Path) -> Table {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = builder.schema().clone();
    let batches: Vec<RecordBatch> = builder.build().unwrap().map(|b| b.unwrap()).collect();
    Table {
        batch: concat_batches(&schema, &batches).unwrap(),
    }
}

impl Made {
    pub fn data(&self, table: &str) -> Table {
        read(&self.dir.join(format!("data/{table}.parquet")))
    }

    pub fn truth(&self, table: &str) -> Table {
        read(&self.dir.join(format!("truth/truth_{table}.parquet")))
    }

    /// A true parameter.
    pub fn parameter(&self, name: &str) -> f64 {
        let table = self.truth("parameters");
        let names = table.texts("name");
        let at = names
            .iter()
            .position(|n| n == name)
            .unwrap_or_else(|| panic!("no parameter {name}"));
        table.numbers("value")[at]
    }
}

impl Table {
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    pub fn names(&self) -> Vec<String> {
        self.batch.schema().fields().iter().map(|f| f.name().clone()).collect()
    }

    fn column(&self, name: &str) -> &dyn Array {
        self.batch
            .column_by_name(name)
            .unwrap_or_else(|| panic!("no column {name}"))
            .as_ref()
    }

    /// Whole numbers, times in microseconds, days since 1970 and money in cents; nulls are `None`.
    pub fn maybe(&self, name: &str) -> Vec<Option<i64>> {
        let column = self.column(name);
        match column.data_type() {
            DataType::Int64 => column.as_primitive::<Int64Type>().iter().collect(),
            DataType::Int32 => column
                .as_primitive::<Int32Type>()
                .iter()
                .map(|v| v.map(i64::from))
                .collect(),
            DataType::Date32 => column
                .as_primitive::<Date32Type>()
                .iter()
                .map(|v| v.map(i64::from))
                .collect(),
            DataType::Timestamp(..) => column.as_primitive::<TimestampMicrosecondType>().iter().collect(),
            DataType::Decimal128(18, 2) => column
                .as_primitive::<Decimal128Type>()
                .iter()
                .map(|v| v.map(|v| v as i64))
                .collect(),
            DataType::Boolean => column.as_boolean().iter().map(|v| v.map(i64::from)).collect(),
            other => panic!("{name} is {other}"),
        }
    }

    pub fn longs(&self, name: &str) -> Vec<i64> {
        self.maybe(name)
            .into_iter()
            .map(|v| v.unwrap_or_else(|| panic!("null in {name}")))
            .collect()
    }

    pub fn numbers(&self, name: &str) -> Vec<f64> {
        let column = self.column(name);
        assert_eq!(column.null_count(), 0, "nulls in {name}");
        match column.data_type() {
            DataType::Float64 => column.as_primitive::<Float64Type>().values().to_vec(),
            DataType::Float32 => column
                .as_primitive::<Float32Type>()
                .values()
                .iter()
                .map(|&v| f64::from(v))
                .collect(),
            _ => self.longs(name).into_iter().map(|v| v as f64).collect(),
        }
    }

    pub fn nulls(&self, name: &str) -> Vec<bool> {
        let column = self.column(name);
        (0..column.len()).map(|n| column.is_null(n)).collect()
    }

    pub fn texts(&self, name: &str) -> Vec<String> {
        self.column(name)
            .as_string::<i32>()
            .iter()
            .map(|v| v.unwrap_or("").to_owned())
            .collect()
    }

    /// Positions of rows by a key column.
    pub fn index(&self, name: &str) -> BTreeMap<i64, usize> {
        self.longs(name)
            .into_iter()
            .enumerate()
            .map(|(n, key)| (key, n))
            .collect()
    }
}
