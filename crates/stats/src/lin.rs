//! Regression adjustment with interactions from sums alone: one pass for the coefficients, one for the variance.
//!
//! **Question.** As [`crate::adjustment`], without unit rows in memory: the caller sums over the units twice.
//!
//! **Estimand.** The average treatment effect on the units compared; for a ratio, that of its linearised score.
//!
//! **Assumptions.** Units were randomised one by one; covariates and strata were measured before the treatment.
//!
//! **Formula.** In each arm a regression of y on covariates x, the arms joined by interactions: the arm's value is that of
//! its line at the covariates' mean over both arms, α̂ = ȳ − β̂'(x̄ − x̄_all), a weighted mean of y with weights
//! w_i = 1/n + (x̄_all − x̄)'S⁻¹(x_i − x̄), S the arm's cross-products of covariates. With residuals e and leverages
//! h_i = 1/n + (x_i − x̄)'S⁻¹(x_i − x̄), its variance is Σ w²e²/(1 − h) (HC2) or Σ w²e²/(1 − h)² (HC3); the lift's is the
//! sum of both arms'; t with N − 2 − 2k degrees of freedom. A ratio is regressed by its scores (a − R·b)/b̄ around R. The
//! relative lift is δ/|α̂_C| by the delta method, by Fieller where the control's relative error is above 5%.
//! Strata enter as 0/1 columns: with nothing else, that is post-stratification, and HC2 gives Σ W²s²/n exactly.
//!
//! **Reference.** Lin 2013; MacKinnon & White 1985; Miratrix, Sekhon & Yu 2013.
//!
//! **Golden source.** `tests/golden/lin.py` (statsmodels `OLS`, HC2 and HC3, with interactions).

use serde::{Deserialize, Serialize};

use crate::lift::Pair;
use crate::linear::Factor;
use crate::{Comparison, Estimate, Lift, Moments, NotEstimable, Reason, Statistic, estimate, fieller, lift};

/// Relative standard error of the control from which on the relative lift is by Fieller.
const NOISY: f64 = 0.05;

/// Which weights residuals get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variance {
    /// 1/(1 − h): unbiased where residuals vary alike.
    #[default]
    Hc2,
    /// 1/(1 − h)²: careful in small samples.
    Hc3,
}

impl Variance {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Variance::Hc2 => "hc2",
            Variance::Hc3 => "hc3",
        }
    }
}

/// What the second pass sums over an arm's units. All forms are over the moments' variables less their `centre`:
/// score = (Σ residual)·(base + Σ weight)/(1 − base − Σ leverage)^½ (HC2) or ^1 (HC3).
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The arm's means, by variable.
    pub centre: Vec<f64>,
    /// Slopes of the residual.
    pub residual: Vec<(usize, f64)>,
    /// One over the units.
    pub base: f64,
    /// Slopes of the weight.
    pub weight: Vec<(usize, f64)>,
    /// Quadratic form of the leverage.
    pub leverage: Vec<(usize, usize, f64)>,
}

impl Score {
    /// The score of a unit; `None` if it alone decides a coefficient.
    pub fn of(&self, values: &[f64], variance: Variance) -> Option<f64> {
        let centred =
            |i: usize| values.get(i).copied().unwrap_or(f64::NAN) - self.centre.get(i).copied().unwrap_or(f64::NAN);
        let linear = |form: &[(usize, f64)]| form.iter().map(|(i, b)| b * centred(*i)).sum::<f64>();
        let quadratic: f64 = self
            .leverage
            .iter()
            .map(|(i, j, b)| b * centred(*i) * centred(*j))
            .sum();
        let left = 1.0 - self.base - quadratic;
        let by = match variance {
            Variance::Hc2 => left.sqrt(),
            Variance::Hc3 => left,
        };
        (left > DECIDES).then(|| linear(&self.residual) * (self.base + linear(&self.weight)) / by)
    }
}

/// A unit with less than this of its own residual left decides a coefficient alone.
pub const DECIDES: f64 = 1e-9;

/// One arm's line.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    value: f64,
    units: u64,
    score: Score,
}

/// The first pass: both arms' lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Interacted {
    lines: [Line; 2],
    /// Covariates used, as variables of the moments.
    pub used: Vec<usize>,
    raw: Result<Estimate, NotEstimable>,
}

/// Fits both arms. Covariates that do not vary in an arm, or repeat others, are left out.
///
/// Refused: moments of unlike variables or with values that are not finite, an arm with fewer than k + 2 units.
pub fn interacted(
    control: &Moments,
    treatment: &Moments,
    statistic: Statistic,
    covariates: &[usize],
) -> Result<Interacted, NotEstimable> {
    let plain = Comparison {
        statistic,
        covariates: Vec::new(),
        level: 0.95,
    };
    let arms = [control, treatment];
    for (name, m) in ["the control", "the treatment"].into_iter().zip(arms) {
        crate::linear::linearize(m, &plain, name)?;
        if let Some(i) = covariates.iter().find(|i| **i >= m.dimension()) {
            return Err(NotEstimable::out_of_domain(
                format!("covariate {i} is asked of moments of {} variables", m.dimension()),
                "name a variable that was measured",
            ));
        }
        if let Some(i) = covariates
            .iter()
            .find(|i| !(m.mean(**i).is_finite() && m.cross(**i, **i).is_finite()))
        {
            return Err(NotEstimable::not_finite(format!(
                "covariate {i} of {name} holds NaN or infinite values"
            )));
        }
    }
    let varies: Vec<Vec<bool>> = arms
        .iter()
        .map(|m| Factor::new(&cross(m, covariates)).used().to_vec())
        .collect();
    let used: Vec<usize> = covariates
        .iter()
        .enumerate()
        .filter(|(i, _)| varies.iter().all(|v| v[*i]))
        .map(|(_, x)| *x)
        .collect();
    for (name, m) in ["control", "treatment"].into_iter().zip(arms) {
        if (m.count() as usize) < used.len() + 2 {
            return Err(NotEstimable::new(
                Reason::TooFew,
                format!("the {name} has {} units for {} covariates", m.count(), used.len()),
                format!(
                    "wait for {} units in each arm, or name fewer covariates",
                    used.len() + 2
                ),
            ));
        }
    }
    let all: f64 = (control.count() + treatment.count()) as f64;
    let centre: Vec<f64> = used
        .iter()
        .map(|&x| control.mean(x) + treatment.count() as f64 / all * (treatment.mean(x) - control.mean(x)))
        .collect();
    let lines = arms.map(|m| line(m, statistic, &used, &centre));
    Ok(Interacted {
        lines,
        used,
        raw: lift(control, treatment, &plain).absolute,
    })
}

fn cross(m: &Moments, variables: &[usize]) -> Vec<Vec<f64>> {
    let row = |i: &usize| variables.iter().map(|j| m.cross(*i, *j)).collect();
    variables.iter().map(row).collect()
}

fn line(m: &Moments, statistic: Statistic, used: &[usize], centre: &[f64]) -> Line {
    let (value, form) = match statistic {
        Statistic::Mean { y } | Statistic::Proportion { y } => (m.mean(y), vec![(y, 1.0)]),
        Statistic::Ratio { numerator, denominator } => {
            let below = m.mean(denominator);
            let value = m.mean(numerator) / below;
            (value, vec![(numerator, 1.0 / below), (denominator, -value / below)])
        }
    };
    let factor = Factor::new(&cross(m, used));
    let right: Vec<f64> = used
        .iter()
        .map(|&x| form.iter().map(|(y, b)| b * m.cross(x, *y)).sum())
        .collect();
    let slopes = factor.solve(&right);
    let gap: Vec<f64> = used.iter().zip(centre).map(|(&x, c)| c - m.mean(x)).collect();
    let inverse: Vec<Vec<f64>> = (0..used.len())
        .map(|i| factor.solve(&(0..used.len()).map(|j| f64::from(u8::from(i == j))).collect::<Vec<_>>()))
        .collect();
    let weight: Vec<f64> = factor.solve(&gap);
    let mut residual = form;
    residual.extend(used.iter().zip(&slopes).map(|(x, b)| (*x, -b)));
    let pairs = (0..used.len()).flat_map(|i| (0..used.len()).map(move |j| (i, j)));
    Line {
        value: value + slopes.iter().zip(&gap).map(|(b, g)| b * g).sum::<f64>(),
        units: m.count(),
        score: Score {
            centre: (0..m.dimension()).map(|i| m.mean(i)).collect(),
            residual,
            base: 1.0 / m.count() as f64,
            weight: used.iter().copied().zip(weight).collect(),
            leverage: pairs.map(|(i, j)| (used[i], used[j], inverse[i][j])).collect(),
        },
    }
}

impl Interacted {
    /// What the second pass sums over the units of control and treatment.
    pub fn scores(&self) -> [&Score; 2] {
        [&self.lines[0].score, &self.lines[1].score]
    }

    /// The comparison, from moments of the scores (variable `at` of each). Refused: a unit whose score is missing.
    pub fn lift(&self, control: &Moments, treatment: &Moments, at: usize, variance: Variance, level: f64) -> Lift {
        let found = self.compare([control, treatment], at, variance, level);
        found.unwrap_or_else(|e| Lift {
            control: Err(e.clone()),
            treatment: Err(e.clone()),
            absolute: Err(e.clone()),
            relative: Err(e),
            variance_reduction: None,
        })
    }

    fn compare(&self, scores: [&Moments; 2], at: usize, variance: Variance, level: f64) -> Result<Lift, NotEstimable> {
        estimate::check_level(level)?;
        let mut variances = [0.0; 2];
        for ((v, m), line) in variances.iter_mut().zip(scores).zip(&self.lines) {
            if m.count() != line.units || m.dimension() <= at {
                return Err(NotEstimable::new(
                    Reason::Singular,
                    format!(
                        "{} of {} units have a score: a unit decides a coefficient alone",
                        m.count(),
                        line.units
                    ),
                    "leave out the covariate that few units have, or give it as a stratum",
                ));
            }
            *v = m.cross(at, at) + m.count() as f64 * m.mean(at) * m.mean(at);
        }
        let [c, t] = &self.lines;
        let k = self.used.len();
        let n = c.units + t.units;
        let df = n as f64 - 2.0 - 2.0 * k as f64;
        let method = format!("interacted regression (lin) on {k} covariates, {}", variance.word());
        let total = variances[0] + variances[1];
        let absolute = Estimate::new(t.value - c.value, total.sqrt(), Some(df), n, level, method.as_str())?;
        let pair = Pair {
            delta: t.value - c.value,
            control: c.value,
            delta_variance: total,
            control_variance: variances[0],
            covariance: -variances[0],
            df: Some(df),
            n,
            method: method.clone(),
        };
        let one = |line: &Line, v: f64| {
            let df = line.units as f64 - 1.0 - k as f64;
            Estimate::new(line.value, v.sqrt(), Some(df), line.units, level, method.as_str()).map(Estimate::without_p)
        };
        let relative = pair.relative(t.value, level);
        let excludes = |e: &Estimate| e.low > 0.0 || e.high < 0.0;
        let agree = relative.as_ref().is_ok_and(|r| excludes(r) == excludes(&absolute));
        let noisy = variances[0].sqrt() > NOISY * c.value.abs();
        let relative = match relative {
            Ok(delta) if noisy || !agree => match fieller::of_parts(&pair, level) {
                Ok(found) => Ok(found),
                Err(refusal) if !agree => Err(refusal),
                Err(_) => Ok(delta),
            },
            other => other,
        };
        Ok(Lift {
            control: one(c, variances[0]),
            treatment: one(t, variances[1]),
            variance_reduction: self.raw.as_ref().ok().map(|raw| 1.0 - total / (raw.se * raw.se)),
            absolute: Ok(absolute),
            relative,
        })
    }
}

/// Moments of units in strata, with a 0/1 column for each stratum but the first after the other variables. Strata without
/// units are empty moments.
pub fn with_strata(strata: &[Moments]) -> Moments {
    let k = strata.iter().map(Moments::dimension).max().unwrap_or(0);
    let mut all = Moments::empty(k);
    for m in strata.iter().filter(|m| m.count() > 0) {
        all.merge(m);
    }
    let n = all.count() as f64;
    let marks: Vec<&Moments> = strata.iter().skip(1).collect();
    let share = |m: &Moments| if n > 0.0 { m.count() as f64 / n } else { 0.0 };
    let mut means: Vec<f64> = (0..k).map(|i| all.mean(i)).collect();
    means.extend(marks.iter().map(|m| share(m)));
    let size = k + marks.len();
    let mut cross = Vec::with_capacity(size * (size + 1) / 2);
    for i in 0..size {
        for j in i..size {
            cross.push(match (i.checked_sub(k), j.checked_sub(k)) {
                (None, None) => all.cross(i, j),
                (None, Some(h)) if marks[h].count() > 0 => marks[h].count() as f64 * (marks[h].mean(i) - all.mean(i)),
                (Some(g), Some(h)) if g == h => n * share(marks[h]) * (1.0 - share(marks[h])),
                (Some(g), Some(h)) => -n * share(marks[g]) * share(marks[h]),
                _ => 0.0,
            });
        }
    }
    Moments::from_parts(all.count(), means, cross).unwrap_or_else(|| Moments::empty(size))
}
