//! Support tickets: when customers write, about what, and where their texts hold personal data.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};

use crate::calendar::{Clock, DAY, DAYS, HOUR, midnight};
use crate::columns::{ints_or, longs, times, times_or, words};
use crate::draw::{Draw, Key, Subject};
use crate::personal::person;
use crate::population::User;
use crate::write::{Layout, Store};

pub(crate) const TICKETS: Layout = Layout {
    name: "tickets",
    columns: &[
        ("ticket_id", Store::Id),
        ("user_id", Store::Id),
        ("opened_ts", Store::Time),
        ("closed_ts?", Store::Time),
        ("topic", Store::Word),
        ("text", Store::Text),
        ("csat?", Store::Int),
    ],
};
const TOPICS: [&str; 6] = ["delivery", "refund", "product", "account", "payment", "subscription"];
/// Cumulative shares of topics, without and with a recent late delivery.
const SHARES: [[f64; 6]; 2] = [[0.22, 0.40, 0.62, 0.76, 0.90, 1.0], [0.70, 0.85, 0.90, 0.93, 0.97, 1.0]];
const TEXTS: [[&str; 3]; 6] = [
    [
        "Where is my parcel? The tracking page has not moved since",
        "The courier says delivered but nothing came on",
        "My delivery is late; it was promised for",
    ],
    [
        "Please refund the item that I sent back on",
        "The refund is missing a part of the shipping paid on",
        "I was charged twice and want one payment back from",
    ],
    [
        "The size runs small, can I exchange what I bought on",
        "One piece was broken in the box that came on",
        "Does the warranty cover the article ordered on",
    ],
    [
        "I cannot sign in since",
        "Please change my address; I moved on",
        "Please close my account as of",
    ],
    [
        "My card was declined although the bank confirmed on",
        "Can I pay by invoice for the order of",
        "The voucher did not work on",
    ],
    [
        "Please move my subscription to yearly from",
        "How do I pause my subscription from",
        "The renewal came earlier than I expected on",
    ],
];
const DAY_NAMES: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
/// Share of texts with personal data.
pub(crate) const PERSONAL: f64 = 0.03;
/// Days after a late delivery in which a customer writes three times as often.
const UPSET_DAYS: u16 = 30;

/// Where a text holds personal data; bytes and characters agree, since the texts are ASCII.
pub(crate) struct Span {
    pub(crate) ticket: i64,
    /// `email`, `phone`, `iban` or `name`, by position.
    pub(crate) kind: i16,
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// Kinds of personal data.
pub(crate) const SPAN_KINDS: [&str; 4] = ["email", "phone", "iban", "name"];

/// Tickets of a group.
pub(crate) struct Tickets {
    clock: Clock,
    id: Vec<i64>,
    user: Vec<i64>,
    opened: Vec<i64>,
    closed: Vec<Option<i64>>,
    topic: Vec<i16>,
    text: StringBuilder,
    csat: Vec<Option<i32>>,
    scratch: String,
    pub(crate) spans: Vec<Span>,
}

impl Default for Tickets {
    fn default() -> Self {
        Self {
            clock: Clock::new(),
            id: Vec::new(),
            user: Vec::new(),
            opened: Vec::new(),
            closed: Vec::new(),
            topic: Vec::new(),
            text: StringBuilder::with_capacity(8_192, 1 << 20),
            csat: Vec::new(),
            scratch: String::with_capacity(256),
            spans: Vec::new(),
        }
    }
}

impl Tickets {
    /// Writes a user's tickets up to a day; `late` are the days of orders that came late.
    pub(crate) fn write(&mut self, seed: u64, user: &User, late: &[u16], until: u16, opened: &mut impl FnMut(u16)) {
        let key = Key::new(seed, Subject::Ticket, user.id);
        let monthly = (-1.2 - 0.2 * user.affinity).exp();
        let mut number = 0;
        let mut month = 0u16;
        while user.entry + month * 30 < until {
            // Candidates come at three times the rate; outside a late delivery two thirds are passed over.
            let candidates = key.at(u64::from(month), 0).poisson(3.0 * monthly);
            for n in 0..u64::from(candidates) {
                let mut draw = key.at(u64::from(month), n + 1);
                let day = user.entry + month * 30 + draw.below(30) as u16;
                let upset = late.iter().any(|&l| day > l && day - l <= UPSET_DAYS);
                if day >= until || (!upset && !draw.chance(1.0 / 3.0)) {
                    continue;
                }
                let ts = self.clock.moment(day, &mut draw);
                if ts < user.since {
                    continue;
                }
                self.one(seed, user, number, ts, upset, &mut draw);
                opened(day);
                number += 1;
            }
            month += 1;
        }
    }

    fn one(&mut self, seed: u64, user: &User, number: i64, ts: i64, upset: bool, draw: &mut Draw) {
        let id = user.id as i64 * 1_000 + number;
        let topic = draw.pick(&SHARES[usize::from(upset)]);
        let waits = (draw.gamma(1.5, 1.5 / 20.0) * HOUR as f64) as i64 + HOUR / 4;
        let closed = ts + waits;
        let end = midnight(DAYS - 1) + DAY;
        let rated = draw.chance(0.35);
        let score = 5.2 - 1.4 * f64::from(u8::from(upset)) - (waits as f64 / DAY as f64) * 0.5 + 0.9 * draw.normal();
        self.id.push(id);
        self.user.push(user.id as i64);
        self.opened.push(ts);
        self.closed.push((closed < end).then_some(closed));
        self.topic.push(topic as i16);
        self.csat
            .push((rated && closed < end).then_some((score.round() as i32).clamp(1, 5)));
        self.scratch.clear();
        let phrase = draw.one(&TEXTS[topic]);
        // Writing to a String cannot fail.
        let _ = write!(self.scratch, "{phrase} {}.", draw.one(&DAY_NAMES));
        if draw.chance(PERSONAL) {
            let who = person(seed, user);
            let kind = draw.below(4) as i16;
            let (lead, value) = match kind {
                0 => (" Reply to ", who.email),
                1 => (" Call me on ", who.phone),
                2 => (" My account is ", who.iban),
                _ => (" Regards, ", who.full_name),
            };
            self.scratch.push_str(lead);
            let start = self.scratch.len() as i64;
            self.scratch.push_str(&value);
            self.spans.push(Span {
                ticket: id,
                kind,
                start,
                end: self.scratch.len() as i64,
            });
        }
        self.text.append_value(&self.scratch);
    }

    /// Arrays in the layout's order.
    pub(crate) fn arrays(mut self) -> Vec<ArrayRef> {
        vec![
            longs(self.id),
            longs(self.user),
            times(self.opened),
            times_or(self.closed),
            words(self.topic, TOPICS),
            Arc::new(self.text.finish()),
            ints_or(self.csat),
        ]
    }
}
