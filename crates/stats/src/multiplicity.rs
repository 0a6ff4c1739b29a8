//! Adjusted p-values for several tests at once, in the order given.
//!
//! **Question.** Which of m results still count, given that m were looked at?
//!
//! **Estimand.** For each test, the smallest level at which the procedure rejects it: compare with alpha as it is.
//!
//! **Assumptions.** Bonferroni and Holm control the chance of any false positive under any dependence;
//! Benjamini–Hochberg controls the expected share of false ones among those rejected, for independent or positively
//! dependent tests.
//!
//! **Formula.** With p₍₁₎ ≤ … ≤ p₍ₘ₎: Bonferroni m·p; Holm running maximum of (m − i + 1)·p₍ᵢ₎; Benjamini–Hochberg
//! running minimum from the largest of m/i·p₍ᵢ₎; each at most 1.
//!
//! **Reference.** Holm 1979; Benjamini & Hochberg 1995.
//!
//! **Golden source.** `tests/golden/make.py` (statsmodels `multipletests`).

use serde::{Deserialize, Serialize};

use crate::{Estimate, NotEstimable};

/// Bonferroni: m·p.
pub fn bonferroni(p: &[f64]) -> Result<Vec<f64>, NotEstimable> {
    check(p)?;
    Ok(p.iter().map(|value| (value * p.len() as f64).min(1.0)).collect())
}

/// Holm's step-down procedure; never less powerful than Bonferroni.
pub fn holm(p: &[f64]) -> Result<Vec<f64>, NotEstimable> {
    check(p)?;
    let mut adjusted = vec![0.0; p.len()];
    let mut running = 0.0f64;
    for (rank, i) in ascending(p).into_iter().enumerate() {
        running = running.max((p[i] * (p.len() - rank) as f64).min(1.0));
        adjusted[i] = running;
    }
    Ok(adjusted)
}

/// Benjamini–Hochberg's step-up procedure for the false discovery rate.
pub fn benjamini_hochberg(p: &[f64]) -> Result<Vec<f64>, NotEstimable> {
    check(p)?;
    let mut adjusted = vec![0.0; p.len()];
    let mut running = 1.0f64;
    for (rank, i) in ascending(p).into_iter().enumerate().rev() {
        running = running.min(p[i] * p.len() as f64 / (rank + 1) as f64);
        adjusted[i] = running;
    }
    Ok(adjusted)
}

/// Positions by rising p; equal ones keep their order.
fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    order
}

fn check(p: &[f64]) -> Result<(), NotEstimable> {
    match p.iter().position(|p| !(0.0..=1.0).contains(p)) {
        None => Ok(()),
        Some(i) => Err(NotEstimable::out_of_domain(
            format!("p-value {} of {} is {}", i + 1, p.len(), p[i]),
            "leave out tests that could not be estimated",
        )),
    }
}

/// How several tests are corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// Not at all.
    None,
    /// [`bonferroni`]: intervals hold together.
    Bonferroni,
    /// [`holm`]: each interval is at the level of the step at which its test was judged.
    Holm,
    /// [`benjamini_hochberg`]: intervals of the rejected cover with a false coverage rate of alpha (Benjamini & Yekutieli
    /// 2005).
    BenjaminiHochberg,
}

/// Estimates with adjusted p-values, and intervals that exclude 0 exactly when the adjusted p-value is at most
/// `alpha`. The level of each interval is that of its own step.
pub fn adjusted_estimates(
    estimates: &[Estimate],
    correction: Correction,
    alpha: f64,
) -> Result<Vec<Estimate>, NotEstimable> {
    crate::estimate::check_level(1.0 - alpha)?;
    let raw: Result<Vec<f64>, NotEstimable> = estimates
        .iter()
        .map(|e| Estimate::new(e.point, e.se, e.df, e.n, 1.0 - alpha, "").map(|e| e.p.unwrap_or(1.0)))
        .collect();
    let raw = raw?;
    let adjusted = match correction {
        Correction::None => raw.clone(),
        Correction::Bonferroni => bonferroni(&raw)?,
        Correction::Holm => holm(&raw)?,
        Correction::BenjaminiHochberg => benjamini_hochberg(&raw)?,
    };
    let m = raw.len() as f64;
    let rejected = adjusted.iter().filter(|p| **p <= alpha).count();
    estimates
        .iter()
        .zip(raw.iter().zip(&adjusted))
        .map(|(e, (&p, &q))| {
            let own = match correction {
                Correction::None => alpha,
                Correction::Bonferroni => alpha / m,
                Correction::Holm if p > 0.0 => (alpha * p / q).max(alpha / m),
                Correction::Holm => alpha / m,
                Correction::BenjaminiHochberg => alpha * (rejected as f64).max(1.0) / m,
            };
            let label = match correction {
                Correction::None => "uncorrected",
                Correction::Bonferroni => "bonferroni",
                Correction::Holm => "holm",
                Correction::BenjaminiHochberg => "benjamini-hochberg",
            };
            let estimate = Estimate::new(e.point, e.se, e.df, e.n, 1.0 - own, format!("{}, {label}", e.method))?;
            Ok(Estimate { p: Some(q), ..estimate })
        })
        .collect()
}
