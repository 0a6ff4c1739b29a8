//! The two answers of every method.

use serde::{Deserialize, Deserializer, Serialize};

use crate::dist;

fn unbounded_below<'de, D: Deserializer<'de>>(json: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(json)?.unwrap_or(f64::NEG_INFINITY))
}

fn unbounded_above<'de, D: Deserializer<'de>>(json: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(json)?.unwrap_or(f64::INFINITY))
}

/// A value with its uncertainty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub point: f64,
    /// Its standard error, in the unit of `point`.
    pub se: f64,
    /// Lower end of the interval; JSON null where there is none.
    #[serde(deserialize_with = "unbounded_below")]
    pub low: f64,
    /// Upper end of the interval; JSON null where there is none.
    #[serde(deserialize_with = "unbounded_above")]
    pub high: f64,
    /// Coverage of the interval, e.g. 0.95.
    pub level: f64,
    /// Degrees of freedom where the reference distribution has them.
    pub df: Option<f64>,
    /// p-value of the null that the estimand is zero (for lifts), from the survival function.
    pub p: Option<f64>,
    /// Observations used.
    pub n: u64,
    /// Method in a few words, e.g. `welch t, cuped`.
    pub method: String,
}

/// Why there is no estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Too few observations.
    TooFew,
    /// No variation.
    ZeroVariance,
    /// A ratio or relative lift over a baseline that is zero (or whose interval holds zero where that forbids it).
    ZeroBaseline,
    /// NaN or infinite input.
    NotFinite,
    /// Input outside the method's domain.
    OutOfDomain,
    /// A matrix that cannot be inverted.
    Singular,
}

/// A refusal with its reason and what would change it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("not estimable: {detail}; {fix}")]
pub struct NotEstimable {
    /// Class of reason.
    pub reason: Reason,
    /// What was found, with numbers.
    pub detail: String,
    /// What would make it estimable.
    pub fix: String,
}

impl Estimate {
    /// Interval and p-value from the t distribution with `df` degrees of freedom, or the normal where there is none.
    ///
    /// The p-value tests that the estimand is zero, and is below 1 − `level` exactly when the interval excludes zero.
    /// Refused when `level` is not inside (0, 1), a number is not finite, or `se` is not positive.
    pub fn new(
        point: f64,
        se: f64,
        df: Option<f64>,
        n: u64,
        level: f64,
        method: impl Into<String>,
    ) -> Result<Estimate, NotEstimable> {
        check_level(level)?;
        if !point.is_finite() || !se.is_finite() {
            return Err(NotEstimable::not_finite(format!(
                "the estimate is {point} with standard error {se}"
            )));
        }
        if se <= 0.0 {
            return Err(NotEstimable::zero_variance("the standard error is 0"));
        }
        if df.is_some_and(|df| df.is_nan() || df <= 0.0) {
            return Err(NotEstimable::too_few(format!(
                "{n} observations leave no degrees of freedom"
            )));
        }
        let (quantile, p) = match df {
            Some(df) => (
                dist::t_two_sided_isf(1.0 - level, df),
                dist::t_two_sided(point / se, df),
            ),
            None => (
                dist::normal_isf((1.0 - level) / 2.0),
                dist::normal_two_sided(point / se),
            ),
        };
        Ok(Estimate {
            point,
            se,
            low: point - quantile * se,
            high: point + quantile * se,
            level,
            df,
            p: Some(p),
            n,
            method: method.into(),
        })
    }

    /// The same without a p-value, for estimands where "is it zero?" is no question.
    pub fn without_p(self) -> Estimate {
        Estimate { p: None, ..self }
    }
}

/// Refuses a coverage outside (0, 1).
pub(crate) fn check_level(level: f64) -> Result<(), NotEstimable> {
    if level > 0.0 && level < 1.0 {
        Ok(())
    } else {
        Err(NotEstimable::out_of_domain(
            format!("level is {level}"),
            "give a level between 0 and 1, such as 0.95",
        ))
    }
}

impl NotEstimable {
    /// A refusal.
    pub fn new(reason: Reason, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        NotEstimable {
            reason,
            detail: detail.into(),
            fix: fix.into(),
        }
    }

    pub(crate) fn too_few(detail: impl Into<String>) -> Self {
        NotEstimable::new(Reason::TooFew, detail, "collect more observations")
    }

    pub(crate) fn zero_variance(detail: impl Into<String>) -> Self {
        let fix = "check that the metric varies between units, or wait for the first event";
        NotEstimable::new(Reason::ZeroVariance, detail, fix)
    }

    pub(crate) fn not_finite(detail: impl Into<String>) -> Self {
        NotEstimable::new(
            Reason::NotFinite,
            detail,
            "remove NaN and infinite values from the input",
        )
    }

    pub(crate) fn out_of_domain(detail: impl Into<String>, fix: impl Into<String>) -> Self {
        NotEstimable::new(Reason::OutOfDomain, detail, fix)
    }
}
