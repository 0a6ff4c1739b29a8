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
        ReportCommand::Build { name, out } => {
            let built = reports::conclude(&context, name).await?;
            let out = out.clone().unwrap_or_else(|| format!("{name}.html").into());
            write_whole(&out, steward_server::pack::html(&built.value).as_bytes())?;
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
