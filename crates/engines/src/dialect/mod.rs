//! A checked query in the words of another database.
//!
//! The canonical text is parsed and rewritten expression by expression. What a dialect cannot say exactly is
//! refused with the reason, never written as something near.

mod functions;
mod literals;
mod moments;
mod names;
mod numbers;
mod times;
mod zones;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, ObjectName, OrderByExpr, OrderByKind, Query as SqlQuery, Select, Statement,
    TableFactor, Visit, VisitMut, VisitorMut, WindowType,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use steward_compute::{Dialect, EngineError, Query, Value};

/// What the writer knows about the tables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalog {
    /// Registered name → the parts of its name in the database.
    pub(crate) places: BTreeMap<String, Vec<String>>,
    /// Columns that hold integers in every table that has them.
    pub(crate) integers: BTreeSet<String>,
    /// Columns that hold anything else in some table.
    pub(crate) others: BTreeSet<String>,
    /// Columns that hold numbers with fractions in some table.
    pub(crate) floats: BTreeSet<String>,
}

/// The query's text in a dialect. The query must have been checked before.
pub(crate) fn write(query: &Query, dialect: Dialect, catalog: &Catalog) -> Result<String, EngineError> {
    if dialect == Dialect::DataFusion {
        return Ok(query.sql.clone());
    }
    let fail = |cause: String| EngineError::Plan {
        label: query.label.clone(),
        cause,
    };
    let mut statements = Parser::parse_sql(&GenericDialect {}, &query.sql).map_err(|e| fail(format!("syntax: {e}")))?;
    let (Some(mut statement), true) = (statements.pop(), statements.is_empty()) else {
        return Err(fail("write one query, no more".to_owned()));
    };
    let mut kinds = numbers::Kinds::new(catalog);
    let _ = Visit::visit(&statement, &mut kinds);
    if let ControlFlow::Break(cause) = VisitMut::visit(&mut statement, &mut zones::Meanings(kinds)) {
        return Err(fail(cause));
    }
    let mut writer = Writer {
        dialect,
        parameters: &query.parameters,
        catalog,
        ctes: Vec::new(),
    };
    match VisitMut::visit(&mut statement, &mut writer) {
        ControlFlow::Break(cause) => Err(fail(format!("cannot be written for {}: {cause}", spoken(dialect)))),
        ControlFlow::Continue(()) => Ok(text(&statement)),
    }
}

fn text(statement: &Statement) -> String {
    format!("{statement:#}")
}

/// A dialect's name in messages.
pub(crate) fn spoken(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::DataFusion => "DataFusion",
        Dialect::Postgres => "PostgreSQL",
        Dialect::Spark => "Spark",
        Dialect::Snowflake => "Snowflake",
        Dialect::BigQuery => "BigQuery",
        Dialect::Redshift => "Redshift",
    }
}

/// An expression whose text is in the target dialect already.
fn written(text: impl Into<String>) -> Expr {
    Expr::Identifier(Ident::new(text))
}

struct Writer<'a> {
    dialect: Dialect,
    parameters: &'a [Value],
    catalog: &'a Catalog,
    /// Names of the common table expressions of the queries around.
    ctes: Vec<BTreeSet<String>>,
}

/// Goes on, or stops with a cause.
type Step = ControlFlow<String>;

fn step(result: Result<(), String>) -> Step {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(cause) => ControlFlow::Break(cause),
    }
}

impl VisitorMut for Writer<'_> {
    type Break = String;

    fn pre_visit_query(&mut self, query: &mut SqlQuery) -> Step {
        let mut names = BTreeSet::new();
        if let Some(with) = &mut query.with {
            for cte in &mut with.cte_tables {
                names.insert(names::folded(&cte.alias.name));
                self.table_alias(&mut cte.alias);
            }
        }
        self.ctes.push(names);
        if let Some(OrderByKind::Expressions(keys)) = query.order_by.as_mut().map(|o| &mut o.kind) {
            self.nulls(keys);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut SqlQuery) -> Step {
        self.ctes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> Step {
        step(self.select(select))
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> Step {
        step(self.relation(relation))
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> Step {
        match factor {
            TableFactor::Table { alias, args: None, .. } | TableFactor::Derived { alias, .. } => {
                if let Some(alias) = alias {
                    self.table_alias(alias);
                }
                ControlFlow::Continue(())
            }
            TableFactor::NestedJoin { alias: None, .. } => ControlFlow::Continue(()),
            other => ControlFlow::Break(format!("{other} in FROM is not portable")),
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> Step {
        match self.expression(expr) {
            Ok(Some(new)) => {
                *expr = new;
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(cause) => ControlFlow::Break(cause),
        }
    }
}

impl Writer<'_> {
    /// Says where nulls sort, for dialects whose default is another than the canonical (nulls are largest).
    fn nulls(&self, keys: &mut [OrderByExpr]) {
        if !matches!(self.dialect, Dialect::Spark | Dialect::BigQuery) {
            return;
        }
        for key in keys {
            if key.options.nulls_first.is_none() {
                key.options.nulls_first = Some(key.options.asc == Some(false));
            }
        }
    }

    /// As [`Writer::nulls`], for windows, in which BigQuery takes no NULLS LAST: whether null is a key of its own.
    fn nulls_in_window(&self, keys: &mut Vec<OrderByExpr>) {
        if self.dialect != Dialect::BigQuery {
            return self.nulls(keys);
        }
        *keys = std::mem::take(keys)
            .into_iter()
            .flat_map(|mut key| {
                let descends = key.options.asc == Some(false);
                let nulls_first = key.options.nulls_first.take().unwrap_or(descends);
                let mut is_null = key.clone();
                is_null.expr = Expr::IsNull(Box::new(key.expr.clone()));
                is_null.options.asc = nulls_first.then_some(false);
                // Ascending keys have nulls first there, descending ones last.
                if nulls_first == descends {
                    vec![is_null, key]
                } else {
                    vec![key]
                }
            })
            .collect();
    }

    /// A new expression, or `None` to leave it. Parts of it are written already.
    fn expression(&self, expr: &mut Expr) -> Result<Option<Expr>, String> {
        use Dialect::{BigQuery, Postgres, Redshift, Snowflake, Spark};
        Ok(match expr {
            Expr::Identifier(name) => Some(Expr::Identifier(self.identifier(name))),
            Expr::CompoundIdentifier(names) => Some(Expr::CompoundIdentifier(
                names.iter().map(|n| self.identifier(n)).collect(),
            )),
            Expr::Value(value) => self.literal(&value.value)?,
            Expr::Cast {
                kind,
                expr,
                data_type,
                array: false,
                format: None,
            } => Some(self.cast(kind, expr, data_type)?),
            Expr::TypedString(typed) => Some(self.typed_string(typed)?),
            Expr::Interval(interval) => Some(self.interval(interval)?),
            Expr::Extract { field, expr, .. } => Some(self.date_part(&field.to_string().to_lowercase(), expr)?),
            Expr::Function(function) => {
                if let Some(WindowType::WindowSpec(window)) = &mut function.over {
                    self.nulls_in_window(&mut window.order_by);
                }
                self.function(function)?
            }
            Expr::BinaryOp { left, op, right } => self.operator(left, op, right)?,
            Expr::IsDistinctFrom(a, b) if self.dialect == Redshift => Some(written(format!(
                "CASE WHEN {a} IS NULL OR {b} IS NULL THEN ({a} IS NULL) <> ({b} IS NULL) ELSE {a} <> {b} END"
            ))),
            Expr::IsNotDistinctFrom(a, b) if self.dialect == Redshift => Some(written(format!(
                "CASE WHEN {a} IS NULL OR {b} IS NULL THEN ({a} IS NULL) = ({b} IS NULL) ELSE {a} = {b} END"
            ))),
            Expr::ILike {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } if matches!(self.dialect, BigQuery) => {
                let not = if *negated { "NOT " } else { "" };
                Some(written(format!("LOWER({expr}) {not}LIKE LOWER({pattern})")))
            }
            Expr::Position { expr, r#in } => Some(self.position(r#in, expr)),
            Expr::Substring {
                expr,
                substring_from: Some(from),
                substring_for,
                ..
            } => {
                let length = substring_for.as_ref().map(|n| format!(", {n}")).unwrap_or_default();
                Some(written(format!("SUBSTR({expr}, {from}{length})")))
            }
            Expr::IsTrue(e) if matches!(self.dialect, Snowflake) => Some(written(format!("COALESCE({e}, FALSE)"))),
            Expr::IsNotTrue(e) if matches!(self.dialect, Snowflake) => {
                Some(written(format!("NOT COALESCE({e}, FALSE)")))
            }
            Expr::IsFalse(e) if matches!(self.dialect, Snowflake) => Some(written(format!("NOT COALESCE({e}, TRUE)"))),
            Expr::IsNotFalse(e) if matches!(self.dialect, Snowflake) => Some(written(format!("COALESCE({e}, TRUE)"))),
            Expr::AtTimeZone { .. } => return Err(format!("{expr}: a time zone is not portable there")),
            Expr::JsonAccess { .. }
            | Expr::CompoundFieldAccess { .. }
            | Expr::Struct { .. }
            | Expr::Dictionary(_)
            | Expr::Map(_)
            | Expr::Array(_)
            | Expr::AnyOp { .. }
            | Expr::AllOp { .. }
            | Expr::SimilarTo { .. }
            | Expr::Overlay { .. }
            | Expr::Collate { .. }
            | Expr::Lambda(_) => return Err(format!("{expr} is not portable")),
            Expr::GroupingSets(sets) if matches!(self.dialect, Postgres | Spark | Snowflake | BigQuery | Redshift) => {
                // A set of one expression needs its parentheses kept: (a), not a.
                let sets: Vec<String> = sets
                    .iter()
                    .map(|s| format!("({})", s.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")))
                    .collect();
                Some(written(format!("GROUPING SETS ({})", sets.join(", "))))
            }
            _ => None,
        })
    }

    fn operator(&self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Option<Expr>, String> {
        use BinaryOperator as Op;
        Ok(match op {
            Op::PGRegexMatch => Some(written(self.matches(left, right))),
            Op::PGRegexNotMatch => Some(written(format!("NOT ({})", self.matches(left, right)))),
            Op::Modulo if self.dialect == Dialect::BigQuery => Some(written(format!("MOD({left}, {right})"))),
            Op::And
            | Op::Or
            | Op::Plus
            | Op::Minus
            | Op::Multiply
            | Op::Divide
            | Op::Modulo
            | Op::Eq
            | Op::NotEq
            | Op::Lt
            | Op::LtEq
            | Op::Gt
            | Op::GtEq
            | Op::StringConcat => None,
            other => return Err(format!("the operator {other} is not portable")),
        })
    }
}
