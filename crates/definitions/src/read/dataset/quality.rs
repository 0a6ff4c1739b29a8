//! `quality`: the standard's rules as checks.

use super::column::NONE;
use super::operators::{self, Comparison};
use super::{Contract, Edition, keys, quoted, shape, steward_rule};
use crate::decode::MapReader;
use crate::yaml::{Node, Value};
use crate::{Bound, Check, Diagnostic, Rule};

/// Reads one rule of a dataset, or of one of its columns. `None` for rules that are text, or another engine's.
pub(super) fn read(contract: &Contract<'_>, node: &Node, dataset: &str, column: Option<&str>) -> Option<Check> {
    let mut map = contract.decoder.map(node, "a quality rule")?;
    map.ignore(keys::QUALITY);
    shape::texts(&map);
    let name = map.text("name");
    if let Some(name) = &name {
        map.rename(format!("the quality rule `{name}`"));
    }
    let severity = read_severity(&mut map);
    let percent = matches!(map.text("unit").as_deref(), Some("percent" | "%" | "percentage"));
    let kind = map
        .choice("type", &["library", "sql", "text", "custom"])
        .unwrap_or_else(|| "library".to_owned());
    let comparison = operators::read(contract, &mut map);
    map.ignore(&["metric", "rule", "arguments", "query", "engine", "implementation"]);
    let rule = match kind.as_str() {
        "sql" => sql(contract, &mut map, dataset, column, comparison),
        "custom" => custom(contract, &mut map, dataset, column),
        "text" => None,
        _ => library(contract, &mut map, dataset, column, comparison, percent),
    };
    let span = map.span();
    map.finish();
    Some(Check {
        name: name.unwrap_or_default(),
        rule: rule?,
        severity,
        span,
    })
}

fn read_severity(map: &mut MapReader<'_>) -> String {
    let word = map.text("severity").unwrap_or_default().to_lowercase();
    if matches!(word.as_str(), "warning" | "warn" | "info" | "minor" | "low") {
        "warning".to_owned()
    } else {
        "error".to_owned()
    }
}

fn sql(
    contract: &Contract<'_>,
    map: &mut MapReader<'_>,
    dataset: &str,
    column: Option<&str>,
    comparison: Comparison,
) -> Option<Rule> {
    let mut query = map.required_text("query");
    for (word, name) in [
        ("table", Some(dataset)),
        ("object", Some(dataset)),
        ("model", Some(dataset)),
        ("schema", Some(dataset)),
        ("column", column),
        ("property", column),
        ("field", column),
    ] {
        let Some(name) = name else { continue };
        for placeholder in [format!("${{{word}}}"), format!("{{{word}}}")] {
            query = query.replace(&placeholder, &quoted(name));
        }
    }
    match comparison {
        Comparison::Bound(bound) if !query.is_empty() => Some(Rule::Sql { query, bound }),
        Comparison::Absent => {
            missing_comparison(contract, map);
            None
        }
        _ => None,
    }
}

fn missing_comparison(contract: &Contract<'_>, map: &MapReader<'_>) {
    let problem = Diagnostic::error(
        "missing-key",
        map.span(),
        format!("{} compares its number with nothing", map.what()),
    );
    contract
        .decoder
        .report(problem.expected("one of `mustBe`, `mustBeLessThan`, `mustBeGreaterThan`, `mustBeBetween`, …"));
}

fn library(
    contract: &Contract<'_>,
    map: &mut MapReader<'_>,
    dataset: &str,
    column: Option<&str>,
    comparison: Comparison,
    percent: bool,
) -> Option<Rule> {
    const METRICS: [&str; 5] = [
        "nullValues",
        "missingValues",
        "invalidValues",
        "duplicateValues",
        "rowCount",
    ];
    let key = if map.has("metric") { "metric" } else { "rule" };
    let Some(node) = map.get(key) else {
        map.required("metric");
        return None;
    };
    let word = contract.decoder.text(node, &format!("`{key}`"))?;
    let bound = match comparison {
        Comparison::Bound(bound) => Some(bound),
        Comparison::Absent => None,
        Comparison::NotTested => return None,
    };
    if bound.is_none() && contract.edition >= Edition::V31 {
        missing_comparison(contract, map);
        return None;
    }
    let arguments = map.get("arguments");
    let needs_column = || {
        let problem = Diagnostic::error(
            "missing-key",
            contract.decoder.span(node.place),
            format!("`{word}` needs a column"),
        );
        contract
            .decoder
            .report(problem.hint("move the rule to the `quality` of a property"));
    };
    let own = column.map(str::to_owned);
    match word.as_str() {
        "nullValues" | "nullCount" | "nullCheck" => match own {
            Some(column) => Some(Rule::Nulls {
                column,
                bound: bound.unwrap_or(NONE),
                percent,
            }),
            None => {
                needs_column();
                None
            }
        },
        "missingValues" | "missingCount" => match own {
            Some(column) => Some(missing(arguments, dataset, column, bound.unwrap_or(NONE), percent)),
            None => {
                needs_column();
                None
            }
        },
        "invalidValues" | "invalidCount" | "validValues" | "validCheck" => match own {
            Some(column) => invalid(contract, map, arguments, column, bound.unwrap_or(NONE), percent),
            None => {
                needs_column();
                None
            }
        },
        "duplicateValues" | "duplicateCount" | "uniqueCheck" | "unique" => {
            let named = arguments.and_then(|a| a.get("properties"));
            let columns: Vec<String> = match (named, own) {
                (Some(list), _) => contract
                    .decoder
                    .list(list, "`properties`")
                    .iter()
                    .filter_map(|n| contract.decoder.text(n, "a property"))
                    .collect(),
                (None, Some(column)) => vec![column],
                (None, None) => {
                    needs_column();
                    return None;
                }
            };
            Some(Rule::Duplicates {
                columns,
                bound: bound.unwrap_or(NONE),
                percent,
            })
        }
        "rowCount" => {
            let Some(bound) = bound else {
                missing_comparison(contract, map);
                return None;
            };
            let by_day = arguments
                .and_then(|a| a.get("by_day").or_else(|| a.get("byDay")))
                .and_then(Node::as_str);
            Some(Rule::Volume {
                bound,
                by_day: by_day.map(str::to_owned),
            })
        }
        _ => {
            contract.decoder.choice(node, &format!("`{key}`"), &METRICS);
            None
        }
    }
}

/// Nulls and words that stand for them, such as `N/A`.
fn missing(arguments: Option<&Node>, dataset: &str, column: String, bound: Bound, percent: bool) -> Rule {
    let words: Vec<&Node> = arguments
        .and_then(|a| a.get("missingValues"))
        .map(|n| n.items().iter().filter(|i| !i.is_null()).collect())
        .unwrap_or_default();
    if words.is_empty() {
        return Rule::Nulls { column, bound, percent };
    }
    let list: Vec<String> = words
        .iter()
        .map(|w| format!("'{}'", w.text.replace('\'', "''")))
        .collect();
    let (table, name) = (quoted(dataset), quoted(&column));
    let failing = format!(
        "SUM(CASE WHEN {name} IS NULL OR CAST({name} AS VARCHAR) IN ({}) THEN 1 ELSE 0 END)",
        list.join(", ")
    );
    let measured = if percent {
        format!("COALESCE(100.0 * {failing} / NULLIF(COUNT(*), 0), 0)")
    } else {
        format!("COALESCE({failing}, 0)")
    };
    Rule::Sql {
        query: format!("SELECT {measured} FROM {table}"),
        bound,
    }
}

fn invalid(
    contract: &Contract<'_>,
    map: &MapReader<'_>,
    arguments: Option<&Node>,
    column: String,
    bound: Bound,
    percent: bool,
) -> Option<Rule> {
    let get = |key: &str| arguments.and_then(|a| a.get(key));
    let values = get("validValues").map(|list| {
        contract
            .decoder
            .list(list, "`validValues`")
            .iter()
            .filter_map(|n| contract.decoder.text(n, "a valid value"))
            .collect()
    });
    let pattern = get("pattern").and_then(|n| contract.decoder.text(n, "`pattern`"));
    let min_length = get("minLength").and_then(|n| contract.decoder.count(n, "`minLength`"));
    let max_length = get("maxLength").and_then(|n| contract.decoder.count(n, "`maxLength`"));
    if values.is_none() && pattern.is_none() && min_length.is_none() && max_length.is_none() {
        let problem = Diagnostic::error(
            "missing-key",
            map.span(),
            format!("{} does not say which values are valid", map.what()),
        );
        contract
            .decoder
            .report(problem.expected("`arguments` with `validValues` or `pattern`"));
        return None;
    }
    Some(Rule::Invalid {
        column,
        values,
        pattern,
        min_length,
        max_length,
        bound,
        percent,
    })
}

fn custom(contract: &Contract<'_>, map: &mut MapReader<'_>, dataset: &str, column: Option<&str>) -> Option<Rule> {
    let engine = map.required_text("engine");
    let node = map.required("implementation")?;
    if matches!(node.value, Value::Int(_) | Value::Float(_) | Value::Bool(_)) {
        contract.decoder.wrong_type(node, "`implementation`", "text or a map");
        return None;
    }
    if engine != "steward" {
        return None;
    }
    let Value::Map(_) = node.value else {
        contract.decoder.wrong_type(
            node,
            "`implementation`",
            "a map such as `{rule: delay, from: a, to: b, max: 2h}`",
        );
        return None;
    };
    steward_rule::read(contract, node, dataset, column)
}
