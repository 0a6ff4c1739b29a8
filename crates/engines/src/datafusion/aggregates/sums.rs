//! `sum` and `avg` of doubles with a result that does not depend on the order of rows. Other types, and
//! DISTINCT, go to DataFusion's own function.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, UInt64Array};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type, UInt64Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
};

use super::exact::{self, LIMBS, LongSum};

/// What is answered from count and sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Sum,
    Mean,
}

impl Answer {
    fn from(self, count: u64, sum: &LongSum) -> Option<f64> {
        match self {
            _ if count == 0 => None,
            Answer::Sum => Some(exact::round(sum)),
            Answer::Mean => Some(exact::round(sum) / count as f64),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SteadyFunction {
    answer: Answer,
    other: Arc<AggregateUDF>,
}

impl SteadyFunction {
    pub(super) fn new(answer: Answer, other: Arc<AggregateUDF>) -> Self {
        SteadyFunction { answer, other }
    }

    fn is_ours(&self, fields: &[FieldRef], is_distinct: bool) -> bool {
        !is_distinct && matches!(fields, [f] if f.data_type() == &DataType::Float64)
    }
}

impl AggregateUDFImpl for SteadyFunction {
    named_like_other!();

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.other.coerce_types(arguments)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        if !self.is_ours(args.input_fields, args.is_distinct) {
            return self.other.state_fields(args);
        }
        let field = |part: &str, data_type| Arc::new(Field::new(format_state_name(args.name, part), data_type, false));
        let limbs = ["high", "middle", "low"].map(|part| field(part, DataType::Float64));
        Ok(std::iter::once(field("count", DataType::UInt64)).chain(limbs).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if !self.is_ours(args.expr_fields, args.is_distinct) {
            return self.other.accumulator(args);
        }
        Ok(Box::new(SteadyAccumulator::new(self.answer)))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if !self.is_ours(args.expr_fields, args.is_distinct) {
            return self.other.create_sliding_accumulator(args);
        }
        self.accumulator(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.is_ours(args.expr_fields, args.is_distinct) || self.other.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        if !self.is_ours(args.expr_fields, args.is_distinct) {
            return self.other.create_groups_accumulator(args);
        }
        Ok(Box::new(SteadyGroups {
            answer: self.answer,
            groups: Vec::new(),
        }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.other.inner().set_monotonicity(data_type)
    }
}

/// Count and sum of many groups; together, so that a group is one cache line.
struct SteadyGroups {
    answer: Answer,
    groups: Vec<(u64, LongSum)>,
}

fn float_argument(values: &[ArrayRef]) -> Result<&Float64Array> {
    match values {
        [array] => Ok(array.as_primitive::<Float64Type>()),
        _ => exec_err!("sum and avg take one argument, not {}", values.len()),
    }
}

fn state_arguments(values: &[ArrayRef]) -> Result<(&UInt64Array, [&Float64Array; LIMBS])> {
    match values {
        [count, limbs @ ..] if limbs.len() == LIMBS => Ok((
            count.as_primitive::<UInt64Type>(),
            std::array::from_fn(|i| limbs[i].as_primitive::<Float64Type>()),
        )),
        _ => exec_err!("the state of sum has {} columns, not {}", values.len(), LIMBS + 1),
    }
}

impl GroupsAccumulator for SteadyGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups.resize(total_num_groups, (0, [0.0; LIMBS]));
        let array = float_argument(values)?;
        let mut push = |group: usize, x: f64| {
            let (count, sum) = &mut self.groups[group];
            *count += 1;
            exact::add(sum, x);
        };
        if array.null_count() == 0 && filter.is_none() {
            for (&group, &x) in group_indices.iter().zip(array.values()) {
                push(group, x);
            }
            return Ok(());
        }
        // Most rows of a conditional sum are null: only those that count are visited.
        let kept = filter.map(|f| NullBuffer::new(super::kept(f)));
        let values = array.values();
        if let Some(counted) = NullBuffer::union(array.nulls(), kept.as_ref()) {
            for row in counted.valid_indices() {
                push(group_indices[row], values[row]);
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.groups.resize(total_num_groups, (0, [0.0; LIMBS]));
        let (counts, limbs) = state_arguments(values)?;
        for (row, &group) in group_indices.iter().enumerate() {
            let (count, sum) = &mut self.groups[group];
            *count += counts.value(row);
            exact::add_all(sum, &limbs.map(|l| l.value(row)));
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = emit_to.take_needed(&mut self.groups);
        Ok(Arc::new(
            groups
                .iter()
                .map(|(count, sum)| self.answer.from(*count, sum))
                .collect::<Float64Array>(),
        ))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = emit_to.take_needed(&mut self.groups);
        let mut state: Vec<ArrayRef> = vec![Arc::new(UInt64Array::from_iter_values(groups.iter().map(|g| g.0)))];
        for i in 0..LIMBS {
            state.push(Arc::new(Float64Array::from_iter_values(groups.iter().map(|g| g.1[i]))));
        }
        Ok(state)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = float_argument(values)?.len();
        let mut one_each = SteadyGroups {
            answer: self.answer,
            groups: Vec::new(),
        };
        let groups: Vec<usize> = (0..rows).collect();
        one_each.update_batch(values, &groups, filter, rows)?;
        one_each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<(u64, LongSum)>()
    }
}

/// Without groups, and for windows: values can leave again, so what is not finite is counted beside the sum.
#[derive(Debug)]
struct SteadyAccumulator {
    answer: Answer,
    count: u64,
    sum: LongSum,
    /// Values that are ∞, −∞ and no number.
    special: [i64; 3],
}

impl SteadyAccumulator {
    fn new(answer: Answer) -> Self {
        SteadyAccumulator {
            answer,
            count: 0,
            sum: [0.0; LIMBS],
            special: [0; 3],
        }
    }

    fn push(&mut self, x: f64, times: i64) {
        if x.is_finite() {
            exact::add(&mut self.sum, x * times as f64);
            return;
        }
        let which = if x.is_nan() { 2 } else { usize::from(x < 0.0) };
        self.special[which] += times;
    }

    fn total(&self) -> LongSum {
        match self.special {
            [0, 0, 0] => self.sum,
            [_, 0, 0] => [f64::INFINITY, 0.0, 0.0],
            [0, _, 0] => [f64::NEG_INFINITY, 0.0, 0.0],
            _ => [f64::NAN, 0.0, 0.0],
        }
    }
}

impl Accumulator for SteadyAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for x in float_argument(values)?.iter().flatten() {
            self.count += 1;
            self.push(x, 1);
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for x in float_argument(values)?.iter().flatten() {
            self.count -= 1;
            self.push(x, -1);
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (counts, limbs) = state_arguments(states)?;
        for row in 0..counts.len() {
            self.count += counts.value(row);
            let other = limbs.map(|l| l.value(row));
            if other[0].is_finite() {
                exact::add_all(&mut self.sum, &other);
            } else {
                self.push(other[0], 1);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.answer.from(self.count, &self.total())))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let limbs = self.total().map(|limb| ScalarValue::Float64(Some(limb)));
        Ok(std::iter::once(ScalarValue::UInt64(Some(self.count)))
            .chain(limbs)
            .collect())
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
