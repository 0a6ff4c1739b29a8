//! Reading at one moment.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, Transaction};
use uuid::Uuid;

use super::open::explain;
use crate::event::ERASED;
use crate::projection::Cached;
use crate::{Event, Filter, LedgerError, canonical};

/// Rows fetched at once.
pub(crate) const PAGE: u64 = 1024;

/// A view of the store at one moment, whatever is appended meanwhile.
pub(crate) struct Snapshot {
    path: PathBuf,
    transaction: Transaction<'static, Sqlite>,
}

/// Evidence as it is stored; texts are canonical JSON.
#[derive(Clone, Debug)]
pub(crate) struct EvidenceRow {
    pub id: String,
    pub subject: String,
    pub key: String,
    pub value: String,
    pub value_digest: String,
    pub provenance: String,
    pub provenance_digest: String,
    pub computed_us: i64,
}

/// An event as it is stored, with what is left of its private payload.
pub(crate) struct EventRow(SqliteRow);

const COLUMNS: &str = "SELECT e.sequence, e.id, e.at_us, e.kind, e.subject, e.actor, e.payload, p.payload, \
     e.commitment, e.hash FROM events e LEFT JOIN private p ON p.sequence = e.sequence WHERE 1 = 1";

impl EventRow {
    /// The event; the error names what cannot be read.
    pub fn event(&self, path: &Path) -> Result<Event, LedgerError> {
        let read = |e| explain(path, &e);
        let row = &self.0;
        let sequence = row.try_get::<i64, _>(0).map_err(read)?.try_into().unwrap_or_default();
        let broken = |what: &str| LedgerError::broken(sequence, format!("its {what} cannot be read: it was edited"));
        let private: Option<&str> = row.try_get(7).map_err(read)?;
        Ok(Event {
            sequence,
            id: Uuid::parse_str(row.try_get(1).map_err(read)?).map_err(|_| broken("id"))?,
            at_us: row.try_get(2).map_err(read)?,
            kind: row.try_get(3).map_err(read)?,
            subject: row.try_get(4).map_err(read)?,
            actor: row.try_get(5).map_err(read)?,
            payload: canonical::parse(row.try_get(6).map_err(read)?).map_err(|_| broken("payload"))?,
            private: private
                .map(canonical::parse)
                .transpose()
                .map_err(|_| broken("private payload"))?,
            commitment: row.try_get(8).map_err(read)?,
            hash: row.try_get(9).map_err(read)?,
        })
    }
}

impl Snapshot {
    pub(super) fn new(path: PathBuf, transaction: Transaction<'static, Sqlite>) -> Snapshot {
        Snapshot { path, transaction }
    }

    /// Where it comes from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// For the pages beside.
    pub(super) fn parts(&mut self) -> (&Path, &mut SqliteConnection) {
        (&self.path, &mut self.transaction)
    }

    /// The last event's sequence number and hash.
    pub async fn head(&mut self) -> Result<Option<(u64, String)>, LedgerError> {
        let sql = "SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1";
        let row = sqlx::query(sql).fetch_optional(&mut *self.transaction).await;
        self.pair(row)
    }

    /// The hash and time of an event.
    pub async fn link(&mut self, sequence: u64) -> Result<Option<(String, i64)>, LedgerError> {
        let sql = "SELECT hash, at_us FROM events WHERE sequence = ?";
        let query = sqlx::query(sql).bind(signed(sequence));
        let row = query.fetch_optional(&mut *self.transaction).await;
        let read = || -> Result<_, sqlx::Error> {
            let Some(row) = row? else { return Ok(None) };
            Ok(Some((row.try_get(0)?, row.try_get(1)?)))
        };
        read().map_err(|e| explain(&self.path, &e))
    }

    fn pair(&self, row: Result<Option<SqliteRow>, sqlx::Error>) -> Result<Option<(u64, String)>, LedgerError> {
        let read = || -> Result<_, sqlx::Error> {
            let Some(row) = row? else { return Ok(None) };
            Ok(Some((
                row.try_get::<i64, _>(0)?.try_into().unwrap_or_default(),
                row.try_get(1)?,
            )))
        };
        read().map_err(|e| explain(&self.path, &e))
    }

    /// Rows that fit a filter, in order.
    pub async fn rows(&mut self, filter: &Filter, limit: Option<u64>) -> Result<Vec<EventRow>, LedgerError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        if let Some(kind) = &filter.kind {
            match kind.strip_suffix('.') {
                // "decision." up to, without, "decision/": the next character after the point.
                Some(stem) => {
                    query.push(" AND e.kind >= ").push_bind(kind.clone());
                    query.push(" AND e.kind < ").push_bind(format!("{stem}/"));
                }
                None => {
                    query.push(" AND e.kind = ").push_bind(kind.clone());
                }
            }
        }
        if let Some(subject) = &filter.subject {
            query.push(" AND e.subject = ").push_bind(subject.clone());
        }
        if let Some(actor) = &filter.actor {
            query.push(" AND e.actor = ").push_bind(actor.clone());
        }
        if let Some(since_us) = filter.since_us {
            query.push(" AND e.at_us >= ").push_bind(since_us);
        }
        if let Some(as_of_us) = filter.as_of_us {
            query.push(" AND e.at_us <= ").push_bind(as_of_us);
        }
        if let Some(after) = filter.after {
            query.push(" AND e.sequence > ").push_bind(signed(after));
        }
        if let Some(before) = filter.before {
            query.push(" AND e.sequence < ").push_bind(signed(before));
        }
        query.push(" ORDER BY e.sequence");
        if let Some(last) = filter.last {
            query.push(" DESC LIMIT ").push_bind(signed(last));
        } else if let Some(limit) = limit {
            query.push(" LIMIT ").push_bind(signed(limit));
        }
        let rows = query.build().fetch_all(&mut *self.transaction).await;
        let mut rows: Vec<_> = rows
            .map_err(|e| explain(&self.path, &e))?
            .into_iter()
            .map(EventRow)
            .collect();
        if filter.last.is_some() {
            rows.reverse();
        }
        Ok(rows)
    }

    /// Erasures recorded after an event: the events whose private payload they erased.
    pub async fn erasures_after(&mut self, sequence: u64) -> Result<Vec<u64>, LedgerError> {
        let filter = Filter {
            kind: Some(ERASED.to_string()),
            after: Some(sequence),
            ..Filter::default()
        };
        let rows = self.rows(&filter, None).await?;
        let events: Result<Vec<_>, _> = rows.iter().map(|row| row.event(&self.path)).collect();
        let target = |event: &Event| event.payload.get("sequence")?.as_u64();
        Ok(events?.iter().filter_map(target).collect())
    }

    /// Whether the file is sound in itself: above all, whether the indexes, which decide what a filtered read finds,
    /// hold every event.
    pub async fn sound(&mut self) -> Result<(), LedgerError> {
        let query = sqlx::query("PRAGMA integrity_check(1)");
        let finding = query
            .fetch_one(&mut *self.transaction)
            .await
            .and_then(|row| row.try_get::<String, _>(0));
        match finding.map_err(|e| explain(&self.path, &e))?.as_str() {
            "ok" => Ok(()),
            finding => {
                let cause = format!("the file is damaged ({finding}): restore the ledger from a backup");
                Err(LedgerError::store(self.path.display(), cause))
            }
        }
    }

    /// The first private payload that belongs to no event.
    pub async fn orphan(&mut self) -> Result<Option<u64>, LedgerError> {
        let sql = "SELECT p.sequence, '' FROM private p LEFT JOIN events e ON e.sequence = p.sequence \
                   WHERE e.sequence IS NULL ORDER BY p.sequence LIMIT 1";
        let row = sqlx::query(sql).fetch_optional(&mut *self.transaction).await;
        Ok(self.pair(row)?.map(|(sequence, _)| sequence))
    }

    /// A cached projection state.
    pub async fn cached(&mut self, name: &'static str, version: u32) -> Result<Option<Cached>, LedgerError> {
        let sql = "SELECT sequence, hash, state, digest FROM projections WHERE name = ? AND version = ?";
        let query = sqlx::query(sql).bind(name).bind(i64::from(version));
        let row = query.fetch_optional(&mut *self.transaction).await;
        let read = || -> Result<_, sqlx::Error> {
            let Some(row) = row? else { return Ok(None) };
            let cached = Cached {
                name,
                version,
                sequence: row.try_get::<i64, _>(0)?.try_into().unwrap_or_default(),
                hash: row.try_get(1)?,
                state: row.try_get(2)?,
            };
            let intact = cached.digest() == row.try_get::<&str, _>(3)?;
            Ok(intact.then_some(cached))
        };
        read().map_err(|e| explain(&self.path, &e))
    }

    /// How much evidence there is.
    pub async fn evidence_count(&mut self) -> Result<u64, LedgerError> {
        let query = sqlx::query("SELECT COUNT(*) FROM evidence");
        let count = query
            .fetch_one(&mut *self.transaction)
            .await
            .and_then(|row| row.try_get::<i64, _>(0));
        Ok(count
            .map_err(|e| explain(&self.path, &e))?
            .try_into()
            .unwrap_or_default())
    }

    /// Keys of the evidence about a subject, with their ids and times; conclusions are not read.
    pub async fn evidence_keys(&mut self, subject: &str) -> Result<Vec<(String, String, i64)>, LedgerError> {
        let sql = "SELECT id, key, computed_us FROM evidence WHERE subject = ? ORDER BY computed_us, id";
        let rows = sqlx::query(sql).bind(subject).fetch_all(&mut *self.transaction).await;
        let read = || -> Result<Vec<_>, sqlx::Error> {
            let row = |row: &SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
            rows?.iter().map(row).collect()
        };
        read().map_err(|e| explain(&self.path, &e))
    }

    /// Evidence whose id lies between two others, or about a subject up to a time, at most `limit`.
    pub async fn evidence(&mut self, select: Select<'_>, limit: u64) -> Result<Vec<EvidenceRow>, LedgerError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT id, subject, key, value, value_digest, provenance, provenance_digest, computed_us FROM evidence WHERE ",
        );
        match select {
            Select::Id(id) => query.push("id = ").push_bind(id.to_string()),
            Select::Between(from, to) => {
                query.push("id > ").push_bind(from.to_string());
                query.push(" AND id < ").push_bind(to.to_string()).push(" ORDER BY id")
            }
            Select::About(subject, as_of_us) => {
                query.push("subject = ").push_bind(subject.to_string());
                if let Some(as_of_us) = as_of_us {
                    query.push(" AND computed_us <= ").push_bind(as_of_us);
                }
                query.push(" ORDER BY computed_us, id")
            }
        };
        query.push(" LIMIT ").push_bind(signed(limit));
        let rows = query.build().fetch_all(&mut *self.transaction).await;
        let read = || -> Result<Vec<_>, sqlx::Error> {
            let row = |row: &SqliteRow| {
                Ok(EvidenceRow {
                    id: row.try_get(0)?,
                    subject: row.try_get(1)?,
                    key: row.try_get(2)?,
                    value: row.try_get(3)?,
                    value_digest: row.try_get(4)?,
                    provenance: row.try_get(5)?,
                    provenance_digest: row.try_get(6)?,
                    computed_us: row.try_get(7)?,
                })
            };
            rows?.iter().map(row).collect()
        };
        read().map_err(|e| explain(&self.path, &e))
    }
}

/// Which evidence.
pub(crate) enum Select<'a> {
    /// With this id.
    Id(&'a str),
    /// With an id between these two.
    Between(&'a str, &'a str),
    /// About a subject, computed at or before a time.
    About(&'a str, Option<i64>),
}

/// SQL has no unsigned numbers; beyond 2⁶³ there are no events.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
