//! The store: what a room calls.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use uuid::Uuid;

use crate::RunsError;
use crate::batch::Batch;
use crate::db::{Place, Pool, fail};
use crate::model::{Dataset, Group, NewGroup, NewRun, Run};
use crate::models::{Model, ModelStatus, NewModel};
use crate::runs::{Logged, RunUpdate};
use crate::search::Indexes;
use crate::traces::{Span, Trace, TraceCull};
use crate::writer::{Outcome, Writer};

/// An open run store. Cheap to clone; all clones share it.
#[derive(Clone)]
pub struct RunStore {
    pub(crate) place: Arc<Place>,
    pub(crate) pool: Pool,
    pub(crate) indexes: Arc<Indexes>,
    writer: Writer,
}

/// A new id, 32 hexadecimal digits; later ones are greater.
pub fn new_id() -> String {
    Uuid::now_v7().simple().to_string()
}

/// Now, milliseconds since 1970 UTC.
pub(crate) fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

impl RunStore {
    /// Opens the store in a folder, on SQLite; makes it if it is not there.
    ///
    /// # Errors
    /// If the file cannot be used, or a newer program wrote it.
    pub async fn open(folder: &Path) -> Result<RunStore, RunsError> {
        RunStore::at(Place::folder(folder)).await
    }

    /// Opens the store in a schema of a PostgreSQL database, `postgresql://user:password@host:port/database`; makes it
    /// if it is not there.
    ///
    /// # Errors
    /// If the database cannot be used, or a newer program wrote the tables.
    pub async fn postgres(url: &str, schema: &str) -> Result<RunStore, RunsError> {
        RunStore::at(Place::postgres(url, schema)?).await
    }

    async fn at(place: Place) -> Result<RunStore, RunsError> {
        let (connection, pool) = place.open().await?;
        let store = RunStore {
            writer: Writer::start(place.clone(), connection),
            place: Arc::new(place),
            pool,
            indexes: Arc::default(),
        };
        let now = now_ms();
        store
            .writer
            .write(move |b| Box::pin(async move { b.default_group(now).await }))
            .await?;
        Ok(store)
    }

    /// Waits for the writes under way, and closes.
    pub async fn close(&self) {
        self.writer.close().await;
        self.pool.close().await;
    }

    /// Empties the store; only the default group is left.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn reset(&self) -> Result<(), RunsError> {
        let now = now_ms();
        self.writer
            .write(move |b| Box::pin(async move { b.reset(now).await }))
            .await?;
        self.indexes.forget();
        Ok(())
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl for<'a> FnOnce(&'a mut Batch) -> BoxFuture<'a, Outcome<T>> + Send + 'static,
    ) -> Result<T, RunsError> {
        self.writer.write(work).await
    }

    pub(crate) fn fail(&self) -> impl Fn(sqlx::Error) -> RunsError + '_ {
        fail(&self.place)
    }

    // --- Run groups ---------------------------------------------------------------------------------------------

    /// Makes a group; its number.
    ///
    /// # Errors
    /// [`RunsError::Exists`] if the name is taken, also by a deleted group.
    pub async fn create_group(&self, new: NewGroup) -> Result<i64, RunsError> {
        let now = now_ms();
        self.writer
            .write(move |b| Box::pin(async move { b.create_group(new, now).await }))
            .await
    }

    /// Renames a group.
    ///
    /// # Errors
    /// If there is none, it was deleted, or the name is taken.
    pub async fn rename_group(&self, id: i64, name: String) -> Result<(), RunsError> {
        let now = now_ms();
        self.writer
            .write(move |b| Box::pin(async move { b.rename_group(id, name, now).await }))
            .await
    }

    /// Deletes a group with its runs, or restores both.
    ///
    /// # Errors
    /// If there is none, or it is in that state already.
    pub async fn mark_group(&self, id: i64, delete: bool) -> Result<(), RunsError> {
        let now = now_ms();
        self.writer
            .write(move |b| Box::pin(async move { b.mark_group(id, delete, now).await }))
            .await
    }

    /// Sets a tag of a group.
    ///
    /// # Errors
    /// If there is no such group, or it was deleted.
    pub async fn tag_group(&self, id: i64, key: String, value: String) -> Result<(), RunsError> {
        self.writer
            .write(move |b| Box::pin(async move { b.tag_group(id, key, value).await }))
            .await
    }

    /// Removes a tag of a group.
    ///
    /// # Errors
    /// If there is no such group or tag, or the group was deleted.
    pub async fn untag_group(&self, id: i64, key: String) -> Result<(), RunsError> {
        self.writer
            .write(move |b| Box::pin(async move { b.untag_group(id, key).await }))
            .await
    }

    /// A group.
    ///
    /// # Errors
    /// If there is none.
    pub async fn group(&self, id: i64) -> Result<Group, RunsError> {
        let sql = "SELECT id, name, doc FROM run_groups WHERE id = $1";
        let row = self.pool.one(sql, vec![id.into()]).await.map_err(self.fail())?;
        let row = row.ok_or_else(|| RunsError::missing("run group", id.to_string()))?;
        crate::batch::read_group(&row).map_err(self.fail())
    }

    /// A group by its name.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn group_named(&self, name: &str) -> Result<Option<Group>, RunsError> {
        let sql = "SELECT id, name, doc FROM run_groups WHERE name = $1";
        let row = self.pool.one(sql, vec![name.into()]).await.map_err(self.fail())?;
        row.map(|r| crate::batch::read_group(&r))
            .transpose()
            .map_err(self.fail())
    }

    /// All groups, also deleted ones, by number.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn groups(&self) -> Result<Vec<Group>, RunsError> {
        let sql = "SELECT id, name, doc FROM run_groups ORDER BY id";
        let rows = self.pool.fetch(sql, Vec::new()).await.map_err(self.fail())?;
        rows.iter()
            .map(crate::batch::read_group)
            .collect::<Result<_, _>>()
            .map_err(self.fail())
    }

    // --- Runs ---------------------------------------------------------------------------------------------------

    /// Makes a run.
    ///
    /// # Errors
    /// If there is no such group, or it was deleted.
    pub async fn create_run(&self, new: NewRun) -> Result<Run, RunsError> {
        let id = new_id();
        self.writer
            .write(move |b| Box::pin(async move { b.create_run(new, id).await }))
            .await
    }

    /// Changes a run.
    ///
    /// # Errors
    /// If there is none, or it was deleted.
    pub async fn update_run(&self, id: &str, update: RunUpdate) -> Result<Run, RunsError> {
        let id = id.to_owned();
        self.writer
            .write(move |b| Box::pin(async move { b.update_run(&id, update).await }))
            .await
    }

    /// Deletes or restores a run.
    ///
    /// # Errors
    /// If there is none.
    pub async fn mark_run(&self, id: &str, delete: bool) -> Result<(), RunsError> {
        let (id, deleted) = (id.to_owned(), delete.then(now_ms));
        self.writer
            .write(move |b| Box::pin(async move { b.mark_run(&id, deleted).await }))
            .await
    }

    /// Logs points, parameters and tags: all of it or nothing. Answers once it is on disk.
    ///
    /// # Errors
    /// If there is no such run, it was deleted, or a parameter would change.
    pub async fn log(&self, id: &str, logged: Logged) -> Result<(), RunsError> {
        let id = id.to_owned();
        self.writer
            .write(move |b| Box::pin(async move { b.log(&id, logged).await }))
            .await
    }

    /// Removes a tag of a run.
    ///
    /// # Errors
    /// If there is no such run or tag, or the run was deleted.
    pub async fn untag_run(&self, id: &str, key: &str) -> Result<(), RunsError> {
        let (id, key) = (id.to_owned(), key.to_owned());
        self.writer
            .write(move |b| Box::pin(async move { b.untag_run(&id, &key).await }))
            .await
    }

    /// Adds what a run read: datasets with tags of their use, and models by id.
    ///
    /// # Errors
    /// If there is no such run, or it was deleted.
    pub async fn log_inputs(
        &self,
        id: &str,
        datasets: Vec<(Dataset, Vec<(String, String)>)>,
        models: Vec<String>,
    ) -> Result<(), RunsError> {
        let id = id.to_owned();
        self.writer
            .write(move |b| Box::pin(async move { b.log_inputs(&id, datasets, models).await }))
            .await
    }

    /// Adds what a run made: models by id, with the step.
    ///
    /// # Errors
    /// If there is no such run, or it was deleted.
    pub async fn log_outputs(&self, id: &str, models: Vec<(String, i64)>) -> Result<(), RunsError> {
        let id = id.to_owned();
        self.writer
            .write(move |b| Box::pin(async move { b.log_outputs(&id, models).await }))
            .await
    }

    /// Adds a model's description to the list in a run's tag, as clients of old do.
    ///
    /// # Errors
    /// If there is no such run, or it was deleted.
    pub async fn record_model(&self, id: &str, model: serde_json::Value) -> Result<(), RunsError> {
        let id = id.to_owned();
        self.writer
            .write(move |b| Box::pin(async move { b.record_model(&id, model).await }))
            .await
    }

    // --- Models -------------------------------------------------------------------------------------------------

    /// Makes a model.
    ///
    /// # Errors
    /// If there is no such group, or it was deleted.
    pub async fn create_model(&self, new: NewModel) -> Result<Model, RunsError> {
        let id = format!("m-{}", new_id());
        let now = now_ms();
        self.writer
            .write(move |b| Box::pin(async move { b.create_model(new, id, now).await }))
            .await
    }

    /// Changes a model.
    ///
    /// # Errors
    /// If there is none, or `change` refuses.
    pub async fn change_model(
        &self,
        id: &str,
        change: impl FnOnce(&mut Model) -> Result<(), RunsError> + Send + 'static,
    ) -> Result<Model, RunsError> {
        let id = id.to_owned();
        self.writer
            .write(move |b| Box::pin(async move { b.change_model(&id, change).await }))
            .await
    }

    /// Says how a model stands.
    ///
    /// # Errors
    /// If there is none.
    pub async fn finish_model(&self, id: &str, status: ModelStatus) -> Result<Model, RunsError> {
        let now = now_ms();
        let change = move |model: &mut Model| {
            (model.status, model.updated_ms) = (status, now);
            Ok(())
        };
        self.change_model(id, change).await
    }

    /// Deletes a model.
    ///
    /// # Errors
    /// If there is none.
    pub async fn delete_model(&self, id: &str) -> Result<(), RunsError> {
        let now = now_ms();
        let change = move |model: &mut Model| {
            (model.deleted_ms, model.updated_ms) = (Some(now), now);
            Ok(())
        };
        self.change_model(id, change).await.map(drop)
    }

    // --- Traces -------------------------------------------------------------------------------------------------

    /// Keeps a trace, or adds to the one of its id.
    ///
    /// # Errors
    /// If there is no such group, or it was deleted.
    pub async fn put_trace(&self, trace: Trace) -> Result<Trace, RunsError> {
        self.writer
            .write(move |b| Box::pin(async move { b.put_trace(trace).await }))
            .await
    }

    /// Changes a trace.
    ///
    /// # Errors
    /// If there is none, or `change` refuses.
    pub async fn change_trace<T: Send + 'static>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Trace) -> Result<T, RunsError> + Send + 'static,
    ) -> Result<T, RunsError> {
        let id = id.to_owned();
        self.writer
            .write(move |b| Box::pin(async move { b.change_trace(&id, change).await }))
            .await
    }

    /// Links traces to a run; those that are not there are left out.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn link_traces(&self, ids: Vec<String>, run: String) -> Result<(), RunsError> {
        self.writer
            .write(move |b| Box::pin(async move { b.link_traces(ids, run).await }))
            .await
    }

    /// Deletes traces with their spans; how many.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn delete_traces(&self, cull: TraceCull) -> Result<u64, RunsError> {
        self.writer
            .write(move |b| Box::pin(async move { b.delete_traces(cull).await }))
            .await
    }

    /// Keeps spans of a group's traces. `told` sets what a trace says by its new spans.
    ///
    /// # Errors
    /// If there is no such group, or it was deleted.
    pub async fn put_spans(
        &self,
        group: i64,
        spans: Vec<Span>,
        told: impl Fn(&mut Trace, &[&Span]) + Send + Sync + 'static,
    ) -> Result<(), RunsError> {
        self.writer
            .write(move |b| Box::pin(async move { b.put_spans(group, spans, told).await }))
            .await
    }
}
