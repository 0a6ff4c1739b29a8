//! Experiments that did not split units one by one: each design has its query, its analysis and its part of the readout.
//!
//! A design's estimates stand in place of the lifts of single units, so that verdict, corrections, guardrails and pages
//! read them; the naive lifts stand beside them, with the reason why they mislead.

mod cluster;
pub(super) mod cross;
mod factorial;
mod geo;
mod holdout;
mod switchback;
mod types;
mod weighted;

pub(super) use factorial::one_variable;
pub use types::*;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use steward_definitions::{Design, Experiment, Project};
use steward_stats::{Lift, NotEstimable};

use super::analyse::Asked;
use super::cells::{Cell, Cells};
use super::compute::Runner;
use super::dimensions::{UnitDimension, unit_dimension};
use super::health::{BROKEN, add, problem};
use super::inference::sample_ratio;
use super::measures::UnitMetric;
use super::query::{Bucket, Layout};
use super::readout::{Breakdown, Health, Problem, SampleRatio};
use super::window::micros;
use crate::CapabilityError;

/// What a design is analysed from.
pub(super) struct Ground<'a, 'r> {
    /// Runs and remembers queries.
    pub runner: &'a mut Runner<'r>,
    /// What the experiment's queries have in common.
    pub layout: &'a Layout<'a>,
    /// The experiment.
    pub experiment: &'a Experiment,
    /// Metrics measured, by position.
    pub metrics: &'a [UnitMetric],
    /// Value at which each is capped.
    pub caps: &'a [Vec<crate::experiments::readout::Limits>],
    /// What the experiment asks for.
    pub asked: &'a [Asked],
    /// Dimensions that the design names.
    pub dimensions: &'a [UnitDimension],
    /// Definitions.
    pub project: &'a Project,
    /// The project's time zone.
    pub zone: &'a TimeZone,
}

impl Ground<'_, '_> {
    /// Whether a metric could be measured.
    fn measured(&self, metric: usize) -> bool {
        self.asked.iter().any(|a| a.measured.as_ref().ok() == Some(&metric))
    }

    fn level(&self) -> f64 {
        1.0 - self.experiment.alpha
    }

    /// Positions of the measured metrics.
    fn all_measured(&self) -> Vec<usize> {
        (0..self.metrics.len()).filter(|m| self.measured(*m)).collect()
    }

    fn treatments(&self) -> Vec<usize> {
        let variants = self.experiment.variants.iter().enumerate();
        variants.filter(|(_, v)| !v.control).map(|(i, _)| i).collect()
    }

    fn control(&self) -> usize {
        self.experiment.variants.iter().position(|v| v.control).unwrap_or(0)
    }
}

/// Lifts by metric and arm, in place of those of single units.
pub(super) type Lifts = BTreeMap<(usize, usize), Result<Lift, NotEstimable>>;

/// What a design found.
pub(super) struct Designed {
    /// Lifts that stand in for those of single units.
    pub lifts: Lifts,
    /// Its part of the readout.
    pub readout: DesignReadout,
    /// What was randomised, counted by arm, and its noun; `None` where units were.
    pub split: Option<(Vec<u64>, &'static str)>,
    /// What was found wrong.
    pub problems: Vec<Problem>,
    /// Units were split one by one: their own lifts are right.
    pub units: bool,
}

/// Dimensions that the design reads, or why one cannot be read.
pub(super) fn dimensions(project: &Project, experiment: &Experiment) -> Result<Vec<UnitDimension>, CapabilityError> {
    let find = |name: &str| {
        unit_dimension(project, experiment, name).map_err(|cause| {
            CapabilityError::Invalid(format!(
                "experiment {}: its {} design: {cause}",
                experiment.meta.name,
                experiment.design.word()
            ))
        })
    };
    experiment.design.dimensions().into_iter().map(find).collect()
}

/// What separates the name of a region from the number of a period in the name of a block.
pub(super) const OF: char = '\u{1}';

/// Cells of a switchback's blocks, each a region in a period, by name and arm.
pub(super) async fn blocks(
    ground: &mut Ground<'_, '_>,
    design: &steward_definitions::SwitchbackDesign,
) -> Result<BTreeMap<(String, i64), Cell>, CapabilityError> {
    let period = micros(design.period_seconds).max(1);
    let origin = ground.layout.window.from.unwrap_or(0);
    let grain = switchback::grain(&[period, origin]);
    let dimensions = ground.dimensions;
    let mut all: BTreeMap<(String, i64), Cell> = BTreeMap::new();
    for ((at, values, arm), cell) in cross::cells(ground, dimensions, Bucket::Grain, grain).await? {
        if let (Some(at), Some(region)) = (at, values.first()) {
            let block = (at - origin).div_euclid(period);
            all.entry((format!("{region}{OF}{block}"), arm))
                .or_default()
                .merge(&cell);
        }
    }
    Ok(all)
}

/// Analyses by the design; `None` where units were split one by one.
pub(super) async fn analyse(ground: &mut Ground<'_, '_>, cells: &Cells) -> Result<Option<Designed>, CapabilityError> {
    let experiment = ground.experiment;
    Ok(match &experiment.design {
        Design::Cluster(design) => Some(cluster::analyse(ground, design).await?),
        Design::Switchback(design) => Some(switchback::analyse(ground, design).await?),
        Design::Factorial(design) => Some(factorial::analyse(ground, cells, design)),
        Design::Holdout(design) => Some(holdout::analyse(ground, design).await?),
        Design::Geo(design) => Some(geo::analyse(ground, design).await?),
        Design::Units => None,
    })
}

/// What a design adds to the verdict.
pub(super) fn sentence(designed: &Designed, experiment: &Experiment) -> Option<String> {
    let first = experiment.primary.first()?;
    let readout = designed.readout.factorial.as_ref()?;
    factorial::sentence(readout, first, experiment.alpha)
}

/// Judges the split of what was randomised in place of the split of units, which follows it with noise of its own.
pub(super) fn restate(health: &mut Health, experiment: &Experiment, designed: &mut Designed) {
    if designed.readout.geo.is_some() {
        health.problems.retain(|p| p.code != "sample-ratio");
        health.srm = SampleRatio {
            p: None,
            method: "fixed".into(),
            fixed_p: None,
            sequential_p: None,
            broken: false,
            statistic: None,
            not_estimable: Some(super::measures::refuse(
                "markets were chosen, not drawn by weights",
                "look at how well the mixture follows them before",
            )),
        };
        health.ok = health.problems.iter().all(|p| p.severity != "error");
    }
    if let Some((counts, noun)) = &designed.split {
        health.problems.retain(|p| p.code != "sample-ratio");
        let weights: Vec<f64> = experiment.variants.iter().map(|v| v.weight).collect();
        health.srm = match sample_ratio(counts, &weights) {
            Ok((p, statistic)) => SampleRatio {
                p: Some(p),
                method: "fixed".into(),
                fixed_p: Some(p),
                sequential_p: None,
                broken: p < BROKEN,
                statistic,
                not_estimable: None,
            },
            Err(e) => SampleRatio {
                p: None,
                method: "fixed".into(),
                fixed_p: None,
                sequential_p: None,
                broken: false,
                statistic: None,
                not_estimable: Some(e),
            },
        };
        if health.srm.broken {
            let listed: Vec<String> = experiment
                .variants
                .iter()
                .zip(counts)
                .map(|(v, n)| format!("{} {n}", v.name))
                .collect();
            designed.problems.push(problem(
                "sample-ratio",
                "error",
                format!(
                    "the split of {noun} is not as planned: {} ({}); find the cause before reading any lift",
                    listed.join(", "),
                    super::verdict::p_value(health.srm.p.unwrap_or(0.0))
                ),
            ));
        }
    }
    add(health, std::mem::take(&mut designed.problems));
}

/// Breakdowns under a design that single units' lifts mislead in: named, and refused.
pub(super) fn no_breakdowns(experiment: &Experiment) -> Vec<Breakdown> {
    let refused = |dimension: &String| Breakdown {
        dimension: dimension.clone(),
        exploratory: false,
        segments: Vec::new(),
        tests: Vec::new(),
        problem: Some(format!(
            "under a {} design the units of a segment are not independent, so that lifts by segment would be falsely sure",
            experiment.design.word()
        )),
    };
    experiment.breakdowns.iter().map(refused).collect()
}
