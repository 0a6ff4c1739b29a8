//! A table whose parts are replaced whole: one Parquet file for each part, and the list that says which are the table.
//!
//! A reader that takes the list sees each part as it was or as it is, never half of it and never both.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

use crate::FactError;
use crate::tail::sync_folder;

const LIST: &str = "_files";
const MARK: &str = "# part ";
/// Rows that a file's writer holds before they go to disk.
const GROUP: usize = 65_536;

/// A part that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What tells it from the others.
    pub key: String,
    /// Digest of its rows, whatever their order.
    pub digest: String,
    /// Rows.
    pub rows: u64,
    /// File in the folder.
    pub file: String,
    /// What its writer wants to remember.
    pub note: String,
}

/// A folder of parts.
#[derive(Clone, Debug)]
pub struct Parts {
    folder: PathBuf,
}

impl Parts {
    /// The parts below a folder, which is made when something is written.
    pub fn of(folder: &Path) -> Parts {
        Parts {
            folder: folder.to_owned(),
        }
    }

    /// The parts that are the table now.
    ///
    /// # Errors
    /// If the list cannot be read or is not one of ours.
    pub fn list(&self) -> Result<Vec<Part>, FactError> {
        let path = self.folder.join(LIST);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(FactError::store(&path, e)),
        };
        let told = text.lines().filter_map(|line| line.strip_prefix(MARK));
        told.map(|json| {
            serde_json::from_str(json).map_err(|e| FactError::store(&path, format!("not a list of parts: {e}")))
        })
        .collect()
    }

    /// A writer of new parts.
    pub fn writer(&self, schema: SchemaRef) -> PartWriter {
        PartWriter {
            folder: self.folder.clone(),
            schema,
            open: BTreeMap::new(),
        }
    }

    /// Makes the table what it was with these parts in the place of those with the same key; what they replace is
    /// removed.
    ///
    /// # Errors
    /// If the folder cannot be written; the table is as it was then.
    pub fn replace(&self, new: Vec<Part>) -> Result<(), FactError> {
        let before = self.list()?;
        let mut all: BTreeMap<String, Part> = before.iter().map(|p| (p.key.clone(), p.clone())).collect();
        all.extend(new.into_iter().map(|p| (p.key.clone(), p)));
        let mut text = String::new();
        for part in all.values() {
            let told = serde_json::to_string(part).map_err(|e| FactError::store(&self.folder, e))?;
            text.push_str(&format!("{MARK}{told}\n{}\n", part.file));
        }
        let path = self.folder.join(LIST);
        let fresh = self.folder.join(format!(".{LIST}.{}", std::process::id()));
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&fresh, &path)
        };
        write().map_err(|e| FactError::store(&path, e))?;
        sync_folder(&self.folder)?;
        for old in before {
            if !all.values().any(|p| p.file == old.file) {
                // A file that nobody lists is of no harm.
                let _ = std::fs::remove_file(self.folder.join(old.file));
            }
        }
        Ok(())
    }
}

/// Writes rows into parts, each to a file of its own.
pub struct PartWriter {
    folder: PathBuf,
    schema: SchemaRef,
    open: BTreeMap<String, (PathBuf, ArrowWriter<File>)>,
}

impl PartWriter {
    /// Writes rows into the part of that key.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&mut self, key: &str, rows: &RecordBatch) -> Result<(), FactError> {
        if !self.open.contains_key(key) {
            std::fs::create_dir_all(&self.folder).map_err(|e| FactError::store(&self.folder, e))?;
            let path = self
                .folder
                .join(format!(".new-{}-{}.parquet", std::process::id(), self.open.len()));
            let file = File::create(&path).map_err(|e| FactError::store(&path, e))?;
            let properties = WriterProperties::builder()
                .set_compression(Compression::SNAPPY)
                .set_max_row_group_row_count(Some(GROUP))
                .build();
            let writer = ArrowWriter::try_new(file, self.schema.clone(), Some(properties))
                .map_err(|e| FactError::store(&path, e))?;
            self.open.insert(key.to_owned(), (path, writer));
        }
        match self.open.get_mut(key) {
            Some((path, writer)) => writer.write(rows).map_err(|e| FactError::store(path, e)),
            None => Ok(()),
        }
    }

    /// Closes the files and names them; `told` says what is known of a part by its key: digest, rows, note. Parts that
    /// it does not know are thrown away.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn finish(self, told: impl Fn(&str) -> Option<(String, u64, String)>) -> Result<Vec<Part>, FactError> {
        let mut parts = Vec::new();
        for (number, (key, (path, writer))) in self.open.into_iter().enumerate() {
            let fail = |e: String| FactError::store(&path, e);
            let file = writer.into_inner().map_err(|e| fail(e.to_string()))?;
            let Some((digest, rows, note)) = told(&key) else {
                drop(file);
                std::fs::remove_file(&path).map_err(|e| fail(e.to_string()))?;
                continue;
            };
            file.sync_all().map_err(|e| fail(e.to_string()))?;
            let short: String = digest.chars().take(16).collect();
            let name = format!("{short}-{number:03}-{rows}.parquet");
            std::fs::rename(&path, self.folder.join(&name)).map_err(|e| fail(e.to_string()))?;
            parts.push(Part {
                key,
                digest,
                rows,
                file: name,
                note,
            });
        }
        Ok(parts)
    }
}
