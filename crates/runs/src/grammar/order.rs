//! Orders.

use super::lex::{Token, words};
use super::parse::{is_word, name};
use super::{Grammar, Kind, Order, invalid};
use crate::RunsError;

/// Reads one field to order by.
///
/// # Errors
/// [`RunsError::Invalid`] with what is wrong and what was expected.
pub fn parse_order(grammar: &Grammar, text: &str) -> Result<Order, RunsError> {
    let unread = || {
        invalid(format!(
            "Invalid order_by clause '{text}'. Could not be parsed: expected a field, then ASC or DESC"
        ))
    };
    let words = words(text).map_err(|_| unread())?;
    let (first, ascending) = match words.as_slice() {
        [field] => (field, true),
        [field, direction] if is_word(direction, "ASC") => (field, true),
        [field, direction] if is_word(direction, "DESC") => (field, false),
        [_, direction] if matches!(direction.token, Token::Field(_)) => {
            return Err(invalid(format!(
                "Invalid ordering key in order_by clause '{text}': {} is neither ASC nor DESC",
                direction.raw
            )));
        }
        _ => return Err(unread()),
    };
    let Token::Field(steps) = &first.token else {
        return Err(unread());
    };
    let (kind, key) = name(grammar, first, steps)?;
    let attribute = (kind == Kind::Attribute).then(|| grammar.attribute(&key)).flatten();
    match attribute {
        Some(attribute) if !attribute.ordered => Err(invalid(format!(
            "Invalid attribute key '{key}' specified. Valid keys are {}",
            super::listed(grammar.attributes.iter().filter(|a| a.ordered).map(|a| a.names[0]))
        ))),
        Some(super::Attribute {
            stands_for: Some((kind, key)),
            ..
        }) => Ok(Order {
            kind: *kind,
            key: (*key).to_owned(),
            ascending,
        }),
        Some(attribute) => Ok(Order {
            kind,
            key: attribute.names[0].to_owned(),
            ascending,
        }),
        None => Ok(Order { kind, key, ascending }),
    }
}
