//! Who is asked for.

use steward_capabilities::flags::{Value, parse_json};

use super::answer::Refusal;

/// Most attributes of a context.
const ATTRIBUTES: usize = 1000;

/// The attributes of a unit.
pub struct Asked {
    /// A map; the targeting key stands in it also as `id`, the attribute that is hashed by default.
    pub attributes: Value,
    /// Whether there is a targeting key.
    pub keyed: bool,
}

/// Reads `{"context": {…}}`.
pub fn read(body: &[u8]) -> Result<Asked, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::Parse("the body is no UTF-8 text".to_owned()))?;
    let request = parse_json(text).map_err(|e| Refusal::Parse(format!("the body is no JSON: {e}")))?;
    let Value::Map(entries) = request else {
        return Err(Refusal::Parse("the body is no object with a `context`".to_owned()));
    };
    let context = entries.into_iter().find(|(key, _)| **key == *"context");
    let mut attributes = match context {
        Some((_, Value::Map(attributes))) => attributes,
        None | Some((_, Value::Null)) => Vec::new(),
        Some(_) => return Err(Refusal::Context("`context` is no object".to_owned())),
    };
    if attributes.len() > ATTRIBUTES {
        let detail = format!(
            "the context has {} attributes; at most {ATTRIBUTES} are taken",
            attributes.len()
        );
        return Err(Refusal::Context(detail));
    }
    let key = attributes.iter().find(|(name, _)| **name == *"targetingKey");
    let key = match key.map(|(_, value)| value) {
        None | Some(Value::Null) => None,
        Some(Value::Text(text)) if text.is_empty() => None,
        Some(text @ Value::Text(_)) => Some(text.clone()),
        Some(_) => return Err(Refusal::Context("`targetingKey` is no text".to_owned())),
    };
    let keyed = key.is_some();
    if let Some(key) = key {
        match attributes.iter_mut().find(|(name, _)| **name == *"id") {
            Some((_, id)) => *id = key,
            None => attributes.push(("id".into(), key)),
        }
    }
    Ok(Asked {
        attributes: Value::Map(attributes),
        keyed,
    })
}
