//! The git commit that a project folder stands at.

use std::path::Path;
use std::process::Command;

/// The commit of HEAD, with `-dirty` if the folder differs from it; `None` outside a repository or without git.
pub fn commit(folder: &Path) -> Option<String> {
    let run = |arguments: &[&str]| {
        let out = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(arguments)
            .output()
            .ok()?;
        out.status
            .success()
            .then(|| String::from_utf8_lossy(&out.stdout).trim().to_string())
    };
    let head = run(&["rev-parse", "HEAD"])?;
    let changes = run(&["status", "--porcelain", "--", "."])?;
    Some(if changes.is_empty() {
        head
    } else {
        format!("{head}-dirty")
    })
}
