//! Searching runs: columns of a group's runs in memory, built when they are first asked for and kept current by the
//! numbers of changes.

mod column;
mod index;
pub(crate) mod matching;
mod models;
mod query;
mod traces;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::RwLock;

use crate::RunsError;
use crate::batch::read_run;
use crate::db::Arg;
use crate::grammar::{Clause, Order};
use crate::model::{Run, View};
use crate::store::RunStore;
pub use models::{ModelOrder, ModelSearch, OnDataset};
pub use traces::{Counts, TraceSearch};

use index::Index;
use query::{Hit, address_fits, matching, of_documents, ordered, twice};

/// Rows read at once when an index is built.
const CHUNK: i64 = 4096;
/// Most bytes of indexes, about, besides the one that is asked.
const MOST: usize = 256 << 20;
/// Most rows that are searched without leaving the way to other requests.
const QUICK: usize = 50_000;

/// The indexes that are in memory, by group.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    known: Mutex<HashMap<i64, Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    index: Arc<RwLock<Index>>,
    size: usize,
    used: u64,
}

impl Indexes {
    /// Drops all.
    pub fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn of(&self, group: i64) -> Arc<RwLock<Index>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = known.values().map(|k| k.used).max().unwrap_or(0) + 1;
        let entry = known.entry(group).or_insert_with(|| Known {
            index: Arc::default(),
            size: 0,
            used: 0,
        });
        entry.used = now;
        entry.index.clone()
    }

    /// Notes the size of an index, and drops those that were used longest ago when there is too much.
    fn sized(&self, group: i64, size: usize) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get_mut(&group) {
            entry.size = size;
        }
        let mut all: usize = known.values().map(|k| k.size).sum();
        while all > MOST && known.len() > 1 {
            let oldest = known.iter().filter(|(g, _)| **g != group).min_by_key(|(_, k)| k.used);
            let Some((oldest, size)) = oldest.map(|(g, k)| (*g, k.size)) else {
                break;
            };
            known.remove(&oldest);
            all -= size;
        }
    }
}

/// A search of runs.
#[derive(Clone, Debug)]
pub struct RunSearch {
    /// In these groups.
    pub groups: Vec<i64>,
    /// That fit all of these.
    pub filter: Vec<Clause>,
    /// Deleted or not.
    pub view: View,
    /// In this order; then newest first, then by id.
    pub orders: Vec<Order>,
    /// Left out at the beginning.
    pub offset: usize,
    /// At most so many.
    pub limit: usize,
}

/// Runs that were found, and whether there are more.
#[derive(Clone, Debug, Default)]
pub struct Page<T> {
    /// What was found.
    pub items: Vec<T>,
    /// Whether there is more.
    pub more: bool,
}

/// A dataset as runs of a group use it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DatasetSummary {
    /// The group.
    pub group: i64,
    /// Name.
    pub name: String,
    /// Digest.
    pub digest: String,
    /// What for, if told.
    pub context: Option<String>,
}

impl RunStore {
    /// Finds runs.
    ///
    /// # Errors
    /// If an order names a field twice, or the database fails.
    pub async fn search_runs(&self, mut search: RunSearch) -> Result<Page<Run>, RunsError> {
        if twice(&search.orders) {
            return Err(RunsError::Invalid("`order_by` contains duplicate fields".into()));
        }
        search.groups.sort_unstable();
        search.groups.dedup();
        let indexes = self.current(&search.groups).await?;
        let by_document = search.filter.iter().any(of_documents);
        let (offset, limit) = match by_document {
            true => (0, usize::MAX),
            false => (search.offset, search.limit.saturating_add(1)),
        };
        let mut held = Vec::with_capacity(indexes.len());
        for index in indexes {
            held.push(index.read_owned().await);
        }
        let rows: usize = held.iter().map(|i| i.len()).sum();
        let (filter, view, orders) = (search.filter.clone(), search.view, search.orders);
        let find = move || -> Vec<i64> {
            let indexes: Vec<&Index> = held.iter().map(|i| &**i).collect();
            let mut hits: Vec<Hit> = Vec::new();
            for (at, index) in (0u32..).zip(&indexes) {
                hits.extend(matching(index, &filter, view).into_iter().map(|row| (at, row)));
            }
            let hits = ordered(&indexes, hits, &orders, offset, limit);
            hits.iter()
                .map(|(at, row)| indexes[*at as usize].refs[*row as usize])
                .collect()
        };
        let mut refs = match rows > QUICK {
            true => tokio::task::spawn_blocking(find)
                .await
                .map_err(|e| RunsError::Invalid(format!("the search broke off: {e}")))?,
            false => find(),
        };
        if by_document {
            let mut runs = self.by_refs(&refs).await?;
            runs.retain(|run| {
                search
                    .filter
                    .iter()
                    .filter(|c| of_documents(c))
                    .all(|c| address_fits(c, &run.artifacts))
            });
            let more = runs.len() > search.offset.saturating_add(search.limit);
            let items = runs.into_iter().skip(search.offset).take(search.limit).collect();
            return Ok(Page { items, more });
        }
        let more = refs.len() > search.limit;
        refs.truncate(search.limit);
        let items = self.by_refs(&refs).await?;
        Ok(Page { items, more })
    }

    /// The datasets that runs of groups read, each once.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn dataset_summaries(&self, groups: &[i64]) -> Result<Vec<DatasetSummary>, RunsError> {
        let mut found = std::collections::BTreeSet::new();
        for (group, index) in groups.iter().zip(self.current(groups).await?) {
            for used in index.read().await.datasets.values().flatten() {
                found.insert(DatasetSummary {
                    group: *group,
                    name: used.name.clone(),
                    digest: used.digest.clone(),
                    context: used.context().map(str::to_owned),
                });
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Runs by their numbers, in that order.
    async fn by_refs(&self, refs: &[i64]) -> Result<Vec<Run>, RunsError> {
        let mut found: HashMap<i64, Run> = HashMap::with_capacity(refs.len());
        for chunk in refs.chunks(1024) {
            // Numbers, not values of anybody: they may stand in the text, where the database plans best for them.
            let list: Vec<String> = chunk.iter().map(i64::to_string).collect();
            let sql = format!(
                "SELECT ref, id, group_id, deleted_ms, doc FROM runs WHERE ref IN ({})",
                list.join(",")
            );
            for row in self.pool.unprepared(&sql).await.map_err(self.fail())? {
                let read = || Ok((row.int(0)?, read_run(&row, row.text(1)?, 2)?));
                let (reference, run) = read().map_err(self.fail())?;
                found.insert(reference, run);
            }
        }
        Ok(refs.iter().filter_map(|r| found.remove(r)).collect())
    }

    /// The indexes of groups with all that was acknowledged.
    async fn current(&self, groups: &[i64]) -> Result<Vec<Arc<RwLock<Index>>>, RunsError> {
        let row = self.pool.one("SELECT change FROM state WHERE id = 1", Vec::new()).await;
        let row = row.map_err(self.fail())?;
        let change = row.map_or(Ok(0), |r| r.int(0)).map_err(self.fail())?;
        let mut all = Vec::with_capacity(groups.len());
        for group in groups {
            let index = self.indexes.of(*group);
            if index.read().await.seen.0 < change {
                let mut held = index.write().await;
                if held.seen.0 < change {
                    self.catch_up(*group, &mut held).await?;
                    // Nothing of the group changed up to there.
                    held.seen = held.seen.max((change, 0));
                    let size = held.size();
                    drop(held);
                    self.indexes.sized(*group, size);
                }
            }
            all.push(index);
        }
        Ok(all)
    }

    async fn catch_up(&self, group: i64, index: &mut Index) -> Result<(), RunsError> {
        let sql = "SELECT ref, id, group_id, deleted_ms, doc, change FROM runs \
                   WHERE group_id = $1 AND (change, ref) > ($2, $3) ORDER BY change, ref LIMIT $4";
        // Rows of the last change that was seen may have come after the look at it.
        let mut after = index.seen;
        loop {
            let args = vec![Arg::Int(group), Arg::Int(after.0), Arg::Int(after.1), Arg::Int(CHUNK)];
            let rows = self.pool.fetch(sql, args).await.map_err(self.fail())?;
            for row in &rows {
                let read = || -> Result<_, sqlx::Error> {
                    let (reference, run) = (row.int(0)?, read_run(row, row.text(1)?, 2)?);
                    Ok((reference, run, row.int(5)?))
                };
                let (reference, run, change) = read().map_err(self.fail())?;
                index.put(reference, &run, run.deleted_ms.is_some());
                after = (change, reference);
            }
            if rows.len() < usize::try_from(CHUNK).unwrap_or(usize::MAX) {
                index.seen = after.max(index.seen);
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    }
}
