//! A single group: mean, ratio of sums and proportion, each with its interval.
//!
//! **Question.** What is the value of a metric in one group of units?
//!
//! **Estimand.** The expected value per unit, the ratio of two expected values, or the share of units with value 1.
//!
//! **Assumptions.** Independent units; for mean and ratio enough of them for near-normality.
//!
//! **Formula.** Mean: x̄ ± t_{n−1}·s/√n. Ratio: R = Σa/Σb, variance of the unit scores (a − R·b)/b̄ over n (delta
//! method), t with n − 1. Proportion: Wilson's score interval without continuity correction; `se` is √(p(1−p)/n).
//!
//! **Reference.** Wilson 1927; Brown, Cai & DasGupta 2001; Deng, Knoblich & Lu 2018.
//!
//! **Golden source.** `tests/golden/make.py` (scipy, statsmodels `proportion_confint(method="wilson")`).

use crate::lift::{Comparison, Statistic};
use crate::linear::linearize;
use crate::{Estimate, Moments, NotEstimable, dist, estimate};

/// Mean per unit of variable `i`; t interval of coverage `level`.
pub fn mean(m: &Moments, i: usize, level: f64) -> Result<Estimate, NotEstimable> {
    plain(m, Statistic::Mean { y: i }, level, "t")
}

/// Sum of `numerator` over sum of `denominator`; delta method over units, t interval of coverage `level`.
pub fn ratio(m: &Moments, numerator: usize, denominator: usize, level: f64) -> Result<Estimate, NotEstimable> {
    plain(
        m,
        Statistic::Ratio { numerator, denominator },
        level,
        "t, ratio by delta method",
    )
}

fn plain(m: &Moments, statistic: Statistic, level: f64, method: &str) -> Result<Estimate, NotEstimable> {
    let comparison = Comparison {
        statistic,
        covariates: Vec::new(),
        level,
    };
    let group = linearize(m, &comparison, "the group")?;
    let df = group.n as f64 - 1.0;
    Estimate::new(
        group.values[0],
        group.variance(&[1.0]).sqrt(),
        Some(df),
        group.n,
        level,
        method,
    )
    .map(Estimate::without_p)
}

/// Share of units whose variable `i` (0 or 1) is 1; Wilson interval of coverage `level`. One unit is enough, and so is
/// a share of 0 or 1: the interval stays inside [0, 1] and is never empty.
pub fn proportion(m: &Moments, i: usize, level: f64) -> Result<Estimate, NotEstimable> {
    estimate::check_level(level)?;
    if i >= m.dimension() {
        return Err(NotEstimable::out_of_domain(
            format!("variable {i} is asked of moments of {} variables", m.dimension()),
            "name a variable that was measured",
        ));
    }
    if m.count() == 0 {
        return Err(NotEstimable::too_few("the group has no units"));
    }
    check_binary(m, i)?;
    let (n, p) = (m.count() as f64, m.mean(i).clamp(0.0, 1.0));
    let z = dist::normal_isf((1.0 - level) / 2.0);
    let z2 = z * z;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    Ok(Estimate {
        point: p,
        se: (p * (1.0 - p) / n).sqrt(),
        low: if p == 0.0 { 0.0 } else { (centre - half).max(0.0) },
        high: if p == 1.0 { 1.0 } else { (centre + half).min(1.0) },
        level,
        df: None,
        p: None,
        n: m.count(),
        method: "wilson".into(),
    })
}

/// Refuses a variable that cannot consist of zeros and ones: for those Σ(x − p)² is n·p(1 − p).
pub(crate) fn check_binary(m: &Moments, i: usize) -> Result<(), NotEstimable> {
    let (n, p, cross) = (m.count() as f64, m.mean(i), m.cross(i, i));
    if !p.is_finite() || !cross.is_finite() {
        return Err(NotEstimable::not_finite(format!(
            "variable {i} holds NaN or infinite values"
        )));
    }
    let slack = 1e-9;
    if p < -slack || p > 1.0 + slack || (cross - n * p * (1.0 - p)).abs() > 1e-6 * (1.0 + cross.abs()) {
        return Err(NotEstimable::out_of_domain(
            format!("variable {i} has mean {p} and sum of squares {cross} over {n} units: not zeros and ones"),
            "use a mean, or count units instead of events",
        ));
    }
    Ok(())
}
