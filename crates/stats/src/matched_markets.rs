//! Geo experiments: which markets to pair, and what the treated ones did beyond what their pairs foretell.
//!
//! **Question.** A campaign ran in some markets: how much came of it?
//!
//! **Estimand.** *Pairs*: mean over pairs of treated minus control, after the difference before is taken off. *Time-based
//! regression*: the sum over the test of the treated group's outcome minus what the control group foretells.
//!
//! **Assumptions.** Pairs: one of each pair was treated by a coin. Time-based regression: the linear relation of the groups
//! before would have held; errors independent with one variance.
//!
//! **Formula.** *Matching*: series before the test, scaled to mean 1; distance is the root mean squared difference; the
//! closest two are paired, then the next. *Pairs*: t-test of the pairs' differences, and the exact sign-flip permutation p
//! (to 20 pairs). *Regression*: y = α + βx before; cumulative effect Σ(y − ŷ) over the h test periods, with variance
//! σ²[h + f'(X'X)⁻¹f], f = Σ(1, x), t with n − 2 degrees of freedom.
//!
//! **Reference.** Kerman, Wang & Vaver 2017 (time-based regression); Imai, King & Nall 2009 (pairs).
//!
//! **Golden source.** `tests/golden/designs.py` (scipy `ttest_rel`, `permutation_test`; statsmodels `OLS`).

use serde::{Deserialize, Serialize};

use crate::regression::{Covariance, ols};
use crate::{Estimate, Moments, NotEstimable, Reason, one_sample};

/// Two markets that move alike.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Position of one.
    pub a: usize,
    /// Position of the other.
    pub b: usize,
    /// Root mean squared difference of the scaled series.
    pub distance: f64,
}

/// A paired readout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Mean difference, t-test.
    pub effect: Estimate,
    /// Exact p of flipping each pair's coin; `None` above 20 pairs.
    pub permutation_p: Option<f64>,
}

/// A time-based regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeBased {
    /// Sum of the effect over the test.
    pub cumulative: Estimate,
    /// The same after each test period.
    pub path: Vec<Estimate>,
    /// Slope of treated on control before.
    pub slope: f64,
    /// Share of the variance before that it explains.
    pub r_squared: f64,
}

/// Pairs markets by their series before the test; of an odd number one is left over. Refused: fewer than two, unlike
/// lengths, fewer than two periods, values that are not finite, a mean of 0.
pub fn pairs(series: &[Vec<f64>]) -> Result<Vec<Pair>, NotEstimable> {
    let periods = series.first().map_or(0, Vec::len);
    if series.len() < 2 || periods < 2 {
        return Err(NotEstimable::too_few(format!(
            "{} markets of {periods} periods",
            series.len()
        )));
    }
    if series.iter().any(|s| s.len() != periods) {
        return Err(NotEstimable::out_of_domain(
            format!("not every market has {periods} periods"),
            "leave out markets with missing periods",
        ));
    }
    let mut scaled = Vec::with_capacity(series.len());
    for (i, s) in series.iter().enumerate() {
        let mean = s.iter().sum::<f64>() / periods as f64;
        if !mean.is_finite() {
            return Err(NotEstimable::not_finite(format!(
                "market {i} holds NaN or infinite values"
            )));
        }
        if mean == 0.0 {
            return Err(NotEstimable::new(
                Reason::ZeroBaseline,
                format!("the mean of market {i} is 0, so its series cannot be scaled"),
                "leave that market out",
            ));
        }
        scaled.push(s.iter().map(|v| v / mean).collect::<Vec<f64>>());
    }
    let mut all: Vec<Pair> = (0..series.len())
        .flat_map(|a| (a + 1..series.len()).map(move |b| (a, b)))
        .map(|(a, b)| {
            let squares: f64 = scaled[a].iter().zip(&scaled[b]).map(|(x, y)| (x - y).powi(2)).sum();
            Pair {
                a,
                b,
                distance: (squares / periods as f64).sqrt(),
            }
        })
        .collect();
    all.sort_by(|x, y| x.distance.total_cmp(&y.distance).then((x.a, x.b).cmp(&(y.a, y.b))));
    let mut taken = vec![false; series.len()];
    let mut found = Vec::new();
    for pair in all {
        if !taken[pair.a] && !taken[pair.b] {
            taken[pair.a] = true;
            taken[pair.b] = true;
            found.push(pair);
        }
    }
    Ok(found)
}

/// Effect from pairs: `differences[i]` is treated minus control of pair i, changes from before to after. Refused: fewer than
/// two pairs, no variation, values that are not finite.
pub fn paired(differences: &[f64], level: f64) -> Result<Paired, NotEstimable> {
    let mut m = Moments::empty(1);
    differences.iter().for_each(|d| m.push(&[*d]));
    let mean = one_sample::mean(&m, 0, level)?;
    let n = differences.len();
    let effect = Estimate::new(mean.point, mean.se, mean.df, mean.n, level, "paired t")?;
    let observed: f64 = differences.iter().sum::<f64>().abs();
    let permutation_p = (n <= 20).then(|| {
        // Rounding must not part equal sums.
        let bar = observed * (1.0 - 1e-12);
        let total = 1u64 << n;
        let extreme = (0..total).filter(|flips| {
            let sum: f64 = differences
                .iter()
                .enumerate()
                .map(|(i, d)| if flips >> i & 1 == 1 { -d } else { *d })
                .sum();
            sum.abs() >= bar
        });
        extreme.count() as f64 / total as f64
    });
    Ok(Paired { effect, permutation_p })
}

/// Time-based regression: outcome by period of the treated and of the control group, `before` of them before the test.
///
/// Refused: fewer than four periods before, none after, unlike lengths, a control group that does not vary.
pub fn time_based(treated: &[f64], control: &[f64], before: usize, level: f64) -> Result<TimeBased, NotEstimable> {
    if treated.len() != control.len() || before >= treated.len() || before < 4 {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!(
                "{} and {} periods, {before} of them before the test",
                treated.len(),
                control.len()
            ),
            "give both groups the same periods, at least four before the test and one after",
        ));
    }
    if control[before..]
        .iter()
        .chain(&treated[before..])
        .any(|v| !v.is_finite())
    {
        return Err(NotEstimable::not_finite("a test period is NaN or infinite"));
    }
    let x: Vec<Vec<f64>> = control[..before].iter().map(|v| vec![*v]).collect();
    let fit = ols(&treated[..before], &x, true, Covariance::Classical)?;
    let (mut sum, mut ahead, mut regressor) = (0.0, 0.0, 0.0);
    let mut path = Vec::new();
    for (y, x) in treated[before..].iter().zip(&control[before..]) {
        sum += y - (fit.coefficients[0] + fit.coefficients[1] * x);
        ahead += 1.0;
        regressor += x;
        let c = &fit.covariance;
        let line = ahead * ahead * c[0][0] + 2.0 * ahead * regressor * c[0][1] + regressor * regressor * c[1][1];
        let variance = fit.residual_variance * ahead + line;
        path.push(Estimate::new(
            sum,
            variance.max(0.0).sqrt(),
            Some(fit.df),
            before as u64,
            level,
            "time-based regression",
        )?);
    }
    let Some(cumulative) = path.last().cloned() else {
        return Err(NotEstimable::too_few("there is no test period"));
    };
    Ok(TimeBased {
        cumulative,
        path,
        slope: fit.coefficients[1],
        r_squared: fit.r_squared,
    })
}
