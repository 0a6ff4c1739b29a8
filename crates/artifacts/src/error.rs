//! What can go wrong with files.

use std::path::Path;

/// What went wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    /// The name could lead elsewhere, or not be kept everywhere.
    #[error("{name:?} is no artifact name: {cause}")]
    Name {
        /// As given.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Nothing is kept under the name.
    #[error("there is no artifact {name:?}")]
    Missing {
        /// The name.
        name: String,
    },
    /// A file is where a folder is wanted, or the reverse.
    #[error("{name:?} cannot be kept: {cause}")]
    Conflict {
        /// The name.
        name: String,
        /// What is in the way.
        cause: String,
    },
    /// The wanted bytes lie outside the file.
    #[error("{name:?} has {size} bytes; the wanted range lies outside")]
    Range {
        /// The name.
        name: String,
        /// Its size, in bytes.
        size: u64,
    },
    /// The upload in parts cannot go on as asked.
    #[error("upload {id:?}: {cause}")]
    Upload {
        /// Its id.
        id: String,
        /// What is wrong, and what to do.
        cause: String,
    },
    /// What was being sent ended early. Nothing of it is kept.
    #[error("{name:?} was not sent to its end, and nothing of it is kept: {cause}")]
    Interrupted {
        /// The name.
        name: String,
        /// Why.
        cause: String,
    },
    /// No room. Nothing of the file is kept.
    #[error("{place} is full, and nothing of {name:?} is kept: make room and send it again")]
    Full {
        /// The store.
        place: String,
        /// The name.
        name: String,
    },
    /// The place does not do this.
    #[error("{place} cannot {what}")]
    Unsupported {
        /// The store.
        place: String,
        /// What was asked.
        what: &'static str,
    },
    /// The place is not written as it must be.
    #[error("artifacts: {place:?}: {cause}")]
    Place {
        /// As given.
        place: String,
        /// What is wrong, and what was expected.
        cause: String,
    },
    /// The store cannot be reached, read or written.
    #[error("{place}: {cause}")]
    Store {
        /// File, folder or bucket.
        place: String,
        /// Cause.
        cause: String,
    },
}

impl ArtifactError {
    pub(crate) fn missing(name: &crate::Name) -> ArtifactError {
        ArtifactError::Missing { name: name.to_string() }
    }

    pub(crate) fn upload(id: &str, cause: impl Into<String>) -> ArtifactError {
        ArtifactError::Upload {
            id: id.to_string(),
            cause: cause.into(),
        }
    }

    /// An error of the file system, about a name in a store.
    pub(crate) fn io(root: &Path, name: &crate::Name, e: &std::io::Error) -> ArtifactError {
        use std::io::ErrorKind as K;
        let conflict = |cause: &str| ArtifactError::Conflict {
            name: name.to_string(),
            cause: cause.to_string(),
        };
        match e.kind() {
            K::NotFound => ArtifactError::missing(name),
            K::StorageFull | K::QuotaExceeded | K::FileTooLarge => ArtifactError::Full {
                place: root.display().to_string(),
                name: name.to_string(),
            },
            K::NotADirectory | K::AlreadyExists => conflict("a file stands where a folder is needed"),
            K::IsADirectory | K::DirectoryNotEmpty => conflict("a folder has this name"),
            K::InvalidFilename => ArtifactError::Name {
                name: name.to_string(),
                cause: "the file system takes no such name".to_string(),
            },
            _ => ArtifactError::Store {
                place: root.join(name.as_str()).display().to_string(),
                cause: e.to_string(),
            },
        }
    }
}
