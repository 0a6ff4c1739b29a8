//! Changes of runs.

use std::collections::BTreeMap;

use crate::RunsError;
use crate::batch::Batch;
use crate::db::{Arg, PointRow};
use crate::error::ParamChange;
use crate::model::{Dataset, DatasetUse, Latest, NAME_TAG, NewRun, Point, Run, Status, finite};
use crate::place::below;
use crate::writer::Outcome;

/// The tag that lists the models which a run logged, as clients of old log them.
const MODELS_TAG: &str = "mlflow.log-model.history";

/// What a run is told to log at once.
#[derive(Clone, Debug, Default)]
pub struct Logged {
    /// Metric points.
    pub points: Vec<Point>,
    /// Parameters.
    pub params: Vec<(String, String)>,
    /// Tags.
    pub tags: Vec<(String, String)>,
}

/// What is changed about a run.
#[derive(Clone, Debug, Default)]
pub struct RunUpdate {
    /// How it stands.
    pub status: Option<Status>,
    /// Ended, milliseconds since 1970 UTC.
    pub end_ms: Option<i64>,
    /// Its name.
    pub name: Option<String>,
}

impl Batch {
    /// A new run in a group that is not deleted.
    pub async fn create_run(&mut self, new: NewRun, id: String) -> Outcome<Run> {
        let group = self.active_group(new.group).await?;
        let mut tags: BTreeMap<String, String> = new.tags.into_iter().collect();
        tags.entry(NAME_TAG.to_owned()).or_insert_with(|| new.name.clone());
        let run = Run {
            artifacts: below(&group.artifacts, &[&id, "artifacts"]),
            id,
            group: new.group,
            deleted_ms: None,
            name: new.name,
            user: new.user,
            status: Status::Running,
            start_ms: new.start_ms,
            end_ms: None,
            params: BTreeMap::new(),
            tags,
            metrics: BTreeMap::new(),
            datasets: Vec::new(),
            models_in: Vec::new(),
            models_out: Vec::new(),
        };
        let reference = self.next_ref();
        self.hold(reference, run.clone());
        Ok(run)
    }

    /// Changes a run that is not deleted.
    pub async fn update_run(&mut self, id: &str, update: RunUpdate) -> Outcome<Run> {
        let run = self.active_run(id).await?.change();
        if let Some(status) = update.status {
            run.status = status;
        }
        if let Some(end_ms) = update.end_ms {
            run.end_ms = Some(end_ms);
        }
        if let Some(name) = update.name.filter(|n| !n.is_empty()) {
            rename(run, name);
        }
        Ok(run.clone())
    }

    /// Deletes or restores a run.
    pub async fn mark_run(&mut self, id: &str, deleted_ms: Option<i64>) -> Outcome<()> {
        self.run(id).await?.change().deleted_ms = deleted_ms;
        Ok(())
    }

    /// Logs to a run that is not deleted: all of it or nothing.
    pub async fn log(&mut self, id: &str, logged: Logged) -> Outcome<()> {
        let held = self.active_run(id).await?;
        let reference = held.reference;
        let mut changes = Vec::new();
        for (key, value) in &logged.params {
            if let Some(old) = held.run.params.get(key)
                && old != value
            {
                changes.push(ParamChange {
                    key: key.clone(),
                    old: old.clone(),
                    new: value.clone(),
                });
            }
        }
        if !changes.is_empty() {
            let run = id.to_owned();
            return Err(RunsError::ParamChanged { run, changes }.into());
        }
        // What may yet be refused comes before what is written.
        self.measure_models(id, &logged.points).await?;
        self.key_refs(logged.points.iter().map(|p| p.key.as_str())).await?;
        for point in &logged.points {
            let value = finite(point.value);
            let row = PointRow {
                run: reference,
                key: self.key(&point.key),
                at_ms: point.at_ms,
                step: point.step,
                value: if value.is_nan() { 0.0 } else { value },
                nan: value.is_nan(),
            };
            self.point(row);
        }
        let run = self.active_run(id).await?.change();
        for point in logged.points {
            let latest = Latest(finite(point.value), point.step, point.at_ms);
            match run.metrics.get_mut(&point.key) {
                Some(known) => {
                    if latest.later_than(known) {
                        *known = latest;
                    }
                }
                None => drop(run.metrics.insert(point.key, latest)),
            }
        }
        run.params.extend(logged.params);
        for (key, value) in logged.tags {
            tag(run, key, value);
        }
        Ok(())
    }

    /// Removes a tag of a run that is not deleted.
    pub async fn untag_run(&mut self, id: &str, key: &str) -> Outcome<()> {
        let held = self.active_run(id).await?;
        if !held.run.tags.contains_key(key) {
            return Err(RunsError::Missing {
                what: "tag",
                name: key.to_owned(),
                within: format!("run {id}"),
            }
            .into());
        }
        held.change().tags.remove(key);
        Ok(())
    }

    /// Adds what a run read. Datasets are told apart by name and digest.
    pub async fn log_inputs(
        &mut self,
        id: &str,
        datasets: Vec<(Dataset, Vec<(String, String)>)>,
        models: Vec<String>,
    ) -> Outcome<()> {
        let held = self.active_run(id).await?;
        let group = held.run.group;
        let known = |run: &Run, d: &Dataset| run.datasets.iter().any(|u| u.name == d.name && u.digest == d.digest);
        let mut rows = Vec::new();
        let mut uses: Vec<DatasetUse> = Vec::new();
        for (dataset, tags) in datasets {
            let twice = uses
                .iter()
                .any(|u| u.name == dataset.name && u.digest == dataset.digest);
            if twice || known(&held.run, &dataset) {
                continue;
            }
            uses.push(DatasetUse {
                name: dataset.name.clone(),
                digest: dataset.digest.clone(),
                tags,
            });
            rows.push(dataset);
        }
        let run = held.change();
        run.datasets.extend(uses);
        for model in models {
            if !run.models_in.contains(&model) {
                run.models_in.push(model);
            }
        }
        for dataset in rows {
            let reference = self.next_ref();
            let sql = "INSERT INTO datasets (ref, group_id, name, digest, source_type, source, schema, profile) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (group_id, name, digest) DO NOTHING";
            let args = vec![
                Arg::Int(reference),
                Arg::Int(group),
                dataset.name.into(),
                dataset.digest.into(),
                dataset.source_type.into(),
                dataset.source.into(),
                dataset.schema.into(),
                dataset.profile.into(),
            ];
            self.connection.execute(sql, args).await?;
        }
        Ok(())
    }

    /// Adds what a run made: models with the step.
    pub async fn log_outputs(&mut self, id: &str, models: Vec<(String, i64)>) -> Outcome<()> {
        let run = self.active_run(id).await?.change();
        for (model, step) in models {
            match run.models_out.iter_mut().find(|(known, _)| *known == model) {
                Some(known) => known.1 = step,
                None => run.models_out.push((model, step)),
            }
        }
        Ok(())
    }

    /// Adds a model's description to the list that clients of old keep in a tag of the run.
    pub async fn record_model(&mut self, id: &str, model: serde_json::Value) -> Outcome<()> {
        let run = self.active_run(id).await?.change();
        let mut all: Vec<serde_json::Value> = run
            .tags
            .get(MODELS_TAG)
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        all.push(model);
        let text = serde_json::to_string(&all).unwrap_or_default();
        run.tags.insert(MODELS_TAG.to_owned(), text);
        Ok(())
    }
}

fn tag(run: &mut Run, key: String, value: String) {
    match key == NAME_TAG {
        // A run is never without a name.
        true if value.is_empty() => {}
        true => rename(run, value),
        false => drop(run.tags.insert(key, value)),
    }
}

fn rename(run: &mut Run, name: String) {
    run.tags.insert(NAME_TAG.to_owned(), name.clone());
    run.name = name;
}
