//! Traces: what an application did to answer, span by span, and what was thought of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::RunsError;
use crate::batch::Batch;
use crate::db::{Arg, Row, written};
use crate::writer::Outcome;

/// A trace without its spans.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Id.
    #[serde(skip)]
    pub id: String,
    /// Its run group.
    #[serde(skip)]
    pub group: i64,
    /// Began, milliseconds since 1970 UTC.
    #[serde(skip)]
    pub at_ms: i64,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<i64>,
    /// `OK`, `ERROR`, `IN_PROGRESS` or `STATE_UNSPECIFIED`.
    pub state: String,
    /// The caller's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Beginning of what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// Beginning of what was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// What it was told when it began.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// What was thought of it, in the order it came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assessments: Vec<Assessment>,
    /// Runs that it was linked to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<String>,
    /// Prompts that it was linked to, `name/version`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<String>,
}

/// What kind of thought it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// What somebody, or a judge, thought.
    Feedback,
    /// What should have been answered.
    Expectation,
    /// An issue.
    Issue,
}

/// What was thought of a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Id.
    pub id: String,
    /// What was judged.
    pub name: String,
    /// What kind it is.
    pub kind: Judgement,
    /// The judgement.
    #[serde(default)]
    pub value: Value,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// Who judged: kind and id.
    pub source: (String, String),
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rationale: Option<String>,
    /// More.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// About this span.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<String>,
    /// Made, milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// Changed, milliseconds since 1970 UTC.
    pub updated_ms: i64,
    /// The assessment that it stands in place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overrides: Option<String>,
    /// Nothing stands in its place.
    pub valid: bool,
}

/// A span as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its trace.
    pub trace: String,
    /// Id, 16 hexadecimal digits.
    pub id: String,
    /// Began, nanoseconds since 1970 UTC.
    pub started_ns: i64,
    /// All of it, JSON.
    pub doc: Value,
}

/// Which traces are deleted.
#[derive(Clone, Debug, Default)]
pub struct TraceCull {
    /// Of this group.
    pub group: i64,
    /// That began then or before, milliseconds since 1970 UTC.
    pub until_ms: Option<i64>,
    /// At most so many, oldest first.
    pub limit: Option<i64>,
    /// Of these; all if empty.
    pub ids: Vec<String>,
}

impl Batch {
    /// Keeps a trace. One that is there already takes what is told on; its tags, metadata and assessments are added to.
    pub async fn put_trace(&mut self, mut trace: Trace) -> Outcome<Trace> {
        self.active_group(trace.group).await?;
        let reference = match self.trace(&trace.id).await? {
            Some((reference, known)) => {
                let add = |mut old: BTreeMap<String, String>, new: BTreeMap<String, String>| {
                    old.extend(new);
                    old
                };
                trace.tags = add(known.tags, trace.tags);
                trace.metadata = add(known.metadata, trace.metadata);
                let mut all = known.assessments;
                all.retain(|a| trace.assessments.iter().all(|new| new.id != a.id));
                all.append(&mut trace.assessments);
                trace.assessments = all;
                trace.asked = trace.asked.or(known.asked);
                trace.answered = trace.answered.or(known.answered);
                (trace.runs, trace.prompts) = (known.runs, known.prompts);
                reference
            }
            None => self.next_ref(),
        };
        self.write_trace(reference, &trace).await?;
        Ok(trace)
    }

    async fn write_trace(&mut self, reference: i64, trace: &Trace) -> Outcome<()> {
        let doc = written(trace)?;
        let sql = "INSERT INTO traces (ref, id, group_id, at_ms, change, doc) VALUES ($1, $2, $3, $4, $5, $6) \
                   ON CONFLICT (ref) DO UPDATE SET group_id = excluded.group_id, at_ms = excluded.at_ms, \
                   change = excluded.change, doc = excluded.doc";
        let args = vec![
            Arg::Int(reference),
            Arg::from(trace.id.as_str()),
            Arg::Int(trace.group),
            Arg::Int(trace.at_ms),
            Arg::Int(self.change),
            Arg::Text(doc),
        ];
        self.connection.execute(sql, args).await?;
        Ok(())
    }

    async fn trace(&mut self, id: &str) -> Outcome<Option<(i64, Trace)>> {
        let sql = "SELECT ref, id, group_id, at_ms, doc FROM traces WHERE id = $1";
        let rows = self.connection.fetch(sql, vec![id.into()]).await?;
        match rows.first() {
            Some(row) => Ok(Some((row.int(0)?, read_trace(row, 1)?))),
            None => Ok(None),
        }
    }

    /// Changes a trace.
    pub async fn change_trace<T>(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Trace) -> Result<T, RunsError> + Send,
    ) -> Outcome<T> {
        let found = self.trace(id).await?;
        let (reference, mut trace) = found.ok_or_else(|| RunsError::missing("trace", id))?;
        let answer = change(&mut trace)?;
        self.write_trace(reference, &trace).await?;
        Ok(answer)
    }

    /// Links traces to a run. Those that are not there are left out.
    pub async fn link_traces(&mut self, ids: Vec<String>, run: String) -> Outcome<()> {
        for id in ids {
            if let Some((reference, mut trace)) = self.trace(&id).await?
                && !trace.runs.contains(&run)
            {
                trace.runs.push(run.clone());
                self.write_trace(reference, &trace).await?;
            }
        }
        Ok(())
    }

    /// Deletes traces with their spans; how many.
    pub async fn delete_traces(&mut self, cull: TraceCull) -> Outcome<u64> {
        let until = Arg::Int(cull.until_ms.unwrap_or(i64::MAX));
        let most = Arg::Int(cull.limit.map_or(i64::MAX, |n| n.max(0)));
        let rows = match cull.ids.is_empty() {
            true => {
                let sql = "SELECT ref FROM traces WHERE group_id = $1 AND at_ms <= $2 ORDER BY at_ms, id LIMIT $3";
                self.connection
                    .fetch(sql, vec![Arg::Int(cull.group), until, most])
                    .await?
            }
            false => {
                let sql = format!(
                    "SELECT ref FROM traces WHERE {} AND group_id = $2 AND at_ms <= $3 ORDER BY at_ms, id LIMIT $4",
                    self.connection.within("id")
                );
                let ids = Arg::Text(written(&cull.ids)?);
                let args = vec![ids, Arg::Int(cull.group), until, most];
                self.connection.fetch(&sql, args).await?
            }
        };
        for row in &rows {
            let reference = row.int(0)?;
            for sql in [
                "DELETE FROM spans WHERE trace = $1",
                "DELETE FROM traces WHERE ref = $1",
            ] {
                self.connection.execute(sql, vec![Arg::Int(reference)]).await?;
            }
        }
        Ok(rows.len() as u64)
    }

    /// Keeps spans of a group. Traces that are not there yet begin with their first spans; `told` makes one of its spans.
    pub async fn put_spans(
        &mut self,
        group: i64,
        spans: Vec<Span>,
        told: impl Fn(&mut Trace, &[&Span]) + Send,
    ) -> Outcome<()> {
        self.active_group(group).await?;
        let mut by_trace: BTreeMap<String, Vec<&Span>> = BTreeMap::new();
        for span in &spans {
            by_trace.entry(span.trace.clone()).or_default().push(span);
        }
        for (id, spans) in by_trace {
            let (reference, mut trace) = match self.trace(&id).await? {
                Some(found) => found,
                None => (self.next_ref(), Trace::begun(id, group)),
            };
            told(&mut trace, &spans);
            self.write_trace(reference, &trace).await?;
            for span in spans {
                let doc = span.doc.to_string();
                let sql = "INSERT INTO spans (trace, id, started_ns, doc) VALUES ($1, $2, $3, $4) \
                           ON CONFLICT (trace, id) DO UPDATE SET started_ns = excluded.started_ns, doc = excluded.doc";
                let args = vec![
                    Arg::Int(reference),
                    Arg::from(span.id.as_str()),
                    Arg::Int(span.started_ns),
                    Arg::Text(doc),
                ];
                self.connection.execute(sql, args).await?;
            }
        }
        Ok(())
    }
}

impl Trace {
    /// A trace that nothing is known of yet.
    pub fn begun(id: String, group: i64) -> Trace {
        Trace {
            id,
            group,
            at_ms: 0,
            took_ms: None,
            state: "IN_PROGRESS".into(),
            client_id: None,
            asked: None,
            answered: None,
            tags: BTreeMap::new(),
            metadata: BTreeMap::new(),
            assessments: Vec::new(),
            runs: Vec::new(),
            prompts: Vec::new(),
        }
    }

    /// Ended, milliseconds since 1970 UTC; as it began where nothing is known of its end.
    pub fn end_ms(&self) -> i64 {
        self.at_ms.saturating_add(self.took_ms.unwrap_or(0))
    }
}

/// A trace of a row whose columns are, from `at`: id, group, time, document.
pub(crate) fn read_trace(row: &Row, at: usize) -> Result<Trace, sqlx::Error> {
    let mut trace: Trace = row.document(at + 3)?;
    trace.id = row.text(at)?;
    trace.group = row.int(at + 1)?;
    trace.at_ms = row.int(at + 2)?;
    Ok(trace)
}
