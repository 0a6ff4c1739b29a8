//! Lives a group of customers and encodes their rows, one row group per table.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int16Array};
use arrow::datatypes::Int16Type;

use crate::DemoError;
use crate::calendar::{DAYS, SECOND, START, day_of, midnight};
use crate::columns::{bools, doubles, floats_or, ints, longs, texts, times, words};
use crate::draw::{Key, Subject};
use crate::faults;
use crate::paired::{Pair, Tally};
use crate::personal::person;
use crate::population::{Signups, User};
use crate::shop::{STATUSES, Shop, State, Visit};
use crate::tickets::Tickets;
use crate::touches::Touches;
use crate::world::{
    CHANNELS, CITIES, COUNTRIES, Causes, DEVICES, E7_LOST, E8_CITIES, EXP_IDS, Exp, NULL_FEATURES, cell_treated,
};
use crate::write::{Encoded, Encoder, Layout, Store};

/// Users per group, hence per row group; the bytes of the files depend on it.
pub(crate) const GROUP: usize = 4_096;

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

/// Everything that groups share.
pub(crate) struct Shared<'a> {
    pub(crate) shop: &'a Shop,
    pub(crate) signups: &'a Signups,
    pub(crate) pairs: &'a [Pair],
    pub(crate) catalogue: &'a Catalogue,
}

/// Goods and their prices in cents.
pub(crate) struct Catalogue {
    names: ArrayRef,
    prices: Vec<i64>,
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

/// A subscriber-to-be and what her hazard depends on.
pub(crate) struct Subscriber {
    pub(crate) user: u64,
    pub(crate) affinity: f64,
    pub(crate) holdout: bool,
    pub(crate) treated: bool,
    /// First day and terms.
    pub(crate) start: u16,
    pub(crate) annual: bool,
    /// Days of her sessions and tickets, ascending.
    pub(crate) sessions: Vec<u16>,
    pub(crate) tickets: Vec<u16>,
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

/// What a group of customers leaves.
pub(crate) struct Outcome {
    /// Row groups, in the order of `TABLES`.
    pub(crate) tables: Vec<Encoded>,
    pub(crate) truth: Encoded,
    pub(crate) subscribers: Vec<Subscriber>,
    /// Feed rows by arrival day.
    pub(crate) feed: BTreeMap<u16, Vec<FeedRow>>,
    /// Both worlds of each pair: with and without.
    pub(crate) pairs: Vec<(Tally, Tally)>,
    /// What happened to users that advertising caused, by position in `PAID`; the last is everyone.
    pub(crate) caused: [(i64, Tally); 5],
    /// Spans of personal data in tickets.
    pub(crate) spans: Vec<crate::tickets::Span>,
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

#[derive(Default)]
struct Rows {
    // sessions
    s_id: Vec<i64>,
    s_user: Vec<i64>,
    s_start: Vec<i64>,
    s_ingest: Vec<i64>,
    s_device: Vec<i16>,
    s_city: Vec<i16>,
    s_pages: Vec<i32>,
    s_converted: Vec<bool>,
    s_rank: Vec<Option<f32>>,
    // events
    e_id: Vec<i64>,
    e_session: Vec<i64>,
    e_ts: Vec<i64>,
    e_ingest: Vec<i64>,
    e_type: Vec<i16>,
    e_sku: Vec<i16>,
    e_amount: Vec<i64>,
    e_version: Vec<i32>,
    // orders
    o_id: Vec<i64>,
    o_session: Vec<i64>,
    o_user: Vec<i64>,
    o_ts: Vec<i64>,
    o_gross: Vec<i64>,
    o_discount: Vec<i64>,
    o_margin: Vec<i64>,
    o_status: Vec<i16>,
    // exposures
    x_exp: Vec<i16>,
    x_unit: Vec<i64>,
    x_variant: Vec<i16>,
    x_ts: Vec<i64>,
    feed: BTreeMap<u16, Vec<FeedRow>>,
}

impl Rows {
    fn new(users: usize) -> Self {
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

/// What is counted along a customer's year.
struct Course {
    sessions: i64,
    orders: i64,
    exposed: [bool; 9],
    left: i32,
}

/// Lives the users of a group.
pub(crate) fn live(
    shared: &Shared<'_>,
    encoders: &[Encoder],
    truth: &Encoder,
    group: usize,
    positions: Range<usize>,
) -> Result<Outcome, DemoError> {
    let users: Vec<User> = positions
        .filter_map(|p| User::draw(shared.shop.seed, p, shared.signups))
        .collect();
    let mut rows = Rows::new(users.len());
    let mut pairs = vec![(Tally::default(), Tally::default()); shared.pairs.len()];
    let mut caused = [(0i64, Tally::default()); 5];
    let mut subscribers = Vec::new();
    let mut tickets = Tickets::default();
    let mut touches = Touches::default();
    let mut left_days = Vec::with_capacity(users.len());
    let mut starts = Vec::with_capacity(32);
    let mut sequel = Vec::with_capacity(32);
    for user in &users {
        let mut subscriber = crate::subscriptions::subscriber(shared.shop.seed, user);
        let mut tally = Tally::default();
        let mut late_days = Vec::new();
        let mut course = Course {
            sessions: 0,
            orders: 0,
            exposed: [false; 9],
            left: -1,
        };
        let mut state = State::NEW;
        let mut cursor = user.entry;
        let mut actual = |days: Range<u16>, state: &mut State, course: &mut Course| {
            shared
                .shop
                .live(user, days, state, Causes::ACTUAL, &mut starts, |visit| {
                    tally.see(&visit);
                    if let Some(s) = subscriber.as_mut() {
                        s.sessions.push(visit.day);
                    }
                    if visit.order.is_some_and(|o| o.status == 1) {
                        late_days.push(visit.day);
                    }
                    record(shared, user, &visit, course, &mut rows);
                });
            if !state.alive && course.left < 0 {
                course.left = rows.s_start.last().map_or(0, |&ts| day_of(ts) as i32);
            }
        };
        for (pair, sums) in shared.pairs.iter().zip(pairs.iter_mut()) {
            let first = pair.days.0.max(user.entry);
            if first >= pair.days.1 || (user.holdout && !pair.everyone) {
                continue;
            }
            if pair.cities && !E8_CITIES.iter().any(|c| c.0 == user.city) {
                continue;
            }
            if first > cursor {
                actual(cursor..first, &mut state, &mut course);
                cursor = first;
            }
            if !state.alive {
                break;
            }
            for (causes, sum) in [(pair.with, &mut sums.0), (pair.without, &mut sums.1)] {
                let mut fork = state;
                let mut seen = Tally::default();
                let days = first..pair.days.1;
                shared
                    .shop
                    .live(user, days, &mut fork, causes, &mut sequel, |visit| seen.see(&visit));
                sum.add(&seen);
            }
        }
        actual(cursor..DAYS, &mut state, &mut course);
        left_days.push(course.left);
        let slot = user.cause.map_or(4, usize::from).min(4);
        for n in if slot == 4 { 4..5 } else { slot..slot + 1 } {
            caused[n].0 += 1;
            caused[n].1.add(&tally);
        }
        let last = if course.left >= 0 && subscriber.is_none() {
            course.left as u16 + 30
        } else {
            DAYS
        };
        let mut asked = |day: u16| {
            if let Some(s) = subscriber.as_mut() {
                s.tickets.push(day);
            }
        };
        tickets.write(shared.shop.seed, user, &late_days, last.min(DAYS), &mut asked);
        touches.write(shared.shop.seed, user);
        subscribers.extend(subscriber.map(|mut s| {
            s.tickets.sort_unstable();
            s
        }));
    }
    let feed = std::mem::take(&mut rows.feed);
    let spans = std::mem::take(&mut tickets.spans);
    let truth = truth.encode(group, true_users(&users, &left_days))?;
    let mut arrays = vec![user_arrays(shared.shop.seed, &users)];
    arrays.extend(rows.arrays(shared.catalogue));
    arrays.push(touches.arrays());
    arrays.push(tickets.arrays());
    let tables = encoders
        .iter()
        .zip(arrays)
        .map(|(e, a)| e.encode(group, a))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Outcome {
        tables,
        truth,
        subscribers,
        feed,
        pairs,
        caused,
        spans,
    })
}

/// Writes one session with its events, order and exposures.
fn record(shared: &Shared<'_>, user: &User, visit: &Visit, course: &mut Course, rows: &mut Rows) {
    let seed = shared.shop.seed;
    let session = user.id as i64 * 10_000 + course.sessions;
    course.sessions += 1;
    let mut draw = Key::new(seed, Subject::Event, user.id).at(u64::from(visit.day), u64::from(visit.nth));
    let device = if draw.chance(0.85) {
        user.device
    } else {
        (draw.below(3)) as u8
    };
    let lag = ((draw.exponential() * 60.0 * SECOND as f64) as i64).min(1_800 * SECOND) + SECOND;
    let late = faults::late(seed, user.id, visit.day, u64::from(visit.nth), device == 0);
    let delay = lag + if late { faults::LATE.2 } else { 0 };
    let views = 1 + geometric(&mut draw, 0.43) + i32::from(visit.order.is_some());
    let carted = visit.order.is_some() || draw.chance(0.10);
    let checked = visit.order.is_some() || (carted && draw.chance(0.35));
    let null = (NULL_FEATURES.0..NULL_FEATURES.1).contains(&visit.day);
    let rank = draw.unit();
    rows.s_id.push(session);
    rows.s_user.push(user.id as i64);
    rows.s_start.push(visit.start);
    rows.s_ingest.push(visit.start + delay);
    rows.s_device.push(i16::from(device));
    rows.s_city.push(i16::from(user.city));
    rows.s_pages
        .push(views + i32::from(carted) + 2 * i32::from(checked) + draw.below(3) as i32);
    rows.s_converted.push(visit.order.is_some());
    rows.s_rank
        .push((!null).then_some(((rank + 0.3 * user.affinity).clamp(-1.0, 2.0) * 1_000.0).round() as f32 / 1_000.0));
    let mut ts = visit.start;
    let version = 1 + i32::from(visit.day >= faults::RENAMED);
    let mut number = 0;
    let mut event = |rows: &mut Rows, ts: i64, kind: i16, sku: i16, amount: i64| {
        let id = session * 100 + number;
        number += 1;
        rows.e_id.push(id);
        rows.e_session.push(session);
        rows.e_ts.push(ts);
        rows.e_ingest.push(ts + delay);
        rows.e_type.push(kind);
        rows.e_sku.push(sku);
        rows.e_amount.push(amount);
        rows.e_version.push(version);
        let arrived = day_of(ts + delay);
        if faults::kept(arrived) {
            let row = FeedRow {
                event: id,
                session,
                ts: faults::clocked(ts),
                ingest: ts + delay,
                kind,
                sku,
                amount: faults::reported(ts, amount),
            };
            let day = rows.feed.entry(arrived as u16).or_default();
            day.push(row);
            if let Some(again) = faults::replay(seed, id as u64, ts, ts + delay) {
                day.push(FeedRow { ingest: again, ..row });
            }
        }
    };
    let mut sku = 0;
    for _ in 0..views.min(60) {
        let u = draw.unit();
        sku = ((u * u) * SKUS as f64) as i16;
        let price = shared.catalogue.prices.get(sku as usize).copied().unwrap_or(999);
        event(rows, ts, 0, sku, price);
        ts += (draw.exponential() * 40.0 * SECOND as f64) as i64 + SECOND;
    }
    if carted {
        let price = shared.catalogue.prices.get(sku as usize).copied().unwrap_or(999);
        event(rows, ts, 1, sku, price);
        ts += (draw.exponential() * 30.0 * SECOND as f64) as i64 + SECOND;
        if checked {
            let paid = visit.order.map_or(price, |o| o.gross - o.discount);
            event(rows, ts, 2, sku, paid);
            ts += (draw.exponential() * 60.0 * SECOND as f64) as i64 + SECOND;
            if visit.order.is_some() {
                event(rows, ts, 3, sku, paid);
            }
        }
    }
    if let Some(order) = &visit.order {
        course.orders += 1;
        rows.o_id.push(user.id as i64 * 1_000 + course.orders);
        rows.o_session.push(session);
        rows.o_user.push(user.id as i64);
        // The purchase event and the order carry the same moment.
        rows.o_ts.push(ts);
        rows.o_gross.push(order.gross);
        rows.o_discount.push(order.discount);
        rows.o_margin.push(order.margin);
        rows.o_status.push(i16::from(order.status));
    }
    expose(seed, user, visit, session, course, rows);
}

/// Writes first exposures of the session's user, and of the session itself in the switchback.
fn expose(seed: u64, user: &User, visit: &Visit, session: i64, course: &mut Course, rows: &mut Rows) {
    let mut put = |exp: Exp, unit: i64, variant: i16| {
        rows.x_exp.push(exp as i16);
        rows.x_unit.push(unit);
        rows.x_variant.push(variant);
        rows.x_ts.push(visit.start);
    };
    if visit.day >= Exp::E9.days().0 && !course.exposed[Exp::E9 as usize] {
        course.exposed[Exp::E9 as usize] = true;
        put(Exp::E9, user.id as i64, if user.holdout { 2 } else { 3 });
    }
    if user.holdout {
        return;
    }
    let Some(exp) = Exp::active(visit.day) else { return };
    if exp == Exp::E8 {
        if let Some(position) = E8_CITIES.iter().position(|c| c.0 == user.city) {
            put(exp, session, i16::from(cell_treated(seed, position, visit.start)));
        }
        return;
    }
    if course.exposed[exp as usize] {
        return;
    }
    course.exposed[exp as usize] = true;
    let treated = user.arms[exp as usize];
    let lost = exp == Exp::E7
        && treated
        && user.device == 0
        && Key::new(seed, Subject::Exposure, user.id)
            .at(exp as u64, 0)
            .chance(E7_LOST);
    if !lost {
        put(exp, user.id as i64, i16::from(treated));
    }
}

/// Failures before a success of probability p.
fn geometric(draw: &mut crate::draw::Draw, p: f64) -> i32 {
    (draw.exponential() / -(1.0 - p).ln()) as i32
}

impl Rows {
    /// Arrays of sessions, events, orders and exposures.
    fn arrays(self, catalogue: &Catalogue) -> [Vec<ArrayRef>; 4] {
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

fn user_arrays(seed: u64, users: &[User]) -> Vec<ArrayRef> {
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

fn true_users(users: &[User], left: &[i32]) -> Vec<ArrayRef> {
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
