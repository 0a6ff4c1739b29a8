//! The project folder: where it is, which texts define it, and when they changed.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use steward_definitions::Source;

use crate::failure::Failure;

/// Longest definition text read, in bytes.
const TEXT_LIMIT: u64 = 4 << 20;
/// Folders that hold no definitions.
const SKIPPED: [&str; 4] = [".steward", ".git", "data", "target"];

/// The project folder: as given, or the nearest folder upward that holds `steward.yaml`.
pub fn find(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(folder) = given {
        let folder = std::path::absolute(folder).map_err(|e| Failure::call(format!("{}: {e}", folder.display())))?;
        if !folder.join("steward.yaml").is_file() {
            return Err(Failure::call(format!(
                "{} holds no steward.yaml; start a project with `steward init {}`",
                folder.display(),
                folder.display()
            )));
        }
        return Ok(folder);
    }
    let here = std::env::current_dir().map_err(|e| Failure::world(format!("cannot tell the current folder: {e}")))?;
    here.ancestors()
        .find(|folder| folder.join("steward.yaml").is_file())
        .map(Path::to_path_buf)
        .ok_or_else(|| {
            Failure::call(format!(
                "neither {} nor a folder above it holds steward.yaml; start a project with `steward init`, name one with --project DIR, or look around with `steward demo`",
                here.display()
            ))
        })
}

/// Makes a folder and those above it.
pub fn make(folder: &Path) -> Result<(), Failure> {
    let Err(e) = std::fs::create_dir_all(folder) else {
        return Ok(());
    };
    let file = folder.ancestors().find(|above| above.exists() && !above.is_dir());
    Err(match (file, e.kind()) {
        (Some(file), _) => Failure::world(format!(
            "cannot make the folder {}: {} is a file; move it away, or choose another folder",
            folder.display(),
            file.display()
        )),
        (None, std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem) => {
            Failure::world(format!(
                "cannot make the folder {}: {e}; make the folder above it writable for you, or choose another",
                folder.display()
            ))
        }
        (None, _) => Failure::world(format!("cannot make the folder {}: {e}", folder.display())),
    })
}

/// Every definition text below the folder, in order of path.
pub fn sources(folder: &Path) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for path in definition_files(folder)? {
        let relative = path
            .strip_prefix(folder)
            .unwrap_or(&path)
            .to_string_lossy()
            .replace('\\', "/");
        let size = std::fs::metadata(&path).map(|m| m.len()).unwrap_or(0);
        if size > TEXT_LIMIT {
            return Err(Failure::no(format!(
                "{relative} has {size} bytes; a definition has at most {TEXT_LIMIT}: keep data in data/"
            )));
        }
        let bytes = std::fs::read(&path).map_err(|e| Failure::world(format!("cannot read {relative}: {e}")))?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            let line = e.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
            Failure::no(format!(
                "{relative}:{line}: the text is not UTF-8; save the file as UTF-8"
            ))
        })?;
        sources.push(Source { path: relative, text });
    }
    Ok(sources)
}

/// Writes a definition text whole, if it still says what it said before. Who may read and write it stays.
pub fn keep(folder: &Path, path: &str, before: &str, after: &str) -> Result<(), String> {
    let fail = |e: std::io::Error| format!("cannot be written: {e}; nothing was changed");
    // A link stays a link: what it points to is written.
    let place = folder.join(path).canonicalize().map_err(fail)?;
    if std::fs::read_to_string(&place).map_err(fail)? != before {
        return Err("the file was changed at this moment; look at it and try again".to_owned());
    }
    if before == after {
        return Ok(());
    }
    let mode = std::fs::metadata(&place).map_err(fail)?.permissions();
    if mode.readonly() {
        return Err("the file may not be written; nothing was changed".to_owned());
    }
    let mut name = place.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let part = place.with_file_name(name);
    let written = std::fs::File::create(&part).and_then(|mut file| {
        std::io::Write::write_all(&mut file, after.as_bytes())?;
        file.set_permissions(mode)?;
        file.sync_all()
    });
    written.and_then(|()| std::fs::rename(&part, &place)).map_err(|e| {
        // The half-written part is of no use; that it may stay behind is not worth a second error.
        let _ = std::fs::remove_file(&part);
        fail(e)
    })
}

/// Changes when a definition file is added, removed or written.
pub fn fingerprint(folder: &Path) -> u64 {
    let mut hash = DefaultHasher::new();
    for path in definition_files(folder).unwrap_or_default() {
        path.hash(&mut hash);
        if let Ok(m) = std::fs::metadata(&path) {
            m.len().hash(&mut hash);
            m.modified().ok().hash(&mut hash);
        }
    }
    hash.finish()
}

fn definition_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(place) = waiting.pop() {
        let entries =
            std::fs::read_dir(&place).map_err(|e| Failure::world(format!("cannot read {}: {e}", place.display())))?;
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if !SKIPPED.contains(&name.as_str()) && !name.starts_with('.') {
                    waiting.push(path);
                }
            } else if [".yaml", ".yml", ".md", ".sql"].iter().any(|end| name.ends_with(end))
                && !(place == folder && name.ends_with(".md"))
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
