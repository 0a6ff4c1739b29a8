//! What each dialect's text looks like; with `STEWARD_DIALECT_OUT` the texts are written there for
//! `tests/dialects/parse_back.py`.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::*;
use steward_compute::{Dialect, Engine, TableFormat, Value};
use steward_engines::DataFusionEngine;

use crate::support::*;

const DIALECTS: [(Dialect, &str); 5] = [
    (Dialect::Postgres, "postgres"),
    (Dialect::Spark, "spark"),
    (Dialect::Snowflake, "snowflake"),
    (Dialect::BigQuery, "bigquery"),
    (Dialect::Redshift, "redshift"),
];

fn tables(folder: &std::path::Path) -> DataFusionEngine {
    let engine = engine(folder, 1);
    let place = folder.join("orders.parquet");
    write_parquet(
        &place,
        vec![
            ("unit_id", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
            (
                "ts",
                Arc::new(TimestampMicrosecondArray::from(vec![0]).with_timezone("UTC")),
            ),
            ("amount", doubles([1.0])),
            ("quantity", Arc::new(Int32Array::from(vec![1]))),
            ("country", Arc::new(StringArray::from(vec!["DE"]))),
            ("ok", Arc::new(BooleanArray::from(vec![true]))),
            ("Order", Arc::new(StringArray::from(vec!["x"]))),
        ],
    );
    register(&engine, &source("orders", TableFormat::Parquet, place)).unwrap();
    engine
}

/// The query's text in every dialect, or why it has none.
fn texts(name: &str, sql: &str, parameters: Vec<Value>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let engine = tables(folder.path());
    let mut all = String::new();
    for (dialect, word) in DIALECTS {
        let text = match block_on(engine.write(&query(sql, parameters.clone()), dialect)) {
            Ok(text) => {
                if let Ok(out) = std::env::var("STEWARD_DIALECT_OUT") {
                    std::fs::create_dir_all(&out).unwrap();
                    std::fs::write(std::path::Path::new(&out).join(format!("{name}.{word}.sql")), &text).unwrap();
                }
                text
            }
            Err(e) => format!("refused: {e}"),
        };
        let _ = writeln!(all, "-- {word}\n{text}");
    }
    all
}

macro_rules! snapshot {
    ($name:ident, $sql:expr, $parameters:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(texts(stringify!($name), $sql, $parameters));
        }
    };
}

snapshot!(
    moments,
    "SELECT country, moments(amount) AS m FROM orders GROUP BY country",
    vec![]
);
snapshot!(
    joint_moments_of_filtered_rows,
    "SELECT moments(amount, quantity) FILTER (WHERE ok) AS m, count(*) FILTER (WHERE ok) AS n, sum(amount) FILTER (WHERE ok) AS s FROM orders",
    vec![]
);
snapshot!(
    names_and_texts,
    "SELECT o.\"Order\" AS \"value\", o.country FROM orders AS o WHERE o.country = 'it''s \\ 1' OR o.\"Order\" = $1 OR ts < $2 OR amount > $3 OR unit_id = $4 ORDER BY o.country, unit_id DESC",
    vec![
        Value::Text("a'b\\c\n".into()),
        Value::Timestamp(1_740_787_200_000_001),
        Value::Number(0.1),
        Value::Integer(-3)
    ]
);
snapshot!(
    time_zones,
    "SELECT CAST(date_trunc('week', ts AT TIME ZONE 'Europe/Berlin') AS DATE) AS w, CAST(ts AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin' AS DATE) AS d, \
     date_trunc('day', ts AT TIME ZONE 'Europe/Berlin') AS s, date_trunc('month', ts) AS m, date_part('dow', ts AT TIME ZONE 'Europe/Berlin') AS dow, \
     ts + INTERVAL '72 hours' AS later, ts - INTERVAL '14' DAY AS before, TIMESTAMP '2025-01-31T12:00:00Z' AS at FROM orders",
    vec![]
);
snapshot!(
    numbers,
    "SELECT quantity / 7 AS q, CAST(quantity AS DOUBLE) / NULLIF(unit_id, 0) AS r, CAST(amount / 3 AS BIGINT) AS cut, CAST(ceil(amount) AS BIGINT) AS up, \
     round(amount) AS a, log10(amount) AS l, power(amount, 2) AS p, avg(quantity) OVER (PARTITION BY country ORDER BY ts) AS w FROM orders",
    vec![]
);
snapshot!(
    texts_and_logic,
    "SELECT concat(country, '-', \"Order\") AS c, strpos(country, 'D') AS at, substr(country, 1, 2) AS s, length(country) AS n, \
     ok IS DISTINCT FROM true AS d, country ~ '^D' AS r, country ILIKE 'd%' AS i, coalesce(ok, false) AS ok FROM orders WHERE ok IS TRUE",
    vec![]
);
snapshot!(
    order_statistics,
    "SELECT approx_distinct(unit_id) AS u, approx_percentile_cont(amount, 0.9) AS p, first_value(country ORDER BY ts, country) AS f FROM orders",
    vec![]
);
snapshot!(
    exact_quantiles,
    "SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY amount) AS p, median(amount) AS m FROM orders",
    vec![]
);
snapshot!(
    common_tables_and_grouping_sets,
    "WITH f AS (SELECT unit_id AS u, min(ts) AS t0, max(CASE WHEN ok THEN 1 ELSE 0 END) AS arm FROM orders GROUP BY unit_id) \
     SELECT arm, date_trunc('day', t0) AS day, country, count(*) AS units, count(DISTINCT f.u) AS different, moments(o.amount) AS m \
     FROM f LEFT JOIN orders AS o ON o.unit_id = f.u AND o.ts >= f.t0 GROUP BY GROUPING SETS ((arm, day), (arm, country))",
    vec![]
);

#[test]
fn what_no_dialect_can_say_exactly_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let engine = tables(folder.path());
    let refused = |sql: &str, dialect: Dialect| {
        block_on(engine.write(&query(sql, vec![]), dialect)).map_or_else(|e| e.to_string(), |text| panic!("{text}"))
    };
    let quantile = "SELECT median(amount) AS m FROM orders";
    assert!(refused(quantile, Dialect::BigQuery).contains("use approx_percentile_cont"));
    assert!(refused("SELECT now() AS n FROM orders", Dialect::Spark).contains("another answer every time"));
    assert!(refused("SELECT md5(country) AS n FROM orders", Dialect::Snowflake).contains("md5"));
    assert!(refused("SELECT ts + INTERVAL '1 month' AS n FROM orders", Dialect::BigQuery).contains("no months"));
    // Checked before it is written.
    assert!(refused("SELECT amont FROM orders", Dialect::Redshift).contains("did you mean amount?"));
}
