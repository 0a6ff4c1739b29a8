//! Values as JavaScript sees JSON: keys in its order, numbers as doubles, coercions by its rules (ECMA-262).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::{self, Write as _};

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// A value of JSON. Unlike `serde_json::Value`, it keeps the order of keys, which the clients' comparisons see.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A double.
    Number(f64),
    /// Text.
    Text(Box<str>),
    /// A list.
    List(Vec<Value>),
    /// A map in the order of JavaScript: keys that are array indexes ascending, then the others as given.
    Map(Vec<(Box<str>, Value)>),
}

/// What the empty hash value is.
pub(super) static NULL: Value = Value::Null;

impl Value {
    /// Text.
    pub fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    /// A map from entries in any order; the last of equal keys counts, at the place of the first.
    pub fn map(entries: impl IntoIterator<Item = (Box<str>, Value)>) -> Value {
        let mut all: Vec<(Box<str>, Value)> = Vec::new();
        let mut seen = std::collections::HashMap::new();
        for (key, value) in entries {
            match seen.get(&key).and_then(|at: &usize| all.get_mut(*at)) {
                Some(entry) => entry.1 = value,
                None => {
                    seen.insert(key.clone(), all.len());
                    all.push((key, value));
                }
            }
        }
        if all.iter().any(|(k, _)| index(k).is_some()) {
            all.sort_by_key(|(k, _)| index(k).unwrap_or(u32::MAX));
        }
        Value::Map(all)
    }

    /// The value under a key of a map.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(entries) => entries.iter().find(|(k, _)| **k == *key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Entries of a map; none for anything else.
    pub fn entries(&self) -> &[(Box<str>, Value)] {
        match self {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Items of a list; none for anything else.
    pub fn items(&self) -> &[Value] {
        match self {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// Text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Number(n) => Some(*n),
            _ => None,
        }
    }

    /// `!!value`.
    pub fn truthy(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Bool(b) => *b,
            Value::Number(n) => *n != 0.0 && !n.is_nan(),
            Value::Text(text) => !text.is_empty(),
            Value::List(_) | Value::Map(_) => true,
        }
    }

    /// `String(value)`.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Value::Null => Cow::Borrowed("null"),
            Value::Bool(true) => Cow::Borrowed("true"),
            Value::Bool(false) => Cow::Borrowed("false"),
            Value::Number(n) => Cow::Owned(number_text(*n)),
            Value::Text(text) => Cow::Borrowed(text),
            Value::List(items) => {
                let parts: Vec<Cow<'_, str>> = items
                    .iter()
                    .map(|i| {
                        if matches!(i, Value::Null) {
                            Cow::Borrowed("")
                        } else {
                            i.to_text()
                        }
                    })
                    .collect();
                Cow::Owned(parts.join(","))
            }
            Value::Map(_) => Cow::Borrowed("[object Object]"),
        }
    }

    /// What `then` makes of `String(value)`, which takes no room for texts, numbers and booleans.
    pub(super) fn as_text<T>(&self, then: impl FnOnce(&str) -> T) -> T {
        if let Value::Number(n) = self {
            let mut short = Short::default();
            if write_number(*n, &mut short).is_ok() {
                return then(short.text());
            }
        }
        then(&self.to_text())
    }

    /// `Number(value)`.
    pub fn to_number(&self) -> f64 {
        match self {
            Value::Null => 0.0,
            Value::Bool(b) => f64::from(u8::from(*b)),
            Value::Number(n) => *n,
            Value::Text(text) => number_of(text),
            Value::List(_) => number_of(&self.to_text()),
            Value::Map(_) => f64::NAN,
        }
    }

    /// `a === b`, for values that do not share an identity: lists and maps equal nothing.
    pub fn strictly_equals(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            _ => false,
        }
    }

    /// `JSON.stringify(a) === JSON.stringify(b)`.
    pub fn same_json(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Number(a), Value::Number(b)) if !(a.is_finite() && b.is_finite()) => {
                !a.is_finite() && !b.is_finite()
            }
            (Value::Number(a), Value::Null) | (Value::Null, Value::Number(a)) => !a.is_finite(),
            (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.same_json(y)),
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((k, x), (l, y))| k == l && x.same_json(y))
            }
            _ => self.strictly_equals(other),
        }
    }

    /// `a < b` and its kin: `None` where JavaScript compares with NaN.
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        let primitive = |v: &Value| matches!(v, Value::Text(_) | Value::List(_) | Value::Map(_));
        if primitive(self) && primitive(other) {
            return Some(compare_text(&self.to_text(), &other.to_text()));
        }
        let number = |v: &Value| {
            if primitive(v) {
                number_of(&v.to_text())
            } else {
                v.to_number()
            }
        };
        number(self).partial_cmp(&number(other))
    }

    /// `JSON.stringify(value)`.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        self.write_json(&mut text);
        text
    }

    /// Appends `JSON.stringify(value)`.
    pub fn write_json(&self, text: &mut String) {
        match self {
            Value::Null => text.push_str("null"),
            Value::Bool(b) => text.push_str(if *b { "true" } else { "false" }),
            Value::Number(n) if n.is_finite() => {
                let _ = write_number(*n, text);
            }
            Value::Number(_) => text.push_str("null"),
            Value::Text(t) => quote(t, text),
            Value::List(items) => {
                text.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        text.push(',');
                    }
                    item.write_json(text);
                }
                text.push(']');
            }
            Value::Map(entries) => {
                text.push('{');
                for (at, (key, value)) in entries.iter().enumerate() {
                    if at > 0 {
                        text.push(',');
                    }
                    quote(key, text);
                    text.push(':');
                    value.write_json(text);
                }
                text.push('}');
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => to.serialize_unit(),
            Value::Bool(b) => to.serialize_bool(*b),
            #[allow(clippy::cast_possible_truncation)]
            Value::Number(n) if n.trunc() == *n && n.abs() < 9e15 => to.serialize_i64(*n as i64),
            Value::Number(n) if n.is_finite() => to.serialize_f64(*n),
            Value::Number(_) => to.serialize_unit(),
            Value::Text(text) => to.serialize_str(text),
            Value::List(items) => {
                let mut list = to.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Value::Map(entries) => {
                let mut map = to.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// An array index: digits without leading zero, below 2^32 - 1.
pub(super) fn index(key: &str) -> Option<u32> {
    let digits = !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()) && (key == "0" || !key.starts_with('0'));
    digits.then(|| key.parse().ok()).flatten().filter(|n| *n < u32::MAX)
}

/// Texts by their UTF-16 code units.
pub(super) fn compare_text(a: &str, b: &str) -> Ordering {
    // Only above the surrogates do bytes and code units order differently.
    let plain = |t: &str| t.bytes().all(|x| x < 0xEE);
    if plain(a) && plain(b) {
        a.cmp(b)
    } else {
        a.encode_utf16().cmp(b.encode_utf16())
    }
}

/// `String(number)`: the shortest digits that read back, with an exponent from 1e21 up and below 1e-6.
pub fn number_text(n: f64) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write_number(n, &mut text);
    text
}

fn write_number(n: f64, to: &mut impl fmt::Write) -> fmt::Result {
    if n.is_nan() {
        return to.write_str("NaN");
    }
    if n.is_infinite() {
        return to.write_str(if n > 0.0 { "Infinity" } else { "-Infinity" });
    }
    if n == 0.0 {
        return to.write_str("0");
    }
    #[allow(clippy::cast_possible_truncation)]
    if n.trunc() == n && n.abs() < 1e15 {
        return write!(to, "{}", n as i64);
    }
    let mut written = Short::default();
    write!(written, "{:e}", n.abs())?;
    let (mantissa, exponent) = written.text().split_once('e').unwrap_or((written.text(), "0"));
    let mut digits = Short::default();
    mantissa.split('.').try_for_each(|part| digits.write_str(part))?;
    let digits = digits.text();
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    if n < 0.0 {
        to.write_char('-')?;
    }
    let zeros = |to: &mut _, n: i32| (0..n).try_for_each(|_| fmt::Write::write_char(to, '0'));
    if count <= point && point <= 21 {
        to.write_str(digits)?;
        zeros(to, point - count)
    } else if 0 < point && point <= 21 {
        let (whole, rest) = digits.split_at(usize::try_from(point).unwrap_or(0));
        write!(to, "{whole}.{rest}")
    } else if -6 < point && point <= 0 {
        to.write_str("0.")?;
        zeros(to, -point)?;
        to.write_str(digits)
    } else {
        let sign = if point > 0 { '+' } else { '-' };
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        write!(to, "{first}{dot}{rest}e{sign}{}", (point - 1).abs())
    }
}

/// A short text that takes no room on the heap: any number fits.
#[derive(Default)]
struct Short {
    bytes: [u8; 32],
    length: usize,
}

impl Short {
    fn text(&self) -> &str {
        let written = self.bytes.get(..self.length).unwrap_or_default();
        std::str::from_utf8(written).unwrap_or_default()
    }
}

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let place = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// White space and line ends of ECMA-262.
fn space(c: char) -> bool {
    matches!(c, '\u{9}'..='\u{D}' | ' ' | '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{2028}' | '\u{2029}' | '\u{202F}' | '\u{205F}' | '\u{3000}' | '\u{FEFF}')
}

/// `Number(text)`.
pub fn number_of(text: &str) -> f64 {
    let text = text.trim_matches(space);
    if text.is_empty() {
        return 0.0;
    }
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            return radix_number(digits, radix);
        }
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned == "Infinity" {
        return if text.starts_with('-') {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
    }
    let decimal = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if decimal {
        text.parse().unwrap_or(f64::NAN)
    } else {
        f64::NAN
    }
}

fn radix_number(digits: &str, radix: u32) -> f64 {
    if digits.is_empty() {
        return f64::NAN;
    }
    let mut value = 0u128;
    for c in digits.chars() {
        match (c.to_digit(radix), value.checked_mul(u128::from(radix))) {
            (Some(digit), Some(shifted)) => value = shifted + u128::from(digit),
            (Some(_), None) => return f64::INFINITY,
            (None, _) => return f64::NAN,
        }
    }
    #[allow(clippy::cast_precision_loss)]
    let number = value as f64;
    number
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        let _ = match c {
            '"' => out.write_str("\\\""),
            '\\' => out.write_str("\\\\"),
            '\u{8}' => out.write_str("\\b"),
            '\u{C}' => out.write_str("\\f"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            c if u32::from(c) < 0x20 => write!(out, "\\u{:04x}", u32::from(c)),
            c => out.write_char(c),
        };
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (n, text) in [
            (1e21, "1e+21"),
            (123456789012345680000.0, "123456789012345680000"),
            (1e-7, "1e-7"),
            (1.5e-7, "1.5e-7"),
            (0.000001, "0.000001"),
            (-0.0, "0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-1234.5, "-1234.5"),
            (5e-324, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
        ] {
            assert_eq!(number_text(n), text);
        }
    }

    #[test]
    fn texts_are_read_as_javascript_reads_them() {
        for (text, n) in [
            (" 12 ", 12.0),
            ("", 0.0),
            ("0x1f", 31.0),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(number_of(text), n, "{text}");
        }
        for text in ["1_000", "inf", "nan", "-0x1f", "1,5", "0x", "e5", ".", "+"] {
            assert!(number_of(text).is_nan(), "{text}");
        }
    }
}
