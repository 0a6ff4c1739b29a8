//! Time zones, before anything else: every time is an instant, and `AT TIME ZONE` says on which clock to read it.
//!
//! Other databases give the words other meanings (a time without a zone, or the reverse), so each use is turned
//! into one of the functions below, which `times` writes.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    Ident, ObjectName, VisitorMut,
};

use super::functions;
use super::numbers::{CUT, INTEGER_QUOTIENT, Kinds, Number, UNCLEAR_QUOTIENT};

/// (instant, zone): the date on the zone's clock.
pub(super) const LOCAL_DATE: &str = "steward_local_date";
/// (unit, instant, zone): the date on the zone's clock at which the unit starts.
pub(super) const LOCAL_START_DATE: &str = "steward_local_start_date";
/// (unit, instant, zone): the instant at which the unit starts on the zone's clock.
pub(super) const LOCAL_START: &str = "steward_local_start";
/// (instant, zone): the time on the zone's clock, without a zone.
pub(super) const LOCAL_TIME: &str = "steward_local_time";

/// Replaces what other databases would read otherwise by functions that the writer knows.
pub(super) struct Meanings(pub(super) Kinds);

fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let args = arguments
        .into_iter()
        .map(|e| FunctionArg::Unnamed(FunctionArgExpr::Expr(e)))
        .collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: vec![],
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

/// The instant and the clock to read it on; of several zones the outermost counts.
fn zoned(expr: &Expr) -> Option<(Expr, Expr)> {
    match expr {
        Expr::Nested(inner) => zoned(inner),
        Expr::AtTimeZone { timestamp, time_zone } => {
            let instant = zoned(timestamp).map_or_else(|| timestamp.as_ref().clone(), |(instant, _)| instant);
            Some((instant, time_zone.as_ref().clone()))
        }
        _ => None,
    }
}

/// Unit, instant and zone of `date_trunc(unit, … AT TIME ZONE zone)`.
fn zoned_start(expr: &Expr) -> Option<(Expr, Expr, Expr)> {
    match expr {
        Expr::Nested(inner) => zoned_start(inner),
        Expr::Function(f) if f.name.to_string().eq_ignore_ascii_case("date_trunc") => {
            let arguments = functions::arguments(f).ok()?;
            let [unit, time] = arguments.as_slice() else {
                return None;
            };
            let (instant, zone) = zoned(time)?;
            Some(((*unit).clone(), instant, zone))
        }
        _ => None,
    }
}

fn is_integer(data_type: &DataType) -> bool {
    let text = data_type.to_string().to_uppercase();
    ["INT", "BIGINT", "SMALLINT", "TINYINT"]
        .iter()
        .any(|w| text.starts_with(w))
        && !text.starts_with("INTERVAL")
}

impl VisitorMut for Meanings {
    type Break = String;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<String> {
        let new = match &*expr {
            Expr::Cast {
                expr: inner,
                data_type: DataType::Date,
                ..
            } => match (zoned_start(inner), zoned(inner)) {
                (Some((unit, instant, zone)), _) => Some(call(LOCAL_START_DATE, vec![unit, instant, zone])),
                (None, Some((instant, zone))) => Some(call(LOCAL_DATE, vec![instant, zone])),
                _ => None,
            },
            Expr::Extract {
                field,
                expr: inner,
                syntax,
            } => zoned(inner).map(|(instant, zone)| Expr::Extract {
                field: field.clone(),
                syntax: syntax.clone(),
                expr: Box::new(call(LOCAL_TIME, vec![instant, zone])),
            }),
            Expr::Function(f) if matches!(f.name.to_string().to_lowercase().as_str(), "date_part" | "datepart") => {
                match functions::arguments(f).unwrap_or_default().as_slice() {
                    [field, time] => zoned(time).map(|(instant, zone)| {
                        call(
                            "date_part",
                            vec![(*field).clone(), call(LOCAL_TIME, vec![instant, zone])],
                        )
                    }),
                    _ => None,
                }
            }
            Expr::Cast {
                expr: inner, data_type, ..
            } if zoned(inner).is_some() && !matches!(data_type, DataType::Timestamp(..)) => {
                return ControlFlow::Break(format!(
                    "{expr}: how a local time is written as {data_type} is not portable"
                ));
            }
            Expr::BinaryOp {
                left,
                op: BinaryOperator::Divide,
                right,
            } => match (self.0.of(left), self.0.of(right)) {
                (Number::Integer, Number::Integer) => Some(call(
                    INTEGER_QUOTIENT,
                    vec![left.as_ref().clone(), right.as_ref().clone()],
                )),
                (Number::Unknown, Number::Unknown | Number::Integer) | (Number::Integer, Number::Unknown) => Some(
                    call(UNCLEAR_QUOTIENT, vec![left.as_ref().clone(), right.as_ref().clone()]),
                ),
                _ => None,
            },
            Expr::Cast {
                kind,
                expr: inner,
                data_type,
                array,
                format,
            } if is_integer(data_type) && self.0.of(inner) == Number::Fraction => Some(Expr::Cast {
                kind: kind.clone(),
                expr: Box::new(call(CUT, vec![inner.as_ref().clone()])),
                data_type: data_type.clone(),
                array: *array,
                format: format.clone(),
            }),
            other => match (zoned_start(other), zoned(other)) {
                (Some((unit, instant, zone)), _) => Some(call(LOCAL_START, vec![unit, instant, zone])),
                // The same instant, whatever the clock.
                (None, Some((instant, _))) => Some(Expr::Nested(Box::new(instant))),
                _ => None,
            },
        };
        if let Some(new) = new {
            *expr = new;
            // What took its place may itself be zoned: ((x AT TIME ZONE a) …).
            if matches!(expr, Expr::AtTimeZone { .. }) {
                return self.pre_visit_expr(expr);
            }
        }
        ControlFlow::Continue(())
    }
}
