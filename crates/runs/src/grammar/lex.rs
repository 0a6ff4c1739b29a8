//! Words of a search.

use super::invalid;
use crate::RunsError;

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A field as it was written: its dotted steps, with quotes taken off, and whether each was quoted.
    Field(Vec<(String, bool)>),
    /// A number as it was written.
    Number(String),
    /// A text in single quotes, without them.
    Text(String),
    /// `=`, `<`, …
    Operator(String),
    Open,
    Close,
    Comma,
    /// Anything else.
    Other(char),
}

/// A word and the character that it begins at, from 1 on.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub token: Token,
    pub at: usize,
    /// As it was written.
    pub raw: String,
}

/// The words of a text.
pub(super) fn words(text: &str) -> Result<Vec<Word>, RunsError> {
    let letters: Vec<char> = text.chars().collect();
    let mut at = 0;
    let mut found = Vec::new();
    while at < letters.len() {
        let start = at;
        let first = letters[at];
        let token = if first.is_whitespace() {
            at += 1;
            continue;
        } else if first == '\'' {
            Token::Text(quoted(&letters, &mut at)?)
        } else if first.is_ascii_digit() || starts_number(&letters, at) {
            number(&letters, &mut at)
        } else if word(first) || first == '`' || first == '"' {
            Token::Field(field(&letters, &mut at)?)
        } else {
            symbol(&letters, &mut at)
        };
        let raw: String = letters[start..at].iter().collect();
        found.push(Word {
            token,
            at: start + 1,
            raw,
        });
    }
    Ok(found)
}

fn word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$' || letter == '#' || letter == '@'
}

fn starts_number(letters: &[char], at: usize) -> bool {
    let digit = |i: usize| letters.get(i).is_some_and(char::is_ascii_digit);
    match letters[at] {
        '-' | '+' => digit(at + 1) || (letters.get(at + 1) == Some(&'.') && digit(at + 2)),
        '.' => digit(at + 1),
        _ => false,
    }
}

fn number(letters: &[char], at: &mut usize) -> Token {
    let start = *at;
    let mut end = start + 1;
    while let Some(letter) = letters.get(end) {
        let exponent = matches!(letters[end - 1], 'e' | 'E') && matches!(letter, '-' | '+');
        if !(letter.is_ascii_alphanumeric() || *letter == '.' || *letter == '_' || exponent) {
            break;
        }
        end += 1;
    }
    *at = end;
    Token::Number(letters[start..end].iter().collect())
}

fn quoted(letters: &[char], at: &mut usize) -> Result<String, RunsError> {
    let (start, mark) = (*at, letters[*at]);
    let end = (start + 1..letters.len()).find(|i| letters[*i] == mark);
    let Some(end) = end else {
        let text: String = letters.iter().collect();
        return Err(invalid(format!(
            "Invalid clause(s) in filter string: '{}': the {mark} at character {} is never closed. \
             Parameter value is either not quoted or unidentified quote types used for string value {text}",
            letters[start..].iter().collect::<String>(),
            start + 1,
        )));
    };
    *at = end + 1;
    Ok(letters[start + 1..end].iter().collect())
}

fn field(letters: &[char], at: &mut usize) -> Result<Vec<(String, bool)>, RunsError> {
    let mut steps = Vec::new();
    loop {
        match letters.get(*at) {
            Some('`' | '"') => steps.push((quoted(letters, at)?, true)),
            Some(first) if word(*first) => {
                let start = *at;
                while letters.get(*at).is_some_and(|l| word(*l)) {
                    *at += 1;
                }
                steps.push((letters[start..*at].iter().collect(), false));
            }
            _ => return Ok(steps),
        }
        if letters.get(*at) != Some(&'.') {
            return Ok(steps);
        }
        *at += 1;
    }
}

fn symbol(letters: &[char], at: &mut usize) -> Token {
    let first = letters[*at];
    *at += 1;
    match first {
        '(' => Token::Open,
        ')' => Token::Close,
        ',' => Token::Comma,
        '=' | '<' | '>' | '!' => {
            let mut text = String::from(first);
            while let Some(next @ ('=' | '<' | '>' | '~')) = letters.get(*at) {
                text.push(*next);
                *at += 1;
            }
            Token::Operator(text)
        }
        other => Token::Other(other),
    }
}
