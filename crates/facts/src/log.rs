//! A log as its users see it: many append at once, one thread writes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::FactError;
use crate::store::Store;

/// Most rows that wait to be written; beyond that batches are refused at once.
pub const WAITING_ROWS: usize = 100_000;
/// Most batches that wait.
const WAITING_BATCHES: usize = 4096;
/// Most rows that share a flush, give or take a batch.
const GROUP: usize = 50_000;

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Rows that were new and are on disk.
    pub stored: usize,
    /// Rows whose key was known: they are on disk from before.
    pub known: usize,
}

enum Job {
    Append {
        batch: RecordBatch,
        reply: oneshot::Sender<Result<Appended, FactError>>,
        room: OwnedSemaphorePermit,
    },
    Seal {
        reply: oneshot::Sender<Result<u64, FactError>>,
    },
}

/// A log of facts. Cheap to clone; the files are closed when the last clone goes.
#[derive(Clone)]
pub struct FactLog {
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    schema: SchemaRef,
    folder: Arc<Path>,
}

impl std::fmt::Debug for FactLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FactLog")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl FactLog {
    /// Opens the log in a folder, made if it is not there. Blocks while another process writes.
    ///
    /// # Errors
    /// If the folder cannot be used, or holds another log's files.
    pub fn open(folder: &Path, schema: SchemaRef) -> Result<FactLog, FactError> {
        let store = Store::open(folder, schema.clone())?;
        let (jobs, waiting) = mpsc::channel(WAITING_BATCHES);
        std::thread::Builder::new()
            .name("steward-facts".to_owned())
            .spawn(move || serve(store, waiting))
            .map_err(|e| FactError::store(folder, format!("no thread can be started: {e}")))?;
        Ok(FactLog {
            jobs,
            room: Arc::new(Semaphore::new(WAITING_ROWS)),
            schema,
            folder: folder.into(),
        })
    }

    /// Where the Parquet files are: `_files` in it names those that are the table.
    pub fn folder(&self) -> PathBuf {
        self.folder.to_path_buf()
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Keeps the rows whose key is new, and answers when all are on disk. Batches that wait together share a flush.
    ///
    /// # Errors
    /// [`FactError::Busy`] at once, if too many rows wait. Otherwise what kept the rows from being written; whether they
    /// were is then unknown if the process ends, and appending them again is right in any case.
    pub async fn append(&self, batch: RecordBatch) -> Result<Appended, FactError> {
        if batch.schema().fields() != self.schema.fields() {
            return Err(FactError::Schema {
                log: self.folder.display().to_string(),
                cause: "the batch has other columns".to_owned(),
            });
        }
        let waiting = || WAITING_ROWS - self.room.available_permits();
        let rows = u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
        // A batch larger than all the room waits for all of it.
        let rows = rows.min(WAITING_ROWS as u32);
        let room = Arc::clone(&self.room).try_acquire_many_owned(rows);
        let room = room.map_err(|_| FactError::Busy { waiting: waiting() })?;
        let (reply, answer) = oneshot::channel();
        let job = Job::Append { batch, reply, room };
        self.jobs.try_send(job).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => FactError::Busy { waiting: waiting() },
            mpsc::error::TrySendError::Closed(_) => self.ended(),
        })?;
        answer.await.unwrap_or_else(|_| Err(self.ended()))
    }

    /// Makes every row that was acknowledged visible to engines; answers how many were not yet.
    ///
    /// # Errors
    /// What kept the file from being written; the rows stay where they are.
    pub async fn seal(&self) -> Result<u64, FactError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Seal { reply }).await.map_err(|_| self.ended())?;
        answer.await.unwrap_or_else(|_| Err(self.ended()))
    }

    fn ended(&self) -> FactError {
        FactError::store(&self.folder, "the writer ended; start the program again")
    }
}

/// Serves jobs until every handle is gone.
fn serve(mut store: Store, mut jobs: mpsc::Receiver<Job>) {
    let mut next = None;
    while let Some(job) = next.take().or_else(|| jobs.blocking_recv()) {
        let mut batches = Vec::new();
        let mut replies = Vec::new();
        let mut rows = 0;
        let mut job = Some(job);
        while let Some(one) = job.take() {
            match one {
                Job::Append { batch, reply, room } => {
                    rows += batch.num_rows();
                    batches.push(batch);
                    replies.push((reply, room));
                    if rows < GROUP {
                        job = jobs.try_recv().ok();
                    }
                }
                seal @ Job::Seal { .. } => next = Some(seal),
            }
        }
        if !batches.is_empty() {
            let outcome = store.commit(&batches);
            for (at, (reply, room)) in replies.into_iter().enumerate() {
                let own = match &outcome {
                    Ok(all) => Ok(all.get(at).copied().unwrap_or_default()),
                    Err(e) => Err(e.clone()),
                };
                // Who asked may have gone away; the rows are kept all the same.
                let _ = reply.send(own);
                drop(room);
            }
        } else if let Some(Job::Seal { reply }) = next.take() {
            let _ = reply.send(store.seal());
        }
    }
}
