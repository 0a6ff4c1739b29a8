//! One scalar expression over the columns of a row.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, FunctionArguments, Ident, ObjectName, ObjectNamePart, Spanned, visit_expressions,
    visit_expressions_mut,
};
use sqlparser::tokenizer::Token;

use super::{NOT_REPEATABLE, SqlProblem, is_text, number, parser, problem, tokens};

/// Aggregates that the engines know. One of them in an expression means that it speaks of many rows.
const AGGREGATES: [&str; 38] = [
    "any_value",
    "approx_distinct",
    "approx_median",
    "approx_percentile_cont",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar",
    "covar_pop",
    "covar_samp",
    "every",
    "first_value",
    "grouping",
    "last_value",
    "listagg",
    "max",
    "mean",
    "median",
    "min",
    "mode",
    "nth_value",
    "percentile_cont",
    "percentile_disc",
    "regr_slope",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var",
    "var_pop",
    "var_samp",
    "variance",
];

/// A parsed, checked expression: one row's value. It holds no subquery, no window, no placeholder and nothing that
/// answers differently each time.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    ast: Expr,
}

/// A column as an expression names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnReference {
    /// `["amount"]`, `["orders", "amount"]`: as written, quotes removed.
    pub parts: Vec<String>,
    /// Line in the text, from 1.
    pub line: u32,
    /// Column in the text, from 1.
    pub column: u32,
}

impl ColumnReference {
    /// The last part: the column itself.
    pub fn name(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// `orders.amount`.
    pub fn dotted(&self) -> String {
        self.parts.join(".")
    }
}

impl Expression {
    /// Parses one expression; the text must hold nothing else.
    pub fn parse(text: &str) -> Result<Expression, SqlProblem> {
        let mut parser = parser(tokens(text)?);
        let ast = parser.parse_expr().map_err(problem)?;
        let rest = parser.peek_token();
        if rest.token != Token::EOF {
            return Err(SqlProblem {
                message: format!("has an unexpected `{}` after its end", rest.token),
                line: number(rest.span.start.line),
                column: number(rest.span.start.column),
            });
        }
        let refused = visit_expressions(&ast, |e| match refusal(e) {
            Some(message) => ControlFlow::Break(located(e, message)),
            None => ControlFlow::Continue(()),
        });
        match refused {
            ControlFlow::Break(refused) => Err(refused),
            ControlFlow::Continue(()) => Ok(Expression { ast }),
        }
    }

    /// The column of that name, whatever characters the name holds.
    pub fn column(name: &str) -> Expression {
        Expression {
            ast: Expr::Identifier(Ident::new(name)),
        }
    }

    /// Every mention of a column, in the order of the text.
    pub fn columns(&self) -> Vec<ColumnReference> {
        let mut all = Vec::new();
        let _ = visit_expressions(&self.ast, |e| {
            if let Some(parts) = name_parts(e) {
                let start = e.span().start;
                all.push(ColumnReference {
                    parts,
                    line: number(start.line),
                    column: number(start.column),
                });
            }
            ControlFlow::<()>::Continue(())
        });
        all
    }

    /// Names of the columns, the last part only, each once.
    pub fn column_names(&self) -> BTreeSet<String> {
        self.columns().iter().map(|c| c.name().to_owned()).collect()
    }

    /// The column, if the expression is nothing but one.
    pub fn as_column(&self) -> Option<Vec<String>> {
        let mut ast = &self.ast;
        while let Expr::Nested(inner) = ast {
            ast = inner;
        }
        name_parts(ast)
    }

    /// Aggregate functions called in it, lower case, each once; empty for an expression of one row.
    pub fn aggregates(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let _ = visit_expressions(&self.ast, |e| {
            if let Expr::Function(f) = e {
                let name = function_name(&f.name);
                if AGGREGATES.contains(&name.as_str()) {
                    found.insert(name);
                }
            }
            ControlFlow::<()>::Continue(())
        });
        found
    }

    /// Every mention of a column replaced by the expression that `of` answers for its parts; `None` leaves it as it is.
    /// What is put in keeps its own grouping and is not looked at again.
    pub fn substitute(&self, mut of: impl FnMut(&[String]) -> Option<Expression>) -> Expression {
        let mut ast = self.ast.clone();
        // Post-order: a replacement is not visited.
        let _ = visit_expressions_mut(&mut ast, |e| {
            if let Some(replacement) = name_parts(e).and_then(|parts| of(&parts)) {
                *e = grouped(replacement.ast);
            }
            ControlFlow::<()>::Continue(())
        });
        Expression { ast }
    }

    /// Every unqualified column put under a table: `amount` becomes `"t"."amount"`.
    pub fn qualify(&self, table: &str) -> Expression {
        self.substitute(|parts| match parts {
            [name] => Some(Expression {
                ast: Expr::CompoundIdentifier(vec![Ident::new(table), Ident::new(name)]),
            }),
            _ => None,
        })
    }

    /// Written from the tree: names in double quotes, keywords in capitals, one space between words.
    pub fn render(&self) -> String {
        let mut ast = self.ast.clone();
        let _ = visit_expressions_mut(&mut ast, |e| {
            match e {
                Expr::Identifier(ident) => *ident = Ident::with_quote('"', ident.value.as_str()),
                Expr::CompoundIdentifier(parts) => {
                    for ident in parts {
                        *ident = Ident::with_quote('"', ident.value.as_str());
                    }
                }
                _ => {}
            }
            ControlFlow::<()>::Continue(())
        });
        ast.to_string()
    }
}

impl fmt::Display for Expression {
    /// Written from the tree, names as they were written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ast.fmt(f)
    }
}

/// A name in double quotes.
pub fn quote(name: &str) -> String {
    Ident::with_quote('"', name).to_string()
}

fn grouped(ast: Expr) -> Expr {
    match ast {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::Function(_)
        | Expr::Nested(_)
        | Expr::Value(_)
        | Expr::Case { .. } => ast,
        other => Expr::Nested(Box::new(other)),
    }
}

fn name_parts(e: &Expr) -> Option<Vec<String>> {
    match e {
        Expr::Identifier(ident) => Some(vec![ident.value.clone()]),
        Expr::CompoundIdentifier(parts) => Some(parts.iter().map(|i| i.value.clone()).collect()),
        _ => None,
    }
}

pub(super) fn function_name(name: &ObjectName) -> String {
    name.0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => ident.value.to_lowercase(),
            other => other.to_string().to_lowercase(),
        })
        .collect::<Vec<_>>()
        .join(".")
}

fn located(e: &Expr, message: String) -> SqlProblem {
    let start = e.span().start;
    SqlProblem {
        message,
        line: number(start.line),
        column: number(start.column),
    }
}

fn refusal(e: &Expr) -> Option<String> {
    let subquery = || Some("holds a subquery; use dimensions of joined semantic models instead".to_owned());
    match e {
        Expr::Subquery(_) | Expr::InSubquery { .. } | Expr::Exists { .. } => subquery(),
        Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } if matches!(**right, Expr::Subquery(_)) => subquery(),
        Expr::Function(Function {
            args: FunctionArguments::Subquery(_),
            ..
        }) => subquery(),
        Expr::Function(Function {
            over: Some(_), name, ..
        }) => Some(format!(
            "holds a window function, `{name}`; an expression speaks of one row"
        )),
        Expr::Function(f) if NOT_REPEATABLE.contains(&function_name(&f.name).as_str()) => Some(format!(
            "calls `{}`, which answers differently each time; name the moment",
            f.name
        )),
        Expr::MatchAgainst { .. } => Some("searches full text, which not every engine can".to_owned()),
        // `x::date '2026-01-01'` and `date '…'` are fine; typed values of anything but text are not SQL.
        Expr::TypedString(typed) if !is_text(&typed.value.value) => {
            Some("holds a typed value that is no text".to_owned())
        }
        Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => Some("holds `*`; name the column".to_owned()),
        Expr::Identifier(ident) if ident.quote_style == Some('\'') => Some("uses a text as a name".to_owned()),
        _ => None,
    }
}
