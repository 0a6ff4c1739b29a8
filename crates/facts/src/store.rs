//! The files of a log, in the hands of one thread.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use arrow::array::{AsArray, BooleanArray, StringArray};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;

use crate::FactError;
use crate::files::{self, Files, Part};
use crate::frame;
use crate::known::Known;
use crate::log::Appended;
use crate::tail::{Tail, sync_folder};

/// Keys that are known at least: a row whose key is among the newest so many is not kept again.
pub const HORIZON: usize = 5_000_000;

/// A tail of so many bytes becomes a file.
const LONGEST_TAIL: u64 = 32 << 20;
/// Files do not grow beyond so many rows.
const LARGEST_PART: u64 = 1_000_000;

/// An open log.
pub(crate) struct Store {
    name: String,
    folder: PathBuf,
    schema: SchemaRef,
    lock: File,
    files: Files,
    tail: Tail,
    /// Keys, and how many rows they were read from; filled when the first row comes.
    known: Option<Known>,
    seen: u64,
}

/// Held while files are written or read for writing.
struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // The operating system lets go of it with the process at the latest.
        let _ = self.0.unlock();
    }
}

fn hold(lock: &File, folder: &Path) -> Result<Held, FactError> {
    let fail = |e| FactError::store(&folder.join("lock"), e);
    let lock = lock.try_clone().map_err(fail)?;
    lock.lock().map_err(fail)?;
    Ok(Held(lock))
}

fn tail_of(folder: &Path, files: &Files) -> PathBuf {
    folder.join(format!("tail-{}.log", files.rows()))
}

impl Store {
    /// Opens a log, made if it is not there. The first column is the key: text, never null.
    pub(crate) fn open(folder: &Path, schema: SchemaRef) -> Result<Store, FactError> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let refuse = |cause: &str| FactError::Schema {
            log: name.clone(),
            cause: cause.to_owned(),
        };
        match schema.fields().first() {
            Some(key) if *key.data_type() == DataType::Utf8 && !key.is_nullable() => {}
            _ => return Err(refuse("the first column is the key: text that is never null")),
        }
        std::fs::create_dir_all(folder).map_err(|e| FactError::store(folder, e))?;
        let path = folder.join("lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let lock = lock.map_err(|e| FactError::store(&path, e))?;
        let held = hold(&lock, folder)?;
        let files = match Files::read(folder)? {
            Some(files) => files,
            None => {
                // An engine learns the columns from it while there are no rows.
                let mut files = Files::default();
                let empty = Part { first: 0, rows: 0 };
                files::write(folder, &empty, &schema, std::iter::empty())?;
                files.replace(0, empty);
                files.publish(folder)?;
                folder.ancestors().skip(1).take(2).try_for_each(sync_folder)?;
                files
            }
        };
        if let Some(part) = files.parts.last()
            && files::schema(folder, part)?.fields() != schema.fields()
        {
            return Err(refuse(
                "its files have other columns; another version of the program wrote them",
            ));
        }
        let tail = Tail::open(tail_of(folder, &files))?;
        drop(held);
        Ok(Store {
            name,
            folder: folder.to_owned(),
            schema,
            lock,
            files,
            tail,
            known: None,
            seen: 0,
        })
    }

    /// Keeps the rows that are new and waits until they are on disk: for each batch, how many were. All batches share one
    /// flush; if it fails, none of them is kept.
    pub(crate) fn commit(&mut self, batches: &[RecordBatch]) -> Result<Vec<Appended>, FactError> {
        let _held = hold(&self.lock, &self.folder)?;
        self.catch_up()?;
        let known = self.known.get_or_insert_with(|| Known::new(HORIZON));
        let mut added = Vec::new();
        let mut fresh = Vec::with_capacity(batches.len());
        let mut answers = Vec::with_capacity(batches.len());
        for batch in batches {
            let keys: &StringArray = batch.column(0).as_string();
            let mask: BooleanArray = keys
                .iter()
                .map(|key| {
                    let fingerprint = known.fingerprint(key.unwrap_or_default());
                    let new = known.add(fingerprint);
                    if new {
                        added.push(fingerprint);
                    }
                    Some(new)
                })
                .collect();
            let new = mask.true_count();
            answers.push(Appended {
                stored: new,
                known: batch.num_rows() - new,
            });
            if new == batch.num_rows() {
                fresh.push(batch.clone());
            } else if new > 0 {
                fresh.push(filter_record_batch(batch, &mask).map_err(|e| FactError::store(&self.folder, e))?);
            }
        }
        if !added.is_empty() {
            let group = concat_batches(&self.schema, &fresh).and_then(|all| frame::encode(&all));
            let written = group
                .map_err(|e| FactError::store(&self.folder, e))
                .and_then(|group| self.tail.append(&group));
            if let Err(e) = written {
                known.forget(&added);
                return Err(e);
            }
            self.seen += added.len() as u64;
        }
        if self.tail.length() > LONGEST_TAIL
            && let Err(e) = self.seal_held()
        {
            // The rows are on disk all the same.
            tracing::warn!("facts {} stay in their tail: {e}", self.name);
        }
        Ok(answers)
    }

    /// Learns what stands on disk and was not seen yet: all of it at first, later what other processes wrote.
    fn catch_up(&mut self) -> Result<(), FactError> {
        self.renew()?;
        let known = self.known.get_or_insert_with(|| Known::new(HORIZON));
        let rows = self.files.rows();
        // What lies further back is forgotten anyway.
        let from = self.seen.max(rows.saturating_sub(HORIZON as u64));
        for part in self.files.parts.iter().filter(|part| part.end() > from) {
            files::keys(&self.folder, part, from.saturating_sub(part.first), |key| {
                known.add(known.fingerprint(key));
            })?;
        }
        self.seen = self.seen.max(rows);
        for batch in self.tail.catch_up(&self.schema)? {
            let keys: &StringArray = batch.column(0).as_string();
            for key in keys.iter().flatten() {
                known.add(known.fingerprint(key));
            }
            self.seen += batch.num_rows() as u64;
        }
        Ok(())
    }

    /// Opens the files that are the log now, if another process sealed it.
    fn renew(&mut self) -> Result<(), FactError> {
        let files = Files::read(&self.folder)?.ok_or_else(|| {
            FactError::store(
                &self.folder,
                "the list of files is gone; restore the folder, or start again without it",
            )
        })?;
        if files != self.files {
            if files.rows() != self.files.rows() {
                self.tail = Tail::open(tail_of(&self.folder, &files))?;
            }
            self.files = files;
        }
        Ok(())
    }

    /// Turns the tail into a Parquet file, so that engines see every row that was acknowledged. Answers how many there
    /// were.
    pub(crate) fn seal(&mut self) -> Result<u64, FactError> {
        let _held = hold(&self.lock, &self.folder)?;
        self.renew()?;
        self.seal_held()
    }

    fn seal_held(&mut self) -> Result<u64, FactError> {
        let path = tail_of(&self.folder, &self.files);
        let batches = Tail::open(path)?.catch_up(&self.schema)?;
        let new: u64 = batches.iter().map(|b| b.num_rows() as u64).sum();
        if new == 0 {
            return Ok(0);
        }
        // Small files are merged with what follows them, so that their number grows with the logarithm of the rows.
        let mut files = self.files.clone();
        let (mut merged, mut rows) = (0, new);
        for part in files.parts.iter().rev() {
            if part.rows > 2 * rows || part.rows + rows > LARGEST_PART {
                break;
            }
            merged += 1;
            rows += part.rows;
        }
        let whole = Part {
            first: files.rows() + new - rows,
            rows,
        };
        let before = files.parts.iter().skip(files.parts.len() - merged);
        let before: Vec<Part> = before.cloned().collect();
        let folder = self.folder.clone();
        let old = before.iter().flat_map(|part| files::read(&folder, part));
        files::write(
            &self.folder,
            &whole,
            &self.schema,
            old.chain(batches.into_iter().map(Ok)),
        )?;
        files.replace(merged, whole);
        files.publish(&self.folder)?;
        self.tail = Tail::open(tail_of(&self.folder, &files))?;
        files.sweep(&self.folder);
        self.files = files;
        Ok(new)
    }
}
