//! Where the canonical dialect and others differ on numbers: division of integers, and casts to integers.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, DataType, Expr, Ident, Select, SelectItem, Value, Visitor};

use super::{Catalog, functions, names};

/// (a, b): the quotient of integers without its fraction.
pub(super) const INTEGER_QUOTIENT: &str = "steward_integer_quotient";
/// (a, b): a quotient of which the text does not tell whether it is of integers.
pub(super) const UNCLEAR_QUOTIENT: &str = "steward_unclear_quotient";
/// (x): a number without its fraction.
pub(super) const CUT: &str = "steward_cut";

/// What kind of number an expression is, as far as its text and the tables tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Integer,
    Fraction,
    /// A double without a fraction, as of `ceil`.
    Whole,
    Other,
    Unknown,
}

/// Kinds of columns, of tables and of the queries inside.
#[derive(Clone, Debug)]
pub(super) struct Kinds(Catalog);

impl Kinds {
    pub(super) fn new(catalog: &Catalog) -> Self {
        Kinds(catalog.clone())
    }

    fn column(&self, name: &Ident) -> Number {
        let name = names::folded(name);
        let (integer, other) = (self.0.integers.contains(&name), self.0.others.contains(&name));
        match (integer, other, self.0.floats.contains(&name)) {
            (true, false, _) => Number::Integer,
            (false, true, true) => Number::Fraction,
            (false, true, false) => Number::Other,
            _ => Number::Unknown,
        }
    }

    fn learn(&mut self, name: &Ident, kind: Number) {
        let name = names::folded(name);
        match kind {
            Number::Integer => {
                self.0.integers.insert(name);
            }
            Number::Fraction | Number::Whole => {
                self.0.floats.insert(name.clone());
                self.0.others.insert(name);
            }
            Number::Other => {
                self.0.others.insert(name);
            }
            Number::Unknown => {
                // Neither: as if tables disagreed.
                self.0.integers.insert(name.clone());
                self.0.others.insert(name);
            }
        }
    }

    pub(super) fn of(&self, expr: &Expr) -> Number {
        match expr {
            Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => self.of(inner),
            Expr::Value(value) => match &value.value {
                Value::Number(text, _) if text.contains(['.', 'e', 'E']) => Number::Fraction,
                Value::Number(..) => Number::Integer,
                Value::Null | Value::Placeholder(_) => Number::Unknown,
                _ => Number::Other,
            },
            Expr::Identifier(name) => self.column(name),
            Expr::CompoundIdentifier(names) => names.last().map_or(Number::Unknown, |n| self.column(n)),
            Expr::Cast { data_type, .. } => of_type(data_type),
            Expr::Ceil { .. } | Expr::Floor { .. } => Number::Whole,
            Expr::BinaryOp {
                left,
                op:
                    BinaryOperator::Plus
                    | BinaryOperator::Minus
                    | BinaryOperator::Multiply
                    | BinaryOperator::Divide
                    | BinaryOperator::Modulo,
                right,
            } => match (self.of(left), self.of(right)) {
                (Number::Integer, Number::Integer) => Number::Integer,
                (Number::Other, _) | (_, Number::Other) => Number::Other,
                (Number::Fraction | Number::Whole, _) | (_, Number::Fraction | Number::Whole) => Number::Fraction,
                _ => Number::Unknown,
            },
            Expr::Case {
                conditions,
                else_result,
                ..
            } => {
                let results = conditions.iter().map(|c| &c.result).chain(else_result.as_deref());
                self.all(results)
            }
            Expr::Function(f) => {
                let arguments = functions::arguments(f).unwrap_or_default();
                match f.name.to_string().to_lowercase().as_str() {
                    "count" | "length" | "strpos" | "row_number" | "approx_distinct" => Number::Integer,
                    "avg" | "sqrt" | "ln" | "exp" | "power" | "stddev" | "var_samp" | "log10" | "date_part" => {
                        Number::Fraction
                    }
                    "ceil" | "floor" | "trunc" => Number::Whole,
                    "nullif" | "sum" | "min" | "max" | "abs" => self.all(arguments.into_iter().take(1)),
                    "coalesce" | "greatest" | "least" => self.all(arguments),
                    _ => Number::Unknown,
                }
            }
            _ => Number::Unknown,
        }
    }

    fn all<'e>(&self, expressions: impl IntoIterator<Item = &'e Expr>) -> Number {
        let is_null = |e: &Expr| matches!(e, Expr::Value(v) if v.value == Value::Null);
        let mut kinds = expressions.into_iter().filter(|e| !is_null(e)).map(|e| self.of(e));
        let Some(first) = kinds.next() else {
            return Number::Unknown;
        };
        kinds.fold(first, |all, next| match (all, next) {
            (a, b) if a == b => a,
            (Number::Fraction | Number::Whole, _) | (_, Number::Fraction | Number::Whole) => Number::Fraction,
            _ => Number::Unknown,
        })
    }
}

fn of_type(data_type: &DataType) -> Number {
    let text = data_type.to_string().to_uppercase();
    let starts = |words: &[&str]| words.iter().any(|w| text.starts_with(w));
    if starts(&["INTERVAL"]) {
        Number::Other
    } else if starts(&["INT", "BIGINT", "SMALLINT", "TINYINT"]) {
        Number::Integer
    } else if starts(&["DOUBLE", "FLOAT", "REAL", "DECIMAL", "NUMERIC"]) {
        Number::Fraction
    } else {
        Number::Other
    }
}

/// Learns what the queries inside call their columns, from the inside out.
impl Visitor for Kinds {
    type Break = ();

    fn post_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { expr, alias } = item {
                let kind = self.of(expr);
                // `x AS x` of one table says nothing about x of another.
                if !matches!(expr, Expr::Identifier(name) if names::folded(name) == names::folded(alias)) {
                    self.learn(alias, kind);
                }
            }
        }
        ControlFlow::Continue(())
    }
}
