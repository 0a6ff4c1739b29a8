//! Treatment against control: absolute and relative lifts of means, proportions and ratios, with CUPED.
//!
//! **Question.** How much does the treatment change a metric, and how sure are we?
//!
//! **Estimand.** Absolute: θ_T − θ_C, where θ is a mean per unit, a share, or a ratio of sums. Relative:
//! (θ_T − θ_C) / |θ_C|, so that a rise from a negative baseline is positive.
//!
//! **Assumptions.** Units are independent and randomised; enough of them for the mean (and for ratios and relative
//! lifts the delta method) to be near normal; covariates were measured before the treatment.
//!
//! **Layout.** Variables of [`Moments`] are numbered by the caller; the experiments room uses `[y, x…]` for a mean with
//! covariates x and `[num, den, num_pre, den_pre, …]` for a ratio.
//!
//! **Formula.**
//! - *Mean*: Welch's t, Var = s²_C/n_C + s²_T/n_T, degrees of freedom of Welch–Satterthwaite.
//! - *Proportion*: z with the unpooled variance p(1−p)/n, for interval and p-value alike, so that the two agree. With
//!   covariates the mean path is taken.
//! - *Ratio*: unit scores (a − R·b)/b̄ have the delta-method variance of R; then as the mean.
//! - *CUPED*: θ is replaced by θ − β'(x̄ − x̄_pooled), with β the within-arm regression of y on x pooled over arms,
//!   β = (ΣS_xx)⁻¹ ΣS_xy, so the lift is that of an analysis of covariance; x̄_pooled is over both arms. For a ratio,
//!   x is the pre-period ratio and S the cross-products of scores. Variances are those at fixed β (divisor n − 1). A
//!   covariate that does not vary, or repeats others, is left out. [`lift_with`] takes β from both arms as one sample
//!   instead (the textbook's θ = Cov(y, x)/Var(x), as gbstats has it), or as given.
//! - *Relative*: δ/|C| with Var = (Var δ − 2(δ/C)·Cov(δ, C) + (δ/C)²·Var C)/C², where Cov(δ, C) and Var C are those of
//!   the adjusted control, including the share of both arms in x̄_pooled; degrees of freedom of the absolute lift. Refused
//!   when the control is 0 or within one standard error of it: there not even the sign of the baseline is known.
//!
//! **Reference.** Welch 1947; Deng, Xu, Kohavi & Walker 2013 (CUPED); Deng, Knoblich & Lu 2018 (delta method).
//!
//! **Golden source.** `tests/golden/make.py` (scipy, statsmodels).

use serde::{Deserialize, Serialize};

use crate::linear::{Factor, Linear, linearize};
use crate::{Estimate, Moments, NotEstimable, Reason, one_sample};

/// Which quantity of a unit-level sample is compared; numbers index variables of [`Moments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Mean per unit.
    Mean {
        /// The variable.
        y: usize,
    },
    /// Share of units with value 1 (the variable is 0 or 1).
    Proportion {
        /// The variable.
        y: usize,
    },
    /// Sum over sum, delta method over units.
    Ratio {
        /// Variable above.
        numerator: usize,
        /// Variable below.
        denominator: usize,
    },
}

/// How two arms are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What.
    pub statistic: Statistic,
    /// Pre-period covariates for CUPED; for a ratio, pairs (numerator, denominator) linearised alike. Empty: raw.
    pub covariates: Vec<usize>,
    /// Coverage of the interval, e.g. 0.95.
    pub level: f64,
}

/// The comparison of one treatment with the control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lift {
    /// Value in the control.
    pub control: Result<Estimate, NotEstimable>,
    /// Value in the treatment.
    pub treatment: Result<Estimate, NotEstimable>,
    /// Treatment − control.
    pub absolute: Result<Estimate, NotEstimable>,
    /// (Treatment − control) / |control|.
    pub relative: Result<Estimate, NotEstimable>,
    /// 1 − Var(adjusted)/Var(raw) of the absolute lift, with covariates.
    pub variance_reduction: Option<f64>,
}

/// Where the coefficients of covariates come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slopes {
    /// Regression within the arms, cross-products summed over them: the lift is that of an analysis of covariance.
    #[default]
    Within,
    /// Regression over both arms as one sample, differences between the arms included.
    Pooled,
    /// Known beforehand, one per covariate.
    Given(Vec<f64>),
}

/// A comparison with what only an adjusted one has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdjustedLift {
    /// The comparison.
    pub lift: Lift,
    /// β of each covariate; 0 for those left out.
    pub slopes: Vec<f64>,
    /// The adjusted lift over |control without adjustment|.
    pub relative_to_raw: Result<Estimate, NotEstimable>,
}

/// Compares a treatment with the control, with the coefficients asked for. Refused as a whole: slopes given that are not
/// one finite number per covariate.
pub fn lift_with(
    control: &Moments,
    treatment: &Moments,
    comparison: &Comparison,
    slopes: &Slopes,
) -> Result<AdjustedLift, NotEstimable> {
    if let Slopes::Given(values) = slopes {
        let wanted = match comparison.statistic {
            Statistic::Ratio { .. } => comparison.covariates.len() / 2,
            _ => comparison.covariates.len(),
        };
        if values.len() != wanted || values.iter().any(|b| !b.is_finite()) {
            return Err(NotEstimable::out_of_domain(
                format!("{wanted} covariates have the coefficients {values:?}"),
                "give one finite coefficient per covariate",
            ));
        }
    }
    Ok(match compare(control, treatment, comparison, slopes) {
        Ok(found) => AdjustedLift {
            lift: found.lift,
            slopes: found.slopes,
            relative_to_raw: found.relative_to_raw,
        },
        Err(refusal) => AdjustedLift {
            lift: refused(control, treatment, comparison, &refusal),
            slopes: Vec::new(),
            relative_to_raw: Err(refusal),
        },
    })
}

/// Compares a treatment with the control.
///
/// Each field is refused on its own: two arms that never vary still have no interval, but a zero baseline forbids the
/// relative lift only.
pub fn lift(control: &Moments, treatment: &Moments, comparison: &Comparison) -> Lift {
    match compare(control, treatment, comparison, &Slopes::Within) {
        Ok(found) => found.lift,
        Err(refusal) => refused(control, treatment, comparison, &refusal),
    }
}

fn refused(control: &Moments, treatment: &Moments, comparison: &Comparison, refusal: &NotEstimable) -> Lift {
    Lift {
        control: single(control, comparison),
        treatment: single(treatment, comparison),
        absolute: Err(refusal.clone()),
        relative: Err(refusal.clone()),
        variance_reduction: None,
    }
}

/// What a comparison is made of: the absolute lift and the adjusted control, with their joint variance.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// Treatment − control.
    pub delta: f64,
    /// The control's value.
    pub control: f64,
    /// Variance of `delta`.
    pub delta_variance: f64,
    /// Variance of `control`.
    pub control_variance: f64,
    /// Covariance of the two.
    pub covariance: f64,
    /// Degrees of freedom; `None` for the normal.
    pub df: Option<f64>,
    /// Units in both arms.
    pub n: u64,
    /// Method in a few words.
    pub method: String,
}

/// The parts of a comparison, for other intervals than those of [`lift`].
pub(crate) fn pair(control: &Moments, treatment: &Moments, comparison: &Comparison) -> Result<Pair, NotEstimable> {
    compare(control, treatment, comparison, &Slopes::Within).map(|found| found.pair)
}

/// One arm without adjustment.
pub(crate) fn single(m: &Moments, comparison: &Comparison) -> Result<Estimate, NotEstimable> {
    match comparison.statistic {
        Statistic::Mean { y } => one_sample::mean(m, y, comparison.level),
        Statistic::Proportion { y } => one_sample::proportion(m, y, comparison.level),
        Statistic::Ratio { numerator, denominator } => one_sample::ratio(m, numerator, denominator, comparison.level),
    }
}

/// All that a comparison says.
struct Compared {
    lift: Lift,
    pair: Pair,
    slopes: Vec<f64>,
    relative_to_raw: Result<Estimate, NotEstimable>,
}

fn compare(
    control: &Moments,
    treatment: &Moments,
    comparison: &Comparison,
    slopes: &Slopes,
) -> Result<Compared, NotEstimable> {
    crate::estimate::check_level(comparison.level)?;
    let c = linearize(control, comparison, "the control")?;
    let t = linearize(treatment, comparison, "the treatment")?;
    let proportion = match comparison.statistic {
        Statistic::Proportion { y } => {
            one_sample::check_binary(control, y)?;
            one_sample::check_binary(treatment, y)?;
            comparison.covariates.is_empty()
        }
        _ => false,
    };
    let beta = coefficients(&c, &t, slopes);
    let share = pooled_share(control, treatment, comparison);
    // Weights on (statistic, covariates) of each arm's scores, for δ and for the adjusted control.
    let minus_beta: Vec<f64> = [1.0].into_iter().chain(beta.values.iter().map(|b| -b)).collect();
    let control_own: Vec<f64> = [1.0]
        .into_iter()
        .chain(beta.values.iter().zip(&share).map(|(b, w)| -b * w))
        .collect();
    let control_other: Vec<f64> = [0.0]
        .into_iter()
        .chain(beta.values.iter().zip(&share).map(|(b, w)| b * w))
        .collect();
    let treatment_own: Vec<f64> = [1.0]
        .into_iter()
        .chain(beta.values.iter().zip(&share).map(|(b, w)| -b * (1.0 - w)))
        .collect();
    let treatment_other: Vec<f64> = [0.0]
        .into_iter()
        .chain(beta.values.iter().zip(&share).map(|(b, w)| b * (1.0 - w)))
        .collect();

    // Unpooled binomial variance has divisor n, sample variances n − 1.
    let scale = |arm: &Linear| {
        if proportion {
            (arm.n as f64 - 1.0) / arm.n as f64
        } else {
            1.0
        }
    };
    let (scale_c, scale_t) = (scale(&c), scale(&t));
    let (var_c, var_t) = (c.variance(&minus_beta) * scale_c, t.variance(&minus_beta) * scale_t);
    if is_rounding(&c, var_c) && is_rounding(&t, var_t) {
        return Err(NotEstimable::zero_variance("the metric has no variation in either arm"));
    }
    let variance = var_c + var_t;
    let satterthwaite = variance * variance / (var_c * var_c / (c.n as f64 - 1.0) + var_t * var_t / (t.n as f64 - 1.0));
    let df = (!proportion).then_some(satterthwaite);
    let n = c.n + t.n;

    let imbalance: f64 = beta.imbalance(&c, &t).iter().sum();
    let shift: f64 = beta.imbalance(&c, &t).iter().zip(&share).map(|(d, w)| d * w).sum();
    // imbalance = β'(x̄_T − x̄_C); the control moves by its share up, the treatment by the rest down.
    let value_c = c.values[0] + shift;
    let value_t = t.values[0] - (imbalance - shift);
    let delta = (t.values[0] - c.values[0]) - imbalance;

    let test = if proportion { "z, unpooled" } else { "welch t" };
    let kind = match comparison.statistic {
        Statistic::Ratio { .. } => ", ratio by delta method",
        _ => "",
    };
    let method = format!("{test}{kind}{}", beta.describe());
    let absolute = Estimate::new(delta, variance.sqrt(), df, n, comparison.level, method.as_str());

    let baseline_variance = c.variance(&control_own) * scale_c + t.variance(&control_other) * scale_t;
    let covariance =
        t.covariance(&minus_beta, &control_other) * scale_t - c.covariance(&minus_beta, &control_own) * scale_c;
    let pair = Pair {
        delta,
        control: value_c,
        delta_variance: variance,
        control_variance: baseline_variance,
        covariance,
        df,
        n,
        method: method.clone(),
    };
    let relative = pair.relative(value_t, comparison.level);
    // The raw control moves with the lift through its own arm alone.
    let raw_baseline = {
        let mut raw = vec![0.0; minus_beta.len()];
        raw[0] = 1.0;
        Pair {
            control: c.values[0],
            control_variance: c.variance(&raw) * scale_c,
            covariance: -c.covariance(&minus_beta, &raw) * scale_c,
            method: format!("{method}, over the control without adjustment"),
            ..pair.clone()
        }
    };
    let relative_to_raw = raw_baseline.relative(t.values[0], comparison.level);

    let (arm_c, arm_t, reduction) = if comparison.covariates.is_empty() {
        (single(control, comparison), single(treatment, comparison), None)
    } else {
        let arm = |value: f64, variance: f64, own: &Linear| {
            let df = own.n as f64 - 1.0;
            let label = format!("t{kind}{}", beta.describe());
            Estimate::new(value, variance.sqrt(), Some(df), own.n, comparison.level, label).map(Estimate::without_p)
        };
        let raw = {
            let mut weights = vec![0.0; minus_beta.len()];
            weights[0] = 1.0;
            c.variance(&weights) + t.variance(&weights)
        };
        let treatment_variance = t.variance(&treatment_own) + c.variance(&treatment_other);
        (
            arm(value_c, baseline_variance, &c),
            arm(value_t, treatment_variance, &t),
            (raw > 0.0).then(|| 1.0 - variance / raw),
        )
    };
    let lift = Lift {
        control: arm_c,
        treatment: arm_t,
        absolute,
        relative,
        variance_reduction: reduction,
    };
    Ok(Compared {
        lift,
        pair,
        slopes: beta.values,
        relative_to_raw,
    })
}

impl Pair {
    /// δ/|C| by the delta method; `treatment` is the treatment's value.
    pub(crate) fn relative(&self, treatment: f64, level: f64) -> Result<Estimate, NotEstimable> {
        let refused = |detail: String| {
            let fix = "read the absolute lift, or wait until the control is away from 0";
            Err(NotEstimable::new(Reason::ZeroBaseline, detail, fix))
        };
        let value = self.control;
        if value.abs() <= f64::EPSILON * treatment.abs() || value == 0.0 {
            return refused(format!("the control is {value}"));
        }
        if value * value <= self.control_variance {
            let se = self.control_variance.sqrt();
            return refused(format!("the control {value} is within one standard error ({se}) of 0"));
        }
        let ratio = self.delta / value;
        let spread = self.delta_variance - 2.0 * ratio * self.covariance + ratio * ratio * self.control_variance;
        Estimate::new(
            self.delta / value.abs(),
            spread.max(0.0).sqrt() / value.abs(),
            self.df,
            self.n,
            level,
            format!("{}, relative by delta method", self.method),
        )
    }
}

/// Whether a variance of a mean is what rounding leaves of a constant.
fn is_rounding(arm: &Linear, variance: f64) -> bool {
    let ulp = 4.0 * f64::EPSILON * arm.values[0].abs();
    variance * arm.n as f64 <= ulp * ulp
}

/// Coefficients of the covariates, 0 for those left out.
struct Beta {
    values: Vec<f64>,
    used: usize,
}

impl Beta {
    /// βⱼ·(x̄ⱼ_T − x̄ⱼ_C) of each covariate.
    fn imbalance(&self, c: &Linear, t: &Linear) -> Vec<f64> {
        let difference = |j: usize, b: f64| {
            if b == 0.0 {
                0.0
            } else {
                b * (t.values[j + 1] - c.values[j + 1])
            }
        };
        self.values.iter().enumerate().map(|(j, &b)| difference(j, b)).collect()
    }

    fn describe(&self) -> String {
        match (self.values.len(), self.used) {
            (0, _) => String::new(),
            (_, 0) => ", covariates without variation".into(),
            (1, _) => ", cuped".into(),
            (all, used) if all == used => format!(", cuped with {used} covariates"),
            (all, used) => format!(", cuped with {used} of {all} covariates"),
        }
    }
}

/// Regression of the statistic's scores on the covariates', cross-products summed over arms; those between the arms too,
/// if they are one sample.
fn coefficients(c: &Linear, t: &Linear, slopes: &Slopes) -> Beta {
    if let Slopes::Given(values) = slopes {
        return Beta {
            values: values.clone(),
            used: values.iter().filter(|b| **b != 0.0).count(),
        };
    }
    let k = c.values.len() - 1;
    let defined = |j: usize| c.values[j + 1].is_finite() && t.values[j + 1].is_finite();
    let between = match slopes {
        Slopes::Pooled => c.n as f64 * t.n as f64 / (c.n + t.n) as f64,
        _ => 0.0,
    };
    let gap = |i: usize| t.values[i] - c.values[i];
    let sum = |i: usize, j: usize| {
        let apart = if between > 0.0 { between * gap(i) * gap(j) } else { 0.0 };
        c.cross[i][j] + t.cross[i][j] + apart
    };
    let matrix: Vec<Vec<f64>> = (0..k)
        .map(|i| {
            (0..k)
                .map(|j| {
                    if defined(i) && defined(j) {
                        sum(i + 1, j + 1)
                    } else {
                        0.0
                    }
                })
                .collect()
        })
        .collect();
    let right: Vec<f64> = (0..k).map(|i| if defined(i) { sum(i + 1, 0) } else { 0.0 }).collect();
    let factor = Factor::new(&matrix);
    let (values, used) = (factor.solve(&right), factor.rank());
    Beta { values, used }
}

/// The treatment's share in the pooled value of each covariate: of units for a mean, of the denominator for a ratio.
fn pooled_share(control: &Moments, treatment: &Moments, comparison: &Comparison) -> Vec<f64> {
    let share = |c: f64, t: f64| if c + t != 0.0 { t / (c + t) } else { 0.0 };
    match comparison.statistic {
        Statistic::Mean { .. } | Statistic::Proportion { .. } => {
            vec![share(control.count() as f64, treatment.count() as f64); comparison.covariates.len()]
        }
        Statistic::Ratio { .. } => {
            let pairs = comparison.covariates.chunks_exact(2);
            pairs
                .map(|pair| share(control.sum(pair[1]), treatment.sum(pair[1])))
                .collect()
        }
    }
}
