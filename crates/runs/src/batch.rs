//! One transaction of the writer: runs are read once, changed in memory, and written once at its end.

use std::collections::{BTreeMap, HashMap};

use crate::RunsError;
use crate::db::{Arg, Connection, Place, PointRow, Row, written};
use crate::model::{Group, Run};
use crate::writer::Outcome;

/// Most bytes of runs that are kept in memory between transactions.
const KEPT: usize = 16 << 20;
/// Most metric names that are kept in memory.
const NAMES: usize = 100_000;

/// A run in memory.
pub(crate) struct Held {
    pub reference: i64,
    pub run: Run,
    /// Bytes of its document.
    size: usize,
    dirty: bool,
    used: u64,
}

/// The writer's state.
pub(crate) struct Batch {
    pub place: Place,
    pub connection: Connection,
    /// The transaction failed already: nothing more is tried.
    pub doomed: bool,
    /// Number of this change.
    pub change: i64,
    /// The last number that was given to a row.
    refs: i64,
    refs_before: i64,
    last_group: i64,
    runs: HashMap<String, Held>,
    /// Bytes of those.
    size: usize,
    /// Ids of the runs that this transaction asked for.
    touched: Vec<String>,
    groups: HashMap<i64, Group>,
    keys: HashMap<String, i64>,
    points: Vec<PointRow>,
    used: u64,
}

impl Batch {
    pub fn new(place: Place, connection: Connection) -> Batch {
        Batch {
            place,
            connection,
            doomed: false,
            change: -1,
            refs: 0,
            refs_before: 0,
            last_group: 0,
            runs: HashMap::new(),
            size: 0,
            touched: Vec::new(),
            groups: HashMap::new(),
            keys: HashMap::new(),
            points: Vec::new(),
            used: 0,
        }
    }

    /// Forgets what is held in memory.
    pub fn forget(&mut self) {
        self.keep(|_| false);
        self.groups.clear();
        self.keys.clear();
        self.points.clear();
    }

    /// Begins. Whatever another process wrote meanwhile is read anew.
    pub async fn begin(&mut self) -> Result<(), sqlx::Error> {
        self.connection.begin().await?;
        let sql = "UPDATE state SET change = change + 1 WHERE id = 1 RETURNING change, refs, groups";
        let rows = self.connection.fetch(sql, Vec::new()).await?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let change = row.int(0)?;
        if change != self.change + 1 {
            self.forget();
        }
        self.change = change;
        (self.refs, self.last_group) = (row.int(1)?, row.int(2)?);
        self.refs_before = self.refs;
        self.touched.clear();
        Ok(())
    }

    /// Writes what was changed in memory, and commits.
    pub async fn commit(&mut self) -> Result<(), sqlx::Error> {
        let points = std::mem::take(&mut self.points);
        if !points.is_empty() {
            self.connection.insert_points(&points).await?;
        }
        self.write_runs().await?;
        if self.refs != self.refs_before {
            let sql = "UPDATE state SET refs = $1 WHERE id = 1";
            self.connection.execute(sql, vec![Arg::Int(self.refs)]).await?;
        }
        self.connection.run("COMMIT").await?;
        self.shrink();
        Ok(())
    }

    /// Writes the runs that were changed.
    async fn write_runs(&mut self) -> Result<(), sqlx::Error> {
        let mut rows = Vec::new();
        for id in self.touched.drain(..) {
            let Some(held) = self.runs.get_mut(&id).filter(|h| h.dirty) else {
                continue;
            };
            let doc = written(&held.run)?;
            let size = room(&doc);
            self.size = self.size - held.size + size;
            held.size = size;
            held.dirty = false;
            rows.push(vec![
                Arg::Int(held.reference),
                Arg::from(held.run.id.as_str()),
                Arg::Int(held.run.group),
                Arg::Maybe(held.run.deleted_ms),
                Arg::Int(self.change),
                Arg::Text(doc),
            ]);
        }
        let head = "INSERT INTO runs (ref, id, group_id, deleted_ms, change, doc)";
        let tail = "ON CONFLICT (ref) DO UPDATE SET deleted_ms = excluded.deleted_ms, change = excluded.change, \
                    doc = excluded.doc";
        self.connection.insert(head, tail, rows).await
    }

    /// The transaction failed: what memory holds is not what the database holds.
    pub async fn broke(&mut self) {
        self.forget();
        self.change = -1;
        if self.connection.run("ROLLBACK").await.is_err()
            && let Ok(connection) = self.place.reconnect().await
        {
            self.connection = connection;
        }
    }

    pub async fn close(&mut self) {
        if let Connection::Sqlite(_) = &self.connection {
            let _ = self.connection.run("PRAGMA wal_checkpoint(TRUNCATE)").await;
        }
    }

    /// Drops all runs but some.
    fn keep(&mut self, those: impl Fn(&Held) -> bool) {
        self.runs.retain(|_, held| those(held));
        self.size = self.runs.values().map(|held| held.size).sum();
    }

    /// Drops the runs that were used longest ago when there are too many.
    fn shrink(&mut self) {
        if self.size > KEPT {
            let mut used: Vec<u64> = self.runs.values().map(|h| h.used).collect();
            let middle = used.len() / 2;
            let (_, median, _) = used.select_nth_unstable(middle);
            let median = *median;
            self.keep(|h| h.used > median);
        }
        if self.keys.len() > NAMES {
            self.keys.clear();
        }
    }

    /// A number for a new row.
    pub fn next_ref(&mut self) -> i64 {
        self.refs += 1;
        self.refs
    }

    /// A number for a new group.
    pub async fn next_group(&mut self) -> Outcome<i64> {
        self.last_group += 1;
        let sql = "UPDATE state SET groups = $1 WHERE id = 1";
        self.connection.execute(sql, vec![Arg::Int(self.last_group)]).await?;
        Ok(self.last_group)
    }

    /// A run, to be read or changed.
    pub async fn run(&mut self, id: &str) -> Outcome<&mut Held> {
        self.used += 1;
        if self.touched.last().is_none_or(|last| last != id) {
            self.touched.push(id.to_owned());
        }
        if !self.runs.contains_key(id) {
            let sql = "SELECT ref, group_id, deleted_ms, doc FROM runs WHERE id = $1";
            let rows = self.connection.fetch(sql, vec![id.into()]).await?;
            let Some(row) = rows.first() else {
                return Err(RunsError::missing("run", id).into());
            };
            let run = read_run(row, id.to_owned(), 1)?;
            let held = Held {
                reference: row.int(0)?,
                size: room(row.str(3)?),
                run,
                dirty: false,
                used: 0,
            };
            self.size += held.size;
            self.runs.insert(id.to_owned(), held);
        }
        let used = self.used;
        let held = self.runs.get_mut(id).ok_or_else(|| RunsError::missing("run", id))?;
        held.used = used;
        Ok(held)
    }

    /// A run that is not deleted, to be changed.
    pub async fn active_run(&mut self, id: &str) -> Outcome<&mut Held> {
        let held = self.run(id).await?;
        if held.run.deleted_ms.is_some() {
            let (what, name) = ("run", id.to_owned());
            return Err(RunsError::Deleted { what, name }.into());
        }
        Ok(held)
    }

    /// A new run.
    pub fn hold(&mut self, reference: i64, run: Run) {
        self.used += 1;
        let held = Held {
            reference,
            size: 1024,
            dirty: true,
            used: self.used,
            run,
        };
        self.size += held.size;
        self.touched.push(held.run.id.clone());
        self.runs.insert(held.run.id.clone(), held);
    }

    /// Forgets the runs of a group, which were changed in the database alone. What they still had to say is written
    /// first.
    pub async fn release(&mut self, group: i64) -> Outcome<()> {
        self.write_runs().await?;
        self.keep(|h| h.run.group != group);
        Ok(())
    }

    /// A group.
    pub async fn group(&mut self, id: i64) -> Outcome<Group> {
        if let Some(group) = self.groups.get(&id) {
            return Ok(group.clone());
        }
        let rows = self
            .connection
            .fetch("SELECT id, name, doc FROM run_groups WHERE id = $1", vec![Arg::Int(id)])
            .await?;
        let Some(row) = rows.first() else {
            return Err(RunsError::missing("run group", id.to_string()).into());
        };
        let group = read_group(row)?;
        self.groups.insert(id, group.clone());
        Ok(group)
    }

    /// Writes a group as it is now.
    pub async fn put_group(&mut self, group: Group) -> Outcome<()> {
        let doc = written(&group)?;
        let sql = "INSERT INTO run_groups (id, name, change, doc) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE \
                   SET name = excluded.name, change = excluded.change, doc = excluded.doc";
        let args = vec![
            Arg::Int(group.id),
            Arg::from(group.name.as_str()),
            Arg::Int(self.change),
            Arg::Text(doc),
        ];
        self.connection.execute(sql, args).await?;
        self.groups.insert(group.id, group);
        Ok(())
    }

    /// Numbers of metric names, given to those that are new.
    pub async fn key_refs<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> Outcome<()> {
        let mut unknown: BTreeMap<&str, ()> = BTreeMap::new();
        for name in names {
            if !self.keys.contains_key(name) {
                unknown.insert(name, ());
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let list = serde_json::to_string(&unknown.keys().collect::<Vec<_>>()).unwrap_or_default();
        let sql = format!("SELECT name, ref FROM keys WHERE {}", self.connection.within("name"));
        for row in self.connection.fetch(&sql, vec![Arg::Text(list)]).await? {
            let (name, reference) = (row.text(0)?, row.int(1)?);
            unknown.remove(name.as_str());
            self.keys.insert(name, reference);
        }
        let mut made = Vec::new();
        for name in unknown.into_keys() {
            let reference = self.next_ref();
            made.push(vec![Arg::Int(reference), Arg::from(name)]);
            self.keys.insert(name.to_owned(), reference);
        }
        self.connection.insert("INSERT INTO keys (ref, name)", "", made).await?;
        Ok(())
    }

    /// The number of a metric name that [`Batch::key_refs`] was asked for.
    pub fn key(&self, name: &str) -> i64 {
        self.keys.get(name).copied().unwrap_or_default()
    }

    /// A point to be written.
    pub fn point(&mut self, point: PointRow) {
        self.points.push(point);
    }
}

/// Bytes that a run takes in memory, by its document.
fn room(doc: &str) -> usize {
    doc.len() * 3 + 512
}

impl Held {
    /// The run, to be changed.
    pub fn change(&mut self) -> &mut Run {
        self.dirty = true;
        &mut self.run
    }
}

/// A run of a row whose columns are, from `at`: group, deleted, document.
pub(crate) fn read_run(row: &Row, id: String, at: usize) -> Result<Run, sqlx::Error> {
    let mut run: Run = row.document(at + 2)?;
    run.id = id;
    run.group = row.int(at)?;
    run.deleted_ms = row.maybe(at + 1)?;
    Ok(run)
}

/// A group of a row `id, name, doc`.
pub(crate) fn read_group(row: &Row) -> Result<Group, sqlx::Error> {
    let mut group: Group = row.document(2)?;
    group.id = row.int(0)?;
    Ok(group)
}
