//! The Parquet files of a log, and the list that says which of those in the folder are its rows.
//!
//! Readers take the list and nothing else, so that files are merged under their eyes: what a merge replaces stays for
//! [`KEPT`], for queries that have begun.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arrow::array::{AsArray, StringArray};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::FactError;
use crate::tail::sync_folder;

const LIST: &str = "_files";
/// How long a file stays after another took its place.
const KEPT: Duration = Duration::from_secs(3600);

/// A Parquet file, named by the rows that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) first: u64,
    pub(crate) rows: u64,
}

impl Part {
    pub(crate) fn name(&self) -> String {
        format!("{:012}-{}.parquet", self.first, self.rows)
    }

    fn parse(name: &str) -> Option<Part> {
        let (first, rows) = name.strip_suffix(".parquet")?.split_once('-')?;
        Some(Part {
            first: first.parse().ok()?,
            rows: rows.parse().ok()?,
        })
    }

    pub(crate) fn end(&self) -> u64 {
        self.first + self.rows
    }
}

/// What the list says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) parts: Vec<Part>,
    /// Files that others replaced, and when (seconds since 1970 UTC).
    dropped: Vec<(u64, String)>,
}

impl Files {
    /// Rows in files.
    pub(crate) fn rows(&self) -> u64 {
        self.parts.last().map_or(0, Part::end)
    }

    /// Reads the list; `None` where there is none.
    pub(crate) fn read(folder: &Path) -> Result<Option<Files>, FactError> {
        let path = folder.join(LIST);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(FactError::store(&path, e)),
        };
        let mut files = Files::default();
        let mut at = 0;
        for line in text.lines() {
            let known = match line.strip_prefix("# dropped ").map(|rest| rest.split_once(' ')) {
                Some(Some((when, name))) => when.parse().ok().map(|when| files.dropped.push((when, name.into()))),
                Some(None) => None,
                None => Part::parse(line)
                    .filter(|part| part.first == files.rows())
                    .map(|part| files.parts.push(part)),
            };
            if known.is_none() {
                return Err(FactError::Damaged {
                    path: path.display().to_string(),
                    at,
                    cause: format!("{line:?} names no file that follows the one before"),
                });
            }
            at += line.len() as u64 + 1;
        }
        Ok(Some(files))
    }

    /// Replaces the list. From then on it is what readers see.
    pub(crate) fn publish(&self, folder: &Path) -> Result<(), FactError> {
        let mut text: String = self
            .dropped
            .iter()
            .map(|(when, name)| format!("# dropped {when} {name}\n"))
            .collect();
        text.extend(self.parts.iter().map(|part| part.name() + "\n"));
        let (new, path) = (folder.join(format!(".{LIST}")), folder.join(LIST));
        File::create(&new)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&new, &path))
            .map_err(|e| FactError::store(&path, e))?;
        sync_folder(folder)
    }

    /// Puts one file in the place of the last `merged` ones.
    pub(crate) fn replace(&mut self, merged: usize, part: Part) {
        let now = now_s();
        for old in self.parts.drain(self.parts.len() - merged..) {
            self.dropped.push((now, old.name()));
        }
        self.parts.push(part);
    }

    /// Removes what was replaced long ago, and what a process that was ended left behind.
    pub(crate) fn sweep(&mut self, folder: &Path) {
        let now = now_s();
        self.dropped
            .retain(|(when, _)| now.saturating_sub(*when) < KEPT.as_secs());
        let used = |name: &str| {
            let tail = name.strip_prefix("tail-").and_then(|rest| rest.strip_suffix(".log"));
            match (Part::parse(name), tail) {
                (Some(part), _) => self.parts.contains(&part) || self.dropped.iter().any(|(_, old)| old == name),
                (None, Some(first)) => first.parse::<u64>().is_ok_and(|first| first >= self.rows()),
                (None, None) => true,
            }
        };
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if !used(&name.to_string_lossy())
                && let Err(e) = std::fs::remove_file(entry.path())
            {
                tracing::debug!("{} is not removed: {e}", entry.path().display());
            }
        }
    }
}

fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

fn failed(path: &Path) -> impl Fn(ParquetError) -> FactError {
    let path = path.to_owned();
    move |e| FactError::store(&path, e)
}

/// Writes rows as one file, whole or not at all.
pub(crate) fn write<'a>(
    folder: &Path,
    part: &Part,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch, FactError>> + 'a,
) -> Result<(), FactError> {
    let (new, path) = (folder.join(".part"), folder.join(part.name()));
    let file = File::create(&new).map_err(|e| FactError::store(&new, e))?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let fail = failed(&path);
    let mut writer = ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(&fail)?;
    for batch in batches {
        writer.write(&batch?).map_err(&fail)?;
    }
    let file = writer.into_inner().map_err(&fail)?;
    file.sync_all()
        .and_then(|()| std::fs::rename(&new, &path))
        .map_err(|e| FactError::store(&path, e))
}

/// Reads a file's rows.
pub(crate) fn read(folder: &Path, part: &Part) -> impl Iterator<Item = Result<RecordBatch, FactError>> + use<> {
    let path = folder.join(part.name());
    let opened = open(&path).and_then(|builder| builder.build().map_err(failed(&path)));
    let (reader, error) = match opened {
        Ok(reader) => (Some(reader), None),
        Err(e) => (None, Some(Err(e))),
    };
    let rows = reader
        .into_iter()
        .flatten()
        .map(move |batch| batch.map_err(|e| FactError::store(&path, e)));
    error.into_iter().chain(rows)
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, FactError> {
    let file = File::open(path).map_err(|e| FactError::store(path, e))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed(path))
}

/// Calls `each` with the keys of a file's rows, from the `skip`th on.
pub(crate) fn keys(folder: &Path, part: &Part, skip: u64, mut each: impl FnMut(&str)) -> Result<(), FactError> {
    let path = folder.join(part.name());
    let builder = open(&path)?;
    let mask = ProjectionMask::leaves(builder.parquet_schema(), [0]);
    let reader = builder
        .with_projection(mask)
        .with_offset(usize::try_from(skip).unwrap_or(usize::MAX))
        .build()
        .map_err(failed(&path))?;
    for batch in reader {
        let batch = batch.map_err(|e| FactError::store(&path, e))?;
        let keys: Option<&StringArray> = batch.column(0).as_string_opt();
        keys.into_iter().flatten().flatten().for_each(&mut each);
    }
    Ok(())
}

/// The columns of a file.
pub(crate) fn schema(folder: &Path, part: &Part) -> Result<SchemaRef, FactError> {
    Ok(open(&folder.join(part.name()))?.schema().clone())
}
