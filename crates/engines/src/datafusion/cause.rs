//! DataFusion's errors in the words of someone who reads the query.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use steward_compute::EngineError;

/// The name most like `wanted`, if any is close.
pub(crate) fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
        .filter(|(score, _)| *score >= 0.8)
        // Names come sorted or in schema order: of equal scores the first wins, the same every time.
        .fold(None, |best: Option<(f64, &str)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        })
        .map(|(_, name)| name)
}

/// At most so many names are listed.
const LISTED: usize = 12;

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let shown = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        format!("{shown} and {} more", names.len() - LISTED)
    } else {
        shown
    }
}

/// That a table is unknown.
pub(super) fn no_table<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match nearest(wanted, names.iter().copied()) {
        Some(near) if near.eq_ignore_ascii_case(wanted) => {
            format!("no table {wanted}; names in upper case need double quotes: \"{near}\"")
        }
        Some(near) => format!("no table {wanted}; did you mean {near}?"),
        None => format!("no table {wanted}; there are: {}", list(&names)),
    }
}

fn no_column(wanted: &str, valid: &[&str]) -> String {
    match nearest(wanted, valid.iter().copied()) {
        Some(near) if near.eq_ignore_ascii_case(wanted) => {
            format!("no column {wanted}; names in upper case need double quotes: \"{near}\"")
        }
        Some(near) => format!("no column {wanted}; did you mean {near}?"),
        None => format!("no column {wanted}; there are: {}", list(valid)),
    }
}

fn plain(error: &DataFusionError) -> String {
    let text = error.strip_backtrace();
    let text = text.strip_prefix("Error during planning: ").unwrap_or(&text);
    text.strip_prefix("External error: ").unwrap_or(text).trim().to_owned()
}

/// An error of checking a query.
pub(super) fn of_plan(label: &str, error: &DataFusionError) -> EngineError {
    let root = match error.find_root() {
        DataFusionError::Diagnostic(_, inner) => inner.find_root(),
        root => root,
    };
    let cause = match root {
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => {
                let names: Vec<&str> = valid_fields.iter().map(|c| c.name.as_str()).collect();
                no_column(&field.name, &names)
            }
            SchemaError::AmbiguousReference { field } => {
                format!(
                    "column {} is in more than one table; write table.{}",
                    field.name, field.name
                )
            }
            other => other.to_string(),
        },
        DataFusionError::SQL(e, _) => format!("syntax: {e}"),
        DataFusionError::NotImplemented(text) => format!("not supported: {text}"),
        root => plain(root),
    };
    EngineError::Plan {
        label: label.to_owned(),
        cause,
    }
}

/// An error of running a query.
pub(super) fn of_run(label: &str, error: &DataFusionError, memory_mib: usize) -> EngineError {
    let root = error.find_root();
    let text = plain(root);
    if matches!(root, DataFusionError::ResourcesExhausted(_)) || text.contains("No space left on device") {
        let first = text.lines().next().unwrap_or_default();
        let first = first.split(" with top memory consumers").next().unwrap_or_default();
        let cause = if text.contains("No space left") || text.contains("disk") {
            format!("{first}; free space in the folder for spilling, or choose another")
        } else {
            format!("{first}; raise the engine's memory limit, now {memory_mib} MiB, or ask for less at once")
        };
        return EngineError::Resources {
            label: label.to_owned(),
            cause,
        };
    }
    if let DataFusionError::SchemaError(..) | DataFusionError::Plan(_) = root {
        return of_plan(label, error);
    }
    EngineError::Run {
        label: label.to_owned(),
        cause: text,
    }
}
