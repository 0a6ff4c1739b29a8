//! Parameters, times, snapshots and facts on the embedded engine.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::DataType;
use steward_compute::{Engine, RunControl, TableFormat, Value};
use steward_engines::{DataFusionEngine, Options};

use crate::support::*;

fn sample(folder: &std::path::Path) -> std::path::PathBuf {
    let path = folder.join("t.parquet");
    let times = TimestampNanosecondArray::from(vec![0, 86_400_000_000_000, 172_800_000_000_000]);
    write_parquet(
        &path,
        vec![
            (
                "id",
                Arc::new(Int32Array::from(vec![Some(3), None, Some(1)])) as ArrayRef,
            ),
            ("name", Arc::new(StringArray::from(vec![Some("b"), Some("a"), None]))),
            ("at", Arc::new(times)),
            (
                "price",
                Arc::new(
                    Decimal128Array::from(vec![150, 250, 350])
                        .with_precision_and_scale(10, 2)
                        .unwrap(),
                ),
            ),
        ],
    );
    path
}

#[test]
fn parameters_are_bound_and_types_are_the_same_for_every_engine() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), 2);
    register(&engine, &source("t", TableFormat::Parquet, sample(folder.path()))).unwrap();
    let sql = "SELECT id, name, at, sum(price) AS price FROM t WHERE at >= $1 AND name = $2 GROUP BY id, name, at";
    let bound = query(sql, vec![Value::Timestamp(0), Value::Text("b'; --".into())]);
    let rows = block_on(engine.run(&bound, &RunControl::default())).unwrap();
    assert!(rows.is_empty());
    let bound = query(sql, vec![Value::Timestamp(-1), Value::Text("b".into())]);
    let rows = block_on(engine.run(&bound, &RunControl::default())).unwrap();
    let types: Vec<String> = rows.schema.fields().iter().map(|f| f.data_type().to_string()).collect();
    assert_eq!(types, ["Int64", "Utf8", "Timestamp(µs, \"UTC\")", "Float64"]);
    assert_eq!(rows.schema, block_on(engine.plan(&bound)).unwrap());
    assert_eq!(rows.value(0, "price").unwrap(), Value::Number(1.5));
}

#[test]
fn a_week_starts_at_local_midnight() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), 1);
    register(&engine, &source("t", TableFormat::Parquet, sample(folder.path()))).unwrap();
    // 2025-03-30 is the day on which Berlin's clocks go forward; its week began on Monday 24 March at 00:00 +01:00.
    let sql =
        "SELECT date_trunc('week', TIMESTAMP '2025-03-30T21:30:00Z' AT TIME ZONE 'Europe/Berlin') AS w FROM t LIMIT 1";
    let rows = run(&engine, sql);
    assert_eq!(rows.strings("w").unwrap()[0].as_deref(), Some("2025-03-23T23:00:00Z"));
}

#[test]
fn times_before_1970_and_sums_with_intervals_are_exact() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("t.parquet");
    // 1969-12-28 23:59:59.999999 (a Sunday) and 2024-02-29 12:34:56.
    let times = TimestampMicrosecondArray::from(vec![Some(-259_200_000_001), Some(1_709_210_096_000_000), None]);
    write_parquet(&place, vec![("t", Arc::new(times.with_timezone("UTC")))]);
    let engine = engine(folder.path(), 1);
    register(&engine, &source("t", TableFormat::Parquet, place)).unwrap();
    let rows = run(
        &engine,
        "SELECT date_trunc('week', t) AS week, date_trunc('day', t) AS day, date_trunc('month', t) AS month, \
         t + INTERVAL '1 day 2 hours' AS later, t - INTERVAL '1 month' AS before FROM t ORDER BY t",
    );
    let texts = |column: &str| {
        rows.strings(column)
            .unwrap()
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect::<Vec<_>>()
    };
    assert_eq!(texts("week"), ["1969-12-22T00:00:00Z", "2024-02-26T00:00:00Z", ""]);
    assert_eq!(texts("day"), ["1969-12-28T00:00:00Z", "2024-02-29T00:00:00Z", ""]);
    assert_eq!(texts("month"), ["1969-12-01T00:00:00Z", "2024-02-01T00:00:00Z", ""]);
    assert_eq!(
        texts("later"),
        ["1969-12-30T01:59:59.999999Z", "2024-03-01T14:34:56Z", ""]
    );
    assert_eq!(
        texts("before"),
        ["1969-11-28T23:59:59.999999Z", "2024-01-29T12:34:56Z", ""]
    );
}

#[test]
fn snapshots_follow_content_and_not_time_or_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample(folder.path());
    let cache = folder.path().join("cache");
    let new = || {
        let options = Options {
            temp_dir: folder.path().join("tmp"),
            cache_dir: Some(cache.clone()),
            ..Options::default()
        };
        DataFusionEngine::new(options).unwrap()
    };
    let table = source("t", TableFormat::Parquet, &path);
    let digest = |engine: &DataFusionEngine| block_on(engine.snapshot("t")).unwrap().digest;
    let engine = new();
    register(&engine, &table).unwrap();
    let first = block_on(engine.snapshot("t")).unwrap();
    assert!(first.exact);
    assert_eq!((first.files, first.bytes), (1, std::fs::metadata(&path).unwrap().len()));

    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    std::fs::File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .set_modified(old)
        .unwrap();
    assert_eq!(digest(&engine), first.digest);
    let again = new();
    register(&again, &table).unwrap();
    assert_eq!(digest(&again), first.digest);
    assert!(
        std::fs::read_to_string(cache.join("digests.tsv"))
            .unwrap()
            .contains("t.parquet")
    );

    write_parquet(&path, vec![("id", Arc::new(Int32Array::from(vec![4])) as ArrayRef)]);
    assert_ne!(digest(&engine), first.digest);
}

#[test]
fn facts_come_from_the_footer() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), 1);
    register(&engine, &source("t", TableFormat::Parquet, sample(folder.path()))).unwrap();
    let facts = block_on(engine.facts("t")).unwrap();
    assert_eq!(facts.rows, Some(3));
    let told: Vec<_> = facts
        .columns
        .iter()
        .map(|c| (c.nulls, c.min.as_deref(), c.max.as_deref()))
        .collect();
    assert_eq!(told[0], (Some(1), Some("1"), Some("3")));
    assert_eq!(told[1], (Some(1), Some("a"), Some("b")));
    assert_eq!(
        told[2],
        (Some(0), Some("1970-01-01T00:00:00Z"), Some("1970-01-03T00:00:00Z"))
    );
    assert_eq!(told[3], (Some(0), Some("1.50"), Some("3.50")));
    assert_eq!(facts.columns[0].data_type, DataType::Int32.to_string());
}

#[test]
fn facts_read_no_page_of_data() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("t.parquet");
    let n = 50_000;
    write_parquet(
        &place,
        vec![
            ("id", Arc::new(Int64Array::from_iter_values(0..n)) as ArrayRef),
            (
                "x",
                Arc::new(
                    (0..n)
                        .map(|i| (i % 4 != 0).then_some(i as f64))
                        .collect::<Float64Array>(),
                ),
            ),
        ],
    );
    // Every page is overwritten: whoever reads one fails.
    let reader = parquet::file::reader::SerializedFileReader::new(std::fs::File::open(&place).unwrap()).unwrap();
    let groups = parquet::file::reader::FileReader::metadata(&reader).row_groups();
    let ends = groups.iter().flat_map(|g| g.columns()).map(|c| {
        let (start, length) = c.byte_range();
        (start + length) as usize
    });
    let mut bytes = std::fs::read(&place).unwrap();
    bytes[4..ends.max().unwrap()].fill(0xAA);
    std::fs::write(&place, bytes).unwrap();
    let engine = engine(folder.path(), 1);
    register(&engine, &source("t", TableFormat::Parquet, &place)).unwrap();
    let facts = block_on(engine.facts("t")).unwrap();
    assert_eq!(facts.rows, Some(50_000));
    let told: Vec<_> = facts
        .columns
        .iter()
        .map(|c| (c.nulls, c.min.as_deref(), c.max.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (Some(0), Some("0"), Some("49999")),
            (Some(12_500), Some("1.0"), Some("49999.0"))
        ]
    );
    // Counts and extremes of whole tables come from there too; a sum cannot.
    let rows = run(
        &engine,
        "SELECT count(*) AS n, count(x) AS k, min(id) AS low, max(id) AS high FROM t",
    );
    assert_eq!(
        ["n", "k", "low", "high"].map(|c| rows.integers(c).unwrap()[0]),
        [Some(50_000), Some(37_500), Some(0), Some(49_999)]
    );
    failure(&engine, "SELECT sum(x) FROM t");
}
