//! Reading runs, their datasets and metric histories.

use std::collections::HashMap;

use crate::RunsError;
use crate::batch::read_run;
use crate::db::Arg;
use crate::model::{Dataset, Run};
use crate::models::{Model, read_model};
use crate::store::RunStore;

/// Most rows that are asked for by id at once.
const CHUNK: usize = 500;

/// A point of a metric's history.
#[derive(Clone, Copy, Debug)]
pub struct HistoryPoint {
    /// Value; may be NaN.
    pub value: f64,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Step.
    pub step: i64,
}

/// Points of a metric by time, step and value.
const HISTORY: &str = "SELECT p.at_ms, p.step, p.value, p.nan FROM points p \
                       WHERE p.run = (SELECT ref FROM runs WHERE id = $1) \
                       AND p.key = (SELECT ref FROM keys WHERE name = $2)";

impl RunStore {
    /// A run.
    ///
    /// # Errors
    /// If there is none.
    pub async fn run(&self, id: &str) -> Result<Run, RunsError> {
        let sql = "SELECT group_id, deleted_ms, doc FROM runs WHERE id = $1";
        let row = self.pool.one(sql, vec![id.into()]).await.map_err(self.fail())?;
        let row = row.ok_or_else(|| RunsError::missing("run", id))?;
        read_run(&row, id.to_owned(), 0).map_err(self.fail())
    }

    /// What the datasets of runs look like, by group, name and digest.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn datasets(&self, runs: &[Run]) -> Result<HashMap<(i64, String, String), Dataset>, RunsError> {
        let mut names: Vec<&str> = runs
            .iter()
            .flat_map(|r| r.datasets.iter().map(|d| d.digest.as_str()))
            .collect();
        names.sort_unstable();
        names.dedup();
        let mut found = HashMap::new();
        let sql = format!(
            "SELECT group_id, name, digest, source_type, source, schema, profile FROM datasets WHERE {}",
            self.pool.within("digest")
        );
        for chunk in names.chunks(CHUNK) {
            let list = serde_json::to_string(chunk).unwrap_or_default();
            for row in self
                .pool
                .fetch(&sql, vec![Arg::Text(list)])
                .await
                .map_err(self.fail())?
            {
                let read = || -> Result<_, sqlx::Error> {
                    let dataset = Dataset {
                        name: row.text(1)?,
                        digest: row.text(2)?,
                        source_type: row.text(3)?,
                        source: row.text(4)?,
                        schema: row.maybe_text(5)?,
                        profile: row.maybe_text(6)?,
                    };
                    Ok((row.int(0)?, dataset))
                };
                let (group, dataset) = read().map_err(self.fail())?;
                found.insert((group, dataset.name.clone(), dataset.digest.clone()), dataset);
            }
        }
        Ok(found)
    }

    /// A metric's points from `offset` on, by time, step and value; at most `limit`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn history(&self, run: &str, key: &str, offset: i64, limit: i64) -> Result<Vec<HistoryPoint>, RunsError> {
        let sql = format!("{HISTORY} ORDER BY p.at_ms, p.step, p.value, p.nan LIMIT $3 OFFSET $4");
        let args = vec![run.into(), key.into(), limit.into(), offset.into()];
        self.points(&sql, args).await
    }

    /// A metric's points by step, time and value, at most `limit` of them spread evenly, with the first and the last;
    /// only those of steps from `steps.0` to `steps.1`, if given.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn sampled(
        &self,
        run: &str,
        key: &str,
        steps: Option<(i64, i64)>,
        limit: i64,
    ) -> Result<Vec<HistoryPoint>, RunsError> {
        let (first, last) = steps.unwrap_or((i64::MIN, i64::MAX));
        let order = "step, at_ms, value, nan";
        let sql = format!(
            "WITH all_points AS ({HISTORY} AND p.step BETWEEN $3 AND $4), \
             numbered AS (SELECT at_ms, step, value, nan, ntile($5) OVER (ORDER BY {order}) AS tile, \
             row_number() OVER (ORDER BY {order}) AS n, count(*) OVER () AS total FROM all_points), \
             firsts AS (SELECT at_ms, step, value, nan, n, total, \
             row_number() OVER (PARTITION BY tile ORDER BY {order}) AS place FROM numbered) \
             SELECT at_ms, step, value, nan, n, total FROM firsts WHERE place = 1 OR n = total ORDER BY {order}"
        );
        let sql = match self.pool {
            crate::db::Pool::Sqlite(_) => sql,
            crate::db::Pool::Postgres(_) => sql.replace("ntile($5)", "ntile($5::bigint::integer)"),
        };
        let limit = limit.max(1);
        let args = vec![run.into(), key.into(), first.into(), last.into(), limit.into()];
        let mut points = self.points(&sql, args).await?;
        // The last point stands in place of the last that was drawn.
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        if points.len() > most {
            points.remove(points.len() - 2);
        }
        Ok(points)
    }

    async fn points(&self, sql: &str, args: Vec<Arg>) -> Result<Vec<HistoryPoint>, RunsError> {
        let rows = self.pool.fetch(sql, args).await.map_err(self.fail())?;
        let read = |row: &crate::db::Row| -> Result<HistoryPoint, sqlx::Error> {
            let value = if row.int(3)? != 0 { f64::NAN } else { row.real(2)? };
            Ok(HistoryPoint {
                value,
                at_ms: row.int(0)?,
                step: row.int(1)?,
            })
        };
        rows.iter().map(read).collect::<Result<_, _>>().map_err(self.fail())
    }

    /// A model, also a deleted one.
    ///
    /// # Errors
    /// If there is none.
    pub async fn model(&self, id: &str) -> Result<Model, RunsError> {
        let sql = "SELECT id, group_id, deleted_ms, doc FROM models WHERE id = $1";
        let row = self.pool.one(sql, vec![id.into()]).await.map_err(self.fail())?;
        let row = row.ok_or_else(|| RunsError::missing("model", id))?;
        read_model(&row, 0).map_err(self.fail())
    }

    /// The models of groups that are not deleted.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn models(&self, groups: &[i64]) -> Result<Vec<Model>, RunsError> {
        let mut found = Vec::new();
        let sql = "SELECT id, group_id, deleted_ms, doc FROM models WHERE group_id = $1 AND deleted_ms IS NULL";
        for group in groups {
            let rows = self
                .pool
                .fetch(sql, vec![Arg::Int(*group)])
                .await
                .map_err(self.fail())?;
            for row in &rows {
                found.push(read_model(row, 0).map_err(self.fail())?);
            }
        }
        Ok(found)
    }
}
