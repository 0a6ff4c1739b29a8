//! What was promised before the data were seen, and what has been changed since?
//!
//! A plan is an experiment's definition with what it was expected to find, frozen at the start: by whoever registers it, else
//! by the application of definitions that is in force when the start passes (or the first one after it). It is bound to that
//! version of the definition: what the folder says otherwise is a departure.

mod binding;
mod departures;
mod events;
mod expected;
mod projection;
mod terms;
mod types;

pub use events::{REGISTERED, RegisteredPayload, registered};
pub use types::*;

use steward_definitions::Experiment;

use super::analyse::Asked;
use super::readout::Role;
use super::window::{day, zone};
use super::{PowerOptions, PowerReport, find};
use crate::{CapabilityError, Context, evidence};
use binding::{Bound, bind};
use projection::{Plans, Version};

/// The plan of an experiment: what binds it, what it departs in, and what it is expected to find.
pub async fn plan(context: &Context, name: &str) -> Result<PlanReport, CapabilityError> {
    let mut report = promised(context, name).await?;
    if report.expected.is_none() {
        let promised = as_promised(context, name).await?;
        match super::power(&promised, name, &PowerOptions::default()).await {
            Ok(power) => report.expected = Some(expected::expected(&power.value, true)),
            Err(e @ CapabilityError::Ledger(_)) => return Err(e),
            Err(e) => report.expected_problem = Some(e.to_string()),
        }
    }
    Ok(report)
}

/// As [`plan`], with expectations only where they were frozen, or computed before: no history is read.
pub async fn promised(context: &Context, name: &str) -> Result<PlanReport, CapabilityError> {
    let experiment = find(context, name)?;
    let plans: Plans = context.ledger.project(None).await?;
    let versions = plans.of(name);
    let bound = bind(versions, &zone(&context.project.settings)?, context.now_us)?;
    let folder = terms::terms(experiment);
    let (registration, departures, terms, frozen) = match &bound {
        Some(bound) => {
            let departures = departures::departures(context, experiment, versions, bound)?;
            let planned = terms::terms(&bound.version.definition);
            let terms = terms::beside(&planned, &folder);
            (
                Some(registration(context, bound)?),
                departures,
                terms,
                bound.version.expected.clone(),
            )
        }
        None => (None, Vec::new(), terms::beside(&folder, &folder), None),
    };
    let expected = match frozen {
        Some(expected) => Some(expected),
        None => known(context, bound.as_ref().map_or(experiment, |b| &b.version.definition)).await?,
    };
    Ok(PlanReport {
        experiment: name.to_string(),
        label: experiment.meta.label.clone(),
        owner: experiment.meta.owner.clone(),
        summary: summary(registration.as_ref(), &departures),
        registration,
        terms,
        departures,
        expected,
        expected_problem: None,
    })
}

/// The project with an experiment as it was promised.
async fn as_promised(context: &Context, name: &str) -> Result<Context, CapabilityError> {
    let plans: Plans = context.ledger.project(None).await?;
    let bound = bind(plans.of(name), &zone(&context.project.settings)?, context.now_us)?;
    let Some(bound) = bound.filter(|b| context.project.experiments.get(name) != Some(&b.version.definition)) else {
        return Ok(context.clone());
    };
    let mut project = context.project.as_ref().clone();
    project
        .experiments
        .insert(name.into(), bound.version.definition.clone());
    Ok(Context {
        project: project.into(),
        ..context.clone()
    })
}

/// The newest power analysis that was made of a definition as it says.
async fn known(context: &Context, definition: &Experiment) -> Result<Option<Expected>, CapabilityError> {
    let plain = serde_json::json!(PowerOptions::default());
    let name = &definition.meta.name;
    let digest = Some(&definition.meta.digest);
    let found = evidence::newest(&context.ledger, &format!("power/{name}"), |key| {
        let defined = key.definitions.get(&format!("experiment/{name}"));
        key.parameters.get("options") == Some(&plain) && defined == digest
    })
    .await?;
    Ok(found.and_then(|found| {
        let report: PowerReport = serde_json::from_value(found.value).ok()?;
        let mut expected = expected::expected(&report, true);
        expected.evidence = found.id;
        Some(expected)
    }))
}

/// What binds a readout of an experiment, without its expectations having to be computed; `None` while nothing does.
pub(super) async fn binding(
    context: &Context,
    experiment: &Experiment,
) -> Result<Option<PlanReadout>, CapabilityError> {
    let plans: Plans = context.ledger.project(None).await?;
    let versions = plans.of(&experiment.meta.name);
    let Some(bound) = bind(versions, &zone(&context.project.settings)?, context.now_us)? else {
        return Ok(None);
    };
    let departures = departures::departures(context, experiment, versions, &bound)?;
    let registration = registration(context, &bound)?;
    Ok(Some(PlanReadout {
        summary: summary(Some(&registration), &departures),
        registration,
        metrics: metrics(&bound.version.definition),
        breakdowns: bound.version.definition.breakdowns.clone(),
        departures,
        expected: bound.version.expected.clone(),
    }))
}

/// What would be frozen now, and what is bound already.
pub async fn draft(context: &Context, name: &str) -> Result<Draft, CapabilityError> {
    let experiment = find(context, name)?;
    let zone = zone(&context.project.settings)?;
    let plans: Plans = context.ledger.project(None).await?;
    let bound = bind(plans.of(name), &zone, context.now_us)?;
    let bound = bound.map(|b| registration(context, &b)).transpose()?;
    let started = match experiment.start.as_deref() {
        Some(start) => super::moment(start, &zone)? <= context.now_us,
        None => false,
    };
    let power = match super::power(context, name, &PowerOptions::default()).await {
        Ok(found) => Some(found),
        Err(e @ CapabilityError::Ledger(_)) => return Err(e),
        // A plan without history is a plan; it says that nothing could be expected.
        Err(_) => None,
    };
    Ok(Draft {
        bound,
        started,
        payload: RegisteredPayload {
            definition: experiment.clone(),
            metrics: digests(context, experiment),
            expected: power.as_ref().map(|p| expected::expected(&p.value, false)),
            evidence: power.iter().map(|p| p.evidence.citation()).collect(),
        },
    })
}

/// The metrics of a definition with their parts, in order.
fn metrics(definition: &Experiment) -> Vec<PlannedMetric> {
    let planned = |metric: &String, role, margin| PlannedMetric {
        metric: metric.clone(),
        role,
        margin,
    };
    let primary = definition.primary.iter().map(|m| planned(m, Role::Primary, None));
    let secondary = definition.secondary.iter().map(|m| planned(m, Role::Secondary, None));
    let guardrails = definition.guardrails.iter();
    let guardrails = guardrails.map(|g| planned(&g.metric, Role::Guardrail, Some(g.margin)));
    primary.chain(secondary).chain(guardrails).collect()
}

/// Gives each metric that is asked for the part that it was planned for; one that was not planned is exploratory.
pub(super) fn assign(plan: &PlanReadout, asked: &mut [Asked]) {
    let is = |p: &PlannedMetric, a: &Asked| p.metric == a.name && p.role == a.role;
    let mut given: Vec<bool> = plan.metrics.iter().map(|p| asked.iter().any(|a| is(p, a))).collect();
    for a in asked {
        let same = plan.metrics.iter().position(|p| is(p, a));
        let other = || (0..plan.metrics.len()).find(|&i| !given[i] && plan.metrics[i].metric == a.name);
        match same.or_else(other) {
            Some(i) => {
                given[i] = true;
                (a.role, a.margin) = (plan.metrics[i].role, plan.metrics[i].margin);
            }
            None => (a.role, a.margin) = (Role::Exploratory, None),
        }
    }
}

/// Digests of an experiment's metrics.
fn digests(context: &Context, experiment: &Experiment) -> std::collections::BTreeMap<String, String> {
    let of = |name: &str| Some((name.to_string(), context.project.metrics.get(name)?.meta.digest.clone()));
    experiment.metrics().filter_map(of).collect()
}

fn registration(context: &Context, bound: &Bound<'_>) -> Result<Registration, CapabilityError> {
    let zone = zone(&context.project.settings)?;
    let Version {
        sequence,
        at_us,
        actor,
        registered,
        definition,
        ..
    } = bound.version;
    Ok(Registration {
        sequence: *sequence,
        at_us: *at_us,
        actor: actor.clone(),
        registered: *registered,
        frozen_us: bound.frozen_us,
        frozen_on: day(bound.frozen_us, &zone).map(|d| d.to_string()).unwrap_or_default(),
        late: bound.late,
        definition: definition.meta.digest.clone(),
    })
}

fn summary(registration: Option<&Registration>, departures: &[Departure]) -> String {
    let Some(r) = registration else {
        return "A draft: nothing is frozen until it is registered, or applied and started.".into();
    };
    let how = if r.registered { "registered" } else { "applied" };
    let when = if r.late {
        format!("after its start, on {}: it is no pre-registration", r.frozen_on)
    } else if r.registered {
        "before its start".to_string()
    } else {
        format!("and frozen at its start, {}", r.frozen_on)
    };
    let departs = match departures {
        [] => "Nothing departs from it.".to_string(),
        all => {
            let named: Vec<String> = all.iter().map(Departure::sentence).collect();
            format!("Departures: {}.", named.join("; "))
        }
    };
    format!("Planned as {how} by {} {when}. {departs}", r.actor)
}
