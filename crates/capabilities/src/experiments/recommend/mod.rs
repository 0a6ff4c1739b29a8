//! The decision rule, evaluated: ship, do not ship, extend, redesign, or go on as planned.

mod conditions;
mod midway;

pub(super) use conditions::rule;

use steward_definitions::Experiment;
use steward_stats::design::conditional_power;
use steward_stats::group_sequential::Sides;
use steward_stats::underpowered;

use super::readout::*;
use super::verdict::{effect, goodness, percent, title};
use conditions::{good, relative};

/// Power that is asked for.
pub(in crate::experiments) const WANTED: f64 = 0.8;
/// No experiment is asked to grow by more than this.
const MOST_TIMES: f64 = 4.0;
/// Chance of a significant end after as many units again, from which they are worth waiting for.
const PROMISING: f64 = 0.5;
/// What the rule is evaluated from.
pub struct Evidence<'a> {
    /// Definition.
    pub experiment: &'a Experiment,
    /// Health.
    pub health: &'a Health,
    /// Every metric and treatment.
    pub metrics: &'a [MetricReadout],
    /// Method as a whole.
    pub inference: &'a ExperimentInference,
    /// Outcome of the verdict.
    pub outcome: Outcome,
    /// The variant that it speaks of.
    pub variant: Option<&'a str>,
    /// Where the experiment stands.
    pub status: ExperimentStatus,
    /// Days from start to end, if both are given.
    pub days: Option<f64>,
}

/// A metric's name with its lift.
pub(super) fn said(m: &MetricReadout) -> String {
    match effect(m) {
        Some(lift) => format!("{} {lift}", title(m)),
        None => format!("{} could not be estimated", title(m)),
    }
}

impl Evidence<'_> {
    /// The treatment that the rule is evaluated for: the verdict's, else the one whose first primary metric is best.
    fn chosen(&self) -> Option<String> {
        if let Some(variant) = self.variant {
            return Some(variant.to_string());
        }
        let primary = self.metrics.iter().filter(|m| m.role == Role::Primary);
        primary
            .filter(|m| m.absolute.estimate().is_some())
            .max_by(|a, b| goodness(a).total_cmp(&goodness(b)))
            .map(|m| m.variant.clone())
    }

    /// The first primary metric of a variant that has a lift.
    fn first(&self, variant: &str) -> Option<&MetricReadout> {
        let mine = self
            .metrics
            .iter()
            .filter(|m| m.variant == variant && m.role == Role::Primary);
        mine.into_iter().find(|m| m.absolute.estimate().is_some())
    }

    /// Whether more data could still show what is hoped for, and why.
    fn promise(&self, m: &MetricReadout) -> (Recommendation, String) {
        let one_look = m.inference.nominal.as_ref().map_or(&m.absolute, |n| &n.absolute);
        let (Some(e), Some(control)) = (one_look.estimate(), m.control_value.estimate()) else {
            return (Recommendation::Redesign, format!("{} could not be estimated", title(m)));
        };
        let name = title(m);
        let lift = effect(m).unwrap_or_default();
        let decide = &self.experiment.decide;
        let allowed = |times: f64| self.allowed(times);
        if let (Some(least), Some((_, point, best))) = (decide.minimum_effect, relative(m)) {
            if best < least {
                return (
                    Recommendation::DoNotShip,
                    format!(
                        "{name} {lift} rules out the {} that would be worth having",
                        percent(least)
                    ),
                );
            }
            let times = underpowered::design(least * control.point.abs(), e.se, self.experiment.alpha, WANTED)
                .map_or(f64::INFINITY, |d| d.units_factor);
            if times > MOST_TIMES || !allowed(times.max(1.0)) {
                return (
                    Recommendation::Redesign,
                    format!(
                        "{name} {lift} leaves open whether there is the {} worth having, and showing it would take {} times \
                         the units",
                        percent(least),
                        if times.is_finite() {
                            format!("{times:.1}")
                        } else {
                            "many".into()
                        }
                    ),
                );
            }
            if times > 1.0 {
                return (
                    Recommendation::Extend,
                    format!(
                        "{name} {lift} leaves open whether there is the {} worth having; about {times:.1} times the units \
                         would tell",
                        percent(least)
                    ),
                );
            }
            return if point >= least && allowed(2.0) {
                (
                    Recommendation::Extend,
                    format!("{name} {lift} looks worth having, but is not shown yet"),
                )
            } else {
                (
                    Recommendation::DoNotShip,
                    format!(
                        "{name} {lift} shows no improvement, though {} would likely have shown",
                        percent(least)
                    ),
                )
            };
        }
        let sides = Sides::Two;
        let predictive = conditional_power((e.point, e.se), 0.5, None, self.experiment.alpha, sides, None)
            .map_or(0.0, |c| c.predictive);
        if good(m, e.point) > 0.0 && predictive >= PROMISING && allowed(2.0) {
            return (
                Recommendation::Extend,
                format!(
                    "{name} {lift} is not shown yet; with as many units again the chance of showing it is about {:.0}%",
                    predictive * 100.0
                ),
            );
        }
        let blind = m.detectable_relative.map_or(String::new(), |d| {
            format!(" (lifts below {} would likely be missed)", percent(d))
        });
        (
            Recommendation::DoNotShip,
            format!("{name} {lift} shows no improvement{blind}"),
        )
    }

    /// Evaluates the rule.
    pub fn decide(&self) -> Decision {
        let rule = rule(self.experiment);
        let variant = self.chosen();
        let conditions = variant.as_deref().map(|v| self.conditions(v)).unwrap_or_default();
        let holds = |c: &Condition| c.holds == Some(true);
        let ended = self.status == ExperimentStatus::Ended;
        let name = variant.clone().unwrap_or_default();
        let first = variant.as_deref().and_then(|v| self.first(v));
        let (recommendation, why) = match self.outcome {
            Outcome::NotStarted => (Recommendation::KeepRunning, "It has not started.".to_string()),
            Outcome::DoNotTrust => (
                Recommendation::Redesign,
                "A health check forbids to read the lifts. Find the cause, mend it, and start anew.".into(),
            ),
            Outcome::NoData | Outcome::NotEstimable if !ended => (
                Recommendation::KeepRunning,
                "There is nothing to judge yet.".to_string(),
            ),
            Outcome::NoData | Outcome::NotEstimable => (
                Recommendation::Redesign,
                "It ended without an answer: nothing could be compared.".into(),
            ),
            _ if !self.inference.may_stop => self.midway(first),
            _ if conditions.iter().all(holds) && !conditions.is_empty() => (
                Recommendation::Ship,
                format!(
                    "{name} does what the rule asks: {}. A difference this clear would be rare if there were none.",
                    first.map(said).unwrap_or_default()
                ),
            ),
            Outcome::Worse | Outcome::Mixed | Outcome::GuardrailHarmed => {
                let failed: Vec<&str> = conditions
                    .iter()
                    .filter(|c| c.holds == Some(false) && c.code != "primary_better")
                    .map(|c| c.found.as_str())
                    .collect();
                (
                    Recommendation::DoNotShip,
                    format!("{name} does harm that the rule forbids: {}.", failed.join("; ")),
                )
            }
            Outcome::Better => {
                let open: Vec<&Condition> = conditions.iter().filter(|c| !holds(c)).collect();
                let asks: Vec<&str> = open.iter().map(|c| c.asks.as_str()).collect();
                let found: Vec<&str> = open.iter().map(|c| c.found.as_str()).collect();
                let told = open.iter().all(|c| c.holds == Some(false));
                let what = if told {
                    Recommendation::DoNotShip
                } else {
                    Recommendation::Extend
                };
                let word = if told { "does not hold" } else { "cannot be told yet" };
                (
                    what,
                    format!(
                        "{name} is better, but it {word} that {}: {}.",
                        asks.join(", "),
                        found.join("; ")
                    ),
                )
            }
            _ if !ended => (
                Recommendation::KeepRunning,
                "Nothing is shown yet, and it may go on.".to_string(),
            ),
            _ => match first {
                Some(m) => {
                    let (what, why) = self.promise(m);
                    (what, format!("{why}."))
                }
                None => (Recommendation::Redesign, "No primary metric could be estimated.".into()),
            },
        };
        Decision {
            recommendation,
            variant,
            rule,
            conditions,
            explanation: why,
        }
    }
}
