//! Digests of files' content, remembered while a file's stamp (size, time, inode) stays.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};
use steward_compute::{EngineError, Snapshot, TableSource};

use super::file_error;

/// A file changed less than this ago may change again without a new time: its digest is not remembered.
const SETTLED: Duration = Duration::from_secs(2);

/// What changes when a file is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    path: PathBuf,
    size: u64,
    modified_ns: u128,
    inode: u64,
}

impl Stamp {
    pub(crate) fn of(path: &Path) -> io::Result<Stamp> {
        let metadata = std::fs::metadata(path)?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let inode = 0;
        let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Stamp {
            path: path.to_owned(),
            size: metadata.len(),
            modified_ns: modified.as_nanos(),
            inode,
        })
    }

    fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.as_nanos().saturating_sub(self.modified_ns) > SETTLED.as_nanos()
    }

    /// One line of the cache file, without the digest.
    fn key(&self) -> String {
        format!(
            "{}\t{}\t{}\t{}",
            self.size,
            self.modified_ns,
            self.inode,
            self.path.display()
        )
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn digest_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 256 * 1024];
    loop {
        let n = file.read(&mut chunk)?;
        if n == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&chunk[..n]);
    }
}

/// Digests by stamp, in memory and, if a file is given, across runs.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    known: Mutex<BTreeMap<String, String>>,
    file: Option<PathBuf>,
}

impl Digests {
    /// Remembers in `file` too. What cannot be read there is computed anew.
    pub(crate) fn load(file: Option<PathBuf>) -> Self {
        let text = file
            .as_deref()
            .and_then(|f| std::fs::read_to_string(f).ok())
            .unwrap_or_default();
        let known = text
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .filter(|(digest, _)| digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()))
            .map(|(digest, key)| (key.to_owned(), digest.to_owned()))
            .collect();
        Digests {
            known: Mutex::new(known),
            file,
        }
    }

    fn of(&self, path: &Path) -> io::Result<(Stamp, String, bool)> {
        let stamp = Stamp::of(path)?;
        let key = stamp.key();
        let known = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if let Some(digest) = known {
            return Ok((stamp, digest, false));
        }
        let digest = digest_file(path)?;
        let keeps = stamp.is_settled() && Stamp::of(path)? == stamp;
        if keeps {
            self.known
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(key, digest.clone());
        }
        Ok((stamp, digest, keeps))
    }

    /// Saves what is known, whole or not at all. A cache that cannot be saved costs time, not truth.
    fn save(&self) {
        let Some(file) = &self.file else { return };
        let text: String = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.iter().map(|(key, digest)| format!("{digest}\t{key}\n")).collect()
        };
        let folder = file.parent().unwrap_or(Path::new("."));
        let saved = std::fs::create_dir_all(folder)
            .and_then(|()| tempfile::NamedTempFile::new_in(folder))
            .and_then(|temporary| std::fs::write(temporary.path(), text).map(|()| temporary))
            .and_then(|temporary| temporary.persist(file).map_err(|e| e.error));
        if let Err(e) = saved {
            tracing::debug!(file = %file.display(), error = %e, "file digests not saved");
        }
    }

    /// The version of a table whose rows are in `files` (sorted): relative names and content.
    pub(crate) fn snapshot(&self, table: &TableSource, files: &[PathBuf]) -> Result<Snapshot, EngineError> {
        let mut hasher = Sha256::new();
        let (mut bytes, mut newest, mut learned) = (0, None, false);
        let base = common_folder(files);
        for path in files {
            let (stamp, digest, new) = self
                .of(path)
                .map_err(|e| file_error(table, path, format!("unreadable: {e}")))?;
            let name = path.strip_prefix(&base).unwrap_or(path).to_string_lossy();
            hasher.update((name.len() as u64).to_be_bytes());
            hasher.update(name.as_bytes());
            hasher.update(digest.as_bytes());
            bytes += stamp.size;
            newest = newest.max(i64::try_from(stamp.modified_ns / 1000).ok());
            learned |= new;
        }
        if learned {
            self.save();
        }
        Ok(Snapshot {
            table: table.name.clone(),
            digest: hex(&hasher.finalize()),
            exact: true,
            files: files.len() as u64,
            bytes,
            modified_us: newest,
        })
    }
}

/// The deepest folder that holds all files, so that a project moved elsewhere keeps its digests.
fn common_folder(files: &[PathBuf]) -> PathBuf {
    let mut base = files
        .first()
        .and_then(|f| f.parent())
        .unwrap_or(Path::new(""))
        .to_owned();
    for file in files {
        while !file.starts_with(&base) && base.pop() {}
    }
    base
}
