//! One store, wherever it is.

use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};

use crate::local::Local;
use crate::remote::Remote;
use crate::{ArtifactError, Name, Place, digest};

/// A file's bytes, piece by piece.
pub type Chunks = BoxStream<'static, Result<Bytes, ArtifactError>>;

/// Most folders that one walk enters.
const WIDEST: usize = 1_000_000;

/// A file or folder in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its whole name.
    pub name: Name,
    /// Bytes; 0 for a folder.
    pub size: u64,
    /// Whether others lie in it.
    pub folder: bool,
}

/// What was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Bytes.
    pub size: u64,
    /// SHA-256 of them, in hex; `None` where a bucket put the parts together, until it is asked for.
    pub sha256: Option<String>,
}

/// Which bytes of a file are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Span {
    /// All.
    #[default]
    All,
    /// From here to the end.
    From(u64),
    /// These; an end beyond the file's is the file's.
    Between(Range<u64>),
    /// So many before the end.
    Last(u64),
}

impl Span {
    /// The bytes meant in a file of this size; `None` if none of them exist.
    pub fn within(&self, size: u64) -> Option<Range<u64>> {
        let range = match self {
            Span::All => return Some(0..size),
            Span::From(start) => *start..size,
            Span::Between(range) => range.start..range.end.min(size),
            Span::Last(n) => size.saturating_sub(*n)..size,
        };
        (range.start < range.end).then_some(range)
    }
}

/// A file's content, or a part of it.
pub struct Content {
    /// Bytes of the whole file.
    pub size: u64,
    /// The bytes that come.
    pub range: Range<u64>,
    /// Changes when the file does.
    pub version: String,
    /// The bytes.
    pub chunks: Chunks,
}

/// A part of an upload, as acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u64,
    /// What [`ArtifactStore::put_part`] answered.
    pub tag: String,
}

/// A store of files; cheap to clone.
#[derive(Clone)]
pub struct ArtifactStore {
    inner: Arc<Inner>,
}

enum Inner {
    Local(Local),
    Remote(Remote),
}

impl std::fmt::Debug for ArtifactStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ArtifactStore").field(&self.place()).finish()
    }
}

impl ArtifactStore {
    /// Opens a store. A folder is made when the first file is kept; a bucket is first asked then.
    ///
    /// Access to a bucket comes from the environment, as its vendor's tools take it (`AWS_…`, `GOOGLE_…`, `AZURE_…`).
    pub fn open(place: &Place) -> Result<ArtifactStore, ArtifactError> {
        let inner = match place {
            Place::Folder(folder) => Inner::Local(Local::new(folder.clone())),
            Place::Bucket(url) => Inner::Remote(Remote::open(url)?),
        };
        Ok(ArtifactStore { inner: Arc::new(inner) })
    }

    /// A store in memory, for tests: what a bucket does, without one.
    pub fn in_memory() -> ArtifactStore {
        ArtifactStore {
            inner: Arc::new(Inner::Remote(Remote::in_memory())),
        }
    }

    /// Where it is.
    pub fn place(&self) -> String {
        match &*self.inner {
            Inner::Local(local) => local.root().display().to_string(),
            Inner::Remote(remote) => remote.place().to_string(),
        }
    }

    /// What lies directly in a folder, by name. Nothing, if there is no such folder.
    pub async fn list(&self, folder: &Name) -> Result<Vec<Entry>, ArtifactError> {
        let mut found = match &*self.inner {
            Inner::Local(local) => local.list(folder).await?,
            Inner::Remote(remote) => remote.list(folder).await?,
        };
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Every file in a folder and the folders in it, by name; the file itself, if the name is a file's.
    pub async fn walk(&self, folder: &Name) -> Result<Vec<Entry>, ArtifactError> {
        let mut found = Vec::new();
        let mut open = vec![folder.clone()];
        let mut entered = 0;
        while let Some(next) = open.pop() {
            entered += 1;
            if entered > WIDEST {
                return Err(ArtifactError::Store {
                    place: self.place(),
                    cause: format!("{folder:?} holds more than {WIDEST} folders"),
                });
            }
            for entry in self.list(&next).await? {
                match entry.folder {
                    true => open.push(entry.name),
                    false => found.push(entry),
                }
            }
        }
        if found.is_empty() && !folder.is_root() {
            match self.size(folder).await {
                Ok(size) => found.push(Entry {
                    name: folder.clone(),
                    size,
                    folder: false,
                }),
                Err(ArtifactError::Missing { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Bytes of a file.
    pub async fn size(&self, name: &Name) -> Result<u64, ArtifactError> {
        match &*self.inner {
            Inner::Local(local) => local.head(name).await.map(|(size, _)| size),
            Inner::Remote(remote) => remote.head(name).await.map(|head| head.size),
        }
    }

    /// A file's content, or a part of it.
    pub async fn get(&self, name: &Name, span: &Span) -> Result<Content, ArtifactError> {
        match &*self.inner {
            Inner::Local(local) => local.get(name, span).await,
            Inner::Remote(remote) => remote.get(name, span).await,
        }
    }

    /// A small file at once; one of more than `most` bytes is refused.
    pub async fn read(&self, name: &Name, most: u64) -> Result<Vec<u8>, ArtifactError> {
        let content = self.get(name, &Span::All).await?;
        if content.size > most {
            return Err(ArtifactError::Range {
                name: name.to_string(),
                size: content.size,
            });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(content.size).unwrap_or_default());
        let mut chunks = content.chunks;
        while let Some(chunk) = chunks.try_next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Keeps a file, in place of what had its name. It is there whole when this returns, and nothing of it is if the
    /// stream ends with an error.
    pub async fn put<S, E>(&self, name: &Name, chunks: S) -> Result<Stored, ArtifactError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Display,
    {
        let mut chunks = chunks.map_err(|e| interrupted(name, &e)).fuse().boxed();
        match &*self.inner {
            Inner::Local(local) => local.put(name, &mut chunks).await,
            Inner::Remote(remote) => remote.put(name, &mut chunks).await,
        }
    }

    /// Keeps a small file.
    pub async fn write(&self, name: &Name, bytes: impl Into<Bytes>) -> Result<Stored, ArtifactError> {
        let one: Result<Bytes, std::convert::Infallible> = Ok(bytes.into());
        self.put(name, futures::stream::iter([one])).await
    }

    /// SHA-256 of a file, in hex: as noted when it was kept, else by reading it.
    pub async fn sha256(&self, name: &Name) -> Result<String, ArtifactError> {
        let noted = match &*self.inner {
            Inner::Local(local) => local.noted(name).await?,
            Inner::Remote(remote) => remote.noted(name).await?,
        };
        if let Some(sha256) = noted {
            return Ok(sha256);
        }
        let content = self.get(name, &Span::All).await?;
        let (size, version) = (content.size, content.version);
        let mut chunks = content.chunks;
        let mut hash = Sha256::new();
        while let Some(chunk) = chunks.try_next().await? {
            hash.update(&chunk);
        }
        let sha256 = digest::hex(hash);
        let note = digest::Note {
            sha256: sha256.clone(),
            size,
            version,
        };
        match &*self.inner {
            Inner::Local(local) => local.note(name, &note).await,
            Inner::Remote(remote) => remote.note(name, &note).await,
        }
        Ok(sha256)
    }

    /// One digest of all files in a folder: SHA-256 over a line `SHA-256  NAME` per file, by name, as `sha256sum` writes
    /// them. `None` if there is no file.
    pub async fn folder_sha256(&self, folder: &Name) -> Result<Option<String>, ArtifactError> {
        let mut hash = Sha256::new();
        let files = self.walk(folder).await?;
        for entry in &files {
            let below = entry.name.below(folder).filter(|rest| !rest.is_empty());
            let shown = below.unwrap_or_else(|| entry.name.last());
            hash.update(format!("{}  {shown}\n", self.sha256(&entry.name).await?));
        }
        Ok((!files.is_empty()).then(|| digest::hex(hash)))
    }

    /// Removes a file, or a folder with all in it; how many files went. Nothing there is nothing to do.
    pub async fn delete(&self, name: &Name) -> Result<u64, ArtifactError> {
        match &*self.inner {
            Inner::Local(local) => local.delete(name).await,
            Inner::Remote(remote) => remote.delete(name).await,
        }
    }

    /// Begins an upload in parts; its id.
    pub async fn create_upload(&self, name: &Name) -> Result<String, ArtifactError> {
        match &*self.inner {
            Inner::Local(local) => local.create_upload(name).await,
            Inner::Remote(remote) => remote.create_upload(name).await,
        }
    }

    /// Keeps one part (numbered from 1) until the upload is completed; its tag. A part sent again replaces the first.
    pub async fn put_part<S, E>(&self, name: &Name, id: &str, number: u64, chunks: S) -> Result<String, ArtifactError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Display,
    {
        if !(1..=10_000).contains(&number) {
            return Err(ArtifactError::upload(id, "parts are numbered from 1 to 10000"));
        }
        let mut chunks = chunks.map_err(|e| interrupted(name, &e)).fuse().boxed();
        match &*self.inner {
            Inner::Local(local) => local.put_part(name, id, number, &mut chunks).await,
            Inner::Remote(remote) => remote.put_part(name, id, number, &mut chunks).await,
        }
    }

    /// Puts the parts together: 1, 2, … without gaps, each with its tag.
    pub async fn complete_upload(&self, name: &Name, id: &str, parts: &[Part]) -> Result<Stored, ArtifactError> {
        if parts.is_empty() {
            return Err(ArtifactError::upload(id, "it has no parts"));
        }
        if let Some((at, _)) = (1..).zip(parts).find(|(at, part)| part.number != *at) {
            return Err(ArtifactError::upload(
                id,
                format!("part {at} is missing, or stands elsewhere in the list"),
            ));
        }
        match &*self.inner {
            Inner::Local(local) => local.complete_upload(name, id, parts).await,
            Inner::Remote(remote) => remote.complete_upload(name, id, parts).await,
        }
    }

    /// Gives an upload up; what was sent of it is removed.
    pub async fn abort_upload(&self, name: &Name, id: &str) -> Result<(), ArtifactError> {
        match &*self.inner {
            Inner::Local(local) => local.abort_upload(name, id).await,
            Inner::Remote(remote) => remote.abort_upload(name, id).await,
        }
    }

    /// An address under which anybody may read the file for a while. Folders have none.
    pub async fn presigned(&self, name: &Name, expires_in: Duration) -> Result<String, ArtifactError> {
        match &*self.inner {
            Inner::Remote(remote) => remote.presigned(name, expires_in).await,
            Inner::Local(_) => Err(ArtifactError::Unsupported {
                place: self.place(),
                what: "sign addresses; it is a folder",
            }),
        }
    }

    /// Whether it signs addresses.
    pub fn signs(&self) -> bool {
        matches!(&*self.inner, Inner::Remote(remote) if remote.signs())
    }
}

fn interrupted(name: &Name, cause: &impl Display) -> ArtifactError {
    ArtifactError::Interrupted {
        name: name.to_string(),
        cause: cause.to_string(),
    }
}

/// Borrowed pieces that arrive.
pub(crate) type Arriving<'a> = BoxStream<'a, Result<Bytes, ArtifactError>>;

/// The next piece.
pub(crate) async fn next(arriving: &mut Arriving<'_>) -> Result<Option<Bytes>, ArtifactError> {
    arriving.next().await.transpose()
}
