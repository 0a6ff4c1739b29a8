//! Rows that no Parquet file holds yet.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use crate::FactError;
use crate::frame::{self, Next};

/// The open tail. Whoever calls holds the log's lock.
pub(crate) struct Tail {
    path: PathBuf,
    file: File,
    /// Bytes that are read or written, and flushed.
    length: u64,
}

impl Tail {
    /// Opens a tail, made if it is not there. Nothing of it is read yet.
    pub(crate) fn open(path: PathBuf) -> Result<Tail, FactError> {
        let new = !path.exists();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = file.map_err(|e| FactError::store(&path, e))?;
        if new {
            sync_folder(path.parent().unwrap_or(Path::new(".")))?;
        }
        Ok(Tail { path, file, length: 0 })
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    fn fail(&self, e: &std::io::Error) -> FactError {
        FactError::store(&self.path, e)
    }

    /// Groups written since the last look, by this process or another. A group whose writing was cut off was not
    /// acknowledged: it is cut away.
    pub(crate) fn catch_up(&mut self, schema: &SchemaRef) -> Result<Vec<RecordBatch>, FactError> {
        let size = self.file.metadata().map_err(|e| self.fail(&e))?.len();
        if size == self.length {
            return Ok(Vec::new());
        }
        let mut bytes = Vec::new();
        self.file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| self.file.read_to_end(&mut bytes))
            .map_err(|e| self.fail(&e))?;
        let (mut groups, mut at) = (Vec::new(), 0);
        loop {
            match frame::decode(bytes.get(at..).unwrap_or_default(), schema) {
                Next::Group(batch, length) => {
                    groups.push(batch);
                    at += length;
                }
                Next::End => break,
                Next::Torn => {
                    let cut = bytes.len() - at;
                    tracing::warn!(file = %self.path.display(), "{cut} bytes of a group that was not acknowledged are cut away");
                    self.file.set_len(self.length + at as u64).map_err(|e| self.fail(&e))?;
                    break;
                }
                Next::Damaged(cause) => {
                    return Err(FactError::Damaged {
                        path: self.path.display().to_string(),
                        at: self.length + at as u64,
                        cause,
                    });
                }
            }
        }
        // Whoever wrote them may have been ended before they were on disk.
        self.file.sync_data().map_err(|e| self.fail(&e))?;
        self.length += at as u64;
        Ok(groups)
    }

    /// Writes a group and waits until it is on disk. On failure nothing of it stays.
    pub(crate) fn append(&mut self, group: &[u8]) -> Result<(), FactError> {
        let written = self
            .file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| self.file.write_all(group))
            .and_then(|()| self.file.sync_data());
        if let Err(e) = written {
            if let Err(again) = self.file.set_len(self.length) {
                tracing::error!(file = %self.path.display(), "a group that failed cannot be cut away: {again}");
            }
            return Err(self.fail(&e));
        }
        self.length += group.len() as u64;
        Ok(())
    }
}

/// Makes names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), FactError> {
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|e| FactError::store(folder, e))
}
