//! From a governed metric to per-unit variables: what is summed for each unit, and what is compared.

use std::collections::BTreeSet;

use steward_definitions::{
    Aggregation, Cap, Dataset, Experiment, Measure, MeasureInput, Metric, MetricInput, MetricShape, Project,
    SemanticModel,
};
use steward_stats::{NotEstimable, Reason};

use super::expression::{over_columns, over_dimensions};
use super::period::{Period, period, used};

/// The unit that is each row of the exposures itself.
pub const ROW_UNIT: &str = "*";

/// How the rows of a unit become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fold {
    /// Sum of a double.
    Sum,
    /// Number of different values.
    Distinct,
    /// 1 if there is any, else 0.
    Any,
}

/// When a fact happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactTime {
    /// A timestamp or date.
    pub value: String,
    /// A date: the fact counts as after the exposure from the exposure's day on.
    pub is_date: bool,
}

/// One number per unit, from the rows of one dataset. Expressions are over the dataset's columns, already rewritten.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variable {
    /// Dataset of the facts.
    pub dataset: String,
    /// The unit's key; empty when each row is a unit.
    pub key: String,
    /// Time of the fact, if there is one.
    pub time: Option<FactTime>,
    /// What is folded: a double for `Sum` and `Any`.
    pub value: String,
    /// How.
    pub fold: Fold,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Mean per unit.
    Mean,
    /// Share of units.
    Proportion,
    /// Sum over sum.
    Ratio,
}

impl Compared {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Compared::Mean => "mean",
            Compared::Proportion => "proportion",
            Compared::Ratio => "ratio",
        }
    }
}

/// A metric as an experiment measures it.
#[derive(Clone, Debug)]
pub struct UnitMetric {
    /// Metric.
    pub name: String,
    /// What is compared.
    pub compared: Compared,
    /// One variable, or numerator and denominator.
    pub variables: Vec<Variable>,
    /// Which facts count.
    pub period: Period,
    /// Cap of the unit's value by variable.
    pub caps: Vec<Option<Cap>>,
    /// Days before exposure used as covariate; 0 is none.
    pub cuped_days: u32,
    /// Definitions used, as `kind/name`.
    pub uses: BTreeSet<String>,
}

/// A refusal for a metric that cannot be measured per unit.
pub fn refuse(detail: impl Into<String>, fix: impl Into<String>) -> NotEstimable {
    NotEstimable {
        reason: Reason::OutOfDomain,
        detail: detail.into(),
        fix: fix.into(),
    }
}

/// How an experiment measures a metric per unit, or why it cannot.
pub fn unit_metric(project: &Project, experiment: &Experiment, name: &str) -> Result<UnitMetric, NotEstimable> {
    let metric = find(project, name)?;
    let mut builder = Builder {
        project,
        experiment,
        uses: BTreeSet::new(),
    };
    builder.uses.insert(format!("metric/{name}"));
    let settings = &metric.experiment;
    let used = used(experiment, metric);
    let binary = settings.binary || settings.retention.is_some();
    let mut compared = if binary { Compared::Proportion } else { Compared::Mean };
    let variables = match &metric.shape {
        MetricShape::Simple { measure } => {
            let found = builder.measure(measure, &filters(&[&metric.filter, &measure.filter]))?;
            if found.len() == 2 {
                compared = Compared::Ratio;
            } else if found.iter().all(|v| v.fold == Fold::Any) {
                compared = Compared::Proportion;
            }
            found
        }
        MetricShape::Ratio { numerator, denominator } => {
            compared = Compared::Ratio;
            let outer = metric.filter.clone();
            let above = filters(&[&outer, &used.numerator_filter]);
            let below = filters(&[&outer]);
            vec![builder.input(numerator, &above)?, builder.input(denominator, &below)?]
        }
        MetricShape::Derived { .. } => {
            return Err(refuse(
                format!("{name} is a derived metric: an expression of totals has no value per unit"),
                "compare its inputs, or define a ratio metric",
            ));
        }
        MetricShape::Cumulative { .. } => {
            return Err(refuse(
                format!("{name} is cumulative: its window is the calendar's, not the unit's"),
                "use a simple metric over the same measure; the experiment's window accumulates it per unit",
            ));
        }
        MetricShape::Conversion { .. } => {
            return Err(refuse(
                format!("{name} is a conversion metric, whose base events are not the exposures"),
                "use a simple metric over the conversion measure with `binary: true`; the exposure is the base event",
            ));
        }
    };
    if used.numerator_filter.is_some() && !matches!(metric.shape, MetricShape::Ratio { .. }) {
        return Err(refuse(
            format!("{name} has a numerator filter and is no ratio metric"),
            "put the condition into the metric's `filter`",
        ));
    }
    if compared == Compared::Ratio && binary {
        return Err(refuse(
            format!("{name} is binary or a retention, and a ratio"),
            "both need one value per unit: drop that, or use a simple metric of a sum or count",
        ));
    }
    if compared != Compared::Ratio && used.denominator_cap.is_some() {
        return Err(refuse(
            format!("{name} has a cap of its denominator and is no ratio"),
            "use `cap`, or a ratio metric",
        ));
    }
    let caps = match compared {
        // A share cannot be capped further: 0 and 1 are its values.
        Compared::Proportion => vec![None; variables.len()],
        Compared::Mean => vec![used.cap],
        Compared::Ratio => vec![used.cap, used.denominator_cap],
    };
    for cap in caps.iter().flatten() {
        check_cap(name, cap)?;
    }
    let period = period(experiment, metric);
    let own_period = settings.retention.is_some() || used.window_seconds.is_some() || used.delay_seconds.is_some();
    if (own_period || used.lookback_seconds.is_some())
        && (experiment.exposures.time.is_none() || variables.iter().any(|v| v.time.is_none()))
    {
        return Err(refuse(
            format!("{name} counts facts in a period of its own, and the exposures or its facts have no time"),
            "name the time under `exposures` and the time dimension of the semantic model, or drop the period",
        ));
    }
    let timed = experiment.exposures.time.is_some()
        && experiment.exposures.unit != ROW_UNIT
        && variables.iter().all(|v| v.time.is_some());
    // What happened before exposure is no covariate of itself.
    let cuped_days = if timed && !matches!(period, Period::Before { .. }) {
        used.cuped_days.unwrap_or(experiment.cuped_days)
    } else {
        0
    };
    Ok(UnitMetric {
        name: name.to_string(),
        compared,
        variables,
        period,
        caps,
        cuped_days,
        uses: builder.uses,
    })
}

fn check_cap(name: &str, cap: &Cap) -> Result<(), NotEstimable> {
    let limits = [cap.low_value, cap.value].into_iter().flatten();
    if let Some(v) = limits.into_iter().find(|v| !v.is_finite()) {
        return Err(refuse(format!("the cap of {name} is {v}"), "give a finite number"));
    }
    let percentiles = [cap.low_percentile, cap.percentile].into_iter().flatten();
    if let Some(q) = percentiles.into_iter().find(|q| !(*q > 0.0 && *q < 1.0)) {
        return Err(refuse(
            format!("the cap of {name} is the percentile {q}"),
            "give a percentile between 0 and 1",
        ));
    }
    Ok(())
}

/// The rows of a simple metric that are events: the value is the condition, over the dataset's columns; and the
/// definitions used.
pub fn event(
    project: &Project,
    experiment: &Experiment,
    name: &str,
) -> Result<(Variable, BTreeSet<String>), NotEstimable> {
    let metric = find(project, name)?;
    let mut builder = Builder {
        project,
        experiment,
        uses: BTreeSet::new(),
    };
    let MetricShape::Simple { measure } = &metric.shape else {
        return Err(refuse(
            format!("{name} is no simple metric, whose rows would be events"),
            "use a simple metric of a sum or a count",
        ));
    };
    // A row with a value above 0 is an event; an average's rows are those that it counts.
    let mut found = builder.measure(measure, &filters(&[&metric.filter, &measure.filter]))?;
    let Some(mut one) = found.pop() else {
        return Err(refuse(format!("{name} has no rows to count"), "use a sum or a count"));
    };
    one.value = match one.fold {
        Fold::Sum | Fold::Any => format!("({}) > 0", one.value),
        Fold::Distinct => format!("({}) IS NOT NULL", one.value),
    };
    Ok((one, builder.uses))
}

fn filters(all: &[&Option<String>]) -> Vec<String> {
    all.iter()
        .filter_map(|f| f.as_ref())
        .filter(|f| !f.trim().is_empty())
        .cloned()
        .collect()
}

fn find<'a>(project: &'a Project, name: &str) -> Result<&'a Metric, NotEstimable> {
    project.metrics.get(name).ok_or_else(|| {
        refuse(
            format!("there is no metric {name}"),
            "define it, or mend the name in the experiment",
        )
    })
}

/// The measure of that name, with its model and dataset.
fn find_measure<'a>(
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

struct Builder<'a> {
    project: &'a Project,
    experiment: &'a Experiment,
    uses: BTreeSet<String>,
}

impl Builder<'_> {
    /// An input of a ratio: a simple metric with one number per unit.
    fn input(&mut self, input: &MetricInput, outer: &[String]) -> Result<Variable, NotEstimable> {
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
    fn measure(&mut self, input: &MeasureInput, conditions: &[String]) -> Result<Vec<Variable>, NotEstimable> {
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
        let guarded = |condition: &str, extra: String, then: &str| -> String {
            match (condition.is_empty(), extra.is_empty()) {
                (true, true) => then.to_string(),
                (true, false) => format!("CASE WHEN {extra} THEN {then} END"),
                (false, true) => format!("CASE WHEN {condition} THEN {then} END"),
                (false, false) => format!("CASE WHEN {condition} AND {extra} THEN {then} END"),
            }
        };
        let one = "CAST(1 AS DOUBLE)";
        let variable = |value: String, fold: Fold| Variable {
            dataset: dataset.meta.name.clone(),
            key: key.clone(),
            time: time.clone(),
            value,
            fold,
        };
        let present = format!("{value} IS NOT NULL");
        let double = format!("CAST({value} AS DOUBLE)");
        Ok(match measure.aggregation {
            Aggregation::Sum => vec![variable(guarded(&condition, String::new(), &double), Fold::Sum)],
            Aggregation::Count => vec![variable(guarded(&condition, present, one), Fold::Sum)],
            Aggregation::SumBoolean => {
                let truth = format!("CASE WHEN {value} THEN CAST(1 AS DOUBLE) ELSE CAST(0 AS DOUBLE) END");
                vec![variable(guarded(&condition, String::new(), &truth), Fold::Sum)]
            }
            Aggregation::CountDistinct if key.is_empty() || value == key => {
                vec![variable(guarded(&condition, present, one), Fold::Any)]
            }
            Aggregation::CountDistinct => {
                vec![variable(guarded(&condition, String::new(), &value), Fold::Distinct)]
            }
            Aggregation::Average => vec![
                variable(guarded(&condition, String::new(), &double), Fold::Sum),
                variable(guarded(&condition, present, one), Fold::Sum),
            ],
            Aggregation::Min | Aggregation::Max | Aggregation::Median | Aggregation::Percentile => {
                return Err(refuse(
                    format!(
                        "measure {} is a {:?}, which has no mean per unit",
                        measure.name, measure.aggregation
                    ),
                    "experiments compare sums, counts, distinct counts, averages and ratios of those",
                ));
            }
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

/// Type of a column as its contract promises; `None` for anything but a column.
fn logical_type<'a>(expr: &str, dataset: &'a Dataset) -> Option<&'a str> {
    let name = expr.trim().trim_matches('"');
    let mut columns = dataset.columns.iter();
    columns
        .find(|c| c.name.eq_ignore_ascii_case(name))
        .map(|c| c.logical_type.as_str())
}

/// A time expression; a column of text is cast.
pub fn as_time(rewritten: &str, original: &str, dataset: &Dataset) -> String {
    if logical_type(original, dataset) == Some("string") {
        format!("CAST({rewritten} AS TIMESTAMP)")
    } else {
        rewritten.to_string()
    }
}
