//! Writing. One task owns the writing connection and takes everything that waits into one transaction, so that many
//! requests share one flush to disk; each is answered after the flush.

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::RunsError;
use crate::batch::Batch;
use crate::db::{Connection, Place, explain};

/// Most jobs that share a transaction.
const GROUP: usize = 512;
/// Most jobs that wait; more wait in turn.
const WAITING: usize = 4096;

/// An answer that waits for the commit.
pub(crate) type Answer = Box<dyn FnOnce(Result<(), RunsError>) + Send>;
/// Work within a transaction. A database error ends the whole transaction; what the work itself refuses is in the answer.
type Work = Box<dyn for<'a> FnOnce(&'a mut Batch) -> BoxFuture<'a, (Answer, Result<(), sqlx::Error>)> + Send>;

enum Job {
    Work(Work),
    Close(oneshot::Sender<()>),
}

/// The way to the task.
#[derive(Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
}

/// What an operation says: its own refusal, or the database's failure.
#[derive(Debug)]
pub(crate) enum Failure {
    Refused(RunsError),
    Database(sqlx::Error),
}

impl From<RunsError> for Failure {
    fn from(e: RunsError) -> Failure {
        Failure::Refused(e)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(e: sqlx::Error) -> Failure {
        Failure::Database(e)
    }
}

/// What an operation answers.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl Writer {
    pub fn start(place: Place, connection: Connection) -> Writer {
        let (jobs, receiver) = mpsc::channel(WAITING);
        tokio::spawn(run(place, connection, receiver));
        Writer { jobs }
    }

    /// Does work in a transaction and answers once it is on disk.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl for<'a> FnOnce(&'a mut Batch) -> BoxFuture<'a, Outcome<T>> + Send + 'static,
    ) -> Result<T, RunsError> {
        let closed = || RunsError::Store {
            location: "run store".into(),
            cause: "it was closed while in use".into(),
        };
        let (reply, answer) = oneshot::channel();
        let job: Work = Box::new(move |batch| {
            Box::pin(async move {
                let done = match batch.doomed {
                    true => Err(Failure::Database(sqlx::Error::WorkerCrashed)),
                    false => work(batch).await,
                };
                let (outcome, failed) = match done {
                    Ok(value) => (Ok(value), Ok(())),
                    Err(Failure::Refused(e)) => (Err(e), Ok(())),
                    Err(Failure::Database(e)) => (Err(explain(&batch.place, &e)), Err(e)),
                };
                // Who asked may have gone away; the work is done all the same.
                let answer: Answer = Box::new(move |commit| drop(reply.send(commit.and(outcome))));
                (answer, failed)
            })
        });
        self.jobs.send(Job::Work(job)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Waits for the work under way.
    pub async fn close(&self) {
        let (reply, done) = oneshot::channel();
        if self.jobs.send(Job::Close(reply)).await.is_ok() {
            let _ = done.await;
        }
    }
}

async fn run(place: Place, connection: Connection, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Batch::new(place.clone(), connection);
    let mut waiting = Vec::new();
    let mut closing = None;
    while closing.is_none() && jobs.recv_many(&mut waiting, GROUP).await > 0 {
        let mut work = Vec::with_capacity(waiting.len());
        for job in waiting.drain(..) {
            match job {
                Job::Work(job) => work.push(job),
                Job::Close(reply) => closing = Some(reply),
            }
        }
        if work.is_empty() {
            continue;
        }
        let mut answers = Vec::with_capacity(work.len());
        let outcome = commit(&mut batch, work, &mut answers).await;
        let outcome = outcome.map_err(|e| explain(&place, &e));
        if outcome.is_err() {
            batch.broke().await;
        }
        for answer in answers {
            answer(outcome.clone());
        }
    }
    batch.close().await;
    if let Some(reply) = closing {
        let _ = reply.send(());
    }
}

async fn commit(batch: &mut Batch, work: Vec<Work>, answers: &mut Vec<Answer>) -> Result<(), sqlx::Error> {
    let mut failed = batch.begin().await.err();
    for job in work {
        // After a failure, the rest is only answered.
        if failed.is_some() {
            batch.doomed = true;
        }
        let (answer, outcome) = job(batch).await;
        answers.push(answer);
        if let Err(e) = outcome
            && failed.is_none()
        {
            failed = Some(e);
        }
    }
    batch.doomed = false;
    match failed {
        Some(e) => Err(e),
        None => batch.commit().await,
    }
}
