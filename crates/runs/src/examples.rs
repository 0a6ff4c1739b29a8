//! Sets of examples that applications are evaluated on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::RunsError;
use crate::batch::Batch;
use crate::db::{Arg, Row, written};
use crate::store::{RunStore, new_id, now_ms};
use crate::writer::Outcome;

/// The tag that says who changes a set or an example.
const USER: &str = "mlflow.user";

/// A set of examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExampleSet {
    /// Id.
    #[serde(skip)]
    pub id: String,
    /// Name.
    pub name: String,
    /// Changes whenever an example does.
    pub digest: String,
    /// Made, milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// Changed, milliseconds since 1970 UTC.
    pub updated_ms: i64,
    /// Who made it, if told.
    pub created_by: Option<String>,
    /// Who changed it last, if told.
    pub updated_by: Option<String>,
    /// Tags.
    pub tags: Map<String, Value>,
    /// Names and types of the fields of its examples.
    pub schema: Option<Value>,
    /// How many examples there are; none before the first.
    pub examples: Option<u64>,
    /// The run groups that it belongs to.
    pub groups: Vec<String>,
}

/// An example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// Id.
    #[serde(skip)]
    pub id: String,
    /// What is asked.
    pub inputs: Value,
    /// What was answered, if told.
    pub outputs: Option<Value>,
    /// What should be answered.
    pub expectations: Option<Map<String, Value>>,
    /// Tags.
    pub tags: Map<String, Value>,
    /// Where it comes from.
    pub source: Option<Value>,
    /// Made, milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// Changed, milliseconds since 1970 UTC.
    pub updated_ms: i64,
    /// Who made it, if told.
    pub created_by: Option<String>,
    /// Who changed it last, if told.
    pub updated_by: Option<String>,
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// JSON with the keys of every object in order, so that what is equal is written equally.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(all) => {
            let sorted: BTreeMap<&String, &Value> = all.iter().collect();
            let parts: Vec<String> = sorted
                .iter()
                .map(|(k, v)| format!("{}:{}", json!(k), canonical(v)))
                .collect();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(all) => format!("[{}]", all.iter().map(canonical).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "float",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

impl ExampleSet {
    fn touch(&mut self, now: i64) {
        self.updated_ms = now.max(self.updated_ms + 1);
        self.digest = digest(&format!("{}:{}", self.name, self.updated_ms))[..8].to_owned();
    }

    /// Takes in the fields of an example that are new.
    fn learn(&mut self, told: &Map<String, Value>) {
        let empty = || json!({ "inputs": {}, "outputs": {}, "expectations": {}, "version": "1.0" });
        let schema = self.schema.get_or_insert_with(empty);
        for part in ["inputs", "outputs", "expectations"] {
            match told.get(part) {
                Some(Value::Object(fields)) => {
                    for (key, value) in fields {
                        if let Some(known) = schema[part].as_object_mut() {
                            known.entry(key.clone()).or_insert_with(|| json!(kind(value)));
                        }
                    }
                }
                Some(value) if part == "outputs" && !value.is_null() && schema[part] == json!({}) => {
                    schema[part] = json!(kind(value));
                }
                _ => {}
            }
        }
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}

impl Batch {
    async fn set(&mut self, id: &str) -> Outcome<(i64, ExampleSet)> {
        let rows = self
            .connection
            .fetch("SELECT ref, id, doc FROM example_sets WHERE id = $1", vec![id.into()])
            .await?;
        let row = rows
            .first()
            .ok_or_else(|| RunsError::missing("evaluation dataset", id))?;
        Ok((row.int(0)?, read_set(row, 1)?))
    }

    async fn put_set(&mut self, reference: i64, set: &ExampleSet) -> Outcome<()> {
        let doc = written(set)?;
        let sql = "INSERT INTO example_sets (ref, id, doc) VALUES ($1, $2, $3) \
                   ON CONFLICT (ref) DO UPDATE SET doc = excluded.doc";
        let args = vec![Arg::Int(reference), Arg::from(set.id.as_str()), Arg::Text(doc)];
        self.connection.execute(sql, args).await?;
        Ok(())
    }

    async fn upsert(&mut self, id: &str, told: Vec<Map<String, Value>>, now: i64) -> Outcome<(u64, u64)> {
        let (set_ref, mut set) = self.set(id).await?;
        let (mut inserted, mut updated) = (0, 0);
        set.updated_by = None;
        for record in told {
            let inputs = record.get("inputs").cloned().unwrap_or_else(|| json!({}));
            let key = digest(&canonical(&inputs));
            let tags = record
                .get("tags")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default();
            let by = text(tags.get(USER));
            set.learn(&record);
            set.updated_by = by.clone().or(set.updated_by);
            let expectations = record.get("expectations").and_then(Value::as_object).cloned();
            let outputs = record.get("outputs").cloned();
            let sql = "SELECT ref, id, doc FROM examples WHERE set_ref = $1 AND digest = $2";
            let rows = self
                .connection
                .fetch(sql, vec![Arg::Int(set_ref), key.as_str().into()])
                .await?;
            let (reference, example) = match rows.first() {
                Some(row) => {
                    let mut example = read_example(row, 1)?;
                    if let Some(outputs) = outputs {
                        example.outputs = Some(outputs).filter(|o| !o.is_null());
                    }
                    if let Some(more) = expectations {
                        example.expectations.get_or_insert_default().extend(more);
                    }
                    example.tags.extend(tags);
                    example.updated_ms = now;
                    example.updated_by = by.or(example.updated_by);
                    updated += 1;
                    (row.int(0)?, example)
                }
                None => {
                    inserted += 1;
                    let example = Example {
                        id: format!("dr-{}", new_id()),
                        inputs,
                        outputs: Some(outputs.unwrap_or_else(|| json!({}))).filter(|o| !o.is_null()),
                        expectations,
                        tags,
                        source: record.get("source").filter(|s| !s.is_null()).cloned(),
                        created_ms: now,
                        updated_ms: now,
                        created_by: by.clone(),
                        updated_by: by,
                    };
                    (self.next_ref(), example)
                }
            };
            let doc = written(&example)?;
            let sql = "INSERT INTO examples (ref, set_ref, id, digest, doc) VALUES ($1, $2, $3, $4, $5) \
                       ON CONFLICT (ref) DO UPDATE SET doc = excluded.doc";
            let args = vec![
                Arg::Int(reference),
                Arg::Int(set_ref),
                Arg::Text(example.id),
                Arg::Text(key),
                Arg::Text(doc),
            ];
            self.connection.execute(sql, args).await?;
        }
        self.count(set_ref, &mut set).await?;
        set.touch(now);
        self.put_set(set_ref, &set).await?;
        Ok((inserted, updated))
    }

    async fn count(&mut self, set_ref: i64, set: &mut ExampleSet) -> Outcome<()> {
        let sql = "SELECT count(*) FROM examples WHERE set_ref = $1";
        let rows = self.connection.fetch(sql, vec![Arg::Int(set_ref)]).await?;
        let there = rows.first().map_or(Ok(0), |r| r.int(0))?;
        set.examples = u64::try_from(there).ok().filter(|n| *n > 0);
        Ok(())
    }

    async fn drop_set(&mut self, id: &str) -> Outcome<()> {
        let (reference, _) = self.set(id).await?;
        for sql in [
            "DELETE FROM examples WHERE set_ref = $1",
            "DELETE FROM example_sets WHERE ref = $1",
        ] {
            self.connection.execute(sql, vec![Arg::Int(reference)]).await?;
        }
        Ok(())
    }

    async fn drop_examples(&mut self, id: &str, ids: Vec<String>) -> Outcome<u64> {
        let (set_ref, mut set) = self.set(id).await?;
        let mut deleted = 0;
        for example in ids {
            let sql = "DELETE FROM examples WHERE set_ref = $1 AND id = $2";
            deleted += self
                .connection
                .execute(sql, vec![Arg::Int(set_ref), example.into()])
                .await?;
        }
        self.count(set_ref, &mut set).await?;
        self.put_set(set_ref, &set).await?;
        Ok(deleted)
    }
}

impl RunStore {
    /// Makes a set.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn create_examples(
        &self,
        name: String,
        tags: Map<String, Value>,
        groups: Vec<String>,
    ) -> Result<ExampleSet, RunsError> {
        let by = text(tags.get(USER));
        let mut set = ExampleSet {
            id: format!("d-{}", new_id()),
            name,
            digest: String::new(),
            created_ms: 0,
            updated_ms: 0,
            created_by: by.clone(),
            updated_by: by,
            tags,
            schema: None,
            examples: None,
            groups,
        };
        set.touch(now_ms());
        set.created_ms = set.updated_ms;
        let answer = set.clone();
        self.write(move |b| {
            Box::pin(async move {
                let reference = b.next_ref();
                b.put_set(reference, &set).await
            })
        })
        .await?;
        Ok(answer)
    }

    /// Changes what is said of a set.
    ///
    /// # Errors
    /// If there is none, or `change` refuses.
    pub async fn change_examples(
        &self,
        id: &str,
        change: impl FnOnce(&mut ExampleSet) -> Result<(), RunsError> + Send + 'static,
    ) -> Result<ExampleSet, RunsError> {
        let id = id.to_owned();
        self.write(move |b| {
            Box::pin(async move {
                let (reference, mut set) = b.set(&id).await?;
                change(&mut set)?;
                b.put_set(reference, &set).await?;
                Ok(set)
            })
        })
        .await
    }

    /// Adds examples to a set; one with the same inputs takes what is told on. How many were added, and how many changed.
    ///
    /// # Errors
    /// If there is no such set.
    pub async fn put_examples(&self, id: &str, told: Vec<Map<String, Value>>) -> Result<(u64, u64), RunsError> {
        let (id, now) = (id.to_owned(), now_ms());
        self.write(move |b| Box::pin(async move { b.upsert(&id, told, now).await }))
            .await
    }

    /// Deletes a set with its examples.
    ///
    /// # Errors
    /// If there is none.
    pub async fn delete_example_set(&self, id: &str) -> Result<(), RunsError> {
        let id = id.to_owned();
        self.write(move |b| Box::pin(async move { b.drop_set(&id).await }))
            .await
    }

    /// Deletes examples; how many were there.
    ///
    /// # Errors
    /// If there is no such set.
    pub async fn delete_examples(&self, id: &str, ids: Vec<String>) -> Result<u64, RunsError> {
        let id = id.to_owned();
        self.write(move |b| Box::pin(async move { b.drop_examples(&id, ids).await }))
            .await
    }

    /// A set.
    ///
    /// # Errors
    /// If there is none.
    pub async fn example_set(&self, id: &str) -> Result<ExampleSet, RunsError> {
        let sql = "SELECT id, doc FROM example_sets WHERE id = $1";
        let row = self.pool.one(sql, vec![id.into()]).await.map_err(self.fail())?;
        let row = row.ok_or_else(|| RunsError::missing("evaluation dataset", id))?;
        read_set(&row, 0).map_err(self.fail())
    }

    /// All sets.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn example_sets(&self) -> Result<Vec<ExampleSet>, RunsError> {
        let sql = "SELECT id, doc FROM example_sets";
        let rows = self.pool.fetch(sql, Vec::new()).await.map_err(self.fail())?;
        rows.iter()
            .map(|r| read_set(r, 0))
            .collect::<Result<_, _>>()
            .map_err(self.fail())
    }

    /// Examples of a set in the order they came, after a number of them; at most `limit`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn examples(&self, id: &str, offset: i64, limit: i64) -> Result<Vec<Example>, RunsError> {
        let sql = "SELECT e.id, e.doc FROM examples e JOIN example_sets s ON s.ref = e.set_ref WHERE s.id = $1 \
                   ORDER BY e.ref LIMIT $2 OFFSET $3";
        let args = vec![id.into(), Arg::Int(limit), Arg::Int(offset)];
        let rows = self.pool.fetch(sql, args).await.map_err(self.fail())?;
        rows.iter()
            .map(|r| read_example(r, 0))
            .collect::<Result<_, _>>()
            .map_err(self.fail())
    }
}

fn read_set(row: &Row, at: usize) -> Result<ExampleSet, sqlx::Error> {
    let mut set: ExampleSet = row.document(at + 1)?;
    set.id = row.text(at)?;
    Ok(set)
}

fn read_example(row: &Row, at: usize) -> Result<Example, sqlx::Error> {
    let mut example: Example = row.document(at + 1)?;
    example.id = row.text(at)?;
    Ok(example)
}
