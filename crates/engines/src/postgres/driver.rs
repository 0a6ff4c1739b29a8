//! A database behind an ADBC driver: blocking calls that answer Arrow batches.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use adbc_core::error::{Error, Status};
use adbc_core::options::{AdbcVersion, OptionDatabase};
use adbc_core::{CancelHandle, Connection, Database, Driver, Statement};
use adbc_driver_manager::{ManagedConnection, ManagedDatabase, ManagedDriver};
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use steward_compute::EngineError;

/// Names the folder that holds the drivers' libraries.
pub(super) const DRIVER_DIR: &str = "STEWARD_ADBC_DRIVER_DIR";

/// A loaded driver and its open connections.
pub(super) struct Remote {
    database: ManagedDatabase,
    /// `postgres at host`, for messages; no secrets.
    place: String,
    setup: &'static [&'static str],
    idle: Mutex<Vec<ManagedConnection>>,
}

/// The driver's library: in the folder given, that of the environment, or where the system looks.
fn library(name: &str, folder: Option<&Path>) -> PathBuf {
    let file = format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let folder = folder
        .map(Path::to_owned)
        .or_else(|| std::env::var_os(DRIVER_DIR).map(PathBuf::from));
    folder.map_or_else(|| PathBuf::from(&file), |f| f.join(&file))
}

/// What a driver says, in one line.
pub(super) fn said(error: &Error) -> String {
    let lines: Vec<&str> = error.message.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    lines.join("; ")
}

fn sqlstate(error: &Error) -> String {
    error
        .sqlstate
        .iter()
        .filter_map(|c| u8::try_from(*c).ok())
        .map(char::from)
        .collect()
}

impl Remote {
    /// Loads the driver and opens a first connection.
    pub(super) fn open(
        name: &str,
        folder: Option<&Path>,
        uri: &str,
        place: String,
        setup: &'static [&'static str],
    ) -> Result<Self, EngineError> {
        let unreachable = |cause: String| EngineError::Unreachable {
            engine: place.clone(),
            cause,
        };
        let library = library(name, folder);
        let mut driver =
            ManagedDriver::load_dynamic_from_filename(&library, None, AdbcVersion::V110).map_err(|e| {
                unreachable(format!(
                    "the ADBC driver {} cannot be loaded ({}); install it (pip install {}) and name its folder in {DRIVER_DIR}",
                    library.display(),
                    said(&e),
                    name.replace('_', "-"),
                ))
            })?;
        let database = driver
            .new_database_with_opts([(OptionDatabase::Uri, uri.into())])
            .map_err(|e| unreachable(without(&said(&e), uri)))?;
        let remote = Remote {
            database,
            place,
            setup,
            idle: Mutex::default(),
        };
        let first = remote.connect(uri)?;
        remote.give_back(first);
        Ok(remote)
    }

    fn connect(&self, secret: &str) -> Result<ManagedConnection, EngineError> {
        let unreachable = |e: Error| EngineError::Unreachable {
            engine: self.place.clone(),
            cause: without(&said(&e), secret),
        };
        let mut connection = self.database.new_connection().map_err(unreachable)?;
        for command in self.setup {
            let mut statement = connection.new_statement().map_err(unreachable)?;
            statement.set_sql_query(command).map_err(unreachable)?;
            statement.execute_update().map_err(unreachable)?;
        }
        Ok(connection)
    }

    fn take(&self) -> Result<ManagedConnection, EngineError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.connect(""), Ok)
    }

    fn give_back(&self, connection: ManagedConnection) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
    }

    fn failed(&self, label: &str, error: &Error) -> EngineError {
        let (label, cause, state) = (label.to_owned(), said(error), sqlstate(error));
        match (error.status, state.get(..2).unwrap_or_default()) {
            (Status::Cancelled, _) => EngineError::Cancelled(label),
            _ if state == "57014" => EngineError::Cancelled(label),
            (_, "53" | "54") => EngineError::Resources { label, cause },
            (_, "42") => EngineError::Plan { label, cause },
            (_, "08" | "28" | "57") => EngineError::Unreachable {
                engine: self.place.clone(),
                cause,
            },
            _ => EngineError::Run { label, cause },
        }
    }

    /// The columns that a query would answer.
    pub(super) fn schema(&self, label: &str, sql: &str) -> Result<Schema, EngineError> {
        let mut connection = self.take()?;
        let schema = (|| {
            let mut statement = connection.new_statement()?;
            statement.set_sql_query(sql)?;
            statement.execute_schema()
        })()
        .map_err(|e| self.failed(label, &e))?;
        self.give_back(connection);
        Ok(schema)
    }

    /// Runs a query. `started` is given the means to cancel it; `batch` sees each batch as it comes.
    pub(super) fn run(
        &self,
        label: &str,
        sql: &str,
        parameters: Option<RecordBatch>,
        started: impl FnOnce(Box<dyn CancelHandle>),
        mut batch: impl FnMut(&RecordBatch),
    ) -> Result<(SchemaRef, Vec<RecordBatch>), EngineError> {
        let fail = |e: Error| self.failed(label, &e);
        let mut connection = self.take()?;
        let mut statement = connection.new_statement().map_err(fail)?;
        statement.set_sql_query(sql).map_err(fail)?;
        if let Some(parameters) = parameters {
            statement.prepare().map_err(fail)?;
            statement.bind(parameters).map_err(fail)?;
        }
        started(statement.get_cancel_handle());
        let reader = statement.execute().map_err(fail)?;
        let schema = reader.schema();
        let mut batches = Vec::new();
        for next in reader {
            let next = next.map_err(|e| {
                let text = e.to_string();
                if text.contains("canceling statement") {
                    return EngineError::Cancelled(label.to_owned());
                }
                EngineError::Run {
                    label: label.to_owned(),
                    cause: text.replace('\n', "; "),
                }
            })?;
            batch(&next);
            if next.num_rows() > 0 {
                batches.push(next);
            }
        }
        drop(statement);
        // Only a connection whose query ended well is used again.
        self.give_back(connection);
        Ok((schema, batches))
    }
}

/// A message without the connection string that drivers may repeat in it.
fn without(message: &str, secret: &str) -> String {
    if secret.is_empty() {
        message.to_owned()
    } else {
        message.replace(secret, "the given address")
    }
}
