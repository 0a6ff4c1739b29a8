//! The rule in words, and its conditions with what was found.

use steward_definitions::{Demand, Experiment, Quorum, ShipCondition};
use steward_stats::novelty::Pattern;

use super::{Evidence, said};
use crate::experiments::readout::*;
use crate::experiments::verdict::{goodness, percent, title};

pub(super) fn good(m: &MetricReadout, x: f64) -> f64 {
    if m.direction == "decrease" { -x } else { x }
}

/// The relative lift in the good direction: worst end, point, best end.
pub(super) fn relative(m: &MetricReadout) -> Option<(f64, f64, f64)> {
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

impl Evidence<'_> {
    pub(super) fn conditions(&self, variant: &str) -> Vec<Condition> {
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
}

/// The rule of an experiment in words.
pub(in crate::experiments) fn rule(experiment: &Experiment) -> String {
    let decide = &experiment.decide;
    let mut parts = vec![
        match decide.primary {
            Quorum::Any => "a primary metric is better".to_string(),
            Quorum::All => "every primary metric is better".to_string(),
        },
        "none is worse".to_string(),
    ];
    if !experiment.guardrails.is_empty() {
        parts.push(if decide.guardrails_safe {
            "every guardrail is safe".into()
        } else {
            "no guardrail is harmed".into()
        });
    }
    parts.extend(decide.ship_if.iter().map(asks));
    format!("Ship if {}.", parts.join(", "))
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
