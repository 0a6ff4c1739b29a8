//! Tables of a bill, of budgets and of contracts for a pack.

use steward_compute::Value;

use super::Table;
use crate::finance::{self, Figure};
use crate::{CapabilityError, Context};

fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

/// Minor units as whole units of the currency.
fn whole(minor: f64, currency: &str) -> Value {
    let digits = i32::try_from(steward_definitions::minor_digits(Some(currency))).unwrap_or(2);
    Value::Number((minor / 10f64.powi(digits) * 100.0).round() / 100.0)
}

fn point(figure: &Figure, currency: &str) -> Value {
    figure
        .estimate()
        .map_or_else(|| text("not signed"), |e| whole(e.point, currency))
}

fn end(figure: &Figure, currency: &str, high: bool) -> Value {
    figure
        .estimate()
        .map_or(Value::Null, |e| whole(if high { e.high } else { e.low }, currency))
}

/// The table that a `money` block shows.
pub(super) async fn table(context: &Context, bill: &str, show: &str) -> Result<Table, CapabilityError> {
    let allocation = finance::allocation(context, bill).await?;
    let currency = allocation.currency.clone();
    let (title, columns, rows): (String, Vec<&str>, Vec<Vec<Value>>) = match show {
        "models" => {
            let models = finance::models(context, bill).await?;
            let month = models.first().map(|m| m.month.clone()).unwrap_or_default();
            let rows = models.iter().map(|m| {
                vec![
                    text(m.model.clone()),
                    whole(m.cost_minor as f64, &currency),
                    point(&m.benefit, &currency),
                    point(&m.net, &currency),
                    end(&m.net, &currency, false),
                    end(&m.net, &currency, true),
                    m.signed
                        .as_ref()
                        .map_or(Value::Null, |(who, when)| text(format!("{who}, {when}"))),
                ]
            });
            (
                format!("Models in {month}, {currency}"),
                vec![
                    "model",
                    "cost",
                    "benefit",
                    "net value",
                    "net low, 80%",
                    "net high, 80%",
                    "signed",
                ],
                rows.collect(),
            )
        }
        "budgets" => {
            let all = finance::budgets(context).await?;
            let rows = all.iter().map(|b| {
                vec![
                    text(b.label.clone().unwrap_or_else(|| b.budget.clone())),
                    whole(b.amount_minor as f64, &b.currency),
                    whole(b.spent_minor as f64, &b.currency),
                    end(&b.forecast, &b.currency, false),
                    end(&b.forecast, &b.currency, true),
                    text(b.verdict.clone()),
                ]
            });
            (
                format!("Budgets, {currency}"),
                vec![
                    "budget",
                    "set aside",
                    "spent",
                    "end low, 80%",
                    "end high, 80%",
                    "verdict",
                ],
                rows.collect(),
            )
        }
        "contracts" => {
            let all = finance::contracts(context).await?;
            let rows = all.iter().map(|c| {
                vec![
                    text(c.label.clone().unwrap_or_else(|| c.contract.clone())),
                    text(c.supplier.clone()),
                    c.notice_by.clone().map_or_else(|| text("none due"), text),
                    text(c.term_end.clone()),
                    c.annual_cost_minor.map_or(Value::Null, |v| whole(v as f64, &currency)),
                    text(c.advice.words()),
                    text(c.owner.clone()),
                ]
            });
            (
                format!("Contracts, {currency}"),
                vec![
                    "contract",
                    "supplier",
                    "notice by",
                    "term ends",
                    "a year",
                    "the numbers say",
                    "owner",
                ],
                rows.collect(),
            )
        }
        _ => {
            let all = finance::anomalies(context, bill).await?;
            let rows = all.iter().map(|a| {
                vec![
                    text(a.name.clone().unwrap_or_else(|| a.resource.clone())),
                    text(a.first.clone()),
                    text(a.last.clone()),
                    whole(a.excess_minor as f64, &currency),
                    text(a.words.clone()),
                ]
            });
            (
                format!("Out of line in three months, {currency}"),
                vec!["resource", "from", "to", "more than usual", "what to do"],
                rows.collect(),
            )
        }
    };
    Ok(Table {
        title: Some(title),
        columns: columns.into_iter().map(str::to_owned).collect(),
        rows,
        sql: format!(
            "steward bill {} {bill}",
            if show == "anomalies" { "anomalies" } else { "models" }
        ),
        evidence: allocation.evidence,
    })
}
