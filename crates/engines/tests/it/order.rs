//! The same rows in any order and any number of partitions give the same bytes.

use std::path::Path;
use std::sync::Arc;

use arrow::array::*;
use steward_compute::{Engine, TableFormat};

use crate::support::*;

const ROWS: usize = 20_000;

/// Files whose rows are those of `order`, cut in `files` pieces.
fn write(folder: &Path, order: &[usize], files: usize) {
    std::fs::create_dir_all(folder).unwrap();
    let (x, y) = (noise(ROWS, 1), noise(ROWS, 2));
    for (i, rows) in order.chunks(order.len().div_ceil(files)).enumerate() {
        let group = rows.iter().map(|r| (r % 7) as i64);
        write_parquet(
            &folder.join(format!("part-{i}.parquet")),
            vec![
                ("g", Arc::new(Int64Array::from_iter_values(group))),
                // Mean 1e8, standard deviation 0.3: sixteen of the square's digits cancel.
                ("x", doubles(rows.iter().map(|&r| 1e8 + x[r]))),
                (
                    "y",
                    doubles(rows.iter().map(|&r| (y[r] - 0.5) * 10f64.powi((r % 30) as i32 - 15))),
                ),
            ],
        );
    }
}

fn answers(folder: &Path, threads: usize) -> Vec<Vec<u64>> {
    let engine = engine(folder, threads);
    register(&engine, &source("t", TableFormat::Parquet, folder.join("t"))).unwrap();
    let bits = |rows: steward_compute::Rows, columns: &[&str]| -> Vec<Vec<u64>> {
        columns
            .iter()
            .map(|c| {
                rows.numbers(c)
                    .unwrap()
                    .into_iter()
                    .map(|x| x.map_or(0, f64::to_bits))
                    .collect()
            })
            .collect()
    };
    let grouped = run(
        &engine,
        "SELECT g, sum(y) AS s, avg(x) AS a, moments(x, y) AS m, moments(x) AS m1 FROM t GROUP BY g ORDER BY g",
    );
    let mut all = bits(grouped.clone(), &["s", "a"]);
    for column in ["m", "m1"] {
        let values = grouped.batches.iter().flat_map(|b| {
            let list = b.column_by_name(column).unwrap().as_list::<i32>();
            list.values()
                .as_primitive::<arrow::datatypes::Float64Type>()
                .values()
                .to_vec()
        });
        all.push(values.map(f64::to_bits).collect());
    }
    all.extend(bits(
        run(&engine, "SELECT sum(y) AS s, avg(x) AS a FROM t"),
        &["s", "a"],
    ));
    all
}

#[test]
fn permuted_rows_and_any_partitioning_give_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let straight: Vec<usize> = (0..ROWS).collect();
    // 7919 is prime to 20,000: a permutation.
    let shuffled: Vec<usize> = (0..ROWS).map(|i| i * 7919 % ROWS).collect();
    let mut seen = Vec::new();
    for (i, (order, files, threads)) in [(&straight, 1, 1), (&shuffled, 8, 8), (&shuffled, 3, 2)]
        .into_iter()
        .enumerate()
    {
        let place = folder.path().join(i.to_string());
        write(&place.join("t"), order, files);
        seen.push(answers(&place, threads));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

#[test]
fn moments_at_mean_1e8_equal_those_of_the_centred_values() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("t"), &(0..ROWS).collect::<Vec<_>>(), 2);
    let engine = engine(folder.path(), 2);
    register(&engine, &source("t", TableFormat::Parquet, folder.path().join("t"))).unwrap();
    let rows = run(&engine, "SELECT moments(x) AS m, moments(x - 1e8) AS c FROM t");
    let (m, c) = (&rows.moments("m").unwrap()[0], &rows.moments("c").unwrap()[0]);
    let relative = (m.cross(0, 0) / c.cross(0, 0) - 1.0).abs();
    assert!(relative < 1e-15, "{relative}");
    assert_eq!(m.count(), ROWS as u64);
}

#[test]
fn rows_with_a_null_argument_and_filtered_rows_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    write_parquet(
        &folder.path().join("t.parquet"),
        vec![
            ("g", Arc::new(StringArray::from(vec!["a", "a", "a", "a", "b"]))),
            (
                "x",
                Arc::new(Int32Array::from(vec![Some(1), Some(2), None, Some(9), None])),
            ),
            ("y", doubles([10.0, 20.0, 30.0, 99.0, 1.0])),
        ],
    );
    let engine = engine(folder.path(), 2);
    register(
        &engine,
        &source("t", TableFormat::Parquet, folder.path().join("t.parquet")),
    )
    .unwrap();
    let rows = run(
        &engine,
        "SELECT g, moments(x, y) FILTER (WHERE y < 50) AS m FROM t GROUP BY g ORDER BY g",
    );
    let m = rows.moments("m").unwrap();
    assert_eq!((m[0].count(), m[0].mean(0), m[0].mean(1)), (2, 1.5, 15.0));
    assert_eq!((m[0].cross(0, 0), m[0].cross(0, 1), m[0].cross(1, 1)), (0.5, 5.0, 50.0));
    assert_eq!((m[1].count(), m[1].dimension()), (0, 2));
    let empty = run(&engine, "SELECT moments(x) AS m FROM t WHERE y > 1000");
    assert_eq!(empty.moments("m").unwrap()[0].count(), 0);
}

#[test]
fn sums_slide_over_windows_and_keep_their_types() {
    let folder = tempfile::tempdir().unwrap();
    write_parquet(
        &folder.path().join("t.parquet"),
        vec![
            ("i", Arc::new(Int64Array::from(vec![1, 2, 3, 4]))),
            ("x", doubles([1e16, 1.0, f64::INFINITY, 2.0])),
        ],
    );
    let engine = engine(folder.path(), 1);
    register(
        &engine,
        &source("t", TableFormat::Parquet, folder.path().join("t.parquet")),
    )
    .unwrap();
    let rows = run(
        &engine,
        "SELECT sum(x) OVER (ORDER BY i ROWS BETWEEN 0 PRECEDING AND CURRENT ROW) AS s, sum(i) OVER () AS n FROM t ORDER BY i",
    );
    assert_eq!(
        rows.numbers("s").unwrap(),
        [Some(1e16), Some(1.0), Some(f64::INFINITY), Some(2.0)]
    );
    assert_eq!(rows.integers("n").unwrap(), [Some(10); 4]);
    let plan = block_on(engine.plan(&query("SELECT sum(i) AS n, sum(x) AS s FROM t", vec![]))).unwrap();
    assert_eq!(plan.field(0).data_type(), &arrow::datatypes::DataType::Int64);
}
