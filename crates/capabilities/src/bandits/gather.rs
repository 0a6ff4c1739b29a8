//! Sums of plays by batch, context and arm: one query, one small row per group.

use std::fmt::Write as _;

use steward_compute::{Query, Value};
use steward_definitions::sql::{Expression, quote};
use steward_definitions::{Bandit, Dataset};
use steward_stats::Moments;

use super::projection::Weighing;
use super::types::Missing;
use crate::{CapabilityError, Context};

/// Most weighings that one query tells apart.
const MOST_BATCHES: usize = 1000;

/// Plays under the same weights in the same context.
#[derive(Clone, Debug)]
pub struct Stratum {
    /// Which weighing was served: 0 before the first.
    pub batch: usize,
    /// Position among the bandit's cells; `None`: values that it does not name, or no context.
    pub cell: Option<usize>,
    /// By arm: moments of the reward, or of (reward, reward/p, 1/p) where p is logged.
    pub arms: Vec<Moments>,
}

/// All plays.
pub struct Gathered {
    /// In order of batch and cell.
    pub strata: Vec<Stratum>,
    /// What was left out.
    pub missing: Missing,
    /// As run.
    pub sql: String,
}

impl Gathered {
    /// Moments of each arm's reward, all strata together.
    pub fn totals(&self, arms: usize) -> Vec<Moments> {
        let mut all = vec![Moments::empty(1); arms];
        for stratum in &self.strata {
            for (total, own) in all.iter_mut().zip(&stratum.arms) {
                total.merge(&own.select(&[0]));
            }
        }
        all
    }
}

struct Writer<'a> {
    dataset: &'a Dataset,
    parameters: Vec<Value>,
}

impl Writer<'_> {
    fn bind(&mut self, value: Value) -> String {
        self.parameters.push(value);
        format!("${}", self.parameters.len())
    }

    /// An expression over columns, written anew with quoted names.
    fn expression(&self, text: &str) -> Result<String, CapabilityError> {
        let invalid = |cause: String| CapabilityError::Invalid(format!("{}: {cause}", self.dataset.meta.name));
        let parsed = Expression::parse(text).map_err(|e| invalid(format!("`{text}` {}", e.message)))?;
        let known = &self.dataset.columns;
        if let Some(name) = parsed
            .column_names()
            .iter()
            .find(|n| !known.is_empty() && !known.iter().any(|c| c.name == **n))
        {
            return Err(invalid(format!("there is no column {name:?}")));
        }
        Ok(parsed
            .substitute(|parts| parts.last().map(|name| Expression::column(name)))
            .to_string())
    }

    /// A column's moment, of text as of timestamps.
    fn time(&self, name: &str) -> String {
        let text = self
            .dataset
            .columns
            .iter()
            .any(|c| c.name == name && c.logical_type == "string");
        if text {
            format!("CAST({} AS TIMESTAMP)", quote(name))
        } else {
            quote(name)
        }
    }

    /// The position of a column's text among words, −1 for none.
    fn position(&mut self, column: &str, words: &[String]) -> String {
        let text = format!("CAST({} AS VARCHAR)", quote(column));
        let mut case = String::from("CASE");
        for (at, word) in words.iter().enumerate() {
            let word = self.bind(Value::Text(word.clone()));
            let _ = write!(case, " WHEN {text} = {word} THEN {at}");
        }
        case + " ELSE -1 END"
    }
}

/// Reads plays from `from` (inclusive) up to `cut` (exclusive); weighings are those served meanwhile, oldest first.
pub async fn gather(
    context: &Context,
    bandit: &Bandit,
    (from, cut): (Option<i64>, i64),
    weighings: &[Weighing],
) -> Result<Gathered, CapabilityError> {
    let plays = &bandit.plays;
    let dataset = context
        .project
        .datasets
        .get(&plays.dataset)
        .ok_or_else(|| CapabilityError::Unknown {
            kind: "dataset".into(),
            name: plays.dataset.clone(),
            near: crate::error::nearest(&plays.dataset, context.project.datasets.keys()),
        })?;
    if weighings.len() > MOST_BATCHES {
        return Err(CapabilityError::Invalid(format!(
            "bandit {} was updated {} times: give it a later `start`, so that at most {MOST_BATCHES} count",
            bandit.meta.name,
            weighings.len()
        )));
    }
    let query = query(bandit, dataset, (from, cut), weighings)?;
    let rows = context.engine.run(&query, &context.control).await?;
    let logged = plays.propensity.is_some();
    let width = if logged { 3 } else { 1 };
    let (arms, batches) = (rows.integers("a")?, rows.integers("b")?);
    let (counts, moments) = (rows.integers("n")?, rows.moments_or_empty("m", width)?);
    let mut features = Vec::new();
    for i in 0..bandit.context.len() {
        features.push(rows.integers(&format!("c{i}"))?);
    }
    let mut missing = Missing::default();
    let mut strata: std::collections::BTreeMap<(usize, Option<usize>), Vec<Moments>> = Default::default();
    for row in 0..rows.len() {
        let number = |column: &[Option<i64>]| column.get(row).copied().flatten().unwrap_or(-1);
        let count = u64::try_from(number(&counts)).unwrap_or(0);
        let Ok(arm) = usize::try_from(number(&arms)) else {
            missing.unknown_arms += count;
            continue;
        };
        let Some(own) = moments.get(row) else { continue };
        missing.rewards += count.saturating_sub(own.count());
        let mut cell = (!bandit.context.is_empty()).then_some(0usize);
        for (feature, values) in bandit.context.iter().zip(&features) {
            cell = cell.and_then(|c| Some(c * feature.values.len() + usize::try_from(number(values)).ok()?));
        }
        let batch = usize::try_from(number(&batches)).unwrap_or(0);
        let of = strata
            .entry((batch, cell))
            .or_insert_with(|| vec![Moments::empty(width); bandit.arms.len()]);
        if let Some(slot) = of.get_mut(arm) {
            slot.merge(own);
        }
    }
    Ok(Gathered {
        strata: strata
            .into_iter()
            .map(|((batch, cell), arms)| Stratum { batch, cell, arms })
            .collect(),
        missing,
        sql: rows.sql.clone(),
    })
}

fn query(
    bandit: &Bandit,
    dataset: &Dataset,
    (from, cut): (Option<i64>, i64),
    weighings: &[Weighing],
) -> Result<Query, CapabilityError> {
    let plays = &bandit.plays;
    let mut w = Writer {
        dataset,
        parameters: Vec::new(),
    };
    let time = w.time(&plays.time);
    let mut inner = format!(
        "SELECT {} AS a, CAST({} AS DOUBLE) AS v, {time} AS t",
        w.position(&plays.arm, &bandit.arms),
        w.expression(&plays.reward)?
    );
    for (i, feature) in bandit.context.iter().enumerate() {
        let position = w.position(&feature.column, &feature.values);
        let _ = write!(inner, ", {position} AS c{i}");
    }
    if let Some(unit) = &plays.unit {
        let _ = write!(inner, ", {} AS u", quote(unit));
    }
    if let Some(p) = &plays.propensity {
        let _ = write!(inner, ", CAST({} AS DOUBLE) AS p", quote(p));
    }
    let end = w.bind(Value::Timestamp(cut));
    let _ = write!(inner, " FROM {} WHERE {time} < {end}", quote(&dataset.meta.name));
    if let Some(from) = from {
        let from = w.bind(Value::Timestamp(from));
        let _ = write!(inner, " AND {time} >= {from}");
    }
    // A unit counts by its first play: what it saw first was drawn with the weights of that moment.
    let (ranked, first) = match plays.unit {
        Some(_) => (
            ", row_number() OVER (PARTITION BY u ORDER BY t, a) AS k",
            " WHERE k = 1",
        ),
        None => ("", ""),
    };
    let mut batch = String::from("CASE");
    for (at, weighing) in weighings.iter().enumerate() {
        let since = w.bind(Value::Timestamp(weighing.from_us));
        let _ = write!(batch, " WHEN t < {since} THEN {at}");
    }
    let batch = match weighings.len() {
        0 => "0".to_owned(),
        n => format!("{batch} ELSE {n} END"),
    };
    let keys: String = (0..bandit.context.len()).map(|i| format!(", c{i}")).collect();
    let arguments = match plays.propensity {
        Some(_) => "v, v / p, 1.0 / p",
        None => "v",
    };
    Ok(Query {
        label: format!("bandit {}: plays", bandit.meta.name),
        sql: format!(
            "WITH x AS ({inner}), y AS (SELECT *{ranked} FROM x), z AS (SELECT *, {batch} AS b FROM y{first}) \
             SELECT a, b{keys}, count(*) AS n, moments({arguments}) AS m FROM z GROUP BY a, b{keys} ORDER BY b, a{keys}"
        ),
        parameters: w.parameters,
    })
}
