//! Variables of a unit from measures and their conditions.

use std::collections::BTreeSet;

use steward_definitions::{
    Aggregation, Dataset, Experiment, Measure, MeasureInput, Metric, MetricInput, MetricShape, Project, SemanticModel,
};
use steward_stats::NotEstimable;

use super::dimensions::{DimensionSource, UnitDimension};
use super::expression::{over_columns, over_dimensions};
use super::measures::{FactTime, Fold, ROW_UNIT, Variable, as_time, logical_type, refuse};
use super::writer::ONE;

/// The rows of a simple metric that are events: the value is the condition, over the dataset's columns; and the
/// definitions used.
pub fn event(
    project: &Project,
    experiment: &Experiment,
    name: &str,
) -> Result<(Variable, BTreeSet<String>), NotEstimable> {
    let mut builder = Builder::new(project, experiment);
    let one = builder.event(name)?;
    Ok((one, builder.uses))
}

pub(super) fn filters(all: &[&Option<String>]) -> Vec<String> {
    all.iter()
        .filter_map(|f| f.as_ref())
        .filter(|f| !f.trim().is_empty())
        .cloned()
        .collect()
}

pub(super) fn find<'a>(project: &'a Project, name: &str) -> Result<&'a Metric, NotEstimable> {
    project.metrics.get(name).ok_or_else(|| {
        refuse(
            format!("there is no metric {name}"),
            "define it, or mend the name in the experiment",
        )
    })
}

/// The measure of that name, with its model and dataset.
pub(super) fn find_measure<'a>(
    project: &'a Project,
    name: &str,
) -> Result<(&'a SemanticModel, &'a Measure, &'a Dataset), NotEstimable> {
    for model in project.semantic_models.values() {
        if let Some(measure) = model.measures.iter().find(|m| m.name == name) {
            let dataset = project.datasets.get(&model.dataset).ok_or_else(|| {
                refuse(
                    format!(
                        "semantic model {} reads dataset {}, which is not defined",
                        model.meta.name, model.dataset
                    ),
                    "define the dataset",
                )
            })?;
            return Ok((model, measure, dataset));
        }
    }
    Err(refuse(
        format!("there is no measure {name}"),
        "define it in a semantic model",
    ))
}

/// The type that the contract gives a dimension that is a column of its table.
pub(super) fn logical<'p>(
    project: &'p Project,
    experiment: &'p Experiment,
    dimension: &UnitDimension,
) -> Option<&'p str> {
    let (dataset, value) = match &dimension.source {
        DimensionSource::Exposure { value } => (&experiment.exposures.dataset, value),
        DimensionSource::Unit { dataset, value, .. } => (dataset, value),
    };
    let column = value.trim_matches(['(', ')']);
    logical_type(column, project.datasets.get(dataset)?)
}

/// The percentile that a measure aggregates by, if it does.
pub(super) fn quantile_of(project: &Project, name: &str) -> Result<Option<f64>, NotEstimable> {
    let (_, measure, _) = find_measure(project, name)?;
    Ok(match measure.aggregation {
        Aggregation::Median => Some(0.5),
        Aggregation::Percentile => Some(measure.percentile.unwrap_or(0.5)),
        _ => None,
    })
}

/// A measure's rows.
struct Read {
    dataset: String,
    key: String,
    time: Option<FactTime>,
    value: String,
    condition: String,
    aggregation: Aggregation,
}

impl Read {
    /// `then` for the rows that count and for which `extra` holds.
    fn variable(&self, extra: &str, then: &str, fold: Fold) -> Variable {
        let conditions: Vec<&str> = [self.condition.as_str(), extra]
            .into_iter()
            .filter(|c| !c.is_empty())
            .collect();
        let value = match conditions.as_slice() {
            [] => then.to_string(),
            all => format!("CASE WHEN {} THEN {then} END", all.join(" AND ")),
        };
        Variable {
            dataset: self.dataset.clone(),
            key: self.key.clone(),
            time: self.time.clone(),
            value,
            fold,
        }
    }
}

/// Builds variables, and remembers the definitions used.
pub(super) struct Builder<'a> {
    pub project: &'a Project,
    experiment: &'a Experiment,
    pub uses: BTreeSet<String>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(project: &'a Project, experiment: &'a Experiment) -> Builder<'a> {
        Builder {
            project,
            experiment,
            uses: BTreeSet::new(),
        }
    }

    /// The rows of a simple metric that are events: the value is the condition. A row with a value above 0 is one; an
    /// average's rows are those that it counts.
    pub(super) fn event(&mut self, name: &str) -> Result<Variable, NotEstimable> {
        let metric = find(self.project, name)?;
        let MetricShape::Simple { measure } = &metric.shape else {
            return Err(refuse(
                format!("{name} is no simple metric, whose rows would be events"),
                "use a simple metric of a sum or a count",
            ));
        };
        let mut found = self.measure(measure, &filters(&[&metric.filter, &measure.filter]))?;
        let Some(mut one) = found.pop() else {
            return Err(refuse(format!("{name} has no rows to count"), "use a sum or a count"));
        };
        one.value = match one.fold {
            Fold::Sum | Fold::Any => format!("({}) > 0", one.value),
            Fold::Distinct => format!("({}) IS NOT NULL", one.value),
        };
        Ok(one)
    }

    /// An input of a ratio: a simple metric with one number per unit.
    pub(super) fn input(&mut self, input: &MetricInput, outer: &[String]) -> Result<Variable, NotEstimable> {
        let metric = find(self.project, &input.name)?;
        self.uses.insert(format!("metric/{}", input.name));
        if input.offset_window.is_some() || input.offset_to_grain.is_some() {
            return Err(refuse(
                format!("{} is taken with an offset in time", input.name),
                "an experiment compares the same window for every unit: use an input without offset",
            ));
        }
        let MetricShape::Simple { measure } = &metric.shape else {
            return Err(refuse(
                format!("{} is part of a ratio but no simple metric", input.name),
                "make both parts simple metrics of a sum or a count",
            ));
        };
        let mut conditions = outer.to_vec();
        conditions.extend(filters(&[&input.filter, &metric.filter, &measure.filter]));
        let mut found = self.measure(measure, &conditions)?;
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one),
            _ => Err(refuse(
                format!("{} is an average, which cannot be part of a ratio", input.name),
                "use the sum and the count behind it",
            )),
        }
    }

    /// The variables of a measure: one, or sum and count for an average.
    pub(super) fn measure(
        &mut self,
        input: &MeasureInput,
        conditions: &[String],
    ) -> Result<Vec<Variable>, NotEstimable> {
        let read = self.read(input, conditions)?;
        let value = &read.value;
        let present = format!("{value} IS NOT NULL");
        let double = format!("CAST({value} AS DOUBLE)");
        let variable = |extra: &str, then: &str, fold: Fold| read.variable(extra, then, fold);
        Ok(match read.aggregation {
            Aggregation::Sum => vec![variable("", &double, Fold::Sum)],
            Aggregation::Count => vec![variable(&present, ONE, Fold::Sum)],
            Aggregation::SumBoolean => {
                let truth = format!("CASE WHEN {value} THEN {ONE} ELSE CAST(0 AS DOUBLE) END");
                vec![variable("", &truth, Fold::Sum)]
            }
            Aggregation::CountDistinct if read.key.is_empty() || *value == read.key => {
                vec![variable(&present, ONE, Fold::Any)]
            }
            Aggregation::CountDistinct => vec![variable("", value, Fold::Distinct)],
            Aggregation::Average => vec![variable("", &double, Fold::Sum), variable(&present, ONE, Fold::Sum)],
            Aggregation::Min | Aggregation::Max | Aggregation::Median | Aggregation::Percentile => {
                return Err(refuse(
                    format!(
                        "measure {} is a {:?}, which has no mean per unit",
                        input.name, read.aggregation
                    ),
                    "experiments compare sums, counts, distinct counts, averages, ratios of those, and quantiles",
                ));
            }
        })
    }

    /// The values of a measure's rows, each for itself.
    pub(super) fn values(&mut self, input: &MeasureInput, conditions: &[String]) -> Result<Variable, NotEstimable> {
        let read = self.read(input, conditions)?;
        let double = format!("CAST({} AS DOUBLE)", read.value);
        Ok(read.variable("", &double, Fold::Sum))
    }

    /// The number of rows of a measure that have a value.
    pub(super) fn rows(&mut self, input: &MeasureInput, conditions: &[String]) -> Result<Variable, NotEstimable> {
        let read = self.read(input, conditions)?;
        let present = format!("{} IS NOT NULL", read.value);
        Ok(read.variable(&present, ONE, Fold::Sum))
    }

    /// Where a measure is read, with the conditions on its rows.
    fn read(&mut self, input: &MeasureInput, conditions: &[String]) -> Result<Read, NotEstimable> {
        let (model, measure, dataset) = find_measure(self.project, &input.name)?;
        self.uses.insert(format!("semantic_model/{}", model.meta.name));
        self.uses.insert(format!("dataset/{}", dataset.meta.name));
        let bad = |cause: String| refuse(cause, format!("mend measure {} or its filters", measure.name));
        if measure.non_additive.is_some() {
            return Err(refuse(
                format!("measure {} does not add up over time", measure.name),
                "use a measure of flows (amounts, events), not of states (balances)",
            ));
        }
        let key = self.key(model, dataset)?;
        let time = if self.experiment.exposures.time.is_some() && !key.is_empty() {
            self.time(model, measure, dataset)?
        } else {
            None
        };
        let value = over_columns(&measure.expr, dataset).map_err(bad)?;
        let condition = conditions
            .iter()
            .map(|c| over_dimensions(c, model, dataset))
            .collect::<Result<Vec<_>, _>>()
            .map_err(bad)?
            .join(" AND ");
        Ok(Read {
            dataset: dataset.meta.name.clone(),
            key,
            time,
            value,
            condition,
            aggregation: measure.aggregation,
        })
    }

    /// The unit's key in a model: the expression of the entity that is randomised. Empty when each row is a unit.
    fn key(&self, model: &SemanticModel, dataset: &Dataset) -> Result<String, NotEstimable> {
        let exposures = &self.experiment.exposures;
        if exposures.unit == ROW_UNIT {
            return if dataset.meta.name == exposures.dataset {
                Ok(String::new())
            } else {
                Err(refuse(
                    format!(
                        "each row of {} is a unit, and {} is another table",
                        exposures.dataset, dataset.meta.name
                    ),
                    "name a column as the unit, so that the tables can be joined",
                ))
            };
        }
        let Some(entity) = model.entities.iter().find(|e| e.name == exposures.entity) else {
            return Err(refuse(
                format!(
                    "semantic model {} has no entity {:?}, the unit",
                    model.meta.name, exposures.entity
                ),
                format!("add the entity {:?} with the column that holds it", exposures.entity),
            ));
        };
        let key = over_columns(&entity.expr, dataset)
            .map_err(|cause| refuse(cause, format!("mend entity {} of {}", entity.name, model.meta.name)))?;
        Ok(self.experiment.exposures.as_unit(key, &entity.expr, dataset))
    }

    /// The time of the measure's rows; `None` when the model has none.
    fn time(
        &self,
        model: &SemanticModel,
        measure: &Measure,
        dataset: &Dataset,
    ) -> Result<Option<FactTime>, NotEstimable> {
        let Some(name) = measure.time_dimension.as_ref().or(model.time_dimension.as_ref()) else {
            return Ok(None);
        };
        let Some(dimension) = model.dimensions.iter().find(|d| d.name == *name) else {
            return Err(refuse(
                format!("semantic model {} has no time dimension {name:?}", model.meta.name),
                "define it",
            ));
        };
        let text = over_columns(&dimension.expr, dataset)
            .map_err(|cause| refuse(cause, format!("mend dimension {name} of {}", model.meta.name)))?;
        Ok(Some(FactTime {
            value: as_time(&text, &dimension.expr, dataset),
            is_date: logical_type(&dimension.expr, dataset) == Some("date"),
        }))
    }
}
