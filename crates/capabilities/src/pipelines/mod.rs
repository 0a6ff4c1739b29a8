//! What is due, and what came out?

use serde::{Deserialize, Serialize};

use crate::{CapabilityError, Context};

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
    /// `dataset/orders`, `experiment/checkout`, `objective/growth`, `report/weekly`.
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
    /// Steps in order: datasets, experiments, objectives, reports.
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

/// Evaluates what is due: contract checks, experiments, key results, reports; each once per evidence key.
/// `names` are `kind/name` or bare names; empty is everything. Goes on past failures.
pub async fn run(
    context: &Context,
    names: &[String],
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<RunSummary, CapabilityError> {
    let _ = (context, names, progress);
    todo!()
}
