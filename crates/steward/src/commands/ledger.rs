//! `ledger`: verify, export, log, erase, rebuild.

use std::path::Path;

use steward_ledger::{Filter, Ledger, Verification};
use steward_server::format::minute;

use super::{actor, moment};
use crate::cli::LedgerCommand;
use crate::failure::{Failure, Outcome};
use crate::output::{self, green};
use crate::workspace::{self, Definitions};

/// `steward ledger …` on a project's ledger.
pub async fn ledger(folder: &Path, command: LedgerCommand, json: bool) -> Result<Outcome, Failure> {
    let project = Definitions::read(folder)?.project;
    let ledger = workspace::context(folder, project).await?.ledger;
    match command {
        LedgerCommand::Verify { head, .. } => print(&ledger.verify(head.as_deref()).await?, json),
        LedgerCommand::Export { file } => print(&ledger.export(&file).await?, json),
        LedgerCommand::Log { about, last, as_of } => {
            let filter = Filter {
                subject: about,
                last: Some(last),
                as_of_us: moment(as_of.as_deref())?,
                ..Filter::default()
            };
            let events = ledger.read(&filter).await?;
            if json {
                output::json(&events)?;
                return Ok(Outcome::Done);
            }
            let rows: Vec<Vec<String>> = events
                .iter()
                .map(|e| {
                    vec![
                        e.sequence.to_string(),
                        minute(e.at_us),
                        e.kind.clone(),
                        e.subject.clone(),
                        e.actor.clone(),
                        e.hash.chars().take(12).collect(),
                    ]
                })
                .collect();
            output::text_line(&output::table(&["event", "when", "kind", "about", "by", "hash"], &rows))?;
            Ok(Outcome::Done)
        }
        LedgerCommand::Erase { sequence, reason, who } => {
            let event = ledger.erase(sequence, &actor(&who)?, &reason).await?;
            if json {
                output::json(&event)?;
            } else {
                output::text_line(&format!(
                    "{} the private part of event {sequence}, recorded as event {}",
                    green("erased"),
                    event.sequence
                ))?;
            }
            Ok(Outcome::Done)
        }
        LedgerCommand::Rebuild => {
            ledger.rebuild_projections().await?;
            if json {
                output::json(&serde_json::json!({"rebuilt": true}))?;
            } else {
                output::text_line(&format!("{} projections will be folded from events again", green("ok")))?;
            }
            Ok(Outcome::Done)
        }
    }
}

/// `steward ledger verify --export FILE`: needs no project.
pub fn verify_export(file: &Path, head: Option<&str>, json: bool) -> Result<Outcome, Failure> {
    print(&Ledger::verify_export(file, head)?, json)
}

fn print(verified: &Verification, json: bool) -> Result<Outcome, Failure> {
    if json {
        output::json(verified)?;
    } else {
        output::text_line(&format!(
            "{} {} events, {} erased, head {}",
            green("verified"),
            verified.events,
            verified.erased,
            verified.head
        ))?;
    }
    Ok(Outcome::Done)
}
