//! One file per group of commands; each translates words into a room's question and prints the answer.

mod bandit;
mod bets;
mod data;
mod definitions;
mod demo;
mod distributions;
mod experiments;
mod flags;
mod governance;
mod init;
mod ledger;
mod models;
mod money;
mod people;
mod planning;
mod portfolio;
mod power;
mod programme;
mod query;
mod reports;
mod run;
mod serve;
mod stats;

use clap::CommandFactory;

use crate::cli::{Cli, Command};
use crate::failure::{Failure, Outcome};
use crate::folder;

/// Runs a command.
pub async fn run(cli: Cli) -> Result<Outcome, Failure> {
    let json = cli.json;
    let project = cli.project.as_deref();
    // Commands that need no project come first.
    match cli.command {
        Command::Init { dir, from } => return init::init(project.unwrap_or(&dir), &from, json).await,
        Command::Schema { out } => return definitions::schema(out.as_deref(), json),
        Command::Stats { method, list } => return stats::stats(method.as_deref(), list),
        Command::Demo(arguments) => return demo::demo(&arguments, json).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "steward", &mut script);
            if json {
                let script = String::from_utf8_lossy(&script);
                crate::output::json(&serde_json::json!({ "shell": shell.to_string(), "script": script }))?;
            } else {
                crate::output::bytes(&script)?;
            }
            return Ok(Outcome::Done);
        }
        Command::Ledger {
            command:
                crate::cli::LedgerCommand::Verify {
                    export: Some(file),
                    head,
                },
        } => {
            return ledger::verify_export(&file, head.as_deref(), json);
        }
        _ => {}
    }
    let folder = folder::find(project)?;
    match cli.command {
        Command::Check { format } => definitions::check(&folder, format, json),
        Command::Plan => definitions::plan(&folder, json).await,
        Command::Apply { who, message } => definitions::apply(&folder, &who, &message, json).await,
        Command::Applied { as_of } => definitions::applied(&folder, as_of.as_deref(), json).await,
        Command::Run { names } => run::run(&folder, &names, json).await,
        Command::Query(arguments) => query::query(&folder, &arguments, json).await,
        Command::Metric { command } => data::metric(&folder, &command, json).await,
        Command::Dataset { command } => data::dataset(&folder, &command, json).await,
        Command::Experiment { command } => experiments::experiment(&folder, command, json).await,
        Command::Model { command } => models::model(&folder, command, json).await,
        Command::Bandit { command } => bandit::bandit(&folder, command, json).await,
        Command::Flag { command } => flags::flag(&folder, command, json).await,
        Command::Objective { command } => experiments::objective(&folder, &command, json).await,
        Command::Bet { command } => bets::bet(&folder, command, json).await,
        Command::Value { command } => bets::value(&folder, command, json).await,
        Command::Portfolio { command } => portfolio::portfolio(&folder, command, json).await,
        Command::Decisions { about, as_of } => governance::decisions(&folder, about, as_of.as_deref(), json).await,
        Command::Waiting => governance::waiting(&folder, json).await,
        Command::Why { evidence } => governance::why(&folder, &evidence, json).await,
        Command::Lineage { reference, as_of } => {
            governance::lineage(&folder, reference.as_deref(), as_of.as_deref(), json).await
        }
        Command::Bill { command } => money::bills(&folder, command, json).await,
        Command::Budget { command } => money::budgets(&folder, &command, json).await,
        Command::Contract { command } => money::contracts(&folder, &command, json).await,
        Command::Team { command } => people::teams(&folder, &command, json).await,
        Command::Question { command } => people::questions(&folder, &command, json).await,
        Command::Intake { command } => people::intake(&folder, command, json).await,
        Command::Note { command } => people::notes(&folder, command, json).await,
        Command::Report { command } => reports::report(&folder, &command, json).await,
        Command::Ledger { command } => ledger::ledger(&folder, command, json).await,
        Command::Serve {
            listen,
            allow_host,
            allow_reset,
        } => serve::serve(&folder, listen, &allow_host, allow_reset, json).await,
        Command::Init { .. }
        | Command::Schema { .. }
        | Command::Stats { .. }
        | Command::Demo(_)
        | Command::Completions { .. } => Ok(Outcome::Done),
    }
}

/// The person who acts: as named, or the environment's user.
fn actor(who: &crate::cli::Who) -> Result<String, Failure> {
    [
        who.actor.clone(),
        std::env::var("STEWARD_USER").ok(),
        std::env::var("USER").ok(),
    ]
    .into_iter()
    .flatten()
    .find(|name| !name.trim().is_empty())
    .ok_or_else(|| Failure::call("who are you? name yourself with --as PERSON or STEWARD_USER"))
}

/// A time on the command line: RFC 3339, or a date, which means its end in UTC.
fn moment(text: Option<&str>) -> Result<Option<i64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Some(at.as_microsecond()));
    }
    format!("{text}T23:59:59.999999Z")
        .parse::<jiff::Timestamp>()
        .map(|at| Some(at.as_microsecond()))
        .map_err(|_| Failure::call(format!("{text:?} is no time; give 2025-04-01 or 2025-04-01T12:00:00Z")))
}
