//! Several estimates of one effect: combine them, and say whether they differ.
//!
//! **Question.** What is the effect over experiments (or segments), and is it the same everywhere?
//!
//! **Estimand.** Fixed: the precision-weighted mean of the effects at hand. Random: the mean μ of the population that the
//! effects θᵢ ~ N(μ, τ²) come from, and τ². [`heterogeneity`]: whether all θᵢ are equal (Cochran's Q) — the interaction
//! test of a breakdown.
//!
//! **Assumptions.** Estimates yᵢ ~ N(θᵢ, sᵢ²) independent, standard errors known. Segments of one experiment are
//! independent when each unit is in one segment only.
//!
//! **Formula.** wᵢ = 1/(sᵢ² + τ²), μ̂ = Σwy/Σw, Var = 1/Σw. Q = Σ(y − μ̂_fixed)²/s² against χ²(k − 1); I² = max(0, 1 − (k − 1)/Q).
//! DerSimonian–Laird: τ² = max(0, (Q − (k − 1))/(Σw₀ − Σw₀²/Σw₀)), w₀ = 1/s². Paule–Mandel: τ² ≥ 0 that makes Q(τ²) = k − 1.
//! Maximum likelihood: the τ² ≥ 0 that maximises −½[Σln(s² + τ²) + Q(τ²)]; restricted, less ½·ln Σw.
//! Hartung–Knapp: Var = Σw(y − μ̂)²/((k − 1)Σw), t with k − 1 degrees of freedom, else normal. Prediction interval of a new
//! θ: μ̂ ± t(k − 2)·√(τ² + Var).
//!
//! **Reference.** Cochran 1954; DerSimonian & Laird 1986; Paule & Mandel 1982; Viechtbauer 2005; Hartung & Knapp 2001; Higgins, Thompson &
//! Spiegelhalter 2009.
//!
//! **Golden source.** `tests/golden/heterogeneity.py` (statsmodels `combine_effects`), and R metafor's published analysis of the
//! BCG vaccine trials.

use serde::{Deserialize, Serialize};

use crate::{Estimate, NotEstimable, Reason, dist, estimate};

/// How the variance τ² between effects is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Between {
    /// Taken as 0: one common effect.
    Fixed,
    /// By the first moment.
    DerSimonianLaird,
    /// By the generalised first moment; less biased when standard errors are unlike.
    #[default]
    PauleMandel,
    /// By restricted maximum likelihood.
    Reml,
    /// By maximum likelihood; too small on average, the more so with few effects.
    MaximumLikelihood,
}

/// A combined effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// The mean effect.
    pub effect: Estimate,
    /// Variance between effects.
    pub tau2: f64,
    /// Do the effects differ?
    pub heterogeneity: Heterogeneity,
    /// Share of each estimate in the mean.
    pub weights: Vec<f64>,
    /// Interval of a further effect of the kind; `None` with fewer than three, or when one common effect is assumed.
    pub prediction: Option<(f64, f64)>,
}

/// Cochran's Q.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heterogeneity {
    /// The statistic.
    pub q: f64,
    /// Degrees of freedom, one less than effects.
    pub df: u32,
    /// p of all effects being equal.
    pub p: f64,
    /// Share of the variation that is not noise, in [0, 1).
    pub i2: f64,
}

/// Tests whether `effects` with standard errors `errors` are all equal.
///
/// Refused: fewer than two, unlike lengths, values that are not finite, a standard error that is not positive.
pub fn heterogeneity(effects: &[f64], errors: &[f64]) -> Result<Heterogeneity, NotEstimable> {
    check(effects, errors, 2)?;
    let q = generalised_q(effects, errors, 0.0).1;
    let df = effects.len() as f64 - 1.0;
    Ok(Heterogeneity {
        q,
        df: df as u32,
        p: dist::chi_square_sf(q, df),
        i2: if q > 0.0 { (1.0 - df / q).max(0.0) } else { 0.0 },
    })
}

/// Variance between effects. Refused as [`heterogeneity`].
pub fn between(effects: &[f64], errors: &[f64], method: Between) -> Result<f64, NotEstimable> {
    check(effects, errors, 2)?;
    let df = effects.len() as f64 - 1.0;
    let q = generalised_q(effects, errors, 0.0).1;
    match method {
        Between::Fixed => Ok(0.0),
        Between::DerSimonianLaird => {
            let w: Vec<f64> = errors.iter().map(|s| s.powi(-2)).collect();
            let sum: f64 = w.iter().sum();
            let squares: f64 = w.iter().map(|w| w * w).sum();
            Ok(((q - df) / (sum - squares / sum)).max(0.0))
        }
        Between::PauleMandel => {
            if q <= df {
                return Ok(0.0);
            }
            // Q falls with τ² towards 0: double until below, then halve.
            let mut high = errors.iter().map(|s| s * s).fold(0.0, f64::max);
            while generalised_q(effects, errors, high).1 > df {
                high *= 2.0;
            }
            let mut low = 0.0;
            for _ in 0..200 {
                let middle = 0.5 * (low + high);
                if middle <= low || middle >= high {
                    break;
                }
                if generalised_q(effects, errors, middle).1 > df {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            Ok(0.5 * (low + high))
        }
        Between::Reml => Ok(most_likely(effects, errors, true)),
        Between::MaximumLikelihood => Ok(most_likely(effects, errors, false)),
    }
}

/// The τ² of greatest likelihood, restricted or not. The likelihood may have a peak beside the one at 0, so that a grid of
/// τ comes first; then the sign of the slope is halved to its root.
fn most_likely(effects: &[f64], errors: &[f64], restricted: bool) -> f64 {
    let log = |tau2: f64| {
        let (_, q) = generalised_q(effects, errors, tau2);
        let spread: f64 = errors.iter().map(|s| (s * s + tau2).ln()).sum();
        let information: f64 = errors.iter().map(|s| 1.0 / (s * s + tau2)).sum();
        -0.5 * (spread + q + if restricted { information.ln() } else { 0.0 })
    };
    // d log/dτ²: −½Σw + ½Σw²(y − μ)², and ½Σw²/Σw if restricted.
    let slope = |tau2: f64| {
        let (mean, _) = generalised_q(effects, errors, tau2);
        let (mut sum, mut squares, mut pull) = (0.0, 0.0, 0.0);
        for (y, s) in effects.iter().zip(errors) {
            let w = 1.0 / (s * s + tau2);
            sum += w;
            squares += w * w;
            pull += w * w * (y - mean) * (y - mean);
        }
        pull - sum + if restricted { squares / sum } else { 0.0 }
    };
    let scale = {
        let first = effects[0];
        let spread = effects.iter().map(|y| (y - first).abs()).fold(0.0, f64::max);
        errors.iter().copied().fold(spread, f64::max)
    };
    const STEPS: usize = 400;
    let at = |i: usize| (2.0 * scale * (i as f64 / STEPS as f64).powi(2)).powi(2);
    let best = (0..=STEPS)
        .max_by(|&a, &b| log(at(a)).total_cmp(&log(at(b))))
        .unwrap_or(0);
    let (mut low, mut high) = (at(best.saturating_sub(1)), at((best + 1).min(STEPS)));
    if best == 0 && slope(0.0) <= 0.0 {
        return 0.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if slope(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Combines `effects` with standard errors `errors`; `knapp_hartung` for the t interval that is honest about τ² with few
/// effects. Refused as [`heterogeneity`].
pub fn combine(
    effects: &[f64],
    errors: &[f64],
    method: Between,
    knapp_hartung: bool,
    level: f64,
) -> Result<Meta, NotEstimable> {
    estimate::check_level(level)?;
    let heterogeneity = heterogeneity(effects, errors)?;
    let tau2 = between(effects, errors, method)?;
    let k = effects.len();
    let (mean, q) = generalised_q(effects, errors, tau2);
    let w: Vec<f64> = errors.iter().map(|s| 1.0 / (s * s + tau2)).collect();
    let sum: f64 = w.iter().sum();
    let (variance, df) = if knapp_hartung {
        (q / (k as f64 - 1.0) / sum, Some(k as f64 - 1.0))
    } else {
        (1.0 / sum, None)
    };
    let name = match method {
        Between::Fixed => "fixed effect",
        Between::DerSimonianLaird => "random effects, dersimonian–laird",
        Between::PauleMandel => "random effects, paule–mandel",
        Between::Reml => "random effects, reml",
        Between::MaximumLikelihood => "random effects, maximum likelihood",
    };
    let suffix = if knapp_hartung { ", hartung–knapp" } else { "" };
    let effect = Estimate::new(mean, variance.sqrt(), df, k as u64, level, format!("{name}{suffix}"))?;
    let prediction = (k > 2 && method != Between::Fixed).then(|| {
        let reach = dist::t_two_sided_isf(1.0 - level, k as f64 - 2.0) * (tau2 + variance).sqrt();
        (mean - reach, mean + reach)
    });
    Ok(Meta {
        effect,
        tau2,
        heterogeneity,
        weights: w.iter().map(|w| w / sum).collect(),
        prediction,
    })
}

/// Weighted mean at τ², and the weighted squares about it.
pub(crate) fn generalised_q(effects: &[f64], errors: &[f64], tau2: f64) -> (f64, f64) {
    let w: Vec<f64> = errors.iter().map(|s| 1.0 / (s * s + tau2)).collect();
    let sum: f64 = w.iter().sum();
    let first = effects[0];
    let mean = first + effects.iter().zip(&w).map(|(y, w)| w * (y - first)).sum::<f64>() / sum;
    let q = effects.iter().zip(&w).map(|(y, w)| w * (y - mean).powi(2)).sum();
    (mean, q)
}

pub(crate) fn check(effects: &[f64], errors: &[f64], least: usize) -> Result<(), NotEstimable> {
    if effects.len() != errors.len() {
        return Err(NotEstimable::out_of_domain(
            format!("{} effects have {} standard errors", effects.len(), errors.len()),
            "give one standard error per effect",
        ));
    }
    if effects.len() < least {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!("there are {} effects", effects.len()),
            format!("give at least {least}"),
        ));
    }
    if let Some(i) = (0..effects.len()).find(|&i| !effects[i].is_finite() || !errors[i].is_finite()) {
        return Err(NotEstimable::not_finite(format!(
            "effect {i} is {} ± {}",
            effects[i], errors[i]
        )));
    }
    match errors.iter().position(|s| *s <= 0.0) {
        None => Ok(()),
        Some(i) => Err(NotEstimable::out_of_domain(
            format!("the standard error of effect {i} is {}", errors[i]),
            "leave out effects without a positive standard error",
        )),
    }
}
