//! Taking a map apart: typed fields by key, then the keys that are left over.

use super::{Decoder, Target, duration_seconds};
use crate::nearest::nearest;
use crate::project::{Kind, Reference};
use crate::yaml::{Entry, Node, Place, Value};
use crate::{Diagnostic, Span};

/// Reads a map's fields. A key given as null counts as absent. Every getter marks its key as known; [`finish`] reports
/// all others as `unknown-key`, with the nearest known key.
///
/// Getters return `None` (or an empty list) both for an absent key and for a value that was reported as wrong.
///
/// [`finish`]: MapReader::finish
#[derive(Debug)]
pub struct MapReader<'a> {
    decoder: &'a Decoder,
    node: &'a Node,
    what: String,
    known: Vec<String>,
}

impl<'a> MapReader<'a> {
    pub(super) fn new(decoder: &'a Decoder, node: &'a Node, what: &str) -> MapReader<'a> {
        MapReader {
            decoder,
            node,
            what: what.to_owned(),
            known: Vec::new(),
        }
    }

    /// What it is called in messages.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Names it more precisely, once its name is known.
    pub fn rename(&mut self, what: impl Into<String>) {
        self.what = what.into();
    }

    /// The decoder that it reports to.
    pub fn decoder(&self) -> &'a Decoder {
        self.decoder
    }

    /// The map itself.
    pub fn node(&self) -> &'a Node {
        self.node
    }

    /// Where the map starts.
    pub fn place(&self) -> Place {
        self.node.place
    }

    /// Where the map starts, as a span.
    pub fn span(&self) -> Span {
        self.decoder.span(self.node.place)
    }

    /// Where a key stands, or the map if it is absent.
    pub fn key_place(&self, key: &str) -> Place {
        self.node
            .entries()
            .iter()
            .find(|e| e.key == key)
            .map_or(self.node.place, |e| e.place)
    }

    /// Where a key's value starts, or the map if it is absent, as a span.
    pub fn value_span(&self, key: &str) -> Span {
        self.decoder
            .span(self.node.get(key).map_or(self.node.place, |n| n.place))
    }

    /// Whether the key is given and not null; does not mark it as known.
    pub fn has(&self, key: &str) -> bool {
        self.node.get(key).is_some()
    }

    /// Reports an error at a key's value (or at the map, if the key is absent).
    pub fn error(&self, code: &str, key: &str, message: impl Into<String>) {
        self.decoder
            .report(Diagnostic::error(code, self.value_span(key), message));
    }

    /// The value of an optional key.
    pub fn get(&mut self, key: &str) -> Option<&'a Node> {
        self.ignore(&[key]);
        self.node.get(key)
    }

    /// The value of a key that must be there.
    pub fn required(&mut self, key: &str) -> Option<&'a Node> {
        let found = self.get(key);
        if found.is_none() {
            let problem = Diagnostic::error("missing-key", self.span(), format!("{} has no `{key}`", self.what));
            self.decoder.report(problem.expected(format!("the key `{key}`")));
        }
        found
    }

    /// Marks keys as known without reading them: accepted and kept, but of no effect here.
    pub fn ignore(&mut self, keys: &[&str]) {
        for key in keys {
            if !self.known.iter().any(|k| k == key) {
                self.known.push((*key).to_owned());
            }
        }
    }

    fn label(&self, key: &str) -> String {
        format!("`{key}` of {}", self.what)
    }

    /// Text (numbers and booleans as written).
    pub fn text(&mut self, key: &str) -> Option<String> {
        let node = self.get(key)?;
        self.decoder.text(node, &self.label(key))
    }

    /// Text that must be there and not be empty; empty if it was reported.
    pub fn required_text(&mut self, key: &str) -> String {
        let Some(node) = self.required(key) else {
            return String::new();
        };
        let text = self.decoder.text(node, &self.label(key)).unwrap_or_default();
        if text.trim().is_empty() && matches!(node.value, Value::Str(_)) {
            self.decoder
                .bad_value(node, format!("{} is empty", self.label(key)), "text");
        }
        text
    }

    /// A finite number.
    pub fn number(&mut self, key: &str) -> Option<f64> {
        let node = self.get(key)?;
        self.decoder.number(node, &self.label(key))
    }

    /// A finite number that must be there.
    pub fn required_number(&mut self, key: &str) -> Option<f64> {
        let node = self.required(key)?;
        self.decoder.number(node, &self.label(key))
    }

    /// A whole number from 0.
    pub fn count(&mut self, key: &str) -> Option<u64> {
        let node = self.get(key)?;
        self.decoder.count(node, &self.label(key))
    }

    /// A whole number.
    pub fn integer(&mut self, key: &str) -> Option<i64> {
        let node = self.get(key)?;
        self.decoder.integer(node, &self.label(key))
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, key: &str) -> Option<bool> {
        let node = self.get(key)?;
        self.decoder.boolean(node, &self.label(key))
    }

    /// One of the given words.
    pub fn choice(&mut self, key: &str, words: &[&str]) -> Option<String> {
        let node = self.get(key)?;
        self.decoder.choice(node, &self.label(key), words)
    }

    /// A length of time in whole seconds: `72h`, `14 days`, `1h30m`.
    pub fn duration_seconds(&mut self, key: &str) -> Option<u64> {
        let node = self.get(key)?;
        let text = self.decoder.text(node, &self.label(key))?;
        match duration_seconds(&text) {
            Ok(seconds) => Some(seconds),
            Err(problem) => {
                let message = format!("{} is `{text}`: {problem}", self.label(key));
                self.decoder
                    .bad_value(node, message, "a length of time such as `90s`, `72h` or `14d`");
                None
            }
        }
    }

    /// Texts: a list, or one text alone.
    pub fn texts(&mut self, key: &str) -> Vec<String> {
        self.placed_texts(key).into_iter().map(|(text, _)| text).collect()
    }

    /// Texts with their places: a list, or one text alone.
    pub fn placed_texts(&mut self, key: &str) -> Vec<(String, Place)> {
        let label = self.label(key);
        let Some(node) = self.get(key) else { return Vec::new() };
        match &node.value {
            Value::Seq(items) => {
                let item = format!("an item of {label}");
                items
                    .iter()
                    .filter_map(|i| Some((self.decoder.text(i, &item)?, i.place)))
                    .collect()
            }
            Value::Map(_) => {
                self.decoder.wrong_type(node, &label, "a list of texts");
                Vec::new()
            }
            _ => self
                .decoder
                .text(node, &label)
                .map(|t| (t, node.place))
                .into_iter()
                .collect(),
        }
    }

    /// The name of another definition.
    pub(crate) fn name_of(&mut self, key: &str, kind: Kind) -> Option<String> {
        let name = self.text(key)?;
        self.mention(key, Target::Definition(Reference::new(kind, name.as_str())));
        Some(name)
    }

    /// The name of another definition, which must be there; empty if it was reported.
    pub(crate) fn required_name_of(&mut self, key: &str, kind: Kind) -> String {
        let name = self.required_text(key);
        if !name.is_empty() {
            self.mention(key, Target::Definition(Reference::new(kind, name.as_str())));
        }
        name
    }

    /// The names of other definitions: a list, or one alone.
    pub(crate) fn names_of(&mut self, key: &str, kind: Kind) -> Vec<String> {
        let names = self.placed_texts(key);
        for (name, place) in &names {
            let target = Target::Definition(Reference::new(kind, name.as_str()));
            self.decoder.mention(target, *place, &self.what);
        }
        names.into_iter().map(|(name, _)| name).collect()
    }

    /// Remembers what the value of a key names.
    pub(crate) fn mention(&self, key: &str, target: Target) {
        let place = self.node.get(key).map_or(self.node.place, |n| n.place);
        self.decoder.mention(target, place, &self.what);
    }

    /// The items of a list.
    pub fn list(&mut self, key: &str) -> &'a [Node] {
        match self.get(key) {
            Some(node) => self.decoder.list(node, &self.label(key)),
            None => &[],
        }
    }

    /// A map below this one.
    pub fn map(&mut self, key: &str) -> Option<MapReader<'a>> {
        let node = self.get(key)?;
        self.decoder.map(node, &self.label(key))
    }

    /// The maps of a list.
    pub fn maps(&mut self, key: &str) -> Vec<MapReader<'a>> {
        let what = format!("an item of {}", self.label(key));
        self.list(key)
            .iter()
            .filter_map(|node| self.decoder.map(node, &what))
            .collect()
    }

    /// The entries whose keys nobody asked for so far, without reporting them.
    pub fn rest(&self) -> Vec<&'a Entry> {
        self.node
            .entries()
            .iter()
            .filter(|e| !self.known.contains(&e.key))
            .collect()
    }

    /// Reports every key that was neither read nor ignored.
    pub fn finish(self) {
        let known = &self.known;
        for entry in self.rest() {
            let span = self.decoder.span(entry.place);
            let problem = Diagnostic::error(
                "unknown-key",
                span,
                format!("unknown key `{}` in {}", entry.key, self.what),
            );
            let unused: Vec<&str> = known.iter().map(String::as_str).filter(|k| !self.has(k)).collect();
            let near = nearest(&entry.key, unused.iter().copied());
            let listed = if known.len() <= 16 && near.is_none() {
                let words: Vec<&str> = known.iter().map(String::as_str).collect();
                Some(super::one_of(&words))
            } else {
                None
            };
            let mut problem = problem.did_you_mean(near);
            problem.expected = listed;
            self.decoder.report(problem);
        }
    }
}
