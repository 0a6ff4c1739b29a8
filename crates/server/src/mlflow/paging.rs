//! Page tokens: `{"offset": n}` in base64, as MLflow's are.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::MlflowError;

/// The offset that a token stands for; 0 without one.
pub fn offset(token: Option<&str>) -> Result<usize, MlflowError> {
    let Some(token) = token.filter(|t| !t.is_empty()) else {
        return Ok(0);
    };
    let bytes = STANDARD
        .decode(token.trim())
        .map_err(|_| MlflowError::invalid("Invalid page token, could not base64-decode"))?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        MlflowError::invalid(format!("Invalid page token, decoded value={text}"))
    })?;
    let number = value.get("offset").and_then(super::asked::as_int);
    number
        .and_then(|n| usize::try_from(n).ok())
        .ok_or_else(|| MlflowError::invalid(format!("Invalid page token, parsed value={value}")))
}

/// The token of an offset.
pub fn token(offset: usize) -> String {
    STANDARD.encode(json!({ "offset": offset }).to_string())
}

/// How many are asked for at once: `given`, or `default`; at least one, at most `most`.
pub fn most(given: Option<i64>, default: i64, most: i64) -> Result<usize, MlflowError> {
    let number = given.unwrap_or(default);
    let wrong = |what: &str| {
        MlflowError::invalid(format!(
            "Invalid value {number} for parameter 'max_results' supplied. It must be {what}"
        ))
    };
    if number < 1 {
        return Err(wrong("a positive integer"));
    }
    if number > most {
        return Err(wrong(&format!("at most {most}")));
    }
    usize::try_from(number).map_err(|_| wrong(&format!("at most {most}")))
}
