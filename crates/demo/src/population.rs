//! Who signs up, when and why; and what each customer is like.

use crate::calendar::{Clock, DAY, DAYS, START, season};
use crate::draw::{Key, Subject};
use crate::marketing::{Cell, PAID};
use crate::world::{AUSTRIA, CHANNEL_SHARES, CITIES, COUNTRY_SHARES, DEVICE_SHARES, Exp, held_out, treated};

/// Users at scale 1.
pub(crate) const USERS: f64 = 60_000.0;
/// Share of users who exist on the first day.
pub(crate) const EXISTING: f64 = 0.40;

/// A sign-up before traits are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signup {
    /// When, in UTC microseconds.
    pub(crate) ts: i64,
    /// What caused it: position in `PAID` and the country, or nothing that was bought.
    pub(crate) cause: Option<(u8, u8)>,
}

/// All sign-ups in order of time; a user's number is the position from 1. With spend 0 the same users exist
/// except those with a cause.
pub(crate) struct Signups {
    /// In order of time.
    pub(crate) all: Vec<Signup>,
    /// Cumulative shares of channels among sign-ups of the year that no advertising caused.
    base_channels: [f64; 5],
}

impl Signups {
    /// Draws when everyone signs up.
    pub(crate) fn draw(seed: u64, scale: f64, campaign: &[Cell]) -> Self {
        let total = (USERS * scale).round() as u64;
        let existing = (EXISTING * total as f64).round() as u64;
        let clock = Clock::new();
        let mut all = Vec::with_capacity(total as usize + 16);
        for n in 0..existing {
            let mut draw = Key::new(seed, Subject::Signup, n).at(0, 0);
            let ago = (draw.unit() * 900.0) as i64 + 1;
            all.push(Signup {
                ts: clock.moment(0, &mut draw) - ago * DAY,
                cause: None,
            });
        }
        let mut caused = [0u64; 5];
        for cell in campaign {
            for k in 0..cell.caused {
                let entity = u64::from(cell.channel) * 8 + u64::from(cell.country);
                let mut draw = Key::new(seed, Subject::Spend, entity).at(u64::from(cell.day), 100 + u64::from(k));
                all.push(Signup {
                    ts: clock.moment(cell.day, &mut draw),
                    cause: Some((cell.channel, cell.country)),
                });
                if let Some(channel) = PAID.get(usize::from(cell.channel)) {
                    caused[usize::from(channel.index)] += 1;
                }
            }
        }
        let fresh = total - existing;
        let rest = fresh.saturating_sub(caused.iter().sum());
        let season = season();
        let mut sum = 0.0;
        let cumulative: [f64; DAYS as usize] = std::array::from_fn(|d| {
            sum += season[d];
            sum
        });
        for n in 0..rest {
            let mut draw = Key::new(seed, Subject::Signup, n).at(1, 0);
            let at = draw.unit() * sum;
            let day = cumulative.partition_point(|&c| c <= at).min(usize::from(DAYS) - 1);
            all.push(Signup {
                ts: clock.moment(day as u16, &mut draw),
                cause: None,
            });
        }
        // Stable: ties keep the order above, which is the same for every thread count.
        all.sort_by_key(|s| s.ts);
        let left: [f64; 5] =
            std::array::from_fn(|c| (CHANNEL_SHARES[c] * fresh as f64 - caused[c] as f64).max(fresh as f64 * 0.01));
        let whole: f64 = left.iter().sum();
        let mut part = 0.0;
        let base_channels = std::array::from_fn(|c| {
            part += left[c] / whole;
            part
        });
        Self { all, base_channels }
    }
}

/// A customer with everything that steers her.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// Number from 1.
    pub(crate) id: u64,
    /// Sign-up in UTC microseconds.
    pub(crate) signup: i64,
    /// First simulated day.
    pub(crate) entry: u16,
    /// First simulated moment: sign-up, or the start of the year.
    pub(crate) since: i64,
    /// Channel whose advertising caused the sign-up (position in `PAID`).
    pub(crate) cause: Option<u8>,
    /// Position in `CHANNELS`.
    pub(crate) channel: u8,
    /// Position in `COUNTRIES`.
    pub(crate) country: u8,
    /// Position in `CITIES`.
    pub(crate) city: u8,
    /// Position in `DEVICES`.
    pub(crate) device: u8,
    /// Year of birth.
    pub(crate) birth_year: i32,
    /// Consents to analysis.
    pub(crate) consent: bool,
    /// Not a person.
    pub(crate) is_bot: bool,
    /// Latent affinity.
    pub(crate) affinity: f64,
    /// Sessions a day before the season.
    pub(crate) visits: f64,
    /// Probability of leaving after an order.
    pub(crate) leave: f64,
    /// Rate of the basket's gamma distribution, per euro.
    pub(crate) basket: f64,
    /// In the global holdout.
    pub(crate) holdout: bool,
    /// Treated, by experiment.
    pub(crate) arms: [bool; 9],
}

impl User {
    /// The traits of the user at a position from 0.
    pub(crate) fn draw(seed: u64, position: usize, signups: &Signups) -> Option<Self> {
        let signup = *signups.all.get(position)?;
        let id = position as u64 + 1;
        let key = Key::new(seed, Subject::User, id);
        let day = crate::calendar::day_of(signup.ts);
        let entry = day.clamp(0, i64::from(DAYS) - 1) as u16;
        let mut draw = key.at(0, 0);
        let channel = match signup.cause {
            Some((paid, _)) => PAID.get(usize::from(paid)).map_or(2, |c| c.index),
            None if day >= 0 => draw.pick(&signups.base_channels) as u8,
            None => {
                let mut sum = 0.0;
                let shares = CHANNEL_SHARES.map(|s| {
                    sum += s;
                    sum
                });
                draw.pick(&shares) as u8
            }
        };
        let mut draw = key.at(0, 1);
        let austria = day >= i64::from(AUSTRIA.0) && draw.chance(AUSTRIA.1);
        let country = match signup.cause {
            Some((_, country)) => country,
            None if austria => 4,
            None => draw.pick(&COUNTRY_SHARES) as u8,
        };
        let mut draw = key.at(0, 2);
        let city = city_in(country, draw.unit());
        let device = draw.pick(&DEVICE_SHARES) as u8;
        let birth_year = 2025 - (18.0 + 58.0 * draw.beta(1.8, 2.6)) as i32;
        let consent = draw.chance(0.92);
        let is_bot = draw.chance(0.005);
        let visits = key.at(0, 3).gamma(0.9, 3.0) * if country == 4 { AUSTRIA.2 } else { 1.0 };
        Some(Self {
            id,
            signup: signup.ts,
            entry,
            since: signup.ts.max(START),
            cause: signup.cause.map(|c| c.0),
            channel,
            country,
            city,
            device,
            birth_year,
            consent,
            is_bot,
            affinity: key.at(0, 4).normal(),
            visits,
            leave: key.at(0, 5).beta(1.2, 4.0),
            basket: key.at(0, 6).gamma(4.0, 15.0),
            holdout: held_out(seed, id),
            arms: Exp::ALL.map(|e| treated(seed, e, id)),
        })
    }
}

/// City of a country by a uniform.
fn city_in(country: u8, u: f64) -> u8 {
    let mut sum = 0.0;
    let mut last = 0;
    for (n, city) in CITIES.iter().enumerate() {
        if city.1 == usize::from(country) {
            sum += city.2;
            last = n as u8;
            if u < sum {
                break;
            }
        }
    }
    last
}
