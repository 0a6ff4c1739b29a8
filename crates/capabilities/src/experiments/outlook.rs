//! Midway: how likely a fixed-horizon or group sequential experiment yet shows its effect.

use steward_definitions::{Alternative, Direction, Experiment, InferenceMethod};
use steward_stats::group_sequential::{self, Design, Sides};
use steward_stats::outlook::outlook;
use steward_stats::{Estimate, NotEstimable, dist};

use super::concluding::alternative;
use super::methods::spending;
use super::readout::{MetricReadout, OutlookReadout, Role};

/// A longer experiment is looked for up to so many times the plan.
const LONGEST: f64 = 2.0;

/// Adds to each primary metric how it will likely end. `fraction` is the share of the plan at this moment, `effect` the
/// relative improvement planned for.
pub fn outlooks(metrics: &mut [MetricReadout], experiment: &Experiment, fraction: Option<f64>, effect: Option<f64>) {
    let Some(t) = fraction.filter(|t| *t > 0.0 && *t < 1.0) else {
        return;
    };
    let family = metrics.iter().filter(|m| m.role == Role::Primary).count().max(1);
    // The strictest step of the correction, as planned for.
    let alpha = match experiment.correction.as_str() {
        "none" => experiment.alpha,
        _ => experiment.alpha / family as f64,
    };
    for m in metrics.iter_mut().filter(|m| m.role == Role::Primary) {
        m.inference.outlook = one(m, experiment, t, effect, alpha);
    }
}

fn one(m: &MetricReadout, experiment: &Experiment, t: f64, effect: Option<f64>, alpha: f64) -> Option<OutlookReadout> {
    let sides = match alternative(experiment, m.role) {
        Alternative::TwoSided => Sides::Two,
        Alternative::Greater => Sides::Greater,
        // Only harm counts: no improvement is ever shown.
        Alternative::Less => return None,
    };
    let one_sided = if sides == Sides::Two { alpha / 2.0 } else { alpha };
    let fixed = experiment.inference.method == InferenceMethod::Fixed;
    let looks: Result<Vec<(f64, f64)>, NotEstimable> = match &experiment.inference.method {
        InferenceMethod::Fixed => Ok(vec![(1.0, dist::normal_isf(one_sided))]),
        InferenceMethod::GroupSequential { spending: planned, .. } => {
            let known = m.inference.looks.iter().filter(|l| !l.reached || l.z.is_some());
            let fractions: Vec<f64> = known.map(|l| l.information_fraction).collect();
            let design = Design {
                fractions,
                alpha,
                spending: spending(*planned),
                sides,
                last_is_final: false,
            };
            group_sequential::boundaries(&design).map(|all| {
                all.into_iter()
                    .filter(|l| l.fraction > t + 1e-3)
                    .map(|l| (l.fraction, l.z))
                    .collect()
            })
        }
        _ => return None,
    };
    let one_look = m.inference.nominal.as_ref().map_or(&m.absolute, |n| &n.absolute);
    let e = one_look.estimate()?;
    let sign = match direction(m) {
        Direction::Increase => 1.0,
        Direction::Decrease => -1.0,
    };
    let now = (sign * e.point, e.se);
    let baseline = m.control_value.estimate().map_or(0.0, |c| c.point.abs());
    let planned = effect.map(|x| x * baseline).filter(|x| *x > 0.0);
    let found = looks.and_then(|looks| outlook(now, t, &looks, planned));
    Some(match found {
        Ok(found) => OutlookReadout {
            information_fraction: t,
            planned_effect: planned.and(effect),
            at_planned_effect: found.planned,
            at_trend: Some(found.trend),
            without_effect: Some(found.null),
            predictive: Some(found.predictive),
            times_for_power: if fixed { times(e, now, t, one_sided) } else { None },
            not_estimable: None,
        },
        Err(refusal) => OutlookReadout {
            information_fraction: t,
            planned_effect: planned.and(effect),
            not_estimable: Some(refusal),
            ..OutlookReadout::default()
        },
    })
}

fn direction(m: &MetricReadout) -> Direction {
    match m.direction.as_str() {
        "decrease" => Direction::Decrease,
        _ => Direction::Increase,
    }
}

/// How many times the planned information brings the chance at the trend to 80%; `None` if twice does not.
fn times(e: &Estimate, now: (f64, f64), t: f64, alpha: f64) -> Option<f64> {
    let critical = dist::normal_isf(alpha);
    let reached = |times: f64| {
        let end = outlook(now, t, &[(times, critical)], None).ok()?;
        Some(end.trend >= super::recommend::WANTED)
    };
    if !e.se.is_finite() || !reached(LONGEST)? {
        return None;
    }
    let (mut low, mut high) = (1.0, LONGEST);
    if reached(low)? {
        return Some(low);
    }
    while high - low > 1e-3 {
        let middle = 0.5 * (low + high);
        if reached(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}
