//! Broken files and wrong queries are refused with what, where and what to do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::*;
use steward_compute::{Engine, EngineError, RunControl, TableFormat};

use crate::support::*;

fn refused(folder: &Path, format: TableFormat, place: impl AsRef<Path>) -> String {
    let engine = engine(folder, 1);
    let error = register(&engine, &source("t", format, folder.join(place))).unwrap_err();
    assert!(matches!(error, EngineError::Table { .. }), "{error:?}");
    error.to_string()
}

fn good_parquet(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("unit_id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("customerID", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
        ("revenue", doubles([1.0, 2.0, 3.0])),
    ];
    write_parquet(&path, columns);
    path
}

#[test]
fn files_that_are_missing_empty_cut_off_or_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let whole = std::fs::read(good_parquet(here, "orders.parquet")).unwrap();
    std::fs::write(here.join("empty.parquet"), b"").unwrap();
    std::fs::write(here.join("cut.parquet"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(here.join("text.parquet"), "a,b\n1,2\n").unwrap();
    std::fs::create_dir(here.join("bare")).unwrap();

    let expect = |place: &str, words: &[&str]| {
        let error = refused(here, TableFormat::Parquet, place);
        for word in words {
            assert!(error.contains(word), "{place}: {error}");
        }
    };
    expect("empty.parquet", &["empty.parquet", "empty (0 bytes)"]);
    expect(
        "cut.parquet",
        &["cut.parquet", "not a whole Parquet file", "write it again"],
    );
    expect("text.parquet", &["not a whole Parquet file"]);
    expect("order.parquet", &["no such file", "did you mean orders.parquet?"]);
    expect("gone/x.parquet", &["gone does not exist either"]);
    expect("*.pq", &["no file matches the pattern"]);
    expect("bare", &["holds no file ending in .parquet"]);
}

#[test]
fn a_table_that_could_not_be_read_says_why_until_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let whole = std::fs::read(good_parquet(here, "orders.parquet")).unwrap();
    std::fs::write(here.join("cut.parquet"), &whole[..whole.len() / 2]).unwrap();
    let engine = engine(here, 1);
    let cut = source("t", TableFormat::Parquet, here.join("cut.parquet"));
    register(&engine, &cut).unwrap_err();
    for error in [
        failure(&engine, "SELECT count(*) FROM t"),
        block_on(engine.snapshot("t")).unwrap_err(),
        block_on(engine.facts("t")).unwrap_err(),
    ] {
        assert!(matches!(error, EngineError::Table { .. }), "{error:?}");
        assert!(error.to_string().contains("not a whole Parquet file"), "{error}");
    }
    let unknown = failure(&engine, "SELECT count(*) FROM u").to_string();
    assert!(unknown.contains("no table u"), "{unknown}");
    std::fs::write(here.join("cut.parquet"), &whole).unwrap();
    run(&engine, "SELECT count(*) FROM t");
}

#[test]
fn files_of_one_table_that_disagree() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for (place, columns) in [
        (
            "names",
            vec![
                ("unit_id", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
                ("rev", doubles([1.0])),
            ],
        ),
        (
            "types",
            vec![
                ("unit_id", doubles([1.0])),
                ("customerID", Arc::new(StringArray::from(vec!["a"])) as ArrayRef),
                ("revenue", doubles([1.0])),
            ],
        ),
    ] {
        std::fs::create_dir(here.join(place)).unwrap();
        good_parquet(&here.join(place), "a.parquet");
        write_parquet(&here.join(place).join("b.parquet"), columns);
    }
    let error = refused(here, TableFormat::Parquet, "names");
    assert!(
        error.contains("b.parquet") && error.contains("lacks customerID, revenue and adds rev"),
        "{error}"
    );
    let error = refused(here, TableFormat::Parquet, "types");
    assert!(error.contains("column unit_id is Float64 here and Int64 in"), "{error}");
}

#[test]
fn ragged_rows_name_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let expect = |text: &str, words: &str| {
        std::fs::write(here.join("t.csv"), text).unwrap();
        let error = refused(here, csv(), "t.csv");
        assert!(error.contains(words), "{error}");
    };
    expect(
        "a,b\n1,2\n\"x\ny\",2\n1,2,3\n",
        "line 5 has 3 fields, the header has 2; a field that holds",
    );
    expect(
        "a,b\n1,2\n1\n",
        "line 3 has 1 fields, the header has 2; the line may be cut off",
    );
    expect("a,b\n1,\"2\n3,4\n5,6\n7\n", "a quote opened on line 2 is not closed");
    expect("a,a\n1,2\n", "the header names \"a\" twice, as columns 1 and 2");
    std::fs::write(here.join("t.jsonl"), "{\"a\": 1}\n{\"a\": \n").unwrap();
    assert!(refused(here, TableFormat::Json, "t.jsonl").contains("line 2, column"));
}

#[test]
fn queries_that_do_not_fit_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), 1);
    register(
        &engine,
        &source("orders", TableFormat::Parquet, good_parquet(folder.path(), "o.parquet")),
    )
    .unwrap();
    let expect = |sql: &str, words: &str| {
        let error = block_on(engine.plan(&query(sql, vec![]))).unwrap_err();
        assert!(matches!(error, EngineError::Plan { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{sql}: {error}");
    };
    expect("SELECT revenu FROM orders", "no column revenu; did you mean revenue?");
    expect(
        "SELECT customerID FROM orders",
        "names in upper case need double quotes: \"customerID\"",
    );
    expect("SELECT 1 FROM order_s", "no table order_s; did you mean orders?");
    expect("SELECT 1 FROM zzz", "no table zzz; there are: orders");
    expect("SELEC 1", "syntax");
    expect("SELECT moments(\"customerID\") FROM orders", "argument 1 of moments is");
    expect("DROP TABLE orders", "DDL not supported");
    expect("SELECT * FROM orders WHERE unit_id = $1", "$1");
    expect("SELECT 1; SELECT 2", "");
    // The parser takes all that follows for the right side; what is written reads otherwise.
    expect(
        "SELECT 1 FROM orders WHERE unit_id IS DISTINCT FROM 1 OR revenue < 0",
        "(a IS DISTINCT FROM b) OR",
    );
}

fn files_below(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|e| if e.path().is_dir() { files_below(&e.path()) } else { 1 })
        .sum()
}

#[test]
fn too_little_memory_is_said_and_a_large_limit_still_spills() {
    let folder = tempfile::tempdir().unwrap();
    let n = 400_000;
    let place = folder.path().join("t.parquet");
    write_parquet(
        &place,
        vec![
            ("x", doubles(noise(n, 5))),
            (
                "s",
                Arc::new(StringArray::from_iter_values(
                    noise(n, 6).iter().map(|x| format!("{x:.17}-{x:.17}")),
                )),
            ),
        ],
    );
    let engine = engine_with(folder.path(), 2, 24);
    register(&engine, &source("t", TableFormat::Parquet, place)).unwrap();
    let rows = run(
        &engine,
        "SELECT count(*) AS n, min(x) AS low FROM (SELECT x, s FROM t ORDER BY x LIMIT 390000)",
    );
    assert_eq!(rows.integers("n").unwrap(), [Some(390_000)]);
    // 400,000 groups of 41 bytes of text and 32 of sums, more than the limit.
    let rows = run(
        &engine,
        "SELECT count(*) AS n, sum(total) AS total FROM (SELECT s, sum(x) AS total FROM t GROUP BY s) AS g",
    );
    assert_eq!(rows.integers("n").unwrap(), [Some(n as i64)]);
    let plain = run(&engine, "SELECT sum(x) AS total FROM t");
    let total = |rows: &steward_compute::Rows| rows.numbers("total").unwrap()[0].unwrap();
    assert!((total(&rows) / total(&plain) - 1.0).abs() < 1e-15);
    // A whole sort of 1.6 million pairs of doubles, which are 26 MB.
    let sorted = run(
        &engine,
        "SELECT a.x AS x, a.x + k AS y FROM t AS a CROSS JOIN (VALUES (0), (1), (2), (3)) AS v(k) ORDER BY x, y",
    );
    let x = sorted.numbers("x").unwrap();
    assert_eq!(x.len(), 4 * n);
    assert!(x.is_sorted());
    // What was spilled is gone.
    assert_eq!(files_below(&folder.path().join("tmp")), 0);
    // The build side of a hash join is held in memory only.
    let error = failure(
        &engine,
        "SELECT count(*) FROM t AS a JOIN t AS b ON a.s = b.s AND a.x <= b.x",
    );
    assert!(matches!(error, EngineError::Resources { .. }), "{error:?}");
    assert!(error.to_string().contains("now 24 MiB"), "{error}");
}

#[test]
fn a_cancelled_query_stops_and_progress_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("t.parquet");
    write_parquet(&place, vec![("x", doubles(noise(200_000, 5)))]);
    let engine = engine(folder.path(), 2);
    register(&engine, &source("t", TableFormat::Parquet, place)).unwrap();
    let control = RunControl::default();
    let rows = block_on(engine.run(&query("SELECT sum(x) AS s FROM t", vec![]), &control)).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(control.rows_read.load(std::sync::atomic::Ordering::Relaxed), 200_000);

    // 200,000² pairs: an hour of work.
    let endless = query(
        "SELECT count(*) FROM t AS a JOIN t AS b ON a.x + b.x > 0.5 AND a.x * b.x < 0.5",
        vec![],
    );
    let control = RunControl::default();
    let cancel = control.cancel.clone();
    let waiter = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(150));
        cancel.cancel();
    });
    let started = std::time::Instant::now();
    let error = block_on(engine.run(&endless, &control)).unwrap_err();
    waiter.join().unwrap();
    assert!(matches!(error, EngineError::Cancelled(_)), "{error:?}");
    assert!(
        started.elapsed() < std::time::Duration::from_secs(60),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_query_that_nobody_waits_for_stops() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("t.parquet");
    write_parquet(&place, vec![("x", doubles(noise(200_000, 5)))]);
    let engine = engine(folder.path(), 1);
    register(&engine, &source("t", TableFormat::Parquet, place)).unwrap();
    let endless = query(
        "SELECT count(*) FROM t AS a JOIN t AS b ON a.x + b.x > 0.5 AND a.x * b.x < 0.5",
        vec![],
    );
    let control = RunControl::default();
    let mut running = engine.run(&endless, &control);
    let waker = futures::task::noop_waker();
    let mut context = std::task::Context::from_waker(&waker);
    let soon = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while control.rows_read.load(std::sync::atomic::Ordering::Relaxed) == 0 {
        assert!(running.as_mut().poll(&mut context).is_pending());
        assert!(std::time::Instant::now() < soon, "it never started");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    drop(running);
    // The work itself holds the control; when it has let go, only ours is left.
    while std::sync::Arc::strong_count(&control.rows_read) > 1 {
        assert!(std::time::Instant::now() < soon, "it goes on");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // The engine's only thread is free again.
    assert_eq!(
        run(&engine, "SELECT count(*) AS n FROM t").integers("n").unwrap(),
        [Some(200_000)]
    );
}
