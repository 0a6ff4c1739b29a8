//! Injected data incidents: what went wrong in delivery, when, and by when it must be noticed.

use crate::calendar::{DAY, HOUR, date, midnight};
use crate::draw::{Key, Subject};

/// The day on which the producer renamed `amount_minor` to `amount`.
pub(crate) const RENAMED: u16 = date(5, 12);
/// The day on which amounts came in euros for nine hours, from this hour on.
pub(crate) const EUROS: (u16, i64) = (date(6, 3), 9);
/// The day whose mobile sessions came late, in which share, by how much.
pub(crate) const LATE: (u16, f64, i64) = (date(7, 8), 0.04, 30 * HOUR);
/// The day on which events were replayed, in which share.
pub(crate) const REPLAYED: (u16, f64) = (date(8, 19), 0.02);
/// The day whose first local hour after two o'clock came twice.
pub(crate) const DOUBLE_HOUR: u16 = date(10, 26);

/// Days (by arrival) whose raw feed is kept: each incident with clean days before and after, and the year's end.
pub(crate) const FEED: [(u16, u16); 6] = [
    (RENAMED - 8, RENAMED + 3),
    (EUROS.0 - 8, EUROS.0 + 3),
    (LATE.0 - 8, LATE.0 + 4),
    (REPLAYED.0 - 8, REPLAYED.0 + 3),
    (DOUBLE_HOUR - 8, DOUBLE_HOUR + 3),
    (date(12, 22), date(12, 31) + 1),
];

/// Whether the raw feed of a day is kept.
pub(crate) fn kept(day: i64) -> bool {
    FEED.iter().any(|w| (i64::from(w.0)..i64::from(w.1)).contains(&day))
}

/// Whether a session of 8 July comes late.
pub(crate) fn late(seed: u64, user: u64, day: u16, slot: u64, mobile: bool) -> bool {
    day == LATE.0
        && mobile
        && Key::new(seed, Subject::Fault, user)
            .at(u64::from(day), slot)
            .chance(LATE.1)
}

/// An amount as the feed of 3 June reported it.
pub(crate) fn reported(ts: i64, amount: i64) -> i64 {
    let from = midnight(EUROS.0) + EUROS.1 * HOUR;
    if (from..from + 9 * HOUR).contains(&ts) {
        (amount + 50) / 100
    } else {
        amount
    }
}

/// A time as the feed reported it: on 26 October the exporter read local clock time back with the wrong offset.
pub(crate) fn clocked(ts: i64) -> i64 {
    let from = midnight(DOUBLE_HOUR);
    if (from..from + HOUR).contains(&ts) {
        ts + HOUR
    } else {
        ts
    }
}

/// When the second copy of a replayed event arrives.
pub(crate) fn replay(seed: u64, event: u64, ts: i64, ingest: i64) -> Option<i64> {
    let end = midnight(REPLAYED.0) + DAY;
    let within = (end - DAY..end).contains(&ts) && ingest < end;
    let mut draw = Key::new(seed, Subject::Fault, event).at(u64::from(REPLAYED.0), 77);
    (within && draw.chance(REPLAYED.1)).then(|| (ingest + 2 * HOUR).min(end - 1))
}

/// One incident, for the truth tables.
pub(crate) struct Incident {
    /// Name.
    pub(crate) name: &'static str,
    /// Dataset in which it shows.
    pub(crate) dataset: &'static str,
    /// Column in which it shows.
    pub(crate) column: &'static str,
    /// First moment of faulty data.
    pub(crate) from: i64,
    /// Moment after the last.
    pub(crate) to: i64,
    /// By when it must be noticed.
    pub(crate) deadline: i64,
    /// Arrival day (position in the year) whose slice shows it first.
    pub(crate) slice: u16,
    /// Rule that notices it.
    pub(crate) detector: &'static str,
    /// Clean arrival days: first, and the day after the last.
    pub(crate) control: (u16, u16),
}

/// All incidents that contract checks or monitors must notice.
pub(crate) fn incidents() -> Vec<Incident> {
    let six = 6 * HOUR;
    let whole = |day: u16| (midnight(day), midnight(day) + DAY, midnight(day) + DAY + six);
    let incident = |name, dataset, column, (from, to, deadline), slice: u16, detector| Incident {
        name,
        dataset,
        column,
        from,
        to,
        deadline,
        slice,
        detector,
        control: (slice - 7, slice),
    };
    let euros = midnight(EUROS.0) + EUROS.1 * HOUR;
    let null = crate::world::NULL_FEATURES;
    vec![
        incident(
            "renamed_column",
            "event_feed",
            "amount_minor",
            whole(RENAMED),
            RENAMED,
            "nulls",
        ),
        incident(
            "cents_to_euros",
            "event_feed",
            "amount_minor",
            (euros, euros + 9 * HOUR, midnight(EUROS.0) + DAY + six),
            EUROS.0,
            "range",
        ),
        incident(
            "late_mobile_sessions",
            "sessions",
            "ingest_ts",
            (
                midnight(LATE.0),
                midnight(LATE.0) + DAY,
                midnight(LATE.0) + 2 * DAY + six,
            ),
            LATE.0 + 1,
            "delay",
        ),
        incident(
            "replayed_events",
            "event_feed",
            "event_id",
            whole(REPLAYED.0),
            REPLAYED.0,
            "duplicates",
        ),
        incident(
            "austria_launch",
            "users",
            "country",
            whole(crate::world::AUSTRIA.0),
            crate::world::AUSTRIA.0,
            "drift",
        ),
        incident(
            "null_features",
            "sessions",
            "rank_score",
            (midnight(null.0), midnight(null.1), midnight(null.0) + DAY + six),
            null.0,
            "nulls",
        ),
        incident(
            "double_hour",
            "event_feed",
            "ts",
            (
                midnight(DOUBLE_HOUR),
                midnight(DOUBLE_HOUR) + HOUR,
                midnight(DOUBLE_HOUR) + DAY + six,
            ),
            DOUBLE_HOUR,
            "sql",
        ),
        incident(
            "leaking_column",
            "sub_months",
            "cancel_page_visits",
            (midnight(0), midnight(0) + 365 * DAY, midnight(0) + 366 * DAY),
            date(12, 31),
            "leakage",
        ),
    ]
}
