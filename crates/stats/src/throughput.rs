//! When remaining work will be done, from how fast work was done.
//!
//! **Question.** Forty items are left: by which day are they done, with 85% probability?
//!
//! **Estimand.** The distribution of the days until the last of so many items is done.
//!
//! **Assumptions.** Weeks to come are like the weeks of the history, exchangeable (no trend, no memory from week to week);
//! items are alike in size on average. What share of the stated dates held in the past is for [`backtest`] to say.
//!
//! **Formula.** Bayesian bootstrap of whole weeks: each draw weighs the weeks of the history by Dirichlet(1, …, 1), then
//! draws weeks with their daily counts until the items are done; the day on which the last one falls counts. A range of
//! items is drawn as [`crate::three_point`].
//!
//! **Reference.** Rubin 1981; Magennis 2011 (forecasting by throughput).
//!
//! **Golden source.** Exact distribution of a history of one week, and simulated coverage in `tests/it/throughput.rs`.

use serde::{Deserialize, Serialize};

use crate::estimate::check_level;
use crate::three_point::ThreePoint;
use crate::{Estimate, NotEstimable, Reason, Rng, dist};

/// Items done on each day of a week.
pub type Week = [u32; 7];

/// Fewest weeks of history.
pub const FEWEST_WEEKS: usize = 8;
/// A forecast that takes longer than this many weeks is no forecast.
const FARTHEST: usize = 5_200;

/// Days until all items are done, over all draws, in ascending order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finish {
    /// Days from the end of the history: 1 is the first day after it.
    pub days: Vec<f64>,
}

impl Finish {
    /// The least number of days with at least this probability of being done.
    pub fn quantile(&self, p: f64) -> f64 {
        let n = self.days.len();
        let rank = (p * n as f64).ceil().max(1.0) as usize - 1;
        self.days
            .get(rank.min(n.saturating_sub(1)))
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// Probability of being done within so many days.
    pub fn by(&self, days: f64) -> f64 {
        self.days.partition_point(|d| *d <= days) as f64 / self.days.len().max(1) as f64
    }
}

fn check(weeks: &[Week]) -> Result<(), NotEstimable> {
    if weeks.len() < FEWEST_WEEKS {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!("the history has {} whole weeks", weeks.len()),
            format!("wait until {FEWEST_WEEKS} weeks are over"),
        ));
    }
    if weeks.iter().flatten().all(|d| *d == 0) {
        return Err(NotEstimable::new(
            Reason::ZeroVariance,
            format!("nothing was finished in {} weeks", weeks.len()),
            "a date can be told once something was finished",
        ));
    }
    Ok(())
}

/// Cumulative Dirichlet(1, …, 1) weights.
fn weigh(n: usize, rng: &mut Rng, into: &mut Vec<f64>) {
    into.clear();
    let mut sum = 0.0;
    for _ in 0..n {
        sum += rng.exponential();
        into.push(sum);
    }
}

/// Days to finish `items` at weeks drawn by `cumulative` weights.
fn one(weeks: &[Week], cumulative: &[f64], items: u64, rng: &mut Rng) -> f64 {
    let total = cumulative.last().copied().unwrap_or(1.0);
    let mut left = items;
    for week in 0..FARTHEST {
        let at = cumulative
            .partition_point(|c| *c <= rng.uniform() * total)
            .min(weeks.len() - 1);
        for (day, done) in weeks[at].iter().enumerate() {
            left = left.saturating_sub(u64::from(*done));
            if left == 0 {
                return (7 * week + day + 1) as f64;
            }
        }
    }
    (7 * FARTHEST) as f64
}

/// Forecasts the days until `items` are done, from whole weeks of daily counts (oldest first).
///
/// Refused: under [`FEWEST_WEEKS`] weeks, nothing ever finished, no draws.
pub fn finish(weeks: &[Week], items: ThreePoint, draws: usize, seed: u64) -> Result<Finish, NotEstimable> {
    check(weeks)?;
    if draws == 0 {
        return Err(NotEstimable::out_of_domain("0 draws", "ask for a thousand"));
    }
    let mut cumulative = Vec::with_capacity(weeks.len());
    let mut days: Vec<f64> = (0..draws)
        .map(|d| {
            let mut rng = Rng::keyed(seed, &[d as u64]);
            weigh(weeks.len(), &mut rng, &mut cumulative);
            let items = items.draw(&mut rng).round().max(0.0) as u64;
            if items == 0 {
                0.0
            } else {
                one(weeks, &cumulative, items, &mut rng)
            }
        })
        .collect();
    days.sort_by(f64::total_cmp);
    Ok(Finish { days })
}

/// How often dates held that would have been stated in the past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backtest {
    /// The probability that the dates were stated with.
    pub stated: f64,
    /// Share of them that held, with Wilson's interval at as many dates as do not overlap.
    pub achieved: Estimate,
    /// Dates tried.
    pub tried: u64,
    /// How many of them do not overlap.
    pub apart: f64,
}

/// States the date by which `items` would be done with probability `stated`, at every week of the past with at least
/// `window` weeks before it, from these weeks alone, and counts how often it held. Origins whose stated date lies beyond the
/// history are left out.
///
/// Refused: no origin can be judged.
pub fn backtest(
    weeks: &[Week],
    window: usize,
    items: u64,
    stated: f64,
    draws: usize,
    seed: u64,
) -> Result<Backtest, NotEstimable> {
    check_level(stated)?;
    check(weeks)?;
    let window = window.max(FEWEST_WEEKS);
    let (mut held, mut tried, mut promises) = (0.0, 0.0, 0.0);
    for origin in window..weeks.len() {
        let past = &weeks[origin - window..origin];
        let Ok(found) = finish(past, ThreePoint::certain(items as f64), draws, seed ^ origin as u64) else {
            continue;
        };
        let promised = found.quantile(stated);
        // Whether an origin is judged hangs on the promise alone, so that the end of the history favours neither answer.
        let days = 7 * (weeks.len() - origin);
        if promised > days as f64 {
            continue;
        }
        let mut left = items;
        let daily = weeks[origin..].iter().flatten().take(promised as usize);
        daily.for_each(|done| left = left.saturating_sub(u64::from(*done)));
        held += f64::from(u8::from(left == 0));
        tried += 1.0;
        promises += promised / 7.0;
    }
    if tried == 0.0 {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!(
                "{} weeks leave no past date to try with {window} weeks before it",
                weeks.len()
            ),
            "wait for more history, or try fewer items",
        ));
    }
    // Dates of neighbouring weeks stand on the same work: only every so many are independent.
    let apart = (tried / (promises / tried).max(1.0)).max(1.0);
    let share = held / tried;
    let z = dist::normal_isf(0.025);
    let centre = (share + z * z / (2.0 * apart)) / (1.0 + z * z / apart);
    let half = z / (1.0 + z * z / apart) * (share * (1.0 - share) / apart + z * z / (4.0 * apart * apart)).sqrt();
    Ok(Backtest {
        stated,
        achieved: Estimate {
            point: share,
            se: (share * (1.0 - share) / apart).sqrt(),
            low: (centre - half).max(0.0),
            high: (centre + half).min(1.0),
            level: 0.95,
            df: None,
            p: None,
            n: tried as u64,
            method: "share of dates that held, wilson".into(),
        },
        tried: tried as u64,
        apart,
    })
}
