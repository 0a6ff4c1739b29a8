//! A project folder and the real binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a call answered.
pub struct Answer {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Answer {
    /// Fails the test unless the exit code is this.
    #[track_caller]
    pub fn exits(self, code: i32) -> Answer {
        assert_eq!(
            self.code, code,
            "standard output:\n{}\nstandard error:\n{}",
            self.out, self.err
        );
        self
    }

    /// Fails the test unless the error says all of these.
    #[track_caller]
    pub fn says(self, all: &[&str]) -> Answer {
        for part in all {
            assert!(
                self.err.contains(part) || self.out.contains(part),
                "nothing says `{part}`:\n{}\n{}",
                self.out,
                self.err
            );
        }
        self
    }

    /// Standard output as the one JSON document that it must be.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.out) {
            Ok(document) => document,
            Err(e) => panic!("{e} in\n{}\nstandard error:\n{}", self.out, self.err),
        }
    }
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Answer {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The binary under test, in a folder, with nothing of the caller's environment that Steward reads.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("STEWARD_USER", "ada")
        .env_remove("STEWARD_LOG");
    command
}

/// Runs `steward` in a folder.
pub fn steward(folder: &Path, arguments: &[&str]) -> Answer {
    command(folder).args(arguments).output().unwrap().into()
}

/// A folder that goes when the test ends.
pub struct Folder(TempDir);

impl Folder {
    /// An empty folder.
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A path in it.
    pub fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file in it, with its folders.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Folder {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// Runs `steward` in it.
    pub fn steward(&self, arguments: &[&str]) -> Answer {
        steward(self.path(), arguments)
    }
}
