//! What an effect among the units that could be touched is worth to everybody.
//!
//! **Question.** The change was seen by some of the units only, and analysed on them, which saves noise. How large is it over
//! all units?
//!
//! **Estimand.** Absolute: Δ·τ, Δ the effect per triggered unit and τ the share of units that trigger. Relative: the total
//! change over the control's total, Δ·τ/|M|, M the mean over all units of the control.
//!
//! **Assumptions.** Units that do not trigger have no effect, and triggering does not depend on the variant (test its share as
//! a split). Δ is independent of τ's error.
//!
//! **Formula.** Var = τ²·Var Δ for a share that is given, plus Δ²·τ(1 − τ)/N where it is estimated from N units. Relative: over
//! |M|, M taken as known. Multiplying the relative lift among the triggered by τ instead is wrong unless both have one mean:
//! that common error is answered beside it.
//!
//! **Reference.** Kohavi, Tang & Xu 2020, chapter 20; Deng & Hu 2015.
//!
//! **Golden source.** `tests/golden/rates.py` (the formulas in numpy).

use serde::{Deserialize, Serialize};

use crate::{Estimate, NotEstimable};

/// An effect over all units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diluted {
    /// Share of units that trigger.
    pub rate: f64,
    /// Effect per unit, over all units.
    pub absolute: Estimate,
    /// Over |mean of all units of the control|, if that is given.
    pub relative: Option<Result<Estimate, NotEstimable>>,
}

/// Spreads the effect `triggered` over `units`, of which `hits` triggered. `estimated`: the share has an error of its own.
/// `overall` is the mean over all units of the control.
pub fn dilute(
    triggered: &Estimate,
    hits: u64,
    units: u64,
    estimated: bool,
    overall: Option<f64>,
) -> Result<Diluted, NotEstimable> {
    if units == 0 {
        return Err(NotEstimable::too_few("there are no units"));
    }
    if hits == 0 {
        return Err(NotEstimable::too_few(format!("none of {units} units triggered")));
    }
    if hits > units {
        return Err(NotEstimable::out_of_domain(
            format!("{hits} of {units} units triggered"),
            "give all units, of which those that triggered are a part",
        ));
    }
    let rate = hits as f64 / units as f64;
    let own = if estimated {
        triggered.point.powi(2) * rate * (1.0 - rate) / units as f64
    } else {
        0.0
    };
    let se = ((rate * triggered.se).powi(2) + own).sqrt();
    let scaled = |factor: f64| {
        Estimate::new(
            rate * triggered.point * factor,
            se * factor,
            triggered.df,
            units,
            triggered.level,
            format!("{}, over all units", triggered.method),
        )
    };
    let relative = overall.map(|mean| {
        if mean == 0.0 {
            return Err(NotEstimable::new(
                crate::Reason::ZeroBaseline,
                "the control's mean over all units is 0",
                "read the absolute effect",
            ));
        }
        scaled(1.0 / mean.abs())
    });
    Ok(Diluted {
        rate,
        absolute: scaled(1.0)?,
        relative,
    })
}
