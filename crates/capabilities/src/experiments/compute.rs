//! The computation of a readout: what it rests on, the queries, the analysis.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};
use steward_compute::{EngineError, Query, Rows, Sketch};
use steward_definitions::{Cap, Dataset, Experiment, InferenceMethod, Project};
use steward_stats::NotEstimable;

use super::analyse::{Analysis, Asked};
use super::cells::{Cells, sketches};
use super::concluding::{Clock, overall};
use super::designs::{self, Ground, NaiveLift};
use super::dimensions::{DimensionSource, UnitDimension, unit_dimension};
use super::measures::{ROW_UNIT, UnitMetric, refuse};
use super::plan::PlanReadout;
use super::query::{self, CAP_ACCURACY, Capped, Layout};
use super::readout::*;
use super::unit_metric::unit_metric;
use super::window::{Window, day, window, zone};
use super::{
    adjust, checks, effects, health, looks, maps, outlook, over_time, period, quantiles, recommend, tails, triggers, verdict,
};
use crate::evidence::PROGRAM;
use crate::{CapabilityError, Context};

/// An experiment laid out, before any query: what it rests on decides the evidence's key.
pub struct Prepared<'a> {
    experiment: &'a Experiment,
    dataset: &'a Dataset,
    window: Window,
    zone: TimeZone,
    now: i64,
    metrics: Vec<UnitMetric>,
    asked: Vec<Asked>,
    dimensions: Vec<UnitDimension>,
    trigger: Option<triggers::UnitTrigger>,
    problems: Vec<Breakdown>,
    /// How many of the dimensions are declared; the rest are exploratory.
    declared: usize,
    /// Dimensions to be crossed.
    map: Option<[UnitDimension; 2]>,
    /// Dimensions that the design names.
    design: Vec<UnitDimension>,
    /// Metrics whose lift is asked for over their distribution.
    quantiles: Vec<String>,
    /// What lifts are adjusted for.
    adjustment: Option<adjust::UnitAdjustment>,
    /// Definition → digest.
    pub definitions: BTreeMap<String, String>,
    /// Tables read.
    pub tables: Vec<String>,
    /// Everything else that the numbers depend on.
    pub parameters: Json,
    /// The plan that binds it.
    plan: Option<PlanReadout>,
    /// Relative improvement planned for, while it runs.
    effect: Option<f64>,
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

/// Runs queries and remembers them.
pub struct Runner<'a> {
    context: &'a Context,
    /// As run.
    pub(super) queries: Vec<RanQuery>,
}

impl<'a> Runner<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Runner {
            context,
            queries: Vec::new(),
        }
    }

    pub(super) async fn run(&mut self, query: &Query) -> Result<Rows, EngineError> {
        let rows = self.context.engine.run(query, &self.context.control).await?;
        self.queries.push(RanQuery {
            label: query.label.clone(),
            sql: rows.sql.clone(),
        });
        Ok(rows)
    }
}

/// Computes the readout, with its provenance.
pub async fn readout(context: &Context, prepared: &Prepared<'_>) -> Result<(Readout, Json), CapabilityError> {
    let Prepared {
        experiment,
        dataset,
        window,
        ..
    } = prepared;
    let mut runner = Runner::new(context);
    let mut problems = untimed(prepared);
    let layout = Layout {
        experiment,
        dataset,
        window,
        dimensions: &prepared.dimensions,
        trigger: prepared.trigger.as_ref(),
        grain: grain(prepared),
    };
    let Measured {
        mut cells,
        caps,
        refused,
    } = measure(&mut runner, &layout, prepared).await?;
    let variants = if cells.total(query::UNKNOWN_ARM).units > 0 {
        let rows = runner.run(&query::variants(&layout)?).await?;
        let mut all: Vec<(Option<String>, u64)> = rows
            .strings("variant")?
            .into_iter()
            .zip(rows.integers("n")?)
            .map(|(v, n)| (v, n.unwrap_or(0).max(0) as u64))
            .collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        all
    } else {
        Vec::new()
    };
    let asked = asked(prepared, &refused);
    let running = window.status == ExperimentStatus::Running;
    let (arms, mut health) = health::examine(
        experiment,
        dataset,
        &cells,
        &variants,
        running,
        std::mem::take(&mut problems),
    );
    let measured: Vec<usize> = asked.iter().filter_map(|a| a.measured.as_ref().ok().copied()).collect();
    let limits_of = |i: usize| caps.get(i).and_then(|l| l.first()).copied().unwrap_or_default();
    let mut quantiles = quantiles::quantiles(
        &mut runner,
        prepared,
        &layout,
        &asked,
        &cells,
        limits_of,
        &prepared.quantiles,
    )
    .await?;
    for curve in &mut quantiles.curves {
        curve.unit = context.project.metrics.get(&curve.metric).and_then(|m| m.unit.clone());
    }
    let adjusted = adjust::adjust(&mut runner, prepared, &layout, &asked, &caps).await?;
    let mut apart = std::mem::take(&mut quantiles.lifts);
    apart.extend(adjusted.lifts);
    let planned_looks = looks::looks(&mut runner, prepared, &layout, &cells, &measured).await?;
    let mut ground = Ground {
        runner: &mut runner,
        layout: &layout,
        experiment,
        metrics: &prepared.metrics,
        caps: &caps,
        asked: &asked,
        dimensions: &prepared.design,
        project: &context.project,
        zone: &prepared.zone,
    };
    let mut designed = designs::analyse(&mut ground, &cells).await?;
    if let Some(map) = &prepared.map {
        let crossed = maps::cells(&mut ground, map).await?;
        cells.segments.resize_with(prepared.dimensions.len(), BTreeMap::new);
        cells.segments.push(crossed);
    }
    let mut analysis = Analysis {
        project: &context.project,
        experiment,
        metrics: &prepared.metrics,
        caps: &caps,
        asked: &asked,
        cells: &cells,
        clock: Clock {
            looks: &planned_looks,
            fraction: looks::fraction(experiment, window, &prepared.zone, &cells, prepared.now),
        },
        apart: &apart,
        described: &adjusted.described,
        designed: None,
    };
    if prepared.trigger.is_some() {
        let all = Layout {
            trigger: None,
            dimensions: &[],
            ..layout
        };
        let rows = runner.run(&query::cells(&all, &[])?).await?;
        let mut exposed = Cells::default();
        exposed.take(&rows, &[], 0, &prepared.zone, true, true)?;
        let (split, found) = triggers::exposed(experiment, &exposed, running);
        let found = found.into_iter().chain(triggers::broken(&split, health.srm.broken));
        health::add(&mut health, found.collect());
        health.exposed = Some(split);
    }
    let mut metrics = analysis.metrics();
    if let Some(designed) = designed.as_mut().filter(|d| !d.units) {
        designed.readout.naive = metrics
            .iter()
            .map(|m| NaiveLift {
                metric: m.metric.clone(),
                variant: m.variant.clone(),
                absolute: m.absolute.clone(),
                relative: m.relative.clone(),
            })
            .collect();
        designs::restate(&mut health, experiment, designed);
    }
    if let Some(designed) = designed.as_ref().filter(|d| !d.units) {
        analysis.designed = Some(&designed.lifts);
        metrics = analysis.metrics();
    }
    if running {
        let share = match experiment.inference.method {
            InferenceMethod::Fixed => looks::known(experiment, window, &prepared.zone, &cells),
            _ => analysis.clock.fraction,
        };
        outlook::outlooks(&mut metrics, experiment, share, prepared.effect);
    }
    if health.srm.broken {
        health.suspects = checks::suspects(experiment, &prepared.dimensions, &cells);
        let where_from = checks::explain_split(&health.suspects, experiment);
        health::add(&mut health, where_from.into_iter().collect());
    }
    // What counts single units as independent says nothing where they were not split one by one.
    let by_units = designed.as_ref().is_none_or(|d| d.units);
    if by_units {
        let mut before = analysis.pre_exposure();
        health::add(&mut health, checks::pre_exposure(&mut before));
        health.pre_exposure = before;
        health::add(&mut health, checks::missing_days(experiment, &cells));
        let mut followed = over_time::follow(&mut runner, prepared, &layout, &asked).await?;
        health::add(&mut health, over_time::examine(&mut followed, experiment.alpha));
        health.novelty = followed;
        health.tails = tails::tails(&mut runner, prepared, &layout, &asked, limits_of).await?;
        let hanging = tails::examine(&health.tails);
        health::add(&mut health, hanging);
    }
    let mut breakdowns: Vec<Breakdown> = prepared
        .dimensions
        .iter()
        .enumerate()
        .map(|(i, d)| analysis.breakdown(i, &d.name))
        .collect();
    let (declared, exploratory) = breakdowns.split_at_mut(prepared.declared.min(prepared.dimensions.len()));
    exploratory.iter_mut().for_each(|b| b.exploratory = true);
    // Families of their own: what was asked for afterwards must not weaken what was declared.
    effects::shrink_segments(declared, experiment.alpha);
    effects::shrink_segments(exploratory, experiment.alpha);
    let map = prepared.map.as_ref().map(|dimensions| {
        let mut crossed = [analysis.breakdown(prepared.dimensions.len(), "")];
        effects::shrink_segments(&mut crossed, experiment.alpha);
        maps::map(dimensions, crossed)
    });
    let mut maps: Vec<EffectMap> = map.into_iter().collect();
    breakdowns.extend(prepared.problems.iter().cloned());
    let mut daily = analysis.daily(&metrics);
    if !by_units {
        breakdowns = designs::no_breakdowns(experiment);
        maps.clear();
        daily.clear();
    }
    let counted = looks::counted(experiment, &cells);
    let inference = overall(experiment, &metrics, &planned_looks, window.status, counted);
    health::add(&mut health, checks::underpowered(experiment, &metrics));
    let mut found = verdict::verdict(&arms, &health, &metrics, window, experiment.end.as_deref(), &inference);
    if let Some(more) = designed.as_ref().and_then(|d| designs::sentence(d, experiment))
        && !matches!(
            found.outcome,
            Outcome::DoNotTrust | Outcome::NoData | Outcome::NotStarted
        )
    {
        found.sentence = format!("{} {more}", found.sentence);
    }
    if let Some(warning) = prepared.plan.as_ref().and_then(PlanReadout::warning)
        && !matches!(found.outcome, Outcome::NoData | Outcome::NotStarted)
    {
        found.sentence = format!("{} {warning}", found.sentence);
    }
    let decision = recommend::Evidence {
        experiment,
        health: &health,
        metrics: &metrics,
        inference: &inference,
        outcome: found.outcome,
        variant: found.variant.as_deref(),
        status: window.status,
        days: super::window::days(experiment, &prepared.zone),
    }
    .decide();
    let days = || {
        cells
            .days
            .iter()
            .filter(|((_, arm), c)| *arm >= 0 && c.units > 0)
            .filter_map(|((d, _), _)| *d)
    };
    let readout = Readout {
        experiment: experiment.meta.name.clone(),
        label: experiment.meta.label.clone(),
        owner: experiment.meta.owner.clone(),
        hypothesis: experiment.hypothesis.clone(),
        status: window.status,
        verdict: found.sentence,
        outcome: found.outcome,
        variant: found.variant,
        health,
        arms,
        daily,
        metrics,
        breakdowns,
        maps,
        quantiles: quantiles.curves,
        arrivals: arrivals(&cells),
        window: DataWindow {
            exposures_from: window.from,
            exposures_before: window.before,
            facts_before: window.cut,
            window_seconds: window.seconds,
            cuped_days: prepared.metrics.iter().map(|m| m.cuped_days).max().unwrap_or(0),
            first_day: days().min().map(|d| d.to_string()),
            last_day: days().max().map(|d| d.to_string()),
        },
        alpha: experiment.alpha,
        correction: experiment.correction.clone(),
        inference,
        decision,
        plan: prepared.plan.clone(),
        design: designed.map(|d| d.readout),
        provenance: Provenance {
            evidence: String::new(),
            engine: context.engine.name().to_string(),
            queries: runner.queries.clone(),
            data: BTreeMap::new(),
            definitions: prepared.definitions.clone(),
            program: PROGRAM.to_string(),
        },
    };
    let sql: Vec<&str> = runner.queries.iter().map(|q| q.sql.as_str()).collect();
    let provenance = json!({ "engine": context.engine.name(), "sql": sql, "queries": runner.queries });
    Ok((readout, provenance))
}

/// Units by day of first exposure.
fn arrivals(cells: &Cells) -> Vec<Arrivals> {
    let mut days = BTreeMap::new();
    for ((day, arm), cell) in &cells.days {
        if let (Some(day), true) = (day, *arm >= 0) {
            *days.entry(*day).or_insert(0) += cell.units;
        }
    }
    let all = days.into_iter().filter(|(_, units)| *units > 0);
    all.map(|(day, units)| Arrivals {
        day: day.to_string(),
        units,
    })
    .collect()
}

/// What the queries brought.
struct Measured {
    /// Moments by cell.
    cells: Cells,
    /// Limits at which each metric is capped, by variable.
    caps: Vec<Vec<Limits>>,
    /// Metrics that could not be read, with the reason.
    refused: BTreeMap<usize, NotEstimable>,
}

/// What the past of an experiment's metrics brought.
pub struct History {
    /// Moments by cell.
    pub cells: Cells,
    /// Metrics as they are measured.
    pub metrics: Vec<UnitMetric>,
    /// What is asked for, with refusals of what could not be read.
    pub asked: Vec<Asked>,
    /// Queries as run.
    pub queries: Vec<RanQuery>,
}

/// Reads what is laid out, without comparing anything.
pub async fn history(context: &Context, prepared: &Prepared<'_>) -> Result<History, CapabilityError> {
    let mut runner = Runner {
        context,
        queries: Vec::new(),
    };
    let layout = Layout {
        experiment: prepared.experiment,
        dataset: prepared.dataset,
        window: &prepared.window,
        dimensions: &prepared.dimensions,
        trigger: prepared.trigger.as_ref(),
        grain: grain(prepared),
    };
    let found = measure(&mut runner, &layout, prepared).await?;
    Ok(History {
        asked: asked(prepared, &found.refused),
        cells: found.cells,
        metrics: prepared.metrics.clone(),
        queries: runner.queries,
    })
}

/// What is asked for, with the refusals that reading brought.
fn asked(prepared: &Prepared<'_>, refused: &BTreeMap<usize, NotEstimable>) -> Vec<Asked> {
    let all = prepared.asked.iter().map(|a| Asked {
        name: a.name.clone(),
        role: a.role,
        margin: a.margin,
        measured: match &a.measured {
            Ok(i) => refused.get(i).cloned().map_or(Ok(*i), Err),
            Err(e) => Err(e.clone()),
        },
    });
    all.collect()
}

/// Runs the queries of all metrics.
async fn measure(
    runner: &mut Runner<'_>,
    layout: &Layout<'_>,
    prepared: &Prepared<'_>,
) -> Result<Measured, CapabilityError> {
    let mut refused: BTreeMap<usize, NotEstimable> = BTreeMap::new();
    let mut caps: Vec<Vec<Limits>> = vec![Vec::new(); prepared.metrics.len()];
    let mut cells = Cells::default();
    let timed = prepared.experiment.exposures.time.is_some();

    let mut groups = query::groups(&prepared.metrics);
    if groups.is_empty() {
        groups.push(Vec::new());
    }
    let mut counted = false;
    for group in groups {
        let mut members = group;
        loop {
            let found = group_rows(runner, layout, prepared, &members, &mut caps).await;
            let rows = match found {
                Ok(rows) => rows,
                // One metric's expression that does not fit the table must not take the others with it.
                Err(CapabilityError::Engine(EngineError::Plan { cause, .. })) if !members.is_empty() => {
                    let bad = unplannable(runner.context, layout, prepared, &members).await;
                    let bad = if bad.is_empty() {
                        members.iter().map(|&m| (m, cause.clone())).collect()
                    } else {
                        bad
                    };
                    members.retain(|m| !bad.contains_key(m));
                    for (metric, cause) in bad {
                        refused.insert(
                            metric,
                            refuse(cause, "mend the measure, its filters or the dataset's contract"),
                        );
                    }
                    if members.is_empty() && counted {
                        break;
                    }
                    continue;
                }
                Err(e) => return Err(e),
            };
            let unread = cells.take(
                &rows,
                &members,
                layout.dimensions.len(),
                &prepared.zone,
                timed,
                !counted,
            )?;
            for (metric, cause) in unread {
                refused.insert(
                    metric,
                    refuse(cause, "filter out values that are infinite or not a number"),
                );
            }
            counted = true;
            break;
        }
    }
    Ok(Measured { cells, caps, refused })
}

/// Runs the query of a group of metrics; percentile caps are resolved first, which reads the facts once more.
pub async fn group_rows(
    runner: &mut Runner<'_>,
    layout: &Layout<'_>,
    prepared: &Prepared<'_>,
    members: &[usize],
    caps: &mut [Vec<Limits>],
) -> Result<Rows, CapabilityError> {
    let mut by_percentile: Vec<(usize, usize, Cap)> = Vec::new();
    for &i in members {
        let (Some(metric), Some(limits)) = (prepared.metrics.get(i), caps.get_mut(i)) else {
            continue;
        };
        *limits = vec![Limits::default(); metric.caps.len()];
        for (v, (cap, limit)) in metric.caps.iter().zip(limits).enumerate() {
            let Some(cap) = cap else { continue };
            if cap.percentile.is_some() || cap.low_percentile.is_some() {
                by_percentile.push((i, v, *cap));
            }
            *limit = Limits {
                low: cap.low_value,
                high: cap.value,
            };
        }
    }
    if !by_percentile.is_empty() {
        let plain = Layout {
            dimensions: &[],
            ..*layout
        };
        let metrics: Vec<(&UnitMetric, usize)> = by_percentile
            .iter()
            .filter_map(|(i, v, _)| Some((prepared.metrics.get(*i)?, *v)))
            .collect();
        let without_zeros: Vec<bool> = by_percentile.iter().map(|(.., cap)| cap.ignore_zeros).collect();
        let query = query::buckets(&plain, &metrics, Sketch::new(CAP_ACCURACY).log_gamma())?;
        let rows = runner.run(&query).await?;
        let found = sketches(&rows, &without_zeros, CAP_ACCURACY)?;
        for ((i, v, cap), sketch) in by_percentile.iter().zip(found) {
            if let Some(limit) = caps.get_mut(*i).and_then(|all| all.get_mut(*v)) {
                *limit = Limits {
                    low: cap.low_percentile.and_then(|q| sketch.quantile(q)),
                    high: cap.percentile.and_then(|q| sketch.quantile(q)),
                };
            }
        }
    }
    let capped: Vec<Capped> = members
        .iter()
        .filter_map(|&i| {
            Some(Capped {
                metric: prepared.metrics.get(i)?,
                limits: caps.get(i).cloned().unwrap_or_default(),
            })
        })
        .collect();
    Ok(runner.run(&query::cells(layout, &capped)?).await?)
}

/// Which metrics of a group do not fit the tables, each tried alone.
async fn unplannable(
    context: &Context,
    layout: &Layout<'_>,
    prepared: &Prepared<'_>,
    members: &[usize],
) -> BTreeMap<usize, String> {
    let mut bad = BTreeMap::new();
    for &i in members {
        let Some(metric) = prepared.metrics.get(i) else {
            continue;
        };
        if let Ok(query) = query::cells(
            layout,
            &[Capped {
                metric,
                limits: Vec::new(),
            }],
        ) && let Err(EngineError::Plan { cause, .. }) = context.engine.plan(&query).await
        {
            bad.insert(i, cause);
        }
    }
    bad
}

/// Metrics whose facts have no time although exposures do: facts from before the exposure dilute the lift.
fn untimed(prepared: &Prepared<'_>) -> Vec<Problem> {
    let exposures = &prepared.experiment.exposures;
    if exposures.time.is_none() || exposures.unit == ROW_UNIT {
        return Vec::new();
    }
    let names: Vec<&str> = prepared
        .metrics
        .iter()
        .filter(|m| m.variables.iter().any(|v| v.time.is_none()))
        .map(|m| m.name.as_str())
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    vec![Problem {
        code: "facts-without-time".into(),
        severity: "warning".into(),
        message: format!(
            "the facts of {} have no time, so that those from before the exposure count too and dilute the lift; give \
             the semantic model a time dimension",
            names.join(", ")
        ),
    }]
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
