//! Budgets against what was spent, and whether they will suffice.

use std::collections::BTreeMap;

use jiff::civil::Date;
use steward_definitions::Budget;
use steward_stats::trend::{self, Aggregation, Direction, Goal};
use steward_stats::{NotEstimable, Reason};

use super::allocate::{allocation, today};
use super::types::{Allocation, BudgetStatus, Figure, Line};
use crate::{CapabilityError, Context};

/// Coverage of the forecast's interval.
const LEVEL: f64 = 0.8;

/// Every budget as it stands, by name.
///
/// # Errors
/// If the charges of one cannot be read.
pub async fn budgets(context: &Context) -> Result<Vec<BudgetStatus>, CapabilityError> {
    let mut all = Vec::new();
    for name in context.project.budgets.keys() {
        all.push(budget(context, name).await?);
    }
    Ok(all)
}

/// One budget as it stands.
///
/// # Errors
/// If there is no such budget or its charges cannot be read.
pub async fn budget(context: &Context, name: &str) -> Result<BudgetStatus, CapabilityError> {
    let budget = context
        .project
        .budgets
        .get(name)
        .ok_or_else(|| CapabilityError::Unknown {
            kind: "budget".into(),
            name: name.into(),
            near: crate::error::nearest(name, context.project.budgets.keys()),
        })?;
    let allocation = allocation(context, &budget.bill).await?;
    status(budget, &allocation, today(context)?)
}

fn status(budget: &Budget, allocation: &Allocation, today: Date) -> Result<BudgetStatus, CapabilityError> {
    let day = |text: &str| {
        text.parse::<Date>()
            .map_err(|e| CapabilityError::Invalid(format!("{text:?}: {e}")))
    };
    let (start, end) = (day(&budget.start)?, day(&budget.end)?);
    let mine = |l: &&Line| {
        let is = |wanted: &Option<String>, own: Option<&str>| wanted.as_deref().is_none_or(|w| own == Some(w));
        is(&budget.team, l.team.as_deref())
            && is(&budget.vendor, Some(&l.vendor))
            && is(&budget.model, l.model.as_deref())
    };
    let mut by_month: BTreeMap<String, i64> = BTreeMap::new();
    for line in allocation.lines.iter().filter(mine) {
        *by_month.entry(line.month.clone()).or_default() += line.effective_minor;
    }
    let name = |date: Date| date.strftime("%Y-%m").to_string();
    let (first, last, running) = (name(start), name(end), name(today));
    let inside = |m: &str| *m >= *first && *m <= *last;
    // Months without a charge between the first and now cost nothing.
    let mut series: Vec<(String, i64)> = Vec::new();
    if let Some(oldest) = by_month.keys().next().and_then(|m| day(&format!("{m}-01")).ok()) {
        let mut at = oldest;
        while name(at) < running {
            series.push((name(at), by_month.get(&name(at)).copied().unwrap_or_default()));
            at = at.saturating_add(jiff::Span::new().months(1));
        }
    }
    let spent_minor = by_month.iter().filter(|(m, _)| inside(m)).map(|(_, c)| c).sum();
    let months: Vec<(String, i64)> = series.iter().filter(|(m, _)| inside(m)).cloned().collect();
    let length = f64::from((end - start).get_days() + 1);
    let elapsed = (f64::from((today - start).get_days()) / length).clamp(0.0, 1.0);
    let horizon = months_between(series.last().map_or(&first, |(m, _)| m), &last);
    let amount = budget.amount_minor as f64;
    let (forecast, probability) = if today > end {
        (
            over(spent_minor),
            Some(if spent_minor <= budget.amount_minor { 1.0 } else { 0.0 }),
        )
    } else {
        let values: Vec<f64> = series.iter().map(|(_, c)| *c as f64).collect();
        let goal = Goal {
            horizon,
            season: None,
            aggregation: Aggregation::SumOfPeriod { observed: months.len() },
            direction: Direction::AtMost,
            target: amount,
            level: LEVEL,
        };
        match trend::probability_to_hit(&values, &goal) {
            Ok(found) => (Figure::Estimate(found.estimate), Some(found.probability)),
            Err(not_estimable) => (Figure::Refused { not_estimable }, None),
        }
    };
    let used = spent_minor as f64 / amount.max(1.0);
    let verdict = match (today > end, probability) {
        (true, Some(p)) if p >= 1.0 => format!("The period is over: {:.0}% of the budget was spent.", used * 100.0),
        (true, _) => format!(
            "The period is over: {:.0}% of the budget was spent, more than was set aside.",
            used * 100.0
        ),
        (false, Some(p)) if p < 0.3 => format!(
            "It will probably not suffice: {:.0}% is spent after {:.0}% of the time. Cut cost, or ask for more now.",
            used * 100.0,
            elapsed * 100.0
        ),
        (false, Some(p)) if p < 0.7 => format!(
            "It may not suffice: {:.0}% is spent after {:.0}% of the time.",
            used * 100.0,
            elapsed * 100.0
        ),
        (false, Some(_)) => format!(
            "It will probably suffice: {:.0}% is spent after {:.0}% of the time.",
            used * 100.0,
            elapsed * 100.0
        ),
        (false, None) => format!(
            "{:.0}% is spent after {:.0}% of the time.",
            used * 100.0,
            elapsed * 100.0
        ),
    };
    let parts = [
        ("team", &budget.team),
        ("vendor", &budget.vendor),
        ("model", &budget.model),
    ];
    let covers: Vec<String> = parts
        .iter()
        .filter_map(|(what, of)| of.as_ref().map(|o| format!("{what} {o}")))
        .collect();
    Ok(BudgetStatus {
        budget: budget.meta.name.clone(),
        label: budget.meta.label.clone(),
        owner: budget.meta.owner.clone(),
        covers: if covers.is_empty() {
            format!("all of bill {}", budget.bill)
        } else {
            covers.join(", ")
        },
        currency: allocation.currency.clone(),
        amount_minor: budget.amount_minor,
        start: budget.start.clone(),
        end: budget.end.clone(),
        spent_minor,
        months,
        elapsed,
        forecast,
        probability,
        verdict,
    })
}

fn over(spent_minor: i64) -> Figure {
    Figure::Refused {
        not_estimable: NotEstimable::new(
            Reason::OutOfDomain,
            format!("the period is over with {spent_minor} minor units spent"),
            "nothing is left to forecast",
        ),
    }
}

/// Months from one to another, `2025-03` to `2025-12` is 9; never below 0.
fn months_between(from: &str, to: &str) -> usize {
    let number = |text: &str| {
        let (year, month) = text.split_once('-')?;
        Some(year.parse::<i64>().ok()? * 12 + month.parse::<i64>().ok()?)
    };
    match (number(from), number(to)) {
        (Some(from), Some(to)) => usize::try_from(to - from).unwrap_or_default(),
        _ => 0,
    }
}
