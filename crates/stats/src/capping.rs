//! Means of capped values (winsorised), and trimmed means: comparisons that a few huge units cannot decide.
//!
//! **Question.** What does the treatment do to the mean once extreme values are pulled in?
//!
//! **Estimand.** The difference of means of min(max(y, low), high), with both limits the same in all arms: another
//! quantity than the difference of uncapped means, with less noise. [`trimmed`]: the difference of means of the values
//! between the g-th smallest and largest.
//!
//! **Assumptions.** As [`mod@crate::lift`]; percentile limits are taken over all arms together, so that under the null
//! they are the same random number for each.
//!
//! **Formula.** Limits are given, or are sample quantiles (type 7) of the pooled values, of those other than 0 if zeros are
//! left out (a cap at the 99th percentile of buyers, not of visitors); then Welch. Trimmed: g = ⌊trim·n⌋ off each end,
//! variance (n−1)s²_w/(h(h−1)) with s²_w of the winsorised values and h = n − 2g; Welch–Satterthwaite on h.
//!
//! **Reference.** Yuen 1974; Tukey & McLaughlin 1963.
//!
//! **Golden source.** `tests/golden/metrics.py` (numpy, scipy `ttest_ind` with and without `trim`).

use serde::{Deserialize, Serialize};

use crate::{Comparison, Estimate, Lift, Moments, NotEstimable, Reason, Statistic, lift, quantile};

/// Where values are pulled in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// At values in the metric's unit.
    Absolute {
        /// Values below become this.
        low: Option<f64>,
        /// Values above become this.
        high: Option<f64>,
    },
    /// At percentiles of all arms together, in (0, 1).
    Percentile {
        /// Such as 0.01.
        low: Option<f64>,
        /// Such as 0.99.
        high: Option<f64>,
        /// Percentiles of values other than 0.
        ignore_zeros: bool,
    },
}

/// Capped arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capped {
    /// Lower limit used, in the metric's unit.
    pub low: Option<f64>,
    /// Upper limit used.
    pub high: Option<f64>,
    /// Values that were moved, by arm.
    pub moved: Vec<u64>,
    /// Moments of the capped values, by arm; one variable.
    pub arms: Vec<Moments>,
}

/// A comparison of capped means beside the uncapped one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CappedLift {
    /// Limits and what they moved; the control is arm 0.
    pub cap: Capped,
    /// Of capped means.
    pub capped: Lift,
    /// Of the values as they are.
    pub raw: Lift,
}

/// Caps all arms alike. Refused: values that are not finite, limits out of order or domain, no values (or none other than
/// 0) to take a percentile of.
pub fn cap(arms: &[&[f64]], cap: Cap) -> Result<Capped, NotEstimable> {
    for (a, values) in arms.iter().enumerate() {
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(NotEstimable::not_finite(format!(
                "value {i} of arm {a} is {}",
                values[i]
            )));
        }
    }
    let (low, high) = match cap {
        Cap::Absolute { low, high } => (low, high),
        Cap::Percentile {
            low,
            high,
            ignore_zeros,
        } => {
            if let Some(q) = [low, high].into_iter().flatten().find(|q| !(*q > 0.0 && *q < 1.0)) {
                return Err(NotEstimable::out_of_domain(
                    format!("the percentile is {q}"),
                    "give percentiles between 0 and 1, such as 0.99",
                ));
            }
            let all = arms.iter().flat_map(|values| values.iter().copied());
            let mut pooled: Vec<f64> = all.filter(|v| !ignore_zeros || *v != 0.0).collect();
            if pooled.is_empty() {
                return Err(NotEstimable::new(
                    Reason::TooFew,
                    "there is no value to take a percentile of",
                    "wait for the first value other than 0, or cap at an absolute value",
                ));
            }
            pooled.sort_by(f64::total_cmp);
            let at = |q: f64| quantile::sample(&pooled, q);
            (low.map(at), high.map(at))
        }
    };
    if [low, high].into_iter().flatten().any(|v| !v.is_finite()) || low.zip(high).is_some_and(|(l, h)| l > h) {
        return Err(NotEstimable::out_of_domain(
            format!("the limits are {low:?} and {high:?}"),
            "give finite limits, the lower one first",
        ));
    }
    let (mut moved, mut moments) = (Vec::new(), Vec::new());
    for values in arms {
        let mut m = Moments::empty(1);
        let mut count = 0;
        for v in *values {
            let pulled = v
                .max(low.unwrap_or(f64::NEG_INFINITY))
                .min(high.unwrap_or(f64::INFINITY));
            count += u64::from(pulled != *v);
            m.push(&[pulled]);
        }
        moved.push(count);
        moments.push(m);
    }
    Ok(Capped {
        low,
        high,
        moved,
        arms: moments,
    })
}

/// Capped means of treatment and control, and the uncapped ones; refused as [`cap`].
pub fn capped_lift(control: &[f64], treatment: &[f64], limits: Cap, level: f64) -> Result<CappedLift, NotEstimable> {
    let capped = cap(&[control, treatment], limits)?;
    let plain = cap(&[control, treatment], Cap::Absolute { low: None, high: None })?;
    let comparison = Comparison {
        statistic: Statistic::Mean { y: 0 },
        covariates: Vec::new(),
        level,
    };
    Ok(CappedLift {
        capped: lift(&capped.arms[0], &capped.arms[1], &comparison),
        raw: lift(&plain.arms[0], &plain.arms[1], &comparison),
        cap: capped,
    })
}

/// Yuen's test: difference of means after taking the share `trim` (in [0, 0.5)) off each end of each arm.
pub fn trimmed(control: &[f64], treatment: &[f64], trim: f64, level: f64) -> Result<Estimate, NotEstimable> {
    if !(0.0..0.5).contains(&trim) {
        return Err(NotEstimable::out_of_domain(
            format!("the trimmed share is {trim}"),
            "give a share from 0 to below 0.5, such as 0.2",
        ));
    }
    cap(&[control, treatment], Cap::Absolute { low: None, high: None })?;
    let arm = |values: &[f64], name: &str| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let off = (trim * sorted.len() as f64).floor() as usize;
        let kept = sorted.len() - 2 * off;
        if kept < 2 {
            return Err(NotEstimable::too_few(format!(
                "{kept} values of the {name} are left after trimming"
            )));
        }
        let mut middle = Moments::empty(1);
        sorted[off..off + kept].iter().for_each(|v| middle.push(&[*v]));
        let mut pulled = Moments::empty(1);
        let (low, high) = (sorted[off], sorted[off + kept - 1]);
        sorted.iter().for_each(|v| pulled.push(&[v.clamp(low, high)]));
        let h = kept as f64;
        Ok((middle.mean(0), pulled.cross(0, 0) / (h * (h - 1.0)), h))
    };
    let (c, t) = (arm(control, "control")?, arm(treatment, "treatment")?);
    let variance = c.1 + t.1;
    let df = variance * variance / (c.1 * c.1 / (c.2 - 1.0) + t.1 * t.1 / (t.2 - 1.0));
    let n = (control.len() + treatment.len()) as u64;
    let method = format!("yuen t, {trim} trimmed");
    // Two constant arms leave 0/0 degrees of freedom; the refusal should name the missing variance.
    let df = if variance > 0.0 { df } else { 1.0 };
    Estimate::new(t.0 - c.0, variance.sqrt(), Some(df), n, level, method)
}
