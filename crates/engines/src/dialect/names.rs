//! Names of tables and columns.
//!
//! The canonical dialect folds unquoted names to lower case, and the planner has found every name as folded; each
//! is written so that the target reads exactly it.

use sqlparser::ast::{
    Ident, JoinConstraint, JoinOperator, NamedWindowExpr, ObjectName, ObjectNamePart, Select, SelectItem,
    SelectItemQualifiedWildcardKind, TableAlias,
};
use sqlparser::keywords::ALL_KEYWORDS;
use steward_compute::Dialect;

use super::Writer;

/// The name that an identifier stands for.
pub(super) fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() {
        name.value.clone()
    } else {
        name.value.to_lowercase()
    }
}

fn is_plain(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && ALL_KEYWORDS.binary_search(&name.to_uppercase().as_str()).is_err()
}

impl Writer<'_> {
    /// A name, quoted where the target would read another without.
    pub(super) fn identifier(&self, name: &Ident) -> Ident {
        self.quoted(&folded(name))
    }

    pub(super) fn quoted(&self, name: &str) -> Ident {
        // Snowflake folds unquoted names to upper case.
        if is_plain(name) && self.dialect != Dialect::Snowflake {
            return Ident::new(name);
        }
        match self.dialect {
            Dialect::BigQuery => Ident::new(format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))),
            Dialect::Spark => Ident::new(format!("`{}`", name.replace('`', "``"))),
            _ => Ident::new(format!("\"{}\"", name.replace('"', "\"\""))),
        }
    }

    fn rename(&self, name: &mut Ident) {
        *name = self.identifier(name);
    }

    pub(super) fn table_alias(&self, alias: &mut TableAlias) {
        self.rename(&mut alias.name);
        for column in &mut alias.columns {
            self.rename(&mut column.name);
        }
    }

    /// A table: a common table expression, or its place in the database.
    pub(super) fn relation(&self, relation: &mut ObjectName) -> Result<(), String> {
        let [ObjectNamePart::Identifier(name)] = relation.0.as_slice() else {
            return Err(format!("{relation} is not a table's registered name"));
        };
        let name = folded(name);
        let is_cte = self.ctes.iter().any(|names| names.contains(&name));
        let parts = match self.catalog.places.get(&name).filter(|_| !is_cte) {
            Some(parts) => parts.iter().map(|p| self.quoted(p)).collect(),
            None => vec![self.quoted(&name)],
        };
        relation.0 = parts.into_iter().map(ObjectNamePart::Identifier).collect();
        Ok(())
    }

    pub(super) fn select(&self, select: &mut Select) -> Result<(), String> {
        if select.qualify.is_some() {
            return Err("QUALIFY is not portable; filter in a query around it".to_owned());
        }
        for item in &mut select.projection {
            match item {
                SelectItem::ExprWithAlias { alias, .. } => self.rename(alias),
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options)
                    if options.to_string().is_empty() =>
                {
                    for part in &mut name.0 {
                        if let ObjectNamePart::Identifier(part) = part {
                            self.rename(part);
                        }
                    }
                }
                SelectItem::Wildcard(options) if options.to_string().is_empty() => {}
                SelectItem::UnnamedExpr(_) => {}
                other => return Err(format!("{other} in SELECT is not portable; list the columns")),
            }
        }
        for join in select.from.iter_mut().flat_map(|t| &mut t.joins) {
            let constraint = match &mut join.join_operator {
                JoinOperator::Join(c)
                | JoinOperator::Inner(c)
                | JoinOperator::Left(c)
                | JoinOperator::LeftOuter(c)
                | JoinOperator::Right(c)
                | JoinOperator::RightOuter(c)
                | JoinOperator::FullOuter(c)
                | JoinOperator::CrossJoin(c) => c,
                other => return Err(format!("the join {other:?} is not portable")),
            };
            if let JoinConstraint::Using(names) = constraint {
                for part in names.iter_mut().flat_map(|n| &mut n.0) {
                    if let ObjectNamePart::Identifier(part) = part {
                        self.rename(part);
                    }
                }
            }
        }
        for window in &mut select.named_window {
            self.rename(&mut window.0);
            if let NamedWindowExpr::WindowSpec(spec) = &mut window.1 {
                self.nulls_in_window(&mut spec.order_by);
            }
        }
        Ok(())
    }
}
