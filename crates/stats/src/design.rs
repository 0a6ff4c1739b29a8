//! Planning a comparison: power, minimum detectable effect, units and days, for every kind of metric and design.
//!
//! **Question.** How many units, and how many days, does an effect of interest take; what can the units we have find?
//!
//! **Estimand.** Power: the chance that one treatment's true effect is found. Detectable effect and units invert it.
//!
//! **Assumptions.** Estimates are near normal with the variance given (from the metric's history). Clusters: equal
//! correlation within. CUPED: the correlation with the covariate stays as in history. With `test: t`, equal variances.
//!
//! **Formula.** Var = D·(1 − R)·(V_C/n_C + V_T/(r·n_C)), D = 1 + ((1 + cv²)·m − 1)·ICC the design effect of clusters of m
//! (Eldridge, Ashby & Kerry 2006), R the variance reduction (ρ² of CUPED). V of a mean is s², of a proportion p(1 − p) in
//! each arm, of a ratio (Var a − 2R·Cov + R²·Var b)/b̄². Critical value c: normal, t, Bonferroni, or Dunnett for several
//! treatments; with looks, the boundaries of alpha spending. Power = Φ̄(c − λ) (+ Φ̄(c + λ) if two-sided), λ = shift/se;
//! noncentral t for `t`; crossing chances with looks. Non-inferiority: shift = effect + margin.
//!
//! **Reference.** Cohen 1988; Donner & Klar 2000; Eldridge, Ashby & Kerry 2006; Jennison & Turnbull 2000; Deng, Xu, Kohavi
//! & Walker 2013.
//!
//! **Golden source.** `tests/golden/design.py` (statsmodels `NormalIndPower`, `TTestIndPower`; the recursion of
//! `sequential.py`).

use serde::{Deserialize, Serialize};

use crate::group_sequential::{self, Sides, Spending};
use crate::{NotEstimable, Reason, dist, dunnett};

/// The metric, per unit, from its history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Mean per unit.
    Mean {
        /// Mean.
        mean: f64,
        /// Standard deviation between units.
        sd: f64,
    },
    /// Share of units.
    Proportion {
        /// Share in the control.
        share: f64,
    },
    /// Ratio of sums over units.
    Ratio {
        /// Mean of the numerator per unit.
        numerator_mean: f64,
        /// Variance of the numerator.
        numerator_variance: f64,
        /// Mean of the denominator per unit.
        denominator_mean: f64,
        /// Variance of the denominator.
        denominator_variance: f64,
        /// Covariance of the two.
        covariance: f64,
    },
}

/// How several treatments share alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// Each has all of it.
    None,
    /// Equal parts.
    Bonferroni,
    /// Dunnett's critical value, which knows the shared control.
    Dunnett,
}

/// The reference distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// Normal.
    Z,
    /// t with n_C + n_T − 2 degrees of freedom (of clusters, where there are clusters).
    T,
}

/// Clusters as the randomised units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clusters {
    /// Mean units per cluster.
    pub size: f64,
    /// Correlation of two units of one cluster.
    pub icc: f64,
    /// Coefficient of variation of the cluster sizes.
    pub cv: f64,
}

/// Looks before the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Looks {
    /// Information fractions, the last being 1.
    pub fractions: Vec<f64>,
    /// How alpha is spent.
    pub spending: Spending,
}

/// A planned comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What is measured.
    pub metric: Metric,
    /// False-positive rate over all treatments.
    pub alpha: f64,
    /// Sides; effects are given as improvements in the side's direction or as signed numbers.
    pub sides: Sides,
    /// Treatments beside the control.
    pub treatments: u32,
    /// How they share alpha.
    pub sharing: Sharing,
    /// Units of each treatment per unit of the control.
    pub ratio: f64,
    /// Share of the variance that covariates take away (ρ² for CUPED).
    pub variance_reduction: f64,
    /// Clusters, if they are what is randomised.
    pub clusters: Option<Clusters>,
    /// Looks, if there are any.
    pub looks: Option<Looks>,
    /// Accepted harm, absolute: the plan is for non-inferiority.
    pub margin: f64,
    /// Reference distribution.
    pub test: Test,
}

/// Control units that reach a power.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Size {
    /// Units needed in the control, not rounded.
    pub n_control: f64,
    /// Units needed in the control, in whole units.
    pub control: u64,
    /// Units needed in each treatment, in whole units.
    pub treatment: u64,
    /// Units needed in all arms.
    pub total: u64,
    /// Clusters needed in all arms, if clusters are randomised.
    pub clusters: Option<u64>,
}

impl Plan {
    /// A fixed-horizon, two-sided plan of one treatment of equal size.
    pub fn new(metric: Metric, alpha: f64) -> Plan {
        Plan {
            metric,
            alpha,
            sides: Sides::Two,
            treatments: 1,
            sharing: Sharing::Dunnett,
            ratio: 1.0,
            variance_reduction: 0.0,
            clusters: None,
            looks: None,
            margin: 0.0,
            test: Test::Z,
        }
    }

    /// The metric's value in the control.
    pub fn baseline(&self) -> f64 {
        match self.metric {
            Metric::Mean { mean, .. } => mean,
            Metric::Proportion { share } => share,
            Metric::Ratio {
                numerator_mean,
                denominator_mean,
                ..
            } => numerator_mean / denominator_mean,
        }
    }

    /// 1 without clusters.
    pub fn design_effect(&self) -> f64 {
        self.clusters
            .map_or(1.0, |c| 1.0 + ((1.0 + c.cv * c.cv) * c.size - 1.0) * c.icc)
    }

    /// Variance per unit of the control and of a treatment with `effect`.
    fn variances(&self, effect: f64) -> (f64, f64) {
        match self.metric {
            Metric::Mean { sd, .. } => (sd * sd, sd * sd),
            Metric::Proportion { share } => {
                let treated = (share + effect).clamp(0.0, 1.0);
                (share * (1.0 - share), treated * (1.0 - treated))
            }
            Metric::Ratio {
                numerator_variance,
                denominator_mean,
                denominator_variance,
                covariance,
                ..
            } => {
                let r = self.baseline();
                let v = (numerator_variance - 2.0 * r * covariance + r * r * denominator_variance)
                    / (denominator_mean * denominator_mean);
                (v, v)
            }
        }
    }

    /// Standard error of the absolute lift with `n` control units, when the truth is `effect`.
    pub fn se(&self, n: f64, effect: f64) -> f64 {
        let (c, t) = self.variances(effect);
        let factor = self.design_effect() * (1.0 - self.variance_reduction);
        (factor * (c + t / self.ratio) / n).sqrt()
    }

    /// Chance of finding an absolute `effect` with `n` control units.
    pub fn power(&self, effect: f64, n: f64) -> Result<f64, NotEstimable> {
        self.check()?;
        self.check_effect(effect)?;
        if !(n > 0.0 && n.is_finite()) {
            return Err(NotEstimable::too_few(format!("the control has {n} units")));
        }
        Ok(self.prepared(effect)?.at(effect, n))
    }

    /// Units for an absolute `effect` at a power.
    pub fn required(&self, effect: f64, power: f64) -> Result<Size, NotEstimable> {
        self.check()?;
        self.check_effect(effect)?;
        self.check_power(power)?;
        if self.shift(effect) <= 0.0 {
            return Err(NotEstimable::out_of_domain(
                format!("an effect of {effect} is nothing that this test could find"),
                "give an effect other than 0, in the direction of the test, or a margin",
            ));
        }
        let prepared = self.prepared(effect)?;
        let (mut low, mut high) = (0.0, 4.0);
        while prepared.at(effect, high) < power {
            low = high;
            high *= 2.0;
            if high > 1e15 {
                return Err(NotEstimable::out_of_domain(
                    "more than 1e15 units are needed",
                    "plan for a larger effect",
                ));
            }
        }
        while high - low > 1e-12 * high {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if prepared.at(effect, middle) < power {
                low = middle
            } else {
                high = middle
            }
        }
        let n = 0.5 * (low + high);
        // A whole number that is only rounding below the root counts as reached.
        let whole = |x: f64| (x - 1e-9 * x).ceil().max(2.0) as u64;
        let (mut control, mut treatment) = (whole(n), whole(n * self.ratio));
        let mut clusters = None;
        if let Some(c) = self.clusters {
            let of = |units: u64| (units as f64 / c.size - 1e-9).ceil().max(2.0);
            let (a, b) = (of(control), of(treatment));
            clusters = Some((a + b * f64::from(self.treatments)) as u64);
            control = (a * c.size).ceil() as u64;
            treatment = (b * c.size).ceil() as u64;
        }
        Ok(Size {
            n_control: n,
            control,
            treatment,
            total: control + treatment * u64::from(self.treatments),
            clusters,
        })
    }

    /// The smallest absolute effect found with chance `power` by `n` control units: above 0, or below it for
    /// [`Sides::Less`].
    pub fn minimum_detectable(&self, n: f64, power: f64) -> Result<f64, NotEstimable> {
        self.check()?;
        self.check_power(power)?;
        if !(n >= 2.0 && n.is_finite()) {
            return Err(NotEstimable::too_few(format!("the control has {n} units")));
        }
        let sign = if self.sides == Sides::Less { -1.0 } else { 1.0 };
        let most = match self.metric {
            Metric::Proportion { share } if sign > 0.0 => 1.0 - share,
            Metric::Proportion { share } => share,
            _ => f64::INFINITY,
        };
        let reaches = |size: f64| Ok::<bool, NotEstimable>(self.prepared(sign * size)?.at(sign * size, n) >= power);
        let mut high = self.se(n, 0.0).min(most);
        let mut low = 0.0;
        while !reaches(high)? {
            if high >= most {
                return Err(NotEstimable::new(
                    Reason::TooFew,
                    format!("{n} units find no change of the share with chance {power}"),
                    "plan more units",
                ));
            }
            low = high;
            high = (high * 2.0).min(most);
        }
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if reaches(middle)? {
                high = middle
            } else {
                low = middle
            }
            if high - low <= 1e-10 * high {
                break;
            }
        }
        Ok(sign * high)
    }

    /// Alpha of one comparison, after sharing it between the treatments.
    pub fn own_alpha(&self, effect: f64) -> Result<f64, NotEstimable> {
        let k = self.treatments;
        Ok(match self.sharing {
            _ if k == 1 => self.alpha,
            Sharing::None => self.alpha,
            Sharing::Bonferroni => self.alpha / f64::from(k),
            Sharing::Dunnett => {
                let (c, t) = self.variances(effect);
                let effects = vec![(0.0, (c + t / self.ratio).sqrt(), 2); k as usize];
                let side = if self.sides == Sides::Two {
                    Sides::Two
                } else {
                    Sides::Greater
                };
                let found = dunnett::many_to_one(&effects, c, None, 1.0 - self.alpha, side)?;
                let critical = found.first().map_or(f64::NAN, |e| -e.low / e.se);
                if self.sides == Sides::Two {
                    dist::normal_two_sided(critical)
                } else {
                    dist::normal_sf(critical)
                }
            }
        })
    }

    /// The effect in the direction of the test, with the margin.
    fn shift(&self, effect: f64) -> f64 {
        match self.sides {
            Sides::Two => effect.abs() + self.margin,
            Sides::Greater => effect + self.margin,
            Sides::Less => -effect + self.margin,
        }
    }

    fn prepared(&self, effect: f64) -> Result<Prepared<'_>, NotEstimable> {
        let alpha = self.own_alpha(effect)?;
        let looks = match &self.looks {
            None => None,
            Some(looks) => {
                let design = group_sequential::Design {
                    fractions: looks.fractions.clone(),
                    alpha,
                    spending: looks.spending,
                    sides: self.sides,
                    last_is_final: true,
                };
                let z = group_sequential::boundaries(&design)?.iter().map(|l| l.z).collect();
                Some((design.fractions, z))
            }
        };
        Ok(Prepared {
            plan: self,
            alpha,
            looks,
        })
    }

    fn check(&self) -> Result<(), NotEstimable> {
        let inside = |x: f64, what: &str| {
            if x > 0.0 && x < 1.0 {
                Ok(())
            } else {
                Err(NotEstimable::out_of_domain(
                    format!("{what} is {x}"),
                    "give a number between 0 and 1",
                ))
            }
        };
        inside(self.alpha, "alpha")?;
        if let Metric::Proportion { share } = self.metric {
            inside(share, "the share")?;
        }
        let (v, _) = self.variances(0.0);
        if !v.is_finite() || !self.baseline().is_finite() {
            return Err(NotEstimable::not_finite(format!(
                "the metric has value {} and variance {v}",
                self.baseline()
            )));
        }
        if v <= 0.0 {
            return Err(NotEstimable::zero_variance(format!("the metric's variance is {v}")));
        }
        if !(self.ratio > 0.0 && self.ratio.is_finite()) || self.treatments == 0 || self.treatments > 200 {
            return Err(NotEstimable::out_of_domain(
                format!(
                    "{} treatments of {} units per control unit",
                    self.treatments, self.ratio
                ),
                "plan 1 to 200 treatments with a ratio above 0",
            ));
        }
        if !(0.0..1.0).contains(&self.variance_reduction) {
            return Err(NotEstimable::out_of_domain(
                format!("the variance reduction is {}", self.variance_reduction),
                "give the share of variance that covariates take away, from 0 to below 1",
            ));
        }
        if !(self.margin >= 0.0 && self.margin.is_finite()) || (self.margin > 0.0 && self.sides == Sides::Two) {
            return Err(NotEstimable::out_of_domain(
                format!("the margin is {}", self.margin),
                "give a margin of 0 or more, with a one-sided test",
            ));
        }
        if self.looks.is_some() && self.test == Test::T {
            return Err(NotEstimable::out_of_domain(
                "looks are asked for with a t test",
                "plan looks with the z test",
            ));
        }
        match self.clusters {
            Some(c) if !(c.size >= 1.0 && c.size.is_finite() && (0.0..=1.0).contains(&c.icc) && c.cv >= 0.0) => {
                Err(NotEstimable::out_of_domain(
                    format!(
                        "clusters of {} units, correlation {}, variation {}",
                        c.size, c.icc, c.cv
                    ),
                    "give a mean size of 1 or more, a correlation from 0 to 1, a coefficient of variation of 0 or more",
                ))
            }
            _ => Ok(()),
        }
    }

    fn check_effect(&self, effect: f64) -> Result<(), NotEstimable> {
        if !effect.is_finite() {
            return Err(NotEstimable::not_finite(format!("the effect is {effect}")));
        }
        match self.metric {
            Metric::Proportion { share } if !(0.0..=1.0).contains(&(share + effect)) => {
                Err(NotEstimable::out_of_domain(
                    format!("an effect of {effect} on a share of {share} leaves the range of shares"),
                    "give an effect that keeps the share between 0 and 1",
                ))
            }
            _ => Ok(()),
        }
    }

    fn check_power(&self, power: f64) -> Result<(), NotEstimable> {
        if power > self.alpha && power < 1.0 {
            Ok(())
        } else {
            Err(NotEstimable::out_of_domain(
                format!("power {power} is not between alpha {} and 1", self.alpha),
                "ask for a power above alpha, such as 0.8",
            ))
        }
    }
}

/// A plan with what does not depend on the number of units.
struct Prepared<'a> {
    plan: &'a Plan,
    alpha: f64,
    looks: Option<(Vec<f64>, Vec<f64>)>,
}

impl Prepared<'_> {
    fn at(&self, effect: f64, n: f64) -> f64 {
        let plan = self.plan;
        let lambda = plan.shift(effect) / plan.se(n, effect);
        let two = plan.sides == Sides::Two;
        if let Some((fractions, z)) = &self.looks {
            return group_sequential::crossing(fractions, z, two, lambda).iter().sum();
        }
        let tail = if two { self.alpha / 2.0 } else { self.alpha };
        match plan.test {
            Test::Z => {
                let z = dist::normal_isf(tail);
                dist::normal_sf(z - lambda) + if two { dist::normal_sf(z + lambda) } else { 0.0 }
            }
            Test::T => {
                let per = plan.clusters.map_or(1.0, |c| c.size);
                let df = n * (1.0 + plan.ratio) / per - 2.0;
                if df <= 0.0 {
                    return 0.0;
                }
                let t = if tail < 0.5 {
                    dist::t_two_sided_isf(2.0 * tail, df)
                } else {
                    0.0
                };
                noncentral_t_sf(t, df, lambda) + if two { noncentral_t_sf(t, df, -lambda) } else { 0.0 }
            }
        }
    }
}

/// P(T > t) of the noncentral t: E Φ̄(tS − λ) over S = χ_df/√df, by Gauss–Legendre.
pub fn noncentral_t_sf(t: f64, df: f64, lambda: f64) -> f64 {
    const GAUSS: [(f64, f64); 4] = [
        (0.183_434_642_495_649_8, 0.362_683_783_378_362),
        (0.525_532_409_916_329, 0.313_706_645_877_887_3),
        (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
        (0.960_289_856_497_536_2, 0.101_228_536_290_376_26),
    ];
    let mode = ((df - 1.0).max(1e-3) / df).sqrt();
    let spread = 1.0 / (2.0 * df).sqrt();
    let (low, high) = ((mode - 10.0 * spread).max(0.0), mode + 12.0 * spread);
    let log = |s: f64| (df - 1.0) * s.ln() - 0.5 * df * s * s;
    let top = log(mode);
    let (mut sum, mut mass) = (0.0, 0.0);
    let panels = 20;
    let half = (high - low) / f64::from(panels) / 2.0;
    for i in 0..panels {
        let centre = low + f64::from(2 * i + 1) * half;
        for (x, w) in GAUSS {
            for s in [centre - half * x, centre + half * x] {
                let weight = w * (log(s) - top).exp();
                mass += weight;
                sum += weight * dist::normal_sf(t * s - lambda);
            }
        }
    }
    sum / mass
}

/// Days until `units` are reached, when new units arrive as in `daily` (oldest first, repeated as it is: give whole
/// weeks), in whole weeks if asked for. Each unit counts on the day it is first seen.
pub fn duration(units: f64, daily: &[f64], whole_weeks: bool) -> Result<u64, NotEstimable> {
    if daily.iter().any(|d| !d.is_finite() || *d < 0.0) || !units.is_finite() {
        return Err(NotEstimable::not_finite(
            "the units per day hold a number that is negative or not finite",
        ));
    }
    let cycle: f64 = daily.iter().sum();
    if cycle <= 0.0 {
        return Err(NotEstimable::too_few("no units arrive on any day"));
    }
    let cycles = ((units / cycle).ceil() - 1.0).max(0.0);
    if cycles * daily.len() as f64 > 1e6 {
        return Err(NotEstimable::out_of_domain(
            format!("{units} units take more than a million days"),
            "plan for a larger effect or more traffic",
        ));
    }
    let mut days = cycles as u64 * daily.len() as u64;
    let mut reached = cycles * cycle;
    for d in daily {
        if reached >= units * (1.0 - 1e-12) && days > 0 {
            break;
        }
        reached += d;
        days += 1;
    }
    Ok(if whole_weeks { days.div_ceil(7) * 7 } else { days })
}

/// How a running comparison will likely end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionalPower {
    /// If the rest goes on as so far.
    pub current_trend: f64,
    /// If the effect is the one planned for.
    pub planned_effect: Option<f64>,
    /// If there is no effect.
    pub null: f64,
    /// Averaged over what the data leave possible (flat prior).
    pub predictive: f64,
}

/// Chance of a significant end given the effect and standard error now, at information fraction `t` of the plan.
/// `critical` replaces the normal critical value (a sequential design's last boundary).
pub fn conditional_power(
    (effect, se): (f64, f64),
    t: f64,
    planned: Option<f64>,
    alpha: f64,
    sides: Sides,
    critical: Option<f64>,
) -> Result<ConditionalPower, NotEstimable> {
    crate::estimate::check_level(1.0 - alpha)?;
    if !effect.is_finite() || !se.is_finite() || planned.is_some_and(|p| !p.is_finite()) {
        return Err(NotEstimable::not_finite(format!(
            "the effect is {effect} with standard error {se}"
        )));
    }
    if se <= 0.0 {
        return Err(NotEstimable::zero_variance(format!("the standard error is {se}")));
    }
    if !(t > 0.0 && t < 1.0) {
        return Err(NotEstimable::out_of_domain(
            format!("the information fraction is {t}"),
            "give the share of the planned information so far, between 0 and 1; at 1 read the result",
        ));
    }
    let flip = if sides == Sides::Less { -1.0 } else { 1.0 };
    let two = sides == Sides::Two;
    let c = critical.unwrap_or_else(|| dist::normal_isf(if two { alpha / 2.0 } else { alpha }));
    let z = flip * effect / se;
    let at = |mean: f64, sd: f64| {
        dist::normal_sf((c - mean) / sd) + if two { dist::normal_sf((c + mean) / sd) } else { 0.0 }
    };
    // B(t) = z√t, and the end has mean B(t) + drift·(1 − t), variance 1 − t.
    let with_drift = |drift: f64| at(z * t.sqrt() + drift * (1.0 - t), (1.0 - t).sqrt());
    Ok(ConditionalPower {
        current_trend: with_drift(z / t.sqrt()),
        planned_effect: planned.map(|p| with_drift(flip * p / (se * t.sqrt()))),
        null: with_drift(0.0),
        predictive: at(z / t.sqrt(), ((1.0 - t) / t).sqrt()),
    })
}
