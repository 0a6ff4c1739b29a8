//! `bill`, `budget`, `contract`: what things cost and what was promised.

use std::path::Path;

use steward_capabilities::Context;
use steward_capabilities::finance::{self, Figure, Standing};
use steward_server::format;

use super::reports::write_whole;
use crate::cli::{BillCommand, BudgetCommand, ContractCommand};
use crate::failure::{Failure, Outcome};
use crate::output::{self, bold, green, red, yellow};
use crate::workspace;

fn cash(minor: f64, currency: &str) -> String {
    format::in_unit(minor, Some("currency"), Some(currency))
}

fn figure(found: &Figure, show: &dyn Fn(f64) -> String) -> String {
    match found {
        Figure::Estimate(e) if e.low == e.high => show(e.point),
        Figure::Estimate(e) => format!("{} [{}, {}]", show(e.point), show(e.low), show(e.high)),
        Figure::Refused { not_estimable } => not_estimable.detail.clone(),
    }
}

/// The bill that is meant: the one named, or the only one.
fn bill(context: &Context, name: Option<String>) -> Result<String, Failure> {
    let bills = &context.project.bills;
    match (name, bills.len()) {
        (Some(name), _) => Ok(name),
        (None, 1) => Ok(bills.keys().next().cloned().unwrap_or_default()),
        (None, 0) => Err(Failure::call(
            "no bill is defined; write one in bills/, such as `bill: cloud`",
        )),
        (None, _) => Err(Failure::call(format!(
            "which bill? there are {}",
            bills.keys().cloned().collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// `steward bill …`.
pub async fn bills(folder: &Path, command: BillCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    match command {
        BillCommand::Import { files, who } => {
            let actor = super::actor(&who)?;
            let report = finance::import(&context, &files, &actor).await?;
            if json {
                output::json(&report)?;
                return Ok(Outcome::Done);
            }
            let rows: Vec<Vec<String>> = report
                .periods
                .iter()
                .map(|p| {
                    let standing = match p.standing {
                        Standing::New => green("new"),
                        Standing::Same => "kept before".to_owned(),
                        Standing::Restated => yellow(&format!(
                            "restated, was {}",
                            p.effective_before.as_deref().unwrap_or("?")
                        )),
                    };
                    vec![
                        p.period.clone(),
                        p.provider.clone(),
                        p.account.clone(),
                        p.rows.to_string(),
                        p.billed.clone(),
                        p.effective.clone(),
                        p.currency.clone(),
                        standing,
                    ]
                })
                .collect();
            output::text_line(&output::table(
                &[
                    "period",
                    "provider",
                    "account",
                    "charges",
                    "billed",
                    "effective",
                    "currency",
                    "standing",
                ],
                &rows,
            ))?;
            if report.duplicates > 0 {
                let cost: Vec<String> = report.duplicate_cost.iter().map(|(c, v)| format!("{v} {c}")).collect();
                output::text_line(&format!(
                    "{} {} rows stood in the delivery twice ({}): kept once",
                    yellow("duplicates:"),
                    report.duplicates,
                    cost.join(", ")
                ))?;
            }
            for rule in &report.broken {
                output::text_line(&format!(
                    "{} {} in {} rows, first {}",
                    yellow("not as FOCUS says:"),
                    rule.rule,
                    rule.rows,
                    rule.first
                ))?;
            }
            if !report.unknown_columns.is_empty() {
                output::text_line(&format!(
                    "columns newer than FOCUS 1.3 or not of it: {}",
                    report.unknown_columns.join(", ")
                ))?;
            }
        }
        BillCommand::Show { name } => {
            let name = bill(&context, name)?;
            let allocation = finance::allocation(&context, &name).await?;
            if json {
                output::json(&allocation)?;
                return Ok(Outcome::Done);
            }
            let money = |v: i64| cash(v as f64, &allocation.currency);
            let mut sums: std::collections::BTreeMap<(String, &str), i64> = std::collections::BTreeMap::new();
            for line in &allocation.lines {
                let model = line.model.clone().unwrap_or_else(|| "unallocated".into());
                *sums.entry((model, line.rule.word())).or_default() += line.effective_minor;
            }
            let rows: Vec<Vec<String>> = sums
                .iter()
                .map(|((model, rule), cost)| vec![model.clone(), (*rule).to_owned(), money(*cost)])
                .collect();
            output::text_line(&output::table(&["model", "by", "effective cost"], &rows))?;
            output::text_line(&bold(&format!(
                "{} of {} charges before {}; {} unallocated",
                money(allocation.effective_minor),
                allocation.charges,
                allocation.before,
                money(allocation.unallocated_minor)
            )))?;
        }
        BillCommand::Models { name } => {
            let name = bill(&context, name)?;
            let models = finance::models(&context, &name).await?;
            if json {
                output::json(&models)?;
                return Ok(Outcome::Done);
            }
            let currency = context
                .project
                .bills
                .get(&name)
                .map(|b| b.currency.clone())
                .unwrap_or_default();
            let money = |v: f64| cash(v, &currency);
            let rows: Vec<Vec<String>> = models
                .iter()
                .map(|m| {
                    vec![
                        m.model.clone(),
                        money(m.cost_minor as f64),
                        figure(&m.net, &money),
                        figure(&m.cost_per_thousand, &money),
                        figure(&m.break_even, &|v| format::number(v)),
                    ]
                })
                .collect();
            output::text_line(&output::table(
                &["model", "cost", "net value", "per 1,000", "break-even"],
                &rows,
            ))?;
            if let Some(first) = models.first() {
                output::text_line(&bold(&format!("{}; intervals hold 80%", first.month)))?;
            }
        }
        BillCommand::Anomalies { name } => {
            let name = bill(&context, name)?;
            let found = finance::anomalies(&context, &name).await?;
            if json {
                output::json(&found)?;
            } else if found.is_empty() {
                output::text_line("Nothing is out of line with the four weeks before.")?;
            } else {
                let currency = context
                    .project
                    .bills
                    .get(&name)
                    .map(|b| b.currency.clone())
                    .unwrap_or_default();
                for a in &found {
                    let title = if a.orphan { red("orphan") } else { yellow("out of line") };
                    output::text_line(&format!(
                        "{title} {} from {} to {}: {} more than usual. {}",
                        a.name.as_deref().unwrap_or(&a.resource),
                        a.first,
                        a.last,
                        cash(a.excess_minor as f64, &currency),
                        a.words
                    ))?;
                }
            }
            return Ok(Outcome::of(found.is_empty()));
        }
    }
    Ok(Outcome::Done)
}

/// `steward budget …`.
pub async fn budgets(folder: &Path, command: &BudgetCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    let BudgetCommand::Status { name } = command;
    let all = match name {
        Some(name) => vec![finance::budget(&context, name).await?],
        None => finance::budgets(&context).await?,
    };
    if json {
        output::json(&all)?;
    } else {
        let rows: Vec<Vec<String>> = all
            .iter()
            .map(|b| {
                vec![
                    b.budget.clone(),
                    cash(b.amount_minor as f64, &b.currency),
                    cash(b.spent_minor as f64, &b.currency),
                    figure(&b.forecast, &|v| cash(v, &b.currency)),
                    b.probability.map_or("–".into(), format::probability),
                ]
            })
            .collect();
        output::text_line(&output::table(
            &["budget", "set aside", "spent", "at the end, 80%", "suffices"],
            &rows,
        ))?;
    }
    // Less likely to suffice than not.
    Ok(Outcome::of(all.iter().all(|b| b.probability.is_none_or(|p| p >= 0.5))))
}

/// `steward contract …`.
pub async fn contracts(folder: &Path, command: &ContractCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    match command {
        ContractCommand::List => {
            let all = finance::contracts(&context).await?;
            if json {
                output::json(&all)?;
                return Ok(Outcome::Done);
            }
            let rows: Vec<Vec<String>> = all
                .iter()
                .map(|c| {
                    vec![
                        c.contract.clone(),
                        c.supplier.clone(),
                        c.term_end.clone(),
                        c.notice_by.clone().unwrap_or_else(|| {
                            if c.ended {
                                "over".into()
                            } else {
                                "ends by itself".into()
                            }
                        }),
                        c.utilisation.map_or("–".into(), format::percent),
                        c.advice.words().into(),
                    ]
                })
                .collect();
            output::text_line(&output::table(
                &[
                    "contract",
                    "supplier",
                    "term ends",
                    "notice by",
                    "used",
                    "the numbers say",
                ],
                &rows,
            ))?;
        }
        ContractCommand::Calendar { out } => {
            let text = finance::calendar(&context)?;
            match out {
                Some(path) => {
                    write_whole(path, text.as_bytes())?;
                    if json {
                        output::json(&serde_json::json!({ "file": path }))?;
                    } else {
                        output::text_line(&format!("{} {}", green("wrote"), path.display()))?;
                    }
                }
                None if json => output::json(&serde_json::json!({ "calendar": text }))?,
                None => output::bytes(text.as_bytes())?,
            }
        }
    }
    Ok(Outcome::Done)
}
