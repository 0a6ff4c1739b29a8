//! Exit codes: 0 done, 1 the answer is no, 2 the call is wrong, 3 the world is broken.

use std::process::ExitCode;

use steward_capabilities::CapabilityError;
use steward_capabilities::tracking::RunsError;
use steward_compute::EngineError;
use steward_ledger::LedgerError;
use steward_server::ServerError;

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// The answer is no: a check failed.
    No,
}

impl Outcome {
    /// `No` unless `good`.
    pub fn of(good: bool) -> Outcome {
        if good { Outcome::Done } else { Outcome::No }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(match outcome {
            Outcome::Done => 0,
            Outcome::No => 1,
        })
    }
}

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The call is wrong.
    pub fn call(message: impl Into<String>) -> Failure {
        Failure {
            code: 2,
            message: message.into(),
        }
    }

    /// The answer is no, and here is why.
    pub fn no(message: impl Into<String>) -> Failure {
        Failure {
            code: 1,
            message: message.into(),
        }
    }

    /// The world is broken.
    pub fn world(message: impl Into<String>) -> Failure {
        Failure {
            code: 3,
            message: message.into(),
        }
    }

    /// What is wrong, in words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// As [`Failure::print`]; with `--json` also as the one document on standard output.
    pub fn tell(self, json: bool) -> ExitCode {
        if json {
            let error = serde_json::json!({ "error": { "exit_code": self.code, "message": self.message } });
            // If standard output is what is broken, the words below still say so.
            let _ = crate::output::json(&error);
        }
        self.print()
    }

    /// Prints it to standard error and answers its exit code.
    pub fn print(self) -> ExitCode {
        eprintln!("{} {}", crate::output::red("error:"), self.message);
        ExitCode::from(self.code)
    }
}

impl From<CapabilityError> for Failure {
    fn from(e: CapabilityError) -> Failure {
        match e {
            CapabilityError::Engine(e) => e.into(),
            CapabilityError::Ledger(e) => e.into(),
            CapabilityError::Definitions(diagnostics) => {
                let lines: Vec<String> = diagnostics
                    .iter()
                    .map(|d| format!("{}:{}: {}", d.span.file, d.span.line, d.message))
                    .collect();
                Failure::no(lines.join("\n"))
            }
            CapabilityError::Runs(e) => e.into(),
            CapabilityError::Unknown { .. }
            | CapabilityError::Invalid(_)
            | CapabilityError::Missing(_)
            | CapabilityError::Exists(_) => Failure::call(e.to_string()),
            CapabilityError::Refused(_) | CapabilityError::Protected { .. } | CapabilityError::NotApplied => {
                Failure::no(e.to_string())
            }
            CapabilityError::Facts(_) | CapabilityError::Moved(_) | CapabilityError::File { .. } => {
                Failure::world(e.to_string())
            }
        }
    }
}

impl From<RunsError> for Failure {
    fn from(e: RunsError) -> Failure {
        match e {
            RunsError::Store { .. } => Failure::world(e.to_string()),
            _ => Failure::call(e.to_string()),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(e: EngineError) -> Failure {
        match e {
            EngineError::Plan { .. } => Failure::call(e.to_string()),
            _ => Failure::world(e.to_string()),
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(e: LedgerError) -> Failure {
        match e {
            LedgerError::Broken { .. } | LedgerError::BrokenEvidence { .. } => Failure::no(e.to_string()),
            LedgerError::Ambiguous { .. } | LedgerError::Invalid { .. } => Failure::call(e.to_string()),
            _ => Failure::world(e.to_string()),
        }
    }
}

impl From<ServerError> for Failure {
    fn from(e: ServerError) -> Failure {
        Failure::world(e.to_string())
    }
}
