//! Changes of run groups.

use std::collections::BTreeMap;

use crate::RunsError;
use crate::batch::Batch;
use crate::db::Arg;
use crate::model::{DEFAULT_GROUP, Group, NewGroup};
use crate::writer::Outcome;

/// Where the files of groups go that name no place of their own: a place of the server's, which clients reach through it.
const ARTIFACTS: &str = "mlflow-artifacts:";

impl Batch {
    /// Makes sure that the default group is there.
    pub async fn default_group(&mut self, now_ms: i64) -> Outcome<()> {
        let sql = "SELECT id FROM run_groups WHERE id = $1";
        if self
            .connection
            .fetch(sql, vec![Arg::Int(DEFAULT_GROUP)])
            .await?
            .is_empty()
        {
            let group = Group {
                id: DEFAULT_GROUP,
                name: "Default".into(),
                artifacts: format!("{ARTIFACTS}/{DEFAULT_GROUP}"),
                created_ms: now_ms,
                updated_ms: now_ms,
                deleted_ms: None,
                tags: BTreeMap::new(),
            };
            self.put_group(group).await?;
        }
        Ok(())
    }

    /// A new group's number.
    pub async fn create_group(&mut self, new: NewGroup, now_ms: i64) -> Outcome<i64> {
        self.free_name(&new.name).await?;
        let id = self.next_group().await?;
        let artifacts = new.artifacts.unwrap_or_else(|| format!("{ARTIFACTS}/{id}"));
        let group = Group {
            id,
            name: new.name,
            artifacts,
            created_ms: now_ms,
            updated_ms: now_ms,
            deleted_ms: None,
            tags: new.tags.into_iter().collect(),
        };
        self.put_group(group).await?;
        Ok(id)
    }

    async fn free_name(&mut self, name: &str) -> Outcome<()> {
        let sql = "SELECT id FROM run_groups WHERE name = $1";
        if self.connection.fetch(sql, vec![name.into()]).await?.is_empty() {
            return Ok(());
        }
        let (what, name) = ("run group", name.to_owned());
        Err(RunsError::Exists { what, name }.into())
    }

    /// A group that is not deleted.
    pub async fn active_group(&mut self, id: i64) -> Outcome<Group> {
        let group = self.group(id).await?;
        match group.deleted_ms {
            None => Ok(group),
            Some(_) => {
                let (what, name) = ("run group", id.to_string());
                Err(RunsError::Deleted { what, name }.into())
            }
        }
    }

    /// Renames a group that is not deleted.
    pub async fn rename_group(&mut self, id: i64, name: String, now_ms: i64) -> Outcome<()> {
        let mut group = self.active_group(id).await?;
        if group.name != name {
            self.free_name(&name).await?;
        }
        group.name = name;
        group.updated_ms = now_ms;
        self.put_group(group).await
    }

    /// Deletes a group with its runs, or restores both.
    pub async fn mark_group(&mut self, id: i64, delete: bool, now_ms: i64) -> Outcome<()> {
        let mut group = self.group(id).await?;
        if group.deleted_ms.is_some() == delete {
            let (what, name) = ("run group", id.to_string());
            return Err(match delete {
                true => RunsError::Deleted { what, name },
                false => RunsError::NotDeleted { what, name },
            }
            .into());
        }
        group.deleted_ms = delete.then_some(now_ms);
        group.updated_ms = now_ms;
        let deleted = group.deleted_ms;
        self.put_group(group).await?;
        self.release(id).await?;
        let sql = "UPDATE runs SET deleted_ms = $1, change = $2 WHERE group_id = $3";
        let args = vec![Arg::Maybe(deleted), Arg::Int(self.change), Arg::Int(id)];
        self.connection.execute(sql, args).await?;
        Ok(())
    }

    /// Sets a tag of a group that is not deleted.
    pub async fn tag_group(&mut self, id: i64, key: String, value: String) -> Outcome<()> {
        let mut group = self.active_group(id).await?;
        group.tags.insert(key, value);
        self.put_group(group).await
    }

    /// Removes a tag of a group that is not deleted.
    pub async fn untag_group(&mut self, id: i64, key: String) -> Outcome<()> {
        let mut group = self.active_group(id).await?;
        if group.tags.remove(&key).is_none() {
            return Err(RunsError::Missing {
                what: "tag",
                name: key,
                within: format!("run group {id}"),
            }
            .into());
        }
        self.put_group(group).await
    }

    /// Empties the whole store.
    pub async fn reset(&mut self, now_ms: i64) -> Outcome<()> {
        for table in [
            "run_groups",
            "runs",
            "keys",
            "points",
            "datasets",
            "models",
            "traces",
            "spans",
            "examples",
            "example_sets",
        ] {
            self.connection
                .execute(&format!("DELETE FROM {table}"), Vec::new())
                .await?;
        }
        let sql = "UPDATE state SET groups = 0 WHERE id = 1";
        self.connection.execute(sql, Vec::new()).await?;
        self.forget();
        self.default_group(now_ms).await
    }
}
