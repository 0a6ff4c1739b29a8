//! A whole project: every definition, by kind and name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kinds::*;
use crate::{Diagnostic, Span};

/// One text of the project folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Path relative to the project folder, with forward slashes.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// The kinds of definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `datasets/`: data assets with their contract.
    Dataset,
    /// `metrics/`: a table with its entities, dimensions and measures.
    SemanticModel,
    /// `metrics/`: named business quantities.
    Metric,
    /// `experiments/`: randomised comparisons.
    Experiment,
    /// `objectives/`: objectives with key results.
    Objective,
    /// `initiatives/`: portfolio items.
    Initiative,
    /// `bets/`: business cases.
    Bet,
    /// `reports/`: Markdown packs.
    Report,
}

/// A definition named by kind and name; printed as `metric/revenue`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// Its kind.
    pub kind: Kind,
    /// Its name, unique within the kind.
    pub name: String,
}

/// Everything that a project folder defines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// `steward.yaml`.
    pub settings: Settings,
    /// Datasets by name.
    pub datasets: BTreeMap<String, Dataset>,
    /// Semantic models by name.
    pub semantic_models: BTreeMap<String, SemanticModel>,
    /// Metrics by name.
    pub metrics: BTreeMap<String, Metric>,
    /// Experiments by name.
    pub experiments: BTreeMap<String, Experiment>,
    /// Objectives by name.
    pub objectives: BTreeMap<String, Objective>,
    /// Initiatives by name.
    pub initiatives: BTreeMap<String, Initiative>,
    /// Bets by name.
    pub bets: BTreeMap<String, Bet>,
    /// Reports by name.
    pub reports: BTreeMap<String, Report>,
}

/// What every definition carries.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// Unique within its kind: letters, digits, `_`, `-`, `.`; starts with a letter.
    pub name: String,
    /// The accountable person or team; every definition has one (own or inherited from `steward.yaml`).
    pub owner: String,
    /// Human title, if different from the name.
    pub label: Option<String>,
    /// What it means, in Markdown.
    pub description: Option<String>,
    /// Free tags.
    pub tags: Vec<String>,
    /// Where it is defined.
    pub span: Span,
    /// SHA-256 (hex) of the canonical form of its text: independent of formatting, comments and file.
    pub digest: String,
}

impl Project {
    /// Parses and cross-checks a project. All problems come back at once; the project holds what could be read.
    ///
    /// `sources` are all `*.yaml`, `*.yml`, `*.md` and `*.sql` texts below the folder, in any order.
    pub fn parse(sources: &[Source]) -> (Project, Vec<Diagnostic>) {
        let _ = sources;
        todo!()
    }
}
