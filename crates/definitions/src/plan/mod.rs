//! What would change between the definitions in force and those in the folder, and what would break.

mod breaks;
mod fields;
mod graph;
mod moves;
mod render;

pub use moves::{Move, moves};

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::project::{Kind, Project, Reference};

/// What applying the folder would change. Order is stable: by kind, then name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Definitions added, changed, removed.
    pub changes: Vec<Change>,
    /// Settings of `steward.yaml` that change.
    pub settings: Vec<FieldChange>,
    /// Who must know: owners of what changes or breaks.
    pub approvals: Vec<Approval>,
}

/// One definition's change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The definition.
    pub reference: Reference,
    /// Its owner; the one before, if it is removed.
    pub owner: String,
    /// What happens to it.
    pub action: Action,
    /// Field by field; empty unless it is changed.
    pub fields: Vec<FieldChange>,
    /// What it breaks or changes the meaning of, downstream.
    pub breaking: Vec<Breakage>,
}

/// What happens to a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is new.
    Added,
    /// It says something else.
    Changed,
    /// It is gone.
    Removed,
}

/// One field's change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Path within the definition: `columns.amount.logical_type`.
    pub path: String,
    /// Before; `None` if it was not there.
    pub before: Option<Value>,
    /// After; `None` if it is gone.
    pub after: Option<Value>,
}

/// A change that others may rest on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Breakage {
    /// What happens, in words: ``column `amount` is removed``.
    pub what: String,
    /// The column of the dataset, where it is one.
    pub column: Option<String>,
    /// What may have been meant: a rename.
    pub hint: Option<String>,
    /// Everything downstream that rests on it, directly or through others.
    pub affected: Vec<Affected>,
}

/// Something that rests on what changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Affected {
    /// The definition.
    pub reference: Reference,
    /// Which part of it, where only a part is: the key result of an objective.
    pub part: Option<String>,
    /// Its owner.
    pub owner: String,
    /// From the change to it: `dataset/orders`, `semantic_model/orders`, `metric/revenue`, …; ends with itself.
    pub path: Vec<String>,
}

/// Someone who must know, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Owner of what changes or breaks.
    pub owner: String,
    /// The definitions, as `kind/name`.
    pub because: Vec<String>,
}

impl Plan {
    /// Compares the project in force (empty, if nothing was applied) with the current one. Places, formatting and
    /// comments do not count.
    pub fn between(applied: &Project, current: &Project) -> Plan {
        let (before, after) = (definitions(applied), definitions(current));
        let graph = graph::Graph::new(applied, current);
        let mut changes = Vec::new();
        for reference in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            let (old, new) = (before.get(reference), after.get(reference));
            let action = match (old, new) {
                (None, _) => Action::Added,
                (_, None) => Action::Removed,
                (Some(a), Some(b)) if a == b => continue,
                _ => Action::Changed,
            };
            let fields = match action {
                Action::Changed => fields::differences(old, new),
                _ => Vec::new(),
            };
            let meta = current.meta(reference).or_else(|| applied.meta(reference));
            changes.push(Change {
                reference: reference.clone(),
                owner: meta.map(|m| m.owner.clone()).unwrap_or_default(),
                action,
                fields,
                breaking: breaks::breaking(applied, current, reference, action, &graph),
            });
        }
        let settings = fields::differences(
            Some(&fields::bare(&applied.settings)),
            Some(&fields::bare(&current.settings)),
        );
        let approvals = approvals(&changes);
        Plan {
            changes,
            settings,
            approvals,
        }
    }

    /// Nothing would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.settings.is_empty()
    }

    /// Something downstream breaks or changes its meaning.
    pub fn is_breaking(&self) -> bool {
        self.changes.iter().any(|c| !c.breaking.is_empty())
    }

    /// How many definitions are added, changed, removed.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |action| self.changes.iter().filter(|c| c.action == action).count();
        (count(Action::Added), count(Action::Changed), count(Action::Removed))
    }
}

fn approvals(changes: &[Change]) -> Vec<Approval> {
    let mut all: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for change in changes {
        all.entry(&change.owner).or_default().insert(text(&change.reference));
        for affected in change.breaking.iter().flat_map(|b| &b.affected) {
            all.entry(&affected.owner)
                .or_default()
                .insert(text(&affected.reference));
        }
    }
    all.into_iter()
        .filter(|(owner, _)| !owner.is_empty())
        .map(|(owner, because)| Approval {
            owner: owner.to_owned(),
            because: because.into_iter().collect(),
        })
        .collect()
}

/// `metric/revenue`.
pub(crate) fn text(reference: &Reference) -> String {
    let kind = match reference.kind {
        Kind::Dataset => "dataset",
        Kind::SemanticModel => "semantic_model",
        Kind::Metric => "metric",
        Kind::Experiment => "experiment",
        Kind::Objective => "objective",
        Kind::Initiative => "initiative",
        Kind::Bet => "bet",
        Kind::Report => "report",
        Kind::Segment => "segment",
        Kind::Layer => "layer",
        Kind::Flag => "flag",
        Kind::Holdout => "holdout",
        Kind::Bill => "bill",
        Kind::Budget => "budget",
        Kind::Contract => "contract",
        Kind::Team => "team",
        Kind::Question => "question",
        Kind::Bandit => "bandit",
    };
    format!("{kind}/{}", reference.name)
}

/// Every definition as JSON without places and digests.
fn definitions(project: &Project) -> BTreeMap<Reference, Value> {
    fn put<T: Serialize>(all: &mut BTreeMap<Reference, Value>, kind: Kind, map: &BTreeMap<String, T>) {
        all.extend(map.iter().map(|(name, definition)| {
            let name = name.clone();
            (Reference { kind, name }, fields::bare(definition))
        }));
    }
    let mut all = BTreeMap::new();
    put(&mut all, Kind::Dataset, &project.datasets);
    all.remove(&Reference::new(Kind::Dataset, crate::COLLECTED));
    all.remove(&Reference::new(Kind::Dataset, crate::BILLS));
    put(&mut all, Kind::SemanticModel, &project.semantic_models);
    put(&mut all, Kind::Metric, &project.metrics);
    put(&mut all, Kind::Experiment, &project.experiments);
    put(&mut all, Kind::Objective, &project.objectives);
    put(&mut all, Kind::Initiative, &project.initiatives);
    put(&mut all, Kind::Bet, &project.bets);
    put(&mut all, Kind::Report, &project.reports);
    put(&mut all, Kind::Segment, &project.segments);
    put(&mut all, Kind::Layer, &project.layers);
    put(&mut all, Kind::Flag, &project.flags);
    put(&mut all, Kind::Holdout, &project.holdouts);
    put(&mut all, Kind::Bill, &project.bills);
    put(&mut all, Kind::Budget, &project.budgets);
    put(&mut all, Kind::Contract, &project.contracts);
    put(&mut all, Kind::Team, &project.teams);
    put(&mut all, Kind::Question, &project.questions);
    put(&mut all, Kind::Bandit, &project.bandits);
    all
}
