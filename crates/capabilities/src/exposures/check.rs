//! What may be kept of what was sent.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use steward_definitions::Project;

use super::types::{Collected, LIMITS, Remark};
use crate::error::nearest;

/// A sender's clock that stands before this has no battery: 2000-01-01.
const EARLIEST_US: i64 = 946_684_800_000_000;

/// An exposure that can be kept.
pub(super) struct Exposure<'a> {
    pub id: Cow<'a, str>,
    pub experiment: Cow<'a, str>,
    pub unit: Cow<'a, str>,
    pub variant: Cow<'a, str>,
    pub ts_us: i64,
    pub attributes: Option<&'a str>,
}

/// As sent: each field is looked at on its own, so that the first wrong one can be named.
#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    experiment: Option<&'a RawValue>,
    #[serde(borrow)]
    unit: Option<&'a RawValue>,
    #[serde(borrow)]
    variant: Option<&'a RawValue>,
    #[serde(borrow)]
    ts: Option<&'a RawValue>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
}

/// A field, and what is wrong with it.
type Wrong = (&'static str, String);

/// Those that can be kept; the others, and what is remarkable about these, go to `answer`.
pub(super) fn all<'a>(
    project: &Project,
    rows: &[&'a RawValue],
    now_us: i64,
    answer: &mut Collected,
) -> Vec<Exposure<'a>> {
    let mut kept = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let remark = |(field, message): Wrong| Remark {
            index,
            field: field.to_owned(),
            message,
        };
        match one(project, row, now_us) {
            Ok(exposure) => {
                answer
                    .warnings
                    .extend(warnings(project, &exposure, now_us).into_iter().map(remark));
                kept.push(exposure);
            }
            Err(wrong) => answer.errors.push(remark(wrong)),
        }
    }
    kept
}

fn one<'a>(project: &Project, row: &'a RawValue, now_us: i64) -> Result<Exposure<'a>, Wrong> {
    if !row.get().starts_with('{') {
        return Err((
            "",
            format!("{} is no object with the fields of an exposure", short(row.get())),
        ));
    }
    let sent: Sent = serde_json::from_str(row.get()).map_err(|e| ("", e.to_string()))?;
    let experiment = text("experiment", sent.experiment, LIMITS.name)?;
    if !project.experiments.contains_key(&*experiment) {
        let near = nearest(&experiment, project.experiments.keys());
        let near = near.map(|n| format!("; did you mean {n:?}?")).unwrap_or_default();
        return Err((
            "experiment",
            format!("there is no experiment named {experiment:?}{near}"),
        ));
    }
    Ok(Exposure {
        id: text("id", sent.id, LIMITS.name)?,
        unit: unit(sent.unit)?,
        variant: text("variant", sent.variant, LIMITS.name)?,
        ts_us: moment(sent.ts, now_us)?,
        attributes: attributes(sent.attributes)?,
        experiment,
    })
}

fn warnings(project: &Project, exposure: &Exposure, now_us: i64) -> Option<Wrong> {
    let variants = || {
        project
            .experiments
            .get(&*exposure.experiment)
            .into_iter()
            .flat_map(|e| &e.variants)
    };
    if !variants().any(|v| v.name == exposure.variant) {
        let names: Vec<String> = variants().map(|v| format!("{:?}", v.name)).collect();
        let message = format!(
            "the experiment has the variants {}, not {:?}: its units are left out",
            names.join(", "),
            exposure.variant
        );
        return Some(("variant", message));
    }
    let late = now_us.saturating_sub(exposure.ts_us);
    (late > LIMITS.late_us).then(|| {
        (
            "ts",
            format!(
                "it arrives {} days late; is the sender's clock right?",
                late / 86_400_000_000
            ),
        )
    })
}

fn given<'a>(field: &'static str, value: Option<&'a RawValue>) -> Result<&'a RawValue, Wrong> {
    value.ok_or_else(|| (field, format!("there is no `{field}`")))
}

fn text<'a>(field: &'static str, value: Option<&'a RawValue>, longest: usize) -> Result<Cow<'a, str>, Wrong> {
    let raw = given(field, value)?.get();
    let text = read(raw).ok_or_else(|| (field, format!("{} is no text", short(raw))))?;
    bounded(field, text, longest)
}

/// Text without escapes is taken as it stands.
fn read(raw: &str) -> Option<Cow<'_, str>> {
    let plain = raw.strip_prefix('"')?.strip_suffix('"')?;
    if plain.contains('\\') {
        return serde_json::from_str(raw).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(plain))
}

fn bounded<'a>(field: &'static str, text: Cow<'a, str>, longest: usize) -> Result<Cow<'a, str>, Wrong> {
    if text.trim().is_empty() {
        return Err((field, "it is empty".to_owned()));
    }
    if text.len() > longest {
        return Err((
            field,
            format!("it has {} bytes; at most {longest} are taken", text.len()),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err((field, format!("{} holds control characters", short(&text))));
    }
    Ok(text)
}

/// Text, or a whole number as its digits.
fn unit(value: Option<&RawValue>) -> Result<Cow<'_, str>, Wrong> {
    let raw = given("unit", value)?.get();
    if raw.parse::<i64>().is_ok() {
        return Ok(Cow::Borrowed(raw));
    }
    let text = read(raw).ok_or_else(|| ("unit", format!("{} is neither text nor a whole number", short(raw))))?;
    bounded("unit", text, LIMITS.unit)
}

fn moment(value: Option<&RawValue>, now_us: i64) -> Result<i64, Wrong> {
    let raw = given("ts", value)?.get();
    let wanted = "give RFC 3339 such as \"2025-04-01T12:00:00Z\", or microseconds since 1970 UTC";
    let us = match read(raw) {
        Some(text) => text.parse::<jiff::Timestamp>().ok().map(|at| at.as_microsecond()),
        None => raw.parse::<i64>().ok(),
    };
    let us = us.ok_or_else(|| ("ts", format!("{} is no moment; {wanted}", short(raw))))?;
    if us < EARLIEST_US {
        return Err(("ts", format!("{} is before the year 2000; {wanted}", short(raw))));
    }
    if us > now_us.saturating_add(LIMITS.ahead_us) {
        let ahead = (us - now_us) / 1_000_000;
        return Err((
            "ts",
            format!(
                "{} is {ahead} s ahead of the server's clock; set the sender's clock",
                short(raw)
            ),
        ));
    }
    Ok(us)
}

fn attributes(value: Option<&RawValue>) -> Result<Option<&str>, Wrong> {
    let Some(raw) = value.map(RawValue::get) else {
        return Ok(None);
    };
    if raw == "null" {
        return Ok(None);
    }
    if !raw.starts_with('{') {
        return Err(("attributes", format!("{} is no object", short(raw))));
    }
    if raw.len() > LIMITS.attributes {
        let message = format!("they have {} bytes; at most {} are taken", raw.len(), LIMITS.attributes);
        return Err(("attributes", message));
    }
    Ok(Some(raw))
}

/// The beginning of a text, for messages.
fn short(text: &str) -> String {
    let mut start: String = text.chars().take(60).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}
