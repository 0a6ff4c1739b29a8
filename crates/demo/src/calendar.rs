//! The year 2025 in UTC: days, seasons, hours. Days count from 0 on 1 January.

use crate::draw::Draw;

/// Days in the simulated year.
pub(crate) const DAYS: u16 = 365;
/// Days from 1970-01-01 to 2025-01-01.
pub(crate) const EPOCH_DAY: i32 = 20_089;
/// Microseconds in a second, an hour and a day.
pub(crate) const SECOND: i64 = 1_000_000;
/// An hour.
pub(crate) const HOUR: i64 = 3_600 * SECOND;
/// A day.
pub(crate) const DAY: i64 = 24 * HOUR;
/// First moment of 2025 in UTC microseconds.
pub(crate) const START: i64 = EPOCH_DAY as i64 * DAY;

/// Cumulative days before each month of 2025.
const BEFORE_MONTH: [u16; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// The day of a date in 2025.
pub(crate) const fn date(month: u16, day: u16) -> u16 {
    BEFORE_MONTH[month as usize - 1] + day - 1
}

/// First microsecond of a day.
#[inline]
pub(crate) const fn midnight(day: u16) -> i64 {
    START + day as i64 * DAY
}

/// The day of a moment, which may lie outside the year.
#[inline]
pub(crate) const fn day_of(ts: i64) -> i64 {
    (ts - START).div_euclid(DAY)
}

/// Monday is 0; 1 January 2025 was a Wednesday.
pub(crate) const fn weekday(day: u16) -> usize {
    (day as usize + 2) % 7
}

/// `2025-05-12`.
pub(crate) fn iso(day: i64) -> String {
    let date = jiff::civil::date(2025, 1, 1).checked_add(jiff::Span::new().days(day));
    date.map(|d| d.to_string()).unwrap_or_default()
}

/// Busyness of each day relative to the year: a wave of 25% and a weekly pattern.
pub(crate) fn season() -> [f64; DAYS as usize] {
    const WEEK: [f64; 7] = [1.05, 1.0, 1.0, 1.0, 1.05, 0.95, 0.95];
    std::array::from_fn(|d| {
        let wave = 1.0 + 0.25 * (std::f64::consts::TAU * (d as f64 - 30.0) / 365.0).sin();
        wave * WEEK[weekday(d as u16)]
    })
}

/// Busyness by local hour, midnight first.
const BUSY: [f64; 24] = [
    1.2, 0.7, 0.5, 0.4, 0.4, 0.6, 1.4, 2.6, 3.6, 4.2, 4.6, 4.8, 5.0, 4.8, 4.6, 4.6, 4.8, 5.2, 5.8, 6.6, 7.2, 6.4, 4.4,
    2.4,
];

/// Draws times of day.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// Cumulative share at each hour's end.
    cumulative: [f64; 24],
}

impl Clock {
    /// The clock of Larkspur's customers.
    pub(crate) fn new() -> Self {
        let total: f64 = BUSY.iter().sum();
        let mut sum = 0.0;
        let cumulative = std::array::from_fn(|h| {
            sum += BUSY[h] / total;
            sum
        });
        Self { cumulative }
    }

    /// A moment of a day, in UTC microseconds; busy hours are local, the day is the UTC day.
    #[inline]
    pub(crate) fn moment(&self, day: u16, draw: &mut Draw) -> i64 {
        let u = draw.unit();
        // Guess by the average, then step: the table is short and the guess is near.
        let mut hour = (u * 24.0) as usize;
        while hour > 0 && u < self.cumulative[hour - 1] {
            hour -= 1;
        }
        while hour < 23 && u >= self.cumulative[hour] {
            hour += 1;
        }
        let before = if hour == 0 { 0.0 } else { self.cumulative[hour - 1] };
        let within = ((u - before) / (self.cumulative[hour] - before)).clamp(0.0, 0.999_999);
        let local = hour as i64 * HOUR + (within * HOUR as f64) as i64;
        let summer = day >= date(3, 30) && day < date(10, 26);
        let offset = if summer { 2 * HOUR } else { HOUR };
        midnight(day) + (local - offset).rem_euclid(DAY)
    }
}

/// Days from 2025-01-01 to a date of any year (proleptic Gregorian; Hinnant's algorithm).
pub(crate) const fn ymd(year: i32, month: u32, day: u32) -> i32 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month as i32 + 9) % 12) + 2) / 5 + day as i32 - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468 - EPOCH_DAY
}
