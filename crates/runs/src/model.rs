//! What is stored, in Steward's words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The run group that is always there.
pub const DEFAULT_GROUP: i64 = 0;
/// The tag that a run's name stands in as well.
pub const NAME_TAG: &str = "mlflow.runName";

/// Runs that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Number.
    #[serde(skip)]
    pub id: i64,
    /// Name, unique.
    pub name: String,
    /// Where the files of its runs go.
    pub artifacts: String,
    /// Created, milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// Changed, milliseconds since 1970 UTC.
    pub updated_ms: i64,
    /// Deleted, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_ms: Option<i64>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Under way.
    Running,
    /// Planned.
    Scheduled,
    /// Ended well.
    Finished,
    /// Ended with an error.
    Failed,
    /// Ended by somebody.
    Killed,
}

impl Status {
    /// Its name in filters.
    pub fn name(self) -> &'static str {
        match self {
            Status::Running => "RUNNING",
            Status::Scheduled => "SCHEDULED",
            Status::Finished => "FINISHED",
            Status::Failed => "FAILED",
            Status::Killed => "KILLED",
        }
    }

    /// The status of a name.
    pub fn named(name: &str) -> Option<Status> {
        let all = [
            Status::Running,
            Status::Scheduled,
            Status::Finished,
            Status::Failed,
            Status::Killed,
        ];
        all.into_iter().find(|s| s.name() == name)
    }
}

/// One execution with its inputs and outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Id, 32 hexadecimal digits.
    #[serde(skip)]
    pub id: String,
    /// Its group.
    #[serde(skip)]
    pub group: i64,
    /// Deleted, and when: milliseconds since 1970 UTC.
    #[serde(skip)]
    pub deleted_ms: Option<i64>,
    /// Name.
    pub name: String,
    /// Who ran it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// How it stands.
    pub status: Status,
    /// Started, milliseconds since 1970 UTC.
    pub start_ms: i64,
    /// Ended, milliseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_ms: Option<i64>,
    /// Where its files are.
    pub artifacts: String,
    /// Parameters; they never change.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The last point of each metric: the greatest by step, then time, then value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, Latest>,
    /// Datasets that it read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub datasets: Vec<DatasetUse>,
    /// Models that it read, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models_in: Vec<String>,
    /// Models that it made, by id, with the step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models_out: Vec<(String, i64)>,
}

/// A metric's last point: value, step, milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Latest(#[serde(with = "number")] pub f64, pub i64, pub i64);

impl PartialEq for Latest {
    fn eq(&self, other: &Latest) -> bool {
        (self.0.to_bits(), self.1, self.2) == (other.0.to_bits(), other.1, other.2)
    }
}

impl Latest {
    /// Whether it is later than another: by step, then time, then value; what is not a number counts as 0.
    pub fn later_than(&self, other: &Latest) -> bool {
        let plain = |v: f64| if v.is_nan() { 0.0 } else { v };
        (self.1, self.2)
            .cmp(&(other.1, other.2))
            .then(plain(self.0).total_cmp(&plain(other.0)))
            .is_gt()
    }
}

/// A metric point.
#[derive(Clone, Debug)]
pub struct Point {
    /// The metric.
    pub key: String,
    /// Its value; may be NaN. Infinities are kept as the largest finite numbers.
    pub value: f64,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Step.
    pub step: i64,
    /// The model that it measures, by id.
    pub model: Option<String>,
    /// The dataset that it was measured on: name and digest.
    pub dataset: Option<(String, String)>,
}

/// A dataset that a run read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetUse {
    /// Name.
    pub name: String,
    /// Digest of its content.
    pub digest: String,
    /// What it was used for, and more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
}

/// The tag of [`DatasetUse`] that says what for.
pub const CONTEXT_TAG: &str = "mlflow.data.context";

impl DatasetUse {
    /// What it was used for.
    pub fn context(&self) -> Option<&str> {
        self.tags
            .iter()
            .find(|(k, _)| k == CONTEXT_TAG)
            .map(|(_, v)| v.as_str())
    }
}

/// A dataset as it was first logged in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Name.
    pub name: String,
    /// Digest of its content.
    pub digest: String,
    /// Kind of place that it came from.
    pub source_type: String,
    /// The place.
    pub source: String,
    /// Its columns, if told.
    pub schema: Option<String>,
    /// Its size and the like, if told.
    pub profile: Option<String>,
}

/// A group to be made.
#[derive(Clone, Debug, Default)]
pub struct NewGroup {
    /// Name.
    pub name: String,
    /// Where the files of its runs go; by default, a folder of the server's own.
    pub artifacts: Option<String>,
    /// Tags.
    pub tags: Vec<(String, String)>,
}

/// A run to be made.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Its group.
    pub group: i64,
    /// Name.
    pub name: String,
    /// Who runs it.
    pub user: String,
    /// Started, milliseconds since 1970 UTC.
    pub start_ms: i64,
    /// Tags.
    pub tags: Vec<(String, String)>,
}

/// Which are meant where some are deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Those that are not deleted.
    #[default]
    Active,
    /// Those that are.
    Deleted,
    /// All.
    All,
}

impl View {
    /// Whether something deleted, or not, is meant.
    pub fn shows(self, deleted: bool) -> bool {
        match self {
            View::Active => !deleted,
            View::Deleted => deleted,
            View::All => true,
        }
    }
}

/// Infinities as the largest finite numbers: databases do not agree on infinities.
pub fn finite(value: f64) -> f64 {
    if value.is_nan() {
        value
    } else {
        value.clamp(f64::MIN, f64::MAX)
    }
}

/// Numbers in JSON; null is NaN.
mod number {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            to.serialize_f64(*value)
        } else {
            to.serialize_none()
        }
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
    }
}
