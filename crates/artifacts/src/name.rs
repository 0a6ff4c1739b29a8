//! Names that lead nowhere else.

use std::fmt;

use crate::ArtifactError;

/// Longest name, in bytes: a bucket's keys are not longer.
const LONGEST: usize = 1000;
/// Longest segment, in bytes: a file system's names are not longer.
const LONGEST_SEGMENT: usize = 255;
/// Where the store keeps what is not its users'.
pub(crate) const OWN: &str = ".steward";

/// The name of a file or folder: segments joined by `/`; empty for the whole store.
///
/// A name that is accepted stays below the store on every system: it is relative, has no empty segment, no `.` or
/// `..`, no control character, backslash, drive letter or device name, however often it was percent-encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The whole store.
    pub fn root() -> Name {
        Name::default()
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Name, ArtifactError> {
        let wrong = |cause: &str| ArtifactError::Name {
            name: text.chars().take(200).collect(),
            cause: cause.to_string(),
        };
        if text.is_empty() {
            return Ok(Name::root());
        }
        if text.len() > LONGEST {
            return Err(wrong("it is longer than 1000 bytes"));
        }
        if text.chars().any(char::is_control) {
            return Err(wrong("it holds a control character"));
        }
        let mut form = text.to_string();
        loop {
            if let Some(cause) = leads_elsewhere(&form) {
                return Err(wrong(cause));
            }
            let decoded = decode(&form);
            if decoded == form {
                break;
            }
            form = decoded;
        }
        if text.split('/').any(|segment| segment.len() > LONGEST_SEGMENT) {
            return Err(wrong("a segment is longer than 255 bytes"));
        }
        if text
            .split('/')
            .next()
            .is_some_and(|first| first.eq_ignore_ascii_case(OWN))
        {
            return Err(wrong("`.steward` is the store's own"));
        }
        Ok(Name(text.to_string()))
    }

    /// A name below this one.
    pub fn join(&self, rest: &str) -> Result<Name, ArtifactError> {
        match (self.is_root(), rest.is_empty()) {
            (_, true) => Ok(self.clone()),
            (true, false) => Name::parse(rest),
            (false, false) => Name::parse(&format!("{self}/{rest}")),
        }
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the whole store.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last segment.
    pub fn last(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The segments.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|segment| !segment.is_empty())
    }

    /// What follows a folder's name, if this lies in it.
    pub fn below<'a>(&'a self, folder: &Name) -> Option<&'a str> {
        if folder.is_root() {
            return Some(&self.0);
        }
        let rest = self.0.strip_prefix(folder.as_str())?;
        rest.strip_prefix('/').or_else(|| rest.is_empty().then_some(""))
    }

    /// A name that is known to be good, or the store's own.
    pub(crate) fn trusted(text: impl Into<String>) -> Name {
        Name(text.into())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn leads_elsewhere(text: &str) -> Option<&'static str> {
    // Others may come of a per cent sign that encodes nothing: `loss%step%100`.
    if text.contains('\0') {
        return Some("it holds a NUL");
    }
    if text.contains('\\') {
        return Some("segments are separated by /, not by \\");
    }
    if text.starts_with('/') {
        return Some("it is absolute; names are relative to the store");
    }
    let bytes = text.as_bytes();
    if bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
        return Some("it starts with a drive letter");
    }
    for segment in text.split('/') {
        match segment {
            "" => return Some("it has an empty segment"),
            "." | ".." => return Some("`.` and `..` lead elsewhere"),
            _ if is_device(segment) => return Some("a segment is the name of a Windows device"),
            _ => {}
        }
    }
    None
}

/// `NUL`, `con.txt`, `COM1`: with any ending.
fn is_device(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().trim_end();
    let same = |name: &str| stem.eq_ignore_ascii_case(name);
    if ["CON", "PRN", "AUX", "NUL"].into_iter().any(same) {
        return true;
    }
    match stem.as_bytes() {
        [a, b, c, digit @ b'1'..=b'9'] => {
            let word = [a.to_ascii_uppercase(), b.to_ascii_uppercase(), c.to_ascii_uppercase()];
            digit.is_ascii_digit() && (word == *b"COM" || word == *b"LPT")
        }
        _ => false,
    }
}

/// Percent-encoding taken off once; what is no UTF-8 then is kept as marks that match nothing.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for bad in [
            "..",
            "../a",
            "a/../b",
            "a/..",
            "%2e%2e/a",
            "a/%2E%2e/b",
            "%252e%252e/a",
            "%25252e%25252e",
            "/etc/passwd",
            "%2fetc/passwd",
            "a//b",
            "a/",
            ".",
            "./a",
            "a\\b",
            "a%5cb",
            "C:/x",
            "c:",
            "c%3a/x",
            "a\0b",
            "a%00b",
            "a\nb",
            "NUL",
            "con.txt",
            "a/Aux",
            "COM1.log",
            "lpt9",
            "nul .txt",
            ".steward",
            ".Steward/tmp",
            ".steward/x",
        ] {
            assert!(Name::parse(bad).is_err(), "{bad:?} was accepted");
        }
        assert!(Name::parse(&"a".repeat(256)).is_err());
        assert!(Name::parse(&"a/".repeat(600)).is_err());
    }

    #[test]
    fn names_that_people_use_are_taken_as_they_are() {
        for good in [
            "model/MLmodel",
            "a b.txt",
            "100%.txt",
            "ünïcode/文.parquet",
            "a%20b",
            "..a",
            "a..b",
            "COM0",
            "console.log",
            "nullable.txt",
            "ab:c",
            "2025-01-01T10:00:00",
            "#1",
            "a.steward",
            "dog%step%100%timestamp%100%x.png",
            "🦀",
        ] {
            assert_eq!(Name::parse(good).unwrap().as_str(), good);
        }
        assert!(Name::parse("").unwrap().is_root());
    }

    #[test]
    fn a_name_lies_below_its_folders_only() {
        let name = Name::parse("a/bc/d").unwrap();
        let below = |folder: &str| name.below(&Name::parse(folder).unwrap());
        assert_eq!(below(""), Some("a/bc/d"));
        assert_eq!(below("a"), Some("bc/d"));
        assert_eq!(below("a/bc/d"), Some(""));
        assert_eq!(below("a/b"), None);
    }
}
