//! What another policy would have earned, from the log.

use std::collections::BTreeMap;

use serde_json::json;
use steward_stats::Moments;
use steward_stats::off_policy::{Group, evaluate_groups};

use super::gather::Gathered;
use super::policy::Policy;
use super::readout::{Frame, frame};
use super::types::Evaluation;
use crate::evidence::Concluded;
use crate::{CapabilityError, Context};

/// Below this share of the log's decisions an evaluation rests on few of them.
const THIN: f64 = 0.1;

/// Evaluates a policy over a bandit's plays: IPS, SNIPS and doubly robust, from the logged probabilities or, where none are
/// logged, from the weights that were served.
pub async fn evaluate(
    context: &Context,
    name: &str,
    policy: &Policy,
    as_of: Option<i64>,
) -> Result<Concluded<Evaluation>, CapabilityError> {
    let frame = frame(context, name, as_of).await?;
    policy.check(frame.bandit)?;
    let (definitions, tables, mut parameters) = frame.key(context);
    parameters["policy"] = json!(policy);
    crate::evidence::conclude(
        context,
        &format!("bandit/{name}"),
        definitions,
        &tables,
        parameters,
        || async {
            let gathered = frame.gather(context).await?;
            let found = judge(&frame, policy, &gathered)?;
            let provenance = json!({ "engine": context.engine.name(), "sql": gathered.sql });
            Ok((found, provenance))
        },
    )
    .await
}

fn judge(frame: &Frame, policy: &Policy, gathered: &Gathered) -> Result<Evaluation, CapabilityError> {
    let bandit = frame.bandit;
    let k = bandit.arms.len();
    let totals = gathered.totals(k);
    // The model: an arm's mean in its context, else its mean.
    let mut seen: BTreeMap<(Option<usize>, usize), Moments> = BTreeMap::new();
    for stratum in &gathered.strata {
        for (arm, m) in stratum.arms.iter().enumerate() {
            seen.entry((stratum.cell, arm))
                .or_insert_with(|| Moments::empty(1))
                .merge(&m.select(&[0]));
        }
    }
    let model = |cell: Option<usize>, arm: usize| {
        let own = seen.get(&(cell, arm)).filter(|m| m.count() > 0);
        own.map(|m| m.mean(0))
            .or_else(|| (totals[arm].count() > 0).then(|| totals[arm].mean(0)))
    };
    let mut groups = Vec::new();
    for stratum in &gathered.strata {
        let target = policy.shares(bandit, stratum.cell);
        let served = frame.propensities(stratum.batch, stratum.cell);
        let all: Option<f64> = target
            .iter()
            .enumerate()
            .filter(|(_, t)| **t > 0.0)
            .map(|(arm, t)| Some(t * model(stratum.cell, arm)?))
            .sum();
        for (arm, m) in stratum.arms.iter().enumerate().filter(|(_, m)| m.count() > 0) {
            let reward = m.select(&[0]);
            let sums = if bandit.plays.propensity.is_some() {
                m.select(&[1, 2])
            } else {
                let u = 1.0 / served[arm];
                let cross = vec![reward.cross(0, 0) * u * u, 0.0, 0.0];
                Moments::from_parts(reward.count(), vec![reward.mean(0) * u, u], cross)
                    .unwrap_or_else(|| Moments::empty(2))
            };
            groups.push(Group {
                sums,
                reward: reward.mean(0),
                variance: reward.variance(0).unwrap_or(0.0),
                target: target[arm],
                model: model(stratum.cell, arm).zip(all),
            });
        }
    }
    let values = evaluate_groups(&groups, 0.95)
        .map_err(|e| CapabilityError::Invalid(format!("the policy cannot be evaluated: {}; {}", e.detail, e.fix)))?;
    let decisions = groups.iter().map(|g| g.sums.count()).sum::<u64>();
    let chosen = values.dr.as_ref().unwrap_or(&values.snips);
    let mut summary = format!(
        "The policy would have earned {:.4} a play [{:.4}, {:.4}] ({}); the log earned {:.4}.",
        chosen.point, chosen.low, chosen.high, chosen.method, values.logged.point
    );
    if values.effective_n < THIN * decisions as f64 {
        summary += &format!(
            " It rests on about {:.0} of {decisions} plays: the log rarely did what the policy would.",
            values.effective_n
        );
    }
    Ok(Evaluation {
        bandit: bandit.meta.name.clone(),
        policy: policy.weights.clone(),
        decisions,
        propensities: if bandit.plays.propensity.is_some() {
            "logged"
        } else {
            "weights"
        }
        .into(),
        ips: values.ips,
        snips: values.snips,
        dr: values.dr,
        logged: values.logged,
        effective_n: values.effective_n,
        largest_weight: values.largest_weight,
        summary,
        sql: gathered.sql.clone(),
    })
}
