//! A bucket: S3, Google Cloud Storage or Azure Blob Storage.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{
    Attribute, Attributes, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutOptions, PutPayload,
    RetryConfig,
};
use sha2::{Digest, Sha256};
use url::Url;

use crate::digest::{self, Note};
use crate::store::{Arriving, next};
use crate::{ArtifactError, Content, Entry, Name, Part, Span, Stored, name};

/// Bytes of a part of a large file; twice that many are held at most.
const PART: usize = 8 << 20;
/// A bucket takes 10,000 parts: from this one on they are larger.
const LARGER_FROM: usize = 4000;
/// Largest part of an upload in parts: it is held in memory.
const LARGEST_PART: usize = 64 << 20;
/// Metadata under which a file's digest is kept.
const SHA256: &str = "sha256";

/// Files in a bucket below a prefix.
pub(crate) struct Remote {
    place: String,
    prefix: Path,
    store: Arc<dyn ObjectStore>,
    parts: Arc<dyn MultipartStore>,
    signer: Option<Arc<dyn Signer>>,
}

/// What is known of a file without reading it.
pub(crate) struct Head {
    pub(crate) size: u64,
    version: String,
    sha256: Option<String>,
}

impl Remote {
    /// Opens a bucket; access comes from the environment.
    pub(crate) fn open(url: &Url) -> Result<Remote, ArtifactError> {
        let place = url.to_string();
        let wrong = |e: &dyn std::fmt::Display| ArtifactError::Place {
            place: place.clone(),
            cause: e.to_string(),
        };
        let retry = RetryConfig {
            max_retries: 5,
            retry_timeout: Duration::from_secs(30),
            ..RetryConfig::default()
        };
        let prefix = Path::from_url_path(url.path()).map_err(|e| wrong(&e))?;
        macro_rules! built {
            ($builder:expr) => {{
                let built = $builder.with_url(url.as_str()).with_retry(retry).build();
                Arc::new(built.map_err(|e| wrong(&e))?)
            }};
        }
        let (store, parts, signer): (Arc<dyn ObjectStore>, Arc<dyn MultipartStore>, Arc<dyn Signer>) =
            match url.scheme() {
                "s3" | "s3a" => {
                    let mut builder = object_store::aws::AmazonS3Builder::from_env();
                    let plain = |key: &str| std::env::var(key).is_ok_and(|to| to.starts_with("http://"));
                    if plain("AWS_ENDPOINT_URL") || plain("AWS_ENDPOINT_URL_S3") || plain("AWS_ENDPOINT") {
                        builder = builder.with_allow_http(true);
                    }
                    let s3 = built!(builder);
                    (s3.clone(), s3.clone(), s3)
                }
                "gs" => {
                    let gcs = built!(object_store::gcp::GoogleCloudStorageBuilder::from_env());
                    (gcs.clone(), gcs.clone(), gcs)
                }
                _ => {
                    let azure = built!(object_store::azure::MicrosoftAzureBuilder::from_env());
                    (azure.clone(), azure.clone(), azure)
                }
            };
        Ok(Remote {
            place,
            prefix,
            store,
            parts,
            signer: Some(signer),
        })
    }

    pub(crate) fn in_memory() -> Remote {
        let memory = Arc::new(object_store::memory::InMemory::new());
        Remote {
            place: "memory".to_string(),
            prefix: Path::from("prefix"),
            store: memory.clone(),
            parts: memory,
            signer: None,
        }
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    fn key(&self, name: &Name) -> Result<Path, ArtifactError> {
        let text = match (self.prefix.as_ref(), name.as_str()) {
            ("", name) => name.to_string(),
            (prefix, "") => prefix.to_string(),
            (prefix, name) => format!("{prefix}/{name}"),
        };
        Path::parse(text).map_err(|e| ArtifactError::Name {
            name: name.to_string(),
            cause: e.to_string(),
        })
    }

    /// The name under which a key is kept here.
    fn name(&self, key: &Path) -> Option<Name> {
        let key = Name::trusted(key.as_ref());
        key.below(&Name::trusted(self.prefix.as_ref())).map(Name::trusted)
    }

    fn failed(&self, name: &Name, e: Error) -> ArtifactError {
        match e {
            Error::NotFound { .. } => ArtifactError::missing(name),
            Error::InvalidPath { source } => ArtifactError::Name {
                name: name.to_string(),
                cause: source.to_string(),
            },
            other => ArtifactError::Store {
                place: format!("{}/{name}", self.place.trim_end_matches('/')),
                cause: other.to_string(),
            },
        }
    }

    pub(crate) async fn list(&self, folder: &Name) -> Result<Vec<Entry>, ArtifactError> {
        let key = self.key(folder)?;
        let found = self.store.list_with_delimiter(Some(&key)).await;
        let found = found.map_err(|e| self.failed(folder, e))?;
        let entry = |key: &Path, size: u64, folder: bool| {
            Some(Entry {
                name: self.name(key)?,
                size,
                folder,
            })
        };
        let folders = found.common_prefixes.iter().filter_map(|key| entry(key, 0, true));
        let files = found.objects.iter().filter_map(|o| entry(&o.location, o.size, false));
        Ok(folders
            .chain(files)
            .filter(|e| e.name.as_str() != name::OWN && e.name != *folder)
            .collect())
    }

    pub(crate) async fn head(&self, name: &Name) -> Result<Head, ArtifactError> {
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        let got = self.store.get_opts(&self.key(name)?, options).await;
        let got = got.map_err(|e| self.failed(name, e))?;
        let sha256 = got.attributes.get(&Attribute::Metadata(SHA256.into()));
        Ok(Head {
            size: got.meta.size,
            version: version(&got.meta),
            sha256: sha256.map(|s| s.to_string()),
        })
    }

    pub(crate) async fn get(&self, name: &Name, span: &Span) -> Result<Content, ArtifactError> {
        let mut options = GetOptions::default();
        if *span != Span::All {
            let head = self.head(name).await?;
            let range = span.within(head.size).ok_or_else(|| ArtifactError::Range {
                name: name.to_string(),
                size: head.size,
            })?;
            options.range = Some(GetRange::Bounded(range));
        }
        let got = self.store.get_opts(&self.key(name)?, options).await;
        let got = got.map_err(|e| self.failed(name, e))?;
        let (size, range, version) = (got.meta.size, got.range.clone(), version(&got.meta));
        let place = format!("{}/{name}", self.place);
        let chunks = got.into_stream().map_err(move |e| ArtifactError::Store {
            place: place.clone(),
            cause: e.to_string(),
        });
        Ok(Content {
            size,
            range,
            version,
            chunks: chunks.boxed(),
        })
    }

    pub(crate) async fn put(&self, name: &Name, arriving: &mut Arriving<'_>) -> Result<Stored, ArtifactError> {
        let key = self.key(name)?;
        let mut hash = Sha256::new();
        let mut size = 0;
        let first = fill(arriving, PART, &mut hash, &mut size).await?;
        if first.len() < PART {
            let sha256 = digest::hex(hash);
            let mut attributes = Attributes::new();
            attributes.insert(Attribute::Metadata(SHA256.into()), sha256.clone().into());
            let options = PutOptions {
                attributes,
                ..PutOptions::default()
            };
            let put = self.store.put_opts(&key, PutPayload::from(first), options).await;
            put.map_err(|e| self.failed(name, e))?;
            return Ok(Stored {
                size,
                sha256: Some(sha256),
            });
        }
        let mut upload = self.store.put_multipart(&key).await.map_err(|e| self.failed(name, e))?;
        let mut sent = 0;
        let outcome = async {
            let mut part = first;
            loop {
                let done = part.is_empty();
                if !done {
                    // One part travels while the next one fills.
                    let sending = upload.put_part(PutPayload::from(std::mem::take(&mut part)));
                    sent += 1;
                    let most = if sent < LARGER_FROM { PART } else { 4 * PART };
                    let filling = fill(arriving, most, &mut hash, &mut size);
                    let (sending, filling) = futures::join!(sending, filling);
                    sending.map_err(|e| self.failed(name, e))?;
                    part = filling?;
                    continue;
                }
                return upload.complete().await.map_err(|e| self.failed(name, e));
            }
        }
        .await;
        match outcome {
            Ok(put) => {
                let sha256 = digest::hex(hash);
                let version = put.e_tag.unwrap_or_default();
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
            Err(e) => {
                if let Err(abort) = upload.abort().await {
                    tracing::warn!(%name, "parts of a failed upload stay in the bucket: {abort}");
                }
                Err(e)
            }
        }
    }

    /// The digest as noted, if the file is still the one it was noted of.
    pub(crate) async fn noted(&self, name: &Name) -> Result<Option<String>, ArtifactError> {
        let head = self.head(name).await?;
        if head.sha256.is_some() {
            return Ok(head.sha256);
        }
        let note = Name::trusted(digest::note_name(name));
        let got = match self.store.get(&self.key(&note)?).await {
            Ok(got) => got.bytes().await.map_err(|e| self.failed(&note, e))?,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(self.failed(&note, e)),
        };
        let read = std::str::from_utf8(&got).ok().and_then(Note::read);
        Ok(read.and_then(|note| note.of(head.size, &head.version)))
    }

    /// Notes a digest. That it cannot only costs reading the file again.
    pub(crate) async fn note(&self, name: &Name, note: &Note) {
        let own = Name::trusted(digest::note_name(name));
        let put = match self.key(&own) {
            Ok(key) => self
                .store
                .put(&key, note.text().into())
                .await
                .map_err(|e| e.to_string()),
            Err(e) => Err(e.to_string()),
        };
        if let Err(cause) = put {
            tracing::warn!(%name, cause, "its digest was not noted");
        }
    }

    pub(crate) async fn delete(&self, name: &Name) -> Result<u64, ArtifactError> {
        let key = self.key(name)?;
        let mut keys = vec![];
        if !name.is_root() && self.store.head(&key).await.is_ok() {
            keys.push(key.clone());
        }
        let below: Vec<_> = self
            .store
            .list(Some(&key))
            .try_collect()
            .await
            .map_err(|e| self.failed(name, e))?;
        let own = format!("{}/", name::OWN);
        let ours = |key: &Path| self.name(key).is_some_and(|n| n.as_str().starts_with(&own));
        keys.extend(below.into_iter().map(|o| o.location).filter(|k| !ours(k) && *k != key));
        let count = keys.len() as u64;
        let notes: Vec<Path> = keys
            .iter()
            .filter_map(|key| self.key(&Name::trusted(digest::note_name(&self.name(key)?))).ok())
            .collect();
        let all = futures::stream::iter(keys.into_iter().chain(notes).map(Ok)).boxed();
        let gone = self.store.delete_stream(all);
        let gone = gone.filter(|r| futures::future::ready(!matches!(r, Err(Error::NotFound { .. }))));
        gone.try_for_each(|_| futures::future::ready(Ok(())))
            .await
            .map_err(|e| self.failed(name, e))?;
        Ok(count)
    }

    pub(crate) async fn create_upload(&self, name: &Name) -> Result<String, ArtifactError> {
        let created = self.parts.create_multipart(&self.key(name)?).await;
        created.map_err(|e| self.failed(name, e))
    }

    pub(crate) async fn put_part(
        &self,
        name: &Name,
        id: &str,
        number: u64,
        arriving: &mut Arriving<'_>,
    ) -> Result<String, ArtifactError> {
        let (mut hash, mut size) = (Sha256::new(), 0);
        let part = fill(arriving, LARGEST_PART + 1, &mut hash, &mut size).await?;
        if part.len() > LARGEST_PART {
            let cause = format!(
                "part {number} is larger than {} MiB: send smaller ones",
                LARGEST_PART >> 20
            );
            return Err(ArtifactError::upload(id, cause));
        }
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        let put = self
            .parts
            .put_part(&self.key(name)?, &id.to_string(), index, part.into())
            .await;
        put.map(|part| part.content_id)
            .map_err(|e| self.upload_failed(name, id, e))
    }

    fn upload_failed(&self, name: &Name, id: &str, e: Error) -> ArtifactError {
        match e {
            Error::NotFound { .. } => ArtifactError::upload(id, "there is no such upload; begin a new one"),
            e => self.failed(name, e),
        }
    }

    pub(crate) async fn complete_upload(&self, name: &Name, id: &str, parts: &[Part]) -> Result<Stored, ArtifactError> {
        let key = self.key(name)?;
        let ids = parts.iter().map(|part| PartId {
            content_id: part.tag.clone(),
        });
        let done = self
            .parts
            .complete_multipart(&key, &id.to_string(), ids.collect())
            .await;
        done.map_err(|e| self.upload_failed(name, id, e))?;
        let head = self.head(name).await?;
        Ok(Stored {
            size: head.size,
            sha256: None,
        })
    }

    pub(crate) async fn abort_upload(&self, name: &Name, id: &str) -> Result<(), ArtifactError> {
        let gone = self.parts.abort_multipart(&self.key(name)?, &id.to_string()).await;
        gone.map_err(|e| self.upload_failed(name, id, e))
    }

    pub(crate) fn signs(&self) -> bool {
        self.signer.is_some()
    }

    pub(crate) async fn presigned(&self, name: &Name, expires_in: Duration) -> Result<String, ArtifactError> {
        let Some(signer) = &self.signer else {
            return Err(ArtifactError::Unsupported {
                place: self.place.clone(),
                what: "sign addresses",
            });
        };
        let url = signer
            .signed_url("GET".parse().unwrap_or_default(), &self.key(name)?, expires_in)
            .await;
        url.map(|url| url.to_string()).map_err(|e| self.failed(name, e))
    }
}

/// What changes when the object does.
fn version(meta: &object_store::ObjectMeta) -> String {
    meta.e_tag.clone().unwrap_or_else(|| meta.last_modified.to_rfc3339())
}

/// Takes what arrives until so many bytes are there; fewer mean the end.
async fn fill(
    arriving: &mut Arriving<'_>,
    most: usize,
    hash: &mut Sha256,
    size: &mut u64,
) -> Result<Bytes, ArtifactError> {
    let mut part = BytesMut::new();
    while part.len() < most {
        let Some(chunk) = next(arriving).await? else { break };
        hash.update(&chunk);
        *size += chunk.len() as u64;
        part.extend_from_slice(&chunk);
    }
    Ok(part.freeze())
}
