//! A whole project: every definition, by kind and name.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Span;
use crate::kinds::*;
use crate::nearest::nearest;

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
    /// `segments/`: named groups of units.
    Segment,
    /// `layers/`: namespaces whose slices exclude each other.
    Layer,
    /// `flags/`: runtime switches.
    Flag,
    /// `holdouts/`: units held back.
    Holdout,
    /// `bills/`: costs in FOCUS columns and who bears them.
    Bill,
    /// `budgets/`: money set aside.
    Budget,
    /// `contracts/`: promises between us and suppliers.
    Contract,
    /// `teams/`: people, skills and what is planned for them.
    Team,
    /// `questions/`: what was asked, and the query that answers it.
    Question,
    /// `bandits/`: splits that follow what arms have earned.
    Bandit,
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
    /// Segments by name.
    #[serde(default)]
    pub segments: BTreeMap<String, Segment>,
    /// Layers by name.
    #[serde(default)]
    pub layers: BTreeMap<String, Layer>,
    /// Flags by name.
    #[serde(default)]
    pub flags: BTreeMap<String, Flag>,
    /// Holdouts by name.
    #[serde(default)]
    pub holdouts: BTreeMap<String, Holdout>,
    /// Bills by name.
    #[serde(default)]
    pub bills: BTreeMap<String, Bill>,
    /// Budgets by name.
    #[serde(default)]
    pub budgets: BTreeMap<String, Budget>,
    /// Contracts by name.
    #[serde(default)]
    pub contracts: BTreeMap<String, Contract>,
    /// Teams by name.
    #[serde(default)]
    pub teams: BTreeMap<String, Team>,
    /// Questions by name.
    #[serde(default)]
    pub questions: BTreeMap<String, Question>,
    /// Bandits by name.
    #[serde(default)]
    pub bandits: BTreeMap<String, Bandit>,
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

impl Kind {
    /// All kinds, in the order in which they build on each other.
    pub const ALL: [Kind; 18] = [
        Kind::Dataset,
        Kind::SemanticModel,
        Kind::Metric,
        Kind::Experiment,
        Kind::Objective,
        Kind::Initiative,
        Kind::Bet,
        Kind::Report,
        Kind::Segment,
        Kind::Layer,
        Kind::Flag,
        Kind::Holdout,
        Kind::Bill,
        Kind::Budget,
        Kind::Contract,
        Kind::Team,
        Kind::Question,
        Kind::Bandit,
    ];

    /// The word in references and addresses: `semantic_model`.
    pub fn as_str(self) -> &'static str {
        match self {
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
        }
    }

    /// The words for people: `semantic model`.
    pub fn noun(self) -> &'static str {
        match self {
            Kind::SemanticModel => "semantic model",
            other => other.as_str(),
        }
    }

    /// The folder that holds it.
    pub fn folder(self) -> &'static str {
        match self {
            Kind::Dataset => "datasets",
            Kind::SemanticModel | Kind::Metric => "metrics",
            Kind::Experiment => "experiments",
            Kind::Objective => "objectives",
            Kind::Initiative => "initiatives",
            Kind::Bet => "bets",
            Kind::Report => "reports",
            Kind::Segment => "segments",
            Kind::Layer => "layers",
            Kind::Flag => "flags",
            Kind::Holdout => "holdouts",
            Kind::Bill => "bills",
            Kind::Budget => "budgets",
            Kind::Contract => "contracts",
            Kind::Team => "teams",
            Kind::Question => "questions",
            Kind::Bandit => "bandits",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no kind, or no definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Not a kind.
    #[error("`{word}` is not a kind of definition; the kinds are {}", kinds())]
    UnknownKind {
        /// What was given.
        word: String,
    },
    /// No `kind/name`.
    #[error("`{text}` is not a reference; write `kind/name`, such as `metric/revenue`")]
    NotAReference {
        /// What was given.
        text: String,
    },
}

fn kinds() -> String {
    Kind::ALL.map(|k| format!("`{k}`")).join(", ")
}

impl FromStr for Kind {
    type Err = ReferenceError;

    fn from_str(word: &str) -> Result<Kind, ReferenceError> {
        Kind::ALL
            .into_iter()
            .find(|k| k.as_str() == word)
            .ok_or_else(|| ReferenceError::UnknownKind { word: word.to_owned() })
    }
}

impl Reference {
    /// A reference to the definition of that kind and name.
    pub fn new(kind: Kind, name: impl Into<String>) -> Reference {
        Reference {
            kind,
            name: name.into(),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Reference, ReferenceError> {
        match text.split_once('/') {
            Some((kind, name)) if !name.is_empty() => Ok(Reference::new(kind.parse()?, name)),
            _ => Err(ReferenceError::NotAReference { text: text.to_owned() }),
        }
    }
}

impl Project {
    /// The names of a kind, in order.
    pub fn names(&self, kind: Kind) -> Vec<&str> {
        fn keys<T>(map: &BTreeMap<String, T>) -> Vec<&str> {
            map.keys().map(String::as_str).collect()
        }
        match kind {
            Kind::Dataset => keys(&self.datasets),
            Kind::SemanticModel => keys(&self.semantic_models),
            Kind::Metric => keys(&self.metrics),
            Kind::Experiment => keys(&self.experiments),
            Kind::Objective => keys(&self.objectives),
            Kind::Initiative => keys(&self.initiatives),
            Kind::Bet => keys(&self.bets),
            Kind::Report => keys(&self.reports),
            Kind::Segment => keys(&self.segments),
            Kind::Layer => keys(&self.layers),
            Kind::Flag => keys(&self.flags),
            Kind::Holdout => keys(&self.holdouts),
            Kind::Bill => keys(&self.bills),
            Kind::Budget => keys(&self.budgets),
            Kind::Contract => keys(&self.contracts),
            Kind::Team => keys(&self.teams),
            Kind::Question => keys(&self.questions),
            Kind::Bandit => keys(&self.bandits),
        }
    }

    /// What a definition carries, if it exists.
    pub fn meta(&self, reference: &Reference) -> Option<&Meta> {
        let name = reference.name.as_str();
        match reference.kind {
            Kind::Dataset => self.datasets.get(name).map(|d| &d.meta),
            Kind::SemanticModel => self.semantic_models.get(name).map(|d| &d.meta),
            Kind::Metric => self.metrics.get(name).map(|d| &d.meta),
            Kind::Experiment => self.experiments.get(name).map(|d| &d.meta),
            Kind::Objective => self.objectives.get(name).map(|d| &d.meta),
            Kind::Initiative => self.initiatives.get(name).map(|d| &d.meta),
            Kind::Bet => self.bets.get(name).map(|d| &d.meta),
            Kind::Report => self.reports.get(name).map(|d| &d.meta),
            Kind::Segment => self.segments.get(name).map(|d| &d.meta),
            Kind::Layer => self.layers.get(name).map(|d| &d.meta),
            Kind::Flag => self.flags.get(name).map(|d| &d.meta),
            Kind::Holdout => self.holdouts.get(name).map(|d| &d.meta),
            Kind::Bill => self.bills.get(name).map(|d| &d.meta),
            Kind::Budget => self.budgets.get(name).map(|d| &d.meta),
            Kind::Contract => self.contracts.get(name).map(|d| &d.meta),
            Kind::Team => self.teams.get(name).map(|d| &d.meta),
            Kind::Question => self.questions.get(name).map(|d| &d.meta),
            Kind::Bandit => self.bandits.get(name).map(|d| &d.meta),
        }
    }

    /// Whether it is defined.
    pub fn contains(&self, reference: &Reference) -> bool {
        self.meta(reference).is_some()
    }

    /// Every definition, by kind and name.
    pub fn definitions(&self) -> Vec<Reference> {
        Kind::ALL
            .into_iter()
            .flat_map(|k| self.names(k).into_iter().map(move |n| Reference::new(k, n)))
            .collect()
    }

    /// The defined name nearest to a mistyped one.
    pub fn suggest(&self, kind: Kind, name: &str) -> Option<String> {
        nearest(name, self.names(kind)).map(str::to_owned)
    }
}
