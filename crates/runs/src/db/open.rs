//! Where the store is, how it is opened, and what the database's errors mean.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions};

use super::{Arg, Connection, Pool};
use crate::RunsError;

/// Newest format known.
const FORMAT: i64 = 1;
/// Name of the SQLite file.
const FILE: &str = "runs.db";
/// Longest wait for another process's write.
const PATIENCE: Duration = Duration::from_secs(30);
/// Opened as they are needed.
const READERS: u32 = 8;

/// Where a store is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A file in a folder.
    Sqlite(PathBuf),
    /// A schema of a database.
    Postgres {
        options: Box<PgConnectOptions>,
        schema: String,
    },
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Sqlite(path) => write!(f, "{}", path.display()),
            Place::Postgres { options, schema } => write!(
                f,
                "schema {schema} of PostgreSQL {}:{}/{}",
                options.get_host(),
                options.get_port(),
                options.get_database().unwrap_or("?")
            ),
        }
    }
}

impl Place {
    /// The file in a folder.
    pub fn folder(folder: &std::path::Path) -> Place {
        Place::Sqlite(folder.join(FILE))
    }

    /// A database by its URL, and a schema in it.
    pub fn postgres(url: &str, schema: &str) -> Result<Place, RunsError> {
        let plain = !schema.is_empty()
            && schema
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
        if !plain {
            return Err(RunsError::Invalid(format!(
                "the schema {schema:?} must be lower-case letters, digits and underscores"
            )));
        }
        // The URL may hold a password: its text is never shown.
        let options: PgConnectOptions = url.parse().map_err(|_| {
            RunsError::Invalid(
                "the run store's address is no URL of the form postgresql://user@host:port/database".into(),
            )
        })?;
        let options = Box::new(options.options([("search_path", schema)]).disable_statement_logging());
        let schema = schema.to_owned();
        Ok(Place::Postgres { options, schema })
    }

    /// The connection that writes, and those that read, with the tables in place.
    pub async fn open(&self) -> Result<(Connection, Pool), RunsError> {
        let fail = |e: sqlx::Error| explain(self, &e);
        let (mut connection, pool) = match self {
            Place::Sqlite(path) => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).map_err(|e| RunsError::Store {
                        location: self.to_string(),
                        cause: format!("its folder cannot be created: {e}"),
                    })?;
                }
                let options = sqlite(path);
                let writer = options.clone().connect().await.map_err(fail)?;
                let readers = SqlitePoolOptions::new()
                    .max_connections(READERS)
                    .test_before_acquire(false)
                    .acquire_timeout(PATIENCE)
                    .connect_lazy_with(options.pragma("query_only", "ON"));
                (Connection::Sqlite(writer), Pool::Sqlite(readers))
            }
            Place::Postgres { options, .. } => {
                let writer = options.connect().await.map_err(fail)?;
                let readers = PgPoolOptions::new()
                    .max_connections(READERS)
                    .acquire_timeout(PATIENCE)
                    .connect_lazy_with(options.as_ref().clone());
                (Connection::Postgres(writer), Pool::Postgres(readers))
            }
        };
        self.prepare(&mut connection).await?;
        Ok((connection, pool))
    }

    /// A fresh connection in place of one that broke.
    pub async fn reconnect(&self) -> Result<Connection, RunsError> {
        let fail = |e: sqlx::Error| explain(self, &e);
        match self {
            Place::Sqlite(path) => Ok(Connection::Sqlite(sqlite(path).connect().await.map_err(fail)?)),
            Place::Postgres { options, .. } => Ok(Connection::Postgres(options.connect().await.map_err(fail)?)),
        }
    }

    /// Makes the tables if they are not there, and refuses those of a newer program.
    async fn prepare(&self, connection: &mut Connection) -> Result<(), RunsError> {
        let fail = |e: sqlx::Error| explain(self, &e);
        connection.begin().await.map_err(fail)?;
        let mut made = self.tables(connection).await;
        if made.is_ok() {
            made = self.script(connection, include_str!("examples.sql")).await;
        }
        let end = if made.is_ok() { "COMMIT" } else { "ROLLBACK" };
        connection.run(end).await.map_err(fail)?;
        made
    }

    /// Runs statements that make tables, in the words of the database.
    async fn script(&self, connection: &mut Connection, sql: &str) -> Result<(), RunsError> {
        let fail = |e: sqlx::Error| explain(self, &e);
        match connection {
            Connection::Sqlite(c) => {
                // The name of the type makes the key the row's own number.
                let sql = sql.replace("BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY");
                sqlx::raw_sql(AssertSqlSafe(sql))
                    .execute(c)
                    .await
                    .map(drop)
                    .map_err(fail)
            }
            Connection::Postgres(c) => {
                let sql = sql.replace(" WITHOUT ROWID", "");
                sqlx::raw_sql(AssertSqlSafe(sql))
                    .execute(c)
                    .await
                    .map(drop)
                    .map_err(fail)
            }
        }
    }

    async fn tables(&self, connection: &mut Connection) -> Result<(), RunsError> {
        let fail = |e: sqlx::Error| explain(self, &e);
        let there = match connection {
            Connection::Sqlite(_) => "SELECT count(*) FROM sqlite_master WHERE name = 'state'".to_owned(),
            Connection::Postgres(c) => {
                let Place::Postgres { schema, .. } = self else {
                    return Ok(());
                };
                // Two that create the same at once must not fail: the lock lets one wait for the other.
                let sql = format!("SELECT pg_advisory_xact_lock(7382); CREATE SCHEMA IF NOT EXISTS \"{schema}\"");
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *c).await.map_err(fail)?;
                "SELECT count(*) FROM pg_tables WHERE tablename = 'state' AND schemaname = current_schema()".to_owned()
            }
        };
        let rows = connection.fetch(&there, Vec::new()).await.map_err(fail)?;
        let there = rows.first().map_or(Ok(0), |r| r.int(0)).map_err(fail)? > 0;
        if there {
            let rows = connection
                .fetch("SELECT format FROM state", Vec::new())
                .await
                .map_err(fail)?;
            let found = rows.first().map_or(Ok(0), |r| r.int(0)).map_err(fail)?;
            if found != FORMAT {
                return Err(RunsError::Store {
                    location: self.to_string(),
                    cause: format!(
                        "it has format {found}, this program reads {FORMAT}: use the program that wrote it, or a newer one"
                    ),
                });
            }
            return Ok(());
        }
        self.script(connection, include_str!("schema.sql")).await?;
        let sql = "INSERT INTO state (id, format, change, refs, groups) VALUES (1, $1, 0, 0, 0)";
        connection.execute(sql, vec![Arg::Int(FORMAT)]).await.map_err(fail)?;
        Ok(())
    }
}

fn sqlite(path: &std::path::Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: what was acknowledged outlives a power cut, not only a kill.
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-4096")
        .statement_cache_capacity(128)
        .busy_timeout(PATIENCE)
        .disable_statement_logging()
}

/// An error of the database in words: what is wrong and what to do. Never its own text about values.
pub(crate) fn explain(place: &Place, error: &sqlx::Error) -> RunsError {
    let code = match (place, error) {
        (Place::Sqlite(_), sqlx::Error::Database(e)) => e.code().and_then(|c| c.parse::<u32>().ok()).map(|c| c & 0xff),
        _ => None,
    };
    let cause = match (code, error) {
        (Some(5 | 6), _) => format!(
            "another process has been writing for {} s: end it, or try again later; nothing was changed",
            PATIENCE.as_secs()
        ),
        (Some(8), _) => "it cannot be written: make the file and its folder writable".to_string(),
        (Some(11), _) => "the file is damaged: keep it, and restore a backup".to_string(),
        (Some(13), _) => "the disk is full: free some space and try again; what was acknowledged before is safe".into(),
        (Some(14), _) => "it cannot be opened: check that its folder exists and is writable".to_string(),
        (Some(26), _) => "the file is no database: it was overwritten or truncated; restore a backup".to_string(),
        (_, sqlx::Error::PoolTimedOut) => "too many long reads at once: try again later".to_string(),
        (_, sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed) => "it was closed while in use".to_string(),
        (_, e) => e.to_string(),
    };
    RunsError::Store {
        location: place.to_string(),
        cause,
    }
}
