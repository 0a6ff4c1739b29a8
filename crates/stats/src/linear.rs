//! A statistic of one group and its covariates as means of unit scores (delta method), from [`Moments`].
//!
//! A mean is the mean of its variable. A ratio Σa/Σb is, to first order, the mean of the scores (a − R·b)/b̄ around R.
//! So each is a value and a variance over units, and covariates enter as cross-products of scores.

use crate::lift::{Comparison, Statistic};
use crate::{Moments, NotEstimable, Reason};

/// A linear form over the variables of [`Moments`] (sparse: variable, weight), and the value it linearises.
struct Score {
    value: f64,
    form: Vec<(usize, f64)>,
}

/// Values and centred cross-products of unit scores in one group; entry 0 is the statistic, the others covariates.
#[derive(Debug)]
pub(crate) struct Linear {
    /// Units.
    pub n: u64,
    /// The statistic, then each covariate.
    pub values: Vec<f64>,
    /// Cross-products of the scores, square.
    pub cross: Vec<Vec<f64>>,
}

impl Linear {
    /// Variance of the mean of the score Σ wᵢ·scoreᵢ.
    pub fn variance(&self, weights: &[f64]) -> f64 {
        self.covariance(weights, weights).max(0.0)
    }

    /// Covariance of the means of two weighted scores.
    pub fn covariance(&self, a: &[f64], b: &[f64]) -> f64 {
        let n = self.n as f64;
        let mut sum = 0.0;
        for (row, wa) in self.cross.iter().zip(a) {
            sum += wa * row.iter().zip(b).map(|(c, wb)| c * wb).sum::<f64>();
        }
        sum / (n - 1.0) / n
    }
}

/// Checks that a statistic can be taken from the moments and linearises it and its covariates.
pub(crate) fn linearize(m: &Moments, comparison: &Comparison, group: &str) -> Result<Linear, NotEstimable> {
    let used = variables(comparison)?;
    if let Some(i) = used.iter().find(|&&i| i >= m.dimension()) {
        return Err(NotEstimable::out_of_domain(
            format!("variable {i} is asked of moments of {} variables", m.dimension()),
            "name a variable that was measured",
        ));
    }
    if m.count() < 2 {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!("{group} has {} units", m.count()),
            "wait until each group has at least 2 units",
        ));
    }
    for (a, &i) in used.iter().enumerate() {
        if !m.mean(i).is_finite() || used[a..].iter().any(|&j| !m.cross(i, j).is_finite()) {
            return Err(NotEstimable::not_finite(format!(
                "variable {i} of {group} holds NaN or infinite values"
            )));
        }
        if m.cross(i, i) < 0.0 {
            return Err(NotEstimable::out_of_domain(
                format!(
                    "variable {i} of {group} has the negative sum of squares {}",
                    m.cross(i, i)
                ),
                "give centred sums of squares",
            ));
        }
    }
    let mut scores = Vec::new();
    match comparison.statistic {
        Statistic::Mean { y } | Statistic::Proportion { y } => {
            scores.push(mean_score(m, y));
            scores.extend(comparison.covariates.iter().map(|&x| mean_score(m, x)));
        }
        Statistic::Ratio { numerator, denominator } => {
            scores.push(ratio_score(m, numerator, denominator).ok_or_else(|| {
                NotEstimable::new(
                    Reason::ZeroBaseline,
                    format!("the denominator of the ratio sums to 0 in {group}"),
                    "wait for the first unit with a denominator above 0",
                )
            })?);
            for pair in comparison.covariates.chunks_exact(2) {
                // Nobody with a pre-period: the covariate says nothing, and NaN marks it for dropping.
                let score = ratio_score(m, pair[0], pair[1]).unwrap_or(Score {
                    value: f64::NAN,
                    form: Vec::new(),
                });
                scores.push(score);
            }
        }
    }
    let cross = scores
        .iter()
        .map(|a| {
            scores
                .iter()
                .map(|b| {
                    a.form
                        .iter()
                        .map(|(i, wa)| b.form.iter().map(|(j, wb)| wa * wb * m.cross(*i, *j)).sum::<f64>())
                        .sum()
                })
                .collect()
        })
        .collect();
    Ok(Linear {
        n: m.count(),
        values: scores.iter().map(|s| s.value).collect(),
        cross,
    })
}

/// All variables a comparison reads.
fn variables(comparison: &Comparison) -> Result<Vec<usize>, NotEstimable> {
    let mut used = match comparison.statistic {
        Statistic::Mean { y } | Statistic::Proportion { y } => vec![y],
        Statistic::Ratio { numerator, denominator } => {
            if comparison.covariates.len() % 2 == 1 {
                return Err(NotEstimable::out_of_domain(
                    format!("a ratio has {} covariate variables", comparison.covariates.len()),
                    "give covariates of a ratio as pairs of numerator and denominator",
                ));
            }
            vec![numerator, denominator]
        }
    };
    used.extend(&comparison.covariates);
    Ok(used)
}

fn mean_score(m: &Moments, y: usize) -> Score {
    Score {
        value: m.mean(y),
        form: vec![(y, 1.0)],
    }
}

fn ratio_score(m: &Moments, numerator: usize, denominator: usize) -> Option<Score> {
    let below = m.mean(denominator);
    let value = m.mean(numerator) / below;
    let form = if numerator == denominator {
        Vec::new()
    } else {
        vec![(numerator, 1.0 / below), (denominator, -value / below)]
    };
    (below != 0.0 && value.is_finite()).then_some(Score { value, form })
}

/// A positive semidefinite matrix as L·L', columns left out that carry nothing beyond those before them.
pub(crate) struct Factor {
    l: Vec<Vec<f64>>,
    used: Vec<bool>,
}

impl Factor {
    /// Factors a square matrix, of which the lower triangle is read.
    pub fn new(a: &[Vec<f64>]) -> Factor {
        let k = a.len();
        let mut l = vec![vec![0.0; k]; k];
        let mut used = vec![false; k];
        for j in 0..k {
            let rest = a[j][j] - (0..j).filter(|&c| used[c]).map(|c| l[j][c] * l[j][c]).sum::<f64>();
            // A tenth-billionth of the column's own size is rounding of the cross-products, not information.
            if !(rest > 1e-10 * a[j][j] && rest > 0.0) {
                continue;
            }
            used[j] = true;
            l[j][j] = rest.sqrt();
            for i in j + 1..k {
                let sum: f64 = (0..j).filter(|&c| used[c]).map(|c| l[i][c] * l[j][c]).sum();
                l[i][j] = (a[i][j] - sum) / l[j][j];
            }
        }
        Factor { l, used }
    }

    /// x of A·x = b; 0 in columns left out.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let Factor { l, used } = self;
        let k = b.len();
        let mut x = vec![0.0; k];
        for i in (0..k).filter(|&i| used[i]) {
            let sum: f64 = (0..i).filter(|&c| used[c]).map(|c| l[i][c] * x[c]).sum();
            x[i] = (b[i] - sum) / l[i][i];
        }
        for i in (0..k).rev().filter(|&i| used[i]) {
            let sum: f64 = (i + 1..k).filter(|&r| used[r]).map(|r| l[r][i] * x[r]).sum();
            x[i] = (x[i] - sum) / l[i][i];
        }
        x
    }

    /// Which columns carry something.
    pub fn used(&self) -> &[bool] {
        &self.used
    }

    /// How many columns were used.
    pub fn rank(&self) -> usize {
        self.used.iter().filter(|&&used| used).count()
    }

    /// Logarithm of the determinant over the columns used.
    pub fn log_determinant(&self) -> f64 {
        let diagonal = self
            .l
            .iter()
            .enumerate()
            .filter(|(i, _)| self.used[*i])
            .map(|(i, row)| row[i]);
        2.0 * diagonal.map(f64::ln).sum::<f64>()
    }
}
