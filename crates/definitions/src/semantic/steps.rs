//! What funnels and quantiles ask of the metrics that they are made of.

use crate::project::Project;
use crate::{Diagnostic, Metric, MetricShape};

/// A funnel's steps are simple metrics, its last the metric itself; a quantile is of a simple metric.
pub(super) fn check(project: &Project, metric: &Metric, problems: &mut Vec<Diagnostic>) {
    let name = &metric.meta.name;
    let mut wrong = |message: String, hint: String| {
        problems.push(Diagnostic::error("bad-value", metric.meta.span.clone(), message).hint(hint));
    };
    let simple = |m: &Metric| matches!(m.shape, MetricShape::Simple { .. });
    let settings = &metric.experiment;
    let kind = match (&settings.funnel, settings.quantile) {
        (Some(_), _) => "funnel",
        (None, Some(_)) => "quantile",
        (None, None) => return,
    };
    if !simple(metric) {
        wrong(
            format!("metric `{name}` is a {kind} and no simple metric"),
            "set it at a simple metric of a sum or a count".into(),
        );
        return;
    }
    let Some(funnel) = &settings.funnel else { return };
    if let Some(last) = funnel.steps.last().filter(|s| s.metric != *name) {
        wrong(
            format!("the funnel of metric `{name}` ends with `{}`", last.metric),
            format!(
                "the last step is the metric itself: end with `{name}`, or move the funnel to `{}`",
                last.metric
            ),
        );
    }
    for (at, step) in funnel.steps.iter().enumerate() {
        // An unknown metric is reported where it is mentioned.
        if project.metrics.get(&step.metric).is_some_and(|m| !simple(m)) {
            wrong(
                format!(
                    "step {} of the funnel of metric `{name}`, `{}`, is no simple metric",
                    at + 1,
                    step.metric
                ),
                "name a simple metric of a sum or a count: its rows are the events".into(),
            );
        }
    }
}
