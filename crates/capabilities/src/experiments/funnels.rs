//! The steps of a funnel, compared.

use steward_stats::{Comparison, Moments, Statistic};

use super::analyse::with_relative;
use super::measures::UnitMetric;
use super::readout::StepReadout;
use super::sequences::Order;

/// The steps of a metric that is a funnel, in order; none for another. Variable 0 of the moments is the last step.
pub fn steps(metric: &UnitMetric, control: &Moments, treatment: &Moments, level: f64) -> Vec<StepReadout> {
    let Some(Order::Funnel(of)) = &metric.order else {
        return Vec::new();
    };
    let order: Vec<usize> = (1..of.steps.len()).chain([0]).collect();
    let (c, t) = (control.select(&order), treatment.select(&order));
    let compare = |statistic| {
        let comparison = Comparison {
            statistic,
            covariates: Vec::new(),
            level,
        };
        with_relative(&c, &t, &comparison).into()
    };
    let steps = of.steps.iter().enumerate().map(|(i, step)| StepReadout {
        metric: step.name.clone(),
        units: [&c, &t].map(|m| m.sum(i).round() as u64),
        of_units: compare(Statistic::Proportion { y: i }),
        of_previous: i.checked_sub(1).map(|before| {
            compare(Statistic::Ratio {
                numerator: i,
                denominator: before,
            })
        }),
    });
    steps.collect()
}
