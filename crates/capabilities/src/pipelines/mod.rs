//! What is due, and what came out?

use serde::{Deserialize, Serialize};

use steward_compute::EngineError;
use steward_definitions::Project;

use crate::experiments::{self, ReadoutOptions};
use crate::portfolio::{self, KeyResultState};
use crate::quality::{self, CheckOptions};
use crate::{CapabilityError, Context, flags, reports};

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps finished.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
    /// The step that starts now (`experiment/checkout`); `None` at the end.
    pub current: Option<String>,
    /// The step that has just finished.
    pub finished: Option<RunItem>,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Computed now.
    Computed,
    /// Had been computed before from the same definitions and data.
    Reused,
    /// Failed; the others went on.
    Failed,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunItem {
    /// `dataset/orders`, `experiment/checkout`, `flag/checkout`, `objective/growth`, `report/weekly`.
    pub reference: String,
    /// How it ended.
    pub outcome: RunOutcome,
    /// `false` when the answer is bad news: a failing contract, a broken split, a key result off track.
    pub healthy: bool,
    /// One line: the verdict, or what failed.
    pub message: String,
    /// Evidence ids.
    pub evidence: Vec<String>,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Steps in order: datasets, experiments, flags with guarded rollouts, objectives, reports.
    pub items: Vec<RunItem>,
    /// Computed now.
    pub computed: u64,
    /// Reused.
    pub reused: u64,
    /// Failed.
    pub failed: u64,
    /// Steps whose answer is bad news.
    pub unhealthy: u64,
}

/// What can be evaluated, in the order of a run: evidence comes after what it stands on.
const KINDS: [&str; 5] = ["dataset", "experiment", "flag", "objective", "report"];

/// Evaluates what is due: contract checks, experiments, guarded rollouts (which stop where they do harm), key results,
/// reports; each once per evidence key.
/// `names` are `kind/name` or bare names; empty is everything. Goes on past failures.
pub async fn run(
    context: &Context,
    names: &[String],
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<RunSummary, CapabilityError> {
    let steps = steps(&context.project, flags::guarded(context).await?, names)?;
    let total = steps.len();
    let mut summary = RunSummary::default();
    let mut finished = None;
    for (done, (kind, name)) in steps.into_iter().enumerate() {
        if context.control.cancel.is_cancelled() {
            return Err(EngineError::Cancelled("the run".into()).into());
        }
        let reference = format!("{kind}/{name}");
        progress(Progress {
            done,
            total,
            current: Some(reference.clone()),
            finished: finished.take(),
        });
        let item = match step(context, kind, &name).await {
            Ok(item) => item,
            Err(e) => RunItem {
                reference,
                outcome: RunOutcome::Failed,
                healthy: false,
                message: e.to_string(),
                evidence: Vec::new(),
            },
        };
        match item.outcome {
            RunOutcome::Computed => summary.computed += 1,
            RunOutcome::Reused => summary.reused += 1,
            RunOutcome::Failed => summary.failed += 1,
        }
        summary.unhealthy += u64::from(!item.healthy && item.outcome != RunOutcome::Failed);
        finished = Some(item.clone());
        summary.items.push(item);
    }
    progress(Progress {
        done: total,
        total,
        current: None,
        finished,
    });
    Ok(summary)
}

/// The steps asked for, in order.
fn steps(
    project: &Project,
    guarded: Vec<String>,
    names: &[String],
) -> Result<Vec<(&'static str, String)>, CapabilityError> {
    let of = |kind: &str| -> Vec<String> {
        match kind {
            "dataset" => project.datasets.keys().cloned().collect(),
            "experiment" => project.experiments.keys().cloned().collect(),
            "flag" => guarded.clone(),
            "objective" => project.objectives.keys().cloned().collect(),
            _ => project.reports.keys().cloned().collect(),
        }
    };
    let all: Vec<(&'static str, String)> = KINDS
        .into_iter()
        .flat_map(|kind| of(kind).into_iter().map(move |name| (kind, name)))
        .collect();
    if names.is_empty() {
        return Ok(all);
    }
    let asked = |(kind, name): &(&str, String), text: &str| match text.split_once('/') {
        Some((k, n)) => k == *kind && n == name,
        None => text == name,
    };
    for text in names {
        if !all.iter().any(|step| asked(step, text)) {
            let known: Vec<String> = all.iter().flat_map(|(k, n)| [n.clone(), format!("{k}/{n}")]).collect();
            return Err(CapabilityError::Unknown {
                kind: "dataset, experiment, guarded flag, objective or report".into(),
                name: text.clone(),
                near: crate::error::nearest(text, known.iter()),
            });
        }
    }
    Ok(all
        .into_iter()
        .filter(|step| names.iter().any(|text| asked(step, text)))
        .collect())
}

async fn step(context: &Context, kind: &str, name: &str) -> Result<RunItem, CapabilityError> {
    let reference = format!("{kind}/{name}");
    let outcome = |reused: bool| {
        if reused {
            RunOutcome::Reused
        } else {
            RunOutcome::Computed
        }
    };
    Ok(match kind {
        "dataset" => {
            let found = quality::conclude(context, name, &CheckOptions::default()).await?;
            RunItem {
                reference,
                outcome: outcome(found.reused),
                healthy: found.value.ok,
                message: found.value.verdict,
                evidence: vec![found.evidence.id],
            }
        }
        "experiment" => {
            let found = experiments::conclude(context, name, &ReadoutOptions::default()).await?;
            RunItem {
                reference,
                outcome: outcome(found.reused),
                healthy: found.value.health.ok,
                message: found.value.verdict,
                evidence: vec![found.evidence.id],
            }
        }
        "flag" => {
            let judged = flags::guard(context, context.now_us, Some(name)).await?;
            let found: Vec<&str> = judged.iter().map(|j| j.found.as_str()).collect();
            RunItem {
                reference,
                outcome: outcome(judged.iter().all(|j| j.reused && j.stopped.is_none())),
                healthy: judged.iter().all(|j| !j.held && j.failed.is_none()),
                message: if found.is_empty() {
                    "no guarded rollout is live".into()
                } else {
                    found.join("; ")
                },
                evidence: judged.iter().filter_map(|j| j.evidence.clone()).collect(),
            }
        }
        "objective" => {
            let (status, reused) = portfolio::conclude(context, name, None).await?;
            let bad = matches!(status.state, KeyResultState::OffTrack | KeyResultState::Missed);
            RunItem {
                reference,
                outcome: outcome(reused),
                healthy: !bad,
                message: status.verdict,
                evidence: status.key_results.into_iter().filter_map(|k| k.evidence).collect(),
            }
        }
        _ => {
            let found = reports::conclude(context, name).await?;
            RunItem {
                reference,
                outcome: outcome(found.reused),
                healthy: true,
                message: format!("{} with {} sections", found.value.title, found.value.sections.len()),
                evidence: vec![found.evidence.id],
            }
        }
    })
}
