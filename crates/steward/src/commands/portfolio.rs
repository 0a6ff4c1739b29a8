//! `portfolio …`.

use std::path::Path;

use steward_capabilities::roadmap::{self, Forecast, OptimiseOptions, Portfolio};
use steward_server::format::{in_unit, percent};

use crate::cli::PortfolioCommand;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::workspace;

/// `steward portfolio`.
pub async fn portfolio(folder: &Path, command: PortfolioCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    let currency = context.project.settings.currency.clone();
    let money = |x: f64| in_unit(x, Some("currency"), currency.as_deref());
    match command {
        PortfolioCommand::Priorities => {
            let all = roadmap::priorities(&context).await?;
            if json {
                output::json(&all)?;
                return Ok(Outcome::Done);
            }
            let rows: Vec<Vec<String>> = all
                .iter()
                .map(|p| {
                    let place = |x: Option<String>, key: &str| match (x, p.places.get(key)) {
                        (Some(x), Some(place)) => format!("{x} (#{place})"),
                        _ => "–".into(),
                    };
                    vec![
                        p.initiative.clone(),
                        place(p.net.map(money), "net value"),
                        place(p.rice.map(|x| format!("{x:.0}")), "rice"),
                        place(p.wsjf.map(|x| format!("{x:.2}")), "wsjf"),
                        place(p.delay_per_week.map(money), "cost of delay"),
                        p.because.clone(),
                    ]
                })
                .collect();
            let header = ["initiative", "net value", "RICE", "WSJF", "delay/week", "because"];
            output::text_line(&output::table(&header, &rows))?;
        }
        PortfolioCommand::Optimise {
            scenario,
            budget,
            redraws,
        } => {
            let budget_minor = match budget {
                Some(b) if !b.is_finite() || b < 0.0 => {
                    return Err(Failure::call(format!("the budget is {b}: give 0 or more")));
                }
                Some(b) => Some((b * 100.0).round() as i64),
                None => None,
            };
            let asked = OptimiseOptions {
                scenario,
                budget_minor,
                redraws,
                frontier: json,
            };
            let found = roadmap::optimise(&context, &asked).await?;
            if json {
                output::json(&found)?;
            } else {
                print(&found, &money)?;
            }
        }
        PortfolioCommand::Scenario { redraws } => {
            let all = roadmap::scenarios(&context, redraws).await?;
            if json {
                output::json(&all)?;
                return Ok(Outcome::Done);
            }
            for found in &all {
                output::text_line(&output::bold(found.scenario.as_deref().unwrap_or("as it is")))?;
                print(found, &money)?;
                output::text_line("")?;
            }
        }
        PortfolioCommand::Forecast { drop } => {
            let found = roadmap::forecast(&context, &drop).await?;
            if json {
                output::json(&found)?;
            } else {
                dates(&found, &money)?;
            }
        }
    }
    Ok(Outcome::Done)
}

fn print(found: &Portfolio, money: &dyn Fn(f64) -> String) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = found
        .items
        .iter()
        .map(|i| {
            vec![
                i.initiative.clone(),
                if i.chosen { "in" } else { "out" }.into(),
                i.funded.map_or("–".into(), percent),
                money(i.net),
                money(i.cost),
            ]
        })
        .collect();
    let header = ["initiative", "", "funded in redraws", "net value", "cost"];
    output::text_line(&output::table(&header, &rows))?;
    for (name, why) in &found.left_out {
        output::text_line(&format!("left out: {name}: {why}"))?;
    }
    output::text_line(&found.summary)
}

fn dates(found: &Forecast, money: &dyn Fn(f64) -> String) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = found
        .initiatives
        .iter()
        .map(|i| {
            vec![
                i.initiative.clone(),
                i.half.clone(),
                i.likely.clone(),
                i.late.clone(),
                i.due.clone().unwrap_or("–".into()),
                i.by_due.map_or("–".into(), percent),
            ]
        })
        .collect();
    let header = ["initiative", "50%", "85%", "95%", "due", "by then"];
    output::text_line(&output::table(&header, &rows))?;
    for drop in &found.drops {
        let value = match drop.value {
            Some(v) if v > 0.0 => format!(", {} less value", money(v)),
            Some(v) => format!(", {} more value", money(-v)),
            None => ", of a value that nobody stated".into(),
        };
        output::text_line(&format!(
            "drop {}: {:.0} days sooner{value}",
            drop.initiatives.join(" and "),
            drop.days
        ))?;
    }
    if !found.undated.is_empty() {
        output::text_line(&format!(
            "without `items`, and so without date: {}",
            found.undated.join(", ")
        ))?;
    }
    output::text_line(&found.summary)
}
