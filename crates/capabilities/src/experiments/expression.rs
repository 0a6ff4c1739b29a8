//! SQL expressions of definitions: parsed, their names resolved, and written anew with quoted identifiers.
//! No text of a definition reaches a query unread.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, visit_expressions_mut};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;
use steward_definitions::{Dataset, EntityType, SemanticModel};

/// A quoted identifier.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Functions whose answer depends on more than their arguments: evidence over them could not be reproduced.
const UNSTABLE: [&str; 9] = [
    "random",
    "rand",
    "now",
    "current_timestamp",
    "current_date",
    "current_time",
    "today",
    "uuid",
    "gen_random_uuid",
];

fn parse(text: &str) -> Result<Expr, String> {
    let wrong = |e: String| format!("cannot read the expression `{text}`: {e}");
    let mut parser = Parser::new(&GenericDialect {}).try_with_sql(text).map_err(|e| wrong(e.to_string()))?;
    let expr = parser.parse_expr().map_err(|e| wrong(e.to_string()))?;
    match parser.peek_token().token {
        Token::EOF => Ok(expr),
        other => Err(wrong(format!("`{other}` follows a complete expression"))),
    }
}

/// Parses `text`, replaces each name by what `resolve` answers (its parts, e.g. `["orders", "amount"]`), and writes
/// the expression anew in parentheses.
pub fn rewrite(text: &str, mut resolve: impl FnMut(&[String]) -> Result<Expr, String>) -> Result<String, String> {
    let mut expr = parse(text)?;
    let flow = visit_expressions_mut(&mut expr, |e| {
        let found = match e {
            Expr::Identifier(i) => resolve(std::slice::from_ref(&i.value)).map(Some),
            Expr::CompoundIdentifier(parts) => {
                resolve(&parts.iter().map(|p| p.value.clone()).collect::<Vec<_>>()).map(Some)
            }
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
                Err(format!("`{text}` holds a subquery; only expressions over one table's columns are allowed"))
            }
            Expr::Function(f) => {
                let name = f.name.to_string().to_lowercase();
                if UNSTABLE.contains(&name.as_str()) {
                    Err(format!("`{text}` calls {name}(), whose answer changes by itself; use a column or a constant"))
                } else if f.over.is_some() {
                    Err(format!("`{text}` holds a window function; only expressions over one row are allowed"))
                } else {
                    Ok(None)
                }
            }
            _ => Ok(None),
        };
        match found {
            Ok(Some(new)) => {
                *e = new;
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(cause) => ControlFlow::Break(cause),
        }
    });
    match flow {
        ControlFlow::Break(cause) => Err(cause),
        ControlFlow::Continue(()) => Ok(format!("({expr})")),
    }
}

fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = names.collect();
    all.sort_unstable();
    match all.iter().find(|n| n.eq_ignore_ascii_case(name)) {
        Some(n) => format!("; did you mean {n:?}?"),
        None => format!("; it has {}", all.join(", ")),
    }
}

/// The column of a dataset that a name means. A contract that lists no columns promises nothing to check against.
fn column(dataset: &Dataset, name: &str) -> Result<Expr, String> {
    let found = if dataset.columns.is_empty() || dataset.columns.iter().any(|c| c.name == name) {
        name
    } else {
        // SQL names are matched without case unless two columns differ by case alone.
        let mut alike = dataset.columns.iter().filter(|c| c.name.eq_ignore_ascii_case(name));
        match (alike.next(), alike.next()) {
            (Some(c), None) => c.name.as_str(),
            _ => {
                let names = dataset.columns.iter().map(|c| c.name.as_str());
                return Err(format!("dataset {} has no column {name:?}{}", dataset.meta.name, near(name, names)));
            }
        }
    };
    Ok(Expr::Identifier(Ident::with_quote('"', found)))
}

/// An expression over a dataset's columns, e.g. a measure's.
pub fn over_columns(text: &str, dataset: &Dataset) -> Result<String, String> {
    rewrite(text, |parts| match parts {
        [name] => column(dataset, name),
        [table, name] if *table == dataset.meta.name => column(dataset, name),
        _ => Err(format!("`{}` names another table than {}", parts.join("."), dataset.meta.name)),
    })
}

const GRAINS: [&str; 8] = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"];

/// A condition over a semantic model's dimensions, e.g. a metric's filter: `order__status = 'paid'`.
pub fn over_dimensions(text: &str, model: &SemanticModel, dataset: &Dataset) -> Result<String, String> {
    rewrite(text, |parts| match parts {
        [name] => dimension(name, model, dataset),
        _ => Err(format!("`{}` is no dimension", parts.join("."))),
    })
}

fn dimension(name: &str, model: &SemanticModel, dataset: &Dataset) -> Result<Expr, String> {
    let mut pieces: Vec<&str> = name.split("__").collect();
    let mut grain = None;
    if pieces.len() > 1
        && let Some(last) = pieces.last()
        && GRAINS.contains(last)
    {
        grain = pieces.pop();
    }
    let plain = match pieces.as_slice() {
        [plain] => *plain,
        [entity, plain] if model.entities.iter().any(|e| e.name == *entity && e.entity_type != EntityType::Foreign) => {
            *plain
        }
        [entity, plain] => {
            // A dimension of another table through a join is not there row by row in this one.
            return Err(format!(
                "{name:?} is a dimension of {entity:?}, which semantic model {} only refers to: experiments filter by \
                 dimensions of the metric's own table; add {plain:?} to it, or filter the exposures",
                model.meta.name
            ));
        }
        _ => return Err(format!("{name:?} goes through several entities, which experiments do not follow")),
    };
    let plain = if plain == "metric_time" { model.time_dimension.as_deref().unwrap_or(plain) } else { plain };
    let expr = if let Some(d) = model.dimensions.iter().find(|d| d.name == plain) {
        parse(&over_columns(&d.expr, dataset)?)?
    } else if let Some(e) = model.entities.iter().find(|e| e.name == plain) {
        parse(&over_columns(&e.expr, dataset)?)?
    } else if dataset.columns.iter().any(|c| c.name == plain) {
        column(dataset, plain)?
    } else {
        let names = model.dimensions.iter().map(|d| d.name.as_str());
        return Err(format!("semantic model {} has no dimension {plain:?}{}", model.meta.name, near(plain, names)));
    };
    match grain {
        Some(grain) => parse(&format!("date_trunc('{grain}', {expr})")),
        None => Ok(expr),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use steward_definitions::Column;

    fn orders() -> Dataset {
        let mut d = Dataset::default();
        d.meta.name = "orders".into();
        d.columns = ["amount", "Status", "drop table"]
            .iter()
            .map(|n| Column { name: (*n).into(), logical_type: "string".into(), ..Column::default() })
            .collect();
        d
    }

    #[test]
    fn names_are_quoted_and_checked() {
        let d = orders();
        assert_eq!(over_columns("amount / 100.0", &d).unwrap(), "(\"amount\" / 100.0)");
        assert_eq!(over_columns("orders.status = 'a'", &d).unwrap(), "(\"Status\" = 'a')");
        assert_eq!(over_columns("\"drop table\"", &d).unwrap(), "(\"drop table\")");
        assert!(over_columns("amuont", &d).unwrap_err().contains("no column \"amuont\""));
    }

    #[test]
    fn what_is_no_plain_expression_is_refused() {
        let d = orders();
        for text in [
            "amount) FROM orders; DROP TABLE orders --",
            "amount; DELETE FROM orders",
            "(SELECT max(amount) FROM orders)",
            "amount IN (SELECT 1)",
            "random()",
            "sum(amount) OVER ()",
            "other.amount",
            "",
        ] {
            assert!(over_columns(text, &d).is_err(), "{text}");
        }
    }
}
