//! JSON text into a value, with the NaN and Infinity that Python and R write bare.

use serde_json::Value;

use super::input::InputError;

/// Parses JSON. Bare `NaN`, `Infinity` and `-Infinity` become text, so that a method refuses them by their path.
pub fn parse(text: &str) -> Result<Value, InputError> {
    serde_json::from_str(text)
        .or_else(|e| serde_json::from_str(&quoted(text)).map_err(|_| e))
        .map_err(|e| InputError::new("$", format!("not JSON: {e}")))
}

/// The text with bare non-finite numbers in quotes.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut inside = false;
    while let Some(c) = rest.chars().next() {
        let word = ["NaN", "-Infinity", "Infinity"]
            .into_iter()
            .find(|w| !inside && rest.starts_with(w));
        let taken = match word {
            Some(w) => {
                out.push('"');
                out.push_str(w);
                out.push('"');
                w.len()
            }
            None => {
                out.push(c);
                c.len_utf8()
            }
        };
        if c == '"' {
            inside = !inside;
        }
        rest = rest.get(taken..).unwrap_or("");
        if inside && c == '\\' {
            if let Some(escaped) = rest.chars().next() {
                out.push(escaped);
                rest = rest.get(escaped.len_utf8()..).unwrap_or("");
            }
        }
    }
    out
}
