//! One change of a text.

use super::Step;
use super::tree::{Content, Item, Pair, Shape};

/// The text with the value at a path replaced, added (`value`) or taken out. `None` where it is written in a way that
/// this cannot be done in place.
pub fn splice(text: &str, document: &Item, path: &[Step], value: Option<&str>) -> Option<String> {
    let (last, way) = path.split_last()?;
    let mut parent = document;
    for step in way {
        parent = match (step, &parent.content) {
            (Step::Key(key), Content::Map(pairs)) => &pairs.iter().find(|p| p.key == *key)?.value,
            (Step::Item(at), Content::Seq(items)) => items.get(*at)?,
            _ => return None,
        };
    }
    match (last, &parent.content, value) {
        (Step::Key(key), Content::Map(pairs), value) => match (pairs.iter().position(|p| p.key == *key), value) {
            (Some(at), Some(value)) => replace_pair(text, pairs.get(at)?, value),
            (Some(at), None) => remove_pair(text, parent, pairs, at),
            (None, Some(value)) => add_pair(text, parent, pairs, &format!("{key}: {value}")),
            (None, None) => None,
        },
        (Step::Item(at), Content::Seq(items), Some(value)) => {
            let item = items.get(*at)?;
            Some(replaced(text, item.start, item.end, value))
        }
        (Step::Item(at), Content::Seq(items), None) => remove_item(text, parent, items, *at),
        _ => None,
    }
}

fn replaced(text: &str, start: usize, end: usize, by: &str) -> String {
    format!(
        "{}{by}{}",
        text.get(..start).unwrap_or_default(),
        text.get(end..).unwrap_or_default()
    )
}

fn replace_pair(text: &str, pair: &Pair, value: &str) -> Option<String> {
    match pair.value.shape {
        Shape::Scalar | Shape::Flow => Some(replaced(text, pair.value.start, pair.value.end, value)),
        Shape::Empty | Shape::Block => {
            let colon = pair.after + text.get(pair.after..)?.find(':')? + 1;
            Some(replaced(text, colon, pair.value.end.max(colon), &format!(" {value}")))
        }
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|t| t.rfind('\n')).map_or(0, |n| n + 1)
}

/// After the line end that follows; the end of the text without one.
fn line_end(text: &str, at: usize) -> usize {
    text.get(at..)
        .and_then(|t| t.find('\n'))
        .map_or(text.len(), |n| at + n + 1)
}

fn newline(text: &str) -> &str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn add_pair(text: &str, map: &Item, pairs: &[Pair], pair: &str) -> Option<String> {
    if map.shape == Shape::Flow {
        return Some(match pairs.last() {
            Some(last) => {
                let at = last.value.end.max(last.after);
                replaced(text, at, at, &format!(", {pair}"))
            }
            None => replaced(text, map.start + 1, map.start + 1, pair),
        });
    }
    let first = pairs.first()?;
    // Characters, not bytes: before a key stand blanks and dashes, or what would not be YAML.
    let indent = first.start - line_start(text, first.start);
    let last = pairs.last()?;
    let end = last.value.end.max(last.after);
    let at = if text.get(..end)?.ends_with('\n') {
        end
    } else {
        line_end(text, end)
    };
    let newline = newline(text);
    let before = if text.get(..at)?.ends_with('\n') || at == 0 {
        ""
    } else {
        newline
    };
    Some(replaced(
        text,
        at,
        at,
        &format!("{before}{}{pair}{newline}", " ".repeat(indent)),
    ))
}

fn remove_pair(text: &str, map: &Item, pairs: &[Pair], at: usize) -> Option<String> {
    let pair = pairs.get(at)?;
    let end = pair.value.end.max(pair.after);
    if let (true, Some(next)) = (map.shape == Shape::Flow || at == 0, pairs.get(at + 1)) {
        return Some(replaced(text, pair.start, next.start, ""));
    }
    let previous = at.checked_sub(1).and_then(|n| pairs.get(n))?;
    if map.shape == Shape::Flow {
        return Some(replaced(text, previous.value.end.max(previous.after), end, ""));
    }
    let start = line_start(text, pair.start);
    let end = if text.get(..end)?.ends_with('\n') {
        end
    } else {
        line_end(text, end)
    };
    Some(replaced(text, start, end, ""))
}

fn remove_item(text: &str, list: &Item, items: &[Item], at: usize) -> Option<String> {
    let item = items.get(at)?;
    if list.shape == Shape::Flow {
        return match (items.get(at + 1), at.checked_sub(1).and_then(|n| items.get(n))) {
            (Some(next), _) => Some(replaced(text, item.start, next.start, "")),
            (None, Some(previous)) => Some(replaced(text, previous.end, item.end, "")),
            (None, None) => Some(replaced(text, item.start, item.end, "")),
        };
    }
    if items.len() == 1 {
        return None;
    }
    let dash = text.get(..item.start)?.rfind('-')?;
    let start = line_start(text, dash);
    let end = if text.get(..item.end)?.ends_with('\n') {
        item.end
    } else {
        line_end(text, item.end)
    };
    Some(replaced(text, start, end, ""))
}
