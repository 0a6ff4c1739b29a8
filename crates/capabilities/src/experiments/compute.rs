//! The computation of a readout: the queries, the analysis.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use steward_definitions::InferenceMethod;

use super::analyse::Analysis;
use super::cells::Cells;
use super::concluding::{Clock, overall};
use super::designs::{self, Ground, NaiveLift};
use super::measures::ROW_UNIT;
use super::plan::PlanReadout;
pub use super::prepare::{Prepared, lay_out, prepare};
use super::query::{self, Layout};
pub use super::reading::{History, Runner, group_rows, history};
use super::reading::{Measured, asked, measure};
use super::readout::*;
use super::{
    adjust, checks, effects, health, looks, maps, outlook, over_time, quantiles, recommend, tails, triggers, verdict,
};
use crate::evidence::PROGRAM;
use crate::{CapabilityError, Context};

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
    let layout = prepared.layout();
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
