//! Filters.

use super::lex::{Token, Word, words};
use super::{Clause, Grammar, Kind, Op, Value, invalid, listed};
use crate::RunsError;

/// Reads a filter.
///
/// # Errors
/// [`RunsError::Invalid`] with what is wrong, at which character, and what was expected.
pub fn parse_filter(grammar: &Grammar, text: &str) -> Result<Vec<Clause>, RunsError> {
    if let Some(rest) = text
        .split_once(';')
        .filter(|(first, _)| even_quotes(first))
        .map(|(_, r)| r.trim())
        && !rest.is_empty()
    {
        return Err(invalid(format!(
            "Search filter contained multiple expression '{text}'. Provide AND-ed expression list."
        )));
    }
    let words = words(text)?;
    let mut clauses = Vec::new();
    let mut left = words.as_slice();
    while !left.is_empty() {
        if !clauses.is_empty() {
            let (joint, rest) = left.split_at(1);
            if !is_word(&joint[0], "AND") {
                return Err(stray(text, left, "clauses are joined by AND"));
            }
            if rest.is_empty() {
                return Err(stray(text, left, "a clause is missing after AND"));
            }
            left = rest;
        }
        clauses.push(clause(grammar, text, &mut left)?);
    }
    Ok(clauses)
}

fn even_quotes(text: &str) -> bool {
    ['\'', '"', '`'].iter().all(|mark| text.matches(*mark).count() % 2 == 0)
}

/// Whether a word is this word of the language.
pub(super) fn is_word(word: &Word, language: &str) -> bool {
    matches!(&word.token, Token::Field(steps) if steps.len() == 1 && !steps[0].1 && steps[0].0.eq_ignore_ascii_case(language))
}

/// Something stands where a clause should.
fn stray(text: &str, left: &[Word], hint: &str) -> RunsError {
    let at = left.first().map_or(text.chars().count() + 1, |w| w.at);
    let rest: String = text.chars().skip(at - 1).collect();
    invalid(format!(
        "Invalid clause(s) in filter string: '{}' (at character {at}: {hint})",
        rest.trim()
    ))
}

fn clause(grammar: &Grammar, text: &str, left: &mut &[Word]) -> Result<Clause, RunsError> {
    let whole = *left;
    let hint = "expected a comparison such as metrics.rmse < 1 or params.model = 'tree'";
    let Some((
        Word {
            token: Token::Field(steps),
            ..
        },
        rest,
    )) = whole.split_first()
    else {
        return Err(stray(text, whole, hint));
    };
    let (op, rest) = operator(rest).ok_or_else(|| stray(text, whole, hint))??;
    let (kind, key) = name(grammar, &whole[0], steps)?;
    let attribute = (kind == Kind::Attribute).then(|| grammar.attribute(&key)).flatten();
    if let Some(attribute) = attribute.filter(|a| !a.filtered) {
        let known = grammar.attributes.iter().filter(|a| a.filtered).map(|a| a.names[0]);
        return Err(no_attribute(attribute.names[0], known));
    }
    let (kind, key, attribute) = match attribute.map(|a| (a, a.stands_for)) {
        Some((_, Some((kind, key)))) => (kind, key.to_owned(), None),
        Some((attribute, None)) => (kind, attribute.names[0].to_owned(), Some(attribute)),
        None => (kind, key, None),
    };
    let compared = matches!(op, Op::Lt | Op::Le | Op::Gt | Op::Ge);
    let judged = matches!(kind, Kind::Feedback | Kind::Expectation);
    let numeric = kind == Kind::Metric || attribute.is_some_and(|a| a.numeric) || (judged && compared);
    allowed(grammar, kind, &key, op, numeric)?;
    let value = match op {
        Op::IsNull | Op::IsNotNull => {
            *left = rest;
            Value::None
        }
        _ => {
            let (value, rest) = value(text, kind, &key, numeric, judged, rest)?;
            *left = rest;
            value
        }
    };
    if let (Op::RLike, Value::Text(pattern)) = (op, &value)
        && let Err(e) = regex::Regex::new(pattern)
    {
        return Err(invalid(format!("Invalid regular expression '{pattern}' of RLIKE: {e}")));
    }
    if matches!(value, Value::List(_)) != matches!(op, Op::In | Op::NotIn) {
        let hint = match matches!(value, Value::List(_)) {
            true => "a list is compared by IN or NOT IN",
            false => "IN and NOT IN take a list, such as ('a', 'b')",
        };
        return Err(stray(text, whole, hint));
    }
    if matches!(value, Value::List(_)) && attribute.is_some_and(|a| !a.lists) {
        let with = grammar.attributes.iter().filter(|a| a.lists).map(|a| a.names[0]);
        return Err(invalid(format!(
            "Only {} attributes support comparison with a list of quoted string values.",
            listed(with)
        )));
    }
    Ok(Clause { kind, key, op, value })
}

/// Whether a field of a kind may be compared so.
fn allowed(grammar: &Grammar, kind: Kind, key: &str, op: Op, numeric: bool) -> Result<(), RunsError> {
    let numbers: &[Op] = &[Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge];
    let lists = match kind {
        Kind::Attribute | Kind::Dataset | Kind::Span => true,
        Kind::Tag | Kind::Param => grammar.tag_lists,
        _ => false,
    };
    let mut known: Vec<Op> = match kind {
        Kind::Issue => vec![Op::Eq],
        Kind::Span if key == "content" => vec![Op::Like, Op::ILike],
        _ if numeric => numbers.to_vec(),
        _ => vec![Op::Eq, Op::Ne, Op::Like, Op::ILike],
    };
    let plain = !numeric && kind != Kind::Issue && !(kind == Kind::Span && key == "content");
    if plain && grammar.patterns {
        known.push(Op::RLike);
    }
    if plain && lists {
        known.extend([Op::In, Op::NotIn]);
    }
    if grammar.nullable.contains(&kind) {
        known.extend([Op::IsNull, Op::IsNotNull]);
    }
    let parts: Vec<&str> = known.iter().map(|o| o.text()).collect();
    if kind == Kind::Span {
        let plain_key = matches!(key, "name" | "type" | "status" | "content");
        let part = key.strip_prefix("attributes.").is_some_and(|rest| !rest.is_empty());
        if !plain_key && !part {
            return Err(invalid(format!(
                "Invalid span attribute '{key}'. Supported attributes: name, status, type, attributes.<attribute_name>."
            )));
        }
    }
    if kind == Kind::Issue && key != "id" {
        return Err(invalid(format!(
            "Invalid issue attribute '{key}'. Supported attributes: id"
        )));
    }
    if known.contains(&op) {
        return Ok(());
    }
    let all = listed(parts.into_iter());
    Err(invalid(match (op, kind) {
        (Op::IsNull | Op::IsNotNull, _) => format!(
            "IS NULL / IS NOT NULL is only supported for {}, not for {} '{key}'",
            grammar
                .nullable
                .iter()
                .map(|k| format!("{}s", k.name()))
                .collect::<Vec<_>>()
                .join(" and "),
            kind.name(),
        ),
        (_, Kind::Span | Kind::Issue) => {
            format!("{}.{key} comparator '{}' not one of {all}", kind.name(), op.text())
        }
        (_, Kind::Feedback | Kind::Expectation) => {
            format!("assessment.{key} comparator '{}' not one of {all}", op.text())
        }
        _ => format!(
            "Invalid comparator '{}' not one of {all} for {} '{key}'",
            op.text(),
            kind.name()
        ),
    }))
}

/// The operator that words begin with, and what follows. None if they begin with nothing of the kind.
type Operator<'a> = Option<Result<(Op, &'a [Word]), RunsError>>;

fn operator(words: &[Word]) -> Operator<'_> {
    let (first, rest) = words.split_first()?;
    let then = |n: usize, word: &str| words.get(n).is_some_and(|w| is_word(w, word));
    if let Token::Operator(text) = &first.token {
        let op = match text.as_str() {
            "=" => Op::Eq,
            "!=" => Op::Ne,
            "<" => Op::Lt,
            "<=" => Op::Le,
            ">" => Op::Gt,
            ">=" => Op::Ge,
            other => {
                return Some(Err(invalid(format!(
                    "Invalid comparator '{other}' not one of ['=', '!=', '<', '<=', '>', '>=', 'LIKE', 'ILIKE', 'IN', \
                     'NOT IN', 'IS NULL', 'IS NOT NULL'] (at character {})",
                    first.at
                ))));
            }
        };
        return Some(Ok((op, rest)));
    }
    let (op, taken) = if then(0, "LIKE") {
        (Op::Like, 1)
    } else if then(0, "ILIKE") {
        (Op::ILike, 1)
    } else if then(0, "RLIKE") {
        (Op::RLike, 1)
    } else if then(0, "IN") {
        (Op::In, 1)
    } else if then(0, "NOT") && then(1, "IN") {
        (Op::NotIn, 2)
    } else if then(0, "IS") && then(1, "NULL") {
        (Op::IsNull, 2)
    } else if then(0, "IS") && then(1, "NOT") && then(2, "NULL") {
        (Op::IsNotNull, 3)
    } else {
        return None;
    };
    Some(Ok((op, &words[taken..])))
}

/// What a field belongs to, and its name.
pub(super) fn name(grammar: &Grammar, word: &Word, steps: &[(String, bool)]) -> Result<(Kind, String), RunsError> {
    let (kind, key) = match steps {
        [] => return Err(invalid(format!("Invalid identifier '{}'", word.raw))),
        [(only, _)] => (Kind::Attribute, only.clone()),
        [(entity, _), rest @ ..] => {
            let known = grammar.entities.iter().find(|(name, _)| name == entity);
            let Some((_, kind)) = known else {
                let names = listed(grammar.entities.iter().map(|(_, kind)| kind.name()));
                let near = near_to(entity, grammar.entities.iter().map(|(n, _)| *n));
                return Err(invalid(format!(
                    "Invalid entity type '{entity}'. Valid values are {names}{near} (at character {})",
                    word.at
                )));
            };
            let key: Vec<&str> = rest.iter().map(|(step, _)| step.as_str()).collect();
            (*kind, key.join("."))
        }
    };
    match kind {
        Kind::Attribute if grammar.attribute(&key).is_none() => {
            Err(no_attribute(&key, grammar.attributes.iter().map(|a| a.names[0])))
        }
        Kind::Dataset if !["name", "digest", "context"].contains(&key.as_str()) => Err(invalid(format!(
            "Invalid dataset key '{key}' specified. Valid keys are ['context', 'digest', 'name']"
        ))),
        _ => Ok((kind, key)),
    }
}

fn no_attribute<'a>(key: &str, known: impl Iterator<Item = &'a str> + Clone) -> RunsError {
    let near = near_to(key, known.clone());
    invalid(format!(
        "Invalid attribute key '{key}' specified. Valid keys are {}{near}",
        listed(known)
    ))
}

/// `; did you mean 'x'?`, if a known name is near.
fn near_to<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let distance = |other: &str| edits(name, other);
    let near = known.map(|k| (distance(k), k)).min().filter(|(d, _)| *d <= 2);
    near.map(|(_, k)| format!("; did you mean '{k}'?")).unwrap_or_default()
}

/// Letters to add, drop or change to make one word of another.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

fn value<'a>(
    text: &str,
    kind: Kind,
    key: &str,
    numeric: bool,
    judged: bool,
    words: &'a [Word],
) -> Result<(Value, &'a [Word]), RunsError> {
    let Some((first, rest)) = words.split_first() else {
        return Err(invalid(format!(
            "Invalid comparison clause. Expected 3 tokens found 2: a value is missing at the end of '{text}'"
        )));
    };
    if numeric {
        let number = match &first.token {
            Token::Number(raw) => raw.parse::<f64>().ok(),
            _ => None,
        };
        let what = match kind {
            Kind::Metric | Kind::Feedback | Kind::Expectation => kind.name().to_owned(),
            _ => format!("numeric attribute: {key}"),
        };
        return match number {
            Some(number) => Ok((Value::Number(number), rest)),
            None => Err(invalid(format!(
                "Expected numeric value type for {what}. Found {} (at character {})",
                first.raw, first.at
            ))),
        };
    }
    match &first.token {
        Token::Text(value) => Ok((Value::Text(value.clone()), rest)),
        Token::Field(steps) if steps.len() == 1 && steps[0].1 && first.raw.starts_with('"') => {
            Ok((Value::Text(steps[0].0.clone()), rest))
        }
        Token::Field(_) => Err(invalid(format!(
            "Parameter value is either not quoted or unidentified quote types used for string value {}. Use either \
             single or double quotes (at character {})",
            first.raw, first.at
        ))),
        // What was thought is a number often enough.
        Token::Number(raw) if judged => Ok((Value::Text(raw.clone()), rest)),
        Token::Open => list(text, rest),
        _ => Err(invalid(format!(
            "Expected a quoted string value for {} (e.g. 'my-value'). Got value {} (at character {})",
            match kind {
                Kind::Attribute => "attributes",
                Kind::Dataset => "dataset attributes",
                other => other.name(),
            },
            first.raw,
            first.at
        ))),
    }
}

fn list<'a>(text: &str, mut words: &'a [Word]) -> Result<(Value, &'a [Word]), RunsError> {
    let mut found = Vec::new();
    let ill = |at: usize| {
        invalid(format!(
            "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list. \
             (at character {at} of '{text}')"
        ))
    };
    let end = text.chars().count();
    loop {
        match words {
            [
                Word {
                    token: Token::Close,
                    at,
                    ..
                },
                rest @ ..,
            ] => {
                if found.is_empty() {
                    return Err(invalid(format!(
                        "While parsing a list in the query, expected a non-empty list of string values, but got empty \
                         list (at character {at})"
                    )));
                }
                return Ok((Value::List(found), rest));
            }
            [Word { token, at, raw }, rest @ ..] => {
                match token {
                    Token::Text(value) => found.push(value.clone()),
                    Token::Field(steps) if steps.len() == 1 && raw.starts_with('"') => found.push(steps[0].0.clone()),
                    Token::Number(_) => {
                        return Err(invalid(format!(
                            "While parsing a list in the query, expected string value, punctuation, or whitespace, but \
                             got different type in list: {raw} (at character {at})"
                        )));
                    }
                    _ => return Err(ill(*at)),
                }
                words = match rest {
                    [
                        Word {
                            token: Token::Comma, ..
                        },
                        after @ ..,
                    ] => after,
                    [
                        Word {
                            token: Token::Close, ..
                        },
                        ..,
                    ] => rest,
                    [Word { at, .. }, ..] => return Err(ill(*at)),
                    [] => return Err(ill(end)),
                };
            }
            [] => return Err(ill(end)),
        }
    }
}
