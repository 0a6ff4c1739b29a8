//! The runs of a group in memory, by column.

use std::collections::HashMap;

use super::column::{Column, Texts};
use crate::model::{DatasetUse, Run, Status};

/// No time.
const NEVER: i64 = i64::MIN;

/// A group's runs.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The last change that is in it, and the last row of it.
    pub seen: (i64, i64),
    rows: HashMap<i64, u32>,
    pub refs: Vec<i64>,
    pub ids: Vec<Box<str>>,
    pub starts: Vec<i64>,
    ends: Vec<i64>,
    pub deleted: Vec<bool>,
    statuses: Vec<Status>,
    pub users: Texts,
    pub metrics: HashMap<String, Column<u64>>,
    pub params: HashMap<String, Texts>,
    pub tags: HashMap<String, Texts>,
    pub datasets: HashMap<u32, Vec<DatasetUse>>,
}

impl Index {
    pub fn len(&self) -> usize {
        self.refs.len()
    }

    pub fn end(&self, row: usize) -> Option<i64> {
        self.ends.get(row).copied().filter(|e| *e != NEVER)
    }

    pub fn status(&self, row: usize) -> &'static str {
        self.statuses.get(row).map_or("", |s| s.name())
    }

    /// Takes in a run as it is now.
    pub fn put(&mut self, reference: i64, run: &Run, deleted: bool) {
        let (row, new) = match self.rows.get(&reference) {
            Some(row) => (*row, false),
            None => {
                let row = u32::try_from(self.refs.len()).unwrap_or(u32::MAX);
                self.rows.insert(reference, row);
                self.refs.push(reference);
                self.ids.push(run.id.as_str().into());
                self.starts.push(0);
                self.ends.push(NEVER);
                self.deleted.push(false);
                self.statuses.push(Status::Running);
                (row, true)
            }
        };
        let (at, rows) = (row as usize, self.refs.len());
        self.starts[at] = run.start_ms;
        self.ends[at] = run.end_ms.unwrap_or(NEVER);
        self.deleted[at] = deleted;
        self.statuses[at] = run.status;
        self.users.set(row, Some(&run.user), rows);
        for (key, latest) in &run.metrics {
            match self.metrics.get_mut(key) {
                Some(column) => column.set(row, Some(latest.0.to_bits()), rows),
                None => {
                    let mut column = Column::default();
                    column.set(row, Some(latest.0.to_bits()), rows);
                    self.metrics.insert(key.clone(), column);
                }
            }
        }
        put_texts(&mut self.params, &run.params, row, rows);
        if !new {
            // Tags can go; metrics and parameters cannot.
            for (key, texts) in &mut self.tags {
                if !run.tags.contains_key(key) {
                    texts.set(row, None, rows);
                }
            }
        }
        put_texts(&mut self.tags, &run.tags, row, rows);
        if !run.datasets.is_empty() {
            self.datasets.insert(row, run.datasets.clone());
        }
    }

    /// Bytes in memory, about.
    pub fn size(&self) -> usize {
        let columns: usize = self.metrics.values().map(Column::size).sum();
        let texts: usize = self.params.values().chain(self.tags.values()).map(Texts::size).sum();
        self.len() * 150 + columns + texts
    }
}

fn put_texts(
    columns: &mut HashMap<String, Texts>,
    values: &std::collections::BTreeMap<String, String>,
    row: u32,
    rows: usize,
) {
    for (key, value) in values {
        match columns.get_mut(key) {
            Some(texts) => texts.set(row, Some(value), rows),
            None => {
                let mut texts = Texts::default();
                texts.set(row, Some(value), rows);
                columns.insert(key.clone(), texts);
            }
        }
    }
}
