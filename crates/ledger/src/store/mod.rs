//! Where the ledger is kept. All SQL of the ledger stands in this module: another database is another sibling of it.

mod open;
mod page;
mod reader;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::SqlitePool;
use tokio::sync::{mpsc, oneshot};

use writer::{Job, Reply};

use crate::projection::Cached;
use crate::{Clock, Event, LedgerError};

pub(crate) use open::private_file;
pub(crate) use page::{Pages, Stored};
pub(crate) use reader::{EvidenceRow, PAGE, Select, Snapshot};
pub(crate) use writer::{Condition, Prepared, PreparedPrivate};

/// Most appends that wait for the writer; more wait in turn.
const WAITING: usize = 4096;

/// An open store: readers in a pool, one writer.
pub(crate) struct Store {
    pub path: PathBuf,
    readers: SqlitePool,
    writer: mpsc::Sender<Job>,
}

impl Store {
    /// Opens the store in a folder, creating both if they are not there.
    pub async fn open(folder: &Path, clock: Clock) -> Result<Arc<Store>, LedgerError> {
        let path = open::prepare(folder).await?;
        let connection = open::writer(&path).await?;
        let readers = open::readers(&path);
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(writer::run(path.clone(), clock, connection, receiver));
        Ok(Arc::new(Store {
            path,
            readers,
            writer: sender,
        }))
    }

    /// A view of the store at one moment.
    pub async fn snapshot(&self) -> Result<Snapshot, LedgerError> {
        let transaction = self.readers.begin().await.map_err(|e| open::explain(&self.path, &e))?;
        Ok(Snapshot::new(self.path.clone(), transaction))
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, LedgerError> {
        let closed = || LedgerError::store(self.path.display(), "it was closed while in use");
        let (reply, answer) = oneshot::channel();
        self.writer.send(job(reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    pub async fn append(
        &self,
        condition: Option<Condition>,
        events: Vec<Prepared>,
    ) -> Result<Option<Vec<Event>>, LedgerError> {
        self.ask(|reply| Job::Append {
            condition,
            events,
            reply,
        })
        .await
    }

    pub async fn erase(&self, sequence: u64, actor: String, reason: String) -> Result<u64, LedgerError> {
        let erase = |reply| Job::Erase {
            sequence,
            actor,
            reason,
            reply,
        };
        let recorded = self.ask(erase).await?;
        self.ask(|reply| Job::Truncate { reply }).await?;
        Ok(recorded)
    }

    pub async fn record(&self, evidence: EvidenceRow) -> Result<(), LedgerError> {
        self.ask(|reply| Job::Record { evidence, reply }).await
    }

    pub async fn cache(&self, cached: Cached) -> Result<(), LedgerError> {
        self.ask(|reply| Job::Cache { cached, reply }).await
    }

    pub async fn forget(&self) -> Result<(), LedgerError> {
        self.ask(|reply| Job::Forget { reply }).await
    }

    /// Waits for the appends under way and closes all files.
    pub async fn close(&self) {
        let _ = self.ask(|reply| Job::Close { reply }).await;
        self.readers.close().await;
    }
}
