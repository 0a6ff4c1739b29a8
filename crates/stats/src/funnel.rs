//! Funnels: ordered steps, the share that goes on from each, and what the treatment changes.
//!
//! **Question.** At which step does the treatment win or lose people?
//!
//! **Estimand.** For each step i after the first, the step rate (those who reached i over those who reached i − 1) and the
//! overall rate (those who reached i over all units), treatment against control. Step rates condition on what happened
//! after randomisation: they say where the funnel moved; only overall rates are effects on comparable units.
//!
//! **Assumptions.** Units are independent; who reached a step has reached those before it ([`reached`] takes care).
//!
//! **Formula.** Step rate: ratio of sums, delta method over units; overall: proportion (of 0/1) or mean (of counts), as
//! [`mod@crate::lift`].
//!
//! **Reference.** Deng, Knoblich & Lu 2018.
//!
//! **Golden source.** `tests/golden/metrics.py` (statsmodels `test_proportions_2indep`, numpy delta method).

use serde::{Deserialize, Serialize};

use crate::{Comparison, Lift, Moments, NotEstimable, Statistic, lift};

/// One step of a funnel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Position, from 0.
    pub step: usize,
    /// Reached here over reached the step before; `None` for the first.
    pub from_previous: Option<Lift>,
    /// Reached here over all units.
    pub overall: Lift,
}

/// Compares two funnels. Variable i of the moments is, per unit, whether (0 or 1) or how often step i was reached.
///
/// Refused: moments of unlike or no variables, a step reached more often than the one before it.
pub fn funnel(control: &Moments, treatment: &Moments, level: f64) -> Result<Vec<Step>, NotEstimable> {
    let k = control.dimension();
    if k == 0 || treatment.dimension() != k {
        return Err(NotEstimable::out_of_domain(
            format!("the control has {k} steps, the treatment {}", treatment.dimension()),
            "give the same steps for both",
        ));
    }
    for (name, m) in [("control", control), ("treatment", treatment)] {
        for i in 1..k {
            if m.mean(i) > m.mean(i - 1) * (1.0 + 1e-12) {
                return Err(NotEstimable::out_of_domain(
                    format!(
                        "in the {name}, step {i} is reached more often ({}) than step {}",
                        m.mean(i),
                        i - 1
                    ),
                    "count a step only after the steps before it",
                ));
            }
        }
    }
    let compare = |statistic| {
        let comparison = Comparison {
            statistic,
            covariates: Vec::new(),
            level,
        };
        lift(control, treatment, &comparison)
    };
    let binary = |i: usize| {
        [control, treatment].iter().all(|m| {
            let (n, p) = (m.count() as f64, m.mean(i));
            (m.cross(i, i) - n * p * (1.0 - p)).abs() <= 1e-9 * n
        })
    };
    Ok((0..k)
        .map(|i| Step {
            step: i,
            from_previous: (i > 0).then(|| {
                compare(Statistic::Ratio {
                    numerator: i,
                    denominator: i - 1,
                })
            }),
            overall: compare(if binary(i) {
                Statistic::Proportion { y: i }
            } else {
                Statistic::Mean { y: i }
            }),
        })
        .collect())
}

/// How many of `steps` ordered steps one unit reached, at best: events are (step, time) in any order; each step must come
/// at or after the one before, and all within `window` of the first step's event (`None`: no limit). Events at times
/// that are not finite, and of steps beyond the last, are passed over.
pub fn reached(events: &[(usize, f64)], steps: usize, window: Option<f64>) -> usize {
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); steps];
    for (step, time) in events {
        if let Some(known) = times.get_mut(*step).filter(|_| time.is_finite()) {
            known.push(*time);
        }
    }
    times.iter_mut().for_each(|t| t.sort_by(f64::total_cmp));
    let Some(starts) = times.first() else { return 0 };
    let from = |start: f64| {
        let mut at = start;
        let mut depth = 1;
        for later in &times[1..] {
            let next = later.get(later.partition_point(|t| *t < at));
            match next.filter(|t| window.is_none_or(|w| **t - start <= w)) {
                Some(t) => at = *t,
                None => break,
            }
            depth += 1;
        }
        depth
    };
    starts.iter().map(|start| from(*start)).max().unwrap_or(0)
}
