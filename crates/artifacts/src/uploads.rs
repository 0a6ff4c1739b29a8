//! Uploads in parts into a folder: each part is a file until all are put together.

use std::io::ErrorKind;
use std::path::PathBuf;

use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio::fs;
use uuid::Uuid;

use crate::local::Local;
use crate::store::Arriving;
use crate::{ArtifactError, Name, Part, Stored, digest};

/// File of an upload that holds the name it is for.
const FOR: &str = "name";

impl Local {
    /// The folder of an upload that is for this name.
    async fn upload(&self, name: &Name, id: &str) -> Result<PathBuf, ArtifactError> {
        let unknown = || ArtifactError::upload(id, "there is no such upload; begin a new one");
        // An id is never a path.
        let known = Uuid::try_parse(id).map_err(|_| unknown())?;
        let folder = self.own("uploads").join(known.simple().to_string());
        match fs::read_to_string(folder.join(FOR)).await {
            Ok(text) if text == name.as_str() => Ok(folder),
            Ok(_) => Err(ArtifactError::upload(id, "it is for another name")),
            Err(e) if e.kind() == ErrorKind::NotFound => Err(unknown()),
            Err(e) => Err(ArtifactError::io(self.root(), name, &e)),
        }
    }

    pub(crate) async fn create_upload(&self, name: &Name) -> Result<String, ArtifactError> {
        let fail = |e: std::io::Error| ArtifactError::io(self.root(), name, &e);
        let id = Uuid::now_v7().simple().to_string();
        let folder = self.own("uploads").join(&id);
        fs::create_dir_all(&folder).await.map_err(fail)?;
        fs::write(folder.join(FOR), name.as_str()).await.map_err(fail)?;
        Ok(id)
    }

    pub(crate) async fn put_part(
        &self,
        name: &Name,
        id: &str,
        number: u64,
        arriving: &mut Arriving<'_>,
    ) -> Result<String, ArtifactError> {
        let folder = self.upload(name, id).await?;
        let mut aside = self.aside(name).await?;
        let mut hash = Sha256::new();
        self.fill(name, &mut aside, &mut hash, arriving).await?;
        let tag = digest::hex(hash);
        aside
            .move_to(&folder.join(part_file(number, &tag)))
            .await
            .map_err(|e| match e.kind() {
                ErrorKind::NotFound => ArtifactError::upload(id, "it was given up while the part arrived"),
                _ => ArtifactError::io(self.root(), name, &e),
            })?;
        Ok(tag)
    }

    pub(crate) async fn complete_upload(&self, name: &Name, id: &str, parts: &[Part]) -> Result<Stored, ArtifactError> {
        let folder = self.upload(name, id).await?;
        let fail = |e: std::io::Error| ArtifactError::io(self.root(), name, &e);
        let mut aside = self.aside(name).await?;
        let mut hash = Sha256::new();
        let mut size = 0;
        for part in parts {
            let tag = part.tag.trim_matches('"');
            let absent = || ArtifactError::upload(id, format!("part {} with tag {tag:?} was not sent", part.number));
            // A tag is never a path.
            if tag.len() != 64 || !tag.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(absent());
            }
            let file = match fs::File::open(folder.join(part_file(part.number, tag))).await {
                Ok(file) => file,
                Err(e) if e.kind() == ErrorKind::NotFound => return Err(absent()),
                Err(e) => return Err(fail(e)),
            };
            let mut arriving = crate::local::pieces(file, name.clone()).boxed();
            size += self.fill(name, &mut aside, &mut hash, &mut arriving).await?;
        }
        let stored = self.keep(name, aside, hash, size).await?;
        if let Err(e) = fs::remove_dir_all(&folder).await {
            tracing::warn!("{} stays: {e}", folder.display());
        }
        Ok(stored)
    }

    pub(crate) async fn abort_upload(&self, name: &Name, id: &str) -> Result<(), ArtifactError> {
        let folder = self.upload(name, id).await?;
        fs::remove_dir_all(&folder)
            .await
            .map_err(|e| ArtifactError::io(self.root(), name, &e))
    }
}

fn part_file(number: u64, tag: &str) -> String {
    format!("{number:05}-{}", tag.to_ascii_lowercase())
}
