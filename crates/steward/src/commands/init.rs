//! `init`: a new project, empty or from data files.

use std::path::{Path, PathBuf};

use steward_capabilities::onboarding;

use crate::failure::{Failure, Outcome};
use crate::output::{self, bold, green};
use crate::{folder, workspace};

/// `steward init [DIR] [--from FILE…]`.
pub async fn init(folder: &Path, files: &[PathBuf], json: bool) -> Result<Outcome, Failure> {
    let folder = std::path::absolute(folder).map_err(|e| Failure::call(format!("{}: {e}", folder.display())))?;
    for file in files {
        if !file.is_file() {
            return Err(Failure::call(format!("{} is no file that can be read", file.display())));
        }
    }
    if folder.join("steward.yaml").exists() && files.is_empty() {
        return Err(Failure::call(format!("{} is a project already", folder.display())));
    }
    let scratch = folder.join(workspace::STATE);
    folder::make(&scratch)?;
    let engine = workspace::embedded(&scratch, None)?;
    let made = onboarding::init(&folder, files, &engine).await?;
    if json {
        output::json(&made)?;
        return Ok(Outcome::Done);
    }
    for (from, to) in &made.copied {
        output::text_line(&format!("copied {from} to {to}"))?;
    }
    for profile in &made.profiles {
        output::text_line(&format!(
            "{}: {} rows, {} columns",
            bold(&profile.table),
            profile.rows,
            profile.columns.len()
        ))?;
        let rows: Vec<Vec<String>> = profile
            .columns
            .iter()
            .map(|c| {
                vec![
                    c.name.clone(),
                    c.logical_type.clone(),
                    c.nulls.to_string(),
                    c.distinct.to_string(),
                    format!(
                        "{}{}",
                        c.reason,
                        c.personal
                            .as_ref()
                            .map(|p| format!("; personal data: {p}"))
                            .unwrap_or_default()
                    ),
                ]
            })
            .collect();
        output::text_line(&output::table(&["column", "type", "nulls", "distinct", "guess"], &rows))?;
    }
    for note in &made.notes {
        output::text_line(&format!("note: {note}"))?;
    }
    for file in &made.written {
        output::text_line(&format!("{} {file}", green("wrote")))?;
    }
    output::text_line(
        "next: look at the guesses, then `steward check`, `steward apply -m 'first definitions'`, `steward run`, `steward serve`",
    )?;
    Ok(Outcome::Done)
}
