//! What is in force, who decided, on which evidence?

pub mod types;

pub use types::*;

use steward_definitions::Project;
use steward_ledger::Ledger;

use crate::{CapabilityError, Context};

/// What applying the folder would change against what is applied, and what would break.
pub async fn plan(context: &Context) -> Result<PlanView, CapabilityError> {
    let _ = context;
    todo!()
}

/// Applies the folder's definitions as one decision. Applying what is in force already appends nothing.
pub async fn apply(
    context: &Context,
    actor: &str,
    message: &str,
    git_commit: Option<String>,
) -> Result<Applied, CapabilityError> {
    let _ = (context, actor, message, git_commit);
    todo!()
}

/// The project in force: now, or as of a moment (microseconds since 1970 UTC). `None` if nothing was applied yet.
pub async fn applied(ledger: &Ledger, as_of: Option<i64>) -> Result<Option<Project>, CapabilityError> {
    let _ = (ledger, as_of);
    todo!()
}

/// Every application of definitions, oldest first.
pub async fn applications(ledger: &Ledger, as_of: Option<i64>) -> Result<Vec<Application>, CapabilityError> {
    let _ = (ledger, as_of);
    todo!()
}

/// Records a decision after checking policy at this moment; [`CapabilityError::Refused`] says what would satisfy it.
pub async fn decide(context: &Context, decision: &NewDecision) -> Result<Decision, CapabilityError> {
    let _ = (context, decision);
    todo!()
}

/// Decisions, newest first.
pub async fn decisions(
    context: &Context,
    filter: &DecisionFilter,
    as_of: Option<i64>,
) -> Result<Vec<Decision>, CapabilityError> {
    let _ = (context, filter, as_of);
    todo!()
}

/// What needs someone today, most urgent first.
pub async fn waiting(context: &Context) -> Result<Vec<Waiting>, CapabilityError> {
    let _ = context;
    todo!()
}

/// Why a number is what it is: SQL, data versions, definition versions, owners, decisions that cite it.
/// `evidence` is an id or a unique prefix of at least eight digits.
pub async fn why(context: &Context, evidence: &str) -> Result<Why, CapabilityError> {
    let _ = (context, evidence);
    todo!()
}

/// What a definition stands on and what stands on it: dataset → semantic model → metric → experiment, objective,
/// report → decision. `reference` is `kind/name`; `None` is the whole project.
pub async fn lineage(context: &Context, reference: Option<&str>, as_of: Option<i64>) -> Result<Graph, CapabilityError> {
    let _ = (context, reference, as_of);
    todo!()
}
