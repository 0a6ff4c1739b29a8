//! Plain scalars by the core schema of YAML 1.2 (section 10.3.2).

use super::Value;

/// What a plain (unquoted) scalar means.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        _ => {}
    }
    integer(text)
        .or_else(|| float(text))
        .unwrap_or_else(|| Value::Str(text.to_owned()))
}

/// A whole number, decimal, octal (`0o7`) or hexadecimal (`0xF`); beyond 64 bits it is a float.
pub(super) fn integer(text: &str) -> Option<Value> {
    let (digits, radix) = if let Some(octal) = text.strip_prefix("0o") {
        (octal, 8)
    } else if let Some(hex) = text.strip_prefix("0x") {
        (hex, 16)
    } else {
        (text.strip_prefix(['-', '+']).unwrap_or(text), 10)
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    if radix != 10 {
        return i64::from_str_radix(digits, radix).ok().map(Value::Int);
    }
    text.parse()
        .map(Value::Int)
        .ok()
        .or_else(|| text.parse().map(Value::Float).ok())
}

/// A number with a point or an exponent, or an infinity.
pub(super) fn float(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Some(Value::Float(if text.starts_with('-') {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        }));
    }
    // Rust also reads `inf`, `nan` and `infinity`, which are text in YAML.
    let digit = unsigned.chars().any(|c| c.is_ascii_digit());
    let allowed = unsigned
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'));
    let starts = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if !(digit && allowed && starts) {
        return None;
    }
    text.parse().ok().map(Value::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_schema_holds() {
        for text in [
            "no",
            "off",
            "yes",
            "2025-01-01",
            "12:30",
            "1_000",
            "nan",
            "inf",
            "0b1",
            "-",
            "+",
            ".",
            "e3",
            "1e",
        ] {
            assert_eq!(resolve(text), Value::Str(text.into()), "{text}");
        }
        for (text, value) in [
            ("12", 12),
            ("-3", -3),
            ("+7", 7),
            ("0x1F", 31),
            ("0o17", 15),
            ("007", 7),
        ] {
            assert_eq!(resolve(text), Value::Int(value), "{text}");
        }
        for (text, value) in [
            ("1.5", 1.5),
            ("-.5", -0.5),
            ("1e3", 1000.0),
            ("1.", 1.0),
            ("12345678901234567890", 1.2345678901234567e19),
        ] {
            assert_eq!(resolve(text), Value::Float(value), "{text}");
        }
        assert_eq!(resolve("-.inf"), Value::Float(f64::NEG_INFINITY));
        assert_eq!(resolve("~"), Value::Null);
        assert_eq!(resolve("True"), Value::Bool(true));
    }
}
