//! Exported ledgers: one line an event, verifiable without a store. See `docs/ledger-format.md`.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::canonical::string_length;
use crate::chain::{Chain, Link, Private};
use crate::store::{Pages, Store, Stored, private_file};
use crate::verify::take;
use crate::{LedgerError, Verification};

/// Longest line that is read: a wrong file shall not fill the memory.
const LONGEST: u64 = 1 << 30;

/// Writes the export beside its place, verifies it while writing, then moves it there.
pub(crate) async fn write(store: &Store, path: &Path) -> Result<Verification, LedgerError> {
    let fail = |e: std::io::Error| LedgerError::store(path.display(), format!("the export cannot be written: {e}"));
    // Moving a file over a device or a pipe would put an end to it.
    if path.metadata().is_ok_and(|m| !m.is_file()) {
        let cause = "it exists and is no regular file; name a file to write the export to";
        return Err(LedgerError::invalid(path.display().to_string(), cause));
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let part = Part(path.with_file_name(name));
    let mut file = BufWriter::new(private_file(&part.0).map_err(fail)?);
    let mut pages = Pages::new(store.snapshot().await?);
    let mut chain = Chain::new(None)?;
    let (mut canonical, mut line) = (String::new(), String::new());
    let mut after = i64::MIN;
    loop {
        let page = pages.next(after, u64::MAX).await?;
        if page.is_empty() {
            break;
        }
        for event in page.events() {
            let event = take(&mut chain, event, &mut canonical)?;
            render(&event, &canonical, &mut line);
            file.write_all(line.as_bytes()).map_err(fail)?;
        }
        after = i64::try_from(chain.next() - 1).unwrap_or(i64::MAX);
    }
    let verification = chain.finish(&[])?;
    let file = file.into_inner().map_err(|e| fail(e.into_error()))?;
    file.sync_all().map_err(fail)?;
    std::fs::rename(&part.0, path).map_err(fail)?;
    Ok(verification)
}

/// A file that goes away unless it was moved to its place.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn render(event: &Stored<'_>, canonical: &str, line: &mut String) {
    line.clear();
    line.extend(["{\"event\":", canonical, ",\"hash\":\"", event.hash, "\""]);
    match event.private {
        Private::Absent => {}
        Private::Erased => line.push_str(",\"private\":\"erased\""),
        Private::Present { salt, payload } => {
            line.extend([",\"private\":{\"payload\":", payload, ",\"salt\":\"", salt, "\"}"]);
        }
    }
    line.push_str("}\n");
}

/// Verifies an exported file, line by line.
pub(crate) fn verify(path: &Path, head: Option<&str>) -> Result<Verification, LedgerError> {
    let fail = |e: std::io::Error| LedgerError::store(path.display(), format!("the export cannot be read: {e}"));
    let mut chain = Chain::new(head)?;
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(fail)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = Read::by_ref(&mut file)
            .take(LONGEST)
            .read_until(b'\n', &mut line)
            .map_err(fail)?;
        if read == 0 {
            return chain.finish(&[]);
        }
        let Some(text) = line.strip_suffix(b"\n") else {
            return Err(LedgerError::broken(
                chain.next(),
                "its line is cut off: the file was truncated",
            ));
        };
        let event = split(text).ok_or_else(|| {
            LedgerError::broken(
                chain.next(),
                format!("line {} is not one that an export writes", chain.next()),
            )
        })?;
        chain.step(&event)?;
    }
}

/// Takes a line apart exactly as [`render`] puts it together, without copying.
fn split(line: &[u8]) -> Option<Link<'_>> {
    let line = std::str::from_utf8(line).ok()?;
    let mut cursor = Cursor { line, at: 0 };
    cursor.skip("{\"event\":")?;
    let start = cursor.at;
    cursor.skip("{\"actor\":")?;
    cursor.string()?;
    cursor.skip(",\"at_us\":")?;
    let at_us = cursor.number()?.parse().ok()?;
    cursor.skip(",\"commitment\":")?;
    let commitment = if cursor.skip("null").is_some() {
        None
    } else {
        Some(cursor.string()?)
    };
    cursor.skip(",\"id\":")?;
    cursor.string()?;
    cursor.skip(",\"kind\":")?;
    let kind = cursor.string()?;
    cursor.skip(",\"payload\":")?;
    let payload = cursor.value()?;
    cursor.skip(",\"sequence\":")?;
    let sequence = cursor.number()?.parse().ok()?;
    cursor.skip(",\"subject\":")?;
    cursor.string()?;
    cursor.skip("}")?;
    let canonical = line.get(start..cursor.at)?.as_bytes();
    cursor.skip(",\"hash\":")?;
    let hash = cursor.string()?;
    let private = if cursor.skip(",\"private\":").is_none() {
        Private::Absent
    } else if cursor.skip("\"erased\"").is_some() {
        Private::Erased
    } else {
        cursor.skip("{\"payload\":")?;
        let payload = cursor.value()?;
        cursor.skip(",\"salt\":")?;
        let salt = cursor.string()?;
        cursor.skip("}")?;
        Private::Present { salt, payload }
    };
    cursor.skip("}")?;
    (cursor.at == line.len()).then_some(Link {
        sequence,
        at_us,
        kind,
        payload,
        commitment,
        canonical,
        hash,
        private,
    })
}

struct Cursor<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> Option<&'a str> {
        self.line.get(self.at..)
    }

    fn skip(&mut self, literal: &str) -> Option<()> {
        self.rest()?.starts_with(literal).then(|| self.at += literal.len())
    }

    /// A string's content, escapes left as they are.
    fn string(&mut self) -> Option<&'a str> {
        let rest = self.rest()?;
        let length = string_length(rest.as_bytes())?;
        self.at += length;
        rest.get(1..length - 1)
    }

    fn number(&mut self) -> Option<&'a str> {
        let rest = self.rest()?;
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '-')
            .unwrap_or(rest.len());
        self.at += end;
        rest.get(..end)
    }

    /// The text of any JSON value: up to the comma or bracket that ends it.
    fn value(&mut self) -> Option<&'a str> {
        let rest = self.rest()?;
        let bytes = rest.as_bytes();
        let (mut at, mut depth) = (0, 0u32);
        loop {
            match bytes.get(at)? {
                b'"' => {
                    at += string_length(bytes.get(at..)?)?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' if depth == 0 => break,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        self.at += at;
        rest.get(..at)
    }
}
