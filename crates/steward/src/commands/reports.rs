//! `report`: packs as files.

use std::path::Path;

use steward_capabilities::{Context, reports};
use steward_ledger::{Filter, NewEvent};
use steward_server::mail::{self, Attachment, MailError, Message, Relay};

use crate::cli::ReportCommand;
use crate::failure::{Failure, Outcome};
use crate::output::{self, green};
use crate::workspace;

/// Kind of the event of a pack that was sent.
const SENT: &str = "report.sent";

/// `steward report …`.
pub async fn report(folder: &Path, command: &ReportCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    match command {
        ReportCommand::List => {
            let rows: Vec<Vec<String>> = context
                .project
                .reports
                .values()
                .map(|r| {
                    vec![
                        r.meta.name.clone(),
                        r.meta.owner.clone(),
                        r.meta.label.clone().unwrap_or_default(),
                    ]
                })
                .collect();
            if json {
                let named: Vec<_> = rows
                    .iter()
                    .map(|r| serde_json::json!({"report": r[0], "owner": r[1], "label": r[2]}))
                    .collect();
                output::json(&named)?;
            } else {
                output::text_line(&output::table(&["report", "owner", "label"], &rows))?;
            }
        }
        ReportCommand::New { name, template, who } => {
            let actor = super::actor(who)?;
            if !name.starts_with(|c: char| c.is_ascii_alphabetic())
                || !name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
            {
                return Err(Failure::call(format!(
                    "{name:?} cannot name a report; expected a letter, then letters, digits, _, - or ."
                )));
            }
            let people = &context.project.settings.people;
            let owner = match people.is_empty() || people.iter().any(|p| p.name == actor) {
                true => actor,
                false => context.project.settings.owner.clone().unwrap_or(actor),
            };
            let text = reports::draft(&context.project, template, name, &owner)?;
            let path = folder.join("reports").join(format!("{name}.md"));
            if path.exists() || context.project.reports.contains_key(name) {
                return Err(Failure::call(format!(
                    "there is a report {name} already; choose another name"
                )));
            }
            crate::folder::make(&folder.join("reports"))?;
            write_whole(&path, text.as_bytes())?;
            if json {
                output::json(&serde_json::json!({ "report": name, "template": template, "file": path }))?;
            } else {
                output::text_line(&format!(
                    "{} {}; edit it, then: steward report build {name}",
                    green("wrote"),
                    path.display()
                ))?;
            }
        }
        ReportCommand::Send {
            name,
            due,
            relay,
            from,
            to,
            user,
            password,
            format,
        } => {
            let relay = relay.clone().or_else(|| std::env::var("STEWARD_SMTP").ok());
            let relay = relay
                .ok_or_else(|| Failure::call("which relay? name it with --relay smtp://HOST:PORT or STEWARD_SMTP"))?;
            let relay = Relay::parse(&relay).map_err(|e| Failure::call(e.to_string()))?;
            let password = password.as_deref().map(crate::secrets::resolve).transpose()?;
            let login = user.as_deref().zip(password.as_deref());
            let mut sent = Vec::new();
            let names: Vec<String> = match name {
                Some(name) if !due => vec![name.clone()],
                _ => waiting(&context).await?,
            };
            for name in names {
                sent.push(post(&context, &name, &relay, login, from, to, format).await?);
            }
            if json {
                output::json(&sent)?;
            } else if sent.is_empty() {
                output::text_line("No report is due.")?;
            } else {
                for s in &sent {
                    output::text_line(&format!(
                        "{} {} to {}",
                        green("sent"),
                        s["report"].as_str().unwrap_or_default(),
                        s["to"]
                    ))?;
                }
            }
        }
        ReportCommand::Build { name, out } => {
            let built = reports::conclude(&context, name).await?;
            let out = out.clone().unwrap_or_else(|| format!("{name}.html").into());
            write_whole(&out, &rendered(&built.value, &out)?)?;
            if json {
                output::json(&serde_json::json!({
                    "report": name, "file": out, "evidence": built.evidence.id, "sections": built.value.sections.len(),
                }))?;
            } else {
                output::text_line(&format!("{} {}", green("wrote"), out.display()))?;
            }
        }
    }
    Ok(Outcome::Done)
}

/// The period of a schedule that a moment lies in: `2026-01`, `2026-W01`, `2026-01-05`.
fn period(every: &str, at_us: i64) -> Result<String, Failure> {
    let at = jiff::Timestamp::from_microsecond(at_us).map_err(|e| Failure::world(e.to_string()))?;
    let date = jiff::tz::TimeZone::UTC.to_datetime(at).date();
    Ok(match every {
        "month" => date.strftime("%Y-%m").to_string(),
        "week" => date.strftime("%G-W%V").to_string(),
        _ => date.to_string(),
    })
}

/// Reports whose period has begun and in which they were not sent yet.
async fn waiting(context: &Context) -> Result<Vec<String>, Failure> {
    let mut due = Vec::new();
    for (name, report) in &context.project.reports {
        let Some(every) = &report.send_every else { continue };
        let filter = Filter {
            kind: Some(SENT.into()),
            subject: Some(format!("report/{name}")),
            ..Filter::default()
        };
        let now = period(every, context.now_us)?;
        let sent = context.ledger.read(&filter).await?;
        if !sent.iter().any(|e| e.payload["period"] == now.as_str()) {
            due.push(name.clone());
        }
    }
    Ok(due)
}

/// Builds a pack, sends it, and records that.
async fn post(
    context: &Context,
    name: &str,
    relay: &Relay,
    login: Option<(&str, &str)>,
    from: &str,
    to: &[String],
    format: &str,
) -> Result<serde_json::Value, Failure> {
    let built = reports::conclude(context, name).await?;
    let report = context.project.reports.get(name);
    let to: Vec<String> = match to.is_empty() {
        true => report.map(|r| r.send_to.clone()).unwrap_or_default(),
        false => to.to_vec(),
    };
    let every = report
        .and_then(|r| r.send_every.clone())
        .unwrap_or_else(|| "day".into());
    let file = format!("{name}.{format}");
    let outline = steward_server::pack::outline::outline(&built.value);
    let message = Message {
        from: from.to_owned(),
        subject: format!("{}: {}", outline.title, outline.byline),
        text: format!(
            "{}\n{}\n\nEvidence {}\n",
            outline.title, outline.byline, built.evidence.id
        ),
        attachments: vec![Attachment {
            bytes: rendered(&built.value, Path::new(&file))?,
            name: file,
            kind: match format {
                "pdf" => "application/pdf",
                "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
                "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                _ => "text/html",
            },
        }],
        at_us: workspace::now_us(),
        to: to.clone(),
    };
    mail::send(relay, login, &message).await.map_err(|e| match e {
        MailError::Address(_) => Failure::call(e.to_string()),
        _ => Failure::world(e.to_string()),
    })?;
    // Who got it is personal: it stands in the private part.
    let event = NewEvent {
        kind: SENT.into(),
        subject: format!("report/{name}"),
        actor: "policy/schedule".into(),
        payload: serde_json::json!({ "period": period(&every, context.now_us)?, "format": format, "evidence": built.evidence.id }),
        private: Some(serde_json::json!({ "to": to })),
    };
    context.ledger.append(vec![event]).await?;
    Ok(serde_json::json!({ "report": name, "to": to, "format": format, "evidence": built.evidence.id }))
}

/// A pack in the format that the file's name asks for.
pub fn rendered(pack: &reports::Pack, out: &Path) -> Result<Vec<u8>, Failure> {
    use steward_server::pack::{html, outline::outline, pdf::pdf, pptx::pptx, xlsx::xlsx};
    match out.extension().and_then(|e| e.to_str()) {
        Some("html" | "htm") => Ok(html(pack).into_bytes()),
        Some("xlsx") => Ok(xlsx(&outline(pack))),
        Some("pptx") => Ok(pptx(&outline(pack))),
        Some("pdf") => Ok(pdf(&outline(pack))),
        _ => Err(Failure::call(format!(
            "{}: packs are .html, .pdf, .pptx or .xlsx",
            out.display()
        ))),
    }
}

/// Writes a file whole or not at all.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fail = |e: std::io::Error| Failure::world(format!("cannot write {}: {e}", path.display()));
    // Moving a file over a device or a pipe would put an end to it.
    if path.metadata().is_ok_and(|m| !m.is_file()) {
        return Err(Failure::call(format!(
            "{} exists and is no regular file; name a file to write to",
            path.display()
        )));
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = std::fs::File::create(&part).and_then(|mut file| {
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()
    });
    if let Err(e) = written.and_then(|()| std::fs::rename(&part, path)) {
        // The half-written part is of no use; that it may stay behind is not worth a second error.
        let _ = std::fs::remove_file(&part);
        return Err(fail(e));
    }
    Ok(())
}
