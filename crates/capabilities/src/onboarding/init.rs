//! Writing a project: whole files, or none, and none over another.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use steward_compute::{Engine, TableFormat, TableSource};
use steward_definitions::{Project, Severity, Source, draft};

use super::{Initialised, profile, sniff};
use crate::CapabilityError;

/// Owner of what nobody owns yet.
const OWNER: &str = "data-team";

fn file_error(path: &Path, cause: impl Into<String>) -> CapabilityError {
    CapabilityError::File {
        path: path.display().to_string(),
        cause: cause.into(),
    }
}

/// See [`super::init`].
pub(crate) async fn init(
    folder: &Path,
    files: &[PathBuf],
    engine: &dyn Engine,
) -> Result<Initialised, CapabilityError> {
    let settings = folder.join("steward.yaml");
    if settings.exists() {
        return Err(file_error(
            &settings,
            "there is a project already; choose another folder, or add datasets to it by hand",
        ));
    }
    std::fs::create_dir_all(folder).map_err(|e| file_error(folder, format!("cannot be made: {e}")))?;
    let folder = folder
        .canonicalize()
        .map_err(|e| file_error(folder, format!("cannot be read: {e}")))?;
    let name = folder
        .file_name()
        .and_then(|n| n.to_str())
        .map_or_else(|| "project".to_owned(), |n| draft::identifier(n, "project"));

    let mut texts: Vec<(String, String)> = vec![("steward.yaml".into(), draft::settings(&name, OWNER))];
    if !folder.join("README.md").exists() {
        texts.push(("README.md".into(), draft::readme(&name)));
    }
    let mut copies: Vec<(PathBuf, PathBuf, String)> = Vec::new();
    let mut profiles = Vec::new();
    let mut notes = Vec::new();
    let mut taken = draft::Taken::default();
    let mut tables = BTreeSet::new();
    for file in files {
        let full = file
            .canonicalize()
            .map_err(|e| file_error(file, format!("cannot be read: {e}")))?;
        let sniffed = sniff::sniff(&full)?;
        let shown = file.display();
        notes.extend(sniffed.notes.iter().map(|n| format!("{shown}: {n}")));
        let stem = full.file_stem().and_then(|s| s.to_str()).unwrap_or("table");
        let mut table = draft::identifier(stem, "table");
        let base = table.clone();
        let mut n = 2;
        while !tables.insert(table.clone()) {
            table = format!("{base}_{n}");
            n += 1;
        }
        let path = match full.strip_prefix(&folder) {
            Ok(inside) => inside.to_string_lossy().replace('\\', "/"),
            Err(_) => {
                let name = full.file_name().and_then(|n| n.to_str()).unwrap_or("data");
                let path = format!("data/{name}");
                let target = folder.join(&path);
                if target.exists() || copies.iter().any(|(_, t, _)| *t == target) {
                    return Err(file_error(
                        &target,
                        format!("is there already; {shown} would be copied over it: rename one"),
                    ));
                }
                notes.push(format!("{shown} lies outside the project and is copied to {path}."));
                copies.push((full.clone(), target, path.clone()));
                path
            }
        };
        let (format, delimiter, encoding) = match &sniffed.format {
            TableFormat::Csv { delimiter, encoding } => {
                ("csv", Some(*delimiter).filter(|d| *d != ','), encoding.clone())
            }
            TableFormat::Json => ("json", None, None),
            TableFormat::Parquet | TableFormat::Table => ("parquet", None, None),
        };
        let source = TableSource {
            name: table,
            format: sniffed.format.clone(),
            location: full.to_string_lossy().into_owned(),
            columns: Vec::new(),
        };
        let profile = profile::profile(engine, &source).await?;
        if profile.rows == 0 {
            notes.push(format!("{shown} has a header but no rows."));
        }
        let drafted = profile::drafted(&profile, format, &path, delimiter, encoding);
        let dataset = drafted.dataset();
        let metrics = draft::metrics(&drafted, OWNER, &mut taken);
        texts.push((format!("datasets/{dataset}.yaml"), draft::contract(&drafted, OWNER)));
        if let Some(text) = draft::experiment(&drafted, &metrics, OWNER) {
            texts.push((format!("experiments/{dataset}.yaml"), text));
            notes.push(format!(
                "{shown} looks like an experiment: see experiments/{dataset}.yaml."
            ));
        }
        texts.push((format!("metrics/{dataset}.yaml"), metrics.text));
        let personal: Vec<&str> = profile
            .columns
            .iter()
            .filter(|c| c.personal.is_some())
            .map(|c| c.name.as_str())
            .collect();
        if !personal.is_empty() {
            notes.push(format!(
                "{shown} probably holds personal data: {}.",
                personal.join(", ")
            ));
        }
        profiles.push(profile);
    }

    let sources: Vec<Source> = texts
        .iter()
        .filter(|(path, _)| !path.ends_with("README.md"))
        .map(|(path, text)| Source {
            path: path.clone(),
            text: text.clone(),
        })
        .collect();
    let (_, problems) = Project::parse(&sources);
    let errors: Vec<_> = problems.into_iter().filter(|d| d.severity == Severity::Error).collect();
    if !errors.is_empty() {
        return Err(CapabilityError::Definitions(errors));
    }
    for (path, _) in &texts {
        if folder.join(path).exists() {
            return Err(file_error(
                &folder.join(path),
                "is there already and is not overwritten",
            ));
        }
    }
    let mut made = Vec::new();
    let outcome = write_all(&folder, &texts, &copies, &mut made);
    if let Err(e) = outcome {
        // All or nothing: what this call made goes again.
        for path in made.iter().rev() {
            let _ = std::fs::remove_file(path);
        }
        return Err(e);
    }
    Ok(Initialised {
        folder: folder.display().to_string(),
        written: texts.into_iter().map(|(path, _)| path).collect(),
        copied: copies
            .into_iter()
            .map(|(from, _, to)| (from.display().to_string(), to))
            .collect(),
        profiles,
        notes,
    })
}

fn write_all(
    folder: &Path,
    texts: &[(String, String)],
    copies: &[(PathBuf, PathBuf, String)],
    made: &mut Vec<PathBuf>,
) -> Result<(), CapabilityError> {
    let parent = |path: &Path| match path.parent() {
        Some(p) => std::fs::create_dir_all(p).map_err(|e| file_error(p, format!("cannot be made: {e}"))),
        None => Ok(()),
    };
    for (from, to, _) in copies {
        parent(to)?;
        made.push(to.clone());
        std::fs::copy(from, to).map_err(|e| file_error(to, format!("cannot be written: {e}")))?;
    }
    // steward.yaml last: a folder without it is no project yet.
    for (path, text) in texts.iter().rev() {
        let path = folder.join(path);
        parent(&path)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|e| file_error(&path, format!("cannot be written: {e}")))?;
        made.push(path.clone());
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|e| file_error(&path, format!("cannot be written: {e}")))?;
    }
    Ok(())
}
