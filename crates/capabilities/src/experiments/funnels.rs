//! The steps of a funnel, compared.

use steward_stats::funnel::funnel;
use steward_stats::{Moments, NotEstimable};

use super::measures::UnitMetric;
use super::readout::StepReadout;
use super::sequences::Order;

/// The steps of a metric that is a funnel, in order; none for another. Variable 0 of the moments is the last step.
pub fn steps(
    metric: &UnitMetric,
    control: &Moments,
    treatment: &Moments,
    level: f64,
) -> Result<Vec<StepReadout>, NotEstimable> {
    let Some(Order::Funnel(of)) = &metric.order else {
        return Ok(Vec::new());
    };
    let order: Vec<usize> = (1..of.steps.len()).chain([0]).collect();
    let (c, t) = (control.select(&order), treatment.select(&order));
    let found = funnel(&c, &t, level)?;
    let steps = of.steps.iter().zip(found).map(|(step, lifts)| StepReadout {
        metric: step.name.clone(),
        units: [&c, &t].map(|m| m.sum(lifts.step).round() as u64),
        of_units: lifts.overall.into(),
        of_previous: lifts.from_previous.map(Into::into),
    });
    Ok(steps.collect())
}
