//! `team`, `question`, `note`: who can do what, what we are asked, what two people wrote down.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use steward_capabilities::people::{self, Canvas, NoteKey};
use steward_server::format;

use super::reports::write_whole;
use crate::cli::{IntakeCommand, NoteCommand, QuestionCommand, TeamCommand};
use crate::failure::{Failure, Outcome};
use crate::output::{self, bold, green};
use crate::{secrets, workspace};

/// `steward team …`.
pub async fn teams(folder: &Path, command: &TeamCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    match command {
        TeamCommand::Status { name, weeks } => {
            let all = match name {
                Some(name) => vec![people::team(&context, name, *weeks).await?],
                None => {
                    let mut all = Vec::new();
                    for name in context.project.teams.keys() {
                        all.push(people::team(&context, name, *weeks).await?);
                    }
                    all
                }
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

/// `steward intake …`.
pub async fn intake(folder: &Path, command: IntakeCommand, json: bool) -> Result<Outcome, Failure> {
    match command {
        IntakeCommand::New { name, canvas, who } => {
            let owner = super::actor(&who)?;
            let definitions = workspace::Definitions::read(folder)?;
            let title = canvas.title.clone().unwrap_or_else(|| name.replace(['_', '-'], " "));
            let filled = Canvas {
                name,
                title,
                owner,
                problem: canvas.problem,
                decision: canvas.decision,
                metric: canvas.metric,
                objectives: canvas.objective,
                effort_weeks: three("--effort", &canvas.effort)?,
                probability: canvas.probability,
                effect: three("--effect", &canvas.effect)?,
                kill_criterion: canvas.kill,
            };
            let files = people::scope(&definitions.project, &definitions.sources, &filled)?;
            for file in &files {
                let path = folder.join(&file.path);
                if let Some(parent) = path.parent() {
                    crate::folder::make(parent)?;
                }
                write_whole(&path, file.text.as_bytes())?;
            }
            let paths: Vec<&str> = files.iter().map(|f| f.path.as_str()).collect();
            if json {
                output::json(&serde_json::json!({ "initiative": filled.name, "files": paths }))?;
            } else {
                output::text_line(&format!(
                    "{} {}; they are in force after: steward apply",
                    green("wrote"),
                    paths.join(" and ")
                ))?;
            }
        }
        IntakeCommand::Preview { file, map, out } => {
            let mut mapping = BTreeMap::new();
            for pair in map {
                let (field, column) = pair.split_once('=').ok_or_else(|| {
                    Failure::call(format!(
                        "--map {pair}: expected FIELD=COLUMN, such as initiative='Epic Link'"
                    ))
                })?;
                mapping.insert(field.to_owned(), column.to_owned());
            }
            let found = people::preview(&file, &mapping)?;
            if let Some(out) = &out {
                write_whole(out, people::as_csv(&found.items).as_bytes())?;
            }
            if json {
                output::json(&found)?;
                return Ok(Outcome::Done);
            }
            for (field, column) in &found.mapping {
                output::text_line(&format!("{field} from {column:?}"))?;
            }
            if !found.unread.is_empty() {
                output::text_line(&format!("not read: {}", found.unread.join(", ")))?;
            }
            if found.without_key > 0 {
                output::text_line(&format!("{} rows have no key and are left out", found.without_key))?;
            }
            let shown = found.items.iter().take(10);
            let rows: Vec<Vec<String>> = shown
                .map(|i| {
                    vec![
                        i.key.clone(),
                        i.title.clone(),
                        i.state.clone(),
                        i.created.clone(),
                        i.closed.clone(),
                        i.initiative.clone(),
                    ]
                })
                .collect();
            output::text_line(&output::table(
                &["key", "title", "state", "created", "closed", "initiative"],
                &rows,
            ))?;
            let end = match &out {
                Some(out) => format!("{} {} items to {}", green("wrote"), found.items.len(), out.display()),
                None => format!("{} items; --out FILE writes them as a table", found.items.len()),
            };
            output::text_line(&end)?;
        }
    }
    Ok(Outcome::Done)
}

/// Three numbers separated by commas.
fn three(option: &str, values: &[f64]) -> Result<[f64; 3], Failure> {
    <[f64; 3]>::try_from(values).map_err(|_| {
        Failure::call(format!(
            "{option} takes three numbers: the 10th, 50th and 90th percentile, such as 4,8,14"
        ))
    })
}
