//! `relationships` (from 3.1): foreign keys as checks.

use super::Contract;
use super::column::promise;
use crate::decode::Target;
use crate::project::{Kind, Reference};
use crate::yaml::{Node, Value};
use crate::{Check, Diagnostic, Rule};

/// Reads a foreign key of a dataset (with `from`) or of one of its columns (without).
pub(super) fn read(contract: &Contract<'_>, node: &Node, column: Option<&str>) -> Option<Check> {
    let mut map = contract.decoder.map(node, "a relationship")?;
    map.ignore(&["id", "customProperties"]);
    map.choice("type", &["foreignKey"]);
    let from_node = if column.is_some() {
        map.get("from")
    } else {
        map.required("from")
    };
    let to_node = map.required("to");
    let span = map.span();
    map.finish();
    let to = one(contract, to_node?)?;
    let from = match (column, from_node) {
        (Some(column), None) => column.to_owned(),
        (Some(_), Some(node)) => {
            contract.decoder.error(
                "unknown-key",
                node.place,
                "`from` is the property itself here; leave it out",
            );
            return None;
        }
        (None, node) => one(contract, node?)?,
    };
    let Some((dataset, target)) = split(&to) else {
        let problem = Diagnostic::error(
            "bad-value",
            contract.decoder.span(to_node?.place),
            format!("`{to}` names no column of a dataset"),
        );
        contract.decoder.report(problem.expected("`dataset.column`"));
        return None;
    };
    let place = to_node?.place;
    contract.decoder.mention(
        Target::Definition(Reference::new(Kind::Dataset, dataset.as_str())),
        place,
        "the relationship",
    );
    contract.decoder.mention(
        Target::Column {
            dataset: dataset.clone(),
            column: target.clone(),
        },
        place,
        "the relationship",
    );
    let column = split(&from).map_or(from.clone(), |(_, column)| column);
    Some(promise(
        Rule::References {
            column,
            dataset,
            target,
        },
        &span,
    ))
}

/// A single column; keys of several columns are accepted but not tested.
fn one(contract: &Contract<'_>, node: &Node) -> Option<String> {
    match &node.value {
        Value::Seq(items) => match items.as_slice() {
            [only] => contract.decoder.text(only, "a column"),
            [] => {
                contract.decoder.wrong_type(node, "the key", "at least one column");
                None
            }
            _ => {
                contract.not_checked(
                    node,
                    "a foreign key of several columns is not tested",
                    "write it as a quality rule of `type: sql`",
                );
                None
            }
        },
        _ => contract.decoder.text(node, "a column"),
    }
}

/// `dataset.column`, or `schema/dataset/properties/column` with or without a file before `#`.
fn split(text: &str) -> Option<(String, String)> {
    let local = text.rsplit_once('#').map_or(text, |(_, local)| local);
    let parts: Vec<&str> = if local.contains('/') {
        local
            .split('/')
            .filter(|p| !p.is_empty() && !matches!(*p, "schema" | "properties"))
            .collect()
    } else {
        local.split('.').collect()
    };
    match parts.as_slice() {
        [dataset, column] if !dataset.is_empty() && !column.is_empty() => {
            Some(((*dataset).to_owned(), (*column).to_owned()))
        }
        _ => None,
    }
}
