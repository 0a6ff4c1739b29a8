//! Contextual bandits with linear rewards: LinUCB and linear Thompson sampling.
//!
//! **Question.** Which arm for this context, and with what probability?
//!
//! **Estimand.** Each arm's expected reward xᵀθ at a context x.
//!
//! **Assumptions.** Rewards are linear in the context with an own θ per arm; ridge λ is a normal prior on θ.
//!
//! **Formula.** A = λI + XᵀX, θ̂ = A⁻¹Xᵀy. LinUCB scores xᵀθ̂ + α√(xᵀA⁻¹x) and plays the highest. Thompson draws
//! xᵀθ ~ N(xᵀθ̂, v²·xᵀA⁻¹x); the probability that an arm's draw is the highest is had by quadrature.
//!
//! **Reference.** Li, Chu, Langford & Schapire 2010; Agrawal & Goyal 2013.
//!
//! **Golden source.** `tests/golden/bandit.py` (numpy).

use serde::{Deserialize, Serialize};

use crate::bandit::gaussian_best;
use crate::matrix::{Matrix, dot};
use crate::{NotEstimable, Reason};

/// What has been seen of one arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmHistory {
    /// Contexts in which it was played.
    pub contexts: Vec<Vec<f64>>,
    /// Rewards, in the same order.
    pub rewards: Vec<f64>,
}

/// Scores of the arms at one context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Expected rewards xᵀθ̂.
    pub expected: Vec<f64>,
    /// √(xᵀA⁻¹x) of each arm.
    pub width: Vec<f64>,
    /// LinUCB's upper bounds.
    pub upper: Vec<f64>,
    /// The arm that LinUCB plays.
    pub linucb: usize,
    /// Probability of each arm by linear Thompson sampling.
    pub thompson: Vec<f64>,
    /// Coefficients of each arm.
    pub coefficients: Vec<Vec<f64>>,
}

/// Scores a context: ridge `lambda` > 0, LinUCB's `alpha` ≥ 0, Thompson's `v` > 0.
pub fn score(arms: &[ArmHistory], x: &[f64], lambda: f64, alpha: f64, v: f64) -> Result<Scores, NotEstimable> {
    let d = x.len();
    if arms.len() < 2 || arms.len() > crate::bandit::MOST_ARMS || d == 0 {
        return Err(NotEstimable::out_of_domain(
            format!("{} arms and a context of {d} numbers", arms.len()),
            "give at least two arms and a context (with a leading 1 for an intercept)",
        ));
    }
    if !(lambda > 0.0 && alpha >= 0.0 && v > 0.0 && lambda.is_finite() && alpha.is_finite() && v.is_finite()) {
        return Err(NotEstimable::out_of_domain(
            format!("lambda {lambda}, alpha {alpha}, v {v}"),
            "give lambda and v above 0, alpha of 0 or more",
        ));
    }
    if x.iter().any(|x| !x.is_finite()) {
        return Err(NotEstimable::not_finite("the context holds NaN or infinite values"));
    }
    let (mut expected, mut width, mut coefficients) = (Vec::new(), Vec::new(), Vec::new());
    for (i, arm) in arms.iter().enumerate() {
        if arm.contexts.len() != arm.rewards.len() || arm.contexts.iter().any(|c| c.len() != d) {
            return Err(NotEstimable::out_of_domain(
                format!(
                    "arm {i} has {} contexts, {} rewards",
                    arm.contexts.len(),
                    arm.rewards.len()
                ),
                format!("give one reward per context, and contexts of {d} numbers"),
            ));
        }
        if arm
            .contexts
            .iter()
            .flatten()
            .chain(&arm.rewards)
            .any(|x| !x.is_finite())
        {
            return Err(NotEstimable::not_finite(format!(
                "arm {i} holds NaN or infinite values"
            )));
        }
        let mut a = Matrix::zeros(d, d);
        let mut b = vec![0.0; d];
        for j in 0..d {
            let mut unit = vec![0.0; d];
            unit[j] = 1.0;
            a.add_outer(lambda, &unit, &unit);
        }
        for (c, r) in arm.contexts.iter().zip(&arm.rewards) {
            a.add_outer(1.0, c, c);
            b.iter_mut().zip(c).for_each(|(b, c)| *b += c * r);
        }
        let inverse = a.inverse_spd().map_err(|_| {
            NotEstimable::new(
                Reason::Singular,
                format!("the contexts of arm {i} are collinear beyond what lambda {lambda} can mend"),
                "raise lambda, or bring the context's numbers to one scale",
            )
        })?;
        let theta = inverse.times_vector(&b);
        expected.push(dot(&theta, x));
        width.push(inverse.form(x, x).max(0.0).sqrt());
        coefficients.push(theta);
    }
    let upper: Vec<f64> = expected.iter().zip(&width).map(|(e, w)| e + alpha * w).collect();
    let linucb = (0..upper.len())
        .rev()
        .max_by(|&a, &b| upper[a].total_cmp(&upper[b]))
        .unwrap_or(0);
    let draws: Vec<(f64, f64)> = expected.iter().zip(&width).map(|(e, w)| (*e, v * w)).collect();
    if draws.iter().any(|(_, s)| *s <= 0.0) {
        return Err(NotEstimable::zero_variance(
            "the context is all zeros: no arm can be told from another",
        ));
    }
    let (best, _) = gaussian_best(&draws);
    let total: f64 = best.iter().sum();
    Ok(Scores {
        expected,
        width,
        upper,
        linucb,
        thompson: best.iter().map(|b| b / total).collect(),
        coefficients,
    })
}
