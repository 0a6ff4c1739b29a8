//! Synthetic control: one treated market against a weighted mixture of untreated ones.
//!
//! **Question.** What would the treated market have done without the treatment?
//!
//! **Estimand.** The treated market's outcome minus that of the mixture, in each period after the treatment, and its mean.
//!
//! **Assumptions.** Donors were not affected; a mixture that follows the treated market before would have followed it after.
//! Read the fit before: a poor one carries no weight.
//!
//! **Formula.** Weights w ≥ 0, Σw = 1, minimising (x₁ − X₀w)'V(x₁ − X₀w) by Wolfe's exact method for the nearest point of a
//! convex hull. x are the outcomes before the treatment, or predictors with V given, or V (diagonal) chosen so that w(V)
//! fits the outcomes before, by Nelder–Mead from equal weights and from the best single start.
//! Placebo test: each donor is taken as treated in turn, with the other donors; p is the rank of the treated market's ratio of
//! root mean squared gaps after to before, among all.
//!
//! **Reference.** Abadie & Gardeazabal 2003; Abadie, Diamond & Hainmueller 2010, 2011; Wolfe 1976.
//!
//! **Golden source.** `tests/golden/designs.py` (scipy SLSQP; the California and Basque figures of the papers).

use serde::{Deserialize, Serialize};

use crate::matrix::{Matrix, dot};
use crate::{NotEstimable, Reason};

/// A treated market and its donors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Panel {
    /// Outcome of the treated market by period.
    pub treated: Vec<f64>,
    /// Outcomes of each donor, same periods.
    pub donors: Vec<Vec<f64>>,
    /// Periods before the treatment.
    pub before: usize,
}

/// What is matched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// All outcomes before the treatment, equally.
    #[default]
    Outcomes,
    /// Predictors, each divided by its standard deviation over all markets.
    Predictors {
        /// Of the treated market.
        treated: Vec<f64>,
        /// Of each donor.
        donors: Vec<Vec<f64>>,
        /// Importance of each predictor; `None`: chosen to fit the outcomes before the treatment.
        importance: Option<Vec<f64>>,
    },
}

/// A synthetic control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Synthetic {
    /// Share of each donor; sums to 1.
    pub weights: Vec<f64>,
    /// Outcome of the mixture by period.
    pub synthetic: Vec<f64>,
    /// Treated minus mixture by period.
    pub gaps: Vec<f64>,
    /// Mean gap after the treatment.
    pub effect: f64,
    /// Root mean squared gap before.
    pub fit_before: f64,
    /// Root mean squared gap after, over that before; `None` if the fit before is exact.
    pub ratio: Option<f64>,
    /// Importance of predictors used, summing to 1.
    pub importance: Option<Vec<f64>>,
}

/// The placebo test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placebo {
    /// The treated market.
    pub treated: Synthetic,
    /// Each donor as if treated; `None` where its fit before was worse than asked.
    pub placebos: Vec<Option<Synthetic>>,
    /// Share of markets (the treated one among them) whose ratio is at least the treated market's.
    pub p: f64,
    /// Markets ranked: 1/ranked is the smallest p there can be.
    pub ranked: u64,
}

/// Fits a synthetic control.
///
/// Refused: no donors, no period before or after the treatment, unlike lengths, values that are not finite.
pub fn synthetic_control(panel: &Panel, matching: &Match) -> Result<Synthetic, NotEstimable> {
    check(panel, matching)?;
    let (weights, importance) = match matching {
        Match::Outcomes => {
            let before = |series: &[f64]| series[..panel.before].to_vec();
            let donors: Vec<Vec<f64>> = panel.donors.iter().map(|d| before(d)).collect();
            (nearest(&before(&panel.treated), &donors), None)
        }
        Match::Predictors {
            treated,
            donors,
            importance,
        } => {
            let (x1, x0) = standardise(treated, donors);
            let v = match importance {
                Some(v) => normalise(v),
                None => choose(panel, &x1, &x0),
            };
            (weighted(&x1, &x0, &v), Some(v))
        }
    };
    let synthetic: Vec<f64> = (0..panel.treated.len())
        .map(|t| panel.donors.iter().zip(&weights).map(|(d, w)| w * d[t]).sum())
        .collect();
    let gaps: Vec<f64> = panel.treated.iter().zip(&synthetic).map(|(y, s)| y - s).collect();
    let root = |g: &[f64]| (dot(g, g) / g.len() as f64).sqrt();
    let (before, after) = gaps.split_at(panel.before);
    let fit_before = root(before);
    let size = panel.treated.iter().map(|y| y.abs()).fold(0.0, f64::max);
    Ok(Synthetic {
        effect: after.iter().sum::<f64>() / after.len() as f64,
        ratio: (fit_before > 1e-12 * size).then(|| root(after) / fit_before),
        fit_before,
        weights,
        synthetic,
        gaps,
        importance,
    })
}

/// Ranks the treated market among placebos. `worst_fit`: leave out placebos whose root mean squared gap before is more than
/// so many times the treated market's (Abadie et al. show 20, 5 and 2 on the squared scale); `None` keeps all.
///
/// Refused as [`synthetic_control`], with fewer than two donors, and when the treated market's fit before is exact.
pub fn placebo_test(panel: &Panel, matching: &Match, worst_fit: Option<f64>) -> Result<Placebo, NotEstimable> {
    let treated = synthetic_control(panel, matching)?;
    if panel.donors.len() < 2 {
        return Err(NotEstimable::too_few("a placebo needs at least two donors"));
    }
    let Some(own) = treated.ratio else {
        return Err(NotEstimable::new(
            Reason::ZeroVariance,
            "the mixture follows the treated market exactly before the treatment, so no ratio can be formed",
            "give more periods before the treatment, or fewer donors",
        ));
    };
    let mut placebos = Vec::with_capacity(panel.donors.len());
    for j in 0..panel.donors.len() {
        let without = |rows: &[Vec<f64>]| -> Vec<Vec<f64>> {
            rows.iter()
                .enumerate()
                .filter(|(i, _)| *i != j)
                .map(|(_, r)| r.clone())
                .collect()
        };
        let other = Panel {
            treated: panel.donors[j].clone(),
            donors: without(&panel.donors),
            before: panel.before,
        };
        let matched = match matching {
            Match::Outcomes => Match::Outcomes,
            Match::Predictors { donors, importance, .. } => Match::Predictors {
                treated: donors[j].clone(),
                donors: without(donors),
                importance: importance.clone(),
            },
        };
        let found = synthetic_control(&other, &matched)?;
        let kept = worst_fit.is_none_or(|w| found.fit_before <= w * treated.fit_before);
        placebos.push(kept.then_some(found));
    }
    let ratios: Vec<f64> = placebos
        .iter()
        .flatten()
        .map(|s| s.ratio.unwrap_or(f64::INFINITY))
        .collect();
    let ranked = ratios.len() + 1;
    let above = ratios.iter().filter(|r| **r >= own).count() + 1;
    Ok(Placebo {
        treated,
        placebos,
        p: above as f64 / ranked as f64,
        ranked: ranked as u64,
    })
}

fn check(panel: &Panel, matching: &Match) -> Result<(), NotEstimable> {
    let periods = panel.treated.len();
    if panel.donors.is_empty() || panel.before == 0 || panel.before >= periods {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!(
                "{} donors, {} of {periods} periods before the treatment",
                panel.donors.len(),
                panel.before
            ),
            "give donors, and periods before and after the treatment",
        ));
    }
    if panel.donors.iter().any(|d| d.len() != periods) {
        return Err(NotEstimable::out_of_domain(
            format!("not every donor has {periods} periods"),
            "leave out donors with missing periods",
        ));
    }
    let mut all: Vec<&[f64]> = vec![&panel.treated];
    all.extend(panel.donors.iter().map(Vec::as_slice));
    if let Match::Predictors {
        treated,
        donors,
        importance,
    } = matching
    {
        let k = treated.len();
        let fits = donors.len() == panel.donors.len() && donors.iter().all(|d| d.len() == k);
        if k == 0 || !fits || importance.as_ref().is_some_and(|v| v.len() != k) {
            return Err(NotEstimable::out_of_domain(
                format!("{k} predictors of the treated market, rows of {} donors", donors.len()),
                "give the same predictors for the treated market and for each donor",
            ));
        }
        if let Some(v) = importance
            && (v.iter().any(|x| !x.is_finite() || *x < 0.0) || v.iter().sum::<f64>() <= 0.0)
        {
            return Err(NotEstimable::out_of_domain(
                format!("the importance is {v:?}"),
                "give numbers of 0 or more, not all 0",
            ));
        }
        all.push(treated);
        all.extend(donors.iter().map(Vec::as_slice));
    }
    match all.iter().any(|s| s.iter().any(|v| !v.is_finite())) {
        true => Err(NotEstimable::not_finite(
            "a series or predictor holds NaN or infinite values",
        )),
        false => Ok(()),
    }
}

/// Predictors over their standard deviation across all markets; those that do not vary stay as they are.
fn standardise(treated: &[f64], donors: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = donors.len() as f64 + 1.0;
    let scale: Vec<f64> = (0..treated.len())
        .map(|k| {
            let mean = (treated[k] + donors.iter().map(|d| d[k]).sum::<f64>()) / n;
            let squares = (treated[k] - mean).powi(2) + donors.iter().map(|d| (d[k] - mean).powi(2)).sum::<f64>();
            let sd = (squares / (n - 1.0)).sqrt();
            if sd > 0.0 { sd } else { 1.0 }
        })
        .collect();
    let by = |row: &[f64]| row.iter().zip(&scale).map(|(x, s)| x / s).collect::<Vec<_>>();
    (by(treated), donors.iter().map(|d| by(d)).collect())
}

fn normalise(v: &[f64]) -> Vec<f64> {
    let sum: f64 = v.iter().sum();
    v.iter().map(|x| x / sum).collect()
}

fn weighted(x1: &[f64], x0: &[Vec<f64>], v: &[f64]) -> Vec<f64> {
    let by = |row: &[f64]| row.iter().zip(v).map(|(x, v)| x * v.sqrt()).collect::<Vec<_>>();
    nearest(&by(x1), &x0.iter().map(|d| by(d)).collect::<Vec<_>>())
}

/// Importance of predictors whose mixture fits the outcomes before best.
fn choose(panel: &Panel, x1: &[f64], x0: &[Vec<f64>]) -> Vec<f64> {
    let k = x1.len();
    let loss = |logs: &[f64]| {
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let v = normalise(&logs.iter().map(|l| (l - most).exp()).collect::<Vec<_>>());
        let w = weighted(x1, x0, &v);
        (0..panel.before)
            .map(|t| (panel.treated[t] - panel.donors.iter().zip(&w).map(|(d, w)| w * d[t]).sum::<f64>()).powi(2))
            .sum::<f64>()
    };
    let equal = vec![0.0; k];
    // One predictor far above the others, for each: the surface has flat stretches, and a good start matters.
    let starts = (0..k).map(|j| {
        let mut s = equal.clone();
        s[j] = 4.0;
        s
    });
    let single = starts
        .min_by(|a, b| loss(a).total_cmp(&loss(b)))
        .unwrap_or_else(|| equal.clone());
    let found = [equal, single].map(|start| nelder_mead(&loss, start));
    let [a, b] = found;
    let best = if loss(&a) <= loss(&b) { a } else { b };
    let most = best.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    normalise(&best.iter().map(|l| (l - most).exp()).collect::<Vec<_>>())
}

/// Nelder & Mead 1965, restarted once from its end.
fn nelder_mead(f: &dyn Fn(&[f64]) -> f64, start: Vec<f64>) -> Vec<f64> {
    let n = start.len();
    let mut best = start;
    for step in [2.0, 1.0] {
        let mut simplex: Vec<(f64, Vec<f64>)> = vec![(f(&best), best.clone())];
        for j in 0..n {
            let mut x = best.clone();
            x[j] += step;
            simplex.push((f(&x), x));
        }
        for _ in 0..150 * n {
            simplex.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (low, high) = (simplex[0].0, simplex[n].0);
            if high - low <= 1e-10 * low.abs() {
                break;
            }
            let centre: Vec<f64> = (0..n)
                .map(|j| simplex[..n].iter().map(|(_, x)| x[j]).sum::<f64>() / n as f64)
                .collect();
            let along = |t: f64| -> (f64, Vec<f64>) {
                let x: Vec<f64> = centre.iter().zip(&simplex[n].1).map(|(c, w)| c + t * (c - w)).collect();
                (f(&x), x)
            };
            let reflected = along(1.0);
            if reflected.0 < low {
                let expanded = along(2.0);
                simplex[n] = if expanded.0 < reflected.0 { expanded } else { reflected };
            } else if reflected.0 < simplex[n - 1].0 {
                simplex[n] = reflected;
            } else {
                let contracted = along(if reflected.0 < high { 0.5 } else { -0.5 });
                if contracted.0 < high.min(reflected.0) {
                    simplex[n] = contracted;
                } else {
                    let top = simplex[0].1.clone();
                    for (value, x) in simplex.iter_mut().skip(1) {
                        x.iter_mut().zip(&top).for_each(|(a, t)| *a = t + 0.5 * (*a - t));
                        *value = f(x);
                    }
                }
            }
        }
        simplex.sort_by(|a, b| a.0.total_cmp(&b.0));
        best = simplex[0].1.clone();
    }
    best
}

/// Weights of the mixture of `points` nearest to `target` (Wolfe's method).
fn nearest(target: &[f64], points: &[Vec<f64>]) -> Vec<f64> {
    let mut p: Vec<Vec<f64>> = points
        .iter()
        .map(|x| x.iter().zip(target).map(|(a, b)| a - b).collect())
        .collect();
    let largest = p.iter().map(|x| dot(x, x)).fold(0.0, f64::max).sqrt();
    let mut weights = vec![0.0; p.len()];
    if largest == 0.0 {
        weights[0] = 1.0;
        return weights;
    }
    p.iter_mut().for_each(|x| x.iter_mut().for_each(|v| *v /= largest));
    let start = (0..p.len())
        .min_by(|&a, &b| dot(&p[a], &p[a]).total_cmp(&dot(&p[b], &p[b])))
        .unwrap_or(0);
    let mut support = vec![start];
    let mut lambda = vec![1.0];
    // Each round adds a point and lowers the distance, so no support comes twice; the limit is for rounding.
    for _ in 0..50 * (p.len() + 1) {
        let x: Vec<f64> = (0..target.len())
            .map(|i| support.iter().zip(&lambda).map(|(s, l)| l * p[*s][i]).sum())
            .collect();
        let Some(next) = (0..p.len()).min_by(|&a, &b| dot(&x, &p[a]).total_cmp(&dot(&x, &p[b]))) else {
            break;
        };
        if dot(&x, &p[next]) >= dot(&x, &x) - 1e-13 || support.contains(&next) {
            break;
        }
        support.push(next);
        lambda.push(0.0);
        while let Some(affine) = nearest_of_plane(&p, &support) {
            if affine.iter().all(|a| *a > 1e-14) {
                lambda = affine;
                break;
            }
            let mut step = 1.0f64;
            for (l, a) in lambda.iter().zip(&affine) {
                if *a <= 1e-14 {
                    step = step.min(l / (l - a));
                }
            }
            lambda.iter_mut().zip(&affine).for_each(|(l, a)| *l += step * (a - *l));
            let before = support.len();
            let kept: Vec<(usize, f64)> = support
                .iter()
                .copied()
                .zip(lambda.iter().copied())
                .filter(|(_, l)| *l > 1e-14)
                .collect();
            (support, lambda) = kept.into_iter().unzip();
            if support.len() == before || support.is_empty() {
                break;
            }
        }
        let sum: f64 = lambda.iter().sum();
        lambda.iter_mut().for_each(|l| *l /= sum);
    }
    support.iter().zip(&lambda).for_each(|(s, l)| weights[*s] = *l);
    weights
}

/// Weights (summing to 1, of any sign) of the point of the plane through the support that is nearest to 0; `None` if the
/// support is not affinely independent.
fn nearest_of_plane(p: &[Vec<f64>], support: &[usize]) -> Option<Vec<f64>> {
    let k = support.len();
    let mut gram = Matrix::zeros(k, k);
    for i in 0..k {
        for j in 0..k {
            gram[(i, j)] = 1.0 + dot(&p[support[i]], &p[support[j]]);
        }
    }
    let ones = vec![1.0; k];
    let u = gram.inverse_spd().ok()?.times_vector(&ones);
    let sum: f64 = u.iter().sum();
    (sum.is_finite() && sum > 0.0).then(|| u.iter().map(|x| x / sum).collect())
}
