//! Power of a two-sided comparison of two groups, by the normal approximation.
//!
//! **Question.** How large an effect could this comparison have found, and how many units would a given one take?
//!
//! **Estimand.** Power: the chance of p < alpha at a true difference δ. Minimum detectable effect: the δ with the wanted
//! power. Required units: the smallest control group with it.
//!
//! **Assumptions.** The estimate is near normal with a known standard error (groups of about 30 and more).
//!
//! **Formula.** With λ = δ/se and z = z₁₋α/₂: power = Φ̄(z − λ) + Φ̄(z + λ), both tails counted; λ solves it for the wanted
//! power. Means: se² = σ²(1/n_C + 1/(r·n_C)), r = n_T/n_C. Proportions: unpooled, p(1−p) per group.
//!
//! **Reference.** Cohen 1988; Fleiss, Levin & Paik 2003 (without continuity correction).
//!
//! **Golden source.** `tests/golden/make.py` (statsmodels `NormalIndPower`).

use crate::{NotEstimable, dist};

/// Chance of p < `alpha` (two-sided) when the truth is `effect` and the standard error `se` (same unit).
pub fn power(effect: f64, se: f64, alpha: f64) -> Result<f64, NotEstimable> {
    positive(se, "the standard error")?;
    inside(alpha, "alpha")?;
    if !effect.is_finite() {
        return Err(NotEstimable::not_finite(format!("the effect is {effect}")));
    }
    Ok(at(effect.abs() / se, alpha))
}

/// The smallest effect found with chance `power` at `alpha`, given the standard error of the lift; its unit.
pub fn minimum_detectable(se: f64, alpha: f64, power: f64) -> Result<f64, NotEstimable> {
    positive(se, "the standard error")?;
    Ok(se * noncentrality(alpha, power)?)
}

/// Units needed in the control to find a difference of `effect` between means of standard deviation `sd` (same unit),
/// with `ratio` treatment units per control unit. Round up; not rounded here.
pub fn required_mean(effect: f64, sd: f64, alpha: f64, power: f64, ratio: f64) -> Result<f64, NotEstimable> {
    positive(effect.abs(), "the size of the effect")?;
    positive(sd, "the standard deviation")?;
    positive(ratio, "the ratio of group sizes")?;
    let lambda = noncentrality(alpha, power)?;
    Ok((lambda * sd / effect).powi(2) * (1.0 + 1.0 / ratio))
}

/// Units needed in the control to tell a share of `treatment` from one of `control`, with `ratio` treatment units per
/// control unit. Round up; not rounded here.
pub fn required_proportion(
    control: f64,
    treatment: f64,
    alpha: f64,
    power: f64,
    ratio: f64,
) -> Result<f64, NotEstimable> {
    for (share, name) in [(control, "the control share"), (treatment, "the treatment share")] {
        if !(0.0..=1.0).contains(&share) {
            return Err(NotEstimable::out_of_domain(
                format!("{name} is {share}"),
                "give shares between 0 and 1",
            ));
        }
    }
    positive((treatment - control).abs(), "the size of the effect")?;
    positive(ratio, "the ratio of group sizes")?;
    let lambda = noncentrality(alpha, power)?;
    let variance = control * (1.0 - control) + treatment * (1.0 - treatment) / ratio;
    Ok(variance * (lambda / (treatment - control)).powi(2))
}

/// λ = effect / se at which the chance of p < alpha is `power`.
fn noncentrality(alpha: f64, power: f64) -> Result<f64, NotEstimable> {
    inside(alpha, "alpha")?;
    inside(power, "power")?;
    if power <= alpha {
        return Err(NotEstimable::out_of_domain(
            format!("power {power} is not above alpha {alpha}"),
            "ask for a power above alpha, such as 0.8",
        ));
    }
    // Power rises with λ from alpha at 0; ignoring the far tail overshoots, so the root lies at or below that.
    let (mut low, mut high) = (
        0.0,
        dist::normal_isf(alpha / 2.0) + dist::normal_quantile(power).max(0.0),
    );
    while high - low > 1e-15 * high {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if at(middle, alpha) < power {
            low = middle
        } else {
            high = middle
        }
    }
    Ok(high)
}

fn at(lambda: f64, alpha: f64) -> f64 {
    let z = dist::normal_isf(alpha / 2.0);
    dist::normal_sf(z - lambda) + dist::normal_sf(z + lambda)
}

fn positive(x: f64, what: &str) -> Result<(), NotEstimable> {
    if x.is_finite() && x > 0.0 {
        Ok(())
    } else {
        Err(NotEstimable::out_of_domain(
            format!("{what} is {x}"),
            "give a number above 0",
        ))
    }
}

fn inside(x: f64, what: &str) -> Result<(), NotEstimable> {
    if x > 0.0 && x < 1.0 {
        Ok(())
    } else {
        Err(NotEstimable::out_of_domain(
            format!("{what} is {x}"),
            "give a number between 0 and 1",
        ))
    }
}
