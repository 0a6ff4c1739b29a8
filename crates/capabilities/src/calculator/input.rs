//! Reading an input that has the declared shape.

use serde_json::Value;

use super::kind::{Field, Kind, Object};

/// An input without the declared shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct InputError {
    /// JSON path of the problem, e.g. `$.control.values[3]`.
    pub path: String,
    /// What was expected and what was found.
    pub message: String,
}

impl InputError {
    /// A problem at a path.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> InputError {
        InputError {
            path: path.into(),
            message: message.into(),
        }
    }
}

/// An object of the input, with where it stands.
pub struct Input<'a> {
    value: &'a Value,
    shape: &'static Object,
    path: String,
}

impl<'a> Input<'a> {
    pub(super) fn new(value: &'a Value, shape: &'static Object) -> Input<'a> {
        Input {
            value,
            shape,
            path: "$".into(),
        }
    }

    /// Where a field stands.
    pub fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// An error at a field.
    pub fn wrong(&self, name: &str, message: impl Into<String>) -> InputError {
        InputError::new(self.path(name), message)
    }

    /// Whether the field is given and not null.
    pub fn has(&self, name: &str) -> bool {
        self.value.get(name).is_some_and(|v| !v.is_null())
    }

    fn field(&self, name: &str) -> Option<&'static Field> {
        self.shape.fields.iter().find(|f| f.name == name)
    }

    fn raw(&self, name: &str) -> Option<Value> {
        match self.value.get(name) {
            Some(v) if !v.is_null() => Some(v.clone()),
            _ => self
                .field(name)
                .and_then(|f| f.default)
                .and_then(|text| serde_json::from_str(text).ok()),
        }
    }

    fn need<T>(&self, name: &str, value: Option<T>) -> Result<T, InputError> {
        value.ok_or_else(|| self.wrong(name, format!("missing: {}", self.field(name).map_or("", |f| f.doc))))
    }

    /// A number, or its default.
    pub fn number(&self, name: &str) -> Result<f64, InputError> {
        self.need(name, self.maybe_number(name))
    }

    /// A number, if given or with a default.
    pub fn maybe_number(&self, name: &str) -> Option<f64> {
        self.raw(name).and_then(|v| v.as_f64())
    }

    /// A whole number, or its default.
    pub fn count(&self, name: &str) -> Result<u64, InputError> {
        self.need(name, self.maybe_count(name))
    }

    /// A whole number, if given or with a default.
    pub fn maybe_count(&self, name: &str) -> Option<u64> {
        self.raw(name).and_then(|v| v.as_f64()).map(|x| x as u64)
    }

    /// true or false; false without default.
    pub fn flag(&self, name: &str) -> bool {
        self.raw(name).and_then(|v| v.as_bool()).unwrap_or(false)
    }

    /// A word, or its default.
    pub fn text(&self, name: &str) -> Result<String, InputError> {
        self.need(name, self.raw(name).and_then(|v| v.as_str().map(str::to_string)))
    }

    /// A word, if given or with a default.
    pub fn maybe_text(&self, name: &str) -> Option<String> {
        self.raw(name).and_then(|v| v.as_str().map(str::to_string))
    }

    /// A list of numbers.
    pub fn numbers(&self, name: &str) -> Result<Vec<f64>, InputError> {
        self.need(name, self.raw(name).as_ref().and_then(numbers))
    }

    /// A list of whole numbers.
    pub fn counts(&self, name: &str) -> Result<Vec<u64>, InputError> {
        Ok(self.numbers(name)?.into_iter().map(|x| x as u64).collect())
    }

    /// A list of words.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, InputError> {
        let words = self.raw(name).and_then(|v| {
            v.as_array()
                .map(|a| a.iter().filter_map(|w| w.as_str().map(str::to_string)).collect())
        });
        self.need(name, words)
    }

    /// A list of lists of numbers; rows may differ in length.
    pub fn table(&self, name: &str) -> Result<Vec<Vec<f64>>, InputError> {
        let rows = self
            .raw(name)
            .and_then(|v| v.as_array().map(|a| a.iter().filter_map(numbers).collect()));
        self.need(name, rows)
    }

    /// A list of numbers whose length is that of another field's.
    pub fn numbers_like(&self, name: &str, length: usize, other: &str) -> Result<Vec<f64>, InputError> {
        let list = self.numbers(name)?;
        if list.len() == length {
            Ok(list)
        } else {
            Err(self.wrong(
                name,
                format!("has {} entries, but {other} has {length}; give as many", list.len()),
            ))
        }
    }

    /// The fields of an inner object.
    pub fn object(&self, name: &str) -> Result<Input<'a>, InputError> {
        let inner = self.value.get(name).filter(|v| !v.is_null());
        let value = self.need(name, inner)?;
        match self.field(name).map(|f| f.kind) {
            Some(Kind::Object(shape)) => Ok(Input {
                value,
                shape,
                path: self.path(name),
            }),
            _ => Err(self.wrong(name, "no object is declared here")),
        }
    }

    /// The objects of a list.
    pub fn objects(&self, name: &str) -> Result<Vec<Input<'a>>, InputError> {
        let list = self.need(name, self.value.get(name).and_then(Value::as_array))?;
        match self.field(name).map(|f| f.kind) {
            Some(Kind::List(Kind::Object(shape))) => Ok(list
                .iter()
                .enumerate()
                .map(|(i, value)| Input {
                    value,
                    shape,
                    path: format!("{}[{i}]", self.path(name)),
                })
                .collect()),
            _ => Err(self.wrong(name, "no list of objects is declared here")),
        }
    }
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array().map(|a| a.iter().filter_map(Value::as_f64).collect())
}
