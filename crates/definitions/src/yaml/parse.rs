//! From parser events to the tree, with limits on depth and on what aliases may unfold to.

use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::{Entry, Node, Place, Value, scalar};
use crate::{Diagnostic, Span};

/// How deep lists and maps may nest.
pub const MAX_DEPTH: usize = 64;
/// How many values a file may hold after its aliases are unfolded.
pub const MAX_NODES: usize = 200_000;

/// Reads all documents of a file; empty ones are left out. After a syntax error, the documents before it come back.
pub fn parse(file: &str, text: &str) -> (Vec<Node>, Vec<Diagnostic>) {
    parse_at(file, text, 0)
}

/// Like [`parse`], for a text that starts after `lines` lines of the file (front matter, fenced blocks).
pub fn parse_at(file: &str, text: &str, lines: u32) -> (Vec<Node>, Vec<Diagnostic>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder {
        file,
        lines,
        documents: Vec::new(),
        stack: Vec::new(),
        anchors: BTreeMap::new(),
        nodes: 0,
        problems: Vec::new(),
    };
    if let Some(problem) = forbidden_character(&builder, text) {
        return (Vec::new(), vec![problem]);
    }
    let mut parser = Parser::new_from_str(text);
    while let Some(step) = parser.next_event() {
        let (event, span) = match step {
            Ok(step) => step,
            Err(error) => {
                let place = builder.place(error.marker().line(), error.marker().col());
                builder.report(
                    "yaml-syntax",
                    place,
                    format!("this is not YAML: {}", error.info()),
                    hint(text, error.marker().line()),
                );
                break;
            }
        };
        let place = builder.place(span.start.line(), span.start.col());
        if let Err(stop) = builder.event(event, place) {
            builder.problems.push(*stop);
            break;
        }
    }
    (builder.documents, builder.problems)
}

/// Scanners take a NUL for the end of the text, so that what follows would be lost silently.
fn forbidden_character(builder: &Builder, text: &str) -> Option<Diagnostic> {
    for (index, line) in text.split('\n').enumerate() {
        let found = line
            .chars()
            .enumerate()
            .find(|(_, c)| (c.is_control() && !matches!(c, '\t' | '\r' | '\u{85}')) || *c == '\u{feff}');
        if let Some((column, c)) = found {
            let span = builder.span(builder.place(index + 1, column));
            return Some(
                Diagnostic::error(
                    "yaml-character",
                    span,
                    format!("the character U+{:04X} is not allowed in YAML", c as u32),
                )
                .hint("remove it, or write it as an escape in double quotes"),
            );
        }
    }
    None
}

fn hint(text: &str, line: usize) -> Option<String> {
    let line = text.lines().nth(line.saturating_sub(1))?;
    let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    if indent.contains('\t') {
        return Some("YAML is indented with spaces, not with tabs".to_owned());
    }
    line.contains(": ")
        .then(|| "put a text that contains `: `, or starts with a special character, in quotes".to_owned())
}

/// How large a node is, aliases unfolded: values, levels below it, and values not yet counted.
#[derive(Clone, Copy)]
struct Size {
    added: usize,
    nodes: usize,
    height: usize,
}

struct Anchored {
    node: Node,
    nodes: usize,
    height: usize,
}

enum Frame {
    Seq {
        items: Vec<Node>,
        place: Place,
        anchor: usize,
        nodes: usize,
        height: usize,
    },
    Map {
        entries: Vec<Entry>,
        seen: BTreeMap<String, Place>,
        key: Option<(String, Place, bool)>,
        merges: Vec<(Node, Place)>,
        place: Place,
        anchor: usize,
        nodes: usize,
        height: usize,
    },
}

struct Builder<'a> {
    file: &'a str,
    lines: u32,
    documents: Vec<Node>,
    stack: Vec<Frame>,
    anchors: BTreeMap<usize, Anchored>,
    nodes: usize,
    problems: Vec<Diagnostic>,
}

type Step = Result<(), Box<Diagnostic>>;

impl Builder<'_> {
    fn place(&self, line: usize, column_from_zero: usize) -> Place {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place {
            line: narrow(line.max(1)).saturating_add(self.lines),
            column: narrow(column_from_zero).saturating_add(1),
        }
    }

    fn span(&self, place: Place) -> Span {
        Span {
            file: self.file.to_owned(),
            line: place.line,
            column: place.column,
        }
    }

    fn problem(&self, code: &str, place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, self.span(place), message)
    }

    fn report(&mut self, code: &str, place: Place, message: String, hint: Option<String>) {
        let mut problem = self.problem(code, place, message);
        problem.hint = hint;
        self.problems.push(problem);
    }

    fn event(&mut self, event: Event<'_>, place: Place) -> Step {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let value = self.scalar(&text, plain, tag.as_deref(), place);
                let is_key_merge = plain && text == "<<";
                self.add(
                    Node {
                        value,
                        text: text.into_owned(),
                        place,
                    },
                    anchor,
                    Size {
                        added: 1,
                        nodes: 1,
                        height: 0,
                    },
                    is_key_merge,
                )
            }
            Event::SequenceStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "seq", place);
                self.open(
                    Frame::Seq {
                        items: Vec::new(),
                        place,
                        anchor,
                        nodes: 1,
                        height: 0,
                    },
                    place,
                )
            }
            Event::MappingStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "map", place);
                let frame = Frame::Map {
                    entries: Vec::new(),
                    seen: BTreeMap::new(),
                    key: None,
                    merges: Vec::new(),
                    place,
                    anchor,
                    nodes: 1,
                    height: 0,
                };
                self.open(frame, place)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => {
                let Some(anchored) = self.anchors.get(&id) else {
                    return Err(Box::new(self.problem(
                        "yaml-alias",
                        place,
                        "this alias stands inside the value that it refers to",
                    )));
                };
                let (nodes, height) = (anchored.nodes, anchored.height);
                if self.nodes.saturating_add(nodes) > MAX_NODES {
                    return Err(Box::new(self.too_many(place)));
                }
                if self.stack.len() + height > MAX_DEPTH {
                    return Err(Box::new(self.too_deep(place)));
                }
                let node = anchored.node.clone();
                self.add(
                    node,
                    0,
                    Size {
                        added: nodes,
                        nodes,
                        height,
                    },
                    false,
                )
            }
            Event::DocumentEnd => {
                self.stack.clear();
                self.anchors.clear();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => Ok(()),
        }
    }

    fn too_many(&self, place: Place) -> Diagnostic {
        self.problem(
            "yaml-limit",
            place,
            format!("the file unfolds to more than {MAX_NODES} values"),
        )
        .hint("split the file, or use fewer aliases inside aliases")
    }

    fn too_deep(&self, place: Place) -> Diagnostic {
        self.problem(
            "yaml-limit",
            place,
            format!("values are nested more than {MAX_DEPTH} levels deep"),
        )
    }

    fn open(&mut self, frame: Frame, place: Place) -> Step {
        if self.stack.len() >= MAX_DEPTH {
            return Err(Box::new(self.too_deep(place)));
        }
        self.stack.push(frame);
        Ok(())
    }

    fn close(&mut self) -> Step {
        match self.stack.pop() {
            Some(Frame::Seq {
                items,
                place,
                anchor,
                nodes,
                height,
            }) => self.add(
                Node {
                    value: Value::Seq(items),
                    text: String::new(),
                    place,
                },
                anchor,
                Size {
                    added: 1,
                    nodes,
                    height: height + 1,
                },
                false,
            ),
            Some(Frame::Map {
                mut entries,
                seen,
                merges,
                place,
                anchor,
                nodes,
                height,
                ..
            }) => {
                let mut seen: BTreeSet<String> = seen.into_keys().collect();
                for (source, at) in merges {
                    self.merge(&mut entries, &mut seen, &source, at);
                }
                self.add(
                    Node {
                        value: Value::Map(entries),
                        text: String::new(),
                        place,
                    },
                    anchor,
                    Size {
                        added: 1,
                        nodes,
                        height: height + 1,
                    },
                    false,
                )
            }
            None => Ok(()),
        }
    }

    /// Adds a finished node to what is open; only a plain `<<` is a `merge_key`.
    fn add(&mut self, node: Node, anchor: usize, size: Size, merge_key: bool) -> Step {
        let Size { added, nodes, height } = size;
        // A copy kept for an anchor takes room like any other.
        self.nodes = self
            .nodes
            .saturating_add(added)
            .saturating_add(if anchor > 0 { nodes } else { 0 });
        if self.nodes > MAX_NODES {
            return Err(Box::new(self.too_many(node.place)));
        }
        if anchor > 0 {
            self.anchors.insert(
                anchor,
                Anchored {
                    node: node.clone(),
                    nodes,
                    height,
                },
            );
        }
        let mut duplicate = None;
        let mut bad_key = None;
        match self.stack.last_mut() {
            None => {
                if !node.is_null() {
                    self.documents.push(node);
                }
            }
            Some(Frame::Seq {
                items,
                nodes: total,
                height: tallest,
                ..
            }) => {
                *total = total.saturating_add(nodes);
                *tallest = (*tallest).max(height);
                items.push(node);
            }
            Some(Frame::Map {
                entries,
                seen,
                key,
                merges,
                nodes: total,
                height: tallest,
                ..
            }) => {
                *total = total.saturating_add(nodes);
                *tallest = (*tallest).max(height);
                match key.take() {
                    None => {
                        if matches!(node.value, Value::Seq(_) | Value::Map(_)) {
                            bad_key = Some(node.place);
                        }
                        *key = Some((node.text, node.place, merge_key));
                    }
                    Some((_, place, true)) => merges.push((node, place)),
                    Some((text, place, false)) => match seen.get(&text) {
                        Some(first) => duplicate = Some((text, place, *first)),
                        None => {
                            seen.insert(text.clone(), place);
                            entries.push(Entry {
                                key: text,
                                place,
                                value: node,
                            });
                        }
                    },
                }
            }
        }
        if let Some((key, place, first)) = duplicate {
            let where_first = format!(
                "it is first given at line {}, column {}; keep one of them",
                first.line, first.column
            );
            self.report(
                "duplicate-key",
                place,
                format!("the key `{key}` is given twice"),
                Some(where_first),
            );
        }
        if let Some(place) = bad_key {
            self.report(
                "yaml-key",
                place,
                "a key must be a single value, not a list or a map".to_owned(),
                None,
            );
        }
        Ok(())
    }

    fn merge(&mut self, entries: &mut Vec<Entry>, seen: &mut BTreeSet<String>, source: &Node, at: Place) {
        let sources: Vec<&Node> = match &source.value {
            Value::Map(_) => vec![source],
            Value::Seq(items) if items.iter().all(|i| matches!(i.value, Value::Map(_))) => items.iter().collect(),
            _ => {
                self.report(
                    "yaml-merge",
                    at,
                    format!("`<<` takes a map or a list of maps, not {}", source.describe()),
                    None,
                );
                return;
            }
        };
        for entry in sources.into_iter().flat_map(Node::entries) {
            if seen.insert(entry.key.clone()) {
                entries.push(entry.clone());
            }
        }
    }

    fn collection_tag(&mut self, tag: Option<&Tag>, own: &str, place: Place) {
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && tag.suffix == own)
        {
            self.report(
                "yaml-tag",
                place,
                format!("the tag `{tag}` is not supported here"),
                Some("leave the tag out".to_owned()),
            );
        }
    }

    fn scalar(&mut self, text: &str, plain: bool, tag: Option<&Tag>, place: Place) -> Value {
        let Some(tag) = tag else {
            return if plain {
                scalar::resolve(text)
            } else {
                Value::Str(text.to_owned())
            };
        };
        let resolved = match (tag.is_yaml_core_schema(), tag.suffix.as_str()) {
            (true, "str") => Some(Value::Str(text.to_owned())),
            (false, "") => Some(Value::Str(text.to_owned())),
            (true, "int") => scalar::integer(text),
            (true, "float") => scalar::float(text).or_else(|| text.parse().ok().map(Value::Float)),
            (true, "bool") => Some(scalar::resolve(text)).filter(|v| matches!(v, Value::Bool(_))),
            (true, "null") => Some(Value::Null),
            _ => None,
        };
        resolved.unwrap_or_else(|| {
            self.report(
                "yaml-tag",
                place,
                format!("the tag `{tag}` is not supported for `{text}`"),
                Some("leave the tag out".to_owned()),
            );
            Value::Str(text.to_owned())
        })
    }
}
