//! Checking and running a query.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, execute_stream};
use datafusion::sql::parser::Statement;
use futures::StreamExt;
use sqlparser::ast::{BinaryOperator, Expr, Visit, Visitor};
use steward_compute::{EngineError, Query, Rows, RunControl, Value};

use super::{Shared, cause, determined, tables, times};
use crate::normal;

/// How often a running query looks at its cancellation and tells its progress.
const TICK: Duration = Duration::from_millis(20);

/// A heap of more rows than this is not faster than a sort, and cannot spill.
const LARGEST_HEAP: usize = 65_536;

fn scalar(value: &Value) -> ScalarValue {
    match value {
        Value::Null => ScalarValue::Null,
        Value::Boolean(b) => ScalarValue::Boolean(Some(*b)),
        Value::Integer(i) => ScalarValue::Int64(Some(*i)),
        Value::Number(x) => ScalarValue::Float64(Some(*x)),
        Value::Text(text) => ScalarValue::Utf8(Some(text.clone())),
        Value::Timestamp(us) => ScalarValue::TimestampMicrosecond(Some(*us), Some("UTC".into())),
        Value::Date(days) => ScalarValue::Date32(Some(*days)),
    }
}

/// Finds what the parser reads otherwise than it is written: to it, the right side of `a IS DISTINCT FROM b OR c`
/// is `b OR c`.
struct Misread;

impl Visitor for Misread {
    type Break = String;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        use BinaryOperator::{And, Eq, Gt, GtEq, Lt, LtEq, NotEq, Or};
        if let Expr::IsDistinctFrom(_, right) | Expr::IsNotDistinctFrom(_, right) = expr
            && let Expr::BinaryOp {
                op: And | Or | Eq | NotEq | Lt | LtEq | Gt | GtEq,
                ..
            } = right.as_ref()
        {
            let cause = format!("{expr}: put parentheses around the comparison: (a IS DISTINCT FROM b) OR …");
            return ControlFlow::Break(cause);
        }
        ControlFlow::Continue(())
    }
}

/// The query's plan, checked against the registered tables.
pub(super) async fn logical(shared: &Arc<Shared>, query: &Query) -> Result<LogicalPlan, EngineError> {
    let label = &query.label;
    let fail = |e: DataFusionError| cause::of_plan(label, &e);
    let state = shared.context.state();
    let dialect = state.config().options().sql_parser.dialect;
    let statement = state.sql_to_statement(&query.sql, &dialect).map_err(fail)?;
    if let Statement::Statement(statement) = &statement
        && let ControlFlow::Break(cause) = statement.visit(&mut Misread)
    {
        return Err(EngineError::Plan {
            label: label.clone(),
            cause,
        });
    }
    let names = shared.table_names();
    let mut used = Vec::new();
    for table in state.resolve_table_references(&statement).map_err(fail)? {
        let wanted = table.table();
        let known = || names.iter().any(|n| n == wanted) || shared.unreadable(wanted).is_some();
        if table.schema().is_some() || !known() {
            let cause = cause::no_table(&table.to_string(), names.iter().map(String::as_str));
            return Err(EngineError::Plan {
                label: label.clone(),
                cause,
            });
        }
        used.push(wanted.to_owned());
    }
    let fresh = Arc::clone(shared);
    tokio::task::spawn_blocking(move || used.iter().try_for_each(|table| tables::refresh(&fresh, table)))
        .await
        .map_err(|e| EngineError::Run {
            label: label.clone(),
            cause: format!("reading broke off: {e}"),
        })??;
    let plan = state.statement_to_plan(statement).await.map_err(fail)?;
    let only_queries = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    only_queries.verify_plan(&plan).map_err(fail)?;
    let values: Vec<ScalarValue> = query.parameters.iter().map(scalar).collect();
    let plan = plan.with_param_values(values).map_err(fail)?;
    // Types are only checked when functions are resolved and coerced.
    let plan = state
        .analyzer()
        .execute_and_check(plan, state.config_options(), |_, _| {})
        .map_err(fail)?;
    let plan = times::plain_intervals(plan).map_err(fail)?;
    determined::without_invented_keys(plan).map_err(fail)
}

/// Sorts with a large limit as sorts that can spill, then a limit.
fn without_large_heaps(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let rewritten = plan.transform_up(|node| {
        let Some(sort) = node.downcast_ref::<SortExec>() else {
            return Ok(Transformed::no(node));
        };
        let Some(fetch) = sort.fetch().filter(|n| *n > LARGEST_HEAP) else {
            return Ok(Transformed::no(node));
        };
        let whole = SortExec::new(sort.expr().clone(), Arc::clone(sort.input()))
            .with_preserve_partitioning(sort.preserve_partitioning());
        let limited: Arc<dyn ExecutionPlan> =
            if !sort.preserve_partitioning() || sort.input().output_partitioning().partition_count() == 1 {
                Arc::new(GlobalLimitExec::new(Arc::new(whole), 0, Some(fetch)))
            } else {
                Arc::new(LocalLimitExec::new(Arc::new(whole), fetch))
            };
        Ok(Transformed::yes(limited))
    })?;
    Ok(rewritten.data)
}

/// Joins that stop between two batches when they are asked to. A join may answer for minutes from one batch read,
/// and it is at the reading that DataFusion looks.
fn with_stops(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let rewritten = plan.transform_up(|node| {
        Ok(if node.name().ends_with("JoinExec") {
            Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>)
        } else {
            Transformed::no(node)
        })
    })?;
    Ok(rewritten.data)
}

/// Rows that the plan's leaves have given so far.
fn rows_read(plan: &dyn ExecutionPlan) -> u64 {
    let children = plan.children();
    if children.is_empty() {
        return plan.metrics().and_then(|m| m.output_rows()).unwrap_or_default() as u64;
    }
    children.into_iter().map(|child| rows_read(child.as_ref())).sum()
}

/// Runs a query to its end, or until it is cancelled.
pub(super) async fn run(shared: &Arc<Shared>, query: &Query, control: &RunControl) -> Result<Rows, EngineError> {
    let label = &query.label;
    let cancelled = || EngineError::Cancelled(label.clone());
    let fail = |e: DataFusionError| cause::of_run(label, &e, shared.memory_mib);
    let logical = logical(shared, query).await?;
    let schema = normal::map_schema(logical.schema().as_arrow(), normal::result_type);
    let state = shared.context.state();
    let plan = state.create_physical_plan(&logical).await.map_err(fail)?;
    let plan = without_large_heaps(plan).and_then(with_stops).map_err(fail)?;
    if control.cancel.is_cancelled() {
        return Err(cancelled());
    }

    let before = control.rows_read.load(Ordering::Relaxed);
    let tell = || {
        control
            .rows_read
            .store(before + rows_read(plan.as_ref()), Ordering::Relaxed)
    };
    let mut stream = execute_stream(Arc::clone(&plan), shared.context.task_ctx()).map_err(fail)?;
    let mut tick = tokio::time::interval(TICK);
    let mut batches = Vec::new();
    loop {
        tokio::select! {
            biased;
            _ = tick.tick() => {
                tell();
                if control.cancel.is_cancelled() {
                    return Err(cancelled());
                }
            }
            next = stream.next() => match next {
                None => break,
                Some(Err(e)) => return Err(fail(e)),
                Some(Ok(batch)) if batch.num_rows() == 0 => {}
                Some(Ok(batch)) => batches.push(normal::result_batch(&batch, &schema).map_err(|e| fail(e.into()))?),
            },
        }
    }
    tell();
    Ok(Rows::new(schema, batches, query.sql.clone()))
}
