//! Experiments that ran on the same units at the same time: does one change what the other does?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steward_definitions::{Experiment, Project, Serve, Slice};
use steward_stats::factorial::layers;
use steward_stats::{Moments, NotEstimable, Reason, multiplicity};

use super::analyse::Asked;
use super::caps;
use super::compute::Runner;
use super::designs::{Ground, cross, one_variable};
use super::dimensions::{DimensionSource, UnitDimension};
use super::expression::{over_columns, quote};
use super::measures::ROW_UNIT;
use super::period;
use super::quantiles;
use super::query::{Bucket, Layout};
use super::readout::{Answer, RanQuery, Role};
use super::triggers;
use super::unit_metric::unit_metric;
use super::window::{moment, window, zone};
use crate::{CapabilityError, Context};

/// Every pair of experiments that could disturb each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interactions {
    /// Pairs by name.
    pub pairs: Vec<PairInteraction>,
    /// Two-sided level.
    pub alpha: f64,
    /// Queries as run.
    pub queries: Vec<RanQuery>,
}

/// Two experiments that overlap in units and time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairInteraction {
    /// The one whose metric is read, in its window.
    pub first: String,
    /// The other.
    pub second: String,
    /// Its first primary metric.
    pub metric: String,
    /// Why no unit can be in both, where layers say so; then nothing is tested.
    pub excluded: Option<String>,
    /// Units in both.
    pub units: u64,
    /// Wald test of all interactions being 0.
    pub test: Option<InteractionTest>,
    /// Each treatment of the first with each of the second: how much the one's effect changes by the other.
    pub interactions: Vec<Interaction>,
    /// Why there is no test.
    pub not_estimable: Option<NotEstimable>,
    /// In a sentence.
    pub sentence: String,
}

/// A joint test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InteractionTest {
    /// Statistic.
    pub wald: f64,
    /// Degrees of freedom.
    pub df: u32,
    /// p of no interaction.
    pub p: f64,
    /// p by Holm over all pairs tested.
    pub adjusted_p: f64,
    /// Whether that is below alpha.
    pub interact: bool,
}

/// A difference of differences, in the metric's unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interaction {
    /// Treatment of the first.
    pub first: String,
    /// Treatment of the second.
    pub second: String,
    /// Effect of the first with the second's treatment, less that with its control.
    pub effect: Answer,
}

/// Tests every pair that overlaps, or the one named.
pub(super) async fn interactions(
    context: &Context,
    named: Option<(&Experiment, &Experiment)>,
) -> Result<Interactions, CapabilityError> {
    let project = context.project.as_ref();
    let mut runner = Runner::new(context);
    let mut pairs = Vec::new();
    match named {
        Some((a, b)) => pairs.push(pair(context, &mut runner, a, b).await?),
        None => {
            let all: Vec<&Experiment> = project.experiments.values().collect();
            for (i, a) in all.iter().enumerate() {
                for b in all.iter().skip(i + 1) {
                    if overlap(context, a, b)? {
                        pairs.push(pair(context, &mut runner, a, b).await?);
                    }
                }
            }
        }
    }
    let alpha = project.settings.alpha;
    let p: Vec<f64> = pairs.iter().filter_map(|p| Some(p.test?.p)).collect();
    let adjusted = multiplicity::holm(&p).unwrap_or(vec![1.0; p.len()]);
    for (test, p) in pairs.iter_mut().filter_map(|p| p.test.as_mut()).zip(adjusted) {
        test.adjusted_p = p;
        test.interact = p < alpha;
    }
    for pair in &mut pairs {
        pair.sentence = sentence(pair);
    }
    Ok(Interactions {
        pairs,
        alpha,
        queries: runner.queries,
    })
}

fn sentence(pair: &PairInteraction) -> String {
    let names = format!("{} and {}", pair.first, pair.second);
    match (&pair.excluded, &pair.test, &pair.not_estimable) {
        (Some(why), ..) => format!("{names} cannot meet: {why}."),
        (_, Some(test), _) if test.interact => format!(
            "{names} interact on {} (adjusted {}, {} units in both): read each within the arms of the other.",
            pair.metric,
            super::verdict::p_value(test.adjusted_p),
            pair.units
        ),
        (_, Some(test), _) => format!(
            "No interaction of {names} shows on {} (adjusted {}, {} units in both).",
            pair.metric,
            super::verdict::p_value(test.adjusted_p),
            pair.units
        ),
        (_, _, Some(refusal)) => format!("{names} cannot be tested: {}; {}.", refusal.detail, refusal.fix),
        (None, None, None) => format!("{names} were not tested."),
    }
}

/// The experiments that can share units with one.
pub(super) fn beside(context: &Context, experiment: &Experiment) -> Result<Vec<String>, CapabilityError> {
    let mut all = Vec::new();
    for other in context.project.experiments.values() {
        if other.meta.name != experiment.meta.name && overlap(context, experiment, other)? {
            all.push(other.meta.name.clone());
        }
    }
    Ok(all)
}

/// Whether two experiments can share units: the same entity, and periods that overlap.
fn overlap(context: &Context, a: &Experiment, b: &Experiment) -> Result<bool, CapabilityError> {
    let zone = zone(&context.project.settings)?;
    let span = |e: &Experiment| -> Result<(i64, i64), CapabilityError> {
        let at = |text: &Option<String>| text.as_deref().map(|t| moment(t, &zone)).transpose();
        Ok((at(&e.start)?.unwrap_or(i64::MIN), at(&e.end)?.unwrap_or(i64::MAX)))
    };
    let ((a_from, a_to), (b_from, b_to)) = (span(a)?, span(b)?);
    let units = a.exposures.unit != ROW_UNIT && b.exposures.unit != ROW_UNIT;
    Ok(units && a.exposures.entity == b.exposures.entity && a_from < b_to && b_from < a_to)
}

/// The layer in whose unlike slices two experiments lie.
fn excluded(project: &Project, a: &str, b: &str) -> Option<String> {
    let slices = |experiment: &str| -> Vec<Option<&Slice>> {
        let rules = project.flags.values().flat_map(|f| &f.rules);
        let splits =
            rules.filter(|r| matches!(&r.serve, Serve::Split(s) if s.experiment.as_deref() == Some(experiment)));
        splits.map(|r| r.layer.as_ref()).collect()
    };
    let (of_a, of_b) = (slices(a), slices(b));
    let first = of_a.first()?.as_ref()?;
    let apart = |x: &Slice, y: &Slice| x.layer == y.layer && (x.range[1] <= y.range[0] || y.range[1] <= x.range[0]);
    // Every split of the one must exclude every split of the other.
    let all = of_a
        .iter()
        .all(|x| of_b.iter().all(|y| matches!((x, y), (Some(x), Some(y)) if apart(x, y))));
    (all && !of_b.is_empty()).then(|| format!("they have slices of the layer {} apart", first.layer))
}

/// The arm of a unit in another experiment, as a dimension.
fn arm_in(project: &Project, other: &Experiment) -> Result<UnitDimension, CapabilityError> {
    let name = &other.meta.name;
    let invalid = |cause: String| CapabilityError::Invalid(format!("experiment {name}: {cause}"));
    let exposures = &other.exposures;
    let dataset = project
        .datasets
        .get(&exposures.dataset)
        .ok_or_else(|| CapabilityError::Unknown {
            kind: "dataset".into(),
            name: exposures.dataset.clone(),
            near: crate::error::nearest(&exposures.dataset, project.datasets.keys()),
        })?;
    let column = |name: &str| over_columns(&quote(name), dataset).map_err(invalid);
    let variant = column(&exposures.variant)?;
    let value = match exposures.filter.as_deref().filter(|f| !f.trim().is_empty()) {
        Some(filter) => format!(
            "CASE WHEN {} THEN {variant} END",
            over_columns(filter, dataset).map_err(invalid)?
        ),
        None => variant,
    };
    Ok(UnitDimension {
        name: format!("arm in {name}"),
        source: DimensionSource::Unit {
            dataset: exposures.dataset.clone(),
            key: column(&exposures.unit)?,
            value,
            keyed: false,
            sole: true,
        },
        uses: Default::default(),
    })
}

async fn pair(
    context: &Context,
    runner: &mut Runner<'_>,
    a: &Experiment,
    b: &Experiment,
) -> Result<PairInteraction, CapabilityError> {
    let project = context.project.as_ref();
    let mut found = PairInteraction {
        first: a.meta.name.clone(),
        second: b.meta.name.clone(),
        metric: a.primary.first().cloned().unwrap_or_default(),
        excluded: excluded(project, &a.meta.name, &b.meta.name),
        units: 0,
        test: None,
        interactions: Vec::new(),
        not_estimable: None,
        sentence: String::new(),
    };
    if found.excluded.is_some() {
        return Ok(found);
    }
    if !overlap(context, a, b)? {
        found.not_estimable = Some(NotEstimable::new(
            Reason::OutOfDomain,
            "their units or periods do not overlap",
            "name two experiments on the same units at the same time",
        ));
        return Ok(found);
    }
    let measured = match unit_metric(project, a, &found.metric).and_then(quantiles::no_quantile) {
        Ok(measured) => measured,
        Err(refusal) => {
            found.not_estimable = Some(refusal);
            return Ok(found);
        }
    };
    let zone = zone(&project.settings)?;
    let reach = period::reach(project, a);
    let window = window(a, reach, &zone, context.now_us, project.settings.as_of.is_some())?;
    let trigger = triggers::unit_trigger(project, a)
        .map_err(|cause| CapabilityError::Invalid(format!("experiment {}: {cause}", a.meta.name)))?;
    let dataset = project
        .datasets
        .get(&a.exposures.dataset)
        .ok_or_else(|| CapabilityError::Unknown {
            kind: "dataset".into(),
            name: a.exposures.dataset.clone(),
            near: crate::error::nearest(&a.exposures.dataset, project.datasets.keys()),
        })?;
    let layout = Layout {
        experiment: a,
        dataset,
        window: &window,
        dimensions: &[],
        trigger: trigger.as_ref(),
        grain: "day",
    };
    let asked = [Asked {
        name: found.metric.clone(),
        role: Role::Primary,
        margin: None,
        measured: Ok(0),
    }];
    let metrics = [measured];
    let mut limits = [Vec::new()];
    caps::resolve(runner, &layout, &metrics, &[0], &mut limits).await?;
    let mut ground = Ground {
        runner,
        layout: &layout,
        experiment: a,
        metrics: &metrics,
        caps: &limits,
        asked: &asked,
        dimensions: &[],
        project,
        zone: &zone,
    };
    let cells = cross::cells(&mut ground, &[arm_in(project, b)?], Bucket::None, "day").await?;
    let mut moments: BTreeMap<(usize, usize), Moments> = BTreeMap::new();
    for ((_, values, arm), cell) in cells {
        let second = values
            .first()
            .and_then(|v| b.variants.iter().position(|o| o.name == *v));
        if let (Ok(first), Some(second), Some(m)) = (usize::try_from(arm), second, cell.moments.get(&0)) {
            found.units += m.count();
            moments.insert((first, second), m.clone());
        }
    }
    let order = |e: &Experiment| -> Vec<usize> {
        let mut at: Vec<usize> = (0..e.variants.len()).collect();
        at.sort_by_key(|i| e.variants.get(*i).is_none_or(|v| !v.control));
        at
    };
    let (of_a, of_b) = (order(a), order(b));
    let level = 1.0 - project.settings.alpha;
    let grid: Result<Vec<Vec<Moments>>, NotEstimable> = of_a
        .iter()
        .map(|&i| {
            let row = of_b.iter().map(|&j| match (moments.get(&(i, j)), metrics.first()) {
                (Some(m), Some(measured)) => one_variable(m, measured.compared, level),
                _ => Ok(Moments::empty(1)),
            });
            row.collect()
        })
        .collect();
    match grid.and_then(|grid| layers(&grid, 0, level)) {
        Err(refusal) => found.not_estimable = Some(refusal),
        Ok(tested) => {
            found.test = Some(InteractionTest {
                wald: tested.wald,
                df: tested.df,
                p: tested.p,
                adjusted_p: tested.p,
                interact: false,
            });
            let name = |e: &Experiment, order: &[usize], at: usize| {
                let variant = order.get(at).and_then(|i| e.variants.get(*i));
                variant.map(|v| v.name.clone()).unwrap_or_default()
            };
            found.interactions = tested
                .interactions
                .into_iter()
                .map(|i| Interaction {
                    first: name(a, &of_a, i.levels.0),
                    second: name(b, &of_b, i.levels.1),
                    effect: i.effect.into(),
                })
                .collect();
        }
    }
    Ok(found)
}
