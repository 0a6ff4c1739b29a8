//! Creating and opening the SQLite file, and what its errors mean.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection, SqlitePool};
use uuid::Uuid;

use crate::LedgerError;

/// Newest format known; `PRAGMA user_version`.
const FORMAT: i64 = 1;
/// "Stwd": tells a ledger from any other SQLite file; `PRAGMA application_id`.
const APPLICATION: i64 = 0x5374_7764;
const FILE: &str = "ledger.db";
/// Longest wait for another process's write.
const PATIENCE: Duration = Duration::from_secs(30);
/// Opened as they are needed.
const READERS: u32 = 8;

/// Makes sure that there is a ledger file, and answers its path.
pub(super) async fn prepare(folder: &Path) -> Result<PathBuf, LedgerError> {
    let path = folder.join(FILE);
    let fail = |what: &str, e: std::io::Error| LedgerError::store(path.display(), format!("{what}: {e}"));
    std::fs::create_dir_all(folder).map_err(|e| fail("its folder cannot be created", e))?;
    match std::fs::metadata(&path) {
        Ok(file) if file.len() == 0 => Err(LedgerError::store(
            path.display(),
            "the file is empty, which a ledger never is: restore it from a backup, or remove it to start anew",
        )),
        Ok(_) => Ok(path),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            create(folder, &path).await?;
            Ok(path)
        }
        Err(e) => Err(fail("the file cannot be read", e)),
    }
}

/// Creates the file whole or not at all: a process killed here leaves no half ledger, and two that create at once
/// end up with the same.
async fn create(folder: &Path, path: &Path) -> Result<(), LedgerError> {
    let log = folder.join(format!("{FILE}-wal"));
    if log.exists() {
        let cause = format!("the file is gone but its log {FILE}-wal is there: restore the file from a backup");
        return Err(LedgerError::store(path.display(), cause));
    }
    let fail = |e: std::io::Error| LedgerError::store(path.display(), format!("the file cannot be created: {e}"));
    let draft = folder.join(format!(".{FILE}.{}", Uuid::now_v7().simple()));
    private_file(&draft).map_err(fail)?;
    let made = fill(&draft).await.map_err(|e| explain(path, &e));
    let linked = made.and_then(|()| {
        let file = std::fs::OpenOptions::new().write(true).open(&draft).map_err(fail)?;
        file.sync_all().map_err(fail)?;
        match std::fs::hard_link(&draft, path) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            // Some file systems know no links.
            Err(_) if !path.exists() => std::fs::rename(&draft, path).map_err(fail),
            other => other.map_err(fail),
        }
    });
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.join(format!("{}{suffix}", draft.display())));
    }
    linked?;
    #[cfg(unix)]
    std::fs::File::open(folder).and_then(|f| f.sync_all()).map_err(fail)?;
    Ok(())
}

/// Creates an empty file that not everybody may read: it will hold personal data.
pub(crate) fn private_file(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o660);
    options.open(path)
}

async fn fill(draft: &Path) -> Result<(), sqlx::Error> {
    let mut connection = options(draft).connect().await?;
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(include_str!("schema.sql"))
        .execute(&mut *transaction)
        .await?;
    let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT};");
    sqlx::raw_sql(sqlx::AssertSqlSafe(marks))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    connection.close().await
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: what was acknowledged outlives a power cut, not only a kill.
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "ON")
        .busy_timeout(PATIENCE)
        .disable_statement_logging()
}

/// The connection that writes, after a look at whose file it is.
pub(super) async fn writer(path: &Path) -> Result<SqliteConnection, LedgerError> {
    let mut connection = connect(path).await.map_err(|e| explain(path, &e))?;
    let application = pragma(&mut connection, "PRAGMA application_id")
        .await
        .map_err(|e| explain(path, &e))?;
    let found = pragma(&mut connection, "PRAGMA user_version")
        .await
        .map_err(|e| explain(path, &e))?;
    if application != APPLICATION {
        return Err(LedgerError::store(
            path.display(),
            "this is a database, but not a Steward ledger",
        ));
    }
    if found > FORMAT {
        return Err(LedgerError::Newer {
            location: path.display().to_string(),
            found,
            known: FORMAT,
        });
    }
    if found < FORMAT {
        let cause = format!("format {found} was never written by any program: the file is damaged, restore a backup");
        return Err(LedgerError::store(path.display(), cause));
    }
    // SQLite falls back to reading only without a word: ask for the right to write now rather than at a decision.
    let probe = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(|e| explain(path, &e))?;
    probe.rollback().await.map_err(|e| explain(path, &e))?;
    Ok(connection)
}

pub(super) async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options(path).connect().await
}

async fn pragma(connection: &mut SqliteConnection, sql: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query(sql).fetch_one(connection).await?.try_get(0)
}

/// Connections that read.
pub(super) fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .test_before_acquire(false)
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options(path).pragma("query_only", "ON"))
}

/// An error of the database in words: what is wrong and what to do. Never its own text about values.
pub(super) fn explain(path: &Path, error: &sqlx::Error) -> LedgerError {
    let code = match error {
        sqlx::Error::Database(e) => e.code().and_then(|c| c.parse::<u32>().ok()).map(|c| c & 0xff),
        _ => None,
    };
    let cause = match (code, error) {
        (Some(5 | 6), _) => format!(
            "another process has been writing for {} s: end it, or try again later; nothing was changed",
            PATIENCE.as_secs()
        ),
        (Some(8), _) => "it cannot be written: make the file and its folder writable".to_string(),
        (Some(10), e) => {
            format!("the operating system failed to read or write it ({e}); what was acknowledged before is safe")
        }
        (Some(11), _) => "the file is damaged: keep it, and restore the ledger from a backup or an export".to_string(),
        (Some(13), _) => {
            "the disk is full: free some space and try again; what was acknowledged before is safe".to_string()
        }
        (Some(14), _) => "it cannot be opened: check that its folder exists and is writable".to_string(),
        (Some(26), _) => {
            "the file is not a ledger: it was overwritten or truncated; restore it from a backup".to_string()
        }
        (_, sqlx::Error::PoolTimedOut) => "too many long reads at once: try again later".to_string(),
        (_, sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed) => "it was closed while in use".to_string(),
        (_, sqlx::Error::ColumnDecode { index, .. }) => {
            format!("the file is damaged: column {index} of a row holds no value of its type; restore a backup")
        }
        (_, e) => e.to_string(),
    };
    LedgerError::store(path.display(), cause)
}
