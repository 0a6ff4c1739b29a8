//! Texts that YAML and SQL read back as they were.

use crate::semantic::jinja::GRAINS;

/// Words that some YAML reader takes for something else than text.
const RESERVED: [&str; 12] = [
    "true", "false", "yes", "no", "on", "off", "y", "n", "null", "none", "nan", "inf",
];

/// A scalar for YAML that every reader takes for this very text.
pub fn scalar(text: &str) -> String {
    let plain = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' '))
        && !text.ends_with(' ')
        && !text.contains("  ")
        && !RESERVED.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    let printable = text
        .chars()
        .all(|c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{85}'));
    if printable {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{85}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A name for definitions: lower case letters, digits and single `_`, starting with a letter, at least two characters,
/// none that names a grain of time. `prefix` goes before what would be none.
pub fn identifier(text: &str, prefix: &str) -> String {
    let mut name = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = name.trim_end_matches('_');
    let starts = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    let reserved = GRAINS.contains(&name) || matches!(name, "metric_time" | "time");
    match (name.is_empty(), starts && !reserved && name.len() > 1) {
        (true, _) => prefix.to_owned(),
        (false, true) => name.to_owned(),
        (false, false) => format!("{prefix}_{name}"),
    }
}

/// A column as a SQL expression, quoted where it must be.
pub(super) fn column_expression(column: &str) -> String {
    let plain = column.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && crate::sql::Expression::parse(column).is_ok_and(|e| e.as_column().is_some());
    if plain {
        column.to_owned()
    } else {
        crate::sql::quote(column)
    }
}
