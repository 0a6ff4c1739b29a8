//! SQL fragments of definitions and requests: parsed, checked, and rendered again with every name quoted.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArguments, Ident, visit_expressions, visit_expressions_mut,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use crate::CapabilityError;

/// A parsed scalar expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expression {
    ast: Expr,
}

/// What makes an answer differ from one run to the next.
const NOT_REPEATABLE: [&str; 8] = [
    "now",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtimestamp",
    "random",
    "rand",
    "uuid",
];

impl Expression {
    /// Parses one expression. `what` names it in errors, e.g. `filter of metric revenue`.
    pub fn parse(text: &str, what: &str) -> Result<Expression, CapabilityError> {
        let fail = |cause: String| CapabilityError::Invalid(format!("{what}: `{text}` is no SQL expression: {cause}"));
        let mut parser = Parser::new(&GenericDialect {})
            .try_with_sql(text)
            .map_err(|e| fail(e.to_string()))?;
        let ast = parser.parse_expr().map_err(|e| fail(e.to_string()))?;
        let rest = parser.peek_token();
        if rest.token != Token::EOF {
            return Err(fail(format!("unexpected `{}` after its end", rest.token)));
        }
        let refused = visit_expressions(&ast, |e| match refusal(e) {
            Some(why) => ControlFlow::Break(why),
            None => ControlFlow::Continue(()),
        });
        match refused {
            ControlFlow::Break(why) => Err(CapabilityError::Invalid(format!("{what}: `{text}` {why}"))),
            ControlFlow::Continue(()) => Ok(Expression { ast }),
        }
    }

    /// Every name in it, in order, by parts: `a.b` is `["a", "b"]`.
    pub fn names(&self) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        let _ = visit_expressions(&self.ast, |e| {
            if let Some(parts) = name_parts(e) {
                all.push(parts);
            }
            ControlFlow::<()>::Continue(())
        });
        all
    }

    /// The name, if it is nothing but one.
    pub fn as_name(&self) -> Option<Vec<String>> {
        let mut ast = &self.ast;
        while let Expr::Nested(inner) = ast {
            ast = inner;
        }
        name_parts(ast)
    }

    /// Whether it divides.
    pub fn divides(&self) -> bool {
        visit_expressions(&self.ast, |e| match e {
            Expr::BinaryOp {
                op: BinaryOperator::Divide,
                ..
            } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
        .is_break()
    }

    /// Renders it with every name replaced by the SQL that `of` answers for its parts.
    pub fn render(
        &self,
        mut of: impl FnMut(&[String]) -> Result<String, CapabilityError>,
    ) -> Result<String, CapabilityError> {
        let mut ast = self.ast.clone();
        // Post-order: what is put in is not visited again.
        let outcome = visit_expressions_mut(&mut ast, |e| {
            let Some(parts) = name_parts(e) else {
                return ControlFlow::Continue(());
            };
            match of(&parts).and_then(|sql| raw(&sql)) {
                Ok(replacement) => {
                    *e = replacement;
                    ControlFlow::Continue(())
                }
                Err(error) => ControlFlow::Break(error),
            }
        });
        match outcome {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(ast.to_string()),
        }
    }

    /// As it is, with `x / y` written `x / NULLIF(y, 0)`: a quotient over zero is missing, not infinite or an error.
    pub fn guarded(&self) -> Expression {
        let mut ast = self.ast.clone();
        let _ = visit_expressions_mut(&mut ast, |e| {
            if let Expr::BinaryOp {
                op: BinaryOperator::Divide,
                right,
                ..
            } = e
                && let Ok(nullif) = raw(&format!("NULLIF({right}, 0)"))
            {
                **right = nullif;
            }
            ControlFlow::<()>::Continue(())
        });
        Expression { ast }
    }
}

/// Parses SQL of ours back into a tree, so that it can be put into another: whole, whatever stands around it.
fn raw(sql: &str) -> Result<Expr, CapabilityError> {
    let ast = Parser::new(&GenericDialect {})
        .try_with_sql(sql)
        .and_then(|mut p| p.parse_expr())
        .map_err(|e| CapabilityError::Invalid(format!("`{sql}` cannot be rendered: {e}")))?;
    Ok(match ast {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::Function(_)
        | Expr::Nested(_)
        | Expr::Value(_)
        | Expr::Cast { .. } => ast,
        other => Expr::Nested(Box::new(other)),
    })
}

fn name_parts(e: &Expr) -> Option<Vec<String>> {
    match e {
        Expr::Identifier(ident) => Some(vec![ident.value.clone()]),
        Expr::CompoundIdentifier(idents) => Some(idents.iter().map(|i| i.value.clone()).collect()),
        _ => None,
    }
}

fn refusal(e: &Expr) -> Option<String> {
    match e {
        Expr::Subquery(_) | Expr::InSubquery { .. } | Expr::Exists { .. } => {
            Some("holds a subquery; write the condition over dimensions, or make a dataset of it".to_owned())
        }
        Expr::Function(Function { over: Some(_), .. }) => {
            Some("holds a window function, which a row's expression cannot".to_owned())
        }
        Expr::Function(Function {
            args: FunctionArguments::Subquery(_),
            ..
        }) => Some("holds a subquery".to_owned()),
        Expr::Function(f) if NOT_REPEATABLE.contains(&f.name.to_string().to_lowercase().as_str()) => Some(format!(
            "calls {}, which answers differently each time; name the moment",
            f.name
        )),
        Expr::Value(v) if matches!(v.value, sqlparser::ast::Value::Placeholder(_)) => {
            Some("holds a placeholder".to_owned())
        }
        _ => None,
    }
}

/// A quoted identifier.
pub(crate) fn ident(name: &str) -> String {
    Ident::with_quote('"', name).to_string()
}

/// A qualified, quoted column.
pub(crate) fn column(table: &str, name: &str) -> String {
    format!("{}.{}", ident(table), ident(name))
}

/// A quoted text literal.
pub(crate) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// The nearest of some names, if one is near.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    names
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(d, candidate)| *d <= 1 + candidate.chars().count().max(name.chars().count()) / 4)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// Edits (with transpositions of neighbours) between two texts.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (row[j] + usize::from(x != y)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_replaced_and_quoted() {
        let e = Expression::parse("amount * (1 - t.discount) + case when a='x''y' then 1 end", "test").unwrap();
        let sql = e
            .render(|parts| Ok(column("t", parts.last().map(String::as_str).unwrap_or_default())))
            .unwrap();
        assert_eq!(
            sql,
            r#""t"."amount" * (1 - "t"."discount") + CASE WHEN "t"."a" = 'x''y' THEN 1 END"#
        );
    }

    #[test]
    fn what_is_put_in_keeps_its_parentheses() {
        let e = Expression::parse("x * 2", "test").unwrap();
        assert_eq!(e.render(|_| Ok("a + b".into())).unwrap(), "(a + b) * 2");
    }

    #[test]
    fn what_is_no_expression_of_a_row_is_refused() {
        for bad in [
            "a; drop table users",
            "a) or (1=1",
            "(select 1)",
            "a in (select b from c)",
            "now() > ts",
            "sum(a) over ()",
            "a = $1",
            "",
        ] {
            assert!(Expression::parse(bad, "test").is_err(), "{bad}");
        }
    }

    #[test]
    fn divisors_are_guarded() {
        let e = Expression::parse("(a - b) / b", "test").unwrap();
        assert!(e.divides());
        assert_eq!(
            e.guarded().render(|p| Ok(ident(&p[0]))).unwrap(),
            r#"("a" - "b") / NULLIF("b", 0)"#
        );
    }

    #[test]
    fn nearest_name() {
        assert_eq!(
            nearest("revenu", ["orders", "revenue"].into_iter()),
            Some("revenue".into())
        );
        assert_eq!(nearest("xyz", ["orders", "revenue"].into_iter()), None);
    }
}
