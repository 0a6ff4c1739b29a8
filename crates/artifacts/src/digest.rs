//! SHA-256 as text.

use sha2::{Digest, Sha256};

/// Lower-case hex.
pub(crate) fn hex(hash: Sha256) -> String {
    use std::fmt::Write;
    hash.finalize()
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // A string takes everything.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The digest of some text.
pub(crate) fn of(text: &str) -> String {
    hex(Sha256::new_with_prefix(text.as_bytes()))
}

/// What was found about a file once: its digest, and which bytes it is of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) sha256: String,
    pub(crate) size: u64,
    /// Changes when the file does: time of the last change, or a bucket's entity tag.
    pub(crate) version: String,
}

impl Note {
    pub(crate) fn text(&self) -> String {
        format!("{} {} {}\n", self.sha256, self.size, self.version)
    }

    pub(crate) fn read(text: &str) -> Option<Note> {
        let mut words = text.trim_end().splitn(3, ' ');
        let (sha256, size, version) = (words.next()?, words.next()?, words.next()?);
        let whole = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
        whole.then(|| Note {
            sha256: sha256.to_string(),
            size: size.parse().unwrap_or(u64::MAX),
            version: version.to_string(),
        })
    }

    /// The digest, if it still is of these bytes.
    pub(crate) fn of(self, size: u64, version: &str) -> Option<String> {
        (self.size == size && self.version == version).then_some(self.sha256)
    }
}

/// Name of the note about a file.
pub(crate) fn note_name(name: &crate::Name) -> String {
    let digest = of(name.as_str());
    format!("{}/sha256/{}/{digest}", crate::name::OWN, &digest[..2])
}
