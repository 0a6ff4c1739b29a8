//! `team`, `question`, `note`: who can do what, what we are asked, what two people wrote down.

use std::io::Read;
use std::path::Path;

use steward_capabilities::people::{self, NoteKey};
use steward_server::format;

use crate::cli::{NoteCommand, QuestionCommand, TeamCommand};
use crate::failure::{Failure, Outcome};
use crate::output::{self, bold, green};
use crate::{secrets, workspace};

/// `steward team …`.
pub async fn teams(folder: &Path, command: &TeamCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    match command {
        TeamCommand::Status { name } => {
            let all = match name {
                Some(name) => vec![people::team(&context, name).await?],
                None => people::teams(&context).await?,
            };
            if json {
                output::json(&all)?;
                return Ok(Outcome::Done);
            }
            for t in &all {
                output::text_line(&bold(&format!(
                    "{}: {} people, {} weeks to {}, {} asked (80% between {} and {})",
                    t.team,
                    t.members.len(),
                    format::number(t.supply_weeks),
                    t.until,
                    format::number(t.demand_weeks[1]),
                    format::number(t.demand_weeks[0]),
                    format::number(t.demand_weeks[2])
                )))?;
                let rows: Vec<Vec<String>> = t
                    .skills
                    .iter()
                    .map(|s| {
                        let remedies: Vec<String> = s
                            .remedies
                            .iter()
                            .map(|r| format!("{} to {}", r.remedy, format::probability(r.shortage)))
                            .collect();
                        vec![
                            s.skill.clone(),
                            s.able.join(", "),
                            format::number(s.supply_weeks),
                            format::number(s.demand_weeks[1]),
                            s.shortage.map_or("–".into(), format::probability),
                            remedies.join(", "),
                        ]
                    })
                    .collect();
                output::text_line(&output::table(
                    &["skill", "relied upon", "weeks", "asked", "shortage", "one more person"],
                    &rows,
                ))?;
            }
        }
        TeamCommand::Review { person, since } => {
            let since = super::moment(since.as_deref())?;
            let review = people::review(&context, person, since).await?;
            if json {
                output::json(&review)?;
                return Ok(Outcome::Done);
            }
            output::text_line(&bold(&format!("{}: what is on record", review.person)))?;
            for d in &review.decisions {
                output::text_line(&format!("decided {}: {} (#{})", d.subject, d.choice.word(), d.sequence))?;
            }
            output::text_line(&format!("answers for {}", review.owns.join(", ")))?;
            output::text_line(&format!("works on {}", review.initiatives.join(", ")))?;
            for (skill, level) in &review.growth {
                output::text_line(&format!("grows in {skill} to level {level}"))?;
            }
        }
    }
    Ok(Outcome::Done)
}

/// `steward question …`.
pub async fn questions(folder: &Path, command: &QuestionCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    match command {
        QuestionCommand::List => {
            let all = people::questions(&context)?;
            if json {
                output::json(&all)?;
            } else {
                let rows: Vec<Vec<String>> = all
                    .iter()
                    .map(|q| {
                        let day = q.expires.clone().or_else(|| q.due.clone()).unwrap_or_default();
                        vec![
                            q.question.clone(),
                            q.state.word().into(),
                            q.owner.clone(),
                            q.asked_by.clone(),
                            day,
                            q.asks.clone(),
                        ]
                    })
                    .collect();
                output::text_line(&output::table(
                    &["question", "state", "owner", "asked by", "due or expires", "asks"],
                    &rows,
                ))?;
            }
        }
        QuestionCommand::Answer { name } => {
            let found = people::answer(&context, name).await?;
            if json {
                output::json(
                    &serde_json::json!({ "question": name, "answer": found.value, "evidence": found.evidence.id }),
                )?;
            } else {
                let columns: Vec<&str> = found.value.columns.iter().map(String::as_str).collect();
                let rows: Vec<Vec<String>> = found
                    .value
                    .rows
                    .iter()
                    .map(|r| r.iter().map(steward_server::pack::values::plain).collect())
                    .collect();
                output::text_line(&output::table(&columns, &rows))?;
                let short: String = found.evidence.id.chars().take(12).collect();
                output::text_line(&format!("why: steward why {short}"))?;
            }
        }
    }
    Ok(Outcome::Done)
}

/// `steward note …`.
pub async fn notes(folder: &Path, command: NoteCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    match command {
        NoteCommand::Add { with, key, text, who } => {
            let actor = super::actor(&who)?;
            let key = NoteKey::of(&secrets::resolve(&key)?)?;
            let text = match text {
                Some(text) => text,
                None => {
                    let mut typed = String::new();
                    std::io::stdin()
                        .read_to_string(&mut typed)
                        .map_err(|e| Failure::world(format!("cannot read the note from standard input: {e}")))?;
                    typed
                }
            };
            let id = people::add_note(&context, &actor, &with, &text, &key)?;
            if json {
                output::json(&serde_json::json!({ "note": id }))?;
            } else {
                output::text_line(&format!("{} a note that {actor} and {with} can read", green("kept")))?;
            }
        }
        NoteCommand::List { with, key, who } => {
            let actor = super::actor(&who)?;
            let key = NoteKey::of(&secrets::resolve(&key)?)?;
            let all = people::notes(&context, &actor, &with, &key)?;
            if json {
                output::json(&all)?;
            } else {
                for note in &all {
                    output::text_line(&format!(
                        "{} {}\n{}\n",
                        bold(&format::minute(note.at_us)),
                        note.author,
                        note.text.trim_end()
                    ))?;
                }
            }
        }
    }
    Ok(Outcome::Done)
}
