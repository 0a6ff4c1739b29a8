//! Events by the thousand, for verification and export: the database joins many rows into one value, because handing
//! over row by row would cost more than hashing.

use sqlx::Row;

use super::open::explain;
use super::reader::{Snapshot, signed};
use crate::LedgerError;
use crate::chain::Private;
use crate::event::EventText;

/// Rows a page, unless they are large.
const ROWS: u64 = 1024;
/// Pages larger than this are followed by smaller ones.
const BYTES: usize = 8 << 20;
/// SQLite's code for a value beyond its limit.
const TOO_BIG: &str = "18";

/// Between columns and between rows. No field of an event can hold them: they are escaped in JSON and refused
/// elsewhere. If one was edited in, the counts do not fit.
const COLUMN: char = '\u{1f}';
const ROW: u8 = b'\n';
const COLUMNS: usize = 12;

/// Flags come before values that may be NULL, so that NULL and empty differ.
const SQL: &str = "SELECT COUNT(*), CAST(group_concat(line, char(10)) AS BLOB) FROM (\
     SELECT concat_ws(char(31), e.sequence, e.id, e.at_us, e.kind, e.subject, e.actor, e.payload, \
     coalesce('+' || e.commitment, ''), e.hash, CASE WHEN p.sequence IS NULL THEN 'absent' \
     WHEN p.salt IS NULL AND p.payload IS NULL THEN 'erased' ELSE 'present' END, \
     coalesce(p.salt, ''), coalesce(p.payload, '')) AS line \
     FROM events e LEFT JOIN private p ON p.sequence = e.sequence \
     WHERE e.sequence > ? AND e.sequence <= ? ORDER BY e.sequence LIMIT ?)";

/// Consecutive events as they are stored.
pub(crate) struct Page {
    rows: u64,
    /// Whether there are as many lines as rows; if not, nothing on it can be told apart.
    whole: bool,
    bytes: Vec<u8>,
}

/// One event as it is stored.
pub(crate) struct Stored<'a> {
    pub text: EventText<'a>,
    pub hash: &'a str,
    pub private: Private<'a>,
}

impl Page {
    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Its events; `None` for one that cannot be taken apart.
    pub fn events(&self) -> impl Iterator<Item = Option<Stored<'_>>> {
        let lines = self.bytes.split(|byte| *byte == ROW).map(Stored::split);
        lines.map(|stored| stored.filter(|_| self.whole))
    }
}

impl<'a> Stored<'a> {
    fn split(line: &'a [u8]) -> Option<Stored<'a>> {
        let mut fields = std::str::from_utf8(line).ok()?.split(COLUMN);
        let mut columns = [""; COLUMNS];
        for column in &mut columns {
            *column = fields.next()?;
        }
        let [
            sequence,
            id,
            at_us,
            kind,
            subject,
            actor,
            payload,
            commitment,
            hash,
            state,
            salt,
            private,
        ] = columns;
        if fields.next().is_some() {
            return None;
        }
        Some(Stored {
            text: EventText {
                sequence: sequence.parse().ok()?,
                id,
                at_us: at_us.parse().ok()?,
                kind,
                subject,
                actor,
                payload,
                commitment: commitment.strip_prefix('+'),
            },
            hash,
            private: match state {
                "present" => Private::Present { salt, payload: private },
                "erased" => Private::Erased,
                _ => Private::Absent,
            },
        })
    }
}

/// Pages of a range of events, one after the other.
pub(crate) struct Pages {
    snapshot: Snapshot,
    rows: u64,
}

impl Pages {
    /// Pages of what a snapshot sees.
    pub fn new(snapshot: Snapshot) -> Pages {
        Pages { snapshot, rows: ROWS }
    }

    /// The next events after one, up to another.
    pub async fn next(&mut self, after: i64, until: u64) -> Result<Page, LedgerError> {
        loop {
            let (path, connection) = self.snapshot.parts();
            let query = sqlx::query(SQL).bind(after).bind(signed(until)).bind(signed(self.rows));
            let read = || async {
                let row = query.fetch_one(connection).await?;
                let rows: i64 = row.try_get(0)?;
                let bytes: Option<Vec<u8>> = row.try_get(1)?;
                Ok((rows, bytes.unwrap_or_default()))
            };
            match read().await {
                Ok((rows, bytes)) => {
                    let lines = bytes.iter().filter(|byte| **byte == ROW).count() as u64 + 1;
                    let rows: u64 = rows.try_into().unwrap_or_default();
                    let whole = rows == lines;
                    if !whole && rows > 1 {
                        // Row by row until the culprit stands alone.
                        self.rows = 1;
                        continue;
                    }
                    self.rows = if bytes.len() > BYTES {
                        (self.rows / 2).max(1)
                    } else {
                        (self.rows * 2).min(ROWS)
                    };
                    return Ok(Page { rows, whole, bytes });
                }
                Err(sqlx::Error::Database(e)) if e.code().as_deref() == Some(TOO_BIG) && self.rows > 1 => {
                    self.rows /= 2
                }
                Err(e) => return Err(explain(path, &e)),
            }
        }
    }
}
