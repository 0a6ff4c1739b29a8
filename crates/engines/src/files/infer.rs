//! Which type all values of a text column have.

use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::compute::kernels::cast_utils::{Parser, string_to_datetime};
use datafusion::arrow::datatypes::{DataType, Date32Type};

use crate::normal;

/// Type of a text column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Boolean,
    Integer,
    Number,
    Date,
    Timestamp,
    Text,
}

impl Kind {
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Kind::Boolean => DataType::Boolean,
            Kind::Integer => DataType::Int64,
            Kind::Number => DataType::Float64,
            Kind::Date => DataType::Date32,
            Kind::Timestamp => normal::timestamp(),
            Kind::Text => DataType::Utf8,
        }
    }

    /// From a logical type of the Open Data Contract Standard.
    pub(crate) fn of_contract(logical: &str) -> Option<Kind> {
        Some(match logical {
            "boolean" => Kind::Boolean,
            "integer" => Kind::Integer,
            "number" => Kind::Number,
            "date" => Kind::Date,
            "timestamp" => Kind::Timestamp,
            "string" | "time" | "object" | "array" => Kind::Text,
            _ => return None,
        })
    }
}

/// `true`, `false` and what other tools write for them.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|w| text.eq_ignore_ascii_case(w));
    if is(&["true", "t", "yes", "y", "1"]) {
        Some(true)
    } else if is(&["false", "f", "no", "n", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// A decimal number; no `NaN`, `inf` or hexadecimal.
pub(crate) fn number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    plain
        .then(|| text.parse().ok())
        .flatten()
        .filter(|x: &f64| x.is_finite())
}

/// Days since 1970 of `2025-01-31`.
pub(crate) fn date(text: &str) -> Option<i32> {
    let b = text.as_bytes();
    let shaped = b.len() == 10 && b[4] == b'-' && b[7] == b'-';
    shaped.then(|| Date32Type::parse(text)).flatten()
}

/// Microseconds since 1970 UTC of `2025-01-31T12:00:00Z`, with a space for the T, an offset, or neither (then UTC).
pub(crate) fn timestamp(text: &str) -> Option<i64> {
    let b = text.as_bytes();
    if b.len() < 10 || b[4] != b'-' || b[7] != b'-' {
        return None;
    }
    let utc: Tz = "+00:00".parse().ok()?;
    string_to_datetime(&utc, text).ok().map(|t| t.timestamp_micros())
}

/// Beyond it a double does not tell neighbouring integers apart.
const EXACT_IN_DOUBLE: u64 = 1 << 53;

/// Which kinds still fit every value seen.
#[derive(Clone, Debug)]
pub(crate) struct Inference {
    /// What the contract says, while every value fits it.
    promised: Option<Kind>,
    seen: bool,
    boolean: bool,
    integer: bool,
    number: bool,
    /// An integer that a double cannot hold: the column is no number, whatever else it holds.
    wide: bool,
    date: bool,
    timestamp: bool,
}

impl Inference {
    pub(crate) fn new(promised: Option<Kind>) -> Self {
        Inference {
            promised,
            seen: false,
            boolean: true,
            integer: true,
            number: true,
            wide: false,
            date: true,
            timestamp: true,
        }
    }

    /// Looks at one value; blank ones say nothing.
    pub(crate) fn see(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.seen = true;
        if let Some(kind) = self.promised
            && !fits(kind, text)
        {
            self.promised = None;
        }
        if self.boolean {
            self.boolean = text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
        }
        if self.integer || self.number {
            let digits = text.strip_prefix('-').unwrap_or(text);
            // 007 and +49… name things; they count nothing.
            let is_code =
                text.starts_with('+') || (digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0."));
            let integer = if is_code { None } else { text.parse::<i64>().ok() };
            self.integer &= integer.is_some();
            self.wide |= integer.is_some_and(|i| i.unsigned_abs() > EXACT_IN_DOUBLE);
            let is_long = integer.is_none() && digits.bytes().all(|b| b.is_ascii_digit());
            self.number &= integer.is_some() || (!is_code && !is_long && number(text).is_some());
        }
        if self.date || self.timestamp {
            self.date &= date(text).is_some();
            self.timestamp &= self.date || timestamp(text).is_some();
        }
    }

    /// Looks at a value that is text by its own syntax, as a JSON string is.
    pub(crate) fn see_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.seen = true;
        if self.promised.is_some_and(|kind| !fits(kind, text.trim())) {
            self.promised = None;
        }
        (self.boolean, self.integer, self.number, self.date, self.timestamp) = (false, false, false, false, false);
    }

    /// The narrowest kind that fits all; text for a column without values.
    pub(crate) fn kind(&self) -> Kind {
        if let Some(kind) = self.promised {
            return kind;
        }
        match self {
            i if !i.seen => Kind::Text,
            i if i.boolean => Kind::Boolean,
            i if i.integer => Kind::Integer,
            i if i.number && !i.wide => Kind::Number,
            i if i.date => Kind::Date,
            i if i.timestamp => Kind::Timestamp,
            _ => Kind::Text,
        }
    }
}

fn fits(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Boolean => boolean(text).is_some(),
        Kind::Integer => text.parse::<i64>().is_ok(),
        Kind::Number => number(text).is_some(),
        Kind::Date => date(text).is_some(),
        Kind::Timestamp => timestamp(text).is_some(),
        Kind::Text => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(values: &[&str]) -> Kind {
        let mut inference = Inference::new(None);
        values.iter().for_each(|v| inference.see(v));
        inference.kind()
    }

    #[test]
    fn the_narrowest_kind_that_fits_every_value() {
        assert_eq!(kind(&["1", " -2 ", ""]), Kind::Integer);
        assert_eq!(kind(&["1", "2.5", "1e-3"]), Kind::Number);
        assert_eq!(kind(&["1", "two"]), Kind::Text);
        assert_eq!(kind(&["true", "FALSE"]), Kind::Boolean);
        assert_eq!(kind(&["2025-01-31", "2024-02-29"]), Kind::Date);
        assert_eq!(kind(&["2025-02-30"]), Kind::Text);
        assert_eq!(kind(&["2025-01-31", "2025-01-31 12:00:00"]), Kind::Timestamp);
        assert_eq!(kind(&["2025-01-31 12:00:00", "2025-01-31"]), Kind::Timestamp);
        assert_eq!(kind(&["2025-01-31T12:00:00+02:00"]), Kind::Timestamp);
        assert_eq!(kind(&["", " "]), Kind::Text);
    }

    #[test]
    fn codes_and_long_identifiers_stay_text() {
        assert_eq!(kind(&["007", "123"]), Kind::Text);
        assert_eq!(kind(&["+4930123456"]), Kind::Text);
        assert_eq!(kind(&["12345678901234567890"]), Kind::Text);
        assert_eq!(kind(&["9007199254740993", "1.5"]), Kind::Text);
        assert_eq!(kind(&["9007199254740993", "1"]), Kind::Integer);
        assert_eq!(kind(&["NaN", "1"]), Kind::Text);
        assert_eq!(kind(&["0.5", "0"]), Kind::Number);
    }

    #[test]
    fn a_promised_kind_holds_only_while_every_value_fits() {
        let mut i = Inference::new(Some(Kind::Boolean));
        ["0", "1"].iter().for_each(|v| i.see(v));
        assert_eq!(i.kind(), Kind::Boolean);
        i.see("2");
        assert_eq!(i.kind(), Kind::Integer);
        assert_eq!(timestamp("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(timestamp("1970-01-01 00:00:01.5"), Some(1_500_000));
    }
}
