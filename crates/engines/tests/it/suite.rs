//! One suite for every engine: the same data, the same queries, the same digits.

use std::path::Path;
use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::DataType;
use steward_compute::{Engine, EngineError, Query, Rows, RunControl, TableFormat, TableSource, Value};
use steward_engines::{PostgresEngine, PostgresOptions};

use crate::support::*;

const UNITS: usize = 600;
const EVENTS: usize = 4000;
/// 2025-03-01 UTC.
const START: i64 = 1_740_787_200_000_000;
const HOUR: i64 = 3_600_000_000;

/// A column of a test table with its PostgreSQL type.
type Column = (&'static str, &'static str, ArrayRef);

fn times(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
}

fn tables() -> Vec<(&'static str, Vec<Column>)> {
    let (a, b, c) = (noise(UNITS * 2, 1), noise(UNITS * 2, 2), noise(EVENTS, 3));
    let exposures = UNITS + UNITS / 2;
    let unit = |i: usize| (i % UNITS) as i64;
    // Unit 7 sees both variants.
    let variant = |i: usize| {
        if (unit(i) % 2 == 0) != (i == UNITS + 7) {
            "control"
        } else {
            "treatment"
        }
    };
    let country = |i: usize| match i % 5 {
        0 => None,
        1 | 2 => Some("DE"),
        3 => Some("FR"),
        _ => Some("O'Land \\ \"Nord\""),
    };
    vec![
        (
            "exposures",
            vec![
                (
                    "unit_id",
                    "bigint",
                    Arc::new(Int64Array::from_iter_values((0..exposures).map(unit))) as ArrayRef,
                ),
                (
                    "variant",
                    "text",
                    Arc::new(StringArray::from_iter_values((0..exposures).map(variant))),
                ),
                (
                    "ts",
                    "timestamptz",
                    times((0..exposures).map(|i| START + (a[i] * 400.0) as i64 * HOUR)),
                ),
            ],
        ),
        (
            "events",
            vec![
                (
                    "unit_id",
                    "bigint",
                    Arc::new(Int64Array::from_iter_values(
                        (0..EVENTS).map(|i| (b[i % 1200] * 700.0) as i64),
                    )),
                ),
                (
                    "ts",
                    "timestamptz",
                    times((0..EVENTS).map(|i| START + (c[i] * 900.0 - 300.0) as i64 * HOUR + 17)),
                ),
                (
                    "amount",
                    "double precision",
                    Arc::new(
                        (0..EVENTS)
                            .map(|i| (i % 11 != 0).then(|| 1e8 + (c[i] * 100.0).round() / 8.0))
                            .collect::<Float64Array>(),
                    ),
                ),
                (
                    "quantity",
                    "integer",
                    Arc::new(Int32Array::from_iter_values((0..EVENTS).map(|i| (i % 5) as i32 - 2))),
                ),
                (
                    "kind",
                    "text",
                    Arc::new((0..EVENTS).map(country).collect::<StringArray>()),
                ),
                (
                    "ok",
                    "boolean",
                    Arc::new(
                        (0..EVENTS)
                            .map(|i| (i % 7 != 0).then_some(i % 3 == 0))
                            .collect::<BooleanArray>(),
                    ),
                ),
                (
                    "day",
                    "date",
                    Arc::new(Date32Array::from_iter_values(
                        (0..EVENTS).map(|i| 20_148 + (i % 60) as i32),
                    )),
                ),
                (
                    "price",
                    "numeric(10,2)",
                    Arc::new(
                        Decimal128Array::from_iter_values((0..EVENTS).map(|i| (i as i128) * 7 - 1000))
                            .with_precision_and_scale(10, 2)
                            .unwrap(),
                    ),
                ),
                (
                    "Mixed Case",
                    "bigint",
                    Arc::new(Int64Array::from_iter_values((0..EVENTS).map(|i| i as i64))),
                ),
            ],
        ),
    ]
}

fn queries() -> Vec<(&'static str, String, Vec<Value>)> {
    let plain = |name, sql: &str| (name, sql.to_owned(), vec![]);
    vec![
        plain(
            "moments by group",
            "SELECT kind, moments(amount) AS one, moments(amount, quantity, price) AS three, \
             moments(amount, quantity) FILTER (WHERE ok) AS kept FROM events GROUP BY kind",
        ),
        plain("moments of nothing", "SELECT moments(amount, quantity) AS m FROM events WHERE unit_id < 0"),
        plain(
            "counts",
            "SELECT count(*) AS n, count(amount) AS amounts, count(DISTINCT kind) AS kinds, count(DISTINCT unit_id) AS units, \
             count(*) FILTER (WHERE ok IS NULL) AS unknown, sum(quantity) AS quantity, avg(quantity) AS mean, sum(price) AS price, \
             min(amount) AS low, max(ts) AS last, min(day) AS first FROM events",
        ),
        plain(
            "weeks in Berlin",
            "SELECT CAST(date_trunc('week', ts AT TIME ZONE 'Europe/Berlin') AS DATE) AS week, count(*) AS n, sum(amount) AS s \
             FROM events GROUP BY CAST(date_trunc('week', ts AT TIME ZONE 'Europe/Berlin') AS DATE)",
        ),
        plain(
            "days in New York, over a change of clocks",
            "SELECT CAST(ts AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York' AS DATE) AS day, \
             date_trunc('day', ts AT TIME ZONE 'America/New_York') AS start, date_part('hour', ts AT TIME ZONE 'America/New_York') AS hour, \
             count(*) AS n FROM events GROUP BY 1, 2, 3",
        ),
        plain("months of UTC", "SELECT date_trunc('month', ts) AS m, date_trunc('quarter', day) AS q, count(*) AS n FROM events GROUP BY 1, 2"),
        plain(
            "joins",
            "SELECT x.variant, e.kind, count(*) AS n, sum(e.amount) AS s FROM exposures AS x \
             LEFT JOIN events AS e ON e.unit_id = x.unit_id AND e.ts >= x.ts AND e.ts < x.ts + INTERVAL '72 hours' GROUP BY x.variant, e.kind",
        ),
        plain(
            "windows",
            "SELECT unit_id, \"Mixed Case\", row_number() OVER (PARTITION BY unit_id ORDER BY ts, \"Mixed Case\") AS place, \
             lag(amount) OVER (PARTITION BY unit_id ORDER BY ts, \"Mixed Case\") AS before, \
             sum(quantity) OVER (PARTITION BY unit_id ORDER BY ts, \"Mixed Case\" ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS moving \
             FROM events WHERE unit_id < 40",
        ),
        (
            "filters and parameters",
            "SELECT unit_id, amount, kind, day FROM events WHERE ts >= $1 AND kind = $2 AND amount > $3 AND day <= $4 \
             AND quantity IN (2, $5) AND ((ok IS DISTINCT FROM $6) OR price < 0)"
                .to_owned(),
            vec![
                Value::Timestamp(START),
                Value::Text("O'Land \\ \"Nord\"".into()),
                Value::Number(1e8 + 1.25),
                Value::Date(20_190),
                Value::Integer(-1),
                Value::Boolean(true),
            ],
        ),
        plain(
            "nulls",
            "SELECT coalesce(kind, '(none)') AS kind, nullif(quantity, 0) AS q, kind IS NULL AS missing, ok, count(*) AS n FROM events \
             GROUP BY 1, 2, 3, 4",
        ),
        plain("order with nulls", "SELECT DISTINCT ok, quantity FROM events ORDER BY ok DESC, quantity LIMIT 7"),
        (
            "sketch buckets",
            "SELECT CASE WHEN amount > 0 THEN 1 WHEN amount < 0 THEN -1 ELSE 0 END AS sign, \
             CASE WHEN amount = 0 THEN 0 ELSE CAST(ceil(ln(abs(amount - 99999995)) / $1) AS BIGINT) END AS bucket, count(*) AS n \
             FROM events WHERE amount IS NOT NULL GROUP BY 1, 2"
                .to_owned(),
            vec![Value::Number(0.02)],
        ),
        plain(
            "arithmetic",
            "SELECT \"Mixed Case\" / 7 AS quotient, \"Mixed Case\" % 7 AS rest, CAST(price AS DOUBLE) / 3 AS third, \
             CAST(price / 3 AS BIGINT) AS cut, round(amount / 3) AS rounded, length(kind) AS letters, upper(kind) AS loud, \
             substr(kind, 2, 3) AS part, strpos(kind, 'Land') AS at, concat(kind, '-', quantity) AS joined, \
             date_part('dow', ts) AS dow FROM events WHERE \"Mixed Case\" < 300",
        ),
        plain("quantiles", "SELECT kind, percentile_cont(0.9) WITHIN GROUP (ORDER BY amount) AS p90, median(quantity) AS middle FROM events GROUP BY kind"),
        (
            "experiment",
            "WITH x AS (SELECT unit_id AS u, CASE WHEN variant = $1 THEN 0 WHEN variant = $2 THEN 1 ELSE -1 END AS a, ts AS t FROM exposures), \
             g AS (SELECT u, CASE WHEN min(a) <> max(a) THEN -2 ELSE max(a) END AS arm, min(t) AS t0 FROM x GROUP BY u), \
             e AS (SELECT u, arm, t0, t0 + INTERVAL '259200 seconds' AS t1, t0 - INTERVAL '14 days' AS b14 FROM g), \
             p AS (SELECT e.u AS u, max(e.arm) AS arm, max(e.t0) AS t0, \
               sum(CASE WHEN f.t0 >= e.t0 THEN f.x0 END) AS y0, sum(CASE WHEN f.t0 < e.t0 THEN f.x0 END) AS y1, \
               count(DISTINCT CASE WHEN f.t0 >= e.t0 THEN f.k END) AS y2 \
               FROM e LEFT JOIN (SELECT unit_id AS u, ts AS t0, amount AS x0, kind AS k FROM events WHERE ts < $3) AS f \
               ON f.u = e.u AND f.t0 >= e.b14 AND f.t0 < e.t1 GROUP BY e.u), \
             d AS (SELECT unit_id AS u, min(kind) AS kind FROM events GROUP BY unit_id) \
             SELECT arm, day, kind, count(*) AS units, moments(v0, v1) AS m0, moments(v2) AS m1 FROM ( \
               SELECT arm, date_trunc('day', t0) AS day, coalesce(kind, '(none)') AS kind, \
                 CASE WHEN coalesce(y0, CAST(0 AS DOUBLE)) > $4 THEN $4 ELSE coalesce(y0, CAST(0 AS DOUBLE)) END AS v0, \
                 coalesce(y1, CAST(0 AS DOUBLE)) AS v1, CASE WHEN y2 > 0 THEN CAST(1 AS DOUBLE) ELSE CAST(0 AS DOUBLE) END AS v2 \
               FROM p LEFT JOIN d ON d.u = p.u) AS q GROUP BY GROUPING SETS ((arm, day), (arm, kind))"
                .to_owned(),
            vec![
                Value::Text("control".into()),
                Value::Text("treatment".into()),
                Value::Timestamp(START + 500 * HOUR),
                Value::Number(3e8),
            ],
        ),
    ]
}

/// A result as rows of texts with doubles apart, sorted unless the query orders.
fn cells(rows: &Rows, is_ordered: bool) -> Vec<(Vec<String>, Vec<f64>)> {
    let mut all = vec![(Vec::new(), Vec::new()); rows.len()];
    for field in rows.schema.fields() {
        let name = field.name();
        match field.data_type() {
            DataType::Float64 => {
                for (row, x) in all.iter_mut().zip(rows.numbers(name).unwrap()) {
                    row.0.push(if x.is_some() { "number" } else { "NULL" }.into());
                    row.1.push(x.unwrap_or(0.0));
                }
            }
            DataType::List(_) => {
                for (row, m) in all.iter_mut().zip(rows.moments(name).unwrap()) {
                    row.0.push(m.count().to_string());
                    for i in 0..m.dimension() {
                        row.1.extend([m.mean(i), m.cross(i, i)]);
                        // As correlations: near zero, a cross-product's own digits say nothing.
                        for j in i + 1..m.dimension() {
                            let scale = (m.cross(i, i) * m.cross(j, j)).sqrt();
                            row.1.push(if scale > 0.0 { 1.0 + m.cross(i, j) / scale } else { 0.0 });
                        }
                    }
                }
            }
            _ => {
                for (row, text) in all.iter_mut().zip(rows.strings(name).unwrap()) {
                    row.0.push(text.unwrap_or("NULL".into()));
                }
            }
        }
    }
    if !is_ordered {
        all.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.partial_cmp(&b.1).unwrap()));
    }
    all
}

fn ask(engine: &dyn Engine, name: &str, sql: &str, parameters: &[Value]) -> Rows {
    try_ask(engine, name, sql, parameters).unwrap_or_else(|e| panic!("{name} on {}: {e}", engine.name()))
}

fn try_ask(engine: &dyn Engine, name: &str, sql: &str, parameters: &[Value]) -> Result<Rows, EngineError> {
    let query = Query {
        label: name.into(),
        sql: sql.into(),
        parameters: parameters.to_vec(),
    };
    block_on(engine.run(&query, &RunControl::default()))
}

/// Digits agree to 1e-9; everything else exactly. Answers the first difference.
fn difference(expected: &Rows, found: &Rows, is_ordered: bool) -> Option<String> {
    if expected.schema != found.schema {
        return Some(format!("columns {:?} and {:?}", expected.schema, found.schema));
    }
    let (expected, found) = (cells(expected, is_ordered), cells(found, is_ordered));
    if expected.len() != found.len() {
        return Some(format!("{} and {} rows", expected.len(), found.len()));
    }
    for (a, b) in expected.iter().zip(&found) {
        let same = |x: f64, y: f64| (x - y).abs() <= 1e-9 * x.abs();
        if a.0 != b.0 || !a.1.iter().zip(&b.1).all(|(x, y)| same(*x, *y)) {
            return Some(format!("{a:?} and {b:?}"));
        }
    }
    None
}

fn embedded(folder: &Path) -> steward_engines::DataFusionEngine {
    let engine = engine(folder, 2);
    for (table, columns) in tables() {
        let place = folder.join(format!("{table}.parquet"));
        write_parquet(&place, columns.into_iter().map(|(n, _, a)| (n, a)).collect());
        register(&engine, &source(table, TableFormat::Parquet, place)).unwrap();
    }
    engine
}

#[test]
fn the_embedded_engine_answers_the_suite_on_any_threads() {
    let folder = tempfile::tempdir().unwrap();
    let two = embedded(folder.path());
    let one = engine(folder.path(), 1);
    for (table, _) in tables() {
        register(
            &one,
            &source(
                table,
                TableFormat::Parquet,
                folder.path().join(format!("{table}.parquet")),
            ),
        )
        .unwrap();
    }
    for (name, sql, parameters) in queries() {
        let rows = ask(&two, name, &sql, &parameters);
        assert!(!rows.is_empty(), "{name}");
        assert_eq!(
            difference(&rows, &ask(&one, name, &sql, &parameters), sql.contains("LIMIT")),
            None,
            "{name}"
        );
    }
}

/// The text of an array's value in an INSERT.
fn literal(array: &ArrayRef, row: usize) -> String {
    if array.is_null(row) {
        return "NULL".into();
    }
    let text = arrow::util::display::array_value_to_string(array, row).unwrap();
    match array.data_type() {
        DataType::Float64 => format!("{:?}", array.as_primitive::<arrow::datatypes::Float64Type>().value(row)),
        t if t.is_numeric() => text,
        _ => format!("'{}'", text.replace('\'', "''")),
    }
}

/// A connection of the tests' own, which may write.
fn connection(uri: &str) -> adbc_driver_manager::ManagedConnection {
    use adbc_core::options::{AdbcVersion, OptionDatabase};
    use adbc_core::{Database, Driver};
    let folder = std::env::var("STEWARD_ADBC_DRIVER_DIR").unwrap_or_default();
    let library = Path::new(&folder).join("libadbc_driver_postgresql.so");
    let mut driver =
        adbc_driver_manager::ManagedDriver::load_dynamic_from_filename(library, None, AdbcVersion::V110).unwrap();
    let database = driver
        .new_database_with_opts([(OptionDatabase::Uri, uri.into())])
        .unwrap();
    database.new_connection().unwrap()
}

/// How many statements that hold `words` the server is working on.
fn active(uri: &str, words: &str) -> i64 {
    use adbc_core::{Connection, Statement};
    let mut connection = connection(uri);
    let mut statement = connection.new_statement().unwrap();
    let sql = format!(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%{words}%'"
    );
    statement.set_sql_query(sql).unwrap();
    let batch = statement.execute().unwrap().next().unwrap().unwrap();
    batch.column(0).as_primitive::<arrow::datatypes::Int64Type>().value(0)
}

/// Loads the tables through the driver, into a schema of their own.
fn load(uri: &str, schema: &str) {
    use adbc_core::{Connection, Statement};
    let mut connection = connection(uri);
    let mut run = |sql: &str| {
        let mut statement = connection.new_statement().unwrap();
        statement.set_sql_query(sql).unwrap();
        statement
            .execute_update()
            .unwrap_or_else(|e| panic!("{e}: {}", &sql[..sql.len().min(200)]));
    };
    run(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"));
    run(&format!("CREATE SCHEMA {schema}"));
    for (table, columns) in tables() {
        let types: Vec<String> = columns.iter().map(|(n, t, _)| format!("\"{n}\" {t}")).collect();
        run(&format!("CREATE TABLE {schema}.{table} ({})", types.join(", ")));
        let rows: Vec<String> = (0..columns[0].2.len())
            .map(|i| {
                format!(
                    "({})",
                    columns
                        .iter()
                        .map(|(_, _, a)| literal(a, i))
                        .collect::<Vec<_>>()
                        .join(",")
                )
            })
            .collect();
        run(&format!("INSERT INTO {schema}.{table} VALUES {}", rows.join(",")));
    }
}

#[test]
fn postgresql_answers_the_suite_with_the_same_digits() {
    let Ok(uri) = std::env::var("STEWARD_POSTGRES_URL") else {
        eprintln!("SKIPPED: STEWARD_POSTGRES_URL is not set; PostgreSQL was not tested");
        return;
    };
    let schema = format!("steward_suite_{}", std::process::id());
    load(&uri, &schema);
    let folder = tempfile::tempdir().unwrap();
    let expected = embedded(folder.path());
    let remote = PostgresEngine::connect(PostgresOptions {
        uri: uri.clone(),
        driver_dir: None,
    })
    .unwrap();
    let place = |table: &str| TableSource {
        name: table.into(),
        format: TableFormat::Table,
        location: format!("{schema}.{table}"),
        columns: vec![],
    };
    for (table, _) in tables() {
        let found = register(&remote, &place(table)).unwrap();
        assert_eq!(found.fields().len(), if table == "events" { 9 } else { 3 });
    }
    let mut failures = Vec::new();
    for (name, sql, parameters) in queries() {
        let rows = match try_ask(&remote, name, &sql, &parameters) {
            Ok(rows) => rows,
            Err(e) => {
                failures.push(format!("{name}: {e}"));
                continue;
            }
        };
        let reference = ask(&expected, name, &sql, &parameters);
        if let Some(difference) = difference(&reference, &rows, sql.contains("LIMIT")) {
            failures.push(format!("{name}: {difference}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));

    // Nothing is written, whatever is asked; unknown tables and columns are named.
    let error = failure(&remote, "SELECT amont FROM events").to_string();
    assert!(error.contains("did you mean amount?"), "{error}");
    let mut wrong = place("exposure");
    wrong.name = "wrong".into();
    let error = register(&remote, &wrong).unwrap_err().to_string();
    assert!(error.contains(&format!("did you mean {schema}.exposures?")), "{error}");

    let snapshot = block_on(remote.snapshot("events")).unwrap();
    assert!(!snapshot.exact && snapshot.bytes > 0);
    assert_eq!(block_on(remote.facts("events")).unwrap().columns.len(), 9);

    let control = RunControl::default();
    let cancel = control.cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        cancel.cancel();
    });
    let endless = query(
        "SELECT count(*) AS n FROM events AS a JOIN events AS b ON a.amount < b.amount JOIN events AS c ON c.amount < b.amount",
        vec![],
    );
    let started = std::time::Instant::now();
    let error = block_on(remote.run(&endless, &control)).unwrap_err();
    assert!(matches!(error, EngineError::Cancelled(_)), "{error:?}");
    assert!(started.elapsed() < std::time::Duration::from_secs(60));

    // A query that nobody waits for is stopped on the server too.
    let control = RunControl::default();
    let mut running = remote.run(&endless, &control);
    let waker = futures::task::noop_waker();
    let wait = |what: &str, mut until: Box<dyn FnMut() -> bool + '_>| {
        let soon = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !until() {
            assert!(std::time::Instant::now() < soon, "{what}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    wait(
        "it never started",
        Box::new(|| {
            let mut context = std::task::Context::from_waker(&waker);
            assert!(running.as_mut().poll(&mut context).is_pending());
            active(&uri, &schema) == 1
        }),
    );
    drop(running);
    wait("it goes on", Box::new(|| active(&uri, &schema) == 0));
}

#[test]
fn a_database_that_is_not_there_is_named_without_its_password() {
    let error = PostgresEngine::connect(PostgresOptions {
        uri: "postgresql://me:secret@127.0.0.1:1/shop".into(),
        driver_dir: None,
    })
    .unwrap_err();
    assert!(matches!(error, EngineError::Unreachable { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("PostgreSQL at 127.0.0.1/shop") && !text.contains("secret"),
        "{text}"
    );
}
