//! Short ways to make Arrow arrays.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int16Array,
    Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Int16Type;

use crate::calendar::EPOCH_DAY;

pub(crate) fn longs(values: Vec<i64>) -> ArrayRef {
    Arc::new(Int64Array::from(values))
}

pub(crate) fn longs_or(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(Int64Array::from(values))
}

pub(crate) fn ints(values: Vec<i32>) -> ArrayRef {
    Arc::new(Int32Array::from(values))
}

pub(crate) fn ints_or(values: Vec<Option<i32>>) -> ArrayRef {
    Arc::new(Int32Array::from(values))
}

pub(crate) fn floats_or(values: Vec<Option<f32>>) -> ArrayRef {
    Arc::new(Float32Array::from(values))
}

pub(crate) fn doubles(values: Vec<f64>) -> ArrayRef {
    Arc::new(Float64Array::from(values))
}

pub(crate) fn doubles_or(values: Vec<Option<f64>>) -> ArrayRef {
    Arc::new(Float64Array::from(values))
}

pub(crate) fn bools(values: Vec<bool>) -> ArrayRef {
    Arc::new(BooleanArray::from(values))
}

pub(crate) fn bools_or(values: Vec<Option<bool>>) -> ArrayRef {
    Arc::new(BooleanArray::from(values))
}

/// UTC moments in microseconds.
pub(crate) fn times(values: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
}

/// UTC moments in microseconds, or null.
pub(crate) fn times_or(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
}

/// Days counted from 2025-01-01.
pub(crate) fn dates(values: impl IntoIterator<Item = i32>) -> ArrayRef {
    Arc::new(Date32Array::from_iter_values(values.into_iter().map(|d| d + EPOCH_DAY)))
}

/// Days counted from 2025-01-01, or null.
pub(crate) fn dates_or(values: impl IntoIterator<Item = Option<i32>>) -> ArrayRef {
    Arc::new(
        values
            .into_iter()
            .map(|d| d.map(|d| d + EPOCH_DAY))
            .collect::<Date32Array>(),
    )
}

/// Money in cents as decimals.
pub(crate) fn decimals(cents: Vec<i64>) -> ArrayRef {
    let array = Decimal128Array::from_iter_values(cents.into_iter().map(i128::from));
    // Precision 18 and scale 2 hold any i64 below 1e16 euros, and the type is valid, so the fallback is never seen.
    Arc::new(array.clone().with_precision_and_scale(18, 2).unwrap_or(array))
}

pub(crate) fn texts<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

pub(crate) fn texts_or<S: AsRef<str>>(values: impl IntoIterator<Item = Option<S>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

/// Texts by position in a list.
pub(crate) fn words<S: AsRef<str>>(keys: Vec<i16>, list: impl IntoIterator<Item = S>) -> ArrayRef {
    let values: ArrayRef = Arc::new(StringArray::from_iter_values(list));
    // Keys are positions in the list by construction.
    match DictionaryArray::<Int16Type>::try_new(Int16Array::from(keys), values.clone()) {
        Ok(array) => Arc::new(array),
        Err(_) => values,
    }
}
