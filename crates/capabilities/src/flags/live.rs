//! What is live: the applied definitions, compiled as of a moment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steward_definitions::{FlagType, Guard, Project};
use steward_ledger::{Ledger, canonical};

use super::answer::Reason;
use super::clock::{RampState, Schedule};
use super::compile::{self, Compiled};
use super::payload::FeatureSet;
use super::shares::VariantShare;
use super::value::Value;
use crate::bandits::{self, Weighing};
use crate::{CapabilityError, governance};

/// Flags as they are served: compiled definitions that were applied, with the rollouts that were stopped, as of a moment.
#[derive(Debug)]
pub struct Live {
    /// Compiled, to evaluate: see [`Live::answer`].
    pub features: FeatureSet,
    /// `features` of the payload, as JSON text.
    pub features_json: String,
    /// `savedGroups` of the payload, as JSON text.
    pub groups_json: String,
    /// SHA-256 (hex) over both.
    pub digest: String,
    /// Since when they have been live, microseconds since 1970 UTC.
    pub since_us: i64,
    /// When a schedule or a step of a ramp changed them last.
    pub from_us: Option<i64>,
    /// When a schedule or a step of a ramp changes them next.
    pub until_us: Option<i64>,
    /// The application of definitions that they come from.
    pub applied: governance::InForce,
    flags: Vec<LiveFlag>,
    index: BTreeMap<Box<str>, usize>,
}

/// A flag as it is served.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveFlag {
    /// Its name.
    pub name: Box<str>,
    /// What its values are.
    pub value_type: FlagType,
    /// False is the kill switch.
    pub enabled: bool,
    /// Name of the default value.
    pub default_variant: Box<str>,
    /// Where each rule of the definition stands.
    pub states: Vec<RuleState>,
    /// Rules of the payload, in its order.
    pub(super) rules: Vec<LiveRule>,
}

/// A rule of the payload.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LiveRule {
    pub name: Box<str>,
    pub origin: Origin,
    pub variant: Box<str>,
    pub reason: Reason,
}

/// What a rule of the payload comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Prerequisite,
    Forced,
    Holdout,
    Rule,
}

impl LiveRule {
    pub(super) fn new(name: &str, origin: Origin, variant: &str, reason: Reason) -> LiveRule {
        LiveRule {
            name: name.into(),
            origin,
            variant: variant.into(),
            reason,
        }
    }
}

/// Where a rule of a definition stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleState {
    /// Its name.
    pub rule: String,
    /// Its schedule.
    pub schedule: Schedule,
    /// Share of the units it applies to that are included now, 0 to 1.
    pub coverage: f64,
    /// What they get, with the share of each value; slices of layers count.
    pub variants: Vec<VariantShare>,
    /// Its ramp, by the steps alone.
    pub ramp: Option<RampState>,
    /// What holds it back.
    pub hold: Option<Hold>,
    /// What stops it by itself.
    pub guarded_by: Option<Guard>,
}

/// A decision that holds a rollout back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// Largest share of units included, 0 to 1.
    pub coverage: f64,
    /// Who decided.
    pub actor: String,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Event of the decision.
    pub sequence: u64,
    /// Why, in a sentence.
    pub because: String,
    /// Metrics that were harmed.
    pub metrics: Vec<String>,
    /// Evidence cited.
    pub evidence: Vec<String>,
}

/// Rollouts held back, by flag and rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Holds {
    all: BTreeMap<(String, String), Hold>,
    /// When the last decision on any rollout was made, or weights were set.
    since_us: Option<i64>,
    /// Live weights of bandits.
    weights: BTreeMap<String, Weighing>,
}

impl Holds {
    /// What was decided.
    pub fn of(rollouts: governance::Rollouts) -> Holds {
        let mut holds = Holds::default();
        for ((flag, rule), held) in rollouts {
            let decision = held.decision;
            holds.since_us = holds.since_us.max(Some(decision.at_us));
            let Some(coverage) = held.hold.coverage else { continue };
            let hold = Hold {
                coverage,
                actor: decision.actor,
                at_us: decision.at_us,
                sequence: decision.sequence,
                because: decision.verdict.or(decision.reason).unwrap_or_default(),
                metrics: held.hold.metrics,
                evidence: decision.evidence.into_iter().map(|c| c.id).collect(),
            };
            holds.put(&flag, &rule, hold);
        }
        holds
    }

    /// With the weights that bandits have at a moment, from all that were set, oldest first.
    #[must_use]
    pub fn with_weights(mut self, all: BTreeMap<String, Vec<Weighing>>, now_us: i64) -> Holds {
        for (bandit, weighings) in all {
            if let Some(last) = weighings.into_iter().rfind(|w| w.from_us <= now_us) {
                self.since_us = self.since_us.max(Some(last.from_us));
                self.weights.insert(bandit, last);
            }
        }
        self
    }

    /// The live weights of a bandit.
    pub fn weights(&self, bandit: &str) -> Option<&Weighing> {
        self.weights.get(bandit)
    }

    /// The hold of a rule.
    pub fn get(&self, flag: &str, rule: &str) -> Option<&Hold> {
        self.all.get(&(flag.to_owned(), rule.to_owned()))
    }

    /// Holds a rule back.
    pub fn put(&mut self, flag: &str, rule: &str, hold: Hold) {
        self.all.insert((flag.to_owned(), rule.to_owned()), hold);
    }
}

impl Live {
    /// Compiles a project that was applied.
    ///
    /// # Errors
    /// A definition that cannot be evaluated as meant; `steward check` refuses those.
    pub fn compile(applied: governance::InForce, holds: &Holds, now_us: i64) -> Result<Live, CapabilityError> {
        let Compiled {
            features,
            groups,
            flags,
            since_us,
            until_us,
        } = compile::compile(&applied.project, holds, now_us)?;
        let (features_json, groups_json) = (features.to_json(), groups.to_json());
        let payload = Value::Map(vec![("features".into(), features), ("savedGroups".into(), groups)]);
        let set = FeatureSet::compile(&payload)
            .map_err(|e| CapabilityError::Invalid(format!("the applied flags cannot be evaluated: {e}")))?;
        let index = flags.iter().enumerate().map(|(at, f)| (f.name.clone(), at)).collect();
        Ok(Live {
            features: set,
            digest: canonical::digest(format!("{features_json}\n{groups_json}").as_bytes()),
            features_json,
            groups_json,
            since_us: applied
                .at_us
                .max(since_us.unwrap_or(i64::MIN))
                .max(holds.since_us.unwrap_or(i64::MIN)),
            from_us: since_us,
            until_us,
            applied,
            flags,
            index,
        })
    }

    /// Whether schedules and ramps stand at a moment as they do here; clocks may go back.
    pub fn holds_at(&self, now_us: i64) -> bool {
        self.from_us.is_none_or(|from| from <= now_us) && self.until_us.is_none_or(|until| now_us < until)
    }

    /// The definitions that are live.
    pub fn project(&self) -> &Project {
        &self.applied.project
    }

    /// All flags, by name.
    pub fn flags(&self) -> &[LiveFlag] {
        &self.flags
    }

    /// A flag.
    pub fn flag(&self, name: &str) -> Option<&LiveFlag> {
        self.find(name).map(|(_, flag)| flag)
    }

    /// The error of a flag that is not there.
    pub fn unknown(&self, name: &str) -> CapabilityError {
        CapabilityError::Unknown {
            kind: "flag".into(),
            name: name.into(),
            near: crate::error::nearest(name, self.project().flags.keys()),
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<(usize, &LiveFlag)> {
        let at = *self.index.get(name)?;
        Some((at, self.flags.get(at)?))
    }
}

/// What is live at a moment (microseconds since 1970 UTC): the definitions applied last, with schedules and ramps as of
/// that moment. With `as_of`, what was applied and decided by then.
///
/// # Errors
/// [`CapabilityError::NotApplied`] while nothing was applied.
pub async fn live(ledger: &Ledger, now_us: i64, as_of: Option<i64>) -> Result<Live, CapabilityError> {
    let applied = governance::in_force(ledger, as_of)
        .await?
        .ok_or(CapabilityError::NotApplied)?;
    let holds = Holds::of(governance::held(ledger, as_of).await?)
        .with_weights(bandits::weighings(ledger, as_of).await?, now_us);
    Live::compile(applied, &holds, now_us)
}
