//! Advertising touches before sign-up.

use arrow::array::ArrayRef;

use crate::calendar::{DAY, HOUR, START};
use crate::columns::{bools, longs, times, words};
use crate::draw::{Key, Subject};
use crate::marketing::PAID;
use crate::population::User;
use crate::world::CHANNELS;
use crate::write::{Layout, Store};

pub(crate) const TOUCHES: Layout = Layout {
    name: "touches",
    columns: &[
        ("touch_id", Store::Id),
        ("user_id", Store::Id),
        ("ts", Store::Time),
        ("channel", Store::Word),
        ("campaign", Store::Word),
        ("click", Store::Bool),
    ],
};
const CAMPAIGNS: [&str; 7] = [
    "search_brand",
    "search_generic",
    "social_prospecting",
    "social_retargeting",
    "affiliate_partners",
    "email_newsletter",
    "email_welcome",
];
/// Share of organic converters who click a brand search on their way.
pub(crate) const BRAND_SEARCH: f64 = 0.60;

/// Touches of a group.
#[derive(Default)]
pub(crate) struct Touches {
    id: Vec<i64>,
    user: Vec<i64>,
    ts: Vec<i64>,
    channel: Vec<i16>,
    campaign: Vec<i16>,
    click: Vec<bool>,
}

impl Touches {
    /// Writes the path of a user who signed up in the year, in order of time.
    pub(crate) fn write(&mut self, seed: u64, user: &User) {
        if user.signup < START {
            return;
        }
        let mut draw = Key::new(seed, Subject::Touch, user.id).at(0, 0);
        let mut path: Vec<(i64, i16, i16, bool)> = Vec::with_capacity(4);
        for _ in 0..draw.poisson(0.6) {
            let before = (draw.unit() * 21.0 * DAY as f64) as i64 + 2 * HOUR;
            let (channel, campaign) = draw.one(&[(0, 1), (1, 2), (1, 3), (4, 4)]);
            path.push((user.signup - before, channel, campaign, draw.chance(0.2)));
        }
        let near = (draw.exponential() * HOUR as f64) as i64 % (12 * HOUR);
        match user.cause.and_then(|c| PAID.get(usize::from(c))) {
            Some(channel) => {
                let campaign = match channel.index {
                    0 => 1,
                    1 => 2,
                    4 => 4,
                    _ => 5,
                };
                path.push((user.signup - near, i16::from(channel.index), campaign, true));
            }
            // Brand search harvests those who come anyway.
            None if user.channel == 2 => {
                if draw.chance(BRAND_SEARCH) {
                    path.push((user.signup - near, 0, 0, true));
                }
            }
            None => {
                let campaign = match user.channel {
                    0 => 0,
                    1 => 3,
                    4 => 4,
                    _ => 6,
                };
                path.push((user.signup - near, i16::from(user.channel), campaign, true));
            }
        }
        path.sort_by_key(|t| t.0);
        for (n, (ts, channel, campaign, click)) in (0i64..).zip(path) {
            self.id.push(user.id as i64 * 100 + n);
            self.user.push(user.id as i64);
            self.ts.push(ts);
            self.channel.push(channel);
            self.campaign.push(campaign);
            self.click.push(click);
        }
    }

    /// Arrays in the layout's order.
    pub(crate) fn arrays(self) -> Vec<ArrayRef> {
        vec![
            longs(self.id),
            longs(self.user),
            times(self.ts),
            words(self.channel, CHANNELS),
            words(self.campaign, CAMPAIGNS),
            bools(self.click),
        ]
    }
}
