//! Where artifacts are kept, in one line.

use std::path::{Path, PathBuf};

use url::Url;

use crate::ArtifactError;

/// Where artifacts are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder.
    Folder(PathBuf),
    /// A bucket and a prefix: `s3://`, `gs://` or `az://`.
    Bucket(Url),
}

impl Place {
    /// Reads `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, `file:///folder` or a folder, which is
    /// relative to `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Place, ArtifactError> {
        let wrong = |cause: &str| ArtifactError::Place {
            place: text.to_string(),
            cause: cause.to_string(),
        };
        let Some((scheme, _)) = text.split_once("://") else {
            return match text.trim() {
                "" => Err(wrong("expected a folder, or s3://, gs:// or az:// with a bucket")),
                folder => Ok(Place::Folder(base.join(folder))),
            };
        };
        let url = Url::parse(text).map_err(|e| wrong(&e.to_string()))?;
        match scheme {
            "file" => url
                .to_file_path()
                .map(Place::Folder)
                .map_err(|()| wrong("expected file:/// and an absolute folder")),
            "s3" | "s3a" | "gs" | "az" | "abfs" | "abfss" | "azure" => {
                if url.host_str().is_none_or(str::is_empty) {
                    return Err(wrong("it names no bucket"));
                }
                if url.password().is_some() || url.query().is_some() {
                    return Err(wrong("credentials come from the environment, not from the address"));
                }
                Ok(Place::Bucket(url))
            }
            _ => Err(wrong("expected a folder, or s3://, gs:// or az:// with a bucket")),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Folder(folder) => write!(f, "{}", folder.display()),
            Place::Bucket(url) => write!(f, "{url}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Place;

    #[test]
    fn one_line_says_where() {
        let read = |text| Place::parse(text, Path::new("/p")).map(|p| p.to_string());
        assert_eq!(read("files").unwrap(), "/p/files");
        assert_eq!(read("/srv/a").unwrap(), "/srv/a");
        assert_eq!(read("file:///srv/a").unwrap(), "/srv/a");
        assert_eq!(read("s3://bucket/models").unwrap(), "s3://bucket/models");
        for bad in [
            "",
            " ",
            "ftp://x/y",
            "s3:///x",
            "s3://key:secret@bucket/x",
            "gs://b?token=x",
            "file://host/x",
        ] {
            assert!(read(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
