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
//! noncentral t for `t`; crossing chances with looks.
//! Pooled: Φ̄((c·se₀ − shift)/se), se₀ of the mean share in both arms; arcsine: shift and error of 2·asin √p. Other rules:
//! [`crate::rule`]. Non-inferiority: shift = effect + margin.
//!
//! **Reference.** Cohen 1988; Donner & Klar 2000; Eldridge, Ashby & Kerry 2006; Jennison & Turnbull 2000; Deng, Xu, Kohavi
//! & Walker 2013.
//!
//! **Golden source.** `tests/golden/design.py` (statsmodels `NormalIndPower`, `TTestIndPower`; the recursion of
//! `sequential.py`), `rates.py` (statsmodels `power_proportions_2indep`, `proportion_effectsize`).

use serde::{Deserialize, Serialize};

use crate::group_sequential::{self, Sides, Spending, increasing};
use crate::rule::{Deciding, Rule};
use crate::{NotEstimable, Reason, dist, dunnett};

pub use crate::noncentral::noncentral_t_sf;
pub use crate::running::{ConditionalPower, conditional_power, duration};

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
    /// Normal with the null's pooled variance for the critical value and the alternative's for the rest: shares only.
    Pooled,
    /// Normal on the scale 2·asin √p, where the variance is 1 per unit: shares only.
    Arcsine,
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
    /// The rule that decides, where it is neither one test nor planned looks.
    #[serde(default)]
    pub rule: Option<Rule>,
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
            rule: None,
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

    /// The same under the null, both arms having the mean share.
    fn pooled_se(&self, n: f64, effect: f64) -> f64 {
        let p = self.baseline() + effect * self.ratio / (1.0 + self.ratio);
        let factor = self.design_effect() * (1.0 - self.variance_reduction);
        (factor * p * (1.0 - p) * (1.0 + 1.0 / self.ratio) / n).sqrt()
    }

    /// Of the difference of 2·asin √p.
    fn arcsine_se(&self, n: f64) -> f64 {
        (self.design_effect() * (1.0 - self.variance_reduction) * (1.0 + 1.0 / self.ratio) / n).sqrt()
    }

    fn shift_arcsine(&self, effect: f64) -> f64 {
        let angle = |p: f64| 2.0 * p.clamp(0.0, 1.0).sqrt().asin();
        let h = angle(self.baseline() + effect) - angle(self.baseline());
        match self.sides {
            Sides::Two => h.abs(),
            Sides::Greater => h,
            Sides::Less => -h,
        }
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
        let n = increasing(
            |log| prepared.at(effect, log.exp()),
            power,
            f64::max(low, 1e-3).ln(),
            f64::ln(high),
        )
        .exp();
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
        let chance = |size: f64| Ok::<f64, NotEstimable>(self.prepared(sign * size)?.at(sign * size, n));
        let mut high = self.se(n, 0.0).min(most);
        let mut low = 0.0;
        while chance(high)? < power {
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
        // Scaled to the bracket: the search ends at 1e-12 of it.
        let found = increasing(|part| chance(part * high).unwrap_or(f64::NAN), power, low / high, 1.0);
        Ok(sign * found * high)
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
        let deciding = match &self.rule {
            None => None,
            Some(rule) => {
                let deciding = Deciding {
                    rule: rule.clone(),
                    alpha,
                    sides: self.sides,
                };
                deciding.critical(1.0)?;
                Some(deciding)
            }
        };
        Ok(Prepared {
            plan: self,
            alpha,
            looks,
            deciding,
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
        if (self.looks.is_some() || self.rule.is_some()) && self.test != Test::Z {
            return Err(NotEstimable::out_of_domain(
                "looks, or a rule other than one test, are asked for with another test than z",
                "plan them with the z test",
            ));
        }
        if self.looks.is_some() && self.rule.is_some() {
            return Err(NotEstimable::out_of_domain(
                "both planned looks and another rule are asked for",
                "give information fractions or a rule",
            ));
        }
        let of_shares = matches!(self.test, Test::Pooled | Test::Arcsine);
        if of_shares && (!matches!(self.metric, Metric::Proportion { .. }) || self.margin > 0.0) {
            return Err(NotEstimable::out_of_domain(
                "the pooled and the arcsine test are of shares, and without a margin",
                "give a proportion and no margin, or take z",
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
    deciding: Option<Deciding>,
}

impl Prepared<'_> {
    fn at(&self, effect: f64, n: f64) -> f64 {
        let plan = self.plan;
        let lambda = plan.shift(effect) / plan.se(n, effect);
        let two = plan.sides == Sides::Two;
        if let Some(deciding) = &self.deciding {
            return deciding
                .power(plan.shift(effect).max(0.0), plan.se(n, effect))
                .unwrap_or(f64::NAN);
        }
        if let Some((fractions, z)) = &self.looks {
            return group_sequential::crossing(fractions, z, two, lambda).iter().sum();
        }
        let tail = if two { self.alpha / 2.0 } else { self.alpha };
        match plan.test {
            Test::Z => {
                let z = dist::normal_isf(tail);
                dist::normal_sf(z - lambda) + if two { dist::normal_sf(z + lambda) } else { 0.0 }
            }
            Test::Pooled => {
                let z = dist::normal_isf(tail) * plan.pooled_se(n, effect);
                let (shift, se) = (plan.shift(effect), plan.se(n, effect));
                dist::normal_sf((z - shift) / se) + if two { dist::normal_sf((z + shift) / se) } else { 0.0 }
            }
            Test::Arcsine => {
                let lambda = plan.shift_arcsine(effect) / plan.arcsine_se(n);
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
