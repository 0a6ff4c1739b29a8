//! The shape of inputs and answers, declared once: JSON Schema and check are read from it.

use serde_json::{Map, Value, json};
use steward_definitions::nearest::nearest;
use steward_stats::NotEstimable;

use super::Problem;
use super::input::InputError;

/// What a value is.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A number. NaN and infinite ones (bare or quoted `NaN`, `Infinity`, `-Infinity`) are refused as not estimable.
    Number,
    /// A whole number, 0 or more.
    Count,
    /// true or false.
    Flag,
    /// Words.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// This, or null where it cannot be had.
    Maybe(&'static Kind),
    /// Any number of these.
    List(&'static Kind),
    /// Fields.
    Object(&'static Object),
}

/// A list of numbers.
pub const NUMBERS: Kind = Kind::List(&Kind::Number);
/// A list of lists of numbers.
pub const TABLE: Kind = Kind::List(&NUMBERS);
/// A list of whole numbers.
pub const COUNTS: Kind = Kind::List(&Kind::Count);

/// A value with named fields.
pub struct Object {
    /// What it is.
    pub doc: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
    /// Where several forms are accepted: sets of fields of which one must be complete. Empty: the required fields only.
    pub forms: &'static [&'static [&'static str]],
}

impl Object {
    /// An object of one form.
    pub const fn of(doc: &'static str, fields: &'static [Field]) -> Object {
        Object {
            doc,
            fields,
            forms: &[],
        }
    }
}

/// A named value.
#[derive(Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it means, with its unit.
    pub doc: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What stands for it when it is not there, as JSON text.
    pub default: Option<&'static str>,
}

impl Field {
    /// A field that must be there.
    pub const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Field {
        Field {
            name,
            kind,
            doc,
            required: true,
            default: None,
        }
    }

    /// A field that may be left out.
    pub const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Field {
        Field {
            required: false,
            ..Field::required(name, kind, doc)
        }
    }

    /// A field with a value (JSON text) that holds when it is left out.
    pub const fn default(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Field {
        Field {
            required: false,
            default: Some(default),
            ..Field::required(name, kind, doc)
        }
    }
}

/// JSON Schema of an object.
pub fn schema(object: &Object) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in object.fields {
        let mut own = of_kind(field.kind);
        if !field.required {
            nullable(&mut own);
        }
        if let Value::Object(own) = &mut own {
            own.insert("description".into(), field.doc.into());
            if let Some(Ok(value)) = field.default.map(serde_json::from_str) {
                own.insert("default".into(), value);
            }
        }
        properties.insert(field.name.into(), own);
        if field.required {
            required.push(field.name);
        }
    }
    let mut out = json!({
        "type": "object", "description": object.doc, "properties": properties, "additionalProperties": false,
    });
    if !required.is_empty() {
        out["required"] = json!(required);
    }
    if !object.forms.is_empty() {
        let forms: Vec<Value> = object.forms.iter().map(|form| json!({ "required": form })).collect();
        out["anyOf"] = json!(forms);
    }
    out
}

/// Lets a schema hold null too: it stands for a field left out.
fn nullable(schema: &mut Value) {
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    } else if let Some(name) = schema.get("type").cloned().filter(Value::is_string) {
        schema["type"] = json!([name, "null"]);
    }
}

fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Number => json!({ "type": "number" }),
        Kind::Count => json!({ "type": "integer", "minimum": 0 }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Maybe(inner) => {
            let mut own = of_kind(*inner);
            nullable(&mut own);
            own
        }
        Kind::List(item) => json!({ "type": "array", "items": of_kind(*item) }),
        Kind::Object(object) => schema(object),
    }
}

/// Checks a value against the shape of `object`; `path` is where it stands.
pub fn check(object: &Object, value: &Value, path: &str) -> Result<(), Problem> {
    let Value::Object(given) = value else {
        return Err(wrong(path, value, "an object"));
    };
    for (name, inner) in given {
        let Some(field) = object.fields.iter().find(|f| f.name == name) else {
            let near = nearest(name, object.fields.iter().map(|f| f.name));
            let hint = near.map_or_else(
                || {
                    format!(
                        "known are {}",
                        object.fields.iter().map(|f| f.name).collect::<Vec<_>>().join(", ")
                    )
                },
                |n| format!("did you mean {n:?}?"),
            );
            return Err(InputError::new(format!("{path}.{name}"), format!("unknown field; {hint}")).into());
        };
        // null stands for a field left out.
        if inner.is_null() && !field.required {
            continue;
        }
        check_kind(field.kind, inner, &format!("{path}.{name}"))?;
    }
    let there = |name: &str| given.get(name).is_some_and(|v| !v.is_null());
    if let Some(missing) = object.fields.iter().find(|f| f.required && !there(f.name)) {
        let message = format!("missing: {}", missing.doc);
        return Err(InputError::new(format!("{path}.{}", missing.name), message).into());
    }
    if !object.forms.is_empty() && !object.forms.iter().any(|form| form.iter().all(|name| there(name))) {
        let forms: Vec<String> = object.forms.iter().map(|form| form.join(", ")).collect();
        return Err(InputError::new(path, format!("give one of: {}", forms.join("; or "))).into());
    }
    Ok(())
}

fn check_kind(kind: Kind, value: &Value, path: &str) -> Result<(), Problem> {
    match kind {
        Kind::Number => match value {
            Value::Number(_) => Ok(()),
            Value::Null => Err(not_finite(path, "null")),
            Value::String(s) if matches!(s.as_str(), "NaN" | "Infinity" | "-Infinity") => Err(not_finite(path, s)),
            other => Err(wrong(path, other, "a number")),
        },
        Kind::Count => match value.as_f64() {
            Some(x) if x >= 0.0 && x.fract() == 0.0 && x <= 9_007_199_254_740_992.0 => Ok(()),
            Some(_) => Err(wrong(path, value, "a whole number, 0 or more")),
            None if value.is_string() => check_kind(Kind::Number, value, path),
            None => Err(wrong(path, value, "a whole number, 0 or more")),
        },
        Kind::Flag => match value {
            Value::Bool(_) => Ok(()),
            other => Err(wrong(path, other, "true or false")),
        },
        Kind::Text => match value {
            Value::String(_) => Ok(()),
            other => Err(wrong(path, other, "text")),
        },
        Kind::Choice(words) => match value.as_str() {
            Some(word) if words.contains(&word) => Ok(()),
            _ => Err(wrong(path, value, &format!("one of {}", words.join(", ")))),
        },
        Kind::Maybe(inner) => match value {
            Value::Null => Ok(()),
            other => check_kind(*inner, other, path),
        },
        Kind::List(item) => match value {
            // Numbers are most of what is in long lists: no path is written for each.
            Value::Array(items) => items
                .iter()
                .enumerate()
                .filter(|(_, inner)| !(matches!(item, Kind::Number) && inner.is_number()))
                .try_for_each(|(i, inner)| check_kind(*item, inner, &format!("{path}[{i}]"))),
            other => Err(wrong(path, other, "a list")),
        },
        Kind::Object(object) => check(object, value, path),
    }
}

fn wrong(path: &str, value: &Value, expected: &str) -> Problem {
    let text = value.to_string();
    let short: String = text.chars().take(40).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    InputError::new(path, format!("expected {expected}, found {short}{dots}")).into()
}

fn not_finite(path: &str, found: &str) -> Problem {
    NotEstimable::new(
        steward_stats::Reason::NotFinite,
        format!("{path} is {found}"),
        "remove NaN, infinite and missing values from the input",
    )
    .into()
}
