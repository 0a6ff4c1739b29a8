//! Names in checks: generated ones, and identifiers in SQL.

use crate::Rule;

/// `column.rule`, or the rule alone for a whole table.
pub(super) fn generated(rule: &Rule) -> String {
    match rule {
        Rule::Nulls { column, .. } => format!("{column}.nulls"),
        Rule::Invalid { column, .. } => format!("{column}.invalid"),
        Rule::Range { column, .. } => format!("{column}.range"),
        Rule::Duplicates { columns, .. } => format!("{}.duplicates", columns.join("_")),
        Rule::Volume { by_day: Some(_), .. } => "volume_by_day".to_owned(),
        Rule::Volume { by_day: None, .. } => "volume".to_owned(),
        Rule::References { column, .. } => format!("{column}.references"),
        Rule::Freshness { column, .. } => format!("{column}.freshness"),
        Rule::Delay { from, to, .. } => format!("{from}_{to}.delay"),
        Rule::Sql { .. } => "sql".to_owned(),
        Rule::Shift { column, .. } => format!("{column}.shift"),
    }
}

/// A name in SQL: quoted unless engines agree on it as it stands.
pub(in crate::read) fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}
