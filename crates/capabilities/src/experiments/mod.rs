//! What did the experiment do, and can we believe it?
//!
//! One scan of each fact table answers all metrics and all breakdowns ([`query`]); statistics see only moments by
//! arm and day, and by arm and dimension ([`cells`]).

mod adjust;
mod analyse;
mod builder;
mod caps;
mod cells;
mod checks;
mod compute;
mod concluding;
mod correct;
mod corrected;
mod designs;
mod dimensions;
mod effects;
mod expression;
mod funnels;
mod health;
mod inference;
mod interactions;
mod looks;
mod maps;
mod measures;
mod methods;
mod ordered;
mod outlook;
mod over_time;
mod period;
mod plan;
mod planning;
mod prepare;
mod quantiles;
mod query;
mod reading;
mod readout;
mod recommend;
mod sequences;
mod tails;
mod triggers;
mod unit_metric;
mod units;
mod verdict;
mod window;
mod writer;

pub use designs::{
    BootstrapLift, ClusterReadout, Counted, DesignReadout, NaiveLift, SwitchbackEffects, SwitchbackReadout,
};
pub use interactions::{Interaction, InteractionTest, Interactions, PairInteraction};
pub use period::Period;
pub use plan::{
    Departure, Draft, Expected, ExpectedMetric, PlanReadout, PlanReport, PlannedMetric, PlannedTerm, REGISTERED,
    RegisteredPayload, Registration, draft, plan, promised, registered,
};
pub use planning::{MetricPower, PowerOptions, PowerReport, PowerRow, Source, Traffic, power};
pub use readout::*;
pub use verdict::{effect, goodness, p_value, significant};
pub use window::{day, moment, zone};

use steward_definitions::Experiment;

use crate::evidence::Concluded;
use crate::{CapabilityError, Context};

/// How often a readout is begun anew because facts arrived while it read.
const ATTEMPTS: usize = 5;

/// Reads an experiment out: from evidence if nothing it depends on has changed, else computed.
pub async fn readout(context: &Context, name: &str, options: &ReadoutOptions) -> Result<Readout, CapabilityError> {
    Ok(conclude(context, name, options).await?.value)
}

/// As [`readout`], with the evidence record and whether it had been computed before.
pub async fn conclude(
    context: &Context,
    name: &str,
    options: &ReadoutOptions,
) -> Result<Concluded<Readout>, CapabilityError> {
    let experiment = find(context, name)?;
    let mut prepared = compute::prepare(context, experiment, options)?;
    if let Some(plan) = plan::binding(context, experiment).await? {
        prepared.bind(plan);
    }
    let subject = format!("experiment/{name}");
    let definitions = prepared.definitions.clone();
    let tables = prepared.tables.clone();
    let parameters = prepared.parameters.clone();
    let read = || {
        let (definitions, parameters) = (definitions.clone(), parameters.clone());
        crate::evidence::conclude(context, &subject, definitions, &tables, parameters, || {
            compute::readout(context, &prepared)
        })
    };
    let mut concluded = read().await;
    for _ in 1..ATTEMPTS {
        if !matches!(concluded, Err(CapabilityError::Moved(_))) {
            break;
        }
        concluded = read().await;
    }
    let mut concluded = concluded?;
    let provenance = &mut concluded.value.provenance;
    provenance.evidence = concluded.evidence.id.clone();
    provenance.data = concluded.evidence.key.data.clone();
    Ok(concluded)
}

/// Whether experiments on the same units at the same time disturb each other: every pair that overlaps, or the one named.
pub async fn interactions(context: &Context, pair: Option<(&str, &str)>) -> Result<Interactions, CapabilityError> {
    let named = match pair {
        Some((a, b)) => Some((find(context, a)?, find(context, b)?)),
        None => None,
    };
    interactions::interactions(context, named).await
}

/// The experiments that share the units and the time of one, without reading data.
pub fn beside(context: &Context, name: &str) -> Result<Vec<String>, CapabilityError> {
    interactions::beside(context, find(context, name)?)
}

/// Where an experiment stands in time, without reading data.
pub fn status(context: &Context, name: &str) -> Result<ExperimentStatus, CapabilityError> {
    let experiment = find(context, name)?;
    Ok(window::window(experiment, 0, &zone(&context.project.settings)?, context.now_us, true)?.status)
}

fn find<'a>(context: &'a Context, name: &str) -> Result<&'a Experiment, CapabilityError> {
    context
        .project
        .experiments
        .get(name)
        .ok_or_else(|| CapabilityError::Unknown {
            kind: "experiment".into(),
            name: name.into(),
            near: crate::error::nearest(name, context.project.experiments.keys()),
        })
}
