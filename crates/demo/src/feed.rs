//! The feed of events as it arrived, one file per day of arrival, faults included: as the producer sent it (`raw`),
//! and as the loader filled the agreed columns by name (`landing`). The two differ on the day of the renamed column.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::ArrayRef;

use crate::DemoError;
use crate::calendar::iso;
use crate::columns::{ints, longs, longs_or, times, words};
use crate::faults::RENAMED;
use crate::rows::{Catalogue, EVENT_TYPES, FeedRow};
use crate::write::{Finished, Layout, Store, TableFile};

/// The feed in the columns agreed.
pub(crate) const FEED: Layout = Layout {
    name: "landing/events",
    columns: &[
        ("event_id", Store::Id),
        ("session_id", Store::Id),
        ("ts", Store::Time),
        ("ingest_ts", Store::Time),
        ("type", Store::Word),
        ("sku", Store::Word),
        ("amount_minor?", Store::Long),
        ("schema_version", Store::Int),
    ],
};
/// What the producer sent; the column's name depends on the day.
const RAW: Layout = Layout {
    name: "raw/events",
    columns: FEED.columns,
};
/// What the producer sent on 12 May, with a column renamed.
const RAW_RENAMED: Layout = Layout {
    name: "raw/events",
    columns: &[
        ("event_id", Store::Id),
        ("session_id", Store::Id),
        ("ts", Store::Time),
        ("ingest_ts", Store::Time),
        ("type", Store::Word),
        ("sku", Store::Word),
        ("amount?", Store::Long),
        ("schema_version", Store::Int),
    ],
};

/// Writes the kept days of the feed: raw and landing files.
pub(crate) fn write(
    dir: &Path,
    catalogue: &Catalogue,
    days: BTreeMap<u16, Vec<FeedRow>>,
) -> Result<Vec<Finished>, DemoError> {
    let mut files = Vec::with_capacity(days.len() + 12);
    for (day, mut rows) in days {
        // Arrival order, as a landing zone has it; ties by event, first copies first.
        rows.sort_by_key(|r| (r.ingest, r.event));
        let version = if day >= RENAMED { 2 } else { 1 };
        let renamed = day == RENAMED;
        // Raw files are kept for the days around the rename; elsewhere they would repeat the landing zone.
        if day.abs_diff(RENAMED) <= 8 {
            let layout = if renamed { RAW_RENAMED } else { RAW };
            files.push(file(dir, &layout, day, arrays(catalogue, &rows, version, false))?);
        }
        files.push(file(dir, &FEED, day, arrays(catalogue, &rows, version, renamed))?);
    }
    Ok(files)
}

fn file(dir: &Path, layout: &Layout, day: u16, arrays: Vec<ArrayRef>) -> Result<Finished, DemoError> {
    let name = format!("{}/{}", layout.name, iso(i64::from(day)));
    let (mut file, encoder) = TableFile::create_at(dir, layout, name)?;
    file.append(encoder.encode(0, arrays)?)?;
    file.finish()
}

/// Arrays in the layouts' order; without amounts where the loader found no column of the agreed name.
fn arrays(catalogue: &Catalogue, rows: &[FeedRow], version: i32, lost: bool) -> Vec<ArrayRef> {
    vec![
        longs(rows.iter().map(|r| r.event).collect()),
        longs(rows.iter().map(|r| r.session).collect()),
        times(rows.iter().map(|r| r.ts).collect()),
        times(rows.iter().map(|r| r.ingest).collect()),
        words(rows.iter().map(|r| r.kind).collect(), EVENT_TYPES),
        catalogue.column(rows.iter().map(|r| r.sku).collect()),
        longs_or(rows.iter().map(|r| (!lost).then_some(r.amount)).collect()),
        ints(vec![version; rows.len()]),
    ]
}
