//! What may be logged: names, lengths, numbers at once. The numbers are MLflow's, and so are the words, on which its
//! clients' tests rest.

use std::collections::BTreeSet;

use serde_json::json;
use steward_runs::{Dataset, Point, RunsError};

/// Longest name of a metric, a parameter or a tag, in characters.
const KEY: usize = 250;
/// Longest parameter.
const PARAM: usize = 6000;
/// Longest tag of a run.
const TAG: usize = 8000;
/// Longest tag of a run group.
const GROUP_TAG: usize = 20_000;
/// Longest name of a run group.
const GROUP_NAME: usize = 500;
/// Longest address of files.
const ADDRESS: usize = 500;
/// Most metric points at once.
const POINTS: usize = 1000;
/// Most parameters, and most tags, at once.
const PAIRS: usize = 100;
/// Most of all at once.
const ENTITIES: usize = 1000;

fn invalid(message: impl Into<String>) -> RunsError {
    RunsError::Invalid(message.into())
}

fn value(path: &str, value: &str, hint: &str) -> RunsError {
    invalid(format!(
        "Invalid value {} for parameter '{path}' supplied: {hint}",
        json!(value)
    ))
}

fn longest(what: &str, limit: usize, text: &str) -> Result<(), RunsError> {
    if text.len() > limit && text.chars().count() > limit {
        return Err(invalid(format!(
            "'{what}' exceeds the maximum length of {limit} characters"
        )));
    }
    Ok(())
}

/// Keeps the first characters of a text, as many as are allowed.
fn cut(text: &mut String, limit: usize) {
    if text.len() > limit
        && let Some((at, _)) = text.char_indices().nth(limit)
    {
        text.truncate(at);
    }
}

/// Whether a name can stand for itself where it is a path.
fn name(path: &str, name: &str) -> Result<(), RunsError> {
    let plain = |c: char| c.is_alphanumeric() || "/_.- :".contains(c);
    if !name.chars().all(plain) {
        let hint = "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) \
                    and slashes (/).";
        return Err(value(path, name, hint));
    }
    let real = normal(name);
    if real != name || real == "." || real.starts_with("..") || real.starts_with('/') {
        let hint = format!(
            "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. \
             This name would resolve to '{real}'"
        );
        return Err(value(path, name, &hint));
    }
    Ok(())
}

/// A path without empty steps and steps back.
fn normal(path: &str) -> String {
    let root = match path {
        p if p.starts_with("//") && !p.starts_with("///") => "//",
        p if p.starts_with('/') => "/",
        _ => "",
    };
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." if steps.last().is_some_and(|s| *s != "..") => drop(steps.pop()),
            ".." if !root.is_empty() => {}
            other => steps.push(other),
        }
    }
    let made = format!("{root}{}", steps.join("/"));
    if made.is_empty() { ".".into() } else { made }
}

/// A run's id.
pub fn run_id(id: &str) -> Result<(), RunsError> {
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let first = id.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if !first || id.chars().count() > 256 || !id.chars().all(plain) {
        return Err(invalid(format!(
            "Invalid value {} for parameter 'run_id' supplied.",
            json!(id)
        )));
    }
    Ok(())
}

/// A metric point. `path` is where it stands in the request, such as `metrics[3]`; empty if alone.
pub fn point(point: &Point, path: &str) -> Result<(), RunsError> {
    let at = |field: &str| match path {
        "" => field.to_owned(),
        path => format!("{path}.{field}"),
    };
    name(&at("name"), &point.key)?;
    if point.at_ms < 0 {
        return Err(invalid(format!(
            "Invalid value {} for parameter '{}' supplied: metric '{}' (value={}). Timestamp must be a nonnegative long \
             (64-bit integer) ",
            point.at_ms,
            at("timestamp"),
            point.key,
            point.value
        )));
    }
    longest("Metric name", KEY, &point.key)
}

/// A parameter; what is too long of its value is cut off.
pub fn param(key: &str, value: &mut String, path: &str) -> Result<(), RunsError> {
    name(
        &if path.is_empty() {
            "key".into()
        } else {
            format!("{path}.key")
        },
        key,
    )?;
    longest("Param key", KEY, key)?;
    cut(value, PARAM);
    Ok(())
}

/// A tag of a run; what is too long of its value is cut off.
pub fn tag(key: &str, value: &mut String, path: &str) -> Result<(), RunsError> {
    let at = if path.is_empty() {
        "key".into()
    } else {
        format!("{path}.key")
    };
    name(&at, key)?;
    longest(&at, KEY, key)?;
    cut(value, TAG);
    Ok(())
}

/// A tag of a run group.
pub fn group_tag(key: &str, value: &str) -> Result<(), RunsError> {
    name("key", key)?;
    longest("key", KEY, key)?;
    longest("value", GROUP_TAG, value)
}

/// The name of a run group.
pub fn group_name(name: &str) -> Result<(), RunsError> {
    if name.is_empty() {
        return Err(invalid("Invalid experiment name: ''"));
    }
    longest("name", GROUP_NAME, name)
}

/// Where files of a run group go.
pub fn address(address: &str) -> Result<(), RunsError> {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    if address.contains('#') || path.contains(';') {
        return Err(invalid("'artifact_location' URL can't include fragments or params."));
    }
    let steps_back = |text: &str| {
        let text = text
            .to_ascii_lowercase()
            .replace("%2e", ".")
            .replace("%2f", "/")
            .replace("%5c", "/");
        text.replace('\\', "/").split('/').any(|step| step == "..")
    };
    if steps_back(query) {
        return Err(invalid(format!("Invalid query string: {query}")));
    }
    if steps_back(path) || address.contains('\0') {
        return Err(invalid(format!(
            "Invalid artifact location {}: it must not lead back by '..'",
            json!(address)
        )));
    }
    if address.chars().count() > ADDRESS {
        return Err(invalid(format!(
            "Invalid artifact path length. The length of the artifact path cannot be greater than {ADDRESS} characters."
        )));
    }
    Ok(())
}

/// So much may be logged at once, and no parameter twice.
pub fn batch(points: &[Point], params: &[(String, String)], tags: &[(String, String)]) -> Result<(), RunsError> {
    let all = points.len() + params.len() + tags.len();
    for (what, most, number) in [
        ("metrics", POINTS, points.len()),
        ("params", PAIRS, params.len()),
        ("tags", PAIRS, tags.len()),
        ("metrics, params, and tags", ENTITIES, all),
    ] {
        if number > most {
            return Err(invalid(format!(
                "A batch logging request can contain at most {most} {what}. Got {number} {what}. Please split up {what} \
                 across multiple requests and try again."
            )));
        }
    }
    let mut seen = BTreeSet::new();
    let twice: Vec<String> = params
        .iter()
        .filter(|(key, _)| !seen.insert(key))
        .map(|(key, _)| format!("'{key}'"))
        .collect();
    if !twice.is_empty() {
        return Err(invalid(format!(
            "Duplicate parameter keys have been submitted: [{}]. Please ensure the request contains only one param value \
             per param key.",
            twice.join(", ")
        )));
    }
    Ok(())
}

/// A dataset that a run read, with the tags of its use.
pub fn dataset(dataset: &Dataset, tags: &[(String, String)]) -> Result<(), RunsError> {
    longest("name", 500, &dataset.name)?;
    longest("digest", 36, &dataset.digest)?;
    longest("source", 65_535, &dataset.source)?;
    longest("schema", 1_048_575, dataset.schema.as_deref().unwrap_or(""))?;
    longest("profile", 16_777_215, dataset.profile.as_deref().unwrap_or(""))?;
    for (key, value) in tags {
        longest("key", 255, key)?;
        longest("value", 500, value)?;
    }
    Ok(())
}

/// The name of a model.
pub fn model_name(name: &str) -> Result<(), RunsError> {
    if name.is_empty() || name.contains(['/', ':', '.', '%', '"', '\'']) {
        return Err(invalid(format!(
            "Invalid model name ('{name}') provided. Model name must be a non-empty string and cannot contain the \
             following characters: ('/', ':', '.', '%', '\"', \"'\")"
        )));
    }
    Ok(())
}
