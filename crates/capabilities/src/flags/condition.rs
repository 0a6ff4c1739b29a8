//! Conditions, compiled once and matched without allocation where values are texts, numbers and booleans.

use std::collections::HashSet;

use regex::bytes::Regex;
use steward_definitions::flags::pattern::{self, PatternError};

use super::PayloadError;
use super::value::{Value, index};
use super::version::Version;

/// All clauses must hold.
#[derive(Clone, Debug, Default)]
pub struct Condition(Vec<Clause>);

#[derive(Clone, Debug)]
enum Clause {
    Or(Vec<Condition>),
    Nor(Vec<Condition>),
    And(Vec<Condition>),
    Not(Condition),
    Group(Path, Members),
    Nested(Condition),
    Never,
    Path(Path, Test),
}

type Path = Box<[Box<str>]>;

/// What is tested of one value.
#[derive(Clone, Debug)]
enum Test {
    Text(Box<str>),
    Folded(Box<str>),
    Number(f64),
    Bool(bool),
    Null,
    Json(Value),
    Operators(Vec<Operator>),
}

#[derive(Clone, Copy, Debug)]
enum Relation {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    Unequal,
}

#[derive(Clone, Debug)]
enum Operator {
    Version(Relation, Version),
    Equal(Value),
    Unequal(Value),
    Order(Relation, Value),
    Exists(bool),
    In(Members, bool),
    InFolded(Vec<Value>, bool),
    All(Vec<Test>),
    Not(Box<Test>),
    Size(Box<Test>),
    ElementTest(Box<Test>),
    ElementCondition(Condition),
    Pattern(Box<Regex>),
    Type(Box<str>),
    Never,
}

/// Values of a list, looked up by hash when they are many.
#[derive(Clone, Debug)]
struct Members {
    few: Vec<Value>,
    texts: HashSet<Box<str>>,
}

const FEW: usize = 8;

impl Members {
    fn new(values: &[Value]) -> Members {
        let (mut few, mut texts) = (Vec::new(), HashSet::new());
        let many = values.len() > FEW;
        for value in values {
            match value {
                Value::Text(text) if many => {
                    texts.insert(text.clone());
                }
                other => few.push(other.clone()),
            }
        }
        Members { few, texts }
    }

    fn holds(&self, value: &Value) -> bool {
        match value {
            Value::Text(text) if self.texts.contains(text) => true,
            _ => self.few.iter().any(|v| v.strictly_equals(value)),
        }
    }

    /// An intersection for lists.
    fn matches(&self, actual: &Value) -> bool {
        match actual {
            Value::List(items) => items.iter().any(|i| self.holds(i)),
            _ => self.holds(actual),
        }
    }
}

/// Reads conditions; knows the saved groups.
pub(super) struct Compiler<'a> {
    /// Saved groups: a list, or a map with `type`.
    pub groups: &'a Value,
}

impl Compiler<'_> {
    /// Compiles a condition.
    pub fn condition(&self, value: &Value) -> Result<Condition, PayloadError> {
        self.nested(value, &mut Vec::new())
    }

    fn nested(&self, value: &Value, visited: &mut Vec<String>) -> Result<Condition, PayloadError> {
        let Value::Map(entries) = value else {
            return Err(PayloadError::new("a condition is no map", value));
        };
        let mut clauses = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            clauses.push(match &**key {
                "$or" => Clause::Or(self.list(value, visited)?),
                "$nor" => Clause::Nor(self.list(value, visited)?),
                "$and" => Clause::And(self.list(value, visited)?),
                "$not" => Clause::Not(self.nested(value, visited)?),
                "$savedGroup" => self.group(value, visited)?,
                path => Clause::Path(path_of(path), self.test(value, false, visited)?),
            });
        }
        Ok(Condition(clauses))
    }

    fn list(&self, value: &Value, visited: &mut Vec<String>) -> Result<Vec<Condition>, PayloadError> {
        match value {
            Value::List(items) => items.iter().map(|i| self.nested(i, visited)).collect(),
            _ => Err(PayloadError::new(
                "`$or`, `$nor` and `$and` take a list of conditions",
                value,
            )),
        }
    }

    /// `$savedGroup`: whatever is not understood matches nobody.
    fn group(&self, reference: &Value, visited: &mut Vec<String>) -> Result<Clause, PayloadError> {
        let Some(id) = reference.get("id").and_then(Value::as_str) else {
            return Ok(Clause::Never);
        };
        let key = match reference.get("attributeKey") {
            None => None,
            Some(Value::Text(key)) => Some(&**key),
            Some(_) => return Ok(Clause::Never),
        };
        if visited.iter().any(|v| v == id) {
            return Ok(Clause::Never);
        }
        let Some(entry @ Value::Map(_)) = self.groups.get(id) else {
            return Ok(Clause::Never);
        };
        match entry.get("type").and_then(Value::as_str) {
            Some("list") => match (
                key.or_else(|| entry.get("attributeKey").and_then(Value::as_str)),
                entry.get("values"),
            ) {
                (Some(key), Some(Value::List(values))) => Ok(Clause::Group(path_of(key), Members::new(values))),
                _ => Ok(Clause::Never),
            },
            Some("condition") => match entry.get("condition") {
                Some(condition @ Value::Map(_)) => {
                    visited.push(id.to_owned());
                    let inner = self.nested(condition, visited);
                    visited.pop();
                    Ok(Clause::Nested(inner?))
                }
                _ => Ok(Clause::Never),
            },
            _ => Ok(Clause::Never),
        }
    }

    /// The values of a group for `$inGroup`; `None` matches nobody, for `$notInGroup` too.
    fn values(&self, id: &Value) -> Option<Members> {
        match self.groups.get(&id.to_text()) {
            None => Some(Members::new(&[])),
            Some(Value::List(values)) => Some(Members::new(values)),
            Some(entry) if entry.get("type").and_then(Value::as_str) == Some("list") => match entry.get("values") {
                Some(Value::List(values)) => Some(Members::new(values)),
                _ => None,
            },
            Some(_) => None,
        }
    }

    fn test(&self, value: &Value, folded: bool, visited: &mut Vec<String>) -> Result<Test, PayloadError> {
        Ok(match value {
            Value::Text(text) if folded => Test::Folded(text.to_lowercase().into()),
            Value::Text(text) => Test::Text(text.clone()),
            Value::Number(n) => Test::Number(*n),
            Value::Bool(b) => Test::Bool(*b),
            Value::Null => Test::Null,
            Value::Map(entries) if operators(value) => {
                let read = entries.iter().map(|(key, value)| self.operator(key, value, visited));
                Test::Operators(read.collect::<Result<_, _>>()?)
            }
            other => Test::Json(other.clone()),
        })
    }

    fn operator(&self, name: &str, value: &Value, visited: &mut Vec<String>) -> Result<Operator, PayloadError> {
        use Relation::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Unequal};
        let version = |relation| Operator::Version(relation, Version::new(value));
        let order = |relation| Operator::Order(relation, value.clone());
        let list = |make: &dyn Fn(&[Value]) -> Operator| match value {
            Value::List(items) => make(items),
            _ => Operator::Never,
        };
        let fold = |items: &[Value]| items.iter().map(lowered).collect::<Vec<_>>();
        Ok(match name {
            "$veq" => version(Equal),
            "$vne" => version(Unequal),
            "$vgt" => version(Greater),
            "$vgte" => version(GreaterOrEqual),
            "$vlt" => version(Less),
            "$vlte" => version(LessOrEqual),
            "$eq" => Operator::Equal(value.clone()),
            "$ne" => Operator::Unequal(value.clone()),
            "$lt" => order(Less),
            "$lte" => order(LessOrEqual),
            "$gt" => order(Greater),
            "$gte" => order(GreaterOrEqual),
            "$exists" => Operator::Exists(value.truthy()),
            "$in" => list(&|items| Operator::In(Members::new(items), true)),
            "$nin" => list(&|items| Operator::In(Members::new(items), false)),
            "$ini" => list(&|items| Operator::InFolded(fold(items), true)),
            "$nini" => list(&|items| Operator::InFolded(fold(items), false)),
            "$inGroup" => self.values(value).map_or(Operator::Never, |m| Operator::In(m, true)),
            "$notInGroup" => self.values(value).map_or(Operator::Never, |m| Operator::In(m, false)),
            "$not" => Operator::Not(Box::new(self.test(value, false, visited)?)),
            "$size" => Operator::Size(Box::new(self.test(value, false, visited)?)),
            "$elemMatch" if operators(value) => Operator::ElementTest(Box::new(self.test(value, false, visited)?)),
            "$elemMatch" => Operator::ElementCondition(self.nested(value, visited)?),
            "$all" | "$alli" => match value {
                Value::List(items) => {
                    let tests = items.iter().map(|i| self.test(i, name == "$alli", visited));
                    Operator::All(tests.collect::<Result<_, _>>()?)
                }
                _ => Operator::Never,
            },
            "$regex" | "$regexi" => match value {
                Value::Text(text) => regex(text, name == "$regexi")?,
                _ => Operator::Never,
            },
            "$type" => value.as_str().map_or(Operator::Never, |t| Operator::Type(t.into())),
            _ => Operator::Never,
        })
    }
}

fn regex(text: &str, insensitive: bool) -> Result<Operator, PayloadError> {
    let written = match pattern::translate(text, insensitive) {
        Ok(written) => written,
        // The clients take an expression that is none for one that matches nothing.
        Err(PatternError::Invalid(_)) => return Ok(Operator::Never),
        Err(error) => {
            return Err(PayloadError::new(
                &format!("a regular expression is refused: {error}"),
                &Value::text(text),
            ));
        }
    };
    match Regex::new(&written) {
        Ok(regex) => Ok(Operator::Pattern(Box::new(regex))),
        Err(_) => Err(PayloadError::new(
            "a regular expression is too large",
            &Value::text(text),
        )),
    }
}

fn path_of(path: &str) -> Path {
    path.split('.').map(Box::from).collect()
}

/// Only keys that begin with `$`.
fn operators(value: &Value) -> bool {
    let entries = value.entries();
    !entries.is_empty() && entries.iter().all(|(k, _)| k.starts_with('$'))
}

fn lowered(value: &Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(text.to_lowercase().into()),
        other => other.clone(),
    }
}

/// `text.toLowerCase() === folded`.
fn equals_folded(text: &str, folded: &str) -> bool {
    if text.is_ascii() {
        text.len() == folded.len()
            && text
                .bytes()
                .zip(folded.bytes())
                .all(|(a, b)| a.to_ascii_lowercase() == b)
    } else {
        text.to_lowercase() == folded
    }
}

/// What a condition is asked of: the attributes, or `{value: …}` of a prerequisite.
#[derive(Clone, Copy, Debug)]
pub enum Root<'a> {
    /// A map of attributes (or an element of a list).
    Attributes(&'a Value),
    /// The value of another flag.
    Flag(&'a Value),
}

impl Condition {
    /// Whether it holds.
    pub fn holds(&self, root: Root<'_>) -> bool {
        self.0.iter().all(|c| c.holds(root))
    }

    /// The first clause that does not hold, in words.
    pub fn failing(&self, root: Root<'_>) -> Option<String> {
        self.0.iter().find(|c| !c.holds(root)).map(|c| match c {
            Clause::Path(path, _) => {
                let path_text = path.join(".");
                reach(root, path, |v| format!("`{path_text}` is {}", v.to_json()))
            }
            _ => "a combined condition does not hold".to_owned(),
        })
    }
}

impl Clause {
    fn holds(&self, root: Root<'_>) -> bool {
        match self {
            Clause::Or(all) => all.is_empty() || all.iter().any(|c| c.holds(root)),
            Clause::Nor(all) => !(all.is_empty() || all.iter().any(|c| c.holds(root))),
            Clause::And(all) => all.iter().all(|c| c.holds(root)),
            Clause::Not(one) => !one.holds(root),
            Clause::Nested(one) => one.holds(root),
            Clause::Never => false,
            Clause::Group(path, members) => reach(root, path, |v| members.matches(v)),
            Clause::Path(path, test) => reach(root, path, |v| test.holds(v)),
        }
    }
}

/// The value at a path; null where there is none.
fn reach<T>(root: Root<'_>, path: &[Box<str>], then: impl FnOnce(&Value) -> T) -> T {
    let (mut current, rest) = match (root, path) {
        (Root::Attributes(value), _) => (value, path),
        (Root::Flag(value), [first, rest @ ..]) if **first == *"value" => (value, rest),
        (Root::Flag(_), _) => return then(&Value::Null),
    };
    for (at, part) in rest.iter().enumerate() {
        let next = match current {
            Value::Map(_) => current.get(part),
            Value::List(items) => {
                if **part == *"length" && at + 1 == rest.len() {
                    #[allow(clippy::cast_precision_loss)]
                    let length = Value::Number(items.len() as f64);
                    return then(&length);
                }
                index(part).and_then(|n| items.get(usize::try_from(n).ok()?))
            }
            _ => None,
        };
        match next {
            Some(value) => current = value,
            None => return then(&Value::Null),
        }
    }
    then(current)
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Test::Text(text) => match value {
                Value::Text(actual) => actual == text,
                other => other.as_text(|actual| actual == &**text),
            },
            Test::Folded(text) => value.as_text(|actual| equals_folded(actual, text)),
            Test::Number(n) => value.to_number() == *n,
            Test::Bool(b) => !matches!(value, Value::Null) && value.truthy() == *b,
            Test::Null => matches!(value, Value::Null),
            Test::Json(json) => json.same_json(value),
            Test::Operators(all) => all.iter().all(|o| o.holds(value)),
        }
    }
}

impl Relation {
    fn holds(self, order: Option<std::cmp::Ordering>) -> bool {
        let Some(order) = order else { return false };
        match self {
            Relation::Less => order.is_lt(),
            Relation::LessOrEqual => order.is_le(),
            Relation::Greater => order.is_gt(),
            Relation::GreaterOrEqual => order.is_ge(),
            Relation::Equal => order.is_eq(),
            Relation::Unequal => order.is_ne(),
        }
    }
}

impl Operator {
    fn holds(&self, actual: &Value) -> bool {
        match self {
            Operator::Version(relation, version) => relation.holds(Some(version.compare(actual))),
            Operator::Equal(value) => actual.strictly_equals(value),
            Operator::Unequal(value) => !actual.strictly_equals(value),
            Operator::Order(relation, value) => relation.holds(actual.compare(value)),
            Operator::Exists(wanted) => matches!(actual, Value::Null) != *wanted,
            Operator::In(members, wanted) => members.matches(actual) == *wanted,
            Operator::InFolded(values, wanted) => {
                let holds = |v: &Value| {
                    values.iter().any(|w| match (v, w) {
                        (Value::Text(a), Value::Text(b)) => equals_folded(a, b),
                        _ => v.strictly_equals(w),
                    })
                };
                let found = match actual {
                    Value::List(items) => items.iter().any(holds),
                    other => holds(other),
                };
                found == *wanted
            }
            Operator::All(tests) => match actual {
                Value::List(items) => tests.iter().all(|t| items.iter().any(|i| t.holds(i))),
                _ => false,
            },
            Operator::Not(test) => !test.holds(actual),
            #[allow(clippy::cast_precision_loss)]
            Operator::Size(test) => match actual {
                Value::List(items) => test.holds(&Value::Number(items.len() as f64)),
                _ => false,
            },
            Operator::ElementTest(test) => actual
                .items()
                .iter()
                .any(|i| !matches!(i, Value::Null) && test.holds(i)),
            Operator::ElementCondition(condition) => actual
                .items()
                .iter()
                .any(|i| !matches!(i, Value::Null) && condition.holds(Root::Attributes(i))),
            Operator::Pattern(regex) => actual.as_text(|text| {
                if pattern::has_astral(text) {
                    regex.is_match(pattern::units(text).as_bytes())
                } else {
                    regex.is_match(text.as_bytes())
                }
            }),
            Operator::Type(name) => **name == *type_of(actual),
            Operator::Never => false,
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::Text(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
    }
}
