//! Models, versions, and what points at them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Tag that says that a model is a prompt.
pub const PROMPT: &str = "mlflow.prompt.is_prompt";

/// A registered model: a name under which versions are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// When it was registered, microseconds since 1970 UTC.
    pub created_us: i64,
    /// When it or one of its versions changed last.
    pub updated_us: i64,
    /// Who registered it.
    pub author: String,
    /// What it is.
    pub description: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Versions by alias.
    pub aliases: BTreeMap<String, u64>,
    /// Every version that was not deleted.
    pub versions: BTreeMap<u64, Arc<Version>>,
    /// The highest number given so far, deleted ones included.
    pub last: u64,
    /// Moves of aliases and stages, oldest first.
    pub moves: Vec<Move>,
}

impl Model {
    /// Whether it is a prompt.
    pub fn is_prompt(&self) -> bool {
        is_true(self.tags.get(PROMPT))
    }

    /// The latest version in each stage, by stage's first version.
    pub fn latest(&self) -> Vec<&Arc<Version>> {
        let mut found: Vec<&Arc<Version>> = Vec::new();
        for version in self.versions.values() {
            match found.iter_mut().find(|v| v.stage == version.stage) {
                Some(older) => *older = version,
                None => found.push(version),
            }
        }
        found
    }

    /// The aliases of a version.
    pub fn aliases_of(&self, version: u64) -> impl Iterator<Item = &str> {
        let of = self.aliases.iter().filter(move |(_, at)| **at == version);
        of.map(|(alias, _)| alias.as_str())
    }
}

/// Whether a tag says yes.
pub fn is_true(value: Option<&String>) -> bool {
    value.is_some_and(|v| v.eq_ignore_ascii_case("true"))
}

/// A version: immutable files under a number.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Version {
    /// Its number, from 1.
    pub version: u64,
    /// When it was made, microseconds since 1970 UTC.
    pub created_us: i64,
    /// When something about it changed last.
    pub updated_us: i64,
    /// Who made it.
    pub author: String,
    /// What it is.
    pub description: Option<String>,
    /// Its stage.
    pub stage: Stage,
    /// Where its files come from, as its author said.
    pub source: String,
    /// Where its files lie.
    pub storage: String,
    /// The run that made it.
    pub run_id: Option<String>,
    /// An address of that run.
    pub run_link: Option<String>,
    /// The logged model that it is.
    pub model_id: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// SHA-256 over its files when it was made, if they lie in the store.
    pub digest: Option<String>,
}

/// Stages of old; aliases took their place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    /// None.
    #[default]
    None,
    /// On trial.
    Staging,
    /// In use.
    Production,
    /// No longer in use.
    Archived,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Stage; 4] = [Stage::None, Stage::Staging, Stage::Production, Stage::Archived];

    /// Reads a stage in any case.
    pub fn parse(text: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|s| s.word().eq_ignore_ascii_case(text))
    }

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Stage::None => "None",
            Stage::Staging => "Staging",
            Stage::Production => "Production",
            Stage::Archived => "Archived",
        }
    }

    /// Whether versions in it are in use.
    pub fn is_active(self) -> bool {
        matches!(self, Stage::Staging | Stage::Production)
    }
}

/// What can point at a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pointer {
    /// An alias.
    Alias(String),
    /// A stage.
    Stage(Stage),
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pointer::Alias(alias) => write!(f, "alias {alias}"),
            Pointer::Stage(stage) => write!(f, "stage {}", stage.word()),
        }
    }
}

/// A move of an alias, or of a version to a stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Move {
    /// Event of the ledger.
    pub sequence: u64,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Who.
    pub actor: String,
    /// What moved.
    pub pointer: Pointer,
    /// The version it pointed at before, or the stage's version that left.
    pub from: Option<u64>,
    /// The version it points at since; `None` where it was taken away.
    pub to: Option<u64>,
    /// The request that allowed it.
    pub request: Option<String>,
    /// Evidence that was cited, as [`steward_ledger::Evidence::citation`].
    pub evidence: Vec<Value>,
}

/// A new version.
#[derive(Clone, Debug, Default)]
pub struct NewVersion {
    /// Where its files come from, as its author says.
    pub source: String,
    /// Where they lie.
    pub storage: String,
    /// The run that made it.
    pub run_id: Option<String>,
    /// An address of that run.
    pub run_link: Option<String>,
    /// The logged model that it is.
    pub model_id: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// Tags; of those with the same key the last counts.
    pub tags: Vec<(String, String)>,
    /// SHA-256 over its files.
    pub digest: Option<String>,
}

/// Whom to tell about what.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Webhook {
    /// UUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where to.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// `entity.action`, such as `model_version.created`.
    pub events: Vec<String>,
    /// Whether it is told.
    pub active: bool,
    /// When it was made, microseconds since 1970 UTC.
    pub created_us: i64,
    /// When it changed last.
    pub updated_us: i64,
    /// The secret under which what it is told is signed, encrypted.
    #[serde(skip)]
    pub secret: Option<String>,
}
