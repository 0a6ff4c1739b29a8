//! Canonical JSON: one value, one sequence of bytes. What is hashed is written so.
//!
//! - Object keys in ascending order of their UTF-8 bytes; no white space anywhere.
//! - Strings: `"` and `\` escaped by a backslash, control characters below U+0020 as `\b \t \n \f \r` or `\u00xx`
//!   (lower-case hex); everything else as it is, in UTF-8.
//! - Integers from -2⁶³ to 2⁶⁴-1 in decimal; other numbers are binary64, the shortest digits that read back to the
//!   same number: from 0.00001 up to below 1e16 with a point (`1.0`, `0.00001`, `-0.0`), else with an exponent
//!   (`1e+16`, `1.5e-6`).
//! - There is no NaN and no infinity in JSON. [`Value`] cannot hold one, and `serde_json` turns them into `null`
//!   while building a `Value`: who measures must refuse them before.

use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

/// Deepest nesting that is read; deeper text is refused rather than risking the stack.
pub(crate) const DEEPEST: usize = 128;

/// The canonical text of a value.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// SHA-256 of some bytes, in lower-case hex.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Whether a value nests no deeper than can be read again.
pub(crate) fn readable(value: &Value) -> bool {
    fn within(value: &Value, depth: usize) -> bool {
        depth <= DEEPEST
            && match value {
                Value::Array(items) => items.iter().all(|item| within(item, depth + 1)),
                Value::Object(map) => map.values().all(|item| within(item, depth + 1)),
                _ => true,
            }
    }
    within(value, 0)
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out),
        Value::String(s) => write_string(s, out),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            // A map may keep the order of insertion if some crate in the build asks for that: sort in any case.
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
            out.push('{');
            for (i, (key, item)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
    }
}

/// Written here rather than by `serde_json`, whose layout of numbers has changed between versions: digests must not.
fn write_number(number: &Number, out: &mut String) {
    if let Some(whole) = number.as_i64() {
        return out.push_str(&whole.to_string());
    }
    if let Some(whole) = number.as_u64() {
        return out.push_str(&whole.to_string());
    }
    // The standard library's `{:e}` gives the shortest digits that read back to the same number.
    let scientific = format!("{:e}", number.as_f64().unwrap_or_default());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
    if unsigned.len() < mantissa.len() {
        out.push('-');
    }
    let (first, rest) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    match exponent {
        0..=15 => {
            let shift = usize::try_from(exponent).unwrap_or_default();
            let (whole, fraction) = rest.split_at_checked(shift).unwrap_or((rest, ""));
            let zeros = "0".repeat(shift - whole.len());
            out.extend([
                first,
                whole,
                &zeros,
                ".",
                if fraction.is_empty() { "0" } else { fraction },
            ]);
        }
        -5..0 => {
            let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or_default());
            out.extend(["0.", &zeros, first, rest]);
        }
        _ => {
            let point = if rest.is_empty() { "" } else { "." };
            out.extend([
                first,
                point,
                rest,
                if exponent > 0 { "e+" } else { "e" },
                &exponent.to_string(),
            ]);
        }
    }
}

pub(crate) fn write_string(s: &str, out: &mut String) {
    out.push('"');
    let mut plain = 0;
    for (i, b) in s.bytes().enumerate() {
        let short = match b {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            b'\t' => "\\t",
            b'\n' => "\\n",
            0x0c => "\\f",
            b'\r' => "\\r",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(s.get(plain..i).unwrap_or_default());
        if short.is_empty() {
            out.push_str(&format!("\\u{b:04x}"));
        } else {
            out.push_str(short);
        }
        plain = i + 1;
    }
    out.push_str(s.get(plain..).unwrap_or_default());
    out.push('"');
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| DIGITS.get(usize::from(n)).copied().map_or('?', char::from);
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

/// Lower-case hex only: another spelling would be another byte sequence for the same bytes.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

/// Reads JSON exactly: every number comes back as it was. (`serde_json` as built here reads some fractions one
/// digit off, so that its reading and writing again is not always the same text.) The error is the byte position.
pub fn parse(text: &str) -> Result<Value, usize> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0).ok_or(reader.at)?;
    reader.space();
    if reader.at == text.len() {
        Ok(value)
    } else {
        Err(reader.at)
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.space();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        self.text.get(self.at..)?.starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        self.space();
        match self.peek()? {
            b'n' => self.word("null", Value::Null),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'"' => self.string().map(Value::String),
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                if self.take(b']').is_some() {
                    return Some(Value::Array(items));
                }
                loop {
                    items.push(self.value(depth + 1)?);
                    if self.take(b']').is_some() {
                        return Some(Value::Array(items));
                    }
                    self.take(b',')?;
                }
            }
            b'{' => {
                self.at += 1;
                let mut map = Map::new();
                if self.take(b'}').is_some() {
                    return Some(Value::Object(map));
                }
                loop {
                    self.space();
                    let key = self.string()?;
                    self.take(b':')?;
                    map.insert(key, self.value(depth + 1)?);
                    if self.take(b'}').is_some() {
                        return Some(Value::Object(map));
                    }
                    self.take(b',')?;
                }
            }
            _ => self.number(),
        }
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        let end = start + string_length(self.text.as_bytes().get(start..)?)?;
        let raw = self.text.get(start..end)?;
        self.at = end;
        let inner = raw.get(1..raw.len() - 1)?;
        if inner.contains('\\') {
            serde_json::from_str(raw).ok()
        } else {
            Some(inner.to_string())
        }
    }

    fn number(&mut self) -> Option<Value> {
        let rest = self.text.get(self.at..)?;
        let is_digit = |c: char| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
        let raw = rest.split(|c| !is_digit(c)).next()?;
        let number = if raw.contains(['.', 'e', 'E']) {
            let parsed: f64 = raw.parse().ok()?;
            Number::from_f64(parsed)?
        } else if raw.starts_with('-') && raw != "-0" {
            Number::from(raw.parse::<i64>().ok()?)
        } else if raw == "-0" {
            Number::from_f64(-0.0)?
        } else {
            Number::from(raw.parse::<u64>().ok()?)
        };
        self.at += raw.len();
        Some(Value::Number(number))
    }
}

/// The length in bytes of the JSON string that starts here, with its quotes.
pub(crate) fn string_length(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes.iter().enumerate();
    if rest.next()?.1 != &b'"' {
        return None;
    }
    while let Some((i, b)) = rest.next() {
        match b {
            b'\\' => {
                rest.next()?;
            }
            b'"' => return Some(i + 1),
            _ => {}
        }
    }
    None
}
