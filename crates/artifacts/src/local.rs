//! A folder. A file is written aside, synced, and moved to its name: it is there whole or not at all.

use std::io::{ErrorKind, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::Mutex;

use crate::digest::{self, Note};
use crate::store::{Arriving, next};
use crate::{ArtifactError, Content, Entry, Name, Span, Stored, name};

/// Bytes read and written at once.
const PIECE: usize = 256 << 10;
/// What an ended process left aside goes after so long.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Files in a folder.
pub(crate) struct Local {
    root: PathBuf,
    /// Numbers files aside.
    counter: AtomicU64,
    /// Held while a name gets its file and the note about it: one after another.
    naming: [Mutex<()>; 16],
}

/// A file aside; removed unless it is moved to its place.
pub(crate) struct Aside {
    path: PathBuf,
    file: Option<File>,
}

impl Aside {
    /// Moves the file, synced, to where it belongs.
    pub(crate) async fn move_to(mut self, target: &Path) -> std::io::Result<()> {
        if let Some(file) = &self.file {
            file.sync_all().await?;
        }
        fs::rename(&self.path, target).await?;
        self.file = None;
        Ok(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if self.file.take().is_some()
            && let Err(e) = std::fs::remove_file(&self.path)
            && e.kind() != ErrorKind::NotFound
        {
            tracing::warn!("{} stays: {e}", self.path.display());
        }
    }
}

impl Local {
    pub(crate) fn new(root: PathBuf) -> Local {
        sweep(&root.join(name::OWN).join("aside"));
        sweep(&root.join(name::OWN).join("uploads"));
        Local {
            root,
            counter: AtomicU64::new(0),
            naming: std::array::from_fn(|_| Mutex::new(())),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn own(&self, what: &str) -> PathBuf {
        self.root.join(name::OWN).join(what)
    }

    pub(crate) fn path(&self, name: &Name) -> PathBuf {
        self.root.join(name.as_str())
    }

    /// The path of something that exists, and does so in this folder: no link leads out of it.
    async fn inside(&self, name: &Name) -> Result<PathBuf, ArtifactError> {
        let fail = |e: std::io::Error| self.unreadable(name, &e);
        let path = fs::canonicalize(self.path(name)).await.map_err(fail)?;
        let root = fs::canonicalize(&self.root).await.map_err(fail)?;
        if path.starts_with(&root) {
            Ok(path)
        } else {
            Err(ArtifactError::missing(name))
        }
    }

    /// A file in the way is no reason to say more than that there is nothing.
    fn unreadable(&self, name: &Name, e: &std::io::Error) -> ArtifactError {
        match e.kind() {
            ErrorKind::NotADirectory => ArtifactError::missing(name),
            _ => ArtifactError::io(&self.root, name, e),
        }
    }

    pub(crate) async fn list(&self, folder: &Name) -> Result<Vec<Entry>, ArtifactError> {
        let fail = |e: std::io::Error| self.unreadable(folder, &e);
        let path = match self.inside(folder).await {
            Ok(path) => path,
            Err(ArtifactError::Missing { .. }) => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut entries = match fs::read_dir(path).await {
            Ok(entries) => entries,
            Err(e) if matches!(e.kind(), ErrorKind::NotADirectory | ErrorKind::NotFound) => return Ok(Vec::new()),
            Err(e) => return Err(fail(e)),
        };
        let mut found = Vec::new();
        while let Some(entry) = entries.next_entry().await.map_err(fail)? {
            // What cannot be named cannot be asked for either.
            let Some(name) = entry.file_name().to_str().and_then(|last| folder.join(last).ok()) else {
                continue;
            };
            // It may have gone since.
            let Ok(meta) = entry.metadata().await else { continue };
            if meta.is_file() || meta.is_dir() {
                found.push(Entry {
                    name,
                    size: if meta.is_dir() { 0 } else { meta.len() },
                    folder: meta.is_dir(),
                });
            }
        }
        Ok(found)
    }

    /// Size and version of a file.
    pub(crate) async fn head(&self, name: &Name) -> Result<(u64, String), ArtifactError> {
        let path = self.inside(name).await?;
        let meta = fs::metadata(path).await.map_err(|e| self.unreadable(name, &e))?;
        if !meta.is_file() {
            return Err(ArtifactError::missing(name));
        }
        Ok((meta.len(), version(&meta)))
    }

    pub(crate) async fn get(&self, name: &Name, span: &Span) -> Result<Content, ArtifactError> {
        let path = self.inside(name).await?;
        let fail = |e: std::io::Error| self.unreadable(name, &e);
        let mut file = File::open(&path).await.map_err(fail)?;
        let meta = file.metadata().await.map_err(fail)?;
        if !meta.is_file() {
            return Err(ArtifactError::missing(name));
        }
        let size = meta.len();
        let range = span.within(size).ok_or_else(|| ArtifactError::Range {
            name: name.to_string(),
            size,
        })?;
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start)).await.map_err(fail)?;
        }
        let left = range.end - range.start;
        let chunks = bounded(file, left, name.clone());
        Ok(Content {
            size,
            range,
            version: version(&meta),
            chunks: chunks.boxed(),
        })
    }

    /// A new file aside.
    pub(crate) async fn aside(&self, name: &Name) -> Result<Aside, ArtifactError> {
        let folder = self.own("aside");
        let fail = |e: std::io::Error| ArtifactError::io(&self.root, name, &e);
        fs::create_dir_all(&folder).await.map_err(fail)?;
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let path = folder.join(format!("{}-{}-{number}", std::process::id(), now.as_nanos()));
        let file = File::create_new(&path).await.map_err(fail)?;
        Ok(Aside { path, file: Some(file) })
    }

    /// Writes what arrives into a file aside; its size.
    pub(crate) async fn fill(
        &self,
        name: &Name,
        aside: &mut Aside,
        hash: &mut Sha256,
        arriving: &mut Arriving<'_>,
    ) -> Result<u64, ArtifactError> {
        let fail = |e: std::io::Error| ArtifactError::io(&self.root, name, &e);
        let Some(file) = aside.file.as_mut() else {
            return Err(ArtifactError::missing(name));
        };
        let mut size = 0;
        let mut waiting = BytesMut::new();
        loop {
            let chunk = next(arriving).await?;
            let done = chunk.is_none();
            let chunk = chunk.unwrap_or_else(Bytes::new);
            size += chunk.len() as u64;
            hash.update(&chunk);
            if !waiting.is_empty() || chunk.len() < PIECE {
                waiting.extend_from_slice(&chunk);
            } else {
                file.write_all(&chunk).await.map_err(fail)?;
            }
            if waiting.len() >= PIECE || (done && !waiting.is_empty()) {
                file.write_all(&waiting).await.map_err(fail)?;
                waiting.clear();
            }
            if done {
                file.flush().await.map_err(fail)?;
                return Ok(size);
            }
        }
    }

    /// Moves a file to its name, where it is found after any crash.
    ///
    /// Answers the file's version, which it keeps whatever takes its place.
    async fn publish(&self, name: &Name, mut aside: Aside) -> Result<String, ArtifactError> {
        let fail = |e: std::io::Error| ArtifactError::io(&self.root, name, &e);
        if name.is_root() {
            return Err(ArtifactError::Conflict {
                name: String::new(),
                cause: "a file needs a name".to_string(),
            });
        }
        let Some(file) = &aside.file else {
            return Err(ArtifactError::missing(name));
        };
        file.sync_all().await.map_err(fail)?;
        let version = version(&file.metadata().await.map_err(fail)?);
        let target = self.path(name);
        // A folder may be removed between its making and the move.
        for last in [false, true] {
            self.make_folders(name).await?;
            match fs::rename(&aside.path, &target).await {
                Ok(()) => break,
                Err(e) if e.kind() == ErrorKind::NotFound && !last => {}
                Err(e) => return Err(fail(e)),
            }
        }
        aside.file = None;
        sync(target.parent().unwrap_or(&self.root)).await.map_err(fail)?;
        Ok(version)
    }

    /// Makes the folders above a name; each new one is found after a crash.
    async fn make_folders(&self, name: &Name) -> Result<(), ArtifactError> {
        let fail = |e: std::io::Error| ArtifactError::io(&self.root, name, &e);
        let mut at = self.root.clone();
        fs::create_dir_all(&at).await.map_err(fail)?;
        let mut segments: Vec<&str> = name.segments().collect();
        segments.pop();
        for segment in segments {
            let parent = at.clone();
            at.push(segment);
            match fs::create_dir(&at).await {
                Ok(()) => sync(&parent).await.map_err(fail)?,
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                    // A link could lead out of the store.
                    let meta = fs::symlink_metadata(&at).await.map_err(fail)?;
                    if !meta.is_dir() {
                        return Err(fail(ErrorKind::NotADirectory.into()));
                    }
                }
                Err(e) => return Err(fail(e)),
            }
        }
        Ok(())
    }

    pub(crate) async fn put(&self, name: &Name, arriving: &mut Arriving<'_>) -> Result<Stored, ArtifactError> {
        let mut aside = self.aside(name).await?;
        let mut hash = Sha256::new();
        let size = self.fill(name, &mut aside, &mut hash, arriving).await?;
        self.keep(name, aside, hash, size).await
    }

    /// Publishes a file and notes its digest.
    pub(crate) async fn keep(
        &self,
        name: &Name,
        aside: Aside,
        hash: Sha256,
        size: u64,
    ) -> Result<Stored, ArtifactError> {
        let sha256 = digest::hex(hash);
        let slot = name
            .as_str()
            .bytes()
            .fold(0_usize, |sum, byte| sum.wrapping_add(byte.into()));
        let _one = match self.naming.get(slot % self.naming.len()) {
            Some(naming) => Some(naming.lock().await),
            None => None,
        };
        let version = self.publish(name, aside).await?;
        let note = Note {
            sha256: sha256.clone(),
            size,
            version,
        };
        self.note(name, &note).await;
        Ok(Stored {
            size,
            sha256: Some(sha256),
        })
    }

    /// The digest as noted, if the file is still the one it was noted of.
    pub(crate) async fn noted(&self, name: &Name) -> Result<Option<String>, ArtifactError> {
        let (size, version) = self.head(name).await?;
        let text = fs::read_to_string(self.root.join(digest::note_name(name))).await;
        let note = text.ok().and_then(|text| Note::read(&text));
        Ok(note.and_then(|note| note.of(size, &version)))
    }

    /// Notes a digest. That it cannot only costs reading the file again.
    pub(crate) async fn note(&self, name: &Name, note: &Note) {
        let path = self.root.join(digest::note_name(name));
        let write = async {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).await?;
            }
            fs::write(&path, note.text()).await
        };
        if let Err(cause) = write.await {
            tracing::warn!(%name, %cause, "its digest was not noted");
        }
    }

    pub(crate) async fn delete(&self, name: &Name) -> Result<u64, ArtifactError> {
        if self.head(name).await.is_ok() {
            self.remove(name).await?;
            return Ok(1);
        }
        let mut folders = vec![name.clone()];
        let mut at = 0;
        let mut count = 0;
        while let Some(folder) = folders.get(at).cloned() {
            at += 1;
            for entry in self.list(&folder).await? {
                if entry.folder {
                    folders.push(entry.name);
                } else {
                    self.remove(&entry.name).await?;
                    count += 1;
                }
            }
        }
        for folder in folders.iter().rev().filter(|folder| !folder.is_root()) {
            match fs::remove_dir(self.path(folder)).await {
                Ok(()) => {}
                // Something came in meanwhile: that is not what was to go.
                Err(e)
                    if matches!(
                        e.kind(),
                        ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory
                    ) => {}
                Err(e) => return Err(ArtifactError::io(&self.root, folder, &e)),
            }
        }
        Ok(count)
    }

    async fn remove(&self, name: &Name) -> Result<(), ArtifactError> {
        let path = self.inside(name).await?;
        let gone = fs::remove_file(path).await;
        let _ = fs::remove_file(self.root.join(digest::note_name(name))).await;
        match gone {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(ArtifactError::io(&self.root, name, &e)),
            _ => Ok(()),
        }
    }
}

/// A file's bytes from where it stands to its end.
pub(crate) fn pieces(file: File, name: Name) -> impl Stream<Item = Result<Bytes, ArtifactError>> + Send {
    futures::stream::try_unfold(file, move |mut file| {
        let name = name.clone();
        async move {
            let piece = read(&mut file, PIECE, &name).await?;
            Ok((!piece.is_empty()).then_some((piece, file)))
        }
    })
}

/// So many bytes of a file from where it stands.
fn bounded(file: File, left: u64, name: Name) -> impl Stream<Item = Result<Bytes, ArtifactError>> + Send {
    futures::stream::try_unfold((file, left), move |(mut file, left)| {
        let name = name.clone();
        async move {
            if left == 0 {
                return Ok(None);
            }
            let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let piece = read(&mut file, most, &name).await?;
            if piece.is_empty() {
                return Err(ArtifactError::Store {
                    place: name.to_string(),
                    cause: "the file became shorter while it was read".to_string(),
                });
            }
            let left = left.saturating_sub(piece.len() as u64);
            Ok(Some((piece, (file, left))))
        }
    })
}

async fn read(file: &mut File, most: usize, name: &Name) -> Result<Bytes, ArtifactError> {
    file.set_max_buf_size(most);
    let mut piece = BytesMut::with_capacity(most);
    let read = file.take(most as u64).read_buf(&mut piece).await;
    read.map(|_| piece.freeze()).map_err(|e| ArtifactError::Store {
        place: name.to_string(),
        cause: e.to_string(),
    })
}

/// What changes when the file does.
fn version(meta: &std::fs::Metadata) -> String {
    let changed = meta.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let changed = changed.unwrap_or_default().as_nanos();
    // Clocks of file systems are coarse: two files may be written in one tick.
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(meta);
    #[cfg(not(unix))]
    let number = 0;
    format!("{changed}-{number}")
}

async fn sync(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    File::open(folder).await?.sync_all().await?;
    Ok(())
}

/// Removes what ended processes left behind.
fn sweep(folder: &Path) {
    let old = |entry: &std::fs::DirEntry| {
        let changed = entry.metadata().and_then(|m| m.modified()).ok();
        changed.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > KEPT)
    };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten().filter(old) {
        let path = entry.path();
        let gone = if path.is_dir() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        if let Err(e) = gone {
            tracing::debug!("{} stays: {e}", path.display());
        }
    }
}
