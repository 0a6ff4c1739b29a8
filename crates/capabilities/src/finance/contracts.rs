//! Contracts as they stand: what runs, what is used, what it is worth, what to do before notice is due.

use jiff::civil::Date;
use steward_compute::Query;
use steward_definitions::sql::quote;
use steward_definitions::{Ablation, Contract};
use steward_stats::one_sample;

use super::allocate::{allocation, today};
use super::terms::Terms;
use super::types::{Advice, ContractStatus, Figure};
use crate::{CapabilityError, Context};

const LEVEL: f64 = 0.95;
/// Below this share of the commitment there is something to ask for.
const UNDERUSED: f64 = 0.9;

/// Every contract as it stands, the nearest notice first.
///
/// # Errors
/// If "now" is no moment of the calendar. What is wrong with one contract stands in its `problem`.
pub async fn contracts(context: &Context) -> Result<Vec<ContractStatus>, CapabilityError> {
    let mut all = Vec::new();
    for name in context.project.contracts.keys() {
        all.push(contract(context, name).await?);
    }
    all.sort_by(|a, b| {
        let key = |c: &ContractStatus| (c.ended, c.days_to_notice.unwrap_or(i64::MAX), c.contract.clone());
        key(a).cmp(&key(b))
    });
    Ok(all)
}

/// One contract as it stands.
///
/// # Errors
/// If there is no such contract, or its days are none.
pub async fn contract(context: &Context, name: &str) -> Result<ContractStatus, CapabilityError> {
    let contract = context
        .project
        .contracts
        .get(name)
        .ok_or_else(|| CapabilityError::Unknown {
            kind: "contract".into(),
            name: name.into(),
            near: crate::error::nearest(name, context.project.contracts.keys()),
        })?;
    let today = today(context)?;
    let terms = Terms::of(contract)?;
    let running = terms.at(today);
    let next = terms.next_notice(today).filter(|_| terms.tacit());
    let shown = running.or_else(|| terms.last()).or_else(|| terms.term(0));
    let mut problem = None;
    let used_minor = match used(context, contract, today).await {
        Ok(used) => used,
        Err(e) => {
            problem = Some(e.to_string());
            None
        }
    };
    let value = match &contract.ablation {
        Some(ablation) => match worth(context, name, ablation).await {
            Ok(value) => Some(value),
            Err(e) => {
                problem = Some(e.to_string());
                None
            }
        },
        None => None,
    };
    let utilisation = used_minor
        .zip(contract.commitment_minor)
        .filter(|(_, c)| *c > 0)
        .map(|(u, c)| u as f64 / c as f64);
    let mut status = ContractStatus {
        contract: name.to_owned(),
        label: contract.meta.label.clone(),
        owner: contract.meta.owner.clone(),
        supplier: contract.supplier.clone(),
        term_start: shown.map_or_else(|| contract.start.clone(), |t| t.start.to_string()),
        term_end: shown.map_or_else(String::new, |t| t.end.to_string()),
        ended: running.is_none(),
        tacit: terms.tacit(),
        notice_by: next.map(|t| t.notice_by.to_string()),
        notice_end: next.map(|t| t.end.to_string()),
        days_to_notice: next.map(|t| i64::from((t.notice_by - today).get_days())),
        annual_cost_minor: contract.annual_cost_minor,
        commitment_minor: contract.commitment_minor,
        used_minor,
        utilisation,
        value,
        advice: Advice::NoEvidence,
        words: String::new(),
        problem,
    };
    (status.advice, status.words) = advise(&status);
    Ok(status)
}

/// What the supplier billed in the last twelve complete months.
async fn used(context: &Context, contract: &Contract, today: Date) -> Result<Option<i64>, CapabilityError> {
    let Some(bill) = &contract.bill else { return Ok(None) };
    let vendor = contract.vendor.as_ref().unwrap_or(&contract.supplier);
    let allocation = allocation(context, bill).await?;
    let name = |date: Date| date.strftime("%Y-%m").to_string();
    let (from, to) = (name(today.saturating_sub(jiff::Span::new().months(12))), name(today));
    let mut lines = allocation.lines.iter().filter(|l| l.vendor == *vendor).peekable();
    if lines.peek().is_none() {
        return Err(CapabilityError::Invalid(format!(
            "bill {bill} has no charge of {vendor}; name the supplier as the bill does with `vendor`"
        )));
    }
    Ok(Some(
        lines
            .filter(|l| l.month >= from && l.month < to)
            .map(|l| l.billed_minor)
            .sum(),
    ))
}

/// Mean difference of the outcome with and without the source, over the units of a year, in money.
async fn worth(context: &Context, name: &str, ablation: &Ablation) -> Result<Figure, CapabilityError> {
    let query = Query {
        label: format!("contract {name}: with and without"),
        sql: format!(
            "SELECT moments(CAST({} AS DOUBLE) - CAST({} AS DOUBLE)) AS \"m\" FROM {}",
            quote(&ablation.with),
            quote(&ablation.without),
            quote(&ablation.dataset)
        ),
        parameters: Vec::new(),
    };
    let rows = context.engine.run(&query, &context.control).await?;
    let moments = rows.moments_or_empty("m", 1)?;
    let Some(moments) = moments.first() else {
        return Err(CapabilityError::Invalid(format!(
            "contract {name}: the ablation has no rows"
        )));
    };
    let scale = ablation.units_per_year as f64 * ablation.value_minor as f64;
    Ok(one_sample::mean(moments, 0, LEVEL)
        .map(|mut e| {
            e.point *= scale;
            e.se *= scale;
            e.low *= scale;
            e.high *= scale;
            e.method = "paired difference with and without the source, over a year's units".into();
            e
        })
        .into())
}

fn advise(status: &ContractStatus) -> (Advice, String) {
    let when = match (&status.notice_by, &status.notice_end) {
        (Some(by), Some(end)) => format!(" Notice by {by} ends it on {end}."),
        _ if status.ended => " It is over.".to_owned(),
        _ => format!(" It ends by itself on {}.", status.term_end),
    };
    let cost = status.annual_cost_minor.map(|c| c as f64);
    if let (Some(Figure::Estimate(value)), Some(cost)) = (&status.value, cost) {
        if value.high < cost {
            return (
                Advice::Cancel,
                format!("What its data are worth a year lies below its cost, whole interval.{when}"),
            );
        }
        if value.low > cost {
            return (
                Advice::Renew,
                format!("What its data are worth a year lies above its cost, whole interval.{when}"),
            );
        }
        return (
            Advice::Renegotiate,
            format!("Its worth may lie below its cost: ask for a better price, or measure longer.{when}"),
        );
    }
    match status.utilisation {
        Some(share) if share < UNDERUSED => (
            Advice::Renegotiate,
            format!(
                "{:.0}% of the commitment was used in twelve months: commit to less.{when}",
                share * 100.0
            ),
        ),
        Some(share) => (
            Advice::Renew,
            format!(
                "{:.0}% of the commitment was used in twelve months.{when}",
                share * 100.0
            ),
        ),
        None => (
            Advice::NoEvidence,
            format!("Neither usage nor worth is measured.{when}"),
        ),
    }
}
