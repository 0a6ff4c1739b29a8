//! Each injected incident shows on its day and on no other.

use std::collections::{BTreeMap, BTreeSet};

use crate::table::{DAY, EPOCH_DAY, Table, midnight, read, shared};

/// Kept days of the feed by ISO date, as loaded.
fn feed() -> BTreeMap<String, Table> {
    files("landing")
}

fn files(zone: &str) -> BTreeMap<String, Table> {
    std::fs::read_dir(shared().dir.join("data").join(zone).join("events"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_stem().unwrap().to_string_lossy().into_owned(), read(&path))
        })
        .collect()
}

fn days_with(fault: impl Fn(&Table) -> bool) -> Vec<String> {
    feed()
        .into_iter()
        .filter(|(_, table)| fault(table))
        .map(|(day, _)| day)
        .collect()
}

#[test]
fn the_column_is_renamed_on_one_day() {
    let raw = files("raw");
    let has = |t: &Table, name: &str| t.names().iter().any(|n| n == name);
    let renamed: Vec<&String> = raw
        .iter()
        .filter(|(_, t)| has(t, "amount"))
        .map(|(day, _)| day)
        .collect();
    assert_eq!(renamed, ["2025-05-12"]);
    assert!(
        raw.len() > 8
            && raw
                .iter()
                .all(|(day, t)| has(t, "amount_minor") == (day != "2025-05-12"))
    );
    // The loader fills by name, so the amounts of that day, and of no other, are lost.
    let lost = days_with(|t| t.nulls("amount_minor").contains(&true));
    assert_eq!(lost, ["2025-05-12"]);
    assert!(feed()["2025-05-12"].nulls("amount_minor").iter().all(|null| *null));
    let names: BTreeSet<Vec<String>> = feed().values().map(Table::names).collect();
    assert_eq!(names.len(), 1, "files of the landing zone differ in columns");
}

#[test]
fn cents_become_euros_for_nine_hours() {
    let small = |t: &Table| t.maybe("amount_minor").iter().flatten().any(|&a| a < 100);
    assert_eq!(days_with(small), ["2025-06-03"]);
    let table = &feed()["2025-06-03"];
    let hours: BTreeSet<i64> = table
        .longs("ts")
        .iter()
        .zip(table.longs("amount_minor"))
        .filter(|(_, amount)| *amount < 100)
        .map(|(ts, _)| (ts - midnight(153)) / (DAY / 24))
        .collect();
    assert_eq!(hours, (9..18).collect());
}

#[test]
fn mobile_sessions_of_one_day_come_thirty_hours_late() {
    let six = DAY / 4;
    let late = |t: &Table| {
        t.longs("ts")
            .iter()
            .zip(t.longs("ingest_ts"))
            .any(|(ts, at)| at - ts > six)
    };
    assert_eq!(days_with(late), ["2025-07-09", "2025-07-10"]);
    let sessions = shared().data("sessions");
    let devices = sessions.texts("device");
    let (mut mobile, mut delayed) = (0, 0);
    let starts = sessions.longs("start_ts");
    for (n, at) in sessions.longs("ingest_ts").iter().enumerate() {
        let on_the_day = (midnight(188)..midnight(189)).contains(&starts[n]);
        mobile += i64::from(on_the_day && devices[n] == "mobile");
        if at - starts[n] > six {
            delayed += 1;
            assert!(on_the_day && devices[n] == "mobile" && at - starts[n] >= 30 * DAY / 24);
        }
    }
    let share = delayed as f64 / mobile as f64;
    assert!(
        (share - 0.04).abs() < 4.0 * (0.04 * 0.96 / mobile as f64).sqrt(),
        "{share}"
    );
}

#[test]
fn events_are_replayed_on_one_day() {
    let twice = |t: &Table| t.longs("event_id").into_iter().collect::<BTreeSet<_>>().len() < t.rows();
    assert_eq!(days_with(twice), ["2025-08-19"]);
    let table = &feed()["2025-08-19"];
    let different = table.longs("event_id").into_iter().collect::<BTreeSet<_>>().len();
    let share = (table.rows() - different) as f64 / different as f64;
    assert!((share - 0.02).abs() < 0.015, "{share}");
}

#[test]
fn one_hour_is_stamped_twice_when_clocks_go_back() {
    let future = |t: &Table| t.longs("ts").iter().zip(t.longs("ingest_ts")).any(|(ts, at)| at < *ts);
    assert_eq!(days_with(future), ["2025-10-26"]);
    let hour = DAY / 24;
    let stamps = feed()["2025-10-26"].longs("ts");
    let in_hour = |h: i64| {
        stamps
            .iter()
            .filter(|ts| (**ts - midnight(298)).div_euclid(hour) == h)
            .count()
    };
    assert_eq!(in_hour(0), 0);
    assert!(in_hour(1) > in_hour(2));
}

#[test]
fn the_mapped_events_are_clean() {
    let events = shared().data("events");
    assert!(events.longs("amount_minor").iter().all(|&a| a >= 100));
    let (ts, at) = (events.longs("ts"), events.longs("ingest_ts"));
    assert!(ts.iter().zip(&at).all(|(ts, at)| at > ts));
    for (ts, version) in ts.iter().zip(events.longs("schema_version")) {
        // A session that began before midnight keeps its version.
        let near = (ts - midnight(131)).abs() < DAY / 12;
        assert!(near || (version == 2) == (*ts >= midnight(131)));
    }
}

#[test]
fn rank_features_are_null_for_three_days() {
    let sessions = shared().data("sessions");
    for (ts, null) in sessions.longs("start_ts").iter().zip(sessions.nulls("rank_score")) {
        assert_eq!(null, (midnight(260)..midnight(263)).contains(ts));
    }
}

#[test]
fn austria_begins_in_september() {
    let users = shared().data("users");
    let austrian: Vec<i64> = users
        .texts("country")
        .iter()
        .zip(users.longs("signup_ts"))
        .filter(|(country, _)| *country == "AT")
        .map(|(_, ts)| ts)
        .collect();
    assert!(austrian.len() > 20);
    assert!(austrian.iter().all(|ts| *ts >= midnight(243)));
}

#[test]
fn every_incident_has_a_deadline_and_clean_control_days() {
    let table = shared().truth("incidents");
    assert_eq!(table.rows(), 8);
    let kept: BTreeSet<String> = feed().into_keys().collect();
    let names = table.texts("name");
    let (from, deadline) = (table.longs("from_ts"), table.longs("deadline_ts"));
    let (slice, first, last) = (
        table.longs("slice_day"),
        table.longs("control_from"),
        table.longs("control_to"),
    );
    for n in 0..table.rows() {
        assert!(
            deadline[n] > from[n] && last[n] <= slice[n] && last[n] - first[n] == 7,
            "{}",
            names[n]
        );
        assert!(
            deadline[n] >= (slice[n] + 1) * DAY || names[n] == "leaking_column",
            "{}",
            names[n]
        );
        if table.texts("dataset")[n] == "event_feed" {
            for day in first[n]..=slice[n] {
                let offset = (day - EPOCH_DAY) as i32;
                let date = jiff::civil::date(2025, 1, 1)
                    .checked_add(jiff::Span::new().days(offset))
                    .unwrap();
                assert!(kept.contains(&date.to_string()), "{} lacks {date}", names[n]);
            }
        }
    }
}
