//! Times in UTC without the cost of time zones: all tables hold microseconds in UTC, where every day has 24 hours.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, PrimitiveArray};
use datafusion::arrow::datatypes::{DataType, FieldRef, TimeUnit, TimestampMicrosecondType};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::context::SessionContext;
use datafusion::functions::datetime::date_trunc;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature,
};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// 1970-01-01 was a Thursday; weeks start on Monday.
const FIRST_MONDAY: i64 = 4 * DAY;

/// Registers `date_trunc` with a short way for UTC.
pub(super) fn register(context: &SessionContext) {
    context.register_udf(ScalarUDF::from(UtcStart { other: date_trunc() }));
}

fn is_utc(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == "UTC")
}

/// Length of a unit and a moment at which one starts; `None` for units of no fixed length.
fn unit(name: &str) -> Option<(i64, i64)> {
    Some(match name.to_ascii_lowercase().as_str() {
        "second" => (SECOND, 0),
        "minute" => (60 * SECOND, 0),
        "hour" => (3600 * SECOND, 0),
        "day" => (DAY, 0),
        "week" => (7 * DAY, FIRST_MONDAY),
        _ => return None,
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct UtcStart {
    other: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for UtcStart {
    named_like_other!();

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.other.return_field_from_args(args)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.other.output_ordering(inputs)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let [
            ColumnarValue::Scalar(
                ScalarValue::Utf8(Some(name)) | ScalarValue::Utf8View(Some(name)) | ScalarValue::LargeUtf8(Some(name)),
            ),
            ColumnarValue::Array(times),
        ] = args.args.as_slice()
            && is_utc(times.data_type())
            && let Some((length, start)) = unit(name)
        {
            let times = times.as_primitive::<TimestampMicrosecondType>();
            // Wrapping at the ends of time, 290,000 years away.
            let starts: PrimitiveArray<TimestampMicrosecondType> =
                times.unary(|t| t.wrapping_sub(t.wrapping_sub(start).rem_euclid(length)));
            return Ok(ColumnarValue::Array(Arc::new(starts.with_timezone("UTC"))));
        }
        self.other.invoke_with_args(args)
    }
}

/// Microseconds of an interval of whole days and less.
fn fixed_length(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::IntervalMonthDayNano(Some(v)) if v.months == 0 && v.nanoseconds % 1000 == 0 => {
            i64::from(v.days).checked_mul(DAY)?.checked_add(v.nanoseconds / 1000)
        }
        _ => None,
    }
}

/// `t + INTERVAL '14 days'` as an addition of numbers, where `t` is in UTC.
pub(super) fn plain_intervals(plan: LogicalPlan) -> Result<LogicalPlan> {
    let rewritten = plan.transform_up_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = names.save(&expr);
            let new = expr.transform_up(|expr| {
                let Expr::BinaryExpr(BinaryExpr {
                    left,
                    op: op @ (Operator::Plus | Operator::Minus),
                    right,
                }) = &expr
                else {
                    return Ok(Transformed::no(expr));
                };
                let Expr::Literal(value, metadata) = right.as_ref() else {
                    return Ok(Transformed::no(expr));
                };
                let (Some(us), true) = (fixed_length(value), left.get_type(&schema).is_ok_and(|t| is_utc(&t))) else {
                    return Ok(Transformed::no(expr));
                };
                let duration = Expr::Literal(ScalarValue::DurationMicrosecond(Some(us)), metadata.clone());
                Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(
                    left.clone(),
                    *op,
                    Box::new(duration),
                ))))
            })?;
            Ok(new.update_data(|expr| name.restore(expr)))
        })
    })?;
    Ok(rewritten.data)
}
