//! What governance answers.

use serde::{Deserialize, Serialize};
use steward_definitions::Project;

use crate::experiments::Recommendation;

/// What applying would change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanView {
    /// Nothing was applied before.
    pub first: bool,
    /// Nothing would change.
    pub empty: bool,
    /// Definitions added, changed, removed, by reference.
    pub changes: Vec<Change>,
    /// What would break downstream.
    pub breaks: Vec<Break>,
    /// Why it cannot be applied as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Refusal>,
    /// When the definitions in force were applied, microseconds since 1970 UTC.
    pub applied_at_us: Option<i64>,
    /// Who applied them.
    pub applied_by: Option<String>,
}

/// A change that is not applied as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// `kind/name` of what changes.
    pub reference: String,
    /// File and line: `flags/checkout.yaml:12`.
    pub place: String,
    /// What is wrong with it.
    pub because: String,
    /// What would make it safe.
    pub remedy: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Refusal {
            reference,
            place,
            because,
            remedy,
        } = self;
        write!(f, "{reference} ({place}): {because}; {remedy}")
    }
}

/// One definition's change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// `kind/name`.
    pub reference: String,
    /// `added`, `changed` or `removed`.
    pub action: String,
    /// Field by field, for `changed`.
    pub fields: Vec<FieldChange>,
    /// Why it is breaking; empty if it is not.
    pub breaking: Vec<String>,
    /// Owner of the definition: who must know.
    pub owner: String,
}

/// One field's change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Path within the definition: `columns.amount.logical_type`.
    pub field: String,
    /// Before; `None` if it was not there.
    pub before: Option<serde_json::Value>,
    /// After; `None` if it is gone.
    pub after: Option<serde_json::Value>,
}

/// Something downstream that a breaking change breaks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Break {
    /// `kind/name` of what breaks.
    pub reference: String,
    /// Its owner.
    pub owner: String,
    /// Because of what.
    pub because: String,
    /// From the change to what breaks: `dataset/orders`, `metric/revenue`, ….
    pub path: Vec<String>,
}

/// Outcome of an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// Whether anything was recorded.
    pub changed: bool,
    /// The event, if something was.
    pub sequence: Option<u64>,
    /// What changed.
    pub plan: PlanView,
    /// SHA-256 (hex) over the applied definitions' digests.
    pub digest: String,
}

/// A past application of definitions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// Event.
    pub sequence: u64,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Who.
    pub actor: String,
    /// Why; `None` if erased.
    pub message: Option<String>,
    /// Git commit of the folder.
    pub git_commit: Option<String>,
    /// What changed, in counts: added, changed, removed.
    pub added: u64,
    /// Changed.
    pub changed: u64,
    /// Removed.
    pub removed: u64,
    /// Digest of the definitions.
    pub digest: String,
}

/// What may be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Roll the variant out.
    Ship,
    /// End it; keep the control.
    Stop,
    /// Let it run on.
    Extend,
    /// End it and start anew with another design.
    Redesign,
    /// Freeze the plan of an experiment.
    Register,
    /// Approve something that needs approval.
    Approve,
    /// Accept a broken rule for once, with a reason.
    Waive,
    /// Take back what was shipped, or a rollout.
    RollBack,
    /// Include no more units in a rollout.
    Freeze,
    /// Let a rollout that was stopped go on.
    Resume,
}

impl Choice {
    /// Whether it says nothing about how an experiment goes on: an approval, a waiver, a registration.
    pub fn settles_nothing(self) -> bool {
        matches!(self, Choice::Approve | Choice::Waive | Choice::Register)
    }

    /// As written on the command line: `ship`, `roll_back`.
    pub fn word(self) -> &'static str {
        match self {
            Choice::Ship => "ship",
            Choice::Stop => "stop",
            Choice::Extend => "extend",
            Choice::Redesign => "redesign",
            Choice::Register => "register",
            Choice::Approve => "approve",
            Choice::Waive => "waive",
            Choice::RollBack => "roll_back",
            Choice::Freeze => "freeze",
            Choice::Resume => "resume",
        }
    }

    /// Reads a word, `-` and `_` alike. Rollouts are frozen by what guards them, and resumed where they are shown; plans are registered by themselves.
    pub fn parse(word: &str) -> Option<Choice> {
        [
            Choice::Ship,
            Choice::Stop,
            Choice::Extend,
            Choice::Redesign,
            Choice::Approve,
            Choice::Waive,
            Choice::RollBack,
        ]
        .into_iter()
        .find(|c| c.word() == word.trim().to_lowercase().replace('-', "_"))
    }
}

/// Definitions in force.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The definitions.
    pub project: Project,
    /// Their digest.
    pub digest: String,
    /// Event of the application.
    pub sequence: u64,
    /// When they were applied, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Who applied them.
    pub actor: String,
}

/// The last change of a definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastChange {
    /// Event of the application.
    pub sequence: u64,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Who.
    pub actor: String,
}

/// A decision to take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewDecision {
    /// What about: `experiment/checkout` (or just the experiment's name).
    pub subject: String,
    /// What.
    pub choice: Choice,
    /// Which variant, for ship; the verdict's variant, or the only treatment, by default.
    pub variant: Option<String>,
    /// Why. Required.
    pub reason: String,
    /// Who: a person's handle.
    pub actor: String,
    /// Evidence ids; the current readout when empty.
    pub evidence: Vec<String>,
    /// Reason for going on although a rule is broken (a broken sample ratio).
    pub waiver: Option<String>,
}

/// A recorded decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Event.
    pub sequence: u64,
    /// Event id.
    pub id: String,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Who.
    pub actor: String,
    /// What about: `experiment/checkout`.
    pub subject: String,
    /// What.
    pub choice: Choice,
    /// Which variant.
    pub variant: Option<String>,
    /// Why; `None` if erased.
    pub reason: Option<String>,
    /// Evidence that it cites.
    pub evidence: Vec<Citation>,
    /// The verdict at that moment.
    pub verdict: Option<String>,
    /// Event of the waiver it rests on.
    pub waiver: Option<u64>,
    /// What the decision rule recommended instead, if the decision went against it.
    #[serde(default)]
    pub overrides: Option<Recommendation>,
    /// Rules that were checked and how they were met.
    pub policy: Vec<PolicyCheck>,
    /// The rollout that it stops, or lets go on.
    #[serde(default)]
    pub hold: Option<Hold>,
}

/// What a decision does to the rollout of a flag's rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// The rule.
    pub rule: String,
    /// Largest share of the rule's units that is included, 0 to 1; `None` lets it go on.
    pub coverage: Option<f64>,
    /// The experiment that showed harm.
    pub experiment: String,
    /// Its start (as written): what it showed is about the exposures since.
    pub start: Option<String>,
    /// The metrics that were harmed.
    pub metrics: Vec<String>,
}

/// What was decided on a rollout that was ever stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The last decision on it: it stops it, or lets it go on.
    pub decision: Decision,
    /// What that does.
    pub hold: Hold,
    /// Metrics of the same experiment and start whose harm was accepted by letting it go on.
    pub accepted: Vec<String>,
}

/// A rollout that was stopped, to be let go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewResume {
    /// The flag.
    pub flag: String,
    /// Its rule.
    pub rule: String,
    /// Why. Required.
    pub reason: String,
    /// Who: a person's handle.
    pub actor: String,
}

/// Cited evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// Evidence id.
    pub id: String,
    /// SHA-256 (hex) over the canonical JSON of its provenance and conclusion: binds it to the chain.
    pub value_digest: String,
}

/// One rule, checked at the moment of deciding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyCheck {
    /// `reason`, `actor`, `evidence`, `sample-ratio`, `separation-of-duties`, `recommendation`, `plan`.
    pub rule: String,
    /// `met`, `waived`, `noted` or `overridden`.
    pub outcome: String,
    /// How.
    pub detail: String,
}

/// Which decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionFilter {
    /// About this subject (`experiment/checkout`).
    pub subject: Option<String>,
    /// By this person.
    pub actor: Option<String>,
    /// The newest so many.
    pub last: Option<u64>,
}

/// Something that waits for someone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What is to do: `Decide on "New checkout"`.
    pub what: String,
    /// Why it waits.
    pub why: String,
    /// `urgent`, `soon` or `note`.
    pub urgency: String,
    /// By when (ISO date), if there is a day.
    pub deadline: Option<String>,
    /// Who is asked.
    pub owner: Option<String>,
    /// Link: kind (`experiment`, `dataset`, `objective`, `plan`, …).
    pub kind: String,
    /// Link: name.
    pub name: String,
}

/// Explanation of a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// Evidence id.
    pub evidence: String,
    /// What was evaluated: `experiment/checkout`.
    pub subject: String,
    /// When it was first computed, microseconds since 1970 UTC.
    pub computed_us: i64,
    /// Program and version.
    pub program: String,
    /// Parameters.
    pub parameters: serde_json::Value,
    /// Seed.
    pub seed: u64,
    /// The conclusion.
    pub value: serde_json::Value,
    /// How: SQL texts, engine.
    pub provenance: serde_json::Value,
    /// SQL texts, for showing.
    pub sql: Vec<String>,
    /// Definitions used.
    pub definitions: Vec<UsedDefinition>,
    /// Data used.
    pub data: Vec<UsedData>,
    /// Whether definitions, data and program are still the same.
    pub current: bool,
    /// Decisions that cite it.
    pub decisions: Vec<Decision>,
}

/// A definition that evidence rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedDefinition {
    /// `kind/name`.
    pub reference: String,
    /// Digest used.
    pub digest: String,
    /// The folder still says the same.
    pub current: bool,
    /// Owner now.
    pub owner: Option<String>,
    /// File and line now: `metrics/orders.yaml:12`.
    pub place: Option<String>,
}

/// A table that evidence rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedData {
    /// Table.
    pub table: String,
    /// Digest used.
    pub digest: String,
    /// The table still has that content.
    pub current: bool,
}

/// Lineage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    /// Nodes, by id.
    pub nodes: Vec<Node>,
    /// Edges, from what is used to what uses it.
    pub edges: Vec<Edge>,
}

/// A node of the lineage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Node {
    /// `kind/name`; decisions are `decision/SEQUENCE`.
    pub id: String,
    /// Kind: `dataset`, `semantic_model`, `metric`, `experiment`, `objective`, `initiative`, `bet`, `report`, `decision`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Human title.
    pub label: Option<String>,
    /// Accountable.
    pub owner: Option<String>,
    /// Steps from the node asked for: negative upstream, positive downstream, 0 itself.
    pub distance: i32,
}

/// An edge of the lineage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edge {
    /// What is used.
    pub from: String,
    /// What uses it.
    pub to: String,
}

/// A recorded verification of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedLedger {
    /// Event that records it.
    pub sequence: u64,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Who.
    pub actor: String,
    /// Events verified.
    pub events: u64,
    /// Hash of the last of them; what to save elsewhere.
    pub head: String,
    /// Private payloads that were erased.
    pub erased: u64,
}
