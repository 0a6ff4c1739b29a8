//! Rules that the standard has no words for: `type: custom`, `engine: steward`, with the rule as `implementation`.
//!
//! ```yaml
//! - {type: custom, engine: steward, implementation: {rule: delay, from: start_ts, to: ingest_ts, max: 2h, within: 99.5%}}
//! - {type: custom, engine: steward, implementation: {rule: shift, column: amount, time: ts, max_factor: 5}}
//! - {type: custom, engine: steward, implementation: {rule: volume, by_day: ts, min: 1000}}
//! - {type: custom, engine: steward, implementation: {rule: range, column: age, min: 0, max: 120, within: 99%}}
//! - {type: custom, engine: steward, implementation: {rule: freshness, column: ts, max: 26h}}
//! ```

use super::Contract;
use super::column::NONE;
use crate::decode::{MapReader, share};
use crate::yaml::Node;
use crate::{Bound, Rule};

/// Reads the rule. At a property, its column need not be repeated.
pub(super) fn read(contract: &Contract<'_>, node: &Node, _dataset: &str, own: Option<&str>) -> Option<Rule> {
    let mut map = contract.decoder.map(node, "`implementation`")?;
    map.required("rule")?;
    let word = map.choice("rule", &["delay", "shift", "volume", "range", "freshness"])?;
    map.rename(format!("the rule `{word}`"));
    let rule = match word.as_str() {
        "delay" => {
            let (from, to) = (map.required_text("from"), map.required_text("to"));
            map.required("max");
            let max_seconds = map.duration_seconds("max");
            let (bound, percent) = within(&mut map);
            max_seconds.map(|max_seconds| Rule::Delay {
                from,
                to,
                max_seconds,
                bound,
                percent,
            })
        }
        "shift" => {
            let column = column(&mut map, own);
            let time = map.required_text("time");
            let max_factor = map.required_number("max_factor");
            match (max_factor, map.get("max_factor")) {
                (Some(factor), Some(node)) if factor <= 1.0 => {
                    contract
                        .decoder
                        .bad_value(node, format!("`max_factor` is {factor}"), "a number above 1");
                    None
                }
                (factor, _) => factor.map(|max_factor| Rule::Shift {
                    column,
                    time,
                    max_factor,
                }),
            }
        }
        "volume" => {
            let bound = Bound {
                min: map.number("min"),
                max: map.number("max"),
                exclusive: false,
            };
            if bound.min.is_none() && bound.max.is_none() {
                map.required("min");
            }
            Some(Rule::Volume {
                bound,
                by_day: map.text("by_day"),
            })
        }
        "range" => {
            let column = column(&mut map, own);
            let (min, max) = (map.number("min"), map.number("max"));
            if min.is_none() && max.is_none() {
                map.required("min");
            }
            let (bound, percent) = within(&mut map);
            Some(Rule::Range {
                column,
                min,
                max,
                bound,
                percent,
            })
        }
        _ => {
            let column = column(&mut map, own);
            map.required("max");
            map.duration_seconds("max").map(|max_age_seconds| Rule::Freshness {
                column,
                max_age_seconds,
            })
        }
    };
    map.finish();
    rule
}

fn column(map: &mut MapReader<'_>, own: Option<&str>) -> String {
    match own {
        Some(own) => map.text("column").unwrap_or_else(|| own.to_owned()),
        None => map.required_text("column"),
    }
}

/// `within: 99.5%` of rows must hold: at most 0.5 per cent may fail. All of them, if not given.
fn within(map: &mut MapReader<'_>) -> (Bound, bool) {
    let Some(node) = map.get("within") else {
        return (NONE, false);
    };
    let text = map.decoder().text(node, "`within`").unwrap_or_default();
    match share(&text) {
        // Rounded, since 100 - 99.5 and the like are not exact in binary.
        Some(value) => (
            Bound {
                min: None,
                max: Some(((1.0 - value) * 100.0 * 1e9).round() / 1e9),
                exclusive: false,
            },
            true,
        ),
        None => {
            map.decoder()
                .bad_value(node, format!("`within` is `{text}`"), "a share of rows such as `99.5%`");
            (NONE, false)
        }
    }
}
