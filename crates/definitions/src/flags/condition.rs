//! Conditions on attributes, in the words of the GrowthBook SDKs (MongoDB's, plus versions and groups).

use std::fmt::Write as _;

use super::pattern;
use crate::Diagnostic;
use crate::decode::{Decoder, Mention, Target};
use crate::nearest::nearest;
use crate::project::{Kind, Project};
use crate::yaml::{Entry, Node, Value};

/// What an attribute may be, under `attributes` of `steward.yaml`.
pub const ATTRIBUTE_TYPES: [&str; 8] = [
    "string", "number", "boolean", "date", "version", "list", "object", "any",
];

const LOGIC: [&str; 4] = ["$and", "$or", "$nor", "$not"];
const OPERATORS: [&str; 27] = [
    "$eq",
    "$ne",
    "$lt",
    "$lte",
    "$gt",
    "$gte",
    "$veq",
    "$vne",
    "$vlt",
    "$vlte",
    "$vgt",
    "$vgte",
    "$in",
    "$nin",
    "$ini",
    "$nini",
    "$all",
    "$alli",
    "$exists",
    "$type",
    "$elemMatch",
    "$size",
    "$not",
    "$regex",
    "$regexi",
    "$inGroup",
    "$notInGroup",
];
const TYPES: [&str; 7] = ["string", "number", "boolean", "object", "array", "null", "undefined"];
/// Every JavaScript object has these: a condition on them would see functions.
const INHERITED: [&str; 12] = [
    "constructor",
    "__defineGetter__",
    "__defineSetter__",
    "hasOwnProperty",
    "__lookupGetter__",
    "__lookupSetter__",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toString",
    "valueOf",
    "__proto__",
    "toLocaleString",
];
const MAX_DEPTH: usize = 40;

/// JSON text of a value, with the keys in the order written. Not-finite numbers are reported.
pub(crate) fn json(decoder: &Decoder, node: &Node) -> String {
    let mut text = String::new();
    write(decoder, node, &mut text);
    text
}

fn write(decoder: &Decoder, node: &Node, text: &mut String) {
    let string = |s: &str| serde_json::to_string(s).unwrap_or_default();
    let _ = match &node.value {
        Value::Null => text.write_str("null"),
        Value::Bool(b) => write!(text, "{b}"),
        Value::Int(i) => write!(text, "{i}"),
        Value::Float(f) if f.is_finite() => write!(text, "{f:?}"),
        Value::Float(_) => {
            decoder.bad_value(
                node,
                format!("{} has no place in JSON", node.describe()),
                "a finite number",
            );
            text.write_str("null")
        }
        Value::Str(s) => text.write_str(&string(s)),
        Value::Seq(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(decoder, item, text);
            }
            text.write_str("]")
        }
        Value::Map(entries) => {
            text.push('{');
            for (at, entry) in entries.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&string(&entry.key));
                text.push(':');
                write(decoder, &entry.value, text);
            }
            text.write_str("}")
        }
    };
}

/// Reads a condition; `attributes` says whether its paths are attributes (not the `value` of a prerequisite).
pub(crate) fn read(decoder: &Decoder, node: &Node, what: &str, attributes: bool) -> String {
    let reader = Reader {
        decoder,
        what,
        attributes,
    };
    reader.condition(node, 0);
    json(decoder, node)
}

struct Reader<'a> {
    decoder: &'a Decoder,
    what: &'a str,
    attributes: bool,
}

impl Reader<'_> {
    fn condition(&self, node: &Node, depth: usize) {
        let Value::Map(entries) = &node.value else {
            self.decoder
                .wrong_type(node, self.what, "a condition such as `{country: DE}`");
            return;
        };
        if depth > MAX_DEPTH {
            self.decoder
                .error("bad-value", node.place, format!("{} is nested too deeply", self.what));
            return;
        }
        for entry in entries {
            match entry.key.as_str() {
                "$and" | "$or" | "$nor" => {
                    for item in self
                        .decoder
                        .list(&entry.value, &format!("`{}` of {}", entry.key, self.what))
                    {
                        self.condition(item, depth + 1);
                    }
                }
                "$not" => self.condition(&entry.value, depth + 1),
                key if key.starts_with('$') => self.unknown(entry, &LOGIC),
                path => {
                    self.path(entry, path);
                    self.value(path, &entry.value, depth + 1);
                }
            }
        }
    }

    fn path(&self, entry: &Entry, path: &str) {
        if let Some(part) = path.split('.').find(|p| INHERITED.contains(p) || p.is_empty()) {
            let problem = Diagnostic::error(
                "bad-value",
                self.decoder.span(entry.place),
                format!("`{path}` of {} names no attribute", self.what),
            );
            self.decoder.report(problem.hint(if part.is_empty() {
                "a path is names with dots between them, such as `company.plan`".to_owned()
            } else {
                format!("`{part}` is what every JavaScript object has; give the attribute another name")
            }));
        } else if self.attributes {
            let root = path.split('.').next().unwrap_or(path);
            self.decoder
                .mention(Target::Attribute(root.to_owned(), None), entry.place, self.what);
        }
    }

    fn unknown(&self, entry: &Entry, known: &[&'static str]) {
        let span = self.decoder.span(entry.place);
        let problem = Diagnostic::error(
            "unknown-operator",
            span,
            format!("{} uses `{}`, which is no operator here", self.what, entry.key),
        );
        let near = nearest(&entry.key, known.iter().copied());
        let problem = problem.did_you_mean(near);
        self.decoder.report(if near.is_none() {
            problem.expected(crate::decode::one_of(known))
        } else {
            problem
        });
    }

    /// A value, or a map of operators, under a path.
    fn value(&self, path: &str, node: &Node, depth: usize) {
        let entries = node.entries();
        if depth > MAX_DEPTH {
            self.decoder
                .error("bad-value", node.place, format!("{} is nested too deeply", self.what));
            return;
        }
        let operators = entries.iter().filter(|e| e.key.starts_with('$')).count();
        if operators == 0 {
            return;
        }
        if operators < entries.len() {
            let problem = Diagnostic::error(
                "bad-value",
                self.decoder.span(node.place),
                format!("{} mixes operators and keys under `{path}`", self.what),
            );
            self.decoder
                .report(problem.hint("the clients would compare the map as a whole; write the operators alone"));
            return;
        }
        for entry in entries {
            self.operator(path, entry, depth);
        }
    }

    fn operator(&self, path: &str, entry: &Entry, depth: usize) {
        let (operator, node) = (entry.key.as_str(), &entry.value);
        if !OPERATORS.contains(&operator) {
            self.unknown(entry, &OPERATORS);
            return;
        }
        if self.attributes && !path.contains('.') {
            let target = Target::Attribute(path.to_owned(), Some(operator.to_owned()));
            self.decoder.mention(target, entry.place, self.what);
        }
        let bad = |expected: &str| {
            self.decoder.bad_value(
                node,
                format!("`{operator}` of {} is {}", self.what, node.describe()),
                expected,
            );
        };
        match operator {
            "$in" | "$nin" | "$ini" | "$nini" | "$all" | "$alli" => match &node.value {
                Value::Seq(items) if operator.starts_with("$all") => {
                    items.iter().for_each(|i| self.value(path, i, depth + 1))
                }
                Value::Seq(items) if items.iter().any(|i| matches!(i.value, Value::Seq(_) | Value::Map(_))) => {
                    bad("texts, numbers or booleans: lists and maps are never equal");
                }
                Value::Seq(_) => {}
                _ => bad("a list"),
            },
            "$exists" if !matches!(node.value, Value::Bool(_)) => bad("`true` or `false`"),
            "$type" if !node.as_str().is_some_and(|t| TYPES.contains(&t)) => bad(&crate::decode::one_of(&TYPES)),
            "$regex" | "$regexi" => match node.as_str().map(pattern::check) {
                None => bad("a regular expression, as text"),
                Some(Err(error)) => {
                    let message = format!(
                        "the regular expression `{}` of {} is refused: {error}",
                        node.text, self.what
                    );
                    self.decoder
                        .report(Diagnostic::error("bad-pattern", self.decoder.span(node.place), message));
                }
                Some(Ok(())) => {}
            },
            "$inGroup" | "$notInGroup" => match node.as_str() {
                Some(name) => {
                    let reference = crate::project::Reference::new(Kind::Segment, name);
                    self.decoder
                        .mention(Target::Definition(reference), node.place, self.what);
                }
                None => bad("the name of a segment"),
            },
            "$veq" | "$vne" | "$vlt" | "$vlte" | "$vgt" | "$vgte"
                if !matches!(node.value, Value::Str(_) | Value::Int(_) | Value::Float(_)) =>
            {
                bad("a version such as `\"2.10.0\"`");
            }
            "$eq" | "$ne" | "$lt" | "$lte" | "$gt" | "$gte" if matches!(node.value, Value::Seq(_) | Value::Map(_)) => {
                bad("text, a number or a boolean: lists and maps are never equal");
            }
            "$elemMatch" => {
                let entries = node.entries();
                if entries.is_empty() {
                    bad("a condition");
                } else if entries
                    .iter()
                    .all(|e| e.key.starts_with('$') && !LOGIC.contains(&e.key.as_str()))
                {
                    self.value(path, node, depth + 1);
                } else {
                    let inner = Reader {
                        attributes: false,
                        ..*self
                    };
                    inner.condition(node, depth + 1);
                }
            }
            "$not" | "$size" => self.value(path, node, depth + 1),
            _ => {}
        }
    }
}

/// Attributes must be among those of `steward.yaml`, if it lists any, and operators must fit their types.
pub(crate) fn attribute(
    project: &Project,
    name: &str,
    operator: Option<&str>,
    mention: &Mention,
) -> Option<Diagnostic> {
    let known = &project.settings.attributes;
    if known.is_empty() {
        return None;
    }
    let Some(kind) = known.get(name) else {
        if operator.is_some() {
            return None;
        }
        let message = format!(
            "{} names the attribute `{name}`, which is not among the `attributes` of `steward.yaml`",
            mention.user
        );
        let near = nearest(name, known.keys().map(String::as_str));
        return Some(Diagnostic::error("unknown-attribute", mention.span.clone(), message).did_you_mean(near));
    };
    let operator = operator?;
    let fits = match operator {
        "$veq" | "$vne" | "$vlt" | "$vlte" | "$vgt" | "$vgte" => matches!(kind.as_str(), "version" | "string" | "any"),
        "$lt" | "$lte" | "$gt" | "$gte" => matches!(kind.as_str(), "number" | "string" | "date" | "any"),
        "$regex" | "$regexi" => matches!(kind.as_str(), "string" | "version" | "date" | "any"),
        "$all" | "$alli" | "$elemMatch" | "$size" => matches!(kind.as_str(), "list" | "any"),
        _ => true,
    };
    if fits {
        return None;
    }
    let message = format!("{} asks `{operator}` of `{name}`, which is a {kind}", mention.user);
    let hint = match (operator, kind.as_str()) {
        ("$lt" | "$lte" | "$gt" | "$gte", "version") => {
            "versions are compared with `$vlt`, `$vlte`, `$vgt`, `$vgte`: as text, 10 comes before 9"
        }
        _ => "use an operator that fits, or declare the attribute `any`",
    };
    Some(Diagnostic::error("wrong-type", mention.span.clone(), message).hint(hint))
}

/// A path below `attributes` for the type checks of places that name an attribute to hash.
pub(crate) fn hashed(decoder: &Decoder, node: &Node, what: &str) -> Option<String> {
    let name = decoder.text(node, what)?;
    if name.is_empty() || INHERITED.contains(&name.as_str()) {
        decoder.bad_value(
            node,
            format!("{what} is `{name}`"),
            "the name of an attribute, such as `id`",
        );
        return None;
    }
    decoder.mention(Target::Attribute(name.clone(), None), node.place, what);
    Some(name)
}
