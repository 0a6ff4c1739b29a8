//! Aggregates whose results are the same bytes whatever the order of rows, partitions and threads.

mod exact;
mod moments;
mod sums;

use datafusion::arrow::array::{Array, BooleanArray};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::execution::context::SessionContext;
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::AggregateUDF;

/// Registers `moments`, and `sum` and `avg` of doubles in place of DataFusion's.
pub(crate) fn register(context: &SessionContext) {
    context.register_udaf(AggregateUDF::from(moments::MomentsFunction::new()));
    context.register_udaf(AggregateUDF::from(sums::SteadyFunction::new(
        sums::Answer::Sum,
        sum_udaf(),
    )));
    context.register_udaf(AggregateUDF::from(sums::SteadyFunction::new(
        sums::Answer::Mean,
        avg_udaf(),
    )));
}

/// The rows that a filter keeps: true, not null.
fn kept(filter: &BooleanArray) -> BooleanBuffer {
    match filter.nulls() {
        Some(nulls) => filter.values() & nulls.inner(),
        None => filter.values().clone(),
    }
}

/// The one argument list that an accumulator without groups sees as group 0.
fn group_zero(zeros: &mut Vec<usize>, rows: usize) -> &[usize] {
    if zeros.len() < rows {
        zeros.resize(rows, 0);
    }
    &zeros[..rows]
}
