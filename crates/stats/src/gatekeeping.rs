//! Several families of tests in order: a later one counts only once an earlier one has let it through.
//!
//! **Question.** Which of the primary, secondary and further results still count, all together?
//!
//! **Estimand.** For each test, the smallest family-wise error rate at which the procedure rejects it.
//!
//! **Assumptions.** Valid p-values, any dependence. Guardrails need no place here: shipping asks for all of them, so
//! each is tested at the full alpha (intersection–union).
//!
//! **Formula.** *Serial*: Holm within each family, and a family is opened when all of the one before are rejected;
//! adjusted p = running maximum over families. *Graph*: shares w of alpha, passed on by g when a hypothesis is rejected;
//! repeatedly the least p/w is taken out, w_l += w_j·g_jl, g_lk = (g_lk + g_lj·g_jk)/(1 − g_lj·g_jl). Fixed sequence,
//! fallback and parallel gatekeeping are graphs.
//!
//! **Reference.** Dmitrienko & Tamhane 2007; Bretz, Maurer, Brannath & Posch 2009.
//!
//! **Golden source.** `tests/golden/multiple.py` (closed testing by brute force over all intersections).

use crate::{NotEstimable, multiplicity};

/// Adjusted p-values of families in order, Holm within each, each opened by all of the one before.
pub fn serial(families: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, NotEstimable> {
    if families.iter().any(Vec::is_empty) {
        return Err(NotEstimable::out_of_domain(
            "a family has no tests",
            "leave empty families out",
        ));
    }
    let mut gate = 0.0f64;
    let mut out = Vec::new();
    for family in families {
        let adjusted: Vec<f64> = multiplicity::holm(family)?.into_iter().map(|p| p.max(gate)).collect();
        gate = adjusted.iter().copied().fold(gate, f64::max);
        out.push(adjusted);
    }
    Ok(out)
}

/// Adjusted p-values of a graph: `weights` are shares of alpha (sum at most 1), `transitions[i][j]` the share of i's
/// alpha that goes to j when i is rejected (rows sum to at most 1, diagonal 0).
pub fn graph(p: &[f64], weights: &[f64], transitions: &[Vec<f64>]) -> Result<Vec<f64>, NotEstimable> {
    multiplicity::bonferroni(p)?;
    let m = p.len();
    if weights.len() != m || transitions.len() != m || transitions.iter().any(|row| row.len() != m) {
        return Err(NotEstimable::out_of_domain(
            format!(
                "{m} p-values, {} weights, {} rows of transitions",
                weights.len(),
                transitions.len()
            ),
            "give a weight per p-value and a square table of transitions",
        ));
    }
    let sums = |row: &[f64]| row.iter().all(|x| *x >= 0.0) && row.iter().sum::<f64>() <= 1.0 + 1e-9;
    if !sums(weights)
        || transitions
            .iter()
            .enumerate()
            .any(|(i, row)| !sums(row) || row[i] != 0.0)
    {
        return Err(NotEstimable::out_of_domain(
            "weights or a row of transitions are negative, sum to more than 1, or pass alpha to themselves",
            "give shares of 0 or more that sum to at most 1, with 0 on the diagonal",
        ));
    }
    let mut w = weights.to_vec();
    let mut g = transitions.to_vec();
    let mut left: Vec<usize> = (0..m).collect();
    let mut adjusted = vec![1.0; m];
    let mut running = 0.0f64;
    while !left.is_empty() {
        let score = |j: usize| if w[j] > 0.0 { p[j] / w[j] } else { f64::INFINITY };
        let Some(&j) = left.iter().min_by(|&&a, &&b| score(a).total_cmp(&score(b))) else {
            break;
        };
        running = running.max(score(j)).min(1.0);
        adjusted[j] = running;
        left.retain(|&l| l != j);
        for &l in &left {
            w[l] += w[j] * g[j][l];
        }
        let old = g.clone();
        for &l in &left {
            for &k in &left {
                let back = old[l][j] * old[j][l];
                g[l][k] = if l != k && back < 1.0 {
                    (old[l][k] + old[l][j] * old[j][k]) / (1.0 - back)
                } else {
                    0.0
                };
            }
        }
        w[j] = 0.0;
    }
    Ok(adjusted)
}
