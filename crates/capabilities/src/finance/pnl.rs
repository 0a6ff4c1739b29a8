//! What each model costs and what it is worth, a month.

use std::collections::BTreeMap;

use steward_compute::{Query, Value};
use steward_definitions::sql::quote;
use steward_definitions::{Benefit, Bill, BilledModel, Kind, Reference};
use steward_stats::{Estimate, NotEstimable, Reason};

use super::allocate::{allocation, find, month, start_of, today};
use super::types::{Allocation, Figure, ModelStatement, Rule};
use crate::{CapabilityError, Context};

/// Statements of all models of a bill, costliest first.
///
/// # Errors
/// If there is no such bill or its charges cannot be read.
pub async fn models(context: &Context, name: &str) -> Result<Vec<ModelStatement>, CapabilityError> {
    let bill = find(context, name)?;
    let allocation = allocation(context, name).await?;
    let today = today(context)?;
    let last = today
        .first_of_month()
        .yesterday()
        .map_err(|e| CapabilityError::Invalid(e.to_string()))?;
    let month = last.strftime("%Y-%m").to_string();
    let mut all = Vec::new();
    for model in &bill.models {
        let predictions = predictions(context, bill, &model.model, today).await?;
        all.push(statement(
            &allocation,
            model,
            &month,
            predictions.map(|p| p.get(&month).copied().unwrap_or_default()),
        ));
    }
    all.sort_by(|a, b| b.cost_minor.cmp(&a.cost_minor).then_with(|| a.model.cmp(&b.model)));
    Ok(all)
}

fn statement(allocation: &Allocation, model: &BilledModel, month: &str, predictions: Option<u64>) -> ModelStatement {
    let own = || {
        allocation
            .lines
            .iter()
            .filter(|l| l.model.as_deref() == Some(model.model.as_str()))
    };
    let mut months: BTreeMap<String, i64> = BTreeMap::new();
    own().for_each(|l| *months.entry(l.month.clone()).or_default() += l.effective_minor);
    let mut by_rule: BTreeMap<Rule, i64> = BTreeMap::new();
    own()
        .filter(|l| l.month == month)
        .for_each(|l| *by_rule.entry(l.rule).or_default() += l.effective_minor);
    let cost_minor = months.get(month).copied().unwrap_or_default();
    let cost = cost_minor as f64;
    let benefit = benefit(model.benefit.as_ref(), &model.model, month);
    let net = match &benefit {
        Figure::Estimate(b) => Figure::Estimate(Estimate {
            point: b.point - cost,
            low: b.low - cost,
            high: b.high - cost,
            method: "benefit as signed, less allocated cost".into(),
            ..b.clone()
        }),
        refused => refused.clone(),
    };
    let counted = match predictions {
        None => Err(NotEstimable::new(
            Reason::TooFew,
            format!("nobody counts the predictions of {}", model.model),
            "name a dataset of predictions in the bill",
        )),
        Some(0) => Err(NotEstimable::new(
            Reason::TooFew,
            format!("{} made no prediction in {month}", model.model),
            "check that its predictions arrive, or stop the model",
        )),
        Some(n) => Ok(n),
    };
    let per_thousand = counted
        .clone()
        .map(|n| exact(cost / n as f64 * 1_000.0, n, "allocated cost over predictions counted"));
    let break_even = match (&benefit, &counted) {
        (Figure::Estimate(b), Ok(n)) if b.low > 0.0 => {
            let at = |value: f64| cost / (value / *n as f64);
            Figure::Estimate(Estimate {
                point: at(b.point),
                low: at(b.high),
                high: at(b.low),
                n: *n,
                method: "cost over benefit per prediction".into(),
                ..b.clone()
            })
        }
        (Figure::Estimate(_), Ok(_)) => Figure::Refused {
            not_estimable: NotEstimable::new(
                Reason::OutOfDomain,
                format!("the benefit of {} may be nothing", model.model),
                "measure it until its lower end is above 0",
            ),
        },
        (Figure::Refused { not_estimable }, _) => Figure::Refused {
            not_estimable: not_estimable.clone(),
        },
        (_, Err(e)) => Figure::Refused {
            not_estimable: e.clone(),
        },
    };
    ModelStatement {
        model: model.model.clone(),
        initiative: model.initiative.clone(),
        team: model.team.clone(),
        month: month.to_owned(),
        cost_minor,
        months: months.into_iter().collect(),
        by_rule: by_rule.into_iter().collect(),
        predictions,
        cost_per_thousand: per_thousand.into(),
        signed: model
            .benefit
            .as_ref()
            .map(|b| (b.signed_by.clone(), b.signed_on.clone())),
        benefit,
        net,
        break_even,
    }
}

/// A number that was counted, not sampled.
fn exact(point: f64, n: u64, method: &str) -> Estimate {
    Estimate {
        point,
        se: 0.0,
        low: point,
        high: point,
        level: 1.0,
        df: None,
        p: None,
        n,
        method: method.into(),
    }
}

/// The signed range as an estimate: its ends are the 10th and 90th percentile.
fn benefit(signed: Option<&Benefit>, model: &str, month: &str) -> Figure {
    let after = |b: &&Benefit| b.signed_on.get(..7).is_some_and(|m| m <= month);
    match signed.filter(after) {
        Some(b) => {
            let [low, point, high] = b.monthly_minor.map(|m| m as f64);
            // Of a normal distribution 80% lie within 1.2816 standard deviations.
            Figure::Estimate(Estimate {
                point,
                se: (high - low) / 2.0 / 1.281_551_565_5,
                low,
                high,
                level: 0.8,
                df: None,
                p: None,
                n: 0,
                method: format!("signed by {} on {}", b.signed_by, b.signed_on),
            })
        }
        None => Figure::Refused {
            not_estimable: NotEstimable::new(
                Reason::TooFew,
                match signed {
                    Some(b) => format!("the benefit of {model} was signed on {} only", b.signed_on),
                    None => format!("no benefit of {model} is signed"),
                },
                "have its owner sign `benefit` in the bill",
            ),
        },
    }
}

/// Predictions by month; `None` if nobody counts them.
async fn predictions(
    context: &Context,
    bill: &Bill,
    model: &str,
    today: jiff::civil::Date,
) -> Result<Option<BTreeMap<String, u64>>, CapabilityError> {
    let Some(counted) = bill.predictions.iter().find(|p| p.model == model) else {
        return Ok(None);
    };
    if !context
        .project
        .contains(&Reference::new(Kind::Dataset, &counted.dataset))
    {
        return Ok(None);
    }
    let count = match &counted.count {
        Some(column) => format!("SUM({})", quote(column)),
        None => "COUNT(*)".to_owned(),
    };
    let time = quote(&counted.time);
    let query = Query {
        label: format!("bill {}: predictions of {model}", bill.meta.name),
        sql: format!(
            "SELECT CAST(DATE_TRUNC('month', {time}) AS DATE) AS \"month\", CAST({count} AS BIGINT) AS \"count\" FROM {} WHERE {time} < $1 GROUP BY 1",
            quote(&counted.dataset)
        ),
        parameters: vec![start_of(today)?],
    };
    let rows = context.engine.run(&query, &context.control).await?;
    let (months, counts) = (rows.values("month")?, rows.integers("count")?);
    let by_month = months.into_iter().zip(counts).filter_map(|(m, c)| match (m, c) {
        (Value::Date(days), Some(c)) => Some((month(days), u64::try_from(c).ok()?)),
        _ => None,
    });
    Ok(Some(by_month.collect()))
}
