//! Columns of the tables that customers fill, and how they become Arrow arrays.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int16Array};
use arrow::datatypes::Int16Type;

use crate::calendar::{DAYS, START, midnight};
use crate::columns::{bools, doubles, floats_or, ints, longs, texts, times, words};
use crate::draw::{Key, Subject};
use crate::personal::person;
use crate::population::User;
use crate::shop::STATUSES;
use crate::world::{CHANNELS, CITIES, COUNTRIES, DEVICES, EXP_IDS};
use crate::write::{Layout, Store};

pub(crate) const USERS: Layout = Layout {
    name: "users",
    columns: &[
        ("user_id", Store::Id),
        ("signup_ts", Store::Time),
        ("channel", Store::Word),
        ("country", Store::Word),
        ("device", Store::Word),
        ("birth_year", Store::Int),
        ("email", Store::Text),
        ("full_name", Store::Text),
        ("phone", Store::Text),
        ("street", Store::Text),
        ("postcode", Store::Text),
        ("iban", Store::Text),
        ("consent", Store::Bool),
        ("is_bot", Store::Bool),
    ],
};
pub(crate) const SESSIONS: Layout = Layout {
    name: "sessions",
    columns: &[
        ("session_id", Store::Id),
        ("user_id", Store::Id),
        ("start_ts", Store::Time),
        ("ingest_ts", Store::Time),
        ("device", Store::Word),
        ("city", Store::Word),
        ("pageviews", Store::Int),
        ("converted", Store::Bool),
        ("rank_score?", Store::Float),
    ],
};
pub(crate) const EVENTS: Layout = Layout {
    name: "events",
    columns: &[
        ("event_id", Store::Id),
        ("session_id", Store::Id),
        ("ts", Store::Time),
        ("ingest_ts", Store::Time),
        ("type", Store::Word),
        ("sku", Store::Word),
        ("amount_minor", Store::Long),
        ("schema_version", Store::Int),
    ],
};
pub(crate) const ORDERS: Layout = Layout {
    name: "orders",
    columns: &[
        ("order_id", Store::Id),
        ("session_id", Store::Id),
        ("user_id", Store::Id),
        ("ts", Store::Time),
        ("gross_cents", Store::Long),
        ("discount_cents", Store::Long),
        ("margin_cents", Store::Long),
        ("status", Store::Word),
    ],
};
pub(crate) const EXPOSURES: Layout = Layout {
    name: "exposures",
    columns: &[
        ("exp_id", Store::Word),
        ("unit_id", Store::Id),
        ("variant", Store::Word),
        ("ts", Store::Time),
    ],
};
/// What the generator knows of each user and the product must not.
pub(crate) const TRUE_USERS: Layout = Layout {
    name: "truth_users",
    columns: &[
        ("user_id", Store::Id),
        ("affinity", Store::Double),
        ("sessions_per_day", Store::Double),
        ("leave_probability", Store::Double),
        ("basket_rate", Store::Double),
        ("caused_by", Store::Word),
        ("left_day", Store::Int),
        ("simulated_from", Store::Time),
    ],
};
const VARIANTS: [&str; 4] = ["control", "treatment", "holdout", "launched"];
pub(crate) const EVENT_TYPES: [&str; 4] = ["view", "cart", "checkout", "purchase"];
/// Goods in the catalogue.
pub(crate) const SKUS: usize = 400;

/// Goods and their prices in cents.
pub(crate) struct Catalogue {
    names: ArrayRef,
    pub(crate) prices: Vec<i64>,
}

impl Catalogue {
    pub(crate) fn new(seed: u64) -> Self {
        let names = texts((1..=SKUS).map(|n| format!("SKU-{n:04}")));
        let prices = (0..SKUS as u64)
            .map(|n| {
                let euros = Key::new(seed, Subject::Catalogue, n).at(0, 0).gamma(4.0, 0.28) + 2.5;
                (euros * 100.0) as i64 / 10 * 10 + 9
            })
            .collect();
        Self { names, prices }
    }

    pub(crate) fn column(&self, keys: Vec<i16>) -> ArrayRef {
        match DictionaryArray::<Int16Type>::try_new(Int16Array::from(keys), self.names.clone()) {
            Ok(array) => Arc::new(array),
            Err(_) => self.names.clone(),
        }
    }
}

/// One row of the raw feed.
#[derive(Clone, Copy)]
pub(crate) struct FeedRow {
    pub(crate) event: i64,
    pub(crate) session: i64,
    pub(crate) ts: i64,
    pub(crate) ingest: i64,
    pub(crate) kind: i16,
    pub(crate) sku: i16,
    pub(crate) amount: i64,
}

/// Tables written by groups.
pub(crate) const TABLES: [&Layout; 7] = [
    &USERS,
    &SESSIONS,
    &EVENTS,
    &ORDERS,
    &EXPOSURES,
    &crate::touches::TOUCHES,
    &crate::tickets::TICKETS,
];

/// Columns of a group's sessions, events, orders and exposures while they fill.
#[derive(Default)]
pub(crate) struct Rows {
    // sessions
    pub(crate) s_id: Vec<i64>,
    pub(crate) s_user: Vec<i64>,
    pub(crate) s_start: Vec<i64>,
    pub(crate) s_ingest: Vec<i64>,
    pub(crate) s_device: Vec<i16>,
    pub(crate) s_city: Vec<i16>,
    pub(crate) s_pages: Vec<i32>,
    pub(crate) s_converted: Vec<bool>,
    pub(crate) s_rank: Vec<Option<f32>>,
    // events
    pub(crate) e_id: Vec<i64>,
    pub(crate) e_session: Vec<i64>,
    pub(crate) e_ts: Vec<i64>,
    pub(crate) e_ingest: Vec<i64>,
    pub(crate) e_type: Vec<i16>,
    pub(crate) e_sku: Vec<i16>,
    pub(crate) e_amount: Vec<i64>,
    pub(crate) e_version: Vec<i32>,
    // orders
    pub(crate) o_id: Vec<i64>,
    pub(crate) o_session: Vec<i64>,
    pub(crate) o_user: Vec<i64>,
    pub(crate) o_ts: Vec<i64>,
    pub(crate) o_gross: Vec<i64>,
    pub(crate) o_discount: Vec<i64>,
    pub(crate) o_margin: Vec<i64>,
    pub(crate) o_status: Vec<i16>,
    // exposures
    pub(crate) x_exp: Vec<i16>,
    pub(crate) x_unit: Vec<i64>,
    pub(crate) x_variant: Vec<i16>,
    pub(crate) x_ts: Vec<i64>,
    pub(crate) feed: BTreeMap<u16, Vec<FeedRow>>,
}

impl Rows {
    /// Room for the rows of so many users.
    pub(crate) fn new(users: usize) -> Self {
        let (s, e, o) = (users * 50, users * 130, users * 3);
        Self {
            s_id: Vec::with_capacity(s),
            s_user: Vec::with_capacity(s),
            s_start: Vec::with_capacity(s),
            s_ingest: Vec::with_capacity(s),
            s_device: Vec::with_capacity(s),
            s_city: Vec::with_capacity(s),
            s_pages: Vec::with_capacity(s),
            s_converted: Vec::with_capacity(s),
            s_rank: Vec::with_capacity(s),
            e_id: Vec::with_capacity(e),
            e_session: Vec::with_capacity(e),
            e_ts: Vec::with_capacity(e),
            e_ingest: Vec::with_capacity(e),
            e_type: Vec::with_capacity(e),
            e_sku: Vec::with_capacity(e),
            e_amount: Vec::with_capacity(e),
            e_version: Vec::with_capacity(e),
            o_id: Vec::with_capacity(o),
            o_session: Vec::with_capacity(o),
            o_user: Vec::with_capacity(o),
            o_ts: Vec::with_capacity(o),
            o_gross: Vec::with_capacity(o),
            o_discount: Vec::with_capacity(o),
            o_margin: Vec::with_capacity(o),
            o_status: Vec::with_capacity(o),
            ..Self::default()
        }
    }
}

impl Rows {
    /// Arrays of sessions, events, orders and exposures.
    pub(crate) fn arrays(self, catalogue: &Catalogue) -> [Vec<ArrayRef>; 4] {
        let sessions = vec![
            longs(self.s_id),
            longs(self.s_user),
            times(self.s_start),
            times(self.s_ingest),
            words(self.s_device, DEVICES),
            words(self.s_city, CITIES.map(|c| c.0)),
            ints(self.s_pages),
            bools(self.s_converted),
            floats_or(self.s_rank),
        ];
        let events = vec![
            longs(self.e_id),
            longs(self.e_session),
            times(self.e_ts),
            times(self.e_ingest),
            words(self.e_type, EVENT_TYPES),
            catalogue.column(self.e_sku),
            longs(self.e_amount),
            ints(self.e_version),
        ];
        let orders = vec![
            longs(self.o_id),
            longs(self.o_session),
            longs(self.o_user),
            times(self.o_ts),
            longs(self.o_gross),
            longs(self.o_discount),
            longs(self.o_margin),
            words(self.o_status, STATUSES),
        ];
        let exposures = exposures(self.x_exp, self.x_unit, self.x_variant, self.x_ts);
        [sessions, events, orders, exposures]
    }
}

/// Arrays of exposures: positions of experiments and of variants.
pub(crate) fn exposures(exp: Vec<i16>, unit: Vec<i64>, variant: Vec<i16>, ts: Vec<i64>) -> Vec<ArrayRef> {
    vec![words(exp, EXP_IDS), longs(unit), words(variant, VARIANTS), times(ts)]
}

/// Arrays of users.
pub(crate) fn user_arrays(seed: u64, users: &[User]) -> Vec<ArrayRef> {
    let people: Vec<_> = users.iter().map(|u| person(seed, u)).collect();
    vec![
        longs(users.iter().map(|u| u.id as i64).collect()),
        times(users.iter().map(|u| u.signup).collect()),
        words(users.iter().map(|u| i16::from(u.channel)).collect(), CHANNELS),
        words(users.iter().map(|u| i16::from(u.country)).collect(), COUNTRIES),
        words(users.iter().map(|u| i16::from(u.device)).collect(), DEVICES),
        ints(users.iter().map(|u| u.birth_year).collect()),
        texts(people.iter().map(|p| &p.email)),
        texts(people.iter().map(|p| &p.full_name)),
        texts(people.iter().map(|p| &p.phone)),
        texts(people.iter().map(|p| &p.street)),
        texts(people.iter().map(|p| &p.postcode)),
        texts(people.iter().map(|p| &p.iban)),
        bools(users.iter().map(|u| u.consent).collect()),
        bools(users.iter().map(|u| u.is_bot).collect()),
    ]
}

/// Arrays of what is true of users.
pub(crate) fn true_users(users: &[User], left: &[i32]) -> Vec<ArrayRef> {
    const CAUSES: [&str; 5] = ["search", "social", "affiliate", "email", "none"];
    vec![
        longs(users.iter().map(|u| u.id as i64).collect()),
        doubles(users.iter().map(|u| u.affinity).collect()),
        doubles(users.iter().map(|u| u.visits).collect()),
        doubles(users.iter().map(|u| u.leave).collect()),
        doubles(users.iter().map(|u| u.basket).collect()),
        words(users.iter().map(|u| u.cause.map_or(4, i16::from)).collect(), CAUSES),
        ints(left.to_vec()),
        times(users.iter().map(|u| u.since.max(START).min(midnight(DAYS))).collect()),
    ]
}
