//! A draft of an experiment, commented out: whoever knows that units were assigned at random uncomments it.

use std::fmt::Write as _;

use super::metrics::Drafted;
use super::{Role, TableProfile, identifier, scalar};

/// Values that a control is often called by.
const CONTROLS: [&str; 9] = [
    "control", "baseline", "holdout", "none", "no", "placebo", "default", "a", "0",
];

/// Text for `experiments/NAME.yaml`, every line a comment; `None` if no column looks like a variant or nothing can be
/// compared.
pub fn experiment(table: &TableProfile, drafted: &Drafted, owner: &str) -> Option<String> {
    let variant = table.first(Role::Variant)?;
    let mut values = variant.values.clone();
    if values.len() < 2 || drafted.metrics.is_empty() {
        return None;
    }
    values.sort_by_key(|v| {
        let lower = v.to_lowercase();
        let word = CONTROLS
            .iter()
            .position(|c| lower.split(|x: char| !x.is_alphanumeric()).any(|w| w == *c));
        (word.unwrap_or(CONTROLS.len()), v.clone())
    });
    let mut text = String::new();
    let _ = writeln!(
        text,
        "experiment: {}_{}\nowner: {}\nexposures:\n  dataset: {}",
        table.dataset(),
        identifier(&variant.name, "variant"),
        scalar(owner),
        table.dataset(),
    );
    match (&drafted.unit, &drafted.entity) {
        (Some(unit), Some(entity)) => {
            let _ = writeln!(text, "  unit: {}\n  entity: {entity}", scalar(unit));
        }
        _ => text.push_str("  unit: '*' # no column identifies a unit: every row is one\n"),
    }
    let _ = writeln!(text, "  variant: {}", scalar(&variant.name));
    if let Some(time) = table.first(Role::Time) {
        let _ = writeln!(
            text,
            "  time: {} # guess: when the unit could first notice",
            scalar(&time.name)
        );
    }
    text.push_str("variants:\n");
    for (index, value) in values.iter().enumerate() {
        let _ = writeln!(text, "  - name: {}", scalar(value));
        if index == 0 {
            text.push_str("    control: true # guess\n");
        }
    }
    text.push_str("metrics:\n  primary:\n");
    for (index, metric) in drafted.metrics.iter().take(6).enumerate() {
        if index == 1 {
            text.push_str("  secondary:\n");
        }
        let _ = writeln!(text, "    - {metric}");
    }
    let mut out = String::from(
        "# A draft: if units were assigned to these variants at random, take away the \"# \" before the lines below.\n#\n",
    );
    for line in text.lines() {
        let _ = writeln!(out, "# {line}");
    }
    Some(out)
}
