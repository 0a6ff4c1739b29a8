use std::sync::Arc;

use steward_compute::arrow::array::*;
use steward_compute::arrow::datatypes::{DataType, Field, Float64Type, Schema};
use steward_compute::arrow::ipc::reader::StreamReader;
use steward_compute::{Format, Rows};

fn sample() -> Rows {
    crate::rows::rows(vec![
        (
            "name",
            Arc::new(StringArray::from(vec![Some("a \"b\", c"), None])) as ArrayRef,
        ),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from(vec![0, 1_000_000]).with_timezone("UTC")),
        ),
        (
            "m",
            Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>([
                Some([Some(1.0), Some(2.5)]),
                None,
            ])),
        ),
    ])
}

fn text(rows: &Rows, format: &str) -> String {
    String::from_utf8(format.parse::<Format>().unwrap().to_bytes(rows).unwrap()).unwrap()
}

#[test]
fn each_format_keeps_quotes_nulls_times_and_lists() {
    assert_eq!(
        text(&sample(), "csv"),
        "name,at,m\n\"a \"\"b\"\", c\",1970-01-01T00:00:00Z,\"[1.0, 2.5]\"\n,1970-01-01T00:00:01Z,\n"
    );
    let json: serde_json::Value = serde_json::from_str(&text(&sample(), "json")).unwrap();
    assert_eq!(json[0]["m"], serde_json::json!([1.0, 2.5]));
    assert_eq!(json[1]["name"], serde_json::Value::Null);
    assert_eq!(text(&sample(), "jsonl").lines().count(), 2);
    assert!(text(&sample(), "table").contains("| a \"b\", c | 1970-01-01T00:00:00Z | [1.0, 2.5] |"));
    let bytes = Format::Arrow.to_bytes(&sample()).unwrap();
    let back: Vec<RecordBatch> = StreamReader::try_new(&bytes[..], None)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(back, sample().batches);
}

#[test]
fn an_empty_result_still_shows_its_columns() {
    let schema = Arc::new(Schema::new(vec![Field::new("x,y", DataType::Int64, true)]));
    let empty = Rows::new(schema, vec![], "");
    assert_eq!(text(&empty, "csv"), "\"x,y\"\n");
    assert_eq!(text(&empty, "json").trim(), "[]");
    assert!(text(&empty, "table").contains("x,y"));
}

#[test]
fn an_unknown_format_lists_the_known_ones() {
    assert!(
        "xml"
            .parse::<Format>()
            .unwrap_err()
            .to_string()
            .contains("table, csv, json, jsonl or arrow")
    );
}
