//! Many treatments against one control, with the error over all comparisons held.
//!
//! **Question.** Which of several treatments differ from the control they share, and by how much?
//!
//! **Estimand.** Each θ_i − θ_C, with p-values and intervals that hold together at the level.
//!
//! **Assumptions.** Estimates near normal and correlated by the shared control only. Pooled: equal variances in all
//! arms, exact with df = N − groups. Unpooled: each its own variance; df is the least of Welch's, which is conservative.
//!
//! **Formula.** With λ_i = √(Var C)/se_i the statistics are (√(1 − λ_i²)·Z_i − λ_i·Z_0)/S, S = χ_df/√df, so
//! P(max|T| ≤ c) = ∫∫ φ(z) Π[Φ((cs + λ_i z)/√(1 − λ_i²)) − Φ((−cs + λ_i z)/√(1 − λ_i²))] dz dF(s): quadrature in z
//! and s. p_i = 1 − that at |t_i|; the interval is point ± c·se at the c where it is the level. One step, so that interval
//! and p agree.
//!
//! **Reference.** Dunnett 1955; Hochberg & Tamhane 1987.
//!
//! **Golden source.** `tests/golden/multiple.py` (scipy `dunnett`; a dense grid in numpy).

use crate::group_sequential::{Sides, increasing};
use crate::{Estimate, Moments, NotEstimable, Reason, dist};

/// Most treatments.
pub const MOST_TREATMENTS: usize = 200;

/// Compares the mean of variable 0 of each treatment with the control's.
pub fn dunnett(
    control: &Moments,
    treatments: &[Moments],
    pooled: bool,
    level: f64,
    sides: Sides,
) -> Result<Vec<Estimate>, NotEstimable> {
    let groups = || std::iter::once(control).chain(treatments);
    if treatments.is_empty() || groups().any(|m| m.dimension() == 0) {
        return Err(NotEstimable::too_few("there is no treatment to compare"));
    }
    if let Some(m) = groups().find(|m| m.count() < 2) {
        return Err(NotEstimable::too_few(format!("a group has {} units", m.count())));
    }
    if groups().any(|m| !m.mean(0).is_finite() || !m.cross(0, 0).is_finite()) {
        return Err(NotEstimable::not_finite("a group holds NaN or infinite values"));
    }
    let n = |m: &Moments| m.count() as f64;
    let total: f64 = groups().map(n).sum();
    let pooled_df = total - treatments.len() as f64 - 1.0;
    let pooled_variance = groups().map(|m| m.cross(0, 0)).sum::<f64>() / pooled_df;
    let of = |m: &Moments| {
        let variance = if pooled {
            pooled_variance
        } else {
            m.cross(0, 0) / (n(m) - 1.0)
        };
        variance / n(m)
    };
    let v0 = of(control);
    let mut df = pooled_df;
    let mut effects = Vec::new();
    for t in treatments {
        let v = of(t);
        if !pooled {
            df = df.min((v0 + v).powi(2) / (v0 * v0 / (n(control) - 1.0) + v * v / (n(t) - 1.0)));
        }
        effects.push((
            t.mean(0) - control.mean(0),
            (v0 + v).sqrt(),
            t.count() + control.count(),
        ));
    }
    many_to_one(&effects, v0, Some(df), level, sides)
}

/// Compares (effect, standard error, units) of treatments that share a control whose value has variance
/// `control_variance`; `None` degrees of freedom are the normal. For proportions, ratios and CUPED in large samples.
pub fn many_to_one(
    effects: &[(f64, f64, u64)],
    control_variance: f64,
    df: Option<f64>,
    level: f64,
    sides: Sides,
) -> Result<Vec<Estimate>, NotEstimable> {
    crate::estimate::check_level(level)?;
    if effects.is_empty() || effects.len() > MOST_TREATMENTS {
        return Err(NotEstimable::out_of_domain(
            format!("{} treatments", effects.len()),
            format!("compare 1 to {MOST_TREATMENTS} treatments"),
        ));
    }
    if let Some((e, se, _)) = effects.iter().find(|(e, se, _)| !e.is_finite() || !se.is_finite()) {
        return Err(NotEstimable::not_finite(format!(
            "an effect is {e} with standard error {se}"
        )));
    }
    if effects.iter().any(|(_, se, _)| *se <= 0.0) {
        return Err(NotEstimable::zero_variance("the standard error of an effect is 0"));
    }
    let mut lambda = Vec::new();
    for (_, se, _) in effects {
        let square = control_variance / (se * se);
        if !(0.0..=1.0 + 1e-12).contains(&square) {
            return Err(NotEstimable::new(
                Reason::OutOfDomain,
                format!(
                    "the control's variance {control_variance} exceeds that of an effect, {}",
                    se * se
                ),
                "give the variance of the control's value, in the unit of the effects",
            ));
        }
        lambda.push(square.min(1.0 - 1e-12).sqrt());
    }
    let joint = Joint::new(lambda, df, sides == Sides::Two);
    let alpha = 1.0 - level;
    let critical = joint.critical(alpha);
    Ok(effects
        .iter()
        .map(|&(point, se, n)| {
            let z = point / se;
            let (low, high, p) = match sides {
                Sides::Two => (point - critical * se, point + critical * se, joint.exceeds(z.abs())),
                Sides::Greater => (point - critical * se, f64::INFINITY, joint.exceeds(z)),
                Sides::Less => (f64::NEG_INFINITY, point + critical * se, joint.exceeds(-z)),
            };
            Estimate {
                point,
                se,
                low,
                high,
                level,
                df,
                p: Some(p),
                n,
                method: format!("dunnett, {} treatments", effects.len()),
            }
        })
        .collect())
}

/// The joint law of the statistics under no effects.
struct Joint {
    /// Distinct λ, each with how many treatments have it.
    lambda: Vec<(f64, f64)>,
    two_sided: bool,
    /// Scales s with their weights: one, 1, for the normal.
    scales: Vec<(f64, f64)>,
    /// Values of the shared control with their weights.
    shared: Vec<(f64, f64)>,
}

impl Joint {
    fn new(mut all: Vec<f64>, df: Option<f64>, two_sided: bool) -> Joint {
        all.sort_by(f64::total_cmp);
        let mut lambda: Vec<(f64, f64)> = Vec::new();
        for l in all {
            match lambda.last_mut() {
                Some((same, count)) if *same == l => *count += 1.0,
                _ => lambda.push((l, 1.0)),
            }
        }
        let shared = panels(-8.5, 8.5, 34)
            .into_iter()
            .map(|(z, w)| (z, w * density(z)))
            .collect();
        let scales = match df.filter(|df| *df < 1e7) {
            None => vec![(1.0, 1.0)],
            Some(df) => {
                // ln of the density of S at s, up to a constant: its mode is near 1, its spread 1/√(2·df).
                let mode = ((df - 1.0).max(1e-3) / df).sqrt();
                let spread = 1.0 / (2.0 * df).sqrt();
                let low = (mode - 10.0 * spread).max(0.0);
                let high = mode + 12.0 * spread;
                let log = |s: f64| (df - 1.0) * s.ln() - 0.5 * df * s * s;
                let top = log(mode);
                let mut all: Vec<(f64, f64)> = panels(low, high, 24)
                    .into_iter()
                    .map(|(s, w)| (s, w * (log(s) - top).exp()))
                    .collect();
                let sum: f64 = all.iter().map(|x| x.1).sum();
                all.iter_mut().for_each(|x| x.1 /= sum);
                all
            }
        };
        Joint {
            lambda,
            two_sided,
            scales,
            shared,
        }
    }

    /// P(max T > c), of |T| if two-sided.
    fn exceeds(&self, c: f64) -> f64 {
        let mut sum = 0.0;
        for (s, ws) in &self.scales {
            let edge = c * s;
            for (z, wz) in &self.shared {
                // 1 − Π(1 − tail) without loss for small tails.
                let mut log_inside = 0.0;
                for (l, count) in &self.lambda {
                    let root = (1.0 - l * l).sqrt();
                    let mut tail = dist::normal_sf((edge - l * z) / root);
                    if self.two_sided {
                        tail += dist::normal_sf((edge + l * z) / root);
                    }
                    log_inside += count * (-tail.min(1.0)).ln_1p();
                }
                sum += ws * wz * -log_inside.exp_m1();
            }
        }
        sum.clamp(0.0, 1.0)
    }

    fn critical(&self, alpha: f64) -> f64 {
        let (low, mut high) = (if self.two_sided { 0.0 } else { -10.0 }, 10.0);
        while self.exceeds(high) > alpha && high < 1e6 {
            high *= 2.0;
        }
        // Each call integrates over two dimensions: logarithms make the tail nearly a parabola, which takes few.
        increasing(|c| -self.exceeds(c).max(1e-300).ln(), -alpha.ln(), low, high)
    }
}

fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Gauss–Legendre nodes and weights, 4 points in each of `count` panels.
fn panels(low: f64, high: f64, count: usize) -> Vec<(f64, f64)> {
    const GAUSS: [(f64, f64); 2] = [
        (0.339_981_043_584_856_26, 0.652_145_154_862_546_2),
        (0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
    ];
    let half = (high - low) / count as f64 / 2.0;
    let mut nodes = Vec::with_capacity(count * 4);
    for i in 0..count {
        let centre = low + (2 * i + 1) as f64 * half;
        for (x, w) in GAUSS {
            nodes.push((centre - half * x, half * w));
            nodes.push((centre + half * x, half * w));
        }
    }
    nodes
}
