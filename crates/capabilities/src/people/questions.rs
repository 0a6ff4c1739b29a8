//! Questions that were asked, and whether their answers still hold.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::json;
use steward_compute::{Query, Value};
use steward_definitions::Question;

use crate::evidence::Concluded;
use crate::metrics;
use crate::{CapabilityError, Context};

/// Rows of an answer that are kept.
const MOST_ROWS: u64 = 200;

/// Where a question stands; computed, never typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionState {
    /// No query, and wanted by a day that has passed.
    Overdue,
    /// No query answers it yet.
    Open,
    /// Its answer must be looked at again.
    Expired,
    /// A query answers it.
    Answered,
}

impl QuestionState {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            QuestionState::Overdue => "overdue",
            QuestionState::Open => "open",
            QuestionState::Expired => "expired",
            QuestionState::Answered => "answered",
        }
    }
}

/// A question in the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuestionStatus {
    /// Question.
    pub question: String,
    /// As it was asked.
    pub asks: String,
    /// Who answers.
    pub owner: String,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_on: String,
    /// Wanted by.
    pub due: Option<String>,
    /// The decision that it changes.
    pub decision: Option<String>,
    /// When the answer expires.
    pub expires: Option<String>,
    /// Where it stands.
    pub state: QuestionState,
    /// Days that it has waited, while it is open.
    pub waits: Option<i64>,
}

/// An answer: the rows of the saved query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Columns.
    pub columns: Vec<String>,
    /// At most 200 rows.
    pub rows: Vec<Vec<Value>>,
    /// The query.
    pub sql: String,
}

fn today(context: &Context) -> Result<Date, CapabilityError> {
    let now = Timestamp::from_microsecond(context.now_us).map_err(|e| CapabilityError::Invalid(e.to_string()))?;
    Ok(TimeZone::UTC.to_datetime(now).date())
}

/// The queue: what is overdue first, then by the day it was asked.
///
/// # Errors
/// If "now" is no moment of the calendar.
pub fn questions(context: &Context) -> Result<Vec<QuestionStatus>, CapabilityError> {
    let today = today(context)?;
    let mut all: Vec<QuestionStatus> = context.project.questions.values().map(|q| status(q, today)).collect();
    all.sort_by(|a, b| (a.state, &a.due, &a.asked_on, &a.question).cmp(&(b.state, &b.due, &b.asked_on, &b.question)));
    Ok(all)
}

fn status(q: &Question, today: Date) -> QuestionStatus {
    let past = |day: &Option<String>| {
        day.as_deref()
            .and_then(|d| d.parse::<Date>().ok())
            .is_some_and(|d| today >= d)
    };
    let state = match (&q.query, past(&q.expires)) {
        (Some(_), true) => QuestionState::Expired,
        (Some(_), false) => QuestionState::Answered,
        (None, _) if past(&q.due) => QuestionState::Overdue,
        (None, _) => QuestionState::Open,
    };
    let asked = q.asked_on.parse::<Date>().ok();
    QuestionStatus {
        question: q.meta.name.clone(),
        asks: q.asks.clone(),
        owner: q.meta.owner.clone(),
        asked_by: q.asked_by.clone(),
        asked_on: q.asked_on.clone(),
        due: q.due.clone(),
        decision: q.decision.clone(),
        expires: q.expires.clone(),
        state,
        waits: q
            .query
            .is_none()
            .then(|| asked.map(|d| i64::from((today - d).get_days())))
            .flatten(),
    }
}

/// Runs the saved query of a question; the answer is evidence (subject `question/<name>`).
///
/// # Errors
/// If there is no such question, it has no query yet, or the query fails.
pub async fn answer(context: &Context, name: &str) -> Result<Concluded<Answer>, CapabilityError> {
    let question = context
        .project
        .questions
        .get(name)
        .ok_or_else(|| CapabilityError::Unknown {
            kind: "question".into(),
            name: name.into(),
            near: crate::error::nearest(name, context.project.questions.keys()),
        })?;
    let Some(sql) = &question.query else {
        return Err(CapabilityError::Invalid(format!(
            "question {name} has no `query` yet; its owner is {}",
            question.meta.owner
        )));
    };
    let reference = steward_definitions::Reference::new(steward_definitions::Kind::Question, name);
    let (sql, tables) = metrics::select(&context.project, sql, Some(MOST_ROWS))?;
    let definitions = std::collections::BTreeMap::from([(reference.to_string(), question.meta.digest.clone())]);
    crate::evidence::conclude(
        context,
        &reference.to_string(),
        definitions,
        &tables,
        json!({}),
        || async {
            let query = Query {
                label: format!("question {name}"),
                sql: sql.clone(),
                parameters: Vec::new(),
            };
            let found = context.engine.run(&query, &context.control).await?;
            let columns: Vec<String> = found.columns().into_iter().map(str::to_owned).collect();
            let mut rows = vec![Vec::with_capacity(columns.len()); found.len()];
            for column in &columns {
                for (row, value) in rows.iter_mut().zip(found.values(column)?) {
                    row.push(value);
                }
            }
            let answer = Answer {
                columns,
                rows,
                sql: found.sql.clone(),
            };
            Ok((
                answer,
                json!({ "engine": context.engine.name(), "queries": [found.sql] }),
            ))
        },
    )
    .await
}
