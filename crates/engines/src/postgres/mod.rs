//! PostgreSQL: queries are checked by the embedded planner against the remote tables' columns, written in
//! PostgreSQL's dialect, and answered in the embedded engine's types.

mod driver;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use adbc_core::CancelHandle;
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use sha2::{Digest, Sha256};
use steward_compute::{
    BoxFuture, ColumnFacts, Dialect, Engine, EngineError, Query, Rows, RunControl, Snapshot, TableFacts, TableFormat,
    TableSource, Value,
};

use crate::datafusion::{DataFusionEngine, Options, nearest};
use crate::files::digest::hex;
use crate::files::table_error;
use crate::normal;
use driver::Remote;

const TICK: Duration = Duration::from_millis(20);

/// Nothing is ever written, and every time without a zone is UTC.
const SETUP: &[&str] = &[
    "SET TIME ZONE 'UTC'",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "SET application_name = 'steward'",
];

/// How PostgreSQL is reached.
#[derive(Clone, Debug, Default)]
pub struct PostgresOptions {
    /// `postgresql://user:password@host:port/database`.
    pub uri: String,
    /// Folder of the ADBC driver's library; `None` looks in `STEWARD_ADBC_DRIVER_DIR`, then where the system does.
    pub driver_dir: Option<PathBuf>,
}

/// A PostgreSQL database.
pub struct PostgresEngine {
    planner: DataFusionEngine,
    remote: Arc<Remote>,
}

impl std::fmt::Debug for PostgresEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresEngine")
            .field("planner", &self.planner)
            .finish_non_exhaustive()
    }
}

/// A statement on the server, which is told to stop when nobody waits for its answer any more.
struct Running {
    started: tokio::sync::oneshot::Receiver<Box<dyn CancelHandle>>,
    is_done: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_done
            && let Ok(handle) = self.started.try_recv()
        {
            // It waits for the server's answer.
            std::thread::spawn(move || handle.try_cancel());
        }
    }
}

/// Host and database of an address, without user and password.
fn place(uri: &str) -> String {
    let parsed = url::Url::parse(uri).ok();
    let host = parsed
        .as_ref()
        .and_then(url::Url::host_str)
        .unwrap_or("the given address");
    let database = parsed.as_ref().map_or("", url::Url::path);
    format!("PostgreSQL at {host}{database}")
}

/// Columns of a remote table as the planner knows them.
fn planner_schema(remote: &Schema) -> SchemaRef {
    let fields: Vec<Field> = remote
        .fields()
        .iter()
        .map(|field| {
            // The driver hands numerics over as text, lest digits get lost.
            let is_numeric = field
                .metadata()
                .get("ADBC:postgresql:typname")
                .is_some_and(|t| t == "numeric");
            let data_type = if is_numeric {
                DataType::Float64
            } else {
                normal::scan_type(field.data_type())
            };
            Field::new(field.name(), data_type, true)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

fn quoted(location: &str) -> String {
    location
        .split('.')
        .map(|part| format!("\"{}\"", part.replace('"', "\"\"")))
        .collect::<Vec<_>>()
        .join(".")
}

/// One row with the parameters that the text refers to; NULL is written into the text.
fn parameters(query: &Query) -> Result<Option<RecordBatch>, EngineError> {
    if query.parameters.is_empty() {
        return Ok(None);
    }
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for (i, value) in query.parameters.iter().enumerate() {
        let array: ArrayRef = match value {
            Value::Null => Arc::new(StringArray::from(vec![None::<&str>])),
            Value::Boolean(b) => Arc::new(BooleanArray::from(vec![*b])),
            Value::Integer(n) => Arc::new(Int64Array::from(vec![*n])),
            Value::Number(x) => Arc::new(Float64Array::from(vec![*x])),
            Value::Text(text) => Arc::new(StringArray::from(vec![text.as_str()])),
            Value::Timestamp(us) => Arc::new(TimestampMicrosecondArray::from(vec![*us]).with_timezone("UTC")),
            Value::Date(days) => Arc::new(Date32Array::from(vec![*days])),
        };
        fields.push(Field::new(format!("p{}", i + 1), array.data_type().clone(), true));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map(Some)
        .map_err(|e| EngineError::Run {
            label: query.label.clone(),
            cause: e.to_string(),
        })
}

impl PostgresEngine {
    /// Loads the driver and connects.
    pub fn connect(options: PostgresOptions) -> Result<Self, EngineError> {
        let remote = Remote::open(
            "adbc_driver_postgresql",
            options.driver_dir.as_deref(),
            &options.uri,
            place(&options.uri),
            SETUP,
        )?;
        let planner = DataFusionEngine::new(Options {
            memory_mib: 16,
            ..Options::default()
        })?;
        Ok(PostgresEngine {
            planner,
            remote: Arc::new(remote),
        })
    }

    /// Runs blocking work on the driver beside the planner's threads.
    fn blocking<T, F>(&self, label: &str, work: F) -> BoxFuture<'static, Result<T, EngineError>>
    where
        T: Send + 'static,
        F: FnOnce(&Remote) -> Result<T, EngineError> + Send + 'static,
    {
        let (remote, name) = (Arc::clone(&self.remote), label.to_owned());
        self.planner.on_own_threads(label, async move {
            tokio::task::spawn_blocking(move || work(&remote))
                .await
                .unwrap_or_else(|e| {
                    Err(EngineError::Run {
                        label: name,
                        cause: format!("the driver broke off: {e}"),
                    })
                })
        })
    }

    fn registered(&self, table: &str) -> Result<TableSource, EngineError> {
        Ok(self.planner.registered(table)?.source)
    }
}

/// The reason that a table was not found, with a name like it.
fn missing(remote: &Remote, table: &TableSource, cause: String) -> EngineError {
    let names = "SELECT table_schema || '.' || table_name AS name FROM information_schema.tables \
         WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1 LIMIT 10000";
    let found = remote.run("looking for tables", names, None, |_| {}, |_| {});
    let names: Vec<String> = found
        .ok()
        .and_then(|(schema, batches)| Rows::new(schema, batches, names).strings("name").ok())
        .map(|names| names.into_iter().flatten().collect())
        .unwrap_or_default();
    let wanted = if table.location.contains('.') {
        table.location.clone()
    } else {
        format!("public.{}", table.location)
    };
    match nearest(&wanted, names.iter().map(String::as_str)) {
        Some(near) if near != wanted => table_error(table, format!("{cause}; did you mean {near}?")),
        _ => table_error(table, cause),
    }
}

impl Engine for PostgresEngine {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn register<'a>(&'a self, table: &'a TableSource) -> BoxFuture<'a, Result<SchemaRef, EngineError>> {
        let source = table.clone();
        let found = self.blocking(&format!("table {}", table.name), move |remote| {
            if source.format != TableFormat::Table {
                let cause = "this engine reads tables of its database; set format to table, or load the file into it";
                return Err(table_error(&source, cause));
            }
            let sql = format!("SELECT * FROM {}", quoted(&source.location));
            remote.schema(&source.name, &sql).map_err(|e| match e {
                EngineError::Plan { cause, .. } | EngineError::Run { cause, .. } => missing(remote, &source, cause),
                other => other,
            })
        });
        Box::pin(async move {
            let found = found.await;
            self.planner.note(table, &found);
            let schema = planner_schema(&found?);
            self.planner.register_remote(table, Arc::clone(&schema))?;
            Ok(normal::map_schema(&schema, normal::table_type))
        })
    }

    fn plan<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<SchemaRef, EngineError>> {
        self.planner.plan(query)
    }

    fn write<'a>(&'a self, query: &'a Query, dialect: Dialect) -> BoxFuture<'a, Result<String, EngineError>> {
        self.planner.write(query, dialect)
    }

    fn run<'a>(&'a self, query: &'a Query, control: &'a RunControl) -> BoxFuture<'a, Result<Rows, EngineError>> {
        Box::pin(async move {
            let schema = self.plan(query).await?;
            let sql = self.write(query, Dialect::Postgres).await?;
            let parameters = parameters(query)?;
            if control.cancel.is_cancelled() {
                return Err(EngineError::Cancelled(query.label.clone()));
            }
            let (remote, label, text) = (Arc::clone(&self.remote), query.label.clone(), sql.clone());
            let control = control.clone();
            let work = async move {
                let (send, started) = tokio::sync::oneshot::channel::<Box<dyn CancelHandle>>();
                let mut statement = Running {
                    started,
                    is_done: false,
                };
                let (name, rows_read) = (label.clone(), Arc::clone(&control.rows_read));
                let mut running = tokio::task::spawn_blocking(move || {
                    let count = |batch: &RecordBatch| {
                        rows_read.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
                    };
                    let begun = |handle| drop(send.send(handle));
                    remote.run(&name, &text, parameters, begun, count)
                });
                let mut tick = tokio::time::interval(TICK);
                let mut asked = false;
                loop {
                    tokio::select! {
                        result = &mut running => {
                            statement.is_done = true;
                            let result = result.map_err(|e| EngineError::Run {
                                label: label.clone(),
                                cause: format!("the driver broke off: {e}"),
                            })?;
                            return if asked { Err(EngineError::Cancelled(label)) } else { result };
                        }
                        _ = tick.tick() => {
                            if control.cancel.is_cancelled() && !asked && let Ok(handle) = statement.started.try_recv() {
                                asked = true;
                                // It waits for the server's answer.
                                let _ = tokio::task::spawn_blocking(move || handle.try_cancel()).await;
                            }
                        }
                    }
                }
            };
            let (_, batches) = self.planner.on_own_threads(&query.label, work).await?;
            let batches = batches
                .iter()
                .map(|batch| normal::result_batch(batch, &schema))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|e| EngineError::Run {
                    label: query.label.clone(),
                    cause: e.to_string(),
                })?;
            Ok(Rows::new(schema, batches, sql))
        })
    }

    /// What PostgreSQL tells cheaply: the table's file, its size and the counts of changes. Not exact: changes are
    /// counted with a delay.
    fn snapshot<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<Snapshot, EngineError>> {
        Box::pin(async move {
            let source = self.registered(table)?;
            let regclass = format!("'{}'::regclass", quoted(&source.location).replace('\'', "''"));
            let sql = format!(
                "SELECT pg_relation_size({regclass}) AS bytes, concat_ws(' ', current_database(), {regclass}::oid, \
                 pg_relation_filenode({regclass}), pg_relation_size({regclass}), s.n_tup_ins, s.n_tup_upd, s.n_tup_del) \
                 AS version FROM (SELECT 1) AS one LEFT JOIN pg_stat_all_tables AS s ON s.relid = {regclass}"
            );
            let label = format!("table {table}");
            let (schema, batches) = self
                .blocking(&label, move |remote| remote.run("snapshot", &sql, None, |_| {}, |_| {}))
                .await?;
            let rows = Rows::new(schema, batches, "");
            let version = rows
                .strings("version")?
                .into_iter()
                .flatten()
                .next()
                .unwrap_or_default();
            let bytes = rows.integers("bytes")?.into_iter().flatten().next().unwrap_or_default();
            Ok(Snapshot {
                table: table.to_owned(),
                digest: hex(&Sha256::digest(version.as_bytes())),
                exact: false,
                files: 0,
                bytes: u64::try_from(bytes).unwrap_or_default(),
                modified_us: None,
            })
        })
    }

    /// Types only: PostgreSQL's own counts and ranges are estimates.
    fn facts<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<TableFacts, EngineError>> {
        Box::pin(async move {
            let registered = self.planner.registered(table)?;
            let columns = registered
                .schema
                .fields()
                .iter()
                .map(|f| ColumnFacts {
                    name: f.name().clone(),
                    data_type: normal::table_type(f.data_type()).to_string(),
                    nulls: None,
                    min: None,
                    max: None,
                })
                .collect();
            Ok(TableFacts { rows: None, columns })
        })
    }
}
