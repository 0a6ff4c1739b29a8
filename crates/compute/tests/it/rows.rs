use std::sync::Arc;

use steward_compute::arrow::array::*;
use steward_compute::arrow::datatypes::*;
use steward_compute::{EngineError, Rows, Value};

fn list(rows: &[Option<&[f64]>]) -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(
        rows.iter()
            .map(|r| r.map(|r| r.iter().map(|x| Some(*x)).collect::<Vec<_>>())),
    ))
}

pub fn rows(columns: Vec<(&str, ArrayRef)>) -> Rows {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
    let half = batch.num_rows() / 2;
    let batches = vec![batch.slice(0, half), batch.slice(half, batch.num_rows() - half)];
    Rows::new(batch.schema(), batches, "SELECT 1")
}

#[test]
fn cells_are_the_same_whatever_the_width_or_encoding() {
    let r = rows(vec![
        ("small", Arc::new(Int8Array::from(vec![Some(-3), None])) as ArrayRef),
        ("unsigned", Arc::new(UInt64Array::from(vec![Some(7), Some(8)]))),
        ("view", Arc::new(StringViewArray::from(vec![Some("a"), None]))),
        (
            "dictionary",
            Arc::new(DictionaryArray::<Int32Type>::from_iter([Some("x"), Some("y")])),
        ),
        (
            "decimal",
            Arc::new(
                Decimal128Array::from(vec![150, 275])
                    .with_precision_and_scale(10, 2)
                    .unwrap(),
            ),
        ),
        (
            "time",
            Arc::new(TimestampNanosecondArray::from(vec![1_500_000_000, 0]).with_timezone("UTC")),
        ),
        ("day", Arc::new(Date32Array::from(vec![1, 2]))),
        ("flag", Arc::new(BooleanArray::from(vec![true, false]))),
    ]);
    assert_eq!(r.len(), 2);
    assert_eq!(r.value(0, "small").unwrap(), Value::Integer(-3));
    assert_eq!(r.value(1, "small").unwrap(), Value::Null);
    assert_eq!(r.integers("unsigned").unwrap(), [Some(7), Some(8)]);
    assert_eq!(r.strings("view").unwrap(), [Some("a".to_owned()), None]);
    assert_eq!(r.value(1, "dictionary").unwrap(), Value::Text("y".into()));
    assert_eq!(r.numbers("decimal").unwrap(), [Some(1.5), Some(2.75)]);
    assert_eq!(r.value(0, "time").unwrap(), Value::Timestamp(1_500_000));
    assert_eq!(
        r.timestamps("day").unwrap(),
        [Some(86_400_000_000), Some(172_800_000_000)]
    );
    assert_eq!(
        r.strings("time").unwrap()[0].as_deref(),
        Some("1970-01-01T00:00:01.500Z")
    );
    assert_eq!(r.booleans("flag").unwrap(), [Some(true), Some(false)]);
}

#[test]
fn what_does_not_fit_is_refused_with_the_column_named() {
    let r = rows(vec![
        ("x", Arc::new(Float64Array::from(vec![1.5, 2.0])) as ArrayRef),
        ("huge", Arc::new(UInt64Array::from(vec![u64::MAX, 1]))),
    ]);
    let text = |e: EngineError| e.to_string();
    assert!(text(r.integers("x").unwrap_err()).contains("column x"));
    assert!(text(r.values("huge").unwrap_err()).contains("column huge"));
    assert!(text(r.value(2, "x").unwrap_err()).contains("row 2 asked of 2 rows"));
    assert!(text(r.value(0, "y").unwrap_err()).contains("it has x, huge"));
}

#[test]
fn moments_come_back_from_flat_lists() {
    // 1, 2, 3 and 10, 20, 30: means 2 and 20; cross 2, 20, 200.
    let flat = [3.0, 2.0, 20.0, 2.0, 20.0, 200.0];
    let r = rows(vec![("m", list(&[Some(&flat), Some(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0])]))]);
    let m = r.moments("m").unwrap();
    assert_eq!((m[0].count(), m[0].mean(1), m[0].cross(0, 1)), (3, 20.0, 20.0));
    assert_eq!(m[1].count(), 0);

    let r = rows(vec![("m", list(&[None, Some(&flat)]))]);
    assert!(r.moments("m").is_err());
    assert_eq!(r.moments_or_empty("m", 2).unwrap()[0].count(), 0);
    assert!(r.moments_or_empty("m", 1).is_err());
    for wrong in [&[1.0, 2.0][..], &[3.0, f64::NAN, 1.0]] {
        assert!(rows(vec![("m", list(&[Some(wrong)]))]).moments("m").is_err());
    }
}
