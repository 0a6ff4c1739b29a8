//! From a governed metric to per-unit variables, or why it has no value per unit.

use steward_definitions::{Cap, Experiment, MetricShape, Project};
use steward_stats::NotEstimable;

use super::builder::{Builder, filters, find, quantile_of};
use super::measures::{Compared, Fold, ROW_UNIT, UnitMetric, UnitQuantile, refuse};
use super::period::{Period, period, used};
use super::sequences::Order;

/// How an experiment measures a metric per unit, or why it cannot.
pub fn unit_metric(project: &Project, experiment: &Experiment, name: &str) -> Result<UnitMetric, NotEstimable> {
    let metric = find(project, name)?;
    let mut builder = Builder::new(project, experiment);
    builder.uses.insert(format!("metric/{name}"));
    let settings = &metric.experiment;
    let used = used(experiment, metric);
    let binary = settings.is_share();
    let mut compared = if binary { Compared::Proportion } else { Compared::Mean };
    let mut order = None;
    let mut quantile = settings.quantile.map(|q| UnitQuantile {
        at: q.at,
        ignore_zeros: q.ignore_zeros,
        of_events: false,
    });
    let variables = match &metric.shape {
        MetricShape::Simple { .. } if let Some(funnel) = &settings.funnel => {
            let funnel = builder.funnel(name, funnel)?;
            let steps = funnel.steps.iter().map(|s| s.events.clone()).collect();
            order = Some(Order::Funnel(funnel));
            steps
        }
        MetricShape::Simple { measure } if quantile_of(project, &measure.name)?.is_some() => {
            let conditions = filters(&[&metric.filter, &measure.filter]);
            let at = quantile_of(project, &measure.name)?.unwrap_or(0.5);
            let values = builder.values(measure, &conditions)?;
            let events = builder.rows(measure, &conditions)?;
            if quantile.is_some() {
                return Err(refuse(
                    format!("{name} has a `quantile`, and its measure is one already"),
                    "keep the measure's percentile for a quantile of events, or use a sum for one of units",
                ));
            }
            quantile = Some(UnitQuantile {
                at,
                ignore_zeros: false,
                of_events: true,
            });
            vec![events, values]
        }
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
        MetricShape::Conversion {
            entity,
            base,
            conversion,
            window,
            calculation,
            constant_properties,
        } => {
            if *entity != experiment.exposures.entity {
                return Err(refuse(
                    format!(
                        "{name} follows the entity {entity:?}, and the experiment's unit is {:?}",
                        experiment.exposures.entity
                    ),
                    "compare a conversion metric of the unit, or a funnel",
                ));
            }
            let outer = filters(&[&metric.filter, &base.filter]);
            let (found, below) = builder.conversion(base, &outer, conversion, window.as_ref(), constant_properties)?;
            let mut variables = vec![found.followed.clone()];
            if calculation != "conversions" {
                compared = Compared::Ratio;
                variables.push(below);
            }
            order = Some(Order::Conversion(found));
            variables
        }
    };
    if let Some(q) = quantile {
        if !q.of_events && (compared != Compared::Mean || variables.len() != 1) {
            return Err(refuse(
                format!("{name} is a quantile, and no sum or count of a unit"),
                "set `quantile` at a simple metric of a sum or a count",
            ));
        }
        compared = Compared::Quantile;
        if q.of_events && (used.cap.is_some() || experiment.exposures.unit == ROW_UNIT) {
            return Err(refuse(
                format!("{name} is a quantile of events, with a cap or without a unit"),
                "leave out the cap, and name the column of the unit under `exposures`",
            ));
        }
    }
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
        Compared::Quantile if variables.len() == 2 => vec![None, None],
        Compared::Mean | Compared::Quantile => vec![used.cap],
        Compared::Ratio => vec![used.cap, used.denominator_cap],
    };
    for cap in caps.iter().flatten() {
        check_cap(name, cap)?;
    }
    let period = period(experiment, metric);
    let own_period = settings.retention.is_some() || used.window_seconds.is_some() || used.delay_seconds.is_some();
    let ordered = order.is_some();
    if (own_period || used.lookback_seconds.is_some() || ordered)
        && (experiment.exposures.time.is_none() || variables.iter().any(|v| v.time.is_none()))
    {
        return Err(refuse(
            format!("{name} counts facts by their time, and the exposures or its facts have none"),
            "name the time under `exposures` and the time dimension of the semantic model, or drop the period",
        ));
    }
    let timed = experiment.exposures.time.is_some()
        && experiment.exposures.unit != ROW_UNIT
        && variables.iter().all(|v| v.time.is_some());
    // What happened before exposure is no covariate of itself.
    let mean_like = compared != Compared::Quantile && !matches!(order, Some(Order::Funnel(_)));
    let cuped_days = if timed && mean_like && !matches!(period, Period::Before { .. }) {
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
        order,
        quantile,
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
