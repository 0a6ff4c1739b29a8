//! Three years of work, estimates, bets, incidents and their follow-up.

use std::path::Path;

use super::people::{PEOPLE, PROJECTS};
use crate::DemoError;
use crate::calendar::ymd;
use crate::columns::{bools, bools_or, dates, dates_or, doubles, longs, texts, texts_or};
use crate::draw::{Key, Subject};
use crate::subscriptions::sigmoid;
use crate::write::{Finished, Layout, Store, write_table};

const WORK_ITEMS: Layout = Layout {
    name: "work_items",
    columns: &[
        ("item_id", Store::Long),
        ("project", Store::Text),
        ("kind", Store::Text),
        ("assignee", Store::Text),
        ("created_date", Store::Date),
        ("started_date", Store::Date),
        ("done_date?", Store::Date),
    ],
};
const ESTIMATES: Layout = Layout {
    name: "estimates",
    columns: &[
        ("estimate_id", Store::Long),
        ("item_id", Store::Long),
        ("person", Store::Text),
        ("made_date", Store::Date),
        ("p10_days", Store::Double),
        ("p50_days", Store::Double),
        ("p90_days", Store::Double),
        ("actual_days", Store::Double),
    ],
};
const BETS: Layout = Layout {
    name: "bets",
    columns: &[
        ("bet_id", Store::Long),
        ("statement", Store::Text),
        ("forecaster", Store::Text),
        ("made_date", Store::Date),
        ("resolved_date?", Store::Date),
        ("stated_probability", Store::Double),
        ("succeeded?", Store::Bool),
    ],
};
const TRUE_BETS: Layout = Layout {
    name: "truth_bets",
    columns: &[
        ("bet_id", Store::Long),
        ("probability", Store::Double),
        ("succeeds", Store::Bool),
    ],
};
const INCIDENTS: Layout = Layout {
    name: "incidents",
    columns: &[
        ("incident_id", Store::Text),
        ("title", Store::Text),
        ("severity", Store::Text),
        ("dataset?", Store::Text),
        ("commander", Store::Text),
        ("opened_date", Store::Date),
        ("resolved_date", Store::Date),
    ],
};
const ACTIONS: Layout = Layout {
    name: "actions",
    columns: &[
        ("action_id", Store::Text),
        ("incident_id", Store::Text),
        ("title", Store::Text),
        ("owner", Store::Text),
        ("due_date", Store::Date),
        ("closed_date?", Store::Date),
        ("status", Store::Text),
    ],
};
const TRUE_ACTIONS: Layout = Layout {
    name: "truth_actions",
    columns: &[("action_id", Store::Text), ("falsely_closed", Store::Bool)],
};

/// First and day after the last of the history.
const SPAN: (i32, i32) = (ymd(2023, 1, 1), ymd(2026, 1, 1));
/// Weekly throughput: mean and dispersion of a negative binomial.
const THROUGHPUT: (f64, f64) = (4.0, 2.0);
/// Log of actual over median estimate: mean and standard deviation.
const OVERRUN: (f64, f64) = (0.35, 0.5);
/// Bets in all, and how the stated logit follows from the true one: slope and shift.
const BET_COUNT: u64 = 240;
const STATED: (f64, f64) = (1.6, 0.4);

/// Files of the history.
pub(super) struct History {
    pub(super) data: Vec<Finished>,
    pub(super) truth: Vec<Finished>,
}

/// True parameters of the history.
pub(super) fn parameters() -> Vec<(&'static str, f64)> {
    vec![
        ("work.weekly_throughput_mean", THROUGHPUT.0),
        ("work.weekly_throughput_k", THROUGHPUT.1),
        ("estimates.log_overrun_mean", OVERRUN.0),
        ("estimates.log_overrun_sd", OVERRUN.1),
        ("bets.recalibration_slope", 1.0 / STATED.0),
        ("bets.recalibration_intercept", -STATED.1 / STATED.0),
    ]
}

/// Writes all of it.
pub(super) fn write(seed: u64, data: &Path, truths: &Path) -> Result<History, DemoError> {
    let mut files = work(seed, data)?;
    let (bets, true_bets) = bets(seed, data, truths)?;
    files.push(bets);
    let (follow_up, true_actions) = follow_up(data, truths)?;
    files.extend(follow_up);
    Ok(History {
        data: files,
        truth: vec![true_bets, true_actions],
    })
}

fn at<T: Copy>(list: &[T], index: u64, otherwise: T) -> T {
    list.get((index % list.len().max(1) as u64) as usize)
        .copied()
        .unwrap_or(otherwise)
}

fn handle(index: u64) -> &'static str {
    at(&PEOPLE.map(|p| p.0), index, "mara")
}

fn work(seed: u64, dir: &Path) -> Result<Vec<Finished>, DemoError> {
    const KINDS: [&str; 5] = ["analysis", "model", "pipeline", "experiment", "bug"];
    struct Item {
        project: &'static str,
        kind: &'static str,
        who: &'static str,
        created: i32,
        started: i32,
        done: i32,
        estimate: [f64; 3],
        actual: f64,
    }
    let mut items: Vec<Item> = Vec::new();
    let weeks = (SPAN.1 - SPAN.0) / 7;
    for week in 0..weeks {
        let mut draw = Key::new(seed, Subject::Organisation, 1).at(week as u64, 0);
        let rate = draw.gamma(THROUGHPUT.1, THROUGHPUT.1 / THROUGHPUT.0);
        for n in 0..draw.poisson(rate) {
            let mut draw = Key::new(seed, Subject::Organisation, 2).at(week as u64, u64::from(n));
            let done = SPAN.0 + week * 7 + draw.below(5) as i32;
            let median = (1.1 + 0.7 * draw.normal()).exp();
            let actual = median * (OVERRUN.0 + OVERRUN.1 * draw.normal()).exp();
            let started = done - actual.ceil() as i32;
            // Stated ranges are too narrow, as stated ranges are.
            let spread = (0.35 + 0.1 * draw.normal()).abs().max(0.05);
            items.push(Item {
                project: draw.one(&PROJECTS.map(|p| p.0)),
                kind: draw.one(&KINDS),
                who: handle(draw.below(14)),
                created: started - (draw.exponential() * 9.0) as i32,
                started,
                done,
                estimate: [median * (-spread).exp(), median, median * spread.exp()],
                actual,
            });
        }
    }
    items.sort_by_key(|i| (i.created, i.done));
    let ids: Vec<i64> = (1..=items.len() as i64).collect();
    let part = |n: usize| doubles(items.iter().map(|i| (i.estimate[n] * 100.0).round() / 100.0).collect());
    let work = vec![
        longs(ids.clone()),
        texts(items.iter().map(|i| i.project)),
        texts(items.iter().map(|i| i.kind)),
        texts(items.iter().map(|i| i.who)),
        dates(items.iter().map(|i| i.created)),
        dates(items.iter().map(|i| i.started)),
        dates_or(items.iter().map(|i| (i.done < SPAN.1).then_some(i.done))),
    ];
    let estimates = vec![
        longs(ids.clone()),
        longs(ids),
        texts(items.iter().map(|i| i.who)),
        dates(items.iter().map(|i| i.started)),
        part(0),
        part(1),
        part(2),
        doubles(items.iter().map(|i| (i.actual * 100.0).round() / 100.0).collect()),
    ];
    Ok(vec![
        write_table(dir, &WORK_ITEMS, work)?,
        write_table(dir, &ESTIMATES, estimates)?,
    ])
}

fn bets(seed: u64, data: &Path, truths: &Path) -> Result<(Finished, Finished), DemoError> {
    const STATEMENTS: [&str; 6] = [
        "The change lifts conversion by at least one per cent",
        "The model beats the incumbent in the next backtest",
        "The migration is done by the end of the quarter",
        "Churn falls by half a point within three months",
        "The supplier accepts the lower price",
        "The feature pays for its compute within six months",
    ];
    struct Bet {
        statement: &'static str,
        who: &'static str,
        made: i32,
        resolved: i32,
        stated: f64,
        truth: f64,
        succeeds: bool,
    }
    let mut all: Vec<Bet> = (0..BET_COUNT)
        .map(|n| {
            let mut draw = Key::new(seed, Subject::Organisation, 3).at(n, 0);
            let logit = 1.1 * draw.normal() - 0.3;
            let truth = sigmoid(logit);
            let made = SPAN.0 + draw.below((SPAN.1 - SPAN.0 - 100) as u64) as i32;
            Bet {
                statement: draw.one(&STATEMENTS),
                who: handle(draw.below(14)),
                made,
                resolved: made + 20 + draw.below(80) as i32,
                // Stated to the tenth of a per cent, so that rounding does not bend the calibration.
                stated: ((sigmoid(STATED.0 * logit + STATED.1) * 1_000.0).round() / 1_000.0).clamp(0.001, 0.999),
                truth,
                succeeds: draw.chance(truth),
            }
        })
        .collect();
    all.sort_by_key(|b| (b.made, b.resolved));
    let ids: Vec<i64> = (1..=all.len() as i64).collect();
    let table = vec![
        longs(ids.clone()),
        texts(all.iter().map(|b| b.statement)),
        texts(all.iter().map(|b| b.who)),
        dates(all.iter().map(|b| b.made)),
        dates_or(all.iter().map(|b| (b.resolved < SPAN.1).then_some(b.resolved))),
        doubles(all.iter().map(|b| b.stated).collect()),
        bools_or(
            all.iter()
                .map(|b| (b.resolved < SPAN.1).then_some(b.succeeds))
                .collect(),
        ),
    ];
    let truth = vec![
        longs(ids),
        doubles(all.iter().map(|b| b.truth).collect()),
        bools(all.iter().map(|b| b.succeeds).collect()),
    ];
    Ok((
        write_table(data, &BETS, table)?,
        write_table(truths, &TRUE_BETS, truth)?,
    ))
}

/// Title, severity, dataset, opened.
#[rustfmt::skip]
const HISTORY: [(&str, &str, Option<&str>, i32); 10] = [
    ("Order amounts doubled by a retried job", "high", Some("orders"), ymd(2023, 3, 14)),
    ("Churn scores stale for four days", "medium", Some("sub_months"), ymd(2023, 9, 2)),
    ("Search index built from a test catalogue", "high", None, ymd(2024, 2, 20)),
    ("Spend of one channel missing", "low", Some("spend_daily"), ymd(2024, 7, 8)),
    ("Column of amounts renamed by the producer", "high", Some("event_feed"), ymd(2025, 5, 12)),
    ("Amounts reported in euros for nine hours", "high", Some("event_feed"), ymd(2025, 6, 3)),
    ("Mobile sessions thirty hours late", "medium", Some("sessions"), ymd(2025, 7, 9)),
    ("Events replayed after a broker failover", "medium", Some("event_feed"), ymd(2025, 8, 19)),
    ("Rank features null for three days", "high", Some("sessions"), ymd(2025, 9, 18)),
    ("One hour of events stamped an hour ahead", "low", Some("event_feed"), ymd(2025, 10, 26)),
];
/// Title, days to close (none is open), and whether the claim is false.
type Action = (&'static str, Option<i32>, bool);

/// Two actions per incident.
#[rustfmt::skip]
const FOLLOW_UP: [[Action; 2]; 10] = [
    [("Make the job idempotent", Some(9), false), ("Alert on doubled daily revenue", Some(12), true)],
    [("Freshness check on scores", Some(6), false), ("Page the owner when scoring fails", Some(20), true)],
    [("Separate test and live catalogues", Some(30), false), ("Compare the index with the catalogue", Some(14), false)],
    [("Volume check on spend", Some(8), false), ("Agree delivery times with the agency", Some(40), false)],
    [("Schema check before loading", Some(10), false), ("Contract signed with the producer", Some(35), true)],
    [("Range check on amounts", Some(5), false), ("Type amounts with their unit", Some(45), true)],
    [("Delay check on sessions", Some(7), false), ("Queue with back-pressure on mobile", None, false)],
    [("Duplicate check on event_id", Some(4), false), ("Deduplicate on arrival", Some(18), true)],
    [("Null check on served features", Some(3), false), ("Fall back when features are null", Some(25), true)],
    [("Reject events from the future", Some(6), false), ("Send UTC from all producers", None, false)],
];

fn follow_up(data: &Path, truths: &Path) -> Result<(Vec<Finished>, Finished), DemoError> {
    let incidents = vec![
        texts((1..=HISTORY.len()).map(|n| format!("I-{n:03}"))),
        texts(HISTORY.iter().map(|i| i.0)),
        texts(HISTORY.iter().map(|i| i.1)),
        texts_or(HISTORY.iter().map(|i| i.2)),
        texts((0..HISTORY.len() as u64).map(|n| handle(n * 3 + 9))),
        dates(HISTORY.iter().map(|i| i.3)),
        dates((0..).zip(&HISTORY).map(|(n, i)| i.3 + 1 + n % 3)),
    ];
    let rows: Vec<(usize, &Action)> = FOLLOW_UP
        .iter()
        .enumerate()
        .flat_map(|(n, pair)| pair.iter().map(move |a| (n, a)))
        .collect();
    let opened = |n: usize| HISTORY.get(n).map_or(0, |i| i.3);
    let ids = || (1..=rows.len()).map(|n| format!("A-{n:03}"));
    let actions = vec![
        texts(ids()),
        texts(rows.iter().map(|r| format!("I-{:03}", r.0 + 1))),
        texts(rows.iter().map(|r| r.1.0)),
        texts((0..rows.len() as u64).map(|n| handle(n * 5 + 2))),
        dates(rows.iter().map(|r| opened(r.0) + 30)),
        dates_or(rows.iter().map(|r| r.1.1.map(|days| opened(r.0) + days))),
        texts(rows.iter().map(|r| if r.1.1.is_some() { "closed" } else { "open" })),
    ];
    let truth = vec![texts(ids()), bools(rows.iter().map(|r| r.1.2).collect())];
    let files = vec![
        write_table(data, &INCIDENTS, incidents)?,
        write_table(data, &ACTIONS, actions)?,
    ];
    Ok((files, write_table(truths, &TRUE_ACTIONS, truth)?))
}
