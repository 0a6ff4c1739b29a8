//! Units that count only from what they did after their exposure: where the trigger is read, and whether the split held
//! before it as well.

use std::collections::BTreeSet;

use steward_definitions::{Experiment, Project, Trigger};

use super::builder::event;
use super::cells::Cells;
use super::expression::over_columns;
use super::health::{BROKEN, problem, split_check};
use super::measures::{ROW_UNIT, as_time};
use super::readout::{ExposedSplit, Problem, VariantUnits};

/// Where a trigger's events are read. Expressions are over the dataset's columns, already rewritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitTrigger {
    /// Dataset of the events.
    pub dataset: String,
    /// The unit's key.
    pub key: String,
    /// Time of the event.
    pub time: String,
    /// Which rows are events.
    pub condition: Option<String>,
    /// Definitions used.
    pub uses: BTreeSet<String>,
}

/// Finds the trigger's events, or says why they cannot be had.
pub fn unit_trigger(project: &Project, experiment: &Experiment) -> Result<Option<UnitTrigger>, String> {
    let Some(trigger) = &experiment.trigger else {
        return Ok(None);
    };
    if experiment.exposures.time.is_none() || experiment.exposures.unit == ROW_UNIT {
        return Err(
            "the trigger needs the time of exposure and a column of the unit: name both under `exposures`".into(),
        );
    }
    match trigger {
        Trigger::Rows {
            dataset,
            unit,
            time,
            filter,
        } => {
            let table = project
                .datasets
                .get(dataset)
                .ok_or_else(|| format!("the trigger reads dataset {dataset:?}, which is not defined"))?;
            let column = |name: &str| over_columns(&super::expression::quote(name), table);
            if table
                .columns
                .iter()
                .any(|c| c.name == *time && c.logical_type == "date")
            {
                return Err(format!(
                    "the trigger's time {time:?} is a date, which does not say what came first; name a timestamp"
                ));
            }
            let filter = filter.as_deref().filter(|f| !f.trim().is_empty());
            Ok(Some(UnitTrigger {
                dataset: dataset.clone(),
                key: column(unit)?,
                time: as_time(&column(time)?, time, table),
                condition: filter.map(|f| over_columns(f, table)).transpose()?,
                uses: BTreeSet::from([format!("dataset/{dataset}")]),
            }))
        }
        Trigger::Metric { metric } => {
            let (variable, mut uses) = event(project, experiment, metric)
                .map_err(|e| format!("the trigger {metric}: {}; {}", e.detail, e.fix))?;
            let time = variable.time.filter(|t| !t.is_date).ok_or_else(|| {
                format!(
                    "the events of the trigger {metric} have no time, or a date, which does not say what came first"
                )
            })?;
            uses.insert(format!("metric/{metric}"));
            Ok(Some(UnitTrigger {
                dataset: variable.dataset,
                key: variable.key,
                time: time.value,
                condition: Some(variable.value),
                uses,
            }))
        }
    }
}

/// The split of all exposed units, beside that of the triggered ones, and what is wrong with it.
pub fn exposed(experiment: &Experiment, cells: &Cells, running: bool) -> (ExposedSplit, Option<Problem>) {
    let counts: Vec<u64> = (0..experiment.variants.len())
        .map(|arm| cells.total(arm as i64).units)
        .collect();
    let weights: Vec<f64> = experiment.variants.iter().map(|v| v.weight).collect();
    let srm = split_check(&counts, &weights, cells, running);
    let units: Vec<VariantUnits> = experiment
        .variants
        .iter()
        .zip(&counts)
        .map(|(v, &units)| VariantUnits {
            variant: v.name.clone(),
            units,
        })
        .collect();
    let found = srm.p.filter(|p| *p < BROKEN).map(|p| {
        let listed: Vec<String> = units.iter().map(|u| format!("{} {}", u.variant, u.units)).collect();
        problem(
            "exposed-sample-ratio",
            "error",
            format!(
                "the split of exposed units is not as planned before the trigger already ({}; {}): assignment or exposure is \
                 broken, not the trigger",
                listed.join(", "),
                super::verdict::p_value(p)
            ),
        )
    });
    (ExposedSplit { units, srm }, found)
}

/// Says that the trigger breaks the split, where exposures alone did not.
pub fn broken(before: &ExposedSplit, after_broken: bool) -> Option<Problem> {
    (after_broken && !before.srm.broken).then(|| {
        problem(
            "trigger-sample-ratio",
            "error",
            "the split was as planned before the trigger and is not after it: the treatment changes who is triggered, so that \
             triggered units are not alike; trigger on something that both variants can do before they differ"
                .into(),
        )
    })
}
