//! One project, two engines: what `steward.yaml` names answers the same text.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

const CONTRACT: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: shop-orders
name: Orders
version: 1.0.0
status: active
servers:
  - {server: files, type: local, path: data/orders.csv, format: csv}
  - {server: warehouse, type: postgres, host: localhost, port: 5432, database: shop, schema: SCHEMA}
schema:
  - name: orders
    logicalType: object
    physicalType: table
    properties:
      - {name: order_id, logicalType: integer, required: true, primaryKey: true, primaryKeyPosition: 1, unique: true}
      - {name: country, logicalType: string}
      - {name: ts, logicalType: timestamp, required: true}
      - {name: amount_cents, logicalType: integer}
";

const METRICS: &str = "\
semantic_models:
  - name: orders
    model: ref('orders')
    defaults: {agg_time_dimension: ts}
    entities: [{name: order, type: primary, expr: order_id}]
    dimensions:
      - {name: ts, type: time, type_params: {time_granularity: second}}
      - {name: country, type: categorical}
    measures:
      - {name: orders, agg: count, expr: order_id}
      - {name: revenue, agg: sum, expr: amount_cents}
metrics:
  - {name: orders, label: Orders, type: simple, type_params: {measure: orders}}
  - {name: revenue, label: Revenue, type: simple, type_params: {measure: revenue}}
";

fn write(folder: &Path, engine: &str, schema: &str) {
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put(
        "steward.yaml",
        &format!("project: shop\nowner: mara\nas_of: 2025-06-01T00:00:00Z\nengine: {engine}\n"),
    );
    put("datasets/orders.yaml", &CONTRACT.replace("SCHEMA", schema));
    put("metrics/orders.yaml", METRICS);
    let mut rows = String::from("order_id,country,ts,amount_cents\n");
    for i in 0..500 {
        let country = ["DE", "FR", ""][i % 3];
        let _ = writeln!(
            rows,
            "{i},{country},2025-03-{:02}T{:02}:30:00Z,{}",
            1 + i % 28,
            i % 24,
            i * 37 % 9001
        );
    }
    put("data/orders.csv", &rows);
}

fn ask(folder: &Path, arguments: &[&str], secret: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
    command
        .arg("--project")
        .arg(folder)
        .args(arguments)
        .env_remove("SHOP_WAREHOUSE");
    if let Some(secret) = secret {
        command.env("SHOP_WAREHOUSE", secret);
    }
    command.output().unwrap()
}

const QUESTION: [&str; 7] = [
    "query",
    "--metrics",
    "orders,revenue",
    "--by",
    "order__country,time:week",
    "--format",
    "csv",
];

fn answer(folder: &Path, secret: Option<&str>) -> String {
    let output = ask(folder, &QUESTION, secret);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_project_moves_to_postgresql_with_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let schema = format!("steward_cli_{}", std::process::id());
    write(folder.path(), "datafusion", &schema);
    let embedded = answer(folder.path(), None);
    assert_eq!(embedded.lines().count(), 1 + 3 * 5, "{embedded}");

    let remote = "{kind: postgres, url: \"env:SHOP_WAREHOUSE\"}";
    write(folder.path(), remote, &schema);
    let unset = ask(folder.path(), &QUESTION, None);
    assert_eq!(unset.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unset.stderr).contains("SHOP_WAREHOUSE is not set"));

    let Ok(uri) = std::env::var("STEWARD_POSTGRES_URL") else {
        eprintln!("SKIPPED: STEWARD_POSTGRES_URL is not set; PostgreSQL was not tested");
        return;
    };
    let psql = |script: &str| {
        let ran = Command::new("psql")
            .args([&uri, "-X", "-q", "-v", "ON_ERROR_STOP=1"])
            .args(script.lines().flat_map(|line| ["-c", line]))
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    psql(&format!(
        "CREATE SCHEMA {schema}\n\
         CREATE TABLE {schema}.orders (order_id bigint, country text, ts timestamptz, amount_cents bigint)\n\
         \\copy {schema}.orders FROM '{}' WITH (FORMAT csv, HEADER true)",
        folder.path().join("data/orders.csv").display()
    ));
    // The files are gone: the rows come from the database.
    std::fs::remove_dir_all(folder.path().join("data")).unwrap();
    let found = answer(folder.path(), Some(&uri));
    let away = ask(folder.path(), &QUESTION, Some("postgresql://me:hush@127.0.0.1:1/shop"));
    psql(&format!(
        "SET client_min_messages = warning\nDROP SCHEMA {schema} CASCADE"
    ));
    assert_eq!(found, embedded);
    assert_eq!(away.status.code(), Some(3));
    let said = String::from_utf8_lossy(&away.stderr);
    assert!(said.contains("127.0.0.1") && !said.contains("hush"), "{said}");
}
