//! Do the assumptions of a comparison of means hold?
//!
//! **Question.** Are there enough units for a skewed metric, are the arms equally spread, is most of it zeros?
//!
//! **Estimand.** Skewness of the metric, the units that it asks for, the error that it leaves in the interval's coverage;
//! the ratio of standard deviations and a test that they are equal.
//!
//! **Formula.** Skewness g = m₃/m₂^1.5. Kohavi's rule asks for 355·g² units an arm. The skewness of the standardised
//! difference is γ = (κ_T/n_T² − κ_C/n_C²)/Var^1.5, κ the third central moments; by the first Edgeworth term each one-sided
//! tail of a nominal interval is off by |γ|·(z² − 1)·φ(z)/6, with opposite signs, at the z of the level. Equal spread: Brown
//! and Forsythe's test, a t-test of distances from the medians (F with 1 degree of freedom above). Unequal spread does not
//! invalidate a Welch interval; it says that the treatment changes more than the mean.
//!
//! **Reference.** Kohavi, Deng, Longbotham & Xu 2014; Brown & Forsythe 1974; Hall 1992.
//!
//! **Golden source.** `tests/golden/health.py` (scipy `skew`, `levene`).

use serde::{Deserialize, Serialize};

use crate::{Moments, NotEstimable, dist, estimate, quantile};

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assumptions {
    /// Skewness in control and treatment.
    pub skewness: (f64, f64),
    /// Units an arm that Kohavi's rule asks for, from the more skewed arm.
    pub units_wanted: f64,
    /// How far each tail of the interval is off, as a share; 0.025 of nominal 0.025 would be all of it.
    pub tail_error: f64,
    /// Share of zeros in control and treatment.
    pub zeros: (f64, f64),
    /// Standard deviation of the treatment over that of the control.
    pub spread_ratio: f64,
    /// p of equal spread; `None` if distances from the median do not vary.
    pub spread_p: Option<f64>,
    /// The normal approximation is doubtful: a tail is off by more than a quarter of its nominal size.
    pub doubtful: bool,
}

/// Checks two arms of unit values. Refused: fewer than three units in an arm, values that are not finite, an arm without
/// variation.
pub fn assumptions(control: &[f64], treatment: &[f64], level: f64) -> Result<Assumptions, NotEstimable> {
    estimate::check_level(level)?;
    let c = shape(control, "control")?;
    let t = shape(treatment, "treatment")?;
    let variance = c.square / (c.n - 1.0) / c.n + t.square / (t.n - 1.0) / t.n;
    let gamma = (t.cube / t.n.powi(3) - c.cube / c.n.powi(3)) / variance.powf(1.5);
    let tail = (1.0 - level) / 2.0;
    let z = dist::normal_isf(tail);
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let tail_error = gamma.abs() * (z * z - 1.0).abs() * density / 6.0;
    let skew = |s: &Shape| (s.cube / s.n) / (s.square / s.n).powf(1.5);
    let skewness = (skew(&c), skew(&t));
    let worst = skewness.0.abs().max(skewness.1.abs());
    Ok(Assumptions {
        skewness,
        units_wanted: 355.0 * worst * worst,
        tail_error,
        zeros: (c.zeros, t.zeros),
        spread_ratio: ((t.square / (t.n - 1.0)) / (c.square / (c.n - 1.0))).sqrt(),
        spread_p: brown_forsythe(control, treatment),
        doubtful: tail_error > tail / 4.0,
    })
}

struct Shape {
    n: f64,
    /// Sums of squares and cubes about the mean.
    square: f64,
    cube: f64,
    zeros: f64,
}

fn shape(values: &[f64], name: &str) -> Result<Shape, NotEstimable> {
    if let Some(v) = values.iter().find(|v| !v.is_finite()) {
        return Err(NotEstimable::not_finite(format!("a value of the {name} is {v}")));
    }
    if values.len() < 3 {
        return Err(NotEstimable::too_few(format!("the {name} has {} units", values.len())));
    }
    let n = values.len() as f64;
    let first = values[0];
    let mean = first + values.iter().map(|v| v - first).sum::<f64>() / n;
    let sum = |power: i32| values.iter().map(|v| (v - mean).powi(power)).sum::<f64>();
    let square = sum(2);
    if square <= n * (4.0 * f64::EPSILON * mean).powi(2) {
        return Err(NotEstimable::zero_variance(format!("the {name} has no variation")));
    }
    Ok(Shape {
        n,
        square,
        cube: sum(3),
        zeros: values.iter().filter(|v| **v == 0.0).count() as f64 / n,
    })
}

/// Pooled t-test of |y − median| between the arms.
fn brown_forsythe(control: &[f64], treatment: &[f64]) -> Option<f64> {
    let distances = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let median = quantile::sample(&sorted, 0.5);
        let mut m = Moments::empty(1);
        values.iter().for_each(|v| m.push(&[(v - median).abs()]));
        m
    };
    let (c, t) = (distances(control), distances(treatment));
    let (nc, nt) = (c.count() as f64, t.count() as f64);
    let df = nc + nt - 2.0;
    let pooled = (c.cross(0, 0) + t.cross(0, 0)) / df;
    let statistic = (t.mean(0) - c.mean(0)) / (pooled * (1.0 / nc + 1.0 / nt)).sqrt();
    (pooled > 0.0).then(|| dist::t_two_sided(statistic, df))
}
