//! Reading at one moment.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, Transaction};
use uuid::Uuid;

use super::open::explain;
use crate::chain::Private;
use crate::event::EventText;
use crate::projection::Cached;
use crate::{Event, Filter, LedgerError, canonical};

/// Rows fetched at once.
pub(crate) const PAGE: u64 = 4096;

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

const COLUMNS: &str = "SELECT e.sequence, e.id, e.at_us, e.kind, e.subject, e.actor, e.payload, e.commitment, e.hash, \
     p.sequence, p.salt, p.payload FROM events e LEFT JOIN private p ON p.sequence = e.sequence WHERE 1 = 1";

impl EventRow {
    pub fn text(&self) -> Result<EventText<'_>, sqlx::Error> {
        let row = &self.0;
        Ok(EventText {
            sequence: row.try_get::<i64, _>(0)?.try_into().unwrap_or_default(),
            id: row.try_get(1)?,
            at_us: row.try_get(2)?,
            kind: row.try_get(3)?,
            subject: row.try_get(4)?,
            actor: row.try_get(5)?,
            payload: row.try_get(6)?,
            commitment: row.try_get(7)?,
        })
    }

    pub fn hash(&self) -> Result<&str, sqlx::Error> {
        self.0.try_get(8)
    }

    pub fn private(&self) -> Result<Private<'_>, sqlx::Error> {
        if self.0.try_get::<Option<i64>, _>(9)?.is_none() {
            return Ok(Private::Absent);
        }
        Ok(match (self.0.try_get(10)?, self.0.try_get(11)?) {
            (None, None) => Private::Erased,
            (salt, payload) => Private::Present {
                salt: salt.unwrap_or_default(),
                payload: payload.unwrap_or_default(),
            },
        })
    }

    /// The event; the error names what cannot be read.
    pub fn event(&self, path: &Path) -> Result<Event, LedgerError> {
        let text = self.text().map_err(|e| explain(path, &e))?;
        let broken =
            |what: &str| LedgerError::broken(text.sequence, format!("its {what} cannot be read: it was edited"));
        let private = match self.private().map_err(|e| explain(path, &e))? {
            Private::Present { payload, .. } => Some(canonical::parse(payload).map_err(|_| broken("private payload"))?),
            _ => None,
        };
        Ok(Event {
            sequence: text.sequence,
            id: Uuid::parse_str(text.id).map_err(|_| broken("id"))?,
            at_us: text.at_us,
            kind: text.kind.to_string(),
            subject: text.subject.to_string(),
            actor: text.actor.to_string(),
            payload: canonical::parse(text.payload).map_err(|_| broken("payload"))?,
            private,
            commitment: text.commitment.map(str::to_string),
            hash: self.hash().map_err(|e| explain(path, &e))?.to_string(),
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

    /// The last event's sequence number and hash.
    pub async fn head(&mut self) -> Result<Option<(u64, String)>, LedgerError> {
        let sql = "SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1";
        let row = sqlx::query(sql).fetch_optional(&mut *self.transaction).await;
        self.pair(row)
    }

    /// The hash of an event.
    pub async fn hash(&mut self, sequence: u64) -> Result<Option<String>, LedgerError> {
        let sql = "SELECT sequence, hash FROM events WHERE sequence = ?";
        let row = sqlx::query(sql)
            .bind(signed(sequence))
            .fetch_optional(&mut *self.transaction)
            .await;
        Ok(self.pair(row)?.map(|(_, hash)| hash))
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
        if let Some(as_of_us) = filter.as_of_us {
            query.push(" AND e.at_us <= ").push_bind(as_of_us);
        }
        if let Some(after) = filter.after {
            query.push(" AND e.sequence > ").push_bind(signed(after));
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

    /// Evidence whose id lies in `[from, to)`, or about a subject up to a time, at most `limit`.
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
