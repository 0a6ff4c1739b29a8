//! Writing. One task per process owns the writing connection and takes everything that waits into one transaction,
//! so that many appends share one flush to disk. Between processes SQLite's write lock decides who is next; the head
//! of the chain is read again under it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sqlx::{Connection, Row, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use uuid::{NoContext, Timestamp, Uuid};

use super::open::{connect, explain};
use super::reader::{EvidenceRow, signed};
use crate::chain::{self, Hash};
use crate::event::{ERASED, EventText};
use crate::evidence::citations;
use crate::projection::Cached;
use crate::{Clock, Event, LedgerError, canonical};

/// Most jobs that share a transaction.
const GROUP: usize = 1024;

/// Where the answer to a job goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, LedgerError>>;

/// The last event about the subject must still be this one.
pub(crate) struct Condition {
    pub subject: String,
    pub expected: Option<u64>,
}

/// A checked event on its way into the chain.
pub(crate) struct Prepared {
    pub kind: String,
    pub subject: String,
    pub actor: String,
    pub payload: Value,
    pub private: Option<PreparedPrivate>,
}

/// A private payload with its salt.
pub(crate) struct PreparedPrivate {
    pub payload: Value,
    pub salt: [u8; 32],
}

/// What the writer is asked to do.
pub(crate) enum Job {
    Append {
        condition: Option<Condition>,
        events: Vec<Prepared>,
        reply: Reply<Option<Vec<Event>>>,
    },
    Erase {
        sequence: u64,
        actor: String,
        reason: String,
        reply: Reply<u64>,
    },
    Record {
        evidence: EvidenceRow,
        reply: Reply<()>,
    },
    Cache {
        cached: Cached,
        reply: Reply<()>,
    },
    Forget {
        reply: Reply<()>,
    },
    /// Copies the log back and cuts it, outside any transaction.
    Truncate {
        reply: Reply<()>,
    },
    Close {
        reply: Reply<()>,
    },
}

/// An answer that waits for the commit.
type Answer = Box<dyn FnOnce(Result<(), LedgerError>) + Send>;

fn answer<T: Send + 'static>(reply: Reply<T>, outcome: Result<T, LedgerError>) -> Answer {
    // Who asked may have gone away; the job is done all the same.
    Box::new(move |commit| drop(reply.send(commit.and(outcome))))
}

/// Serves jobs until every handle to the store is gone.
pub(super) async fn run(path: PathBuf, clock: Clock, connection: SqliteConnection, mut jobs: mpsc::Receiver<Job>) {
    let mut connection = Some(connection);
    let mut batch = Vec::new();
    let mut truncating = Vec::new();
    let mut closing = None;
    while closing.is_none() && jobs.recv_many(&mut batch, GROUP).await > 0 {
        let mut answers = Vec::with_capacity(batch.len());
        let mut work = Vec::with_capacity(batch.len());
        for job in batch.drain(..) {
            match job {
                Job::Close { reply } => closing = Some(reply),
                Job::Truncate { reply } => truncating.push(reply),
                job => work.push(job),
            }
        }
        let outcome = commit(&path, &clock, &mut connection, work, &mut answers).await;
        let outcome = outcome.map_err(|e| explain(&path, &e));
        for answer in answers {
            answer(outcome.clone());
        }
        for reply in truncating.drain(..) {
            let outcome = truncate_log(&path, &mut connection)
                .await
                .map_err(|e| explain(&path, &e));
            drop(reply.send(outcome));
        }
    }
    if let Some(connection) = connection {
        let _ = connection.close().await;
    }
    if let Some(reply) = closing {
        drop(reply.send(Ok(())));
    }
}

/// One transaction. On error nothing of it is kept, and the next starts with a fresh connection.
async fn commit(
    path: &Path,
    clock: &Clock,
    slot: &mut Option<SqliteConnection>,
    work: Vec<Job>,
    answers: &mut Vec<Answer>,
) -> Result<(), sqlx::Error> {
    if work.is_empty() {
        return Ok(());
    }
    let opened = match slot.take() {
        Some(connection) => Ok(connection),
        None => connect(path).await,
    };
    let mut connection = match opened {
        Ok(connection) => connection,
        Err(e) => {
            answers.extend(work.into_iter().map(refuse));
            return Err(e);
        }
    };
    let mut jobs = work.into_iter();
    let outcome = group(clock, &mut connection, &mut jobs, answers).await;
    answers.extend(jobs.map(refuse));
    outcome?;
    *slot = Some(connection);
    Ok(())
}

/// The answer to a job that was not tried because the transaction failed: that failure.
fn refuse(job: Job) -> Answer {
    fn failed<T: Send + 'static>(reply: Reply<T>) -> Answer {
        Box::new(move |commit| {
            if let Err(e) = commit {
                drop(reply.send(Err(e)));
            }
        })
    }
    match job {
        Job::Append { reply, .. } => failed(reply),
        Job::Erase { reply, .. } => failed(reply),
        Job::Record { reply, .. } | Job::Cache { reply, .. } | Job::Forget { reply } => failed(reply),
        Job::Truncate { reply } | Job::Close { reply } => failed(reply),
    }
}

/// Bytes of erased payloads also stand in the log until it is copied back and cut.
async fn truncate_log(path: &Path, slot: &mut Option<SqliteConnection>) -> Result<(), sqlx::Error> {
    let connection = match slot {
        Some(connection) => connection,
        None => slot.insert(connect(path).await?),
    };
    let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(connection)
        .await?;
    match row.try_get::<i64, _>(0)? {
        0 => Ok(()),
        _ => Err(sqlx::Error::Protocol(
            "erased and recorded, but a long read elsewhere keeps the bytes in the log: erase the same again later"
                .into(),
        )),
    }
}

async fn group(
    clock: &Clock,
    connection: &mut SqliteConnection,
    jobs: &mut std::vec::IntoIter<Job>,
    answers: &mut Vec<Answer>,
) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut tail = Tail::read(&mut transaction, clock).await?;
    for job in jobs {
        // A job that fails here fails the group: its own answer says so, the others' through the commit.
        let (made, outcome) = match job {
            Job::Append {
                condition,
                events,
                reply,
            } => settle(reply, tail.append(&mut transaction, condition, events).await),
            Job::Erase {
                sequence,
                actor,
                reason,
                reply,
            } => settle(reply, tail.erase(&mut transaction, sequence, actor, reason).await),
            Job::Record { evidence, reply } => settle(reply, tail.record(&mut transaction, evidence).await),
            Job::Cache { cached, reply } => settle(reply, cache(&mut transaction, cached).await),
            Job::Forget { reply } => settle(reply, forget(&mut transaction).await),
            Job::Truncate { reply } | Job::Close { reply } => settle(reply, Ok(Ok(()))),
        };
        answers.push(made);
        outcome?;
    }
    transaction.commit().await
}

/// The outer result is the database's, the inner the job's.
type Outcome<T> = Result<Result<T, LedgerError>, sqlx::Error>;

fn settle<T: Send + 'static>(reply: Reply<T>, outcome: Outcome<T>) -> (Answer, Result<(), sqlx::Error>) {
    match outcome {
        Ok(outcome) => (answer(reply, outcome), Ok(())),
        Err(e) => {
            let failed: Answer = Box::new(move |commit| {
                if let Err(e) = commit {
                    drop(reply.send(Err(e)));
                }
            });
            (failed, Err(e))
        }
    }
}

async fn cache(connection: &mut SqliteConnection, cached: Cached) -> Outcome<()> {
    sqlx::query(
        "INSERT INTO projections (name, version, sequence, hash, state, digest) \
         VALUES (?, ?, ?, ?, ?, ?) \
         ON CONFLICT (name, version) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, \
         state = excluded.state, digest = excluded.digest",
    )
    .bind(cached.name)
    .bind(i64::from(cached.version))
    .bind(signed(cached.sequence))
    .bind(&cached.hash)
    .bind(&cached.state)
    .bind(cached.digest())
    .execute(connection)
    .await?;
    Ok(Ok(()))
}

async fn forget(connection: &mut SqliteConnection) -> Outcome<()> {
    sqlx::query("DELETE FROM projections").execute(connection).await?;
    Ok(Ok(()))
}

/// The end of the chain while the write lock is held.
struct Tail {
    sequence: u64,
    at_us: i64,
    hash: Hash,
    now_us: i64,
    buffer: String,
}

impl Tail {
    async fn read(connection: &mut SqliteConnection, clock: &Clock) -> Result<Tail, sqlx::Error> {
        let sql = "SELECT sequence, at_us, hash FROM events ORDER BY sequence DESC LIMIT 1";
        let row = sqlx::query(sql).fetch_optional(connection).await?;
        let (sequence, at_us, hash) = match row {
            None => (0, i64::MIN, chain::genesis()),
            Some(row) => {
                let hash = chain::hash(row.try_get(2)?);
                let damaged =
                    || sqlx::Error::Protocol("the last event's hash is damaged: run `steward ledger verify`".into());
                (
                    row.try_get::<i64, _>(0)?.try_into().unwrap_or_default(),
                    row.try_get(1)?,
                    hash.ok_or_else(damaged)?,
                )
            }
        };
        Ok(Tail {
            sequence,
            at_us,
            hash,
            now_us: clock(),
            buffer: String::new(),
        })
    }

    async fn append(
        &mut self,
        connection: &mut SqliteConnection,
        condition: Option<Condition>,
        events: Vec<Prepared>,
    ) -> Outcome<Option<Vec<Event>>> {
        if let Some(Condition { subject, expected }) = condition {
            let sql = "SELECT MAX(sequence) FROM events WHERE subject = ?";
            let last: Option<i64> = sqlx::query(sql)
                .bind(subject)
                .fetch_one(&mut *connection)
                .await?
                .try_get(0)?;
            if last != expected.map(signed) {
                return Ok(Ok(None));
            }
        }
        for event in &events {
            let mut found = Vec::new();
            citations(&event.payload, &mut found);
            for cited in found {
                let sql = "SELECT value_digest, provenance_digest FROM evidence WHERE id = ?";
                let row = sqlx::query(sql).bind(cited.id).fetch_optional(&mut *connection).await?;
                let cause = match row {
                    None => "it is not recorded: record it first",
                    Some(row) if cited.fits(row.try_get(0)?, row.try_get(1)?) => continue,
                    Some(_) => "what is recorded under that id has another digest: cite what is recorded",
                };
                let what = format!("evidence cited by a {} event", event.kind);
                return Ok(Err(LedgerError::invalid(what, cause)));
            }
        }
        let mut appended = Vec::with_capacity(events.len());
        for event in events {
            appended.push(self.link(connection, event).await?);
        }
        Ok(Ok(Some(appended)))
    }

    async fn link(&mut self, connection: &mut SqliteConnection, event: Prepared) -> Result<Event, sqlx::Error> {
        let sequence = self.sequence + 1;
        // Clocks go backwards now and then; the ledger does not.
        let at_us = self.now_us.max(self.at_us);
        let id = identifier(at_us);
        let payload = canonical::text(&event.payload);
        let private = event
            .private
            .map(|private| (private.salt, canonical::text(&private.payload), private.payload));
        let commitment = private.as_ref().map(|(salt, text, _)| chain::commitment(salt, text));
        let id_text = id.hyphenated().to_string();
        self.buffer.clear();
        let text = EventText {
            sequence,
            id: &id_text,
            at_us,
            kind: &event.kind,
            subject: &event.subject,
            actor: &event.actor,
            payload: &payload,
            commitment: commitment.as_deref(),
        };
        text.write(&mut self.buffer);
        let hash = chain::link(&self.hash, self.buffer.as_bytes());
        let hash_text = canonical::hex(&hash);
        sqlx::query(
            "INSERT INTO events (sequence, id, at_us, kind, subject, actor, payload, commitment, hash) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(signed(sequence))
        .bind(&id_text)
        .bind(at_us)
        .bind(&event.kind)
        .bind(&event.subject)
        .bind(&event.actor)
        .bind(&payload)
        .bind(&commitment)
        .bind(&hash_text)
        .execute(&mut *connection)
        .await?;
        if let Some((salt, text, _)) = &private {
            sqlx::query("INSERT INTO private (sequence, salt, payload) VALUES (?, ?, ?)")
                .bind(signed(sequence))
                .bind(canonical::hex(salt))
                .bind(text)
                .execute(connection)
                .await?;
        }
        (self.sequence, self.at_us, self.hash) = (sequence, at_us, hash);
        Ok(Event {
            sequence,
            id,
            at_us,
            kind: event.kind,
            subject: event.subject,
            actor: event.actor,
            payload: event.payload,
            private: private.map(|(_, _, value)| value),
            commitment,
            hash: hash_text,
        })
    }

    /// Answers the sequence number of the event that records the erasure; that of the first if it was erased before.
    async fn erase(
        &mut self,
        connection: &mut SqliteConnection,
        sequence: u64,
        actor: String,
        reason: String,
    ) -> Outcome<u64> {
        let what = || format!("event {sequence}");
        let row = sqlx::query(
            "SELECT e.commitment, p.payload IS NOT NULL FROM events e LEFT JOIN private p ON p.sequence = e.sequence \
             WHERE e.sequence = ?",
        )
        .bind(signed(sequence))
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else {
            return Ok(Err(LedgerError::invalid(what(), "there is no such event")));
        };
        let Some(commitment) = row.try_get::<Option<String>, _>(0)? else {
            return Ok(Err(LedgerError::invalid(
                what(),
                "it has no private payload that could be erased",
            )));
        };
        let subject = format!("event/{sequence}");
        if !row.try_get::<bool, _>(1)? {
            let sql = "SELECT sequence FROM events WHERE kind = ? AND subject = ? ORDER BY sequence LIMIT 1";
            let row = sqlx::query(sql)
                .bind(ERASED)
                .bind(subject)
                .fetch_optional(connection)
                .await?;
            return Ok(match row {
                Some(row) => Ok(row.try_get::<i64, _>(0)?.try_into().unwrap_or_default()),
                None => Err(LedgerError::broken(
                    sequence,
                    "its private payload is missing, and no event says why",
                )),
            });
        }
        sqlx::query("UPDATE private SET salt = NULL, payload = NULL WHERE sequence = ?")
            .bind(signed(sequence))
            .execute(&mut *connection)
            .await?;
        let event = Prepared {
            kind: ERASED.to_string(),
            subject,
            actor,
            payload: json!({ "commitment": commitment, "reason": reason, "sequence": sequence }),
            private: None,
        };
        Ok(Ok(self.link(connection, event).await?.sequence))
    }

    async fn record(&self, connection: &mut SqliteConnection, evidence: EvidenceRow) -> Outcome<()> {
        sqlx::query(
            "INSERT INTO evidence (id, subject, key, value, value_digest, provenance, provenance_digest, computed_us) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(evidence.id)
        .bind(evidence.subject)
        .bind(evidence.key)
        .bind(evidence.value)
        .bind(evidence.value_digest)
        .bind(evidence.provenance)
        .bind(evidence.provenance_digest)
        .bind(self.now_us)
        .execute(connection)
        .await?;
        Ok(Ok(()))
    }
}

/// UUIDv7 at a time of the injected clock.
fn identifier(at_us: i64) -> Uuid {
    let at = u64::try_from(at_us).unwrap_or_default();
    let nanos = u32::try_from(at % 1_000_000 * 1_000).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, at / 1_000_000, nanos))
}
