//! What the folder says otherwise than the plan, and since when.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use steward_definitions::{Experiment, InferenceMethod};

use super::Departure;
use super::binding::Bound;
use super::projection::Version;
use super::terms::{Term, terms};
use crate::experiments::readout::Role;
use crate::experiments::window::{day, moment, zone};
use crate::{CapabilityError, Context};

/// What of a version is compared.
struct Said {
    terms: Vec<Term>,
    roles: BTreeMap<String, Role>,
    metrics: BTreeMap<String, String>,
}

impl Said {
    fn of(definition: &Experiment, metrics: &BTreeMap<String, String>) -> Said {
        Said {
            terms: terms(definition),
            // The part that weighs most, where a metric has several: primary metrics come first.
            roles: super::metrics(definition)
                .into_iter()
                .rev()
                .map(|m| (m.metric, m.role))
                .collect(),
            metrics: metrics.clone(),
        }
    }

    fn term(&self, code: &str) -> Option<&str> {
        self.terms.iter().find(|t| t.code == code).map(|t| t.value.as_str())
    }
}

/// Since when the folder's word has been in force without a break: the earliest of the last applications that say so.
struct History<'a> {
    later: Vec<(&'a Version, Said)>,
    zone: TimeZone,
}

type Since = (Option<i64>, Option<String>, Option<String>);

impl History<'_> {
    fn since(&self, holds: &dyn Fn(&Said) -> bool) -> Since {
        let mut first = None;
        for (version, said) in self.later.iter().rev() {
            if !holds(said) {
                break;
            }
            first = Some(version);
        }
        match first {
            Some(v) => (
                Some(v.at_us),
                day(v.at_us, &self.zone).map(|d| d.to_string()),
                Some(v.actor.clone()),
            ),
            None => (None, None, None),
        }
    }
}

fn word(role: Role) -> String {
    match role {
        Role::Primary => "primary",
        Role::Secondary => "secondary",
        Role::Guardrail => "guardrail",
        Role::Exploratory => "exploratory",
    }
    .into()
}

/// The departures of the folder's definition from the bound one.
pub fn departures(
    context: &Context,
    experiment: &Experiment,
    versions: &[Version],
    bound: &Bound<'_>,
) -> Result<Vec<Departure>, CapabilityError> {
    let zone = zone(&context.project.settings)?;
    let promised = &bound.version.definition;
    let planned = Said::of(promised, &bound.version.metrics);
    let now = Said::of(experiment, &super::digests(context, experiment));
    let later = versions
        .iter()
        .filter(|v| !v.registered && v.sequence > bound.version.sequence)
        .map(|v| (v, Said::of(&v.definition, &v.metrics)))
        .collect();
    let history = History {
        later,
        zone: zone.clone(),
    };
    let mut found = metrics(&planned, &now, &history);
    // Metrics that came or went are named by themselves: the lists differ where others changed their part.
    let stayed = |e: &Experiment, other: &Said| terms(&only(e, &other.roles));
    let (was, is) = (stayed(promised, &now), stayed(experiment, &planned));
    let differs: Vec<bool> = was.iter().zip(&is).map(|(was, is)| was.value != is.value).collect();
    for ((p, n), _) in planned
        .terms
        .iter()
        .zip(&now.terms)
        .zip(differs)
        .filter(|(_, differs)| *differs)
    {
        let (code, effect) = effect(p.code, promised, experiment, &zone)?;
        let (since_us, since, by) = history.since(&|s| s.term(p.code) == Some(n.value.as_str()));
        found.push(Departure {
            code: code.into(),
            title: p.title.into(),
            metric: None,
            planned: p.value.clone(),
            now: n.value.clone(),
            since_us,
            since,
            by,
            effect,
        });
    }
    Ok(found)
}

/// A definition without metrics that are not among these.
fn only(e: &Experiment, known: &BTreeMap<String, Role>) -> Experiment {
    let mut e = e.clone();
    e.primary.retain(|m| known.contains_key(m));
    e.secondary.retain(|m| known.contains_key(m));
    e.guardrails.retain(|g| known.contains_key(&g.metric));
    e
}

/// Metrics that came, went, or mean something else.
fn metrics(planned: &Said, now: &Said, history: &History<'_>) -> Vec<Departure> {
    let mut found = Vec::new();
    let mut push = |code: &str, title: &str, metric: &str, (was, is): (String, String), since: Since, effect: &str| {
        let (since_us, since, by) = since;
        found.push(Departure {
            code: code.into(),
            title: title.into(),
            metric: Some(metric.into()),
            planned: was,
            now: is,
            since_us,
            since,
            by,
            effect: effect.into(),
        });
    };
    for (metric, role) in &now.roles {
        match planned.roles.get(metric) {
            None => push(
                "metric_added",
                "Metric added after the start",
                metric,
                ("not planned".into(), word(*role)),
                history.since(&|s| s.roles.contains_key(metric)),
                "it is exploratory: no part of the decision, nor of the corrected family",
            ),
            Some(_) => {
                let (was, is) = (planned.metrics.get(metric), now.metrics.get(metric));
                if was != is {
                    push(
                        "metric_changed",
                        "Metric defined anew",
                        metric,
                        (short(was), short(is)),
                        history.since(&|s| s.metrics.get(metric) == is),
                        "its numbers are not those that were promised",
                    );
                }
            }
        }
    }
    for (metric, role) in &planned.roles {
        if !now.roles.contains_key(metric) {
            push(
                "metric_removed",
                "Planned metric removed",
                metric,
                (word(*role), "not read".into()),
                history.since(&|s| !s.roles.contains_key(metric)),
                "what it would have said is not known",
            );
        }
    }
    found
}

fn short(digest: Option<&String>) -> String {
    digest.map_or("none".into(), |d| d.chars().take(12).collect())
}

/// The code of a term's departure, and what follows from it.
fn effect(
    code: &'static str,
    planned: &Experiment,
    now: &Experiment,
    zone: &TimeZone,
) -> Result<(&'static str, String), CapabilityError> {
    let fixed = planned.inference.method == InferenceMethod::Fixed;
    Ok(match code {
        "primary" | "secondary" | "guardrails" => (code, "metrics keep the part that they were planned for".into()),
        "duration" => {
            let end = |e: &Experiment| e.end.as_deref().map(|t| moment(t, zone)).transpose();
            let (was, is) = (end(planned)?, end(now)?);
            // No end is later than any.
            let (was, is) = (was.unwrap_or(i64::MAX), is.unwrap_or(i64::MAX));
            match (fixed, was.cmp(&is)) {
                (true, std::cmp::Ordering::Greater) => (
                    "stopped_early",
                    "a test that is read once, at its planned end, was ended before: its p-values and intervals do not hold"
                        .into(),
                ),
                (true, std::cmp::Ordering::Less) => (
                    "ran_longer",
                    "a test that is read once was continued beyond its planned end: what was seen may have decided that"
                        .into(),
                ),
                _ => (code, "the days are not those that were promised".into()),
            }
        }
        "breakdowns" => (code, "what was not declared beforehand is exploratory".into()),
        "method" | "alpha" | "correction" | "decision_rule" => {
            (code, "the evidence is not judged as was promised".into())
        }
        _ => (code, "the numbers are not those that were promised".into()),
    })
}
