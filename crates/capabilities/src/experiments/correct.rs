//! Corrections for several comparisons: adjusted p-values, by family, and the error at which each single comparison was
//! judged, so that its interval can be shown at that level.

use std::collections::BTreeMap;

use steward_stats::group_sequential::Sides;
use steward_stats::{NotEstimable, dunnett, gatekeeping, multiplicity};

use super::readout::Role;

/// One comparison to be corrected.
pub struct Compared {
    /// Metric.
    pub metric: String,
    /// Part that it plays.
    pub role: Role,
    /// p-value by itself.
    pub p: f64,
    /// Effect, standard error and units, with the variance of the shared control's value: for Dunnett's test.
    pub effect: Option<Effect>,
}

/// What Dunnett's test needs of one comparison.
#[derive(Clone, Copy)]
pub struct Effect {
    /// Treatment − control.
    pub point: f64,
    /// Its standard error.
    pub se: f64,
    /// Degrees of freedom.
    pub df: Option<f64>,
    /// Units.
    pub n: u64,
    /// Variance of the control's part.
    pub control_variance: f64,
}

/// A corrected comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corrected {
    /// Adjusted p-value.
    pub p: f64,
    /// Error at which the comparison by itself was judged: its interval at this level excludes 0 exactly when the
    /// adjusted p-value is below alpha. `None` where so many standard errors are used instead.
    pub own_alpha: f64,
    /// Standard errors of the interval, where no error says it (Dunnett).
    pub critical: Option<f64>,
}

/// Corrects comparisons by `method`; those outside its families stay as they are (`None`).
pub fn correct(
    method: &str,
    alpha: f64,
    sides: Sides,
    all: &[Compared],
) -> Result<Vec<Option<Corrected>>, NotEstimable> {
    let mut out = vec![None; all.len()];
    let at = |role: Role| (0..all.len()).filter(move |&i| all.get(i).is_some_and(|c| c.role == role));
    let p_of = |at: &[usize]| -> Vec<f64> { at.iter().filter_map(|&i| Some(all.get(i)?.p)).collect() };
    let mut put = |at: &[usize], adjusted: &[f64], least: f64| {
        let p = p_of(at);
        for ((&i, &q), p) in at.iter().zip(adjusted).zip(p) {
            // p < alpha·p/q exactly when q < alpha. A p of 0 leaves only the strictest step.
            let own = if q > 0.0 { alpha * p / q } else { least };
            if let Some(slot) = out.get_mut(i) {
                *slot = Some(Corrected {
                    p: q,
                    own_alpha: if p == 0.0 && q < alpha { least } else { own.min(alpha) },
                    critical: None,
                });
            }
        }
    };
    let primary: Vec<usize> = at(Role::Primary).collect();
    if primary.is_empty() {
        return Ok(out);
    }
    let m = primary.len() as f64;
    let p = p_of(&primary);
    match method {
        "none" => put(&primary, &p, alpha),
        "bonferroni" => put(&primary, &multiplicity::bonferroni(&p)?, alpha / m),
        "benjamini-hochberg" => {
            let adjusted = multiplicity::benjamini_hochberg(&p)?;
            let rejected = adjusted.iter().filter(|q| **q < alpha).count().max(1) as f64;
            // The false coverage rate of the rejected is alpha when each is at alpha·R/m.
            put(&primary, &adjusted, alpha / m);
            for &i in &primary {
                if let Some(Some(c)) = out.get_mut(i) {
                    c.own_alpha = alpha * rejected / m;
                }
            }
        }
        "gatekeeping" => {
            let families: Vec<Vec<usize>> = [Role::Primary, Role::Secondary, Role::Guardrail]
                .into_iter()
                .map(|role| at(role).collect::<Vec<_>>())
                .filter(|f| !f.is_empty())
                .collect();
            let adjusted = gatekeeping::serial(&families.iter().map(|f| p_of(f)).collect::<Vec<_>>())?;
            for (family, adjusted) in families.iter().zip(&adjusted) {
                put(family, adjusted, alpha / family.len() as f64);
            }
        }
        "dunnett" => return many_arms(alpha, sides, all, &primary),
        _ => put(&primary, &multiplicity::holm(&p)?, alpha / m),
    }
    Ok(out)
}

/// Dunnett's test over the treatments of each metric, Bonferroni over metrics.
fn many_arms(
    alpha: f64,
    sides: Sides,
    all: &[Compared],
    primary: &[usize],
) -> Result<Vec<Option<Corrected>>, NotEstimable> {
    let mut out = vec![None; all.len()];
    let mut metrics: BTreeMap<&str, Vec<(usize, Effect)>> = BTreeMap::new();
    for &i in primary {
        if let Some(c) = all.get(i)
            && let Some(effect) = c.effect
        {
            metrics.entry(&c.metric).or_default().push((i, effect));
        }
    }
    let m = metrics.len() as f64;
    for arms in metrics.values() {
        let effects: Vec<(f64, f64, u64)> = arms.iter().map(|(_, e)| (e.point, e.se, e.n)).collect();
        // The least of the degrees of freedom is conservative; so is the least variance of the control.
        let df = arms.iter().filter_map(|(_, e)| e.df).reduce(f64::min);
        let control = arms
            .iter()
            .map(|(_, e)| e.control_variance)
            .fold(f64::INFINITY, f64::min);
        let found = dunnett::many_to_one(&effects, control, df, 1.0 - alpha / m, sides)?;
        for ((i, e), estimate) in arms.iter().zip(found) {
            let critical = if estimate.low.is_finite() {
                (estimate.point - estimate.low) / e.se
            } else {
                (estimate.high - estimate.point) / e.se
            };
            if let Some(slot) = out.get_mut(*i) {
                *slot = Some(Corrected {
                    p: (estimate.p.unwrap_or(1.0) * m).min(1.0),
                    own_alpha: alpha / m,
                    critical: Some(critical),
                });
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn all(p: &[(Role, f64)]) -> Vec<Compared> {
        p.iter()
            .map(|&(role, p)| Compared {
                metric: "m".into(),
                role,
                p,
                effect: None,
            })
            .collect()
    }

    #[test]
    fn own_errors_agree_with_corrected_decisions() {
        use Role::*;
        let given = all(&[
            (Primary, 0.011),
            (Primary, 0.02),
            (Primary, 0.04),
            (Secondary, 0.001),
            (Guardrail, 0.03),
        ]);
        for method in ["holm", "bonferroni", "benjamini-hochberg", "gatekeeping", "none"] {
            let found = correct(method, 0.05, Sides::Two, &given).unwrap();
            for (c, f) in given.iter().zip(&found) {
                let Some(f) = f else {
                    assert_ne!(c.role, Primary);
                    continue;
                };
                assert_eq!(f.p < 0.05, c.p < f.own_alpha, "{method}: {f:?}");
            }
        }
        // statsmodels multipletests([.011, .02, .04], method): the gate stays closed for what follows.
        let p = |method: &str| -> Vec<f64> {
            let found = correct(method, 0.05, Sides::Two, &given).unwrap();
            found.iter().flatten().map(|c| c.p).collect()
        };
        let near = |a: Vec<f64>, b: &[f64]| assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12), "{a:?}");
        near(p("holm"), &[0.033, 0.04, 0.04]);
        near(p("bonferroni"), &[0.033, 0.06, 0.12]);
        near(p("benjamini-hochberg"), &[0.03, 0.03, 0.04]);
        near(p("gatekeeping"), &[0.033, 0.04, 0.04, 0.04, 0.04]);
        let shut = correct(
            "gatekeeping",
            0.05,
            Sides::Two,
            &all(&[(Primary, 0.2), (Secondary, 0.001)]),
        )
        .unwrap();
        assert_eq!(shut[1].unwrap().p, 0.2);
        assert!(shut[1].unwrap().own_alpha < 0.001);
    }

    #[test]
    fn dunnett_is_milder_than_bonferroni() {
        let arm = |point: f64| Compared {
            metric: "m".into(),
            role: Role::Primary,
            p: 0.02,
            effect: Some(Effect {
                point,
                se: 1.0,
                df: None,
                n: 1000,
                control_variance: 0.5,
            }),
        };
        let found = correct("dunnett", 0.05, Sides::Two, &[arm(2.3), arm(1.0), arm(0.1)]).unwrap();
        // Tabulated two-sided critical value of three treatments, infinite degrees of freedom: 2.35 (Dunnett 1964).
        let critical = found[0].unwrap().critical.unwrap();
        assert!((critical - 2.349).abs() < 2e-3, "{critical}");
        assert!(found[0].unwrap().p > 0.05 && found[0].unwrap().p < 3.0 * 0.021_45);
    }
}
