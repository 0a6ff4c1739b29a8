//! Two groups with one variance in common: Student's t for means, the pooled z for shares.
//!
//! **Question.** Does the treatment change a mean or a share, if all that it may change is the mean?
//!
//! **Estimand.** That of [`mod@crate::lift`].
//!
//! **Assumptions.** Means: equal variances in both groups; where they are not, and sizes differ, the test errs (take Welch).
//! Shares: those of the null hypothesis, that both are one; the interval is exact only near it.
//!
//! **Formula.** Means: s² = (ΣS_C + ΣS_T)/(n_C + n_T − 2), se = s·√(1/n_C + 1/n_T), t with n_C + n_T − 2 degrees of freedom.
//! Shares: p̄ = (x_C + x_T)/(n_C + n_T), se = √(p̄(1 − p̄)(1/n_C + 1/n_T)), normal; its square is Pearson's χ². Relative by the
//! delta method with the same variance.
//!
//! **Reference.** Student 1908; Fleiss, Levin & Paik 2003.
//!
//! **Golden source.** `tests/golden/additions.py` (scipy `ttest_ind(equal_var=True)`, statsmodels `proportions_ztest`).

use crate::lift::{Pair, single};
use crate::{Comparison, Estimate, Lift, Moments, NotEstimable, Statistic, one_sample};

/// Compares the means, or the shares, of variable `y` with one variance for both groups.
///
/// Refused as [`fn@crate::lift`]; each field on its own.
pub fn pooled(control: &Moments, treatment: &Moments, y: usize, proportion: bool, level: f64) -> Lift {
    let statistic = if proportion {
        Statistic::Proportion { y }
    } else {
        Statistic::Mean { y }
    };
    let comparison = Comparison {
        statistic,
        covariates: Vec::new(),
        level,
    };
    let found = pair(control, treatment, y, proportion);
    let absolute = found
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|p| Estimate::new(p.delta, p.delta_variance.sqrt(), p.df, p.n, level, p.method.as_str()));
    let relative = found.and_then(|p| p.relative(treatment.mean(y), level));
    Lift {
        control: single(control, &comparison),
        treatment: single(treatment, &comparison),
        absolute,
        relative,
        variance_reduction: None,
    }
}

fn pair(control: &Moments, treatment: &Moments, y: usize, proportion: bool) -> Result<Pair, NotEstimable> {
    for (name, m) in [("the control", control), ("the treatment", treatment)] {
        if y >= m.dimension() {
            return Err(NotEstimable::out_of_domain(
                format!("variable {y} is asked of moments of {} variables", m.dimension()),
                "name a variable that was measured",
            ));
        }
        if m.count() == 0 {
            return Err(NotEstimable::too_few(format!("{name} has no units")));
        }
        if !m.mean(y).is_finite() || !m.cross(y, y).is_finite() {
            return Err(NotEstimable::not_finite(format!("{name} holds NaN or infinite values")));
        }
        if proportion {
            one_sample::check_binary(m, y)?;
        }
    }
    let (n_c, n_t) = (control.count() as f64, treatment.count() as f64);
    let n = control.count() + treatment.count();
    let (variance, df, method) = if proportion {
        let share = (control.sum(y) + treatment.sum(y)) / (n_c + n_t);
        (share * (1.0 - share), None, "z, pooled")
    } else if n < 3 {
        return Err(NotEstimable::too_few(format!("{n} units leave no degrees of freedom")));
    } else {
        let df = n_c + n_t - 2.0;
        (
            (control.cross(y, y) + treatment.cross(y, y)) / df,
            Some(df),
            "student t",
        )
    };
    let ulp = 4.0 * f64::EPSILON * control.mean(y).abs().max(treatment.mean(y).abs());
    if variance <= ulp * ulp {
        return Err(NotEstimable::zero_variance("the metric has no variation in either arm"));
    }
    Ok(Pair {
        delta: treatment.mean(y) - control.mean(y),
        control: control.mean(y),
        delta_variance: variance / n_c + variance / n_t,
        control_variance: variance / n_c,
        covariance: -variance / n_c,
        df,
        n,
        method: method.into(),
    })
}
