//! Whole clusters were randomised: their sums come back, errors are those of clusters.

use std::collections::BTreeMap;

use steward_definitions::ClusterDesign;
use steward_stats::{NotEstimable, Reason};

use super::weighted::{Row, bootstrap, lift, value};
use super::{BootstrapLift, ClusterReadout, Counted, DesignReadout, Designed, Ground, Lifts, cross};
use crate::CapabilityError;
use crate::experiments::cells::Cell;
use crate::experiments::health::problem;
use crate::experiments::query::{Bucket, NO_VALUE};
use crate::experiments::readout::Answer;

/// Fewest clusters of an arm from which its luck can be told from the treatment.
const FEWEST: usize = 3;
/// Fewer clusters than these in all are read by the wild cluster bootstrap too.
const FEW: usize = 12;
/// Fewest clusters in all for a covariate: it costs degrees of freedom.
const FEWEST_ADJUSTED: usize = 10;

pub(super) async fn analyse(ground: &mut Ground<'_, '_>, design: &ClusterDesign) -> Result<Designed, CapabilityError> {
    let grain = ground.layout.grain;
    let dimensions = ground.dimensions;
    let cells = cross::cells(ground, dimensions, Bucket::None, grain).await?;
    let mut found: BTreeMap<String, BTreeMap<i64, Cell>> = BTreeMap::new();
    let (mut nameless, mut left_out) = (0, 0);
    for ((_, values, arm), cell) in cells {
        let name = values.into_iter().next().unwrap_or_default();
        if arm < 0 {
            continue;
        }
        if name == NO_VALUE {
            nameless += cell.units;
        } else {
            found.entry(name).or_default().insert(arm, cell);
        }
    }
    let before = found.len();
    found.retain(|_, arms| {
        let keep = arms.len() == 1;
        if !keep {
            left_out += arms.values().map(|c| c.units).sum::<u64>();
        }
        keep
    });
    let mixed = (before - found.len()) as u64;
    let clusters: Vec<(usize, Cell)> = found
        .into_values()
        .flatten()
        .filter_map(|(arm, cell)| Some((usize::try_from(arm).ok()?, cell)))
        .collect();
    let variants = &ground.experiment.variants;
    let counts: Vec<u64> = (0..variants.len())
        .map(|arm| clusters.iter().filter(|(a, _)| *a == arm).count() as u64)
        .collect();
    let (treatments, control, level) = (ground.treatments(), ground.control(), ground.level());
    let (mut lifts, mut wild) = (Lifts::new(), Vec::new());
    for metric in ground.all_measured() {
        let Some(measured) = ground.metrics.get(metric) else {
            continue;
        };
        let own = measured.variables.len();
        let adjusted = measured.cuped_days > 0 && clusters.len() >= FEWEST_ADJUSTED;
        let rows: Vec<(usize, Row)> = clusters
            .iter()
            .enumerate()
            .filter_map(|(at, (arm, cell))| {
                let moments = cell.moments.get(&metric)?;
                let (weight, value_of) = value(moments, measured.compared)?;
                let covariate = || {
                    let own: Vec<usize> = (own..2 * own).collect();
                    let before = moments.select(&own);
                    value(&before, measured.compared).map_or(0.0, |v| v.1)
                };
                Some((
                    *arm,
                    Row {
                        weight,
                        value: value_of,
                        treatment: treatments.iter().map(|t| f64::from(u8::from(t == arm))).collect(),
                        others: if adjusted { vec![covariate()] } else { Vec::new() },
                        cluster: at as u64,
                    },
                ))
            })
            .collect();
        let of = |arm: usize| rows.iter().filter(|(a, _)| *a == arm).count();
        let all: Vec<Row> = rows.iter().map(|(_, r)| r.clone()).collect();
        for (at, &arm) in treatments.iter().enumerate() {
            let (c, t) = (of(control), of(arm));
            let result = if c < FEWEST || t < FEWEST {
                Err(NotEstimable::new(
                    Reason::TooFew,
                    format!("{t} treated clusters against {c} of the control"),
                    format!(
                        "randomise at least {FEWEST} clusters to each arm, better ten: fewer cannot tell the treatment from \
                         the luck of a cluster"
                    ),
                ))
            } else {
                let mut effect = vec![0.0; treatments.len()];
                effect[at] = 1.0;
                lift(
                    &all,
                    &effect,
                    level,
                    &format!("least squares over {} clusters", all.len()),
                )
            };
            if all.len() < FEW && result.is_ok() {
                let found = bootstrap(&all, at, level);
                let (draws, enumerated) = found.as_ref().map_or((0, false), |w| (w.draws, w.enumerated));
                wild.push(BootstrapLift {
                    metric: measured.name.clone(),
                    variant: variants[arm].name.clone(),
                    absolute: match found {
                        Ok(w) => Answer::Estimate(w.estimate),
                        Err(not_estimable) => Answer::Refused { not_estimable },
                    },
                    draws,
                    enumerated,
                });
            }
            lifts.insert((metric, arm), result);
        }
    }
    let mut problems = Vec::new();
    if mixed > 0 {
        problems.push(problem(
            "mixed-clusters",
            "warning",
            format!(
                "{mixed} of {before} clusters by {} have units of several variants and are left out with their {left_out} \
                 units; check that whole clusters are assigned",
                design.by
            ),
        ));
    }
    if nameless > 0 {
        problems.push(problem(
            "no-cluster",
            "warning",
            format!("{nameless} units have no {} and are left out", design.by),
        ));
    }
    Ok(Designed {
        lifts,
        split: Some((counts.clone(), "clusters")),
        problems,
        units: false,
        readout: DesignReadout {
            kind: "cluster".into(),
            method: "least squares over clusters, CR2 errors, Bell–McCaffrey degrees of freedom".into(),
            why: "units of a cluster share its luck: taken one by one they look like more evidence than they are"
                .into(),
            cluster: Some(ClusterReadout {
                by: design.by.clone(),
                clusters: variants
                    .iter()
                    .zip(&counts)
                    .map(|(v, n)| Counted {
                        variant: v.name.clone(),
                        count: *n,
                    })
                    .collect(),
                mixed,
                units_left_out: left_out + nameless,
                correction: "cr2".into(),
                bootstrap: wild,
            }),
            ..DesignReadout::default()
        },
    })
}
