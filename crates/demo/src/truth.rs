//! Truth tables: what is so, for those who judge estimators; the product never reads them.

use std::path::Path;

use arrow::array::ArrayRef;

use crate::columns::{dates, doubles, longs, texts, times, words};
use crate::faults;
use crate::generate::Gathered;
use crate::marketing::{Cell, GEO, HILL_SLOPE, PAID, SPEND_SD};
use crate::paired::{Pair, Tally};
use crate::subscriptions::{HAZARD, Subscriptions, offer_days};
use crate::tickets::SPAN_KINDS;
use crate::world::{
    COUNTRIES, E1_CONVERSION, E2, E3, E5_CONVERSION, E6_NOVELTY, E7_CONVERSION, E7_LOST, E8_NAIVE, HOLDOUT, MARGIN,
};
use crate::write::{Finished, Layout, Store, write_table};
use crate::{DemoError, World};

const EFFECTS: Layout = Layout {
    name: "truth_effects",
    columns: &[
        ("cause", Store::Text),
        ("metric", Store::Text),
        ("units", Store::Long),
        ("treated", Store::Double),
        ("control", Store::Double),
        ("absolute", Store::Double),
        ("relative", Store::Double),
    ],
};
const TOTALS: Layout = Layout {
    name: "truth_totals",
    columns: &[
        ("cause", Store::Text),
        ("world", Store::Text),
        ("units", Store::Long),
        ("sessions", Store::Long),
        ("buyers", Store::Long),
        ("orders", Store::Long),
        ("gross_cents", Store::Long),
        ("discount_cents", Store::Long),
        ("margin_cents", Store::Long),
    ],
};
const INCIDENTS: Layout = Layout {
    name: "truth_incidents",
    columns: &[
        ("name", Store::Text),
        ("dataset", Store::Text),
        ("column", Store::Text),
        ("from_ts", Store::Time),
        ("to_ts", Store::Time),
        ("deadline_ts", Store::Time),
        ("slice_day", Store::Date),
        ("detector", Store::Text),
        ("control_from", Store::Date),
        ("control_to", Store::Date),
    ],
};
const MARKETING: Layout = Layout {
    name: "truth_marketing",
    columns: &[
        ("channel", Store::Text),
        ("theta", Store::Double),
        ("half_saturation_euros", Store::Double),
        ("beta", Store::Double),
        ("spend_cents", Store::Long),
        ("expected_signups", Store::Double),
        ("caused_signups", Store::Long),
        ("caused_sessions", Store::Long),
        ("caused_orders", Store::Long),
        ("caused_gross_cents", Store::Long),
        ("caused_margin_cents", Store::Long),
    ],
};
const MARKETING_DAILY: Layout = Layout {
    name: "truth_marketing_daily",
    columns: &[
        ("date", Store::Date),
        ("channel", Store::Word),
        ("country", Store::Word),
        ("expected_signups", Store::Double),
        ("caused_signups", Store::Long),
    ],
};
const SPANS: Layout = Layout {
    name: "truth_ticket_spans",
    columns: &[
        ("ticket_id", Store::Id),
        ("kind", Store::Word),
        ("start", Store::Long),
        ("end", Store::Long),
    ],
};
const PARAMETERS: Layout = Layout {
    name: "truth_parameters",
    columns: &[("name", Store::Text), ("value", Store::Double)],
};

/// Writes all truth tables that need the whole world.
pub(crate) fn write(
    world: &World,
    dir: &Path,
    campaign: &[Cell],
    pairs: &[Pair],
    gathered: &Gathered,
    subs: &Subscriptions,
) -> Result<Vec<Finished>, DemoError> {
    Ok(vec![
        write_table(dir, &EFFECTS, effects(pairs, gathered, subs))?,
        write_table(dir, &TOTALS, totals(pairs, gathered))?,
        write_table(dir, &INCIDENTS, incidents())?,
        write_table(dir, &MARKETING, marketing(campaign, gathered))?,
        write_table(dir, &MARKETING_DAILY, marketing_daily(campaign))?,
        write_table(dir, &SPANS, spans(gathered))?,
        write_table(dir, &PARAMETERS, parameters(world, subs))?,
    ])
}

/// Metrics of a tally: name, value per unit or per order.
fn metrics(t: &Tally) -> [(&'static str, f64); 6] {
    let per = |sum: i64, of: i64| if of == 0 { f64::NAN } else { sum as f64 / of as f64 };
    let paid = t.gross - t.discount;
    [
        ("orders_per_user", per(t.orders, t.units)),
        ("buyers_per_user", per(t.buyers, t.units)),
        ("conversion_rate", per(t.orders, t.sessions)),
        ("revenue_per_user_cents", per(paid, t.units)),
        ("margin_per_user_cents", per(t.margin, t.units)),
        ("average_order_value_cents", per(paid, t.orders)),
    ]
}

fn effects(pairs: &[Pair], gathered: &Gathered, subs: &Subscriptions) -> Vec<ArrayRef> {
    let mut rows: Vec<(String, String, i64, f64, f64)> = Vec::new();
    for (pair, (with, without)) in pairs.iter().zip(&gathered.pairs) {
        for ((metric, on), (_, off)) in metrics(with).into_iter().zip(metrics(without)) {
            rows.push((pair.name.to_owned(), metric.to_owned(), without.units, on, off));
        }
    }
    let offer = &subs.offer;
    let share = |n: i64, of: i64| if of == 0 { f64::NAN } else { n as f64 / of as f64 };
    let rest = offer.units - offer.positive;
    let all = [
        ("left_in_90_days", offer.units, offer.left),
        ("left_in_90_days_positive_affinity", offer.positive, offer.left_positive),
        (
            "left_in_90_days_other",
            rest,
            [
                offer.left[0] - offer.left_positive[0],
                offer.left[1] - offer.left_positive[1],
            ],
        ),
    ];
    for (metric, units, left) in all {
        rows.push((
            "E3".to_owned(),
            metric.to_owned(),
            units,
            share(left[0], units),
            share(left[1], units),
        ));
    }
    rows.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    vec![
        texts(rows.iter().map(|r| &r.0)),
        texts(rows.iter().map(|r| &r.1)),
        longs(rows.iter().map(|r| r.2).collect()),
        doubles(rows.iter().map(|r| r.3).collect()),
        doubles(rows.iter().map(|r| r.4).collect()),
        doubles(rows.iter().map(|r| r.3 - r.4).collect()),
        doubles(rows.iter().map(|r| r.3 / r.4 - 1.0).collect()),
    ]
}

fn totals(pairs: &[Pair], gathered: &Gathered) -> Vec<ArrayRef> {
    let mut rows: Vec<(&str, &str, Tally)> = Vec::new();
    for (pair, (with, without)) in pairs.iter().zip(&gathered.pairs) {
        rows.push((pair.name, "with", *with));
        rows.push((pair.name, "without", *without));
    }
    let mut everything = Tally::default();
    let mut uncaused = Tally::default();
    for (n, (_, tally)) in gathered.caused.iter().enumerate() {
        everything.add(tally);
        if n + 1 == gathered.caused.len() {
            uncaused = *tally;
        }
    }
    rows.push(("advertising", "with", everything));
    rows.push(("advertising", "without", uncaused));
    rows.sort_by_key(|r| (r.0, r.1));
    let column = |f: fn(&Tally) -> i64| longs(rows.iter().map(|r| f(&r.2)).collect());
    vec![
        texts(rows.iter().map(|r| r.0)),
        texts(rows.iter().map(|r| r.1)),
        column(|t| t.units),
        column(|t| t.sessions),
        column(|t| t.buyers),
        column(|t| t.orders),
        column(|t| t.gross),
        column(|t| t.discount),
        column(|t| t.margin),
    ]
}

fn incidents() -> Vec<ArrayRef> {
    let all = faults::incidents();
    vec![
        texts(all.iter().map(|i| i.name)),
        texts(all.iter().map(|i| i.dataset)),
        texts(all.iter().map(|i| i.column)),
        times(all.iter().map(|i| i.from).collect()),
        times(all.iter().map(|i| i.to).collect()),
        times(all.iter().map(|i| i.deadline).collect()),
        dates(all.iter().map(|i| i32::from(i.slice))),
        texts(all.iter().map(|i| i.detector)),
        dates(all.iter().map(|i| i32::from(i.control.0))),
        dates(all.iter().map(|i| i32::from(i.control.1))),
    ]
}

fn marketing(campaign: &[Cell], gathered: &Gathered) -> Vec<ArrayRef> {
    let sum = |c: usize, f: fn(&Cell) -> f64| -> f64 {
        campaign
            .iter()
            .filter(|cell| usize::from(cell.channel) == c)
            .map(f)
            .sum()
    };
    let channels = || PAID.iter().enumerate();
    let caused = |f: fn(&Tally) -> i64| {
        longs(
            PAID.iter()
                .zip(&gathered.caused)
                .map(|(_, (_, tally))| f(tally))
                .collect(),
        )
    };
    vec![
        texts(PAID.iter().map(|c| c.name)),
        doubles(PAID.iter().map(|c| c.theta).collect()),
        doubles(PAID.iter().map(|c| c.median).collect()),
        doubles(PAID.iter().map(|c| c.beta).collect()),
        longs(
            channels()
                .map(|(n, _)| sum(n, |c| c.spend_cents as f64) as i64)
                .collect(),
        ),
        doubles(channels().map(|(n, _)| sum(n, |c| c.expected)).collect()),
        longs(PAID.iter().zip(&gathered.caused).map(|(_, c)| c.0).collect()),
        caused(|t| t.sessions),
        caused(|t| t.orders),
        caused(|t| t.gross),
        caused(|t| t.margin),
    ]
}

fn marketing_daily(campaign: &[Cell]) -> Vec<ArrayRef> {
    vec![
        dates(campaign.iter().map(|c| i32::from(c.day))),
        words(
            campaign.iter().map(|c| i16::from(c.channel)).collect(),
            PAID.iter().map(|c| c.name),
        ),
        words(campaign.iter().map(|c| i16::from(c.country)).collect(), COUNTRIES),
        doubles(campaign.iter().map(|c| c.expected).collect()),
        longs(campaign.iter().map(|c| i64::from(c.caused)).collect()),
    ]
}

fn spans(gathered: &Gathered) -> Vec<ArrayRef> {
    let spans = &gathered.spans;
    vec![
        longs(spans.iter().map(|s| s.ticket).collect()),
        words(spans.iter().map(|s| s.kind).collect(), SPAN_KINDS),
        longs(spans.iter().map(|s| s.start).collect()),
        longs(spans.iter().map(|s| s.end).collect()),
    ]
}

/// Every number that a method may be asked to recover.
fn parameters(world: &World, subs: &Subscriptions) -> Vec<ArrayRef> {
    let mut all: Vec<(String, f64)> = [
        ("world.seed", world.seed as f64),
        ("world.scale", world.scale),
        ("bgnbd.r", 0.9),
        ("bgnbd.alpha", 3.0 / crate::world::CONVERSION),
        ("bgnbd.a", 1.2),
        ("bgnbd.b", 4.0),
        ("basket.shape", 6.0),
        ("basket.rate_shape", 4.0),
        ("basket.rate_rate", 15.0),
        ("orders.margin", MARGIN),
        ("subscriptions.start_constant", -1.2),
        ("subscriptions.start_affinity", 0.7),
        ("churn.constant", HAZARD[0]),
        ("churn.tickets30", HAZARD[1]),
        ("churn.sessions30", HAZARD[2]),
        ("churn.annual", HAZARD[3]),
        ("churn.m", HAZARD[4]),
        ("churn.noise_sd", HAZARD[5]),
        ("churn.oracle_auc", subs.auc[0]),
        ("churn.oracle_auc_without_noise", subs.auc[1]),
        ("churn.monthly_rate", subs.churn),
        ("marketing.hill_slope", HILL_SLOPE),
        ("marketing.spend_sd", SPEND_SD),
        ("marketing.brand_search_of_organic", crate::touches::BRAND_SEARCH),
        ("tickets.personal_share", crate::tickets::PERSONAL),
        ("experiments.E1.conversion", E1_CONVERSION),
        ("experiments.E2.order_value", E2.0),
        ("experiments.E2.conversion", E2.1),
        ("experiments.E2.margin_rate", E2.2),
        ("experiments.E3.hazard_positive_affinity", E3.0),
        ("experiments.E3.hazard_other", E3.1),
        ("experiments.E3.days", f64::from(offer_days())),
        ("experiments.E3.risk_threshold", subs.offer.threshold),
        ("experiments.E4.conversion", 1.0),
        ("experiments.E5.conversion", E5_CONVERSION),
        ("experiments.E6.novelty", E6_NOVELTY.0),
        ("experiments.E6.decay_days", E6_NOVELTY.1),
        ("experiments.E7.conversion", E7_CONVERSION),
        ("experiments.E7.lost_of_treated_mobile", E7_LOST),
        ("experiments.E8.naive", E8_NAIVE),
        ("experiments.E8.global", 0.0),
        ("experiments.E9.holdout_share", HOLDOUT),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    for (country, share) in COUNTRIES.iter().zip(GEO) {
        all.push((format!("marketing.share.{country}"), share));
    }
    all.extend(
        crate::organisation::parameters()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    all.extend(
        crate::cloud::parameters()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    vec![
        texts(all.iter().map(|p| &p.0)),
        doubles(all.iter().map(|p| p.1).collect()),
    ]
}
