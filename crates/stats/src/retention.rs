//! Retention: the share of units that come back some days after they started.
//!
//! **Question.** Do more units come back under the treatment, and when do the curves part?
//!
//! **Estimand.** For a window of days since the unit's start, the share of units active at least once in it, treatment
//! minus control.
//!
//! **Assumptions.** Units are independent. A unit counts in a window only once its last day has been observed whole, so
//! that late starters do not look like leavers.
//!
//! **Formula.** Proportions over the units observed long enough, as [`mod@crate::lift`].
//!
//! **Golden source.** `tests/golden/metrics.py` (statsmodels `test_proportions_2indep`).

use serde::{Deserialize, Serialize};

use crate::{Comparison, Lift, Moments, NotEstimable, Statistic, lift};

/// One unit's activity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Whole days observed since the start: days 0 … observed − 1.
    pub observed: u32,
    /// Days since the start with activity, any order.
    pub active: Vec<u32>,
}

/// Days since the start, both ends included: `{7, 7}` is day-7 retention, `{7, 13}` the second week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First day.
    pub from: u32,
    /// Last day.
    pub to: u32,
}

/// Retention in a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retained {
    /// Days.
    pub window: Window,
    /// Units observed to its end: control, treatment.
    pub eligible: (u64, u64),
    /// Of them, active in it.
    pub retained: (u64, u64),
    /// Shares compared.
    pub lift: Lift,
}

/// Retention of both arms in each window; a window that nobody has been observed through has refusals in its lift.
/// Refused: a window whose end lies before its start.
pub fn retention(
    control: &[Unit],
    treatment: &[Unit],
    windows: &[Window],
    level: f64,
) -> Result<Vec<Retained>, NotEstimable> {
    if let Some(w) = windows.iter().find(|w| w.from > w.to) {
        return Err(NotEstimable::out_of_domain(
            format!("the window is days {} to {}", w.from, w.to),
            "give the first day first",
        ));
    }
    let comparison = Comparison {
        statistic: Statistic::Proportion { y: 0 },
        covariates: Vec::new(),
        level,
    };
    Ok(windows
        .iter()
        .map(|&window| {
            let count = |units: &[Unit]| {
                let seen = units.iter().filter(|u| u.observed > window.to);
                let mut m = Moments::empty(1);
                let mut retained = 0;
                for u in seen {
                    let back = u.active.iter().any(|d| (window.from..=window.to).contains(d));
                    retained += u64::from(back);
                    m.push(&[f64::from(u8::from(back))]);
                }
                (m, retained)
            };
            let ((c, c_back), (t, t_back)) = (count(control), count(treatment));
            Retained {
                window,
                eligible: (c.count(), t.count()),
                retained: (c_back, t_back),
                lift: lift(&c, &t, &comparison),
            }
        })
        .collect())
}
