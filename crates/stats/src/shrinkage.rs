//! Effects of many segments or experiments, each pulled towards their common mean as far as its noise says.
//!
//! **Question.** The best segment looks great: how great is it really?
//!
//! **Estimand.** Each effect θᵢ, given that θᵢ ~ N(μ, τ²).
//!
//! **Assumptions.** Estimates yᵢ ~ N(θᵢ, sᵢ²) independent, standard errors known; the effects are alike enough to learn from
//! each other (same metric, same scale).
//!
//! **Formula.** At given τ², with B = s²/(s² + τ²): mean Bμ̂ + (1 − B)y, variance (1 − B)s² + B²/Σw.
//! [`Prior::Plugin`]: at one estimate of τ² (empirical Bayes); its intervals are short when τ² is poorly known.
//! [`Prior::DuMouchel`]: averaged over τ with the density s₀/(s₀ + τ)², s₀² the harmonic mean of sᵢ², and μ flat: proper
//! for any number of effects, free of units, honest with few. Quadrature over τ/(s₀ + τ), which is uniform a priori;
//! quantiles of the resulting mixture of normals. [`Prior::Known`]: μ and τ as given, variance (1 − B)s².
//!
//! **Reference.** Morris 1983; DuMouchel 1994; Röver 2020.
//!
//! **Golden source.** `tests/golden/heterogeneity.py` (scipy quadrature), and Rubin's eight schools.

use serde::{Deserialize, Serialize};

use crate::meta::{Between, between, check, generalised_q};
use crate::{NotEstimable, dist, estimate};

/// What is known of the spread τ between effects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prior {
    /// One estimate of it, used as if known.
    Plugin(Between),
    /// Averaged over, DuMouchel's prior.
    #[default]
    DuMouchel,
    /// Mean and spread are known, from elsewhere.
    Known {
        /// μ.
        mean: f64,
        /// τ, 0 or more.
        tau: f64,
    },
}

/// An effect after shrinkage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shrunk {
    /// Posterior mean.
    pub point: f64,
    /// Posterior standard deviation.
    pub sd: f64,
    /// Lower end of the central credible interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Posterior chance that the effect is above 0.
    pub positive: f64,
    /// How far it was pulled: 0 not at all, 1 onto the common mean.
    pub pull: f64,
}

/// All effects after shrinkage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shrinkage {
    /// In the order given.
    pub effects: Vec<Shrunk>,
    /// The common mean.
    pub mean: f64,
    /// Its posterior standard deviation.
    pub mean_sd: f64,
    /// Spread between effects: the estimate, or its posterior median.
    pub tau: f64,
}

/// Nodes of the quadrature over τ; the integrand is smooth.
const NODES: usize = 96;

/// Shrinks `effects` with standard errors `errors`. Refused: fewer than two, unlike lengths, values that are not finite, a
/// standard error that is not positive.
pub fn shrink(effects: &[f64], errors: &[f64], prior: Prior, level: f64) -> Result<Shrinkage, NotEstimable> {
    estimate::check_level(level)?;
    check(effects, errors, prior.least(2))?;
    let nodes = nodes(effects, errors, prior)?;
    let common: Vec<(f64, f64, f64)> = nodes
        .iter()
        .map(|(weight, tau2)| {
            let (mean, variance) = prior.common(effects, errors, *tau2);
            (*weight, mean, variance)
        })
        .collect();
    let (mean, mean_variance) = moments(&common);
    let shrunk = effects
        .iter()
        .zip(errors)
        .map(|(y, s)| {
            let mut pull = 0.0;
            let parts: Vec<(f64, f64, f64)> = nodes
                .iter()
                .zip(&common)
                .map(|((weight, tau2), (_, mu, v))| {
                    let b = s * s / (s * s + tau2);
                    pull += weight * b;
                    (*weight, b * mu + (1.0 - b) * y, (1.0 - b) * s * s + b * b * v)
                })
                .collect();
            let (point, variance) = moments(&parts);
            let tail = (1.0 - level) / 2.0;
            Shrunk {
                point,
                sd: variance.sqrt(),
                low: quantile(&parts, tail, point, variance.sqrt()),
                high: quantile(&parts, 1.0 - tail, point, variance.sqrt()),
                positive: parts.iter().map(|(w, m, v)| w * above_zero(*m, *v)).sum(),
                pull,
            }
        })
        .collect();
    let mut reached = 0.0;
    let median = nodes.iter().find(|(w, _)| {
        reached += w;
        reached >= 0.5
    });
    Ok(Shrinkage {
        effects: shrunk,
        mean,
        mean_sd: mean_variance.sqrt(),
        tau: median.map_or(0.0, |(_, tau2)| tau2.sqrt()),
    })
}

impl Prior {
    /// How many effects are needed where the population is not known.
    pub(crate) fn least(self, unknown: usize) -> usize {
        if matches!(self, Prior::Known { .. }) {
            1
        } else {
            unknown
        }
    }

    /// Common mean at τ², and its variance.
    pub(crate) fn common(self, effects: &[f64], errors: &[f64], tau2: f64) -> (f64, f64) {
        if let Prior::Known { mean, .. } = self {
            return (mean, 0.0);
        }
        let information: f64 = errors.iter().map(|s| 1.0 / (s * s + tau2)).sum();
        (generalised_q(effects, errors, tau2).0, 1.0 / information)
    }
}

/// (weight, τ²) pairs, rising in τ; weights sum to 1.
pub(crate) fn nodes(effects: &[f64], errors: &[f64], prior: Prior) -> Result<Vec<(f64, f64)>, NotEstimable> {
    match prior {
        Prior::Plugin(method) => Ok(vec![(1.0, between(effects, errors, method)?)]),
        Prior::DuMouchel => Ok(posterior_of_tau(effects, errors)),
        Prior::Known { mean, tau } if mean.is_finite() && (0.0..f64::INFINITY).contains(&tau) => {
            Ok(vec![(1.0, tau * tau)])
        }
        Prior::Known { mean, tau } => Err(NotEstimable::out_of_domain(
            format!("the effects' population has mean {mean} and spread {tau}"),
            "give a finite mean and a spread of 0 or more",
        )),
    }
}

/// Gauss–Legendre in u = τ/(s₀ + τ).
fn posterior_of_tau(effects: &[f64], errors: &[f64]) -> Vec<(f64, f64)> {
    let k = errors.len() as f64;
    let scale = (k / errors.iter().map(|s| s.powi(-2)).sum::<f64>()).sqrt();
    let nodes: Vec<(f64, f64)> = legendre()
        .into_iter()
        .map(|(u, weight)| {
            let tau2 = (scale * u / (1.0 - u)).powi(2);
            let information: f64 = errors.iter().map(|s| 1.0 / (s * s + tau2)).sum();
            let logs: f64 = errors.iter().map(|s| (s * s + tau2).ln()).sum();
            let q = generalised_q(effects, errors, tau2).1;
            (weight.ln() - 0.5 * (logs + information.ln() + q), tau2)
        })
        .collect();
    let most = nodes.iter().map(|n| n.0).fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = nodes.iter().map(|n| (n.0 - most).exp()).sum();
    let weighed = nodes.into_iter().map(|(log, tau2)| ((log - most).exp() / total, tau2));
    // What weighs nothing costs time only.
    weighed.filter(|(weight, _)| *weight > 1e-14).collect()
}

/// Nodes in (0, 1), rising, and weights, by Newton's method on the Legendre polynomial.
fn legendre() -> Vec<(f64, f64)> {
    let n = NODES as f64;
    (0..NODES)
        .rev()
        .map(|i| {
            let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..50 {
                let (mut before, mut now) = (1.0, x);
                for j in 2..=NODES {
                    let j = j as f64;
                    (before, now) = (now, ((2.0 * j - 1.0) * x * now - (j - 1.0) * before) / j);
                }
                slope = n * (x * now - before) / (x * x - 1.0);
                let step = now / slope;
                x -= step;
                if step.abs() < 1e-15 {
                    break;
                }
            }
            (0.5 * (x + 1.0), 1.0 / ((1.0 - x * x) * slope * slope))
        })
        .collect()
}

/// P(N(m, v) > 0); a point where there is no variance.
fn above_zero(m: f64, v: f64) -> f64 {
    if v > 0.0 {
        dist::normal_sf(-m / v.sqrt())
    } else {
        f64::from(u8::from(m > 0.0))
    }
}

/// Mean and variance of a mixture of (weight, mean, variance).
pub(crate) fn moments(parts: &[(f64, f64, f64)]) -> (f64, f64) {
    let mean: f64 = parts.iter().map(|(w, m, _)| w * m).sum();
    (mean, parts.iter().map(|(w, m, v)| w * (v + (m - mean).powi(2))).sum())
}

/// The x with mixture probability `p` below it: Newton steps inside a bracket.
pub(crate) fn quantile(parts: &[(f64, f64, f64)], p: f64, mean: f64, sd: f64) -> f64 {
    if let [(_, m, v)] = parts {
        return m + dist::normal_quantile(p) * v.sqrt();
    }
    let below = |x: f64| -> f64 {
        parts
            .iter()
            .map(|(w, m, v)| w * dist::normal_sf((m - x) / v.sqrt()))
            .sum()
    };
    let density = |x: f64| -> f64 {
        let scale = (2.0 * std::f64::consts::PI).sqrt();
        parts
            .iter()
            .map(|(w, m, v)| w * (-0.5 * (x - m) * (x - m) / v).exp() / (scale * v.sqrt()))
            .sum()
    };
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut x = mean + dist::normal_quantile(p) * sd;
    for _ in 0..100 {
        let error = below(x) - p;
        if error > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let mut next = x - error / density(x);
        if !next.is_finite() || next <= low || next >= high {
            next = match (low.is_finite(), high.is_finite()) {
                (true, true) => 0.5 * (low + high),
                (true, false) => low + sd,
                _ => high - sd,
            };
        }
        if (next - x).abs() <= 1e-12 * sd {
            return next;
        }
        x = next;
    }
    x
}
