//! `moments(x1, …, xk)`: count, means and centred cross-products of k doubles in one list.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeListArray, Float64Array, ListArray, UInt64Array,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type, UInt64Type};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};

use super::exact::{self, LIMBS, LongSum};

/// More would make one row of state larger than a page; an analysis needs a handful.
const MOST_VARIABLES: usize = 32;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct MomentsFunction {
    signature: Signature,
}

impl MomentsFunction {
    pub(super) fn new() -> Self {
        MomentsFunction {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

/// Sums kept for k variables: k of values, k(k+1)/2 of products.
fn sums_of(k: usize) -> usize {
    k + k * (k + 1) / 2
}

impl AggregateUDFImpl for MomentsFunction {
    fn name(&self) -> &str {
        "moments"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        if arguments.is_empty() || arguments.len() > MOST_VARIABLES {
            return plan_err!("moments takes 1 to {MOST_VARIABLES} numbers, not {}", arguments.len());
        }
        for (i, argument) in arguments.iter().enumerate() {
            if !(argument.is_numeric() || *argument == DataType::Null) {
                return plan_err!("argument {} of moments is {argument}, not a number; cast it", i + 1);
            }
        }
        Ok(vec![DataType::Float64; arguments.len()])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::new_list(DataType::Float64, true))
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let limbs = limb_type(args.input_fields.len());
        Ok(vec![
            Arc::new(Field::new(
                format_state_name(args.name, "count"),
                DataType::UInt64,
                false,
            )),
            Arc::new(Field::new(format_state_name(args.name, "limbs"), limbs, false)),
        ])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(MomentsAccumulator {
            groups: MomentsGroups::new(args.exprs.len()),
            zeros: Vec::new(),
        }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(MomentsGroups::new(args.exprs.len())))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }
}

fn limb_item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Float64, false))
}

fn limb_type(k: usize) -> DataType {
    DataType::FixedSizeList(limb_item(), (sums_of(k) * LIMBS) as i32)
}

/// Running sums of many groups, group after group in one vector.
struct MomentsGroups {
    k: usize,
    counts: Vec<u64>,
    sums: Vec<LongSum>,
}

/// The argument arrays, and the rows in which none is null and the filter holds.
fn arguments<'a>(values: &'a [ArrayRef], filter: Option<&BooleanArray>) -> (Vec<&'a [f64]>, Option<NullBuffer>) {
    let columns = values
        .iter()
        .map(|a| &a.as_primitive::<Float64Type>().values()[..])
        .collect();
    let mut valid = None;
    for array in values {
        valid = NullBuffer::union(valid.as_ref(), array.nulls());
    }
    if let Some(filter) = filter {
        let kept = NullBuffer::new(super::kept(filter));
        valid = NullBuffer::union(valid.as_ref(), Some(&kept));
    }
    (columns, valid.filter(|v| v.null_count() > 0))
}

#[inline(always)]
fn push(sums: &mut [LongSum], x: &[f64]) {
    let k = x.len();
    let (values, products) = sums.split_at_mut(k);
    let mut products = products.iter_mut();
    for (i, sum) in values.iter_mut().enumerate() {
        exact::add(sum, x[i]);
        for (&other, product) in x[i..].iter().zip(&mut products) {
            let (high, low) = exact::two_product(x[i], other);
            exact::add(product, high);
            exact::add(product, low);
        }
    }
}

impl MomentsGroups {
    fn new(k: usize) -> Self {
        MomentsGroups {
            k,
            counts: Vec::new(),
            sums: Vec::new(),
        }
    }

    fn grow(&mut self, groups: usize) {
        self.counts.resize(groups, 0);
        self.sums.resize(groups * sums_of(self.k), [0.0; LIMBS]);
    }

    #[inline(always)]
    fn update_row(&mut self, group: usize, x: &[f64]) {
        self.counts[group] += 1;
        let width = sums_of(x.len());
        push(&mut self.sums[group * width..(group + 1) * width], x);
    }

    /// With `K` known the compiler unrolls the loops over variables.
    fn update_fixed<const K: usize>(&mut self, columns: &[&[f64]], groups: &[usize], valid: Option<&NullBuffer>) {
        let Ok(columns) = <[&[f64]; K]>::try_from(columns) else {
            return;
        };
        for (row, &group) in groups.iter().enumerate() {
            if valid.is_none_or(|v| v.is_valid(row)) {
                self.update_row(group, &columns.map(|c| c[row]));
            }
        }
    }

    fn update_any(&mut self, columns: &[&[f64]], groups: &[usize], valid: Option<&NullBuffer>) {
        let mut x = vec![0.0; columns.len()];
        for (row, &group) in groups.iter().enumerate() {
            if valid.is_none_or(|v| v.is_valid(row)) {
                for (x, column) in x.iter_mut().zip(columns) {
                    *x = column[row];
                }
                self.update_row(group, &x);
            }
        }
    }

    fn take(&mut self, emit: EmitTo) -> (Vec<u64>, Vec<LongSum>) {
        let counts = emit.take_needed(&mut self.counts);
        let sums = match emit {
            EmitTo::All => std::mem::take(&mut self.sums),
            EmitTo::First(n) => EmitTo::First(n * sums_of(self.k)).take_needed(&mut self.sums),
        };
        (counts, sums)
    }

    fn state_arrays(&self, counts: Vec<u64>, sums: Vec<LongSum>) -> Result<Vec<ArrayRef>> {
        let width = (sums_of(self.k) * LIMBS) as i32;
        let limbs = Float64Array::from(sums.into_flattened());
        let limbs = FixedSizeListArray::try_new(limb_item(), width, Arc::new(limbs), None)?;
        Ok(vec![Arc::new(UInt64Array::from(counts)), Arc::new(limbs)])
    }
}

/// `[count, means…, cross…]` of one group.
fn flatten(k: usize, count: u64, sums: &[LongSum], out: &mut Vec<f64>) {
    let n = count as f64;
    out.push(n);
    if count == 0 {
        out.resize(out.len() + sums_of(k), 0.0);
        return;
    }
    let (values, products) = sums.split_at(k);
    out.extend(values.iter().map(|s| exact::round(s) / n));
    let mut products = products.iter();
    for i in 0..k {
        for j in i..k {
            if let Some(product) = products.next() {
                let cross = exact::centred(n, product, &values[i], &values[j]);
                // The error of the sums may leave a square a hair below zero.
                out.push(if i == j && cross < 0.0 { 0.0 } else { cross });
            }
        }
    }
}

impl GroupsAccumulator for MomentsGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let (columns, valid) = arguments(values, filter);
        let valid = valid.as_ref();
        match self.k {
            1 => self.update_fixed::<1>(&columns, group_indices, valid),
            2 => self.update_fixed::<2>(&columns, group_indices, valid),
            3 => self.update_fixed::<3>(&columns, group_indices, valid),
            4 => self.update_fixed::<4>(&columns, group_indices, valid),
            _ => self.update_any(&columns, group_indices, valid),
        }
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        let [counts, limbs] = values else {
            return exec_err!("the state of moments has {} columns, not 2", values.len());
        };
        let counts = counts.as_primitive::<UInt64Type>();
        let limbs = limbs.as_fixed_size_list();
        let width = sums_of(self.k);
        if limbs.value_length() as usize != width * LIMBS {
            return exec_err!(
                "the state of moments has {} limbs, not {}",
                limbs.value_length(),
                width * LIMBS
            );
        }
        let start = limbs.value_offset(0) as usize;
        let flat = &limbs.values().as_primitive::<Float64Type>().values()[start..];
        for ((row, &group), limbs) in group_indices.iter().enumerate().zip(flat.chunks_exact(width * LIMBS)) {
            self.counts[group] += counts.value(row);
            let sums = &mut self.sums[group * width..(group + 1) * width];
            for (sum, other) in sums.iter_mut().zip(limbs.chunks_exact(LIMBS)) {
                exact::add_all(sum, other);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (counts, sums) = self.take(emit_to);
        let width = sums_of(self.k);
        let mut flat = Vec::with_capacity(counts.len() * (1 + width));
        for (&count, sums) in counts.iter().zip(sums.chunks_exact(width)) {
            flatten(self.k, count, sums, &mut flat);
        }
        let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(1 + width, counts.len()));
        let item = Arc::new(Field::new_list_field(DataType::Float64, true));
        Ok(Arc::new(ListArray::try_new(
            item,
            offsets,
            Arc::new(Float64Array::from(flat)),
            None,
        )?))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (counts, sums) = self.take(emit_to);
        self.state_arrays(counts, sums)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |v| v.len());
        let mut one_each = MomentsGroups::new(self.k);
        let groups: Vec<usize> = (0..rows).collect();
        one_each.update_batch(values, &groups, filter, rows)?;
        one_each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.counts.capacity() * size_of::<u64>() + self.sums.capacity() * size_of::<LongSum>()
    }
}

/// Moments without groups: group 0 of [`MomentsGroups`].
struct MomentsAccumulator {
    groups: MomentsGroups,
    zeros: Vec<usize>,
}

impl std::fmt::Debug for MomentsAccumulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "moments of {} variables", self.groups.k)
    }
}

impl Accumulator for MomentsAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |v| v.len());
        self.groups
            .update_batch(values, super::group_zero(&mut self.zeros, rows), None, 1)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, |v| v.len());
        self.groups
            .merge_batch(states, super::group_zero(&mut self.zeros, rows), 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.groups.grow(1);
        ScalarValue::try_from_array(&self.groups.evaluate(EmitTo::All)?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.groups.grow(1);
        self.groups
            .state(EmitTo::All)?
            .iter()
            .map(|a| ScalarValue::try_from_array(a, 0))
            .collect()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.groups.size() + self.zeros.capacity() * size_of::<usize>()
    }
}
