//! Which columns determine others, where the planner gets it wrong.
//!
//! The planner knows that the key of a grouped query determines its other columns. When such a query is joined and
//! grouped again by its key and by columns of the other side, the planner still takes the key alone to determine the
//! whole answer (DataFusion 55; apache/datafusion issues 23634 and 23818 to 23820 name its relatives). It then drops
//! the other columns from `ORDER BY`, and from `GROUP BY` and `DISTINCT` above. Such a key is handed to the grouping
//! through a function that answers its argument, so that no column of the input is taken for a key of the answer.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, Dependency, Result, internal_err};
use datafusion::logical_expr::logical_plan::{Aggregate, Distinct, Projection};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

/// Answers its argument.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Itself {
    signature: Signature,
}

static ITSELF: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    let signature = Signature::any(1, Volatility::Immutable);
    Arc::new(ScalarUDF::from(Itself { signature }))
});

impl ScalarUDFImpl for Itself {
    fn name(&self) -> &str {
        "itself"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [one] => Ok(one.clone()),
            _ => internal_err!("itself takes one argument"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        match args.arg_fields {
            [one] => Ok(Arc::clone(one)),
            _ => internal_err!("itself takes one argument"),
        }
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        Ok(inputs
            .first()
            .map_or(SortProperties::Unordered, |one| one.sort_properties))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match <[ColumnarValue; 1]>::try_from(args.args) {
            Ok([one]) => Ok(one),
            Err(_) => internal_err!("itself takes one argument"),
        }
    }
}

/// Whether each of the expressions that an input is grouped by is a key of a part of the input, and another of them
/// is not of that part.
fn partial_keys(input: &LogicalPlan, group: &[Expr]) -> Vec<bool> {
    let schema = input.schema();
    let mut partial = vec![false; group.len()];
    if schema.functional_dependencies().is_empty() || group.iter().any(|e| matches!(e, Expr::GroupingSet(_))) {
        return partial;
    }
    let names = schema.field_names();
    let grouped: Vec<String> = group.iter().map(|e| e.schema_name().to_string()).collect();
    for dependency in schema.functional_dependencies().iter() {
        let named = |indices: &[usize], name: &String| indices.iter().any(|i| names.get(*i) == Some(name));
        let is_key = dependency
            .source_indices
            .iter()
            .all(|i| names.get(*i).is_some_and(|n| grouped.contains(n)));
        let covers = grouped.iter().all(|name| named(&dependency.target_indices, name));
        if dependency.mode == Dependency::Multi && is_key && !covers {
            for (partial, name) in partial.iter_mut().zip(&grouped) {
                *partial |= named(&dependency.source_indices, name);
            }
        }
    }
    partial
}

/// The grouping with the marked expressions handed through [`Itself`], under the names that it had.
fn grouped(input: Arc<LogicalPlan>, group: Vec<Expr>, aggregates: Vec<Expr>, hidden: &[bool]) -> Result<LogicalPlan> {
    let before = Aggregate::try_new(Arc::clone(&input), group, aggregates)?;
    let group = before.group_expr.into_iter().zip(hidden);
    let group = group.map(|(expr, hide)| if *hide { ITSELF.call(vec![expr]) } else { expr });
    let after = Aggregate::try_new(input, group.collect(), before.aggr_expr)?;
    let named: Vec<Expr> = before
        .schema
        .iter()
        .zip(after.schema.iter())
        .map(|((table, field), (new_table, new))| {
            let column = Expr::Column(Column::new(new_table.cloned(), new.name()));
            if new.name() == field.name() && new_table == table {
                column
            } else {
                column.alias_qualified(table.cloned(), field.name())
            }
        })
        .collect();
    let aggregate = Arc::new(LogicalPlan::Aggregate(after));
    Ok(LogicalPlan::Projection(Projection::try_new(named, aggregate)?))
}

/// The plan without the keys that the planner would invent.
pub(super) fn without_invented_keys(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut changed = false;
    let rewritten = plan.transform_up_with_subqueries(|node| {
        // What a node knows of its columns was found before those below it changed.
        let node = if changed { node.recompute_schema()? } else { node };
        let (input, group, aggregates) = match &node {
            LogicalPlan::Aggregate(a) => (&a.input, a.group_expr.clone(), a.aggr_expr.clone()),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let columns = input.schema().columns().into_iter().map(Expr::Column);
                (input, columns.collect(), Vec::new())
            }
            _ => return Ok(Transformed::no(node)),
        };
        let hidden = partial_keys(input, &group);
        if hidden.contains(&true) {
            changed = true;
            return grouped(Arc::clone(input), group, aggregates, &hidden).map(Transformed::yes);
        }
        // The optimizer groups for DISTINCT only later, and the answer's key would come as news to what stands above.
        if matches!(node, LogicalPlan::Distinct(_)) && !group.is_empty() {
            changed = true;
            let aggregate = Aggregate::try_new(Arc::clone(input), group, aggregates)?;
            return Ok(Transformed::yes(LogicalPlan::Aggregate(aggregate)));
        }
        Ok(Transformed::no(node))
    })?;
    Ok(rewritten.data)
}
