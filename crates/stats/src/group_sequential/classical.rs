//! Boundaries of a fixed shape: the classical designs of Pocock, O'Brien and Fleming, Wang and Tsiatis, Haybittle and Peto.
//!
//! **Question.** At which z may each of the planned looks stop, when the shape of the boundary is chosen beforehand?
//!
//! **Estimand.** Boundaries for the z statistic of each look.
//!
//! **Assumptions.** As [`crate::group_sequential`]; and the looks come as planned, since the constant depends on all of them.
//! Where looks may move, spend alpha instead.
//!
//! **Formula.** With t_k the look's share of the final information: Wang–Tsiatis z_k = C·t_k^(Δ − ½), Pocock Δ = ½, O'Brien–
//! Fleming Δ = 0; Haybittle–Peto z_k = c before the end and C there. C solves P(any crossing) = alpha.
//!
//! **Reference.** Pocock 1977; O'Brien & Fleming 1979; Wang & Tsiatis 1987; Haybittle 1971; Peto et al. 1976.
//!
//! **Golden source.** `tests/golden/additions.py` (own recursion in numpy), and tables 2.1, 2.3 and 2.9 of Jennison &
//! Turnbull 2000.

use super::path::increasing;
use super::{Design, Look, Sides, Spending, check, crossing};
use crate::{NotEstimable, dist};

/// The shape of a boundary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// C·t^(delta − ½).
    WangTsiatis {
        /// 0 is O'Brien & Fleming's, ½ Pocock's.
        delta: f64,
    },
    /// The same `z` at each look before the last.
    HaybittlePeto {
        /// Boundary before the end, such as 3.
        z: f64,
    },
}

/// Boundaries of looks at rising `fractions` of the information, of `alpha` over both sides or on one.
///
/// Refused as [`super::boundaries`]; and a shape parameter that is not finite or leaves nothing for the last look.
pub fn classical(fractions: &[f64], alpha: f64, shape: Shape, sides: Sides) -> Result<Vec<Look>, NotEstimable> {
    check(&Design {
        fractions: fractions.to_vec(),
        alpha,
        spending: Spending::Pocock,
        sides,
        last_is_final: true,
    })?;
    let two = sides == Sides::Two;
    let side = if two { alpha / 2.0 } else { alpha };
    let end = fractions.last().copied().unwrap_or(1.0);
    let last = fractions.len() - 1;
    let bounds = |c: f64| -> Vec<f64> {
        let at = |(k, t): (usize, &f64)| match shape {
            Shape::WangTsiatis { delta } => c * (t / end).powf(delta - 0.5),
            Shape::HaybittlePeto { z } if k < last => z,
            Shape::HaybittlePeto { .. } => c,
        };
        fractions.iter().enumerate().map(at).collect()
    };
    let refused = |what: String, fix: &str| Err(NotEstimable::out_of_domain(what, fix));
    match shape {
        Shape::WangTsiatis { delta } if !(-2.0..=1.0).contains(&delta) => {
            return refused(
                format!("delta is {delta}"),
                "give a delta from 0 (O'Brien–Fleming) to 0.5 (Pocock)",
            );
        }
        Shape::HaybittlePeto { z } if !(z > 0.0 && z.is_finite()) => {
            return refused(
                format!("the boundary of the interim looks is {z}"),
                "give a z above 0, such as 3",
            );
        }
        _ => {}
    }
    let spent = |c: f64| crossing(fractions, &bounds(c), two, 0.0).iter().sum::<f64>();
    let high = dist::normal_isf(side / (2.0 * fractions.len() as f64)).max(1.0) + 4.0;
    if spent(high) > side {
        return refused(
            "the interim boundaries alone spend more than alpha".into(),
            "raise the boundary of the interim looks",
        );
    }
    let c = increasing(|c| -spent(c).max(1e-300).ln(), -side.ln(), -2.0, high);
    let z = bounds(c);
    let mut total = 0.0;
    Ok(fractions
        .iter()
        .zip(z.iter().zip(crossing(fractions, &z, two, 0.0)))
        .map(|(&fraction, (&z, crossed))| {
            let factor = if two { 2.0 } else { 1.0 };
            total += factor * crossed;
            Look {
                fraction,
                z,
                nominal_p: factor * dist::normal_sf(z),
                spent: total,
            }
        })
        .collect())
}
