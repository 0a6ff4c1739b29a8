//! What a readout rests on, laid out before any query.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};
use steward_compute::Dialect;
use steward_definitions::{COLLECTED, COLLECTED_FOLDER, Dataset, Experiment, Project};

use super::analyse::Asked;
use super::dimensions::{DimensionSource, UnitDimension, unit_dimension};
use super::measures::UnitMetric;
use super::plan::PlanReadout;
use super::query::Layout;
use super::readout::*;
use super::unit_metric::unit_metric;
use super::window::{Window, day, window, zone};
use super::{adjust, designs, maps, period, quantiles, triggers};
use crate::{CapabilityError, Context};

/// An experiment laid out, before any query: what it rests on decides the evidence's key.
pub struct Prepared<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) dataset: &'a Dataset,
    pub(super) window: Window,
    pub(super) zone: TimeZone,
    pub(super) now: i64,
    pub(super) metrics: Vec<UnitMetric>,
    pub(super) asked: Vec<Asked>,
    pub(super) dimensions: Vec<UnitDimension>,
    pub(super) trigger: Option<triggers::UnitTrigger>,
    pub(super) problems: Vec<Breakdown>,
    /// How many of the dimensions are declared; the rest are exploratory.
    pub(super) declared: usize,
    /// Dimensions to be crossed.
    pub(super) map: Option<[UnitDimension; 2]>,
    /// Dimensions that the design names.
    pub(super) design: Vec<UnitDimension>,
    /// Metrics whose lift is asked for over their distribution.
    pub(super) quantiles: Vec<String>,
    /// What lifts are adjusted for.
    pub(super) adjustment: Option<adjust::UnitAdjustment>,
    /// Definition → digest.
    pub definitions: BTreeMap<String, String>,
    /// Tables read.
    pub tables: Vec<String>,
    /// Everything else that the numbers depend on.
    pub parameters: Json,
    /// The plan that binds it.
    pub(super) plan: Option<PlanReadout>,
    /// Relative improvement planned for, while it runs.
    pub(super) effect: Option<f64>,
}

/// Lays an experiment out.
pub fn prepare<'a>(
    context: &'a Context,
    experiment: &'a Experiment,
    options: &ReadoutOptions,
) -> Result<Prepared<'a>, CapabilityError> {
    if experiment.variants.len() < 2 {
        return Err(CapabilityError::Invalid(format!(
            "experiment {} has {} variant(s): name at least two, one of them the control",
            experiment.meta.name,
            experiment.variants.len()
        )));
    }
    let zone = zone(&context.project.settings)?;
    let now = options.as_of.unwrap_or(context.now_us);
    let pinned = options.as_of.is_some() || context.project.settings.as_of.is_some();
    let reach = period::reach(&context.project, experiment);
    let window = window(experiment, reach, &zone, now, pinned)?;
    let running = window.status == ExperimentStatus::Running;
    let mut prepared = lay_out(context, experiment, options, window, now)?;
    if running && let Some(effect) = super::planning::planned_effect(context, &experiment.meta.name) {
        prepared.parameters["planned_effect"] = json!(effect);
        prepared.effect = Some(effect);
    }
    Ok(prepared)
}

/// Lays out what is counted in a window; without variants, every unit is of arm 0.
pub fn lay_out<'a>(
    context: &'a Context,
    experiment: &'a Experiment,
    options: &ReadoutOptions,
    window: Window,
    now: i64,
) -> Result<Prepared<'a>, CapabilityError> {
    let project = context.project.as_ref();
    let name = &experiment.meta.name;
    let dataset = project
        .datasets
        .get(&experiment.exposures.dataset)
        .ok_or_else(|| CapabilityError::Unknown {
            kind: "dataset".into(),
            name: experiment.exposures.dataset.clone(),
            near: crate::error::nearest(&experiment.exposures.dataset, project.datasets.keys()),
        })?;
    if dataset.meta.name == COLLECTED && context.engine.dialect() != Dialect::DataFusion {
        return Err(CapabilityError::Invalid(format!(
            "experiment {name} reads collected exposures, which are files of this project, and the engine {} reads tables of its \
             database: copy the files of {COLLECTED_FOLDER} into a table there and name it under `exposures`, or use `engine: \
             datafusion`",
            context.engine.name()
        )));
    }
    let zone = zone(&project.settings)?;
    let trigger = triggers::unit_trigger(project, experiment)
        .map_err(|cause| CapabilityError::Invalid(format!("experiment {name}: {cause}")))?;

    let mut uses: BTreeSet<String> =
        BTreeSet::from([format!("experiment/{name}"), format!("dataset/{}", dataset.meta.name)]);
    uses.extend(trigger.iter().flat_map(|t| t.uses.iter().cloned()));
    let mut metrics: Vec<UnitMetric> = Vec::new();
    let mut asked = Vec::new();
    let guardrails = experiment
        .guardrails
        .iter()
        .map(|g| (&g.metric, Role::Guardrail, Some(g.margin)));
    let primary = experiment.primary.iter().map(|m| (m, Role::Primary, None));
    let secondary = experiment.secondary.iter().map(|m| (m, Role::Secondary, None));
    for (metric, role, margin) in primary.chain(secondary).chain(guardrails) {
        uses.insert(format!("metric/{metric}"));
        let measured = match metrics.iter().position(|m| m.name == *metric) {
            Some(known) => Ok(known),
            None => unit_metric(project, experiment, metric)
                .and_then(|m| quantiles::comparable(experiment, m))
                .map(|m| {
                    uses.extend(m.uses.iter().cloned());
                    metrics.push(m);
                    metrics.len() - 1
                }),
        };
        asked.push(Asked {
            name: metric.clone(),
            role,
            margin,
            measured,
        });
    }
    let mut dimensions = Vec::new();
    let mut problems = Vec::new();
    for breakdown in &experiment.breakdowns {
        match unit_dimension(project, experiment, breakdown) {
            Ok(d) => {
                uses.extend(d.uses.iter().cloned());
                dimensions.push(d);
            }
            Err(problem) => {
                let problem = Some(problem);
                problems.push(Breakdown {
                    dimension: breakdown.clone(),
                    exploratory: false,
                    segments: Vec::new(),
                    tests: Vec::new(),
                    problem,
                });
            }
        }
    }
    let declared = dimensions.len();
    for name in &options.by {
        if !experiment.breakdowns.contains(name) && !dimensions.iter().any(|d: &UnitDimension| d.name == *name) {
            dimensions.push(maps::asked(project, experiment, name)?);
        }
    }
    let map = match &options.map {
        Some([a, b]) => Some([
            maps::asked(project, experiment, a)?,
            maps::asked(project, experiment, b)?,
        ]),
        None => None,
    };
    let more = dimensions.iter().skip(declared).chain(map.iter().flatten());
    uses.extend(more.flat_map(|d| d.uses.iter().cloned()));
    let design = designs::dimensions(project, experiment)?;
    // Without variants nothing is compared, so that nothing is adjusted.
    let adjustment = match experiment.variants.is_empty() {
        true => None,
        false => adjust::unit_adjustment(project, experiment)
            .map_err(|cause| CapabilityError::Invalid(format!("experiment {name}: its `adjust`: {cause}")))?,
    };
    uses.extend(adjustment.iter().flat_map(|a| a.uses.iter().cloned()));
    let past = adjustment.iter().flat_map(|a| a.past());
    uses.extend(design.iter().flat_map(|d| d.uses.iter().cloned()));
    let mut tables = BTreeSet::from([dataset.meta.name.clone()]);
    tables.extend(
        metrics
            .iter()
            .chain(past)
            .flat_map(|m| m.reads().map(|v| v.dataset.clone())),
    );
    tables.extend(
        dimensions
            .iter()
            .chain(&design)
            .chain(map.iter().flatten())
            .chain(adjustment.iter().flat_map(|a| a.dimensions()))
            .filter_map(|d| match &d.source {
                DimensionSource::Unit { dataset, .. } => Some(dataset.clone()),
                DimensionSource::Exposure { .. } => None,
            }),
    );
    tables.extend(trigger.iter().map(|t| t.dataset.clone()));
    let mut parameters = json!({
        "cut": window.cut.map(time),
        "status": window.status,
        "day": window.progress.map(|(day, _)| day),
        "time_zone": project.settings.time_zone,
        "alpha": experiment.alpha,
    });
    if window.data != window.cut {
        parameters["data"] = json!(window.data.map(time));
    }
    for name in &options.quantiles {
        if !asked.iter().any(|a: &Asked| a.name == *name) {
            return Err(CapabilityError::Unknown {
                kind: "metric of the experiment".into(),
                name: name.clone(),
                near: crate::error::nearest(name, asked.iter().map(|a| &a.name)),
            });
        }
    }
    // What nobody asked for is no part of the key.
    if !options.quantiles.is_empty() {
        parameters["quantiles"] = json!(options.quantiles);
    }
    if !options.by.is_empty() {
        parameters["by"] = json!(options.by);
    }
    if options.map.is_some() {
        parameters["map"] = json!(options.map);
    }
    let definitions = uses.into_iter().map(|u| (u.clone(), digest(project, &u))).collect();
    Ok(Prepared {
        experiment,
        dataset,
        window,
        zone,
        now,
        metrics,
        asked,
        dimensions,
        trigger,
        problems,
        declared,
        map,
        design,
        quantiles: options.quantiles.clone(),
        adjustment,
        definitions,
        tables: tables.into_iter().collect(),
        parameters,
        plan: None,
        effect: None,
    })
}

impl Prepared<'_> {
    /// Reads the experiment under its plan: each metric in the part that it was planned for, what was not declared
    /// beforehand as exploratory.
    pub(super) fn bind(&mut self, plan: PlanReadout) {
        super::plan::assign(&plan, &mut self.asked);
        let rest = self.dimensions.split_off(self.declared);
        let declared = std::mem::take(&mut self.dimensions).into_iter();
        let (planned, later): (Vec<_>, Vec<_>) = declared.partition(|d| plan.breakdowns.contains(&d.name));
        self.declared = planned.len();
        self.dimensions = planned.into_iter().chain(later).chain(rest).collect();
        let registered = plan.expected.as_ref().and_then(|e| e.effect);
        self.effect = registered
            .filter(|_| self.window.status == ExperimentStatus::Running)
            .or(self.effect);
        self.parameters["plan"] = json!(plan);
        self.plan = Some(plan);
    }

    /// What all its queries have in common.
    pub(super) fn layout(&self) -> Layout<'_> {
        Layout {
            experiment: self.experiment,
            dataset: self.dataset,
            window: &self.window,
            dimensions: &self.dimensions,
            trigger: self.trigger.as_ref(),
            grain: grain(self),
        }
    }

    pub(super) fn experiment(&self) -> &Experiment {
        self.experiment
    }

    pub(super) fn window(&self) -> &Window {
        &self.window
    }

    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    pub(super) fn now(&self) -> i64 {
        self.now
    }

    pub(super) fn adjustment(&self) -> Option<&adjust::UnitAdjustment> {
        self.adjustment.as_ref()
    }

    pub(super) fn metrics(&self) -> &[UnitMetric] {
        &self.metrics
    }
}

fn time(us: i64) -> String {
    Timestamp::from_microsecond(us).map_or_else(|_| us.to_string(), |t| t.to_string())
}

/// Digest of `kind/name`; empty if it is not defined.
fn digest(project: &Project, reference: &str) -> String {
    let found = match reference.split_once('/') {
        Some(("experiment", n)) => project.experiments.get(n).map(|d| &d.meta),
        Some(("metric", n)) => project.metrics.get(n).map(|d| &d.meta),
        Some(("semantic_model", n)) => project.semantic_models.get(n).map(|d| &d.meta),
        Some(("dataset", n)) => project.datasets.get(n).map(|d| &d.meta),
        _ => None,
    };
    found.map(|m| m.digest.clone()).unwrap_or_default()
}

/// Bucket of exposure times that days of the zone are made of: whole days in UTC, else hours, or minutes where the
/// zone's offset is no whole hour.
fn grain(prepared: &Prepared<'_>) -> &'static str {
    if prepared.zone == TimeZone::UTC || prepared.zone.iana_name() == Some("UTC") {
        return "day";
    }
    let whole = [prepared.window.from, prepared.window.before, prepared.window.cut]
        .iter()
        .flatten()
        .all(|&us| Timestamp::from_microsecond(us).is_ok_and(|t| prepared.zone.to_offset(t).seconds() % 3600 == 0));
    // Without a start the offset of the past is unknown.
    if whole && prepared.window.from.is_some() && day(0, &prepared.zone).is_some() {
        "hour"
    } else {
        "minute"
    }
}
