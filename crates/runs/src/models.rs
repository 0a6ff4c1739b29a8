//! Models that runs made, and changes of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::RunsError;
use crate::batch::Batch;
use crate::db::{Arg, Row, written};
use crate::model::{Latest, Point, finite};
use crate::place::below;
use crate::writer::Outcome;

/// Whether a model is all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelStatus {
    /// Nobody said.
    Unspecified,
    /// Its files are being written.
    Pending,
    /// It can be used.
    Ready,
    /// It could not be written.
    Failed,
}

impl ModelStatus {
    /// Its name in filters.
    pub fn name(self) -> &'static str {
        match self {
            ModelStatus::Unspecified => "UNSPECIFIED",
            ModelStatus::Pending => "PENDING",
            ModelStatus::Ready => "READY",
            ModelStatus::Failed => "FAILED",
        }
    }
}

/// A model that was logged: not a registered version yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Id, `m-` and 32 hexadecimal digits.
    #[serde(skip)]
    pub id: String,
    /// Its run group.
    #[serde(skip)]
    pub group: i64,
    /// Deleted, and when: milliseconds since 1970 UTC.
    #[serde(skip)]
    pub deleted_ms: Option<i64>,
    /// Name.
    pub name: String,
    /// Where its files are.
    pub artifacts: String,
    /// Created, milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// Changed, milliseconds since 1970 UTC.
    pub updated_ms: i64,
    /// How it stands.
    pub status: ModelStatus,
    /// What kind it is, if told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The run that made it, if told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// What was measured of it, in the order it came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Measure>,
}

/// A measurement of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// The metric.
    pub key: String,
    /// Value, step and time.
    pub at: Latest,
    /// The run that measured it.
    pub run: String,
    /// The dataset that it was measured on: name and digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<(String, String)>,
}

/// A model to be made.
#[derive(Clone, Debug, Default)]
pub struct NewModel {
    /// Its run group.
    pub group: i64,
    /// Name.
    pub name: String,
    /// What kind it is.
    pub kind: Option<String>,
    /// The run that makes it.
    pub run: Option<String>,
    /// Parameters.
    pub params: Vec<(String, String)>,
    /// Tags.
    pub tags: Vec<(String, String)>,
}

impl Batch {
    /// A new model in a group that is not deleted.
    pub async fn create_model(&mut self, new: NewModel, id: String, now_ms: i64) -> Outcome<Model> {
        let group = self.active_group(new.group).await?;
        let model = Model {
            artifacts: below(&group.artifacts, &["models", &id, "artifacts"]),
            id,
            group: new.group,
            deleted_ms: None,
            name: new.name,
            created_ms: now_ms,
            updated_ms: now_ms,
            status: ModelStatus::Pending,
            kind: new.kind,
            run: new.run,
            params: new.params.into_iter().collect(),
            tags: new.tags.into_iter().collect(),
            metrics: Vec::new(),
        };
        let reference = self.next_ref();
        self.put_model(reference, &model).await?;
        Ok(model)
    }

    async fn put_model(&mut self, reference: i64, model: &Model) -> Outcome<()> {
        let doc = written(model)?;
        let sql = "INSERT INTO models (ref, id, group_id, deleted_ms, change, doc) VALUES ($1, $2, $3, $4, $5, $6) \
                   ON CONFLICT (ref) DO UPDATE SET deleted_ms = excluded.deleted_ms, change = excluded.change, \
                   doc = excluded.doc";
        let args = vec![
            Arg::Int(reference),
            Arg::from(model.id.as_str()),
            Arg::Int(model.group),
            Arg::Maybe(model.deleted_ms),
            Arg::Int(self.change),
            Arg::Text(doc),
        ];
        self.connection.execute(sql, args).await?;
        Ok(())
    }

    async fn model(&mut self, id: &str) -> Outcome<Option<(i64, Model)>> {
        let sql = "SELECT ref, id, group_id, deleted_ms, doc FROM models WHERE id = $1";
        let rows = self.connection.fetch(sql, vec![id.into()]).await?;
        match rows.first() {
            Some(row) => Ok(Some((row.int(0)?, read_model(row, 1)?))),
            None => Ok(None),
        }
    }

    /// Changes a model.
    pub async fn change_model(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Model) -> Result<(), RunsError> + Send,
    ) -> Outcome<Model> {
        let found = self.model(id).await?;
        let (reference, mut model) = found.ok_or_else(|| RunsError::missing("model", id))?;
        change(&mut model)?;
        self.put_model(reference, &model).await?;
        Ok(model)
    }

    /// Adds what a run measured of models. Each measurement is kept once by metric, time, step and run.
    pub async fn measure_models(&mut self, run: &str, points: &[Point]) -> Outcome<()> {
        let mut by_model: BTreeMap<&str, Vec<&Point>> = BTreeMap::new();
        for point in points {
            if let Some(model) = &point.model {
                by_model.entry(model).or_default().push(point);
            }
        }
        // All are there before one is written.
        let mut found = Vec::with_capacity(by_model.len());
        for (id, points) in by_model {
            let model = self.model(id).await?;
            found.push((model.ok_or_else(|| RunsError::missing("model", id))?, points));
        }
        for ((reference, mut model), points) in found {
            for point in points {
                let at = Latest(finite(point.value), point.step, point.at_ms);
                let same = |m: &Measure| m.run == run && m.key == point.key && (m.at.1, m.at.2) == (at.1, at.2);
                if !model.metrics.iter().any(same) {
                    model.metrics.push(Measure {
                        key: point.key.clone(),
                        at,
                        run: run.to_owned(),
                        dataset: point.dataset.clone(),
                    });
                }
            }
            self.put_model(reference, &model).await?;
        }
        Ok(())
    }
}

/// A model of a row whose columns are, from `at`: id, group, deleted, document.
pub(crate) fn read_model(row: &Row, at: usize) -> Result<Model, sqlx::Error> {
    let mut model: Model = row.document(at + 3)?;
    model.id = row.text(at)?;
    model.group = row.int(at + 1)?;
    model.deleted_ms = row.maybe(at + 2)?;
    Ok(model)
}
