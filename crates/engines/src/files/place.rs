//! From a location (file, folder or glob) to files.

use std::path::{Path, PathBuf};

use steward_compute::{EngineError, TableFormat, TableSource};

use super::{file_error, table_error};

/// Folders deeper than this are taken for a loop of links.
const DEEPEST: usize = 16;

/// Names the files of its folder that are the table, one a line; lines with `#` tell other things. Who writes such a
/// folder replaces the list whole, so that a reader never sees the rows of two moments.
const LIST: &str = "_files";

fn extensions(format: &TableFormat) -> &'static [&'static str] {
    match format {
        TableFormat::Parquet => &["parquet", "pq"],
        TableFormat::Csv { .. } => &["csv", "tsv", "txt"],
        TableFormat::Json => &["json", "jsonl", "ndjson"],
        TableFormat::Table => &[],
    }
}

fn walk(folder: &Path, extensions: &[&str], depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if depth > DEEPEST {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Hidden files, and what Spark and others leave beside data (`_SUCCESS`).
        if name.starts_with(['.', '_']) {
            continue;
        }
        if path.is_dir() {
            walk(&path, extensions, depth + 1, found)?;
        } else if path
            .extension()
            .is_some_and(|e| extensions.iter().any(|x| e.eq_ignore_ascii_case(x)))
        {
            found.push(path);
        }
    }
    Ok(())
}

/// What a folder's list names; `None` if it has none.
fn listed(folder: &Path) -> std::io::Result<Option<Vec<PathBuf>>> {
    match std::fs::read_to_string(folder.join(LIST)) {
        Ok(text) => {
            let names = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            Ok(Some(names.map(|name| folder.join(name)).collect()))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// The files of a table, sorted. At least one, all readable and not empty.
pub(crate) fn find(table: &TableSource) -> Result<Vec<PathBuf>, EngineError> {
    let place = Path::new(&table.location);
    let wanted = extensions(&table.format);
    let mut found = Vec::new();
    if place.is_dir() {
        let fail = |e| table_error(table, format!("the folder is unreadable: {e}"));
        match listed(place).map_err(fail)? {
            Some(files) => found = files,
            None => walk(place, wanted, 0, &mut found).map_err(fail)?,
        }
        if found.is_empty() {
            return Err(table_error(
                table,
                format!("the folder holds no file ending in .{}", wanted.join(" or .")),
            ));
        }
    } else if place.exists() {
        found.push(place.to_owned());
    } else if table.location.contains(['*', '?', '[']) {
        let paths = glob::glob(&table.location)
            .map_err(|e| table_error(table, format!("the pattern is wrong at position {}: {}", e.pos, e.msg)))?;
        for path in paths {
            let path =
                path.map_err(|e| table_error(table, format!("{} is unreadable: {}", e.path().display(), e.error())))?;
            if path.is_dir() {
                walk(&path, wanted, 0, &mut found).map_err(|e| file_error(table, &path, e))?;
            } else {
                found.push(path);
            }
        }
        if found.is_empty() {
            return Err(table_error(
                table,
                "no file matches the pattern; check the path and the dataset's `location`",
            ));
        }
    } else {
        return Err(table_error(
            table,
            format!("there is no such file or folder{}", near(place)),
        ));
    }
    found.sort();
    found.dedup();
    for path in &found {
        let metadata = std::fs::metadata(path).map_err(|e| file_error(table, path, format!("unreadable: {e}")))?;
        if metadata.len() == 0 {
            return Err(file_error(
                table,
                path,
                "the file is empty (0 bytes); was its writing cut off?",
            ));
        }
    }
    Ok(found)
}

/// A file of a similar name in the same folder.
fn near(place: &Path) -> String {
    let (Some(name), Some(folder)) = (place.file_name(), place.parent()) else {
        return String::new();
    };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return format!("; the folder {} does not exist either", folder.display());
    };
    let names: Vec<String> = entries
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    match crate::datafusion::nearest(&name.to_string_lossy(), names.iter().map(String::as_str)) {
        Some(near) => format!("; did you mean {near}?"),
        None => String::new(),
    }
}
