//! `bandit`: weights, readouts, other policies.

use std::path::Path;

use steward_capabilities::bandits::{self, Evaluation, Policy, Readout, State, Update};
use steward_server::format::{minute, number, percent};

use super::moment;
use crate::cli::BanditCommand;
use crate::failure::{Failure, Outcome};
use crate::output::{self, bold, green, red, yellow};
use crate::workspace;

/// `steward bandit …`.
pub async fn bandit(folder: &Path, command: BanditCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    match command {
        BanditCommand::List => {
            let mut set = bandits::weighings(&context.ledger, None).await?;
            let mut last = |name: &str| set.remove(name).and_then(|mut w| w.pop());
            let all: Vec<_> = context
                .project
                .bandits
                .values()
                .map(|b| (b, last(&b.meta.name)))
                .collect();
            if json {
                let all: Vec<_> = all
                    .iter()
                    .map(|(b, w)| serde_json::json!({ "bandit": b.meta.name, "arms": b.arms, "weighing": w }))
                    .collect();
                output::json(&all)?;
            } else if all.is_empty() {
                output::text_line("no bandit is defined")?;
            } else {
                let rows: Vec<Vec<String>> = all
                    .iter()
                    .map(|(b, w)| {
                        let even = vec![1.0 / b.arms.len() as f64; b.arms.len()];
                        let weights = w.as_ref().map_or(&even, |w| &w.weights);
                        vec![
                            b.meta.name.clone(),
                            shares(&b.arms, weights),
                            w.as_ref().map_or("even split".into(), |w| minute(w.from_us)),
                        ]
                    })
                    .collect();
                output::text_line(&output::table(&["bandit", "served", "since"], &rows))?;
            }
            Ok(Outcome::Done)
        }
        BanditCommand::Update { names, early } => {
            let names = if names.is_empty() {
                context.project.bandits.keys().cloned().collect()
            } else {
                names
            };
            let mut all = Vec::new();
            for name in &names {
                all.push(bandits::update(&context, name, early).await?);
            }
            if json {
                output::json(&all)?;
            } else {
                for update in &all {
                    output::text_line(&updated(update))?;
                }
            }
            // One that is not due was not refused.
            Ok(Outcome::of(all.iter().all(|u| u.updated || u.readout.is_none())))
        }
        BanditCommand::Readout { name, as_of } => {
            let found = bandits::readout(&context, &name, moment(as_of.as_deref())?).await?;
            if json {
                output::json(&found.value)?;
            } else {
                print(&found.value, &found.evidence.id)?;
            }
            Ok(Outcome::of(found.value.recommendation.state != State::Broken))
        }
        BanditCommand::Evaluate {
            name,
            policy,
            always,
            as_of,
        } => {
            let policy = match (policy, always) {
                (_, Some(arm)) => Policy::always(&arm),
                (Some(text), None) => read(&text)?,
                (None, None) => return Err(Failure::call("which policy? give --policy JSON or --always ARM")),
            };
            let found = bandits::evaluate(&context, &name, &policy, moment(as_of.as_deref())?).await?;
            if json {
                output::json(&found.value)?;
            } else {
                worth(&found.value, &found.evidence.id)?;
            }
            Ok(Outcome::Done)
        }
    }
}

/// A policy: shares of arms, or `{"weights", "cells"}`.
fn read(text: &str) -> Result<Policy, Failure> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|e| Failure::call(format!("--policy is no JSON: {e}")))?;
    let whole = if value.get("weights").is_some() {
        value
    } else {
        serde_json::json!({ "weights": value })
    };
    serde_json::from_value(whole).map_err(|e| {
        Failure::call(format!(
            "--policy is no policy ({e}); write {{\"arm\": share, …}}, or {{\"weights\": {{…}}, \"cells\": [{{\"context\": {{…}}, \"weights\": {{…}}}}]}}"
        ))
    })
}

fn shares(arms: &[String], weights: &[f64]) -> String {
    let each = arms.iter().zip(weights).map(|(a, w)| format!("{a} {}", percent(*w)));
    each.collect::<Vec<_>>().join(", ")
}

fn updated(update: &Update) -> String {
    let word = if update.updated {
        green("updated")
    } else {
        yellow("kept")
    };
    let weights = update
        .weighing
        .as_ref()
        .map_or("even split".into(), |w| shares(&w.arms, &w.weights));
    format!(
        "{} {word}: {weights} ({}); next from {}",
        bold(&update.bandit),
        update.because,
        minute(update.next_us)
    )
}

fn print(read: &Readout, evidence: &str) -> Result<(), Failure> {
    let word = match read.recommendation.state {
        State::KeepRunning => yellow("keep running"),
        State::Stop => green("stop"),
        State::Broken => red("broken"),
    };
    output::text_line(&format!("{} {word}", bold(&read.bandit)))?;
    output::text_line(&read.recommendation.summary)?;
    let estimate = |a: &steward_capabilities::experiments::Answer| match a.estimate() {
        Some(e) => format!("{} [{}, {}]", number(e.point), number(e.low), number(e.high)),
        None => "not estimable".into(),
    };
    let rows: Vec<Vec<String>> = read
        .arms
        .iter()
        .map(|a| {
            vec![
                a.arm.clone(),
                percent(a.weight),
                number(a.plays as f64),
                estimate(&a.value),
                a.difference.as_ref().map_or("control".into(), estimate),
                a.best.map_or("–".into(), percent),
                a.mean.map_or("–".into(), number),
            ]
        })
        .collect();
    let header = [
        "arm",
        "served",
        "plays",
        "value",
        "against control",
        "best with",
        "plain mean",
    ];
    output::text_line(&output::table(&header, &rows))?;
    output::text_line(&format!(
        "next: {} ({}); why: steward why {}",
        read.next.weights.as_ref().map_or("none".into(), |w| {
            let arms: Vec<String> = read.arms.iter().map(|a| a.arm.clone()).collect();
            shares(&arms, w)
        }),
        read.next.because,
        evidence.chars().take(12).collect::<String>()
    ))
}

fn worth(found: &Evaluation, evidence: &str) -> Result<(), Failure> {
    output::text_line(&bold(&found.bandit))?;
    output::text_line(&found.summary)?;
    let row = |name: &str, e: &steward_stats::Estimate| {
        vec![
            name.to_owned(),
            format!("{} [{}, {}]", number(e.point), number(e.low), number(e.high)),
        ]
    };
    let mut rows = vec![
        row("inverse propensity", &found.ips),
        row("self-normalised", &found.snips),
    ];
    rows.extend(found.dr.as_ref().map(|e| row("doubly robust", e)));
    rows.push(row("the log", &found.logged));
    output::text_line(&output::table(&["method", "reward a play"], &rows))?;
    output::text_line(&format!(
        "{} plays, worth {}; probabilities: {}; why: steward why {}",
        found.decisions,
        number(found.effective_n.round()),
        found.propensities,
        evidence.chars().take(12).collect::<String>()
    ))
}
