//! Subscriptions: who starts one, the monthly hazard, the save offer of E3, and the truth of lifetime value.

use arrow::array::ArrayRef;

use crate::calendar::{DAYS, HOUR, midnight};
use crate::columns::{bools, bools_or, dates, dates_or, doubles, ints, longs, texts_or, words};
use crate::customers::Subscriber;
use crate::draw::{Key, Subject};
use crate::population::User;
use crate::rows::exposures;
use crate::world::{E3, Exp};
use crate::write::{Layout, Store};

pub(crate) const SUBSCRIPTIONS: Layout = Layout {
    name: "subscriptions",
    columns: &[
        ("sub_id", Store::Id),
        ("user_id", Store::Id),
        ("start_date", Store::Date),
        ("plan", Store::Word),
        ("price_cents", Store::Long),
        ("end_date?", Store::Date),
        ("reason?", Store::Text),
    ],
};
pub(crate) const SUB_MONTHS: Layout = Layout {
    name: "sub_months",
    columns: &[
        ("sub_id", Store::Id),
        ("m", Store::Int),
        ("as_of", Store::Date),
        ("tickets30", Store::Int),
        ("sessions30", Store::Int),
        ("annual", Store::Bool),
        ("churned_next?", Store::Bool),
        ("cancel_page_visits", Store::Int),
    ],
};
pub(crate) const TRUE_MONTHS: Layout = Layout {
    name: "truth_sub_months",
    columns: &[
        ("sub_id", Store::Id),
        ("m", Store::Int),
        ("hazard", Store::Double),
        ("expected_hazard", Store::Double),
        ("churned", Store::Bool),
    ],
};
pub(crate) const TRUE_VALUES: Layout = Layout {
    name: "truth_lifetime_value",
    columns: &[
        ("sub_id", Store::Id),
        ("as_of", Store::Date),
        ("margin_month_cents", Store::Double),
        ("expected_months", Store::Double),
        ("value_cents", Store::Double),
    ],
};
/// Coefficients of the logit of the monthly hazard: constant, tickets, sessions, annual, month, noise.
pub(crate) const HAZARD: [f64; 6] = [-2.0, 0.8, -0.10, -1.0, -0.05, 0.3];
/// Days in a subscription month.
const MONTH: u16 = 30;
/// Months over which lifetime value is summed.
pub(crate) const HORIZON: u32 = 36;
/// Margin of a subscription's price.
pub(crate) const MARGIN: f64 = 0.32;
const REASONS: [&str; 4] = ["price", "unused", "service", "other"];
const PLANS: [&str; 2] = ["monthly", "annual"];
const PRICES: [i64; 2] = [990, 9_900];

pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The subscription that a user starts, if any.
pub(crate) fn subscriber(seed: u64, user: &User) -> Option<Subscriber> {
    let key = Key::new(seed, Subject::Subscription, user.id);
    let mut draw = key.at(0, 0);
    if user.is_bot || !draw.chance(sigmoid(-1.2 + 0.7 * user.affinity)) {
        return None;
    }
    let start = user.entry + (draw.exponential() * 10.0) as u16;
    let annual = draw.chance(0.5);
    (start < DAYS).then(|| Subscriber {
        user: user.id,
        affinity: user.affinity,
        holdout: user.holdout,
        treated: user.arms[Exp::E3 as usize],
        start,
        annual,
        sessions: Vec::new(),
        tickets: Vec::new(),
    })
}

/// Number of days in `days` (ascending) within the 30 days before a day.
fn recent(days: &[u16], day: u16) -> i32 {
    let from = days.partition_point(|&d| d + 30 < day);
    let to = days.partition_point(|&d| d < day);
    (to - from) as i32
}

/// Logit of the hazard before noise.
fn risk(tickets: f64, sessions: f64, annual: bool, month: f64) -> f64 {
    HAZARD[0]
        + HAZARD[1] * tickets
        + HAZARD[2] * sessions.min(20.0)
        + HAZARD[3] * f64::from(u8::from(annual))
        + HAZARD[4] * month
}

/// Mean of the hazard over its normal noise (five-point Gauss–Hermite).
fn expected(logit: f64) -> f64 {
    const NODES: [(f64, f64); 5] = [
        (-2.856_970_013_872_805_6, 0.011_257_411_327_720_7),
        (-1.355_626_179_974_266, 0.222_075_922_005_612_6),
        (0.0, 0.533_333_333_333_333_3),
        (1.355_626_179_974_266, 0.222_075_922_005_612_6),
        (2.856_970_013_872_805_6, 0.011_257_411_327_720_7),
    ];
    NODES.iter().map(|(x, w)| w * sigmoid(logit + HAZARD[5] * x)).sum()
}

/// How a subscription went in one world.
#[derive(Default)]
struct Course {
    months: Vec<MonthRow>,
    /// Day of the end; may lie after the year.
    end: Option<u16>,
    /// Renewal at which E3 exposed it.
    exposed: Option<u16>,
}

struct MonthRow {
    month: u16,
    as_of: u16,
    tickets: i32,
    sessions: i32,
    hazard: f64,
    expected: f64,
    churned: bool,
}

/// What E3 does: the risk from which on it acts, and an arm for all in a paired world.
#[derive(Clone, Copy)]
struct Offer {
    threshold: f64,
    all: Option<bool>,
}

/// First renewal of a subscription in the days of E3.
fn renewal(sub: &Subscriber) -> Option<u16> {
    let (from, to) = Exp::E3.days();
    let cycle = from.saturating_sub(sub.start).div_ceil(MONTH).max(1);
    let day = sub.start + cycle * MONTH;
    (from..to).contains(&day).then_some(day)
}

fn run(seed: u64, sub: &Subscriber, offer: Option<Offer>) -> Course {
    let key = Key::new(seed, Subject::Subscription, sub.user);
    let mut course = Course::default();
    let mut left = 0;
    for month in 1..=(DAYS / MONTH + 1) {
        let as_of = sub.start + month * MONTH;
        if as_of >= DAYS {
            break;
        }
        let (tickets, sessions) = (recent(&sub.tickets, as_of), recent(&sub.sessions, as_of));
        let logit = risk(f64::from(tickets), f64::from(sessions), sub.annual, f64::from(month));
        let mut draw = key.at(1, u64::from(month));
        let mut factor = 1.0;
        if let Some(offer) = offer {
            if !sub.holdout && renewal(sub) == Some(as_of) && logit >= offer.threshold {
                course.exposed = Some(as_of);
                left = E3.2;
            }
            if left > 0 {
                left -= 1;
                if offer.all.unwrap_or(sub.treated) {
                    factor = if sub.affinity > 0.0 { E3.0 } else { E3.1 };
                }
            }
        }
        let hazard = factor * sigmoid(logit + HAZARD[5] * draw.normal());
        let churned = draw.chance(hazard);
        let within = draw.below(u64::from(MONTH)) as u16;
        course.months.push(MonthRow {
            month,
            as_of,
            tickets,
            sessions,
            hazard,
            expected: factor * expected(logit),
            churned,
        });
        if churned {
            course.end = Some(as_of + 1 + within.min(MONTH - 1));
            break;
        }
    }
    course
}

/// The truth of E3 from its paired worlds: units, and those who left within the offer's renewals.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SaveOffer {
    /// Exposed subscriptions.
    pub(crate) units: i64,
    /// Left before the offer ended, all treated and none treated.
    pub(crate) left: [i64; 2],
    /// The same among users of positive affinity.
    pub(crate) left_positive: [i64; 2],
    /// Exposed users of positive affinity.
    pub(crate) positive: i64,
    /// Risk (logit) of the top fifth.
    pub(crate) threshold: f64,
}

/// Everything about subscriptions.
pub(crate) struct Subscriptions {
    pub(crate) subscriptions: Vec<ArrayRef>,
    pub(crate) months: Vec<ArrayRef>,
    pub(crate) true_months: Vec<ArrayRef>,
    pub(crate) values: Vec<ArrayRef>,
    pub(crate) exposures: Vec<ArrayRef>,
    pub(crate) offer: SaveOffer,
    /// Area under the ROC curve of the true hazard, with and without its noise.
    pub(crate) auc: [f64; 2],
    /// Share of subscription months that end in leaving.
    pub(crate) churn: f64,
}

/// Runs all subscriptions; `subs` are in order of user.
pub(crate) fn simulate(seed: u64, subs: &[Subscriber]) -> Subscriptions {
    // The top fifth by risk is known only when every renewal in E3's days is.
    let mut risks: Vec<f64> = Vec::new();
    for sub in subs.iter().filter(|s| !s.holdout) {
        let Some(day) = renewal(sub) else { continue };
        if let Some(row) = run(seed, sub, None).months.iter().find(|m| m.as_of == day) {
            risks.push(risk(
                f64::from(row.tickets),
                f64::from(row.sessions),
                sub.annual,
                f64::from(row.month),
            ));
        }
    }
    risks.sort_by(f64::total_cmp);
    let threshold = risks.get(risks.len() * 4 / 5).copied().unwrap_or(f64::INFINITY);
    let mut offer = SaveOffer {
        threshold,
        ..SaveOffer::default()
    };

    let mut t = Tables::default();
    let mut scores: Vec<(f64, f64, bool)> = Vec::new();
    for sub in subs {
        let course = run(seed, sub, Some(Offer { threshold, all: None }));
        if let Some(day) = course.exposed {
            offer.count(seed, sub, day);
            t.x_unit.push(sub.user as i64);
            t.x_variant.push(i16::from(sub.treated));
            t.x_ts.push(midnight(day) + 8 * HOUR);
        }
        t.write(seed, sub, &course, &mut scores);
    }
    let churn = scores.iter().filter(|s| s.2).count() as f64 / (scores.len().max(1)) as f64;
    let auc = [
        auc(scores.iter().map(|s| (s.0, s.2))),
        auc(scores.iter().map(|s| (s.1, s.2))),
    ];
    let exps = vec![Exp::E3 as i16; t.x_unit.len()];
    Subscriptions {
        subscriptions: vec![
            longs(t.id),
            longs(t.user),
            dates(t.start),
            words(t.plan, PLANS),
            longs(t.price),
            dates_or(t.end),
            texts_or(t.reason),
        ],
        months: vec![
            longs(t.m_id),
            ints(t.m_month),
            dates(t.m_as_of),
            ints(t.m_tickets),
            ints(t.m_sessions),
            bools(t.m_annual),
            bools_or(t.m_churned),
            ints(t.m_cancel),
        ],
        true_months: vec![
            longs(t.h_id),
            ints(t.h_month),
            doubles(t.h_hazard),
            doubles(t.h_expected),
            bools(t.h_churned),
        ],
        values: vec![
            longs(t.v_id),
            dates(t.v_as_of),
            doubles(t.v_margin),
            doubles(t.v_months),
            doubles(t.v_value),
        ],
        exposures: exposures(exps, t.x_unit, t.x_variant, t.x_ts),
        offer,
        auc,
        churn,
    }
}

impl SaveOffer {
    fn count(&mut self, seed: u64, sub: &Subscriber, day: u16) {
        self.units += 1;
        let positive = sub.affinity > 0.0;
        self.positive += i64::from(positive);
        for (n, all) in [true, false].into_iter().enumerate() {
            let course = run(
                seed,
                sub,
                Some(Offer {
                    threshold: self.threshold,
                    all: Some(all),
                }),
            );
            let left = i64::from(course.end.is_some_and(|end| end <= day + E3.2 as u16 * MONTH));
            self.left[n] += left;
            self.left_positive[n] += if positive { left } else { 0 };
        }
    }
}

#[derive(Default)]
struct Tables {
    id: Vec<i64>,
    user: Vec<i64>,
    start: Vec<i32>,
    plan: Vec<i16>,
    price: Vec<i64>,
    end: Vec<Option<i32>>,
    reason: Vec<Option<&'static str>>,
    m_id: Vec<i64>,
    m_month: Vec<i32>,
    m_as_of: Vec<i32>,
    m_tickets: Vec<i32>,
    m_sessions: Vec<i32>,
    m_annual: Vec<bool>,
    m_churned: Vec<Option<bool>>,
    m_cancel: Vec<i32>,
    h_id: Vec<i64>,
    h_month: Vec<i32>,
    h_hazard: Vec<f64>,
    h_expected: Vec<f64>,
    h_churned: Vec<bool>,
    v_id: Vec<i64>,
    v_as_of: Vec<i32>,
    v_margin: Vec<f64>,
    v_months: Vec<f64>,
    v_value: Vec<f64>,
    x_unit: Vec<i64>,
    x_variant: Vec<i16>,
    x_ts: Vec<i64>,
}

impl Tables {
    fn write(&mut self, seed: u64, sub: &Subscriber, course: &Course, scores: &mut Vec<(f64, f64, bool)>) {
        let id = sub.user as i64;
        let key = Key::new(seed, Subject::Subscription, sub.user);
        // What happens after the year is not known yet.
        let end = course.end.filter(|&end| end < DAYS);
        self.id.push(id);
        self.user.push(sub.user as i64);
        self.start.push(i32::from(sub.start));
        self.plan.push(i16::from(sub.annual));
        self.price.push(PRICES[usize::from(sub.annual)]);
        self.end.push(end.map(i32::from));
        self.reason.push(end.map(|_| key.at(2, 0).one(&REASONS)));
        for row in &course.months {
            // Only whole months are labelled: those cut short by the year's end would show leavers alone.
            let known = row.as_of + MONTH < DAYS;
            self.m_id.push(id);
            self.m_month.push(i32::from(row.month));
            self.m_as_of.push(i32::from(row.as_of));
            self.m_tickets.push(row.tickets);
            self.m_sessions.push(row.sessions);
            self.m_annual.push(sub.annual);
            self.m_churned.push(known.then_some(row.churned));
            // The leak: counted on the way out, joined back to the month before.
            let visits = 1 + key.at(3, u64::from(row.month)).poisson(1.2) as i32;
            self.m_cancel.push(if known && row.churned { visits } else { 0 });
            self.h_id.push(id);
            self.h_month.push(i32::from(row.month));
            self.h_hazard.push(row.hazard);
            self.h_expected.push(row.expected);
            self.h_churned.push(row.churned);
            scores.push((row.hazard, row.expected, row.churned));
        }
        if end.is_none() {
            self.value(sub, course);
        }
    }

    /// Lifetime value at the year's end: the sum of survival times margin, by recursion over months, with the
    /// last 30 days' tickets and sessions held.
    fn value(&mut self, sub: &Subscriber, course: &Course) {
        let day = DAYS;
        let (tickets, sessions) = (
            f64::from(recent(&sub.tickets, day)),
            f64::from(recent(&sub.sessions, day)),
        );
        let month = course.months.last().map_or(0, |m| m.month) + 1;
        let price = PRICES[usize::from(sub.annual)] as f64;
        let margin = MARGIN * if sub.annual { price / 12.0 } else { price };
        let (mut survival, mut months) = (1.0, 0.0);
        for k in 0..HORIZON {
            months += survival;
            survival *= 1.0 - expected(risk(tickets, sessions, sub.annual, f64::from(u32::from(month) + k)));
        }
        self.v_id.push(sub.user as i64);
        self.v_as_of.push(i32::from(day));
        self.v_margin.push(margin);
        self.v_months.push(months);
        self.v_value.push(margin * months);
    }
}

/// Area under the ROC curve, ties counted half (Mann–Whitney).
pub(crate) fn auc(scores: impl Iterator<Item = (f64, bool)>) -> f64 {
    let mut all: Vec<(f64, bool)> = scores.collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positive = all.iter().filter(|s| s.1).count() as f64;
    let negative = all.len() as f64 - positive;
    if positive == 0.0 || negative == 0.0 {
        return f64::NAN;
    }
    let mut ranks = 0.0;
    let mut at = 0;
    for tie in all.chunk_by(|a, b| a.0 == b.0) {
        let middle = at as f64 + (tie.len() as f64 + 1.0) / 2.0;
        ranks += middle * tie.iter().filter(|s| s.1).count() as f64;
        at += tie.len();
    }
    (ranks - positive * (positive + 1.0) / 2.0) / (positive * negative)
}

/// Days of E3's offer, for the truth tables.
pub(crate) const fn offer_days() -> u16 {
    E3.2 as u16 * MONTH
}
