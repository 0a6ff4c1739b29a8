//! A metric's own history: the readout's per-unit query over the time before an experiment, for every duration it might
//! have.
//!
//! The units that would have been exposed are those of an earlier experiment on the same exposures (its arms for traffic,
//! its control for the metric), or those active in a semantic model (a unit is exposed by its first row in the window).
//! Each duration is read by itself, so that the number of units grows as returning units let it, and so that metrics
//! without a window accumulate as they would.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use steward_definitions::{Experiment, Exposures, SemanticModel};

use super::PowerOptions;
use crate::experiments::ReadoutOptions;
use crate::experiments::cells::Cells;
use crate::experiments::compute::{self, History};
use crate::experiments::measures::ROW_UNIT;
use crate::experiments::readout::ExperimentStatus;
use crate::experiments::window::{DAY, SECOND, Window, day, moment, zone};
use crate::{CapabilityError, Context};

/// Days in a week.
pub const WEEK: i64 = 7;

/// Where the units are counted that would have been exposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// `experiment/NAME` or `semantic_model/NAME`.
    pub reference: String,
    /// Why this one.
    pub why: String,
}

/// A past that is read as if the experiment had run then.
pub struct Past {
    /// What is read.
    pub source: Source,
    /// The experiment, with the past's exposures.
    pub experiment: Experiment,
    /// First moment of exposure.
    from: i64,
    /// Last moment of exposure, exclusive.
    pub before: i64,
    /// Durations are counted from its beginning (an earlier experiment) instead of back from its end.
    forward: bool,
    /// Seconds in which a unit's facts count.
    seconds: Option<u64>,
}

fn invalid(experiment: &Experiment, what: impl std::fmt::Display) -> CapabilityError {
    CapabilityError::Invalid(format!("experiment {}: {what}", experiment.meta.name))
}

impl Past {
    /// Weeks that it holds at most.
    pub fn weeks(&self) -> i64 {
        (self.before - self.from) / (WEEK * DAY)
    }

    /// Its first and last day.
    pub fn period(&self, context: &Context) -> Result<(String, String), CapabilityError> {
        let zone = zone(&context.project.settings)?;
        let name = |us: i64| day(us, &zone).map(|d| d.to_string()).unwrap_or_default();
        Ok((name(self.from), name(self.before - 1)))
    }

    /// The window of so many days.
    pub fn window(&self, days: i64) -> Window {
        let length = days * DAY;
        let (from, before) = if self.forward {
            (self.from, (self.from + length).min(self.before))
        } else {
            ((self.before - length).max(self.from), self.before)
        };
        let seconds = self.seconds.and_then(|s| i64::try_from(s).ok()).unwrap_or(0);
        let cut = Some(before.saturating_add(seconds.saturating_mul(SECOND)));
        Window {
            from: Some(from),
            before: Some(before),
            cut,
            data: cut,
            seconds: self.seconds,
            status: ExperimentStatus::Ended,
            progress: None,
        }
    }

    /// Reads one duration.
    pub async fn read(&self, context: &Context, days: i64) -> Result<History, CapabilityError> {
        let prepared = compute::lay_out(
            context,
            &self.experiment,
            &ReadoutOptions::default(),
            self.window(days),
            self.before,
        )?;
        compute::history(context, &prepared).await
    }
}

/// New units by day of the longest span: all arms.
pub fn arrivals(cells: &Cells) -> BTreeMap<Date, f64> {
    let mut all = BTreeMap::new();
    for ((date, arm), cell) in &cells.days {
        if let (Some(date), true) = (date, *arm >= 0) {
            *all.entry(*date).or_insert(0.0) += cell.units as f64;
        }
    }
    all
}

/// Finds the past of an experiment: the one asked for, else the latest earlier experiment on the same exposures, else the
/// semantic model in which most units were active in the last week.
pub async fn past(context: &Context, experiment: &Experiment, options: &PowerOptions) -> Result<Past, CapabilityError> {
    if experiment.exposures.time.is_none() {
        return Err(invalid(
            experiment,
            "its exposures have no time, so that no duration can be planned; name the column as `time` under `exposures`",
        ));
    }
    let zone = zone(&context.project.settings)?;
    let start = experiment.start.as_deref().map(|t| moment(t, &zone)).transpose()?;
    let now = options.as_of.unwrap_or(context.now_us);
    // What was known when it began, however long ago that is; whole days.
    let reference = start.map_or(now, |s| s.min(now));
    let reference = reference - reference.rem_euclid(DAY);
    let wanted = options.source.as_deref();
    let kind = wanted.and_then(|w| w.split_once('/'));
    let name = kind.map(|(_, n)| n).or(wanted);
    let is = |word: &str| kind.is_none_or(|(k, _)| k == word);
    let project = &context.project;
    if let Some(name) = name {
        if is("experiment")
            && let Some(found) = project.experiments.get(name)
        {
            return earlier(context, experiment, found, "asked for", now);
        }
        if is("semantic_model")
            && let Some(model) = project.semantic_models.get(name)
        {
            return active(experiment, model, context, reference, "asked for".into());
        }
        return Err(CapabilityError::Unknown {
            kind: "experiment or semantic model".into(),
            name: name.into(),
            near: crate::error::nearest(name, project.experiments.keys().chain(project.semantic_models.keys())),
        });
    }
    let mut candidates: Vec<(i64, &Experiment)> = Vec::new();
    for other in project.experiments.values() {
        let alike = other.exposures.dataset == experiment.exposures.dataset
            && other.exposures.entity == experiment.exposures.entity
            && other.exposures.time.is_some()
            && other.meta.name != experiment.meta.name;
        let bounds = (other.start.as_deref(), other.end.as_deref());
        if let (true, (Some(from), Some(end))) = (alike, bounds) {
            let (from, end) = (moment(from, &zone)?, moment(end, &zone)?);
            if end <= reference && end - from >= 2 * WEEK * DAY {
                candidates.push((end, other));
            }
        }
    }
    if let Some((_, other)) = candidates.iter().max_by_key(|(end, e)| (*end, e.meta.name.clone())) {
        return earlier(
            context,
            experiment,
            other,
            "the latest earlier experiment on the same exposures",
            reference,
        );
    }
    busiest(context, experiment, reference).await
}

/// An earlier experiment: its arms are the traffic, its control is the metric's history.
fn earlier(
    context: &Context,
    experiment: &Experiment,
    other: &Experiment,
    why: &str,
    until: i64,
) -> Result<Past, CapabilityError> {
    let zone = zone(&context.project.settings)?;
    let name = &other.meta.name;
    let at = |text: &Option<String>| text.as_deref().map(|t| moment(t, &zone)).transpose();
    let (Some(from), true) = (at(&other.start)?, other.exposures.time.is_some()) else {
        return Err(invalid(
            experiment,
            format!("{name} has no start, or its exposures have no time: name another source"),
        ));
    };
    let before = at(&other.end)?.map_or(until, |e| e.min(until));
    if before - from < WEEK * DAY {
        return Err(invalid(
            experiment,
            format!("{name} had run for less than a week by then: name another source"),
        ));
    }
    let past = Experiment {
        exposures: other.exposures.clone(),
        variants: other.variants.clone(),
        ..experiment.clone()
    };
    Ok(Past {
        source: Source {
            reference: format!("experiment/{name}"),
            why: why.into(),
        },
        experiment: past,
        from,
        before,
        forward: true,
        seconds: experiment.window_seconds,
    })
}

/// Units active in a semantic model: the first row of the window exposes.
fn active(
    experiment: &Experiment,
    model: &SemanticModel,
    context: &Context,
    reference: i64,
    why: String,
) -> Result<Past, CapabilityError> {
    let dataset = context.project.datasets.get(&model.dataset);
    let column = |expr: &str| {
        let name = expr.trim().trim_matches('"');
        dataset
            .and_then(|d| d.columns.iter().find(|c| c.name.eq_ignore_ascii_case(name)))
            .map(|c| c.name.clone())
    };
    let unit = model
        .entities
        .iter()
        .find(|e| e.name == experiment.exposures.entity)
        .and_then(|e| column(&e.expr));
    let time = model
        .time_dimension
        .as_ref()
        .and_then(|name| model.dimensions.iter().find(|d| d.name == *name))
        .and_then(|d| column(&d.expr));
    let (Some(unit), Some(time), true) = (unit, time, experiment.exposures.unit != ROW_UNIT) else {
        return Err(invalid(
            experiment,
            format!(
                "semantic model {} has no column of the entity {:?} with a time beside it: name another source",
                model.meta.name, experiment.exposures.entity
            ),
        ));
    };
    let seconds = experiment
        .window_seconds
        .and_then(|s| i64::try_from(s).ok())
        .unwrap_or(0);
    let before = reference.saturating_sub(seconds.saturating_mul(SECOND));
    let before = before - before.rem_euclid(DAY);
    let past = Experiment {
        exposures: Exposures {
            dataset: model.dataset.clone(),
            variant: unit.clone(),
            unit,
            entity: experiment.exposures.entity.clone(),
            time: Some(time),
            filter: None,
            span: experiment.exposures.span.clone(),
        },
        variants: Vec::new(),
        ..experiment.clone()
    };
    Ok(Past {
        source: Source {
            reference: format!("semantic_model/{}", model.meta.name),
            why,
        },
        experiment: past,
        from: before - 8 * WEEK * DAY,
        before,
        forward: false,
        seconds: experiment.window_seconds,
    })
}

/// The semantic model in which most units were active in the last week.
async fn busiest(context: &Context, experiment: &Experiment, reference: i64) -> Result<Past, CapabilityError> {
    let why = "the semantic model in which most units were active in the week before";
    let mut best: Option<(u64, Past)> = None;
    for model in context.project.semantic_models.values() {
        let Ok(mut past) = active(experiment, model, context, reference, why.into()) else {
            continue;
        };
        let asked = std::mem::take(&mut past.experiment);
        past.experiment = Experiment {
            primary: Vec::new(),
            secondary: Vec::new(),
            guardrails: Vec::new(),
            breakdowns: Vec::new(),
            ..asked.clone()
        };
        let Ok(read) = past.read(context, WEEK).await else {
            continue;
        };
        past.experiment = asked;
        let units = read.cells.total(0).units;
        if units > best.as_ref().map_or(0, |(most, _)| *most) {
            best = Some((units, past));
        }
    }
    best.map(|(_, past)| past).ok_or_else(|| {
        invalid(
            experiment,
            format!(
                "there is no history of its units before it: no earlier experiment on {}, and no semantic model with \
                 rows of the entity {:?} in the week before; name a source, or wait for data",
                experiment.exposures.dataset, experiment.exposures.entity
            ),
        )
    })
}
