//! A key of one side of a join does not determine the columns of the other side.

use std::sync::Arc;

use arrow::array::*;
use steward_compute::{Engine, TableFormat, Value};

use crate::support::*;

/// Three days; visits of users of two countries, so that each day has both.
fn tables(folder: &std::path::Path) -> steward_engines::DataFusionEngine {
    let engine = engine(folder, 2);
    let n = 600;
    let day = |i: i32| 20_148 + (i * 7) % 3;
    write_parquet(
        &folder.join("visits.parquet"),
        vec![
            ("day", Arc::new(Date32Array::from_iter_values((0..n).map(day)))),
            (
                "user_id",
                Arc::new(Int32Array::from_iter_values((0..n).map(|i| i % 50))),
            ),
        ],
    );
    let country = |i: i32| if i % 2 == 0 { "FR" } else { "DE" };
    write_parquet(
        &folder.join("users.parquet"),
        vec![
            ("user_id", Arc::new(Int32Array::from_iter_values(0..50))),
            ("country", Arc::new(StringArray::from_iter_values((0..50).map(country)))),
        ],
    );
    for table in ["visits", "users"] {
        let place = folder.join(format!("{table}.parquet"));
        register(&engine, &source(table, TableFormat::Parquet, place)).unwrap();
    }
    engine
}

/// Visitors by day and country; `day` is a key of the table it comes from, not of the answer.
const VISITORS: &str = "SELECT s.d, u.country, COUNT(DISTINCT v.user_id) AS n \
    FROM (SELECT DISTINCT day AS d FROM visits) AS s \
    JOIN visits AS v ON v.day <= s.d JOIN users AS u ON u.user_id = v.user_id GROUP BY s.d, u.country";

fn rows(engine: &dyn Engine, sql: &str) -> Vec<Vec<Value>> {
    let rows = run(engine, sql);
    let mut all = vec![Vec::new(); rows.len()];
    for column in rows.columns() {
        for (row, value) in all.iter_mut().zip(rows.values(column).unwrap()) {
            row.push(value);
        }
    }
    all
}

#[test]
fn every_key_of_an_order_counts() {
    let folder = tempfile::tempdir().unwrap();
    let engine = tables(folder.path());
    for (order, first) in [("ASC", "DE"), ("DESC", "FR")] {
        let found = rows(
            &engine,
            &format!("SELECT a.d, a.country FROM ({VISITORS}) AS a ORDER BY a.d, a.country {order}"),
        );
        let second = if first == "DE" { "FR" } else { "DE" };
        let wanted: Vec<Vec<Value>> = (20_148..20_151)
            .flat_map(|d| [first, second].map(|c| vec![Value::Date(d), Value::Text(c.into())]))
            .collect();
        assert_eq!(found, wanted);
    }
}

#[test]
fn every_key_of_a_grouping_counts() {
    let folder = tempfile::tempdir().unwrap();
    let engine = tables(folder.path());
    let count = |sql: &str| rows(&engine, sql).len();
    assert_eq!(count(VISITORS), 6);
    assert_eq!(count(&format!("SELECT DISTINCT a.d FROM ({VISITORS}) AS a")), 3);
    assert_eq!(
        count(&format!("SELECT a.d, SUM(a.n) FROM ({VISITORS}) AS a GROUP BY a.d")),
        3
    );
    assert_eq!(
        count(&format!(
            "SELECT SUM(a.n) FROM ({VISITORS}) AS a GROUP BY a.d, a.country"
        )),
        6
    );
    // The same through DISTINCT in place of GROUP BY.
    let pairs = "SELECT DISTINCT s.d, u.country FROM (SELECT DISTINCT day AS d FROM visits) AS s \
        JOIN visits AS v ON v.day <= s.d JOIN users AS u ON u.user_id = v.user_id";
    assert_eq!(count(&format!("SELECT DISTINCT p.d FROM ({pairs}) AS p")), 3);
    assert_eq!(
        count(&format!("SELECT COUNT(*) FROM ({pairs}) AS p GROUP BY p.d, p.country")),
        6
    );
}

#[test]
fn a_key_of_the_whole_answer_is_still_one() {
    let folder = tempfile::tempdir().unwrap();
    let engine = tables(folder.path());
    let found = rows(
        &engine,
        "SELECT g.user_id, g.n, count(*) AS k FROM (SELECT user_id, count(*) AS n FROM visits GROUP BY user_id) AS g \
         JOIN users AS u ON u.user_id = g.user_id GROUP BY g.user_id, g.n ORDER BY g.user_id, g.n",
    );
    assert_eq!(found.len(), 50);
    assert_eq!(found[7], [Value::Integer(7), Value::Integer(12), Value::Integer(1)]);
}
