//! Rates of rare events: counts over exposure (errors a session, tickets a user-month), treatment against control.
//!
//! **Question.** Do events come more often, when they are so few that a normal interval of units is not to be trusted, or
//! when only totals are known?
//!
//! **Estimand.** λ_T − λ_C and λ_T/λ_C, with λ events per unit of exposure.
//!
//! **Assumptions.** Events are Poisson: independent, one at a time, at one rate. Events that come in bursts by a few units
//! vary more; then compare means per unit ([`mod@crate::lift`]).
//!
//! **Formula.** Difference: Wald, Var = y_C/e_C² + y_T/e_T². Ratio: Wald on the log scale, Var ln = 1/y_C + 1/y_T. Exact: given
//! y = y_C + y_T, y_T is Binomial(y, e_T/(e_C + e_T)) under equal rates; the two-sided p adds all outcomes that are no more
//! likely than the one seen (as R's `poisson.test`), the interval is Clopper and Pearson's for the share, as a ratio.
//!
//! **Reference.** Przyborowski & Wilenski 1940; Clopper & Pearson 1934; Gu, Ng, Tang & Schucany 2008.
//!
//! **Golden source.** `tests/golden/rates.py` (scipy `binomtest`, statsmodels `test_poisson_2indep`).

use serde::{Deserialize, Serialize};

use crate::estimate::check_level;
use crate::group_sequential::Sides;
use crate::one_sided::one_sided;
use crate::{Estimate, NotEstimable, Reason, binomial, dist};

/// Events, and the exposure over which they came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Events {
    /// Events.
    pub count: u64,
    /// Exposure: units, sessions, hours; above 0.
    pub exposure: f64,
}

/// Two rates compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// λ_T − λ_C, Wald.
    pub difference: Result<Estimate, NotEstimable>,
    /// λ_T/λ_C with the Wald interval of its logarithm; p tests a ratio of 1.
    pub ratio: Result<Estimate, NotEstimable>,
    /// The exact conditional test.
    pub exact: Exact,
}

/// The exact conditional comparison.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exact {
    /// p-value of equal rates.
    pub p: f64,
    /// Lower end for the ratio.
    pub low: f64,
    /// Upper end for the ratio; infinite when the control has no events (JSON null).
    pub high: f64,
}

/// Compares two rates.
///
/// Refused: an exposure that is not a number above 0, no events in either group. Wald parts are refused alone when a group
/// has no events.
pub fn rates(control: Events, treatment: Events, level: f64, sides: Sides) -> Result<Rates, NotEstimable> {
    check_level(level)?;
    for (name, e) in [("control", control), ("treatment", treatment)] {
        if !(e.exposure > 0.0 && e.exposure.is_finite()) {
            return Err(NotEstimable::out_of_domain(
                format!("the exposure of the {name} is {}", e.exposure),
                "give the units, sessions or hours over which events were counted, above 0",
            ));
        }
    }
    let total = control.count + treatment.count;
    if total == 0 {
        return Err(NotEstimable::new(
            Reason::TooFew,
            "no event in either group",
            "wait for the first events",
        ));
    }
    let (c, t) = (control.count as f64, treatment.count as f64);
    let (rate_c, rate_t) = (c / control.exposure, t / treatment.exposure);
    let sided = |e: Estimate| {
        if sides == Sides::Two {
            Ok(e)
        } else {
            one_sided(&e, sides)
        }
    };
    let variance = c / control.exposure.powi(2) + t / treatment.exposure.powi(2);
    let difference =
        Estimate::new(rate_t - rate_c, variance.sqrt(), None, total, level, "poisson, wald").and_then(sided);
    let ratio = if control.count == 0 || treatment.count == 0 {
        let empty = if control.count == 0 { "control" } else { "treatment" };
        Err(NotEstimable::new(
            if control.count == 0 {
                Reason::ZeroBaseline
            } else {
                Reason::TooFew
            },
            format!("the {empty} has no event, so that the logarithm of the ratio is not finite"),
            "read the exact interval, or wait for events",
        ))
    } else {
        let ratio = rate_t / rate_c;
        let se = (1.0 / c + 1.0 / t).sqrt();
        Estimate::new(ratio.ln(), se, None, total, level, "poisson ratio, wald on the log")
            .and_then(sided)
            .map(|log| Estimate {
                point: ratio,
                se: ratio * se,
                low: log.low.exp(),
                high: log.high.exp(),
                ..log
            })
    };
    let share = treatment.exposure / (control.exposure + treatment.exposure);
    Ok(Rates {
        difference,
        ratio,
        exact: exact(treatment.count, total, share, level, sides),
    })
}

fn exact(k: u64, n: u64, share: f64, level: f64, sides: Sides) -> Exact {
    let alpha = 1.0 - level;
    let tail = if sides == Sides::Two { alpha / 2.0 } else { alpha };
    // A share of events x is a ratio of rates x/(1 − x)·e_C/e_T.
    let ratio = |x: f64| x / (1.0 - x) * (1.0 - share) / share;
    let low = if k == 0 || sides == Sides::Less {
        0.0
    } else {
        ratio(share_at(|x| binomial::upper(k as i64, n, x), tail))
    };
    let high = if k == n || sides == Sides::Greater {
        f64::INFINITY
    } else {
        ratio(1.0 - share_at(|x| binomial::cdf(k as i64, n, 1.0 - x), tail))
    };
    let p = match sides {
        Sides::Greater => binomial::upper(k as i64, n, share),
        Sides::Less => binomial::cdf(k as i64, n, share),
        Sides::Two => two_sided(k, n, share),
    };
    Exact { p, low, high }
}

/// Where a tail that rises with the share is `target`.
fn share_at(tail: impl Fn(f64) -> f64, target: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if tail(middle) < target {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// All outcomes no more likely than `k`, with the rounding that R and scipy allow.
fn two_sided(k: u64, n: u64, share: f64) -> f64 {
    let least = binomial::pmf(k, n, share) * (1.0 + 1e-7);
    let mode = n as f64 * share;
    // The other tail starts where the mass falls to that of k: the mass falls away from the mode.
    if (k as f64) == mode {
        return 1.0;
    }
    if (k as f64) < mode {
        let (mut low, mut high) = (mode.floor() as u64, n + 1);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if binomial::pmf(middle, n, share) <= least {
                high = middle;
            } else {
                low = middle;
            }
        }
        (binomial::cdf(k as i64, n, share) + binomial::upper(high as i64, n, share)).min(1.0)
    } else {
        let (mut low, mut high) = (-1i64, mode.ceil() as i64);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if binomial::pmf(middle as u64, n, share) <= least {
                low = middle;
            } else {
                high = middle;
            }
        }
        (binomial::upper(k as i64, n, share) + binomial::cdf(low, n, share)).min(1.0)
    }
}

/// The exact interval of one share (Clopper & Pearson 1934).
pub fn clopper_pearson(successes: u64, n: u64, level: f64) -> Result<(f64, f64), NotEstimable> {
    check_level(level)?;
    if n == 0 {
        return Err(NotEstimable::too_few("there are no units"));
    }
    if successes > n {
        return Err(NotEstimable::out_of_domain(
            format!("{successes} successes among {n} units"),
            "count units: each succeeds at most once",
        ));
    }
    let tail = (1.0 - level) / 2.0;
    // From the incomplete beta, for sample sizes at which sums of binomial terms are long.
    let (k, n_f) = (successes as f64, n as f64);
    let low = if successes == 0 {
        0.0
    } else {
        share_at(|x| dist::beta_cdf(x, k, n_f - k + 1.0), tail)
    };
    let high = if successes == n {
        1.0
    } else {
        share_at(|x| dist::beta_cdf(x, k + 1.0, n_f - k), 1.0 - tail)
    };
    Ok((low, high))
}
