//! Whether values fit a clause.

use crate::grammar::{Clause, Op, Value};

/// A clause, ready to be asked many times: its pattern is read once.
pub(crate) struct TextMatch<'a> {
    pub clause: &'a Clause,
    pattern: Option<Vec<Piece>>,
    regex: Option<regex::Regex>,
}

/// A piece of a pattern.
enum Piece {
    Letter(char),
    /// `_`
    One,
    /// `%`
    Any,
}

impl<'a> TextMatch<'a> {
    /// For a clause.
    pub fn new(clause: &'a Clause) -> TextMatch<'a> {
        let pattern = match (clause.op, &clause.value) {
            (Op::Like, Value::Text(text)) => Some(pattern(text)),
            (Op::ILike, Value::Text(text)) => Some(pattern(&text.to_lowercase())),
            _ => None,
        };
        let regex = match (clause.op, &clause.value) {
            (Op::RLike, Value::Text(text)) => regex::Regex::new(text).ok(),
            _ => None,
        };
        TextMatch { clause, pattern, regex }
    }

    /// Whether a text that is there fits.
    pub fn fits(&self, text: &str) -> bool {
        match (self.clause.op, &self.clause.value, &self.pattern) {
            (Op::Eq, Value::Text(value), _) => text == value,
            (Op::Ne, Value::Text(value), _) => text != value,
            (Op::In, Value::List(all), _) => all.iter().any(|v| v == text),
            (Op::NotIn, Value::List(all), _) => !all.iter().any(|v| v == text),
            (Op::Like, _, Some(pattern)) => like(pattern, text),
            (Op::ILike, _, Some(pattern)) => like(pattern, &text.to_lowercase()),
            (Op::RLike, ..) => self.regex.as_ref().is_some_and(|r| r.is_match(text)),
            (Op::IsNotNull, ..) => true,
            _ => false,
        }
    }

    /// Whether nothing at all fits.
    pub fn missing(&self) -> bool {
        self.clause.op == Op::IsNull
    }

    /// Whether a text, or nothing, fits.
    pub fn holds(&self, text: Option<&str>) -> bool {
        text.map_or(self.missing(), |text| self.fits(text))
    }
}

fn pattern(text: &str) -> Vec<Piece> {
    text.chars()
        .map(|c| match c {
            '%' => Piece::Any,
            '_' => Piece::One,
            other => Piece::Letter(other),
        })
        .collect()
}

/// Whether a text fits a pattern: in steps of at most pattern times text.
fn like(pattern: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Piece::Any) => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(Piece::One) => {
                p += 1;
                t += 1;
            }
            Some(Piece::Letter(letter)) if *letter == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                // The last % takes in one letter more.
                Some((next, from)) => {
                    retry = Some((next, from + 1));
                    (p, t) = (next, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|piece| matches!(piece, Piece::Any))
}

/// Whether a number that is there fits. What is not a number fits `!=` alone.
pub(crate) fn number_fits(clause: &Clause, number: f64) -> bool {
    let Value::Number(value) = clause.value else {
        return false;
    };
    match clause.op {
        Op::Eq => number == value,
        Op::Ne => number != value,
        Op::Lt => number < value,
        Op::Le => number <= value,
        Op::Gt => number > value,
        Op::Ge => number >= value,
        _ => false,
    }
}
