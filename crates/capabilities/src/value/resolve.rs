//! Resolving a frozen bet: by its query, by its experiment, or as failed because it is abandoned.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use steward_compute::Value;
use steward_definitions::Bet;
use steward_ledger::{Evidence, Filter};

use super::events::{RESOLVED, ResolvedPayload, event};
use super::freeze::{overdue, record};
use super::types::{FrozenBet, Resolved};
use crate::evidence::Concluded;
use crate::experiments::{self, ExperimentStatus, Outcome, ReadoutOptions};
use crate::{CapabilityError, Context, governance, metrics};

/// What resolves a bet said.
enum Answer {
    /// Yes or no.
    Settled {
        succeeded: bool,
        by: &'static str,
        detail: String,
        evidence: Evidence,
    },
    /// Not yet, with the reason.
    Open(String),
}

/// Resolves every open version.
pub async fn resolve(
    context: &Context,
    name: &str,
    actor: &str,
    abandon: Option<&str>,
) -> Result<Resolved, CapabilityError> {
    let actor = actor.trim();
    let why = abandon.map_or("its query resolves it", str::trim);
    governance::accountable(&context.project, actor, why)?;
    let known = record(context).await?;
    let Some(versions) = known.0.get(name) else {
        if context.project.bets.contains_key(name) {
            return Err(CapabilityError::Refused(format!(
                "bet {name} is not frozen: what was never promised cannot be resolved; run `steward bet freeze {name}`"
            )));
        }
        return Err(CapabilityError::Unknown {
            kind: "bet".into(),
            name: name.into(),
            near: crate::error::nearest(name, known.0.keys().chain(context.project.bets.keys())),
        });
    };
    let mut open = Vec::new();
    let mut events = Vec::new();
    for version in versions.iter().filter(|v| v.resolution.is_none()) {
        let (succeeded, by, detail, evidence) = match abandon {
            Some(_) => (false, "abandoned", why.to_string(), Vec::new()),
            None => match ask(context, name, version).await? {
                Answer::Settled {
                    succeeded,
                    by,
                    detail,
                    evidence,
                } => (succeeded, by, detail, vec![evidence.citation()]),
                Answer::Open(why) => {
                    open.push((version.version, why));
                    continue;
                }
            },
        };
        let payload = ResolvedPayload {
            version: version.version,
            succeeded,
            by: by.into(),
            evidence,
        };
        events.push(event(RESOLVED, name, actor, &payload, &detail)?);
    }
    if !events.is_empty() {
        let subject = format!("bet/{name}");
        let about = Filter {
            subject: Some(subject.clone()),
            last: Some(1),
            ..Filter::default()
        };
        let last = context.ledger.read(&about).await?.last().map(|e| e.sequence);
        let now = record(context).await?.0.remove(name).unwrap_or_default();
        let same = now
            .iter()
            .map(|v| &v.resolution)
            .eq(versions.iter().map(|v| &v.resolution));
        if !same || context.ledger.append_if(&subject, last, events).await?.is_none() {
            return Err(CapabilityError::Refused(format!(
                "others decide on {subject} at this moment; look at it and try again"
            )));
        }
    }
    Ok(Resolved {
        name: name.into(),
        versions: record(context).await?.0.remove(name).unwrap_or_default(),
        open,
    })
}

async fn ask(context: &Context, name: &str, version: &FrozenBet) -> Result<Answer, CapabilityError> {
    let late = |why: String| match overdue(context, &version.bet) {
        true => format!(
            "{why}; it was to be resolved by {}",
            version.bet.resolve_by.as_deref().unwrap_or("then")
        ),
        false => why,
    };
    let found = match (&version.bet.resolve, &version.bet.experiment) {
        (Some(sql), _) => query(context, name, version, sql).await?,
        (None, Some(experiment)) => experiment_says(context, &version.bet, experiment).await?,
        (None, None) => Answer::Open("nothing resolves it: its definition names no experiment and no query".into()),
    };
    Ok(match found {
        Answer::Open(why) => Answer::Open(late(why)),
        settled => settled,
    })
}

/// The frozen query; what the folder says now plays no part.
async fn query(context: &Context, name: &str, version: &FrozenBet, sql: &str) -> Result<Answer, CapabilityError> {
    let (checked, tables) = metrics::select(&context.project, sql, Some(2))?;
    let definitions = BTreeMap::from([(format!("bet/{name}"), version.digest.clone())]);
    let parameters = json!({ "version": version.version, "query": sql });
    let subject = format!("bet/{name}");
    let concluded: Concluded<Option<bool>> =
        crate::evidence::conclude(context, &subject, definitions, &tables, parameters, || async {
            let answer = metrics::sql_query(context, &checked, Some(2)).await?;
            let refused = |what: String| {
                CapabilityError::Invalid(format!(
                    "the query that resolves bet {name} answered {what}: it must answer one row of one column, true, false or null"
                ))
            };
            let columns: Vec<String> = answer.rows.columns().iter().map(|c| c.to_string()).collect();
            let ([column], 1) = (columns.as_slice(), answer.rows.len()) else {
                return Err(refused(format!("{} row(s) of {} column(s)", answer.rows.len(), columns.len())));
            };
            let value = match answer.rows.value(0, column)? {
                Value::Null => None,
                Value::Boolean(b) => Some(b),
                other => return Err(refused(format!("{other:?}"))),
            };
            let provenance: Json = json!({ "engine": context.engine.name(), "sql": [answer.provenance.ran] });
            Ok((value, provenance))
        })
        .await?;
    Ok(match concluded.value {
        None => Answer::Open("its query answers null: not yet".into()),
        Some(succeeded) => Answer::Settled {
            succeeded,
            by: "query",
            detail: format!("its query answered {succeeded}"),
            evidence: concluded.evidence,
        },
    })
}

/// An experiment that ended and can be trusted: success is a lift whose interval lies wholly on the stated side.
async fn experiment_says(context: &Context, bet: &Bet, experiment: &str) -> Result<Answer, CapabilityError> {
    let concluded = experiments::conclude(context, experiment, &ReadoutOptions::default()).await?;
    let readout = &concluded.value;
    if readout.status != ExperimentStatus::Ended {
        return Ok(Answer::Open(format!("experiment {experiment} has not ended")));
    }
    if readout.outcome == Outcome::DoNotTrust {
        return Ok(Answer::Open(format!(
            "experiment {experiment} cannot be trusted: {}",
            readout.verdict
        )));
    }
    let wanted = readout.variant.as_deref();
    let mut found = readout.metrics.iter().filter(|m| m.metric == bet.metric);
    let Some(metric) = found
        .clone()
        .find(|m| wanted.is_none_or(|v| v == m.variant))
        .or_else(|| found.next())
    else {
        return Ok(Answer::Open(format!(
            "experiment {experiment} does not measure {}",
            bet.metric
        )));
    };
    let lift = match (metric.relative.estimate(), metric.relative.refusal()) {
        (Some(lift), _) => lift,
        (None, refusal) => {
            let why = refusal.map(ToString::to_string).unwrap_or_default();
            return Ok(Answer::Open(format!("{} in {experiment} is {why}", bet.metric)));
        }
    };
    let [_, stated, _] = bet.effect;
    let succeeded = if stated < 0.0 { lift.high < 0.0 } else { lift.low > 0.0 };
    let percent = |x: f64| format!("{:+.1}%", 100.0 * x);
    let detail = format!(
        "{experiment}: {} {} ({} to {}), stated {}",
        bet.metric,
        percent(lift.point),
        percent(lift.low),
        percent(lift.high),
        percent(stated)
    );
    Ok(Answer::Settled {
        succeeded,
        by: "experiment",
        detail,
        evidence: concluded.evidence,
    })
}
