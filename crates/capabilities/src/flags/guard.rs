//! Does a rollout do harm? Rules that are guarded stop by themselves when their experiment shows that it does.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use steward_definitions::{Flag, FlagRule, Guard, OnHarm, Project};

use super::clock::Schedule;
use super::live::{Live, RuleState};
use crate::experiments::{self, GuardrailState, MetricReadout, Readout, ReadoutOptions, Role};
use crate::governance::{self, Choice, Decision, Hold, NewResume, Rollouts};
use crate::{CapabilityError, Context};

/// What a guard found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// The flag.
    pub flag: String,
    /// Its rule.
    pub rule: String,
    /// The experiment that was read out.
    pub experiment: String,
    /// Metrics that are watched and harmed, without those whose harm was accepted.
    pub harmed: Vec<String>,
    /// What was found, in a sentence.
    pub found: String,
    /// Evidence read.
    pub evidence: Option<String>,
    /// Whether that had been computed before.
    pub reused: bool,
    /// The decision that stopped the rollout now.
    pub stopped: Option<u64>,
    /// It was stopped before, or now.
    pub held: bool,
    /// Why it could not be judged.
    pub failed: Option<String>,
}

/// Flags with a rule that is guarded, in the folder or in force.
pub async fn guarded(context: &Context) -> Result<Vec<String>, CapabilityError> {
    let applied = governance::applied(&context.ledger, None).await?;
    let all = [Some(context.project.as_ref()), applied.as_ref()];
    let names: BTreeSet<&String> = all.into_iter().flatten().flat_map(with_guards).collect();
    Ok(names.into_iter().cloned().collect())
}

fn with_guards(project: &Project) -> impl Iterator<Item = &String> {
    let guarded = |f: &&Flag| f.rules.iter().any(|r| r.guarded_by.is_some());
    project.flags.values().filter(guarded).map(|f| &f.meta.name)
}

/// Judges the guarded rollouts that are live at a moment (of all flags, or of one), and stops those that do harm. One
/// that cannot be judged says why; the others go on. Nothing while nothing is applied.
pub async fn guard(context: &Context, now_us: i64, flag: Option<&str>) -> Result<Vec<Judged>, CapabilityError> {
    let live = match super::live(&context.ledger, now_us, None).await {
        Ok(live) => live,
        Err(CapabilityError::NotApplied) => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let rollouts = governance::held(&context.ledger, None).await?;
    // What is served is judged by the definitions that are served.
    let context = Context {
        project: Arc::new(live.project().clone()),
        now_us,
        ..context.clone()
    };
    let mut all = Vec::new();
    for (definition, state) in live.project().flags.values().zip(live.flags()) {
        if !definition.enabled || flag.is_some_and(|f| f != definition.meta.name) {
            continue;
        }
        for (rule, state) in definition.rules.iter().zip(&state.states) {
            if let Some(guard) = &rule.guarded_by
                && matches!(state.schedule, Schedule::Live { .. })
            {
                let watch = Watch {
                    context: &context,
                    flag: &definition.meta.name,
                    rule,
                    guard,
                    state,
                    rollouts: &rollouts,
                };
                all.push(watch.judge().await?);
            }
        }
    }
    Ok(all)
}

struct Watch<'a> {
    context: &'a Context,
    flag: &'a str,
    rule: &'a FlagRule,
    guard: &'a Guard,
    state: &'a RuleState,
    rollouts: &'a Rollouts,
}

impl Watch<'_> {
    async fn judge(&self) -> Result<Judged, CapabilityError> {
        let mut judged = Judged {
            flag: self.flag.to_owned(),
            rule: self.rule.name.clone(),
            experiment: self.guard.experiment.clone(),
            harmed: Vec::new(),
            found: String::new(),
            evidence: None,
            reused: true,
            stopped: None,
            held: self.state.hold.is_some(),
            failed: None,
        };
        if let Some(hold) = &self.state.hold {
            judged.found = format!("stopped (event {}): {}", hold.sequence, hold.because);
            judged.harmed.clone_from(&hold.metrics);
            return Ok(judged);
        }
        let read = experiments::conclude(self.context, &self.guard.experiment, &ReadoutOptions::default()).await;
        let read = match read {
            Ok(read) => read,
            Err(e) => {
                judged.found = format!("it cannot be judged: {e}");
                judged.failed = Some(e.to_string());
                return Ok(judged);
            }
        };
        judged.evidence = Some(read.evidence.id.clone());
        judged.reused = read.reused;
        let harm = self.harm(&read.value);
        if harm.is_empty() {
            judged.found = format!("{} shows no harm in what is watched", self.guard.experiment);
            return Ok(judged);
        }
        judged.harmed = harm.iter().map(|m| m.metric.clone()).collect();
        judged.harmed.dedup();
        let (choice, coverage, done) = match self.guard.action {
            OnHarm::Freeze => (Choice::Freeze, self.state.coverage, "no more units are included"),
            OnHarm::RollBack => (Choice::RollBack, 0.0, "nobody is included any more"),
        };
        judged.found = format!(
            "{} harms {}: {done}",
            self.guard.experiment,
            harm.iter().map(|m| worded(m)).collect::<Vec<_>>().join("; ")
        );
        let hold = Hold {
            rule: self.rule.name.clone(),
            coverage: Some(coverage),
            experiment: self.guard.experiment.clone(),
            start: self.start(),
            metrics: judged.harmed.clone(),
        };
        judged.stopped = governance::hold(
            &self.context.ledger,
            self.flag,
            choice,
            hold,
            &judged.found,
            &read.evidence,
        )
        .await?;
        judged.held = true;
        Ok(judged)
    }

    fn start(&self) -> Option<String> {
        self.context
            .project
            .experiments
            .get(&self.guard.experiment)?
            .start
            .clone()
    }

    /// Metrics that are watched and harmed, by the experiment's own rule; without harm that somebody has accepted.
    fn harm<'r>(&self, readout: &'r Readout) -> Vec<&'r MetricReadout> {
        let key = (self.flag.to_owned(), self.rule.name.clone());
        let known = self.rollouts.get(&key);
        let known = known.filter(|h| h.hold.experiment == self.guard.experiment && h.hold.start == self.start());
        let accepted = |m: &MetricReadout| known.is_some_and(|h| h.accepted.contains(&m.metric));
        let watched = |m: &MetricReadout| match self.guard.metrics.as_slice() {
            [] => m.role == Role::Guardrail,
            named => named.contains(&m.metric),
        };
        let all = readout.metrics.iter();
        all.filter(|m| watched(m) && !accepted(m) && harmed(m)).collect()
    }
}

/// A guardrail beyond its margin; any other metric that is significantly worse.
fn harmed(metric: &MetricReadout) -> bool {
    match metric.guardrail {
        Some(state) => state == GuardrailState::Harmed,
        None => metric.significant && experiments::goodness(metric) < 0.0,
    }
}

fn worded(metric: &MetricReadout) -> String {
    let title = metric.label.as_deref().unwrap_or(&metric.metric);
    let effect = experiments::effect(metric).unwrap_or_else(|| "worse".to_owned());
    format!("{title} in {}, {effect}", metric.variant)
}

/// Lets the rollout of a rule go on that was stopped; without a rule, the only one of the flag that is.
pub async fn resume(
    context: &Context,
    flag: &str,
    rule: Option<&str>,
    actor: &str,
    reason: &str,
) -> Result<Decision, CapabilityError> {
    let live: Live = super::live(&context.ledger, context.now_us, None).await?;
    let state = live.flag(flag).ok_or_else(|| live.unknown(flag))?;
    let stopped: Vec<&str> = state
        .states
        .iter()
        .filter(|s| s.hold.is_some())
        .map(|s| s.rule.as_str())
        .collect();
    let rule = match (rule, stopped.as_slice()) {
        (Some(rule), _) => rule,
        (None, [only]) => only,
        (None, []) => {
            return Err(CapabilityError::Refused(format!(
                "no rule of the flag `{flag}` is stopped: there is nothing to resume"
            )));
        }
        (None, several) => {
            return Err(CapabilityError::Invalid(format!(
                "several rules of the flag `{flag}` are stopped: say which of {}",
                several.join(", ")
            )));
        }
    };
    let new = NewResume {
        flag: flag.to_owned(),
        rule: rule.to_owned(),
        reason: reason.to_owned(),
        actor: actor.to_owned(),
    };
    governance::resume(context, &new).await
}
