//! Awkward CSV and JSON lines come out typed and whole.

use std::path::Path;

use arrow::datatypes::{DataType, TimeUnit};
use steward_compute::{Engine, TableFormat, Value};

use crate::support::*;

fn types(schema: &arrow::datatypes::Schema) -> Vec<(String, DataType)> {
    schema
        .fields()
        .iter()
        .map(|f| (f.name().clone(), f.data_type().clone()))
        .collect()
}

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_mark_blank_lines_quotes_and_mixed_types() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\u{feff}id,\"note, long\",mixed,amount,day,at,zip,ok\r\n\
        1,\"said \"\"hi\"\"\nand left\",1,1.5,2025-01-31,2025-01-31T12:00:00+02:00,01067,true\r\n\
        \r\n   \r\n\
        2,,x,2,2025-02-01,2025-01-31 12:00:00,10115,FALSE\r\n";
    let path = write(folder.path(), "awkward.csv", text);
    let engine = engine(folder.path(), 2);
    let schema = register(&engine, &source("t", csv(), path)).unwrap();
    let expected = [
        ("id", DataType::Int64),
        ("note, long", DataType::Utf8),
        ("mixed", DataType::Utf8),
        ("amount", DataType::Float64),
        ("day", DataType::Date32),
        ("at", utc()),
        ("zip", DataType::Utf8),
        ("ok", DataType::Boolean),
    ];
    assert_eq!(types(&schema), expected.map(|(n, t)| (n.to_owned(), t)));
    let rows = run(&engine, "SELECT * FROM t ORDER BY id");
    assert_eq!(rows.len(), 2);
    assert_eq!(
        rows.value(0, "note, long").unwrap(),
        Value::Text("said \"hi\"\nand left".into())
    );
    assert_eq!(rows.value(1, "note, long").unwrap(), Value::Null);
    assert_eq!(rows.value(1, "at").unwrap(), Value::Timestamp(1_738_324_800_000_000));
    assert_eq!(rows.value(0, "at").unwrap(), Value::Timestamp(1_738_317_600_000_000));
    assert_eq!(rows.value(0, "zip").unwrap(), Value::Text("01067".into()));
}

#[test]
fn semicolons_in_latin_1() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "latin.csv", b"name;gr\xF6\xDFe\nJos\xE9;3\nZo\xEB;4\n");
    let engine = engine(folder.path(), 1);
    let format = |encoding: Option<&str>| TableFormat::Csv {
        delimiter: ';',
        encoding: encoding.map(str::to_owned),
    };
    let schema = register(&engine, &source("t", format(Some("latin1")), &path)).unwrap();
    assert_eq!(schema.field(1).name(), "größe");
    assert_eq!(
        run(&engine, "SELECT name FROM t ORDER BY name")
            .strings("name")
            .unwrap()[0]
            .as_deref(),
        Some("José")
    );

    let error = register(&engine, &source("t", format(None), &path))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("line 1, header 2: the byte 0xF6 is not UTF-8; set the dataset's encoding"),
        "{error}"
    );
    let error = register(&engine, &source("t", format(Some("latin-x")), &path))
        .unwrap_err()
        .to_string();
    assert!(error.contains("no encoding is called \"latin-x\""), "{error}");
    let error = register(
        &engine,
        &source(
            "t",
            TableFormat::Csv {
                delimiter: ',',
                encoding: Some("latin1".into()),
            },
            &path,
        ),
    );
    let error = error.unwrap_err().to_string();
    assert!(error.contains("set the delimiter to ';'"), "{error}");
}

#[test]
fn the_contract_types_columns_while_every_value_fits() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "t.csv", "code,flag,n,bad\n1,0,1,5\n2,1,2,five\n");
    let mut table = source("t", csv(), path);
    let promise = |name: &str, logical: &str| (name.to_owned(), logical.to_owned());
    table.columns = vec![
        promise("code", "string"),
        promise("flag", "boolean"),
        promise("n", "number"),
        promise("bad", "integer"),
    ];
    let engine = engine(folder.path(), 1);
    let schema = register(&engine, &table).unwrap();
    let found: Vec<DataType> = schema.fields().iter().map(|f| f.data_type().clone()).collect();
    assert_eq!(
        found,
        [DataType::Utf8, DataType::Boolean, DataType::Float64, DataType::Utf8]
    );
}

#[test]
fn two_hundred_columns_in_a_folder_of_two_files_with_columns_in_another_order() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..200).map(|i| format!("c{i}")).collect();
    let row = |k: usize| (0..200).map(|i| (i * k).to_string()).collect::<Vec<_>>();
    let text = |names: Vec<String>, values: Vec<String>| format!("{}\n{}\n", names.join(","), values.join(","));
    std::fs::create_dir(folder.path().join("wide")).unwrap();
    write(folder.path(), "wide/a.csv", text(names.clone(), row(1)));
    write(
        folder.path(),
        "wide/b.csv",
        text(names.into_iter().rev().collect(), row(2).into_iter().rev().collect()),
    );
    write(folder.path(), "wide/_SUCCESS", "");
    let engine = engine(folder.path(), 2);
    for place in ["wide", "wide/*.csv"] {
        register(&engine, &source("wide", csv(), folder.path().join(place))).unwrap();
        let rows = run(&engine, "SELECT sum(c199) AS s, count(*) AS n FROM wide");
        assert_eq!(
            (rows.value(0, "s").unwrap(), rows.value(0, "n").unwrap()),
            (Value::Integer(597), Value::Integer(2))
        );
    }
    assert_eq!(block_on(engine.facts("wide")).unwrap().rows, Some(2));
}

#[test]
fn json_lines_type_over_the_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = "{\"id\": 1, \"x\": 1, \"tag\": \"7\", \"at\": \"2025-01-01T00:00:00Z\"}\n\n\
        {\"id\": 2, \"x\": 2.5, \"tag\": null, \"more\": {\"a\": [1]}}\n";
    let path = write(folder.path(), "t.jsonl", text);
    let engine = engine(folder.path(), 1);
    let schema = register(&engine, &source("t", TableFormat::Json, path)).unwrap();
    let expected = [
        ("at", utc()),
        ("id", DataType::Int64),
        ("tag", DataType::Utf8),
        ("x", DataType::Float64),
        ("more", DataType::Utf8),
    ];
    assert_eq!(types(&schema), expected.map(|(n, t)| (n.to_owned(), t)));
    let rows = run(&engine, "SELECT more, x FROM t WHERE id = 2");
    assert_eq!(rows.value(0, "more").unwrap(), Value::Text("{\"a\":[1]}".into()));
}

#[test]
fn a_file_written_anew_is_read_anew_and_its_digest_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "t.csv", "n\n1\n2\n");
    let engine = engine(folder.path(), 1);
    register(&engine, &source("t", csv(), &path)).unwrap();
    let (sum, digest) = (
        || run(&engine, "SELECT sum(n) AS s FROM t").integers("s").unwrap()[0],
        || block_on(engine.snapshot("t")).unwrap().digest,
    );
    let before = digest();
    assert_eq!(sum(), Some(3));
    write(folder.path(), "t.csv", "n\n1\n2\n40\n");
    assert_eq!(sum(), Some(43));
    assert_ne!(digest(), before);
    std::fs::remove_file(&path).unwrap();
    assert!(
        failure(&engine, "SELECT 1 AS x FROM t")
            .to_string()
            .contains("no such file")
    );
}
