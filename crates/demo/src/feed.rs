//! The raw feed of events as it arrived, one file per day of arrival, faults included.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::ArrayRef;

use crate::DemoError;
use crate::calendar::iso;
use crate::columns::{ints, longs, times, words};
use crate::faults::RENAMED;
use crate::rows::{Catalogue, EVENT_TYPES, FeedRow};
use crate::write::{Finished, Layout, Store, TableFile};

/// The feed as agreed.
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
/// The feed of 12 May, with a column renamed.
const RENAMED_FEED: Layout = Layout {
    name: "landing/events",
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

/// Writes the kept days of the feed.
pub(crate) fn write(
    dir: &Path,
    catalogue: &Catalogue,
    days: BTreeMap<u16, Vec<FeedRow>>,
) -> Result<Vec<Finished>, DemoError> {
    let mut files = Vec::with_capacity(days.len());
    for (day, mut rows) in days {
        // Arrival order, as a landing zone has it; ties by event, first copies first.
        rows.sort_by_key(|r| (r.ingest, r.event));
        let layout = if day == RENAMED { RENAMED_FEED } else { FEED };
        let name = format!("{}/{}", layout.name, iso(i64::from(day)));
        let (mut file, encoder) = TableFile::create_at(dir, &layout, name)?;
        let version = if day >= RENAMED { 2 } else { 1 };
        file.append(encoder.encode(0, arrays(catalogue, &rows, version))?)?;
        files.push(file.finish()?);
    }
    Ok(files)
}

fn arrays(catalogue: &Catalogue, rows: &[FeedRow], version: i32) -> Vec<ArrayRef> {
    vec![
        longs(rows.iter().map(|r| r.event).collect()),
        longs(rows.iter().map(|r| r.session).collect()),
        times(rows.iter().map(|r| r.ts).collect()),
        times(rows.iter().map(|r| r.ingest).collect()),
        words(rows.iter().map(|r| r.kind).collect(), EVENT_TYPES),
        catalogue.column(rows.iter().map(|r| r.sku).collect()),
        longs(rows.iter().map(|r| r.amount).collect()),
        ints(vec![version; rows.len()]),
    ]
}
