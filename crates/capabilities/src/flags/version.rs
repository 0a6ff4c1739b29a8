//! Versions as the SDKs compare them: numeric parts padded, a release after its pre-releases.

use std::cmp::Ordering;

use super::value::Value;

/// A version, ready to compare with.
#[derive(Clone, Debug)]
pub struct Version(Vec<u16>);

impl Version {
    /// Of a text or number; anything else is version 0.
    pub fn new(value: &Value) -> Version {
        let mut units = Vec::new();
        padded(value, |unit| units.push(unit));
        Version(units)
    }

    /// How a value compares with it, without allocation for texts.
    pub fn compare(&self, actual: &Value) -> Ordering {
        let (mut at, mut found) = (0, Ordering::Equal);
        padded(actual, |unit| {
            if found == Ordering::Equal {
                found = match self.0.get(at) {
                    Some(own) => unit.cmp(own),
                    None => Ordering::Greater,
                };
            }
            at += 1;
        });
        if found == Ordering::Equal && at < self.0.len() {
            Ordering::Less
        } else {
            found
        }
    }
}

fn padded(value: &Value, put: impl FnMut(u16)) {
    match value {
        Value::Text(text) if !text.is_empty() => padded_text(text, put),
        Value::Number(_) => value.as_text(|text| padded_text(text, put)),
        _ => padded_text("0", put),
    }
}

fn padded_text(text: &str, mut put: impl FnMut(u16)) {
    let text = text.strip_prefix('v').unwrap_or(text);
    // Build metadata goes, unless a line ends after it.
    let after_last_line = text.rfind(['\n', '\r', '\u{2028}', '\u{2029}']).map_or(0, |at| at + 1);
    let from = (after_last_line..=text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    let text = match text.get(from..).and_then(|rest| rest.find('+')) {
        Some(plus) => text.get(..from + plus).unwrap_or(text),
        None => text,
    };
    let mut count = 0;
    for part in text.split(['-', '.']) {
        if count > 0 {
            put(u16::from(b'-'));
        }
        count += 1;
        if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) {
            (part.len()..5).for_each(|_| put(u16::from(b' ')));
        }
        part.encode_utf16().for_each(&mut put);
    }
    if count == 3 {
        put(u16::from(b'-'));
        put(u16::from(b'~'));
    }
}
