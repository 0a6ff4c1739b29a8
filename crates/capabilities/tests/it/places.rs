//! The engines that the rooms' tests run on: the embedded one, and PostgreSQL with the same rows in tables.
//!
//! PostgreSQL is at `STEWARD_POSTGRES_URL`; its tables are loaded by `psql`, each ground's in a schema of its own.

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use steward_capabilities::Context;
use steward_compute::Query;
use steward_definitions::{Dataset, Location, Project};
use steward_engines::{PostgresEngine, PostgresOptions};

use crate::shop::{Ground, Shop};

/// Where queries run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Embedded,
    Postgres,
}

/// Makes of each function that takes a [`Place`] a test in `embedded` and one in `postgres`.
macro_rules! on_both_engines {
    ($($test:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::places::Place::Embedded).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                if $crate::places::Place::postgres_is_here() {
                    super::$test($crate::places::Place::Postgres).await;
                }
            })+
        }
    };
}

impl Place {
    /// Whether there is a PostgreSQL to test on; says so if there is none.
    pub fn postgres_is_here() -> bool {
        let here = std::env::var_os("STEWARD_POSTGRES_URL").is_some();
        if !here {
            eprintln!("SKIPPED: STEWARD_POSTGRES_URL is not set; PostgreSQL was not tested");
        }
        here
    }

    /// A project over the shop's tables, "now" 2025-04-01.
    pub async fn open(self, shop: &Shop, project: Project) -> Ground {
        let folder = tempfile::tempdir().unwrap();
        shop.write(folder.path());
        self.over(folder, project).await
    }

    /// A project over a folder that holds its data.
    pub async fn over(self, folder: tempfile::TempDir, project: Project) -> Ground {
        let mut ground = Ground::over(folder, project).await;
        if self == Place::Postgres {
            let schema = Schema::load(&ground).await;
            let uri = std::env::var("STEWARD_POSTGRES_URL").unwrap();
            ground.context.engine =
                Arc::new(PostgresEngine::connect(PostgresOptions { uri, driver_dir: None }).unwrap());
            ground.schema = Some(schema);
            ground.context = ground.with((*ground.context.project).clone());
            let failed = ground.context.register().await;
            assert!(failed.is_empty(), "{failed:?}");
        }
        ground
    }
}

/// A schema of the database, dropped in the end.
pub struct Schema(String);

impl Schema {
    /// Loads the tables of a ground with the columns and types that the embedded engine finds in its files.
    async fn load(ground: &Ground) -> Schema {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("rooms_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut script = format!("CREATE SCHEMA {name};\n");
        for dataset in ground.context.project.datasets.values() {
            load_table(&mut script, &name, &ground.context, dataset).await;
        }
        // Snapshots are made of the counts of changes, which the server tells with a delay otherwise.
        script.push_str("SELECT pg_stat_force_next_flush();\nSELECT 1;\n");
        psql(&script);
        Schema(name)
    }

    /// The project with its datasets in this schema.
    pub fn moved(&self, mut project: Project) -> Project {
        for (name, dataset) in &mut project.datasets {
            dataset.location = Location {
                format: "table".into(),
                path: format!("{}.{name}", self.0),
                ..Location::default()
            };
        }
        project
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        psql(&format!(
            "SET client_min_messages = warning; DROP SCHEMA {} CASCADE;",
            self.0
        ));
    }
}

/// Adds to a script what loads a dataset's CSV file.
async fn load_table(script: &mut String, schema: &str, context: &Context, dataset: &Dataset) {
    let table = &dataset.meta.name;
    let query = Query {
        label: table.clone(),
        sql: format!("SELECT * FROM \"{table}\""),
        parameters: vec![],
    };
    let found = context.engine.plan(&query).await.unwrap();
    let columns: Vec<String> = found
        .fields()
        .iter()
        .map(|f| {
            let remote = match f.data_type().to_string().as_str() {
                "Int64" => "bigint",
                "Float64" => "double precision",
                "Boolean" => "boolean",
                "Date32" => "date",
                t if t.starts_with("Timestamp") => "timestamptz",
                _ => "text",
            };
            format!("\"{}\" {remote}", f.name())
        })
        .collect();
    let file = context.folder.join(&dataset.location.path);
    let _ = writeln!(script, "CREATE TABLE {schema}.{table} ({});", columns.join(", "));
    let _ = writeln!(
        script,
        "\\copy {schema}.{table} FROM '{}' WITH (FORMAT csv, HEADER true)",
        file.display()
    );
}

fn psql(script: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script).unwrap();
    let uri = std::env::var("STEWARD_POSTGRES_URL").unwrap();
    let ran = Command::new("psql")
        .args([&uri, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"])
        .arg(file.path())
        .output()
        .expect("psql, of PostgreSQL's client, loads the tables");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}
