//! `report`: packs as files.

use std::path::Path;

use steward_capabilities::reports;

use crate::cli::ReportCommand;
use crate::failure::{Failure, Outcome};
use crate::output::{self, green};
use crate::workspace;

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
