//! Searching traces.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::matching::{TextMatch, number_fits};
use super::{Page, twice};
use crate::RunsError;
use crate::db::Arg;
use crate::grammar::{Clause, Kind, Op, Order, PROMPTS, SOURCE_RUN, Value as Operand};
use crate::store::RunStore;
use crate::traces::{Assessment, Judgement, Span, Trace, read_trace};

/// Traces read at once.
const CHUNK: i64 = 2000;
/// The session that a trace, or an assessment of a whole session, belongs to.
const SESSION: &str = "mlflow.trace.session";

/// A search of traces.
#[derive(Clone, Debug)]
pub struct TraceSearch {
    /// In these groups.
    pub groups: Vec<i64>,
    /// That fit all of these.
    pub filter: Vec<Clause>,
    /// In this order; then newest first, then by id.
    pub orders: Vec<Order>,
    /// Left out at the beginning.
    pub offset: usize,
    /// At most so many.
    pub limit: usize,
}

/// How often two filters fit traces, alone and together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Traces in question.
    pub total: u64,
    /// That fit the first.
    pub first: u64,
    /// That fit the second.
    pub second: u64,
    /// That fit both.
    pub both: u64,
}

impl RunStore {
    /// Finds traces.
    ///
    /// # Errors
    /// If an order names a field twice, or the database fails.
    pub async fn search_traces(&self, search: TraceSearch) -> Result<Page<Trace>, RunsError> {
        if twice(&search.orders) {
            return Err(RunsError::Invalid("`order_by` contains duplicate fields".into()));
        }
        let mut traces = match search.filter.is_empty() && search.orders.is_empty() {
            true => {
                let most = search.offset.saturating_add(search.limit).saturating_add(1);
                self.newest(&search.groups, most).await?
            }
            false => self.fitting(&search.groups, &search.filter).await?,
        };
        traces.sort_by(|a, b| compare(a, b, &search.orders));
        let more = traces.len() > search.offset.saturating_add(search.limit);
        let items = traces.into_iter().skip(search.offset).take(search.limit).collect();
        Ok(Page { items, more })
    }

    /// Counts how often filters fit, among traces that fit `base`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn trace_counts(
        &self,
        groups: &[i64],
        base: &[Clause],
        first: &[Clause],
        second: &[Clause],
    ) -> Result<Counts, RunsError> {
        let with = |more: &[Clause]| base.iter().chain(more).cloned().collect::<Vec<_>>();
        let ids = |traces: Vec<Trace>| traces.into_iter().map(|t| t.id).collect::<BTreeSet<_>>();
        let total = self.fitting(groups, base).await?.len() as u64;
        let first = ids(self.fitting(groups, &with(first)).await?);
        let second = ids(self.fitting(groups, &with(second)).await?);
        Ok(Counts {
            total,
            first: first.len() as u64,
            second: second.len() as u64,
            both: first.intersection(&second).count() as u64,
        })
    }

    /// The newest traces of each group, so many: the database has them in order.
    async fn newest(&self, groups: &[i64], most: usize) -> Result<Vec<Trace>, RunsError> {
        let sql = "SELECT id, group_id, at_ms, doc FROM traces WHERE group_id = $1 ORDER BY at_ms DESC, id LIMIT $2";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut found = Vec::new();
        for group in groups {
            let args = vec![Arg::Int(*group), Arg::Int(most)];
            for row in self.pool.fetch(sql, args).await.map_err(self.fail())? {
                found.push(read_trace(&row, 0).map_err(self.fail())?);
            }
        }
        Ok(found)
    }

    /// Traces of groups that fit.
    async fn fitting(&self, groups: &[i64], filter: &[Clause]) -> Result<Vec<Trace>, RunsError> {
        let asks: Vec<TextMatch<'_>> = filter.iter().map(TextMatch::new).collect();
        let (of_spans, asks): (Vec<_>, Vec<_>) = asks.into_iter().partition(|a| a.clause.kind == Kind::Span);
        let (judged, others): (Vec<_>, Vec<_>) = asks
            .into_iter()
            .partition(|a| matches!(a.clause.kind, Kind::Feedback | Kind::Expectation));
        let mut found = Vec::new();
        let sql =
            "SELECT ref, id, group_id, at_ms, doc FROM traces WHERE group_id = $1 AND ref > $2 ORDER BY ref LIMIT $3";
        for group in groups {
            let mut after = 0;
            loop {
                let args = vec![Arg::Int(*group), Arg::Int(after), Arg::Int(CHUNK)];
                let rows = self.pool.fetch(sql, args).await.map_err(self.fail())?;
                for row in &rows {
                    let read = || Ok((row.int(0)?, read_trace(row, 1)?));
                    let (reference, trace) = read().map_err(self.fail())?;
                    after = reference;
                    let fitting = others.iter().all(|ask| fits(&trace, ask));
                    // Whole sessions are judged together: those are looked at when all are there.
                    if fitting || !judged.is_empty() {
                        found.push((reference, trace, fitting));
                    }
                }
                if rows.len() < usize::try_from(CHUNK).unwrap_or(usize::MAX) {
                    break;
                }
            }
        }
        for ask in judged {
            let sessions: BTreeSet<String> = found
                .iter()
                .filter(|(_, trace, _)| trace.assessments.iter().any(|a| of_session(a) && thought(a, &ask)))
                .filter_map(|(_, trace, _)| trace.metadata.get(SESSION).cloned())
                .collect();
            for (_, trace, fits) in &mut found {
                let direct = trace.assessments.iter().any(|a| thought(a, &ask));
                let through = trace.metadata.get(SESSION).is_some_and(|s| sessions.contains(s));
                *fits &= (direct || through) != ask.missing();
            }
        }
        found.retain(|(_, _, fits)| *fits);
        if !of_spans.is_empty() {
            let mut kept = Vec::with_capacity(found.len());
            for (reference, trace, fits) in found {
                if self
                    .spans_of(reference)
                    .await?
                    .iter()
                    .any(|(doc, span)| of_spans.iter().all(|ask| span_fits(doc, span, ask)))
                {
                    kept.push((reference, trace, fits));
                }
            }
            found = kept;
        }
        Ok(found.into_iter().map(|(_, trace, _)| trace).collect())
    }

    /// Spans of a trace: as they are kept, and read.
    async fn spans_of(&self, trace: i64) -> Result<Vec<(String, Value)>, RunsError> {
        let sql = "SELECT doc FROM spans WHERE trace = $1 ORDER BY started_ns, id";
        let rows = self.pool.fetch(sql, vec![Arg::Int(trace)]).await.map_err(self.fail())?;
        let read = |row: &crate::db::Row| Ok((row.text(0)?, row.document(0)?));
        rows.iter().map(read).collect::<Result<_, _>>().map_err(self.fail())
    }

    /// A trace.
    ///
    /// # Errors
    /// If there is none.
    pub async fn trace(&self, id: &str) -> Result<Trace, RunsError> {
        let found = self.traces(&[id.to_owned()]).await?;
        found.into_iter().next().ok_or_else(|| RunsError::missing("trace", id))
    }

    /// Traces by id, in that order; those that are not there are left out.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn traces(&self, ids: &[String]) -> Result<Vec<Trace>, RunsError> {
        let sql = format!(
            "SELECT id, group_id, at_ms, doc FROM traces WHERE {}",
            self.pool.within("id")
        );
        let list = serde_json::to_string(ids).unwrap_or_default();
        let mut found = HashMap::new();
        for row in self
            .pool
            .fetch(&sql, vec![Arg::Text(list)])
            .await
            .map_err(self.fail())?
        {
            let trace = read_trace(&row, 0).map_err(self.fail())?;
            found.insert(trace.id.clone(), trace);
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// A trace's spans by time.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn spans(&self, id: &str) -> Result<Vec<Span>, RunsError> {
        let sql = "SELECT s.id, s.started_ns, s.doc FROM spans s JOIN traces t ON t.ref = s.trace WHERE t.id = $1 \
                   ORDER BY s.started_ns, s.id";
        let rows = self.pool.fetch(sql, vec![id.into()]).await.map_err(self.fail())?;
        let read = |row: &crate::db::Row| -> Result<Span, sqlx::Error> {
            Ok(Span {
                trace: id.to_owned(),
                id: row.text(0)?,
                started_ns: row.int(1)?,
                doc: row.document(2)?,
            })
        };
        rows.iter().map(read).collect::<Result<_, _>>().map_err(self.fail())
    }
}

fn fits(trace: &Trace, ask: &TextMatch<'_>) -> bool {
    let clause = ask.clause;
    let text = |value: Option<&str>| ask.holds(value);
    let number = |value: Option<i64>| value.is_some_and(|value| number_fits(clause, value as f64));
    match (clause.kind, clause.key.as_str()) {
        (Kind::Tag, PROMPTS) => match &clause.value {
            Operand::Text(prompt) => trace.prompts.contains(prompt),
            _ => text(None),
        },
        (Kind::Tag, key) => text(trace.tags.get(key).map(String::as_str)),
        (Kind::Metadata, SOURCE_RUN) if clause.op == Op::Eq => {
            text(trace.metadata.get(SOURCE_RUN).map(String::as_str))
                || matches!(&clause.value, Operand::Text(run) if trace.runs.contains(run))
        }
        (Kind::Metadata, key) => text(trace.metadata.get(key).map(String::as_str)),
        (Kind::Issue, _) => trace
            .assessments
            .iter()
            .any(|a| a.kind == Judgement::Issue && matches!(&clause.value, Operand::Text(id) if *id == a.name)),
        (_, "timestamp_ms") => number(Some(trace.at_ms)),
        (_, "execution_time_ms") => number(trace.took_ms),
        (_, "end_time_ms") => number(Some(trace.end_ms())),
        (_, "status") => text(Some(&trace.state)),
        (_, "client_request_id") => text(trace.client_id.as_deref()),
        _ => text(Some(&trace.id)),
    }
}

/// Whether an assessment is about the whole session of its trace.
fn of_session(assessment: &Assessment) -> bool {
    assessment.metadata.contains_key(SESSION)
}

/// Whether an assessment says what a clause asks; for `IS NULL`, whether it is there.
fn thought(assessment: &Assessment, ask: &TextMatch<'_>) -> bool {
    let clause = ask.clause;
    let kind = match assessment.kind {
        Judgement::Feedback => Kind::Feedback,
        Judgement::Expectation => Kind::Expectation,
        Judgement::Issue => return false,
    };
    if kind != clause.kind || assessment.name != clause.key || !assessment.valid {
        return false;
    }
    match (clause.op, &clause.value) {
        (Op::IsNull | Op::IsNotNull, _) => true,
        (_, Operand::Number(_)) => assessment.value.as_f64().is_some_and(|v| number_fits(clause, v)),
        (Op::Eq | Op::Ne, Operand::Text(text)) => {
            let json = assessment.value.to_string();
            let same = json == *text || assessment.value.as_str() == Some(text) || same_number(&assessment.value, text);
            same == (clause.op == Op::Eq)
        }
        _ => ask.fits(&assessment.value.to_string()),
    }
}

fn same_number(value: &Value, text: &str) -> bool {
    matches!((value.as_f64(), text.parse::<f64>()), (Some(a), Ok(b)) if a == b)
}

fn span_fits(doc: &str, span: &Value, ask: &TextMatch<'_>) -> bool {
    match ask.clause.key.as_str() {
        "content" => ask.fits(doc),
        "name" => ask.fits(span["name"].as_str().unwrap_or_default()),
        "status" => {
            let code = span["status"]["code"].as_str().unwrap_or_default();
            ask.fits(code.strip_prefix("STATUS_CODE_").unwrap_or(code))
        }
        "type" => attribute(span, "mlflow.spanType").is_some_and(|v| ask.fits(&plain(&v))),
        key => key
            .strip_prefix("attributes.")
            .and_then(|key| attribute(span, key.trim_matches('`')))
            .is_some_and(|value| ask.fits(&plain(&value))),
    }
}

/// An attribute of a span: its value, which clients write as JSON.
fn attribute(span: &Value, key: &str) -> Option<Value> {
    let value = span["attributes"].get(key)?;
    match value {
        Value::String(text) => Some(serde_json::from_str(text).unwrap_or_else(|_| value.clone())),
        other => Some(other.clone()),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn compare(a: &Trace, b: &Trace, orders: &[Order]) -> Ordering {
    for order in orders {
        let turned = |by: Ordering| if order.ascending { by } else { by.reverse() };
        let texts = |a: Option<&String>, b: Option<&String>| match (a, b) {
            (Some(a), Some(b)) => turned(a.cmp(b)),
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        let numbers = |a: Option<i64>, b: Option<i64>| match (a, b) {
            (Some(a), Some(b)) => turned(a.cmp(&b)),
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        let by = match (order.kind, order.key.as_str()) {
            (Kind::Tag, key) => texts(a.tags.get(key), b.tags.get(key)),
            (Kind::Metadata, key) => texts(a.metadata.get(key), b.metadata.get(key)),
            (_, "timestamp_ms") => numbers(Some(a.at_ms), Some(b.at_ms)),
            (_, "execution_time_ms") => numbers(a.took_ms, b.took_ms),
            (_, "end_time_ms") => numbers(Some(a.end_ms()), Some(b.end_ms())),
            (_, "experiment_id") => numbers(Some(a.group), Some(b.group)),
            (_, "status") => texts(Some(&a.state), Some(&b.state)),
            _ => texts(Some(&a.id), Some(&b.id)),
        };
        if by.is_ne() {
            return by;
        }
    }
    b.at_ms.cmp(&a.at_ms).then_with(|| a.id.cmp(&b.id))
}
