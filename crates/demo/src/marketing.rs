//! Advertising: spend by day, channel and country, and the sign-ups that it causes.

use std::path::Path;

use crate::DemoError;
use crate::calendar::{DAYS, date, season};
use crate::columns::{dates, longs, words};
use crate::draw::{Key, Subject};
use crate::world::COUNTRIES;
use crate::write::{Finished, Layout, Store, write_table};

/// What a channel can do.
pub(crate) struct Channel {
    /// Name.
    pub(crate) name: &'static str,
    /// Position in `world::CHANNELS`.
    pub(crate) index: u8,
    /// Share of yesterday's stock kept today.
    pub(crate) theta: f64,
    /// Median spend in euros a day, which is also the half-saturation stock.
    pub(crate) median: f64,
    /// Most sign-ups a day that it can cause.
    pub(crate) beta: f64,
    /// Country (position) and first day of two weeks without spend.
    pub(crate) dark: (usize, u16),
    /// Cost of a thousand impressions in euros, and clicks per impression.
    price: (f64, f64),
}

/// The bought channels.
pub(crate) const PAID: [Channel; 4] = [
    Channel {
        name: "search",
        index: 0,
        theta: 0.2,
        median: 900.0,
        beta: 25.0,
        dark: (2, date(2, 17)),
        price: (14.0, 0.035),
    },
    Channel {
        name: "social",
        index: 1,
        theta: 0.5,
        median: 700.0,
        beta: 18.0,
        dark: (3, date(4, 7)),
        price: (7.0, 0.009),
    },
    Channel {
        name: "affiliate",
        index: 4,
        theta: 0.3,
        median: 300.0,
        beta: 8.0,
        dark: (1, date(6, 9)),
        price: (9.0, 0.015),
    },
    Channel {
        name: "email",
        index: 3,
        theta: 0.1,
        median: 80.0,
        beta: 3.0,
        dark: (0, date(10, 6)),
        price: (2.0, 0.02),
    },
];
/// Slope of the saturation curve.
pub(crate) const HILL_SLOPE: f64 = 1.4;
/// Standard deviation of log spend.
pub(crate) const SPEND_SD: f64 = 0.3;
/// Shares of the four countries with advertising.
pub(crate) const GEO: [f64; 4] = [0.40, 0.25, 0.20, 0.15];

/// One day of one channel in one country.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    /// Day.
    pub(crate) day: u16,
    /// Position in `PAID`.
    pub(crate) channel: u8,
    /// Position in `COUNTRIES`.
    pub(crate) country: u8,
    /// Spend in cents.
    pub(crate) spend_cents: i64,
    /// Times shown.
    pub(crate) impressions: i64,
    /// Times clicked.
    pub(crate) clicks: i64,
    /// Expected sign-ups caused.
    pub(crate) expected: f64,
    /// Sign-ups caused.
    pub(crate) caused: u32,
}

/// Saturation of a stock: 0 at none, 1/2 at the median spend.
pub(crate) fn hill(stock: f64, median: f64) -> f64 {
    let x = stock.max(0.0).powf(HILL_SLOPE);
    x / (median.powf(HILL_SLOPE) + x)
}

/// All spend of the year by day, channel and country, with what it caused. Spend scales with the world, so that
/// the cost of a sign-up does not depend on the scale.
pub(crate) fn campaign(seed: u64, scale: f64) -> Vec<Cell> {
    let season = season();
    let mut cells = Vec::with_capacity(usize::from(DAYS) * PAID.len() * GEO.len());
    for (c, channel) in PAID.iter().enumerate() {
        for (g, share) in GEO.iter().enumerate() {
            let key = Key::new(seed, Subject::Spend, (c * 8 + g) as u64);
            let mut stock = 0.0;
            for day in 0..DAYS {
                let mut noise = key.at(u64::from(day), 0);
                let dark = channel.dark.0 == g && (channel.dark.1..channel.dark.1 + 14).contains(&day);
                // Buyers follow the season a little, as buyers do; the curve sees the money, not the season.
                let lean = season[usize::from(day)].powf(0.5);
                let euros = if dark {
                    0.0
                } else {
                    channel.median * lean * (SPEND_SD * noise.normal()).exp()
                };
                let spend_cents = (euros * share * scale * 100.0).round() as i64;
                let paid = if scale > 0.0 {
                    spend_cents as f64 / (100.0 * share * scale)
                } else {
                    0.0
                };
                stock = channel.theta * stock + (1.0 - channel.theta) * paid;
                let expected = share * scale * channel.beta * hill(stock, channel.median);
                let impressions =
                    (euros * share * scale / channel.price.0 * 1000.0 * (0.1 * noise.normal()).exp()) as i64;
                let clicks = (impressions as f64 * channel.price.1 * (0.1 * noise.normal()).exp()) as i64;
                let caused = key.at(u64::from(day), 1).poisson(expected);
                cells.push(Cell {
                    day,
                    channel: c as u8,
                    country: g as u8,
                    spend_cents,
                    impressions,
                    clicks,
                    expected,
                    caused,
                });
            }
        }
    }
    cells.sort_by_key(|cell| (cell.day, cell.channel, cell.country));
    cells
}

const SPEND: Layout = Layout {
    name: "spend_daily",
    columns: &[
        ("date", Store::Date),
        ("channel", Store::Word),
        ("country", Store::Word),
        ("spend_cents", Store::Long),
        ("impressions", Store::Long),
        ("clicks", Store::Long),
    ],
};

/// Writes the spend table.
pub(crate) fn write(dir: &Path, cells: &[Cell]) -> Result<Finished, DemoError> {
    let arrays = vec![
        dates(cells.iter().map(|c| i32::from(c.day))),
        words(
            cells.iter().map(|c| i16::from(c.channel)).collect(),
            PAID.iter().map(|c| c.name),
        ),
        words(cells.iter().map(|c| i16::from(c.country)).collect(), COUNTRIES),
        longs(cells.iter().map(|c| c.spend_cents).collect()),
        longs(cells.iter().map(|c| c.impressions).collect()),
        longs(cells.iter().map(|c| c.clicks).collect()),
    ];
    write_table(dir, &SPEND, arrays)
}
