//! Runs and run groups in the shapes of MLflow's messages.

use std::collections::{BTreeMap, HashMap};

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use steward_runs::{Dataset, DatasetUse, Group, Latest, Run, Status};

/// What stands where a message has a list of keys and values.
struct Pairs<'a>(&'a BTreeMap<String, String>);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.0.len()))?;
        for (key, value) in self.0 {
            list.serialize_element(&Pair { key, value })?;
        }
        list.end()
    }
}

#[derive(serde::Serialize)]
struct Pair<'a> {
    key: &'a str,
    value: &'a str,
}

/// A number; what JSON has no number for is its name.
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_finite() => to.serialize_f64(value),
            value if value.is_nan() => to.serialize_str("NaN"),
            value if value > 0.0 => to.serialize_str("Infinity"),
            _ => to.serialize_str("-Infinity"),
        }
    }
}

/// `Experiment`.
pub struct ExperimentShape<'a>(pub &'a Group);

impl Serialize for ExperimentShape<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let group = self.0;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("experiment_id", &group.id.to_string())?;
        map.serialize_entry("name", &group.name)?;
        map.serialize_entry("artifact_location", &group.artifacts)?;
        map.serialize_entry("lifecycle_stage", stage(group.deleted_ms))?;
        map.serialize_entry("last_update_time", &group.updated_ms)?;
        map.serialize_entry("creation_time", &group.created_ms)?;
        if !group.tags.is_empty() {
            map.serialize_entry("tags", &Pairs(&group.tags))?;
        }
        map.end()
    }
}

/// MLflow's word for whether something was deleted.
pub fn stage(deleted_ms: Option<i64>) -> &'static str {
    if deleted_ms.is_some() { "deleted" } else { "active" }
}

/// `RunInfo`.
pub struct InfoShape<'a>(pub &'a Run);

impl Serialize for InfoShape<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let run = self.0;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("run_uuid", &run.id)?;
        map.serialize_entry("experiment_id", &run.group.to_string())?;
        map.serialize_entry("run_name", &run.name)?;
        map.serialize_entry("user_id", &run.user)?;
        map.serialize_entry("status", run.status.name())?;
        map.serialize_entry("start_time", &run.start_ms)?;
        if let Some(end) = run.end_ms {
            map.serialize_entry("end_time", &end)?;
        }
        map.serialize_entry("artifact_uri", &run.artifacts)?;
        map.serialize_entry("lifecycle_stage", stage(run.deleted_ms))?;
        map.serialize_entry("run_id", &run.id)?;
        map.end()
    }
}

/// What datasets look like, by group, name and digest.
pub type Datasets = HashMap<(i64, String, String), Dataset>;

/// `Run`.
pub struct RunShape<'a> {
    /// The run.
    pub run: &'a Run,
    /// What its datasets look like.
    pub datasets: &'a Datasets,
}

impl Serialize for RunShape<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(4))?;
        map.serialize_entry("info", &InfoShape(self.run))?;
        map.serialize_entry("data", &Data(self.run))?;
        map.serialize_entry("inputs", &Inputs(self))?;
        map.serialize_entry("outputs", &Outputs(self.run))?;
        map.end()
    }
}

struct Data<'a>(&'a Run);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        if !self.0.metrics.is_empty() {
            map.serialize_entry("metrics", &Metrics(&self.0.metrics))?;
        }
        if !self.0.params.is_empty() {
            map.serialize_entry("params", &Pairs(&self.0.params))?;
        }
        if !self.0.tags.is_empty() {
            map.serialize_entry("tags", &Pairs(&self.0.tags))?;
        }
        map.end()
    }
}

struct Metrics<'a>(&'a BTreeMap<String, Latest>);

impl Serialize for Metrics<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.0.len()))?;
        for (key, latest) in self.0 {
            list.serialize_element(&MetricShape {
                key,
                value: Number(latest.0),
                timestamp: latest.2,
                step: latest.1,
                run_id: None,
            })?;
        }
        list.end()
    }
}

/// `Metric`.
#[derive(serde::Serialize)]
pub struct MetricShape<'a> {
    /// Its name.
    pub key: &'a str,
    /// Its value.
    pub value: Number,
    /// When, milliseconds since 1970 UTC.
    pub timestamp: i64,
    /// Step.
    pub step: i64,
    /// Of which run, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<&'a str>,
}

struct Inputs<'a>(&'a RunShape<'a>);

impl Serialize for Inputs<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let run = self.0.run;
        let mut map = to.serialize_map(None)?;
        if !run.datasets.is_empty() {
            let all: Vec<Used<'_>> = run
                .datasets
                .iter()
                .map(|used| Used {
                    used,
                    dataset: self
                        .0
                        .datasets
                        .get(&(run.group, used.name.clone(), used.digest.clone())),
                })
                .collect();
            map.serialize_entry("dataset_inputs", &all)?;
        }
        if !run.models_in.is_empty() {
            let all: Vec<ModelIn<'_>> = run.models_in.iter().map(|model_id| ModelIn { model_id }).collect();
            map.serialize_entry("model_inputs", &all)?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct ModelIn<'a> {
    model_id: &'a str,
}

struct Used<'a> {
    used: &'a DatasetUse,
    dataset: Option<&'a Dataset>,
}

impl Serialize for Used<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        if !self.used.tags.is_empty() {
            let tags: Vec<Pair<'_>> = self.used.tags.iter().map(|(key, value)| Pair { key, value }).collect();
            map.serialize_entry("tags", &tags)?;
        }
        let known = self.dataset;
        map.serialize_entry(
            "dataset",
            &DatasetShape {
                name: &self.used.name,
                digest: &self.used.digest,
                source_type: known.map_or("", |d| &d.source_type),
                source: known.map_or("", |d| &d.source),
                schema: known.and_then(|d| d.schema.as_deref()),
                profile: known.and_then(|d| d.profile.as_deref()),
            },
        )?;
        map.end()
    }
}

#[derive(serde::Serialize)]
struct DatasetShape<'a> {
    name: &'a str,
    digest: &'a str,
    source_type: &'a str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
}

struct Outputs<'a>(&'a Run);

impl Serialize for Outputs<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Made<'a> {
            model_id: &'a str,
            step: i64,
        }
        let mut map = to.serialize_map(None)?;
        if !self.0.models_out.is_empty() {
            let all: Vec<Made<'_>> = self
                .0
                .models_out
                .iter()
                .map(|(model_id, step)| Made { model_id, step: *step })
                .collect();
            map.serialize_entry("model_outputs", &all)?;
        }
        map.end()
    }
}

/// A status by MLflow's name or number.
pub fn status(value: &serde_json::Value) -> Option<Status> {
    match value {
        serde_json::Value::String(name) => Status::named(name),
        serde_json::Value::Number(n) => Some(match n.as_i64()? {
            1 => Status::Running,
            2 => Status::Scheduled,
            3 => Status::Finished,
            4 => Status::Failed,
            5 => Status::Killed,
            _ => return None,
        }),
        _ => None,
    }
}
