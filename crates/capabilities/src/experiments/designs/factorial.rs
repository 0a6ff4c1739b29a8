//! Several factors varied at once: what each does, and whether it depends on the others.

use steward_definitions::FactorialDesign;
use steward_stats::factorial::factorial;
use steward_stats::{Moments, NotEstimable, Reason, multiplicity, one_sample};

use super::{DesignReadout, Designed, FactorEffect, FactorialEffects, FactorialReadout, Ground, Lifts};
use crate::experiments::cells::Cells;
use crate::experiments::measures::{Compared, UnitMetric};

pub(super) fn analyse(ground: &Ground<'_, '_>, cells: &Cells, design: &FactorialDesign) -> Designed {
    let effects = ground
        .all_measured()
        .into_iter()
        .filter_map(|metric| {
            let measured = ground.metrics.get(metric)?;
            Some(match effects(ground, cells, design, metric, measured) {
                Ok(found) => found,
                Err(refusal) => FactorialEffects {
                    metric: measured.name.clone(),
                    not_estimable: Some(refusal),
                    effects: Vec::new(),
                },
            })
        })
        .collect();
    Designed {
        lifts: Lifts::new(),
        split: None,
        problems: Vec::new(),
        units: true,
        readout: DesignReadout {
            kind: "factorial".into(),
            method: "contrasts of cell means with equal weights, Welch t; p by Holm over the effects of a metric".into(),
            why: "a comparison of one combination with the control uses only these two; each factor is judged by all units, \
                  and not alone where an interaction is there"
                .into(),
            factorial: Some(FactorialReadout {
                factors: design.factors.iter().map(|f| f.name.clone()).collect(),
                effects,
            }),
            ..DesignReadout::default()
        },
    }
}

fn effects(
    ground: &Ground<'_, '_>,
    cells: &Cells,
    design: &FactorialDesign,
    metric: usize,
    measured: &UnitMetric,
) -> Result<FactorialEffects, NotEstimable> {
    let counts: Vec<usize> = design.factors.iter().map(|f| f.levels.len()).collect();
    let wanted: usize = counts.iter().product();
    let mut moments: Vec<Moments> = vec![Moments::empty(1); wanted];
    for cell in &design.cells {
        let at = cell
            .levels
            .iter()
            .zip(&counts)
            .fold(0, |at, (level, count)| at * count + level);
        let arm = ground.experiment.variants.iter().position(|v| v.name == cell.name);
        if let (Some(slot), Some(arm)) = (moments.get_mut(at), arm) {
            let total = cells.total(arm as i64);
            let found = total.moments.get(&metric).filter(|m| m.count() > 0).ok_or_else(|| {
                NotEstimable::new(
                    Reason::TooFew,
                    format!("the combination {} has no units with a closed window", cell.name),
                    "wait for exposures, or check the variant column",
                )
            })?;
            *slot = one_variable(found, measured.compared, ground.level())?;
        }
    }
    let found = factorial(&counts, &moments, 0, ground.level())?;
    let level = |f: usize, l: usize| {
        let factor = design.factors.get(f);
        let name = factor.and_then(|f| f.levels.get(l)).cloned().unwrap_or_default();
        (factor.map(|f| f.name.clone()).unwrap_or_default(), name)
    };
    let main = found
        .main
        .into_iter()
        .map(|m| (vec![level(m.factor, m.level)], m.effect));
    let both = found.interactions.into_iter().map(|i| {
        let of = vec![level(i.factors.0, i.levels.0), level(i.factors.1, i.levels.1)];
        (of, i.effect)
    });
    let mut effects: Vec<FactorEffect> = main
        .chain(both)
        .map(|(of, effect)| FactorEffect {
            factors: of.iter().map(|(factor, _)| factor.clone()).collect(),
            levels: of.into_iter().map(|(_, level)| level).collect(),
            effect: effect.into(),
            adjusted_p: None,
        })
        .collect();
    let p_of = |e: &FactorEffect| e.effect.estimate().and_then(|e| e.p);
    let p: Vec<f64> = effects.iter().filter_map(p_of).collect();
    let adjusted = multiplicity::holm(&p)?;
    for (effect, p) in effects.iter_mut().filter(|e| p_of(e).is_some()).zip(adjusted) {
        effect.adjusted_p = Some(p);
    }
    Ok(FactorialEffects {
        metric: measured.name.clone(),
        not_estimable: None,
        effects,
    })
}

/// Moments of one variable with the mean and the error that the metric has in a cell.
pub(in crate::experiments) fn one_variable(
    moments: &Moments,
    compared: Compared,
    level: f64,
) -> Result<Moments, NotEstimable> {
    if compared != Compared::Ratio {
        return Ok(moments.select(&[0]));
    }
    let ratio = one_sample::ratio(moments, 0, 1, level)?;
    let n = moments.count() as f64;
    let cross = ratio.se * ratio.se * n * (n - 1.0);
    Ok(Moments::from_parts(moments.count(), vec![ratio.point], vec![cross]).unwrap_or_else(|| Moments::empty(1)))
}

/// A sentence about what was found in the first primary metric, for the verdict.
pub(super) fn sentence(readout: &FactorialReadout, metric: &str, alpha: f64) -> Option<String> {
    let effects = &readout.effects.iter().find(|e| e.metric == metric)?.effects;
    let shown = |e: &FactorEffect| e.adjusted_p.is_some_and(|p| p < alpha);
    let name = |e: &FactorEffect| {
        let parts = e.factors.iter().zip(&e.levels);
        let parts: Vec<String> = parts.map(|(f, l)| format!("{f} {l}")).collect();
        parts.join(" with ")
    };
    let of = |count: usize| -> Vec<String> {
        let found = effects.iter().filter(|e| e.factors.len() == count && shown(e));
        found.map(|e| name(e)).collect()
    };
    let (main, together) = (of(1), of(2));
    let mains = if main.is_empty() {
        "No factor by itself shows an effect".to_string()
    } else {
        format!("Averaged over the others, {} shows an effect", main.join(", "))
    };
    Some(if together.is_empty() {
        format!("{mains}; no interaction shows.")
    } else {
        format!(
            "{mains}; {} interact, so read the combinations, not the factors alone.",
            together.join(", ")
        )
    })
}
