//! `slaProperties`: service levels, of which freshness and latency are tested.

use super::column::promise;
use super::{Contract, keys, shape};
use crate::decode::{MapReader, duration_seconds};
use crate::nearest::nearest;
use crate::yaml::{Node, Place};
use crate::{Dataset, Diagnostic, Rule, ServiceLevel};

/// A service level and where it is written.
pub(super) struct Level {
    level: ServiceLevel,
    place: Place,
}

pub(super) fn read(contract: &Contract<'_>, map: &mut MapReader<'_>) -> Vec<Level> {
    let default = map.text("slaDefaultElement");
    let mut levels = Vec::new();
    for mut item in map.maps("slaProperties") {
        item.ignore(keys::SERVICE);
        shape::texts(&item);
        let property = item.required_text("property");
        item.rename(format!("the service level `{property}`"));
        let value = item
            .required("value")
            .and_then(|node: &Node| contract.decoder.text(node, "`value`"));
        let level = ServiceLevel {
            property,
            value: value.unwrap_or_default(),
            unit: item.text("unit"),
            element: item.text("element").or_else(|| default.clone()),
        };
        levels.push(Level {
            level,
            place: item.place(),
        });
        item.finish();
    }
    levels
}

/// Gives a dataset the levels that concern it, and the checks that follow.
pub(super) fn apply(contract: &Contract<'_>, levels: &[Level], only: bool, dataset: &mut Dataset) {
    for Level { level, place } in levels {
        let elements: Vec<&str> = level
            .element
            .iter()
            .flat_map(|e| e.split(','))
            .map(str::trim)
            .filter(|e| !e.is_empty())
            .collect();
        let own: Vec<&str> = elements
            .iter()
            .filter_map(|e| column_of(e, &dataset.meta.name, only))
            .collect();
        if !elements.is_empty() && own.is_empty() {
            continue;
        }
        dataset.service_levels.push(level.clone());
        if !matches!(
            level.property.to_lowercase().as_str(),
            "freshness" | "latency" | "ly" | "fr"
        ) {
            continue;
        }
        let span = contract.decoder.span(*place);
        let Some(max_age_seconds) = seconds(level) else {
            let problem = Diagnostic::error("bad-value", span, format!("`{}` is no length of time", level.value));
            contract
                .decoder
                .report(problem.expected("a number with a `unit` such as `d` or `h`"));
            continue;
        };
        if own.is_empty() {
            let problem = Diagnostic::warning(
                "not-checked",
                span,
                format!("`{}` names no column and is not tested", level.property),
            );
            contract.decoder.report(problem.hint(format!(
                "add `element: {}.COLUMN` with the column of the time",
                dataset.meta.name
            )));
        }
        for column in own {
            if dataset.columns.iter().any(|c| c.name == column) {
                let rule = Rule::Freshness {
                    column: column.to_owned(),
                    max_age_seconds,
                };
                dataset.checks.push(promise(rule, &contract.decoder.span(*place)));
                continue;
            }
            let message = format!("the dataset `{}` has no column `{column}`", dataset.meta.name);
            let near = nearest(column, dataset.columns.iter().map(|c| c.name.as_str()));
            contract
                .decoder
                .report(Diagnostic::error("unknown-column", contract.decoder.span(*place), message).did_you_mean(near));
        }
    }
}

/// The column of an element that concerns the dataset: `dataset.column`, or a column alone in a contract of one.
fn column_of<'a>(element: &'a str, dataset: &str, only: bool) -> Option<&'a str> {
    match element.rsplit_once('.') {
        Some((table, column)) => (table == dataset).then_some(column),
        None => (only && element != dataset).then_some(element),
    }
}

fn seconds(level: &ServiceLevel) -> Option<u64> {
    let Some(unit) = &level.unit else {
        return duration_seconds(&level.value).ok();
    };
    let each: f64 = match unit.to_lowercase().as_str() {
        "s" | "sec" | "second" | "seconds" => 1.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        "y" | "yr" | "yrs" | "year" | "years" => 31_557_600.0,
        _ => return None,
    };
    let value: f64 = level.value.parse().ok()?;
    let total = value * each;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (total.is_finite() && (1.0..1e12).contains(&total)).then_some(total.round() as u64)
}
