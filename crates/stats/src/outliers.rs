//! How much of a lift hangs on a few units?
//!
//! **Question.** Would the answer be another without the largest units?
//!
//! **Estimand.** The lift of means without the k units that pull it most; the smallest k that makes a significant lift
//! insignificant.
//!
//! **Assumptions.** None beyond [`mod@crate::lift`]: a diagnostic. Leaving units out by their outcome is not an estimate of
//! an effect; if the answer hangs on them, define the metric with a cap ([`crate::capping`]) and say so beforehand.
//!
//! **Formula.** The pull of a unit on the difference is ±(y − ȳ_arm)/(n_arm − 1), what leaving it out takes away. Units are
//! left out in order of their pull towards the sign of the lift. The lift is computed afresh for each k.
//!
//! **Reference.** Broderick, Giordano & Meager 2020 (most influential sets).
//!
//! **Golden source.** `tests/golden/health.py` (scipy).

use serde::{Deserialize, Serialize};

use crate::{Comparison, Estimate, Moments, NotEstimable, Statistic, lift};

/// Influence of the largest units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Influence {
    /// With all units.
    pub all: Estimate,
    /// Pull of the single most influential unit, in standard errors of the lift.
    pub largest_pull: f64,
    /// Share of the sum of |y| that the largest 1% of units hold (at least one unit).
    pub top_share: f64,
    /// The lift after leaving out the 1, 2, … units asked for.
    pub without: Vec<Without>,
    /// Fewest units whose absence makes a significant lift insignificant; `None` if it is not significant, or if a
    /// hundredth of all units is not enough.
    pub to_overturn: Option<u64>,
}

/// A lift without its most influential units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Without {
    /// Units left out.
    pub units: u64,
    /// The lift of the others.
    pub lift: Result<Estimate, NotEstimable>,
}

/// Examines the difference of means. `counts` are the numbers of units to leave out in turn. Refused as
/// [`mod@crate::lift`].
pub fn influence(control: &[f64], treatment: &[f64], counts: &[u64], level: f64) -> Result<Influence, NotEstimable> {
    if let Some(v) = control.iter().chain(treatment).find(|v| !v.is_finite()) {
        return Err(NotEstimable::not_finite(format!("a value is {v}")));
    }
    let moments = |values: &[f64]| {
        let mut m = Moments::empty(1);
        values.iter().for_each(|v| m.push(&[*v]));
        m
    };
    let compare = |c: &Moments, t: &Moments| {
        let comparison = Comparison {
            statistic: Statistic::Mean { y: 0 },
            covariates: Vec::new(),
            level,
        };
        lift(c, t, &comparison).absolute
    };
    let (c, t) = (moments(control), moments(treatment));
    let all = compare(&c, &t)?;
    let sign = if all.point < 0.0 { -1.0 } else { 1.0 };
    // (pull towards the lift's sign, in the treatment, value)
    let mut pulls: Vec<(f64, bool, f64)> = Vec::with_capacity(control.len() + treatment.len());
    for (values, m, treated) in [(control, &c, false), (treatment, &t, true)] {
        let side = if treated { sign } else { -sign };
        let n = m.count() as f64;
        pulls.extend(values.iter().map(|v| (side * (v - m.mean(0)) / (n - 1.0), treated, *v)));
    }
    let largest = pulls.iter().map(|p| p.0.abs()).fold(0.0, f64::max);
    pulls.sort_by(|a, b| b.0.total_cmp(&a.0));
    // A centred sum that is only taken from: squares leave as they came, by Welford backwards.
    let mut arms = [State::of(&c), State::of(&t)];
    let most = (pulls.len() / 100).max(1) as u64;
    let asked = counts.iter().copied().max().unwrap_or(0);
    let significant = all.low > 0.0 || all.high < 0.0;
    let mut to_overturn = None;
    let mut found = Vec::new();
    for (i, (_, treated, value)) in pulls.iter().enumerate() {
        let k = i as u64 + 1;
        if k > asked.max(if significant { most } else { 0 }) {
            break;
        }
        arms[usize::from(*treated)].remove(*value);
        let now = compare(&arms[0].moments(), &arms[1].moments());
        let overturned = match &now {
            Ok(e) => e.low <= 0.0 && e.high >= 0.0,
            Err(_) => true,
        };
        if significant && overturned && to_overturn.is_none() && k <= most {
            to_overturn = Some(k);
        }
        found.push(now);
    }
    let without = counts
        .iter()
        .map(|&units| Without {
            units,
            lift: match units {
                0 => Ok(all.clone()),
                k => found.get(k as usize - 1).cloned().unwrap_or_else(|| {
                    Err(NotEstimable::too_few(format!(
                        "{k} units cannot be left out of {}",
                        pulls.len()
                    )))
                }),
            },
        })
        .collect();
    let mut sizes: Vec<f64> = control.iter().chain(treatment).map(|v| v.abs()).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let total: f64 = sizes.iter().sum();
    let top: f64 = sizes[..(sizes.len() / 100).max(1)].iter().sum();
    Ok(Influence {
        largest_pull: largest / all.se,
        top_share: if total > 0.0 { top / total } else { 0.0 },
        all,
        without,
        to_overturn,
    })
}

struct State {
    n: f64,
    mean: f64,
    squares: f64,
}

impl State {
    fn of(m: &Moments) -> State {
        State {
            n: m.count() as f64,
            mean: m.mean(0),
            squares: m.cross(0, 0),
        }
    }

    fn remove(&mut self, value: f64) {
        if self.n <= 1.0 {
            *self = State {
                n: 0.0,
                mean: 0.0,
                squares: 0.0,
            };
            return;
        }
        let mean = self.mean - (value - self.mean) / (self.n - 1.0);
        self.squares = (self.squares - (value - self.mean) * (value - mean)).max(0.0);
        self.mean = mean;
        self.n -= 1.0;
    }

    fn moments(&self) -> Moments {
        Moments::from_parts(self.n as u64, vec![self.mean], vec![self.squares]).unwrap_or_else(|| Moments::empty(1))
    }
}
