//! Lives a group of customers and encodes their rows, one row group per table.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::DemoError;
use crate::calendar::{DAYS, SECOND, day_of};
use crate::draw::{Key, Subject};
use crate::faults;
use crate::paired::{Pair, Tally};
use crate::population::{Signups, User};
use crate::rows::{Catalogue, FeedRow, Rows, SKUS, true_users, user_arrays};
use crate::shop::{Shop, State, Visit};
use crate::tickets::Tickets;
use crate::touches::Touches;
use crate::world::{Causes, E7_LOST, E8_CITIES, Exp, NULL_FEATURES, cell_treated};
use crate::write::{Encoded, Encoder};

/// Users per group, hence per row group; the bytes of the files depend on it.
pub(crate) const GROUP: usize = 4_096;

/// Everything that groups share.
pub(crate) struct Shared<'a> {
    pub(crate) shop: &'a Shop,
    pub(crate) signups: &'a Signups,
    pub(crate) pairs: &'a [Pair],
    pub(crate) catalogue: &'a Catalogue,
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
