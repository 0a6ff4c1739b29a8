//! What could an experiment find, and how long would it have to run?

mod history;
mod power;
mod report;
mod rules;
mod spread;

pub use history::Source;
pub use report::*;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use steward_stats::{NotEstimable, Reason};

use super::find;
use crate::evidence::Concluded;
use crate::{CapabilityError, Context};

/// How to plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PowerOptions {
    /// Plan as of this moment, microseconds since 1970 UTC; never later than the experiment's start.
    pub as_of: Option<i64>,
    /// Relative improvement wanted on the primary metrics; by default the smallest one worth having by the definition, else
    /// the median of the bet on the experiment.
    pub effect: Option<f64>,
    /// Wanted power.
    pub power: f64,
    /// Where units are counted: `experiment/NAME` or `semantic_model/NAME`.
    pub source: Option<String>,
    /// Share of the traffic that enters.
    pub share: f64,
    /// Dimension of the unit that names the cluster, if clusters are randomised.
    pub cluster: Option<String>,
    /// `fixed`, `group-sequential`, `confidence-sequence`, `msprt` or `bayesian`; that of the definition by default.
    pub method: Option<String>,
    /// Looks of a group sequential method.
    pub looks: u32,
    /// Chance to win that decides, of the Bayesian method.
    pub chance: f64,
    /// Standard deviation of the relative effects that are plausible: of the mSPRT's mixture, and of the Bayesian prior.
    pub plausible: f64,
    /// Only improvements count.
    pub one_sided: bool,
}

impl Default for PowerOptions {
    fn default() -> PowerOptions {
        PowerOptions {
            as_of: None,
            effect: None,
            power: 0.8,
            source: None,
            share: 1.0,
            cluster: None,
            method: None,
            looks: 4,
            chance: 0.95,
            plausible: 0.05,
            one_sided: false,
        }
    }
}

impl PowerOptions {
    fn check(&self) -> Result<(), CapabilityError> {
        let wrong = |what: String| Err(CapabilityError::Invalid(what));
        if self.effect.is_some_and(|e| !(e > 0.0 && e.is_finite())) {
            return wrong("the effect is a relative improvement above 0: 0.02 is two per cent better".into());
        }
        if !(self.power > 0.0 && self.power < 1.0) {
            return wrong(format!("power {} does not lie between 0 and 1", self.power));
        }
        if !(self.share > 0.0 && self.share <= 1.0) {
            return wrong(format!(
                "a share of {} of the traffic: give one above 0, at most 1",
                self.share
            ));
        }
        if !(self.plausible > 0.0 && self.plausible.is_finite()) {
            return wrong(format!(
                "plausible effects of {}: give a number above 0",
                self.plausible
            ));
        }
        if !(self.chance > 0.5 && self.chance < 1.0) {
            return wrong(format!(
                "a chance to win of {}: give one between 0.5 and 1",
                self.chance
            ));
        }
        if self.looks == 0 || self.looks > 50 {
            return wrong(format!("{} looks: plan 1 to 50", self.looks));
        }
        match &self.method {
            Some(method) if !rules::METHODS.contains(&method.as_str()) => {
                wrong(format!("{method:?} is no method: choose {}", rules::METHODS.join(", ")))
            }
            _ => Ok(()),
        }
    }
}

/// What an experiment could find, by how long it runs.
pub async fn power(
    context: &Context,
    name: &str,
    options: &PowerOptions,
) -> Result<Concluded<PowerReport>, CapabilityError> {
    options.check()?;
    let experiment = find(context, name)?;
    let past = history::past(context, experiment, options).await?;
    let prepared = super::compute::lay_out(
        context,
        &past.experiment,
        &super::ReadoutOptions::default(),
        past.window(history::WEEK),
        past.before,
    )?;
    let (effect, effect_from) = wanted(context, name, options);
    let mut definitions: BTreeMap<String, String> = prepared.definitions.clone();
    if let Some(meta) = past
        .source
        .reference
        .parse()
        .ok()
        .and_then(|r| context.project.meta(&r))
    {
        definitions.insert(past.source.reference.clone(), meta.digest.clone());
    }
    let parameters = json!({
        "options": options, "effect": effect, "period": past.period(context)?,
        "time_zone": context.project.settings.time_zone,
    });
    let subject = format!("power/{name}");
    let mut concluded = crate::evidence::conclude(
        context,
        &subject,
        definitions.clone(),
        &prepared.tables,
        parameters,
        || power::report(context, experiment, past, options, (effect, effect_from), definitions),
    )
    .await?;
    let provenance = &mut concluded.value.provenance;
    provenance.evidence = concluded.evidence.id.clone();
    provenance.data = concluded.evidence.key.data.clone();
    Ok(concluded)
}

/// The effect that an experiment is planned for, if any is.
pub(super) fn planned_effect(context: &Context, name: &str) -> Option<f64> {
    wanted(context, name, &PowerOptions::default()).0
}

/// The effect asked for, else the smallest worth having, else the median of the bet on the experiment.
fn wanted(context: &Context, name: &str, options: &PowerOptions) -> (Option<f64>, Option<String>) {
    if options.effect.is_some() {
        return (options.effect, Some("asked for".into()));
    }
    let experiment = context.project.experiments.get(name);
    if let Some(least) = experiment.and_then(|e| e.decide.minimum_effect) {
        return (Some(least), Some("the smallest worth having, by the definition".into()));
    }
    let bet = context
        .project
        .bets
        .values()
        .find(|b| b.experiment.as_deref() == Some(name));
    match bet {
        Some(bet) if bet.effect[1] > 0.0 => (
            Some(bet.effect[1]),
            Some(format!("the median of bet/{}", bet.meta.name)),
        ),
        _ => (None, None),
    }
}

/// The refusal where the history holds too little.
fn too_few(detail: impl Into<String>) -> NotEstimable {
    NotEstimable::new(
        Reason::TooFew,
        detail,
        "plan for more units or a longer history, or name another source of units",
    )
}
