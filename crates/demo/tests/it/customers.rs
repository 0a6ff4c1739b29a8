//! Customers: numbers, rates, personal data, experiments.

use std::collections::{BTreeMap, BTreeSet};

use crate::table::{DAY, Table, midnight, shared};

fn near(value: f64, wanted: f64, tolerance: f64, what: &str) {
    assert!(
        (value - wanted).abs() <= tolerance,
        "{what}: {value}, wanted {wanted} ± {tolerance}"
    );
}

#[test]
fn counts_follow_the_scale() {
    let summary = &shared().summary;
    let rows = |table| summary.rows(table).unwrap() as f64;
    assert_eq!(rows("users"), 4_500.0);
    near(rows("sessions"), 0.075 * 2.7e6, 14_000.0, "sessions");
    near(rows("orders"), 0.075 * 110_500.0, 700.0, "orders");
    assert!(rows("events") / rows("sessions") > 2.3);
}

#[test]
fn keys_are_unique_and_refer_to_rows() {
    let made = shared();
    let (users, sessions, orders) = (made.data("users"), made.data("sessions"), made.data("orders"));
    let unique = |table: &Table, key: &str| table.longs(key).into_iter().collect::<BTreeSet<_>>().len() == table.rows();
    assert!(unique(&users, "user_id") && unique(&sessions, "session_id") && unique(&orders, "order_id"));
    let events = made.data("events");
    assert!(unique(&events, "event_id") && unique(&made.data("tickets"), "ticket_id"));
    assert!(unique(&made.data("touches"), "touch_id") && unique(&made.data("subscriptions"), "sub_id"));
    let people = users.index("user_id");
    let signups = users.longs("signup_ts");
    let starts = sessions.longs("start_ts");
    for (user, start) in sessions.longs("user_id").iter().zip(&starts) {
        assert!(signups[people[user]] <= *start, "a session before its user");
    }
    assert!(starts.iter().all(|ts| (midnight(0)..midnight(365)).contains(ts)));
    // Each order has its session, marked converted, and a purchase event of the same moment and amount.
    let visits = sessions.index("session_id");
    let converted = sessions.longs("converted");
    assert_eq!(converted.iter().sum::<i64>() as usize, orders.rows());
    let kinds = events.texts("type");
    let bought: BTreeMap<i64, (i64, i64)> = events
        .longs("session_id")
        .into_iter()
        .zip(events.longs("ts").into_iter().zip(events.longs("amount_minor")))
        .zip(&kinds)
        .filter(|(_, kind)| *kind == "purchase")
        .map(|(row, _)| row)
        .collect();
    assert_eq!(bought.len(), orders.rows());
    let (gross, discount, ts) = (
        orders.longs("gross_cents"),
        orders.longs("discount_cents"),
        orders.longs("ts"),
    );
    for (n, session) in orders.longs("session_id").iter().enumerate() {
        assert_eq!(converted[visits[session]], 1);
        assert_eq!(bought[session], (ts[n], gross[n] - discount[n]));
    }
}

#[test]
fn customers_buy_and_leave_as_the_model_says() {
    let made = shared();
    let truth = made.truth("users");
    let rates = truth.numbers("sessions_per_day");
    // Gamma(0.9, rate 3): mean 0.3, sd 0.316; Austria's customers come a fifth less.
    near(
        rates.iter().sum::<f64>() / rates.len() as f64,
        0.3,
        4.0 * 0.316 / (rates.len() as f64).sqrt(),
        "rate",
    );
    let (orders, sessions) = (made.data("orders"), made.data("sessions"));
    // In a stretch without effects an order follows a session with probability 0.04.
    let quiet = midnight(0)..midnight(59);
    let visits = sessions.longs("start_ts").iter().filter(|t| quiet.contains(t)).count() as f64;
    let bought = orders.longs("ts").iter().filter(|t| quiet.contains(t)).count() as f64;
    near(
        bought / visits,
        0.04 * 0.995,
        4.0 * (0.04 * 0.96 / visits).sqrt(),
        "conversion",
    );
    // The chance of leaving after a first order is the mean of Beta(1.2, 4).
    let mut counts: BTreeMap<i64, (u32, i64)> = BTreeMap::new();
    for (user, ts) in orders.longs("user_id").into_iter().zip(orders.longs("ts")) {
        let entry = counts.entry(user).or_insert((0, 0));
        *entry = (entry.0 + 1, entry.1.max(ts));
    }
    let left = truth.longs("left_day");
    let index = truth.index("user_id");
    let buyers = counts.len() as f64;
    let at_once = counts
        .iter()
        .filter(|(user, c)| c.0 == 1 && left[index[user]] >= 0)
        .count() as f64;
    near(
        at_once / buyers,
        1.2 / 5.2,
        4.0 * (0.23 * 0.77 / buyers).sqrt(),
        "leaving after the first order",
    );
    // Nobody comes back: death is applied in event order.
    for (user, day) in sessions.longs("user_id").iter().zip(sessions.longs("start_ts")) {
        let gone = left[index[user]];
        assert!(gone < 0 || day < midnight(gone + 1), "user {user} after leaving");
    }
    for (user, (_, last)) in &counts {
        let gone = left[index[user]];
        // An order ends minutes after its session starts, at worst past midnight.
        assert!(
            gone < 0 || (*last - midnight(gone) < DAY + DAY / 24),
            "the last order of {user} is not the end"
        );
    }
    let gross = orders.numbers("gross_cents");
    near(gross.iter().sum::<f64>() / gross.len() as f64, 3_010.0, 130.0, "basket");
}

#[test]
fn subscriptions_churn_six_in_a_hundred_a_month() {
    let made = shared();
    let months = made.data("sub_months");
    let outcomes = months.maybe("churned_next");
    let known: Vec<i64> = outcomes.iter().flatten().copied().collect();
    near(
        known.iter().sum::<i64>() as f64 / known.len() as f64,
        0.06,
        0.012,
        "churn",
    );
    // The leak is filled for leavers only.
    for (outcome, visits) in outcomes.iter().zip(months.longs("cancel_page_visits")) {
        assert_eq!(visits > 0, *outcome == Some(1));
    }
    let auc = made.parameter("churn.oracle_auc");
    assert!((0.68..0.80).contains(&auc), "{auc}");
    let subs = made.data("subscriptions");
    let ended = subs.maybe("end_date");
    let open = ended.iter().filter(|e| e.is_none()).count();
    assert_eq!(made.truth("lifetime_value").rows(), open);
    for (end, start) in ended.iter().zip(subs.longs("start_date")) {
        assert!(end.is_none_or(|e| e > start + 30 && e < crate::table::EPOCH_DAY + 365));
    }
}

#[test]
fn experiments_expose_each_unit_once_and_e7_loses_mobile_users() {
    let made = shared();
    let exposures = made.data("exposures");
    let (ids, units, variants) = (
        exposures.texts("exp_id"),
        exposures.longs("unit_id"),
        exposures.texts("variant"),
    );
    let mut seen: BTreeMap<(&str, i64), &str> = BTreeMap::new();
    for ((id, unit), variant) in ids.iter().zip(&units).zip(&variants) {
        assert!(
            seen.insert((id, *unit), variant).is_none(),
            "{id} has unit {unit} twice"
        );
    }
    for id in ["E1", "E2", "E3", "E4", "E5", "E6", "E8"] {
        let arm = |v: &str| seen.iter().filter(|((e, _), got)| *e == id && **got == v).count() as f64;
        let (control, treatment) = (arm("control"), arm("treatment"));
        let all = control + treatment;
        assert!(all > 60.0, "{id} has {all} units");
        // E8 assigns cells, not sessions, so its counts spread more.
        let spread = if id == "E8" { 12.0 } else { 4.0 };
        near(control / all, 0.5, spread * 0.5 / all.sqrt(), id);
    }
    let holdout = seen.iter().filter(|((e, _), v)| *e == "E9" && **v == "holdout").count() as f64;
    let launched = seen
        .iter()
        .filter(|((e, _), v)| *e == "E9" && **v == "launched")
        .count() as f64;
    near(
        holdout / (holdout + launched),
        0.05,
        4.0 * (0.05 * 0.95 / (holdout + launched)).sqrt(),
        "holdout",
    );

    // Whoever came in E7's days outside the holdout and is not exposed is mobile: the lost six in a hundred.
    let users = made.data("users");
    let (index, devices) = (users.index("user_id"), users.texts("device"));
    let sessions = made.data("sessions");
    let days = midnight(267)..midnight(267 + 28);
    let came: BTreeSet<i64> = sessions
        .longs("user_id")
        .into_iter()
        .zip(sessions.longs("start_ts"))
        .filter(|(_, ts)| days.contains(ts))
        .map(|(user, _)| user)
        .filter(|user| seen.get(&("E9", *user)).is_some_and(|v| *v == "launched"))
        .collect();
    let lost: Vec<_> = came.iter().filter(|user| !seen.contains_key(&("E7", **user))).collect();
    assert!(lost.iter().all(|user| devices[index[*user]] == "mobile"));
    let treated_mobile = came
        .iter()
        .filter(|u| devices[index[*u]] == "mobile" && seen.get(&("E7", **u)) == Some(&"treatment"))
        .count()
        + lost.len();
    let share = lost.len() as f64 / treated_mobile as f64;
    near(
        share,
        0.06,
        4.0 * (0.06 * 0.94 / treated_mobile as f64).sqrt(),
        "share lost",
    );
}

#[test]
fn personal_data_is_valid_and_invented() {
    let users = shared().data("users");
    let countries = users.texts("country");
    let ibans = users.texts("iban");
    let lengths = BTreeMap::from([("DE", 22), ("FR", 27), ("ES", 24), ("NL", 18), ("AT", 20)]);
    for (iban, country) in ibans.iter().zip(&countries) {
        assert!(iban.starts_with(country.as_str()), "{iban} in {country}");
        assert_eq!(iban.len(), lengths[country.as_str()], "{iban}");
        // ISO 13616: the first four characters to the end, letters as numbers, remainder 1.
        let moved = format!("{}{}", &iban[4..], &iban[..4]);
        let rest = moved.chars().fold(0u64, |rest, c| {
            let digit = u64::from(c.to_digit(36).unwrap());
            (rest * if digit > 9 { 100 } else { 10 } + digit) % 97
        });
        assert_eq!(rest, 1, "{iban}");
        if country == "FR" {
            // The key makes bank, branch, account and key divisible by 97.
            let number: u128 = iban[4..].parse().unwrap();
            assert_eq!(number % 97, 0, "{iban}");
        }
    }
    for email in users.texts("email") {
        let domain = email.split_once('@').unwrap().1;
        assert!(
            ["example.com", "example.org", "example.net"].contains(&domain),
            "{email}"
        );
        assert!(email.is_ascii() && !email.contains(' '), "{email}");
    }
    for (phone, country) in users.texts("phone").iter().zip(&countries) {
        let fiction = [
            "+49 30 23125",
            "+49 40 66969",
            "+49 89 99998",
            "+49 221 4710",
            "+33 6 39 98 ",
        ];
        match country.as_str() {
            "DE" | "FR" => assert!(fiction.iter().any(|f| phone.starts_with(f)), "{phone}"),
            _ => assert!(phone.contains("000"), "{phone}"),
        }
    }
    assert_eq!(
        users.texts("email").into_iter().collect::<BTreeSet<_>>().len(),
        users.rows()
    );
}

#[test]
fn texts_of_tickets_hold_personal_data_where_the_truth_says() {
    let made = shared();
    let tickets = made.data("tickets");
    let (texts, index) = (tickets.texts("text"), tickets.index("ticket_id"));
    let owners = tickets.longs("user_id");
    let spans = made.truth("ticket_spans");
    let share = spans.rows() as f64 / tickets.rows() as f64;
    near(share, 0.03, 0.006, "tickets with personal data");
    let users = made.data("users");
    let people = users.index("user_id");
    let kinds = spans.texts("kind");
    let (starts, ends) = (spans.longs("start"), spans.longs("end"));
    for (n, ticket) in spans.longs("ticket_id").iter().enumerate() {
        let at = index[ticket];
        let column = if kinds[n] == "name" {
            "full_name"
        } else {
            kinds[n].as_str()
        };
        let wanted = &users.texts(column)[people[&owners[at]]];
        assert_eq!(&texts[at][starts[n] as usize..ends[n] as usize], wanted);
        if n > 40 {
            break;
        }
    }
    assert!(
        texts
            .iter()
            .zip(tickets.longs("ticket_id"))
            .all(|(text, id)| { !text.contains('@') || spans.longs("ticket_id").contains(&id) })
    );
}
