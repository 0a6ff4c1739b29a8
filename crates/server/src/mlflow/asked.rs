//! A request as MLflow's server takes it: a JSON object, or the same fields behind the question mark, read with the
//! leniency of its protobuf messages: numbers as text, unknown fields ignored, names in either case.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, header};
use serde_json::{Map, Value};

use super::error::{Code, MlflowError, invalid_value};

const SEE: &str = " See the API docs for more information about request parameters.";

/// The fields of a request.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    fields: Map<String, Value>,
    /// They stood behind the question mark, where every value is text.
    query: bool,
}

impl Asked {
    /// Fields of an object.
    pub fn of(fields: Map<String, Value>) -> Asked {
        Asked { fields, query: false }
    }

    /// Reads a body, or what stands behind the question mark of a GET.
    pub fn read(method: &Method, query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Result<Asked, MlflowError> {
        if *method == Method::GET
            && let Some(query) = query.filter(|q| !q.is_empty())
        {
            return Ok(Asked {
                fields: pairs(query),
                query: true,
            });
        }
        if matches!(*method, Method::POST | Method::PUT) {
            json_content(headers)?;
        }
        if body.trim_ascii().is_empty() {
            return Ok(Asked::default());
        }
        let no_json = |e| MlflowError::new(Code::BadRequest, format!("the body is no JSON: {e}"));
        let mut value: Value = serde_json::from_slice(body).map_err(no_json)?;
        // Clients of old send their JSON as a JSON string.
        if let Value::String(inner) = &value {
            value = serde_json::from_str(inner).map_err(no_json)?;
        }
        match value {
            Value::Object(fields) => Ok(Asked::of(fields)),
            Value::Null => Ok(Asked::default()),
            other => {
                let detail = format!("the body must be a JSON object, not {}", python_type(&other));
                Err(MlflowError::new(Code::BadRequest, detail))
            }
        }
    }

    /// A field's value; JSON null is none. Its name may be written in camelCase.
    pub fn get(&self, name: &str) -> Result<Option<&Value>, MlflowError> {
        let plain = self.fields.get(name);
        let other = match name.contains('_') {
            true => camel(name),
            false => String::new(),
        };
        let camel = self.fields.get(&other).filter(|_| !other.is_empty() && !self.query);
        match (plain, camel) {
            (Some(_), Some(_)) => Err(MlflowError::invalid(format!(
                "Request specifies both '{name}' and '{other}'; provide only one of them."
            ))),
            (value, None) | (None, value) => Ok(value.filter(|v| !v.is_null())),
        }
    }

    /// Whether the field is there, with a value.
    pub fn has(&self, name: &str) -> bool {
        matches!(self.get(name), Ok(Some(_)))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<Option<&str>, MlflowError> {
        match self.get(name)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            // The last one counts, as in MLflow's server.
            Some(Value::Array(all)) if self.query => Ok(all.first().and_then(Value::as_str)),
            Some(other) => Err(wrong(name, other)),
        }
    }

    /// A text that must be there and not be empty.
    pub fn required(&self, name: &str) -> Result<&str, MlflowError> {
        self.text(name)?.filter(|t| !t.is_empty()).ok_or_else(|| absent(name))
    }

    /// The id of a run, under its name of today or of old.
    pub fn run_id(&self) -> Result<&str, MlflowError> {
        let found = match self.text("run_id")? {
            Some(id) => Some(id),
            None => self.text("run_uuid")?,
        };
        found.filter(|t| !t.is_empty()).ok_or_else(|| absent("run_id"))
    }

    /// A whole number, possibly written as text.
    pub fn int(&self, name: &str) -> Result<Option<i64>, MlflowError> {
        match self.get(name)? {
            None => Ok(None),
            Some(value) => as_int(value).map(Some).ok_or_else(|| wrong(name, value)),
        }
    }

    /// A whole number that must be there.
    pub fn required_int(&self, name: &str) -> Result<i64, MlflowError> {
        self.int(name)?.ok_or_else(|| absent(name))
    }

    /// A number, possibly written as text, or NaN or an infinity.
    pub fn float(&self, name: &str) -> Result<Option<f64>, MlflowError> {
        match self.get(name)? {
            None => Ok(None),
            Some(value) => as_float(value).map(Some).ok_or_else(|| wrong(name, value)),
        }
    }

    /// A number that must be there.
    pub fn required_float(&self, name: &str) -> Result<f64, MlflowError> {
        match self.get(name)? {
            Some(Value::String(text)) if text.is_empty() => Err(absent(name)),
            _ => self.float(name)?.ok_or_else(|| absent(name)),
        }
    }

    /// Yes or no.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, MlflowError> {
        match self.get(name)? {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if self.query => match text.to_ascii_lowercase().as_str() {
                "true" => Ok(Some(true)),
                "false" => Ok(Some(false)),
                _ => Err(MlflowError::invalid(format!(
                    "Invalid boolean value: {text}, must be 'true' or 'false'."
                ))),
            },
            Some(other) => Err(wrong(name, other)),
        }
    }

    /// A list; none is an empty one.
    pub fn list(&self, name: &str) -> Result<&[Value], MlflowError> {
        match self.get(name)? {
            None => Ok(&[]),
            Some(Value::Array(all)) => Ok(all),
            Some(value) if self.query => Ok(std::slice::from_ref(value)),
            Some(other) => Err(wrong(name, other)),
        }
    }

    /// A list of texts.
    pub fn texts(&self, name: &str) -> Result<Vec<&str>, MlflowError> {
        let list = self.list(name)?;
        let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
        texts.ok_or_else(|| wrong(name, &Value::Array(list.to_vec())))
    }

    /// A list of objects.
    pub fn objects(&self, name: &str) -> Result<Vec<&Map<String, Value>>, MlflowError> {
        let list = self.list(name)?;
        let objects: Option<Vec<_>> = list.iter().map(Value::as_object).collect();
        objects.ok_or_else(|| wrong(name, &Value::Array(list.to_vec())))
    }

    /// An object.
    pub fn object(&self, name: &str) -> Result<Option<Asked>, MlflowError> {
        match self.get(name)? {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Asked::of(fields.clone()))),
            Some(other) => Err(wrong(name, other)),
        }
    }

    /// Pairs of `key` and `value` under a name, such as tags: the keys must be there; a value that is missing is empty.
    pub fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, MlflowError> {
        let mut found = Vec::new();
        for (at, fields) in self.objects(name)?.into_iter().enumerate() {
            let pair = Asked::of(fields.clone());
            let (key, value) = (pair.text("key"), pair.text("value"));
            let (Ok(key), Ok(value)) = (key, value) else {
                return Err(wrong(name, &Value::Array(self.list(name)?.to_vec())));
            };
            let key = key
                .filter(|k| !k.is_empty())
                .ok_or_else(|| absent(&format!("{name}[{at}].key")))?;
            found.push((key.to_owned(), value.unwrap_or_default().to_owned()));
        }
        Ok(found)
    }
}

/// A required parameter is missing.
pub fn absent(name: &str) -> MlflowError {
    MlflowError::invalid(format!("Missing value for required parameter '{name}'.{SEE}"))
}

/// A parameter has the wrong type.
pub fn wrong(name: &str, value: &Value) -> MlflowError {
    let hint = format!(" Hint: Value was of type '{}'.", python_type(value));
    MlflowError::invalid(invalid_value(name, value, &hint) + SEE)
}

/// A whole number as protobuf's JSON takes it.
pub fn as_int(value: &Value) -> Option<i64> {
    match value {
        Value::Number(n) => n.as_i64().or_else(|| {
            n.as_f64()
                .filter(|f| f.fract() == 0.0 && f.abs() < 9.2e18)
                .map(|f| f as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A number as protobuf's JSON takes it.
pub fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" | "nan" => Some(f64::NAN),
            "Infinity" | "inf" => Some(f64::INFINITY),
            "-Infinity" | "-inf" => Some(f64::NEG_INFINITY),
            other => other.trim().parse().ok(),
        },
        _ => None,
    }
}

/// What Python calls the type of a value.
pub fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        made.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        made.push_str(letters.as_str());
    }
    made
}

/// A body must say that it is JSON.
fn json_content(headers: &HeaderMap) -> Result<(), MlflowError> {
    let kind = headers.get(header::CONTENT_TYPE).map(|v| v.to_str().unwrap_or("?"));
    let Some(kind) = kind else {
        let detail = "Bad Request. Content-Type header is missing.";
        return Err(MlflowError::invalid(detail));
    };
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/json" => Ok(()),
        _ => Err(MlflowError::invalid(
            "Bad Request. Content-Type must be one of ['application/json'].",
        )),
    }
}

fn pairs(query: &str) -> Map<String, Value> {
    let mut fields: Map<String, Value> = Map::new();
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = Value::String(decoded(value));
        match fields.entry(decoded(name)) {
            serde_json::map::Entry::Vacant(entry) => drop(entry.insert(value)),
            serde_json::map::Entry::Occupied(mut entry) => match entry.get_mut() {
                Value::Array(all) => all.push(value),
                one => *one = Value::Array(vec![one.take(), value]),
            },
        }
    }
    fields
}

/// `%41+b` → `A b`. What is no encoding stays as it is.
pub fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut made = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |i: usize| bytes.get(i).and_then(|b| (*b as char).to_digit(16));
        match bytes[at] {
            b'+' => made.push(b' '),
            b'%' if hex(at + 1).is_some() && hex(at + 2).is_some() => {
                let (high, low) = (hex(at + 1).unwrap_or(0), hex(at + 2).unwrap_or(0));
                made.push((high * 16 + low) as u8);
                at += 2;
            }
            other => made.push(other),
        }
        at += 1;
    }
    String::from_utf8_lossy(&made).into_owned()
}

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = MlflowError;

    async fn from_request(request: Request, state: &S) -> Result<Self, MlflowError> {
        let (method, uri, headers) = (
            request.method().clone(),
            request.uri().clone(),
            request.headers().clone(),
        );
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|e| MlflowError::new(Code::BadRequest, format!("the body cannot be read: {}", e.body_text())))?;
        Asked::read(&method, uri.query(), &headers, &body)
    }
}
