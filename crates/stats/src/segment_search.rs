//! Which segment explains a broken split?
//!
//! **Question.** Units did not arrive in the configured shares: where did they go missing?
//!
//! **Estimand.** For each value of each dimension, the split of its units against the weights; and the split of all other
//! units.
//!
//! **Assumptions.** The dimension was fixed before assignment (platform, country), not changed by the treatment.
//!
//! **Formula.** χ² per segment as [`crate::srm`], corrected by Holm over all segments tried. A segment *explains* the
//! mismatch when its corrected p is below `alpha` and the rest of its dimension, without it, is not. Segments are ordered
//! by how much of the whole χ² goes away without them.
//!
//! **Reference.** Fabijan et al. 2019 (taxonomy and diagnosis of sample-ratio mismatch).
//!
//! **Golden source.** `tests/golden/health.py` (scipy `chisquare`, statsmodels `multipletests`).

use serde::{Deserialize, Serialize};

use crate::srm::sample_ratio;
use crate::{NotEstimable, multiplicity};

/// Units of one value of one dimension, by arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Such as `platform`.
    pub dimension: String,
    /// Such as `android`.
    pub value: String,
    /// By arm.
    pub units: Vec<u64>,
}

/// A segment and what it does to the split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    /// Dimension.
    pub dimension: String,
    /// Value.
    pub value: String,
    /// Units by arm.
    pub units: Vec<u64>,
    /// p of its own split.
    pub p: f64,
    /// The same, corrected by Holm over all segments that could be tested.
    pub adjusted_p: f64,
    /// p of the split of all other units of the dimension; `None` if nothing is left.
    pub p_without: Option<f64>,
    /// Whole χ² minus that without the segment.
    pub chi2_removed: f64,
    /// Whether the mismatch lies in this segment and nowhere else in its dimension.
    pub explains: bool,
}

/// Looks through segments, the most telling first. Segments too small to test are left out.
///
/// Refused: `alpha` outside (0, 1), or no segment can be tested (the first refusal is given).
pub fn search(segments: &[Segment], weights: &[f64], alpha: f64) -> Result<Vec<Suspect>, NotEstimable> {
    crate::estimate::check_level(alpha)?;
    let mut tested = Vec::new();
    let mut refusal = None;
    for segment in segments {
        match sample_ratio(&segment.units, weights) {
            Ok(own) => tested.push((segment, own)),
            Err(e) => {
                refusal.get_or_insert(e);
            }
        }
    }
    if tested.is_empty() {
        return Err(refusal.unwrap_or_else(|| NotEstimable::too_few("there are no segments")));
    }
    let p: Vec<f64> = tested.iter().map(|(_, own)| own.p).collect();
    let adjusted = multiplicity::holm(&p)?;
    let mut suspects: Vec<Suspect> = tested
        .iter()
        .zip(adjusted)
        .map(|((segment, own), adjusted_p)| {
            let peers = || {
                segments
                    .iter()
                    .filter(|s| s.dimension == segment.dimension && s.units.len() == weights.len())
            };
            let sum = |keep: &dyn Fn(&Segment) -> bool| -> Vec<u64> {
                (0..weights.len())
                    .map(|arm| peers().filter(|s| keep(s)).map(|s| s.units[arm]).sum())
                    .collect()
            };
            let whole = sample_ratio(&sum(&|_| true), weights).ok();
            let rest = sample_ratio(&sum(&|s| s.value != segment.value), weights).ok();
            let p_without = rest.as_ref().map(|r| r.p);
            Suspect {
                dimension: segment.dimension.clone(),
                value: segment.value.clone(),
                units: segment.units.clone(),
                p: own.p,
                adjusted_p,
                p_without,
                chi2_removed: whole.map_or(0.0, |w| w.chi2 - rest.map_or(0.0, |r| r.chi2)),
                explains: adjusted_p < alpha && p_without.is_none_or(|p| p >= alpha),
            }
        })
        .collect();
    suspects.sort_by(|a, b| {
        let order = b
            .explains
            .cmp(&a.explains)
            .then(b.chi2_removed.total_cmp(&a.chi2_removed));
        order.then_with(|| (&a.dimension, &a.value).cmp(&(&b.dimension, &b.value)))
    });
    Ok(suspects)
}
