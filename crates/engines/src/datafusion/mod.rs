//! The embedded engine: Apache DataFusion over local files.

#[macro_use]
mod named_like;

mod aggregates;
mod cause;
mod determined;
mod run;
mod session;
mod tables;
mod times;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::context::SessionContext;
use steward_compute::{
    BoxFuture, Dialect, Engine, EngineError, Query, Rows, RunControl, Snapshot, TableFacts, TableFormat, TableSource,
};
use tokio::runtime::Runtime;

use crate::dialect::Catalog;
use crate::files::Stored;
use crate::files::digest::{Digests, Stamp};
use crate::normal;

pub(crate) use cause::nearest;

/// How the embedded engine uses the machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory for running queries, in MiB; beyond it sorts, joins and groups spill to disk.
    pub memory_mib: usize,
    /// Folder for spilled data, and for typed copies of text files unless `cache_dir` is set. Each engine makes a
    /// folder of its own in it and removes it at the end.
    pub temp_dir: PathBuf,
    /// Threads that run queries.
    pub threads: usize,
    /// Folder for what is worth keeping across runs: typed copies of text files and digests of files.
    pub cache_dir: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            memory_mib: 1024,
            temp_dir: std::env::temp_dir(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            cache_dir: None,
        }
    }
}

/// A registered table.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    pub(crate) source: TableSource,
    /// `None` for a table of a remote database, known by its schema alone.
    pub(crate) stored: Option<Stored>,
    /// What its files were when it was registered.
    stamps: Vec<Stamp>,
    pub(crate) schema: SchemaRef,
}

/// A table that could not be registered, and why.
#[derive(Clone)]
pub(crate) struct Unreadable {
    source: TableSource,
    cause: String,
}

impl Unreadable {
    pub(crate) fn error(&self) -> EngineError {
        EngineError::Table {
            table: self.source.name.clone(),
            location: self.source.location.clone(),
            cause: self.cause.clone(),
        }
    }
}

/// What queries share.
pub(crate) struct Shared {
    pub(crate) context: SessionContext,
    pub(crate) tables: RwLock<BTreeMap<String, Registered>>,
    /// Tables that could not be registered, so that questions about them are answered with the reason.
    unreadable: RwLock<BTreeMap<String, Unreadable>>,
    pub(crate) digests: Digests,
    /// Where typed copies of text files are kept.
    pub(crate) copies: PathBuf,
    pub(crate) memory_mib: usize,
    /// Spilled data; removed when the engine is dropped.
    _temporary: tempfile::TempDir,
}

impl Shared {
    /// Why a table is not there, if it could not be registered.
    pub(crate) fn unreadable(&self, table: &str) -> Option<Unreadable> {
        let all = self.unreadable.read().unwrap_or_else(PoisonError::into_inner);
        all.get(table).cloned()
    }

    /// Keeps the reason for which a table could not be registered; a success clears it.
    pub(crate) fn note<T>(&self, source: &TableSource, result: &Result<T, EngineError>) {
        let mut all = self.unreadable.write().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(_) => {
                all.remove(&source.name);
            }
            Err(e) => {
                let cause = match e {
                    EngineError::Table { cause, .. } => cause.clone(),
                    other => other.to_string(),
                };
                let source = source.clone();
                all.insert(source.name.clone(), Unreadable { source, cause });
            }
        }
    }

    pub(crate) fn registered(&self, table: &str) -> Result<Registered, EngineError> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.get(table).cloned().ok_or_else(|| EngineError::Plan {
            label: format!("table {table}"),
            cause: cause::no_table(table, tables.keys().map(String::as_str)),
        })
    }

    /// What the dialect writer knows about the tables.
    pub(crate) fn catalog(&self) -> Catalog {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let mut catalog = Catalog::default();
        for (name, table) in tables.iter() {
            if table.source.format == TableFormat::Table {
                let parts = table.source.location.split('.').map(str::to_owned).collect();
                catalog.places.insert(name.clone(), parts);
            }
            for field in table.schema.fields() {
                let kind = field.data_type();
                let kinds = if kind.is_integer() {
                    &mut catalog.integers
                } else {
                    &mut catalog.others
                };
                kinds.insert(field.name().clone());
                if kind.is_floating() || kind.is_decimal() {
                    catalog.floats.insert(field.name().clone());
                }
            }
        }
        catalog
    }

    pub(crate) fn table_names(&self) -> Vec<String> {
        self.tables
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .cloned()
            .collect()
    }
}

/// Apache DataFusion in this process, over Parquet, CSV and JSON files.
pub struct DataFusionEngine {
    shared: Arc<Shared>,
    /// Its own threads, so that a long query does not hold up whoever waits for it.
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for DataFusionEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataFusionEngine")
            .field("tables", &self.shared.table_names())
            .finish_non_exhaustive()
    }
}

impl Drop for DataFusionEngine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Stops a task whose result nobody waits for any more.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl DataFusionEngine {
    /// An engine without tables.
    pub fn new(options: Options) -> Result<Self, EngineError> {
        let unusable = |what: &str, e: &dyn std::fmt::Display| EngineError::Resources {
            label: "starting the embedded engine".to_owned(),
            cause: format!("{what}: {e}"),
        };
        let temporary = std::fs::create_dir_all(&options.temp_dir)
            .and_then(|()| {
                tempfile::Builder::new()
                    .prefix("steward-")
                    .tempdir_in(&options.temp_dir)
            })
            .map_err(|e| {
                unusable(
                    &format!("the folder for spilling {} cannot be used", options.temp_dir.display()),
                    &e,
                )
            })?;
        let context = session::context(&options, temporary.path()).map_err(|e| unusable("its session", &e))?;
        aggregates::register(&context);
        times::register(&context);
        let copies = options
            .cache_dir
            .as_ref()
            .map_or_else(|| temporary.path().join("typed"), |c| c.join("typed"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.threads.max(1))
            // Plans are trees that are walked recursively; a long query needs more than the usual 2 MiB.
            .thread_stack_size(8 << 20)
            .thread_name("steward-query")
            .enable_all()
            .build()
            .map_err(|e| unusable("its threads", &e))?;
        Ok(DataFusionEngine {
            shared: Arc::new(Shared {
                context,
                tables: RwLock::default(),
                unreadable: RwLock::default(),
                digests: Digests::load(options.cache_dir.map(|c| c.join("digests.tsv"))),
                copies,
                memory_mib: options.memory_mib,
                _temporary: temporary,
            }),
            runtime: Some(runtime),
        })
    }

    /// Runs work on the engine's own threads and stops it when the answer is no longer awaited.
    pub(crate) fn on_own_threads<T, F>(&self, label: &str, work: F) -> BoxFuture<'static, Result<T, EngineError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, EngineError>> + Send + 'static,
    {
        let label = label.to_owned();
        let Some(runtime) = &self.runtime else {
            return Box::pin(async move { Err(EngineError::Cancelled(label)) });
        };
        let task = runtime.spawn(work);
        let guard = AbortOnDrop(task.abort_handle());
        Box::pin(async move {
            let result = task.await;
            drop(guard);
            match result {
                Ok(result) => result,
                Err(e) if e.is_cancelled() => Err(EngineError::Cancelled(label)),
                Err(e) => Err(EngineError::Run {
                    label,
                    cause: format!("the engine broke off: {e}; please report it"),
                }),
            }
        })
    }

    /// As [`DataFusionEngine::on_own_threads`], for work that reads files.
    fn on_file_threads<T, F>(&self, label: &str, work: F) -> BoxFuture<'static, Result<T, EngineError>>
    where
        T: Send + 'static,
        F: FnOnce(&Shared) -> Result<T, EngineError> + Send + 'static,
    {
        let (shared, name) = (Arc::clone(&self.shared), label.to_owned());
        self.on_own_threads(label, async move {
            tokio::task::spawn_blocking(move || work(&shared))
                .await
                .unwrap_or_else(|e| {
                    Err(EngineError::Run {
                        label: name,
                        cause: format!("reading broke off: {e}; please report it"),
                    })
                })
        })
    }

    pub(crate) fn registered(&self, table: &str) -> Result<Registered, EngineError> {
        self.shared.registered(table)
    }

    /// Keeps the reason for which a table of a remote database could not be registered.
    pub(crate) fn note<T>(&self, source: &TableSource, result: &Result<T, EngineError>) {
        self.shared.note(source, result);
    }

    /// Makes a table of a remote database known by its schema, so that queries on it can be checked and written.
    pub(crate) fn register_remote(&self, table: &TableSource, schema: SchemaRef) -> Result<(), EngineError> {
        tables::register_remote(&self.shared, table, schema)
    }
}

impl Engine for DataFusionEngine {
    fn name(&self) -> &'static str {
        "datafusion"
    }

    fn dialect(&self) -> Dialect {
        Dialect::DataFusion
    }

    fn register<'a>(&'a self, table: &'a TableSource) -> BoxFuture<'a, Result<SchemaRef, EngineError>> {
        let source = table.clone();
        self.on_file_threads(&format!("table {}", table.name), move |shared| {
            tables::register(shared, source)
        })
    }

    fn plan<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<SchemaRef, EngineError>> {
        let (shared, query) = (Arc::clone(&self.shared), query.clone());
        self.on_own_threads(&query.label.clone(), async move {
            let plan = run::logical(&shared, &query).await?;
            Ok(normal::map_schema(plan.schema().as_arrow(), normal::result_type))
        })
    }

    fn write<'a>(&'a self, query: &'a Query, dialect: Dialect) -> BoxFuture<'a, Result<String, EngineError>> {
        let (shared, query) = (Arc::clone(&self.shared), query.clone());
        self.on_own_threads(&query.label.clone(), async move {
            run::logical(&shared, &query).await?;
            crate::dialect::write(&query, dialect, &shared.catalog())
        })
    }

    fn run<'a>(&'a self, query: &'a Query, control: &'a RunControl) -> BoxFuture<'a, Result<Rows, EngineError>> {
        let (shared, query, control) = (Arc::clone(&self.shared), query.clone(), control.clone());
        self.on_own_threads(&query.label.clone(), async move {
            run::run(&shared, &query, &control).await
        })
    }

    fn snapshot<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<Snapshot, EngineError>> {
        let name = table.to_owned();
        self.on_file_threads(&format!("table {table}"), move |shared| tables::snapshot(shared, &name))
    }

    fn facts<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<TableFacts, EngineError>> {
        let name = table.to_owned();
        self.on_file_threads(&format!("table {table}"), move |shared| tables::facts(shared, &name))
    }
}
