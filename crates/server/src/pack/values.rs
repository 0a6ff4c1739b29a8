//! Values and sources as a pack prints them.

use maud::{Markup, html};
use steward_compute::Value;

use crate::format;

/// Whether sources and names are links into the pages, or a document on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// On its own: no links.
    None,
    /// Inside the pages.
    Pages,
}

pub use crate::format::in_unit;

/// As [`in_unit`] with the sign of a difference; shares differ by points.
pub fn difference(value: f64, unit: Option<&str>, currency: Option<&str>) -> String {
    let text = match unit {
        Some("percent") => format!("{} points", format::number(value * 100.0)),
        _ => in_unit(value, unit, currency),
    };
    if value > 0.0 { format!("+{text}") } else { text }
}

/// The number in a value, if it is one.
pub fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(i) => Some(*i as f64),
        Value::Number(x) => Some(*x),
        _ => None,
    }
}

/// Whether it stands right-aligned.
pub fn numeric(value: &Value) -> bool {
    as_number(value).is_some()
}

/// A cell without a unit. Whole numbers are exact.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "–".into(),
        Value::Boolean(b) => if *b { "yes" } else { "no" }.into(),
        Value::Integer(i) => format::grouped(*i),
        Value::Number(x) => format::number(*x),
        Value::Text(t) => t.clone(),
        Value::Timestamp(us) => format::minute(*us),
        Value::Date(days) => format::day(i64::from(*days) * 86_400_000_000),
    }
}

/// A cell in a unit.
pub fn cell(value: &Value, unit: Option<&str>, currency: Option<&str>) -> String {
    match (as_number(value), unit) {
        (Some(x), Some(_)) => in_unit(x, unit, currency),
        _ => plain(value),
    }
}

/// The first digits of a digest.
pub fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// Where a number comes from.
pub fn source(what: &str, evidence: &str, links: Links) -> Markup {
    html! {
        p.note {
            (what) ": evidence "
            @match links {
                Links::Pages => a href={ "/why/" (evidence) } { "why? " code { (short(evidence)) } },
                Links::None => code { (short(evidence)) },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_printed_in_major_units_of_its_currency() {
        assert_eq!(in_unit(123_456.0, Some("currency"), Some("EUR")), "1,235 EUR");
        assert_eq!(in_unit(1250.0, Some("currency"), Some("EUR")), "12.5 EUR");
        assert_eq!(in_unit(1250.0, Some("currency"), Some("JPY")), "1,250 JPY");
        assert_eq!(in_unit(1250.0, Some("currency"), None), "1,250 minor units");
        assert_eq!(difference(0.0452, Some("percent"), None), "+4.52 points");
        assert_eq!(difference(-250.0, Some("currency"), Some("EUR")), "−2.5 EUR");
    }
}
