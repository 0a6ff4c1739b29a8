//! Were the arms alike before anyone was treated?
//!
//! **Question.** Did assignment go wrong (carry-over from an earlier experiment, a filter that looks at behaviour), so that
//! the arms differed already before exposure?
//!
//! **Estimand.** Differences of k pre-exposure means between treatment and control; under sound randomisation all are 0.
//!
//! **Assumptions.** Units are independent and enough for the means to be near normal.
//!
//! **Formula.** One test per variable as [`mod@crate::lift`], corrected by Holm; and jointly W = d'(S_C/n_C + S_T/n_T)⁻¹d
//! against χ² with as many degrees of freedom as variables that vary.
//!
//! **Golden source.** `tests/golden/health.py` (scipy, statsmodels, numpy).

use serde::{Deserialize, Serialize};

use crate::matrix::Matrix;
use crate::{Comparison, Estimate, Moments, NotEstimable, Reason, Statistic, dist, lift, multiplicity};

/// Balance of the arms before exposure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// Difference of each variable, treatment − control.
    pub differences: Vec<Result<Estimate, NotEstimable>>,
    /// p of each, corrected by Holm over those that could be tested.
    pub adjusted_p: Vec<Option<f64>>,
    /// Joint Wald statistic.
    pub wald: f64,
    /// Its degrees of freedom: variables that vary and do not repeat others.
    pub df: u32,
    /// p of all differences being 0.
    pub p: f64,
}

/// Tests the pre-exposure variables of two arms. Refused: unlike moments, or no variable varies.
pub fn balance(control: &Moments, treatment: &Moments, level: f64) -> Result<Balance, NotEstimable> {
    let k = control.dimension();
    if treatment.dimension() != k || k == 0 {
        return Err(NotEstimable::out_of_domain(
            format!("the control has {k} variables, the treatment {}", treatment.dimension()),
            "give the same pre-exposure variables for both",
        ));
    }
    let differences: Vec<_> = (0..k)
        .map(|y| {
            let comparison = Comparison {
                statistic: Statistic::Mean { y },
                covariates: Vec::new(),
                level,
            };
            lift(control, treatment, &comparison).absolute
        })
        .collect();
    let usable: Vec<usize> = (0..k).filter(|&i| differences[i].is_ok()).collect();
    let p_values: Vec<f64> = usable.iter().filter_map(|&i| differences[i].as_ref().ok()?.p).collect();
    let holm = multiplicity::holm(&p_values)?;
    let mut adjusted_p = vec![None; k];
    usable.iter().zip(holm).for_each(|(&i, p)| adjusted_p[i] = Some(p));

    let covariance = |i: usize, j: usize| {
        let of = |m: &Moments| m.cross(i, j) / (m.count() as f64 - 1.0) / m.count() as f64;
        of(control) + of(treatment)
    };
    let mut kept = usable;
    let (inverse, d) = loop {
        if kept.is_empty() {
            let first = differences.iter().find_map(|d| d.as_ref().err().cloned());
            return Err(first.unwrap_or_else(|| {
                NotEstimable::new(
                    Reason::ZeroVariance,
                    "no variable varies",
                    "give variables that vary between units",
                )
            }));
        }
        let mut s = Matrix::zeros(kept.len(), kept.len());
        for (a, &i) in kept.iter().enumerate() {
            for (b, &j) in kept.iter().enumerate() {
                s[(a, b)] = covariance(i, j);
            }
        }
        match s.inverse_spd() {
            Ok(inverse) => {
                let d: Vec<f64> = kept.iter().map(|&i| treatment.mean(i) - control.mean(i)).collect();
                break (inverse, d);
            }
            // A variable that repeats others adds nothing to the joint test.
            Err(j) => {
                kept.remove(j);
            }
        }
    };
    let wald = inverse.form(&d, &d);
    Ok(Balance {
        differences,
        adjusted_p,
        wald,
        df: kept.len() as u32,
        p: dist::chi_square_sf(wald, kept.len() as f64),
    })
}
