//! What a customer does in the shop: sessions, orders and leaving, in order of time.
//!
//! Sessions of a living customer are Poisson, an order follows a session with a probability, and the customer may
//! leave after each order. All noise is named by (customer, day, session of the day), so that two worlds that
//! differ in one cause share it.

use crate::calendar::{Clock, DAYS, season};
use crate::draw::{Draw, Key, Subject};
use crate::population::User;
use crate::world::{
    CONVERSION, Causes, E1_CONVERSION, E2, E5_CONVERSION, E7_CONVERSION, Exp, LAUNCHES, MARGIN, NULL_FEATURES, novelty,
    switchback,
};

/// Order states.
pub(crate) const STATUSES: [&str; 4] = ["delivered", "late", "returned", "cancelled"];
/// Cumulative shares of order states.
const STATUS_SHARES: [f64; 4] = [0.85, 0.91, 0.98, 1.0];

/// The shop of a world.
pub(crate) struct Shop {
    /// Seed of the world.
    pub(crate) seed: u64,
    season: [f64; DAYS as usize],
    clock: Clock,
    active: [Option<Exp>; DAYS as usize],
}

/// What changes with time in a customer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    /// Not left yet.
    pub(crate) alive: bool,
    /// When E6's page was first seen.
    price_page: Option<i64>,
}

impl State {
    /// On entering.
    pub(crate) const NEW: State = State {
        alive: true,
        price_page: None,
    };
}

/// One session as the shop sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit {
    /// Day.
    pub(crate) day: u16,
    /// Number within the day, in order of time.
    pub(crate) nth: u32,
    /// Start in UTC microseconds.
    pub(crate) start: i64,
    /// The order that it led to.
    pub(crate) order: Option<Order>,
}

/// An order in cents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// Value before discount.
    pub(crate) gross: i64,
    /// Discount.
    pub(crate) discount: i64,
    /// Margin after discount.
    pub(crate) margin: i64,
    /// Position in `STATUSES`.
    pub(crate) status: u8,
}

/// Effects of causes on one session.
struct Effect {
    conversion: f64,
    value: f64,
    margin: f64,
}

impl Shop {
    /// The shop of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            season: season(),
            clock: Clock::new(),
            active: std::array::from_fn(|d| Exp::active(d as u16)),
        }
    }

    /// Lives a customer's days `from..to` and shows each session to `see`; `starts` is scratch.
    pub(crate) fn live(
        &self,
        user: &User,
        days: std::ops::Range<u16>,
        state: &mut State,
        causes: Causes,
        starts: &mut Vec<i64>,
        mut see: impl FnMut(Visit),
    ) {
        let visits = Key::new(self.seed, Subject::Visits, user.id);
        let sessions = Key::new(self.seed, Subject::Session, user.id);
        let orders = Key::new(self.seed, Subject::Order, user.id);
        for day in days {
            if !state.alive {
                return;
            }
            let mut draw = visits.at(u64::from(day), 0);
            let count = draw.poisson(user.visits * self.season[usize::from(day)]);
            if count == 0 {
                continue;
            }
            starts.clear();
            starts.extend((0..count).map(|_| self.clock.moment(day, &mut draw)));
            starts.sort_unstable();
            for (nth, &start) in (0u32..).zip(starts.iter()) {
                if start < user.since {
                    continue;
                }
                let effect = self.effect(user, day, start, state, causes);
                let chance = if user.is_bot {
                    0.0
                } else {
                    CONVERSION * effect.conversion
                };
                let slot = u64::from(nth);
                let bought = sessions.at(u64::from(day), slot).unit() < chance;
                let order = bought.then(|| {
                    let mut draw = orders.at(u64::from(day), slot);
                    state.alive = !draw.chance(user.leave);
                    place(user, &effect, &mut draw)
                });
                see(Visit { day, nth, start, order });
                if !state.alive {
                    return;
                }
            }
        }
    }

    fn effect(&self, user: &User, day: u16, start: i64, state: &mut State, causes: Causes) -> Effect {
        let mut effect = Effect {
            conversion: 1.0,
            value: 1.0,
            margin: MARGIN,
        };
        if !causes.features_filled && (NULL_FEATURES.0..NULL_FEATURES.1).contains(&day) {
            effect.conversion *= NULL_FEATURES.2;
        }
        if causes.holdout.unwrap_or(user.holdout) {
            return effect;
        }
        let mut page = false;
        if let Some(exp) = self.active[usize::from(day)] {
            let forced = causes.arm.filter(|a| a.0 == exp).map(|a| a.1);
            let on = forced.unwrap_or(user.arms[exp as usize]);
            match exp {
                Exp::E8 => effect.conversion *= switchback(self.seed, user.city, start, forced),
                Exp::E1 if on => effect.conversion *= E1_CONVERSION,
                Exp::E2 if on => {
                    effect.value *= E2.0;
                    effect.conversion *= E2.1;
                    effect.margin += E2.2;
                }
                Exp::E5 if on => effect.conversion *= E5_CONVERSION,
                Exp::E6 if on => page = true,
                Exp::E7 if on => effect.conversion *= E7_CONVERSION,
                _ => {}
            }
        }
        for (exp, launched) in LAUNCHES {
            if day < launched || causes.no_launches || causes.unlaunched == Some(exp) {
                continue;
            }
            match exp {
                Exp::E1 => effect.conversion *= E1_CONVERSION,
                Exp::E5 => effect.conversion *= E5_CONVERSION,
                _ => page = true,
            }
        }
        if page {
            let first = *state.price_page.get_or_insert(start);
            effect.conversion *= novelty(start - first);
        }
        effect
    }
}

/// The order of a session that bought.
fn place(user: &User, effect: &Effect, draw: &mut Draw) -> Order {
    let euros = draw.gamma(6.0, user.basket) * effect.value;
    let gross = ((euros * 100.0).round() as i64).max(150);
    let discount = if draw.chance(0.15) { gross / 10 } else { 0 };
    let margin = ((gross - discount) as f64 * effect.margin).round() as i64;
    Order {
        gross,
        discount,
        margin,
        status: draw.pick(&STATUS_SHARES) as u8,
    }
}
