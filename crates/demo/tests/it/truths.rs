//! Truths: paired worlds agree with the world that happened, and with each other where nothing differs.

use std::collections::BTreeMap;

use crate::table::{Made, Table, midnight, shared};

fn effect(made: &Made, cause: &str, metric: &str) -> (f64, f64) {
    let table = made.truth("effects");
    let (causes, metrics) = (table.texts("cause"), table.texts("metric"));
    let at = (0..table.rows())
        .find(|&n| causes[n] == cause && metrics[n] == metric)
        .unwrap();
    (table.numbers("absolute")[at], table.numbers("relative")[at])
}

fn total(table: &Table, cause: &str, world: &str, column: &str) -> i64 {
    let (causes, worlds) = (table.texts("cause"), table.texts("world"));
    let at = (0..table.rows())
        .find(|&n| causes[n] == cause && worlds[n] == world)
        .unwrap();
    table.longs(column)[at]
}

#[test]
fn the_null_experiment_and_the_switchback_have_no_effect_at_all() {
    let made = shared();
    let totals = made.truth("totals");
    for cause in ["E4", "E8"] {
        for metric in [
            "orders_per_user",
            "revenue_per_user_cents",
            "margin_per_user_cents",
            "conversion_rate",
        ] {
            assert_eq!(effect(made, cause, metric), (0.0, 0.0), "{cause} {metric}");
        }
        for column in [
            "units",
            "sessions",
            "buyers",
            "orders",
            "gross_cents",
            "discount_cents",
            "margin_cents",
        ] {
            assert_eq!(
                total(&totals, cause, "with", column),
                total(&totals, cause, "without", column)
            );
        }
    }
}

#[test]
fn effects_have_the_size_that_was_put_in() {
    let made = shared();
    // With shared noise an order that happens without the cause happens with it too, so the spread of the relative
    // effect is that of the few orders between the two thresholds.
    for (cause, wanted, tolerance) in [
        ("E1", 0.08, 0.05),
        ("E5", 0.015, 0.025),
        ("E6", 0.028, 0.03),
        ("E7", 0.03, 0.035),
        ("E2", -0.01, 0.025),
    ] {
        let (_, relative) = effect(made, cause, "conversion_rate");
        assert!(
            (relative - wanted).abs() < tolerance,
            "{cause}: {relative}, wanted {wanted}"
        );
    }
    let (_, value) = effect(made, "E2", "average_order_value_cents");
    assert!((value - 0.06).abs() < 0.02, "order value {value}");
    let (_, saved) = effect(made, "E3", "left_in_90_days");
    assert!(saved < 0.0, "the save offer {saved}");
    let (_, lost) = effect(made, "null_features", "orders_per_user");
    assert!(lost <= 0.0, "null features {lost}");
}

#[test]
fn both_worlds_of_a_pair_have_the_same_people() {
    let totals = shared().truth("totals");
    let (causes, worlds, units) = (totals.texts("cause"), totals.texts("world"), totals.longs("units"));
    let mut seen: BTreeMap<&str, i64> = BTreeMap::new();
    for n in 0..totals.rows() {
        if causes[n] == "advertising" {
            assert!(worlds[n] == "with" || units[n] < units[0] * 100);
            continue;
        }
        if let Some(other) = seen.insert(&causes[n], units[n]) {
            assert_eq!(other, units[n], "{}", causes[n]);
        }
    }
    assert_eq!(seen.len(), 13);
}

#[test]
fn the_world_with_all_launches_is_the_world_that_happened() {
    let made = shared();
    let (totals, orders, sessions) = (made.truth("totals"), made.data("orders"), made.data("sessions"));
    // Launches count from 1 July; an order belongs to the day of its session.
    let index = sessions.index("session_id");
    let starts = sessions.longs("start_ts");
    let late: Vec<usize> = orders
        .longs("session_id")
        .iter()
        .enumerate()
        .filter(|(_, session)| starts[index[session]] >= midnight(181))
        .map(|(n, _)| n)
        .collect();
    let sum = |column: &str| {
        let values = orders.longs(column);
        late.iter().map(|&n| values[n]).sum::<i64>()
    };
    assert_eq!(total(&totals, "launches", "with", "orders"), late.len() as i64);
    assert_eq!(total(&totals, "launches", "with", "gross_cents"), sum("gross_cents"));
    assert_eq!(total(&totals, "launches", "with", "margin_cents"), sum("margin_cents"));
    let visits = starts.iter().filter(|ts| **ts >= midnight(181)).count() as i64;
    assert_eq!(total(&totals, "launches", "with", "sessions"), visits);
}

#[test]
fn without_advertising_its_customers_are_missing_and_nobody_else() {
    let made = shared();
    let (totals, truth, orders) = (made.truth("totals"), made.truth("users"), made.data("orders"));
    let (causes, index) = (truth.texts("caused_by"), truth.index("user_id"));
    let uncaused = |user: &i64| causes[index[user]] == "none";
    let kept: i64 = orders
        .longs("user_id")
        .iter()
        .zip(orders.longs("margin_cents"))
        .filter(|(user, _)| uncaused(user))
        .map(|(_, margin)| margin)
        .sum();
    assert_eq!(total(&totals, "advertising", "without", "margin_cents"), kept);
    assert_eq!(total(&totals, "advertising", "with", "orders"), orders.rows() as i64);
    // Sums by channel and day agree with the users.
    let marketing = made.truth("marketing");
    let channels = marketing.texts("channel");
    let signups = marketing.longs("caused_signups");
    let daily = made.truth("marketing_daily");
    for (n, channel) in channels.iter().enumerate() {
        let users = causes.iter().filter(|c| *c == channel).count() as i64;
        let days: i64 = daily
            .texts("channel")
            .iter()
            .zip(daily.longs("caused_signups"))
            .filter(|(c, _)| *c == channel)
            .map(|(_, caused)| caused)
            .sum();
        assert_eq!((users, days), (signups[n], signups[n]), "{channel}");
    }
    let spend: i64 = made.data("spend_daily").longs("spend_cents").iter().sum();
    assert_eq!(spend, marketing.longs("spend_cents").iter().sum::<i64>());
}

#[test]
fn organic_customers_click_a_brand_search() {
    let made = shared();
    let (users, touches) = (made.data("users"), made.data("touches"));
    let index = users.index("user_id");
    let (channels, signups) = (users.texts("channel"), users.longs("signup_ts"));
    let organic = (0..users.rows())
        .filter(|&n| channels[n] == "organic" && signups[n] >= midnight(0))
        .count() as f64;
    let (campaigns, clicks) = (touches.texts("campaign"), touches.longs("click"));
    let harvested = touches
        .longs("user_id")
        .iter()
        .enumerate()
        .filter(|(n, user)| channels[index[user]] == "organic" && campaigns[*n] == "search_brand" && clicks[*n] == 1)
        .count() as f64;
    let share = harvested / organic;
    assert!((share - 0.6).abs() < 4.0 * (0.24 / organic).sqrt(), "{share}");
    for (user, ts) in touches.longs("user_id").iter().zip(touches.longs("ts")) {
        assert!(ts <= signups[index[user]]);
    }
}

#[test]
fn spend_is_dark_for_two_weeks_per_channel() {
    let spend = shared().data("spend_daily");
    let (channels, countries, cents) = (
        spend.texts("channel"),
        spend.texts("country"),
        spend.longs("spend_cents"),
    );
    let mut dark: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for n in 0..spend.rows() {
        if cents[n] == 0 {
            *dark.entry((&channels[n], &countries[n])).or_default() += 1;
        }
    }
    let wanted = [("affiliate", "FR"), ("email", "DE"), ("search", "ES"), ("social", "NL")];
    assert_eq!(dark, wanted.into_iter().map(|pair| (pair, 14)).collect());
}
