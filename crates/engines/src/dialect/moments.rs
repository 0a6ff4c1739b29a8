//! `moments(x1, …, xk)` for databases that lack it.

use sqlparser::ast::Expr;
use steward_compute::Dialect;

use super::{Writer, written};

impl Writer<'_> {
    /// One array of count, means and centred cross-products, each from an aggregate that the database computes
    /// from deviations; never Σx² − n·mean², which cancels.
    pub(super) fn moments(&self, arguments: &[&Expr], filter: Option<&Expr>) -> Expr {
        let doubles: Vec<String> = arguments.iter().map(|a| self.as_double(a)).collect();
        // A row counts where no argument is null, for all aggregates alike.
        let mut conditions: Vec<String> = filter.map(|f| format!("({f})")).into_iter().collect();
        if arguments.len() > 1 {
            conditions.extend(arguments.iter().map(|a| format!("({a}) IS NOT NULL")));
        }
        let x: Vec<String> = doubles
            .into_iter()
            .map(|x| {
                if conditions.is_empty() {
                    x
                } else {
                    format!("CASE WHEN {} THEN {x} END", conditions.join(" AND "))
                }
            })
            .collect();
        let first = x.first().map(String::as_str).unwrap_or("NULL");
        let mut parts = vec![self.as_double(format!("COUNT({first})"))];
        parts.extend(x.iter().map(|x| format!("COALESCE(AVG({x}), 0)")));
        for (i, a) in x.iter().enumerate() {
            for b in &x[i..] {
                parts.push(format!("COALESCE({}, 0)", self.centred(a, b, first)));
            }
        }
        let parts = parts.join(", ");
        written(match self.dialect {
            Dialect::Postgres => format!("ARRAY[{parts}]"),
            Dialect::BigQuery => format!("[{parts}]"),
            Dialect::Snowflake => format!("ARRAY_CONSTRUCT({parts})"),
            _ => format!("ARRAY({parts})"),
        })
    }

    /// Σ(a − ā)(b − b̄).
    fn centred(&self, a: &str, b: &str, counted: &str) -> String {
        match (self.dialect, a == b) {
            (Dialect::Postgres, true) => format!("REGR_SXX({a}, {a})"),
            (Dialect::Postgres, false) => format!("REGR_SXY({a}, {b})"),
            (_, true) => format!("VAR_POP({a}) * COUNT({counted})"),
            // Redshift has no covariance: 4·cov(a, b) = var(a + b) − var(a − b).
            (Dialect::Redshift, false) => {
                format!("(VAR_POP(({a}) + ({b})) - VAR_POP(({a}) - ({b}))) / 4 * COUNT({counted})")
            }
            (_, false) => format!("COVAR_POP({a}, {b}) * COUNT({counted})"),
        }
    }
}
