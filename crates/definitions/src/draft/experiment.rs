//! A draft of an experiment, commented out: whoever knows that units were assigned at random uncomments it.

use std::fmt::Write as _;

use super::metrics::Drafted;
use super::{Role, TableProfile, identifier, scalar};

/// Words in what a control is often called.
const CONTROLS: [&str; 7] = ["control", "baseline", "holdout", "none", "no", "placebo", "default"];
/// What a control is often called, whole.
const CONTROL_NAMES: [&str; 2] = ["a", "0"];

/// Where a value stands among names of controls: the lower, the likelier; `None` if it is no such name.
fn control(value: &str) -> Option<usize> {
    let lower = value.to_lowercase();
    let word = |c: &&str| lower.split(|x: char| !x.is_alphanumeric()).any(|w| w == *c);
    let whole = || {
        CONTROL_NAMES
            .iter()
            .position(|c| *c == lower)
            .map(|at| at + CONTROLS.len())
    };
    CONTROLS.iter().position(word).or_else(whole)
}

/// Which of several columns is likeliest the variant: one with a value named like a control, then the fewest values.
pub fn likeliest_variant<'c, C>(columns: impl Iterator<Item = (C, Vec<&'c str>)>) -> Option<C> {
    columns
        .min_by_key(|(_, values)| (!values.iter().any(|v| control(v).is_some()), values.len()))
        .map(|(column, _)| column)
}

/// Text for `experiments/NAME.yaml`, every line a comment; `None` if no column looks like a variant or nothing can be
/// compared.
pub fn experiment(table: &TableProfile, drafted: &Drafted, owner: &str) -> Option<String> {
    let variant = table.variant()?;
    let mut values = variant.values.clone();
    if values.len() < 2 || drafted.metrics.is_empty() {
        return None;
    }
    values.sort_by_key(|v| (control(v).unwrap_or(usize::MAX), v.clone()));
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
