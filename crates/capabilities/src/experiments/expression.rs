//! SQL expressions of definitions over a table's columns and a model's dimensions: parsed, their names resolved, and
//! written anew with quoted identifiers. No text of a definition reaches a query unread.

use steward_definitions::sql::Expression;
use steward_definitions::{Dataset, EntityType, SemanticModel};

pub use steward_definitions::sql::quote;

fn parse(text: &str) -> Result<Expression, String> {
    let parsed = Expression::parse(text).map_err(|e| format!("cannot read the expression `{text}`: {e}"))?;
    match parsed.aggregates().first() {
        Some(name) => Err(format!(
            "`{text}` calls the aggregate {name}(); write the value of one row"
        )),
        None => Ok(parsed),
    }
}

/// Parses `text` and replaces each name by what `resolve` answers for its parts, e.g. `["orders", "amount"]`.
fn rewrite(text: &str, mut resolve: impl FnMut(&[String]) -> Result<Expression, String>) -> Result<Expression, String> {
    let mut failed = None;
    let written = parse(text)?.substitute(|parts| match resolve(parts) {
        Ok(new) => Some(new),
        Err(cause) => {
            failed.get_or_insert(cause);
            None
        }
    });
    failed.map_or(Ok(written), Err)
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
fn column(dataset: &Dataset, name: &str) -> Result<Expression, String> {
    let found = if dataset.columns.is_empty() || dataset.columns.iter().any(|c| c.name == name) {
        name
    } else {
        // SQL names are matched without case unless two columns differ by case alone.
        let mut alike = dataset.columns.iter().filter(|c| c.name.eq_ignore_ascii_case(name));
        match (alike.next(), alike.next()) {
            (Some(c), None) => c.name.as_str(),
            _ => {
                let names = dataset.columns.iter().map(|c| c.name.as_str());
                return Err(format!(
                    "dataset {} has no column {name:?}{}",
                    dataset.meta.name,
                    near(name, names)
                ));
            }
        }
    };
    Ok(Expression::column(found))
}

/// An expression over a dataset's columns, e.g. a measure's, in parentheses.
pub fn over_columns(text: &str, dataset: &Dataset) -> Result<String, String> {
    Ok(format!("({})", columns(text, dataset)?.render()))
}

fn columns(text: &str, dataset: &Dataset) -> Result<Expression, String> {
    rewrite(text, |parts| match parts {
        [name] => column(dataset, name),
        [table, name] if *table == dataset.meta.name => column(dataset, name),
        _ => Err(format!(
            "`{}` names another table than {}",
            parts.join("."),
            dataset.meta.name
        )),
    })
}

const GRAINS: [&str; 8] = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"];

/// A condition over a semantic model's dimensions, e.g. a metric's filter: `order__status = 'paid'`.
pub fn over_dimensions(text: &str, model: &SemanticModel, dataset: &Dataset) -> Result<String, String> {
    let written = rewrite(text, |parts| match parts {
        [name] => dimension(name, model, dataset),
        _ => Err(format!("`{}` is no dimension", parts.join("."))),
    })?;
    Ok(format!("({})", written.render()))
}

fn dimension(name: &str, model: &SemanticModel, dataset: &Dataset) -> Result<Expression, String> {
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
        [entity, plain]
            if model
                .entities
                .iter()
                .any(|e| e.name == *entity && e.entity_type != EntityType::Foreign) =>
        {
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
        _ => {
            return Err(format!(
                "{name:?} goes through several entities, which experiments do not follow"
            ));
        }
    };
    let plain = if plain == "metric_time" {
        model.time_dimension.as_deref().unwrap_or(plain)
    } else {
        plain
    };
    let expr = if let Some(d) = model.dimensions.iter().find(|d| d.name == plain) {
        columns(&d.expr, dataset)?
    } else if let Some(e) = model.entities.iter().find(|e| e.name == plain) {
        columns(&e.expr, dataset)?
    } else if dataset.columns.iter().any(|c| c.name == plain) {
        column(dataset, plain)?
    } else {
        let names = model.dimensions.iter().map(|d| d.name.as_str());
        return Err(format!(
            "semantic model {} has no dimension {plain:?}{}",
            model.meta.name,
            near(plain, names)
        ));
    };
    match grain {
        Some(grain) => parse(&format!("date_trunc('{grain}', {})", expr.render())),
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
            .map(|n| Column {
                name: (*n).into(),
                logical_type: "string".into(),
                ..Column::default()
            })
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
