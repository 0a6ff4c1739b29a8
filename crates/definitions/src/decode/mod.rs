//! From a [`Node`] to typed values, collecting every problem instead of stopping at the first.
//!
//! A [`Decoder`] holds the file's name and the problems found so far; a [`MapReader`] takes a map apart key by key and
//! finally reports the keys that nobody asked for.
//!
//! ```
//! use steward_definitions::{decode::Decoder, yaml};
//!
//! let (documents, _) = yaml::parse("a.yaml", "name: visits\nwindw: 3 days\n");
//! let decoder = Decoder::new("a.yaml");
//! for document in &documents {
//!     if let Some(mut map) = decoder.map(document, "a metric") {
//!         let name = map.required_text("name");
//!         let window = map.duration_seconds("window");
//!         assert_eq!((name.as_str(), window), ("visits", None));
//!         map.finish();
//!     }
//! }
//! let problems = decoder.into_diagnostics();
//! assert_eq!(problems[0].message, "unknown key `windw` in a metric");
//! assert_eq!(problems[0].hint.as_deref(), Some("did you mean `window`?"));
//! ```

mod map;
mod mention;
mod quantity;

use std::cell::RefCell;

pub use map::MapReader;
pub(crate) use mention::{Mention, Target};
pub use quantity::{date, duration_seconds, moment, share};

use crate::nearest::nearest;
use crate::yaml::{Node, Place, Value};
use crate::{Diagnostic, Severity, Span};

/// The problems of one file, as they are found. Shared by reference: reporting needs no `&mut`.
#[derive(Debug)]
pub struct Decoder {
    file: String,
    problems: RefCell<Vec<Diagnostic>>,
    mentions: RefCell<Vec<Mention>>,
}

impl Decoder {
    /// For a file, named relative to the project folder.
    pub fn new(file: &str) -> Decoder {
        Decoder {
            file: file.to_owned(),
            problems: RefCell::new(Vec::new()),
            mentions: RefCell::new(Vec::new()),
        }
    }

    /// The file's name.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// A place as a span in this file.
    pub fn span(&self, place: Place) -> Span {
        Span {
            file: self.file.clone(),
            line: place.line,
            column: place.column,
        }
    }

    /// Adds a problem.
    pub fn report(&self, problem: Diagnostic) {
        self.problems.borrow_mut().push(problem);
    }

    /// Reports an error at a place.
    pub fn error(&self, code: &str, place: Place, message: impl Into<String>) {
        self.report(Diagnostic::error(code, self.span(place), message));
    }

    /// Reports a `bad-value` at a node: `message` says what is wrong, `expected` what would be right.
    pub fn bad_value(&self, node: &Node, message: impl Into<String>, expected: impl Into<String>) {
        self.report(Diagnostic::error("bad-value", self.span(node.place), message).expected(expected));
    }

    /// Remembers that something is named here, so that it can be looked up once everything is read.
    pub(crate) fn mention(&self, target: Target, place: Place, user: &str) {
        self.mentions.borrow_mut().push(Mention {
            target,
            span: self.span(place),
            user: user.to_owned(),
        });
    }

    /// What was named so far.
    pub(crate) fn take_mentions(&self) -> Vec<Mention> {
        self.mentions.take()
    }

    /// How many errors (not warnings) there are so far: the same before and after means "read without error".
    pub fn errors(&self) -> usize {
        self.problems
            .borrow()
            .iter()
            .filter(|p| p.severity == Severity::Error)
            .count()
    }

    /// All problems, in the order found.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.problems.into_inner()
    }

    /// A reader for a map; anything else is reported. `what` names it in messages: ``experiment `checkout` ``.
    pub fn map<'a>(&'a self, node: &'a Node, what: &str) -> Option<MapReader<'a>> {
        match &node.value {
            Value::Map(_) => Some(MapReader::new(self, node, what)),
            _ => {
                self.wrong_type(node, what, "a map of keys and values");
                None
            }
        }
    }

    /// The items of a list; anything else is reported.
    pub fn list<'a>(&self, node: &'a Node, what: &str) -> &'a [Node] {
        match &node.value {
            Value::Seq(items) => items,
            Value::Null => &[],
            _ => {
                self.wrong_type(node, what, "a list");
                &[]
            }
        }
    }

    /// Text; a number or boolean counts as the text that was written.
    pub fn text(&self, node: &Node, what: &str) -> Option<String> {
        match &node.value {
            Value::Str(text) => Some(text.clone()),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(node.text.clone()),
            _ => {
                self.wrong_type(node, what, "text");
                None
            }
        }
    }

    /// A finite number.
    pub fn number(&self, node: &Node, what: &str) -> Option<f64> {
        match node.value {
            #[allow(clippy::cast_precision_loss)]
            Value::Int(value) => Some(value as f64),
            Value::Float(value) if value.is_finite() => Some(value),
            _ => {
                self.wrong_type(node, what, "a finite number");
                None
            }
        }
    }

    /// A whole number from 0.
    pub fn count(&self, node: &Node, what: &str) -> Option<u64> {
        match node.value {
            Value::Int(value) if value >= 0 => u64::try_from(value).ok(),
            _ => {
                self.wrong_type(node, what, "a whole number from 0");
                None
            }
        }
    }

    /// A whole number.
    pub fn integer(&self, node: &Node, what: &str) -> Option<i64> {
        match node.value {
            Value::Int(value) => Some(value),
            _ => {
                self.wrong_type(node, what, "a whole number");
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn boolean(&self, node: &Node, what: &str) -> Option<bool> {
        match node.value {
            Value::Bool(value) => Some(value),
            _ => {
                self.wrong_type(node, what, "`true` or `false`");
                None
            }
        }
    }

    /// One of the given words.
    pub fn choice(&self, node: &Node, what: &str, words: &[&str]) -> Option<String> {
        let text = self.text(node, what)?;
        if words.contains(&text.as_str()) {
            return Some(text);
        }
        let problem = Diagnostic::error("bad-value", self.span(node.place), format!("{what} cannot be `{text}`"));
        self.report(
            problem
                .expected(one_of(words))
                .did_you_mean(nearest(&text, words.iter().copied())),
        );
        None
    }

    /// Reports a value of the wrong type.
    pub fn wrong_type(&self, node: &Node, what: &str, expected: &str) {
        let problem = Diagnostic::error(
            "wrong-type",
            self.span(node.place),
            format!("{what} is {}", node.describe()),
        );
        self.report(problem.expected(expected));
    }
}

/// "one of `a`, `b`".
pub fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    match quoted.as_slice() {
        [one] => one.clone(),
        many => format!("one of {}", many.join(", ")),
    }
}
