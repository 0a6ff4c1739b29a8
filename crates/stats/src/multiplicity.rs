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

use crate::NotEstimable;

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
