//! Regression adjustment of a treatment effect for several covariates, and post-stratification.
//!
//! **Question.** How much of the noise of a comparison goes away once what was known before the treatment is taken out?
//!
//! **Estimand.** The average treatment effect: mean of y under treatment minus under control, over the units compared.
//!
//! **Assumptions.** Units were randomised one by one; covariates and strata were measured before the treatment. The
//! relation of y to the covariates need not be linear: then less noise goes away, and nothing else happens.
//!
//! **Formula.**
//! - *Lin*: y on treatment, centred covariates and their products; the coefficient of treatment, with HC2 ([`lin`],
//!   from rows). It never loses to the raw difference in large samples, which plain analysis of covariance may, when the
//!   arms are of unlike size and the covariates matter differently in them.
//! - *Interacted, from moments* ([`interacted`]): the same point; its variance is Σ_a s²_a/(n_a) + (β_T − β_C)'S_x(β_T −
//!   β_C)/N, with s²_a the residual variance of arm a (divisor n_a − 1 − k) and S_x the pooled covariance of covariates,
//!   for units drawn from a wider population.
//! - *Analysis of covariance, from moments* ([`ancova`]): one slope for all arms, one variance; coefficients of the arms
//!   against the first.
//! - *Post-stratification*: δ = Σ_h W_h(ȳ_Th − ȳ_Ch), W_h the stratum's share of units or as given; Var = Σ_h W_h²(s²_Th/n_Th
//!   + s²_Ch/n_Ch); degrees of freedom of Welch–Satterthwaite.
//!
//! **Reference.** Lin 2013; Freedman 2008; Miratrix, Sekhon & Yu 2013.
//!
//! **Golden source.** `tests/golden/regression.py` (statsmodels `OLS`, HC2).

use serde::{Deserialize, Serialize};

use crate::matrix::{Matrix, dot};
use crate::regression::{Covariance, ols};
use crate::{Estimate, Moments, NotEstimable, Reason};

/// An effect with and without adjustment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adjusted {
    /// Difference of means, HC2 (equals Welch's standard error).
    pub raw: Estimate,
    /// After adjustment.
    pub adjusted: Estimate,
    /// 1 − Var(adjusted)/Var(raw); negative if adjustment lost.
    pub variance_reduction: f64,
}

/// Units of one stratum: moments of y (variable `y` of each) in control and treatment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stratum {
    /// Control.
    pub control: Moments,
    /// Treatment.
    pub treatment: Moments,
    /// Share of the population; `None` everywhere is the share of units.
    pub weight: Option<f64>,
}

/// Lin's interacted regression with HC2 on unit rows: `treated[i]` and covariates `x[i]` (k of them) belong to `y[i]`.
///
/// Refused: unlike lengths, values that are not finite, an arm with fewer than k + 2 units, a covariate that repeats others.
pub fn lin(y: &[f64], treated: &[bool], x: &[Vec<f64>], level: f64) -> Result<Adjusted, NotEstimable> {
    let n = y.len();
    let k = x.first().map_or(0, Vec::len);
    if treated.len() != n || x.len() != n || x.iter().any(|row| row.len() != k) {
        return Err(NotEstimable::out_of_domain(
            format!(
                "{n} values of y, {} arms, {} rows of covariates",
                treated.len(),
                x.len()
            ),
            "give one arm and one row of covariates per unit",
        ));
    }
    let treatment = treated.iter().filter(|t| **t).count();
    for (name, units) in [("treatment", treatment), ("control", n - treatment)] {
        if units < k + 2 {
            return Err(NotEstimable::new(
                Reason::TooFew,
                format!("the {name} has {units} units for {k} covariates"),
                format!("give at least {} units in each arm, or fewer covariates", k + 2),
            ));
        }
    }
    let arm: Vec<Vec<f64>> = treated.iter().map(|t| vec![f64::from(u8::from(*t))]).collect();
    let raw = ols(y, &arm, true, Covariance::Hc2)?.coefficient(1, level)?;
    let means: Vec<f64> = (0..k)
        .map(|j| x[0][j] + x.iter().map(|row| row[j] - x[0][j]).sum::<f64>() / n as f64)
        .collect();
    let design: Vec<Vec<f64>> = x
        .iter()
        .zip(&arm)
        .map(|(row, a)| {
            let centred: Vec<f64> = row.iter().zip(&means).map(|(v, m)| v - m).collect();
            let products = centred.iter().map(|v| v * a[0]).collect::<Vec<_>>();
            [vec![a[0]], centred, products].concat()
        })
        .collect();
    let mut adjusted = ols(y, &design, true, Covariance::Hc2)?.coefficient(1, level)?;
    adjusted.method = format!("interacted regression (lin) on {k} covariates, hc2");
    Ok(compare(raw, adjusted))
}

/// The interacted regression from moments of each arm: `y` and `covariates` number variables; t with N − 2 − 2k degrees
/// of freedom. Refused as [`lin`].
pub fn interacted(
    control: &Moments,
    treatment: &Moments,
    y: usize,
    covariates: &[usize],
    level: f64,
) -> Result<Adjusted, NotEstimable> {
    let arms = [control, treatment];
    check(&arms, y, covariates, covariates.len() + 2)?;
    let (slopes, variances): (Vec<Vec<f64>>, Vec<f64>) = arms
        .iter()
        .map(|m| within(&[*m], y, covariates))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .zip(&arms)
        .map(|((beta, _, residual), m)| {
            let n = m.count() as f64;
            (beta, residual / (n - 1.0 - covariates.len() as f64) / n)
        })
        .unzip();
    let mut pooled = control.clone();
    pooled.merge(treatment);
    let n = pooled.count();
    let at = |m: &Moments, beta: &[f64]| {
        let shift: f64 = covariates
            .iter()
            .zip(beta)
            .map(|(&j, b)| b * (m.mean(j) - pooled.mean(j)))
            .sum();
        m.mean(y) - shift
    };
    let gap: Vec<f64> = slopes[1].iter().zip(&slopes[0]).map(|(t, c)| t - c).collect();
    let spread = covariance_of(&pooled, covariates).form(&gap, &gap) / (n as f64 - 1.0) / n as f64;
    let variance = variances[0] + variances[1] + spread;
    let df = n as f64 - 2.0 - 2.0 * covariates.len() as f64;
    let method = format!("interacted regression on {} covariates, from moments", covariates.len());
    let effect = at(treatment, &slopes[1]) - at(control, &slopes[0]);
    let adjusted = Estimate::new(effect, variance.sqrt(), Some(df), n, level, method)?;
    Ok(compare(raw(control, treatment, y, level)?, adjusted))
}

/// Analysis of covariance from moments of two or more arms: the effect of each arm after the first, against the first,
/// at equal covariates; one slope and one residual variance for all, t with N − arms − k degrees of freedom.
///
/// Refused: fewer than two arms, an arm without units, values that are not finite, a covariate that repeats others.
pub fn ancova(arms: &[Moments], y: usize, covariates: &[usize], level: f64) -> Result<Vec<Estimate>, NotEstimable> {
    let all: Vec<&Moments> = arms.iter().collect();
    if arms.len() < 2 {
        return Err(NotEstimable::too_few(format!("there are {} arms", arms.len())));
    }
    check(&all, y, covariates, 1)?;
    let (beta, inverse, residual) = within(&all, y, covariates)?;
    let n: u64 = arms.iter().map(Moments::count).sum();
    let df = n as f64 - arms.len() as f64 - covariates.len() as f64;
    if df < 1.0 {
        return Err(NotEstimable::too_few(format!("{n} units leave no degrees of freedom")));
    }
    let sigma = residual / df;
    let first = &arms[0];
    arms[1..]
        .iter()
        .map(|arm| {
            let gap: Vec<f64> = covariates.iter().map(|&j| arm.mean(j) - first.mean(j)).collect();
            let point = (arm.mean(y) - first.mean(y)) - dot(&beta, &gap);
            let variance = sigma * (1.0 / arm.count() as f64 + 1.0 / first.count() as f64 + inverse.form(&gap, &gap));
            let method = format!("analysis of covariance on {} covariates", covariates.len());
            Estimate::new(point, variance.sqrt(), Some(df), n, level, method)
        })
        .collect()
}

/// The effect averaged over strata, variable `y` of each.
///
/// Refused: no strata, a stratum with fewer than two units in an arm (merge it with a neighbour), weights given for some
/// only, negative, or summing to 0.
pub fn post_stratified(strata: &[Stratum], y: usize, level: f64) -> Result<Adjusted, NotEstimable> {
    let given = strata.iter().filter(|s| s.weight.is_some()).count();
    if strata.is_empty() || (given > 0 && given < strata.len()) {
        return Err(NotEstimable::out_of_domain(
            format!("{} strata, {given} of them with a weight", strata.len()),
            "give at least one stratum, and a weight for all or for none",
        ));
    }
    let units = |s: &Stratum| (s.control.count() + s.treatment.count()) as f64;
    let weights: Vec<f64> = strata.iter().map(|s| s.weight.unwrap_or_else(|| units(s))).collect();
    let total: f64 = weights.iter().sum();
    if weights.iter().any(|w| !w.is_finite() || *w < 0.0) || total <= 0.0 {
        return Err(NotEstimable::out_of_domain(
            format!("the weights are {weights:?}"),
            "give weights of 0 or more, not all 0",
        ));
    }
    let (mut point, mut variance, mut parts, mut n) = (0.0, 0.0, 0.0, 0);
    let mut pooled = [Moments::empty(1), Moments::empty(1)];
    for (h, (s, w)) in strata.iter().zip(&weights).enumerate() {
        check(&[&s.control, &s.treatment], y, &[], 1)?;
        let share = w / total;
        for (sign, m, all) in [(-1.0, &s.control, 0), (1.0, &s.treatment, 1)] {
            let Some(v) = m.variance(y) else {
                return Err(NotEstimable::new(
                    Reason::TooFew,
                    format!("stratum {h} has {} units in an arm", m.count()),
                    "merge small strata until each has two units in both arms",
                ));
            };
            let part = share * share * v / m.count() as f64;
            point += sign * share * m.mean(y);
            variance += part;
            parts += part * part / (m.count() as f64 - 1.0);
            n += m.count();
            pooled[all].merge(&m.select(&[y]));
        }
    }
    let method = format!("post-stratified over {} strata", strata.len());
    let df = if parts > 0.0 { variance * variance / parts } else { 1.0 };
    let adjusted = Estimate::new(point, variance.sqrt(), Some(df), n, level, method)?;
    Ok(compare(raw(&pooled[0], &pooled[1], 0, level)?, adjusted))
}

fn compare(raw: Estimate, adjusted: Estimate) -> Adjusted {
    let variance_reduction = 1.0 - (adjusted.se / raw.se).powi(2);
    Adjusted {
        raw,
        adjusted,
        variance_reduction,
    }
}

fn raw(control: &Moments, treatment: &Moments, y: usize, level: f64) -> Result<Estimate, NotEstimable> {
    let comparison = crate::Comparison {
        statistic: crate::Statistic::Mean { y },
        covariates: Vec::new(),
        level,
    };
    crate::lift(control, treatment, &comparison).absolute
}

fn check(arms: &[&Moments], y: usize, covariates: &[usize], least: usize) -> Result<(), NotEstimable> {
    let used: Vec<usize> = [y].into_iter().chain(covariates.iter().copied()).collect();
    if let Some(m) = arms.iter().find(|m| m.dimension() != arms[0].dimension()) {
        return Err(NotEstimable::out_of_domain(
            format!(
                "one arm has {} variables, another {}",
                arms[0].dimension(),
                m.dimension()
            ),
            "give the same variables for every arm",
        ));
    }
    for m in arms {
        if let Some(i) = used.iter().find(|&&i| i >= m.dimension()) {
            return Err(NotEstimable::out_of_domain(
                format!("variable {i} is asked of moments of {} variables", m.dimension()),
                "name a variable that was measured",
            ));
        }
        if (m.count() as usize) < least {
            return Err(NotEstimable::new(
                Reason::TooFew,
                format!("an arm has {} units for {} covariates", m.count(), covariates.len()),
                format!("give at least {least} units in each arm, or fewer covariates"),
            ));
        }
        if used
            .iter()
            .any(|&i| !m.mean(i).is_finite() || used.iter().any(|&j| !m.cross(i, j).is_finite()))
        {
            return Err(NotEstimable::not_finite("the moments hold NaN or infinite values"));
        }
    }
    Ok(())
}

fn covariance_of(m: &Moments, variables: &[usize]) -> Matrix {
    let k = variables.len();
    let mut s = Matrix::zeros(k, k);
    for (a, &i) in variables.iter().enumerate() {
        for (b, &j) in variables.iter().enumerate() {
            s[(a, b)] = m.cross(i, j);
        }
    }
    s
}

/// Regression within groups: slopes, inverse of the covariates' cross-products, residual sum of squares.
fn within(groups: &[&Moments], y: usize, covariates: &[usize]) -> Result<(Vec<f64>, Matrix, f64), NotEstimable> {
    let k = covariates.len();
    let mut cross = Matrix::zeros(k, k);
    let mut right = vec![0.0; k];
    let mut total = 0.0;
    for m in groups {
        let own = covariance_of(m, covariates);
        for i in 0..k {
            (0..k).for_each(|j| cross[(i, j)] += own[(i, j)]);
            right[i] += m.cross(covariates[i], y);
        }
        total += m.cross(y, y);
    }
    let inverse = cross.inverse_spd().map_err(|j| {
        NotEstimable::new(
            Reason::Singular,
            format!(
                "covariate {} does not vary, or repeats the covariates before it",
                covariates[j]
            ),
            "leave that covariate out",
        )
    })?;
    let beta = inverse.times_vector(&right);
    let residual = (total - dot(&beta, &right)).max(0.0);
    Ok((beta, inverse, residual))
}
