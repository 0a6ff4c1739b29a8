//! What a file is, by its bytes.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use steward_compute::TableFormat;

use super::Sniffed;
use crate::CapabilityError;

/// Bytes looked at for delimiter and header.
const HEAD: u64 = 256 * 1024;
/// Records looked at.
const RECORDS: usize = 50;

/// See [`super::sniff`].
pub(crate) fn sniff(path: &Path) -> Result<Sniffed, CapabilityError> {
    let fail = |cause: String| CapabilityError::File {
        path: path.display().to_string(),
        cause,
    };
    let open = || File::open(path).map_err(|e| fail(format!("cannot be read: {e}")));
    let meta = std::fs::metadata(path).map_err(|e| fail(format!("cannot be read: {e}")))?;
    if meta.is_dir() {
        return Err(fail("is a folder; name a CSV, Parquet or JSON-lines file".into()));
    }
    if meta.len() == 0 {
        return Err(fail("the file is empty (0 bytes)".into()));
    }
    let mut head = Vec::new();
    open()?
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(|e| fail(format!("cannot be read: {e}")))?;
    let extension = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default()
        .to_lowercase();
    let mut sniffed = Sniffed {
        format: TableFormat::Parquet,
        bom: false,
        header: Vec::new(),
        notes: Vec::new(),
    };
    if head.starts_with(b"PAR1") {
        return Ok(sniffed);
    }
    if matches!(extension.as_str(), "parquet" | "pq") {
        return Err(fail(
            "is called Parquet but does not start with PAR1: it is another format, or damaged".into(),
        ));
    }
    for (magic, what) in [
        (&b"\x1f\x8b"[..], "gzip"),
        (&b"PK\x03\x04"[..], "a zip archive or an Excel file"),
        (&b"\xd0\xcf\x11\xe0"[..], "an old Excel file"),
    ] {
        if head.starts_with(magic) {
            return Err(fail(format!("is {what}; unpack it, or save it as CSV")));
        }
    }
    let (encoding, bom) = match head.as_slice() {
        [0xEF, 0xBB, 0xBF, ..] => (None, true),
        [0xFF, 0xFE, ..] => (Some("utf-16le"), true),
        [0xFE, 0xFF, ..] => (Some("utf-16be"), true),
        _ => (None, false),
    };
    sniffed.bom = bom;
    let encoding = match encoding {
        Some(e) => Some(e),
        None if is_utf8(BufReader::new(open()?)).map_err(|e| fail(format!("cannot be read: {e}")))? => None,
        None => {
            sniffed.notes.push(
                "The text is not UTF-8; it is read as windows-1252 (of which Latin-1 is a part). Mend `encoding` in the contract if letters look wrong."
                    .into(),
            );
            Some("windows-1252")
        }
    };
    let text = decode(&head, encoding);
    if encoding.is_none() && text.contains('\0') {
        return Err(fail(
            "holds zero bytes: it is no text; use CSV, Parquet or JSON lines".into(),
        ));
    }
    let first = text.trim_start().chars().next();
    if matches!(extension.as_str(), "json" | "jsonl" | "ndjson") || first == Some('{') {
        if first == Some('[') {
            return Err(fail(
                "holds one JSON array; write one object per line (JSON lines)".into(),
            ));
        }
        if encoding.is_some() {
            return Err(fail("is JSON but not UTF-8, which JSON must be".into()));
        }
        sniffed.format = TableFormat::Json;
        return Ok(sniffed);
    }
    if text.trim().is_empty() {
        return Err(fail("holds nothing but blanks".into()));
    }
    let delimiter = delimiter(&text);
    let records = records(&text, delimiter, RECORDS);
    let header: Vec<String> = records
        .first()
        .map(|r| r.iter().map(|f| f.trim().to_owned()).collect())
        .unwrap_or_default();
    let numbers = header.iter().filter(|f| f.parse::<f64>().is_ok() || is_date(f)).count();
    if numbers * 2 > header.len() {
        return Err(fail(format!(
            "its first line looks like data ({}), not like a header; add a line with the names of the columns",
            header.iter().take(3).cloned().collect::<Vec<_>>().join(", ")
        )));
    }
    if text.lines().any(|l| l.trim().is_empty()) {
        sniffed.notes.push("Blank lines are skipped.".into());
    }
    if let Some(n) = header.iter().filter(|f| f.is_empty()).count().checked_sub(1) {
        sniffed.notes.push(format!(
            "{} column(s) have no name in the header; they are called by their position.",
            n + 1
        ));
    }
    sniffed.header = header;
    sniffed.format = TableFormat::Csv {
        delimiter,
        encoding: encoding.map(str::to_owned),
    };
    Ok(sniffed)
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// Whether all of it is UTF-8; read in pieces.
fn is_utf8(mut source: impl Read) -> std::io::Result<bool> {
    let mut buffer = vec![0u8; 1 << 16];
    let mut kept = 0;
    loop {
        let n = source.read(&mut buffer[kept..])?;
        let filled = kept + n;
        match std::str::from_utf8(&buffer[..filled]) {
            Ok(_) => kept = 0,
            Err(e) if e.error_len().is_none() && n > 0 => {
                // A character may be cut by the end of the piece.
                buffer.copy_within(e.valid_up_to()..filled, 0);
                kept = filled - e.valid_up_to();
            }
            Err(_) => return Ok(false),
        }
        if n == 0 {
            return Ok(kept == 0);
        }
    }
}

/// Good enough to find delimiters and names; the engine decodes exactly.
fn decode(head: &[u8], encoding: Option<&str>) -> String {
    match encoding {
        Some("utf-16le" | "utf-16be") => {
            let big = encoding == Some("utf-16be");
            let units: Vec<u16> = head
                .chunks_exact(2)
                .skip(1)
                .map(|b| match b {
                    [a, b] if big => u16::from_be_bytes([*a, *b]),
                    [a, b] => u16::from_le_bytes([*a, *b]),
                    _ => 0,
                })
                .collect();
            String::from_utf16_lossy(&units)
        }
        Some(_) => head.iter().map(|b| char::from(*b)).collect(),
        None => {
            let text = String::from_utf8_lossy(head);
            text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()
        }
    }
}

/// The delimiter that cuts most records into the same, largest number of fields.
fn delimiter(text: &str) -> char {
    let mut best = (0, 0, ',');
    for candidate in [',', ';', '\t', '|'] {
        let records = records(text, candidate, RECORDS);
        let width = records.first().map_or(0, Vec::len);
        if width < 2 {
            continue;
        }
        let same = records.iter().filter(|r| r.len() == width).count();
        // Records that agree first, then the number of fields.
        let share = same * 100 / records.len().max(1);
        if (share, width) > (best.0, best.1) {
            best = (share, width, candidate);
        }
    }
    best.2
}

/// The first records, blank lines left out; quotes as in RFC 4180. The last one, which may be cut off, only if alone.
fn records(text: &str, delimiter: char, most: usize) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            '\n' | '\r' if !quoted => {
                if c == '\r' && chars.peek() == Some(&'\n') {
                    chars.next();
                }
                record.push(std::mem::take(&mut field));
                let whole: Vec<String> = std::mem::take(&mut record);
                if whole.len() > 1 || whole.first().is_some_and(|f| !f.trim().is_empty()) {
                    records.push(whole);
                }
                if records.len() == most {
                    return records;
                }
            }
            c if c == delimiter && !quoted => record.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    if records.is_empty() {
        record.push(field);
        records.push(record);
    }
    records
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn delimiters_are_told_apart_despite_quotes_and_commas_in_text() {
        assert_eq!(delimiter("a,b\n1,2\n"), ',');
        assert_eq!(delimiter("name;price\n\"x;y\";1,50\nz;2,25\n"), ';');
        assert_eq!(delimiter("a\tb\n1\t2\n"), '\t');
        assert_eq!(delimiter("a|b|c\n1|2|3\n"), '|');
        assert_eq!(
            records("a,b\n\n\"x\n,\"\"y\",2\nrest", ',', 9),
            [vec!["a", "b"], vec!["x\n,\"y", "2"]]
        );
    }

    #[test]
    fn utf8_is_told_from_latin1() {
        assert!(is_utf8("größe".as_bytes()).unwrap());
        assert!(!is_utf8(&b"gr\xf6\xdfe"[..]).unwrap());
        assert!(!is_utf8(&b"cut \xc3"[..]).unwrap());
    }
}
