//! `bet …` and `value …`.

use std::path::Path;

use steward_capabilities::value::{self, BetCase, Calibration, FrozenBet, Realised};
use steward_server::format::{change, in_unit, percent};
use steward_stats::Estimate;

use super::actor;
use crate::cli::{BetCommand, ValueCommand};
use crate::failure::{Failure, Outcome};
use crate::output::{self, bold};
use crate::workspace;

/// `steward bet`.
pub async fn bet(folder: &Path, command: BetCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    let currency = context.project.settings.currency.clone();
    match command {
        BetCommand::List => {
            let all = value::bets(&context).await?;
            if json {
                output::json(&all)?;
                return Ok(Outcome::Done);
            }
            let rows: Vec<Vec<String>> = all.iter().map(row).collect();
            let header = ["bet", "state", "stated", "effect", "resolve by", "versions", "brier"];
            output::text_line(&output::table(&header, &rows))?;
        }
        BetCommand::Show { name } => {
            let case = value::bet(&context, &name).await?;
            if json {
                output::json(&case)?;
            } else {
                show(&case, currency.as_deref())?;
            }
        }
        BetCommand::Freeze { name, reason, who } => {
            let frozen = value::freeze(&context, &name, &actor(&who)?, &reason).await?;
            if json {
                output::json(&frozen)?;
            } else {
                let said = if frozen.changed {
                    "frozen as"
                } else {
                    "is frozen already as"
                };
                output::text_line(&format!(
                    "bet {name} {said} version {}, {}",
                    frozen.version.version,
                    frozen.version.digest.chars().take(12).collect::<String>()
                ))?;
            }
        }
        BetCommand::Resolve { name, abandon, who } => {
            let resolved = value::resolve(&context, &name, &actor(&who)?, abandon.as_deref()).await?;
            if json {
                output::json(&resolved)?;
            } else {
                for version in &resolved.versions {
                    output::text_line(&ended(version))?;
                }
                for (version, why) in &resolved.open {
                    output::text_line(&format!("version {version} stays open: {why}"))?;
                }
            }
            return Ok(Outcome::of(resolved.open.is_empty()));
        }
    }
    Ok(Outcome::Done)
}

fn row(case: &BetCase) -> Vec<String> {
    let bet = case.versions.first().map(|v| &v.bet).or(case.defined.as_ref());
    let brier = case.versions.first().and_then(FrozenBet::brier);
    let edited = if case.edited { ", edited" } else { "" };
    vec![
        case.name.clone(),
        format!("{}{edited}", case.state.word()),
        bet.map_or("–".into(), |b| percent(b.probability)),
        bet.map_or("–".into(), |b| change(b.effect[1])),
        bet.and_then(|b| b.resolve_by.clone()).unwrap_or("–".into()),
        case.versions.len().to_string(),
        brier.map_or("–".into(), |b| format!("{b:.3}")),
    ]
}

fn ended(version: &FrozenBet) -> String {
    match &version.resolution {
        Some(r) => format!(
            "version {}: {} by {}; {}",
            version.version,
            if r.succeeded { "succeeded" } else { "failed" },
            r.by,
            r.detail.as_deref().unwrap_or("the detail was erased")
        ),
        None => format!("version {}: open", version.version),
    }
}

fn show(case: &BetCase, currency: Option<&str>) -> Result<(), Failure> {
    output::text_line(&format!("{} {}", bold(&case.name), case.state.word()))?;
    if let Some(bet) = &case.defined {
        let [low, middle, high] = bet.effect;
        output::text_line(&format!(
            "  states {} of {} [{}, {}] on {}",
            percent(bet.probability),
            change(middle),
            change(low),
            change(high),
            bet.metric
        ))?;
        if let Some(v) = &bet.value {
            output::text_line(&format!(
                "  a unit is worth {}, of which {} stays; {}",
                in_unit(v.per_unit_minor as f64, Some("currency"), currency),
                percent(v.margin),
                v.signed_by
                    .as_ref()
                    .map_or("unsigned".into(), |s| format!("signed by {s}, version {}", v.version))
            ))?;
        }
    }
    if case.edited {
        output::text_line(
            "  edited since it was frozen: freeze it again to promise the new; the old one is scored too",
        )?;
    }
    for lacking in &case.missing {
        output::text_line(&format!("  before it can be frozen, add {lacking}"))?;
    }
    for version in &case.versions {
        output::text_line(&format!("  {}", ended(version)))?;
    }
    Ok(())
}

/// `steward value`.
pub async fn value(folder: &Path, command: ValueCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    match command {
        ValueCommand::Realised => {
            let found = value::realised(&context).await?.value;
            if json {
                output::json(&found)?;
            } else {
                realised(&found)?;
            }
        }
        ValueCommand::Calibration { who } => {
            let found = value::calibration(&context, who.actor.as_deref()).await?;
            if json {
                output::json(&found)?;
            } else {
                calibration(&found)?;
            }
        }
        ValueCommand::Progress { objective } => {
            let found = value::progress(&context, &objective, None).await?;
            if json {
                output::json(&found)?;
                return Ok(Outcome::Done);
            }
            let number = |x: Option<f64>| x.map_or("–".into(), |x| format!("{x:+.4}"));
            let point = |e: &Option<Estimate>| {
                e.as_ref().map_or("–".into(), |e| {
                    format!("{:+.4} [{:+.4}, {:+.4}]", e.point, e.low, e.high)
                })
            };
            let rows: Vec<Vec<String>> = found
                .iter()
                .map(|s| {
                    vec![
                        s.key_result.clone(),
                        number(s.total),
                        point(&s.shipped),
                        point(&s.trend),
                        number(s.unexplained),
                    ]
                })
                .collect();
            let header = ["key result", "progress", "shipped", "trend", "unexplained"];
            output::text_line(&output::table(&header, &rows))?;
        }
    }
    Ok(Outcome::Done)
}

fn realised(found: &Realised) -> Result<(), Failure> {
    let money = |x: f64| in_unit(x, Some("currency"), found.currency.as_deref());
    let interval = |e: &Option<Estimate>| {
        e.as_ref().map_or("–".into(), |e| {
            format!("{} [{}, {}]", money(e.point), money(e.low), money(e.high))
        })
    };
    let rows: Vec<Vec<String>> = found
        .bets
        .iter()
        .map(|b| {
            vec![
                b.bet.clone(),
                b.plan.map_or("–".into(), money),
                b.naive.map_or("–".into(), money),
                interval(&b.money),
                b.advice.word().into(),
                b.because.clone(),
            ]
        })
        .collect();
    let header = ["bet", "plan", "naive", "shrunk", "advice", "because"];
    output::text_line(&output::table(&header, &rows))?;
    output::text_line(&format!("\n{}", found.summary))?;
    why(&found.evidence)
}

fn why(evidence: &str) -> Result<(), Failure> {
    output::text_line(&format!(
        "why: steward why {}",
        evidence.chars().take(12).collect::<String>()
    ))
}

fn calibration(found: &Calibration) -> Result<(), Failure> {
    output::text_line(&found.summary)?;
    let two = |e: &Estimate| format!("{:.2} [{:.2}, {:.2}]", e.point, e.low, e.high);
    if let Some(line) = &found.all.line {
        output::text_line(&format!(
            "slope {}, intercept {}",
            two(&line.slope),
            two(&line.intercept)
        ))?;
    }
    output::text_line(&format!("{} unresolved, {} left out", found.unresolved, found.left_out))?;
    let rows: Vec<Vec<String>> = found
        .teams
        .iter()
        .map(|t| {
            let refused = t.refused.as_ref().map_or("–".into(), |e| e.detail.clone());
            vec![
                t.team.clone(),
                t.resolved.to_string(),
                t.skill.as_ref().map_or(refused, two),
                t.eighty.map_or("–".into(), percent),
            ]
        })
        .collect();
    output::text_line(&output::table(&["team", "resolved", "skill", "80% has meant"], &rows))?;
    if let Some(own) = &found.own {
        let text = match (&own.scores.brier, &own.scores.refused) {
            (Some(b), _) => format!("skill {}", two(&b.skill)),
            (None, Some(e)) => e.detail.clone(),
            _ => String::new(),
        };
        output::text_line(&format!("{} ({} resolved): {text}", own.person, own.resolved))?;
    }
    why(&found.evidence)
}
