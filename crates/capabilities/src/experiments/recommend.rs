//! The decision rule, evaluated: ship, do not ship, extend, redesign, or go on as planned.

use steward_definitions::{Demand, Experiment, Quorum, ShipCondition};
use steward_stats::design::conditional_power;
use steward_stats::group_sequential::Sides;
use steward_stats::novelty::Pattern;
use steward_stats::underpowered;

use super::readout::*;
use super::verdict::{effect, goodness, percent, title};

/// Power that is asked for.
const WANTED: f64 = 0.8;
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

fn good(m: &MetricReadout, x: f64) -> f64 {
    if m.direction == "decrease" { -x } else { x }
}

/// The relative lift in the good direction: worst end, point, best end.
fn relative(m: &MetricReadout) -> Option<(f64, f64, f64)> {
    let e = m.relative.estimate()?;
    let (a, b) = (good(m, e.low), good(m, e.high));
    Some((a.min(b), good(m, e.point), a.max(b)))
}

fn condition(code: &str, asks: String, holds: Option<bool>, found: String) -> Condition {
    Condition {
        code: code.into(),
        asks,
        holds,
        found,
    }
}

/// A metric's name with its lift.
fn said(m: &MetricReadout) -> String {
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

    fn conditions(&self, variant: &str) -> Vec<Condition> {
        let mine: Vec<&MetricReadout> = self.metrics.iter().filter(|m| m.variant == variant).collect();
        let role = |role: Role| mine.iter().filter(move |m| m.role == role);
        let trusted = self.outcome != Outcome::DoNotTrust;
        let mut all = vec![
            condition(
                "trustworthy",
                "no health check forbids to read the lifts".into(),
                Some(trusted),
                match self.health.problems.iter().find(|p| p.severity == "error") {
                    Some(problem) => problem.message.clone(),
                    None => "no check found an error".into(),
                },
            ),
            condition(
                "may_stop",
                "the method allows a decision now".into(),
                Some(self.inference.may_stop),
                match (self.inference.may_stop, self.status) {
                    (_, ExperimentStatus::Ended) => "it has ended".into(),
                    (true, _) => "its method holds whenever one stops".into(),
                    (false, _) => match &self.inference.next_look {
                        Some(day) => format!("the next planned look is on {day}"),
                        None => "its planned end lies ahead".into(),
                    },
                },
            ),
        ];
        let wins = role(Role::Primary)
            .filter(|m| m.significant && goodness(m) > 0.0)
            .count();
        let asked = role(Role::Primary).count();
        all.push(condition(
            "primary_better",
            match self.experiment.decide.primary {
                Quorum::Any => "a primary metric is better".into(),
                Quorum::All => "every primary metric is better".into(),
            },
            Some(match self.experiment.decide.primary {
                Quorum::Any => wins > 0,
                Quorum::All => wins == asked && asked > 0,
            }),
            role(Role::Primary).map(|m| said(m)).collect::<Vec<_>>().join("; "),
        ));
        let worse: Vec<String> = role(Role::Primary)
            .filter(|m| m.significant && goodness(m) < 0.0)
            .map(|m| said(m))
            .collect();
        all.push(condition(
            "primary_not_worse",
            "no primary metric is worse".into(),
            Some(worse.is_empty()),
            if worse.is_empty() {
                "none is shown to be worse".into()
            } else {
                worse.join("; ")
            },
        ));
        if role(Role::Guardrail).count() > 0 {
            let safe = self.experiment.decide.guardrails_safe;
            let states: Vec<Option<GuardrailState>> = role(Role::Guardrail).map(|m| m.guardrail).collect();
            let holds = if states.contains(&Some(GuardrailState::Harmed)) {
                Some(false)
            } else if !safe {
                Some(true)
            } else if states.iter().all(|s| *s == Some(GuardrailState::Safe)) {
                Some(true)
            } else {
                None
            };
            let word = |m: &MetricReadout| match m.guardrail {
                Some(GuardrailState::Safe) => "safe",
                Some(GuardrailState::Harmed) => "harmed",
                Some(GuardrailState::Unclear) => "unclear",
                None => "not estimable",
            };
            let found: Vec<String> = role(Role::Guardrail)
                .map(|m| format!("{} {}", title(m), word(m)))
                .collect();
            all.push(condition(
                "guardrails",
                if safe {
                    "every guardrail is shown to be safe".into()
                } else {
                    "no guardrail is shown to be harmed".into()
                },
                holds,
                found.join("; "),
            ));
        }
        let fading = self
            .health
            .novelty
            .iter()
            .find(|n| n.variant == variant && n.pattern == Some(Pattern::Novelty));
        if let Some(n) = fading {
            let remains = n.long_run.as_ref().is_some_and(|e| {
                let m = mine.iter().find(|m| m.metric == n.metric);
                m.is_some_and(|m| good(m, e.low).min(good(m, e.high)) > 0.0)
            });
            all.push(condition(
                "effect_lasts",
                "what remains of a fading lift is still better".into(),
                remains.then_some(true),
                match &n.long_run {
                    Some(e) => format!("the lift of {} fades towards {}", n.metric, percent(e.point)),
                    None => format!("the lift of {} fades", n.metric),
                },
            ));
        }
        for t in self.health.tails.iter().filter(|t| t.variant == variant) {
            if t.hangs_on_few().is_some() || t.doubtful() {
                all.push(condition(
                    "robust",
                    format!("the lift of {} does not hang on a few units", t.metric),
                    None,
                    match t.hangs_on_few() {
                        Some(units) => format!("without {units} of {} units it is not significant", t.units),
                        None => "its distribution is too skewed for so few units".into(),
                    },
                ));
            }
        }
        for asked in &self.experiment.decide.ship_if {
            if let Some(m) = mine.iter().find(|m| m.metric == asked.metric) {
                all.push(demanded(m, asked));
            }
        }
        all
    }

    fn rule(&self) -> String {
        let decide = &self.experiment.decide;
        let mut parts = vec![
            match decide.primary {
                Quorum::Any => "a primary metric is better".to_string(),
                Quorum::All => "every primary metric is better".to_string(),
            },
            "none is worse".to_string(),
        ];
        if !self.experiment.guardrails.is_empty() {
            parts.push(if decide.guardrails_safe {
                "every guardrail is safe".into()
            } else {
                "no guardrail is harmed".into()
            });
        }
        parts.extend(decide.ship_if.iter().map(asks));
        format!("Ship if {}.", parts.join(", "))
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
        let allowed = |times: f64| match (decide.longest_seconds, self.days) {
            (Some(longest), Some(days)) => days * times * 86_400.0 <= longest as f64,
            _ => true,
        };
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
        let rule = self.rule();
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
            _ if !self.inference.may_stop => (
                Recommendation::KeepRunning,
                match &self.inference.next_look {
                    Some(day) => format!("No planned look has crossed its boundary; the next is on {day}."),
                    None => "It has not come to its planned end; a decision now would trust a passing moment.".into(),
                },
            ),
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

fn asks(c: &ShipCondition) -> String {
    match c.demand {
        Demand::BetterBy(x) => format!("{} is better by at least {}", c.metric, percent(x)),
        Demand::NotWorseThan(x) => format!("{} is worse by less than {}", c.metric, percent(x)),
        Demand::ChanceToWin(x) => format!("{} has a chance to win of at least {}", c.metric, percent(x)),
        Demand::RiskBelow(x) => format!("shipping risks at most {} of {}", percent(x), c.metric),
    }
}

fn demanded(m: &MetricReadout, asked: &ShipCondition) -> Condition {
    let (code, wanted) = asked.demand.parts();
    let posterior = m.inference.posterior.as_ref();
    // Whether the whole interval lies above a bound; untold while it lies on both sides.
    let above = |bound: f64, strict: bool| {
        let (worst, _, best) = relative(m)?;
        if worst > bound || (!strict && worst == bound) {
            Some(true)
        } else if best < bound {
            Some(false)
        } else {
            None
        }
    };
    let (holds, found) = match asked.demand {
        Demand::BetterBy(x) => (above(x, false), said(m)),
        Demand::NotWorseThan(x) => (above(-x, true), said(m)),
        Demand::ChanceToWin(_) => (
            posterior.map(|p| p.chance_to_win >= wanted),
            posterior.map_or("no posterior".into(), |p| {
                format!("chance to win {}", percent(p.chance_to_win))
            }),
        ),
        Demand::RiskBelow(_) => {
            let risk = posterior.and_then(|p| p.relative_risk_of_shipping);
            (
                risk.map(|r| r <= wanted),
                risk.map_or("no posterior".into(), |r| format!("risk {}", percent(r))),
            )
        }
    };
    condition(code, asks(asked), holds, found)
}
