//! The causes in the world: experiments, launches and incidents that change what customers do.

use crate::calendar::{DAY, DAYS, HOUR, START, date};
use crate::draw::{Key, Subject};

/// An experiment of LARKSPUR, numbered as there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exp {
    /// Checkout.
    E1,
    /// Free shipping.
    E2,
    /// Save offer to subscribers at risk.
    E3,
    /// Recommender, version 2.
    E4,
    /// Search rank.
    E5,
    /// Pricing page.
    E6,
    /// Onboarding.
    E7,
    /// Delivery slots, a switchback over cities.
    E8,
    /// Global holdout.
    E9,
}

impl Exp {
    /// All, in order of number.
    pub(crate) const ALL: [Exp; 9] = [
        Exp::E1,
        Exp::E2,
        Exp::E3,
        Exp::E4,
        Exp::E5,
        Exp::E6,
        Exp::E7,
        Exp::E8,
        Exp::E9,
    ];

    /// The identifier in `exposures.exp_id`.
    pub(crate) fn id(self) -> &'static str {
        EXP_IDS[self as usize]
    }

    /// First day, and the day after the last.
    pub(crate) const fn days(self) -> (u16, u16) {
        let start = match self {
            Exp::E1 => date(7, 20),
            Exp::E2 => date(3, 1),
            Exp::E3 | Exp::E9 => date(4, 1),
            Exp::E4 => date(5, 1),
            Exp::E5 => date(6, 1),
            Exp::E6 => date(8, 20),
            Exp::E7 => date(9, 25),
            Exp::E8 => date(11, 1),
        };
        match self {
            Exp::E9 => (start, DAYS),
            _ => (start, start + 28),
        }
    }

    /// The experiment on users that runs on a day; windows of E1, E2 and E4 to E8 do not overlap.
    pub(crate) fn active(day: u16) -> Option<Exp> {
        const SHOP: [Exp; 7] = [Exp::E2, Exp::E4, Exp::E5, Exp::E1, Exp::E6, Exp::E7, Exp::E8];
        SHOP.into_iter().find(|e| (e.days().0..e.days().1).contains(&day))
    }

    /// Salt of the hash that assigns units. The salts were chosen so that the default world shows the textbook
    /// picture, as a team chooses one that balances the period before; over seeds they change nothing.
    fn salt(self) -> u64 {
        const SALTS: [u64; 9] = [14, 12, 16, 14, 14, 14, 14, 3, 7];
        SALTS[self as usize] * 16 + self as u64 + 1
    }
}

/// Identifiers by number.
pub(crate) const EXP_IDS: [&str; 9] = ["E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9"];

/// First day on which a result is live for everyone outside the holdout.
pub(crate) const LAUNCHES: [(Exp, u16); 3] = [(Exp::E5, date(7, 1)), (Exp::E1, date(8, 20)), (Exp::E6, date(9, 20))];

/// Share of users in the global holdout.
pub(crate) const HOLDOUT: f64 = 0.05;
/// Relative effects.
pub(crate) const E1_CONVERSION: f64 = 1.08;
/// E2 on order value, conversion and margin rate.
pub(crate) const E2: (f64, f64, f64) = (1.06, 0.99, -0.02);
/// E5 on conversion.
pub(crate) const E5_CONVERSION: f64 = 1.015;
/// E6 at first sight, and days in which it decays by e.
pub(crate) const E6_NOVELTY: (f64, f64) = (0.08, 6.0);
/// E7 on conversion.
pub(crate) const E7_CONVERSION: f64 = 1.03;
/// Share of treated mobile users of E7 who are lost from the exposures.
pub(crate) const E7_LOST: f64 = 0.06;
/// What a comparison of E8's treated and untreated cells shows on average, and the shift of orders between cities that
/// makes it so: a city's own part of the capacity, 0.273 on average, does not compete with itself.
pub(crate) const E8_NAIVE: f64 = 0.05;
/// Relative gain of a treated city when no capacity is its own.
const E8_SHIFT: f64 = E8_NAIVE / (1.0 - 0.273);
/// E3 on the monthly hazard: for users of positive affinity, and otherwise; and for how many renewals.
pub(crate) const E3: (f64, f64, u32) = (0.70, 0.90, 3);
/// First day and day after the last on which the rank features were null, and their effect on conversion.
pub(crate) const NULL_FEATURES: (u16, u16, f64) = (date(9, 18), date(9, 21), 0.93);
/// First day in Austria, its share of sign-ups from then, and its visiting rate relative to the others.
pub(crate) const AUSTRIA: (u16, f64, f64) = (date(9, 1), 0.15, 0.8);
/// Orders per session before effects.
pub(crate) const CONVERSION: f64 = 0.04;
/// Margin before effects.
pub(crate) const MARGIN: f64 = 0.32;

/// Countries; the shares are those before Austria.
pub(crate) const COUNTRIES: [&str; 5] = ["DE", "FR", "ES", "NL", "AT"];
/// Cumulative shares of the first four countries.
pub(crate) const COUNTRY_SHARES: [f64; 4] = [0.40, 0.65, 0.85, 1.0];
/// Cities, the country of each, and its share within the country.
pub(crate) const CITIES: [(&str, usize, f64); 15] = [
    ("Berlin", 0, 0.45),
    ("Hamburg", 0, 0.25),
    ("Munich", 0, 0.20),
    ("Cologne", 0, 0.10),
    ("Paris", 1, 0.60),
    ("Lyon", 1, 0.25),
    ("Marseille", 1, 0.15),
    ("Madrid", 2, 0.50),
    ("Barcelona", 2, 0.35),
    ("Valencia", 2, 0.15),
    ("Amsterdam", 3, 0.55),
    ("Rotterdam", 3, 0.30),
    ("Utrecht", 3, 0.15),
    ("Vienna", 4, 0.70),
    ("Graz", 4, 0.30),
];
/// Cities of E8 (indices into `CITIES`) with the share of each in their common capacity.
pub(crate) const E8_CITIES: [(u8, f64); 4] = [(0, 0.352), (4, 0.293), (7, 0.195), (10, 0.160)];
/// Devices.
pub(crate) const DEVICES: [&str; 3] = ["mobile", "desktop", "tablet"];
/// Cumulative shares of devices.
pub(crate) const DEVICE_SHARES: [f64; 3] = [0.62, 0.93, 1.0];
/// Channels of sign-up; the first four of `PAID` are bought.
pub(crate) const CHANNELS: [&str; 5] = ["search", "social", "organic", "email", "affiliate"];
/// Shares of channels among all users.
pub(crate) const CHANNEL_SHARES: [f64; 5] = [0.28, 0.22, 0.27, 0.08, 0.15];

/// Which causes are on; everything on as it happened is the default.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Causes {
    /// Every unit of an experiment in this arm.
    pub(crate) arm: Option<(Exp, bool)>,
    /// Every user inside (true) or outside the global holdout.
    pub(crate) holdout: Option<bool>,
    /// A launch that did not happen.
    pub(crate) unlaunched: Option<Exp>,
    /// No launch happened.
    pub(crate) no_launches: bool,
    /// The rank features stayed filled in September.
    pub(crate) features_filled: bool,
}

impl Causes {
    /// The world as it happened.
    pub(crate) const ACTUAL: Causes = Causes {
        arm: None,
        holdout: None,
        unlaunched: None,
        no_launches: false,
        features_filled: false,
    };
}

/// Whether a unit is treated; the control arm and the treatment have half each.
pub(crate) fn treated(seed: u64, exp: Exp, unit: u64) -> bool {
    Key::new(seed, Subject::Assignment, unit).at(exp.salt(), 0).bits() >> 63 == 1
}

/// Whether a user is in the global holdout.
pub(crate) fn held_out(seed: u64, user: u64) -> bool {
    Key::new(seed, Subject::Assignment, user).at(Exp::E9.salt(), 0).unit() < HOLDOUT
}

/// Whether E8 treats a city (position in `E8_CITIES`) in the two-hour cell of a moment.
pub(crate) fn cell_treated(seed: u64, position: usize, ts: i64) -> bool {
    let cell = (ts - START) / (2 * HOUR);
    Key::new(seed, Subject::Assignment, position as u64)
        .at(cell as u64, Exp::E8.salt())
        .bits()
        >> 63
        == 1
}

/// E8's multiplier on conversion in a city at a moment: slots won by treated cities are lost by the others.
pub(crate) fn switchback(seed: u64, city: u8, ts: i64, all: Option<bool>) -> f64 {
    let Some(position) = E8_CITIES.iter().position(|c| c.0 == city) else {
        return 1.0;
    };
    let on = |p: usize| all.unwrap_or_else(|| cell_treated(seed, p, ts));
    let share: f64 = E8_CITIES
        .iter()
        .enumerate()
        .map(|(p, c)| if on(p) { c.1 } else { 0.0 })
        .sum();
    if on(position) {
        1.0 + E8_SHIFT * (1.0 - share)
    } else {
        1.0 - E8_SHIFT * share
    }
}

/// E6's multiplier on conversion so long after a customer first saw the page.
pub(crate) fn novelty(since: i64) -> f64 {
    1.0 + E6_NOVELTY.0 * (-(since as f64 / DAY as f64) / E6_NOVELTY.1).exp()
}
