//! Answering a search from the columns.

use std::cmp::Ordering;

use super::index::Index;
use super::matching::{TextMatch, number_fits};
use crate::grammar::{Clause, Kind, Order};
use crate::model::{DatasetUse, NAME_TAG, View};

/// A run that was found: which index, and which row of it.
pub(super) type Hit = (u32, u32);

/// A value to order by.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sortable<'a> {
    Number(f64),
    Text(&'a str),
    /// Not a number: after all numbers.
    NaN,
    /// Nothing: at the end.
    Missing,
}

/// Rows of an index that fit.
pub(super) fn matching(index: &Index, filter: &[Clause], view: View) -> Vec<u32> {
    let mut marks: Vec<bool> = index.deleted.iter().map(|deleted| view.shows(*deleted)).collect();
    for clause in filter {
        apply(index, clause, &mut marks);
    }
    let rows = marks.iter().enumerate().filter(|(_, mark)| **mark);
    rows.filter_map(|(row, _)| u32::try_from(row).ok()).collect()
}

fn apply(index: &Index, clause: &Clause, marks: &mut [bool]) {
    let text = TextMatch::new(clause);
    let texts = |column: Option<&super::column::Texts>, marks: &mut [bool]| match column {
        Some(column) => column.keep(marks, text.missing(), |v| text.fits(v)),
        None if text.missing() => {}
        None => marks.fill(false),
    };
    let rows = |marks: &mut [bool], fits: &dyn Fn(usize) -> bool| {
        for (row, mark) in marks.iter_mut().enumerate() {
            *mark = *mark && fits(row);
        }
    };
    match (clause.kind, clause.key.as_str()) {
        (Kind::Metric, key) => match index.metrics.get(key) {
            Some(column) => column.keep(marks, false, |bits| number_fits(clause, f64::from_bits(bits))),
            None => marks.fill(false),
        },
        (Kind::Param, key) => texts(index.params.get(key), marks),
        (Kind::Tag, key) => texts(index.tags.get(key), marks),
        (Kind::Attribute, "run_name") => texts(index.tags.get(NAME_TAG), marks),
        (Kind::Attribute, "user_id") => texts(Some(&index.users), marks),
        (Kind::Attribute, "run_id") => rows(marks, &|row| text.fits(&index.ids[row])),
        (Kind::Attribute, "status") => rows(marks, &|row| text.fits(index.status(row))),
        (Kind::Attribute, "start_time") => rows(marks, &|row| number_fits(clause, index.starts[row] as f64)),
        (Kind::Attribute, "end_time") => {
            rows(marks, &|row| {
                index.end(row).is_some_and(|end| number_fits(clause, end as f64))
            });
        }
        (Kind::Dataset, key) => {
            let part = |used: &DatasetUse| match key {
                "name" => text.fits(&used.name),
                "digest" => text.fits(&used.digest),
                _ => used.context().is_some_and(|c| text.fits(c)),
            };
            let of = |row: usize| u32::try_from(row).ok().and_then(|row| index.datasets.get(&row));
            rows(marks, &|row| of(row).is_some_and(|all| all.iter().any(part)));
        }
        // What is not in the index is asked of the documents.
        _ => {}
    }
}

/// Whether a clause cannot be answered from the index: an address is unique to each run.
pub(super) fn of_documents(clause: &Clause) -> bool {
    clause.kind == Kind::Attribute && clause.key == "artifact_uri"
}

/// Whether an address fits a clause that [`of_documents`] is true of.
pub(super) fn address_fits(clause: &Clause, address: &str) -> bool {
    TextMatch::new(clause).fits(address)
}

fn sortable<'a>(index: &'a Index, row: u32, order: &Order) -> Sortable<'a> {
    let at = row as usize;
    let text = |found: Option<&'a str>| found.map_or(Sortable::Missing, Sortable::Text);
    match (order.kind, order.key.as_str()) {
        (Kind::Metric, key) => match index.metrics.get(key).and_then(|c| c.get(row)).map(f64::from_bits) {
            None => Sortable::Missing,
            Some(value) if value.is_nan() => Sortable::NaN,
            Some(value) => Sortable::Number(value),
        },
        (Kind::Param, key) => text(index.params.get(key).and_then(|c| c.get(row))),
        (Kind::Tag, key) => text(index.tags.get(key).and_then(|c| c.get(row))),
        (Kind::Attribute, "run_name") => text(index.tags.get(NAME_TAG).and_then(|c| c.get(row))),
        (Kind::Attribute, "user_id") => text(index.users.get(row)),
        (Kind::Attribute, "status") => text(Some(index.status(at))),
        (Kind::Attribute, "start_time") => Sortable::Number(index.starts[at] as f64),
        (Kind::Attribute, "end_time") => index.end(at).map_or(Sortable::Missing, |e| Sortable::Number(e as f64)),
        // Addresses end in the id.
        _ => text(Some(&index.ids[at])),
    }
}

/// A number that sorts as the value does, as far as 64 bits can tell.
fn rank(value: Sortable<'_>, ascending: bool) -> u64 {
    let turned = |key: u64| if ascending { key } else { !key };
    match value {
        Sortable::Missing => u64::MAX,
        Sortable::NaN => u64::MAX - 1,
        Sortable::Number(number) => {
            let bits = number.to_bits();
            let key = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
            turned(key).min(u64::MAX - 2)
        }
        Sortable::Text(text) => {
            let mut head = [0u8; 8];
            for (to, from) in head.iter_mut().zip(text.bytes()) {
                *to = from;
            }
            turned(u64::from_be_bytes(head)).min(u64::MAX - 2)
        }
    }
}

fn compare(a: Sortable<'_>, b: Sortable<'_>, ascending: bool) -> Ordering {
    let class = |v: &Sortable<'_>| match v {
        Sortable::Number(_) | Sortable::Text(_) => 0,
        Sortable::NaN => 1,
        Sortable::Missing => 2,
    };
    let by_class = class(&a).cmp(&class(&b));
    let by_value = match (a, b) {
        (Sortable::Number(a), Sortable::Number(b)) => a.total_cmp(&b),
        (Sortable::Text(a), Sortable::Text(b)) => a.cmp(b),
        _ => Ordering::Equal,
    };
    by_class.then(if ascending { by_value } else { by_value.reverse() })
}

/// The hits from `offset` on, at most `limit`, in order: as `orders` say, then newest first, then by id.
pub(super) fn ordered(indexes: &[&Index], hits: Vec<Hit>, orders: &[Order], offset: usize, limit: usize) -> Vec<Hit> {
    let of = |hit: &Hit| (indexes[hit.0 as usize], hit.1);
    let first = |hit: &Hit| -> u64 {
        let (index, row) = of(hit);
        match orders.first() {
            Some(order) => rank(sortable(index, row, order), order.ascending),
            None => rank(Sortable::Number(index.starts[row as usize] as f64), false),
        }
    };
    let by_start = !orders
        .iter()
        .any(|o| o.kind == Kind::Attribute && o.key == "start_time");
    let whole = |a: &Hit, b: &Hit| -> Ordering {
        let ((ia, ra), (ib, rb)) = (of(a), of(b));
        for order in orders {
            let by = compare(sortable(ia, ra, order), sortable(ib, rb, order), order.ascending);
            if by.is_ne() {
                return by;
            }
        }
        let (sa, sb) = (ia.starts[ra as usize], ib.starts[rb as usize]);
        let newest = if by_start { sb.cmp(&sa) } else { Ordering::Equal };
        newest.then_with(|| ia.ids[ra as usize].cmp(&ib.ids[rb as usize]))
    };
    let mut keyed: Vec<(u64, Hit)> = hits.into_iter().map(|hit| (first(&hit), hit)).collect();
    let before = |a: &(u64, Hit), b: &(u64, Hit)| a.0.cmp(&b.0).then_with(|| whole(&a.1, &b.1));
    let end = offset.saturating_add(limit).min(keyed.len());
    if end == 0 || offset >= keyed.len() {
        return Vec::new();
    }
    if end < keyed.len() {
        keyed.select_nth_unstable_by(end - 1, before);
        keyed.truncate(end);
    }
    keyed.sort_unstable_by(before);
    keyed.drain(..offset);
    keyed.into_iter().map(|(_, hit)| hit).collect()
}

/// Whether an order says the same field twice.
pub(super) fn twice(orders: &[Order]) -> bool {
    let same = |a: &Order, b: &Order| a.kind == b.kind && a.key == b.key;
    orders
        .iter()
        .enumerate()
        .any(|(i, a)| orders[..i].iter().any(|b| same(a, b)))
}
