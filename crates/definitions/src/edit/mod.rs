//! Changes of a definition's text that leave everything else as it was written: comments, order, quotes, line ends.
//!
//! A change names a place by its path: keys of maps, and in lists the item's `rule` or `name`, or its number from 1
//! (`rules.grow.rollout`, `rules.test.split.new.weight`). After each change the text is read again: it must say what it
//! said before, with that one change and nothing else.

mod splice;
mod tree;

use crate::yaml::{self, Entry, Node, Value};

/// A change of one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Keys and names, joined by dots.
    pub path: String,
    /// The new value, as YAML on one line; `None` takes the key or the item out.
    pub value: Option<String>,
}

/// Why a text is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// No document defines it.
    #[error("the file does not define the {0} `{1}`")]
    NoDocument(String, String),
    /// A path does not lead anywhere.
    #[error("`{path}`: {problem}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A value cannot be read.
    #[error("`{path}`: the value `{value}` is no YAML on one line")]
    Value {
        /// The path.
        path: String,
        /// The value.
        value: String,
    },
    /// The text is written so that the change would touch more than it names.
    #[error(
        "`{0}` cannot be changed without changing more (an anchor, or a text over several lines): change the file by hand"
    )]
    Entangled(String),
}

/// The text of a file with changes made to the document that defines `kind` `name`.
///
/// # Errors
/// The first change that cannot be made; the text is left alone then.
pub fn edit(text: &str, kind: &str, name: &str, changes: &[Change]) -> Result<String, EditError> {
    let (mark, mut text) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest.to_owned()),
        None => ("", text.to_owned()),
    };
    for change in changes {
        text = one(&text, kind, name, change)?;
    }
    Ok(format!("{mark}{text}"))
}

fn one(text: &str, kind: &str, name: &str, change: &Change) -> Result<String, EditError> {
    let (mut documents, _) = yaml::parse("", text);
    let defines = |d: &Node| d.get(kind).is_some_and(|n| n.text == name);
    let at = documents
        .iter()
        .position(defines)
        .ok_or_else(|| EditError::NoDocument(kind.to_owned(), name.to_owned()))?;
    let value = change.value.as_ref().map(|v| read(&change.path, v)).transpose()?;
    let Some(document) = documents.get_mut(at) else {
        return Err(EditError::Entangled(change.path.clone()));
    };
    let path = resolve(document, change)?;
    put(document, &path, value.as_ref());
    let trees = tree::documents(text);
    let tree = trees.get(at).ok_or_else(|| EditError::Entangled(change.path.clone()))?;
    let written = change.value.as_deref().map(str::trim);
    // A plain text that would end a flow map early is put into quotes.
    let quoted = value
        .as_ref()
        .and_then(Node::as_str)
        .and_then(|s| serde_json::to_string(s).ok());
    for candidate in [written, quoted.as_deref()] {
        let Some(changed) = splice::splice(text, tree, &path, candidate) else {
            continue;
        };
        let (after, problems) = yaml::parse("", &changed);
        if problems.is_empty()
            && after.len() == documents.len()
            && after.iter().zip(&documents).all(|(a, b)| same(a, b))
        {
            return Ok(changed);
        }
    }
    Err(EditError::Entangled(change.path.clone()))
}

fn read(path: &str, value: &str) -> Result<Node, EditError> {
    let wrong = || EditError::Value {
        path: path.to_owned(),
        value: value.to_owned(),
    };
    let value = value.trim();
    if value.is_empty() || value.contains(['\n', '\r']) {
        return Err(wrong());
    }
    // A comment would swallow what follows on the line.
    let (documents, problems) = yaml::parse("", &format!("[{value}\n]"));
    match documents.as_slice() {
        [list] if problems.is_empty() && list.items().len() == 1 => list.items().first().cloned().ok_or_else(wrong),
        _ => {
            let (documents, problems) = yaml::parse("", value);
            match documents.as_slice() {
                [one] if problems.is_empty() => Ok(one.clone()),
                _ => Err(wrong()),
            }
        }
    }
}

/// A step of a path in a document: an entry of a map (which may not be there yet, at the end), or an item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Item(usize),
}

fn resolve(document: &Node, change: &Change) -> Result<Vec<Step>, EditError> {
    let wrong = |problem: String| EditError::Path {
        path: change.path.clone(),
        problem,
    };
    let words: Vec<&str> = change.path.split('.').collect();
    let (mut node, mut path) = (Some(document), Vec::new());
    for (at, word) in words.iter().enumerate() {
        let before = words.get(..at).unwrap_or_default();
        let last = at + 1 == words.len();
        let Some(here) = node else {
            return Err(wrong(format!("there is no `{}`", before.join("."))));
        };
        match &here.value {
            Value::Map(entries) => {
                let found = entries.iter().find(|e| e.key == *word);
                if word.is_empty() {
                    return Err(wrong("an empty key".to_owned()));
                }
                if found.is_none() && (!last || change.value.is_none()) {
                    let near = crate::nearest::nearest(word, entries.iter().map(|e| e.key.as_str()));
                    let hint = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
                    return Err(wrong(format!("there is no `{word}`{hint}")));
                }
                path.push(Step::Key((*word).to_owned()));
                node = found.map(|e| &e.value);
            }
            Value::Seq(items) => {
                let named = |n: &Node| {
                    ["rule", "name"]
                        .iter()
                        .any(|k| n.get(k).is_some_and(|v| v.text == *word))
                };
                // Rules without a name are called by their number.
                let number = word.strip_prefix("rule").unwrap_or(word).parse::<usize>().ok();
                let number = number.and_then(|n| n.checked_sub(1)).filter(|n| *n < items.len());
                let Some(found) = items.iter().position(named).or(number) else {
                    let known: Vec<String> = items
                        .iter()
                        .enumerate()
                        .map(|(n, i)| {
                            i.get("rule")
                                .or_else(|| i.get("name"))
                                .map_or((n + 1).to_string(), |v| v.text.clone())
                        })
                        .collect();
                    return Err(wrong(format!(
                        "no item is called `{word}`; there is {}",
                        known.join(", ")
                    )));
                };
                path.push(Step::Item(found));
                node = items.get(found);
            }
            _ => return Err(wrong(format!("`{}` is {}", before.join("."), here.describe()))),
        }
    }
    Ok(path)
}

fn put(node: &mut Node, path: &[Step], value: Option<&Node>) {
    let [step, rest @ ..] = path else { return };
    match (step, &mut node.value) {
        (Step::Key(key), Value::Map(entries)) => {
            let found = entries.iter().position(|e| e.key == *key);
            match (found, rest.is_empty(), value) {
                (Some(at), true, None) => {
                    entries.remove(at);
                }
                (Some(at), whole, value) => match (entries.get_mut(at), whole, value) {
                    (Some(entry), true, Some(value)) => entry.value = value.clone(),
                    (Some(entry), ..) => put(&mut entry.value, rest, value),
                    _ => {}
                },
                (None, true, Some(value)) => entries.push(Entry {
                    key: key.clone(),
                    place: value.place,
                    value: value.clone(),
                }),
                _ => {}
            }
        }
        (Step::Item(at), Value::Seq(items)) if *at < items.len() => match (rest.is_empty(), value) {
            (true, None) => {
                items.remove(*at);
            }
            (whole, value) => match (items.get_mut(*at), whole, value) {
                (Some(item), true, Some(value)) => *item = value.clone(),
                (Some(item), ..) => put(item, rest, value),
                _ => {}
            },
        },
        _ => {}
    }
}

/// The same values, wherever they stand.
fn same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.key == b.key && same(&a.value, &b.value))
        }
        (Value::Seq(a), Value::Seq(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Float(x), Value::Float(y)) => x.to_bits() == y.to_bits(),
        (x, y) => x == y,
    }
}
