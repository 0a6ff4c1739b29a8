//! Bayesian comparisons with proper priors: chance to win, risk, credible interval.
//!
//! **Question.** Given what we believed before and what was seen, how likely is the treatment better, and what is lost
//! if the choice is wrong?
//!
//! **Estimand.** The posterior of an effect δ (absolute or relative) or of the difference of two shares. Chance to win:
//! P(δ > 0), or P(δ < 0) where less is better. Risk of shipping: the expected loss E[max(0, −δ)] of the treatment where
//! the control is better; risk of keeping the control: E[max(0, δ)]. Both are in the unit of δ.
//!
//! **Assumptions.** Normal: the estimate is near normal with known standard error. Beta–binomial: independent units, each
//! 0 or 1. The prior is stated before the data are seen, in the unit of δ (see [`NormalPrior::rescaled`]).
//!
//! **Formula.** Normal: precisions add, means weigh by them; with m and s of the posterior E[max(0, δ)] =
//! s·φ(m/s) + m·Φ(m/s). Beta–binomial: P(T > C) = ∫ f_C(x)·(1 − F_T(x)) dx, risk of shipping
//! ∫ F_T(x)(1 − F_C(x)) dx, quantiles of the difference by inversion; all by Gauss–Legendre in the logit of x.
//!
//! **Reference.** Gelman et al. 2013 (Bayesian Data Analysis, 2.5); Stucchio 2015 (expected loss).
//!
//! **Golden source.** `tests/golden/bayes.py` (gbstats 0.8.0; scipy quadrature).

use serde::{Deserialize, Serialize};

use crate::estimate::check_level;
use crate::{Estimate, NotEstimable, Reason, dist};

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// A normal prior on an effect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NormalPrior {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation.
    pub sd: f64,
}

impl NormalPrior {
    /// The prior in a unit that is `factor` times as fine: a relative prior on an absolute effect has the factor
    /// |baseline|, an absolute one on a relative effect 1/|baseline|.
    pub fn rescaled(self, factor: f64) -> NormalPrior {
        NormalPrior {
            mean: self.mean * factor,
            sd: self.sd * factor,
        }
    }
}

/// What is believed after the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Posterior {
    /// Posterior mean, standard deviation and equal-tailed credible interval. No p-value.
    pub estimate: Estimate,
    /// Chance that the treatment is better.
    pub chance_to_win: f64,
    /// Expected loss of shipping the treatment.
    pub risk_ship: f64,
    /// Expected loss of keeping the control.
    pub risk_keep: f64,
}

/// Posterior of an effect from its estimate `point`, standard error `se` and `n` units. Without a prior (flat) the
/// posterior is the likelihood.
pub fn normal(
    point: f64,
    se: f64,
    n: u64,
    prior: Option<NormalPrior>,
    level: f64,
    better: Better,
) -> Result<Posterior, NotEstimable> {
    check_level(level)?;
    if let Some(prior) = prior
        && !(prior.sd > 0.0 && prior.sd.is_finite() && prior.mean.is_finite())
    {
        return Err(NotEstimable::out_of_domain(
            format!("the prior has mean {} and standard deviation {}", prior.mean, prior.sd),
            "give a finite mean and a standard deviation above 0, or no prior",
        ));
    }
    let (mean, sd, method) = match prior {
        None => (point, se, "normal, flat prior"),
        Some(prior) => {
            // Weights that stay right when one variance dwarfs the other.
            let (v, w) = (se * se, prior.sd * prior.sd);
            let mean = (point * w + prior.mean * v) / (v + w);
            (mean, se * prior.sd / (v + w).sqrt(), "normal-normal")
        }
    };
    let estimate = if se > 0.0 || se.is_nan() {
        Estimate::new(mean, sd, None, n, level, method)?.without_p()
    } else {
        return Err(NotEstimable::zero_variance(format!("the standard error is {se}")));
    };
    let z = mean / sd;
    // E[max(0, δ)] and E[max(0, −δ)].
    let (gain, loss) = (sd * partial(z), sd * partial(-z));
    let (chance, ship, keep) = match better {
        Better::Higher => (dist::normal_sf(-z), loss, gain),
        Better::Lower => (dist::normal_sf(z), gain, loss),
    };
    Ok(Posterior {
        estimate,
        chance_to_win: chance,
        risk_ship: ship,
        risk_keep: keep,
    })
}

/// E[max(0, Z + z)] of a standard normal Z. The difference below 0 costs about z² roundings, no more.
fn partial(z: f64) -> f64 {
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    (density + z * dist::normal_sf(-z)).max(0.0)
}

/// A beta distribution, prior or posterior.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beta {
    /// Successes believed beforehand, above 0.
    pub alpha: f64,
    /// Failures believed beforehand, above 0.
    pub beta: f64,
}

/// Posterior comparison of two shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// The absolute difference (treatment − control).
    pub absolute: Posterior,
    /// The ratio less 1; refused while the control's posterior puts too much near 0.
    pub relative: Result<Estimate, NotEstimable>,
    /// Posterior of the control's share.
    pub control: Beta,
    /// Posterior of the treatment's share.
    pub treatment: Beta,
}

/// Compares (successes, units) of control and treatment under one prior for both.
pub fn beta_binomial(
    control: (u64, u64),
    treatment: (u64, u64),
    prior: Beta,
    level: f64,
    better: Better,
) -> Result<Shares, NotEstimable> {
    check_level(level)?;
    let fits = |x: f64| x > 0.0 && x <= 1e12;
    if !(fits(prior.alpha) && fits(prior.beta)) {
        return Err(NotEstimable::out_of_domain(
            format!("the prior is Beta({}, {})", prior.alpha, prior.beta),
            "give two numbers above 0, such as 1 and 1",
        ));
    }
    let posterior = |(successes, units): (u64, u64), group: &str| {
        if successes > units {
            return Err(NotEstimable::out_of_domain(
                format!("{group} has {successes} successes among {units} units"),
                "count units, not events",
            ));
        }
        if units == 0 {
            return Err(NotEstimable::too_few(format!("{group} has no units")));
        }
        Ok(Beta {
            alpha: prior.alpha + successes as f64,
            beta: prior.beta + (units - successes) as f64,
        })
    };
    let c = posterior(control, "the control")?;
    let t = posterior(treatment, "the treatment")?;
    let n = control.1 + treatment.1;
    let win = c.expect(|x| t.above(x));
    let lose = c.expect(|x| t.below(x));
    // ∫ F(x)(1 − G(x)) dx in the logit, over where either has mass.
    let nodes = Nodes::over(&[c, t]);
    let loss = nodes.sum(|x, y| t.below(x) * c.above(x) * x * y);
    let gain = nodes.sum(|x, y| c.below(x) * t.above(x) * x * y);
    let point = t.mean() - c.mean();
    let sd = (t.variance() + c.variance()).sqrt();
    // F_T(x + d) has a kink where x + d leaves [0, 1].
    let difference = |d: f64| c.expect_split(if d < 0.0 { -d } else { 1.0 - d }, |x| t.below(x + d));
    let tail = (1.0 - level) / 2.0;
    let absolute = Estimate {
        point,
        se: sd,
        low: quantile(difference, tail, -1.0, 1.0),
        high: quantile(difference, 1.0 - tail, -1.0, 1.0),
        level,
        df: None,
        p: None,
        n,
        method: "beta-binomial".into(),
    };
    let (chance_to_win, risk_ship, risk_keep) = match better {
        Better::Higher => (win, loss, gain),
        Better::Lower => (lose, gain, loss),
    };
    Ok(Shares {
        absolute: Posterior {
            estimate: absolute,
            chance_to_win,
            risk_ship,
            risk_keep,
        },
        relative: relative(c, t, n, level),
        control: c,
        treatment: t,
    })
}

fn relative(c: Beta, t: Beta, n: u64, level: f64) -> Result<Estimate, NotEstimable> {
    if c.alpha <= 2.0 {
        return Err(NotEstimable::new(
            Reason::ZeroBaseline,
            format!(
                "the control's posterior is Beta({}, {}): its inverse has no variance",
                c.alpha, c.beta
            ),
            "wait for more successes in the control, or read the absolute difference",
        ));
    }
    let total = c.alpha + c.beta;
    let inverse = (total - 1.0) / (c.alpha - 1.0);
    let inverse_square = inverse * (total - 2.0) / (c.alpha - 2.0);
    let square = t.variance() + t.mean() * t.mean();
    let mean = t.mean() * inverse;
    let ratio = |r: f64| c.expect_split(1.0 / r, |x| t.below(x * r));
    let roof = 1.0 + mean + 60.0 * (square * inverse_square).sqrt();
    let tail = (1.0 - level) / 2.0;
    Ok(Estimate {
        point: mean - 1.0,
        se: (square * inverse_square - mean * mean).max(0.0).sqrt(),
        low: quantile(ratio, tail, 0.0, roof) - 1.0,
        high: quantile(ratio, 1.0 - tail, 0.0, roof) - 1.0,
        level,
        df: None,
        p: None,
        n,
        method: "beta-binomial, relative".into(),
    })
}

/// The x at which an increasing function reaches `p`.
fn quantile(f: impl Fn(f64) -> f64, p: f64, mut low: f64, mut high: f64) -> f64 {
    while high - low > 1e-12 * (1.0 + low.abs()) {
        let middle = 0.5 * (low + high);
        if f(middle) < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

impl Beta {
    /// Mean.
    pub fn mean(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// Variance.
    pub fn variance(&self) -> f64 {
        let total = self.alpha + self.beta;
        self.alpha * self.beta / (total * total * (total + 1.0))
    }

    /// P(share < x).
    pub fn below(&self, x: f64) -> f64 {
        dist::beta_cdf(x, self.alpha, self.beta)
    }

    /// P(share > x).
    pub fn above(&self, x: f64) -> f64 {
        dist::beta_cdf(1.0 - x, self.beta, self.alpha)
    }

    /// E[f(share)] of a smooth f.
    fn expect(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.expect_split(1.0, f)
    }

    /// E[f(share)] of an f that is smooth below and above `split`.
    fn expect_split(&self, split: f64, f: impl Fn(f64) -> f64) -> f64 {
        let constant = dist::ln_beta(self.alpha, self.beta);
        let mut nodes = Nodes(Vec::new());
        let (low, high) = self.range();
        let finest = (high - low) / 72.0;
        let at = (split / (1.0 - split)).ln();
        if split > 0.0 && split < 1.0 && at > low && at < high {
            nodes.add(low, at, finest);
            nodes.add(at, high, finest);
        } else {
            nodes.add(low, high, finest);
        }
        nodes.sum(|x, y| (self.alpha * x.ln() + self.beta * y.ln() - constant).exp() * f(x))
    }

    /// Logits between which all but about 1e-18 of the probability lies.
    fn range(&self) -> (f64, f64) {
        // The density of the logit is log-concave with curvature alpha·beta/(alpha + beta) at its mode, and falls like
        // e^{alpha·y} to the left, e^{−beta·y} to the right.
        let mode = (self.alpha / self.beta).ln();
        let log = |y: f64| {
            // alpha·ln x + beta·ln(1 − x) without loss for large |y|.
            -self.alpha * softplus(-y) - self.beta * softplus(y)
        };
        let top = log(mode);
        let edge = |sign: f64| {
            let mut step = ((self.alpha + self.beta) / (self.alpha * self.beta)).sqrt();
            while top - log(mode + sign * step) < 42.0 {
                step *= 1.3;
            }
            mode + sign * step
        };
        (edge(-1.0), edge(1.0))
    }
}

/// ln(1 + e^y).
fn softplus(y: f64) -> f64 {
    if y > 0.0 {
        y + (-y).exp().ln_1p()
    } else {
        y.exp().ln_1p()
    }
}

/// Quadrature over the logit of a share.
pub(crate) struct Nodes(Vec<(f64, f64)>);

impl Nodes {
    pub(crate) fn over(all: &[Beta]) -> Nodes {
        let ranges: Vec<(f64, f64)> = all.iter().map(Beta::range).collect();
        let low = ranges.iter().map(|r| r.0).fold(f64::INFINITY, f64::min);
        let high = ranges.iter().map(|r| r.1).fold(f64::NEG_INFINITY, f64::max);
        // Panels as fine as the narrower distribution asks for.
        let finest = ranges.iter().map(|r| (r.1 - r.0) / 72.0).fold(f64::INFINITY, f64::min);
        let mut nodes = Nodes(Vec::new());
        nodes.add(low, high, finest);
        nodes
    }

    fn add(&mut self, low: f64, high: f64, finest: f64) {
        let panels = (((high - low) / finest).ceil() as usize).clamp(1, 2000);
        let half = (high - low) / panels as f64 / 2.0;
        for i in 0..panels {
            let centre = low + (2 * i + 1) as f64 * half;
            for (x, w) in GAUSS {
                self.0.push((centre - half * x, half * w));
                self.0.push((centre + half * x, half * w));
            }
        }
    }

    /// Calls f(x, 1 − x, w) at every node.
    pub(crate) fn each(&self, mut f: impl FnMut(f64, f64, f64)) {
        for &(y, w) in &self.0 {
            f(1.0 / (1.0 + (-y).exp()), 1.0 / (1.0 + y.exp()), w);
        }
    }

    /// Σ w·f(x, 1 − x).
    fn sum(&self, f: impl Fn(f64, f64) -> f64) -> f64 {
        self.0
            .iter()
            .map(|&(y, w)| w * f(1.0 / (1.0 + (-y).exp()), 1.0 / (1.0 + y.exp())))
            .sum()
    }
}

/// Gauss–Legendre, 8 points, positive half: (node, weight).
const GAUSS: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_2, 0.101_228_536_290_376_26),
];
